"""A canary that comes up well and understands worse is stopped by its figures; one that does not is let go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts import fleet as f
from hub.accounts.rights import OPERATOR
from hub.fleet import wanted
from hub.fleet.campaigns import Campaigns
from hub.fleet.tables import fleet_starts
from hub.store import Store, devices, events

pytestmark = pytest.mark.contract
START = datetime(2026, 5, 4, 8, tzinfo=UTC)
TERMINALS = tuple(f"kiosk-{number}" for number in range(6))


class Fleet:
    """Six terminals, two of which are the canary."""

    def __init__(self, database: str, *gates: dict[str, Any]) -> None:
        self.store, self.now = Store(database), START
        self.campaigns = Campaigns(self.store, now=lambda: self.now)
        with self.store.write() as db:
            for device in TERMINALS:
                values = {"online": True, "seen": START, "versions": {"kiosk": "1.0.0"}}
                db.execute(sa.insert(devices).values(branch="b", device=device, **values))
        waves = [{"number": 2, "soak_s": 3_600.0}]
        plan = {"version": "2.0.0", "waves": waves, "gates": list(gates)}
        self.campaign, _ = self.campaigns.begin(OPERATOR, "of the test", plan)
        self.canary = [one["device"] for one in self.campaigns.members(self.campaign) if one["wave"] == 0]
        for device in self.canary:
            self.done(device)

    def done(self, device: str) -> None:
        said = f.RolloutReport(id="x", at=self.now, mono_ns=1, since=START, version="2.0.0", state="done", generation=1)
        with self.store.write() as db:
            wanted.keep_reports(db, {("b", device): said}, self.now, self.campaigns.told)

    def understands(self, device: str, count: int, asked_back: int, at: datetime) -> None:
        rows = [
            {"branch": "b", "device": device, "log": f"{device}{at:%H%M}", "seq": number + 1, "kind": "understood",
             "visit": "v", "at": at, "body": {"decision": "ask" if number < asked_back else "act"}}
            for number in range(count)
        ]  # fmt: skip
        with self.store.write() as db:
            db.execute(sa.insert(events), rows)

    def checks_faces(self, device: str, liveness: Sequence[str], at: datetime) -> None:
        rows = [
            {"branch": "b", "device": device, "log": f"{device}{at:%H%M}", "seq": number + 1, "kind": "face_checked",
             "visit": "v", "at": at, "body": {"liveness": one}}
            for number, one in enumerate(liveness)
        ]  # fmt: skip
        with self.store.write() as db:
            db.execute(sa.insert(events), rows)

    def an_hour_later(self) -> dict[str, Any]:
        self.now = START + timedelta(hours=1, seconds=1)
        self.campaigns.carry_on()
        return self.campaigns.look(self.campaign)[0]


@pytest.fixture
def fleets() -> Iterator[list[Fleet]]:
    made: list[Fleet] = []
    yield made
    for one in made:
        one.store.close()


GATE = {"figure": "ask_backs", "factor": 1.2, "alpha": 0.01, "least": 50}


@pytest.mark.parametrize(
    ("asked_back", "status", "reason"), [(12, "returning", "gate_ask_backs"), (5, "running", ""), (None, "waiting", "")]
)
def test_the_canarys_ask_backs_are_held_against_the_others(
    asked_back: int | None, status: str, reason: str, fleets: list[Fleet], database: str
) -> None:
    fleet = Fleet(database, GATE)
    fleets.append(fleet)
    later = START + timedelta(minutes=30)
    for device in TERMINALS:
        fleet.understands(device, 60, 60, START - timedelta(minutes=1))  # before: counts for nobody
        if device not in fleet.canary:
            fleet.understands(device, 60, 5, later)
        elif asked_back is not None:
            fleet.understands(device, 60, asked_back, later)
    shown = fleet.an_hour_later()
    assert shown["status"] == status
    assert not reason or shown["reason"] == reason
    if asked_back is None:  # too little was seen of it: a person decides
        assert shown["reason"] == "gate_ask_backs"


@pytest.mark.parametrize(
    ("liveness", "status"), [("spoof", "returning"), ("unclear", "returning"), ("live", "running")]
)
def test_a_release_that_refuses_the_living_goes_back(
    liveness: str, status: str, fleets: list[Fleet], database: str
) -> None:
    fleet = Fleet(database, {"figure": "liveness_rejects", "factor": 1.2, "alpha": 0.01, "least": 30})
    fleets.append(fleet)
    for device in TERMINALS:
        said = [liveness if device in fleet.canary and n % 3 == 0 else "live" for n in range(40)]
        fleet.checks_faces(device, said, START + timedelta(minutes=30))
    assert fleet.an_hour_later()["status"] == status


def test_restarts_are_counted_over_the_same_hours(fleets: list[Fleet], database: str) -> None:
    fleet = Fleet(database, {"figure": "restarts", "factor": 1.5, "alpha": 0.01, "least": 1})
    fleets.append(fleet)
    with fleet.store.write() as db:
        rows = [
            {"branch": "b", "device": fleet.canary[0], "since": START + timedelta(minutes=minute), "version": "2.0.0"}
            for minute in range(2, 14)
        ]
        db.execute(sa.insert(fleet_starts), rows)
    shown = fleet.an_hour_later()
    assert (shown["status"], shown["reason"]) == ("returning", "gate_restarts")
    lines = [one for one in fleet.campaigns.journal(fleet.campaign) if one["what"] == "gate_worse"]
    assert lines[0]["reason"].startswith("restarts 12/2 against 0/4")
