"""Somebody's voice begins while she speaks: more than 'mm-hm', or nothing but her own echo?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from kiosk.events import Pcm

OwnSound = Callable[[Pcm, int], bool]
"""Whether the microphone's sound until that time is nothing but what the loudspeaker played."""


class OnsetRule(Protocol):
    """A judge of the first half second of a voice."""

    def stops(self, pcm: Pcm, voiced_ms: int) -> bool: ...


class OverSpeech:
    """Asked after every voiced block. `rule` None: the length of the voice decides alone."""

    def __init__(self, rule: OnsetRule | None, own_sound: OwnSound | None = None) -> None:
        self._rule = rule
        self._own_sound = own_sound
        self.tally_echo = 0

    def insists(self, detect: Pcm, start_ns: int, end_ns: int, voiced_ms: int) -> bool | None:
        """True: stop her. False: it is her own echo. None: nothing yet."""
        stops = self._rule.stops(detect, voiced_ms) if self._rule else None
        if stops is False:
            return None
        if self._own_sound and self._own_sound(detect, end_ns):
            self.tally_echo += 1
            return False
        return stops
