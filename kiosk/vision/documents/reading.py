"""A flattened document is read: lines are found, those that matter are read, fields come out. Blocking, no state.

Serves the moment when the card is held well. The reader is a port of its own shape (`models.printed.PrintReader` fits);
what it read is given back and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.vision.documents.corners import Corners, Picture, flattened
from kiosk.vision.documents.layout import FIGURES, ZONE, Fields, Kind, Word, fields_at, fields_of, kind_of

READ_W_PX: Final = 960  # of the flattened document
MARGIN: Final = 1.03  # around the corners that were found: a border line may have been taken for the edge
WIDE: Final = 0.72  # of the page: a line of the machine-readable zone
TALL_ENOUGH: Final = 0.044  # of a passport's page: labels are smaller than values


class PrintedLine(Protocol):
    """What a reader gives for one line."""

    @property
    def text(self) -> str: ...
    @property
    def sure(self) -> tuple[float, ...]: ...


class Reader(Protocol):
    """Finds lines in a picture (h, w, 3) and reads them; `only`: characters to which it is restricted."""

    def find(self, bgr: Picture, /) -> Sequence[npt.NDArray[np.float32]]: ...

    def read(self, bgr: Picture, boxes: Sequence[Any], /, only: str = "") -> Sequence[PrintedLine]: ...


@dataclass(frozen=True, slots=True)
class Look:
    """One frame's reading. `turned`: it was held upside down."""

    kind: Kind | None
    fields: Fields = field(repr=False)
    turned: bool = False


def widened(corners: Corners) -> Corners:
    """Corners a little outside of those that were found."""
    middle = corners.mean(axis=0)
    return np.asarray((corners - middle) * MARGIN + middle, np.float32)


def look(
    picture: Picture,
    corners: Corners,
    reader: Reader,
    today: date,
    *,
    turned: bool = False,
    kind: Kind | None = None,
    known: frozenset[str] = frozenset(),
) -> Look:
    """Read the document between `corners` of a picture; where it makes no sense, once more upside down.

    `kind` and `known` are from frames before: lines are passed over whose fields are sure already.
    """
    flat = flattened(picture, widened(corners), READ_W_PX)
    for over in (turned, not turned) if kind is None else (turned,):
        seen = np.ascontiguousarray(cv2.rotate(flat, cv2.ROTATE_180)) if over else flat
        words = read_words(np.asarray(seen, np.uint8), reader, kind, known)
        found = kind_of(words) if not known else kind
        if found is not None:
            return Look(found, fields_of(found, words, today), over)
    return Look(None, {}, turned)


def read_words(
    flat: Picture, reader: Reader, kind: Kind | None = None, known: frozenset[str] = frozenset()
) -> list[Word]:
    """The lines of a flattened document; of a passport's page those alone that hold a field."""
    height, width = flat.shape[:2]
    boxes, places = [], []
    for box in reader.find(flat):
        place = _place(box, width, height)
        there = fields_at(kind, place[1], place[3]) if kind and known else frozenset()
        if not there or not there <= known:
            boxes.append(box)
            places.append(place)
    zone = [i for i, (left, top, right, _) in enumerate(places) if right - left > WIDE and top > 0.7]
    if not zone and kind != "passport":
        lines = reader.read(flat, boxes)
        words = [_word(place, line) for place, line in zip(places, lines, strict=True)]
        return [_figures_again(flat, box, word, reader) for box, word in zip(boxes, words, strict=True)]
    values = [
        i for i, (left, top, right, bottom) in enumerate(places)
        if bottom - top > TALL_ENOUGH and left > 0.3 and right - left < WIDE and 0.05 < top < 0.72
    ]  # fmt: skip
    lines = [*reader.read(flat, [boxes[i] for i in zone], only=ZONE), *reader.read(flat, [boxes[i] for i in values])]
    return [_word(places[i], line) for i, line in zip([*zone, *values], lines, strict=True)]


def _figures_again(flat: Picture, box: Any, word: Word, reader: Reader) -> Word:
    """A line that is nearly all figures is read again as nothing but figures."""
    text = word.text.replace(" ", "")
    digits = sum(character in FIGURES for character in text)
    if len(text) < 14 or digits == len(text) or digits < 0.8 * len(text):
        return word
    (line,) = reader.read(flat, [box], only=FIGURES)
    return _word(word.box, line)


def _word(place: tuple[float, float, float, float], line: PrintedLine) -> Word:
    return Word(place, line.text, tuple(line.sure))


def _place(box: npt.NDArray[np.float32], width: int, height: int) -> tuple[float, float, float, float]:
    """A box as shares of the flattened document, without the margin around its corners."""
    low, high = box.min(axis=0), box.max(axis=0)
    shares = np.array([low[0] / width, low[1] / height, high[0] / width, high[1] / height])
    left, top, right, bottom = ((shares - 0.5) * MARGIN + 0.5).tolist()
    return left, top, right, bottom
