"""From what the core wants her to feel to a face that lives: moods blend, eyes follow, the chest breathes."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from avatar.gesture import GesturePlayer
from avatar.idle import Blinks, Saccades, breath_at
from avatar.pose import Mood, MouthPose, Pose, blend_moods
from contracts.screen import Expression, Gesture, Listening

BLEND_S: Final = 0.25
GAZE_TAU_S: Final = 0.12  # time constant of eyes that follow a face
SPEECH_TAU_S: Final = 0.30  # how quickly the nodding of speech comes and goes
GAZE_REACH: Final = 0.75  # eyes alone never go to the corner

MOODS: Final[dict[Expression, Mood]] = {
    "neutral": Mood(smile=0.45),
    "warm": Mood(smile=0.75, brow=0.2),
    "listening": Mood(smile=0.65, brow=0.6, tilt=5.0),
    "thinking": Mood(smile=0.30, brow=0.4, tilt=-4.0, look_x=0.75, look_y=-0.8),
    "concerned": Mood(smile=0.20, brow=0.1, worry=0.55, tilt=3.5),
    "firm": Mood(smile=0.05, worry=0.35, tilt=-1.0),
    "glad": Mood(smile=1.0, brow=0.35, tilt=3.0),
}


def mood_of(expression: Expression, listening: Listening) -> Mood:
    """Return the mood that an expression and the state of hearing ask for together."""
    mood = MOODS[expression]
    if expression in ("neutral", "warm", "glad"):
        if listening == "listening":
            return replace(mood, tilt=4.0, brow=max(mood.brow, 0.5))
        if listening == "thinking":
            return MOODS["thinking"]
    return mood


class Performer:
    """Turns wishes into a `Pose` for each moment. Times are monotonic seconds and never run backwards."""

    def __init__(self, seed: int = 1) -> None:
        self._blinks, self._saccades = Blinks(seed), Saccades(seed + 1)
        self._gestures = GesturePlayer()
        self._from = self._to = MOODS["warm"]
        self._blend_s = -math.inf
        self._aim = self._gaze = (0.0, 0.0)
        self._speech = 0.0  # 0 silent .. 1 talking
        self._last_s: float | None = None

    def wish(
        self,
        *,
        expression: Expression,
        gesture: Gesture,
        gaze: tuple[float, float],
        listening: Listening,
        now_s: float,
    ) -> None:
        """Take over a new snapshot; a blend under way continues from where it is."""
        target = mood_of(expression, listening)
        if target != self._to:
            self._from, self._to, self._blend_s = self._mood_at(now_s), target, now_s
        self._aim = (_clamped(gaze[0]), _clamped(gaze[1]))
        self._gestures.ask(gesture, now_s)

    def pose_at(self, now_s: float, mouth: MouthPose, *, speaking: bool, inviting: bool = False) -> Pose:
        """Return the pose at `now_s` with this mouth; `inviting` repeats a wave that is still asked for."""
        elapsed = 0.0 if self._last_s is None else max(0.0, now_s - self._last_s)
        self._last_s = now_s
        self._follow(elapsed)
        self._speech += ((1.0 if speaking else 0.0) - self._speech) * (1 - math.exp(-elapsed / SPEECH_TAU_S))
        mood = self._mood_at(now_s)
        jump_x, jump_y = self._saccades.offset_at(now_s)
        nod = self._speech * (0.45 * math.sin(now_s * 2.9) + 0.25 * math.sin(now_s * 6.1))
        sway = self._speech * 0.9 * math.sin(now_s * 1.7)
        turn = self._gaze[0] * 0.25 + self._speech * 0.07 * math.sin(now_s * 1.1)
        return Pose(
            mood=replace(mood, tilt=mood.tilt + sway, turn=mood.turn + turn),
            mouth=mouth,
            lid=self._blinks.lid_at(now_s),
            gaze_x=_clamped(self._gaze[0] * GAZE_REACH + mood.look_x + jump_x),
            gaze_y=_clamped(self._gaze[1] * GAZE_REACH + mood.look_y + jump_y),
            breath=breath_at(now_s),
            nod=nod + self._gaze[1] * 0.3,
            gesture=self._gestures.pose_at(now_s, repeat_wave=inviting),
        )

    def _mood_at(self, now_s: float) -> Mood:
        share = min(1.0, max(0.0, (now_s - self._blend_s) / BLEND_S))
        return blend_moods(self._from, self._to, share * share * (3 - 2 * share))

    def _follow(self, elapsed_s: float) -> None:
        share = 1 - math.exp(-elapsed_s / GAZE_TAU_S)
        (x, y), (aim_x, aim_y) = self._gaze, self._aim
        self._gaze = (x + (aim_x - x) * share, y + (aim_y - y) * share)


def _clamped(value: float) -> float:
    return min(1.0, max(-1.0, value))
