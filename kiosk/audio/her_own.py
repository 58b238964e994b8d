"""Her own voice come back through the microphone: recent sound and words of hers, held against what was heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from contracts.screen import Language
from kiosk.audio.ears import AFTER_ROLL_NS
from kiosk.audio.echo import FarEnd
from kiosk.audio.own_voice import LEAD_SAMPLES, OwnVoice, own_share
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.events import MIC_RATE_HZ, Pcm

QUIET: Final = 60  # largest sample: nothing is played
OUTLASTS: Final = 0.25  # of the energy comes while she is silent: so much is no echo
SHORT_SAMPLES: Final = 2 * MIC_RATE_HZ  # 1.5 s of voice and what is kept around it: easily alike by chance
OWN_SHARE: Final = 0.66  # of a short one, from which on it is hers
STEP: Final = MIC_RATE_HZ // 100
ECHO_STEPS: Final = 40  # 400 ms of the loudspeaker's and the room's delay


class HerOwn:
    """Asked when a voice begins over her, and for every utterance. Safe on any thread."""

    def __init__(self, far: FarEnd, spoken: Callable[[], Sequence[SpokenSpan]]) -> None:
        self._far = far
        self._spoken = spoken
        self._judge = OwnVoice()

    def own(self, text: str, language: Language, pcm: Pcm, start_ns: int, end_ns: int) -> str | None:
        """'own_words' or 'own_sound'; None: somebody else's. `end_ns`: the last voiced sample."""
        far = self._far.window(end_ns + AFTER_ROLL_NS, len(pcm) + LEAD_SAMPLES)
        if outlasts(pcm, far[len(far) - len(pcm) :]) >= OUTLASTS:
            return None
        verdict = self._judge.judge(text, pcm, far, self._spoken(), start_ns, end_ns)
        short = len(pcm) < SHORT_SAMPLES and verdict == "own_sound"
        return None if verdict == "visitor" or (short and own_share(pcm, far) < OWN_SHARE) else verdict

    def share(self, pcm: Pcm, end_ns: int) -> float:
        """How much of `pcm` (n,), heard until `end_ns`, follows what the loudspeaker played, 0 to 1."""
        return own_share(pcm, self._far.window(end_ns, len(pcm) + LEAD_SAMPLES))

    def tallies(self) -> dict[str, int]:
        return self._judge.tallies()


def outlasts(mic: Pcm, far: Pcm) -> float:
    """Share of the energy of `mic` that was heard after she had been silent for longer than an echo lasts.

    Both (n,) int16 at 16 kHz, of the same time.
    """
    steps = len(mic) // STEP
    energy = np.square(mic[: steps * STEP].astype(np.float64)).reshape(steps, STEP).sum(axis=1)
    loud = np.abs(far[: steps * STEP].astype(np.int32)).reshape(steps, STEP).max(axis=1) > QUIET
    last = np.maximum.accumulate(np.where(loud, np.arange(steps), -ECHO_STEPS - 1))
    silent = np.arange(steps) - last > ECHO_STEPS
    if loud.any():  # before her first sound of the stretch nothing is said by her silence
        silent[: int(loud.argmax())] = False
    return float(energy[silent].sum() / max(1.0, energy.sum()))
