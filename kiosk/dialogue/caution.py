"""What comes before the answer to a wish: help in danger, a stop before money is lost, a calm word. Pure.

The flow is `config/flows/caution.yaml`; who watches, and when it is time, is `kiosk/session/watching.py`. It refuses
to judge: it only turns what was judged into steps.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from contracts.screen import Language
from kiosk.dialogue.arrive import Arrivals
from kiosk.dialogue.flows import FlowBook, Later, Place
from kiosk.dialogue.reply import Context, Do, Reply
from kiosk.dialogue.wording import ASKED, joined, pick
from kiosk.risk.watch import MONEY

FLOW: Final = "caution"
RISK: Final = "fraud_risk"  # the reason for which staff are called
CHECK: Final = "risk_check"
UPSET: Final = ("person", "offer_upset")
MOVES_MONEY: Final = MONEY | {"credit_card_repay"}
LEADS_TO_PEOPLE: Final = frozenset({"person", "teller"})  # who is on the way to a person is not offered one
LEAVES_ALONE: Final = frozenset({FLOW, "person", "farewell"})  # no money moves in these flows


class Caution:
    """Puts steps of care before what was decided."""

    def __init__(self, book: FlowBook, arrivals: Arrivals) -> None:
        self._book = book
        self._arrivals = arrivals

    def guarded(self, context: Context, decided: Reply | Do, now: datetime) -> Reply | Do:
        """What was decided, or what has to come before it."""
        concern, place = context.concern, decided.place
        if concern.danger:
            return self._to(context, Place(FLOW, "danger", concern.danger, {"danger": concern.danger}), now)
        if place is not None and place.flow == FLOW and not (concern.risk == "high" and concern.rose):
            return decided
        calls = isinstance(decided, Do) and decided.action == "call_staff"
        money = place is not None and place.wish in MOVES_MONEY and place.flow not in LEAVES_ALONE
        stopped = concern.risk == "high" or (concern.warned and concern.risk == "medium")
        if stopped and (concern.rose or money):
            return self._to(context, Place(FLOW, "still" if concern.warned else "stop", RISK), now)
        if calls or (isinstance(decided, Reply) and decided.ends):
            return decided
        if concern.risk == "medium" and concern.question and (concern.rose or money):
            asks = Place(
                FLOW, "ask", CHECK, {"question": ASKED + concern.question, "asked": "1" if concern.asked else ""}
            )
            return self._before(context, asks, decided, now)
        if concern.upset and not (place is not None and place.flow in LEADS_TO_PEOPLE):
            return self._before(context, Place(*UPSET, concern.upset), decided, now)
        return decided

    def opened(self, context: Context, reply: Reply) -> Reply:
        """The answer with a calm word before it."""
        opening = context.concern.opening
        if opening is None or (reply.place is not None and reply.place.flow == FLOW):
            return reply  # where it is urgent nothing comes first
        other: Language = "en" if reply.language == "zh" else "zh"
        translation = joined([pick(opening, other), reply.translation], other) if reply.translation else ""
        calm = reply.expression in ("warm", "glad", "neutral", "listening")
        return replace(
            reply,
            text=joined([pick(opening, reply.language), reply.text], reply.language),
            translation=translation,
            bare=reply.bare or reply.text,
            expression="concerned" if calm else reply.expression,
            keep=False,
        )

    def _to(self, context: Context, place: Place, now: datetime) -> Reply | Do:
        return self._arrivals.arrive(context, place, now)

    def _before(self, context: Context, first: Place, decided: Reply | Do, now: datetime) -> Reply | Do:
        """`first`, with what was decided waiting; what only informs is said before it."""
        place, told = decided.place, context.place
        waits = place is not None and (isinstance(decided, Do) or self._arrivals.is_open(place))
        if context.concern.rose and told is not None and self._arrivals.is_open(told) and told.flow not in LEAVES_ALONE:
            place, waits = told, True  # what raised it is a story, and no wish of its own
        if place is not None and waits:
            left = replace(place, later=()).without(self._book.secrets(place))
            return self._arrivals.arrive(context, first.also(Later(place.wish, left), *place.later), now)
        asked = self._arrivals.arrive(context, first.also(*(place.later if place else ())), now)
        if not isinstance(asked, Reply) or not isinstance(decided, Reply) or decided.misunderstood or decided.asks_back:
            return asked
        return replace(asked, text=joined([decided.text, asked.text], asked.language), translation="")
