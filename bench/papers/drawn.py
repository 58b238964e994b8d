"""Cards and pages of invented people, drawn flat: (638, 1012, 3) for cards, (744, 1056, 3) for a passport's page.

Layouts follow the standards (GA 448 for resident ID cards, ICAO Doc 9303 part 4, ISO/IEC 7811), without seals. Fonts
are what Debian has: Noto CJK and DejaVu in the places of the official ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
import skia

from bench.papers.people import Person, mrz

Picture = npt.NDArray[np.uint8]
Kind = Literal["id_front", "id_back", "passport", "bank_card"]
CARD_W: Final = 1012  # 85.6 mm
CARD_H: Final = 638
PAGE_W: Final = 1056  # 125 mm
PAGE_H: Final = 744
INK: Final = (24, 24, 28)
LABEL: Final = (58, 108, 168)
SANS: Final = ("Noto Sans CJK SC", "Noto Serif CJK SC")
MONO: Final = "DejaVu Sans Mono"
BANK: Final = "青禾银行"  # invented
CHIP: Final = (104, 212, 250, 340)  # left, top, right, bottom of a bank card's contacts, by ISO/IEC 7816-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A flat document and what stands on it: `truth` by the names that the reader uses."""

    kind: Kind
    flat: Picture
    truth: dict[str, str] = field(repr=False)
    rare: bool = False


@cache
def _face(family: str, bold: bool) -> Any:
    style = skia.FontStyle.Bold() if bold else skia.FontStyle.Normal()
    return skia.FontMgr().matchFamilyStyle(family, style) or skia.Typeface.MakeDefault()


class _Sheet:
    """A canvas with the few things that a document needs."""

    def __init__(self, width: int, height: int, colour: tuple[int, int, int], family: str) -> None:
        self.surface = skia.Surface(width, height)
        self.canvas = self.surface.getCanvas()
        self.canvas.clear(skia.Color(*colour))
        self.width, self.height, self.family = width, height, family

    def text(self, x: float, y: float, text: str, size: float, colour: tuple[int, int, int] = INK, *,
             bold: bool = False, spread: float = 0.0, family: str = "") -> float:  # fmt: skip
        """Left end and baseline; characters the face lacks come from another. Returns the right end."""
        paint = skia.Paint(AntiAlias=True, Color=skia.Color(*colour))
        for character in text:
            face = _face(family or self.family, bold)
            if not face.unicharToGlyph(ord(character)):
                face = skia.FontMgr().matchFamilyStyleCharacter("", skia.FontStyle.Normal(), ["zh"], ord(character))
            font = skia.Font(face or _face(SANS[0], bold), size)
            self.canvas.drawString(character, x, y, font, paint)
            x += float(font.measureText(character)) + spread
        return x

    def rosettes(self, rng: np.random.Generator, colours: list[tuple[int, int, int]], lines: int) -> None:
        """Guilloche: families of fine curves, as they are printed below the text."""
        for colour in colours:
            phase, swing, waves = rng.uniform(0, 6.28), rng.uniform(14, 40), rng.uniform(2, 6)
            paint = skia.Paint(AntiAlias=True, Color=skia.Color(*colour), StrokeWidth=1.1)
            paint.setStyle(skia.Paint.kStroke_Style)
            for line in range(lines):
                path = skia.Path()
                base = (line - 3) * self.height / (lines - 6)
                for step in range(61):
                    x = step * self.width / 60
                    y = base + swing * np.sin(waves * step / 60 * 6.28 + phase + line * 0.22)
                    (path.moveTo if step == 0 else path.lineTo)(x, float(y))
                self.canvas.drawPath(path, paint)

    def picture(self) -> Picture:
        rgba = self.surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
        return np.ascontiguousarray(rgba[:, :, 2::-1])


def draw(kind: Kind, person: Person, rng: np.random.Generator, **changed: str) -> Drawn:
    """One document of a person. `changed`: what is printed otherwise than it should be, by field."""
    maker = {"id_front": _id_front, "id_back": _id_back, "passport": _passport, "bank_card": _bank_card}[kind]
    return maker(person, rng, changed)


def _chinese_day(day: date) -> str:
    return f"{day:%Y.%m.%d}"


def _id_front(person: Person, rng: np.random.Generator, changed: dict[str, str]) -> Drawn:
    sheet = _Sheet(CARD_W, CARD_H, (226, 236, 240), SANS[0])
    sheet.rosettes(rng, [(206, 224, 234), (216, 226, 216), (232, 222, 226)], 40)
    truth = {
        "name": person.name, "sex": person.sex, "nation": person.nation, "born": person.born.isoformat(),
        "address": person.address, "number": person.number,
    } | changed  # fmt: skip
    x, label, size = 190.0, 30.0, 40.0
    sheet.text(70, 106, "姓名", label, LABEL, spread=10)
    sheet.text(x, 108, truth["name"], 46)
    sheet.text(70, 178, "性别", label, LABEL, spread=10)
    sheet.text(x, 180, truth["sex"], size)
    sheet.text(322, 178, "民族", label, LABEL, spread=10)
    sheet.text(430, 180, truth["nation"], size)
    year, month, day = (int(part) for part in truth["born"].split("-"))
    sheet.text(70, 254, "出生", label, LABEL, spread=10)
    sheet.text(x, 256, str(year), size)
    sheet.text(300, 254, "年", label, LABEL)
    sheet.text(352 if month > 9 else 362, 256, str(month), size)
    sheet.text(412, 254, "月", label, LABEL)
    sheet.text(462 if day > 9 else 472, 256, str(day), size)
    sheet.text(522, 254, "日", label, LABEL)
    sheet.text(70, 334, "住址", label, LABEL, spread=10)
    for row in range(0, len(truth["address"]), 11):
        sheet.text(x, 336 + row // 11 * 54, truth["address"][row : row + 11], 38)
    sheet.text(70, 566, "公民身份号码", label, LABEL, spread=4)
    sheet.text(332, 570, truth["number"], 46, bold=True, spread=6.5, family=MONO if rng.random() < 0.5 else "")
    flat = sheet.picture()
    _portrait(flat, (650, 92, 290, 350), person, rng)
    return Drawn(kind="id_front", flat=flat, truth=truth, rare=person.rare)


def _id_back(person: Person, rng: np.random.Generator, changed: dict[str, str]) -> Drawn:
    sheet = _Sheet(CARD_W, CARD_H, (232, 232, 226), SANS[0])
    sheet.rosettes(rng, [(222, 206, 206), (210, 222, 226), (224, 224, 204)], 44)
    place = person.address
    for end in ("区", "市", "县"):
        if end in place:
            place = place[: place.index(end) + 1]
            break
    city = place.split("市")[0].split("省")[-1].split("新疆")[-1].split("广西")[-1] + "市"
    district = place.split("市")[-1].removesuffix("区").removesuffix("新")
    truth = {
        "issuer": f"{city}公安局{district}分局", "issued": person.issued.isoformat(),
        "until": person.until.isoformat() if person.until else "long",
    } | changed  # fmt: skip
    sheet.text(330, 150, "中华人民共和国", 62, spread=8, family=SANS[1], bold=True)
    sheet.text(330, 250, "居民身份证", 82, spread=22, family=SANS[1], bold=True)
    paint = skia.Paint(AntiAlias=True, Color=skia.Color(196, 60, 58))
    sheet.canvas.drawCircle(190, 180, 88, paint)  # where the emblem is: a plain disc
    sheet.canvas.drawCircle(190, 180, 70, skia.Paint(AntiAlias=True, Color=skia.Color(214, 120, 90)))
    sheet.text(250, 480, "签发机关", 30, INK, spread=4)
    sheet.text(420, 482, truth["issuer"], 36)
    until = "长期" if truth["until"] == "long" else truth["until"].replace("-", ".")
    sheet.text(250, 562, "有效期限", 30, INK, spread=4)
    sheet.text(420, 564, f"{truth['issued'].replace('-', '.')}-{until}", 36)
    return Drawn(kind="id_back", flat=sheet.picture(), truth=truth)


def _passport(person: Person, rng: np.random.Generator, changed: dict[str, str]) -> Drawn:
    sheet = _Sheet(PAGE_W, PAGE_H, (240, 234, 226), SANS[1])
    sheet.rosettes(rng, [(226, 214, 222), (214, 226, 222), (236, 222, 204)], 46)
    upper, lower = mrz(person)
    truth = {
        "passport": person.passport, "name": person.name, "surname": person.surname_latin,
        "given": person.given_latin, "sex": person.sex, "born": person.born.isoformat(),
        "until": person.passport_until.isoformat(), "mrz_1": upper, "mrz_2": lower,
    } | changed  # fmt: skip
    small, x = 17.0, 372.0
    sheet.text(60, 66, "护照", 34, bold=True)
    sheet.text(150, 64, "PASSPORT", 22, family=SANS[0])
    sheet.text(x, 66, "P      CHN", 24, family=SANS[0])
    sheet.text(760, 40, "护照号/Passport No.", small, LABEL, family=SANS[0])
    sheet.text(760, 76, truth["passport"], 32, bold=True, family=SANS[0])
    sex = "男/M" if truth["sex"] == "男" else "女/F"
    rows = (
        ("姓名/Name", truth["name"], f"{truth['surname']}, {truth['given']}"),
        ("性别/Sex    国籍/Nationality", f"{sex}    中国/CHINESE", ""),
        ("出生日期/Date of birth", _passport_day(truth["born"]), ""),
        ("签发日期/Date of issue", _passport_day(_ten_years_before(person.passport_until)), ""),
        ("有效期至/Date of expiry", _passport_day(truth["until"]), ""),
    )
    y = 112.0
    for label, value, latin in rows:
        sheet.text(x, y, label, small, LABEL, family=SANS[0])
        sheet.text(x, y + 36, value, 29, family=SANS[0])
        y += 66
        if latin:
            sheet.text(x, y + 6, latin, 29, family=SANS[0])
            y += 38
    for row, line in enumerate((truth["mrz_1"], truth["mrz_2"])):
        sheet.text(36, 650 + row * 56, line, 33, family=MONO, spread=2.4)
    flat = sheet.picture()
    _portrait(flat, (60, 120, 270, 350), person, rng)
    return Drawn(kind="passport", flat=flat, truth=truth)


def _ten_years_before(until: date) -> str:
    """The day of issue: pages are valid for ten years less a day."""
    return (date(until.year - 10, until.month, min(until.day, 28)) + timedelta(days=1)).isoformat()


def _passport_day(iso: str) -> str:
    """'12 3月/MAR 1988', as it is printed."""
    year, month, day = iso.split("-")
    names = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
    return f"{day} {int(month)}月/{names[int(month) - 1]} {year}"


def _bank_card(person: Person, rng: np.random.Generator, changed: dict[str, str]) -> Drawn:
    base = np.array(((150, 30, 40), (30, 60, 140), (20, 110, 96), (60, 60, 66), (176, 132, 62))[rng.integers(5)])
    sheet = _Sheet(CARD_W, CARD_H, _colour(base), SANS[0])
    lighter = _colour(np.minimum(255, base + 16))
    sheet.rosettes(rng, [lighter, lighter], 26)
    truth = {"card": person.card, "card_until": f"{person.card_until:%m/%y}"} | changed
    white = (246, 246, 244)
    sheet.text(60, 90, BANK, 52, white, bold=True)
    sheet.text(730, 88, "借记卡 DEBIT", 30, white)
    chip = skia.Paint(AntiAlias=True, Color=skia.Color(206, 176, 96))
    sheet.canvas.drawRoundRect(skia.Rect.MakeLTRB(*CHIP), 14, 14, chip)
    shown = " ".join(truth["card"][at : at + 4] for at in range(0, len(truth["card"]), 4))
    if len(truth["card"]) == 19 and rng.random() < 0.5:
        shown = f"{truth['card'][:6]} {truth['card'][6:]}"
    size = 56.0 if len(truth["card"]) == 16 else 50.0
    embossed = bool(rng.random() < 0.5)
    if not embossed:
        sheet.text(84, 396, shown, size, white, bold=True, family=MONO)
    sheet.text(330, 470, "VALID THRU", 20, white)
    sheet.text(480, 474, truth["card_until"], 34, white, bold=True, family=MONO)
    sheet.text(84, 540, f"{person.surname_latin} {person.given_latin}", 32, white, family=MONO)
    flat = sheet.picture()
    if embossed:
        flat = _embossed(flat, shown, size)
    return Drawn(kind="bank_card", flat=flat, truth=truth)


def _colour(parts: npt.NDArray[Any]) -> tuple[int, int, int]:
    red, green, blue = (int(part) for part in parts)
    return red, green, blue


def _embossed(flat: Picture, shown: str, size: float) -> Picture:
    """Raised figures: their relief lit from the upper left, with worn silver on top."""
    sheet = _Sheet(CARD_W, CARD_H, (0, 0, 0), SANS[0])
    sheet.text(84, 396, shown, size, (255, 255, 255), bold=True, family=MONO)
    height = cv2.GaussianBlur(sheet.picture()[:, :, 0].astype(np.float32) / 255, (0, 0), 2.0)
    lit = np.roll(height, (2, 2), (0, 1)) - np.roll(height, (-2, -2), (0, 1))
    top = np.clip(height * 1.7 - 0.6, 0, 1)[:, :, None]
    silver = np.array([212, 214, 216], np.float32)
    out = flat.astype(np.float32) * (1 - 0.8 * top) + silver * 0.8 * top - 150 * lit[:, :, None]
    return np.asarray(np.clip(out, 0, 255), np.uint8)


def _portrait(flat: Picture, box: tuple[int, int, int, int], person: Person, rng: np.random.Generator) -> None:
    """A simple head and shoulders that fade into the card, as portraits of these documents do."""
    x, y, w, h = box
    sheet = _Sheet(w, h, (255, 255, 255), SANS[0])
    skin = tuple(int(part) for part in np.array([222, 186, 160]) + rng.integers(-22, 16, 3))
    hair = (40, 34, 32) if person.born.year > 1966 else (120, 118, 116)
    coat = tuple(int(part) for part in rng.integers(30, 120, 3))

    def oval(cx: float, cy: float, rx: float, ry: float, colour: tuple[int, ...]) -> None:
        paint = skia.Paint(AntiAlias=True, Color=skia.Color(*colour))
        sheet.canvas.drawOval(skia.Rect.MakeLTRB(cx - rx, cy - ry, cx + rx, cy + ry), paint)

    oval(w * 0.5, h * 1.02, w * 0.46, h * 0.30, coat)
    oval(w * 0.5, h * 0.74, w * 0.11, h * 0.16, skin)
    oval(w * 0.5, h * 0.36, w * 0.27, h * (0.27 if person.sex == "男" else 0.33), hair)
    oval(w * 0.5, h * 0.45, w * 0.22, h * 0.25, skin)
    for side in (-1, 1):
        oval(w * (0.5 + side * 0.09), h * 0.43, w * 0.026, h * 0.013, (40, 30, 30))
    oval(w * 0.5, h * 0.585, w * 0.06, h * 0.012, (176, 96, 92))
    drawn = cv2.GaussianBlur(sheet.picture(), (0, 0), 1.6).astype(np.float32)
    there = cv2.GaussianBlur((drawn.min(axis=2) < 246).astype(np.float32), (0, 0), 4.0)[:, :, None]
    below = flat[y : y + h, x : x + w].astype(np.float32)
    flat[y : y + h, x : x + w] = np.clip(below * (1 - there) + drawn * there, 0, 255).astype(np.uint8)
