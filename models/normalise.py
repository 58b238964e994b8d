"""Written text to text that can be spoken: figures, money, times, account tails and ticket numbers as words.

The grammars are wetext's, which ship with it and load from disk. Before them stand rules of a bank's
lobby: what is read digit by digit, and what a sign means here.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Final, Literal

from wetext import Normalizer

Language = Literal["zh", "en"]

_ZH_DIGITS: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
# On the telephone and in accounts 1 is said yao, so that it is not mistaken for 7 (yi, qi).
_ZH_ACCOUNT_DIGITS: Final = _ZH_DIGITS | {"1": "幺"}
_EN_NAMES: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_EN_DIGITS: Final = dict(zip("0123456789", _EN_NAMES, strict=True))
_EN_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_LONG_NUMBER_DIGITS: Final = 8  # from here on a bare number is an account or an identity, not an amount

_TICKET = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,2})(\d{2,4})(?![A-Za-z0-9.])")
_GROUPED = re.compile(r"(?<!\d)\d{4}(?: \d{4}){2,4}(?: \d{1,4})?(?!\d)")
_LONG = re.compile(rf"(?<![\d.,])\d{{{_LONG_NUMBER_DIGITS},}}[Xx]?(?![\d.,])")
_ZH_TAIL = re.compile(
    r"((?:尾号|末四位|后四位|后六位|卡号|账号|帐号|验证码|流水号|工号|编号)(?:是|为|：|:)?\s*)(\d{3,})"
)
_EN_TAIL = re.compile(r"\b((?:ending (?:in|with)|code|number|digits)(?: is)?:? )(\d{3,})\b", re.IGNORECASE)
_EN_HOTLINE = re.compile(r"\b((?:call|dial|phone|hotline|text)(?: is)?:? )(\d{3,7})\b", re.IGNORECASE)
_YUAN = re.compile(r"(?:[¥￥]|\b(?:RMB|CNY)) ?(\d[\d,]*(?:\.\d+)?)")
_EN_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?! ?[ap]\.?m)(?::\d\d)?\b", re.IGNORECASE)
_EN_DATE = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_EN_MONTHS)})\b")
_RANGE = re.compile(r"(?<![\d-])(\d+(?:[:.]\d+)?) ?[-–—~] ?(?=\d+(?:[:.]\d+)?(?![\d-]))")
_TELEPHONE = re.compile(r"(?<![\d-])(?:0\d{2,3}-\d{7,8}|400-?\d{3,4}-?\d{3,4})(?![\d-])")
_ISO_DATE = re.compile(r"(?<![\d-])(\d{4})-(\d{1,2})-(\d{1,2})(?![\d-])")
_CENTS = re.compile(r"\$(\d[\d,]*)\.(\d\d)(?!\d)(?! ?(?:thousand|million|billion))")
_ELLIPSIS = re.compile(r"[.。]{2,}|…+")
_SPACES = re.compile(r"\s+")


def spoken(text: str, language: Language) -> str:
    """`text` with every figure as words of `language`; Latin words inside Mandarin stay as they are."""
    text = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] != "C" or c == "\n")
    text = _ELLIPSIS.sub("…", _SPACES.sub(" ", text)).strip()
    if not text:
        return ""
    text = _spoken_zh(text) if language == "zh" else _spoken_en(text)
    return _SPACES.sub(" ", text).strip()


def _spoken_zh(text: str) -> str:
    text = _YUAN.sub(r"\1元", text)
    text = _ISO_DATE.sub(lambda m: f"{m[1]}年{int(m[2])}月{int(m[3])}日", text)
    text = _TELEPHONE.sub(lambda m: _digits(m[0], _ZH_ACCOUNT_DIGITS), text)
    text = _GROUPED.sub(lambda m: _digits(m[0], _ZH_ACCOUNT_DIGITS), text)
    text = _TICKET.sub(lambda m: f"{' '.join(m[1])} {_digits(m[2], _ZH_DIGITS)}", text)
    text = _ZH_TAIL.sub(lambda m: m[1] + _digits(m[2], _ZH_ACCOUNT_DIGITS), text)
    text = _LONG.sub(lambda m: _digits(m[0], _ZH_ACCOUNT_DIGITS), text)
    text = _RANGE.sub(r"\1到", text)
    return str(_grammar("zh").normalize(text)) if any(c.isdigit() for c in text) else text


def _spoken_en(text: str) -> str:
    text = _YUAN.sub(r"\1 yuan", text)
    text = _CENTS.sub(r"\1 dollars \2 cents", text)
    text = _ISO_DATE.sub(lambda m: f"{int(m[3])} {_EN_MONTHS[(int(m[2]) - 1) % 12]} {m[1]}", text)
    text = _TELEPHONE.sub(lambda m: _words(m[0].replace("-", "")), text)
    text = _TICKET.sub(lambda m: f"{' '.join(m[1])} {_words(m[2])}", text)
    for rule in (_EN_TAIL, _EN_HOTLINE):
        text = rule.sub(lambda m: m[1] + _words(m[2]), text)
    text = _GROUPED.sub(lambda m: _words(m[0]), text)
    text = _LONG.sub(lambda m: _words(m[0]), text)
    text = _RANGE.sub(r"\1 to ", text)
    text = _EN_TIME.sub(_time_en, text)
    text = _EN_DATE.sub(r"the \1th of \2", text)
    text = re.sub(r"\b(1|21|31)th\b", r"\1st", text)
    text = re.sub(r"\b(2|22)th\b", r"\1nd", text)
    text = re.sub(r"\b(3|23)th\b", r"\1rd", text)
    return str(_grammar("en").normalize(text)) if any(c.isdigit() for c in text) else text


def _time_en(match: re.Match[str]) -> str:
    """17:00 as '5 P M', 9:30 as '9 30 A M': the grammar's own 'seventeen o'clock' is not said."""
    hour, minute = int(match[1]), int(match[2])
    half = "A M" if hour < 12 else "P M"
    said = "" if minute == 0 else f" {minute}" if minute >= 10 else f" oh {minute}"
    return f"{hour % 12 or 12}{said} {half}"


def _digits(text: str, names: dict[str, str]) -> str:
    """Each digit by its name; an identity number's final X stays a letter."""
    return "".join(names.get(c, " X " if c in "Xx" else "") for c in text)


def _words(text: str) -> str:
    return " ".join(_EN_DIGITS.get(c, c) for c in text if not c.isspace())


@cache
def _grammar(language: Language) -> Normalizer:
    return Normalizer(lang=language, operator="tn")
