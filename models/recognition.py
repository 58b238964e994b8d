"""What every recogniser hands back, whichever engine it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

Language = Literal["zh", "en"]


class UnwantedError(RuntimeError):
    """Given up in the middle because nobody waits for these words any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One reading of the sound."""

    text: str
    log_probability: float  # mean over its tokens, natural logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What was heard. `alternatives` are distinct, the best first, the best being `text`."""

    text: str
    language: Language
    language_probability: float  # of `language` against the other of the two; 1.0 where the caller chose it
    alternatives: tuple[Alternative, ...]
    no_speech_probability: float
    mean_log_probability: float
    foreign_probability: float = 0.0  # that it was neither language; 0 where the engine does not say
    truncated: bool = False  # the sound was longer than the engine's longest and its rest was not heard
    spared: bool = False  # it is unsure, and a second look at the sound was left out for haste


class SpeechModel(Protocol):
    """A recogniser; one thread calls it at a time."""

    def transcribe(
        self,
        pcm: npt.NDArray[np.int16],
        *,
        language: Language | None = None,
        beams: int = 5,
        prompt: str = "",
        hasty: bool = False,
        again: bool = False,
        wanted: Callable[[], bool] | None = None,
    ) -> Recognition:
        """The words in `pcm` (n,) int16 at 16 kHz, n may be 0. `hasty`: soon, at the price of unsure words.
        `again`: such a look spared a second one, which is wanted now and not the first once more.

        Raises UnwantedError where `wanted`, asked in between, says no; an engine may ask at the beginning alone.
        """


def nothing(language: Language) -> Recognition:
    """No words, surely."""
    return Recognition(
        text="", language=language, language_probability=0.5, alternatives=(),
        no_speech_probability=1.0, mean_log_probability=0.0,
    )  # fmt: skip
