"""Who wants it brisk, and who is a child, as their own words say. Pure; lists of words, in both languages."""

from __future__ import annotations

import re
from typing import Final

from config.persona import Profile
from contracts.screen import Language

TEXT_LIMIT: Final = 400
_BRISK: Final = {
    "zh": re.compile(r"赶时间|赶着|快点儿?[吧啊行说办]|快一点|麻利点|长话短说|别啰嗦|简单说|没工夫|来不及了"),
    "en": re.compile(
        r"\bin a (?:hurry|rush)\b|\bmake it quick\b|\bbe quick\b|\bquickly\b|\bkeep it short\b|\bget to the point\b"
    ),
}
_CHILD: Final = {
    "zh": re.compile(
        r"我(?:今年)?(?:才)?[三四五六七八九十]岁|我(?:是|还是)?小朋友|我(?:在)?上(?:小学|幼儿园|[一二三四五六]年级)"
        r"|我的?压岁钱"
    ),
    "en": re.compile(
        r"\bi'?m (?:only )?(?:four|five|six|seven|eight|nine|ten|eleven)\b(?! (?:thousand|hundred|o'clock))"
        r"|\bmy (?:mommy|mummy|daddy) (?:said|says|told me)\b|\bmy pocket money\b|\bi'?m (?:just )?a (?:kid|child)\b"
    ),
}


def manner_of(text: str, language: Language) -> Profile | None:
    """The profile that these words ask for; None: they say nothing of it."""
    said = text[:TEXT_LIMIT].lower().replace("’", "'")
    if _CHILD[language].search(said):
        return "child"
    return "brisk" if _BRISK[language].search(said) else None
