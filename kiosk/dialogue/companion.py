"""'She is with me': words by which a visitor lets somebody else speak for them. Pure."""

from __future__ import annotations

import re
from typing import Final

_KIN: Final = (
    "女儿|儿子|闺女|老伴|老公|老婆|爱人|妈妈?|爸爸?|孙子|孙女|朋友|同事|家人|家里人|媳妇|姐姐?|哥哥?|妹妹?|弟弟?"
)
_ZH: Final = re.compile(
    rf"(?:我们|咱们|[她他]们?)(?:是|跟我|和我|同我)?一起(?:的|来的)|[让听叫][她他](?:来|跟你|和你)?说|这是我的?(?:{_KIN})"
    rf"|我(?:{_KIN})(?:来说|帮我说|陪我)|[她他]替我说"
)
_EN: Final = re.compile(
    r"\b(?:we(?:'re| are) together|(?:he|she|they)(?:'s| is|'re| are) with me|let (?:him|her|them) (?:speak|talk)"
    r"|(?:this is|that's) my (?:wife|husband|daughter|son|mother|father|mom|mum|dad|friend|sister|brother|colleague)"
    r"|(?:he|she) (?:can|will) (?:speak|talk) for me)\b",
    re.IGNORECASE,
)


def brings_companion(text: str) -> bool:
    """Whether the visitor says that the other person belongs to them."""
    return bool(_ZH.search(text) or _EN.search(text))
