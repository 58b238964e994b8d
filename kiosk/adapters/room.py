"""A lobby on disk: file-backed microphone and loudspeaker that share one room and one clock.

The recorded visitor, a bed of noise and the receptionist's own echo are mixed into 20 ms frames at real pace,
so the pipeline behind it works exactly as with a sound card. What both said is recorded as one track.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from kiosk.audio.echo import PLAYED_BLOCK_SAMPLES, To16k
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame, Pcm
from kiosk.ports import Clock, Played
from kiosk.runtime.buffer import Buffer

TICK_NS: Final = 20_000_000
LATE_NS: Final = 200_000_000
QUEUE_SAMPLES: Final = SPEECH_RATE_HZ // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Acoustics:
    """How the room sounds. `noise` is looped; `echo_gain` is loudspeaker to microphone, 0 for none."""

    noise: Pcm
    echo_gain: float = 0.1
    echo_delay_ms: int = 40


class Room:
    """Runs the clock of the simulated sound card. `tally_late` counts ticks that came over 200 ms late."""

    def __init__(self, clock: Clock, acoustics: Acoustics, record: Path | None = None) -> None:
        self._clock = clock
        self._noise = acoustics.noise if len(acoustics.noise) else np.zeros(FRAME_SAMPLES, np.int16)
        self._noise_at = 0
        self._echo_gain = acoustics.echo_gain
        delay_frames = max(1, round(acoustics.echo_delay_ms / 20))
        self._echo_line: list[Pcm] = [np.zeros(FRAME_SAMPLES, np.int16)] * delay_frames
        self._to_16k = To16k()
        self._visitor: Pcm = np.zeros(0, np.int16)
        self._queue: Pcm = np.zeros(0, np.int16)
        self._gain = 1.0
        self._played = Played(0, clock.now_ns())
        self._listeners: list[Callable[[Pcm, int], None]] = []
        self._record_path = record
        self._recorder: soundfile.SoundFile | None = None
        self.frames: Buffer[AudioFrame] = Buffer(50, "drop_oldest")
        self.visitor_finished_ns = 0  # when the last sample of the visitor's last sentence was 'said'
        self.started_ns = 0
        self.tally_late = 0

    # ------------------------------------------------------------ the visitor's side
    def say(self, pcm: Pcm) -> None:
        """Let the visitor speak: (n,) int16 at 16 kHz, after what is still being said."""
        self._visitor = np.concatenate((self._visitor, pcm))

    @property
    def visitor_speaking(self) -> bool:
        return len(self._visitor) > 0

    # ------------------------------------------------------------ the loudspeaker's side
    def queue(self, pcm: Pcm) -> None:
        self._queue = np.concatenate((self._queue, pcm))

    def drop_queue(self) -> int:
        dropped, self._queue = len(self._queue), np.zeros(0, np.int16)
        return dropped

    @property
    def queued(self) -> int:
        return len(self._queue)

    def set_gain(self, gain: float) -> None:
        self._gain = gain

    def played(self) -> Played:
        return self._played

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        """Call `listener(pcm, end_ns)` with every 20 ms that went to the loudspeaker."""
        self._listeners.append(listener)

    # ------------------------------------------------------------ the clock
    async def run(self) -> None:
        """Tick until cancelled; then close the recording."""
        if self._record_path:
            self._record_path.parent.mkdir(parents=True, exist_ok=True)
            self._recorder = soundfile.SoundFile(
                self._record_path, "w", samplerate=MIC_RATE_HZ, channels=1, subtype="PCM_16"
            )
        self.started_ns = due_ns = self._clock.now_ns()
        try:
            while True:
                due_ns += TICK_NS
                wait_ns = due_ns - self._clock.now_ns()
                if wait_ns > 0:
                    await self._clock.sleep(wait_ns / 1e9)
                else:
                    self.tally_late += wait_ns < -LATE_NS
                    await asyncio.sleep(0)
                self._tick(due_ns)
        finally:
            self.frames.close()
            if self._recorder:
                self._recorder.close()

    def _tick(self, now_ns: int) -> None:
        out = np.zeros(PLAYED_BLOCK_SAMPLES, np.int16)
        said, self._queue = self._queue[:PLAYED_BLOCK_SAMPLES], self._queue[PLAYED_BLOCK_SAMPLES:]
        out[: len(said)] = said * self._gain if self._gain != 1.0 else said
        if len(said):
            # what leaves the queue now is heard during the next 20 ms, as with a card that has no other delay
            self._played = Played(self._played.samples + len(said), now_ns + TICK_NS)
        for listener in self._listeners:
            listener(out, now_ns + TICK_NS)
        self._echo_line.append(self._to_16k.convert(out))
        direct, echo = self._echo_line[-1], self._echo_line.pop(0)
        visitor = np.zeros(FRAME_SAMPLES, np.float32)
        words, self._visitor = self._visitor[:FRAME_SAMPLES], self._visitor[FRAME_SAMPLES:]
        visitor[: len(words)] = words
        if len(words):
            self.visitor_finished_ns = now_ns - (FRAME_SAMPLES - len(words)) * 1_000_000_000 // MIC_RATE_HZ
        bed = self._next_noise()
        self.frames.offer(AudioFrame(_int16(visitor + bed + echo * np.float32(self._echo_gain)), now_ns))
        if self._recorder:
            self._recorder.write(_int16(visitor + bed + direct * np.float32(0.7)))

    def _next_noise(self) -> Pcm:
        index = (self._noise_at + np.arange(FRAME_SAMPLES)) % len(self._noise)
        self._noise_at = int(index[-1] + 1) % len(self._noise)
        return self._noise[index]


def _int16(signal: npt.NDArray[np.float32]) -> Pcm:
    return np.clip(signal, -32768, 32767).astype(np.int16)


class RoomMicrophone:
    """The microphone twin: hears the visitor, the noise and the echo of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def frames(self) -> AsyncIterator[AudioFrame]:
        async for frame in self._room.frames:
            yield frame

    async def close(self) -> None:
        self._room.frames.close()


class RoomSpeaker:
    """The loudspeaker twin: plays into the room at real pace."""

    def __init__(self, room: Room, clock: Clock) -> None:
        self._room = room
        self._clock = clock

    async def write(self, pcm: Pcm) -> None:
        self._room.queue(pcm)
        while self._room.queued > QUEUE_SAMPLES:
            await self._clock.sleep(0.02)

    def flush(self) -> int:
        return self._room.drop_queue()

    def played(self) -> Played:
        return self._room.played()

    async def lost(self) -> None:
        await asyncio.Event().wait()

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        self._room.on_played(listener)

    def set_gain(self, gain: float) -> None:
        self._room.set_gain(gain)

    async def close(self) -> None:
        with suppress(asyncio.CancelledError):
            self._room.drop_queue()
