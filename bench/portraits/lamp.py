"""The light of the terminal's screen on a face, and on the glass of a telephone: what a camera sees of it.

A stated model, not a measurement. The screen: 400 cd/m² of white on 0.16 m², 0.65 m before the face, which makes about
130 lux there (area times luminance over the squared distance, less for the slant). The lobby: 150 to 1500 lux on the
face, evenly by its logarithm, white or as warm as lamps of about 3000 K (a green of 0.78 and a blue of 0.5 of the red;
the camera's white balance makes it white again). Skin reflects both alike, so that a colour adds `130 / lobby` of
itself to the light of the face; cheeks turn away and take less, hair and shoulders somewhat less, what is behind almost
nothing. The glass of a telephone adds what it mirrors, everywhere the same: half a hundredth to 4.5 hundredths of the
screen's luminance, for which white on the telephone is taken to be as bright as the screen. The camera's exposure
follows seven tenths of any change within the time of a colour. Pixels are light to the power of 1/2.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from bench.portraits.puppet import HEIGHT_PX, WIDTH_PX, Floats, Picture
from kiosk.identity.flash import COLOURS, GAMMA

SCREEN_LUX: Final = 130.0
LOBBY_LUX: Final = (150.0, 1500.0)
MIRRORS: Final = (0.005, 0.045)  # glass that is held aslant, or coated; glass that faces the camera
FOLLOWS: Final = 0.7  # of a change of light: exposure
WARM: Final = np.array((0.5, 0.78, 1.0), np.float32)  # blue first
SHOULDERS, BEHIND = 0.6, 0.04
CHEEKS: Final = 0.5  # of the light in the middle of the face


@dataclass(frozen=True, slots=True)
class Lamp:
    """One place and how it is lit."""

    lobby_lux: float
    warm: float  # 0: as white as the screen; 1: about 3000 K
    mirrors: float

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Lamp:
        return cls(
            float(np.exp(rng.uniform(*np.log(LOBBY_LUX)))), float(rng.uniform(0, 1)), float(rng.uniform(*MIRRORS))
        )


def on_face(picture: Picture, points: Floats, lamp: Lamp, colour: int) -> Picture:
    """A frame of somebody whom the screen lights; `points` (n, 3): where the face is."""
    light = _light(picture)
    added = SCREEN_LUX / lamp.lobby_lux * _shares(points)[:, :, None] * _sent(colour) / WARM**lamp.warm
    return _seen(light * (1 + added), light)


def on_glass(picture: Picture, lamp: Lamp, colour: int) -> Picture:
    """A frame that plays on a telephone, with the screen mirrored in its glass."""
    light = _light(picture)
    return _seen(light + lamp.mirrors * _sent(colour), light)


def _sent(colour: int) -> npt.NDArray[np.float32]:
    """(3,) blue first, 1: white."""
    return np.asarray(((np.array(COLOURS[colour]) / 255) ** GAMMA)[::-1], np.float32)


def _light(picture: Picture) -> npt.NDArray[np.float32]:
    return np.asarray((picture.astype(np.float32) / 255) ** GAMMA, np.float32)


def _seen(light: npt.NDArray[np.float32], before: npt.NDArray[np.float32]) -> Picture:
    exposure = (float(before.mean()) / float(light.mean())) ** FOLLOWS
    return np.asarray(np.clip(light * exposure, 0, 1) ** (1 / GAMMA) * 255, np.uint8)


def _shares(points: Floats) -> npt.NDArray[np.float32]:
    """(HEIGHT_PX, WIDTH_PX) of the screen's light that each place takes."""
    flat = points[:468, :2]
    middle, half = (flat.min(0) + flat.max(0)) / 2, np.ptp(flat, axis=0) / 2
    y, x = np.mgrid[:HEIGHT_PX, :WIDTH_PX].astype(np.float32)
    out = ((x - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2  # 1: the face's edge
    head = np.where(out < 2.2, 1 - (1 - CHEEKS) * np.minimum(out, 1), 0).astype(np.float32)
    body = (y > middle[1] + 0.9 * half[1]) & (np.abs(x - middle[0]) < 2.4 * half[0])
    shares = np.maximum(np.maximum(head, SHOULDERS * body), BEHIND).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(shares, (0, 0), 4.0), np.float32)
