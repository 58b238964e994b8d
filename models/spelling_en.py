"""English spelling to sounds, by rule, for names and words that no dictionary holds.

Our own short table of the commonest correspondences, longest spelling first. It aims at being
understood, and stresses the first full vowel.
"""

from __future__ import annotations

import re
from typing import Final

# (spelling, sound); '^' the beginning, '$' the end of the word
_RULES: Final[tuple[tuple[str, str], ...]] = (
    ("tion", "ʃən"), ("sion", "ʒən"), ("ture", "ʧəɹ"), ("cious", "ʃəs"), ("tious", "ʃəs"), ("ough", "O"),
    ("augh", "ɔ"), ("eigh", "A"), ("igh", "I"), ("tch", "ʧ"), ("dge", "ʤ"), ("sch", "sk"), ("eau", "O"),
    ("ould", "ʊd"), ("^kn", "n"), ("^wr", "ɹ"), ("^ps", "s"), ("^x", "z"), ("^y", "j"), ("mb$", "m"),
    ("ch", "ʧ"), ("sh", "ʃ"), ("th", "θ"), ("ph", "f"), ("wh", "w"), ("ck", "k"), ("ng", "ŋ"), ("qu", "kw"),
    ("gh", "ɡ"), ("zh", "ʒ"), ("ee", "i"), ("ea", "i"), ("oo", "u"), ("ou", "W"), ("ow", "W"), ("oi", "Y"),
    ("oy", "Y"), ("ai", "A"), ("ay", "A"), ("au", "ɔ"), ("aw", "ɔ"), ("ei", "A"), ("ey", "i"), ("ie", "i"),
    ("oa", "O"), ("ew", "ju"), ("ue", "u"), ("ui", "u"), ("ar", "ɑɹ"), ("er", "əɹ"), ("ir", "ɜɹ"),
    ("or", "ɔɹ"), ("ur", "ɜɹ"), ("le$", "ᵊl"), ("es$", "z"), ("e$", ""), ("y$", "i"), ("a$", "ə"), ("o$", "O"),
    ("i$", "i"), ("ce", "sɛ"), ("ci", "sɪ"), ("cy", "sI"), ("ge", "ʤɛ"), ("gi", "ʤɪ"), ("gy", "ʤI"),
    ("bb", "b"), ("cc", "k"), ("dd", "d"), ("ff", "f"), ("gg", "ɡ"), ("ll", "l"), ("mm", "m"), ("nn", "n"),
    ("pp", "p"), ("rr", "ɹ"), ("ss", "s"), ("tt", "t"), ("zz", "z"),
    ("a", "æ"), ("b", "b"), ("c", "k"), ("d", "d"), ("e", "ɛ"), ("f", "f"), ("g", "ɡ"), ("h", "h"), ("i", "ɪ"),
    ("j", "ʤ"), ("k", "k"), ("l", "l"), ("m", "m"), ("n", "n"), ("o", "ɑ"), ("p", "p"), ("q", "k"), ("r", "ɹ"),
    ("s", "s"), ("t", "t"), ("u", "ʌ"), ("v", "v"), ("w", "w"), ("x", "ks"), ("y", "ɪ"), ("z", "z"),
)  # fmt: skip
_LONG: Final = {"a": "A", "e": "i", "i": "I", "o": "O", "u": "u"}
_MAGIC_E = re.compile(r"[aeiou](?=[bcdfgklmnpstvz]e$)")
_FULL_VOWELS: Final = frozenset("AIOWYaiuæɑɔɛɜɪʊʌ")


def sound_out(word: str) -> str:
    """Kokoro's symbols for a lower-case word of the letters a to z; anything else is passed over."""
    long_at = {match.start() for match in _MAGIC_E.finditer(word)}
    sounds: list[str] = []
    at = 0
    while at < len(word):
        if at in long_at:
            sounds.append(_LONG[word[at]])
            at += 1
            continue
        spelling, sound = next(((s, p) for s, p in _RULES if _fits(word, at, s)), (word[at], ""))
        sounds.append(sound)
        at += len(spelling.strip("^$"))
    return _stressed("".join(sounds))


def _fits(word: str, at: int, spelling: str) -> bool:
    body = spelling.strip("^$")
    if not word.startswith(body, at):
        return False
    return not (spelling[0] == "^" and at > 0) and not (spelling[-1] == "$" and (at + len(body) < len(word) or at == 0))


def _stressed(sounds: str) -> str:
    for i, sound in enumerate(sounds):
        if sound in _FULL_VOWELS:
            return f"{sounds[:i]}ˈ{sounds[i:]}"
    return sounds
