"""What should the hand do next? Frame by frame advice for holding a document up, until it can be read. Pure.

Serves the seconds in which a card is brought before the camera. The first advice comes with the first frame; a later
one replaces it when two frames in a row say so, so that the words do not flicker. It refuses to blame: each advice is
a thing to do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from kiosk.vision.documents.corners import Held

Advice = Literal["show", "closer", "farther", "inside", "flatter", "light", "glare", "still", "reading", "tilt"]
ADVICE: Final[dict[Advice, tuple[str, str]]] = {
    "show": ("请把证件放进框里", "Hold your document inside the frame"),
    "closer": ("再近一点", "A little closer"),
    "farther": ("稍微远一点", "A little further away"),
    "inside": ("往中间挪一点", "Move it to the middle"),
    "flatter": ("拿平一点，正对镜头", "Hold it flat, facing the camera"),
    "light": ("这里有点暗，抬高一点", "It is dark there: lift it a little"),
    "glare": ("有反光，稍微斜一点", "It reflects: tilt it slightly"),
    "still": ("很好，先别动", "Good. Hold it still"),
    "reading": ("看清了，正在读", "I can see it. Reading"),
    "tilt": ("读好了，请上下慢慢斜一斜", "Read. Now tilt it slowly, up and down"),
}
"""What is shown and said: Mandarin, English."""
CLOSER_BELOW: Final = 0.46  # document's width by the picture's
FARTHER_ABOVE: Final = 0.97
EDGE_PX: Final = 3.0
SLANT_MOST: Final = 1.42
GLARE_MOST: Final = 0.05
DARK: Final = 38.0
STILL_PX: Final = 14.0  # mean way of the corners between frames, of a picture 1280 wide
SOFT: Final = 1.35  # below, it is blurred
GOOD_FRAMES: Final = 1  # in a row, before one is read
AT_ONCE: Final = frozenset({"reading", "tilt"})  # need no second frame that says so


@dataclass(frozen=True, slots=True)
class Guided:
    """Where guiding stands. `good`: frames in a row that can be read."""

    advice: Advice = "show"
    good: int = 0
    frames: int = 0
    last: Held | None = None
    other: Advice | None = None  # what the last frame said against `advice`

    @property
    def ready(self) -> bool:
        """Whether the last frame is worth reading."""
        return self.good >= GOOD_FRAMES


def step(before: Guided, held: Held | None, width_px: int, *, tilting: bool = False) -> Guided:
    """After one more frame, in which the document was held so; None: none was seen. `tilting`: it was read, and is to
    be tilted now."""
    says = advise(held, before.last, width_px, tilting=tilting)
    good = before.good + 1 if says == "reading" else 0
    after = replace(before, good=good, frames=before.frames + 1, last=held)
    if says == before.advice or before.frames == 0 or says == before.other or says in AT_ONCE:
        return replace(after, advice=says, other=None)
    return replace(after, other=says)


def advise(held: Held | None, before: Held | None, width_px: int, *, tilting: bool = False) -> Advice:
    """What this frame asks for, the coarsest first."""
    if held is None:
        return "show"
    if held.edge_px < EDGE_PX:
        return "farther" if held.width_share > 0.8 else "inside"
    if held.width_share < CLOSER_BELOW:
        return "closer"
    if held.width_share > FARTHER_ABOVE:
        return "farther"
    if tilting:
        return "tilt"  # slanted, moving and reflecting is what it should be
    if held.slant > SLANT_MOST:
        return "flatter"
    if held.light < DARK:
        return "light"
    if held.glare > GLARE_MOST:
        return "glare"
    moved = 0.0
    if before is not None:
        moved = float(np.linalg.norm(held.corners - before.corners, axis=1).mean()) * 1280 / width_px
    if moved > STILL_PX or held.sharp < SOFT:
        return "still"
    return "reading"
