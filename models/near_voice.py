"""Is the person in front speaking now? Not babble, not the room, not what is left of the receptionist's own voice.

silero knows speech from noise, but babble and her echo are speech too. This network hears, every 32 ms, the
microphone, both cancellers' outputs and what the loudspeaker played, as mel bands, beside silero's two opinions, and
carries a memory along (a gated recurrent unit): the room's floor and how much of her gets through are learnt while
it listens. Weights are this project's own (`python -m models.train.near_voice`).
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from models.bands import slaney_bank

Floats = npt.NDArray[np.float32]
Pcm = npt.NDArray[np.int16]

PATH_WEIGHTS: Final = Path(__file__).parent / "weights" / "near_voice.npz"
RATE_HZ: Final = 16_000
BLOCK_SAMPLES: Final = 512
HOP_SAMPLES: Final = 256
BANDS: Final = 24
SIGNALS: Final = 4  # microphone, least echo, least distortion, loudspeaker
COLUMNS: Final = BLOCK_SAMPLES // HOP_SAMPLES
OPINIONS: Final = 2  # silero on the least echo, and on the least distortion
HEARD: Final = SIGNALS * COLUMNS * BANDS + OPINIONS
MICROPHONES: Final = SIGNALS - 1
INPUTS: Final = HEARD + BANDS + MICROPHONES * BANDS  # how loud her echo may still be, and what is louder than that
DECAY: Final = 0.25  # of its logarithm per block: a room whose echo falls by 60 dB within 0.77 s
HER_FROM: Final = -6.0  # logarithm of a band's power, from which on she is heard in it
USUAL: Final = np.array([[0.3], [-1.2], [-0.7]], np.float32)  # how she comes through before anything is known
RISE, FALL = 0.05, 0.0125  # of it per block: the quantile 0.8, 10 dB in 0.6 s
QUIETEST: Final = 1e-9  # of a band's power at full scale 1: the microphone's own noise is above it

_FULL_SCALE: Final = np.float32(32768)
_HANN: Final = np.hanning(BLOCK_SAMPLES + 1)[:-1].astype(np.float32)
_BANK: Final = slaney_bank(BANDS, BLOCK_SAMPLES, RATE_HZ) * 100


class Bands:
    """Mel bands of the four signals, block by block; remembers half a block of each."""

    def __init__(self) -> None:
        self._before = np.zeros((SIGNALS, HOP_SAMPLES), np.float32)

    def of(self, block: Pcm) -> Floats:
        """(SIGNALS, 512) int16 → (SIGNALS · COLUMNS · BANDS,) logarithms of power."""
        sound = np.concatenate((self._before, block.astype(np.float32) / _FULL_SCALE), axis=1)
        self._before = sound[:, -HOP_SAMPLES:]
        columns = np.stack([sound[:, at : at + BLOCK_SAMPLES] for at in (0, HOP_SAMPLES)], axis=1)
        power = np.abs(np.fft.rfft(columns * _HANN, axis=2)).astype(np.float32) ** 2
        return np.asarray(np.log10(power @ _BANK.T + np.float32(QUIETEST)).reshape(-1), np.float32)


class Echo:
    """What of her may still be heard, and how much louder the three signals are than she usually comes through.

    Her echo comes up to 0.2 s later than it is played and fades with the room, so the loudspeaker's loudest moment in
    each band is remembered and fades. How much of that reaches a signal is followed as a high quantile (a sign
    update), which a visitor who speaks for a while hardly moves. For `scenes` streams at once; pure but for its state.
    """

    def __init__(self, scenes: int = 1) -> None:
        self._far = np.full((scenes, BANDS), np.log10(QUIETEST), np.float32)
        self._usual = np.zeros((scenes, MICROPHONES, BANDS), np.float32) + USUAL

    def of(self, heard: Floats) -> Floats:
        """(scenes, HEARD) → (scenes, BANDS + MICROPHONES · BANDS)."""
        loudest = heard[:, : SIGNALS * COLUMNS * BANDS].reshape(-1, SIGNALS, COLUMNS, BANDS).max(axis=2)
        self._far = np.maximum(loudest[:, -1], self._far - np.float32(DECAY))
        heard_her = (self._far > HER_FROM)[:, None]
        through = loudest[:, :MICROPHONES] - self._far[:, None]
        more = np.where(heard_her, np.clip(through - self._usual, -3, 3), 0)
        self._usual += np.where(heard_her, np.where(through > self._usual, RISE, -FALL), 0).astype(np.float32)
        found = np.concatenate((self._far, more.reshape(len(heard), -1)), axis=1)
        return np.asarray(found, np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """`shift`, `scale` (INPUTS,): makes inputs about -1 to 1. `inner (INPUTS, e)`, then the unit's three gates
    `gates (e + h, 2h)` (update, reset) and `fresh (e + h, h)`, then `out (h,)`."""

    shift: Floats
    scale: Floats
    inner: Floats
    inner_bias: Floats
    gates: Floats
    gates_bias: Floats
    fresh: Floats
    fresh_bias: Floats
    out: Floats
    out_bias: Floats

    @classmethod
    def load(cls, path: Path = PATH_WEIGHTS) -> Weights:
        """Raises `ValueError` naming the file where it is not what it should be."""
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = cls(**{name: stored[name].astype(np.float32) for name in stored.files})
        except (OSError, TypeError, ValueError, zipfile.BadZipFile) as err:
            raise ValueError(f"{path}: not the weights of the near voice: {err}") from err
        if found.inner.shape[0] != INPUTS or found.gates.shape[1] != 2 * len(found.out):
            raise ValueError(f"{path}: weights of another shape: {found.inner.shape}, {found.gates.shape}")
        return found


class Opinion(Protocol):
    """Voice activity of one signal, as `models.silero.SileroVad`."""

    def probability(self, samples: Pcm) -> float: ...

    def reset(self) -> None: ...


class NearVoice:
    """One stream. Not for two at once, nor on two threads.

    `least_echo`, `least_distortion`: voice activity on those two signals; each keeps a state of its own.
    """

    def __init__(self, weights: Weights, least_echo: Opinion, least_distortion: Opinion) -> None:
        self._w = weights
        self._opinions = (least_echo, least_distortion)
        self._echo = Echo()  # of the terminal and its room, not of a visitor: kept
        self.reset()

    def reset(self) -> None:
        """Forget everything heard; how she usually comes through is kept."""
        for opinion in self._opinions:
            opinion.reset()
        self._bands = Bands()
        self._memory = np.zeros(len(self._w.out), np.float32)

    def probability(self, block: Pcm) -> float:
        """Chance in [0, 1] that the person in front speaks in this block.

        `block` (4, 512) int16 at RATE_HZ: microphone, least echo, least distortion, loudspeaker, following those of
        the call before. Raises `ValueError` for another shape.
        """
        if block.shape != (SIGNALS, BLOCK_SAMPLES):
            raise ValueError(f"a block is ({SIGNALS}, {BLOCK_SAMPLES}), not {block.shape}")
        w, memory = self._w, self._memory
        opinions = [opinion.probability(block[1 + place]) for place, opinion in enumerate(self._opinions)]
        heard = np.concatenate((self._bands.of(block), np.array(opinions, np.float32)))
        heard = np.concatenate((heard, self._echo.of(heard[None])[0]))
        inner = np.tanh(((heard - w.shift) * w.scale) @ w.inner + w.inner_bias)
        gates = _sigmoid(np.concatenate((inner, memory)) @ w.gates + w.gates_bias)
        update, reset = gates[: len(memory)], gates[len(memory) :]
        fresh = np.tanh(np.concatenate((inner, reset * memory)) @ w.fresh + w.fresh_bias)
        self._memory = (1 - update) * memory + update * fresh
        return float(_sigmoid(self._memory @ w.out + w.out_bias))


def _sigmoid(value: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))), np.float32)
