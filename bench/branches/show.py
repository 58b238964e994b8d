"""The manager's pages of a simulated day, as pictures: `python -m bench.branches.show --out out/desk`.

Twelve days are lived through the real wire and hub, then a busy morning until a quarter to eleven, on which the hub
looks ahead and may act. The branch's clock is set so that this moment is now; the hub's own server is started over
that database, and a real browser takes the pictures.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from bench.branches.arrivals import HOUR_S, days
from bench.branches.foreseen import Foreseen, folder_for
from bench.branches.parameters import load
from bench.branches.wire import WireHouse
from config.routing import ROUTING_FILE, ROUTING_VARIABLE, load_routing
from config.schema import DEFAULT_SITE
from hub.foresight.dispatch_rule import Kind, Rules
from hub.store import Store

BRANCH: Final = "binjiang"
SEED: Final = 11
FIRST: Final = date(2026, 3, 2)
HISTORY: Final = 12
LOOKING: Final = 1  # of these days the hub looks ahead on, so that promises and forecasts can be compared
UNTIL_S: Final = 10.75 * HOUR_S
READY_S: Final = 120


def prepare(folder: Path, history: int = HISTORY, looking: int = LOOKING) -> tuple[str, int, str]:
    """A database in which now is a quarter to eleven of a busy simulated morning; its URL, the zone, a waiting number.

    The zone is chosen so that the moment is now: minutes ahead of UTC.
    """
    parameters = load()
    branch = parameters.branches[BRANCH]
    coming = list(itertools.islice(days(parameters, branch, FIRST, SEED), history + 1))
    now = datetime.now(UTC)
    minute = now.hour * 60 + now.minute
    zone_min = int((UNTIL_S / 60 - minute + 720) % 1_440 - 720)
    local_day = (now + timedelta(minutes=zone_min)).date()
    shift = timedelta(days=(local_day - coming[-1].date).days)
    # to the second: what is simulated ends where the clock stands
    begins = datetime(local_day.year, local_day.month, local_day.day, tzinfo=UTC) - timedelta(minutes=zone_min)
    until_s = (now - begins).total_seconds()
    url = f"sqlite:///{folder}/hub.db"
    store = Store(url)
    routing = load_routing().model_copy(update={"zone_min": zone_min})
    house = WireHouse(
        store, folder_for(folder, "terminals"), BRANCH, branch.kiosks, zone=timezone(timedelta(minutes=zone_min)),
        days=shift,
    )  # fmt: skip
    lived = Foreseen(parameters, branch, house, routing, SEED)
    for at, day in enumerate(coming[:-1]):
        lived.run(day, looks=at >= history - looking)
    lived.plan(coming[-1])
    lived.allow(Rules(True, frozenset({Kind.MIX, Kind.SELF_SERVICE}), 20))
    lived.run(coming[-1], looks=True, until_s=until_s)
    number = next((seen.number for seen in house.tickets.values() if seen.waiting), "A001")
    house.close()
    store.close()
    return url, zone_min, f"{(coming[-1].date + shift).isoformat()}/{number}"


def take(out: Path, folder: Path, history: int) -> list[Path]:
    """The pictures. Raises what Playwright raises; the hub is ended in any case."""
    from playwright.sync_api import sync_playwright

    url, zone_min, ticket = prepare(folder, history)
    routing = folder / "routing.toml"
    text = ROUTING_FILE.read_text("utf-8").replace("zone_min = 480", f"zone_min = {zone_min}")
    routing.write_text(text, "utf-8")
    argv = [sys.executable, "-m", "hub", "serve", "--broker", "127.0.0.1:9", "--database", url, "--http", "127.0.0.1:0",
            "--site", str(DEFAULT_SITE), "--no-sign-in"]  # fmt: skip
    environment = {**os.environ, ROUTING_VARIABLE: str(routing), "TZ": _zone_name(zone_min)}
    hub = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    found = []
    try:
        assert hub.stdout is not None
        address = json.loads(hub.stdout.readline())["http"]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1440, "height": 1000})
            page.set_default_timeout(120_000)
            page.goto(f"{address}/desk/branch/{BRANCH}", wait_until="commit")
            page.wait_for_selector(".services article")
            found.append(_picture(page, out / "floor.png"))
            page.goto(f"{address}/desk/foresight/{BRANCH}", wait_until="commit")
            page.click("[data-act=what-if]")
            page.wait_for_selector("table.what-if")
            found.append(_picture(page, out / "foresight.png"))
            phone = browser.new_page(viewport={"width": 390, "height": 844})
            phone.goto(f"{address}/t/{BRANCH}/{ticket}")
            found.append(_picture(phone, out / "phone-wait.png"))
            browser.close()
    finally:
        hub.terminate()
        hub.wait(READY_S)
    return found


def _picture(page: object, path: Path) -> Path:
    page.screenshot(path=str(path), full_page=True)  # type: ignore[attr-defined]
    return path


def _zone_name(zone_min: int) -> str:
    """A POSIX zone, whose sign runs the other way."""
    sign = "-" if zone_min >= 0 else "+"
    return f"SIM{sign}{abs(zone_min) // 60}:{abs(zone_min) % 60:02d}"


def main(argv: Sequence[str] | None = None) -> int:
    arguments = argparse.ArgumentParser(prog="bench.branches.show", description=__doc__)
    arguments.add_argument("--out", type=Path, default=Path("out/desk"))
    arguments.add_argument("--history", type=int, default=HISTORY)
    given = arguments.parse_args(argv)
    given.out.mkdir(parents=True, exist_ok=True)
    shared = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        for picture in take(given.out, Path(folder), given.history):
            print(picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
