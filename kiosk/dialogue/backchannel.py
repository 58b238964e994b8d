"""'Mm-hm': sounds and words by which a listener says that they follow, and nothing else. Pure."""

from __future__ import annotations

import re
from typing import Final

_SOUNDS_ZH: Final = "嗯恩唔哦噢喔啊呃额哎诶欸哼哈"
_WORDS: Final = (
    "对对对", "对对", "对", "是是是", "是是", "是的", "是", "好好好", "好好", "好的", "好", "行行行", "行", "明白",
    "知道", "了解", "这样啊", "okay", "ok", "o k", "mm hm", "mmhm", "mm", "hmm", "hm", "uh huh", "uhhuh", "mhm",
    "um", "uh", "yeah", "yep", "yes", "right", "sure", "i see", "oh", "ah", "huh",
)  # fmt: skip
_LONGEST: Final = 14  # characters; a nod is short
_PUNCTUATION: Final = re.compile(r"[^\w\u4e00-\u9fff]+")
_ONE: Final = re.compile(rf"(?:[{_SOUNDS_ZH}]|{'|'.join(re.escape(word) for word in _WORDS)})\s*", re.IGNORECASE)


_INTERRUPTS: Final = re.compile(
    r"停|等|不|别|慢|错|打断|人工|算了|换|取消|闭嘴|安静|重新|再说"
    r"|\b(?:stop|wait|no|not|hold|excuse|hang|sorry|cancel|quiet|sir|madam|miss|listen|help|enough|again|slow|don't)\b",
    re.IGNORECASE,
)


def interrupts(text: str) -> bool:
    """Whether these few words ask her to stop, rather than tell her that somebody listens."""
    return bool(_INTERRUPTS.search(text))


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
