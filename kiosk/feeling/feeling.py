"""Eight feelings with intensity, from words, voice and the turns before. Pure; one `Feelings` a visit, then forgotten.

The eight are Plutchik's ("The Nature of Emotions", 2001). Words come from closed lists (`words/*.txt`); the voice is
compared with the visitor's own first turns, not with other people's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Protocol, get_args

import numpy as np
import numpy.typing as npt

from contracts.handover import Emotion
from contracts.screen import Language

FOLDER: Final = Path(__file__).parent / "words"
EMOTIONS: Final[tuple[Emotion, ...]] = get_args(Emotion)
TEXT_LIMIT: Final = 400
NEUTRAL: Final = 0.2  # weaker than this nothing is felt
DECAY: Final = 0.5  # of a feeling from one turn to the next
MORE: Final = 0.15  # a second word of the same feeling adds so much
RISING: Final = 0.1
READ_FROM: Final = 0.45  # probability from which a trained reading counts where no word of feeling was said
VOICE_SHARE: Final = 0.3  # the voice strengthens what the words say by so much at most
BASELINE_TURNS: Final = 3
RATE_HZ: Final = 16_000
FRAME: Final = 640  # 40 ms
PITCH_HZ: Final = (70.0, 400.0)
VOICED: Final = 0.45  # of the frame's energy comes back one period later
SILENT: Final = 0.01  # of full scale, root mean square
LONGEST_S: Final = 8  # of a turn's sound; more says no more

_STRONGER: Final = {
    "zh": re.compile("太|非常|特别|极了|死了|真的|简直"),
    "en": re.compile(r"\b(?:very|so|really|extremely|totally)\b"),
}
_NOT: Final = {
    "zh": re.compile(r"(?:不|没|没有|别|不用|不会|不太)(?:是|那么|这么|再|觉得|感到)?$"),
    "en": re.compile(r"\b(?:not|never|no|don't|didn't|isn't|wasn't|nothing to be)(?: \w+)?\s*$"),
}

Rows = tuple[tuple[Emotion, float, re.Pattern[str]], ...]


class Reader(Protocol):
    """A trained reading of sentences that name no feeling (`models/feeling.py`): probability by feeling."""

    def read(self, text: str) -> Mapping[str, float]: ...


class FeelingWordsError(ValueError):
    """A list of words that cannot be used; the text names file and line."""


@cache
def load_words(language: Language, folder: Path = FOLDER) -> Rows:
    """(emotion, strength, pattern). Raises `FeelingWordsError`."""
    path = folder / f"{language}.txt"
    rows: list[tuple[Emotion, float, re.Pattern[str]]] = []
    now: Emotion | None = None
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("["):
            now = next((one for one in EMOTIONS if line.strip() == f"[{one}]"), None)
            if now is None:
                raise FeelingWordsError(f"{path}:{number}: want one of {', '.join(EMOTIONS)} in brackets")
            continue
        strength, _, pattern = line.partition("\t")
        try:
            value = float(strength)
            compiled = re.compile(pattern)
        except (ValueError, re.error) as err:
            raise FeelingWordsError(f"{path}:{number}: {err}") from err
        if now is None or not pattern or not 0 < value <= 1:
            raise FeelingWordsError(f"{path}:{number}: want strength (0..1], a tab and a pattern under an [emotion]")
        rows.append((now, value, compiled))
    return tuple(rows)


def from_words(text: str, language: Language) -> dict[Emotion, float]:
    """Intensity 0..1 of every emotion that the words show; those not shown are 0."""
    said = text[:TEXT_LIMIT].lower().replace("’", "'")
    felt: dict[Emotion, float] = dict.fromkeys(EMOTIONS, 0.0)
    for emotion, strength, pattern in load_words(language):
        for hit in list(pattern.finditer(said))[:4]:
            if _NOT[language].search(said[max(0, hit.start() - 16) : hit.start()]):
                continue
            felt[emotion] = max(felt[emotion], strength) + (MORE if felt[emotion] else 0.0)
    if _STRONGER[language].search(said):
        felt = {emotion: value * 1.15 for emotion, value in felt.items()}
    return {emotion: min(1.0, value) for emotion, value in felt.items()}


@dataclass(frozen=True, slots=True)
class VoiceMeasure:
    """Median pitch (0: none heard), root mean square of full scale, and bursts of voice a second."""

    pitch_hz: float
    energy: float
    rate_hz: float


def measure_voice(pcm: npt.NDArray[np.int16]) -> VoiceMeasure:
    """Pitch, energy and rate of `pcm` `(n,)` at 16 kHz; pitch by autocorrelation, frame by frame. Any n is accepted."""
    sound = pcm[: LONGEST_S * RATE_HZ].astype(np.float32) / 32768.0
    count = len(sound) // FRAME
    if count == 0:
        return VoiceMeasure(0.0, 0.0, 0.0)
    frames = sound[: count * FRAME].reshape(count, FRAME)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    loud = levels > SILENT
    if not loud.any():
        return VoiceMeasure(0.0, float(levels.mean()), 0.0)
    centred = frames[loud] - frames[loud].mean(axis=1, keepdims=True)
    spectrum = np.abs(np.fft.rfft(centred, 2 * FRAME, axis=1)) ** 2
    again = np.fft.irfft(spectrum, axis=1)[:, :FRAME]
    low, high = int(RATE_HZ / PITCH_HZ[1]), int(RATE_HZ / PITCH_HZ[0])
    window = again[:, low:high] / np.maximum(again[:, :1], 1e-9)
    best = window.argmax(axis=1)
    voiced = window.max(axis=1) > VOICED
    pitch = float(np.median(RATE_HZ / (best[voiced] + low))) if voiced.any() else 0.0
    # a burst begins where the level rises above its own running mean
    smooth = np.convolve(levels, np.ones(5) / 5, mode="same")
    above = levels > np.maximum(smooth, SILENT)
    bursts = int(np.count_nonzero(above[1:] & ~above[:-1]))
    return VoiceMeasure(pitch, float(levels[loud].mean()), bursts / (count * FRAME / RATE_HZ))


def arousal(now: VoiceMeasure, usual: VoiceMeasure) -> float:
    """-1 (subdued) .. 1 (stirred up) against the visitor's own usual voice; 0 where either has no pitch."""
    if now.pitch_hz <= 0 or usual.pitch_hz <= 0 or usual.energy <= 0 or now.energy <= 0:
        return 0.0
    higher = np.log2(now.pitch_hz / usual.pitch_hz) / 0.33  # four semitones count whole
    louder = 20 * np.log10(now.energy / usual.energy) / 8.0
    faster = (now.rate_hz / usual.rate_hz - 1.0) / 0.5 if usual.rate_hz > 0 else 0.0
    return float(np.clip(0.4 * higher + 0.4 * louder + 0.2 * faster, -1.0, 1.0))


@dataclass(frozen=True, slots=True)
class Feeling:
    """`strongest` is None when nothing is felt. `rising`: it grew since the turn before."""

    intensities: Mapping[Emotion, float]
    strongest: Emotion | None
    intensity: float
    rising: bool = False


class Feelings:
    """One visit's feelings, turn by turn. Holds numbers only, no words and no sound."""

    def __init__(self, reader: Reader | None = None) -> None:
        self._reader = reader
        self.forget()

    def forget(self) -> None:
        """The visit is over."""
        self._before: dict[Emotion, float] = dict.fromkeys(EMOTIONS, 0.0)
        self._voices: list[VoiceMeasure] = []

    def heard(self, text: str, language: Language, pcm: npt.NDArray[np.int16] | None = None) -> Feeling:
        """What is felt now: this turn's words, coloured by the voice, over what is left of the turns before."""
        stirred = self._stirred(pcm)
        named = self._read(text) | {name: value for name, value in from_words(text, language).items() if value}
        now = {emotion: _coloured(emotion, named.get(emotion, 0.0), stirred) for emotion in EMOTIONS}
        felt: dict[Emotion, float] = {}
        for emotion, value in now.items():
            left = DECAY * self._before[emotion]
            felt[emotion] = min(1.0, value + 0.5 * left) if value else left
        strongest = max(EMOTIONS, key=lambda emotion: felt[emotion])
        intensity = felt[strongest]
        rising = intensity >= NEUTRAL and intensity > self._before[strongest] + RISING
        self._before = felt
        return Feeling(felt, strongest if intensity >= NEUTRAL else None, intensity, rising)

    def _read(self, text: str) -> dict[Emotion, float]:
        """What the trained reading is sure enough of, and no more strongly than words would say it."""
        if self._reader is None:
            return {}
        shares = self._reader.read(text[:TEXT_LIMIT])
        return {name: 0.7 * shares.get(name, 0.0) for name in EMOTIONS if shares.get(name, 0.0) >= READ_FROM}

    def _stirred(self, pcm: npt.NDArray[np.int16] | None) -> float:
        if pcm is None:
            return 0.0
        measure = measure_voice(pcm)
        usual = self._usual()
        if len(self._voices) < BASELINE_TURNS and measure.pitch_hz > 0:
            self._voices.append(measure)
        return 0.0 if usual is None else arousal(measure, usual)

    def _usual(self) -> VoiceMeasure | None:
        if not self._voices:
            return None
        rows = np.array([(v.pitch_hz, v.energy, v.rate_hz) for v in self._voices])
        pitch, energy, rate = np.median(rows, axis=0)
        return VoiceMeasure(float(pitch), float(energy), float(rate))


def _coloured(emotion: Emotion, value: float, stirred: float) -> float:
    """A raised voice strengthens lively feelings, a subdued one sadness; a voice alone is no feeling."""
    sign = {"anger": 1.0, "fear": 1.0, "surprise": 1.0, "joy": 1.0, "sadness": -1.0}.get(emotion, 0.0)
    return min(1.0, max(0.0, value * (1.0 + VOICE_SHARE * sign * stirred)))
