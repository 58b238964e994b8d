"""One gesture a turn, then rest: the arm comes in, does its work, and goes."""

from __future__ import annotations

import math
from typing import Final

from avatar.pose import GestureName, GesturePose

ENTER_S: Final = 0.42
LEAVE_S: Final = 0.36
WAVE_S: Final = 1.6  # one wave of the hand
HOLD_S: Final[dict[GestureName, float]] = {
    "wave": 3.2, "present": 7.0, "point": 6.0, "stop": 8.0, "count": 4.5, "thumbs": 3.0, "heart": 6.0,
}  # fmt: skip
WAVE_DEGREES: Final = 7.0
WAVE_AGAIN_S: Final = 20.0  # while a page asks for waving on and on
FINGER_S: Final = 0.55  # between one finger and the next while she counts
FINGER_DIP_DEGREES: Final = 9.0  # the wrist gives a little as a finger comes up
AIMS: Final = (40.0, 126.0)  # where a pointing hand can point, in degrees from upright
REFUSE_S: Final = 1.1  # the open hand that refuses turns from side to side this often


class GesturePlayer:
    """Plays what is asked for. Asking for the same gesture again changes nothing until another came between."""

    def __init__(self) -> None:
        self._asked: GestureName = "rest"
        self._shown: GestureName = "rest"
        self._since_s = 0.0  # when the shown gesture began
        self._leaving_s: float | None = None
        self._wanted = self._playing = (90.0, 1, 1)  # aim, side, count

    def ask(self, gesture: GestureName, now_s: float, *, aim: float = 90.0, side: int = 1, count: int = 1) -> None:
        """`aim` and `side` matter for pointing, `count` (1..5) for counting; see `GesturePose`."""
        if gesture == self._asked:
            return
        self._asked = gesture
        self._wanted = (min(AIMS[1], max(AIMS[0], aim)), side, min(5, max(1, count)))
        if self._shown != "rest" and self._leaving_s is None:
            self._leaving_s = now_s
        elif self._shown == "rest" and gesture != "rest":
            self._begin(gesture, now_s)

    def pose_at(self, now_s: float, *, repeat_wave: bool = False) -> GesturePose:
        """Return the arm at `now_s`; times do not run backwards."""
        self._advance(now_s, repeat_wave)
        if self._shown == "rest":
            return GesturePose()
        since = now_s - self._since_s
        shown = _arriving(since / ENTER_S)
        if self._leaving_s is not None:
            shown = min(shown, 1 - _eased((now_s - self._leaving_s) / LEAVE_S))
        aim, side, count = self._playing
        swing, wrist = self._life(since)
        if self._shown == "count":
            up = since - ENTER_S
            count = min(count, 1 + max(0, int(up / FINGER_S)))
        return GesturePose(name=self._shown, shown=shown, swing=swing, wrist=wrist, aim=aim, side=side, count=count)

    def _life(self, since: float) -> tuple[float, float]:
        """Return how the arm swings and the wrist bends: a held arm is never quite still."""
        drift = 0.5 * math.sin(since * 1.3)
        if self._shown == "wave":
            phase = 2 * math.pi * since / (WAVE_S / 2)
            return WAVE_DEGREES * math.sin(phase), 0.9 * WAVE_DEGREES * math.sin(phase - 0.7)  # the hand comes after
        if self._shown == "stop":
            fade = math.exp(-max(0.0, since - ENTER_S) / 1.2)
            return drift, 6.0 * fade * math.sin(2 * math.pi * since / REFUSE_S)
        if self._shown == "count":
            up = max(0.0, since - ENTER_S)
            number, within = divmod(up, FINGER_S)
            counting = number < self._playing[2] and number > 0
            dip = math.sin(math.pi * within / 0.22) if counting and within < 0.22 else 0.0
            return drift, -FINGER_DIP_DEGREES * dip
        if self._shown == "thumbs":
            fade = math.exp(-max(0.0, since - ENTER_S) / 0.35)
            return drift - 3.5 * fade * math.sin(2 * math.pi * since / 0.55), 0.0
        return drift, 0.8 * math.sin(since * 1.9)

    def _advance(self, now_s: float, repeat_wave: bool) -> None:
        if self._shown == "rest":
            if repeat_wave and self._asked == "wave" and now_s - self._since_s >= WAVE_AGAIN_S:
                self._begin("wave", now_s)
            return
        if self._leaving_s is None and now_s - self._since_s > ENTER_S + HOLD_S[self._shown]:
            self._leaving_s = now_s
        if self._leaving_s is not None and now_s - self._leaving_s >= LEAVE_S:
            ended, self._shown, self._leaving_s = self._shown, "rest", None
            if self._asked not in ("rest", ended):
                self._begin(self._asked, now_s)

    def _begin(self, gesture: GestureName, now_s: float) -> None:
        self._shown, self._since_s, self._leaving_s = gesture, now_s, None
        self._playing = self._wanted


def _eased(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)


def _arriving(share: float) -> float:
    """An arm arrives quickly and settles: it decelerates longer than it accelerates."""
    share = min(1.0, max(0.0, share))
    return _eased(1 - (1 - share) ** 1.6)
