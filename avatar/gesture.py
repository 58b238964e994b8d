"""One gesture a turn, then rest: the arm comes in, does its work, and goes."""

from __future__ import annotations

import math
from typing import Final

from avatar.pose import GestureName, GesturePose

ENTER_S: Final = 0.36
LEAVE_S: Final = 0.32
WAVE_S: Final = 1.6  # one wave of the hand
HOLD_S: Final[dict[GestureName, float]] = {"wave": 3.2, "present": 7.0, "stop": 8.0, "heart": 6.0}
WAVE_DEGREES: Final = 7.0
WAVE_AGAIN_S: Final = 20.0  # while a page asks for waving on and on


class GesturePlayer:
    """Plays what is asked for. Asking for the same gesture again changes nothing until another came between."""

    def __init__(self) -> None:
        self._asked: GestureName = "rest"
        self._shown: GestureName = "rest"
        self._since_s = 0.0  # when the shown gesture began
        self._leaving_s: float | None = None

    def ask(self, gesture: GestureName, now_s: float) -> None:
        if gesture == self._asked:
            return
        self._asked = gesture
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
        shown = _eased(since / ENTER_S)
        if self._leaving_s is not None:
            shown = min(shown, 1 - _eased((now_s - self._leaving_s) / LEAVE_S))
        swing = WAVE_DEGREES * math.sin(2 * math.pi * since / (WAVE_S / 2)) if self._shown == "wave" else 0.0
        return GesturePose(name=self._shown, shown=shown, swing=swing)

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


def _eased(share: float) -> float:
    share = min(1.0, max(0.0, share))
    return share * share * (3 - 2 * share)
