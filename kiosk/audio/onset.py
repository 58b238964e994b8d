"""Somebody's voice begins while she speaks: more than 'mm-hm', or nothing but her own echo?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from kiosk.audio.echo import Cleaned
from kiosk.events import Pcm

OwnShare = Callable[[Pcm, int], float]
"""How much the microphone's sound until that time follows what the loudspeaker played, 0 to 1."""
# On short stretches: her echo 0.6 to 0.95, visitors over her 0.4 to 0.68 (simulated rooms). Until the cancellers have
# learnt the room, which they do once after the start, her echo is the likelier cause.
OWN_SHARE: Final = 0.66
OWN_SHARE_AT_FIRST: Final = 0.45


HOLD_MS: Final = 224  # of voice over her, from which on she is silent until it is clear what it was
NOD_MS: Final = 512  # the same for what sounds like a nod


class OnsetRule(Protocol):
    """A judge of the first quarter of a second of a voice."""

    def nods(self, pcm: Pcm, voiced_ms: int) -> bool:
        """Whether it surely sounds like 'mm-hm' so far."""


class OverSpeech:
    """Asked after every voiced block. `rule` None: the length of the voice decides alone.

    Holding her is cheap: a nod that was too long for it lets her go on half a second later at the same word. Waiting
    for certainty is not: whoever says 'stop' has said it within a quarter of a second.
    """

    def __init__(self, rule: OnsetRule | None, own_share: OwnShare | None = None) -> None:
        self._rule = rule
        self._own_share = own_share
        self.tally_echo = 0
        self.tally_nods = 0

    def insists(self, heard: Cleaned, end_ns: int, voiced_ms: int, *, settled: bool) -> bool | None:
        """True: stop her. False: it is her own echo. None: nothing yet."""
        if voiced_ms < HOLD_MS:
            return None
        limit = OWN_SHARE if settled else OWN_SHARE_AT_FIRST
        if self._own_share and self._own_share(heard.words, end_ns) >= limit:
            self.tally_echo += 1
            return False
        if self._rule and voiced_ms < NOD_MS and self._rule.nods(heard.detect, voiced_ms):
            self.tally_nods += 1
            return None
        return True
