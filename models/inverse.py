"""Spoken words as a visitor wants to read them: figures for numbers, in captions. Pure; understanding keeps the words.

Amounts from ten thousand on are in 万 (两万五 → 2.5万, as notices in a bank are read), smaller
ones in plain figures; telephone numbers and cards in groups; times as 3:30; English thousands with commas. One to nine
stay words unless they number a counter, a date or an hour: 一张卡, 'one moment'. Inexact numbers (十几, 两三百) and
idioms (万一, 十分) stay as they were said. wetext's inverse grammar is not used: it reads 三点一刻 as 3.1 and
'double zero' not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal

from models.amounts import chinese_number, english_number

Language = Literal["zh", "en"]

MAX_CHARS: Final = 400  # one spoken turn
TEN_THOUSAND: Final = 10_000
HUNDRED_MILLION: Final = 100_000_000
LEAST_RUN: Final = 3  # digits said one by one; two may be 'three or four'

_D: Final = "零〇一二三四五六七八九幺"
_DIGIT: Final = dict(zip(_D, "001234567891", strict=True))
_N: Final = "一二两三四五六七八九十"  # of small counts: hours, days, counters
_ANY: Final = "零〇一二两三四五六七八九十百千万亿"

Replace = Callable[[re.Match[str]], str]


def written(text: str, language: Language) -> str:
    """`text` with its numbers as figures. What is no number, or not surely one, stays as it is."""
    text = text[:MAX_CHARS]
    for pattern, replace in _ZH_RULES if language == "zh" else _EN_RULES:
        text = pattern.sub(replace, text)
    return text


# ---------------------------------------------------------------- both languages
def grouped(digits: str) -> str:
    """A telephone number as 138 0013 8000, a card in fours; other figures in one piece."""
    if re.fullmatch(r"1[3-9]\d{9}", digits):
        return f"{digits[:3]} {digits[3:7]} {digits[7:]}"
    if len(digits) in (16, 19):
        return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))
    return digits


def _figures(found: re.Match[str]) -> str:
    return grouped("".join(_DIGIT.get(c, c) for c in found[0] if c in _DIGIT or c.isdigit()))


# ---------------------------------------------------------------- Mandarin
def quantity(value: int) -> str:
    """Figures as a bank writes them: 5000, 2.5万, 120万, 1.2亿; with commas where two decimals do not tell it all."""
    for size, unit in ((HUNDRED_MILLION, "亿"), (TEN_THOUSAND, "万")):
        if value >= size:
            if value * 100 % size == 0:
                return f"{value / size:.2f}".rstrip("0").rstrip(".") + unit
            return f"{value:,}"
    return str(value)


def _small(text: str) -> int | None:
    """A count of up to 99, as 3, 十五, 二十三 or 零五."""
    if text.isdigit():
        return int(text)
    if re.fullmatch(f"[零〇]?[{_D}两]", text):
        return int(_DIGIT.get(text[-1], "2"))
    return chinese_number(text)


def _percent(found: re.Match[str]) -> str:
    whole = chinese_number(found[1])
    part = "".join(_DIGIT.get(c, c) for c in found[2] or "")
    return found[0] if whole is None else f"{whole}{'.' + part if part else ''}%"


def _decimal(found: re.Match[str]) -> str:
    whole, part = _small(found[1]), "".join(_DIGIT.get(c, c) for c in found[2])
    return found[0] if whole is None else f"{whole}.{part}{found[3]}"


def _time(found: re.Match[str]) -> str:
    """Hour and the rest of it; 一点 alone is 'a little' unless a part of the day stands before it."""
    day, hour_text, rest = found["day"] or "", found["hour"], found["rest"] or ""
    hour = _small(hour_text)
    if hour is None or hour > 24:
        return found[0]
    if rest in ("", "钟", "整"):
        return found[0] if hour_text == "一" and not day and not rest else f"{day}{hour}点{rest}"
    minute = 30 if rest == "半" else {"一刻": 15, "三刻": 45}.get(rest)
    if minute is None:
        minute = _small(rest.removesuffix("分"))
    return found[0] if minute is None or minute > 59 else f"{day}{hour}:{minute:02d}"


def _date(found: re.Match[str]) -> str:
    month, day = _small(found[1]), _small(found[2])
    return found[0] if month is None or day is None or month > 12 or day > 31 else f"{month}月{day}{found[3]}"


def _count(found: re.Match[str]) -> str:
    value = _small(found[1])
    return found[0] if value is None else f"{value}{found[2]}"


def _change(found: re.Match[str]) -> str:
    whole = chinese_number(found[1])
    return found[0] if whole is None else f"{whole}.{_DIGIT.get(found[2], '2')}元"


def _amount(found: re.Match[str]) -> str:
    said = found[0]
    is_inexact = re.search(f"[{_D[2:-1]}两]{{2}}[十百千万亿]", said)
    if is_inexact or not re.search("[十百千万亿]", said):
        return said
    value = chinese_number(said)
    return said if value is None or value < 10 else quantity(value)


def _money(found: re.Match[str]) -> str:
    value = int(found[1].replace(",", ""))
    return quantity(value) if value >= TEN_THOUSAND else found[1]


_DAY: Final = "凌晨|早上|上午|中午|下午|傍晚|晚上|今晚|今天|明天|后天"
_ZH_RULES: Final[tuple[tuple[re.Pattern[str], Replace], ...]] = (
    (re.compile(f"百分之([{_ANY}]+|\\d+)(?:点([{_D}]+))?"), _percent),
    (re.compile(f"([{_ANY}]+)点([{_D}]+)(万|亿|千|倍|个百分点)"), _decimal),
    (re.compile(f"(?<=[A-Za-z])[{_D}]{{2,4}}(?![{_ANY}])"), _figures),
    (re.compile(f"(?:(?<=尾号)|(?<=尾号是)|(?<=后四位)|(?<=后四位是))[{_D}\\d][{_D}\\d ]*[{_D}\\d]"), _figures),
    (re.compile(f"(?<![{_ANY}\\d])[{_D}](?:[ ，,]?[{_D}]){{{LEAST_RUN - 1},}}(?![{_ANY}])"), _figures),
    (
        re.compile(r"(?<![\d.,])(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{3})?)(?![\d.,])"),
        _figures,
    ),
    (re.compile(f"([{_N}]{{1,3}}|\\d{{1,2}})月([{_N}]{{1,3}}|\\d{{1,2}})([号日])"), _date),
    (
        re.compile(
            f"(?P<day>{_DAY})?(?<![慢快早晚多少大小差有{_N}])(?P<hour>[{_N}]{{1,3}}|\\d{{1,2}})点"
            f"(?P<rest>半|一刻|三刻|钟|整|[零〇]?[{_N}]{{1,3}}分|[零〇][{_D}]|[{_N}]*十[{_N}]?|\\d{{1,2}}分?)?"
            f"(?![{_ANY}])"
        ),
        _time,
    ),
    (re.compile(f"([{_N}]{{1,3}})(号(?:窗口|柜台|机|楼|厅))"), _count),
    (re.compile(f"(?<![{_ANY}几])([{_ANY}]+)块([{_D[2:-1]}两])(?![{_ANY}个张块元毛])"), _change),
    (re.compile(f"(?<![{_ANY}几第\\d])(?!十分(?!钟))[{_D[2:-1]}两十][{_ANY}]*(?![{_ANY}几])"), _amount),
    (re.compile(f"(?<=第)[{_N}百零]{{2,5}}(?![{_ANY}几])"), _amount),
    (
        re.compile(r"(?<![\d.,])(\d{5,9}|\d{1,3}(?:,\d{3})+)(?=\s*(?:块|元|人民币|美元|美金|欧元|英镑|日元|港币))"),
        _money,
    ),
)


# ---------------------------------------------------------------- English
_EN_DIGIT: Final = {
    "zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9",
}  # fmt: skip
_TENS: Final = "ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
_TIES: Final = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_ONES: Final = "one|two|three|four|five|six|seven|eight|nine"
_SCALES: Final = "hundred|thousand|million"
_HOURS: Final = f"{_ONES}|ten|eleven|twelve"
_MINUTE: Final = f"oh (?:{_ONES})|(?:{_TIES})(?:[ -](?:{_ONES}))?|{_TENS}"
_WORD: Final = f"(?:{_ONES}|{_TENS}|{_TIES}|{_SCALES})"
_NUMBER: Final = f"(?:an? (?={_SCALES}))?{_WORD}(?:(?:[ -]|,? and ){_WORD})*"
_MONTHS: Final = "january|february|march|april|may|june|july|august|september|october|november|december"
_ORDINALS: Final = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9,
    "tenth": 10, "eleventh": 11, "twelfth": 12, "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16,
    "seventeenth": 17, "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "twenty-first": 21, "twenty-second": 22,
    "twenty-third": 23, "twenty-fourth": 24, "twenty-fifth": 25, "twenty-sixth": 26, "twenty-seventh": 27,
    "twenty-eighth": 28, "twenty-ninth": 29, "thirtieth": 30, "thirty-first": 31,
}  # fmt: skip
_ORDINAL: Final = "|".join(word.replace("-", "[ -]") for word in sorted(_ORDINALS, key=len, reverse=True))


def _en_value(text: str) -> int | None:
    tokens = re.findall(r"\d+|[a-z]+", text.lower())
    value, used = english_number(tokens)
    return value if used == len(tokens) else None


def _en_amount(found: re.Match[str]) -> str:
    value = _en_value(found[0])
    return found[0] if value is None or value < 10 else f"{value:,}"


def _en_run(found: re.Match[str]) -> str:
    digits, times = "", 1
    for word in re.findall("[a-z]+", found[0].lower()):
        if word in ("double", "triple"):
            times = 2 if word == "double" else 3
        else:
            digits, times = digits + _EN_DIGIT[word] * times, 1
    return grouped(digits) if len(digits) >= LEAST_RUN else found[0]


def _en_decimal(found: re.Match[str]) -> str:
    whole = _en_value(found[1]) if found[1].lower() not in ("zero", "oh") else 0
    part = "".join(_EN_DIGIT[word] for word in re.findall("[a-z]+", found[2].lower()))
    return found[0] if whole is None else f"{whole}.{part}"


def _en_percent(found: re.Match[str]) -> str:
    value = found[1] if found[1][0].isdigit() else _en_value(found[1])
    return found[0] if value is None else f"{value}%"


def _en_past(found: re.Match[str]) -> str:
    hour = _en_value(found[3])
    if hour is None:
        return found[0]
    minute = 30 if found[1].lower() == "half" else 15
    if found[2].lower() == "to":
        return f"{(hour + 10) % 12 + 1}:{60 - minute:02d}"
    return f"{hour}:{minute:02d}"


def _en_time(found: re.Match[str]) -> str:
    hour, minute = _en_value(found["hour"]), found["minute"]
    half = f" {found['half'].lower().replace('.', '').replace(' ', '')}" if found["half"] else ""
    if hour is None or not (minute or half):
        return found[0]
    if not minute:
        return f"{hour}{half}"
    value = _en_value(minute.lower().removeprefix("oh "))
    return found[0] if value is None or value > 59 else f"{hour}:{value:02d}{half}"


def _ordinal(text: str) -> int:
    return _ORDINALS[text.lower().replace(" ", "-")]


def _case(text: str) -> re.Pattern[str]:
    return re.compile(rf"\b{text}\b", re.IGNORECASE)


_EN_D: Final = "|".join(_EN_DIGIT)
_EN_RULES: Final[tuple[tuple[re.Pattern[str], Replace], ...]] = (
    (_case(f"({_NUMBER}|zero|oh) point ((?:{_EN_D})(?: (?:{_EN_D}))*)"), _en_decimal),
    (_case(f"(?<=\\bat )(?P<hour>{_HOURS}) (?P<minute>{_MINUTE})(?P<half>(?: [ap] ?\\.?m)?)"), _en_time),
    (_case(f"((?:double |triple )?(?:{_EN_D}))(?:[ ,-]+(?:double |triple )?(?:{_EN_D}))+"), _en_run),
    (re.compile(r"(?<![\d.,])(?:1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\d{4}(?:[ -]?\d{4}){3})(?![\d.,])"), _figures),
    (re.compile(rf"\b(\d+(?:\.\d+)?|{_NUMBER}) ?per ?cent\b", re.IGNORECASE), _en_percent),
    (_case(f"(?:a )?(half|quarter) (past|to) ({_HOURS})"), _en_past),
    (
        _case(
            f"(?<!point )(?P<hour>{_HOURS})(?: (?P<minute>{_MINUTE}))?"
            r"(?: (?P<half>[ap] ?\.?m))"
        ),
        _en_time,
    ),
    (_case(f"(?:the )?({_ORDINAL}) of ({_MONTHS})"), lambda m: f"{_ordinal(m[1])} {m[2].capitalize()}"),
    (_case(f"({_MONTHS}) (?:the )?({_ORDINAL})"), lambda m: f"{m[1].capitalize()} {_ordinal(m[2])}"),
    (_case(f"(?<!half ){_NUMBER}"), _en_amount),
)
