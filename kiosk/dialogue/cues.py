"""Small words that repair a conversation: 'no, three', 'one step back', 'from the start'. Pure.

The classifier knows that somebody wants to stop; these words say how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

TEXT_LIMIT: Final = 400
_CORRECTS: Final = re.compile(
    r"不对|不是|错了|说错|搞错|弄错|应该是|改成|改为|换成|我是说|我的意思|更正|要的是"
    r"|^\W*no\b|\bnot\b.*\bbut\b|\bi mean(?:t)?\b|\bmake (?:it|that)\b|\bactually\b|\bsorry\b|\brather\b|\bwrong\b"
    r"|\bchange (?:it|that)\b|\bshould be\b",
    re.IGNORECASE,
)
_BACK: Final = re.compile(
    r"上一步|上一个|上一项|退回|返回|退一步|回去|刚才那[步个]"
    r"|\b(?:go|step|one step) back\b|\bprevious\b|\bback up\b|\blast question\b",
    re.IGNORECASE,
)
_RESTART: Final = re.compile(
    r"重新(?:来|开始|办|说|填)|从头|重来|\bstart (?:over|again)\b|\bfrom the (?:start|beginning|top)\b", re.IGNORECASE
)
_RESUMES: Final = re.compile(
    r"接着|继续|刚才(?:那个|的)|回到刚才|\b(?:continue|carry on|go on|resume|where were we)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Cues:
    """What the words say about the conversation itself."""

    corrects: bool = False
    back: bool = False
    restart: bool = False
    resumes: bool = False


def read_cues(text: str) -> Cues:
    """The repair words of a sentence; any text is accepted."""
    said = text[:TEXT_LIMIT]
    return Cues(
        corrects=bool(_CORRECTS.search(said)),
        back=bool(_BACK.search(said)),
        restart=bool(_RESTART.search(said)),
        resumes=bool(_RESUMES.search(said)),
    )
