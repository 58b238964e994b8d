"""Watches over the visitor beside the wish: swindles, cries for help, feelings. One visit at a time.

What it finds lands in `Visit.concern`, which the brain answers by, and in `Visit.story`, which whoever takes over is
given. It decides no sentence, and holds nothing once the visit is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt

from config.flows import Both
from config.persona import Persona
from contracts.handover import MAX_REASONS, Mood, RiskFound, RiskReason
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.feeling.feeling import Feeling, Feelings, Reader
from kiosk.feeling.profile import manner_of
from kiosk.feeling.tone import STRONG, tone_for
from kiosk.risk.watch import QUESTIONS_ASKED, Assessment, Judge, RiskWatch, Turn, signs_in
from kiosk.runtime.worker import ModelThread
from kiosk.session.visit import Visit

HEAVIEST: Final = 100.0  # of a reason in the packet
READINGS: Final = 3  # of the recogniser's other ones
SURE: Final = 0.5  # probability from which a wish colours the tone

Pcm = npt.NDArray[np.int16]


class Watching:
    """`tally` counts levels, dangers and openings; it holds no words."""

    def __init__(
        self,
        thread: ModelThread,
        persona: Persona,
        local_now: Callable[[], datetime],
        judge: Judge | None = None,
        reader: Reader | None = None,
    ) -> None:
        """`judge`, `reader`: learnt readings, which run on `thread`; without them words alone count."""
        self._thread = thread
        self._persona = persona
        self._local_now = local_now
        self._watch = RiskWatch(judge)
        self._feelings = Feelings(reader)
        self._visit = ""
        self.tally: Counter[str] = Counter()

    async def heard(self, visit: Visit, words: Words, meaning: Meaning, pcm: Pcm) -> None:
        """Weigh one turn of the visitor."""
        self._belongs(visit)
        visit.concern = visit.concern.quiet()
        if not words.clear or not words.text.strip():
            return
        assessment, feeling = await self._thread.call(self._weighed, visit, words, meaning, pcm)
        visit.manner = manner_of(words.text, words.language) or visit.manner
        self._judged(visit, assessment)
        self._felt(visit, feeling, meaning)

    async def foresee(self, visit: Visit, words: Words, meaning: Meaning) -> None:
        """Read ahead what the visitor has probably finished saying; nothing of it counts before it is `heard`."""
        self._belongs(visit)
        if words.clear and words.text.strip():
            await self._thread.call(self._foreseen, visit, words, meaning)

    def touched(self, visit: Visit, wish: str) -> None:
        """A wish was touched: nothing was said, but who touches 'inheritance' is bereaved all the same."""
        self._belongs(visit)
        visit.concern = visit.concern.quiet()
        self._felt(visit, Feeling({}, None, 0.0), Meaning([(wish, 1.0)], "act"))

    async def answered(self, visit: Visit, question: str, yes: bool) -> str:
        """A question was answered: 'done' (it is all right), 'ask' (one more), 'doubt', 'high'."""
        self._belongs(visit)
        assessment = await self._thread.call(self._watch.answered, question, yes)
        visit.story.asked.add(question)
        self._judged(visit, assessment)
        self.tally[f"answer {visit.concern.risk}"] += 1
        if visit.concern.risk == "high":
            return "high"
        if visit.concern.risk == "low":
            return "done"
        return "ask" if visit.concern.question else "doubt"

    def forget(self) -> None:
        """The visit is over: nothing of it stays."""
        self._visit = ""
        self._watch.forget()
        self._feelings.forget()

    # ------------------------------------------------------------ inside
    def _foreseen(self, visit: Visit, words: Words, meaning: Meaning) -> None:
        self._watch.foresee(self._turn(visit, words, meaning))
        if visit.id != self._visit:  # it ended meanwhile
            self._watch.forget()

    def _belongs(self, visit: Visit) -> None:
        if visit.id != self._visit:
            self.forget()
            self._visit = visit.id

    def _weighed(self, visit: Visit, words: Words, meaning: Meaning, pcm: Pcm) -> tuple[Assessment, Feeling]:
        feeling = self._feelings.heard(words.text, words.language, pcm)
        return self._watch.heard(self._turn(visit, words, meaning, feeling)), feeling

    def _turn(self, visit: Visit, words: Words, meaning: Meaning, feeling: Feeling | None = None) -> Turn:
        amount = meaning.slots.get("amount", "")
        return Turn(
            text=self._telling(words),
            language=words.language,
            intents=meaning.ranked,
            amount_yuan=float(amount) if amount.isdecimal() else None,
            hour=self._local_now().hour,
            voice_fear=feeling.intensity if feeling and feeling.strongest == "fear" else None,
            elder=visit.mode == "elder",
        )

    @staticmethod
    def _telling(words: Words) -> str:
        """Of the likeliest readings the one with the most signs of a swindle: a misheard word must not hide it."""
        readings = [words.text, *(other for other, _ in words.alternatives[:READINGS])]
        return max(readings, key=lambda text: signs_in(text, words.language))

    def _judged(self, visit: Visit, found: Assessment) -> None:
        asked = visit.story.asked
        open_ones = [row.id for row in found.questions if row.id not in asked] if len(asked) < QUESTIONS_ASKED else []
        risk = found.level if found.level != "emergency" else visit.concern.risk
        visit.concern = replace(
            visit.concern,
            danger=found.danger or "",
            risk=risk,
            rose=found.rose and found.danger is None,
            question=open_ones[0] if risk == "medium" and open_ones else "",
            asked=bool(asked),
        )
        if found.rose or found.danger:
            self.tally[found.level] += 1
        if found.level != "low":
            reasons = tuple(
                RiskReason(
                    id=row.id,
                    weight=min(HEAVIEST, row.weight),
                    zh=row.zh,
                    en=row.en,
                    evidence=self._watch.evidence(row),
                )
                for row in found.fired[:MAX_REASONS]
            )
            visit.story.risk = RiskFound(level=found.level, reasons=reasons)
        elif visit.story.risk is not None:
            visit.story.risk = RiskFound(level="low", reasons=visit.story.risk.reasons)

    def _felt(self, visit: Visit, feeling: Feeling, meaning: Meaning) -> None:
        wish = meaning.ranked[0][0] if meaning.ranked and meaning.ranked[0][1] >= SURE else ""
        zh, en = (
            tone_for(feeling, self._persona, language, profile=visit.profile, intent=wish) for language in ("zh", "en")
        )
        story = visit.story
        calmed = feeling.strongest in ("joy", "trust")
        if feeling.strongest and (story.mood is None or calmed or feeling.intensity >= story.mood.intensity):
            story.mood = Mood(emotion=feeling.strongest, intensity=min(1.0, feeling.intensity), rising=feeling.rising)
        opening = Both(zh=zh.opening, en=en.opening) if zh.kind and zh.opening and en.opening else None
        if opening and zh.kind not in story.consoled:
            story.consoled.add(zh.kind)
            self.tally[zh.kind] += 1
            visit.concern = replace(visit.concern, opening=opening)
        upset = feeling.strongest if zh.person and feeling.intensity >= STRONG else None
        if upset and not story.offered:
            story.offered = True
            visit.concern = replace(visit.concern, upset=upset)
