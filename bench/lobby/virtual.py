"""Time that jumps: a conversation of a minute in a second, in which computing takes as long as it really took.

The event loop never waits: its clock moves to the next timer. A model runs when it is called and its result comes
after the milliseconds that it needed, in the loop's time, one call of a model after the other.
"""

from __future__ import annotations

import asyncio
import itertools
import selectors
import time
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.fft import irfft, next_fast_len, rfft

from bench.lobby.mixing import Signal, noise_floor, signal_of, soft_clip, to_pcm
from bench.lobby.scenes import EchoPath
from kiosk.audio.echo import PLAYED_BLOCK_SAMPLES, To16k
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame, Pcm
from kiosk.ports import Played
from kiosk.runtime.buffer import Buffer
from kiosk.runtime.clock import LoopClock
from kiosk.runtime.worker import ModelThread
from models.recognition import UnwantedError

P = ParamSpec("P")
R = TypeVar("R")

TICK_NS: Final = 20_000_000
DEVICE_TICKS: Final = 2  # 40 ms between what is handed to the loudspeaker and what is audible
QUEUE_SAMPLES: Final = SPEECH_RATE_HZ // 4


class _Jumping(selectors.DefaultSelector):
    """Moves its clock on where another would wait."""

    now_s = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout:
            self.now_s += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in jumping time."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


class MeasuredThread(ModelThread):
    """A model's thread in virtual time. `slower` 2.0: this machine is taken for one of half the speed.

    A call takes what it took here, or the processors' time that it used where that is less: then others had them
    meanwhile. The recogniser works on one thread here (a tenth slower than on the terminal's two), so that this is its
    time: of two threads it would be the sum, up to twice too slow on a busy machine and right on an idle one. What a
    busy neighbour takes from caches and from the other half of a core remains, up to half as much again; a bench says
    what its recognitions took, and `slower` shows what that changes.
    """

    def __init__(self, name: str, slower: float = 1.0) -> None:
        self.name = name
        self._slower = slower
        self._free_s = 0.0
        self.took_ms: list[float] = []

    async def call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        loop = asyncio.get_running_loop()
        wanted: Any = kwargs.get("wanted")
        asked: list[float] = []
        began_s, used_s = time.perf_counter(), time.process_time()

        def noted() -> bool:
            """Yes, for now: it is asked again at its time in the loop's, which has not moved yet."""
            asked.append(time.perf_counter() - began_s)
            return True

        if wanted is not None:
            kwargs["wanted"] = noted
        result = work(*args, **kwargs)
        needed_s = time.perf_counter() - began_s
        took_s = min(needed_s, time.process_time() - used_s) * self._slower
        # as on a real thread, a call that was begun is finished, whoever still waits for it, unless it gives up itself
        begins_s = max(self._free_s, loop.time())
        self._free_s = begins_s + took_s
        for after_s in asked:
            at_s = begins_s + after_s * took_s / needed_s
            await asyncio.sleep(at_s - loop.time())
            if not wanted():
                if self._free_s == begins_s + took_s:  # nothing else was begun meanwhile
                    self._free_s = at_s
                self.took_ms.append((at_s - begins_s) * 1e3)
                raise UnwantedError
        self.took_ms.append(took_s * 1e3)
        await asyncio.sleep(begins_s + took_s - loop.time())
        return result

    def close(self) -> None:
        """There is no thread."""


class SoundCard:
    """Loudspeaker and microphone of a scene, on one clock. A `Speaker`; `frames` are the microphone's.

    `heard_until_ns`: the last instant at which something of hers was audible.
    """

    def __init__(self, sound: Pcm, echo: EchoPath | None, before: Pcm | None = None) -> None:
        self._sound = sound
        whole = np.zeros(0, np.int16) if before is None else before
        frames = whole[: len(whole) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
        self._before = itertools.cycle(frames)  # nothing, where there is none
        self._echo = echo
        self._clock = LoopClock()
        self._at: int | None = None  # sample of the scene; None: it has not begun
        self._queue: Pcm = np.zeros(0, np.int16)
        self._device: list[Pcm] = [np.zeros(0, np.int16)] * DEVICE_TICKS
        self._gain = 1.0
        self._played = Played(0, 0)
        self._listeners: list[Callable[[Pcm, int], None]] = []
        self._to_16k = To16k()
        self._tail: Signal = np.zeros(0, np.float32)
        self._spectrum: npt.NDArray[np.complex64] | None = None  # of the echo's response
        self._fft_samples = 0
        self._rng = np.random.default_rng(len(sound))
        self.frames: Buffer[AudioFrame] = Buffer(50, "drop_oldest")
        self.began_ns = 0
        self.heard_until_ns = 0

    # ------------------------------------------------------------ the speaker
    async def write(self, pcm: Pcm) -> None:
        self._queue = np.concatenate((self._queue, pcm))
        while len(self._queue) > QUEUE_SAMPLES:
            await self._clock.sleep(0.02)

    def flush(self) -> int:
        """What is in the device already is still heard: 40 ms."""
        dropped, self._queue = len(self._queue), np.zeros(0, np.int16)
        return dropped

    def played(self) -> Played:
        return self._played

    async def lost(self) -> None:
        await asyncio.Event().wait()

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        self._listeners.append(listener)

    def set_gain(self, gain: float) -> None:
        self._gain = gain

    def tallies(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        """Nothing is held."""

    # ------------------------------------------------------------ the clock
    def begin(self) -> None:
        """Let the scene's sound begin with the next frame."""
        self._at = 0

    @property
    def over(self) -> bool:
        return self._at is not None and self._at >= len(self._sound)

    async def run(self) -> None:
        """Tick until the scene is over."""
        while not self.over:
            await self._clock.sleep(TICK_NS / 1e9)
            self._tick(self._clock.now_ns())
        self.frames.close()

    def _tick(self, now_ns: int) -> None:
        said, self._queue = self._queue[:PLAYED_BLOCK_SAMPLES], self._queue[PLAYED_BLOCK_SAMPLES:]
        out = np.zeros(PLAYED_BLOCK_SAMPLES, np.int16)
        out[: len(said)] = said * self._gain if self._gain != 1.0 else said
        for listener in self._listeners:
            listener(out, now_ns + DEVICE_TICKS * TICK_NS)
        self._device.append(out if len(said) else out[:0])
        audible = self._device.pop(0)
        if len(audible):
            self._played = Played(self._played.samples + len(audible), now_ns)
            if audible.any():
                self.heard_until_ns = now_ns
        mic = self._echo_of(audible)
        if self._at is not None:
            if self._at == 0:
                self.began_ns = now_ns - TICK_NS
            part = self._sound[self._at : self._at + FRAME_SAMPLES]
            mic[: len(part)] += signal_of(part)
            self._at += FRAME_SAMPLES
        else:  # nobody is here yet
            mic += noise_floor(FRAME_SAMPLES, self._rng)
            bed = next(self._before, None)
            if bed is not None:
                mic += signal_of(bed)
        self.frames.offer(AudioFrame(to_pcm(mic), now_ns))

    def _echo_of(self, audible: Pcm) -> Signal:
        """20 ms at the microphone of what she says, (320,) float32: loudspeaker, delay, room; overlap and add."""
        out = np.zeros(FRAME_SAMPLES, np.float32)
        if self._echo is None:
            return out
        if len(audible):
            block = np.zeros(PLAYED_BLOCK_SAMPLES, np.int16)
            block[: len(audible)] = audible
            driven = soft_clip(signal_of(self._to_16k.convert(block)), self._echo.drive) * np.float32(self._echo.gain)
            self._tail = _added(self._tail, self._echo.delay_ms * MIC_RATE_HZ // 1000, self._wet(driven))
        count = min(FRAME_SAMPLES, len(self._tail))
        out[:count] = self._tail[:count]
        self._tail = self._tail[count:]
        return out

    def _wet(self, block: Signal) -> Signal:
        """(320,) through the room, by the spectrum: the response's own is made once."""
        assert self._echo is not None
        count = FRAME_SAMPLES + len(self._echo.response) - 1
        if self._spectrum is None:
            self._fft_samples = next_fast_len(count, real=True)
            self._spectrum = rfft(self._echo.response, self._fft_samples)
        wet = irfft(rfft(block, self._fft_samples) * self._spectrum, self._fft_samples)
        return np.asarray(wet[:count], np.float32)

    async def heard(self) -> AsyncIterator[AudioFrame]:
        async for frame in self.frames:
            yield frame


def _added(tail: Signal, at: int, sound: Signal) -> Signal:
    longer = np.zeros(max(len(tail), at + len(sound)), np.float32)
    longer[: len(tail)] = tail
    longer[at : at + len(sound)] += sound
    return longer
