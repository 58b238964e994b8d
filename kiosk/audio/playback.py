"""From speech to the loudspeaker, with the mouth on the loudspeaker's own clock.

What was *played* is the truth: positions, mouth and transcript follow samples that were audible.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from contracts.screen import LEVEL_FLOOR_DB, LEVEL_MS, SpeechClock, SpeechPlan, SpeechStopped, ToScreen
from contracts.speech import VisemeSpan
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.ports import Clock, Speaker

BLOCK_SAMPLES: Final = SPEECH_RATE_HZ // 25  # 40 ms: what a flush can leave behind is bounded by the device
CLOCK_S: Final = 0.1
POLL_S: Final = 0.01
STALLED_S: Final = 3.0
SPANS_KEPT: Final = 32  # clauses; about two minutes of her


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

    first_sample_ns: int | None = None  # of the answer: a filler is none
    filler_ns: int | None = None  # first sample of the filler, where there was one
    cached: bool = False  # the answer's first clause was rendered before it was wanted
    samples: int = 0
    spoken: int = 0
    silence_ns: int = 0  # the longest that she was silent because the next clause was not made yet
    holds: int = 0
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


def levels_of(pcm: Pcm) -> bytes:
    """Return how loud each LEVEL_MS of `pcm` (n,) is, as `SpeechPlan` wants it; the last one may be shorter."""
    step = SPEECH_RATE_HZ * LEVEL_MS // 1000
    if not len(pcm):
        return b""
    padded = np.zeros(-(-len(pcm) // step) * step, np.float32)
    padded[: len(pcm)] = pcm
    power = np.mean(np.square(padded.reshape(-1, step) / 32768.0), axis=1)
    decibels = 10 * np.log10(power + 1e-9)
    return bytes(np.clip((1 - decibels / LEVEL_FLOOR_DB) * 255, 0, 255).astype(np.uint8))


class _Script:
    """The chunks of one utterance, addressed by sample, and where its words begin."""

    def __init__(self) -> None:
        self.chunks: list[tuple[int, SpeechChunk]] = []
        self.samples = 0

    def add(self, chunk: SpeechChunk) -> None:
        self.chunks.append((self.samples, chunk))
        self.samples += len(chunk.pcm)

    @property
    def answer_start(self) -> int | None:
        """The first sample that belongs to the answer."""
        return next((start for start, chunk in self.chunks if not chunk.filler and len(chunk.pcm)), None)

    def block(self, at: int, samples: int) -> Pcm:
        """Up to `samples` from sample `at` on, of one chunk."""
        for start, chunk in self.chunks:
            if start <= at < start + len(chunk.pcm):
                return np.ascontiguousarray(chunk.pcm[at - start : at - start + samples])
        return np.zeros(0, np.int16)

    def word_at(self, sample: int) -> int:
        """Where the word that was being said at `sample` begins; the clause, where words are not known."""
        for start, chunk in reversed(self.chunks):
            if start <= sample:
                begun = [start + word for word in chunk.word_starts if start + word <= sample]
                return begun[-1] if begun else start
        return 0


class Playback:
    """Plays one utterance at a time."""

    def __init__(self, speaker: Speaker, clock: Clock, send: Callable[[ToScreen], None]) -> None:
        self._speaker = speaker
        self._clock = clock
        self._send = send
        self._now: Progress | None = None
        self._script = _Script()
        self._cursor = 0  # next sample of the script to be written
        self._origin = (0, 0)  # the device's sample count at which that sample of the script began
        self._flowing = asyncio.Event()
        self._name = ""
        self._said: deque[SpokenSpan] = deque(maxlen=SPANS_KEPT)
        self._unbroken = False

    @property
    def speaking(self) -> bool:
        """Whether she is audible, or about to be: not while she is held."""
        return self._now is not None and self._flowing.is_set()

    @property
    def held(self) -> bool:
        return self._now is not None and not self._flowing.is_set()

    def hold(self) -> None:
        """Silence at once; `resume` goes on at the word that was being said. Not of what is `unbroken`."""
        if not self.speaking or self._now is None or self._unbroken:
            return
        self._said += self._audible()
        self._flowing.clear()
        self._speaker.flush()
        self._now.samples = max(0, min(self._position(), self._script.samples))
        self._cursor = self._script.word_at(max(0, self._now.samples - 1))
        self._now.holds += 1
        self._send(SpeechStopped(self._name))

    def resume(self) -> None:
        """Go on after `hold`, from the beginning of the word in which she was stopped."""
        if self._now is None or self._flowing.is_set():
            return
        self._origin = (self._speaker.played().samples, self._cursor)
        self._name = f"{self._name.partition('.')[0]}.{self._now.holds}"  # the screen lets a stopped name rest
        for start, chunk in self._script.chunks:
            self._plan(start, chunk)
        self._flowing.set()

    def _position(self) -> int:
        """The sample of the script that is audible now."""
        device, script = self._origin
        return script + self._speaker.played().samples - device

    def spoken(self) -> list[SpokenSpan]:
        """Her last clauses and when each was audible, the one that is being said included."""
        return [*self._said, *self._audible()]

    def _audible(self) -> list[SpokenSpan]:
        """Clauses since the beginning or the last hold, as far as they were audible."""
        if not self.speaking:
            return []
        first, position = self._origin[1], min(self._position(), self._script.samples)
        began_ns = self._speaker.played().at_ns - (position - first) * 1_000_000_000 // SPEECH_RATE_HZ
        spans = []
        for start, chunk in self._script.chunks:
            lo, hi = max(first, start), min(position, start + len(chunk.pcm))
            if lo < hi:
                letters = [round(len(chunk.text) * (at - start) / len(chunk.pcm)) for at in (lo, hi)]
                times = [began_ns + (at - first) * 1_000_000_000 // SPEECH_RATE_HZ for at in (lo, hi)]
                spans.append(SpokenSpan(chunk.text[letters[0] : letters[1]], times[0], times[1]))
        return spans

    def forget(self) -> None:
        """What she said may have named the visitor's affairs."""
        self._said.clear()

    async def play(
        self,
        utterance: str,
        chunks: AsyncIterator[SpeechChunk],
        on_progress: Callable[[Progress], None],
        *,
        unbroken: bool = False,
    ) -> Progress:
        """Play all chunks and return when the last sample was audible. `unbroken`: for the hall, nobody holds it.

        Cancelling stops the sound and the mouth at once; what was audible until then is in the progress that
        `on_progress` last saw. `on_progress` is called at the first sample and about ten times a second.
        """
        progress = self._now = Progress()
        self._script, self._cursor, self._name, self._unbroken = _Script(), 0, utterance, unbroken
        self._origin = (self._speaker.played().samples, 0)
        self._flowing.set()
        follow = asyncio.create_task(self._follow(progress, on_progress), name="speech-clock")
        try:
            async for chunk in chunks:
                start = self._script.samples
                progress.silence_ns = max(progress.silence_ns, self._silent_ns())
                if self._script.answer_start is None and not chunk.filler:
                    progress.cached = chunk.cached
                self._script.add(chunk)
                progress.clauses.append((0 if chunk.filler else len(chunk.text), start, self._script.samples))
                self._plan(start, chunk)
                await self._write_all()
            while True:
                await self._write_all()
                if await self._until_played():
                    break
        except asyncio.CancelledError:
            self._speaker.flush()
            raise
        finally:
            follow.cancel()
            self._said += self._audible()
            progress.samples = progress.samples if self.held else self._position()
            progress.spoken = progress.spoken_at(progress.samples)
            on_progress(progress)
            self._send(SpeechStopped(self._name))
            self._now = None
        return progress

    def _silent_ns(self) -> int:
        """How long ago the last sample of the script was audible; 0 before the first, while she is held or goes on."""
        played = self._speaker.played()
        if not self._script.samples or self.held or self._position() < self._script.samples:
            return 0
        return max(0, self._clock.now_ns() - played.at_ns)

    def _plan(self, start: int, chunk: SpeechChunk) -> None:
        spans = tuple(VisemeSpan(s.viseme, s.start + start, s.end + start) for s in chunk.visemes)
        self._send(SpeechPlan(self._name, SPEECH_RATE_HZ, spans, start, levels_of(chunk.pcm)))

    async def _write_all(self) -> None:
        """Hand everything up to the script's end to the device, waiting while she is held."""
        while self._cursor < self._script.samples:
            await self._flowing.wait()
            block = self._script.block(self._cursor, BLOCK_SAMPLES)
            self._cursor += len(block)
            await self._speaker.write(block)

    async def _until_played(self) -> bool:
        """Wait until all is audible. False: she was held meanwhile, and there is something left to write.

        A device that stalls is waited for no longer than 3 s.
        """
        last, still_s = -1, 0.0
        while (now := self._position()) < self._script.samples or self.held:
            if self.held or self._cursor < self._script.samples:
                await self._flowing.wait()
                return False
            still_s = 0.0 if now != last else still_s + POLL_S
            if still_s > STALLED_S:
                return True
            last = now
            await self._clock.sleep(POLL_S)
        return True

    async def _follow(self, progress: Progress, on_progress: Callable[[Progress], None]) -> None:
        since_s = CLOCK_S
        while True:
            if self._flowing.is_set():
                since_s = self._report(progress, on_progress, since_s)
            await self._clock.sleep(POLL_S)
            since_s += POLL_S

    def _report(self, progress: Progress, on_progress: Callable[[Progress], None], since_s: float) -> float:
        played, position = self._speaker.played(), self._position()
        answer = self._script.answer_start
        if position > 0 and answer != 0 and progress.filler_ns is None:
            progress.filler_ns = played.at_ns - position * 1_000_000_000 // SPEECH_RATE_HZ
        if answer is not None and position > answer and progress.first_sample_ns is None:
            progress.first_sample_ns = played.at_ns - (position - answer) * 1_000_000_000 // SPEECH_RATE_HZ
            since_s = CLOCK_S
        if position <= 0 or since_s < CLOCK_S:
            return since_s
        self._send(SpeechClock(self._name, position, played.at_ns))
        progress.samples = position
        progress.spoken = progress.spoken_at(position)
        on_progress(progress)
        return 0.0
