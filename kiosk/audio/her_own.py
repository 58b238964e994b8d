"""Her own voice come back through the microphone: recent sound and words of hers, held against what was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from contracts.screen import Language
from kiosk.audio.ears import AFTER_ROLL_NS
from kiosk.audio.echo import FarEnd
from kiosk.audio.own_voice import LEAD_SAMPLES, OwnVoice, OwnVoiceSettings, own_share
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.events import MIC_RATE_HZ, Pcm

ONSET_S: Final = 0.35  # of sound, before which her echo is not told from a visitor


class HerOwn:
    """Asked when a voice begins over her, and for every utterance. Safe on any thread."""

    def __init__(self, far: FarEnd, spoken: Callable[[], Sequence[SpokenSpan]]) -> None:
        self._far = far
        self._spoken = spoken
        self._judge = OwnVoice()
        self._settings = OwnVoiceSettings()

    def own(self, text: str, language: Language, pcm: Pcm, start_ns: int, end_ns: int) -> str | None:
        """'own_words' or 'own_sound'; None: somebody else's. `end_ns`: the last voiced sample."""
        far = self._far.window(end_ns + AFTER_ROLL_NS, len(pcm) + LEAD_SAMPLES)
        verdict = self._judge.judge(text, pcm, far, self._spoken(), start_ns, end_ns)
        return None if verdict == "visitor" else verdict

    def sound(self, pcm: Pcm, end_ns: int) -> bool:
        """Whether `pcm` (n,), heard until `end_ns`, is nothing but what the loudspeaker played."""
        if len(pcm) < ONSET_S * MIC_RATE_HZ:
            return False
        return own_share(pcm, self._far.window(end_ns, len(pcm) + LEAD_SAMPLES)) >= self._settings.sound

    def tallies(self) -> dict[str, int]:
        return self._judge.tallies()
