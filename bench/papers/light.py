"""How light falls on a document and comes back from it: lamps, matte and glossy surfaces, gratings that split colours.

The physical model that tilting is measured with, written apart from what judges it. Directions are those of the
camera: x to the right, y down, z away from it; radiances are relative to white paper that faces the camera. Colours
are blue, green, red, in linear light.

- **Lamps** are round spots of a Gaussian width on the sphere of directions, before light that comes evenly from all
  sides; the terminal's own screen is a wide one below the camera, a coloured sign a middling one anywhere.
- **Diffuse** light: albedo times irradiance (Lambert). Tilting scales it, over the whole document alike.
- **Gloss**: a mirror image of the lamps by Fresnel's equations (Schlick, "An Inexpensive BRDF Model for
  Physically-based Rendering", 1994), blurred by the roughness. It adds the lamps' own colours, and moves over the
  document as it is tilted.
- **Gratings** (a kinegram, the oval below an ID card's portrait): the grating equation in the document's plane,
  sin(in) = -sin(out) + order * wavelength / period along the grating's own direction. Each colour comes from another
  direction of the room, so each has its own.
- **Colour-shifting film** (the wall in an ID card's film): a zero-order grating mirrors a narrow band of wavelengths
  about period * (index +- sin(angle) * cos(azimuth)) (Wang and Magnusson, "Theory and applications of guided-mode
  resonance filters", 1993).
- **Metal** (a chip's contacts): hardly any diffuse light, and a strong, coloured and rough mirror.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
WAVES_NM: Final = np.array([465.0, 535.0, 610.0])  # what blue, green and red of a camera see most
WAVE_SPREAD_NM: Final = 28.0
FRESNEL: Final = 0.043  # of plastic and of coated paper, straight on: an index of 1.52
GOLD: Final = np.array([0.42, 0.74, 0.92])


@dataclass(frozen=True, slots=True)
class Lamps:
    """Where light comes from. `at` (n, 3) unit vectors towards them, `wide` (n,) radians, `glow` (n, 3) radiance."""

    at: Floats
    wide: Floats
    glow: Floats
    even: Floats  # (3,) radiance that comes from everywhere


def lamps(rng: np.random.Generator) -> Lamps:
    """A lobby's: one to four on the ceiling, the terminal's screen, now and then a window or a coloured sign."""
    at, wide, glow = [], [], []
    for _ in range(int(rng.integers(1, 5))):
        at.append((rng.uniform(-1.2, 1.2), -1.0, rng.uniform(-1.8, 0.1)))
        wide.append(np.deg2rad(rng.uniform(2.0, 6.0)))
        glow.append(_tinted(rng, rng.uniform(8, 40), 0.08))
    at.append((rng.uniform(-0.3, 0.3), rng.uniform(0.3, 1.2), -1.0))
    wide.append(np.deg2rad(rng.uniform(12, 22)))
    glow.append(_tinted(rng, rng.uniform(0.4, 1.8), 0.12))
    if rng.random() < 0.4:  # a window or a door
        at.append((rng.choice([-1, 1]) * rng.uniform(0.5, 2.0), rng.uniform(-0.4, 0.2), -1.0))
        wide.append(np.deg2rad(rng.uniform(8, 18)))
        glow.append(_tinted(rng, rng.uniform(2, 10), 0.12))
    if rng.random() < 0.3:  # a sign: one colour
        at.append((rng.uniform(-1, 1), rng.uniform(-1, 0.3), -1.0))
        wide.append(np.deg2rad(rng.uniform(3, 9)))
        colour = np.full(3, 0.1)
        colour[int(rng.integers(3))] = 1.0
        glow.append(colour * rng.uniform(2, 8))
    there = np.array(at, np.float64)
    there /= np.linalg.norm(there, axis=1, keepdims=True)
    even = _tinted(rng, rng.uniform(0.35, 0.75), 0.06)
    found = Lamps(there, np.array(wide), np.array(glow), even)
    share = float((irradiance(found, np.array([0.0, 0.0, -1.0])) - even).mean())
    least, most = (1 - even.mean()) * 0.7, (1 - even.mean()) * 1.3
    return Lamps(there, found.wide, found.glow * rng.uniform(least, most) / max(share, 1e-3), even)


def _tinted(rng: np.random.Generator, level: float, spread: float) -> Floats:
    warm = rng.uniform(-spread, spread)
    return level * np.array([1 - warm, 1.0, 1 + warm])


def irradiance(room: Lamps, normal: Floats) -> Floats:
    """(..., 3) of a surface with this normal (..., 3): 1 for white paper in white light."""
    facing = np.clip(normal @ room.at.T, 0, None)  # (..., n)
    return np.asarray(room.even + (facing * 2 * room.wide**2) @ room.glow)


def _seen_in(room: Lamps, towards: Floats, blur: float) -> Floats:
    """(..., 3) radiance from directions (..., 3), through something that spreads it by `blur` radians."""
    away = np.arccos(np.clip(towards @ room.at.T, -1, 1))  # (..., n)
    width = room.wide**2 + blur**2
    share = room.wide**2 / width * np.exp(-(away**2) / (2 * width))
    return np.asarray(share @ room.glow)


def _schlick(cosine: Floats, straight: Floats | float) -> Floats:
    return np.asarray(straight + (1 - straight) * (1 - np.clip(cosine, 0, 1)) ** 5)


def gloss(room: Lamps, normal: Floats, out: Floats, rough: float) -> Floats:
    """(..., 3) that a plastic or coated surface mirrors towards `out` (..., 3), unit vectors towards the camera."""
    cosine = (normal * out).sum(axis=-1, keepdims=True)
    back = 2 * cosine * normal - out
    return np.asarray(_schlick(cosine, FRESNEL) * (_seen_in(room, back, rough) + room.even))


def metal(room: Lamps, normal: Floats, out: Floats, rough: float) -> Floats:
    """(..., 3) that gold mirrors."""
    cosine = (normal * out).sum(axis=-1, keepdims=True)
    back = 2 * cosine * normal - out
    return np.asarray(_schlick(cosine, GOLD) * (_seen_in(room, back, rough) + 0.6 * room.even))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grating:
    """One patch of fine lines. `azimuth` in the document's plane, radians; `strength`: share of light it sends on."""

    kind: Literal["first_order", "zero_order"]
    period_nm: float
    azimuth: float
    strength: float
    rough: float = 0.03  # radians


def sent_on(room: Lamps, normal: Floats, across: Floats, down: Floats, out: Floats, grating: Grating) -> Floats:
    """(..., 3) that a grating sends towards `out`. `across`, `down`: the document's own axes, (3,) unit vectors."""
    line = np.cos(grating.azimuth) * across + np.sin(grating.azimuth) * down
    cosine = (normal * out).sum(axis=-1, keepdims=True)
    flat_out = out - cosine * normal
    if grating.kind == "zero_order":
        back = 2 * cosine * normal - out
        along = (out @ line)[..., None]
        light = _seen_in(room, back, grating.rough) + room.even
        band = np.zeros(light.shape)
        for side in (-1, 1):
            middle = grating.period_nm * (1.58 + side * along)
            band += 0.5 * np.exp(-((WAVES_NM - middle) ** 2) / (2 * (WAVE_SPREAD_NM**2 + 20.0**2)))
        return np.asarray(grating.strength * band * light)
    sent = np.zeros(np.broadcast_shapes(out.shape, (1, 3)))
    for channel, wave in enumerate(WAVES_NM):
        for order in (-1, 1):
            flat_in = -flat_out + order * wave / grating.period_nm * line
            square = (flat_in**2).sum(axis=-1, keepdims=True)
            towards = flat_in + np.sqrt(np.clip(1 - square, 0, None)) * normal
            blur = np.hypot(grating.rough, WAVE_SPREAD_NM / grating.period_nm)
            light = _seen_in(room, towards, float(blur)) + room.even
            sent[..., channel] += 0.5 * grating.strength * np.where(square[..., 0] < 1, light[..., channel], 0)
    return sent
