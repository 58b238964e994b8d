"""Utterance in, words out: the recogniser on its own thread, with a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.dialogue.meaning import RecognitionError, Words
from kiosk.events import Pcm
from kiosk.runtime.worker import ModelThread

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


class SpeechModel(Protocol):
    def transcribe(self, pcm: Pcm) -> Recognition: ...


class ModelRecogniser:
    """A `Recogniser` over a blocking model."""

    def __init__(self, model: SpeechModel, thread: ModelThread) -> None:
        self._model = model
        self._thread = thread

    async def recognise(self, pcm: Pcm) -> Words:
        """Raises `RecognitionError` 'slow' after the deadline, 'failed' when the model breaks."""
        try:
            found = await asyncio.wait_for(self._thread.call(self._model.transcribe, pcm), DEADLINE_S)
        except TimeoutError as err:
            raise RecognitionError("slow") from err
        except RuntimeError as err:
            raise RecognitionError("failed") from err
        return Words(
            text=found.text,
            language=found.language,
            alternatives=tuple((other.text, other.log_probability) for other in found.alternatives[1:]),
            no_speech=found.no_speech_probability,
        )
