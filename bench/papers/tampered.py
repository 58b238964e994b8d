"""Documents that are not what they seem: figures that contradict each other, pasted portraits, copies. All simulated.

Forged ones are made as well as genuine ones, down to what changes as they are tilted, so that nothing but their
content, or the portrait, gives them away. Copies are of genuine documents. Colour printing is halftone of 45 to 60
lines a centimetre, fine printing of 70 to 90; an ink jet strews its drops (stochastic screening); a photo print has no
dots that a camera could see, and a print in a sleeve has the gloss of plastic. Screens have stripes of red, green and
blue. Half of the prints are cut out round, as a card is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from bench.papers.drawn import Drawn, Kind, draw
from bench.papers.people import TODAY, Person, Split, invent, mrz, with_passport
from bench.papers.surface import Surface, card_of, glass, paper, photo_paper, sleeve
from kiosk.vision.documents.numbers import id_check_digit

Picture = npt.NDArray[np.uint8]
Trick = Literal[
    "check_digit", "born", "sex", "region", "expired_id", "expired_page", "luhn", "mrz_digit", "mrz_name", "portrait",
    "grey_print", "colour_print", "fine_print", "ink_jet", "photo_print", "sleeve_print", "screen", "screen_bezel",
]  # fmt: skip
FORGED: Final[tuple[Trick, ...]] = (
    "check_digit", "born", "sex", "region", "expired_id", "expired_page", "luhn", "mrz_digit", "mrz_name", "portrait",
)  # fmt: skip
COPIED: Final[tuple[Trick, ...]] = (
    "grey_print", "colour_print", "fine_print", "ink_jet", "photo_print", "sleeve_print", "screen", "screen_bezel",
)  # fmt: skip
SCREENS: Final = frozenset({"screen", "screen_bezel"})


def forge(trick: Trick, rng: np.random.Generator, split: Split) -> Drawn:
    """A document with this one fault, or a genuine one to be copied."""
    person = invent(rng, split)
    match trick:
        case "check_digit":
            wrong = [character for character in "0123456789X" if character != person.number[17]]
            return draw("id_front", person, rng, number=person.number[:17] + wrong[int(rng.integers(10))])
        case "born":
            other = person.born + timedelta(days=int(rng.integers(30, 4000)) * (1 if rng.random() < 0.5 else -1))
            return draw("id_front", person, rng, born=min(other, TODAY).isoformat())
        case "sex":
            return draw("id_front", person, rng, sex="女" if person.sex == "男" else "男")
        case "region":
            body = f"{('00', '99', '58', '27', '78')[int(rng.integers(5))]}{person.number[2:17]}"
            return draw("id_front", person, rng, number=body + id_check_digit(body))
        case "expired_id":
            until = TODAY - timedelta(days=int(rng.integers(2, 3000)))
            until = until.replace(day=min(until.day, 28))
            return draw("id_back", person, rng, issued=_before(until, 10).isoformat(), until=until.isoformat())
        case "luhn":
            wrong_digit = str((int(person.card[-1]) + int(rng.integers(1, 10))) % 10)
            return draw("bank_card", person, rng, card=person.card[:-1] + wrong_digit)
        case "expired_page" | "mrz_digit" | "mrz_name":
            return _page(trick, with_passport(person, rng), rng)
        case "portrait":
            return _pasted(draw("id_front", person, rng), rng)
    kinds: tuple[Kind, ...] = ("id_front", "id_front", "id_back", "passport", "bank_card")
    kind = kinds[int(rng.integers(len(kinds)))]
    return draw(kind, with_passport(person, rng) if kind == "passport" else person, rng)


def _page(trick: Trick, person: Person, rng: np.random.Generator) -> Drawn:
    if trick == "expired_page":
        return draw("passport", replace(person, passport_until=TODAY - timedelta(days=int(rng.integers(2, 2500)))), rng)
    _, lower = mrz(person)
    if trick == "mrz_digit":  # one figure of number, birth or expiry changed, the page agreeing with it
        place = int(rng.choice([4, 6, 14, 18, 24]))
        digit = str((int(lower[place]) + 1 + int(rng.integers(0, 8))) % 10)
        return draw("passport", person, rng, mrz_2=lower[:place] + digit + lower[place + 1 :])
    other = invent(rng, "tune")
    drawn = draw("passport", person, rng, mrz_1=f"P<CHN{other.surname_latin}<<{other.given_latin}X".ljust(44, "<"))
    truth = {name: value for name, value in drawn.truth.items() if name not in ("surname", "given")}  # two of each
    return replace(drawn, truth=truth)


def _before(day: date, years: int) -> date:
    return date(day.year - years, day.month, day.day)


def _pasted(drawn: Drawn, rng: np.random.Generator) -> Drawn:
    """Another portrait, as a rectangle of photo paper glued over the old one, with its edge's shadow."""
    flat = drawn.flat.astype(np.float32)
    x, y = 650 + int(rng.integers(-6, 7)), 92 + int(rng.integers(-6, 7))
    w, h = 284, 344
    shade = np.zeros(flat.shape[:2], np.float32)
    cv2.rectangle(shade, (x + 3, y + 4), (x + w + 4, y + h + 5), 1.0, -1)
    flat *= 1 - 0.35 * cv2.GaussianBlur(shade, (0, 0), 3.0)[:, :, None]
    other = draw("id_front", invent(rng, "tune"), rng).flat[92 : 92 + h, 650 : 650 + w].astype(np.float32)
    paper = rng.uniform(215, 250, 3)
    flat[y : y + h, x : x + w] = np.clip(other * 0.98 * (paper / 232), 0, 255)
    return replace(drawn, flat=np.asarray(np.clip(flat, 0, 255), np.uint8))


def square_corners(trick: Trick, rng: np.random.Generator) -> bool:
    """Prints are cut out with straight edges or, one in two, with care, round as a card is; a telephone's picture of a
    document can have been cut out round, one in eight."""
    if trick not in COPIED:
        return False
    return trick == "screen_bezel" or bool(rng.random() < (0.875 if trick in SCREENS else 0.5))


def made_of(trick: Trick, drawn: Drawn, rng: np.random.Generator) -> Surface:
    """What is held up: a forged document has all that a genuine one has, a copy nothing of it."""
    match trick:
        case "screen" | "screen_bezel":
            return glass(rng)
        case "sleeve_print":
            return sleeve(rng)
        case "photo_print":
            return photo_paper(rng)
        case "fine_print" | "ink_jet":
            return photo_paper(rng) if rng.random() < 0.4 else paper(rng)
        case "grey_print" | "colour_print":
            return paper(rng)
    return card_of(drawn.kind, drawn.flat.shape[1], drawn.flat.shape[0], rng)


def copied(trick: Trick, flat: Picture, rng: np.random.Generator, *, bare: bool = False) -> Picture:
    """What is held up instead of the document `flat`. The size changes for copies with something around them; `bare`:
    there is nothing around it, as it is cut out round."""
    match trick:
        case "grey_print":
            grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY).astype(np.float32)
            grey = np.clip((grey - 128) * rng.uniform(1.0, 1.4) + 134, 12, 244)
            return _on_paper(np.asarray(np.repeat(grey[:, :, None], 3, 2), np.uint8), rng, bare)
        case "colour_print" | "sleeve_print":
            return _on_paper(_halftone(flat, rng, 45, 60), rng, bare)
        case "fine_print":
            return _on_paper(_halftone(flat, rng, 70, 90), rng, bare)
        case "ink_jet":
            return _on_paper(_strewn(flat, rng), rng, bare)
        case "photo_print":
            return _on_paper(_inks(flat), rng, bare)
        case "screen":
            return _striped(flat, rng)
        case "screen_bezel":
            inside = _striped(flat, rng)
            edge = int(rng.integers(26, 60))
            return np.asarray(
                cv2.copyMakeBorder(inside, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(14, 13, 13))
            )
    return flat


def _inks(flat: Picture) -> Picture:
    """The narrower range of dyes on photo paper, without dots."""
    return np.asarray(np.clip(18 + flat.astype(np.float32) * 0.9, 0, 255), np.uint8)


def _strewn(flat: Picture, rng: np.random.Generator) -> Picture:
    """Drops of ink of some 40 micrometres where chance puts them: no pattern, only grain."""
    times = 2
    large = cv2.resize(flat, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    cv2.setRNGSeed(int(rng.integers(1 << 30)))
    chance = np.zeros(large.shape, np.float32)
    cv2.randu(chance, np.zeros(3), np.ones(3))
    out = 0.06 + 0.9 * (large > chance).astype(np.float32)
    small = cv2.resize(cv2.GaussianBlur(out, (0, 0), 0.8), (flat.shape[1], flat.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small * 255, 0, 255), np.uint8)


def _on_paper(flat: Picture, rng: np.random.Generator, bare: bool) -> Picture:
    """Cut out by hand: sometimes closely, sometimes with a white margin."""
    if rng.random() < 0.5 or bare:
        return flat
    edge = int(rng.integers(14, 40))
    return np.asarray(cv2.copyMakeBorder(flat, edge, edge, edge, edge, cv2.BORDER_CONSTANT, value=(236, 238, 238)))


def _halftone(flat: Picture, rng: np.random.Generator, coarsest: float, finest: float) -> Picture:
    """Cyan, magenta, yellow and black as dots at four angles, so many lines a centimetre."""
    times = 2
    large = cv2.resize(flat, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    height, width = large.shape[:2]
    period = times * 1012 / 8.56 / rng.uniform(coarsest, finest)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    black = 1 - large.max(axis=2)
    out = np.ones_like(large)
    room = np.maximum(1 - black, 1e-3)
    for channel, angle in ((2, 15.0), (1, 75.0), (0, 0.0), (-1, 45.0)):
        ink = black if channel < 0 else (1 - large[:, :, channel] - black) / room
        a = np.deg2rad(angle)
        u, v = (columns * np.cos(a) + rows * np.sin(a)), (rows * np.cos(a) - columns * np.sin(a))
        screen = 0.5 + 0.25 * (np.cos(2 * np.pi * u / period) + np.cos(2 * np.pi * v / period))
        dots = np.clip((ink - screen) * 6 + 0.5, 0, 1)
        for which in (0, 1, 2) if channel < 0 else (channel,):
            out[:, :, which] *= 1 - 0.92 * dots
    out = 0.06 + 0.9 * out
    small = cv2.resize(out, (flat.shape[1], flat.shape[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(small * 255, 0, 255), np.uint8)


def _striped(flat: Picture, rng: np.random.Generator) -> Picture:
    """A screen that shows it: stripes of three colours, brighter, a little blue, seen at twice the size."""
    times = 2
    large = cv2.resize(flat, None, fx=times, fy=times, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    height, width = large.shape[:2]
    period = times * 1012 / rng.uniform(360, 620)  # pixels of the screen along the document
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)
    lines = 0.72 + 0.28 * np.clip(2.2 * np.cos(2 * np.pi * rows / period) + 1.1, -1, 1)
    depth = rng.uniform(0.35, 0.6)
    for channel, shift in ((0, 2), (1, 1), (2, 0)):
        stripe = 1 - depth + depth * np.clip(1.6 * np.cos(2 * np.pi * (columns / period - shift / 3)) + 0.6, -1, 1)
        large[:, :, channel] *= stripe[None] * lines[:, None]
    large *= np.array([1.34, 1.28, 1.22], np.float32)
    return np.asarray(np.clip(large + 8, 0, 255), np.uint8)
