"""Which document is it, and which line is which field? From lines with places to fields. Pure.

Places are shares of the flattened document. Layouts: GA 448 (resident ID card), ICAO Doc 9303 part 4 (passport), and a
bank card's figures wherever they stand. A line that fits no field is let go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from kiosk.vision.documents.numbers import day, mrz_digit, short_day
from kiosk.vision.documents.values import Today, born_before, clean_name, closest_day

Kind = Literal["id_front", "id_back", "passport", "bank_card"]
NUMBER: Final = re.compile(r"[0-9]{17}[0-9Xx]")
LONG_NUMBER: Final = re.compile(r"[0-9Xx]{15,20}")
BORN: Final = re.compile(r"([12][0-9]{3})年?([01]?[0-9])月?([0-3]?[0-9])日?")
SPAN: Final = re.compile(r"([12][0-9]{3})[.,·。]?([01][0-9])[.,·。]?([0-3][0-9])[-一—–~～]+(长期|[0-9.,·。]{8,10})")
CARD: Final = re.compile(r"[0-9]{12,19}")
CARD_UNTIL: Final = re.compile(r"(0[1-9]|1[0-2])[/／1]([0-9]{2})$|(0[1-9]|1[0-2])[/／]([0-9]{2})")
LATIN: Final = re.compile(r"^([A-Z]{2,}),([A-Z]{2,})$")
PASSPORT: Final = re.compile(r"^[A-Z][A-Z0-9][0-9]{7}$")
MONTHS: Final = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
PAGE_DAY: Final = re.compile(r"([0-3][0-9]).{0,5}?(" + "|".join(MONTHS) + r")([12][0-9]{3})")
FIGURES: Final = "0123456789X"
ZONE: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789<"
ZONE_CHARS: Final = 44
_LETTERS: Final = str.maketrans("012568", "OIZSGB")  # in a place for letters
_DIGITS: Final = str.maketrans("OQDIZSGB", "00012568")  # in a place for figures
_LABELS: Final = re.compile(r"^(姓\s*名|性\s*别|民\s*族|出\s*生|住\s*址|公民身份号码|签发机关|有效期限)")


@dataclass(frozen=True, slots=True)
class Word:
    """A line of the flattened document: left, top, right, bottom as shares of it, and what was read."""

    box: tuple[float, float, float, float]
    text: str = field(repr=False)
    sure: tuple[float, ...]

    @property
    def middle(self) -> float:
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True, slots=True)
class Seen:
    """One field in one frame: its value, as it is kept, and the certainty of its least certain character."""

    value: str = field(repr=False)
    least: float


Fields = dict[str, Seen]


def kind_of(words: Sequence[Word]) -> Kind | None:
    """What the words belong to; None: nothing that is known here."""
    text = "".join(word.text for word in words)
    squeezed = re.sub(r"\s", "", text)
    if sum(word.box[2] - word.box[0] > 0.6 and word.text.count("<") >= 4 for word in words) >= 1:
        return "passport"
    if "公民身份号码" in squeezed or any(
        NUMBER.search(word.text.replace(" ", "")) and word.middle > 0.72 for word in words
    ):
        return "id_front"
    if "居民身份证" in squeezed or "签发机关" in squeezed or "有效期限" in squeezed:
        return "id_back"
    if any(LONG_NUMBER.search(word.text.replace(" ", "")) and word.middle > 0.72 for word in words):
        return "id_front"
    if any(CARD.search(word.text.replace(" ", "")) and 0.4 < word.middle < 0.8 for word in words):
        return "bank_card"
    return None


def fields_of(kind: Kind, words: Sequence[Word], today: Today) -> Fields:
    """The fields that the words give; what is not there is absent."""
    found = {"id_front": _id_front, "id_back": _id_back, "passport": _passport, "bank_card": _bank_card}[kind]
    return found(words, today)


def fields_at(kind: Kind, top: float, bottom: float) -> frozenset[str]:
    """The fields whose line lies there; none where that depends on what is printed."""
    middle = (top + bottom) / 2
    for low, high, names in _ROWS.get(kind, ()):
        if low <= middle < high:
            return names
    return frozenset()


_ROWS: Final[dict[Kind, tuple[tuple[float, float, frozenset[str]], ...]]] = {
    "id_front": (
        (0.08, 0.21, frozenset({"name"})), (0.215, 0.325, frozenset({"sex", "nation"})),
        (0.325, 0.44, frozenset({"born"})), (0.44, 0.74, frozenset({"address"})), (0.78, 1.0, frozenset({"number"})),
    ),
    "id_back": (
        (0.0, 0.5, frozenset()), (0.66, 0.795, frozenset({"issuer"})), (0.795, 0.95, frozenset({"issued", "until"})),
    ),
    "passport": ((0.76, 1.0, frozenset({"mrz_1", "mrz_2"})),),
}  # fmt: skip


# ------------------------------------------------------------------ resident ID card
def _row(words: Iterable[Word], low: float, high: float, right: float = 0.68) -> list[Word]:
    """Words of one row or several, from top to bottom and left to right."""
    there = [word for word in words if low <= word.middle < high and word.box[0] < right]
    rows: list[list[Word]] = []
    for word in sorted(there, key=lambda one: one.middle):
        if rows and word.middle - rows[-1][0].middle < 0.045:
            rows[-1].append(word)
        else:
            rows.append([word])
    return [word for row in rows for word in sorted(row, key=lambda one: one.box[0])]


def _joined(words: Iterable[Word], *, label: bool = True) -> tuple[str, tuple[float, ...]]:
    """Text without spaces and labels, with the certainty of each character that is left."""
    text: list[str] = []
    sure: list[float] = []
    for word in words:
        start = len(found[0]) if label and (found := _LABELS.match(word.text)) else 0
        for character, how in zip(word.text[start:], word.sure[start:], strict=True):
            if not character.isspace():
                text.append(character)
                sure.append(how)
    return "".join(text), tuple(sure)


def _id_front(words: Sequence[Word], today: Today) -> Fields:
    found: Fields = {}
    name, sure = _joined(_row(words, 0.08, 0.215, 0.6))
    if name := clean_name(name):
        found["name"] = Seen(name, min(sure))
    row, sure = _joined(_row(words, 0.21, 0.325, 0.6), label=False)
    if match := re.search(r"[男女]", row):
        found["sex"] = Seen(match[0], sure[match.start()])
    if match := re.search(r"族(.{1,5})$", row):
        found["nation"] = Seen(match[1], min(sure[match.start(1) :]))
    row, sure = _joined(_row(words, 0.325, 0.44, 0.65))
    if (match := BORN.search(row)) and (born := day(f"{match[1]}{int(match[2]):02d}{int(match[3]):02d}")):
        digits = [how for place, how in enumerate(sure) if row[place].isdigit()]
        found["born"] = Seen(born.isoformat(), min(digits))
    row, sure = _joined(_row(words, 0.44, 0.78, 0.62))
    if len(row) >= 6:
        found["address"] = Seen(row, min(sure))
    for word in sorted(words, key=lambda one: -one.middle):
        text, sure = _joined([word])
        if word.middle > 0.74 and (match := LONG_NUMBER.search(text)):
            found["number"] = Seen(match[0].upper(), min(sure[match.start() : match.end()]))
            break
    return found


def _id_back(words: Sequence[Word], today: Today) -> Fields:
    found: Fields = {}
    row, sure = _joined(_row(words, 0.66, 0.795, 0.95))
    if row.endswith(("局", "分局")) or len(row) >= 5:
        found["issuer"] = Seen(row, min(sure))
    row, sure = _joined(_row(words, 0.795, 0.95, 0.95))
    if match := SPAN.search(row):
        issued = day("".join(match.group(1, 2, 3)))
        until = "long" if match[4] == "长期" else _iso(re.sub(r"\D", "", match[4]))
        if issued and until:
            least = min(how for place, how in enumerate(sure) if row[place].isalnum() and place >= match.start())
            found["issued"], found["until"] = Seen(issued.isoformat(), least), Seen(until, least)
    return found


def _iso(eight: str) -> str:
    known = day(eight)
    return known.isoformat() if known else ""


# ------------------------------------------------------------------ bank card
def _bank_card(words: Sequence[Word], today: Today) -> Fields:
    found: Fields = {}
    for word in sorted(words, key=lambda one: one.box[0] - one.box[2]):  # the widest first
        text, sure = _joined([word])
        if "card" not in found and 0.4 < word.middle < 0.8 and (match := re.fullmatch(CARD, text)):
            found["card"] = Seen(match[0], min(sure))
        elif "card_until" not in found and (match := CARD_UNTIL.search(text)):
            month, year = (match[1], match[2]) if match[1] else (match[3], match[4])
            found["card_until"] = Seen(f"{month}/{year}", min(sure[match.start() : match.end()]))
    return found


# ------------------------------------------------------------------ passport
def _passport(words: Sequence[Word], today: Today) -> Fields:
    found: Fields = {}
    zone = [word for word in words if word.box[2] - word.box[0] > 0.6 and word.middle > 0.72]
    for word in sorted(zone, key=lambda one: one.middle):
        text, sure = _joined([word])
        if text.startswith("P") and text.count("<") > 6 and "mrz_1" not in found:
            line = upper_line(text)
            told = [how for place, how in enumerate(sure) if text[place] != "<"]
            found["mrz_1"] = Seen(line, min(told))
        elif (line := lower_line(text)) and "mrz_2" not in found:
            told = [how for place, how in enumerate(sure) if text[place] != "<"]
            found["mrz_2"] = Seen(line, min(told))
    found |= _beside_portrait([word for word in words if word.middle < 0.74], today)
    if upper := found.get("mrz_1"):
        surname, _, given = upper.value[5:].partition("<<")
        found["surname"] = Seen(surname.replace("<", " ").strip(), upper.least)
        found["given"] = Seen(given.replace("<", " ").strip(), upper.least)
    if lower := found.get("mrz_2"):
        sex = {"M": "男", "F": "女"}.get(lower.value[20], "")
        if sex:
            found["sex"] = Seen(sex, lower.least)
    return found


def _beside_portrait(words: Sequence[Word], today: Today) -> Fields:
    """What stands in the upper part of the page: number, name in Chinese, the dates in their order."""
    found: Fields = {}
    days: list[Seen] = []
    for word in sorted(words, key=lambda one: one.middle):
        text, sure = _joined([word])
        if not text:
            continue
        if PASSPORT.match(text) and word.box[0] > 0.55:
            found["passport"] = Seen(text, min(sure))
        elif (match := PAGE_DAY.search(text.upper())) is not None:
            known = day(f"{match[3]}{MONTHS.index(match[2]) + 1:02d}{match[1]}")
            if known:
                days.append(Seen(known.isoformat(), min(sure[match.start(1) : match.end(3)])))
        elif (match := LATIN.search(text)) is not None and 0.15 < word.middle < 0.4:
            found["latin"] = Seen(f"{match[1]} {match[2]}", min(sure[match.start() : match.end()]))
        elif re.fullmatch(r"[\u3400-\u9fff·]{2,6}", text) and 0.12 < word.middle < 0.32 and word.box[0] > 0.3:
            found.setdefault("name", Seen(clean_name(text), min(sure)))
    if days:
        born = min(days, key=lambda one: one.value)
        if born_before(born.value, today):
            found["born"] = born
        if len(days) > 1:
            found["until"] = days[-1]  # the lowest of them, by the layout
    return found


def upper_line(text: str) -> str:
    """A machine-readable zone's first line as 44 characters: letters where figures cannot stand."""
    letters = text.translate(_LETTERS).rstrip("<")
    return f"P<{letters[2:]}".ljust(ZONE_CHARS, "<")[:ZONE_CHARS] if len(letters) > 5 else letters


def lower_line(text: str) -> str:
    """The second line as 44 characters, figures where they must stand; '' where it cannot be one.

    Fillers are easily counted wrongly: what lies between the dates and the last character is filled up when empty.
    """
    if len(text) < 28:
        return ""
    head = text[:28]
    body = (
        head[:9] + head[9].translate(_DIGITS) + head[10:13].translate(_LETTERS)
        + head[13:20].translate(_DIGITS) + head[20] + head[21:28].translate(_DIGITS)
    )  # fmt: skip
    rest = text[28:]
    if not re.fullmatch(r"[A-Z0-9<]{9}[0-9<][A-Z<]{3}[0-9]{7}[MFX<][0-9]{7}", body):
        return ""
    if len(rest) != 16 or not rest.strip("<"):
        inner = rest.strip("<")
        if len(inner) > 1:
            return ""
        rest = "<" * 15 + (inner or "<")
    return body + rest[:15] + rest[15].translate(_DIGITS)


def zone_fits(lower: str) -> bool:
    """Whether all five check digits of the second line are right (ICAO Doc 9303 part 4, 4.2.2)."""
    if len(lower) != ZONE_CHARS:
        return False
    try:
        parts = (lower[:9], lower[9]), (lower[13:19], lower[19]), (lower[21:27], lower[27])
        if any(mrz_digit(part) != digit for part, digit in parts):
            return False
        if lower[42] != mrz_digit(lower[28:42]) and not (lower[42] == "<" and not lower[28:42].strip("<")):
            return False
        return mrz_digit(lower[0:10] + lower[13:20] + lower[21:43]) == lower[43]
    except ValueError:
        return False


def zone_says(lower: str, today: Today) -> Mapping[str, str]:
    """Number, date of birth, sex and expiry of the second line, as the fields beside the portrait are written."""
    born = short_day(lower[13:19], latest=today)
    until = closest_day(lower[21:27], today)
    said = {
        "passport": lower[:9].rstrip("<"), "born": born.isoformat() if born else "",
        "until": until.isoformat() if until else "", "sex": {"M": "男", "F": "女"}.get(lower[20], ""),
    }  # fmt: skip
    return {name: value for name, value in said.items() if value}
