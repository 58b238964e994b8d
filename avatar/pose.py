"""What the figure does at one instant: a mood that changes slowly, a mouth that changes quickly, eyes, a gesture."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Literal

GestureName = Literal["rest", "wave", "present", "point", "stop", "count", "thumbs", "heart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """The slow part of a face. All values blend linearly."""

    smile: float = 0.7  # -0.4 concerned .. 1 beaming
    brow: float = 0.0  # raise, 0..1
    worry: float = 0.0  # inner brows up, outer down, 0..1
    frown: float = 0.0  # inner brows down and together, 0..1
    squint: float = 0.0  # how the lids are held: -0.3 wide .. 1 narrow
    grin: float = 0.0  # 0..1: teeth in the smile of a mouth that does not speak
    tilt: float = 0.0  # degrees, positive to the viewer's right
    turn: float = 0.0  # -1..1: the features slide, the skull stays
    look_x: float = 0.0  # -1..1 where the eyes wander of their own, added to the gaze at the visitor
    look_y: float = 0.0  # -1..1, positive is down


@dataclass(frozen=True, slots=True, kw_only=True)
class MouthPose:
    """The mouth of one instant. All values 0..1 except `width` (-1 narrow .. 1 spread); they blend linearly."""

    open: float = 0.0  # distance of the lips and drop of the jaw
    width: float = 0.0
    round: float = 0.0  # protruded, towards a circle
    upper_teeth: float = 0.0
    lower_teeth: float = 0.0
    tongue: float = 0.0  # how far the tongue rises from the floor of the mouth
    tip: float = 0.0  # tongue tip between the teeth
    press: float = 0.0  # lips pressed together
    bite: float = 0.0  # lower lip under the upper teeth


@dataclass(frozen=True, slots=True, kw_only=True)
class GesturePose:
    """Where the arm of a gesture is: `shown` 0 (out of sight) .. 1, `swing` in degrees about the elbow.

    `aim` is where a pointing hand points, in degrees from upright away from the body; `side` is 1 for the arm at the
    viewer's right, -1 for the other one; `count` is how many fingers are up while she counts.
    """

    name: GestureName = "rest"
    shown: float = 0.0
    swing: float = 0.0
    wrist: float = 0.0  # degrees that the hand bends on top of it
    aim: float = 90.0
    side: int = 1
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pose:
    """Everything that the renderer needs to draw the figure once."""

    mood: Mood = Mood()
    mouth: MouthPose = MouthPose()
    lid: float = 0.0  # 0 open .. 1 closed
    gaze_x: float = 0.0  # -1..1
    gaze_y: float = 0.0  # -1..1, positive is down
    breath: float = 0.0  # 0..1
    lean: float = 0.0  # -1..1: the weight on one leg or the other
    nod: float = 0.0  # -1..1, positive is down
    gesture: GesturePose = GesturePose()


def grinning(mouth: MouthPose, grin: float) -> MouthPose:
    """Return the mouth with the teeth of a smile, as far as its shape of speech leaves room for them."""
    room = grin * (1 - mouth.round) * (1 - mouth.press) * (1 - mouth.bite)
    if room <= 0.01:
        return mouth
    return replace(
        mouth,
        open=max(mouth.open, 0.26 * room),
        width=max(mouth.width, 0.45 * room),
        upper_teeth=max(mouth.upper_teeth, min(1.0, 2.0 * room)),
    )


def blend_moods(start: Mood, end: Mood, share: float) -> Mood:
    """Return the mood `share` (0..1) of the way from `start` to `end`."""
    return Mood(**{f.name: _mix(getattr(start, f.name), getattr(end, f.name), share) for f in fields(Mood)})


def _mix(a: float, b: float, share: float) -> float:
    return a + (b - a) * share
