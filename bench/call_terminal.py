"""A terminal's core as far as a call needs it, for the bench and tests: the real link, the real socket, the real call
process, the real echo cancellers; a camera that shows the time and a microphone that beeps on the second.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from contracts.screen import Pace, ScreenState
from kiosk.adapters.call_socket import SocketCall
from kiosk.adapters.mqtt import PahoBus
from kiosk.adapters.screen_socket import SocketScreen
from kiosk.adapters.webrtc_audio import open_canceller
from kiosk.audio.echo import FarEnd
from kiosk.call.board import Board
from kiosk.call.calls import CallChanged, CallEnded, CallNews, Calls
from kiosk.call.taps import TappedCanceller
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, CameraFrame, Pcm
from kiosk.ports import Played
from kiosk.sync.link import Link
from kiosk.sync.outbox import Outbox

ROOT: Final = Path(__file__).resolve().parents[1]
BRANCH, DEVICE = "binjiang", "kiosk-1"
WIDTH, HEIGHT = 640, 480
BITS, CELL = 32, 16  # the time in the first row of a picture, a cell a bit
BEEP_EVERY_MS: Final = 1_000
BEEP_MS: Final = 60
ONSET: Final = 1_500  # of 32,768; the beep has 9,000
CAMERA_FPS: Final = 30


def wall_ms() -> float:
    return time.time() * 1000


def stamp(luma: np.ndarray[Any, Any], ms: float) -> None:
    """Write the low 32 bits of a time into the first rows."""
    value = int(ms) & 0xFFFFFFFF
    for bit in range(BITS):
        luma[:CELL, bit * CELL : (bit + 1) * CELL] = 235 if value >> bit & 1 else 16


def unstamp(luma: np.ndarray[Any, Any]) -> float | None:
    """How many milliseconds ago the time in a picture was written; None: there is none."""
    scale = luma.shape[1] / WIDTH
    cell = CELL * scale
    value = 0
    for bit in range(BITS):
        x, y = int((bit + 0.5) * cell), int(cell / 2)
        level = float(luma[y - 2 : y + 2, x - 2 : x + 2].mean())
        if 90 < level < 160:
            return None
        value |= (level > 128) << bit
    ago = (int(wall_ms()) - value) & 0xFFFFFFFF
    return ago if ago < 10_000 else None


class PacedSpeaker:
    """A loudspeaker that plays 24,000 samples a second and notes when each beep became audible."""

    def __init__(self, far: FarEnd) -> None:
        self._far = far
        self._queued = 0  # samples written and not yet played, at `_at_s`
        self._at_s = time.monotonic()
        self._played = 0
        self._quiet = 0
        self.beeps_ms: list[float] = []  # wall clock
        self.blocks = 0

    def _advance(self) -> None:
        now_s = time.monotonic()
        done = min(self._queued, int((now_s - self._at_s) * SPEECH_RATE_HZ))
        self._queued -= done
        self._played += done
        self._at_s = now_s

    async def write(self, pcm: Pcm) -> None:
        self._advance()
        loud = np.flatnonzero(np.abs(pcm) > ONSET)
        if len(loud) and self._quiet > 5:
            self.beeps_ms.append(wall_ms() + (self._queued + int(loud[0])) * 1000 / SPEECH_RATE_HZ)
        self._quiet = 0 if len(loud) else self._quiet + 1
        self._queued += len(pcm)
        self.blocks += 1
        self._far.played(pcm, time.monotonic_ns() + self._queued * 1_000_000_000 // SPEECH_RATE_HZ)
        while self._queued > SPEECH_RATE_HZ // 4:
            await asyncio.sleep(0.02)
            self._advance()

    def flush(self) -> int:
        self._advance()
        dropped, self._queued = self._queued, 0
        return dropped

    def played(self) -> Played:
        self._advance()
        return Played(self._played, time.monotonic_ns())

    async def lost(self) -> None:
        await asyncio.Event().wait()

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        """The far end is told as it is written."""

    def set_gain(self, gain: float) -> None:
        """Always full."""

    def tallies(self) -> dict[str, int]:
        return {}

    async def close(self) -> None:
        """Nothing is open."""


@dataclass
class Stand:
    """What the bench reads of a terminal."""

    calls: Calls
    line: SocketCall
    link: Link
    speaker: PacedSpeaker
    process: asyncio.subprocess.Process
    screen: SocketScreen | None
    news: list[tuple[float, CallNews]] = field(default_factory=list)  # wall ms
    pictures: list[tuple[float, float]] = field(default_factory=list)  # wall ms, delay ms
    beeps_ms: list[float] = field(default_factory=list)  # when ours were captured, wall
    paces: list[Pace] = field(default_factory=list)
    first_picture_ms: dict[str, float] = field(default_factory=dict)  # case → wall ms
    camera: bool = True

    async def until(self, what: Callable[[], bool], seconds: float, why: str) -> None:
        """Raises TimeoutError with `why`."""
        ends_s = time.monotonic() + seconds
        while not what():
            if time.monotonic() > ends_s:
                raise TimeoutError(why)
            await asyncio.sleep(0.005)

    def ended(self, case: str) -> str:
        """Why the call is over, or ''."""
        return next((one.reason for _, one in self.news if isinstance(one, CallEnded) and one.case == case), "")

    def changes(self, case: str) -> list[tuple[float, str]]:
        return [(at, one.media) for at, one in self.news if isinstance(one, CallChanged) and one.case == case]


def _picture(number: int, base: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(480, 640, 3) uint8: something that moves, with grain as a camera has it, and the time."""
    shade = np.roll(base, number * 3, axis=1) // 2 + 60
    x = 200 + number * 5 % 200
    shade[200:420, x : x + 100] = 220
    stamp(shade, wall_ms())
    return np.repeat(shade[:, :, None], 3, axis=2)


async def _camera(stand: Stand) -> None:
    noise = np.random.default_rng(0).integers(0, 12, (8, HEIGHT, WIDTH), dtype=np.uint8)
    base = (np.add.outer(np.arange(HEIGHT), np.arange(WIDTH)) % 200).astype(np.uint8)
    number, next_s = 0, time.monotonic()
    while True:
        next_s += 1 / CAMERA_FPS
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))
        next_s = max(next_s, time.monotonic() - 0.1)
        if stand.camera and stand.calls.active:
            stand.calls.saw(CameraFrame(_picture(number, base + noise[number % 8]), time.monotonic_ns()))
        number += 1


async def _microphone(stand: Stand, echo: TappedCanceller) -> None:
    """A beep of 60 ms once a second; its time is that of the sample, as a sound card tells it."""
    t = np.arange(BEEP_MS * MIC_RATE_HZ // 1000) / MIC_RATE_HZ
    beep = (9_000 * np.sin(2 * np.pi * 1_000 * t)).astype(np.int16)
    every = BEEP_EVERY_MS * MIC_RATE_HZ // 1000
    sample, began_s, began_ms = 0, time.monotonic(), wall_ms()
    hiss = np.random.default_rng(1)
    while True:
        sample += FRAME_SAMPLES
        await asyncio.sleep(max(0.0, began_s + sample / MIC_RATE_HZ - time.monotonic()))
        frame = hiss.integers(-20, 20, FRAME_SAMPLES, dtype=np.int16)
        at = (sample - FRAME_SAMPLES) % every
        part = beep[at : at + FRAME_SAMPLES]
        frame[: len(part)] += part
        if at == 0 and stand.calls.standing == "up":
            stand.beeps_ms.append(began_ms + (sample - FRAME_SAMPLES) * 1000 / MIC_RATE_HZ)
        echo.clean(frame, int((began_s + sample / MIC_RATE_HZ) * 1e9))


async def _glass(stand: Stand) -> None:
    """Read the teller's pictures as the screen does, and their time."""
    board: Board | None = None
    address, number = "", 0
    while True:
        await asyncio.sleep(0.004)
        now = stand.calls.teller_pictures
        if now != address:
            if board is not None:
                board.close()
            address, number = now, 0
            board = Board.open(now) if now else None
        shown = board.after(number) if board is not None else None
        if shown is None:
            continue
        number = shown.number
        stand.first_picture_ms.setdefault(stand.calls.case, wall_ms())
        ago = unstamp(shown.planes[: shown.planes.shape[0] * 2 // 3])
        if ago is not None:
            stand.pictures.append((wall_ms(), ago))


async def _listen_to_screen(stand: Stand, screen: SocketScreen) -> None:
    async for message in screen.messages():
        if isinstance(message, Pace):
            stand.paces.append(message)


@contextlib.asynccontextmanager
async def terminal(
    folder: Path, broker: tuple[str, int], *, fps: int = 30, screen: bool = False
) -> AsyncIterator[Stand]:
    """A terminal that is connected; everything it started has ended afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    outbox = Outbox(folder / "outbox.sqlite")
    line, far = SocketCall(folder / "call.sock"), FarEnd()
    speaker = PacedSpeaker(far)
    stand: Stand

    def news(one: CallNews) -> None:
        stand.news.append((wall_ms(), one))
        link.hurry(calls.active)
        if glass is not None:
            glass.send(_page(calls.teller_pictures, len(stand.news)))

    link = Link(
        PahoBus(*broker, client_id=f"{BRANCH}.{DEVICE}"), outbox, branch=BRANCH, device=DEVICE,
        versions={"kiosk": "bench"}, on_call=lambda message: calls.take(message),
    )  # fmt: skip
    calls = Calls(line, link.say_call, news, lambda: speaker)
    await line.open()
    glass = SocketScreen(folder / "screen.sock") if screen else None
    process = await _start("kiosk.call", "--socket", str(folder / "call.sock"), "--fps", str(fps))
    stand = Stand(calls, line, link, speaker, process, glass)
    works = [link.run(), calls.run(), _camera(stand), _glass(stand),
             _microphone(stand, TappedCanceller(open_canceller(far), calls.heard, lambda _: False))]  # fmt: skip
    shown = None
    if glass is not None:
        await glass.open()
        works.append(_listen_to_screen(stand, glass))
        glass.send(_page("", 0))
        shown = await _start("kiosk.screen", "--socket", str(folder / "screen.sock"), "--headless")
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await stand.until(lambda: line.connected and link.hub_reachable, 60, "terminal and hub did not meet")
        calls.prepare()
        yield stand
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in (process, shown):
            if one is not None:
                await _stop(one)
        await line.close()
        if glass is not None:
            await glass.close()
        outbox.close()


def _page(pictures: str, revision: int) -> ScreenState:
    return ScreenState(revision, "conversation", "zh", "青禾银行", "滨江支行", teller_pictures=pictures)


async def _start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", *arguments, cwd=ROOT)


async def _stop(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
