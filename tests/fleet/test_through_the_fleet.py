"""Through the fleet once: two terminals join, a release fails on the canary, which goes back by itself; the mended one
reaches both; one is revoked and out. Broker, hub, release desk and updaters are processes that speak TLS; the program
that is switched is a simulated terminal (`bench/rollout_payload.py`), and people use yingbinctl.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bench.rollout_payload import PROGRAM
from bench.rollout_world import OLD, World, make_world, standing
from hub import ctl
from hub.broker import find_mosquitto
from kiosk.adapters.mqtt import PahoBus
from kiosk.joining.asking import Asking
from kiosk.joining.identity import Identity
from kiosk.joining.member import refusal
from kiosk.joining.trust import context
from kiosk.runtime.clock import SystemClock
from tests.fleet.world import House, open_house
from tests.hub.wirekit import ROOT, start, until

pytestmark = pytest.mark.e2e
BRANCH = "binjiang"
DEVICES = ("kiosk-2", "kiosk-3")
WAIT_S = 180.0
OUT_WITHIN_S = 5.0
BAD, MENDED = "2.0.0", "2.0.1"
ALL_DAY = "begins = 00:00:00\nends = 23:59:59.999999\nquiet_s = 0\ntrial_s = 0.5"
PLAN: dict[str, Any] = {
    "query": {"devices": list(DEVICES)}, "waves": [{"number": 1, "approve": True}], "limits": {"failed": 1},
    "on_stop": "return",
}  # fmt: skip


@dataclass
class Fleet:
    house: House
    world: World
    site: Path
    updaters: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def place(self, device: str) -> Path:
        return self.house.folder / "releases" / device

    def identity(self, device: str) -> Identity:
        return Identity(self.house.folder / f"identity-{device}", self.house.authority)

    def start_updater(self, device: str) -> None:
        """As it is installed, before the terminal has joined."""
        root = self.house.folder / "root.json"
        root.write_bytes(self.world.root)
        options = ["--place", str(self.world.fresh(device)), "--root", str(root), "--child", PROGRAM, "--site",
                   str(self.site), "--identity", str(self.house.folder / f"identity-{device}")]  # fmt: skip
        with (self.house.folder / f"updater-{device}.log").open("ab") as log:
            self.updaters.append(
                subprocess.Popen([sys.executable, "-m", "kiosk.rollout", *options], cwd=ROOT, stderr=log)
            )

    def standing(self, device: str) -> str:
        return standing(self.place(device))

    def runs(self, release: str) -> Callable[[], bool]:
        def look() -> bool:
            found = [one["version"] for one in self.house.ctl("list")["terminals"] if one["device"] in DEVICES]
            return found == [release] * len(DEVICES)

        return look

    def status(self, campaign: str) -> str:
        return str(self.house.ctl("rollout", "show", campaign)["status"])

    def begin(self, version: str) -> str:
        plan = json.dumps(PLAN | {"version": version})
        return str(self.house.ctl("rollout", "create", "-", "--name", f"to {version}", text=plan)["campaign"])


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    before, ctl.SESSION = ctl.SESSION, tmp_path / "ctl.json"
    releases = tmp_path / "releases"
    world = make_world(releases, {BAD: "does_not_recognise", MENDED: "good"}, seed=1, ballast_bytes=120_000)
    house = open_house(tmp_path)
    address = f"127.0.0.1:{house.broker.ready['hub_port']}"
    house.more.append(
        start("hub.release", "serve", "--repository", str(world.repository), "--broker", address, "--authority",
              str(tmp_path / "trust"))
    )  # fmt: skip
    made = Fleet(house, world, house.site(updates=ALL_DAY))
    for device in DEVICES:
        made.start_updater(device)
    yield made
    for updater in made.updaters:
        updater.terminate()
    for updater in made.updaters:
        updater.wait(20)
    house.stop()
    ctl.SESSION = before


async def join(fleet: Fleet, device: str) -> None:
    """What the core's first page does, while an operator claims the code."""
    me = fleet.identity(device)
    bus = PahoBus("127.0.0.1", fleet.house.broker.ready["join_port"], client_id=f"join-{device}",
                  tls=context(me.authority, None, time_known=False), kept_while_away=False)  # fmt: skip
    asking = asyncio.create_task(Asking(bus, me, "box-1", SystemClock(), lambda how: None).run())

    def claim() -> bool:
        try:
            fleet.house.ctl("join", f"{BRANCH}/{device}", "--code", me.code, "--region", "east")
        except AssertionError:  # its request has not arrived yet: nobody shows this code
            return False
        return True

    async with asyncio.timeout(WAIT_S):
        while not bus.connected:
            await asyncio.sleep(0.05)
        for _ in range(8):  # ten wrong codes, and claiming waits
            await asyncio.sleep(0.5)
            if await asyncio.to_thread(claim):
                break
        await asking


def test_join_a_bad_release_goes_back_the_mended_one_stays_and_a_revoked_terminal_is_out(fleet: Fleet) -> None:
    house = fleet.house
    house.login("zhou")
    for device in DEVICES:
        asyncio.run(join(fleet, device))
    until(fleet.runs(OLD), WAIT_S, "the updaters do not speak under the names that joining gave")

    bad = fleet.begin(BAD)
    until(lambda: fleet.status(bad) == "returned", WAIT_S, f"the bad release was not stopped: {fleet.status(bad)}")
    told = house.ctl("rollout", "show", bad)
    assert told["reason"] == "failed"
    assert [fleet.standing(device) for device in DEVICES] == [OLD, OLD]

    good = fleet.begin(MENDED)
    until(lambda: fleet.status(good) == "waiting", WAIT_S, "the canary did not take the mended release")
    assert sorted(fleet.standing(device) for device in DEVICES) == [OLD, MENDED]
    house.login("chen")
    house.ctl("rollout", "approve", good)
    until(lambda: fleet.status(good) == "finished", WAIT_S, "the mended release did not reach both")
    until(fleet.runs(MENDED), WAIT_S, "not all say that they run it")
    assert [fleet.standing(device) for device in DEVICES] == [MENDED, MENDED]

    gone, stays = (fleet.identity(device) for device in DEVICES)
    assert verdict(fleet, gone) == ""
    house.ctl("revoke", f"{BRANCH}/{DEVICES[0]}", "--reason", "stolen")
    began_s = time.monotonic()
    until(lambda: verdict(fleet, gone) == "revoked", WAIT_S, "it is still let in")
    assert time.monotonic() - began_s < OUT_WITHIN_S
    assert verdict(fleet, stays) == ""


def verdict(fleet: Fleet, me: Identity) -> str:
    """What the broker says to this terminal's certificate."""
    pair = me.pair
    assert pair is not None
    tls = context(me.authority, pair.path, time_known=True)
    return refusal("127.0.0.1", fleet.house.broker.ready["port"], tls)
