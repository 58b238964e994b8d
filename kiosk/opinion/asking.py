"""After a visit: who is asked what, and what of the answers goes to the hub. At most two touches, one follow-up.

The follow-up is one of: would you recommend us (a fixed share of those asked, chosen before anybody knows
their score), what was it (a low score, and every so many of the others), may a sentence that was not understood be
kept. Nothing here holds anything of a visit; the counts go on from one visitor to the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from config.schema import Opinions as Rules
from contracts import messages as m
from contracts import opinions as o
from contracts.screen import Language
from kiosk.opinion.remark import remark, sentence

FollowUp = Literal["done", "recommend", "comment", "learn"]
SCORES: Final = ("1", "2", "3", "4", "5")
UNHEARD_MOST: Final = 3  # sentences of one visit


@dataclass(frozen=True, slots=True)
class Unheard:
    """A sentence that got no answer; kept beyond the visit only where the visitor says so."""

    text: str = field(repr=False)
    language: Language
    guess: str | None
    why: Literal["unsure", "unanswered"]


class Asked(Protocol):
    """What of a visit matters here."""

    id: str
    language: Language
    mode: Literal["standard", "elder"]
    opinion: int | None
    opinion_asked: bool
    sampled: bool
    recommended: int | None
    commented: bool
    unheard: list[Unheard]


Tell = Callable[[o.OpinionWord], Awaitable[None]]
Note = Callable[[m.Moment], Awaitable[None]]


def follow_up(rules: Rules, score: int, nth: int, *, sampled: bool, unheard: bool) -> FollowUp:
    """What comes after a score. `nth`: so many were asked at this terminal since it started, this one included."""
    if sampled:
        return "recommend"
    if score <= rules.comment_up_to:
        return "comment"
    if unheard and rules.learn:
        return "learn"
    if rules.comment_every and nth and nth % rules.comment_every == 0:
        return "comment"
    return "done"


class Opinions:
    """The terminal's side of opinions. `tell` and `note` put something on disk and may raise `OutboxFull`."""

    def __init__(self, rules: Rules, tell: Tell, note: Note) -> None:
        self._rules, self._tell, self._note = rules, tell, note
        self._asked = 0
        self.tally: Counter[str] = Counter()

    async def asked(self, visit: Asked, *, service: str | None, wish: str | None, alias: str = "") -> None:
        """The five faces are shown: once a visit."""
        if visit.opinion_asked:
            return
        visit.opinion_asked = True
        self._asked += 1
        every = self._rules.recommend_every
        visit.sampled = bool(every) and self._asked % every == 0
        self.tally["asked"] += 1
        await self._tell(
            o.OpinionAsked(visit=visit.id, service=service, wish=wish, language=visit.language, mode=visit.mode,
                           sampled=visit.sampled, alias=alias)
        )  # fmt: skip

    async def scored(self, visit: Asked, score: str) -> FollowUp | None:
        """What follows; None: that is no score. Said twice, the first one counts."""
        if score not in SCORES:
            return None
        if visit.opinion is not None:
            self.tally["again"] += 1
            return "done"
        await self._note(m.OpinionGiven(visit=visit.id, score=int(score)))
        visit.opinion = int(score)  # once it is on disk: a full one can be tried again
        self.tally["scored"] += 1
        return follow_up(self._rules, int(score), self._asked, sampled=visit.sampled, unheard=bool(visit.unheard))

    async def recommended(self, visit: Asked, value: str) -> bool:
        """0 to 10, once."""
        if not (value.isdecimal() and len(value) <= 2 and int(value) <= 10):
            return False
        if visit.recommended is None:
            await self._tell(o.Recommended(visit=visit.id, score=int(value)))
            visit.recommended = int(value)
            self.tally["recommended"] += 1
        return True

    async def commented(self, visit: Asked, text: str) -> bool:
        """Kept scrubbed, once. False: nothing of it may be kept."""
        kept = remark(text, visit.language)
        if kept is None:
            self.tally["empty comment"] += 1
            return False
        if not visit.commented:
            await self._tell(
                o.CommentGiven(visit=visit.id, text=kept.text, language=visit.language, feeling=kept.feeling,
                               subject=kept.subject, masked=min(kept.masked, o.MAX_WORDS))
            )  # fmt: skip
            visit.commented = True
            self.tally["commented"] += 1
        return True

    async def taught(self, visit: Asked) -> bool:
        """The visitor said yes: what was not understood is kept, scrubbed, without saying whose it was."""
        given, visit.unheard = visit.unheard, []
        for one in given[:UNHEARD_MOST]:
            text = sentence(one.text)
            if not text:
                self.tally["unheard dropped"] += 1
                continue
            await self._tell(o.NotUnderstood(text=text, language=one.language, guess=one.guess, why=one.why))
            self.tally["unheard kept"] += 1
        return bool(given)
