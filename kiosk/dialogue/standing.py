"""Has somebody who paused after these words finished? Pure, from the text, its meaning and the open question."""

from __future__ import annotations

import re
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.audio.pauses import Standing
from kiosk.dialogue.backchannel import is_backchannel
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.syllables import said_once, syllables

# Who asks for something often adds how much or for whom; who asks a question has asked it.
_ZH_ASKS: Final = re.compile(r"[吗哪谁]|几[点号个]|多[少久大远]|怎么|什么")
_EN_ASKS: Final = re.compile(r"\b(?:where|what|when|how|who|which|why)\b")

LIKELY: Final = 0.6
# Of 343 slow sentences written to choose by, 94 in 100 were shorter than this at their first pause; of 90 sentences
# said at a go 9 in 100 are.
BRIEF_SYLLABLES: Final = 7
# Acts that nothing is added to, once they are surely meant.
COMPLETE: Final = frozenset({"thanks", "goodbye", "affirm", "deny", "cancel", "repeat"})


class Endings(Protocol):
    """Tells sentences from beginnings of sentences. From `sure` on it is over, up to `open` it is not; measured."""

    sure: float
    open: float

    def finished(self, text: str, language: Language) -> float:
        """Probability that a speaker who paused here has finished."""


def standing(
    words: Words, meaning: Meaning, endings: Endings | None, *, answers_question: bool, over_her: bool = False
) -> Standing:
    """How the words so far stand. `answers_question`: they are one of the answers that she is waiting for.
    `over_her`: she was silenced by them; a nod, or nothing at all, is over at once.

    A wish that is understood is finished sooner than words that say nothing yet: those that explain them may come.
    One of a few syllables is `brief` however finished it looks, unless it is a question, or an act like thanks.
    """
    nothing = not words.clear or not words.text.strip()
    if over_her and (nothing or is_backchannel(words.text)):
        return "finished"
    if nothing:
        return "unknown"
    if answers_question:
        return "finished"
    if endings is None:
        return "unknown"
    chance = endings.finished(words.text, words.language)
    if chance <= endings.open:
        return "unfinished"
    enough = LIKELY if meaning.decision in ("act", "ask") else endings.sure
    if chance < enough:
        return "unknown"
    if meaning.decision == "act" and meaning.ranked[:1] and meaning.ranked[0][0] in COMPLETE:
        return "finished"
    return "brief" if _is_brief(words) else "finished"


def _is_brief(words: Words) -> bool:
    once = said_once(words.text)
    asks = _ZH_ASKS if words.language == "zh" else _EN_ASKS
    return syllables(once, words.language) < BRIEF_SYLLABLES and not asks.search(once)
