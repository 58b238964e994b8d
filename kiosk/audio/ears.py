"""Microphone frames in, what the visitor's voice did out.

Frames pass the echo canceller, the voice activity model and the endpointer. What was said is kept in a ring
until the utterance ends; nothing is kept of sound that was not speech.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

import numpy as np

from config.schema import Hearing
from kiosk.audio.echo import Cleaned, EchoCanceller
from kiosk.audio.endpointing import Edge, Endpointer, EndpointSettings
from kiosk.events import (
    MIC_RATE_HZ,
    AudioFrame,
    BargeInConfirmed,
    Pcm,
    SpeechDied,
    SpeechStarted,
    UtteranceEnded,
)

BLOCK_SAMPLES = 512
NS_PER_SAMPLE = 1e9 / MIC_RATE_HZ


class VoiceActivity(Protocol):
    """Probability of voice in (512,) int16 at 16 kHz; keeps state between calls."""

    def probability(self, samples: Pcm) -> float: ...

    def reset(self) -> None: ...


VoiceEvent = SpeechStarted | BargeInConfirmed | SpeechDied | UtteranceEnded


def endpoint_settings(hearing: Hearing) -> EndpointSettings:
    return EndpointSettings(
        voice_on=hearing.voice_on,
        voice_off=hearing.voice_off,
        min_speech_ms=hearing.min_speech_ms,
        pause_ms=hearing.pause_ms,
        barge_in_ms=hearing.barge_in_ms,
        max_utterance_ms=int(hearing.max_utterance_s * 1000),
    )


class _Tape:
    """The last seconds of sound, addressed by time. Bounded: the longest utterance and its pre-roll."""

    def __init__(self, seconds: float) -> None:
        self._limit = int(seconds * MIC_RATE_HZ)
        self._blocks: deque[tuple[int, Pcm]] = deque()
        self._samples = 0

    def add(self, pcm: Pcm, end_ns: int) -> None:
        self._blocks.append((end_ns, pcm))
        self._samples += len(pcm)
        while self._samples > self._limit:
            self._samples -= len(self._blocks.popleft()[1])

    def clear(self) -> None:
        self._blocks.clear()
        self._samples = 0

    def cut(self, start_ns: int, end_ns: int) -> Pcm:
        """Sound from `start_ns` to `end_ns`, as whole blocks."""
        kept = [pcm for at, pcm in self._blocks if start_ns < at <= end_ns]
        return np.concatenate(kept) if kept else np.zeros(0, np.int16)


class Ears:
    """One visitor-facing microphone. `receptionist_speaking` is asked for every block."""

    def __init__(
        self,
        hearing: Hearing,
        voice: VoiceActivity,
        echo: EchoCanceller,
        receptionist_speaking: Callable[[], bool],
        is_open: Callable[[], bool],
    ) -> None:
        self._endpointer = Endpointer(endpoint_settings(hearing))
        self._voice = voice
        self._echo = echo
        self._speaking = receptionist_speaking
        self._pre_roll_ns = hearing.pre_roll_ms * 1_000_000
        self._tape = _Tape(hearing.max_utterance_s + 2)
        self._pending = np.zeros((2, 0), np.int16)  # detect, words
        self._is_open = is_open  # False: muted by the visitor, or nobody is here

    @property
    def in_speech(self) -> bool:
        return self._endpointer.in_speech

    def forget(self) -> None:
        """Hold nothing of what was heard so far."""
        self._tape.clear()
        self._endpointer.reset()
        self._voice.reset()

    async def hear(self, frames: AsyncIterator[AudioFrame]) -> AsyncIterator[VoiceEvent]:
        """Yield what the voice does, in order."""
        async for frame in frames:
            speaking = self._speaking()
            clean = self._echo.clean(frame.pcm, frame.at_ns)
            self._pending = np.concatenate((self._pending, (clean.detect, clean.words)), axis=1)
            while self._pending.shape[1] >= BLOCK_SAMPLES:
                block, self._pending = self._pending[:, :BLOCK_SAMPLES], self._pending[:, BLOCK_SAMPLES:]
                end_ns = frame.at_ns - int(self._pending.shape[1] * NS_PER_SAMPLE)
                for event in self._block(Cleaned(block[0], block[1]), end_ns, speaking=speaking):
                    yield event

    def _block(self, block: Cleaned, end_ns: int, *, speaking: bool) -> list[VoiceEvent]:
        if not self._is_open():
            self.forget()
            return []
        if speaking and not self._echo.full_duplex:
            self._voice.reset()
            probability = 0.0
        else:
            probability = self._voice.probability(block.detect)
        self._tape.add(block.words, end_ns)
        edges = self._endpointer.step(probability, end_ns, over_speech=speaking)
        return [self._event(edge, end_ns) for edge in edges]

    def _event(self, edge: Edge, decided_ns: int) -> VoiceEvent:
        match edge.kind:
            case "began":
                return SpeechStarted(edge.start_ns)
            case "barged_in":
                return BargeInConfirmed(edge.voice_ns)
            case "died":
                return SpeechDied(edge.voice_ns)
        # a little of the silence around the words helps the recogniser with first and last sounds
        pcm = self._tape.cut(edge.start_ns - self._pre_roll_ns, edge.voice_ns + 200_000_000)
        return UtteranceEnded(
            pcm=pcm,
            start_ns=edge.start_ns,
            end_ns=edge.voice_ns,
            decided_ns=decided_ns,
            capped=edge.kind == "capped",
        )
