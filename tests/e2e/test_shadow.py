"""The terminal's own core, set from a hub: taken while it runs, kept over a start, given up after two ends by force."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from kiosk.shadow.files import WANTED
from tests.hub.wirekit import BRANCH, DEVICE, ROOT, start_broker, start_hub, until

pytestmark = pytest.mark.e2e
WITHIN_S = 180.0  # a busy machine loads the models slowly


@dataclass
class Place:
    """A hub, and the core of one terminal that is started again and again."""

    folder: Path
    port: int
    address: str
    core: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "core.log").open("ab") as log:
            self.core = subprocess.Popen(
                [sys.executable, "-m", "kiosk", "core", "--state", str(self.folder), "--tickets",
                 str(self.folder / "tickets"), "--socket", str(self.folder / "screen.sock"),
                 "--hub", f"127.0.0.1:{self.port}"],
                cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip

    def end(self, number: int) -> int:
        assert self.core is not None
        self.core.send_signal(number)
        return self.core.wait(30)

    def seen(self, what: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What the hub knows of the terminal, when it has become so."""
        deadline_s = time.monotonic() + WITHIN_S
        while True:
            answer = httpx.get(self.address)
            if answer.status_code == 200 and (told := answer.json()["reported"]) and what(told):
                return dict(told)
            assert time.monotonic() < deadline_s, answer.text[:600]
            time.sleep(0.2)

    def crashes(self, count: int) -> bool:
        return f'"crashes":{count},"running":true' in (self.folder / "shadow" / WANTED).read_text("ascii")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    broker = start_broker(tmp_path / "broker")
    hub = start_hub(broker.ready["port"], tmp_path / "hub.db")
    address = f"{hub.ready['http']}/api/v1/branches/{BRANCH}/devices/{DEVICE}/shadow"
    made = Place(tmp_path, broker.ready["port"], address)
    yield made
    if made.core is not None and made.core.poll() is None:
        made.end(signal.SIGKILL)
    hub.stop()
    broker.stop()


def test_the_core_takes_settings_while_it_runs_and_gives_up_what_it_dies_of(place: Place) -> None:
    place.start()
    assert place.seen(lambda told: True)["state"] == "local"
    wish = {
        "voice.gain_max_db": 3, "hearing.pause_ms": 1000, "seeing.arrive_ms": 700, "talking.prompt_after_s": 20,
        "branch.hours": {"sunday": {"opens": "00:10", "closes": "23:50"}}, "voice.persona": "xiaohe",
    }  # fmt: skip
    assert httpx.post(place.address, json={"settings": wish}).status_code == 202
    told = place.seen(lambda told: told["in_force"] == 1)
    assert (told["state"], told["waits"], told["on_trial"]) == ("applied_after_restart", ["voice.persona"], True)
    assert place.end(signal.SIGTERM) == 0
    place.start()
    told = place.seen(lambda told: told["state"] == "applied")
    assert (told["settings"]["voice.persona"], told["on_trial"]) == ({"value": "xiaohe", "origin": "remote"}, True)
    for killed in (1, 2):
        place.end(signal.SIGKILL)
        place.start()
        if killed == 1:
            until(lambda: place.crashes(1), WITHIN_S, "the end by force was not counted")
    told = place.seen(lambda told: told["state"] == "rolled_back")
    assert (told["in_force"], told["reasons"]) == (0, [{"why": "restarts", "what": ""}])
    assert {one["origin"] for one in told["settings"].values()} == {"local"}
    assert place.end(signal.SIGTERM) == 0
