"""Terminals that wait for a teller, over both buses: what a killed worker owed is done by another one, and told."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from config.routing import load_routing
from contracts import topics
from contracts import video_messages as v
from hub.store import Store
from hub.video import acts
from hub.video.pool import Pool
from hub.video.tables import case_changes
from tests.hub.wirekit import BRANCH, DEVICE, Sender, start_worker, until

pytestmark = pytest.mark.e2e
RULES = """
[limits]
offer_s = 5
teller_heard_s = 300
terminal_heard_s = 300
terminal_lost_s = 600
"""


class Terminal:
    """A kiosk on the bus, its case, and what it was told."""

    def __init__(self, port: int) -> None:
        self.sender, self.case = Sender(), f"case-{uuid.uuid4().hex[:12]}"
        self.told: list[v.CaseStanding] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _client, _data, message: self.told.append(
            topics.CASE_STANDING.decode(bytes(message.payload))
        )
        self.client.on_connect = lambda client, *_: client.subscribe(topics.CASE_STANDING.at(BRANCH, DEVICE), 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def ask(self) -> None:
        need = v.Need(service="personal", language="zh")
        self.sender.seq += 1
        message = v.CaseOp(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), log=self.sender.log,
            seq=self.sender.seq, follows=self.sender.seq - 1,
            body=v.TellerAsked(case=self.case, visit="v", packet=None, need=need),
        )  # fmt: skip
        row = topics.CASE_OP
        self.client.publish(row.at(BRANCH, DEVICE), row.encode(message), 1).wait_for_publish(15)

    def here(self) -> None:
        said = v.CaseHere(id="h", at=datetime.now(UTC), mono_ns=0, case=self.case)
        row = topics.CASE_HERE
        self.client.publish(row.at(BRANCH, DEVICE), row.encode(said), 1).wait_for_publish(15)

    def hears(self, state: str) -> bool:
        """Whether it was told this last; it says meanwhile that its visitor is there."""
        self.here()
        time.sleep(0.2)
        return bool(self.told) and self.told[-1].state == state

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_an_offer_of_a_worker_that_was_killed_ends_in_time_and_the_terminal_is_told(
    bus: tuple[int, tuple[str, ...]], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules_file = tmp_path / "routing.toml"
    rules_file.write_text(RULES)
    monkeypatch.setenv("YINGBIN_ROUTING", str(rules_file))
    rules, (port, more) = load_routing(), bus
    store = Store(database)
    store.apply(lambda db: acts.enrol(Pool(db, rules, datetime.now(UTC)), "li", services=["personal"]))
    workers = [start_worker(port, database, *more) for _ in range(2)]
    kiosk = Terminal(port)
    try:
        kiosk.ask()
        until(lambda: kiosk.hears("waiting"), 30, "it was not told that it waits")
        assert kiosk.told[-1].outcome == "nobody" and "call_back" in kiosk.told[-1].choices
        store.apply(lambda db: acts.ready(Pool(db, rules, datetime.now(UTC)), "li", ["*"]))
        until(lambda: kiosk.hears("offered"), 30, "it was not told of the offer")
        workers[0].kill()
        until(lambda: kiosk.hears("waiting"), 40, "the offer did not end")
        revisions = [one.revision for one in kiosk.told]
        assert len({one.store for one in kiosk.told}) == 1 and max(revisions) > min(revisions)
        changes = sa.select(case_changes.c.event).order_by(case_changes.c.id)
        assert [row["event"] for row in store.rows(changes)] == ["offered", "offer_lapsed"]
    finally:
        kiosk.close()
        workers[1].stop()
        workers[0].kill()
        store.close()
