"""What a teller asks of the terminal in a talk, and what a second person decides: allowed, recorded, then sent.

Who fills which field with what is not in the record: the document that is signed says it. That a form was opened, a
step taken, a second person asked, something shown, looked at or printed, is.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa

from config.forms import Form, load_forms
from contracts import together as t
from contracts.video import TALKS, CaseState
from hub.accounts import record
from hub.accounts.rights import RIGHTS, Person, Right, require
from hub.bus import Outgoing
from hub.desk.acts import Acts
from hub.service import Hub
from hub.together import seconds, signed, stands
from hub.together.tables import seconds as second_rows
from hub.video import views
from hub.video.pool import NotNow, Row

ERRANDS: Final[dict[t.ErrandKind, str]] = {
    "read": "document_shown", "document": "document_asked", "face": "face_asked", "print": "receipt_asked",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the desk shows: what the terminal said last, the last second approval, and what was signed."""

    stands: t.TogetherStands | None
    second: Row | None
    signed: dict[str, Any] | None


class TogetherActs:
    """Each may raise `NotNow`, `Refused`, `SignedOut`."""

    def __init__(self, hub: Hub, desk: Acts) -> None:
        self._hub, self._desk = hub, desk
        self.forms: dict[str, Form] = load_forms()

    # --- a teller in a talk ---------------------------------------------------------------------

    def look(self, person: Person, case: str) -> Look:
        """How it stands; only for the teller who holds the case."""
        self._held(person, case)
        told = stands.look(self._hub.store, case)
        session = told.form.session if told and told.form else ""
        return Look(
            stands=told,
            second=seconds.latest(self._hub.store, case, session) if session else None,
            signed=signed.of_session(self._hub.store, case, session) if session else None,
        )

    def open_form(self, person: Person, case: str, form: str) -> None:
        if form not in self.forms:
            raise NotNow("unknown")
        self._send(person, case, t.OpenForm(form=form, session=uuid.uuid4().hex), "form_opened", form)

    def close_form(self, person: Person, case: str, session: str) -> None:
        self._send(person, case, t.CloseForm(session=session), "form_closed")

    def touch(self, person: Person, case: str, session: str, field: str) -> None:
        """The teller's hand is at this field; empty: at none."""
        self._send(person, case, t.TouchField(session=session, field=field))

    def fill(self, person: Person, case: str, form: str, session: str, field: str, value: str) -> int:
        """Write into a field that is a teller's to fill; the wish's number. Raises `NotNow` for any other."""
        known = self.forms[form].field(field) if form in self.forms else None
        if known is None or known.secret or "teller" not in known.by:
            raise NotNow("cannot")
        return self._send(person, case, t.FillField(session=session, field=field, value=value[: t.VALUE_CHARS]))

    def open_step(self, person: Person, case: str, form: str, session: str, step: str) -> None:
        """Go on. Raises `NotNow`, reason 'second', where another person must approve it first and has not."""
        known = self.forms[form].step(step) if form in self.forms else None
        if known is None:
            raise NotNow("unknown")

        def body(db: sa.Connection) -> t.FromDesk:
            digest = seconds.given(db, case, step) if known.needs_second else ""
            if known.needs_second and not digest:
                raise NotNow("second")
            return t.OpenStep(session=session, step=step, second=digest)

        self._send(person, case, body, "form_step", step)

    def ask_second(self, person: Person, case: str, step: str) -> None:
        """Ask another person to approve a step."""
        person, held = self._held(person, case)

        def work(db: sa.Connection) -> None:
            seconds.ask(db, held, step, person.name, datetime.now(UTC))
            record.note(db, person.name, "second_asked", branch=held["branch"], subject=case, outcome=step)

        self._hub.store.apply(work)
        self._hub.cases_changed({case})

    def errand(self, person: Person, case: str, kind: t.ErrandKind, about: str = "") -> None:
        """Something to read, a new look at document or face, paper."""
        body = t.AskErrand(errand=uuid.uuid4().hex, errand_kind=kind, about=about)
        self._send(person, case, body, ERRANDS[kind], about or "done")

    # --- the second person ----------------------------------------------------------------------

    def asked(self, person: Person) -> list[tuple[Row, t.TogetherStands | None]]:
        """What waits for a second person in this person's branches, with the form as it stands."""
        person = self._desk.still(person)
        require(person, Right.SECOND)
        mine = frozenset(grant.branch for grant in person.grants if Right.SECOND in RIGHTS[grant.role])
        found = seconds.waiting(self._hub.store, mine)
        return [(row, stands.look(self._hub.store, row["video_case"])) for row in found]

    def decide(self, person: Person, asked: int, *, approved: bool) -> None:
        """Approve or refuse. Never one's own: neither for whoever asked nor for whoever holds the case."""
        person = self._desk.still(person)

        def work(db: sa.Connection) -> str:
            row = db.execute(sa.select(second_rows).where(second_rows.c.id == asked)).mappings().one_or_none()
            if row is None:
                raise NotNow("unknown")
            require(person, Right.SECOND, row["branch"])
            held = views.case_of(self._hub.store, row["video_case"])
            teller = held["teller"] if held else ""
            seconds.decide(db, dict(row), teller, person.name, approved=approved, now=datetime.now(UTC))
            act = "second_given" if approved else "second_refused"
            record.note(db, person.name, act, branch=row["branch"], subject=row["video_case"], outcome=row["step"])
            return str(row["video_case"])

        self._hub.cases_changed({self._hub.store.apply(work)})

    # --- how it is done -------------------------------------------------------------------------

    def _held(self, person: Person, case: str) -> tuple[Person, Row]:
        """The case, where this person talks with its visitor now."""
        person = self._desk.still(person)
        require(person, Right.TALK)
        row = views.case_of(self._hub.store, case)
        if row is None or row["teller"] != person.name:
            raise NotNow("foreign")
        require(person, Right.TALK, row["branch"])
        if CaseState(row["state"]) not in TALKS:
            raise NotNow("transition")
        return person, row

    def _send(
        self,
        person: Person,
        case: str,
        body: t.FromDesk | Callable[[sa.Connection], t.FromDesk],
        act: str = "",
        outcome: str = "done",
    ) -> int:
        """Number it, record it, and when that is on disk send it to the terminal; its number."""
        person, held = self._held(person, case)

        def work(db: sa.Connection) -> tuple[Outgoing, int]:
            numbered = stands.ask(db, held, body(db) if callable(body) else body, datetime.now(UTC))
            if act:
                record.note(db, person.name, act, branch=held["branch"], subject=case, outcome=outcome)
            return numbered

        message, said = self._hub.store.apply(work)
        self._hub.bus.send(message)
        return said
