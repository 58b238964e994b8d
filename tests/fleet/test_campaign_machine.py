"""A roll-out under anything that may happen, a worker killed in the middle of any step included, holds its rules."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bench.fleet_reference import Reference
from contracts import fleet as f
from hub.accounts.rights import OPERATOR
from hub.fleet import wanted
from hub.fleet.campaign_plan import read_plan, waves_of
from hub.fleet.campaigns import CampaignProblem, Campaigns
from hub.fleet.tables import fleet_wanted
from hub.store import Store, devices

pytestmark = pytest.mark.contract
START = datetime(2026, 5, 4, 8, tzinfo=UTC)
TEMPLATE: list[Path] = []


class Killed(BaseException):
    """The process ended here."""


def template() -> Path:
    if not TEMPLATE:
        path = Path(tempfile.mkdtemp()) / "hub.db"
        Store(f"sqlite:///{path}").close()
        TEMPLATE.append(path)
    return TEMPLATE[0]


class Rollouts(RuleBasedStateMachine):
    """Terminals that answer, fail, are silent and come back; persons; time; kills."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(
            tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        )  # no disk to wait for
        shutil.copy(template(), self.folder / "hub.db")
        self.store = Store(f"sqlite:///{self.folder}/hub.db")
        self.now = START
        self.mono = 0
        self.terminals: dict[str, dict[str, Any]] = {}
        self.campaign = ""
        self.kill_at = -1
        self.executed = 0
        sa.event.listen(self.store._engine, "before_cursor_execute", self._count)
        self.campaigns = Campaigns(self.store, now=lambda: self.now)

    def _count(self, *_: object) -> None:
        self.executed += 1
        if self.executed == self.kill_at:
            raise Killed

    @contextmanager
    def maybe_killed(self, kill_at: int) -> Iterator[None]:
        """What is done inside is done once more where it was killed: bus and sweep both come again."""
        self.kill_at, self.executed = kill_at, 0
        try:
            yield
        except Killed:
            pass
        finally:
            self.kill_at = -1

    @initialize(
        count=st.integers(3, 9), number=st.integers(1, 3), approve=st.booleans(), attempts=st.integers(1, 2),
        at_once=st.integers(1, 4), failed=st.sampled_from([None, 1, 2]), share=st.sampled_from([None, 0.0, 0.25, 0.5]),
        judged_from=st.integers(1, 4), done_share=st.sampled_from([0.0, 0.5, 1.0]),
        on_stop=st.sampled_from(["return", "stay"]),
    )  # fmt: skip
    def begin(self, count: int, number: int, approve: bool, attempts: int, at_once: int, failed: int | None,
              share: float | None, judged_from: int, done_share: float, on_stop: str) -> None:  # fmt: skip
        for at in range(count):
            self._add(f"k{at}")
        plan = {
            "version": "v2", "waves": [{"number": number, "approve": approve, "soak_s": 60.0}],
            "limits": {"failed": failed, "failed_share": share, "judged_from": judged_from, "done_share": done_share},
            "pace": {"at_once": at_once, "attempts": attempts, "answer_s": 100.0, "deadline_s": 300.0,
                     "retry_pause_s": 50.0, "return_s": 200.0},
            "on_stop": on_stop,
        }  # fmt: skip
        self.campaign, _ = self.campaigns.begin(OPERATOR, "of the test", plan)
        sizes, _ = waves_of(read_plan(plan), count)
        self.sizes = sizes
        shown = self.campaigns.look(self.campaign)[0]
        self.plan, self.waves = shown["plan"], shown["waves"]
        self.first = [one["device"] for one in self.campaigns.members(self.campaign)]

    def _add(self, device: str) -> None:
        self.terminals[device] = {"generation": 0, "version": "v1"}
        with self.store.write() as db:
            values = {"online": True, "seen": self.now, "versions": {"kiosk": "v1"}}
            db.execute(sa.insert(devices).values(branch="b", device=device, **values))

    def _report(self, device: str, state: str, kill_at: int, generation: int | None = None) -> None:
        self.mono += 1
        one = self.terminals[device]
        said = f.RolloutReport(
            id="x", at=self.now, mono_ns=self.mono, since=START, version=one["version"], state=state,
            generation=one["generation"] if generation is None else generation,
        )  # fmt: skip

        def take() -> None:
            with self.store.write() as db:
                wanted.keep_reports(db, {("b", device): said}, self.now, self.campaigns.told)

        with self.maybe_killed(kill_at):
            take()
        take()  # the bus brings it again: killed or not

    def _wish(self, device: str) -> tuple[int, str]:
        rows = self.store.rows(sa.select(fleet_wanted).where(fleet_wanted.c.device == device))
        return (rows[0]["generation"], rows[0]["version"]) if rows else (0, "v1")

    @rule(at=st.integers(0, 9), kill_at=st.integers(1, 40))
    def hears(self, at: int, kill_at: int) -> None:
        device = sorted(self.terminals)[at % len(self.terminals)]
        generation, _ = self._wish(device)
        if generation > self.terminals[device]["generation"]:
            self.terminals[device]["generation"] = generation
            self._report(device, "working", kill_at)

    @rule(wells=st.lists(st.booleans(), min_size=1, max_size=9), kill_at=st.integers(1, 40))
    def those_in_hand_end(self, wells: list[bool], kill_at: int) -> None:
        """Everybody who has an open wish decides on it, one after the other."""
        for device, well in zip(self._open(), wells, strict=False):
            one = self.terminals[device]
            generation, version = self._wish(device)
            one["generation"] = generation
            if well:
                one["version"] = version
            self._report(device, "done" if well else "failed", kill_at)

    def _open(self) -> list[str]:
        states = {one["device"]: one["state"] for one in self.campaigns.members(self.campaign)}
        return sorted(one for one, state in states.items() if state in ("asked", "working", "absent", "returning"))

    @rule(at=st.integers(0, 9))
    def says_something_old(self, at: int) -> None:
        device = sorted(self.terminals)[at % len(self.terminals)]
        self._report(device, "failed", -1, generation=max(self._wish(device)[0] - 1, 0))

    @rule(seconds=st.sampled_from([1, 55, 61, 150, 400]), kill_at=st.integers(1, 60))
    def time_goes_on(self, seconds: int, kill_at: int) -> None:
        self.now += timedelta(seconds=seconds)
        with self.maybe_killed(kill_at):
            self.campaigns.carry_on()
        self.campaigns.carry_on()

    @rule(what=st.sampled_from([*["approve"] * 6, "pause", "resume", "resume", "abort"]), kill_at=st.integers(1, 60))
    def a_person(self, what: str, kill_at: int) -> None:
        try:
            with self.maybe_killed(kill_at):
                self.campaigns.order(OPERATOR, self.campaign, what)
        except CampaignProblem:
            pass

    @rule()
    def one_more_joins(self) -> None:
        if len(self.terminals) < 12:
            self._add(f"late{len(self.terminals)}")
            self.campaigns.take_in_late()

    @invariant()
    def the_reference_says_the_same(self) -> None:
        if not self.campaign:
            return
        reference = Reference(self.plan, self.waves, self.first, self.sizes)
        reference.read([(one["what"], one["device"]) for one in self.campaigns.journal(self.campaign)])
        shown = self.campaigns.look(self.campaign)[0]
        assert (shown["status"], shown["wave"] - 1) == (reference.status, reference.wave)
        states = {one["device"]: one["state"] for one in self.campaigns.members(self.campaign)}
        assert states == reference.state
        assert reference.most_in_hand <= self.plan["pace"]["at_once"]

    @invariant()
    def what_is_wanted_follows_from_the_state(self) -> None:
        if not self.campaign:
            return
        for one in self.campaigns.members(self.campaign):
            generation, version = self._wish(one["device"])
            match one["state"]:
                case "asked" | "working" | "absent" | "done":
                    assert version == "v2"
                case "returning" | "returned" | "stuck":
                    assert version == "v1"
                case "queued" | "left_out":
                    assert generation == 0

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


TestRollouts = Rollouts.TestCase
TestRollouts.settings = settings(
    max_examples=25, stateful_step_count=12, deadline=None, derandomize=True,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
