"""A visitor who wants a person on video, and the teller who may be that person: two tables of states.

A *case* is one visitor's wish for a teller, from the asking to the written account. A *teller* is a person at a remote
desk. What is not in the tables cannot happen. The hub alone changes states (`hub/video`); terminals and desks send
what happened, and are told where a case stands. The media of the call (offers, answers, candidates) is not here: it
needs `CONNECTING`, tells `CONNECTED`, `DROPPED` and `RESUMED`, and nothing else.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal


class CaseState(StrEnum):
    """Where a visitor's wish for a teller stands."""

    WAITING = "waiting"
    OFFERED = "offered"  # one teller sees the hand-over and may accept
    CONNECTING = "connecting"  # accepted; the media is being set up
    TALKING = "talking"
    RECONNECTING = "paused_reconnecting"  # one side was lost; for a while it may come back
    WRAPPING_UP = "wrapping_up"  # the talk is over, the teller writes the account
    WRAPPED_UP = "wrapped_up"
    ENDED = "ended"  # without a talk, by the visitor's choice or the hub's; with a reason
    ABANDONED = "abandoned"  # the visitor went away while waiting, or the terminal did
    CALLED_BACK = "called_back"  # a later time was chosen; a new case begins when the code comes back


class CaseEvent(StrEnum):
    """What happens to a case, past tense."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    OFFER_LAPSED = "offer_lapsed"  # nobody answered it in time, or it was taken back
    TELLER_LOST = "teller_lost"  # the teller's desk was not heard any more
    CONNECTED = "connected"
    NOT_CONNECTED = "not_connected"  # in time
    DROPPED = "dropped"
    RESUMED = "resumed"
    TRANSFERRED = "transferred"  # to another skill, with a note
    HUNG_UP = "hung_up"
    FILED = "filed"  # the account was written, or its time was over
    LEFT = "left"  # the visitor went, or the terminal was not heard any more
    SETTLED = "settled"  # the visitor chose another way
    CALL_BACK_ASKED = "call_back_asked"


class TellerState(StrEnum):
    """What a teller is doing."""

    OFFLINE = "offline"
    READY = "ready"
    OFFERED = "offered"
    BUSY = "busy"
    AFTER_WORK = "after_work"
    BREAK = "break"


class TellerEvent(StrEnum):
    """What happens to a teller, past tense."""

    READIED = "readied"
    RESTED = "rested"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"  # refused with a reason, or the offer was taken back: free again
    LAPSED = "lapsed"  # did not answer an offer: not at the desk
    FREED = "freed"  # the case went on without this teller: transferred, not connected
    RELEASED = "released"  # the talk is over, the account is to be written
    LOST = "lost"  # signed off, or not heard any more


S, E, T, A = CaseState, CaseEvent, TellerState, TellerEvent

TABLE: Final[dict[tuple[CaseState, CaseEvent], CaseState]] = {
    (S.WAITING,      E.OFFERED):         S.OFFERED,
    (S.WAITING,      E.TRANSFERRED):     S.WAITING,       # a supervisor corrects what is needed
    (S.WAITING,      E.LEFT):            S.ABANDONED,
    (S.WAITING,      E.SETTLED):         S.ENDED,
    (S.WAITING,      E.CALL_BACK_ASKED): S.CALLED_BACK,
    (S.OFFERED,      E.ACCEPTED):        S.CONNECTING,
    (S.OFFERED,      E.REFUSED):         S.WAITING,
    (S.OFFERED,      E.OFFER_LAPSED):    S.WAITING,
    (S.OFFERED,      E.TELLER_LOST):     S.WAITING,
    (S.OFFERED,      E.LEFT):            S.ABANDONED,
    (S.OFFERED,      E.SETTLED):         S.ENDED,
    (S.OFFERED,      E.CALL_BACK_ASKED): S.CALLED_BACK,
    (S.CONNECTING,   E.CONNECTED):       S.TALKING,
    (S.CONNECTING,   E.NOT_CONNECTED):   S.WAITING,
    (S.CONNECTING,   E.TELLER_LOST):     S.WAITING,
    (S.CONNECTING,   E.TRANSFERRED):     S.WAITING,
    (S.CONNECTING,   E.LEFT):            S.ABANDONED,
    (S.CONNECTING,   E.SETTLED):         S.ENDED,
    (S.CONNECTING,   E.CALL_BACK_ASKED): S.CALLED_BACK,
    (S.TALKING,      E.DROPPED):         S.RECONNECTING,
    (S.TALKING,      E.TRANSFERRED):     S.WAITING,
    (S.TALKING,      E.HUNG_UP):         S.WRAPPING_UP,
    (S.TALKING,      E.LEFT):            S.WRAPPING_UP,
    (S.RECONNECTING, E.RESUMED):         S.TALKING,
    (S.RECONNECTING, E.NOT_CONNECTED):   S.WAITING,       # at the old place, for whoever is free
    (S.RECONNECTING, E.TRANSFERRED):     S.WAITING,
    (S.RECONNECTING, E.HUNG_UP):         S.WRAPPING_UP,
    (S.RECONNECTING, E.LEFT):            S.WRAPPING_UP,
    (S.WRAPPING_UP,  E.FILED):           S.WRAPPED_UP,
}  # fmt: skip

TELLER_TABLE: Final[dict[tuple[TellerState, TellerEvent], TellerState]] = {
    (T.OFFLINE,    A.READIED):  T.READY,
    (T.OFFLINE,    A.RESTED):   T.BREAK,
    (T.READY,      A.RESTED):   T.BREAK,
    (T.READY,      A.OFFERED):  T.OFFERED,
    (T.READY,      A.LOST):     T.OFFLINE,
    (T.OFFERED,    A.ACCEPTED): T.BUSY,
    (T.OFFERED,    A.DECLINED): T.READY,
    (T.OFFERED,    A.LAPSED):   T.BREAK,
    (T.OFFERED,    A.LOST):     T.OFFLINE,
    (T.BUSY,       A.FREED):    T.READY,
    (T.BUSY,       A.RELEASED): T.AFTER_WORK,
    (T.BUSY,       A.LOST):     T.OFFLINE,
    (T.AFTER_WORK, A.READIED):  T.READY,
    (T.AFTER_WORK, A.RESTED):   T.BREAK,
    (T.AFTER_WORK, A.LOST):     T.OFFLINE,
    (T.BREAK,      A.READIED):  T.READY,
    (T.BREAK,      A.LOST):     T.OFFLINE,
}  # fmt: skip

OVER: Final = frozenset({S.WRAPPED_UP, S.ENDED, S.ABANDONED, S.CALLED_BACK})
"""Nothing happens to a case any more."""
WITH_TELLER: Final = frozenset({S.OFFERED, S.CONNECTING, S.TALKING, S.RECONNECTING, S.WRAPPING_UP})
"""One teller holds the case; in all other states nobody does."""
VISITOR_THERE: Final = frozenset({S.WAITING, S.OFFERED, S.CONNECTING, S.TALKING, S.RECONNECTING})
"""The terminal must be heard now and then."""
TALKS: Final = frozenset({S.CONNECTING, S.TALKING, S.RECONNECTING})
"""A teller and a visitor are on the line, or about to be: what they do together is theirs."""
ON_DUTY: Final = frozenset({T.READY, T.OFFERED, T.BUSY, T.AFTER_WORK})
"""Counted for an estimate."""

Refusal = Literal["language", "skill", "knows_visitor", "technical", "other"]
"""Why a teller refuses an offer."""
EndReason = Literal["left", "cancelled", "ticket", "self_service", "message", "staff", "lost", "replaced", "supervisor"]
"""Why a case was over without a talk; `lost`: the terminal was not heard, `replaced`: it asked anew."""
WrapCode = Literal["solved", "partly", "to_counter", "call_back", "no_visitor", "fraud_stopped", "not_filed"]
"""What became of the wish; `not_filed`: the time for the account was over."""
Choice = Literal["wait", "ticket", "call_back", "message", "self_service"]
"""What a visitor may do instead of waiting."""
Outcome = Literal["place", "nobody", "closed", "full"]
"""`place`: in line. `nobody`: no teller on duty can serve this. `closed`: out of hours. `full`: too many wait."""


def step(state: CaseState, event: CaseEvent) -> CaseState | None:
    """The case's state after `event`, or None when that cannot happen in `state`."""
    return TABLE.get((state, event))


def teller_step(state: TellerState, event: TellerEvent) -> TellerState | None:
    """The teller's state after `event`, or None when that cannot happen in `state`."""
    return TELLER_TABLE.get((state, event))
