"""What somebody at a desk does: allowed, done, recorded in one transaction, then told to everybody.

The pages and the API call these; nothing else changes a queue for a person.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from contracts.queueing import Lane
from contracts.tickets import STAFF_EVENTS, TicketEvent, TicketState
from hub import announce, queue, views
from hub.accounts import record
from hub.accounts.accounts import Accounts
from hub.accounts.rights import OPERATOR, Person, Refused, Right, Role, require
from hub.bus import Outgoing
from hub.foresight.posts import note_call, set_post
from hub.service import Hub

DESK_EVENTS: Final = STAFF_EVENTS - {TicketEvent.CALLED}
"""What a clerk does with one ticket; the next one is called by `call_next`, a parked one by `call_parked`."""


class SignedOut(PermissionError):
    """The session is over: sign in again."""


class Acts:
    """Everything that people do to the queue of a branch."""

    def __init__(self, hub: Hub, accounts: Accounts | None) -> None:
        self._hub, self._accounts = hub, accounts

    def still(self, person: Person) -> Person:
        """The person as of now: sessions end, and what somebody may do changes. Raises `SignedOut`."""
        if self._accounts is None:
            return OPERATOR
        found = self._accounts.find_session(person.session)
        if found is None:
            raise SignedOut
        return found

    def call_next(self, person: Person, branch: str, services: str | Sequence[str], counter: str) -> str | None:
        """Call the first in line of these services to `counter`; its number, or None when nobody waits.

        A teller calls from the video line. Raises `Refused`, `SignedOut`.
        """
        person = self._allowed(person, branch)
        lane = Lane.VIDEO if _only_teller(person, branch) else Lane.COUNTER
        now = datetime.now(UTC)

        def work(db: sa.Connection) -> tuple[str, m.NumberCalled | None] | None:
            chosen = (services,) if isinstance(services, str) else services
            extra = note_call(db, branch, counter, chosen, now) if lane is Lane.COUNTER else ()
            number = queue.call_next(db, branch, chosen, counter, lane=lane, now=now)
            if number is None and extra:  # what the floor needs besides, when nobody of its own waits
                number = queue.call_next(db, branch, extra, counter, lane=lane, now=now)
            if number is None:
                return None
            record.note(db, person.name, "called", branch=branch, subject=number)
            said = None
            if lane is Lane.COUNTER:
                day = queue.current_day(db, branch)
                said = announce.schedule(db, branch, day, number, counter, again=False)
            return number, said

        done = self._hub.store.apply(work)
        if done is None:
            return None
        self._tell(branch, done[1])
        return done[0]

    def change(
        self,
        person: Person,
        branch: str,
        day: str,
        number: str,
        event: TicketEvent,
        *,
        counter: str | None = None,
        service: str | None = None,
        lane: Lane | None = None,
    ) -> TicketState:
        """Something happens to one ticket at a counter. Raises `queue.NotPossible`, `Refused`, `SignedOut`."""
        if event not in STAFF_EVENTS:
            raise Refused(Right.SERVE, branch)
        person = self._allowed(person, branch)

        def work(db: sa.Connection) -> tuple[TicketState, m.NumberCalled | None]:
            state = queue.change(db, branch, day, number, event, counter=counter, service=service, lane=lane)
            record.note(db, person.name, str(event), branch=branch, subject=number)
            if event not in (TicketEvent.CALLED, TicketEvent.RECALLED):
                return state, None
            again = event is TicketEvent.RECALLED
            return state, announce.schedule(db, branch, day, number, counter or "", again=again)

        state, said = self._hub.store.apply(work)
        self._tell(branch, said)
        return state

    def set_counter(
        self, person: Person, branch: str, services: Sequence[str], counter: str, doing: str, pause_min: int = 0
    ) -> None:
        """A clerk opens, pauses (for `pause_min`) or closes a counter: waits are worked out with it. Raises `Refused`,
        `SignedOut`, ValueError."""
        person = self._allowed(person, branch)
        now = datetime.now(UTC)
        back = now + timedelta(minutes=pause_min) if doing == "pause" and pause_min else None

        def work(db: sa.Connection) -> None:
            set_post(db, branch, counter, services, doing, now, back)
            record.note(db, person.name, f"counter_{doing}", branch=branch, subject=counter)

        self._hub.store.apply(work)
        self._hub.foresight.moved(branch)
        self._hub.queue_changed(branch)

    def handover(self, person: Person, branch: str, day: str, number: str) -> dict[str, Any] | None:
        """What the visitor with this ticket said and needs, where a person was called for them; only for who serves in
        the branch. None: nobody was called, or it is too long ago. Raises `Refused`, `SignedOut`.

        Each reading is recorded, who and which ticket, in the transaction that reads: not recorded, not read.
        """
        person = self._allowed(person, branch)

        def work(db: sa.Connection) -> dict[str, Any] | None:
            found = views.handover_of_ticket(db, branch, day, number)
            if found is not None:
                record.note(db, person.name, "handover_read", branch=branch, subject=f"{day} {number}")
            return found

        if self.handover_mark(person, branch, day, number) is None:
            return None
        return self._hub.store.apply(work)

    def handover_mark(self, person: Person, branch: str, day: str, number: str) -> str | None:
        """Which packet there is to read, if any, without reading it. Raises `Refused`, `SignedOut`."""
        self._allowed(person, branch)
        return views.handover_mark(self._hub.store, branch, day, number)

    def give_back(self, branch: str, day: str, number: str) -> TicketState:
        """The visitor does not want the number any more. Raises `queue.NotPossible`."""

        def work(db: sa.Connection) -> TicketState:
            state = queue.change(db, branch, day, number, TicketEvent.GIVEN_BACK)
            record.note(db, "", "given_back", branch=branch, subject=number)
            return state

        state = self._hub.store.apply(work)
        self._tell(branch, None)
        return state

    def to_video(self, branch: str, day: str, number: str) -> TicketState:
        """The visitor took the offer of a teller on video. Raises `queue.NotPossible`."""

        def work(db: sa.Connection) -> TicketState:
            state = queue.change(db, branch, day, number, TicketEvent.TRANSFERRED, lane=Lane.VIDEO)
            record.note(db, "", "to_video", branch=branch, subject=number)
            return state

        state = self._hub.store.apply(work)
        self._tell(branch, None)
        return state

    def _allowed(self, person: Person, branch: str) -> Person:
        person = self.still(person)
        require(person, Right.SERVE, branch)
        return person

    def _tell(self, branch: str, said: m.NumberCalled | None) -> None:
        if said is not None:
            row = topics.ANNOUNCEMENTS
            self._hub.bus.send(Outgoing(row.at(branch), row.encode(said), row.qos, row.retain))
        self._hub.queue_changed(branch)


def _only_teller(person: Person, branch: str) -> bool:
    roles = {grant.role for grant in person.grants if grant.branch in ("*", branch)}
    return Role.TELLER in roles and not roles & {Role.CLERK, Role.BRANCH_MANAGER}
