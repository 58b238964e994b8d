"""Visitors and attackers before the challenge, frame by frame: what each shows at a moment, given what was asked.

A visitor hears the instruction and follows it after a moment; a film does what it was filmed doing. Everything is
drawn from a seed. No result is decided here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.portraits.bank import Bank, State
from kiosk.identity.liveness import Challenge, Look, Result, Step, sequence

FRAME_MS: Final = 125
MOST_MS: Final = 40_000
REST: Final[State] = ("rest", 0)
SPECIES: Final = (
    "photo", "tilted_photo", "bent_photo", "phone_bezel", "phone_no_bezel", "replay_wrong", "replay_right",
    "cutout_eyes", "second_person",
)  # fmt: skip
KIND: Final = {
    "photo": "print", "tilted_photo": "print", "bent_photo": "bent", "phone_bezel": "phone", "phone_no_bezel": "close",
    "replay_wrong": "screen", "replay_right": "screen", "cutout_eyes": "print", "second_person": "live",
}  # fmt: skip
Shows = Callable[[int, Challenge], State]
"""(milliseconds since the beginning, the challenge as it stands) → what is seen."""


@dataclass(slots=True)
class Follower:
    """Somebody who does what is asked: a visitor, or whoever tilts a print or looks through it."""

    rng: random.Random
    turns: bool = True
    blinks: bool = True
    most_deg: int = 24
    step_deg: int = 12
    _heard: tuple[str, int] = ("", 0)
    _delay_ms: float = 0.0
    _back_ms: float = 0.0
    _shut_ms: float = 0.0
    _own_blink_ms: float = 0.0

    def __call__(self, at_ms: int, challenge: Challenge) -> State:
        told, since = challenge.instruction, challenge.since_ns // 1_000_000
        if (told, since) != self._heard:
            self._heard = (told, since)
            self._delay_ms = self.rng.uniform(350, 1100) if told != "come_back" else self.rng.uniform(150, 500)
            self._shut_ms = self.rng.uniform(260, 480)
        done = at_ms - since - self._delay_ms
        if told in ("turn_left", "turn_right") and self.turns:
            sign = 1 if told == "turn_left" else -1
            return self._turned(sign, min(1.0, max(0.0, done / 500)))
        if told == "come_back" and self.turns:
            sign = 1 if self._last_turn(challenge) == "left" else -1
            return self._turned(sign, 1.0 - min(1.0, max(0.0, done / 450)))
        if told == "blink" and self.blinks and done > 0:
            return self._lids(done)
        if self.blinks and at_ms > self._own_blink_ms:  # everybody's lids close now and then
            self._own_blink_ms = at_ms + self.rng.expovariate(1 / 4000) + 400
            return ("blink", 100) if self._own_blink_ms - at_ms < 1500 else REST
        return REST

    def _lids(self, done_ms: float) -> State:
        if done_ms < 90 or 90 + self._shut_ms < done_ms < 180 + self._shut_ms:
            return ("blink", 50)
        return ("blink", 100) if done_ms < 90 + self._shut_ms else REST

    def _turned(self, sign: int, share: float) -> State:
        steps = round(share * self.most_deg / self.step_deg)
        return ("yaw", sign * steps * self.step_deg) if steps else REST

    def _last_turn(self, challenge: Challenge) -> Step:
        return challenge.open_step or "left"


@dataclass(slots=True)
class Film:
    """A recording: steps at moments that were fixed when it was made."""

    steps: tuple[Step, ...]
    rng: random.Random
    most_deg: int = 24
    step_deg: int = 12
    plan: list[tuple[float, Step]] = field(default_factory=list)

    def __post_init__(self) -> None:
        at = self.rng.uniform(1200, 2600)
        for step in self.steps:
            self.plan.append((at, step))
            at += self.rng.uniform(1900, 3000)

    def __call__(self, at_ms: int, challenge: Challenge) -> State:
        for began, step in self.plan:
            into = at_ms - began
            if not 0 <= into < 1700:
                continue
            if step == "blink":
                return ("blink", 50) if into < 100 else ("blink", 100) if into < 450 else REST
            share = min(1.0, into / 450) if into < 1000 else max(0.0, 1 - (into - 1000) / 450)
            steps = round(share * self.most_deg / self.step_deg)
            return ("yaw", (1 if step == "left" else -1) * steps * self.step_deg) if steps else REST
        return REST


def attacker(species: str, asked: tuple[Step, ...], rng: random.Random) -> Shows:
    """How this attack behaves when `asked` is asked. The telephone whose edge is seen plays the right answers, so that
    its edge is what has to give it away; the one without an edge plays others."""
    match species:
        case "photo":
            return lambda at_ms, challenge: REST
        case "tilted_photo" | "bent_photo":
            return _Tilter(Follower(rng, blinks=False))
        case "cutout_eyes":
            return _Tilter(Follower(rng))
        case "phone_no_bezel" | "replay_wrong":
            return Film(_other(asked, rng), rng)
    return Follower(rng)


@dataclass(slots=True)
class _Tilter:
    """Turns become tilts of the sheet, as far as this one goes."""

    follower: Follower
    far: int = 0

    def __call__(self, at_ms: int, challenge: Challenge) -> State:
        if not self.far:
            self.far = self.follower.rng.choice((35, 45, 55))
        what, much = self.follower(at_ms, challenge)
        if what != "yaw":
            return what, much
        return "yaw", (1 if much > 0 else -1) * (12 if abs(much) <= 12 else self.far)


def _other(asked: tuple[Step, ...], rng: random.Random) -> tuple[Step, ...]:
    while (steps := sequence(rng)) == asked:
        pass
    return steps


def play(shows: Shows, bank: Bank, rng: random.Random, steps: tuple[Step, ...], swap: Bank | None = None) -> Result:
    """One try before the challenge. `swap`: another person takes over once the face at rest is known."""
    challenge = Challenge(steps, 0)
    at_ms = 0
    result: Result | None = None
    while result is None and at_ms < MOST_MS:
        state = shows(at_ms, challenge)
        seen = swap if swap is not None and challenge.instruction != "look_here" else bank
        result = challenge.look(_frame(seen, state, rng), at_ms * 1_000_000)
        at_ms += FRAME_MS
    if result is None:
        raise ValueError(f"a challenge did not end within {MOST_MS} ms")
    return result


def _frame(bank: Bank, state: State, rng: random.Random) -> Look | None:
    """A frame of this state, or of the nearest that was drawn."""
    if state not in bank:
        what, much = state
        state = min((one for one in bank if one[0] == what), key=lambda one: abs(one[1] - much), default=REST)
    return rng.choice(bank[state])
