"""Rooms as impulse responses: from a visitor's mouth, the terminal's loudspeaker, people nearby, the ceiling.

Shoebox rooms by image sources (Allen and Berkley 1979; pyroomacoustics). The walls' absorption is fitted until the
reverberation time measured on the response (Schroeder 1965, -5 to -35 dB) is the one asked for: Sabine's formula
misses it by a third. Responses are scaled so that the direct sound from 1 m has amplitude 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from kiosk.events import MIC_RATE_HZ

Response = npt.NDArray[np.float32]
Point = npt.NDArray[np.float64]  # (3,) metres

IMAGE_ORDER: Final = 40
FRACTIONAL_DELAY_SAMPLES: Final = 40  # pyroomacoustics centres its 81 taps here: not part of the room
FIT_STEPS: Final = 8
FIT_WITHIN: Final = 0.02
QUIET_DB: Final = -60.0  # of the response's peak: what follows is cut off
LOBBY_M: Final = (9.0, 7.0, 3.2)
SOUND_M_S: Final = 343.0
LOUDSPEAKER_M: Final = 0.35  # below the microphone
BYSTANDERS: Final = 4
TALKERS: Final = 8  # of the babble


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomPlan:
    """What kind of room: the same plan gives the same samples."""

    rt60_s: float
    distance_m: float  # from the visitor's mouth to the microphone
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LobbyRoom:
    """Responses (n,) float32 at 16 kHz from every place to the terminal's microphone."""

    plan: RoomPlan
    visitor: Response
    loudspeaker: Response
    bystanders: tuple[Response, ...]  # 2.5 to 4.5 m away
    talkers: tuple[Response, ...]  # of the babble, 2 to 6 m away
    ceiling: Response  # the branch's own loudspeaker


def rt60_of(response: npt.NDArray[np.floating[Any]], rate_hz: int = MIC_RATE_HZ) -> float:
    """Reverberation time in seconds: slope of the backward-integrated energy from -5 to -35 dB, times 60."""
    energy = np.cumsum(np.square(np.asarray(response, np.float64))[::-1])[::-1]
    level_db = 10 * np.log10(np.maximum(energy / energy[0], 1e-12))
    first, last = int(np.argmax(level_db <= -5)), int(np.argmax(level_db <= -35))
    if last <= first:
        raise ValueError("the response ends before it decayed by 35 dB")
    seconds = np.arange(first, last) / rate_hz
    return float(-60 / np.polyfit(seconds, level_db[first:last], 1)[0])


@lru_cache(maxsize=64)
def room(plan: RoomPlan) -> LobbyRoom:
    """Build it. Raises `ValueError` for a room that cannot be built."""
    if not 0.15 <= plan.rt60_s <= 1.2 or not 0.3 <= plan.distance_m <= 3:
        raise ValueError(f"no lobby with RT60 {plan.rt60_s} s and a visitor at {plan.distance_m} m")
    rng = np.random.default_rng(plan.seed)
    size = np.array(LOBBY_M) * rng.uniform(0.9, 1.1, 3)
    microphone = np.array([size[0] / 2 + rng.uniform(-0.5, 0.5), 0.9 + rng.uniform(-0.1, 0.1), 1.25])
    ahead = rng.uniform(-0.2, 0.2)  # radians off the middle
    mouth_m = np.array([np.sin(ahead), np.cos(ahead), 0.0]) * plan.distance_m
    places = [
        microphone + mouth_m + np.array([0, 0, 0.25 * min(1.0, plan.distance_m)]),
        microphone + np.array([0.05, 0.02, -LOUDSPEAKER_M]),
        *(_around(rng, microphone, size, 2.5, 4.5) for _ in range(BYSTANDERS)),
        *(_around(rng, microphone, size, 2.0, 6.0) for _ in range(TALKERS)),
        np.array([size[0] / 2 + 1.0, size[1] / 2, size[2] - 0.2]),
    ]
    absorption = _fitted_absorption(plan.rt60_s, size, microphone, places[-1])
    responses = _responses(size, absorption, microphone, places)
    return LobbyRoom(
        plan=plan,
        visitor=responses[0],
        loudspeaker=responses[1],
        bystanders=tuple(responses[2 : 2 + BYSTANDERS]),
        talkers=tuple(responses[2 + BYSTANDERS : 2 + BYSTANDERS + TALKERS]),
        ceiling=responses[-1],
    )


def _around(
    rng: np.random.Generator,
    microphone: Point,
    size: Point,
    near: float,
    far: float,
) -> npt.NDArray[np.float64]:
    """A mouth somewhere in the half of the room before the terminal, not behind the visitor's back exactly."""
    distance = rng.uniform(near, far)
    angle = rng.choice([-1, 1]) * rng.uniform(0.35, 1.3)
    place = microphone + distance * np.array([np.sin(angle), np.cos(angle), 0])
    place = np.clip(place, 0.4, size - 0.4)
    place[2] = rng.uniform(1.1, 1.65)
    return np.asarray(place, np.float64)


def _fitted_absorption(rt60_s: float, size: Point, microphone: Point, source: Point) -> float:
    """Energy absorption of the walls that gives `rt60_s` from `source`, by damped repeated measuring."""
    volume, area = float(np.prod(size)), 2 * float(size[0] * size[1] + size[0] * size[2] + size[1] * size[2])
    exponent = 0.161 * volume / (area * rt60_s)  # Eyring: absorption = 1 - exp(-exponent)
    for _ in range(FIT_STEPS):
        absorption = float(np.clip(1 - np.exp(-exponent), 0.02, 0.99))
        measured_s = rt60_of(_responses(size, absorption, microphone, [source])[0])
        if abs(measured_s / rt60_s - 1) <= FIT_WITHIN:
            break
        exponent *= measured_s / rt60_s
    return absorption


def _responses(
    size: Point,
    absorption: float,
    microphone: Point,
    places: list[Point],
) -> list[Response]:
    import pyroomacoustics as pra

    shoebox = pra.ShoeBox(size, fs=MIC_RATE_HZ, materials=pra.Material(absorption), max_order=IMAGE_ORDER)
    for place in places:
        shoebox.add_source(place)
    shoebox.add_microphone(microphone)
    shoebox.compute_rir()
    found = []
    for place, raw in zip(places, shoebox.rir[0], strict=True):
        # the direct sound of pyroomacoustics is 1 / (4 pi r), or 1 / r, by version: the nearest image tells
        response = np.asarray(raw[FRACTIONAL_DELAY_SAMPLES:], np.float64)
        metres = float(np.linalg.norm(place - microphone))
        arrival = round(metres / SOUND_M_S * MIC_RATE_HZ)
        direct = float(np.sum(response[max(0, arrival - 3) : arrival + 4]))
        response *= 1.0 / (metres * abs(direct))
        found.append(_cut(response))
    return found


def _cut(response: npt.NDArray[np.float64]) -> Response:
    loud = np.flatnonzero(np.abs(response) > np.abs(response).max() * 10 ** (QUIET_DB / 20))
    return np.asarray(response[: int(loud[-1]) + 1], np.float32)
