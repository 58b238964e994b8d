"""Takes out of a sentence whatever could say who somebody is, before it may leave the terminal. Pure.

Rules, both languages, written and spoken figures. A rule that takes a word too many costs a word; one that takes too
few costs somebody's name: where in doubt it is taken. What is left behind says the kind: `〔name〕`, `〔phone〕`.
The order matters: what has a shape of its own (addresses with @, plates) goes before bare figures. Numbers of up to
three figures stay: '40 minutes', '3 people', 'counter 2'.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from contracts.opinions import MASK, MAX_WORDS
from kiosk.opinion.names import mask_names

FOLDER: Final = Path(__file__).parent / "words"
READ_MOST: Final = 2_000  # characters of what somebody said that are looked at; the rest is dropped unread
_CUT: Final = re.compile(r"[0-9A-Za-z零〇一二三四五六七八九幺洞@.\-]{0,60}$")
_WIDE: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F) if chr(code - 0xFEE0).isalnum()} | {
    ord("＠"): "@", ord("．"): ".", ord("－"): "-", ord("￥"): "¥", ord("\u3000"): " ",
}  # fmt: skip
_SPACE: Final = re.compile(r"[\s\x00-\x1f\x7f\u200b-\u200f\u2028-\u202f\ufeff]+")

_D = "零〇一二三四五六七八九幺洞拐"  # figures said one by one
_N = "零〇一二两俩三四五六七八九十百千万亿"  # a number said as a whole
_UNIT = "元|块钱|块|圆|人民币|美元|美金|欧元|英镑|日元|港币|万|亿|角"
_CASH = "yuan|rmb|renminbi|cny|usd|dollars?|euros?|pounds?|bucks|hkd|yen"
_ONES = "zero|oh|one|two|three|four|five|six|seven|eight|nine"
_WORDS = (
    rf"(?:{_ONES}|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty|thirty|forty|"
    r"fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|double|triple)"
)
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:tember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?"
)
_PLACE = "路|街|巷|弄|大道|胡同|里|村|镇|乡"
_HOME = "小区|花园|家园|新村|公寓|苑|新城|花苑|名邸|嘉园"
_PROVINCE = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_END = r"(?=[，。！？；,.!?;]|$)"

Rule = tuple[str, re.Pattern[str]]


def _rule(kind: str, pattern: str) -> Rule:
    return kind, re.compile(pattern, re.IGNORECASE | re.ASCII)  # a word ends where Mandarin begins


_RULES: Final[tuple[Rule, ...]] = (
    _rule("mail", r"[\w.+-]+\s?@\s?[\w-]+(?:\s?\.\s?[\w-]+)*"),
    _rule("mail", r"\b[\w.+-]+(?: (?:dot|underscore) \w+)* at \w+(?: dot \w+)+|\b\w+(?: dot \w+)+ at \w+"),
    _rule("mail", rf"[\w.+-]+?(?:艾特|圈[aA]|小老鼠|at)\s?[A-Za-z0-9{_D}]+\s?点\s?(?:com|cn|net|org|康姆)"),
    _rule("link", r"(?:https?://|www\.)[^\s，。！？]+|\b[\w-]+\.(?:com|cn|net|org|io)\b(?:/[^\s，。]*)?(?<!@)"),
    _rule("id", r"(?:微信号?|qq号?|wechat(?: id)?|weixin|支付宝)(?:[是为：: ]|is)*\s?[A-Za-z][\w-]{3,30}"),
    _rule("plate", rf"[{_PROVINCE}]\s?[A-Z]\s?[·・\- ]?\s?(?:[A-Z0-9{_D}]\s?){{5,6}}(?:[挂学警港澳])?"),
    _rule("plate", r"\bplate(?: number)?(?:'s| is| was)?:? (?:[a-z] ?)?[a-z0-9]{1,4}[ -]?[a-z0-9]{2,5}\b"),
    _rule("date", r"(?:19|20)\d\d\s?[年./-]\s?\d{1,2}\s?[月./-]?\s?(?:\d{1,2}\s?[日号]?)?"),
    _rule(
        "date",
        rf"[一二][九〇零][{_D}]{{2}}年(?:[一二三四五六七八九十]{{1,3}}月)?(?:[一二三四五六七八九十]{{1,3}}[日号])?",
    ),
    _rule(
        "date",
        rf"\b(?:\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})|(?:{_MONTH}) \d{{1,2}}(?:st|nd|rd|th)?),? (?:19|20)\d\d",
    ),
    _rule(
        "address",
        rf"(?:家?住(?![院不了得宿进过])在?|家在|地址是?|住址是?|寄到|送到)\s?(?!这里|哪|附近|得|了|很)[^，。！？；,.!?;]{{3,30}}?{_END}",
    ),
    _rule(
        "address",
        rf"(?:[\u4e00-\u9fff]{{2,6}}(?:省|市|区|县))*[\u4e00-\u9fff]{{1,4}}(?:{_PLACE})[\d{_N}]{{1,6}}\s?(?:号|弄|栋|幢|巷)(?:院|楼)?(?:[\d{_N}]{{1,5}}(?:栋|幢|单元|号楼|楼|层|室|号))*",
    ),
    _rule("address", rf"[\u4e00-\u9fff]{{2,4}}(?:{_HOME})(?:[\d{_N}A-Z]{{1,5}}(?:栋|幢|单元|号楼|楼|层|室|号|期|座))*"),
    _rule(
        "address",
        rf"(?:[\d{_N}A-Z]{{1,5}}(?:栋|幢|单元|号楼|座))+(?:[\d{_N}]{{1,5}}(?:单元|楼|层|室|号)|\d{{3,4}})*|[\d{_N}]{{3,5}}室",
    ),
    _rule(
        "address", rf"\b(?:i|we|he|she|they|who) lives? (?:at|in|on) (?!this|the area|town|a )[^,.!?;]{{3,50}}?{_END}"
    ),
    _rule("address", r"\bmy (?:home )?address is [^.!?;]{3,60}?(?=[.!?;]|$)"),
    _rule(
        "address",
        rf"\b(?:\d{{1,5}}|(?:{_WORDS}[ -])+)(?:[a-z]+ ){{1,4}}?(?:road|rd|street|st|avenue|ave|"
        r"lane|ln|boulevard|drive|court|terrace)\b\.?",
    ),
    _rule(
        "address",
        r"\b(?:apartment|apt|flat|unit|suite|building|block) (?:no\.? ?)?(?:\d+[a-z]?|[a-z]\d+)\b"
        r"(?:,? (?:room|floor) \d+)?|\broom \d{3,}\b",
    ),
    _rule("amount", r"[¥$€£]\s?\d[\d,.]*\s?(?:万|千|亿|k\b|thousand|million)?"),
    _rule(
        "amount",
        rf"\d[\d,]*(?:\.\d+)?\s?(?:多|来|几)?\s?(?:百|千|万|亿)?\s?(?:多|来|几)?(?:{_UNIT})(?:[\d{_N}]{{1,3}}(?![分个位次天点]))?",
    ),
    _rule("amount", rf"\b\d[\d,]*(?:\.\d+)?\s?(?:k|thousand|million|hundred)?\s?(?:{_CASH})\b"),
    _rule("amount", rf"\b(?:{_WORDS}(?:[ -]|$)(?:and )?|a (?:hundred|thousand|million) )+(?:odd )?(?:{_CASH})\b"),
    _rule("amount", r"\b\d[\d,.]*\s?(?:k|thousand|million)\b"),
    _rule(
        "amount",
        rf"(?<!百分之)(?:[{_N}半几][{_N}多几半点]*)(?:多|来|几)?(?:元|块钱?|圆|美元|美金|欧元|英镑|日元|港币|人民币|角)(?:[{_N}](?![{_N}个位次]))?",
    ),
    _rule("amount", rf"(?<!百分之)(?:[一二两三四五六七八九十几][{_N}]*[百千万亿](?![一别])[{_N}]*多?)(?!分之)"),
    _rule("amount", rf"\b(?:(?:a|{_WORDS})[ -])+(?:hundred|thousand|million)\b(?:(?: and)? {_WORDS})*"),
    _rule("number", r"\b[A-Z]{1,3}-?\d{3,}[A-Z]?\b"),
)
_RUN: Final = re.compile(r"[A-Za-z]{0,2}\d(?:[ \-.·—–,，、/]{0,2}\d){3,}(?:\s?[xX]\b|叉)?")
_SAID: Final = re.compile(rf"[{_D}两\d](?:[ \-·—，,、]{{0,2}}[{_D}两\d]){{3,}}(?:[xX]|叉|艾克斯)?")
_SPELT: Final = re.compile(
    rf"\b(?:{_WORDS}|\d+|o)(?:[\s,\-]{{1,2}}(?:and )?(?:{_WORDS}|\d+|o)){{3,}}(?:[\s,\-]+x)?\b", re.IGNORECASE
)
_SHORT: Final = re.compile(
    rf"((?:卡号|账号|帐号|尾号|密码|验证码|身份证|手机号?|电话|号码)(?:后[三四六]位|末[三四]位)?"
    rf"(?:[是为：:]|\s)*)[\d{_D}]{{2,}}"
    r"|\b((?:pin|password|passcode|ending(?: in)?|ends(?: in| with)?|last (?:three|four)(?: digits)?(?: are)?|card|"
    r"account|phone)"
    rf"(?: number)?(?: is| are|:)? )(?:\d{{2,}}|(?:{_ONES})(?:[ -](?:{_ONES}))+)",
    re.IGNORECASE,
)
_VALUES: Final[Mapping[str, str]] = {
    **{sign: str(at) for at, sign in enumerate("〇一二三四五六七八九")},
    "零": "0", "幺": "1", "洞": "0", "拐": "7", "两": "2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What may be kept. `masked` counts what was taken out, by kind."""

    text: str = field(repr=False)
    masked: Counter[str] = field(default_factory=Counter)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said but what had to go."""
        return not re.sub(r"〔\w+〕|[\W_]", "", self.text)


@cache
def _abuse() -> re.Pattern[str]:
    lines = (FOLDER / "abuse.txt").read_text("utf-8").splitlines()
    return re.compile("|".join(f"(?:{line})" for line in lines if line and not line.startswith("#")), re.IGNORECASE)


def scrub(text: str, *, most: int = MAX_WORDS) -> Cleaned:
    """`text` without names, figures that name somebody, addresses, amounts, plates, mails; at most `most` characters.

    Any text is taken, of any length; what comes out fits `contracts.opinions.Scrubbed` unless it is empty.
    """
    masked: Counter[str] = Counter()

    def taken(kind: str) -> Callable[[re.Match[str]], str]:
        def put(found: re.Match[str]) -> str:
            masked[kind] += 1
            return MASK.format(kind)

        return put

    said = _prepared(text)
    for kind, pattern in _RULES:
        said = pattern.sub(taken(kind), said)
    for pattern in (_RUN, _SAID, _SPELT):
        said = pattern.sub(lambda found: taken(_figures(found[0]))(found), said)
    said = _SHORT.sub(lambda found: (found[1] or found[2] or "") + taken("number")(found), said)
    said = mask_names(said, taken("name"))
    said = _abuse().sub(taken("abuse"), said)
    said = re.sub(r"[0-9]{4,}", taken("number"), said)  # whatever else; the wire would refuse it
    said = re.sub(r"[@<>]", " ", said)
    return Cleaned(_within(said.strip(), most), masked)


def _prepared(text: str) -> str:
    """One line, plain figures, not too long; what is cut off takes a half-said number with it."""
    said = text[:READ_MOST]
    if len(text) > READ_MOST:
        said = _CUT.sub("", said)
    said = said.translate(_WIDE).replace("〔", "(").replace("〕", ")")
    return _SPACE.sub(" ", said).strip()


def _figures(run: str) -> str:
    """What a run of figures most likely is."""
    plain = "".join(_VALUES.get(sign, sign) for sign in run)
    digits = re.sub(r"\D", "", plain)
    count = len(digits) or len(re.findall(r"[A-Za-z]+", run))
    if count == 18 or re.search(r"[xX叉斯]$", run):
        return "id"
    if count >= 13:
        return "card"
    return "phone" if 7 <= count <= 12 else "number"


def _within(said: str, most: int) -> str:
    """Cut at the end of a clause where there is one near, never through a mask."""
    if len(said) <= most:
        return said
    cut = said[: most - 1]
    if cut.rfind("〔") > cut.rfind("〕"):
        cut = cut[: cut.rfind("〔")]
    ends = max(cut.rfind(sign) for sign in "，。！？,.!? ")
    return (cut[: ends + 1] if ends > most * 2 // 3 else cut).rstrip() + "…"
