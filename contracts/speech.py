"""The visible side of speech: which mouth shape belongs to which samples.

The core computes the spans from the synthesiser's phoneme durations; the screen draws the mouth
from them by the speaker's clock. Positions are samples of the utterance, so that nothing drifts.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

Viseme = Literal[
    "rest",  # closed, relaxed: silence
    "mbp",  # lips pressed: b p m
    "fv",  # lower lip under the teeth: f v
    "td",  # tongue tip behind the teeth: d t n l
    "kg",  # back of the tongue: g k h ng
    "szh",  # teeth together, lips open: z c s j q x
    "zhr",  # lips slightly rounded: zh ch sh r, English r
    "th",  # tongue tip between the teeth: English th
    "a",  # wide open: a
    "o",  # rounded, half open: o
    "e",  # half open, neutral: e, schwa
    "eh",  # half open, spread: ei, English bed
    "i",  # spread: i, English see
    "u",  # tightly rounded: u, w
    "v",  # tightly rounded, tongue forward: Mandarin ü
    "er",  # rhotic: er
]
VISEMES: Final[tuple[Viseme, ...]] = get_args(Viseme)


class VisemeSpan(msgspec.Struct, frozen=True, array_like=True):
    """One mouth shape over samples `[start, end)` of an utterance."""

    viseme: Viseme
    start: int
    end: int
