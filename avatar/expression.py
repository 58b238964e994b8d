"""From what the core wants her to feel to a face that lives: moods blend, eyes follow, the chest breathes."""

from __future__ import annotations

import math
import random
from dataclasses import astuple, dataclass, fields, replace
from typing import Final

from avatar.gesture import AIMS, GesturePlayer
from avatar.hands import REACHES
from avatar.idle import Blinks, Busy, Drift, Saccades, Weight, breath_at
from avatar.pose import Mood, MouthPose, Pose
from avatar.spring import Springs
from contracts.screen import Expression, Gesture, Listening

BLEND_S: Final = 0.45  # a mood is there
EYES_S: Final = 0.30  # eyes are where they were sent, without the little jumps
HEAD_S: Final = 0.75  # the head follows them
SPEECH_S: Final = 0.7  # how quickly the liveliness of speech comes and goes
GAZE_REACH: Final = 0.75  # eyes alone never go to the corner
HEAD_SHARE: Final = 0.42  # of the way to the visitor is the head's
LARGE_SHIFT: Final = 0.5  # of the gaze: brings a blink along
NOD_GAP_S: Final = (2.2, 4.6)  # between nods, while somebody talks to her
NOD_S: Final = 0.62
AWAY_S: Final = (1.1, 2.3)  # how long thinking eyes rest at one place
GLANCE_S: Final = (0.25, 1.5)  # after a hand began to point, she looks where it points

MOODS: Final[dict[Expression, Mood]] = {
    "neutral": Mood(smile=0.45),
    "warm": Mood(smile=0.75, brow=0.15, squint=0.05),
    "listening": Mood(smile=0.55, brow=0.5, tilt=5.0, squint=-0.12),
    "thinking": Mood(smile=0.25, brow=0.35, frown=0.12, tilt=-4.0, turn=0.35, look_x=0.70, look_y=-0.75),
    "concerned": Mood(smile=-0.10, brow=0.15, worry=0.75, tilt=3.5, squint=0.05),
    "firm": Mood(smile=0.05, frown=0.55, squint=0.22, tilt=-1.0),
    "glad": Mood(smile=1.0, brow=0.35, tilt=2.5, squint=0.12, grin=1.0),
}


_AXES: Final = tuple(one.name for one in fields(Mood))


def mood_of(expression: Expression, listening: Listening) -> Mood:
    """Return the mood that an expression and the state of hearing ask for together."""
    mood = MOODS[expression]
    if expression in ("neutral", "warm", "glad"):
        if listening == "listening":
            return replace(mood, tilt=4.0, brow=max(mood.brow, 0.45), squint=-0.10, grin=0.0)
        if listening == "thinking":
            return MOODS["thinking"]
    return mood


@dataclass(frozen=True, slots=True)
class Pointing:
    """Where a hand points: `aim` in degrees and `side` as in `GesturePose`; `look`, -1..1 each, for the eyes."""

    aim: float = 90.0
    side: int = 1
    look: tuple[float, float] = (0.6, 0.5)


def pointing_to(x: float, y: float) -> Pointing:
    """Return how to point at a place, given in bust space: with the arm on its side, the eyes along."""
    side = 1 if x >= 0 else -1
    wrist_x, wrist_y = REACHES["point"].wrist
    aim = math.degrees(math.atan2(abs(x) - wrist_x, wrist_y - y))  # from upright, away from the body
    if aim < 0:  # it lies inwards, below: the hand can only hang towards it
        aim = AIMS[1]
    far = math.hypot(x, y) or 1.0
    return Pointing(aim, side, (_clamped(1.1 * x / far), _clamped(0.9 * y / far)))


class Performer:
    """Turns wishes into a `Pose` for each moment. Times are monotonic seconds and never run backwards."""

    def __init__(self, seed: int = 1) -> None:
        self._blinks, self._saccades, self._weight = Blinks(seed), Saccades(seed + 1), Weight(seed + 2)
        self._nodding, self._swaying, self._turning = (Drift(seed + k) for k in (3, 4, 5))
        self._random = random.Random(seed + 6)
        self._gestures = GesturePlayer()
        self._goal = MOODS["warm"]
        self._mood = Springs(BLEND_S, astuple(self._goal))
        self._eyes, self._head = Springs(EYES_S, (0.0, 0.0)), Springs(HEAD_S, (0.0, 0.0))
        self._liveliness = Springs(SPEECH_S, (0.0, 0.0))  # talking, and how open the mouth is of late
        self._aim = (0.0, 0.0)
        self._pointing: tuple[float, Pointing] | None = None
        self._talked_to = False
        self._nod_s = math.inf  # when the last nod of listening began
        self._next_nod_s: float | None = None
        self._away, self._next_away_s = 1.0, -math.inf
        self._last_s: float | None = None

    def wish(
        self,
        *,
        expression: Expression,
        gesture: Gesture,
        gaze: tuple[float, float],
        listening: Listening,
        now_s: float,
        count: int = 1,
        pointing: Pointing = Pointing(),  # frozen
        talked_to: bool = False,
    ) -> None:
        """Take over a new snapshot. `talked_to`: the visitor is being heard just now."""
        self._goal = mood_of(expression, listening)
        aim = (_clamped(gaze[0]), _clamped(gaze[1]))
        if math.dist(aim, self._aim) > LARGE_SHIFT:
            self._blinks.with_gaze(now_s)
        self._aim = aim
        if gesture == "point" and (self._pointing is None or self._pointing[1] != pointing):
            self._pointing = (now_s, pointing)
        elif gesture != "point":
            self._pointing = None
        self._gestures.ask(gesture, now_s, aim=pointing.aim, side=pointing.side, count=count)
        self._talked_to = talked_to

    def pose_at(self, now_s: float, mouth: MouthPose, *, speaking: bool, inviting: bool = False) -> Pose:
        """Return the pose at `now_s` with this mouth; `inviting` repeats a wave that is still asked for."""
        elapsed = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        talking, opened = self._liveliness.follow((1.0 if speaking else 0.0, mouth.open), elapsed)
        values = self._mood.follow(astuple(self._wandering(now_s)), elapsed)
        mood = Mood(**dict(zip(_AXES, values, strict=True)))
        aim = self._where(now_s)
        eyes, head = self._eyes.follow(aim, elapsed), self._head.follow(aim, elapsed)
        jump_x, jump_y = self._saccades.offset_at(now_s)
        turn = mood.turn + HEAD_SHARE * head[0] + talking * 0.16 * self._turning.at(now_s)
        nod = 0.35 * head[1] + self._nod_at(now_s) + talking * (0.40 * self._nodding.at(now_s) + 0.5 * (opened - 0.35))
        busy: Busy = "talking" if talking > 0.5 else "attending" if self._talked_to else "resting"
        return Pose(
            mood=replace(
                mood,
                tilt=mood.tilt + talking * 1.1 * self._swaying.at(now_s) + 0.25 * self._swaying.at(now_s * 0.31),
                turn=_clamped(turn),
                brow=mood.brow + talking * 0.18 * max(0.0, self._nodding.at(now_s + 0.2)),
                grin=mood.grin * (1 - talking),
            ),
            mouth=mouth,
            lid=self._blinks.lid_at(now_s, busy),
            # The eyes stay on what they look at while the head comes after.
            gaze_x=_clamped(eyes[0] * GAZE_REACH + mood.look_x + jump_x - 0.45 * (turn - mood.turn)),
            gaze_y=_clamped(eyes[1] * GAZE_REACH + mood.look_y + jump_y),
            breath=breath_at(now_s),
            lean=self._weight.lean_at(now_s),
            nod=min(1.5, max(-1.5, nod)),
            gesture=self._gestures.pose_at(now_s, repeat_wave=inviting),
        )

    def _wandering(self, now_s: float) -> Mood:
        """The mood to go to; thinking eyes rest here and there, up and away, now on this side, now on that."""
        goal = self._goal
        if not goal.look_x:
            return goal
        if now_s >= self._next_away_s:
            if now_s - self._next_away_s > AWAY_S[1]:  # thinking begins
                self._away = self._random.choice((-1.0, 1.0))
            else:
                self._away = math.copysign(self._random.uniform(0.55, 1.1), self._away)
            self._next_away_s = now_s + self._random.uniform(*AWAY_S)
        sign = math.copysign(1.0, self._away)
        return replace(goal, look_x=goal.look_x * self._away, turn=goal.turn * sign, tilt=goal.tilt * sign)

    def _where(self, now_s: float) -> tuple[float, float]:
        """Where to look: at the visitor, or for a moment where the hand points."""
        if self._pointing is not None:
            since = now_s - self._pointing[0]
            if GLANCE_S[0] <= since < GLANCE_S[1]:
                return self._pointing[1].look
        return self._aim

    def _nod_at(self, now_s: float) -> float:
        """Return the nod of somebody who listens: down and up, twice, the second time less."""
        if not self._talked_to:
            self._next_nod_s = None
        elif self._next_nod_s is None:
            self._next_nod_s = now_s + self._random.uniform(*NOD_GAP_S) / 2
        elif now_s >= self._next_nod_s:
            self._nod_s = now_s
            self._next_nod_s = now_s + NOD_S + self._random.uniform(*NOD_GAP_S)
        since = now_s - self._nod_s
        if not 0 <= since < NOD_S:
            return 0.0
        share = since / NOD_S
        return 0.95 * math.sin(2 * math.pi * share) ** 2 * (1 - 0.55 * share)


def _clamped(value: float) -> float:
    return min(1.0, max(-1.0, value))
