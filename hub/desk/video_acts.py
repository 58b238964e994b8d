"""What tellers and supervisors do at a desk: allowed, done, recorded in one transaction, then told to everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from contracts.video import Refusal, WrapCode
from contracts.video_messages import Need
from hub.accounts import record
from hub.accounts.rights import RIGHTS, Person, Refused, Right, require
from hub.desk.acts import Acts
from hub.service import Hub
from hub.video import acts, views
from hub.video.pool import NotNow, Pool
from hub.video.tables import cases, left_messages

UNKNOWN: Final = "unknown"


class VideoActs:
    """Everything that people do to cases. Each may raise `NotNow`, `Refused`, `SignedOut`."""

    def __init__(self, hub: Hub, desk: Acts) -> None:
        self._hub, self._desk = hub, desk

    # --- a teller's own day ---------------------------------------------------------------------

    def heard(self, person: Person) -> None:
        """The page is open. Who opens it for the first time is a teller with no more than the least skills."""
        person = self._teller(person)

        def work(pool: Pool) -> None:
            try:
                acts.heard(pool, person.name)
            except NotNow as err:
                if err.reason != UNKNOWN:
                    raise
                acts.enrol(pool, person.name)

        self._do(work)

    def ready(self, person: Person) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.ready(pool, person.name, serves(person)), person, "video_ready")

    def rest(self, person: Person) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.rest(pool, person.name), person, "video_break")

    def off(self, person: Person) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.off(pool, person.name), person, "video_off")

    # --- one visitor ----------------------------------------------------------------------------

    def accept(self, person: Person, case: str) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.accept(pool, person.name, case), person, "video_accepted", case)

    def refuse(self, person: Person, case: str, why: Refusal) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.refuse(pool, person.name, case, why), person, "video_refused", case, why)

    def begin(self, person: Person, case: str) -> None:
        """Both see and hear each other, as the teller says it."""
        person = self._teller(person)
        self._do(lambda pool: acts.connected_by_desk(pool, person.name, case), person, "video_began", case)

    def transfer(self, person: Person, case: str, need: Need, note: str) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.transfer(pool, person.name, case, need, note), person, "video_transferred", case)

    def hang_up(self, person: Person, case: str) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.hang_up(pool, person.name, case), person, "video_ended", case)

    def file(self, person: Person, case: str, code: WrapCode, summary: str) -> None:
        person = self._teller(person)
        self._do(lambda pool: acts.file(pool, person.name, case, code, summary), person, "video_filed", case, code)

    def packet(self, person: Person, case: str) -> dict[str, Any] | None:
        """The hand-over, for the teller to whom the case is offered or who holds it; nobody else."""
        person = self._teller(person)
        row = views.case_of(self._hub.store, case)
        if row is None or row["teller"] != person.name:
            raise Refused(Right.TALK, row["branch"] if row else "")
        return views.packet_of(self._hub.store, row, datetime.now(UTC))

    def messages(self, person: Person) -> list[dict[str, Any]]:
        """What visitors left for tellers of this person's branches."""
        return views.messages(self._hub.store, frozenset(serves(self._teller(person))))

    def message_read(self, person: Person, key: tuple[str, str, str, int]) -> None:
        """Nobody else needs to read it."""
        person = self._teller(person)
        branch, device, log, seq = key
        require(person, Right.TALK, branch)
        table = left_messages.c
        which = sa.and_(table.branch == branch, table.device == device, table.log == log, table.seq == seq)

        def work(pool: Pool) -> None:
            pool.db.execute(sa.update(left_messages).where(which, table.read_by == "").values(read_by=person.name))
            pool.bump()

        self._do(work, person, "video_message_read")

    # --- a supervisor ---------------------------------------------------------------------------

    def assign(self, person: Person, case: str, teller: str) -> None:
        """Give a case to a free teller by hand; only a case of a branch that this person supervises."""
        person = self._desk.still(person)
        row = views.case_of(self._hub.store, case)
        require(person, Right.SUPERVISE, row["branch"] if row else None)
        self._do(lambda pool: acts.assign(pool, person.name, case, teller), person, "video_assigned", case, teller)

    def supervised(self, person: Person) -> frozenset[str]:
        """The branches whose cases this person may see; '*': all."""
        person = self._desk.still(person)
        require(person, Right.SUPERVISE)
        return frozenset(grant.branch for grant in person.grants if Right.SUPERVISE in RIGHTS[grant.role])

    # --- how it is done -------------------------------------------------------------------------

    def _teller(self, person: Person) -> Person:
        person = self._desk.still(person)
        require(person, Right.TALK)
        return person

    def _do(
        self,
        work: Callable[[Pool], None],
        person: Person | None = None,
        act: str = "",
        case: str = "",
        outcome: str = "done",
    ) -> None:
        """`work` and its row of the record in one transaction; then terminals and open pages are told."""

        def whole(db: sa.Connection) -> set[str]:
            pool = Pool(db, self._hub.rules, datetime.now(UTC))
            work(pool)
            if person is not None and act:
                branch = (
                    db.execute(sa.select(cases.c.branch).where(cases.c.video_case == case)).scalar() if case else ""
                )
                record.note(db, person.name, act, branch=branch or "", subject=case, outcome=outcome)
            return pool.touched

        touched = self._hub.store.apply(whole)
        if touched or act:
            self._hub.cases_changed(touched)


def serves(person: Person) -> list[str]:
    """The branches whose visitors this person may talk to; '*': all."""
    return sorted({grant.branch for grant in person.grants if Right.TALK in RIGHTS[grant.role]})
