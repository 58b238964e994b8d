"""The demo: broker, hub, terminal and screen as processes of their own, and a recorded visitor among them.

`make demo`, the end-to-end tests and the benches all run this. Nothing is left running, whatever happens.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from config.scenario import Scenario
from config.schema import Site, site_path
from kiosk.runtime.supervisor import (
    CORE_ALLOCATOR,
    SCREEN_ALLOCATOR,
    Child,
    ChildFailed,
    Stopped,
    Supervisor,
    module,
    unless,
)
from kiosk.scenario.film import Still, contact_sheet, make_film, screen_began_ns
from kiosk.scenario.prepare import is_recorded, recording_folder

CORE_ENDS_S: Final = 240.0
RECORD_S: Final = 180.0
HUB_ANSWERS_S: Final = 5.0
STILLS: Final = 15
SHOWN: Final = {"approach": 1.0, "greeted": 1.6, "turn": 1.1, "page": 1.2, "visit_ended": 1.0}
PAGES_SHOWN: Final = ("ticket", "opinion", "goodbye")
APART_S: Final = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    scenario: Scenario
    site: Site
    out: Path
    headless: bool
    film: bool = True
    size: str = "1080x1920"
    again_for_s: float = 0.0  # the same visitor comes again and again for so long


class DemoFailed(RuntimeError):
    """The demo could not run to its end; the message says why and where the logs are."""


def has_display() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


async def run_demo(
    options: DemoOptions,
    progress: Callable[[str], None],
    disturb: Callable[[Supervisor], Any] | None = None,
) -> dict[str, Any]:
    """Run one scenario and return its account. `disturb(supervisor)`: a coroutine that kills things meanwhile."""
    options.out.mkdir(parents=True, exist_ok=True)
    supervisor = Supervisor()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with suppress(NotImplementedError, ValueError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with tempfile.TemporaryDirectory(prefix="yingbin-demo-") as temporary:
        work = Path(temporary)
        try:
            recording = await unless(stop, _recorded(options, supervisor, work, progress))
            account = await unless(stop, _visit(options, supervisor, recording, work, progress, disturb))
        except Stopped as err:
            raise DemoFailed("stopped") from err
        finally:
            await supervisor.stop()
            _keep_logs(work, options.out)
        progress("making the film and the contact sheet")
        await asyncio.to_thread(_film, options, work, account)
    (options.out / "account.json").write_text(json.dumps(account, ensure_ascii=False, indent=1), "utf-8")
    return account


async def _recorded(options: DemoOptions, supervisor: Supervisor, work: Path, progress: Callable[[str], None]) -> Path:
    """The visitor's recording, made by a process of its own so that it can be stopped; at once if it is there."""
    folder = recording_folder(options.scenario)
    if is_recorded(folder):
        return folder
    progress("recording the visitor: her or his sentences, spoken in a simulated room")
    argv = module("kiosk", "record", "--scenario", options.scenario.source)
    await supervisor.start(Child(name="record", argv=argv, log=work / "logs" / "record.log", restart=False))
    await _child_ends("record", supervisor, options.out, RECORD_S)
    if not is_recorded(folder):
        raise DemoFailed(f"the visitor could not be recorded; the log: {options.out / 'logs' / 'record.log'}")
    return folder


async def _visit(
    options: DemoOptions,
    supervisor: Supervisor,
    recording: Path,
    work: Path,
    progress: Callable[[str], None],
    disturb: Callable[[Supervisor], Any] | None,
) -> dict[str, Any]:
    logs, site = work / "logs", options.site
    progress("starting broker and hub")
    broker = await supervisor.start(
        Child(
            name="broker",
            argv=module("hub", "broker", "--dir", str(work / "broker")),
            log=logs / "broker.log",
            ready_line=True,
        )
    )
    port = int(str(broker["port"]))
    supervisor.pin("broker", module("hub", "broker", "--dir", str(work / "broker"), "--port", str(port)))
    address = f"127.0.0.1:{port}"
    serve = (
        "serve",
        "--broker",
        address,
        "--database",
        f"sqlite:///{work}/hub.db",
        "--site",
        str(site_path()),
        "--no-sign-in",
    )
    argv = module("hub", *serve, "--http", "127.0.0.1:0")
    hub = await supervisor.start(Child(name="hub", argv=argv, log=logs / "hub.log", ready_line=True))
    web = str(hub["http"])
    supervisor.pin("hub", module("hub", *serve, "--http", web.removeprefix("http://").rstrip("/")))
    if options.scenario.waiting_before:
        await _simulated_branch(options, address, logs)
    progress(f"the hub shows the branch at {web}")
    report = work / "account.json"
    screen = Child(name="screen", argv=_screen(options, work), log=logs / "screen.log", allocator=SCREEN_ALLOCATOR)
    await supervisor.start(screen)
    await supervisor.start(
        Child(
            name="core",
            argv=module("kiosk", "core", "--hub", address, "--public-url", web, "--state", str(work / "state"),
                        "--socket", str(work / "screen.sock"), "--tickets", str(options.out / "tickets"),
                        "--scenario", options.scenario.source, "--recording", str(recording),
                        "--report", str(report), "--sound", str(work / "visit.wav"),
                        "--again-for-s", str(options.again_for_s)),
            log=logs / "core.log",
            restart=False,
            allocator=CORE_ALLOCATOR,
        )
    )  # fmt: skip
    progress("the visitor walks up; this takes as long as the visit")
    disturbing = asyncio.create_task(disturb(supervisor)) if disturb else None
    await _child_ends("core", supervisor, options.out, CORE_ENDS_S + options.again_for_s)
    if disturbing and options.again_for_s:
        disturbing.cancel()  # it watched, as long as there was something to see
    elif disturbing:
        await disturbing
    if not report.exists():
        raise DemoFailed(f"the terminal ended without an account; its log: {options.out / 'logs' / 'core.log'}")
    account: dict[str, Any] = json.loads(report.read_text("utf-8"))
    await asyncio.to_thread(_add_hub_rows, account, site, web)
    account["restarts"] = supervisor.tally_restarts
    return account


def _screen(options: DemoOptions, work: Path) -> list[str]:
    size = ["--size", options.size]
    hidden = ["--headless"] if options.headless else []
    record = ["--record", str(work / "film")] if options.film else []
    return module("kiosk.screen", "--socket", str(work / "screen.sock"), *size, *hidden, *record)


async def _simulated_branch(options: DemoOptions, broker: str, logs: Path) -> None:
    """Other visitors of the branch wait already: a simulated kiosk issued their tickets."""
    service = options.site.services[0]
    argv = module("bench.simulate", "--broker", broker, "--branch", options.site.branch.id, "--service", service.id,
                  "--letter", service.letter, "--tickets", str(options.scenario.waiting_before))  # fmt: skip
    process = await asyncio.create_subprocess_exec(*argv, stderr=(logs / "simulate.log").open("ab"))
    try:
        status = await process.wait()
    finally:
        with suppress(ProcessLookupError):  # told to stop meanwhile
            process.kill()
    if status:
        raise DemoFailed("the simulated branch could not hand its tickets to the hub")


async def _child_ends(wanted: str, supervisor: Supervisor, out: Path, within_s: float) -> None:
    """Wait for the end of this child, or of a process that must not end."""
    try:
        async with asyncio.timeout(within_s):
            while True:
                name, status = await supervisor.ended.get()
                if name == wanted:
                    return
                if (name, status) != ("screen", 0):  # the core closes the screen a moment before it ends itself
                    raise ChildFailed(f"{name} ended with status {status}; its log: {out / 'logs' / name}.log")
    except TimeoutError as err:
        raise DemoFailed(f"{wanted} did not end within {within_s:.0f} s; logs: {out / 'logs'}") from err


def _add_hub_rows(account: dict[str, Any], site: Site, web: str) -> None:
    """Ask the hub what it has of this terminal, and whether the ticket is there. Waits a moment for a hub that
    has just been restarted."""
    url = f"{web.rstrip('/')}/api/v1/branches/{site.branch.id}/devices/{site.device.id}/rows"
    deadline = time.monotonic() + HUB_ANSWERS_S
    rows: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        with suppress(OSError, ValueError):
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  # our own hub on loopback
                rows = _rows(json.load(answer))
            break
        time.sleep(0.2)
    account["hub_rows"] = rows
    ticket = account.get("ticket")
    number = ticket["number"] if ticket else None
    there = any(row["kind"] == "ticket" and row["number"] == number for row in rows)
    account["ticket_at_hub"] = there
    if ticket and not there:
        account["failures"].append(f"ticket {ticket['number']} is not in the hub's store")
        account["ok"] = False
    if account["tallies"]["owed_to_hub"]:
        account["failures"].append(f"{account['tallies']['owed_to_hub']} moments never reached the hub")
        account["ok"] = False


def _rows(found: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Events, tickets and opinions as the hub stores them, as one list."""
    return [
        *found["events"],
        *({"kind": "ticket", **row} for row in found["tickets"]),
        *({"kind": "opinion", **row} for row in found["opinions"]),
    ]


def _film(options: DemoOptions, work: Path, account: dict[str, Any]) -> None:
    account["video"] = None
    screen = work / "film" / "screen.mp4"
    if not options.film:
        return
    if not screen.exists():
        account["failures"].append("the screen left no recording")
        account["ok"] = False
        return
    began_ns = screen_began_ns(work / "film")
    film = options.out / "visit.mp4"
    make_film(screen, began_ns, work / "visit.wav", account["sound_began_ns"], film)
    account["screen_began_ns"] = began_ns
    offset_s = (account["trace_began_ns"] - began_ns) / 1e9
    stills = _stills(account["moments"], offset_s)
    contact_sheet(film, stills[:STILLS], options.out / "visit.png")
    account["video"] = str(film)
    account["contact_sheet"] = str(options.out / "visit.png")


def _stills(moments: list[dict[str, Any]], offset_s: float) -> list[Still]:
    """The moments worth a picture, each picture once."""
    stills: list[Still] = []
    for moment in moments:
        if moment["kind"] not in SHOWN or (moment["kind"] == "page" and moment["page"] not in PAGES_SHOWN):
            continue
        still = Still(moment["at_s"] + offset_s + SHOWN[moment["kind"]], _label(moment))
        if not stills or still.at_s - stills[-1].at_s >= APART_S:
            stills.append(still)
    return stills


def _label(moment: dict[str, Any]) -> str:
    match moment["kind"]:
        case "turn":
            return f"“{moment['heard']}”" if moment["decision"] != "unsure" or moment["confidence"] else "听不清"
        case "page":
            return str(moment["page"])
        case "approach":
            return "walks up"
        case "visit_ended":
            return "forgotten"
    return str(moment["kind"])


def _keep_logs(work: Path, out: Path) -> None:
    if (work / "logs").exists():
        shutil.copytree(work / "logs", out / "logs", dirs_exist_ok=True)
