"""Visitors and attackers before the challenge, frame by frame: what each shows at a moment, given what was asked.

A visitor hears the instruction and follows it after a moment; a film does what it was filmed doing. Everything is
drawn from a seed. No result is decided here.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from bench.portraits.bank import LAMPS, Bank, Sight, State, lit_by
from kiosk.identity.liveness import Challenge, Crowd, Result, Step, sequence

FRAME_MS: Final = 125
MOST_MS: Final = 90_000
REST: Final[State] = ("rest", 0)
HIDDEN: Final[State] = ("hidden", 0)  # no face is found
CROWD: Final[State] = ("crowd", 0)  # a second one as near
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
    """Somebody who does what is asked: a visitor, or whoever tilts a print or looks through it.

    Told again, they go `further_deg` further or close their eyes once more, a moment later.
    """

    rng: random.Random
    turns: bool = True
    blinks: bool = True
    most_deg: int = 24
    step_deg: int = 12
    further_deg: int = 0
    delay_ms: tuple[float, float] = (350, 1100)  # from the instruction to the first movement
    shut_ms: tuple[float, float] = (260, 480)
    _heard: tuple[str, int] = ("", 0)
    _nudges: int = 0
    _nudged_ms: float = 0.0
    _delay_ms: float = 0.0
    _shut_ms: float = 0.0
    _own_blink_ms: float = 0.0

    def __call__(self, at_ms: int, challenge: Challenge) -> State:
        told, since = challenge.instruction, challenge.since_ns // 1_000_000
        if (told, since) != self._heard:
            self._heard, self._nudges = (told, since), 0
            self._delay_ms = self.rng.uniform(*self.delay_ms) if told != "come_back" else self.rng.uniform(150, 500)
            self._shut_ms = self.rng.uniform(*self.shut_ms)
        if challenge.nudges != self._nudges:
            self._nudges, self._nudged_ms = challenge.nudges, at_ms + self.rng.uniform(*self.delay_ms)
        done = at_ms - since - self._delay_ms
        again = at_ms - self._nudged_ms if self._nudges else -1.0
        if told in ("turn_left", "turn_right") and self.turns:
            sign = 1 if told == "turn_left" else -1
            far = min(1.0, max(0.0, done / 500)) * self.most_deg
            behind = self._nudges - 1 + min(1.0, again / 300) if again > 0 else max(0, self._nudges - 1)
            return self._turned(sign * (far + behind * self.further_deg))
        if told == "come_back" and self.turns:
            sign = 1 if self._last_turn(challenge) == "left" else -1
            return self._turned(sign * (1.0 - min(1.0, max(0.0, done / 450))) * self.most_deg)
        if told == "blink" and self.blinks and done > 0:
            return self._lids(again if again > 0 else done)
        if self.blinks and at_ms > self._own_blink_ms:  # everybody's lids close now and then
            self._own_blink_ms = at_ms + self.rng.expovariate(1 / 4000) + 400
            return ("blink", 100) if self._own_blink_ms - at_ms < 1500 else REST
        return REST

    def _lids(self, done_ms: float) -> State:
        if done_ms < 90 or 90 + self._shut_ms < done_ms < 180 + self._shut_ms:
            return ("blink", 50)
        return ("blink", 100) if done_ms < 90 + self._shut_ms else REST

    def _turned(self, degrees: float) -> State:
        steps = round(degrees / self.step_deg)
        return ("yaw", steps * self.step_deg) if steps else REST

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
    return Follower(rng, most_deg=rng.choice((24, 29)), step_deg=6, further_deg=6)


def visitor(rng: random.Random) -> Visitor:
    """Somebody in a lobby, by chosen shares, not measured ones: shy and bold turns; two in five move when the sentence
    is over, the others at its first word; lids down for a sixth to half a second; one in ten with somebody who walks
    by, one in twenty with a hand before the face, one in fifty who takes left for right."""
    slow = rng.random() < 0.4
    follows = Follower(rng, most_deg=rng.choice((18, 24, 24, 29, 29)), step_deg=6, further_deg=6,
                       delay_ms=(1000, 2600) if slow else (350, 1100), shut_ms=(160, 480))  # fmt: skip
    crowd = hidden = (0.0, 0.0)
    if rng.random() < 0.1:
        began = rng.uniform(0, 8000)
        crowd = (began, began + rng.uniform(300, 2000))
    if rng.random() < 0.05:
        began = rng.uniform(0, 8000)
        hidden = (began, began + rng.uniform(300, 1000))
    return Visitor(follows, crowd, hidden, mistakes_sides=rng.random() < 0.02)


@dataclass(slots=True)
class Visitor:
    """What happens around somebody who does what is asked: from and to, in milliseconds."""

    follows: Follower
    crowd_ms: tuple[float, float]
    hidden_ms: tuple[float, float]
    mistakes_sides: bool

    def __call__(self, at_ms: int, challenge: Challenge) -> State:
        what, much = self.follows(at_ms, challenge)
        if self.hidden_ms[0] <= at_ms < self.hidden_ms[1]:
            return HIDDEN
        if self.crowd_ms[0] <= at_ms < self.crowd_ms[1]:
            return CROWD
        return (what, -much) if what == "yaw" and self.mistakes_sides else (what, much)


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
        far = min(55, self.far + 10 * challenge.nudges)
        return "yaw", (1 if much > 0 else -1) * (12 if abs(much) <= 12 else far)


def _other(asked: tuple[Step, ...], rng: random.Random) -> tuple[Step, ...]:
    while (steps := sequence(rng)) == asked:
        pass
    return steps


def play(
    shows: Shows, bank: Bank, rng: random.Random, steps: tuple[Step, ...], swap: Bank | None = None,
    colours: tuple[int, ...] = (),
) -> Result:  # fmt: skip
    """One try before the challenge. `swap`: another person takes over once the face at rest is known. `colours`: those
    of a display that lights faces."""
    challenge = Challenge(steps, 0, colours)
    at_ms, lamp, lit = 0, rng.randrange(LAMPS), -1
    result: Result | None = None
    while result is None and at_ms < MOST_MS:
        state = shows(at_ms, challenge)
        if (colour := challenge.colour) is not None:
            state = ("lit", lit_by(lamp, colour))
            if colour != lit:
                challenge.shown(at_ms * 1_000_000)
                lit = colour
        seen = swap if swap is not None and challenge.instruction != "look_here" else bank
        result = challenge.look(_frame(seen, state, rng), at_ms * 1_000_000)
        at_ms += FRAME_MS
    if result is None:
        raise ValueError(f"a challenge did not end within {MOST_MS} ms")
    return result


def _frame(bank: Bank, state: State, rng: random.Random) -> Sight:
    """A frame of this state, or of the nearest that was drawn."""
    if state in (HIDDEN, CROWD):
        return Crowd() if state == CROWD else None
    if state not in bank:
        what, much = state
        state = min((one for one in bank if one[0] == what), key=lambda one: abs(one[1] - much), default=REST)
    return rng.choice(bank[state])
