"""Somebody has an appointment: it is looked up in this terminal's own list, by code, QR code or a document's end.

What comes of it are outcomes that the flow speaks of. No code and no end of a number is kept past the look-up.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final

from contracts.appointments import CODE_DIGITS, Means, arrives
from contracts.queueing import EARLY
from kiosk.dialogue.reply import Done
from kiosk.ports import CodeReader, DeviceLost
from kiosk.queueing.appointments import Booked
from kiosk.session.visit import Visit

SCAN_S: Final = 8.0
LOOKUPS_MOST: Final = 4  # of one visit: who knows the code does not need more
_SHOWN: Final = re.compile(rf"(?:https?://[^\s?#]{{1,160}}/a/|yingbin:a:)?([0-9]{{{CODE_DIGITS}}})")
"""What the bank's QR codes say: the code alone, or at the end of an address."""

Find = Callable[[Means, str], Awaitable[list[Booked]]]


class CheckIn:
    """Looks up appointments. `now`: the hub's clock, in the branch's zone. `tally` counts outcomes."""

    def __init__(
        self,
        find: Find,
        now: Callable[[], datetime],
        known: Callable[[], bool],
        scanner: Callable[[], CodeReader | None],
    ) -> None:
        self._find, self._now, self._known, self._scanner = find, now, known, scanner
        self.tally: Counter[str] = Counter()

    def facts(self) -> dict[str, str]:
        """Whether there is a list, and something to read a code with."""
        return {
            "appointments": "known" if self._known() else "",
            "scanner": "works" if self._scanner() is not None else "",
        }

    async def scan(self) -> Done:
        """Look for a code that the visitor holds up: 'done' with `code`, 'not_seen', 'not_ours' or 'no_scanner'."""
        return self._counted("scan", await self._scan())

    async def _scan(self) -> Done:
        reader = self._scanner()
        if reader is None:
            return Done("no_scanner")
        try:
            text = await reader.read(SCAN_S)
        except DeviceLost:
            return Done("no_scanner")
        if text is None:
            return Done("not_seen")
        found = _SHOWN.fullmatch(text.strip())
        return Done("done", {"code": found[1]}) if found else Done("not_ours")

    async def find(self, visit: Visit, slots: Mapping[str, str]) -> Done:
        """Look it up by `code`, else by `tail`. 'done': the next ticket of this visit is that appointment's.

        Other outcomes: 'early', 'late', 'other_day', 'none', 'several', 'used', 'too_often', 'unknown'.
        """
        return self._counted("find", await self._looked_up(visit, slots))

    async def _looked_up(self, visit: Visit, slots: Mapping[str, str]) -> Done:
        visit.booked = None
        if not self._known():
            return Done("unknown")
        if visit.lookups >= LOOKUPS_MOST:
            return Done("too_often")
        visit.lookups += 1
        means: Means = "code" if slots.get("code") else "tail"
        now = self._now()
        found = await self._find(means, slots.get(means, ""))
        today = [row for row in found if row.due.astimezone(now.tzinfo).date() == now.date()]
        fresh = [row for row in today if not row.number]
        if len(fresh) > 1:
            return Done("several")
        if not found:
            return Done("none")
        booked = (fresh or today or found)[0]
        due = booked.due.astimezone(now.tzinfo)
        facts = {
            "service": booked.service,
            "due_day": due.date().isoformat(),
            "due_time": f"{due:%H:%M}",
            "from_time": f"{due - EARLY:%H:%M}",
        }
        if booked.number:
            return Done("used", facts)
        stands = arrives(now, due)
        if stands != "kept":
            return Done(stands, facts)
        visit.booked = booked
        return Done("done", facts)

    def _counted(self, what: str, done: Done) -> Done:
        self.tally[f"{what}_{done.outcome}"] += 1
        return done
