"""Her own voice come back through the microphone: recent sound and words of hers, held against what was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from contracts.screen import Language
from kiosk.audio.ears import AFTER_ROLL_NS
from kiosk.audio.echo import FarEnd
from kiosk.audio.own_voice import LEAD_SAMPLES, OwnVoice, own_share
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.events import Pcm


class HerOwn:
    """Asked when a voice begins over her, and for every utterance. Safe on any thread."""

    def __init__(self, far: FarEnd, spoken: Callable[[], Sequence[SpokenSpan]]) -> None:
        self._far = far
        self._spoken = spoken
        self._judge = OwnVoice()

    def own(self, text: str, language: Language, pcm: Pcm, start_ns: int, end_ns: int) -> str | None:
        """'own_words' or 'own_sound'; None: somebody else's. `end_ns`: the last voiced sample."""
        far = self._far.window(end_ns + AFTER_ROLL_NS, len(pcm) + LEAD_SAMPLES)
        verdict = self._judge.judge(text, pcm, far, self._spoken(), start_ns, end_ns)
        return None if verdict == "visitor" else verdict

    def share(self, pcm: Pcm, end_ns: int) -> float:
        """How much of `pcm` (n,), heard until `end_ns`, follows what the loudspeaker played, 0 to 1."""
        return own_share(pcm, self._far.window(end_ns, len(pcm) + LEAD_SAMPLES))

    def tallies(self) -> dict[str, int]:
        return self._judge.tallies()
