"""Words on the glass: which face, how wide, where a line breaks, and what happens when there are too many.

Text that is too long first shrinks, then wraps, then ends with an ellipsis. It never runs over its box.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import skia

# No line begins with these (W3C, 'Requirements for Chinese Text Layout', section 3.1.5).
NO_LINE_START: Final = frozenset("，。！？、；：）》”’…—%～·,.!?;:)")
SHRINK_TO: Final = 0.78  # smaller would be hard to read at arm's length
SMALLEST_PX: Final = 24.0
LINE_HEIGHT: Final = 1.4  # of the size; the theme says the same and a test compares them
SHAPED_FROM: Final = 0x0590  # Hebrew, Arabic, the scripts of India and their neighbours: to be shaped as a line
SHAPED_TO: Final = 0x1CFF
UNIFIED: Final = (0x4E00, 0x9FFF)  # our face has all of these
_STEPS: Final = 5
Measure = Callable[[str, float], float]  # text, size in px -> width in px


@dataclass(frozen=True, slots=True)
class Fitted:
    """Lines that fit, and the size they fit at. `cut` tells that words are missing."""

    lines: tuple[str, ...]
    size: float
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    """The typeface in use; `wanted` differs from `found` when the right one is not installed."""

    wanted: str
    found: str


@lru_cache(maxsize=8)
def family(wanted: str) -> Family:
    """Return the family to draw with: the wanted one, else whatever installed one has Chinese characters."""
    face = skia.Typeface(wanted, skia.FontStyle.Normal())
    if face.getFamilyName() == wanted:
        return Family(wanted, wanted)
    manager = skia.FontMgr()
    other = manager.matchFamilyStyleCharacter("", skia.FontStyle.Normal(), ["zh-Hans"], ord("您"))
    return Family(wanted, (other or face).getFamilyName())


@lru_cache(maxsize=256)
def font(name: str, size: float, bold: bool) -> skia.Font:
    style = skia.FontStyle.Bold() if bold else skia.FontStyle.Normal()
    made = skia.Font(skia.Typeface(name, style), size)
    made.setSubpixel(True)
    return made


@lru_cache(maxsize=16)
def measurer(name: str, bold: bool) -> Measure:
    """Return what measures a line in this family and weight."""

    def measure(text: str, size: float) -> float:
        if needs_shaping(text):
            return float(shaped(text, name, round(size, 2), bold, 0xFF000000).MaxIntrinsicWidth)
        return float(font(name, round(size, 2), bold).measureText(text))

    return measure


def needs_shaping(text: str) -> bool:
    """Whether letters join, or run from right to left: such a line cannot be drawn letter by letter."""
    return not text.isascii() and any(
        unicodedata.bidirectional(sign) in ("R", "AL") or SHAPED_FROM <= ord(sign) <= SHAPED_TO for sign in text
    )


@lru_cache(maxsize=64)
def shaped(text: str, name: str, size: float, bold: bool, colour: int) -> Any:
    """Return a line laid out with its letters joined, in its own order, in whichever installed faces have them."""
    faces = skia.textlayout.FontCollection()
    faces.setDefaultFontManager(skia.FontMgr())
    style = skia.textlayout.TextStyle()
    style.setFontFamilies([name])
    style.setFontStyle(skia.FontStyle.Bold() if bold else skia.FontStyle.Normal())
    style.setFontSize(size)
    style.setColor(colour)
    builder = skia.textlayout.ParagraphBuilder.make(skia.textlayout.ParagraphStyle(), faces, skia.Unicodes.ICU.Make())
    builder.pushStyle(style)
    builder.addText(text)
    line = builder.Build()
    line.layout(100_000)
    return line


@lru_cache(maxsize=512)
def unknown_signs(text: str) -> bool:
    """Whether no installed face has some of these signs: they would be drawn as empty boxes."""
    manager = skia.FontMgr()
    usual = skia.FontStyle.Normal()
    return any(
        sign.isprintable() and manager.matchFamilyStyleCharacter("", usual, [], ord(sign)) is None
        for sign in set(text)
        if ord(sign) > 0x2FF and not UNIFIED[0] <= ord(sign) <= UNIFIED[1]
    )


def words(text: str) -> Iterator[str]:
    """Yield what a line may break between: Latin words whole, Chinese characters one by one."""
    word = ""
    for character in text:
        if character.isascii() and not character.isspace():
            word += character
            continue
        if word:
            yield word
            word = ""
        yield character
    if word:
        yield word


def wrap(text: str, width: float, size: float, measure: Measure) -> list[str]:
    """Break `text` into lines of at most `width` px. A word longer than a line is broken anywhere."""
    lines = []
    for paragraph in text.split("\n"):
        line = ""
        for word in words(paragraph):
            if measure(line + word, size) <= width:
                line += word
                continue
            if len(line) > 1 and word in NO_LINE_START:  # it takes its neighbour along to the next line
                line, word = line[:-1], line[-1] + word
            if line:
                lines.append(line.rstrip())
            line = word.lstrip()
            while measure(line, size) > width and len(line) > 1:
                head = _fitting_head(line, width, size, measure)
                lines.append(line[:head])
                line = line[head:]
        lines.append(line)
    return lines


def by_phrase(text: str, width: float, size: float, measure: Measure) -> str:
    """Return `text` with line breaks after commas and stops, where each phrase fits a line; unchanged otherwise."""
    phrases = re.findall(r"[^，。；！？]*[，。；！？]?", text)
    lines = [""]
    for phrase in phrases:
        if measure(phrase, size) > width:
            return text
        if measure(lines[-1] + phrase, size) <= width:
            lines[-1] += phrase
        else:
            lines.append(phrase)
    return "\n".join(lines)


def _fitting_head(text: str, width: float, size: float, measure: Measure) -> int:
    """Return how many leading characters fit, at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle], size) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def fit(
    text: str,
    width: float,
    size: float,
    measure: Measure,
    *,
    max_lines: int = 1,
    height: float = math.inf,
    shrink_to: float = SHRINK_TO,
) -> Fitted:
    """Return `text` in at most `max_lines` lines of `width` px, as large as possible up to `size`.

    `height` is the room for all lines together, in px at `LINE_HEIGHT` a line; one line is always allowed.
    """
    smallest = min(size, max(SMALLEST_PX, size * shrink_to))
    for i in range(_STEPS):
        trial = size - (size - smallest) * i / (_STEPS - 1)
        lines = wrap(text, width, trial, measure)
        if len(lines) <= min(max_lines, _lines_in(height, trial)):
            return Fitted(tuple(lines), trial)
    lines = wrap(text, width, smallest, measure)[: min(max_lines, _lines_in(height, smallest))]
    last = lines[-1]
    while last and measure(last + "…", smallest) > width:
        last = last[:-1]
    return Fitted((*lines[:-1], last.rstrip("，。、；：,.;: ") + "…"), smallest, cut=True)


def _lines_in(height: float, size: float) -> int:
    return 10_000 if math.isinf(height) else max(1, int(height // (LINE_HEIGHT * size)))
