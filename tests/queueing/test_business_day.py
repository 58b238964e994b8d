"""The opening self-test and the settling after closing: once a day each, over restarts, with what is wrong named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from config.schema import load_site
from contracts import messages as m
from kiosk.queueing.day import BusinessDay
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.outbox import Outbox

pytestmark = pytest.mark.contract

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=timezone(timedelta(hours=8)))  # a Monday
SUNDAY = NINE - timedelta(days=1)


class Terminal:
    def __init__(self, folder: Path) -> None:
        self.outbox = Outbox(folder / "kiosk.db")
        self.desk = TicketDesk(self.outbox, [ServiceView("personal", "A")], kiosk_digit=0)
        self.day = BusinessDay(self.outbox, self.desk, load_site(None).branch.hours, folder)

    def kinds(self, at: datetime, missing: tuple[m.DeviceKind, ...] = ()) -> list[str]:
        return [type(moment).__name__ for moment in self.day.look(at, missing=missing)]


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    made.outbox.close()


def test_the_self_test_is_made_once_before_opening_and_never_on_a_closed_day(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert terminal.kinds(NINE - timedelta(minutes=45)) == []
    assert terminal.kinds(NINE - timedelta(minutes=20)) == ["SelfTested"]
    assert terminal.kinds(NINE) == []
    again = Terminal(tmp_path)  # restarted
    assert again.kinds(NINE + timedelta(hours=1)) == [] and again.kinds(SUNDAY) == []
    again.outbox.close()


def test_what_would_fail_is_named(terminal: Terminal) -> None:
    (tested,) = terminal.day.look(NINE, missing=("printer",))
    assert isinstance(tested, m.SelfTested)
    assert tested.failed == ("clock_unknown", "no_printer")


def test_who_was_not_served_an_hour_after_closing_is_settled_once(terminal: Terminal) -> None:
    terminal.desk.issue("personal", visit="v", language="zh", at=NINE)
    assert terminal.kinds(NINE.replace(hour=17, minute=59)) == []
    assert terminal.kinds(NINE.replace(hour=18)) == ["DayClosed"]
    assert terminal.kinds(NINE.replace(hour=18, minute=1)) == []
    assert terminal.desk.line.waiting("2026-11-23") == []
