"""From speech to the loudspeaker, with the mouth on the loudspeaker's own clock.

What was *played* is the truth: positions, mouth and transcript follow samples that were audible.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.screen import SpeechClock, SpeechPlan, SpeechStopped, ToScreen
from contracts.speech import VisemeSpan
from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.ports import Clock, Speaker

BLOCK_SAMPLES: Final = SPEECH_RATE_HZ // 25  # 40 ms: what a flush can leave behind is bounded by the device
CLOCK_S: Final = 0.1
POLL_S: Final = 0.01
STALLED_S: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechChunk:
    """One clause, ready to be played: (n,) int16 at 24 kHz and its mouth shapes from sample 0 of the clause."""

    text: str = field(repr=False)
    pcm: Pcm = field(repr=False, compare=False)
    visemes: tuple[VisemeSpan, ...] = ()
    cached: bool = False
    filler: bool = False  # 'one moment': not the answer, so the answer's first sample comes after it
    word_starts: tuple[int, ...] = ()  # samples where words begin: she goes on at one of them after a false alarm


@dataclass(slots=True)
class Progress:
    """How an utterance went. `spoken` counts the characters that were audible, clause by clause."""

    first_sample_ns: int | None = None
    samples: int = 0
    spoken: int = 0
    clauses: list[tuple[int, int, int]] = field(default_factory=list)  # characters, first and last+1 sample

    def spoken_at(self, samples: int) -> int:
        """Characters audible after `samples`, in proportion within the clause being spoken."""
        total = 0
        for characters, start, end in self.clauses:
            if samples >= end:
                total += characters
            elif samples > start:
                total += int(characters * (samples - start) / max(1, end - start))
        return total


class Playback:
    """Plays one utterance at a time."""

    def __init__(self, speaker: Speaker, clock: Clock, send: Callable[[ToScreen], None]) -> None:
        self._speaker = speaker
        self._clock = clock
        self._send = send
        self._now: Progress | None = None

    @property
    def speaking(self) -> bool:
        return self._now is not None

    async def play(
        self, utterance: str, chunks: AsyncIterator[SpeechChunk], on_progress: Callable[[Progress], None]
    ) -> Progress:
        """Play all chunks and return when the last sample was audible.

        Cancelling stops the sound and the mouth at once; what was audible until then is in the progress that
        `on_progress` last saw. `on_progress` is called at the first sample and about ten times a second.
        """
        progress = self._now = Progress()
        base = self._speaker.played().samples
        follow = asyncio.create_task(self._follow(utterance, base, progress, on_progress), name="speech-clock")
        try:
            written = 0
            async for chunk in chunks:
                spans = tuple(VisemeSpan(s.viseme, s.start + written, s.end + written) for s in chunk.visemes)
                self._send(SpeechPlan(utterance, SPEECH_RATE_HZ, spans))
                progress.clauses.append((len(chunk.text), written, written + len(chunk.pcm)))
                written += len(chunk.pcm)
                for start in range(0, len(chunk.pcm), BLOCK_SAMPLES):
                    await self._speaker.write(np.ascontiguousarray(chunk.pcm[start : start + BLOCK_SAMPLES]))
            await self._until_played(base + written)
        except asyncio.CancelledError:
            self._speaker.flush()
            raise
        finally:
            follow.cancel()
            played = self._speaker.played()
            progress.samples = played.samples - base
            progress.spoken = progress.spoken_at(progress.samples)
            on_progress(progress)
            self._send(SpeechStopped(utterance))
            self._now = None
        return progress

    async def _until_played(self, target: int) -> None:
        """Wait for the device to reach `target` samples; a device that stalls is waited for no longer than 3 s."""
        last, still_s = -1, 0.0
        while (now := self._speaker.played().samples) < target:
            still_s = 0.0 if now != last else still_s + POLL_S
            if still_s > STALLED_S:
                return
            last = now
            await self._clock.sleep(POLL_S)

    async def _follow(
        self, utterance: str, base: int, progress: Progress, on_progress: Callable[[Progress], None]
    ) -> None:
        since_s = CLOCK_S
        while True:
            played = self._speaker.played()
            samples = played.samples - base
            if samples > 0 and progress.first_sample_ns is None:
                progress.first_sample_ns = played.at_ns - samples * 1_000_000_000 // SPEECH_RATE_HZ
                since_s = CLOCK_S
            if samples > 0 and since_s >= CLOCK_S:
                self._send(SpeechClock(utterance, samples, played.at_ns))
                progress.samples = samples
                progress.spoken = progress.spoken_at(samples)
                on_progress(progress)
                since_s = 0.0
            await self._clock.sleep(POLL_S)
            since_s += POLL_S
