"""What a teller does with the help of a talk: reads captions, ticks questions, proposes knowledge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from config.forms import load_forms
from hub.accounts import record
from hub.accounts.rights import Person, Right, require, where
from hub.desk.acts import Acts
from hub.labels import Pair
from hub.service import Hub
from hub.together import signed
from hub.video import helping, proposals, views
from hub.video.pool import NotNow


class HelpActs:
    """Each may raise `NotNow`, `Refused`, `SignedOut`. No caption goes into the record, only that a person did what."""

    def __init__(self, hub: Hub, desk: Acts) -> None:
        self._hub, self._desk = hub, desk

    def heard(self, person: Person, case: str, after: int) -> list[dict[str, Any]]:
        """Captions after number `after`, for the teller who holds the case; for others none."""
        return helping.heard_of(self._hub.store, case, self._teller(person).name, after)

    def ticks(self, person: Person, case: str) -> frozenset[str]:
        """What was asked already in a case that this person holds."""
        row = views.case_of(self._hub.store, case)
        if row is None or row["teller"] != self._teller(person).name:
            return frozenset()
        return helping.ticks_of(self._hub.store, case)

    def signed(self, person: Person, case: str) -> list[Pair]:
        """The titles of the forms that were signed in a case that this person holds, in Chinese and English."""
        row = views.case_of(self._hub.store, case)
        if row is None or row["teller"] != self._teller(person).name:
            return []
        forms = load_forms()
        return [(forms[one].title.zh, forms[one].title.en) if one in forms else (one, one)
                for one in signed.forms_of(self._hub.store, case)]  # fmt: skip

    def tick(self, person: Person, case: str, question: str, *, asked: bool) -> None:
        """A required question was asked, or ticked by mistake."""
        person, now = self._teller(person), datetime.now(UTC)
        self._hub.store.apply(lambda db: helping.tick(db, case, question, person.name, now, asked=asked))

    def propose(self, person: Person, case: str, question: str, answer: str) -> None:
        """Knowledge that was missing, for the editor. Raises `NotProposed` too."""
        person, now = self._teller(person), datetime.now(UTC)
        row = views.case_of(self._hub.store, case)
        if row is None or row["teller"] != person.name:
            raise NotNow("foreign")

        def work(db: sa.Connection) -> None:
            proposals.propose(db, row["branch"], row["service"], question, answer, person.name, now)
            record.note(db, person.name, "knowledge_proposed", branch=row["branch"], subject=case)

        self._hub.store.apply(work)

    # --- the editor -----------------------------------------------------------------------------

    def proposed(self, person: Person, branches: Sequence[str]) -> list[dict[str, Any]]:
        """What tellers propose in those branches whose packs this person edits."""
        mine = where(self._desk.still(person), Right.OFFER_KNOWLEDGE, list(branches))
        return proposals.open_proposals(self._hub.store, mine)

    def decide(self, person: Person, branch: str, proposal: int, state: proposals.State) -> None:
        """Taken into a pack, or not. Raises `NotProposed` too."""
        person, now = self._desk.still(person), datetime.now(UTC)
        require(person, Right.OFFER_KNOWLEDGE, branch)

        def work(db: sa.Connection) -> None:
            proposals.decide(db, branch, proposal, state, person.name, now)
            record.note(db, person.name, f"proposal_{state}", branch=branch, subject=str(proposal))

        self._hub.store.apply(work)

    def _teller(self, person: Person) -> Person:
        person = self._desk.still(person)
        require(person, Right.TALK)
        return person
