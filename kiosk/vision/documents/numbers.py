"""Do the figures of a document agree with themselves? Check digits and dates, as the standards define them. Pure.

Serves the moment after a document was read; it refuses to guess what a wrong figure should have been. No number that
is given here is kept or logged.
"""

from __future__ import annotations

from datetime import date
from typing import Final

ID_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
"""2 to the power of (18 - place) modulo 11: ISO 7064 MOD 11-2, as GB 11643-1999 uses it."""
ID_DIGITS: Final = "10X98765432"
MRZ_WEIGHTS: Final = (7, 3, 1)
OLDEST_YEARS: Final = 120
PROVINCES: Final[dict[str, str]] = {
    "11": "北京", "12": "天津", "13": "河北", "14": "山西", "15": "内蒙古", "21": "辽宁", "22": "吉林", "23": "黑龙江",
    "31": "上海", "32": "江苏", "33": "浙江", "34": "安徽", "35": "福建", "36": "江西", "37": "山东", "41": "河南",
    "42": "湖北", "43": "湖南", "44": "广东", "45": "广西", "46": "海南", "50": "重庆", "51": "四川", "52": "贵州",
    "53": "云南", "54": "西藏", "61": "陕西", "62": "甘肃", "63": "青海", "64": "宁夏", "65": "新疆", "71": "台湾",
    "81": "香港", "82": "澳门", "83": "台湾",
}  # fmt: skip
"""First two digits of a region: GB/T 2260."""
MUNICIPALITIES: Final = frozenset({"11", "12", "31", "50"})  # below them are districts alone


def id_check_digit(body: str) -> str:
    """The 18th character for the first seventeen digits of a resident's number. Raises `ValueError`."""
    if len(body) != len(ID_WEIGHTS) or not _figures(body):
        raise ValueError("a resident's number has 17 digits before its check digit")
    return ID_DIGITS[sum(int(digit) * weight for digit, weight in zip(body, ID_WEIGHTS, strict=True)) % 11]


def id_is_whole(number: str) -> bool:
    """Whether it has 18 characters and its check digit is right."""
    return len(number) == 18 and _figures(number[:17]) and id_check_digit(number[:17]) == number[17]


def born_by_number(number: str, today: date) -> date | None:
    """The date of birth in a resident's number; None: none that anybody living can have."""
    born = day(number[6:14])
    if born is None or born > today or born.year < today.year - OLDEST_YEARS:
        return None
    return born


def sex_by_number(number: str) -> str:
    """'男' or '女', by the 17th digit; '' where there is none."""
    if len(number) < 17 or not number[16].isdigit():
        return ""
    return "男" if int(number[16]) % 2 else "女"


def province_by_number(number: str) -> str:
    """The province in which the number was first given; '' where its region cannot be one (GB/T 2260)."""
    region = number[:6]
    if len(region) < 6 or not _figures(region) or region[:2] not in PROVINCES:
        return ""
    city, district = int(region[2:4]), int(region[4:6])
    if region[:2] in MUNICIPALITIES and city not in (1, 2, 3):
        return ""
    if not (1 <= city <= 70 or city == 90) or not 1 <= district <= 99:
        return ""
    return PROVINCES[region[:2]]


def luhn_digit(body: str) -> str:
    """The check digit that follows `body` (ISO/IEC 7812-1 annex B). Raises `ValueError`."""
    if not _figures(body):
        raise ValueError("a card's number has digits alone")
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 * (doubled > 9)
    return str(-total % 10)


def card_is_whole(number: str) -> bool:
    """Whether a bank card's number has 12 to 19 digits and ends in the right one."""
    return 12 <= len(number) <= 19 and _figures(number) and luhn_digit(number[:-1]) == number[-1]


def mrz_digit(text: str) -> str:
    """The check digit of a field of a machine-readable zone (ICAO Doc 9303 part 3, 4.9). Raises `ValueError`."""
    total = 0
    for place, character in enumerate(text):
        if "0" <= character <= "9":
            value = int(character)
        elif "A" <= character <= "Z":
            value = ord(character) - 55
        elif character == "<":
            value = 0
        else:
            raise ValueError("a machine-readable zone has A to Z, 0 to 9 and <")
        total += value * MRZ_WEIGHTS[place % 3]
    return str(total % 10)


def day(eight: str) -> date | None:
    """A date written as eight digits; None where it is none."""
    if len(eight) != 8 or not _figures(eight):
        return None
    try:
        return date(int(eight[:4]), int(eight[4:6]), int(eight[6:]))
    except ValueError:
        return None


def short_day(six: str, *, latest: date) -> date | None:
    """A date written as YYMMDD: in the century that ends at `latest`; None where it is none."""
    if len(six) != 6 or not _figures(six):
        return None
    century = latest.year - latest.year % 100
    for first in (century, century - 100):
        found = day(f"{first + int(six[:2])}{six[2:]}")
        if found is not None and found <= latest:
            return found
    return None


def years_between(born: date, today: date) -> int:
    """Whole years of age."""
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _figures(text: str) -> bool:
    """Digits of ASCII alone: other scripts' count for `isdigit` too."""
    return bool(text) and text.isascii() and text.isdigit()
