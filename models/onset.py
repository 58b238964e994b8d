"""'Mm-hm', or the beginning of words? For the moment when somebody's voice begins while the receptionist speaks.

Trained and measured, not asked by the terminal: it is too often wrong to decide by (docs/hearing.md).

Listens to the first half second as it goes on and says how likely it is that the visitor wants to
speak. A hum, 'ok', a cough or a laugh is no wish to; anything that goes on is. What it hears with is
the recogniser's encoder on a window of 0.8 s, which tells sounds of speech apart for any voice; what it
decides with is a small perceptron of our own: `python -m models.train.onset` makes `weights/onset.npz`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from models.mel import log_mel
from models.sessions import open_session

Floats = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

RATE_HZ: Final = 16_000
LEAD_MS: Final = 96  # of sound before the first voiced block, which is handed over too
EARLIEST_MS: Final = 128  # of voice; before, nothing can be said
STEP_MS: Final = 64  # of voice between two decisions
LATEST_MS: Final = 640  # of voice: whoever speaks on for this long wants to speak
PATH_WEIGHTS: Final = Path(__file__).parent / "weights" / "onset.npz"

MEL_COLUMNS: Final = 80  # 0.8 s
_FRAME_SAMPLES: Final = 320  # of the encoder
_OUTPUT: Final = "cross_v_0"  # its last layer, turned for the decoder: (1, 8, 40, 64)
_WIDTH: Final = 512
_PARTS: Final = 3  # of the time so far, each with its own mean
TIMES: Final = 2
ROW: Final = (_PARTS + 2) * _WIDTH + TIMES


class OnsetWeightsError(ValueError):
    """The weights do not fit this code; the message says what to run."""


class SoundsOfSpeech:
    """The recogniser's encoder, for short sounds. About 10 ms a look; its own session, so any thread."""

    def __init__(self, whisper_folder: Path) -> None:
        self._encoder: Any = open_session(whisper_folder / "encoder.onnx", threads=1)

    def row(self, pcm: Pcm, voiced_ms: int) -> Floats:
        """(ROW,) of `pcm` (n,), from LEAD_MS before the voice until now: means over all, over thirds, and the end."""
        mel = log_mel(pcm, MEL_COLUMNS)
        (values,) = self._encoder.run([_OUTPUT], {"mel": mel})
        frames = np.asarray(values[0], np.float32).transpose(1, 0, 2).reshape(-1, _WIDTH)
        frames = frames[: max(_PARTS + 2, round(len(pcm) / _FRAME_SAMPLES))]
        parts = np.array_split(frames[2:], _PARTS)
        means = [frames[4:].mean(axis=0) if len(frames) > 4 else frames.mean(axis=0)]
        means += [part.mean(axis=0) for part in parts]
        means.append(frames[-2:].mean(axis=0))
        elapsed_ms = len(pcm) * 1000 // RATE_HZ - LEAD_MS
        times = np.array([voiced_ms / LATEST_MS, (elapsed_ms - voiced_ms) / 200], np.float32)
        return np.concatenate((*means, times))


class OnsetModel:
    """The network with its rule. Keeps nothing between calls.

    `budget`: share of backchannels that may stop her; more of them buys earlier stops for real words.
    One of those that the weights hold thresholds for, else the next smaller.
    """

    def __init__(self, whisper_folder: Path, path: Path = PATH_WEIGHTS, *, budget: float = 0.02) -> None:
        with np.load(path, allow_pickle=False) as stored:
            weights: dict[str, Any] = {name: stored[name].astype(np.float32) for name in stored.files}
        layers = sum(name.startswith("weight") for name in weights)
        if layers < 2 or weights["weight0"].shape[0] != ROW or not {"thresholds", "budgets"} <= set(weights):
            raise OnsetWeightsError(f"{path}: not weights of this network; run: python -m models.train.onset")
        self._layers = [(weights[f"weight{i}"], weights[f"bias{i}"]) for i in range(layers)]
        rank = int(np.searchsorted(weights["budgets"], budget + 1e-6)) - 1
        self._thresholds: Floats = weights["thresholds"][max(0, rank)]
        self._sounds = SoundsOfSpeech(whisper_folder)

    def interrupts(self, pcm: Pcm, voiced_ms: int) -> float:
        """Probability in [0, 1] that this is more than a backchannel.

        `pcm` (n,) at RATE_HZ: the echo-cancelled sound from LEAD_MS before the first voiced block until now;
        `voiced_ms`: how much of it was voice. 1 from LATEST_MS on, 0 before EARLIEST_MS.
        """
        if voiced_ms >= LATEST_MS:
            return 1.0
        if voiced_ms < EARLIEST_MS:
            return 0.0
        return chance(self._layers, self._sounds.row(pcm, voiced_ms))

    def stops(self, pcm: Pcm, voiced_ms: int) -> bool:
        """The rule: whether she should stop now. Ask every STEP_MS of voice; the first yes counts."""
        return self.interrupts(pcm, voiced_ms) >= self.threshold(voiced_ms)

    def threshold(self, voiced_ms: int) -> float:
        """The probability that is enough after so much voice; learnt, so that few backchannels reach it."""
        index = max(0, min(len(self._thresholds) - 1, (voiced_ms - EARLIEST_MS) // STEP_MS))
        return float(self._thresholds[index])


def chance(layers: list[tuple[Floats, Floats]], row: Floats) -> float:
    """A linear projection, then rectified layers, then a probability. Weights (in, out), biases (out,)."""
    (weight, bias), *others = layers
    value = row @ weight + bias
    for i, (weight, bias) in enumerate(others):
        value = value @ weight + bias
        if i < len(others) - 1:
            value = np.maximum(value, 0)
    return float(1 / (1 + np.exp(-np.clip(float(value[0]), -40, 40))))
