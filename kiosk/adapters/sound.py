"""The real microphone and loudspeaker, through PortAudio. The only importer of sounddevice.

PortAudio calls back on a thread of its own; nothing there waits, allocates much or takes the event loop.
A device that goes away raises `DeviceLost`; whoever opened it tries again.
"""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, Literal

import numpy as np

from kiosk.audio.echo import PLAYED_BLOCK_SAMPLES
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame, Pcm
from kiosk.ports import DeviceLost, Played
from kiosk.runtime.buffer import Buffer

MIC_BUFFER_FRAMES: Final = 100  # 2 s
SILENT_S: Final = 2.0  # a live microphone delivers fifty frames a second; none for this long means it hangs
TRY_S: Final = 10.0
QUEUE_SAMPLES: Final = SPEECH_RATE_HZ // 4


@functools.cache
def _loads() -> bool:
    """Whether PortAudio comes up here. It aborts the whole process where ALSA is not configured, so a process that
    may be lost tries first."""
    tried = subprocess.run([sys.executable, "-c", "import sounddevice"], capture_output=True, timeout=TRY_S)
    return tried.returncode == 0


def _library() -> Any:
    if "sounddevice" not in sys.modules and not _loads():
        raise DeviceLost("PortAudio does not start: apt-get install libportaudio2, and check the ALSA configuration")
    import sounddevice

    return sounddevice


class _Streams:
    """What is open. PortAudio lists devices once, when it starts: it may only be started anew while nothing is open."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # one opens at a time
        self._open = 0

    def opened(self) -> None:
        self._open += 1

    def closed(self) -> None:
        with self.lock:
            self._open -= 1

    def look_again(self, library: Any) -> None:
        """See devices that were plugged in since; does nothing while a stream is open. Call with the lock held."""
        if self._open == 0:
            library._terminate()
            library._initialize()


STREAMS: Final = _Streams()


def find_device(library: Any, name: str, kind: str) -> int | None:
    """PortAudio's index for a configured name; None is the system's default. Raises `DeviceLost`."""
    devices = _devices(library, kind)
    if not devices:
        STREAMS.look_again(library)
        devices = _devices(library, kind)
    if not devices:
        raise DeviceLost(f"no {kind} device: plug one in, or check that PulseAudio or ALSA sees it")
    if name == "auto":
        return None
    for device in devices:
        if name in (str(device["index"]), device["name"]) or name in device["name"]:
            return int(device["index"])
    known = ", ".join(sorted(d["name"] for d in devices))
    raise DeviceLost(f"no {kind} device called '{name}'; there are: {known}")


def _devices(library: Any, kind: str) -> list[Any]:
    return [device for device in library.query_devices() if device[f"max_{kind}_channels"] > 0]


def _started(
    kind: Literal["InputStream", "OutputStream"], name: str, rate_hz: int, block: int, callback: Callable[..., None]
) -> Any:
    """Open and start a mono int16 stream on the named device. Raises `DeviceLost`."""
    library = _library()
    side = "input" if kind == "InputStream" else "output"
    with STREAMS.lock:
        try:
            stream = getattr(library, kind)(
                samplerate=rate_hz,
                blocksize=block,
                channels=1,
                dtype="int16",
                device=find_device(library, name, side),
                callback=callback,
            )
            try:
                stream.start()
            except library.PortAudioError:
                stream.close(ignore_errors=True)
                raise
        except library.PortAudioError as err:
            raise DeviceLost(f"{side} device '{name}': {err}") from err
        STREAMS.opened()
    return stream


class CardMicrophone:
    """A sound card's microphone: 16 kHz mono, frames of 20 ms."""

    def __init__(self, name: str, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer: Buffer[AudioFrame] = Buffer(MIC_BUFFER_FRAMES, "drop_oldest")
        self.tally_xruns = 0
        self._stream = _started("InputStream", name, MIC_RATE_HZ, FRAME_SAMPLES, self._captured)

    def _captured(self, data: Pcm, frames: int, times: Any, status: Any) -> None:
        if status:
            self.tally_xruns += 1
        frame = AudioFrame(data[:, 0].copy(), time.monotonic_ns())
        self._loop.call_soon_threadsafe(self._buffer.offer, frame)

    async def frames(self) -> AsyncIterator[AudioFrame]:
        while True:
            try:
                async with asyncio.timeout(SILENT_S):  # wait_for of Python 3.11 can swallow a cancellation
                    frame = await self._buffer.get()
            except TimeoutError as err:
                raise DeviceLost("the microphone stopped delivering sound") from err
            yield frame

    async def close(self) -> None:
        await asyncio.to_thread(_close_stream, self._stream)


class CardSpeaker:
    """A sound card's loudspeaker: 24 kHz mono. `played()` counts what left the card, not what was sent."""

    def __init__(self, name: str = "auto") -> None:
        self._queue: deque[Pcm] = deque()
        self._lock = threading.Lock()
        self._gain = 1.0
        self._marks: deque[Played] = deque([Played(0, time.monotonic_ns())], maxlen=256)
        self._sent = 0
        self._called_ns = time.monotonic_ns()
        self._listener: Callable[[Pcm, int], None] | None = None
        self.tally_xruns = 0
        self._stream = _started("OutputStream", name, SPEECH_RATE_HZ, PLAYED_BLOCK_SAMPLES, self._wanted)

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        """Call `listener(pcm, end_ns)` with every block on its way out, with the time it will have been audible."""
        self._listener = listener

    def _wanted(self, out: Pcm, frames: int, times: Any, status: Any) -> None:
        if status:
            self.tally_xruns += 1
        now_ns = time.monotonic_ns()
        self._called_ns = now_ns
        with self._lock:
            block = self._take(frames)
        out[:, 0] = 0
        out[: len(block), 0] = block if self._gain == 1.0 else block * self._gain
        # the block's last sample is audible after the card's latency and its own length
        end_ns = now_ns + int((times.outputBufferDacTime - times.currentTime) * 1e9) + frames * 10**9 // SPEECH_RATE_HZ
        if len(block):
            self._sent += len(block)
            self._marks.append(Played(self._sent, end_ns))
        if self._listener and frames % 3 == 0:
            self._listener(out[:, 0].copy(), end_ns)

    def _take(self, frames: int) -> Pcm:
        parts: list[Pcm] = []
        missing = frames
        while missing and self._queue:
            head = self._queue.popleft()
            parts.append(head[:missing])
            if len(head) > missing:
                self._queue.appendleft(head[missing:])
            missing -= len(parts[-1])
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)

    def _waiting(self) -> int:
        with self._lock:
            return sum(len(pcm) for pcm in self._queue)

    async def write(self, pcm: Pcm) -> None:
        with self._lock:
            self._queue.append(pcm)
        while self._waiting() > QUEUE_SAMPLES:
            if time.monotonic_ns() - self._called_ns > SILENT_S * 1e9:
                raise DeviceLost("the loudspeaker stopped taking sound")
            await asyncio.sleep(0.02)

    def flush(self) -> int:
        with self._lock:
            dropped = sum(len(pcm) for pcm in self._queue)
            self._queue.clear()
        return dropped

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
        while time.monotonic_ns() - self._called_ns <= SILENT_S * 1e9:  # noqa: ASYNC110  # PortAudio has no event for it
            await asyncio.sleep(0.5)

    def set_gain(self, gain: float) -> None:
        self._gain = gain

    async def close(self) -> None:
        await asyncio.to_thread(_close_stream, self._stream)


def _close_stream(stream: Any) -> None:
    stream.abort(ignore_errors=True)
    stream.close(ignore_errors=True)
    STREAMS.closed()
