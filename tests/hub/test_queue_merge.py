"""What terminals tell late: staff's work while cut off, live states, and what nobody may tell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from contracts.queueing import Lane, Priority
from contracts.tickets import TicketEvent, TicketState
from hub import queue
from hub.bus import Arrived
from hub.ingest import Ingest
from hub.queue_admission import MAX_PER_MINUTE
from hub.store import Store, refused, ticket_changes, tickets
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.outbox import Outbox
from tests.hub.wirekit import BRANCH, Sender

pytestmark = pytest.mark.contract

SERVICES = (ServiceView("personal", "A"), ServiceView("corporate", "B"))


class Terminal:
    """A real desk and outbox whose messages are handed over by hand."""

    def __init__(self, folder: Path, digit: int) -> None:
        self.device = f"kiosk-{digit}"
        self.outbox = Outbox(folder / f"{self.device}.db")
        self.desk = TicketDesk(self.outbox, SERVICES, kiosk_digit=digit, device=self.device)

    @property
    def day(self) -> str:
        return self.desk.business_day(datetime.now().astimezone())

    def take(self, service: str = "personal", priority: Priority = Priority.NONE) -> str:
        now = datetime.now().astimezone()
        return self.desk.issue(service, visit="v", language="zh", at=now, priority=priority).number

    def owed(self) -> list[Arrived]:
        return [Arrived(one.topic.at(BRANCH, self.device), one.payload) for one in self.outbox.pending(limit=500)]

    def live(self) -> Arrived:
        live = self.desk.live(datetime.now().astimezone())
        said = m.KioskQueue(
            id="1", at=datetime.now(UTC), mono_ns=0, log=self.outbox.log, day=live.day, tickets=live.tickets,
            owed=live.owed,
        )  # fmt: skip
        return Arrived(topics.KIOSK_QUEUE.at(BRANCH, self.device), topics.KIOSK_QUEUE.encode(said))

    def serve(self, counter: str = "k1") -> str:
        line = self.desk.line
        number = line.call_next(["personal"], counter, day=self.day)
        assert number is not None
        line.handle(self.day, number, TicketEvent.SERVING_BEGAN)
        line.handle(self.day, number, TicketEvent.FINISHED)
        return number


class Hub:
    def __init__(self, database: str) -> None:
        self.store = Store(database)
        self.acks: list[int] = []
        self.ingest = Ingest(
            self.store, acknowledge=self._ack, queue_moved=lambda branch: None, changed=lambda branch: None
        )

    def _ack(self, outgoing: Any) -> None:
        self.acks.append(topics.ACK.decode(outgoing.payload).applied)

    def take(self, *arrived: Arrived) -> None:
        self.ingest.take(arrived)

    def states(self) -> dict[str, str]:
        return {row["number"]: row["state"] for row in self.store.rows(sa.select(tickets))}

    def history(self, number: str) -> list[str]:
        query = sa.select(ticket_changes.c.event).where(ticket_changes.c.number == number).order_by(ticket_changes.c.id)
        return [row["event"] for row in self.store.rows(query)]

    def refusals(self) -> list[str]:
        return [row["reason"] for row in self.store.rows(sa.select(refused.c.reason).order_by(refused.c.id))]

    def call(self) -> str | None:
        return self.store.apply(lambda db: queue.call_next(db, BRANCH, "personal", "3"))

    def change(self, number: str, event: TicketEvent, **given: Any) -> TicketState:
        day = queue.state_of(self.store, BRANCH).day
        return self.store.apply(lambda db: queue.change(db, BRANCH, day, number, event, **given))


@pytest.fixture
def hub(database: str) -> Iterator[Hub]:
    made = Hub(database)
    yield made
    made.store.close()


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    made = Terminal(tmp_path, 0)
    yield made
    made.outbox.close()


def test_staffs_work_at_a_cut_off_terminal_arrives_as_it_was_done(hub: Hub, terminal: Terminal) -> None:
    first, second = terminal.take(), terminal.take()
    assert terminal.serve() == first
    hub.take(*terminal.owed())
    assert hub.states() == {first: "done", second: "waiting"}
    assert hub.history(first) == ["accepted", "called", "serving_began", "finished"]
    assert hub.call() == second


def test_a_live_state_goes_ahead_of_the_backlog_and_its_operations_change_nothing_more(
    hub: Hub, terminal: Terminal
) -> None:
    first, second = terminal.take(), terminal.take("personal", Priority.ELDER)
    terminal.desk.give_back(first, day=terminal.day)
    live = terminal.live()
    hub.take(live)
    assert hub.states() == {first: "given_back", second: "waiting"}
    hub.take(live, *terminal.owed())
    assert hub.states() == {first: "given_back", second: "waiting"}
    assert hub.history(first) == ["accepted", "given_back"] and hub.refusals() == []
    assert hub.acks[-1] == 3


def test_an_old_live_state_does_not_bring_back_what_has_changed_since(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    old = terminal.live()
    hub.take(*terminal.owed())
    assert hub.call() == number
    hub.take(old)
    assert hub.states() == {number: "called"}


def test_a_ticket_called_at_a_desk_and_at_its_terminal_is_served_once_and_the_clash_is_recorded(
    hub: Hub, terminal: Terminal
) -> None:
    number = terminal.take()
    hub.take(terminal.live())
    assert hub.call() == number
    terminal.serve()
    hub.take(*terminal.owed())
    assert hub.states() == {number: "done"}
    assert hub.refusals() == ["transition"]  # the second call
    assert hub.history(number) == ["accepted", "called", "serving_began", "finished"]


def test_somebody_served_at_the_terminal_is_done_whatever_the_hub_believed(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    hub.take(*terminal.owed())
    hub.store.apply(lambda db: queue.close_day(db, BRANCH))
    assert hub.states() == {number: "expired"}
    terminal.serve()
    hub.take(*terminal.owed())
    assert hub.states() == {number: "done"}


def test_a_terminal_speaks_for_its_own_tickets_only(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    hub.take(*terminal.owed())
    forger = Sender(device="kiosk-9")
    body = m.TicketHandled(number=number, day=terminal.day, event="called", counter="x")
    hub.take(forger.ticket(body), forger.ticket(m.TicketGivenBack(number=number, day=terminal.day)))
    assert hub.states() == {number: "waiting"} and hub.refusals() == ["foreign", "foreign"]


def test_a_terminal_that_uses_anothers_digit_is_refused_before_it_can_take_its_numbers(
    hub: Hub, terminal: Terminal
) -> None:
    terminal.take()
    hub.take(*terminal.owed(), Sender(device="kiosk-9").issued("A002"))
    mine = terminal.take()
    hub.take(*terminal.owed())
    assert mine == "A002" and hub.states() == {"A001": "waiting", "A002": "waiting"}
    assert hub.refusals() == ["collision"]


def test_a_flood_from_one_terminal_is_cut_off_and_another_terminals_ticket_comes_through(hub: Hub) -> None:
    flood, honest = Sender(device="kiosk-1"), Sender(device="kiosk-2")
    at = datetime.now(UTC) - timedelta(seconds=50)
    day = at.date().isoformat()
    sent = [
        flood.ticket(
            m.TicketIssued(number=f"A1{n:02d}", day=day, service="personal", visit="v", language="zh"),
            at=at + timedelta(milliseconds=n),
        )
        for n in range(1, MAX_PER_MINUTE + 200)
    ]
    for start in range(0, len(sent), 64):
        hub.take(*sent[start : start + 64])
    hub.take(honest.issued("A201", day=day))
    assert len(hub.states()) == MAX_PER_MINUTE + 1 and hub.states()["A201"] == "waiting"
    assert set(hub.refusals()) == {"flood"} and len(hub.refusals()) == 199


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(days=1), timedelta(days=4000)])
def test_a_future_dated_ticket_takes_its_place_now_and_not_before_or_after(hub: Hub, ahead: timedelta) -> None:
    sender = Sender()
    day = datetime.now(UTC).date().isoformat()
    body = m.TicketIssued(number="A001", day=day, service="personal", visit="v", language="zh")
    hub.take(sender.ticket(body, at=datetime.now(UTC) + ahead))
    hub.take(Sender(device="kiosk-2").issued("A101", day=day))
    assert [hub.call(), hub.call()] == ["A001", "A101"]
    came = hub.store.rows(sa.select(tickets.c.came).where(tickets.c.number == "A001"))[0]["came"]
    assert came <= datetime.now(UTC)


def test_a_replay_under_a_new_log_changes_nothing(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    hub.take(*terminal.owed())
    assert hub.call() == number
    replayed = Sender(device=terminal.device)
    hub.take(replayed.issued(number, day=terminal.day))
    assert hub.states() == {number: "called"} and hub.refusals() == ["collision"]


def test_a_missed_call_may_be_made_good_twice(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    hub.take(*terminal.owed())
    for _ in range(2):
        assert hub.call() == number
        hub.change(number, TicketEvent.MISSED)
        assert hub.change(number, TicketEvent.REQUEUED) is TicketState.WAITING
    hub.call()
    hub.change(number, TicketEvent.MISSED)
    with pytest.raises(queue.NotPossible, match="rejoins"):
        hub.change(number, TicketEvent.REQUEUED)


def test_a_ticket_moves_to_the_video_queue_and_keeps_its_waiting_time(hub: Hub, terminal: Terminal) -> None:
    first, second = terminal.take(), terminal.take()
    hub.take(*terminal.owed())
    hub.change(first, TicketEvent.TRANSFERRED, lane=Lane.VIDEO)
    assert hub.call() == second
    video = hub.store.apply(lambda db: queue.call_next(db, BRANCH, "personal", "video-1", lane=Lane.VIDEO))
    assert video == first
    rows = hub.store.rows(sa.select(tickets.c.came, tickets.c.issued_at).where(tickets.c.number == first))
    assert rows[0]["came"] == rows[0]["issued_at"]


def test_what_closing_cut_off_goes_first_the_next_day_once(hub: Hub, terminal: Terminal) -> None:
    number = terminal.take()
    hub.take(*terminal.owed())
    told = hub.store.apply(lambda db: queue.close_day(db, BRANCH))
    assert told == [(terminal.day, number)]
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    sender, old = Sender(device=terminal.device), m.DayNumber(day=terminal.day, number=number)
    for running, priority in ((5, "carried"), (6, "none")):
        body = m.TicketIssued(
            number=f"A0{running:02d}", day=tomorrow.date().isoformat(), service="personal", visit="v", language="zh",
            priority=Priority.CARRIED, instead_of=old,
        )  # fmt: skip
        op = m.TicketOp(id="1", at=tomorrow, mono_ns=0, log=sender.log, seq=running, follows=running - 1, body=body)
        with hub.store.write() as db:
            queue.admit(db, BRANCH, terminal.device, op, body, now=tomorrow)
        found = hub.store.rows(sa.select(tickets.c.priority).where(tickets.c.number == body.number))
        assert found == [{"priority": priority}]
