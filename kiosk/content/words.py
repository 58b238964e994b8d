"""A question as countable words, and what kind of question it is. Pure; knows no bank's content.

Mandarin is counted as characters (one to three), English as stems and pairs of stems. Written and spoken numbers are
made one. What a question is after (papers, a price, a time, a limit) is told by a few turns of phrase.
"""

from __future__ import annotations

import itertools
import re
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.screen import Language

TEXT_LIMIT: Final = 240  # characters that are looked at: nobody asks longer in one breath
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_NOT_WORD: Final = re.compile(r"[^\w]|_")
_WORD_EN: Final = re.compile(r"[a-z]+|\d+")
_STEM: Final = re.compile(r"(ations?|ments?|ings?|ers?|ies|ed|es|s|ly|e|y)$")
_NUMERALS_ZH: Final = str.maketrans("零一二两三四五六七八九", "01223456789")
_NUMERALS_EN: Final = {
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8",
    "nine": "9", "ten": "10", "twelve": "12", "ii": "2", "iii": "3",
}  # fmt: skip
_SAME_EN: Final = {
    "mum": "mother", "mom": "mother", "dad": "father", "kid": "child", "boy": "child", "girl": "child",
    "son": "child", "daughter": "child", "atm": "machine", "buy": "purchase", "firm": "company",
    "business": "company", "corporate": "company", "phone": "mobile", "cellphone": "mobile", "grandma": "grandmother",
    "passcode": "password", "home": "house", "flat": "house", "begin": "start", "shut": "close", "teller": "counter",
}  # fmt: skip

# What a question is after: turns of phrase in Mandarin and in English.
_KINDS: Final[tuple[tuple[str, str], ...]] = (
    (  # papers
        r"带什么|带啥|材料|证件|手续|准备(哪|什|啥)|要(哪些|什么)(东西|证|材料|资料)|拿(哪些|什么|啥)|需要(哪些|什么|啥)|复印件|原件",
        r"\b(bring|papers?|documents?|proofs?|what (should|do|must) i (have|take)|need to (have|show|take)|needed|id\b"
        r"|certificates?|paperwork|forms?)",
    ),
    (  # price
        r"多少钱|收费|要钱|花钱|费用|手续费|免费|贵不贵|几块|收多少|年费|月费|工本费|掏钱|价|扣.{0,4}费|要.{0,3}钱",
        r"\b(costs?|fees?|charges?|pay|price|free|expensive|how much (is|are|for|does|do you (charge|take|deduct))"
        r"|deduct)",
    ),
    (  # how long
        r"多久|多长时间|几天|多少天|几个工作日|什么时候(能|到)|多快|几年|多少年|几个月|当天|马上|工夫|到账",
        r"\b(how (long|soon|quick|quickly|fast|many (days|years|months|hours|minutes))|when (will|do i|does it)"
        r"|same day|straight away|days|years)\b",
    ),
    (  # opening hours
        r"几点|上班|下班|开门|关门|周[一二三四五六日末天]|星期|礼拜|中午|放假|节",
        r"\b(open|close|hours|sunday|saturday|weekend|monday|lunch|holiday|what time|late in|evening|night)\b",
    ),
    (  # where
        r"哪里|哪儿|在哪|几号窗|怎么走|地址|附近|哪个(窗口|网点)",
        r"\b(where|which (window|counter|branch)|address|nearest|closest|directions?)\b",
    ),
    (  # limits
        r"最多|最高|上限|限额|额度|最少|最低|起(存|买|购)|能(取|转|存|花|换|借)多少|一天.{0,4}(多少|几)",
        r"\b(limits?|maximum|minimum|most|least|at most|up to|how much (can|may|cash)|largest|smallest|cap"
        r"|how (large|big|little))\b",
    ),
    (r"利率|利息|收益|几个点|百分之", r"\b(rates?|interest|yield|percent)\b"),
    (  # for whom
        r"本人|代办|替|帮(我|他|她|老|爸|妈|家)|别人|家人|老人|孩子|小孩|娃|爸|妈|老伴|爱人|媳妇|老公",
        r"\b(for my|on behalf|someone else|somebody else|father|mother|son|daughter|wife|husband|brother|sister|child"
        r"|kid|instead of)\b",
    ),
    (  # lost
        r"丢|找不到|找不着|不见|被偷|挂失|忘",
        r"\b(lost|lose|stolen|missing|can't find|cannot find|dropped|forgot|forgotten|can't remember)\b",
    ),
    (  # something fails
        r"不行|不了|失败|不来|收不到|没收到|没到|怎么回事|为什么|为啥|不能|不让|锁|错",
        r"\b(fails?|failed|won't|doesn't|can't|cannot|why|refused|locked|stuck|not (working|arrived)|wrong)\b",
    ),
    (  # away with it
        r"取消|关(掉|闭|了)|停|注销|销户|解绑|不(要|想)",
        r"\b(cancel|close|stop|off|remove|unlink|quit|wind|wound)\b",
    ),
)
# Another house's business, by the names that visitors use for it: this bank's pack cannot answer for it.
_ELSEWHERE: Final = re.compile(
    r"(?:建设|工商|农业|中国|招商|交通|邮政|邮储|民生|浦发|中信|光大|平安|兴业|华夏|广发|汇丰|花旗|渣打)(?:银行|行)"
    r"|建行|工行|农行|招行|交行|邮储|余额宝|花呗|借呗|白条|京东|西联"
    r"|(?:北京|上海|广州|深圳|天津|重庆|武汉|成都|杭州|南京|西安).{0,4}(?:分行|支行|网点)"
    r"|\b(?:icbc|hsbc|citi(?:bank)?|bank of china|ccb|paypal|western union|american express|amex)\b"
    r"|\b(?:beijing|shanghai|guangzhou|shenzhen)\b.*\b(?:branch|office)|branch in (?:beijing|shanghai|guangzhou)"
)
# Advice and forecasts: nobody approved them.
_ADVICE: Final = re.compile(
    r"推荐|该不该|应该(?:买|怎么|怎样)|替我(?:拿|选)|哪(?:只|个|款)(?:股|基金|理财|产品)|会(?:涨|跌|升|降)|还会|明年"
    r"|下个月.{0,6}(?:涨|跌|到)|年底.{0,6}(?:到|涨|跌)"
    r"|\b(?:should i|recommend|which (?:fund|shares?|stock)|will .{0,30}(?:rise|fall|go up|go down|worth)|next year"
    r"|good time to|best investment)\b"
)
_PATTERNS: Final = tuple((re.compile(zh), re.compile(en)) for zh, en in _KINDS)
KINDS: Final = len(_PATTERNS)


def elsewhere(text: str) -> bool:
    """Whether it names another bank, or a branch of another city."""
    return bool(_ELSEWHERE.search(text[:TEXT_LIMIT].lower()))


def wants_advice(text: str) -> bool:
    """Whether it asks what to do, or what will be."""
    return bool(_ADVICE.search(text[:TEXT_LIMIT].lower()))


def language_of(text: str) -> Language:
    """By its script: `zh` when a Han character stands in it."""
    return "zh" if _HAN.search(text) else "en"


@lru_cache(maxsize=8192)
def _stem(word: str) -> str:
    word = _NUMERALS_EN.get(word, word)
    word = _SAME_EN.get(word, word)
    return _STEM.sub("", word) if len(word) > 4 else word.rstrip("s") if len(word) > 3 else word


def tokens(text: str, language: Language) -> list[str]:
    """Countable pieces of a text, those of a single word or character first marked `1:`."""
    text = text[:TEXT_LIMIT].lower()
    if language == "en":
        words = [_stem(word) for word in _WORD_EN.findall(text.replace("'s", ""))]
        return [f"1:{word}" for word in words] + [f"2:{a} {b}" for a, b in itertools.pairwise(words)]
    signs = _NOT_WORD.sub("", text).translate(_NUMERALS_ZH)
    return [f"{size}:{signs[at : at + size]}" for size in (1, 2, 3) for at in range(len(signs) - size + 1)]


def kinds(text: str, language: Language) -> npt.NDArray[np.float64]:
    """`(KINDS,)` of 0 and 1: what the question is after; it may be after several things, or none."""
    text = text[:TEXT_LIMIT].lower().replace("’", "'")
    return np.array([bool(pair[language == "en"].search(text)) for pair in _PATTERNS], np.float64)
