"""Phonemes in, mouth shapes out: which viseme belongs to which samples, and how the mouth moves between them.

Pure. Positions are samples of the utterance; nothing here knows a clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Final

from avatar.phonemes import AFFRICATES, ANNOUNCING, PAUSES, PROLONGING, SHAPES_OF, SYLLABIC
from avatar.pose import MouthPose
from avatar.visemes import SHAPES, WEIGHTS
from contracts.speech import Viseme, VisemeSpan

CLOSURE_MS: Final = 45  # an affricate's tongue leaves the teeth after this at the latest
NUCLEUS_SHARE: Final = 0.6  # of a diphthong's time
BLEND_MS: Final = 110  # width of the window over which shapes blend
LEAD_MS: Final = 15  # with half the window, a shape begins 70 ms before its sound
DEFAULT_RATE_HZ: Final = 24_000
_AXES: Final = tuple(f.name for f in fields(MouthPose))
_POSES: Final[dict[Viseme, tuple[float, ...]]] = {
    viseme: tuple(getattr(pose, axis) for axis in _AXES) for viseme, pose in SHAPES.items()
}
_Piece = tuple[str, int, int]


def viseme_spans(phones: Sequence[tuple[str, int, int]], rate_hz: int) -> tuple[VisemeSpan, ...]:
    """Return the mouth shapes of `phones`, which are (symbol, start, end) in samples, in order.

    Equal neighbours are joined. A symbol of several characters is shared out among them; one that nobody
    knows moves the mouth to the neutral 'e'. Raises ValueError when the phones overlap or run backwards.
    """
    spans: list[VisemeSpan] = []
    opening_at: int | None = None  # where a stress mark began, whose time goes to the next shape
    for symbol, start, end in _pieces(phones):
        if symbol in ANNOUNCING:
            opening_at = start if opening_at is None else opening_at
            continue
        begin = start if opening_at is None else opening_at
        opening_at = None
        if symbol in PROLONGING and spans:
            _append(spans, spans[-1].viseme, begin, end)
            continue
        shapes = _shapes_of(symbol, spans)
        middle = _middle(symbol, start, end, rate_hz) if len(shapes) == 2 else end
        _append(spans, shapes[0], begin, middle)
        if len(shapes) == 2:
            _append(spans, shapes[1], middle, end)
    return tuple(spans)


def _pieces(phones: Sequence[tuple[str, int, int]]) -> Iterator[_Piece]:
    """Check the order and split symbols of several characters evenly, marks taking no time of their own."""
    at: int | None = None
    for symbol, start, end in phones:
        if end < start or (at is not None and start < at):
            raise ValueError(f"phone {symbol!r} at {start}..{end} overlaps what came before ({at})")
        at = end
        if len(symbol) <= 1 or symbol.startswith("<"):
            yield symbol, start, end
            continue
        sounding = [c for c in symbol if c not in PROLONGING and c not in ANNOUNCING] or [symbol[0]]
        for i, character in enumerate(sounding):
            n = len(sounding)
            yield character, start + (end - start) * i // n, start + (end - start) * (i + 1) // n


def _shapes_of(symbol: str, before: list[VisemeSpan]) -> tuple[Viseme, ...]:
    if symbol == SYLLABIC:
        return ("szh",) if before and before[-1].viseme == "szh" else ("zhr",)
    known = SHAPES_OF.get(symbol)
    if known:
        return known
    quiet = not symbol or symbol.startswith("<") or symbol in PAUSES or not symbol.isalpha()
    return ("rest",) if quiet else ("e",)


def _middle(symbol: str, start: int, end: int, rate_hz: int) -> int:
    if symbol in AFFRICATES:
        return min((start + end) // 2, start + rate_hz * CLOSURE_MS // 1000)
    return start + int((end - start) * NUCLEUS_SHARE)


def _append(spans: list[VisemeSpan], viseme: Viseme, start: int, end: int) -> None:
    if end <= start:
        return
    if spans and spans[-1].viseme == viseme and spans[-1].end == start:
        spans[-1] = VisemeSpan(viseme, spans[-1].start, end)
    else:
        spans.append(VisemeSpan(viseme, start, end))


def mouth_at(spans: Sequence[VisemeSpan], sample: int, rate_hz: int = DEFAULT_RATE_HZ) -> MouthPose:
    """Return the mouth while `sample` is heard.

    Each shape counts with the share of a raised-cosine window that its span fills, times its weight: the
    motion is continuous, begins before the sound, and lips meet even in a short 'b'. Outside the spans the
    mouth rests. `spans` are in order and do not overlap.
    """
    half = rate_hz * BLEND_MS / 2000
    centre = sample + rate_hz * LEAD_MS / 1000
    total, free = 0.0, 1.0
    sums = [0.0] * len(_AXES)
    first = max(0, bisect_right(spans, centre - half, key=lambda span: span.end))
    for i in range(first, len(spans)):
        span = spans[i]
        if span.start >= centre + half:
            break
        share = _filled((span.end - centre) / half) - _filled((span.start - centre) / half)
        free -= share
        total += _add(sums, span.viseme, share)
    total += _add(sums, "rest", max(0.0, free))
    return MouthPose(**{axis: value / total for axis, value in zip(_AXES, sums, strict=True)})


def _add(sums: list[float], viseme: Viseme, share: float) -> float:
    weight = share * WEIGHTS[viseme]
    for i, value in enumerate(_POSES[viseme]):
        sums[i] += weight * value
    return weight


def _filled(x: float) -> float:
    """Return the integral of the raised cosine (1 + cos πx)/2 from -1 to x, clamped to [-1, 1]: 0..1."""
    x = min(1.0, max(-1.0, x))
    return (x + 1) / 2 + math.sin(math.pi * x) / (2 * math.pi)
