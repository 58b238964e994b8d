"""The visitor looks elsewhere: when that is worth a word, and when it may end the visit. Pure.

Who has all the time (large letters), who waits for a teller, who talks or types is not asked. Nobody's visit ends by
looking away who was not asked a while before whether they are there.
"""

from __future__ import annotations

from typing import Final

from kiosk.events import AttentionLost
from kiosk.session.visit import Visit

ANSWERS_NS: Final = 5_000_000_000  # so long they have to turn back after they were asked


def weighed(visit: Visit | None, lost: AttentionLost, *, talking: bool) -> AttentionLost | None:
    """What the session goes by: level 1 asks, level 2 ends. None: passed over; it is told again while it lasts."""
    if visit is None or visit.mode == "elder" or visit.case or talking or visit.typed:
        return None
    if visit.prompts == 0:
        return AttentionLost(1, lost.at_ns)
    if lost.at_ns - visit.asked_ns < ANSWERS_NS:
        return None
    return AttentionLost(min(lost.level, 2), lost.at_ns)
