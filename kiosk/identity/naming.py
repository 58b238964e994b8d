"""What a conversation can have done about a name: told, and held against the document's. It is kept nowhere.

Twice at most it is asked for; what a recogniser wrote down otherwise accuses nobody, and leads to the keys or to a
person. What it came to lies in the visit as a finding without the name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from config.flows import Action
from kiosk.banking.ports import Held
from kiosk.dialogue.reply import Done
from kiosk.identity.names import Found, best, compare_typed
from kiosk.identity.verdict import NameFinding
from kiosk.session.visit import Visit

ACTIONS: Final[frozenset[Action]] = frozenset({"check_name", "refuse_name"})
TOLD: Final = "name_told"  # the slot
TRIES_MOST: Final = 2  # each way
SETTLED: Final = frozenset({"agrees", "refused"})


@dataclass(slots=True)
class NameActs:
    """`holding`: what lies in the reader."""

    holding: Callable[[], Held | None]
    tally: Counter[str] = field(default_factory=Counter)

    def facts(self, visit: Visit) -> Mapping[str, str]:
        """`name`: 'ask' where a document tells one and nothing is settled yet."""
        asked = visit.name is not None and (visit.name.found in SETTLED or visit.name.tries >= TRIES_MOST)
        return {"name": "ask" if self._on_document(visit) and not asked else ""}

    def do(self, visit: Visit, action: Action, slots: Mapping[str, str]) -> Done:
        """'done' (agrees, or there is nothing more to ask), 'again' and 'type_again' (once each), 'doubt', 'differs',
        'failed' (no document tells a name)."""
        outcome = self._refused(visit) if action == "refuse_name" else self._checked(visit, slots.get(TOLD, ""))
        self.tally[f"{action} {outcome}"] += 1
        return Done(outcome)

    def _refused(self, visit: Visit) -> str:
        visit.name = NameFinding(found="refused")
        return "done"

    def _checked(self, visit: Visit, told: str) -> str:
        name = self._on_document(visit)
        if not name:
            return "failed"
        typed = told.isdecimal()
        found: Found = compare_typed(told, name) if typed else best(told.split("\n"), name)
        before = visit.name
        tries = before.tries + 1 if before is not None and before.typed == typed else 1
        visit.name = NameFinding(found=found, typed=typed, tries=tries)
        if found == "agrees":
            return "done"
        if tries < TRIES_MOST:
            return "type_again" if typed else "again"
        if found == "differs":
            return "differs" if typed else "doubt"
        return "done"  # near, or no more than the surname: it decides nothing

    def _on_document(self, visit: Visit) -> str:
        held = self.holding()
        if held is not None:
            return held.name if held.kind == "document" else ""
        read = visit.document
        if read is None or read.finding.outcome != "accepted":
            return ""
        return read.values.get("name", "")
