"""One stream of a sound card through PortAudio: whatever rate, channels or sample type it insists on, ours is mono
int16. The only importer of sounddevice.

PortAudio lists devices once, when it starts. So that a device plugged in later is found while another one is in use,
a process of its own looks what there is now; only when that differs are the open streams closed for a moment and
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
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from kiosk.events import Pcm
from kiosk.ports import DeviceLost

log = logging.getLogger(__name__)

Side = Literal["input", "output"]
R = TypeVar("R")
TRY_S: Final = 10.0
OPEN_S: Final = 4.0  # a device that has not opened by then does not answer
CLOSE_S: Final = 2.0
FIRST_S: Final = 3.0  # PulseAudio was seen to pause for a second after it began
BLOCKS_HZ: Final = 50  # callbacks of 20 ms
RATES_HZ: Final = (48_000, 44_100, 16_000, 32_000, 24_000, 96_000)
STALE_NS: Final = 1_000_000_000  # a time stamp further from now than this is not one
LOOK_CODE: Final = """
import json, sounddevice
print(json.dumps([[d["name"], d["max_input_channels"], d["max_output_channels"]] for d in sounddevice.query_devices()]))
"""


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


@dataclass(frozen=True, slots=True)
class Format:
    """What a stream was opened with."""

    rate_hz: int
    channels: int
    dtype: Literal["int16", "float32"]


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
        self._preferred_hz = rate_hz
        self._captured, self._wanted, self._opened = captured, wanted, opened
        self._stream: Any = None
        within(OPEN_S, f"{side} device '{name}'", lambda: STREAMS.add(self))

    # ------------------------------------------------------------ opening and closing, with STREAMS' lock held
    def start(self, card: Any) -> None:
        """Open in the first format that the device takes. Raises `DeviceLost`."""
        index = STREAMS.find(card, self.name, self.side)
        refused: Exception | None = None
        for wish in self._wishes(card, index):
            try:
                self._start_as(card, index, wish)
            except (card.PortAudioError, ValueError) as err:
                refused = refused or err
                continue
            if wish != Format(self._preferred_hz, 1, "int16"):
                log.info("%s device '%s' takes %s", self.side, self.name, wish)
            return
        raise DeviceLost(f"{self.side} device '{self.name}': {refused}")

    def _wishes(self, card: Any, index: int | None) -> list[Format]:
        """Formats to try, ours first: then the device's own rate, then two channels, then floats."""
        device = card.query_devices(index, self.side)
        own_hz = int(device["default_samplerate"]) or RATES_HZ[0]
        most = max(1, int(device[f"max_{self.side}_channels"]))
        rates = list(dict.fromkeys((self._preferred_hz, own_hz, *RATES_HZ)))
        channels = list(dict.fromkeys((1, min(2, most), most)))
        kinds: tuple[Literal["int16", "float32"], ...] = ("int16", "float32")
        wishes = [Format(rate, count, kind) for kind in kinds for count in channels for rate in rates]
        return wishes[:24]

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
        self.ended.set()
        try:
            within(CLOSE_S, f"closing {self.side} device '{self.name}'", lambda: STREAMS.remove(self))
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


class _Streams:
    """What is open in this process, and what PortAudio knows of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one opens, closes or looks at a time
        self._open: list[CardStream] = []
        self.tally_restarts = 0

    def add(self, stream: CardStream) -> None:
        card = library()
        with self._lock:
            if not self._open:
                self._restart(card)  # free: sees what was plugged in since
            elif not self._known(card, stream):
                self._look(card)
            stream.start(card)
            self._open.append(stream)

    def remove(self, stream: CardStream) -> None:
        with self._lock:
            stream.stop()
            if stream in self._open:
                self._open.remove(stream)

    def find(self, card: Any, name: str, side: Side) -> int | None:
        """PortAudio's index for a configured name; None is the system's default. Raises `DeviceLost`."""
        devices = _devices(card, side)
        if not devices:
            raise DeviceLost(f"no {side} device: plug one in, or check that PulseAudio or ALSA sees it")
        if name == "auto":
            return None
        for device in devices:
            if name in (str(device["index"]), device["name"]) or name in device["name"]:
                return int(device["index"])
        known = ", ".join(sorted(d["name"] for d in devices))
        raise DeviceLost(f"no {side} device called '{name}'; there are: {known}")

    def _known(self, card: Any, stream: CardStream) -> bool:
        try:
            index = self.find(card, stream.name, stream.side)
            device = card.query_devices(index, stream.side)
        except (DeviceLost, card.PortAudioError, ValueError):
            return False
        return int(device[f"max_{stream.side}_channels"]) > 0

    def _look(self, card: Any) -> None:
        """Start PortAudio anew if there are other devices than it knows, with what is open closed for a moment."""
        seen = devices_now()
        here = [
            [device["name"], device["max_input_channels"], device["max_output_channels"]]
            for device in card.query_devices()
        ]
        if seen is None or seen == here:
            return
        for stream in self._open:
            stream.stop()
        self._restart(card)
        still_open = []
        for stream in self._open:
            try:
                stream.start(card)
            except DeviceLost as err:
                log.warning("%s", err)  # its owner sees that it ended
            else:
                still_open.append(stream)
        self._open = still_open

    def _restart(self, card: Any) -> None:
        self.tally_restarts += 1
        card._terminate()
        card._initialize()


STREAMS: Final = _Streams()


def devices_now() -> list[list[Any]] | None:
    """Name, inputs and outputs of each device that a fresh PortAudio sees; None when it does not answer in time."""
    try:
        looked = subprocess.run([sys.executable, "-c", LOOK_CODE], capture_output=True, timeout=OPEN_S / 2)
        return list(json.loads(looked.stdout)) if looked.returncode == 0 else None
    except (subprocess.TimeoutExpired, json.JSONDecodeError):
        return None


def _devices(card: Any, side: Side) -> list[Any]:
    return [device for device in card.query_devices() if device[f"max_{side}_channels"] > 0]
