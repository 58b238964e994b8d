"""Two wishes in one sentence: where one ends and the next begins. Pure.

Only clear joints count ('先…再…', '…，还要…', 'and then'): a wrong cut is worse than none.
"""

from __future__ import annotations

import re
from typing import Final

CLEARLY: Final = 0.6  # probability from which a part is a wish of its own
WISHES_MOST: Final = 3
SHORTEST: Final = {"zh": 2, "en": 6}  # characters of a part that can be a wish
NO_WISHES: Final = frozenset((
    "greet", "goodbye", "thanks", "affirm", "deny", "repeat", "adjust_speech", "change_language", "elder_mode",
    "cancel", "capabilities", "persona", "chitchat", "abusive", "other",
))  # fmt: skip
_JOINTS: Final = re.compile(
    r"(?:[，,。；;、]?\s*(?:然后|完了|之后|以后|接着|顺便|顺带|另外|还要|还想|还得|同时|再(?!说|来一|见|等|讲|慢|大|小|问一[遍次]))\s*(?:再|要|想)?)"
    r"|(?:[,.;]?\s*\b(?:and then|after that|and also|and afterwards|then|as well as|and)\b\s*)",
    re.IGNORECASE,
)
_FIRST: Final = re.compile(r"^\W*(?:我想|我要|我|先|帮我|给我)*先")


def wishes_apart(text: str) -> list[str]:
    """The parts of a sentence at its joints, at most three; one part where it has none."""
    parts = [part.strip(" ，,。.；;、") for part in _JOINTS.split(_FIRST.sub("", text))]
    language = "zh" if re.search(r"[\u4e00-\u9fff]", text) else "en"
    return [part for part in parts if len(part) >= SHORTEST[language]][:WISHES_MOST]
