"""One stream of a sound card through PortAudio: whatever rate, channels or sample type it insists on, ours is mono
int16. The only importer of sounddevice.

A device that failed once is tried in a process of its own as long as another one is in use here, for two reasons.
PortAudio lists devices once, when it starts: only a fresh one sees what was plugged in since. And opening what does
not open may abort the whole process: its ALSA part keeps the error code of all threads in one variable, and a stream
that runs can overwrite a failure with success (seen here; PortAudio issue 278 has the same assertion). Only when the
other process could open it, and sees other devices than we do, are the open streams closed for a moment and
PortAudio started anew. Nothing here waits for ever for a device: opening and closing have a limit.
"""

from __future__ import annotations

import functools
import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt

from kiosk.adapters import card_formats
from kiosk.adapters.card_formats import BLOCKS_HZ, Format, NotThere, Side, listed, open_first
from kiosk.events import Pcm
from kiosk.ports import DeviceLost

log = logging.getLogger(__name__)

R = TypeVar("R")
TRY_S: Final = 10.0
OPEN_S: Final = 6.0  # a device that has not opened by then does not answer
PROBE_S: Final = 4.0
CLOSE_S: Final = 2.0
FIRST_S: Final = 3.0  # PulseAudio was seen to pause for a second after it began
LOST_S: Final = 0.9  # not called back for so long when it is closed: it was not there any more
PROBE: Final = Path(card_formats.__file__)
STALE_NS: Final = 1_000_000_000  # a time stamp further from now than this is not one


@functools.cache
def _loads() -> bool:
    """Whether PortAudio comes up here. It aborts the whole process where ALSA is not configured, so a process that
    may be lost tries first."""
    tried = subprocess.run([sys.executable, "-c", "import sounddevice"], capture_output=True, timeout=TRY_S)
    return tried.returncode == 0


def library() -> Any:
    """sounddevice. Raises `DeviceLost` where PortAudio does not start."""
    if "sounddevice" not in sys.modules and not _loads():
        raise DeviceLost("PortAudio does not start: apt-get install libportaudio2, and check the ALSA configuration")
    import sounddevice

    return sounddevice


def within(seconds: float, what: str, work: Callable[[], R]) -> R:
    """What `work` returns or raises; `DeviceLost` when it takes longer. The thread that hangs is left behind."""
    found: list[R] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            found.append(work())
        except BaseException as err:  # handed to the one who waits
            failed.append(err)

    thread = threading.Thread(target=run, name=f"sound-{what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not found:
        raise DeviceLost(f"{what}: the sound system did not answer for {seconds:g} s")
    return found[0]


class CardStream:
    """An open stream. Input calls `captured(pcm, end_ns)` with mono int16 at `rate_hz`; output asks `wanted(n, end_ns)`
    for as much. `end_ns`: when the block's last sample was captured, or will be audible. Raises `DeviceLost`.

    The call-back comes on PortAudio's thread. `ended` is set when it never will again.
    """

    def __init__(
        self,
        side: Side,
        name: str,
        rate_hz: int,
        *,
        captured: Callable[[Pcm, int], None] | None = None,
        wanted: Callable[[int, int], Pcm] | None = None,
        opened: Callable[[Format], None] | None = None,
    ) -> None:
        self.side, self.name = side, name
        self.format = Format(rate_hz, 1, "int16")
        self.ended = threading.Event()
        self._called_ns = self._started_ns = time.monotonic_ns()
        self.tally_xruns = 0
        self.preferred_hz = rate_hz
        self._captured, self._wanted, self._opened = captured, wanted, opened
        self._stream: Any = None
        within(OPEN_S, f"{side} device '{name}'", lambda: STREAMS.add(self))

    # ------------------------------------------------------------ opening and closing, with STREAMS' lock held
    def start(self, card: Any) -> None:
        """Open in the first format that the device takes. Raises `DeviceLost`."""
        try:
            found = open_first(
                card, self.side, self.name, self.preferred_hz, lambda index, wish: self._start_as(card, index, wish)
            )
        except NotThere as err:
            raise DeviceLost(str(err)) from err
        if found != Format(self.preferred_hz, 1, "int16"):
            log.info("%s device '%s' takes %s", self.side, self.name, found)

    def _start_as(self, card: Any, index: int | None, wish: Format) -> None:
        kind = card.InputStream if self.side == "input" else card.OutputStream
        ended = threading.Event()
        stream = kind(
            samplerate=wish.rate_hz,
            blocksize=wish.rate_hz // BLOCKS_HZ,
            channels=wish.channels,
            dtype=wish.dtype,
            device=index,
            callback=self._on_input if self.side == "input" else self._on_output,
            finished_callback=ended.set,
        )
        self.format, self.ended = wish, ended
        if self._opened:
            self._opened(wish)  # before the first call-back
        self._called_ns = self._started_ns = time.monotonic_ns()
        try:
            stream.start()
        except card.PortAudioError:
            stream.close(ignore_errors=True)
            raise
        self._stream = stream

    def stop(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.abort(ignore_errors=True)
            stream.close(ignore_errors=True)
        self.ended.set()

    def close(self) -> None:
        """Let the device go; one that hangs is left behind after CLOSE_S."""
        lost = self.silent_for(LOST_S)
        self.ended.set()
        try:
            within(CLOSE_S, f"closing {self.side} device '{self.name}'", lambda: STREAMS.remove(self, lost=lost))
        except DeviceLost as err:
            log.warning("%s", err)

    def silent_for(self, seconds: float) -> bool:
        """Whether the device stopped: it said so, or has not called back for so long."""
        now_ns = time.monotonic_ns()
        late = now_ns - self._called_ns > seconds * 1e9 and now_ns - self._started_ns > FIRST_S * 1e9
        return late or self.ended.is_set()

    # ------------------------------------------------------------ PortAudio's thread
    def _on_input(self, data: npt.NDArray[Any], frames: int, times: Any, status: Any) -> None:
        self._called_ns = now_ns = time.monotonic_ns()
        self.tally_xruns += bool(status)
        assert self._captured is not None
        ago_ns = round((times.currentTime - times.inputBufferAdcTime) * 1e9) if times.inputBufferAdcTime else 0
        block_ns = frames * 1_000_000_000 // self.format.rate_hz
        if not block_ns <= ago_ns < STALE_NS:
            ago_ns = block_ns  # no time of its own: then the block just ended
        self._captured(as_mono(data), now_ns - ago_ns + block_ns)

    def _on_output(self, out: npt.NDArray[Any], frames: int, times: Any, status: Any) -> None:
        self._called_ns = now_ns = time.monotonic_ns()
        self.tally_xruns += bool(status)
        assert self._wanted is not None
        ahead_ns = round((times.outputBufferDacTime - times.currentTime) * 1e9)
        if not 0 <= ahead_ns < STALE_NS:
            ahead_ns = 0
        block_ns = frames * 1_000_000_000 // self.format.rate_hz
        pcm = self._wanted(frames, now_ns + ahead_ns + block_ns)
        out[:] = pcm[:, None] if self.format.dtype == "int16" else (pcm / np.float32(32768))[:, None]


def as_mono(data: npt.NDArray[Any]) -> Pcm:
    """(n, channels) int16 or float32 in -1..1 → (n,) int16, the mean of those channels that are not dead."""
    if data.dtype != np.int16:
        data = np.clip(data * np.float32(32768), -32768, 32767)
    if data.shape[1] == 1:
        return data[:, 0].astype(np.int16)
    alive = data.any(axis=0)
    return data[:, alive].mean(axis=1).astype(np.int16) if alive.any() else np.zeros(len(data), np.int16)


def probe(side: Side, name: str, rate_hz: int) -> list[list[Any]]:
    """What a fresh PortAudio lists, having opened the device. Raises `DeviceLost` with the reason if it did not."""
    try:
        tried = subprocess.run(
            [sys.executable, "-P", PROBE, side, name, str(rate_hz)], capture_output=True, timeout=PROBE_S
        )
        told = json.loads(tried.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as err:
        raise DeviceLost(f"{side} device '{name}' does not answer") from err
    if told["error"]:
        raise DeviceLost(told["error"])
    return list(told["devices"])


class _Streams:
    """What is open in this process. One opens or closes at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: list[CardStream] = []
        self._doubtful: set[tuple[Side, str]] = set()  # as many as there are configured devices
        self.tally_restarts = 0

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=OPEN_S):
            raise DeviceLost("the sound system hangs: another device is being opened or closed")
        try:
            yield
        finally:
            self._lock.release()

    def add(self, stream: CardStream) -> None:
        card, key = library(), (stream.side, stream.name)
        seen = probe(*key, stream.preferred_hz) if self._open and key in self._doubtful else None
        with self._alone():
            self._doubtful.add(key)
            if not self._open or (seen is not None and seen != listed(card)):
                self._restart(card)
            stream.start(card)
            self._open.append(stream)
            self._doubtful.discard(key)

    def remove(self, stream: CardStream, *, lost: bool) -> None:
        with self._alone():
            if lost:
                self._doubtful.add((stream.side, stream.name))
            stream.stop()
            if stream in self._open:
                self._open.remove(stream)

    def _restart(self, card: Any) -> None:
        """Start PortAudio anew, so that it sees what there is now; what is open is closed for a moment."""
        self.tally_restarts += 1
        for stream in self._open:
            stream.stop()
        card._terminate()
        card._initialize()
        still_open = []
        for stream in self._open:
            try:
                stream.start(card)
            except DeviceLost as err:
                log.warning("%s", err)  # its owner sees that it ended
            else:
                still_open.append(stream)
        self._open = still_open


STREAMS: Final = _Streams()
