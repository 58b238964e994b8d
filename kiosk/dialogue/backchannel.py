"""'Mm-hm': sounds and words by which a listener says that they follow, and nothing else. Pure."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from contracts.screen import Language
from kiosk.dialogue.by_sound import syllables_of
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.syllables import said_once, syllables
from models.intent_features import fuzzy_syllable

NOD_NS: Final = 700_000_000  # of a sound that is no longer a nod, if it is words
DRAWN_OUT_NS: Final = 1_200_000_000  # of one or two syllables: '嗯——', '是啊'
FEW_SYLLABLES: Final = 2
WANTS: Final = 0.3  # of more syllables, believed: a lower probability of listening tells of words that want something
# Meanings that nobody interrupts for: short sounds of this meaning over her are signs of listening.
ASKS_NOTHING: Final = frozenset(("greet", "thanks", "affirm", "praise", "chitchat", "goodbye"))
REFUSES: Final = "deny"  # only where its words ask her to stop: hums are taken for it too
LISTENS: Final = 0.6  # probability from which words are taken for listening; chosen on held-out folds
GUESSED: Final = -1.1  # the recogniser's certainty: interruptions of the dev split have -0.1 to -1.0, hums -0.5 to -2.3

# Nobody speaks faster: fluent Mandarin has 4 to 7 syllables a second. A recogniser that writes more heard a hum.
MOST_A_SECOND: Final = 10.0
# Certainty from which one or two syllables are a wish: 吃鸭, written for 是呀 at -0.9, is understood as one.
BELIEVED: Final = -0.7
EDGES_NS: Final = 100_000_000  # of a voice that are not noticed as such

NOTHING_SAID: Final = 0.5  # by the recogniser's own estimate; what is left of her voice became 'Excuse me.' at 0.54

_SOUNDS_ZH: Final = "嗯恩唔哦噢喔啊呃额哎诶欸哼哈呀呐哟"
_WORDS: Final = (
    "对对对", "对对", "对", "是是是", "是是", "是的", "是", "好好好", "好好", "好的", "好", "行行行", "行", "明白",
    "知道", "了解", "这样啊", "okay", "ok", "o k", "mm hm", "mmhm", "mm", "hmm", "hm", "uh huh", "uhhuh", "mhm",
    "没错", "可以", "懂了", "收到", "原来如此", "真的吗", "真的", "是吗", "这样",
    "um", "uh", "yeah", "really", "got it", "all right", "alright", "great", "good", "fine", "understood",
    "is that so", "is that right", "of course", "yep", "yes", "right", "sure", "i see", "oh", "ah", "huh",
)  # fmt: skip
_LONGEST: Final = 14  # characters; a nod is short
_FIRST_HUMS: Final = ("ni", "an", "en", "ying", "ming")  # what is written for 嗯 before a word: 你受到 for 嗯收到
_LONGEST_BY_SOUND: Final = 5  # syllables
_PUNCTUATION: Final = re.compile(r"[^\w\u4e00-\u9fff]+")
_ONE: Final = re.compile(rf"(?:[{_SOUNDS_ZH}]|{'|'.join(re.escape(word) for word in _WORDS)})\s*", re.IGNORECASE)


# A lone 'no' is what a recogniser writes for 'oh', and 不 for a hum before another word; who means it says more.
_INTERRUPTS: Final = re.compile(
    r"停|等(?:[一下会等着我\s，。,.!！?？]|$)|听我[说讲]|不(?:对|要|用|行|想|办|取|需|会|懂|明白|清楚|好意思|是(?![吗吧]))|别|慢|错|打断|人工|算了|换|取消|闭嘴|安静|重新|再说|请问|问一下|够了|没听[懂清见]|听不"
    r"|\bno\b\W+\w|\b(?:stop|wait|not|hold|excuse|hang|sorry|cancel|quiet|sir|madam|miss|listen|help|enough|again|slow|don't)\b",
    re.IGNORECASE,
)


# Signs of listening that hold a word of those.
_KINDLY: Final = re.compile(
    r"[没不冇]错|可不是(?![这那])|慢慢|不好意思啊?您"
    r"|\bno\W+(?:wonder|worries|problem|rush|hurry|doubt|kidding|way|idea)\b|\bnot\W+(?:bad|a problem)\b"
    r"|\b(?:fair|clear)\W+enough\b|\b(?:yes|ok|okay)\W+(?:sir|madam|miss)\b|\bsorry\W+(?:you\W+)?(?:go|carry)\W+on\b"
    r"|\bI listen\b",
    re.IGNORECASE,
)


# One syllable, so mostly guessed at; of 82 hums that were guessed at none had it among its two best readings.
_STOP: Final = re.compile(r"(?:\W*(?:停|stop)\W*)+", re.IGNORECASE)
_ASKS_BACK: Final = re.compile(r"[吗嘛吧]\W*$")  # 是吗, 真的吗, and what is written for them


def interrupts(text: str) -> bool:
    """Whether these few words ask her to stop, rather than tell her that somebody listens."""
    return bool(_INTERRUPTS.search(_KINDLY.sub(" ", text)))


def wishes(words: Words, meaning: Meaning) -> bool:
    """Whether what was said over her is surely a wish, and one that somebody interrupts for."""
    if meaning.decision != "act" or meaning.ranked[0][0] in ASKS_NOTHING:
        return False
    if meaning.ranked[0][0] != REFUSES or interrupts(words.text):
        return True
    # 部队 may be 不对; but 'no no' is beside every 'No.' that is written for 'oh'
    return words.language == "zh" and any(interrupts(text) for text, _ in words.alternatives)


def is_backchannel(text: str) -> bool:
    """Whether `text` is made of nothing but such words: '嗯嗯，好' is, '好，取一个' is not."""
    bare = _PUNCTUATION.sub(" ", text).strip()
    if not bare or len(bare) > _LONGEST:
        return False
    at = 0
    while at < len(bare):
        found = _ONE.match(bare, at)
        if not found:
            return False
        at = found.end()
        if at < len(bare) and bare[at - 1].isascii() and bare[at - 1].isalnum() and bare[at].isascii():
            return False  # 'right' is one, 'rightly' is not
    return True


@cache
def _words_by_sound() -> frozenset[tuple[str, ...]]:
    return frozenset(syllables_of(word) for word in _WORDS if not word.isascii())


@cache
def _hums_by_sound() -> frozenset[str]:
    return frozenset(syllables_of(sound)[0] for sound in _SOUNDS_ZH)


def sounds_like_backchannel(text: str) -> bool:
    """Whether Mandarin `text`, a word of them at least, sounds as such words do, hums before and between them."""
    bare = _PUNCTUATION.sub("", text)
    if not bare or len(bare) > _LONGEST_BY_SOUND or not all("\u4e00" <= sign <= "\u9fff" for sign in bare):
        return False
    said = syllables_of(bare)
    if said[0] in {fuzzy_syllable(hum) for hum in _FIRST_HUMS}:
        said = said[1:]
    ends = [True, *[False] * len(said)]  # up to which syllable all is made of them
    for end in range(1, len(said) + 1):
        hum = ends[end - 1] and said[end - 1] in _hums_by_sound()
        ends[end] = hum or any(ends[at] and said[at:end] in _words_by_sound() for at in range(end))
    return ends[-1] and not all(one in _hums_by_sound() for one in said)


def spoken_too_fast(words: Words, lasted_ns: int) -> bool:
    """Whether nobody can have said so much in so short a time. A longer word that was written twice was said once."""
    once, all_of_it = syllables(said_once(words.text), words.language), syllables(words.text, words.language)
    said = once if once > FEW_SYLLABLES else all_of_it
    return said > FEW_SYLLABLES and said * 1e9 > MOST_A_SECOND * (lasted_ns + EDGES_NS)


def asks_to_stop(words: Words, language: Language | None, lasted_ns: int) -> bool:
    """Whether a short sound over her, in a visit held in `language` (None: not known yet), asks her to stop.

    A hum is easily written down as a short word of the other language; that is not believed.
    """
    believed = words.certainty >= GUESSED and not spoken_too_fast(words, lasted_ns)
    believed &= words.clear or words.no_speech <= NOTHING_SAID
    return believed and language in (None, words.language) and interrupts(words.text)


def may_ask_to_stop(words: Words) -> bool:
    """Whether any reading of words that are but guessed at asks her to stop."""
    return any(map(interrupts, (words.text, *(text for text, _ in words.alternatives))))


def nods(words: Words, language: Language | None, lasted_ns: int, *, acts: bool, listening: float = 0.0) -> bool:
    """Whether what was said over her is but a sign that somebody listens, or a sound that asks for nothing:
    recognisers write all kinds of words for a hum. `acts`: it is understood as a wish; `listening`: the probability
    that its words only show that somebody follows."""
    few = syllables(said_once(words.text), words.language) <= FEW_SYLLABLES
    acts = acts and (not few or words.certainty >= BELIEVED)
    readings = (words.text, *(text for text, _ in words.alternatives[:1]))
    if any(map(_STOP.fullmatch, readings)):
        return False
    if is_backchannel(words.text) or (not acts and words.certainty < GUESSED) or spoken_too_fast(words, lasted_ns):
        return True
    if asks_to_stop(words, language, lasted_ns):
        return False
    if listening >= LISTENS or (not acts and words.language == "zh" and sounds_like_backchannel(words.text)):
        return True
    if not few and words.clear and listening < WANTS and not _ASKS_BACK.search(words.text):
        return False
    return not acts and lasted_ns < (DRAWN_OUT_NS if few else NOD_NS)
