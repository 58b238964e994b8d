"""The call process itself, with aiortc as the teller: media both ways, and an end in bounded time in every case."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from contracts import call as c
from contracts import media
from kiosk.adapters.call_socket import SocketCall
from kiosk.call.calls import CallEnded, CallNews, Calls
from kiosk.events import CameraFrame

aiortc = pytest.importorskip("aiortc")
import av  # noqa: E402

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
WAIT_S = 30.0
CASE = "case-process-1"


async def until(what: Callable[[], object], why: str, seconds: float = WAIT_S) -> None:
    ends_s = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < ends_s, why
        await asyncio.sleep(0.02)


class _Grey(aiortc.MediaStreamTrack):
    """15 pictures a second of one shade."""

    kind = "video"

    def __init__(self, shade: int) -> None:
        super().__init__()
        self._shade, self._number = shade, 0

    async def recv(self) -> av.VideoFrame:
        await asyncio.sleep(1 / 15)
        frame = av.VideoFrame.from_ndarray(np.full((360, 320), self._shade, np.uint8), format="yuv420p")
        frame.pts, frame.time_base = self._number * 6000, Fraction(1, 90_000)
        self._number += 1
        return frame


class _Tone(aiortc.MediaStreamTrack):
    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._samples = 0
        self._began_s = time.monotonic()

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(max(0.0, self._began_s + self._samples / 48_000 - time.monotonic()))
        t = (self._samples + np.arange(960)) / 48_000
        frame = av.AudioFrame.from_ndarray((8_000 * np.sin(2 * np.pi * 440 * t)).astype(np.int16)[None], layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._samples, Fraction(1, 48_000)
        self._samples += 960
        return frame


class Loudspeaker:
    """Takes what the teller says."""

    def __init__(self) -> None:
        self.heard: list[np.ndarray] = []

    async def write(self, pcm: np.ndarray) -> None:
        self.heard.append(pcm)

    def flush(self) -> int:
        return 0

    def played(self) -> object:
        from kiosk.ports import Played

        return Played(sum(map(len, self.heard)), time.monotonic_ns())


@dataclass
class Both:
    """A terminal's core with its call process, and a teller."""

    calls: Calls
    line: SocketCall
    process: asyncio.subprocess.Process
    loudspeaker: Loudspeaker
    up: list[c.CallUp] = field(default_factory=list)
    news: list[CallNews] = field(default_factory=list)
    teller: object = None
    levels: list[float] = field(default_factory=list)
    shades: list[float] = field(default_factory=list)
    words: list[dict[str, object]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    works: set[asyncio.Task[None]] = field(default_factory=set)

    def down(self, leg: int, said: int, body: c.ToTerminal) -> None:
        from datetime import UTC, datetime, timedelta

        now = datetime.now(UTC)
        self.calls.take(
            c.CallDown(id="1", at=now, mono_ns=1, case=CASE, leg=leg, said=said, expires=now + timedelta(60), body=body)
        )

    async def dial(self, leg: int = 1) -> None:
        """The teller offers and takes the answer; returns when connected."""
        teller = self.teller = aiortc.RTCPeerConnection()
        states: list[str] = []
        self.states = states
        self.channel = teller.createDataChannel("desk")
        self.channel.on("message", lambda text: self.words.append(json.loads(text)))
        teller.addTransceiver(_Tone(), direction="sendrecv")
        teller.addTransceiver(_Grey(140), direction="sendrecv")
        teller.addTransceiver("video", direction="sendrecv")
        teller.on("track", self._watch)
        teller.on("connectionstatechange", lambda: states.append(teller.connectionState))
        await teller.setLocalDescription(await teller.createOffer())
        self.down(leg, 1, c.Offered(sdp=teller.localDescription.sdp))

        def answers() -> list[c.Answered]:
            return [one.body for one in self.up if one.leg == leg and isinstance(one.body, c.Answered)]

        await until(answers, "no answer")
        await teller.setRemoteDescription(aiortc.RTCSessionDescription(answers()[0].sdp, "answer"))
        await until(lambda: self.calls.standing == "up", "not connected")

    def _watch(self, track: aiortc.MediaStreamTrack) -> None:
        async def watch() -> None:
            with contextlib.suppress(aiortc.mediastreams.MediaStreamError):
                while True:
                    frame = await track.recv()
                    seen = self.levels if track.kind == "audio" else self.shades
                    array = frame.to_ndarray().astype(float)
                    seen.append(float(np.sqrt((array**2).mean())) if track.kind == "audio" else float(array[0].mean()))

        self.works.add(asyncio.create_task(watch()))

    def ended(self) -> str:
        return next((one.reason for one in self.news if isinstance(one, CallEnded)), "")


async def devices(calls: Calls, camera: bool) -> None:
    """A camera of one shade and a microphone with a tone."""
    t = np.arange(320) / 16_000
    tone = (6_000 * np.sin(2 * np.pi * 500 * t)).astype(np.int16)
    while True:
        now_ns = time.monotonic_ns()
        calls.heard(tone, now_ns)
        if camera:
            calls.saw(CameraFrame(np.full((480, 640, 3), 200, np.uint8), now_ns))
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def both(folder: Path, *, camera: bool = True) -> AsyncIterator[Both]:
    line, loudspeaker = SocketCall(folder / "call.sock"), Loudspeaker()
    up: list[c.CallUp] = []
    news: list[CallNews] = []

    async def say(message: c.CallUp) -> None:
        up.append(message)

    calls = Calls(line, say, news.append, lambda: loudspeaker)  # type: ignore[arg-type,return-value]
    await line.open()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk.call", "--socket", str(folder / "call.sock"), cwd=ROOT
    )
    running = [asyncio.create_task(calls.run()), asyncio.create_task(devices(calls, camera))]
    made = Both(calls, line, process, loudspeaker, up, news)
    try:
        await until(lambda: line.connected, "the process did not come")
        calls.works("camera", camera)
        calls.expect(CASE)
        yield made
    finally:
        if made.teller is not None:
            await made.teller.close()  # type: ignore[attr-defined]
        for task in (*running, *made.works):
            task.cancel()
        await asyncio.gather(*running, *made.works, return_exceptions=True)
        await line.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_pictures_sound_and_words_go_both_ways_and_both_ends_know_the_end(tmp_path: Path) -> None:
    async with both(tmp_path) as call:
        await call.dial()
        await until(lambda: len(call.shades) > 5 and len(call.levels) > 20, "nothing came to the teller")
        assert abs(np.median(call.shades[-3:]) - 188) < 25  # grey 200 as luma
        assert max(call.levels) > 1_000
        await until(lambda: len(call.loudspeaker.heard) > 20, "the teller was not heard")
        assert all(len(pcm) == 480 for pcm in call.loudspeaker.heard)
        assert max(int(np.abs(pcm).max()) for pcm in call.loudspeaker.heard) > 3_000
        from kiosk.call.board import Board

        board = Board.open(call.calls.teller_pictures)
        await until(lambda: board.newest > 3, "no picture of the teller")
        shown = board.after(0)
        assert shown is not None and abs(int(shown.planes[:240].mean()) - 140) < 10
        board.close()
        call.channel.send(json.dumps({"kind": "write", "text": "请稍候"}))
        call.channel.send("nonsense")
        call.channel.send(json.dumps({"kind": "show", "source": "document"}))
        await until(lambda: any(getattr(one, "text", "") == "请稍候" for one in call.news), "no line of text")
        call.calls.hang_up("left")
        await until(lambda: {"kind": "bye", "reason": "left"} in call.words, "the teller was not told", 5)
        assert any(isinstance(one.body, c.HungUp) and one.body.reason == "left" for one in call.up)


async def test_a_new_leg_takes_the_call_over_and_the_old_one_is_closed(tmp_path: Path) -> None:
    async with both(tmp_path) as call:
        await call.dial(1)
        first, states = call.teller, call.states
        await until(lambda: call.shades, "no picture in the first leg")
        call.states = []
        await call.dial(2)
        call.shades.clear()
        await until(lambda: len(call.shades) > 5, "no picture in the second leg")
        await until(lambda: states[-1] == "closed", "the first leg stayed open")
        await first.close()  # type: ignore[attr-defined]
        assert call.calls.standing == "up" and not call.ended()


async def test_without_a_camera_the_talk_goes_on_by_sound(tmp_path: Path) -> None:
    async with both(tmp_path, camera=False) as call:
        await call.dial()
        await until(lambda: len(call.levels) > 20 and len(call.loudspeaker.heard) > 20, "no sound")
        assert not call.shades
        told = [one.body for one in call.up if isinstance(one.body, c.MediaTold)]
        assert told and not told[-1].camera


async def test_a_core_that_is_killed_ends_the_call_for_the_teller_and_the_process_waits_for_the_next(
    tmp_path: Path,
) -> None:
    async with both(tmp_path) as call:
        await call.dial()
        await until(lambda: call.channel.readyState == "open", "no channel")
        call.line._writer.transport.abort()  # as when the core is killed
        await until(lambda: {"kind": "bye", "reason": "terminal_stopped"} in call.words, "the teller was not told", 8)
        await until(lambda: call.line.connected, "the process did not come back")
        assert call.process.returncode is None


async def test_a_teller_who_says_goodbye_over_the_connection_ends_it_here_too(tmp_path: Path) -> None:
    async with both(tmp_path) as call:
        await call.dial()
        await until(lambda: call.channel.readyState == "open", "no channel")
        call.channel.send(json.dumps({"kind": "bye"}))
        await until(lambda: call.ended() == "done", "the goodbye was not heard", 8)
        assert not call.calls.active


async def test_a_description_that_is_nonsense_is_counted_and_the_next_offer_works(tmp_path: Path) -> None:
    async with both(tmp_path) as call:
        call.down(1, 1, c.Offered(sdp="v=0\r\nnonsense"))
        call.down(1, 2, c.CandidateFound(candidate="candidate:nonsense", mid="0"))
        await call.dial(2)
        assert call.calls.standing == "up"


async def test_the_process_ends_within_three_seconds_of_being_told_also_in_a_call(tmp_path: Path) -> None:
    async with both(tmp_path) as call:
        await call.dial()
        began_s = time.monotonic()
        call.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            assert await call.process.wait() == 0
        assert time.monotonic() - began_s < 3
        await until(lambda: call.calls.standing == "lost", "the core did not notice", 5)
        assert any(isinstance(one.body, c.ResumeAsked) for one in call.up)


async def test_an_idle_process_loads_nothing_and_nonsense_does_not_end_it(tmp_path: Path) -> None:
    line = SocketCall(tmp_path / "call.sock")
    await line.open()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kiosk.call", "--socket", str(tmp_path / "call.sock"), cwd=ROOT
    )
    try:
        await until(lambda: line.connected, "the process did not come")
        maps = Path(f"/proc/{process.pid}/maps").read_text("utf-8")
        assert "pylibsrtp" not in maps and "libavcodec" not in maps
        before = line._writer
        before.write(b"\xff" * 64)
        await until(lambda: line._writer not in (None, before), "nonsense was taken, or it did not come back")
        line.send(media.Begin(CASE, "/proc/1/fd/0", "nowhere", ""))
        first = await anext(one async for one in line.messages() if isinstance(one, media.Ended))
        assert first.reason == "failed"
    finally:
        os.kill(process.pid, signal.SIGTERM)
        await process.wait()
        await line.close()
