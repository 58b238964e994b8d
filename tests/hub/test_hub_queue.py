"""The branch's queue: who is where, who is next, and that revisions only grow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from contracts.tickets import TicketEvent, TicketState
from hub import queue
from hub.ingest import Ingest
from hub.store import Store, tickets
from tests.hub.wirekit import BRANCH, Sender

pytestmark = pytest.mark.contract


class Branch:
    """A branch with a kiosk that has sent tickets."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hub.db")
        self.sender = Sender()
        self.ingest = Ingest(
            self.store, acknowledge=lambda ack: None, queue_moved=lambda b: None, changed=lambda b: None
        )

    def take(self, *numbers: str, service: str = "personal") -> None:
        self.ingest.take([self.sender.issued(number, service=service) for number in numbers])

    def state(self) -> m.TicketsState:
        return queue.state_of(self.store, BRANCH)

    def ahead(self) -> dict[str, int]:
        return {line.number: line.ahead for line in self.state().tickets if line.state is TicketState.WAITING}

    def call(self, service: str = "personal") -> str | None:
        with self.store.write() as db:
            return queue.call_next(db, BRANCH, service, "3")

    def change(self, number: str, event: TicketEvent, service: str | None = None) -> TicketState:
        with self.store.write() as db:
            return queue.change(db, BRANCH, self.state().day, number, event, service=service)


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Branch]:
    made = Branch(tmp_path)
    yield made
    made.store.close()


def test_people_ahead_are_counted_by_service(branch: Branch) -> None:
    branch.take("A001", "A002", "A003")
    branch.take("B001", service="corporate")
    assert branch.ahead() == {"A001": 0, "A002": 1, "A003": 2, "B001": 0}


def test_calling_takes_the_first_in_line_and_moves_the_others_up(branch: Branch) -> None:
    branch.take("A001", "A002", "A003")
    assert branch.call() == "A001"
    assert branch.ahead() == {"A002": 0, "A003": 1}
    called = next(line for line in branch.state().tickets if line.number == "A001")
    assert (called.state, called.counter) == (TicketState.CALLED, "3")
    assert branch.state().services[0].last_called == "A001"


def test_calling_an_empty_line_changes_nothing(branch: Branch) -> None:
    before = branch.state().revision
    assert branch.call() is None
    assert branch.state().revision == before


def test_a_kiosk_that_was_offline_does_not_lose_its_visitors_place(branch: Branch) -> None:
    early = datetime.now(UTC) - timedelta(minutes=20)
    branch.take("A001")
    other = Sender(device="kiosk-2")
    issued = m.TicketIssued(number="A101", day=branch.state().day, service="personal", visit="v", language="zh")
    branch.ingest.take([other.ticket(issued, at=early)])
    assert branch.call() == "A101"


def test_a_transferred_ticket_waits_in_the_other_services_line(branch: Branch) -> None:
    branch.take("A001", "A002")
    branch.take("B001", service="corporate")
    branch.call()
    branch.change("A001", TicketEvent.TRANSFERRED, service="corporate")
    assert branch.call("corporate") == "A001"  # it was taken before B001


def test_what_the_table_does_not_allow_changes_nothing(branch: Branch) -> None:
    branch.take("A001")
    before = branch.state()
    with pytest.raises(queue.NotPossible) as caught:
        branch.change("A001", TicketEvent.FINISHED)
    assert caught.value.reason == "transition"
    assert branch.state().revision == before.revision


def test_every_change_has_a_higher_revision(branch: Branch) -> None:
    revisions = [branch.state().revision]
    for act in (
        lambda: branch.take("A001"),
        lambda: branch.call(),
        lambda: branch.change("A001", TicketEvent.RECALLED),
        lambda: branch.change("A001", TicketEvent.SERVING_BEGAN),
        lambda: branch.change("A001", TicketEvent.FINISHED),
    ):
        act()
        revisions.append(branch.state().revision)
    assert revisions == sorted(set(revisions))


def test_a_number_given_back_leaves_the_line_and_a_second_time_changes_nothing(branch: Branch) -> None:
    branch.take("A001", "A002")
    back = m.TicketGivenBack(number="A001", day=branch.state().day)
    branch.ingest.take([branch.sender.ticket(back)])
    branch.ingest.take([branch.sender.ticket(back)])
    assert branch.ahead() == {"A002": 0}
    assert branch.ingest.tallies.refused == {"transition": 1}


def test_the_highest_number_of_each_series_is_told_even_when_its_tickets_are_done(branch: Branch) -> None:
    branch.take("A001", "A002")
    branch.take("B001", service="corporate")
    branch.ingest.take([branch.sender.ticket(m.TicketGivenBack(number="A002", day=branch.state().day))])
    assert branch.state().issued == {"A0": 2, "B0": 1}


def test_a_day_with_more_open_tickets_than_fit_still_travels_and_counts_them_all(branch: Branch) -> None:
    began = datetime.now(UTC) - timedelta(seconds=800)
    day = branch.state().day
    taken = [
        branch.sender.ticket(
            m.TicketIssued(number=f"A0{running:02d}", day=day, service="personal", visit="v", language="zh"),
            at=began + timedelta(seconds=running),
        )
        for running in range(1, 801)
    ]
    for at in range(0, len(taken), 100):
        branch.ingest.take(taken[at : at + 100])
    state = branch.state()
    assert (len(state.tickets), state.open_tickets, state.services[0].waiting) == (queue.MAX_LINES, 800, 800)
    assert len(topics.TICKETS_STATE.encode(state)) <= topics.TICKETS_STATE.limit_bytes


@pytest.mark.parametrize(
    ("day", "line"), [("2026-13-45", ["A001"]), ("9999-12-31", ["A001", "A099"]), ("0001-01-01", ["A001"])]
)
def test_an_absurd_day_does_not_become_today(branch: Branch, day: str, line: list[str]) -> None:
    branch.take("A001")
    branch.ingest.take([branch.sender.issued("A099", day=day)])
    assert branch.state().day == datetime.now(UTC).date().isoformat()
    assert list(branch.ahead()) == line  # a visitor with a wrong date on the paper still waits


def test_a_ticket_that_arrives_after_its_day_is_settled_at_once(branch: Branch) -> None:
    old = (datetime.now(UTC).date() - timedelta(days=4)).isoformat()
    branch.take("A001")
    branch.ingest.take([branch.sender.issued("A050", day=old)])
    states = {row["number"]: row["state"] for row in branch.store.rows(sa.select(tickets))}
    assert states == {"A050": "expired", "A001": "waiting"}


def test_open_tickets_of_past_days_expire_and_those_of_today_do_not(branch: Branch) -> None:
    branch.take("A001")
    assert queue.expire(branch.store) == set()
    assert queue.expire(branch.store, datetime.now(UTC) + timedelta(days=4)) == {BRANCH}
    assert branch.store.rows(sa.select(tickets.c.state)) == [{"state": "expired"}]


def test_records_older_than_they_are_kept_are_deleted_and_younger_ones_stay(branch: Branch) -> None:
    branch.take("A001")
    branch.ingest.take([branch.sender.event(m.OpinionGiven(visit="v", score=5))])
    now = datetime.now(UTC)
    assert branch.store.forget_before(now - timedelta(days=1)) == 0
    # a moment, an opinion, a ticket and its one change
    assert branch.store.forget_before(now + timedelta(minutes=1)) == 4
    assert branch.state().tickets == ()


def test_one_appointment_has_its_head_start_once_and_the_branch_hears_of_it(branch: Branch) -> None:
    now = datetime.now(UTC)

    def booked(number: str, kiosk: Sender) -> None:
        body = m.TicketIssued(
            number=number, day=now.date().isoformat(), service="personal", visit=f"visit-{number.lower()}",
            language="zh", due=now, appointment="ref-1",
        )  # fmt: skip
        branch.ingest.take([kiosk.ticket(body)])

    booked("A001", branch.sender)
    booked("A101", Sender(device="kiosk-2"))  # it had not heard of the first
    branch.take("A002")
    with branch.store.read() as db:
        due = dict(db.execute(sa.select(tickets.c.number, tickets.c.due)).all())
    assert due["A001"] is not None and due["A101"] is None and due["A002"] is None
    assert branch.state().arrived == {"ref-1": "A001"}
    branch.change("A001", TicketEvent.GIVEN_BACK)
    assert branch.state().arrived == {"ref-1": "A101"}
