"""The hub's clock as a terminal knows it: over wrong wall clocks, clocks that are set, and restarts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.sync.hub_clock import HubClock, Timekeeper

pytestmark = pytest.mark.unit

TRUE = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


class Machine:
    """A terminal whose wall clock is off by `skew`; time passes when told."""

    def __init__(self, db: sqlite3.Connection, skew: timedelta) -> None:
        self.db, self.skew = db, skew
        self.true, self.booted, self.boots = TRUE, TRUE, 0
        self.clock = self._start()

    def _start(self) -> HubClock:
        keeper = Timekeeper(
            wall=lambda: self.true + self.skew,
            mono_ns=lambda: int((self.true - self.booted) / timedelta(microseconds=1)) * 1000,
            boot=f"boot-{self.boots}",
        )
        self.keeper = keeper
        return HubClock(self.db, keeper)

    def restart(self) -> None:
        self.boots, self.booted = self.boots + 1, self.true
        self.clock = self._start()

    def talk(self, there_ms: float, back_ms: float) -> bool:
        sent_ns = self.keeper.mono_ns()
        self.true += timedelta(milliseconds=there_ms)
        stamped = self.true
        self.true += timedelta(milliseconds=back_ms)
        return self.clock.observe(self.db, sent_ns=sent_ns, hub_at=stamped)

    def wrong_by(self) -> tuple[float, float]:
        """Milliseconds that the estimate is off, and that it says it may be."""
        reading = self.clock.reading()
        assert reading is not None
        off = (self.clock.now() - self.true) / timedelta(milliseconds=1)
        return abs(off), reading.within_ms


@pytest.fixture
def db() -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(":memory:", isolation_level=None) as made:
        yield made
    made.close()


delays = st.floats(0, 3_000)
skews = st.floats(-86_400, 86_400).map(lambda seconds: timedelta(seconds=seconds))


@given(skews, delays, delays, skews)
def test_the_estimate_is_within_what_it_states_however_slow_the_network_and_wherever_the_wall_clock(
    skew: timedelta, there_ms: float, back_ms: float, later_skew: timedelta
) -> None:
    with sqlite3.connect(":memory:", isolation_level=None) as db:
        machine = Machine(db, skew)
        machine.talk(there_ms, back_ms)
        machine.skew = later_skew  # somebody sets the clock
        machine.true += timedelta(hours=72)
        off, within = machine.wrong_by()
        assert off <= within + 1  # a millisecond of rounding
        assert within <= (there_ms + back_ms) / 2 + 2 + 72 * 3600 * 1000 * 100e-6 + 1
    db.close()


def test_a_terminal_that_never_heard_a_hub_says_so(db: sqlite3.Connection) -> None:
    assert Machine(db, timedelta(hours=5)).clock.reading() is None


def test_a_worse_measurement_does_not_replace_a_better_one_until_that_has_aged(db: sqlite3.Connection) -> None:
    machine = Machine(db, timedelta(0))
    assert machine.talk(5, 5) and not machine.talk(300, 300)
    machine.true += timedelta(hours=2)  # 720 ms of possible drift
    assert machine.talk(300, 300)


def test_after_a_restart_the_wall_clock_carries_on_and_what_was_set_before_was_noticed(db: sqlite3.Connection) -> None:
    machine = Machine(db, timedelta(hours=-3))
    machine.talk(5, 5)
    machine.skew = timedelta(hours=20)
    machine.clock.anchor(db)
    machine.true += timedelta(minutes=10)
    machine.restart()
    assert not machine.clock.sure
    machine.skew = timedelta(hours=-7)  # set again, after the restart
    machine.true += timedelta(hours=1)
    off, within = machine.wrong_by()
    assert off <= within + 1 and within < 1_000
    machine.talk(5, 5)
    assert machine.clock.sure


def test_a_clock_that_went_backwards_while_the_machine_was_off_is_not_believed(db: sqlite3.Connection) -> None:
    machine = Machine(db, timedelta(0))
    machine.talk(5, 5)
    machine.skew = timedelta(days=-400)  # the battery is empty
    machine.restart()
    assert machine.clock.reading() is None


def test_an_answer_from_before_its_question_is_no_measurement(db: sqlite3.Connection) -> None:
    machine = Machine(db, timedelta(0))
    assert machine.clock.observe(db, sent_ns=machine.keeper.mono_ns() + 10**9, hub_at=TRUE) is False
