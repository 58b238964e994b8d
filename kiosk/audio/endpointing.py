"""Deciding that the visitor began to speak, speaks over the receptionist, and has finished.

Pure: takes the probability of voice of each block and the time of its end, nothing else; no clock, no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

BLOCK_MS = 32  # silero's window: 512 samples at 16 kHz
MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    voice_on: float
    voice_off: float
    min_speech_ms: int
    pause_ms: int
    barge_in_ms: int
    max_utterance_ms: int


@dataclass(frozen=True, slots=True)
class Edge:
    """Something the voice did. `voice_ns`: first voiced sample for `began`, last one for the others."""

    kind: Literal["began", "barged_in", "died", "ended", "capped"]
    voice_ns: int
    start_ns: int


class Endpointer:
    """A voice that is on, off, or being waited for.

        probability  __--~~~~~~~~--__________
                       |began        |last   |ended (pause_ms after the last voiced block)

    While the receptionist speaks, a voice shorter than `barge_in_ms` dies without having been an utterance.
    """

    def __init__(self, settings: EndpointSettings) -> None:
        self._set = settings
        self.reset()

    def reset(self) -> None:
        """Wait for a voice anew."""
        self._start_ns: int | None = None
        self._last_ns = 0
        self._run_ms = 0.0
        self._began = False
        self._confirmed = False
        self._voiced_over_ms = 0.0

    @property
    def in_speech(self) -> bool:
        return self._began

    def step(self, probability: float, end_ns: int, *, over_speech: bool) -> Iterator[Edge]:
        """Take one block that ended at `end_ns`; `over_speech`: the receptionist is talking. Yields what happened."""
        voiced = probability >= (self._set.voice_off if self._began else self._set.voice_on)
        if self._start_ns is None:
            if not voiced:
                return
            self._start_ns = end_ns - BLOCK_MS * MS
        if voiced:
            self._last_ns = end_ns
            self._run_ms += BLOCK_MS
            if over_speech:
                self._voiced_over_ms += BLOCK_MS
        if not self._began:
            yield from self._waiting(end_ns)
            return
        yield from self._speaking(end_ns, over_speech=over_speech)

    def _waiting(self, end_ns: int) -> Iterator[Edge]:
        assert self._start_ns is not None
        if self._run_ms >= self._set.min_speech_ms:
            self._began = True
            yield Edge("began", self._start_ns, self._start_ns)
        elif end_ns - self._last_ns >= 4 * BLOCK_MS * MS:  # a click: voice for a moment, then 128 ms of nothing
            self.reset()

    def _speaking(self, end_ns: int, *, over_speech: bool) -> Iterator[Edge]:
        assert self._start_ns is not None
        start_ns, last_ns = self._start_ns, self._last_ns
        if over_speech and not self._confirmed and self._voiced_over_ms >= self._set.barge_in_ms:
            self._confirmed = True
            yield Edge("barged_in", last_ns, start_ns)
        if end_ns - start_ns >= self._set.max_utterance_ms * MS:
            self.reset()
            yield Edge("capped", last_ns, start_ns)
        elif end_ns - last_ns >= self._set.pause_ms * MS:
            died = over_speech and not self._confirmed
            self.reset()
            yield Edge("died" if died else "ended", last_ns, start_ns)
