"""How near a voice sounds: level, brightness, and how much of the room is mixed into it.

Somebody at arm's length is loud over the room, bright, and dry; somebody across the lobby, or a
loudspeaker in the ceiling, is carried by the room's echoes: syllables end slowly, gaps fill up, the
pulses of the voice are smeared. None of it is proof alone; `Nearness` weighs them, with weights learnt
by `python -m models.train.addressee`.
"""

from __future__ import annotations

import itertools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.bands import frames_of

Floats = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

RATE_HZ: Final = 16_000
FEATURES: Final = (
    "level_db", "over_background_db", "tilt_db", "fall_db", "rise_over_fall_db", "range_db", "modulation_db",
    "kurtosis", "band_fall_db",
)  # fmt: skip
# What an utterance is compared with the visit's own voice by. Babble blurs all of it, so each of the four that
# matter most also counts by how quiet the room is; likeness also by how long the utterance was.
LATER: Final = (
    "near", "louder_db", "brighter_db", "falls_db", "band_falls_db", "modulation_db", "pulses",
    "likeness", "likeness_long", "seconds", "quiet", "near_quiet", "band_falls_quiet", "pulses_quiet", "likeness_quiet",
)  # fmt: skip
PATH_WEIGHTS: Final = Path(__file__).parent / "weights" / "addressee.toml"
SHORTEST_S: Final = 0.2  # below, nothing is measured
LONGEST_S: Final = 6.0
SILENT_DBFS: Final = -90.0
QUIETER_DB: Final = 2.0  # within one visit nobody is thought further away for so little
LESS_NEAR: Final = 2.0  # log odds of being near, likewise
FURTHER: Final = 1.5  # log odds for each dB, or log odds, beyond both

_WINDOW: Final = 400
_HOP: Final = 160
_FFT: Final = 512
_FULL_SCALE: Final = np.float32(32768)
_HANN: Final = np.hanning(_WINDOW + 1)[:-1].astype(np.float32)
_BINS_HZ: Final = np.fft.rfftfreq(_FFT, 1 / RATE_HZ)
_BAND_EDGES_HZ: Final = (300, 500, 800, 1200, 1800, 2600, 3800, 5500)
_ACTIVE_DB: Final = 15.0  # below the loud columns: still a syllable
_DROP_COLUMNS: Final = 4  # 40 ms, over which a fall is measured
_LPC_ORDER: Final = 12


def level_dbfs(pcm: Pcm) -> float:
    """Root mean square of `pcm` (n,) under full scale; SILENT_DBFS for silence."""
    if not len(pcm):
        return SILENT_DBFS
    mean = float(np.mean((pcm.astype(np.float32) / _FULL_SCALE) ** 2))
    return max(SILENT_DBFS, 10 * float(np.log10(max(mean, 1e-12))))


def measure(pcm: Pcm, background_dbfs: float) -> Floats | None:
    """(len(FEATURES),) of an utterance `pcm` (n,) at RATE_HZ; None where it is too short or silent.

    `background_dbfs`: level of the room while nobody spoke to us, as `level_dbfs` gives it.
    """
    sound = pcm[-int(LONGEST_S * RATE_HZ) :].astype(np.float32) / _FULL_SCALE
    if len(sound) < SHORTEST_S * RATE_HZ or level_dbfs(pcm) <= SILENT_DBFS:
        return None
    frames = frames_of(sound, _WINDOW, _HOP)
    power = np.abs(np.fft.rfft(frames * _HANN, _FFT, axis=1)) ** 2
    bands = np.stack([_band(power, lo, hi) for lo, hi in itertools.pairwise(_BAND_EDGES_HZ)], axis=1)
    whole_db = _db(bands.sum(axis=1))
    loud_db = float(np.percentile(whole_db, 95))
    active = whole_db > loud_db - _ACTIVE_DB
    level_db = 10 * float(np.log10(max(float((frames[active] ** 2).mean()), 1e-12)))
    fall_db, rise_db = _slopes(whole_db, active)
    band_falls = [_slopes(_db(bands[:, i]), active)[0] for i in range(bands.shape[1])]
    values = (
        level_db,
        level_db - background_dbfs,
        _tilt_db(power[active]),
        fall_db,
        rise_db - fall_db,
        loud_db - float(np.percentile(whole_db, 20)),
        _modulation_db(bands),
        _kurtosis(frames[active]),
        float(np.mean(band_falls)),
    )
    return np.array(values, np.float32)


def _db(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-10)), np.float32)


def _band(power: Floats, low_hz: float, high_hz: float) -> Floats:
    return np.asarray(power[:, (low_hz <= _BINS_HZ) & (high_hz > _BINS_HZ)].sum(axis=1), np.float32)


def _tilt_db(power: Floats) -> float:
    """Energy of 2 to 6 kHz over that of 200 Hz to 1 kHz, in dB."""
    high, low = float(_band(power, 2000, 6000).sum()), float(_band(power, 200, 1000).sum())
    return 10 * float(np.log10(max(high, 1e-10) / max(low, 1e-10)))


def _slopes(level: Floats, active: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """The steepest tenth of falls and of rises over 40 ms, each in dB: reverberation slows the falls alone."""
    change = level[_DROP_COLUMNS:] - level[:-_DROP_COLUMNS]
    falls = -change[active[:-_DROP_COLUMNS]]
    rises = change[active[_DROP_COLUMNS:]]
    if len(falls) < 5 or len(rises) < 5:
        return 0.0, 0.0
    return float(np.percentile(falls, 92)), float(np.percentile(rises, 92))


def _modulation_db(bands: Floats) -> float:
    """Slow (2 to 10 Hz, syllables) over fast (15 to 45 Hz, smear) change of the bands' envelopes, in dB.

    After the speech-to-reverberation modulation energy ratio (Falk, Zheng, Chan 2010), with plain bands.
    """
    envelope = np.sqrt(bands)
    envelope = envelope - envelope.mean(axis=0)
    size = max(64, 1 << (len(envelope) - 1).bit_length())
    spectrum = (np.abs(np.fft.rfft(envelope * np.hanning(len(envelope))[:, None], size, axis=0)) ** 2).sum(axis=1)
    rates_hz = np.fft.rfftfreq(size, _HOP / RATE_HZ)
    slow = spectrum[(rates_hz >= 2) & (rates_hz < 10)].sum()
    fast = spectrum[(rates_hz >= 15) & (rates_hz < 45)].sum()
    return 10 * float(np.log10(max(float(slow), 1e-12) / max(float(fast), 1e-12)))


def _kurtosis(frames: Floats) -> float:
    """Log of the mean kurtosis of the voice's pulses (residual of linear prediction): echoes make it small.

    Gillespie, Malvar, Florêncio 2001.
    """
    windowed = frames[:: max(1, len(frames) // 60)] * _HANN
    spectrum = np.abs(np.fft.rfft(windowed, 1024, axis=1)) ** 2
    lags = np.fft.irfft(spectrum, axis=1)[:, : _LPC_ORDER + 1]
    lags[:, 0] *= 1.0001
    lags[:, 0] += 1e-9
    index = np.abs(np.arange(_LPC_ORDER)[:, None] - np.arange(_LPC_ORDER)[None])
    weights = np.linalg.solve(lags[:, index], lags[:, 1:, None])[:, :, 0]
    residual = windowed[:, _LPC_ORDER:].copy()
    for k in range(_LPC_ORDER):
        residual -= weights[:, k : k + 1] * windowed[:, _LPC_ORDER - 1 - k : windowed.shape[1] - 1 - k]
    square = residual**2
    ratio = (square**2).mean(axis=1) / np.maximum(square.mean(axis=1) ** 2, 1e-20)
    return float(np.log(max(float(np.mean(ratio)), 1e-3)))


# ------------------------------------------------------------------ weighing
class WeightsError(ValueError):
    """The weights do not fit this code; the message says what to run."""


@dataclass(frozen=True, slots=True)
class Logit:
    """A logistic regression: log odds of a row of features."""

    weights: Floats  # (n,)
    bias: float
    threshold: float = 0.0  # odds at which, in training, 2 % of what was meant for us were lost

    def odds(self, row: Floats) -> float:
        """Natural log of the odds, for `row` (n,)."""
        return float(row @ self.weights) + self.bias


def first_row(sound: Floats) -> Floats:
    """What is weighed while no voice is known: all but the absolute level, which the microphone's gain decides."""
    return np.asarray(np.append(sound[1:], sound[1] * sound[7] / 20), np.float32)


def later_row(sound: Floats, usual: Floats, near: float, likeness: float, seconds: float) -> Floats:
    """What is weighed once the visit's voice is known. `usual`: mean of its utterances' features."""
    apart = sound - usual
    length = min(seconds, 3.0)
    quiet = float(np.clip(sound[1] / 20, 0.0, 1.5))
    values = (
        near, apart[0], apart[2], apart[3], apart[8], apart[6], apart[7], likeness, likeness * length, length,
        quiet, near * quiet, apart[8] * quiet, apart[7] * quiet, likeness * quiet,
    )  # fmt: skip
    return np.array(values, np.float32)


def further(sound: Floats, usual: Floats, near: float, usually_near: float) -> float:
    """Log odds against the visitor, who is quieter than usual *and* less near: across the room, not softly spoken.

    Who turns away or drops the voice changes one of the two, or both a little. In a noisy room neither is known well
    enough. Chosen on the development scenes, where a bystander of a like voice passed for the visitor.
    """
    quieter_db, less_near = float(usual[0] - sound[0]) - QUIETER_DB, usually_near - near - LESS_NEAR
    quiet = float(np.clip(sound[1] / 20, 0.0, 1.0))
    return FURTHER * quiet * max(0.0, min(quieter_db, less_near))


class Nearness:
    """The learnt weights, ready to be asked. Raises WeightsError for a file of another version."""

    def __init__(self, path: Path = PATH_WEIGHTS) -> None:
        document = tomllib.loads(path.read_text("utf-8"))
        self._first = _logit(document.get("first", {}), len(FEATURES), path)
        self._later = _logit(document.get("later", {}), len(LATER), path)
        self.near_threshold = self._first.threshold
        self.same_threshold = self._later.threshold

    def measure(self, pcm: Pcm, background_dbfs: float) -> Floats | None:
        """Features of an utterance, see `measure`; None where there is too little."""
        return measure(pcm, background_dbfs)

    def near(self, sound: Floats) -> float:
        """Log odds that this was said in front of the terminal rather than across the room."""
        return self._first.odds(first_row(sound))

    def same(self, sound: Floats, usual: Floats, likeness: float, seconds: float) -> float:
        """Log odds that the visitor said this, whose utterances usually measure `usual`.

        `likeness`: cosine of the utterance's voice with the visit's; `seconds` of speech in it.
        """
        near = self.near(sound)
        odds = self._later.odds(later_row(sound, usual, near, likeness, seconds))
        return odds - further(sound, usual, near, self.near(usual))


def _logit(table: dict[str, Any], width: int, path: Path) -> Logit:
    weights = np.array(table.get("weights", ()), np.float32)
    if weights.shape != (width,) or "bias" not in table:
        raise WeightsError(f"{path}: not {width} weights and a bias; run: python -m models.train.addressee")
    return Logit(weights, float(table["bias"]), float(table.get("threshold", 0.0)))
