"""Roll-outs over a fleet: `python -m bench fleet --kiosks 1000 --json -`.

Simulated terminals on a real broker, led by a real hub worker over SQLite that is killed (SIGKILL) fifty times while
it works. First a release that fails on 3 % of them, with a limit of 2 %: it must stop at exactly the outcome that the
limit states, and everything that was done must go back. Then one that also fails on 3 %, with a limit of 5 %: it must
go through. Both journals are held line by line against a reference that shares no code with the hub, and the
terminals' own state against what the hub says. Only the updates themselves are simulated: a pause and an outcome.
Last, the terminal's real fetching takes 200 MB over a simulated line (`bench/rollout_line.py`).
"""

from __future__ import annotations

import argparse
import contextlib
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

import sqlalchemy as sa

from bench.fleet_kiosks import Fleet
from bench.fleet_reference import Differs, Reference
from bench.hub import start
from bench.hub_servers import postgres
from bench.rollout_line import over_the_line
from hub.accounts.rights import OPERATOR
from hub.bus import Outgoing
from hub.bus_mqtt import MqttBus
from hub.fleet.campaign_plan import read_plan, waves_of
from hub.fleet.campaigns import CampaignProblem, Campaigns
from hub.fleet.tables import fleet_campaigns, fleet_reported
from hub.service import VERSION
from hub.store import Store

KILLS: Final = 50
LINE_BYTES: Final = 200_000_000  # what a release may weigh that has to come over a bad line
FAILING: Final = 0.03
SEED: Final = 8
LONGEST_S: Final = 1_500.0  # of one roll-out
POLL_S: Final = 0.05
NEVER: Final = 10**9


@dataclass(slots=True)
class House:
    """The broker, the worker that is killed, and the database that they meet in."""

    port: int
    database: str
    kills_wanted: int
    chance: random.Random
    worker: subprocess.Popen[str] | None = None
    kills: int = 0
    dead_s: float = 0.0
    kill_at: int = NEVER
    lives: list[int] = field(default_factory=list)  # journal lines that each life wrote
    desk: MqttBus | None = None  # what an operator's web process sends

    def send(self, messages: Sequence[Outgoing]) -> None:
        """As a web process does after what a person did."""
        for message in messages:
            if self.desk is not None:
                self.desk.send(message)

    def start_worker(self, steps: int) -> None:
        """Start it (again); it may write some lines of the journal until it is killed."""
        began_s = time.monotonic()
        self.worker = start(
            "worker", "hub", "worker", "--broker", f"127.0.0.1:{self.port}", "--database", self.database, "--no-share"
        ).popen
        self.dead_s += time.monotonic() - began_s
        self.kill_at = steps + self.chance.randint(5, 40) if self.kills < self.kills_wanted else NEVER

    def maybe_kill(self, steps: int, began: int) -> int:
        """Kill it where its time has come; the line at which its life began."""
        if steps < self.kill_at or self.worker is None:
            return began
        time.sleep(self.chance.uniform(0, 0.02))  # anywhere in what it does
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait()
        if self.worker.stdout is not None:
            self.worker.stdout.close()
        self.kills += 1
        self.lives.append(steps - began)
        self.start_worker(steps)
        return steps


def run(kiosks: int, kills: int, database: str = "sqlite") -> dict[str, Any]:
    """Both roll-outs; what was seen."""
    began_s = time.monotonic()
    with _house(kills, database) as house:
        chance = random.Random(SEED)
        failing = chance.sample(range(kiosks), round(kiosks * FAILING))
        bad = [(number, version) for number in failing for version in ("2.0.0", "2.1.0")]
        fleet = Fleet(house.port, kiosks, "1.0.0", bad, SEED)
        store = Store(house.database)
        try:
            house.start_worker(0)
            fleet.appear()
            _until(lambda: _known(store) == kiosks, "the hub did not hear of every terminal")
            stops = _roll_out(house, fleet, store, "2.0.0", 0.02, kills // 2)
            goes = _roll_out(house, fleet, store, "2.1.0", 0.05, kills)
        finally:
            fleet.close()
            store.close()
    return {
        "kiosks": kiosks, "database": database, "terminals_simulated": True,
        "failing_share": FAILING, "hub_killed": house.kills,
        "final_state_equals_reference": stops["equals_reference"] and goes["equals_reference"],
        "stopped_at_stated_point": stops["stopped_at"] is not None and stops["stopped_at"] == stops["stated_stop"],
        "bad_release": stops, "limit_kept_release": goes, "reports_said": fleet.said,
        "reports_said_twice": fleet.repeated, "journal_lines_per_life": sum(house.lives) / max(len(house.lives), 1),
        "hub_starting_s": round(house.dead_s, 1), "bad_line": over_the_line(LINE_BYTES, SEED),
        "seconds": round(time.monotonic() - began_s, 1), "seed": SEED,
    }  # fmt: skip


@contextlib.contextmanager
def _house(kills: int, database: str) -> Iterator[House]:
    with contextlib.ExitStack() as closing:
        folder = closing.enter_context(tempfile.TemporaryDirectory(prefix="yingbin-fleet-"))
        url = f"sqlite:///{folder}/hub.db"
        if database == "postgresql":
            url = closing.enter_context(postgres(durable=True)).database("fleet")
        broker = start("broker", "hub", "broker", "--dir", f"{folder}/broker")
        house = House(broker.ready["port"], url, kills, random.Random(SEED + 1))
        house.desk = MqttBus([("127.0.0.1", house.port)], version=VERSION, part="sender")
        house.desk.start()
        try:
            yield house
        finally:
            house.desk.stop()
            for process in (house.worker, broker.popen):
                if process is not None:
                    process.terminate()
                    process.wait()
                    if process.stdout is not None:
                        process.stdout.close()


def _roll_out(house: House, fleet: Fleet, store: Store, version: str, share: float, kills: int) -> dict[str, Any]:
    """One roll-out from its beginning to its end, the worker being killed until `kills` were reached in all."""
    campaigns, terminals = Campaigns(store), len(fleet.terminals)
    judged_from = min(200, terminals // 3)
    plan: dict[str, Any] = {
        "version": version,
        "waves": [{"number": max(terminals // 50, 1), "approve": True}, {"share": 0.2}, {"share": 0.3}],
        "limits": {"failed_share": share, "judged_from": judged_from, "done_share": 0.5},
        "pace": {"at_once": 40, "answer_s": 3_600.0, "deadline_s": 3_600.0, "return_s": 3_600.0, "attempts": 1},
        "on_stop": "return",
    }  # fmt: skip
    house.kills_wanted = kills
    campaign, outgoing = campaigns.begin(OPERATOR, f"bench {version}", plan)
    house.send(outgoing)
    steps = _steps(store, campaign)
    house.kill_at = steps + house.chance.randint(5, 50)
    began, over, deadline_s = steps, False, time.monotonic() + LONGEST_S
    while not over and time.monotonic() < deadline_s:
        time.sleep(POLL_S)
        shown = _look(campaigns, campaign)
        steps, over = shown["steps"], shown["over"]
        if shown["status"] == "waiting":
            with contextlib.suppress(CampaignProblem):  # a worker was quicker
                house.send(campaigns.order(OPERATOR, campaign, "approve"))
        began = house.maybe_kill(steps, began)
    return _judged(campaigns, campaign, fleet, plan)


def _judged(campaigns: Campaigns, campaign: str, fleet: Fleet, plan: dict[str, Any]) -> dict[str, Any]:
    shown = _look(campaigns, campaign)
    lines: list[dict[str, Any]] = []
    while page := campaigns.journal(campaign, len(lines)):
        lines += page
    members = campaigns.members(campaign)
    names = [f"{one['branch']}/{one['device']}" for one in members]
    sizes, _ = waves_of(read_plan(plan), len(members))
    reference, difference = Reference(shown["plan"], shown["waves"], names, sizes), ""
    try:
        reference.read([(one["what"], f"{one['branch']}/{one['device']}" if one["device"] else "") for one in lines])
    except Differs as err:
        difference = str(err)
    states = {f"{one['branch']}/{one['device']}": one["state"] for one in members}
    equal = not difference and states == reference.state and shown["status"] == reference.status
    what = [one["what"] for one in lines]
    stop = what.index("stop") if "stop" in what else len(what)
    return {
        "status": shown["status"], "limit_failed_share": plan["limits"]["failed_share"],
        "judged_from": plan["limits"]["judged_from"], "journal_lines": len(lines), "equals_reference": equal,
        "difference": difference, "stated_stop": _stated_stop(what, plan["limits"]),
        "stopped_at": sum(one in ("done", "failed") for one in what[:stop]) if "stop" in what else None,
        "asked_after_stop": what[stop:].count("asked"), "most_in_hand": reference.most_in_hand,
        "counts": shown["counts"], "terminals_on_release": fleet.running(plan["version"]),
        "terminals_on_release_before": fleet.running("1.0.0"),
        "said_by_hub": _said(campaigns, plan["version"]),
    }  # fmt: skip


def _stated_stop(what: Sequence[str], limits: dict[str, Any]) -> int | None:
    """After which outcome the stated limit is first exceeded, counted from the outcomes alone; None: never."""
    done = failed = 0
    for one in what:
        if one == "stop":
            break
        done, failed = done + (one == "done"), failed + (one == "failed")
        over = failed > Fraction(str(limits["failed_share"])) * (done + failed)
        if one in ("done", "failed") and done + failed >= limits["judged_from"] and over:
            return done + failed
    return None


def _said(campaigns: Campaigns, version: str) -> int:
    query = sa.select(sa.func.count()).select_from(fleet_reported).where(fleet_reported.c.version == version)
    with campaigns.store.read() as db:
        return int(db.execute(query).scalar_one())


def _known(store: Store) -> int:
    with store.read() as db:
        return int(db.execute(sa.select(sa.func.count()).select_from(fleet_reported)).scalar_one())


def _steps(store: Store, campaign: str) -> int:
    with store.read() as db:
        query = sa.select(fleet_campaigns.c.steps).where(fleet_campaigns.c.campaign == campaign)
        return int(db.execute(query).scalar_one())


def _look(campaigns: Campaigns, campaign: str) -> dict[str, Any]:
    return campaigns.look(campaign)[0]


def _until(what: Any, why: str) -> None:
    deadline_s = time.monotonic() + LONGEST_S
    while not what():
        if time.monotonic() > deadline_s:
            raise OSError(why)
        time.sleep(POLL_S)


def main(argv: list[str]) -> dict[str, Any]:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m bench fleet")
    parser.add_argument("--kiosks", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    told = parser.parse_args(argv)
    if not 12 <= told.kiosks <= 10_000 or not 0 <= told.kills <= 1_000:
        raise ValueError("--kiosks 12 to 10000, --kills 0 to 1000")
    return run(told.kiosks, told.kills, told.database)
