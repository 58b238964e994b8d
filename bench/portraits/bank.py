"""Frames of one portrait, drawn and looked at once: clips are paths through them.

A clip needs some forty looks at a face, thousands of clips a hundred thousand. So every pose that a visitor or an
attack takes is drawn a few times, each with its own sway, light and noise, goes through the kiosk's own detector,
mesh, recogniser and edge finder, and what they saw is kept. Two clips may share frames; their order, timing and
challenge differ. `--full` draws more of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from bench.portraits.attacks import Held, hold, lobby, printed, screened, telephone
from bench.portraits.lamp import Lamp, on_face, on_glass
from bench.portraits.puppet import Picture, Pose, Puppet
from kiosk.identity.check import look_of
from kiosk.identity.faces import FaceReader
from kiosk.identity.flash import COLOURS
from kiosk.identity.liveness import Crowd, Look
from kiosk.identity.shake import Surroundings
from models.mesh import FaceMesh
from models.sface import SFace
from models.yunet import YuNet

YAWS: Final = (-34, -29, -24, -18, -12, -6, 6, 12, 18, 24, 29, 34)
TILTS: Final = (-55, -45, -35, -25, -12, 12, 25, 35, 45, 55)
KINDS: Final = ("live", "print", "bent", "phone", "close", "screen", "stand")
FILMS: Final = ("live", "screen", "stand")  # a screen in a hand, and one on a stand
LAMPS: Final = 3  # places in which the screen lights somebody
State = tuple[str, int]
"""What is seen: ('rest', 0), ('yaw', degrees), ('blink', percent), ('lit', `lit_by`)."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """The kiosk's own networks."""

    detector: YuNet
    mesh: FaceMesh
    embedder: SFace

    def look(self, picture: Picture, around: Surroundings | None = None) -> Look | Crowd | None:
        """What the kiosk sees in one frame, the kiosk's own way; None: no face. `around`: of the clip it is of."""
        reader = FaceReader(self.detector, self.mesh, self.embedder)
        return look_of(reader, picture, reader.see(picture), around or Surroundings())


Sight = Look | Crowd | None
Bank = dict[State, list[Sight]]


def states(kind: str) -> Iterator[tuple[State, int]]:
    """Every state of a kind, and how many frames of it are drawn."""
    yield ("rest", 0), 4
    if kind in (*FILMS, "phone", "close"):
        for yaw in YAWS if kind in FILMS else (-24, -12, 12, 24):
            yield ("yaw", yaw), 1
    if kind in ("print", "bent"):
        for tilt in TILTS:
            yield ("yaw", tilt), 1
    yield ("blink", 50), 1
    yield ("blink", 100), 2
    if kind in FILMS:
        for lamp in range(LAMPS):
            for colour in range(len(COLOURS)):
                yield ("lit", lit_by(lamp, colour)), 1


def lit_by(lamp: int, colour: int) -> int:
    return lamp * len(COLOURS) + colour


def fill(puppet: Puppet, kind: str, eyes: Eyes, rng: np.random.Generator, times: int = 1) -> Bank:
    """The frames of one kind. A print blinks by the eyes of whoever looks through it: cut-out eyes."""
    light, behind = float(rng.uniform(0.75, 1.1)), lobby(rng)
    border = int(rng.choice([0, 0, 10]))
    bend = float(rng.uniform(0.45, 0.9)) if kind == "bent" else 0.0
    around = Surroundings()
    lamps = [Lamp.drawn(rng) for _ in range(LAMPS)]
    bank: Bank = {}
    for state, count in states(kind):
        bank[state] = []
        for _ in range(count * times):
            picture = _drawn(puppet, kind, state, behind, border, bend, rng)
            if state[0] == "lit":
                lamp, colour = divmod(state[1], len(COLOURS))
                picture = (on_face(picture, puppet.points, lamps[lamp], colour) if kind == "live" else
                           on_glass(picture, lamps[lamp], colour))  # fmt: skip
            noise = rng.standard_normal(picture.shape, np.float32) * np.float32(2.5)
            seen = np.clip(picture * np.float32(light) + noise, 0, 255).astype(np.uint8)
            bank[state].append(eyes.look(seen, around))
    return bank


def _drawn(
    puppet: Puppet, kind: str, state: State, behind: Picture, border: int, bend: float, rng: np.random.Generator
) -> Picture:
    what, much = state
    sway = rng.normal(0, 1.5, 2)
    shaky = rng.normal(0, 1.2, 2)
    if kind in ("print", "bent"):
        pose = Pose(blink=much / 100 if what == "blink" else 0.0)
        tilt = much if what == "yaw" else float(rng.normal(0, 1.5))
        crooked = float(rng.normal(0, 2))
        held = Held(tilt_deg=tilt + float(rng.normal(0, 1)), nod_deg=float(rng.normal(0, 3)), bend=bend,
                    crooked_deg=crooked, x_px=2 * float(shaky[0]), y_px=2 * float(shaky[1]))  # fmt: skip
        return hold(printed(puppet.draw(pose), border_px=border), held, behind)
    pose = Pose(
        yaw_deg=much + float(rng.normal(0, 1)) if what == "yaw" else float(rng.normal(0, 1.2)),
        pitch_deg=float(rng.normal(0, 1.5)),
        blink=much / 100 if what == "blink" else 0.0,
        x_px=float(sway[0]),
        y_px=float(sway[1]),
    )
    drawn = puppet.draw(pose)
    if kind == "phone":
        held = Held(tilt_deg=float(rng.normal(0, 3)), crooked_deg=float(rng.normal(0, 2)), x_px=2 * float(shaky[0]),
                    y_px=2 * float(shaky[1]))  # fmt: skip
        return hold(telephone(drawn), held, behind)
    if kind in ("close", "screen", "stand"):
        hand = shaky if kind != "stand" else np.zeros(2)
        shift = np.array([[1, 0, hand[0]], [0, 1, hand[1]]], np.float64)
        moved = cv2.warpAffine(drawn, shift, (drawn.shape[1], drawn.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        return screened(np.asarray(moved, np.uint8), rng)
    return drawn
