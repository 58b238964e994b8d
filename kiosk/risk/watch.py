"""Is somebody about to be robbed by words? Weighed at every turn of a visit, before money moves.

Holds the visit's words and nothing beyond; `forget()` ends it. Decides a level with reasons; what is said and done
then is the conversation's business.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from contracts.screen import Language
from kiosk.risk.emergency import Danger, danger_in
from kiosk.risk.indicators import INDICATORS, QUESTIONS, Question
from kiosk.risk.words import Found, find, load_book

Level = Literal["low", "medium", "high", "emergency"]
Next = Literal["continue", "ask", "stop"]

TURNS_KEPT: Final = 12  # of a visit; what was said earlier still counts by the indicators it fired
TEXT_LIMIT: Final = 400
QUESTIONS_ASKED: Final = 3
LARGE_YUAN: Final = 50_000  # from here on banks ask what cash is for
TIMES_USUAL: Final = 5.0  # a payment so many times the usual one is unusual
VISITS_MANY: Final = 3
HOURS: Final = (7, 21)  # local; outside them an errand is unusual
INNOCENT: Final = -0.7  # logits an innocent answer takes away
HAND_MEDIUM: Final = 3.0  # hand-set weights together; of the conversations to develop by, 2 in 100 harmless reach it
HAND_HIGH: Final = 5.5
HAND_SURE: Final = 7.5  # a safe account, police and a code in one breath: whatever is learnt, that is never harmless
MONEY: Final = frozenset(
    {
        "withdraw_cash", "large_withdrawal", "transfer_domestic", "transfer_overseas", "time_deposit",
        "account_limits", "wealth_redeem", "precious_metal", "personal_loan", "deposit_cash",
        "mobile_banking_signup", "credit_card_limit",
    }
)  # fmt: skip


class Judge(Protocol):
    """A trained judgement (`models/risk.py`). Logits; from `medium` and `high` on the level is so.

    From `plain` on the hand-set weights alone may raise the level: what sounds wholly harmless is not raised by them,
    unless they are `HAND_SURE`.
    """

    plain: float
    medium: float
    high: float

    @property
    def indicators(self) -> Mapping[str, float]: ...
    def tidy(self, text: str) -> str: ...
    def syllables(self, text: str) -> tuple[str, ...]: ...
    def score(self, turns: Sequence[str], told: Sequence[bool], indicators: Collection[str]) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What is known when the visitor has said something. Everything but the words may be unknown."""

    text: str = field(repr=False)
    language: Language
    intents: Sequence[tuple[str, float]] = ()  # best first
    amount_yuan: float | None = None
    usual_yuan: float | None = None  # what this customer usually pays this payee
    payee_known: bool | None = None
    hour: int | None = None  # local, 0..23
    voice_fear: float | None = None  # 0..1
    on_phone: bool | None = None  # seen or heard holding a phone conversation
    elder: bool = False
    visits_today: int = 1


@dataclass(frozen=True, slots=True)
class Fired:
    """One indicator with its reason. `turn` and `span` `[start, end)` say where; the words are the watch's own."""

    id: str
    weight: float
    zh: str
    en: str
    turn: int
    span: tuple[int, int] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Assessment:
    """`rose`: this turn raised the level. `questions` are to be asked when `next` is `ask`."""

    level: Level
    next: Next
    fired: tuple[Fired, ...]
    questions: tuple[Question, ...] = ()
    danger: Danger | None = None
    rose: bool = False
    score: float = 0.0


_ORDER: Final[dict[Level, int]] = {"low": 0, "medium": 1, "high": 2, "emergency": 3}


class RiskWatch:
    """One visit's watch. `judge` None: indicators alone count."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge
        self.forget()

    def forget(self) -> None:
        """The visit is over: nothing of it stays."""
        self._turns: list[str] = []
        self._told: list[bool] = []
        self._orders: list[bool] = []  # told to a machine: the judge was taught by visitors' errands alone
        self._fired: dict[str, Fired] = {}
        self._signs: set[str] = set()
        self._number = 0
        self._answers = 0.0
        self._level: Level = "low"
        self._scored: tuple[object, float] | None = None  # what the judge read last, and its logit

    def foresee(self, turn: Turn) -> None:
        """Read what will probably be heard, so that weighing it takes no time then. Nothing of it counts yet."""
        probe = copy(self)
        probe._fired, probe._signs = dict(self._fired), set(self._signs)
        probe.heard(turn)
        self._scored = probe._scored

    def heard(self, turn: Turn) -> Assessment:
        """Weigh one more turn. Never raises for any text."""
        judge = self._judge
        text = judge.tidy(turn.text[:TEXT_LIMIT]) if judge else " ".join(turn.text[:TEXT_LIMIT].lower().split())
        found = find(text, load_book(turn.language), judge.syllables if judge and turn.language == "zh" else None)
        self._number += 1
        self._turns = [*self._turns, text][-TURNS_KEPT:]
        self._told = [*self._told, found.reported][-TURNS_KEPT:]
        self._orders = [*self._orders, found.orders][-TURNS_KEPT:]
        self._remember(found)
        self._weigh_circumstances(turn)
        danger = danger_in(text, turn.language)
        return self._assess(danger)

    def answered(self, question: str, yes: bool) -> Assessment:
        """The visitor answered one of `QUESTIONS` with yes or no. Raises `KeyError` for another id."""
        if QUESTIONS[question].bad is yes:
            self._fire("admitted")
        else:
            self._answers += INNOCENT
            if self._level == "medium":
                self._level = "low"  # it is weighed anew below
        return self._assess(None)

    def evidence(self, fired: Fired) -> str:
        """The words that fired an indicator, for the teller who is called, never a log; '' if not kept any more."""
        place = fired.turn - (self._number - len(self._turns)) - 1
        if fired.span is None or not 0 <= place < len(self._turns):
            return ""
        return self._turns[place][fired.span[0] : fired.span[1]]

    def _remember(self, found: Found) -> None:
        for name, span in found.spans.items():
            self._fire(name, span)
        self._signs |= found.signs
        if found.reported:
            self._signs.add("reported")
        if found.trusted:
            self._signs.add("trusted")

    def _weigh_circumstances(self, turn: Turn) -> None:
        """What is not in the words. It counts from the moment that money is spoken of."""
        wish = turn.intents[0][0] if turn.intents else ""
        if wish in MONEY or turn.amount_yuan is not None:
            self._fire("money_wish")
        usual = turn.usual_yuan
        amount = turn.amount_yuan or 0.0
        many = amount >= LARGE_YUAN if usual is None else amount >= TIMES_USUAL * usual
        for name, holds in (
            ("on_phone", turn.on_phone is True),
            ("elder", turn.elder),
            ("comes_again", turn.visits_today >= VISITS_MANY),
            ("unusual_amount", many),
            ("new_payee", turn.payee_known is False),
            ("odd_hour", turn.hour is not None and not HOURS[0] <= turn.hour < HOURS[1]),
            ("afraid", (turn.voice_fear or 0.0) >= 0.6),
        ):
            if holds:
                self._fire(name)

    def _fire(self, name: str, span: tuple[int, int] | None = None) -> None:
        if name in self._fired:
            return
        row = INDICATORS[name]
        trained = self._judge.indicators.get(name) if self._judge else None
        weight = max(0.0, row.weight if trained is None else trained)
        self._fired[name] = Fired(name, weight, row.zh, row.en, self._number, span)

    def _score(self, words: Collection[str]) -> float | None:
        """The judge's logit, or None where there is no judge or nothing for it to read."""
        read = [number for number, order in enumerate(self._orders) if not order]
        if self._judge is None or not read:
            return None
        turns, told = [self._turns[number] for number in read], [self._told[number] for number in read]
        given = frozenset({*words, *self._signs, *combined(words, self._signs)})
        if self._scored is None or self._scored[0] != (turns, told, given):
            self._scored = (turns, told, given), self._judge.score(turns, told, given)
        return self._scored[1]

    def _assess(self, danger: Danger | None) -> Assessment:
        words = [name for name in self._fired if name in _SPOKEN]
        beside = self._answers + (INDICATORS["admitted"].weight if "admitted" in self._fired else 0.0)
        if words:  # being old, late or here for the third time is no swindle by itself
            beside += sum(INDICATORS[name].weight for name in self._fired if name not in _SPOKEN and name != "admitted")
        hand = hand_weight(words) + beside
        judged = self._score(words)
        score = hand - HAND_MEDIUM if judged is None else judged + beside
        # A teller is called with evidence only; a resemblance without a telling word is asked about first.
        evident = "admitted" in self._fired or any(name != "large_sum" for name in words)
        judge = self._judge
        level: Level = "low"
        if danger is not None:
            level = "emergency"
        elif (
            hand >= HAND_SURE
            or (hand >= HAND_HIGH and (not judge or score >= judge.medium))
            or (judge and evident and score >= judge.high)
        ):
            level = "high"
        elif (hand >= HAND_MEDIUM and (not judge or score >= judge.plain)) or (judge and score >= judge.medium):
            level = "medium"
            if not evident:
                self._fire("sounds_alike")
        rose = _ORDER[level] > _ORDER[self._level]
        if danger is None and not rose:
            level = self._level
        elif danger is None:
            self._level = level
        fired = tuple(sorted(self._fired.values(), key=lambda row: -row.weight))
        if level in ("low", "emergency"):
            return Assessment(level, "continue" if level == "low" else "stop", fired, (), danger, rose, score)
        if level == "high":
            return Assessment(level, "stop", fired, (), None, rose, score)
        return Assessment(level, "ask", fired, questions_for(fired), None, rose, score)


def signs_in(text: str, language: Language) -> float:
    """The hand-set weight of what one sentence gives away by its words."""
    return hand_weight(find(" ".join(text[:TEXT_LIMIT].lower().split()), load_book(language)).spans)


def hand_weight(words: Collection[str]) -> float:
    """The hand-set weights of what was said, together."""
    return sum(INDICATORS[name].weight for name in words if name in INDICATORS)


def combined(words: Collection[str], signs: Collection[str]) -> frozenset[str]:
    """What only the whole of it shows: somebody outside the family has a hand in it; several things come together."""
    found = {f"together_{min(len(words), 6)}"} if words else set()
    if "kin" not in signs:
        found |= {f"stranger_{name}" for name in ("third", "third_says") if name in signs}
    return frozenset(found)


def questions_for(fired: Sequence[Fired]) -> tuple[Question, ...]:
    """Two to three questions, those of the weightiest indicators first."""
    wanted: dict[str, Question] = {}
    for row in fired:
        wanted.update({name: QUESTIONS[name] for name in INDICATORS[row.id].asks[:2] if name not in wanted})
    for name in ("who", "met", "told"):
        wanted.setdefault(name, QUESTIONS[name])
    return tuple(wanted.values())[:QUESTIONS_ASKED]


_SPOKEN: Final = frozenset(load_book("zh").said)
