"""The real microphone and loudspeaker of a sound card.

The card calls back on a thread of its own; nothing there waits, allocates much or takes the event loop.
A device that goes away raises `DeviceLost`; whoever opened it tries again.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Final

import numpy as np

from kiosk.adapters.card_formats import Format
from kiosk.adapters.portaudio import CardStream
from kiosk.audio.drift import DeviceClock
from kiosk.audio.echo import PLAYED_BLOCK_SAMPLES
from kiosk.audio.resample import Resampler
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame, Pcm
from kiosk.ports import DeviceLost, Played
from kiosk.runtime.buffer import Buffer

MIC_BUFFER_FRAMES: Final = 100  # 2 s
SILENT_S: Final = 1.0  # a device that works calls back fifty times a second; not once for this long, and it is gone
# A sound server that is short of time stops calling for a second and goes on; a loudspeaker that was pulled never does.
SPEAKER_SILENT_S: Final = 2.0
LOOK_S: Final = 0.1
QUEUE_SAMPLES: Final = SPEECH_RATE_HZ // 4
FADE_SAMPLES: Final = SPEECH_RATE_HZ // 200  # 5 ms: a sound that stops, or changes its level, must not click
FRAME_NS: Final = 20_000_000


class CardMicrophone:
    """A sound card's microphone: 16 kHz mono, frames of 20 ms, stamped by the card's own clock."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer: Buffer[AudioFrame] = Buffer(MIC_BUFFER_FRAMES, "drop_oldest")
        self._clock = DeviceClock(MIC_RATE_HZ)
        self._resampler: Resampler | None = None
        self._late_ns = 0
        self._rest = np.zeros(0, np.int16)
        self._samples = 0
        self._last_ns = 0
        self._stream = CardStream("input", name, MIC_RATE_HZ, captured=self._captured, opened=self._opened)

    def _opened(self, form: Format) -> None:
        own = form.rate_hz == MIC_RATE_HZ
        self._resampler = None if own else Resampler(form.rate_hz, MIC_RATE_HZ)
        self._late_ns = 0 if self._resampler is None else round(self._resampler.late_s(form.rate_hz) * 1e9)
        self._clock, self._samples, self._rest = DeviceClock(MIC_RATE_HZ), 0, np.zeros(0, np.int16)

    def _captured(self, pcm: Pcm, end_ns: int) -> None:
        if self._resampler:
            pcm = self._resampler.convert(pcm)
        self._samples += len(pcm)
        self._clock.seen(self._samples, end_ns - self._late_ns)
        self._rest = np.concatenate((self._rest, pcm))
        while len(self._rest) >= FRAME_SAMPLES:
            frame, self._rest = self._rest[:FRAME_SAMPLES].copy(), self._rest[FRAME_SAMPLES:]
            at_ns = self._clock.time_of(self._samples - len(self._rest))
            self._last_ns = max(self._last_ns + 1, at_ns)  # in order, also where the clock found itself wrong
            self._loop.call_soon_threadsafe(self._buffer.offer, AudioFrame(frame, self._last_ns))

    async def frames(self) -> AsyncIterator[AudioFrame]:
        while True:
            frame = await self._next()
            yield frame

    async def _next(self) -> AudioFrame:
        while True:
            try:
                async with asyncio.timeout(LOOK_S):  # wait_for of Python 3.11 can swallow a cancellation
                    return await self._buffer.get()
            except TimeoutError as err:
                if self._stream.silent_for(SILENT_S):
                    raise DeviceLost("the microphone stopped delivering sound") from err

    def tallies(self) -> dict[str, int]:
        return {
            "microphone_xruns": self._stream.tally_xruns,
            "microphone_dropped": self._buffer.tally_dropped,
            "microphone_clock_steps": self._clock.tally_steps,
        }

    @property
    def ppm(self) -> float:
        """How much faster than its name the card's clock runs."""
        return self._clock.ppm

    async def close(self) -> None:
        await asyncio.to_thread(self._stream.close)


class CardSpeaker:
    """A sound card's loudspeaker: 24 kHz mono. `played()` counts what left the card, not what was sent."""

    def __init__(self, name: str = "auto") -> None:
        self._queue: deque[Pcm] = deque()
        self._lock = threading.Lock()
        self._gain = self._gain_now = 1.0
        self._marks: deque[Played] = deque([Played(0, time.monotonic_ns())], maxlen=256)
        self._sent = 0
        self._listener: Callable[[Pcm, int], None] | None = None
        self._resampler: Resampler | None = None
        self._late_ns = 0
        self._rate_hz = SPEECH_RATE_HZ
        self._rest = np.zeros(0, np.int16)  # at the card's rate
        self._stream = CardStream("output", name, SPEECH_RATE_HZ, wanted=self._wanted, opened=self._opened)

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        """Call `listener(pcm, end_ns)` with every block on its way out, with the time it will have been audible."""
        self._listener = listener

    def _opened(self, form: Format) -> None:
        self._rate_hz = form.rate_hz
        own = form.rate_hz == SPEECH_RATE_HZ
        self._resampler = None if own else Resampler(SPEECH_RATE_HZ, form.rate_hz)
        self._late_ns = 0 if self._resampler is None else round(self._resampler.late_s(SPEECH_RATE_HZ) * 1e9)
        self._rest = np.zeros(0, np.int16)

    # ------------------------------------------------------------ the card's thread
    def _wanted(self, samples: int, end_ns: int) -> Pcm:
        """(samples,) int16 at the card's rate; their last one is audible at `end_ns`."""
        while len(self._rest) < samples:
            block, spoken = self._block()
            out = self._resampler.convert(block) if self._resampler else block
            self._rest = np.concatenate((self._rest, out))
            after = len(self._rest) - samples  # of it is heard later than `end_ns`
            heard_ns = end_ns + after * 1_000_000_000 // self._rate_hz + self._late_ns
            if spoken:
                self._sent += spoken
                self._marks.append(Played(self._sent, heard_ns))
            if self._listener:
                self._listener(block, heard_ns)
        out, self._rest = self._rest[:samples], self._rest[samples:]
        return out

    def _block(self) -> tuple[Pcm, int]:
        """The next 20 ms at 24 kHz, and how many of its samples were written by somebody."""
        with self._lock:
            said = self._take(PLAYED_BLOCK_SAMPLES)
        block = np.zeros(PLAYED_BLOCK_SAMPLES, np.int16)
        block[: len(said)] = said
        if self._gain == self._gain_now == 1.0:
            return block, len(said)
        gain = np.full(PLAYED_BLOCK_SAMPLES, self._gain, np.float32)
        gain[:FADE_SAMPLES] = np.linspace(self._gain_now, self._gain, FADE_SAMPLES)
        self._gain_now = self._gain
        return np.asarray(block * gain, np.int16), len(said)

    def _take(self, most: int) -> Pcm:
        parts: list[Pcm] = []
        missing = most
        while missing and self._queue:
            head = self._queue.popleft()
            parts.append(head[:missing])
            if len(head) > missing:
                self._queue.appendleft(head[missing:])
            missing -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    # ------------------------------------------------------------ the terminal's side
    def _waiting(self) -> int:
        with self._lock:
            return sum(len(pcm) for pcm in self._queue)

    async def write(self, pcm: Pcm) -> None:
        self._must_work()
        with self._lock:
            self._queue.append(pcm)
        while self._waiting() > QUEUE_SAMPLES:
            self._must_work()
            await asyncio.sleep(0.02)

    def _must_work(self) -> None:
        if self._stream.silent_for(SPEAKER_SILENT_S):
            raise DeviceLost("the loudspeaker stopped taking sound")

    def flush(self) -> int:
        with self._lock:
            dropped = sum(len(pcm) for pcm in self._queue)
            last = self._take(FADE_SAMPLES)
            self._queue.clear()
            if len(last):
                self._queue.append(np.asarray(last * np.linspace(1, 0, len(last)), np.int16))
        return dropped - len(last)

    def played(self) -> Played:
        """The last block that is already audible by the card's own clock."""
        now_ns = time.monotonic_ns()
        best = self._marks[0]
        for mark in tuple(self._marks):
            if mark.at_ns > now_ns:
                break
            best = mark
        return best

    async def lost(self) -> None:
        while not self._stream.silent_for(SPEAKER_SILENT_S):  # noqa: ASYNC110  # PortAudio has no event for it
            await asyncio.sleep(LOOK_S)

    def set_gain(self, gain: float) -> None:
        self._gain = gain

    def tallies(self) -> dict[str, int]:
        return {"speaker_xruns": self._stream.tally_xruns}

    async def close(self) -> None:
        await asyncio.to_thread(self._stream.close)
