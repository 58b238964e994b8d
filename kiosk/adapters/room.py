"""A lobby on disk: file-backed microphone and loudspeaker that share one room and one clock.

The recorded visitor, a bed of noise and the receptionist's own echo are mixed into 20 ms frames at real pace,
so the pipeline behind it works exactly as with a sound card. What both said is recorded as one track.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soundfile

from kiosk.audio.echo import PLAYED_BLOCK_SAMPLES, FarEnd
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame, Pcm
from kiosk.ports import Clock, Played
from kiosk.runtime.buffer import Buffer

TICK_NS: Final = 20_000_000
LATE_NS: Final = 200_000_000
QUEUE_SAMPLES: Final = SPEECH_RATE_HZ // 4
RECORDED_SHARE: Final = 0.7  # of her voice, in the recording of both


@dataclass(frozen=True, slots=True, kw_only=True)
class Acoustics:
    """How the room sounds, and what its sound card does wrong."""

    noise: Pcm  # looped
    echo_gain: float = 0.1  # loudspeaker to microphone, 0 for none
    echo_delay_ms: int = 40  # of which the loudspeaker's own time stamps say nothing
    echo_response: npt.NDArray[np.float32] | None = field(default=None, repr=False)  # (n,) at 16 kHz; None: no walls
    loudspeaker_limit: float = 0.0  # of full scale, where the loudspeaker begins to distort; 0: never
    loudspeaker_ppm: float = 0.0  # how much faster than the microphone's its clock runs
    xrun_every_s: float = 0.0  # so often a frame of the microphone is lost; 0: never


class Room:
    """Runs the clock of the simulated sound card. `tally_late` counts ticks that came over 200 ms late.

    No card waits for a program that is late: what the loudspeaker holds plays on, then there is silence, and the
    microphone's frames of that time are lost (`tally_xruns`). The visitor says nothing meanwhile, so no word is lost.
    """

    def __init__(self, clock: Clock, acoustics: Acoustics, record: Path | None = None) -> None:
        self._clock = clock
        self._noise = acoustics.noise if len(acoustics.noise) else np.zeros(FRAME_SAMPLES, np.int16)
        self._noise_at = 0
        self._echo = Echo(acoustics)
        self._block_ns = TICK_NS / (1 + acoustics.loudspeaker_ppm * 1e-6)
        self._blocks = 0
        self._xrun_ticks = round(acoustics.xrun_every_s * 1e9 / TICK_NS)
        self._ticks = 0
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
        self.tally_xruns = 0

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
                    await asyncio.sleep(0)
                if wait_ns < -LATE_NS:
                    self.tally_late += 1
                    due_ns = self._catch_up(due_ns)
                self._tick(due_ns)
        finally:
            self.frames.close()
            if self._recorder:
                self._recorder.close()

    def _catch_up(self, due_ns: int) -> int:
        """Let the time go by that the program was late; when the tick after it is due."""
        while due_ns + TICK_NS <= self._clock.now_ns():
            direct, _ = self._play_until(due_ns)
            self.tally_xruns += 1
            self._record(self._next_noise() + direct * np.float32(RECORDED_SHARE))
            due_ns += TICK_NS
        return due_ns

    def _play_until(self, now_ns: int) -> tuple[Pcm, npt.NDArray[np.float32]]:
        """What the loudspeaker gives out up to the tick of `now_ns`, and its echo in the microphone's frame."""
        if not self._ticks:
            self._first_ns = now_ns
        self._ticks += 1
        while self._first_ns + self._blocks * self._block_ns <= now_ns:
            self._play(round(self._first_ns + (self._blocks + 1) * self._block_ns))
        return self._echo.next()

    def _tick(self, now_ns: int) -> None:
        direct, echo = self._play_until(now_ns)
        visitor = np.zeros(FRAME_SAMPLES, np.float32)
        words, self._visitor = self._visitor[:FRAME_SAMPLES], self._visitor[FRAME_SAMPLES:]
        visitor[: len(words)] = words
        if len(words):
            self.visitor_finished_ns = now_ns - (FRAME_SAMPLES - len(words)) * 1_000_000_000 // MIC_RATE_HZ
        bed = self._next_noise()
        if self._xrun_ticks and self._ticks % self._xrun_ticks == 0:
            self.tally_xruns += 1
        else:
            self.frames.offer(AudioFrame(_int16(visitor + bed + echo), now_ns))
        self._record(visitor + bed + direct * np.float32(RECORDED_SHARE))

    def _record(self, sound: npt.NDArray[np.float32]) -> None:
        if self._recorder:
            self._recorder.write(_int16(sound))

    def _play(self, end_ns: int) -> None:
        """The next block leaves the queue; its last sample is heard at `end_ns`."""
        self._blocks += 1
        out = np.zeros(PLAYED_BLOCK_SAMPLES, np.int16)
        said, self._queue = self._queue[:PLAYED_BLOCK_SAMPLES], self._queue[PLAYED_BLOCK_SAMPLES:]
        out[: len(said)] = said * self._gain if self._gain != 1.0 else said
        if len(said):
            self._played = Played(self._played.samples + len(said), end_ns)
        for listener in self._listeners:
            listener(out, end_ns)
        self._echo.played(out, end_ns)

    def _next_noise(self) -> Pcm:
        index = (self._noise_at + np.arange(FRAME_SAMPLES)) % len(self._noise)
        self._noise_at = int(index[-1] + 1) % len(self._noise)
        return self._noise[index]


class Echo:
    """The way from the loudspeaker to the microphone: distortion, two clocks, the delay, the walls."""

    def __init__(self, acoustics: Acoustics) -> None:
        self._acoustics = acoustics
        self._air = FarEnd()
        self._step = FRAME_SAMPLES * (1 + acoustics.loudspeaker_ppm * 1e-6)
        # at a tick the first of the blocks that are audible begins: the microphone's frame is of before
        self._at = -self._step - acoustics.echo_delay_ms * MIC_RATE_HZ / 1000
        self._direct_at = 0.0
        response = acoustics.echo_response
        self._response = None if response is None or not len(response) else np.asarray(response, np.float32)
        taps = 0 if self._response is None else len(self._response)
        self._size = 1 << (taps + FRAME_SAMPLES - 1).bit_length()
        self._spectrum = None if self._response is None else np.fft.rfft(self._response, self._size)
        self._before = np.zeros(max(0, taps - 1), np.float32)

    def played(self, pcm: Pcm, end_ns: int) -> None:
        limit = self._acoustics.loudspeaker_limit * 32768
        self._air.played(_int16(np.tanh(pcm / np.float32(limit)) * np.float32(limit)) if limit else pcm, end_ns)

    def next(self) -> tuple[Pcm, npt.NDArray[np.float32]]:
        """What the loudspeaker gives out during the coming frame, and its echo in the microphone's of now."""
        direct = self._air.between(self._direct_at, self._direct_at + self._step, FRAME_SAMPLES)
        sound = self._air.between(self._at, self._at + self._step, FRAME_SAMPLES).astype(np.float32)
        self._at += self._step
        self._direct_at += self._step
        if self._spectrum is not None:
            whole = np.concatenate((self._before, sound))
            self._before = whole[len(whole) - len(self._before) :]
            folded = np.fft.irfft(np.fft.rfft(whole, self._size) * self._spectrum, self._size)
            sound = np.asarray(folded[len(whole) - FRAME_SAMPLES : len(whole)], np.float32)
        return direct, sound * np.float32(self._acoustics.echo_gain)


def _int16(signal: npt.NDArray[np.float32]) -> Pcm:
    return np.clip(signal, -32768, 32767).astype(np.int16)


class RoomMicrophone:
    """The microphone twin: hears the visitor, the noise and the echo of the room."""

    def __init__(self, room: Room) -> None:
        self._room = room

    async def frames(self) -> AsyncIterator[AudioFrame]:
        async for frame in self._room.frames:
            yield frame

    def tallies(self) -> dict[str, int]:
        return {"microphone_dropped": self._room.frames.tally_dropped, "microphone_xruns": self._room.tally_xruns}

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

    def tallies(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        with suppress(asyncio.CancelledError):
            self._room.drop_queue()
