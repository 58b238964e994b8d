"""Is this her own voice? What the microphone heard against what the loudspeaker played, by how both swell and fade.

It does not trust the cancellers: where they leave something of her, its loudness still follows hers in every band.
Beside the comparison of words (`kiosk/dialogue/own_words.py`) it is the second defence against answering oneself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from kiosk.dialogue.own_words import SpokenSpan, own_words, sounds
from kiosk.events import MIC_RATE_HZ, Pcm

WINDOW: Final = 512  # 32 ms
HOP: Final = 160  # 10 ms
LONGEST_LAG: Final = 40  # hops: 400 ms of the loudspeaker's and the room's delay
LEAD_SAMPLES: Final = LONGEST_LAG * HOP  # of the far end before the microphone's stretch
EDGES_HZ: Final = (150, 300, 450, 650, 900, 1200, 1600, 2100, 2800, 3700, 5000, 7000)
QUIET_RMS: Final = 30.0  # far end below it: nothing was played
SHORTEST_S: Final = 0.3  # of common sound
Bands = npt.NDArray[np.float64]


def own_share(mic: Pcm, far: Pcm) -> float:
    """0..1: how far the loudness of `mic` follows that of `far`, over lags of 0 to 400 ms.

    Both (n,) int16 at 16 kHz, of the same stretch of time; `far` may begin up to 400 ms earlier, if both end together.
    About 1 for her echo, less the more somebody else speaks into it, about 0 for somebody else alone. The correlation
    of band loudness (square root of energy, which keeps soft parts from vanishing) is averaged by the energy of the
    microphone's bands, so that what is loud at the microphone has to be hers.
    """
    if len(mic) < SHORTEST_S * MIC_RATE_HZ or float(np.sqrt(np.mean(np.square(far, dtype=np.float64)))) < QUIET_RMS:
        return 0.0
    early = max(0, len(far) - len(mic))
    heard, played = bands(mic), bands(far)
    weights = heard.var(axis=0)
    if not weights.sum():
        return 0.0
    best = 0.0
    for lag in range(-2, LONGEST_LAG + 1):
        start = early // HOP - lag  # of the played frames that belong to the first heard one
        first, last = max(0, -start), min(len(heard), len(played) - start)
        if last - first < SHORTEST_S * MIC_RATE_HZ / HOP:
            continue
        alike = _correlation(heard[first:last], played[first + start : last + start])
        best = max(best, float((alike * weights).sum() / weights.sum()))
    return best


def bands(pcm: Pcm) -> Bands:
    """(frames, 11): loudness by band, every 10 ms; a little of each frame lingers, as it does in a room."""
    count = max(0, (len(pcm) - WINDOW) // HOP + 1)
    frames = pcm[np.arange(count)[:, None] * HOP + np.arange(WINDOW)].astype(np.float32)
    spectrum = np.abs(np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)) ** 2
    edges = [round(hz * WINDOW / MIC_RATE_HZ) for hz in EDGES_HZ]
    energy = np.stack([spectrum[:, lo:hi].sum(axis=1) for lo, hi in pairwise(edges)], axis=1)
    return np.asarray(np.sqrt(energy), np.float64)


def _correlation(a: Bands, b: Bands) -> Bands:
    """(bands,) Pearson's, 0 where one of them does not move or they move against each other."""
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    scale = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    return np.asarray(np.maximum(0.0, (a * b).sum(axis=0) / np.maximum(scale, 1e-9)), np.float64)


Verdict = Literal["visitor", "own_words", "own_sound"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnVoiceSettings:
    """From which share on something is hers; `python -m bench echo` measures both, each alone."""

    words: float = 0.6
    sound: float = 0.48
    # One or two words are easily hers by chance, or repeat her: then the sound has to point the same way.
    few_words: int = 2
    sound_with_few: float = 0.4


class OwnVoice:
    """Both comparisons together: either is enough to throw an utterance away."""

    def __init__(self, settings: OwnVoiceSettings | None = None) -> None:
        self._settings = settings or OwnVoiceSettings()
        self._tallies: dict[Verdict, int] = {"visitor": 0, "own_words": 0, "own_sound": 0}

    def judge(
        self, heard: str, pcm: Pcm, far: Pcm, spoken: Sequence[SpokenSpan], start_ns: int, end_ns: int
    ) -> Verdict:
        """Who said `heard`, recognised in `pcm` (n,) of `start_ns` to `end_ns`.

        `far`: `FarEnd.window(t, n + LEAD_SAMPLES)`, t being when `pcm` ends. `spoken`: her clauses of the last half
        minute, the one she was stopped in included.
        """
        verdict = self._verdict(own_words(heard, spoken, start_ns, end_ns), len(sounds(heard)), own_share(pcm, far))
        self._tallies[verdict] += 1
        return verdict

    def _verdict(self, words: float, count: int, sound: float) -> Verdict:
        settings = self._settings
        if sound >= settings.sound:
            return "own_sound"
        needed = settings.sound_with_few if count <= settings.few_words else 0.0
        return "own_words" if words >= settings.words and sound >= needed else "visitor"

    def tallies(self) -> dict[str, int]:
        return {f"judged_{verdict}": count for verdict, count in self._tallies.items()}
