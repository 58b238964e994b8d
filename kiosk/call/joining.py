"""A visitor's case and its call, kept in step.

What the hub says of the case opens and ends the call; what becomes of the call is said of the case. Neither knows
the other: the line would work without pictures, and the call knows nothing of waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from contracts import call as c
from contracts import video_messages as v
from contracts.video import CaseState
from kiosk.call.calls import CallChanged, CallEnded, CallNews, Calls
from kiosk.call.line import TellerLine

WITH_A_TELLER: Final = frozenset({CaseState.CONNECTING, CaseState.TALKING, CaseState.RECONNECTING})
IN_LINE: Final = frozenset({CaseState.WAITING, CaseState.OFFERED})
TOLD: Final[Mapping[c.MediaStanding, v.Media]] = {
    "none": "none", "connecting": "none", "up": "up", "lost": "lost", "over": "lost",
}  # fmt: skip


class Joining:
    """`hears` is called with what the hub says of cases, `news` with what becomes of calls; both in the loop."""

    def __init__(self, line: TellerLine, calls: Calls) -> None:
        self._line, self._calls = line, calls
        self._over = ""  # the case whose call ended last

    def hears(self, standing: v.CaseStanding) -> None:
        """Only what the line took counts: not other cases, nothing older than what is known."""
        self._line.hears(standing)
        known = self._line.standing
        if known is None or known.case != self._line.case:
            return
        if known.state in WITH_A_TELLER:
            if self._over != known.case:  # the hub may say for a moment longer that a teller holds it
                self._calls.expect(known.case)
        elif self._calls.case == known.case:  # passed on, or over
            self._calls.hang_up("transferred" if known.state in IN_LINE else "done")
        elif known.state in IN_LINE:
            self._calls.prepare()
        if known.state in IN_LINE:
            self._over = ""  # in line, perhaps again: the next teller's call is another one

    def news(self, news: CallNews) -> None:
        """A call that ended without the hub's word is told as lost: it is picked up again, or the case ends."""
        if news.case != self._line.case:
            return
        match news:
            case CallChanged(media=media):
                self._line.tells_media(TOLD[media])
            case CallEnded():
                self._over = news.case
                self._line.tells_media("lost" if self._line.media == "up" else self._line.media)
