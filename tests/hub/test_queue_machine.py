"""The whole queue as a state machine: terminals, hub workers, counters; cuts, kills, repetitions, wrong clocks.

The same branch in small as in `bench queue`; here Hypothesis chooses the steps, and shrinks what fails.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bench.queue_world import SERVICES, World
from contracts.queueing import MAX_HEAD_START, MAX_PASSED, Priority

pytestmark = pytest.mark.contract

which = st.integers(0, 2)


class Branch(RuleBasedStateMachine):
    """Three terminals, two hub workers."""

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(self.folder, terminals=3, workers=2, seed=seed)

    @rule(
        which=which,
        service=st.sampled_from(SERVICES),
        priority=st.sampled_from(Priority),
        due=st.none() | st.integers(-60, 60),
    )
    def take_a_ticket(self, which: int, service: object, priority: Priority, due: int | None) -> None:
        world = self.world
        at = None if due is None else world.now + timedelta(minutes=due)
        world.terminals[which].issue(service.id, priority, at)  # type: ignore[attr-defined]

    @rule(which=which)
    def give_one_back(self, which: int) -> None:
        self.world.terminals[which].give_back()

    @rule(which=which)
    def send_what_is_owed(self, which: int) -> None:
        self.world.terminals[which].send()

    @rule(which=which)
    def send_the_live_state(self, which: int) -> None:
        self.world.terminals[which].send_live()

    @rule(which=which, die=st.sampled_from([0.0, 0.0, 0.3]))
    def deliver_in_any_order(self, which: int, die: float) -> None:
        self.world.deliver(self.world.terminals[which], die=die)

    @rule(which=which)
    def hear_an_acknowledgement(self, which: int) -> None:
        self.world.terminals[which].hear()

    @rule(counter=st.sampled_from("123"))
    def call_the_next(self, counter: str) -> None:
        self.world.call(counter)

    @rule()
    def do_something_at_a_counter(self) -> None:
        self.world.desk()

    @rule(which=which, cut_off=st.booleans())
    def cut_or_heal_the_network(self, which: int, cut_off: bool) -> None:
        self.world.terminals[which].cut_off = cut_off

    @precondition(lambda self: any(terminal.cut_off for terminal in self.world.terminals))
    @rule(which=which)
    def staff_at_a_terminal_go_on(self, which: int) -> None:
        if self.world.terminals[which].cut_off:
            self.world.terminals[which].staff()

    @rule(which=which, machine=st.booleans())
    def kill_a_terminal(self, which: int, machine: bool) -> None:
        self.world.terminals[which].kill(machine=machine)

    @rule(which=which)
    def set_a_clock_by_up_to_a_day(self, which: int) -> None:
        self.world.terminals[which].step_clock()

    @rule(minutes=st.floats(0, 90))
    def time_passes(self, minutes: float) -> None:
        self.world.pass_time(60 * minutes)

    @rule()
    def the_day_ends(self) -> None:
        self.world.close()
        self.world.pass_time(16 * 3600)

    @rule()
    def the_queue_is_published(self) -> None:
        self.world.publish()

    @invariant()
    def what_is_promised_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        found = self.world.findings
        assert found.duplicate_numbers == 0
        assert found.order_violations == 0
        assert found.max_starvation_s <= MAX_HEAD_START.total_seconds()
        assert found.max_passed_in_a_row <= MAX_PASSED

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            assert self.world.heal(), "something owed never arrived"
            losses = self.world.losses()
            losses.pop("merge_conflicts")
            assert not any(losses.values()), losses
            order = self.world.order_of_coming()
            assert order["within_a_terminal"] == order["between_terminals"] == 0, order
            assert order["outside_stated_uncertainty"] == 0, order
        finally:
            self.world.end()
            shutil.rmtree(self.folder, ignore_errors=True)


TestBranch = Branch.TestCase
TestBranch.settings = settings(
    max_examples=12, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
