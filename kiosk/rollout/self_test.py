"""`python -m kiosk.rollout.self_test`: a release does its work once, before anybody relies on it.

A recorded visitor walks up to this release's own core and screen, with file-backed devices and a state folder of its
own: heard, understood, answered aloud, given a ticket on paper. Where the site compares faces, the visitor's portrait
is told from another. The real hub is only asked whether it answers; no ticket of the test reaches it. One line of
JSON: `{"failed": [...]}`. What is not there to be tested (cards) is not claimed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from config.load import ConfigError
from config.scenario import Scenario, find_scenario, load_scenario
from config.schema import Site, load_site
from kiosk.runtime.supervisor import CORE_ALLOCATOR, SCREEN_ALLOCATOR, Child, ChildFailed, Supervisor, module
from kiosk.scenario.prepare import is_recorded, prepare, recording_folder
from models.store import StoreError, models_root

log = logging.getLogger(__name__)

VISIT_S: Final = 200.0
HUB_S: Final = 10.0
UPDATER_S: Final = 60.0
VERIFY_S: Final = 60.0
NOWHERE: Final = "127.0.0.1:9"  # the discard port: a terminal on its own, whose tickets go nowhere
VISITORS: Final = "visitors"
SCENARIO: Final = "withdraw_zh"


async def run_test(site: Site, scenario: Scenario, work: Path) -> tuple[str, ...]:
    """What failed, by codes; nothing: it works."""
    failed = [] if await _hub_answers(site) else ["hub"]
    if not await _updater_starts():
        failed.append("updater")
    recording = await _recording(scenario)
    if site.identity.face and not await _verifies(recording / "portrait.png"):
        failed.append("verifies")
    account = await _visit(scenario, recording, work)
    return (*(failures_of(account) if account is not None else ("visit",)), *failed)


def failures_of(account: Mapping[str, Any]) -> tuple[str, ...]:
    """Which part did not do its work, as the account of the visit shows it."""
    if account.get("ok"):
        return ()
    turns, ticket = account.get("turns") or [], account.get("ticket") or {}
    worked = {
        "hears": bool(turns),
        "understands": not any("expected turn" in failure for failure in account.get("failures", ())),
        "speaks": any("first_sample" in (turn.get("latency_ms") or {}) for turn in turns),
        "prints": bool(ticket.get("printed")),
    }
    return tuple(code for code, did in worked.items() if not did) or ("visit",)


async def _updater_starts() -> bool:
    """Whether this release's own updater can be started: once it is kept, that one takes the next."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk.rollout", "--help", stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(UPDATER_S):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False


async def _hub_answers(site: Site) -> bool:
    try:
        async with asyncio.timeout(HUB_S):
            _, writer = await asyncio.open_connection(site.hub.host, site.hub.port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _recording(scenario: Scenario) -> Path:
    """The folder of the recorded visitor: the release's, this machine's, or made now."""
    recording = recording_folder(scenario)
    brought = models_root() / "models" / VISITORS / recording.name
    if is_recorded(brought):
        return brought
    if not is_recorded(recording):
        await asyncio.to_thread(prepare, scenario, log.info)
    return recording


async def _verifies(portrait: Path) -> bool:
    """In a process of its own, so that its networks are gone before the visit begins."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "kiosk.rollout.verifies", str(portrait))
    try:
        async with asyncio.timeout(VERIFY_S):
            return await process.wait() == 0
    except TimeoutError:
        process.kill()
        await process.wait()
        return False


async def _visit(scenario: Scenario, recording: Path, work: Path) -> Mapping[str, Any] | None:
    supervisor, report = Supervisor(), work / "account.json"
    try:
        await supervisor.start(
            Child(
                name="screen", argv=module("kiosk.screen", "--socket", str(work / "screen.sock"), "--headless"),
                log=work / "screen.log", allocator=SCREEN_ALLOCATOR,
            )
        )  # fmt: skip
        await supervisor.start(
            Child(
                name="core",
                argv=module("kiosk", "core", "--hub", NOWHERE, "--state", str(work / "state"), "--socket",
                            str(work / "screen.sock"), "--tickets", str(work / "tickets"), "--scenario",
                            scenario.source, "--recording", str(recording), "--report", str(report), "--sound",
                            str(work / "visit.wav")),
                log=work / "core.log",
                restart=False,
                allocator=CORE_ALLOCATOR,
            )
        )  # fmt: skip
        async with asyncio.timeout(VISIT_S):
            name = ""
            while name != "core":
                name, _ = await supervisor.ended.get()
    except (ChildFailed, TimeoutError) as err:
        log.error("self-test: %s", err)
        return None
    finally:
        await supervisor.stop()
    if not report.exists():
        return None
    found: Mapping[str, Any] = json.loads(report.read_text("utf-8"))
    return found


def main(argv: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m kiosk.rollout.self_test", description=__doc__)
    options.add_argument("--site", type=Path, default=None)
    options.add_argument("--scenario", default=SCENARIO)
    told = options.parse_args(list(argv))
    try:
        site, scenario = load_site(told.site), load_scenario(find_scenario(told.scenario))
        with tempfile.TemporaryDirectory(prefix="yingbin-test-") as folder:
            failed = asyncio.run(run_test(site, scenario, Path(folder)))
    except (ConfigError, StoreError, OSError) as err:
        log.error("self-test: %s", err)
        failed = ("could_not_run",)
    print(json.dumps({"failed": list(failed)}), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
