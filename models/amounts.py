"""How much money a sentence speaks of, in Mandarin or English, as a whole number.

'两万五' is 25,000, '3k' is 3,000, 'half a million' is 500,000. A number that counts something else
(a window, an hour, a ticket, a year) is no amount. Pure; any text is accepted.
"""

from __future__ import annotations

import re
from typing import Final

MAX_AMOUNT: Final = 10**12  # more than any branch pays out; larger is a misreading
MAX_CHARS: Final = 400  # one spoken turn
LEAST_BARE: Final = 10  # below ten a number needs its unit: 'one moment' is no amount

_DIGITS: Final = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "俩": 2, "幺": 1}
_UNITS: Final = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_ZH_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:\d+(?:[,，]\d{3})*(?:\.\d+)?(?:[百千万亿kw]+[0-9零一二三四五六七八九]*)*"
    r"|[零〇一二两俩三四五六七八九十][零〇一二两俩三四五六七八九十百千万亿]*(?:点[零一二三四五六七八九]+万)?)(?:半(?![个年天]))?"
)
_NO_NUMBER: Final = re.compile(r"^[一二三四五六七八九](?=[两俩])")  # 'seven two': the first is another word, misheard
_ZH_MONEY: Final = re.compile(
    r"\s*(?:多|来)?(?:块|元|人民币|塊|圆|美元|美金|欧元|英镑|日元|港币|澳元|加元|泰铢|韩元|韩币)"
)
_ZH_COUNTED: Final = re.compile(
    r"\s*(?:号|點|点|年|个|天|楼|层|张|位|分钟|分|小时|次|期|岁|月|日|下|些|样|直|般|起|定|共|遍|趟|口|家|本|人|条|会儿|边|克|笔|厘|%|％|:|：)"
)
_ZH_ORDINAL: Final = re.compile(r"(?:第|星期|礼拜|周|编号|尾号|R)$")

_EN_SMALL: Final = {
    name: number
    for number, name in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
        ]
    )
} | {
    name: 10 * number
    for number, name in enumerate(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], 2)
}
_EN_SCALE: Final = {"hundred": 100, "thousand": 1000, "grand": 1000, "k": 1000, "million": 10**6, "m": 10**6}
_EN_TOKEN: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?|[a-z]+")
_EN_MONEY: Final = frozenset(
    [
        "yuan",
        "rmb",
        "kuai",
        "dollar",
        "dollars",
        "bucks",
        "euro",
        "euros",
        "pound",
        "pounds",
        "yen",
        "cash",
        "cny",
        "renminbi",
        "quid",
    ]
)
_EN_COUNTED: Final = frozenset(
    [
        "am",
        "pm",
        "o",
        "minute",
        "minutes",
        "hour",
        "hours",
        "people",
        "person",
        "year",
        "years",
        "month",
        "months",
        "day",
        "days",
        "week",
        "weeks",
        "time",
        "times",
        "note",
        "notes",
        "window",
        "floor",
        "percent",
        "instalments",
        "installments",
        "card",
        "cards",
        "second",
        "seconds",
        "ticket",
        "tickets",
    ]
)
_EN_ORDINAL: Final = frozenset(
    ["window", "number", "counter", "ticket", "floor", "room", "at", "until", "before", "after", "ending"]
)


def chinese_number(text: str) -> int | None:
    """The value of a spoken Mandarin number, digits allowed in it (两万五, 2万, 一百零五); None if it is none."""
    text = text.replace(",", "").replace("，", "").lower().replace("k", "千").replace("w", "万")
    if (half := text.endswith("半")) and text[:-1]:
        text = text[:-1]
    point = re.fullmatch(r"([零一二两三四五六七八九十]+)点([零一二三四五六七八九]+)万", text)
    if point:
        whole = chinese_number(point[1])
        decimals = "".join(str(_DIGITS[c]) for c in point[2])
        return None if whole is None else round((whole + int(decimals) / 10 ** len(decimals)) * 10_000)
    text = _NO_NUMBER.sub("", text)
    total = section = 0
    number: float | None = None
    last_unit = 0
    for part in re.findall(r"\d+(?:\.\d+)?|.", text):
        if part[0].isdigit():
            number = float(part)
        elif part in _DIGITS:
            number = (number or 0) * 10 + _DIGITS[part] if number is not None and last_unit == 0 else _DIGITS[part]
            if part in "零〇":
                last_unit = 1  # a zero ends the reading '五' = five hundred in 一千零五
        elif part in ("万", "亿"):
            section = round((section + (number or 0)) * _UNITS[part]) or _UNITS[part]
            total, section, number, last_unit = total + section, 0, None, _UNITS[part]
        elif part in _UNITS:
            section += round((1 if number is None else number) * _UNITS[part])
            number, last_unit = None, _UNITS[part]
        else:
            return None
    tail = 0.0 if number is None else number
    if last_unit >= 100 and 0 < tail < 10 and tail == int(tail):
        tail *= last_unit // 10  # 两万五 is 25,000, 三千二 is 3,200
    value = round(total + section + tail) + (last_unit // 2 if half and last_unit >= 100 else 0)
    return value if 0 <= value <= MAX_AMOUNT else None


def english_number(tokens: list[str]) -> tuple[int | None, int]:
    """The number that `tokens` begin with and how many of them it takes; (None, 0) if they begin with none."""
    total = current = 0.0
    used = 0
    for place, word in enumerate(tokens):
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if word[0].isdigit():
            if used:
                break
            current = float(word.replace(",", ""))
        elif word in _EN_SMALL:
            current += _EN_SMALL[word]
        elif word in ("a", "an") and not used and following in _EN_SCALE:
            current = 1
        elif word == "half" and not used and tokens[place + 1 : place + 3] in (["a", "million"], ["a", "thousand"]):
            return round(_EN_SCALE[tokens[place + 2]] / 2), place + 3
        elif word in _EN_SCALE and used:
            scale = _EN_SCALE[word]
            current = (current or 1) * scale
            if scale >= 1000:
                total, current = total + current, 0
        elif word == "and" and used and (following in _EN_SMALL or following[:1].isdigit()):
            pass
        else:
            break
        used = place + 1
    value = round(total + current)
    return (value, used) if used and value <= MAX_AMOUNT else (None, 0)


def _chinese_amount(text: str) -> int | None:
    for match in _ZH_NUMBER.finditer(text):
        rest = text[match.end() :]
        value = chinese_number(match.group())
        money = _ZH_MONEY.match(rest)
        if value is None or value == 0 or _ZH_ORDINAL.search(text[: match.start()]):
            continue
        if money or (value >= LEAST_BARE and not _ZH_COUNTED.match(rest)):
            return value
    return None


def _english_amount(text: str) -> int | None:
    tokens = _EN_TOKEN.findall(re.sub(r"\b(\d+)([km])\b", r"\1 \2", text))
    place = 0
    while place < len(tokens):
        value, used = english_number(tokens[place:])
        if not used:
            place += 1
            continue
        following = tokens[place + used] if place + used < len(tokens) else ""
        before = tokens[place - 1] if place else ""
        money = following in _EN_MONEY
        bare = value is not None and value >= LEAST_BARE and following not in _EN_COUNTED and before not in _EN_ORDINAL
        if value and (money or bare):
            return value
        place += used
    return None


def read_amount(text: str) -> int | None:
    """The first amount of a sentence in whole units of its currency, at most `MAX_AMOUNT`; None if it names none."""
    text = text[:MAX_CHARS].lower()
    if re.search(r"[\u4e00-\u9fff]", text):
        return _chinese_amount(text)
    return _english_amount(text)
