"""Utterance in, words out: the recogniser on its own thread, with a deadline."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.dialogue.meaning import RecognitionError, Words
from kiosk.events import Pcm
from kiosk.runtime.worker import ModelThread

# Whisper's own marks of a failed decoding (Radford et al. 2022, section 4.5): mean log probability, gzip ratio.
BELIEVED: Final = -1.0
REPETITIVE: Final = 2.4
LONG_ENOUGH_BYTES: Final = 24  # shorter texts do not pack whatever they say
DEADLINE_S: Final = 12.0  # longer than any utterance takes; a machine that needs more is said to be slow


class Alternative(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def log_probability(self) -> float: ...


class Recognition(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def language(self) -> Language: ...
    @property
    def alternatives(self) -> Sequence[Alternative]: ...
    @property
    def no_speech_probability(self) -> float: ...
    @property
    def mean_log_probability(self) -> float: ...


class SpeechModel(Protocol):
    def transcribe(self, pcm: Pcm, *, beams: int = 5) -> Recognition: ...


class ModelRecogniser:
    """A `Recogniser` over a blocking model."""

    def __init__(self, model: SpeechModel, thread: ModelThread) -> None:
        self._model = model
        self._thread = thread

    async def recognise(self, pcm: Pcm) -> Words:
        """Raises `RecognitionError` 'slow' after the deadline, 'failed' when the model breaks."""
        return await self._words(pcm, beams=5)

    async def glance(self, pcm: Pcm) -> Words:
        """The same, quicker and without second readings: for captions while the visitor speaks."""
        return await self._words(pcm, beams=1)

    async def _words(self, pcm: Pcm, *, beams: int) -> Words:
        try:
            async with asyncio.timeout(DEADLINE_S):
                found = await self._thread.call(self._model.transcribe, pcm, beams=beams)
        except TimeoutError as err:
            raise RecognitionError("slow") from err
        except RuntimeError as err:
            raise RecognitionError("failed") from err
        return Words(
            text=found.text,
            language=found.language,
            alternatives=tuple((other.text, other.log_probability) for other in found.alternatives[1:]),
            no_speech=found.no_speech_probability,
            clear=found.mean_log_probability >= BELIEVED and compression(found.text) <= REPETITIVE,
        )


def compression(text: str) -> float:
    """How much smaller the text becomes when packed: a recogniser that loops repeats itself."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if len(raw) >= LONG_ENOUGH_BYTES else 1.0
