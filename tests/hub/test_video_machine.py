"""The whole pool as a state machine: visitors, tellers, hub workers; refusals, deaths, lost desks and terminals.

The same pool in small as in `bench routing`; here Hypothesis chooses the steps, and shrinks what fails.
"""

from __future__ import annotations

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bench.routing_world import RoutingWorld

pytestmark = pytest.mark.contract

SHARED = Path("/dev/shm")  # kills here lose objects, not power
terminal = st.integers(0, 3)
teller = st.integers(0, 3)


class TellersOnVideo(RuleBasedStateMachine):
    """Four terminals, four tellers, two hub workers."""

    @initialize(seed=st.integers(0, 2**32), die=st.sampled_from([0.0, 0.1]))
    def begin(self, seed: int, die: float) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=SHARED if SHARED.is_dir() else None))
        self.world = RoutingWorld(self.folder, terminals=4, workers=2, seed=seed, tellers=4, die=die)

    @rule(which=terminal)
    def ask_for_a_teller(self, which: int) -> None:
        self.world.ask(self.world.terminals[which])

    @rule(which=terminal)
    def go_away_or_choose_another_way(self, which: int) -> None:
        self.world.leave(self.world.terminals[which])

    @rule(which=terminal)
    def put_it_off(self, which: int) -> None:
        self.world.put_off(self.world.terminals[which])

    @rule(which=terminal)
    def a_terminal_vanishes_or_returns(self, which: int) -> None:
        self.world.vanish(self.world.terminals[which])

    @rule(which=terminal)
    def the_call_comes_up_or_is_lost(self, which: int) -> None:
        self.world.media(self.world.terminals[which])

    @rule(who=teller)
    def a_teller_is_ready(self, who: int) -> None:
        self.world.come(self.world.tellers[who])

    @rule(who=teller)
    def a_teller_goes_or_the_desk_dies(self, who: int) -> None:
        self.world.go(self.world.tellers[who])

    @rule(who=teller)
    def a_teller_goes_on(self, who: int) -> None:
        self.world.work(self.world.tellers[who])

    @rule()
    def a_supervisor_steps_in(self) -> None:
        self.world.supervise()

    @rule(seconds=st.floats(0.1, 120))
    def time_passes(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule()
    def terminals_are_told(self) -> None:
        self.world.tell()

    @invariant()
    def what_is_promised_holds(self) -> None:
        if not hasattr(self, "world"):
            return
        found, limits = self.world.findings, self.world.rules.limits
        assert found.double_assigned == 0
        assert found.stuck == 0
        assert found.against_the_rule == 0
        assert found.max_passed <= limits.passes
        most = timedelta(minutes=limits.head_start_most_min, seconds=limits.window_s)
        assert found.max_later_s <= most.total_seconds()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            assert self.world.heal() == 0, "a case is never over"
        finally:
            self.world.end()
            shutil.rmtree(self.folder, ignore_errors=True)


TestTellersOnVideo = TellersOnVideo.TestCase
TestTellersOnVideo.settings = settings(
    max_examples=10, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
