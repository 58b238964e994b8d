"""From the symbols of the Kokoro voices to mouth shapes.

The vocabulary is the 114 symbols of Kokoro-82M; Mandarin arrives as misaki's IPA with tone arrows, English as
misaki's American set, in which capital letters are diphthongs (A = eɪ, I = aɪ, O = oʊ, Q = əʊ, W = aʊ, Y = ɔɪ).
Source of the sounds behind the symbols: the comments of misaki's `transcription.py` and `en.py`.
"""

from __future__ import annotations

from typing import Final

from contracts.speech import Viseme

_SINGLE: Final[dict[Viseme, str]] = {
    "mbp": "bpmβɸ",
    "fv": "fvʋ",
    "td": "dtnlTɖɳɾɽʈɲʎ",
    "kg": "kɡhxqŋɴʁɣχʔɰcɟg",
    "szh": "szSɕʝç",
    "zhr": "ʂʃʒɻɹrʐ",
    "th": "θð",
    "a": "aɑɐɒæʌ",
    "o": "oɔ",
    "e": "eəɤᵊɘ",
    "eh": "ɛœø",
    "i": "iɪjᵻ",
    "u": "uwʊɯ",
    "v": "yɥ",
    "er": "ɚɜ",
}
_DOUBLE: Final[dict[str, tuple[Viseme, Viseme]]] = {
    # affricates: the closure, then the friction
    "ʦ": ("td", "szh"),
    "ʣ": ("td", "szh"),
    "ʨ": ("td", "szh"),
    "ʥ": ("td", "szh"),
    "ꭧ": ("td", "zhr"),
    "ʧ": ("td", "zhr"),
    "ʤ": ("td", "zhr"),
    # diphthongs of one symbol: the nucleus, then the glide
    "A": ("eh", "i"),
    "I": ("a", "i"),
    "O": ("o", "u"),
    "Q": ("e", "u"),
    "W": ("a", "u"),
    "Y": ("o", "i"),
}
AFFRICATES: Final = frozenset("ʦʣʨʥꭧʧʤ")
SYLLABIC: Final = "ɨ"  # the vowel of zi and of zhi: the mouth stays as the consonant left it
PROLONGING: Final = frozenset("ːʰʲᵝ→↗↘↓\u0303\u0329\u032f")  # length, breath, tone: the shape before goes on
ANNOUNCING: Final = frozenset("ˈˌ")  # stress: belongs to the shape that follows
PAUSES: Final = frozenset(' ;:,.!?—…"()“”、，。！？；：')

SHAPES_OF: Final[dict[str, tuple[Viseme, ...]]] = {
    **{symbol: (viseme,) for viseme, symbols in _SINGLE.items() for symbol in symbols},
    **_DOUBLE,
    **dict.fromkeys(PAUSES, ("rest",)),
}
