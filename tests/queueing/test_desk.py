"""Taking a ticket: never twice, never lost, whatever happens to the power."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from contracts import messages as m
from contracts import topics
from contracts.tickets import TicketEvent, TicketState
from kiosk.queueing.desk import NumbersExhausted, ServiceView, TicketDesk, UnknownService
from kiosk.sync.outbox import Outbox, OutboxFull

pytestmark = pytest.mark.contract

SERVICES = (ServiceView("personal", "A"), ServiceView("corporate", "B"))
NOW = datetime(2026, 11, 21, 10, 26, tzinfo=timezone(timedelta(hours=8)))
ROOT = Path(__file__).parents[2]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "kiosk.db")
    yield made
    made.close()


@pytest.fixture
def desk(outbox: Outbox) -> TicketDesk:
    return TicketDesk(outbox, SERVICES, kiosk_digit=0)


def take(desk: TicketDesk, service: str = "personal", at: datetime = NOW) -> str:
    return desk.issue(service, visit="v1", language="zh", at=at).number


def operations(outbox: Outbox) -> list[m.TicketOperation]:
    return [topics.TICKETS_OP.decode(owed.payload).body for owed in outbox.pending(limit=1000)]


def heard(outbox: Outbox) -> None:
    """A hub whose clock agrees has answered."""
    with outbox.transaction() as db:
        outbox.hub_clock.observe(db, sent_ns=time.monotonic_ns(), hub_at=datetime.now(UTC))


def test_numbers_run_by_service_and_start_again_each_business_day(desk: TicketDesk, outbox: Outbox) -> None:
    heard(outbox)
    assert [take(desk), take(desk), take(desk, "corporate")] == ["A001", "A002", "B001"]
    assert take(desk, at=NOW + timedelta(days=1)) == "A001"


def test_while_the_clock_may_be_a_day_wrong_numbers_run_on_over_midnight(desk: TicketDesk, outbox: Outbox) -> None:
    assert [take(desk), take(desk, at=NOW + timedelta(days=1)), take(desk)] == ["A001", "A002", "A003"]
    heard(outbox)
    assert [take(desk), take(desk, at=NOW + timedelta(days=2))] == ["A004", "A001"]


def test_the_business_day_is_the_branchs_own_not_utc(desk: TicketDesk) -> None:
    early = datetime(2026, 11, 22, 0, 30, tzinfo=timezone(timedelta(hours=8)))  # still the 21st in UTC
    assert desk.issue("personal", visit="v", language="en", at=early).day == "2026-11-22"


def test_a_ticket_is_owed_to_the_hub_from_the_moment_it_exists(desk: TicketDesk, outbox: Outbox) -> None:
    ticket = desk.issue("personal", visit="v1", language="zh", at=NOW)
    assert operations(outbox) == [
        m.TicketIssued(
            number=ticket.number, day="2026-11-21", service="personal", visit="v1", language="zh", zone_min=480
        )
    ]
    assert desk.owed(day="2026-11-21") == (("A001", "personal"),)
    outbox.acknowledged(ticket.seq)
    assert desk.owed(day="2026-11-21") == ()


def test_numbers_go_on_after_a_restart(desk: TicketDesk, outbox: Outbox, tmp_path: Path) -> None:
    take(desk)
    outbox.close()
    again = Outbox(tmp_path / "kiosk.db")
    assert take(TicketDesk(again, SERVICES, kiosk_digit=0)) == "A002"
    again.close()


def test_a_clock_set_back_gives_no_number_twice(desk: TicketDesk) -> None:
    given = [take(desk), take(desk, at=NOW - timedelta(hours=3)), take(desk, at=NOW - timedelta(days=1))]
    given.append(take(desk))
    assert given == ["A001", "A002", "A003", "A004"]


def test_a_number_is_given_back_once(desk: TicketDesk, outbox: Outbox) -> None:
    take(desk)
    assert desk.give_back("A001", day="2026-11-21") is True
    assert desk.give_back("A001", day="2026-11-21") is False
    assert desk.give_back("A077", day="2026-11-21") is False
    assert operations(outbox)[1:] == [m.TicketGivenBack(number="A001", day="2026-11-21")]
    assert take(desk) == "A002"  # the number itself is not given to somebody else


def test_a_new_disk_goes_on_after_the_highest_number_the_hub_knows(desk: TicketDesk) -> None:
    state = m.TicketsState(
        id="1", at=NOW, mono_ns=0, branch="b", store="s", revision=1, day="2026-11-21", services=(), tickets=(),
        open_tickets=0, issued={"A0": 37, "A1": 99, "B0": 2},
    )  # fmt: skip
    assert desk.catch_up(state) is True
    assert desk.catch_up(state) is False
    assert [take(desk), take(desk, "corporate")] == ["A038", "B003"]


def queue_of(tickets: tuple[tuple[str, TicketState], ...], at: datetime, revision: int) -> m.TicketsState:
    lines = tuple(m.TicketLine(number=number, service="personal", state=state, ahead=0) for number, state in tickets)
    return m.TicketsState(
        id=str(revision), at=at, mono_ns=0, branch="b", store="s", revision=revision, day="2026-11-21", services=(),
        tickets=lines, open_tickets=len(lines), issued={"A0": 3},
    )  # fmt: skip


def test_a_state_older_than_what_the_hub_acknowledged_puts_nobody_back_in_line(
    desk: TicketDesk, outbox: Outbox
) -> None:
    first, second, third = take(desk), take(desk), take(desk)
    every = tuple((number, TicketState.WAITING) for number in (first, second, third))
    outbox.acknowledged(outbox.highest(), hub_at=NOW, sent_ns=time.monotonic_ns())
    desk.catch_up(queue_of(every, NOW + timedelta(seconds=1), 3))
    for event in (TicketEvent.CALLED, TicketEvent.SERVING_BEGAN, TicketEvent.FINISHED):
        desk.line.handle("2026-11-21", first, event, counter="k0")
    desk.line.handle("2026-11-21", second, TicketEvent.CALLED, counter="k0")
    outbox.acknowledged(outbox.highest(), hub_at=NOW + timedelta(seconds=9), sent_ns=time.monotonic_ns())
    desk.catch_up(queue_of(every, NOW + timedelta(seconds=2), 4))  # the hub died before it told what it has
    states = {ticket.number: ticket.state for ticket in desk.line.waiting("2026-11-21")}
    assert states == {second: TicketState.CALLED, third: TicketState.WAITING}
    assert desk.line.call_next(["personal"], "k0", day="2026-11-21") == third
    again = ((first, TicketState.WAITING), (second, TicketState.WAITING), (third, TicketState.CALLED))
    outbox.acknowledged(outbox.highest(), hub_at=NOW + timedelta(seconds=20), sent_ns=time.monotonic_ns())
    desk.catch_up(queue_of(again, NOW + timedelta(seconds=30), 9))  # a desk did that with the second
    states = {ticket.number: ticket.state for ticket in desk.line.waiting("2026-11-21")}
    assert states == {second: TicketState.WAITING, third: TicketState.CALLED}


def test_what_cannot_be_issued_leaves_no_trace(desk: TicketDesk, outbox: Outbox) -> None:
    with pytest.raises(UnknownService):
        take(desk, "nothing")
    with pytest.raises(ValueError, match="time zone"):
        take(desk, at=NOW.replace(tzinfo=None))
    with pytest.raises(topics.WireError):
        desk.issue("personal", visit="a visitor's name", language="zh", at=NOW)
    assert outbox.tallies().pending == 0
    assert take(desk) == "A001"


def test_the_ten_thousandth_ticket_of_a_day_is_refused(desk: TicketDesk) -> None:
    state = m.TicketsState(
        id="1", at=NOW, mono_ns=0, branch="b", store="s", revision=1, day="2026-11-21", services=(), tickets=(),
        open_tickets=0, issued={"A0": 9999},
    )  # fmt: skip
    desk.catch_up(state)
    with pytest.raises(NumbersExhausted):
        take(desk)


def test_a_full_disk_says_so_and_takes_no_number(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db")
    desk = TicketDesk(outbox, SERVICES, kiosk_digit=0)
    with outbox.transaction() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite then answers as on a full disk
    issued = 0
    with pytest.raises(OutboxFull):
        while issued < 5000:
            take(desk)
            issued += 1
    outbox._db.execute("PRAGMA max_page_count = 100000")
    assert take(desk) == f"A0{issued + 1:02d}"
    assert len(operations(outbox)) == issued + 1
    outbox.close()


def test_a_wrong_letter_or_digit_is_said_when_the_terminal_starts(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="letter"):
        TicketDesk(outbox, [ServiceView("personal", "a")], kiosk_digit=0)
    with pytest.raises(ValueError, match="digit"):
        TicketDesk(outbox, SERVICES, kiosk_digit=12)


TAKING = """
import sys
from datetime import datetime
from pathlib import Path
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.outbox import Outbox
desk = TicketDesk(Outbox(Path(sys.argv[1])), [ServiceView("personal", "A")], kiosk_digit=0)
day = datetime(2026, 11, 21, 12).astimezone()
while True:
    print(desk.issue("personal", visit="v", language="zh", at=day).number, flush=True)
"""


def test_no_number_is_given_twice_or_forgotten_when_the_terminal_is_killed_twelve_times(tmp_path: Path) -> None:
    chance, database, printed = random.Random(11), tmp_path / "kiosk.db", []
    for _ in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", TAKING, str(database)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        printed += [process.stdout.readline().strip() for _ in range(9)]  # it is under way, however busy the machine
        time.sleep(chance.uniform(0.0, 0.08))
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        printed += rest[:-1] + [line for line in rest[-1:] if len(line) >= 4]
        process.wait()
        process.stdout.close()
    assert len(printed) > 100
    assert len(set(printed)) == len(printed)
    outbox = Outbox(database)
    owed = [body.number for body in (topics.TICKETS_OP.decode(o.payload).body for o in outbox.pending(limit=100_000))]
    outbox.close()
    assert len(set(owed)) == len(owed)
    assert set(printed) <= set(owed)  # everything that was on paper is owed
    assert len(owed) - len(printed) <= 12  # and at most one a kill was on disk but not yet on paper
    with sqlite3.connect(database) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
