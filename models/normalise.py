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

from models.numbers_en import DIGITS, LARGEST, cardinal, ordinal, year

Language = Literal["zh", "en"]

_ZH_DIGITS: Final = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
# On the telephone and in accounts 1 is said yao, so that it is not mistaken for 7 (yi, qi).
_ZH_ACCOUNT_DIGITS: Final = _ZH_DIGITS | {"1": "幺"}
_EN_DIGITS: Final = dict(zip("0123456789", DIGITS, strict=True))
_EN_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_EN_CURRENCIES: Final = {
    "$": ("dollar", "dollars"), "USD": ("dollar", "dollars"), "HK$": ("Hong Kong dollar", "Hong Kong dollars"),
    "HKD": ("Hong Kong dollar", "Hong Kong dollars"), "€": ("euro", "euros"), "EUR": ("euro", "euros"),
    "£": ("pound", "pounds"), "GBP": ("pound", "pounds"), "¥": ("yuan", "yuan"), "￥": ("yuan", "yuan"),
    "RMB": ("yuan", "yuan"), "CNY": ("yuan", "yuan"),
}  # fmt: skip
_ZH_CURRENCIES: Final = {
    "$": "美元", "USD": "美元", "HK$": "港元", "HKD": "港元", "€": "欧元", "EUR": "欧元", "£": "英镑", "GBP": "英镑",
    "¥": "元", "￥": "元", "RMB": "元", "CNY": "元",
}  # fmt: skip
_LONG_NUMBER_DIGITS: Final = 8  # from here on a bare number is an account or an identity, not an amount

_TICKET = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,2})(\d{2,4})(?![A-Za-z0-9.])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])([A-Z]{2})(\d{2}(?: ?\d{4}){3,7}(?: ?\d{1,3})?)(?!\d)")
_GROUPED = re.compile(r"(?<!\d)\d{4}(?: \d{4}){2,4}(?: \d{1,4})?(?!\d)")
_MOBILE = re.compile(r"(?<!\d)1[3-9]\d[ -]\d{4}[ -]\d{4}(?!\d)")
_LONG = re.compile(rf"(?<![\d.,])\d{{{_LONG_NUMBER_DIGITS},}}[Xx]?(?![\d.,])")
_TELEPHONE = re.compile(r"(?<![\d-])(?:0\d{2,3}-\d{7,8}|\(0\d{2,3}\) ?\d{7,8}|400-?\d{3,4}-?\d{3,4})(?![\d-])")
_ISO_DATE = re.compile(r"(?<![\d/-])(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?![\d/-])")
_PERCENT_RANGE = re.compile(r"(\d+(?:\.\d+)?)%? ?[-–—~] ?(\d+(?:\.\d+)?)%")
_RANGE = re.compile(r"(?<![\d-])(\d+(?:[:.]\d+)?) ?[-–—~] ?(?=\d+(?:[:.]\d+)?(?![\d-]))")
_SEPARATOR = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_SIGN = r"(HK\$|[$€£¥￥]|\b(?:USD|HKD|EUR|GBP|RMB|CNY))"
_MONEY = re.compile(_SIGN + r" ?(\d[\d,]*)(\.\d+)?(?! ?(?:thousand|million|billion))")
_NO_CENTS = re.compile(r"(?<=\d)\.00(?= ?(?:元|yuan|dollar))")

_ZH_TAIL = re.compile(
    r"((?:尾号|末四位|后四位|后六位|卡号|账号|帐号|验证码|流水号|工号|编号)(?:是|为|：|:)?\s*)(\d{3,})"
)
_ZH_CALLED = re.compile(r"((?:拨打|拨|致电|热线|客服|电话|分机|转)(?:是|为|：|:)?\s*)(\d{3,7})(?![\d元万分小年月个-])")
_ZH_ROOM = re.compile(r"(?<!\d)\d{3,4}(?=室|房间|号房)")
_ZH_BUS = re.compile(r"(?<!\d)\d{3}(?=路(?:公交|车))")
_ZH_TWO = re.compile(r"(?<![\d.第])2(?=点(?!\d)|年(?![级代])|倍)")
_ZH_UNITS: Final = {"kg": "公斤", "g": "克", "km": "公里", "cm": "厘米", "mm": "毫米", "m": "米"}
_ZH_UNIT = re.compile(rf"(?<=\d) ?({'|'.join(_ZH_UNITS)})(?![A-Za-z])")

_EN_TAIL = re.compile(r"\b((?:ending (?:in|with)|code|number|digits)(?: is)?:? )(\d{3,})\b", re.IGNORECASE)
_EN_CALLED = re.compile(
    r"\b((?:call|dial|phone|hotline|text|room|suite|extension)(?: is)?:? )(\d{3,7})\b", re.IGNORECASE
)
_EN_TIME = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)(?::\d\d)?(?: ?([ap])\.?m\b\.?)?", re.IGNORECASE)
_EN_HOUR = re.compile(r"\b(\d{1,2}) ?([ap])\.?m\b\.?", re.IGNORECASE)
_EN_DATE = re.compile(rf"\b(\d{{1,2}}) ({'|'.join(_EN_MONTHS)})\b")
_EN_DAY = re.compile(rf"\b({'|'.join(_EN_MONTHS)}) (\d{{1,2}})(?:st|nd|rd|th)?\b(?!:)")
_EN_YEAR = re.compile(
    rf"(?<=\b(?:in|of) )([12]\d{{3}})\b|\b((?:{'|'.join(_EN_MONTHS)})(?: [a-z ]+)?,? )([12]\d{{3}})\b"
)
_EN_DECIMAL = re.compile(r"(?<![\d.])(\d+)\.(\d+)(?![\d.])")
_EN_METERS = re.compile(r"(?<=\d) ?m\b(?!')")
_EN_WHOLE = re.compile(r"(?<![\d.,:/A-Za-z-])(\d{3}|\d{5,7}|\d{1,3}(?:,\d{3})+)(?![\d.,:/%A-Za-z-]*\d|[A-Za-z%])")
_EN_MINUS = re.compile(r"(?<![\w.)])-(?=\d)")
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
    text = _ISO_DATE.sub(lambda m: f"{m[1]}年{int(m[3])}月{int(m[4])}日", text)
    text = _IBAN.sub(lambda m: f"{' '.join(m[1])} {_digits(m[2], _ZH_ACCOUNT_DIGITS)}", text)
    text = re.sub(r"\+86[- ]?(?=1\d)", "加八六", text)
    for rule in (_TELEPHONE, _MOBILE, _GROUPED, _ZH_ROOM):
        text = rule.sub(lambda m: _digits(m[0], _ZH_ACCOUNT_DIGITS), text)
    text = _TICKET.sub(lambda m: f"{' '.join(m[1])} {_digits(m[2], _ZH_DIGITS)}", text)
    text = _ZH_BUS.sub(lambda m: _digits(m[0], _ZH_DIGITS), text)
    for rule in (_ZH_TAIL, _ZH_CALLED):
        text = rule.sub(lambda m: m[1] + _digits(m[2], _ZH_ACCOUNT_DIGITS), text)
    text = _LONG.sub(lambda m: _digits(m[0], _ZH_ACCOUNT_DIGITS), text)
    text = _SEPARATOR.sub("", text)
    text = _MONEY.sub(lambda m: f"{m[2]}{m[3] or ''}{_ZH_CURRENCIES[m[1]]}", text)
    text = _NO_CENTS.sub("", text)
    text = _signs_zh(text)
    return _by_grammar(text, "zh")


def _signs_zh(text: str) -> str:
    """Signs between and after figures, and the 2 that is said liang: the grammar reads some of them otherwise."""
    text = _PERCENT_RANGE.sub(r"\1%到\2%", text)
    text = _RANGE.sub(r"\1到", text)
    text = re.sub(r"(?<=\d) ?[×xX*] ?(?=\d)", "乘", text)
    text = re.sub(r"(?<![\d.])100%", "百分之百", text)
    text = re.sub(r"-(?=\d+(?:\.\d+)?%)", "负", text)
    text = re.sub(r"(\d+(?:\.\d+)?)‰", r"千分之\1", text)
    text = re.sub(r"-(?=\d+(?:\.\d+)? ?°C)", "零下", text)
    text = _ZH_UNIT.sub(lambda m: _ZH_UNITS[m[1]], text)
    text = re.sub(r"第2(?!\d)", "第二", text)
    return _ZH_TWO.sub("两", text)


def _spoken_en(text: str) -> str:
    text = _ISO_DATE.sub(lambda m: f"{int(m[4])} {_EN_MONTHS[(int(m[3]) - 1) % 12]} {m[1]}", text)
    text = _IBAN.sub(lambda m: f"{' '.join(m[1])} {_words(m[2])}", text)
    for rule in (_TELEPHONE, _MOBILE, _GROUPED):
        text = rule.sub(lambda m: _words(m[0]), text)
    text = _TICKET.sub(lambda m: f"{' '.join(m[1])} {_words(m[2])}", text)
    for rule in (_EN_TAIL, _EN_CALLED):
        text = rule.sub(lambda m: m[1] + _words(m[2]), text)
    text = _LONG.sub(lambda m: _words(m[0]), text)
    text = _MONEY.sub(_money_en, text)
    text = _NO_CENTS.sub("", text)
    text = text.replace("24/7", "twenty four seven")
    text = re.sub(r"\bNo\. ?(?=\d)", "number ", text)
    text = _PERCENT_RANGE.sub(r"\1 to \2%", text)
    text = _RANGE.sub(r"\1 to ", text)
    text = _EN_MINUS.sub("minus ", text)
    text = _EN_METERS.sub(" meters", text)
    text = _EN_TIME.sub(lambda m: _time_en(int(m[1]), int(m[2]), m[3]), text)
    text = _EN_HOUR.sub(lambda m: _time_en(int(m[1]), 0, m[2]), text)
    text = _dates_en(text)
    text = _EN_DECIMAL.sub(lambda m: f"{_whole_en(m[1])} point {_words(m[2])}", text)
    text = _EN_WHOLE.sub(lambda m: _whole_en(m[1]), text)
    text = re.sub(r"(?<=[a-z\d])%", " percent", text)
    return _by_grammar(text, "en")


def _dates_en(text: str) -> str:
    text = _EN_DATE.sub(lambda m: f"the {ordinal(int(m[1]))} of {m[2]}", text)
    text = _EN_DAY.sub(lambda m: f"{m[1]} {ordinal(int(m[2]))}", text)
    return _EN_YEAR.sub(lambda m: (m[2] or "") + year(int(m[1] or m[3])), text)


def _money_en(match: re.Match[str]) -> str:
    """$12.50 as dollars and cents; of other currencies the decimals are read out."""
    one, many = _EN_CURRENCIES[match[1]]
    whole, cents = _whole_en(match[2]), (match[3] or "")[1:]
    name = one if whole == "one" and not cents else many
    if not cents or not cents.strip("0"):
        return f"{whole} {name}"
    if match[1] in ("$", "USD") and len(cents) == 2:
        return f"{whole} {one if whole == 'one' else many} {cardinal(int(cents))} cents"
    return f"{whole} point {_words(cents)} {name}"


def _whole_en(figures: str) -> str:
    number = int(figures.replace(",", ""))
    return cardinal(number) if number <= LARGEST else _words(figures)


def _time_en(hour: int, minute: int, half: str | None) -> str:
    """17:00 as 'five P M', 9:30 as 'nine thirty A M': the grammar's own 'seventeen o'clock' is not said."""
    afternoon = half.lower() == "p" if half else hour >= 12
    said = "" if minute == 0 else f" {cardinal(minute)}" if minute >= 10 else f" oh {cardinal(minute)}"
    return f"{cardinal(hour % 12 or 12)}{said} {'P M' if afternoon else 'A M'}"


def _by_grammar(text: str, language: Language) -> str:
    """The figures that are left, by wetext; digit by digit where its grammar has no path through the text."""
    if not any(c.isdigit() for c in text):
        return text
    try:
        return str(_grammar(language).normalize(text))
    except AssertionError:  # how wetext says that nothing matched
        if language == "zh":
            return "".join(_ZH_DIGITS.get(c, c) for c in text)
        return _SPACES.sub(" ", "".join(f" {_EN_DIGITS[c]} " if c in _EN_DIGITS else c for c in text))


def _digits(text: str, names: dict[str, str]) -> str:
    """Each digit by its name; an identity number's final X stays a letter."""
    return "".join(names.get(c, " X " if c in "Xx" else "") for c in text)


def _words(text: str) -> str:
    return " ".join(_EN_DIGITS.get(c, c) for c in text if c.isalnum())


@cache
def _grammar(language: Language) -> Normalizer:
    return Normalizer(lang=language, operator="tn")
