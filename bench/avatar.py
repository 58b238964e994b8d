"""The receptionist's face on the screen, while the terminal hears and speaks on the same processor cores.

    python -m bench avatar --json - [--seconds 45] [--persona NAME] [--full]

The real screen process is started, paced at 36 pictures a second, off-screen and in a window of Xvfb at 1080 x 1920,
then off-screen at 2160 x 3840. Meanwhile this process does what the terminal's core does: Kokoro synthesises
approved sentences and the recogniser recognises them, without a pause, and one of them is spoken: played by
`Playback` into a simulated loudspeaker at real pace, whose clock drives the mouth. Moods, gestures and gaze change
all the time.

- `fps_p5`: pictures drawn a second, 5th percentile of the windows of one second; the lower one of off-screen and Xvfb.
- `frame_ms`: drawing and presenting one picture, by the clock on the wall; `frame_processor_ms`: the processor's time
  from one look to the next, for pictures that were drawn. Where others work on the same processors this tells more.
- `core_share`: processor time of the screen process, in shares of one core.
- `startup_s`: from starting the process to the first page on the glass, nothing else running but this process.
- `memory_mb`: largest resident memory of the screen process.
- `viseme_skew_ms`: p95 in the last five minutes of an hour of speech in virtual time (`bench.avatar_hour`); with
  `--full` of a real hour of the screen process. `viseme_skew_live_ms`: of the run at hand.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from avatar.timeline import LEAD_MS
from bench.avatar_hour import hour
from bench.avatar_work import Sentence, Work
from bench.tts import spread
from contracts.framing import Framing
from contracts.screen import (
    MAX_MESSAGE_BYTES,
    Caption,
    Drawn,
    Expression,
    Gesture,
    ScreenState,
    Target,
    ToCore,
    ToScreen,
)
from kiosk.adapters.room import Acoustics, Room, RoomSpeaker
from kiosk.audio.playback import Playback, SpeechChunk
from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.supervisor import SCREEN_ALLOCATOR

FPS: Final = 36
SIZE: Final = "1080x1920"
UHD: Final = "2160x3840"
LOOK_MS: Final = 5.0
UHD_SECONDS: Final = 15.0
LEAST_SECONDS: Final = 10.0
SETTLE_S: Final = 2.0  # of a run that are not counted: the page appears, caches fill
START_S: Final = 240.0  # a screen that is not there by then is an error
MOODS: Final[tuple[Expression, ...]] = get_args(Expression)
GESTURES: Final[tuple[Gesture, ...]] = get_args(Gesture)


@dataclass
class Watched:
    """What the screen did in one run, and what the loudspeaker let out."""

    looks: list[tuple[int, float | None]] = field(default_factory=list)
    mouths: list[tuple[int, str, int]] = field(default_factory=list)
    heard: dict[str, list[tuple[int, int]]] = field(default_factory=dict)  # by utterance: (end_ns, samples audible)
    work_ms: list[float] = field(default_factory=list)  # of the processor, from one look to the next
    startup_s: float = 0.0
    core_share: float = 0.0
    memory_mb: float = 0.0


class Glass:
    """One screen process and the core's end of its socket."""

    def __init__(self, folder: Path, size: str, display: str | None) -> None:
        self._out, self._path = folder / "watched.json", folder / "screen.sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self._path))
        self._listener.listen(1)
        self._listener.settimeout(START_S)
        hidden = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
        environment = {name: value for name, value in os.environ.items() if name not in hidden} | dict(SCREEN_ALLOCATOR)
        where = ["--headless"] if display is None else []
        if display is not None:
            environment["DISPLAY"] = display
        command = [sys.executable, "-m", "bench.avatar_screen", str(self._out), "--socket", str(self._path)]
        self.began_s = time.monotonic()
        self._process = subprocess.Popen(
            [*command, "--size", size, "--fps", str(FPS), *where], env=environment, stdout=subprocess.DEVNULL
        )
        try:
            self._peer, _ = self._listener.accept()
        except OSError:  # it never called: do not leave it behind
            self._process.kill()
            self._process.wait()
            raise
        self._peer.settimeout(START_S)
        self._framing: Framing[ToCore] = Framing(ToCore, MAX_MESSAGE_BYTES)

    def send(self, message: ToScreen) -> None:
        self._peer.sendall(self._framing.encode(message))

    def read(self, wait_s: float) -> list[ToCore]:
        if not select.select([self._peer], [], [], wait_s)[0]:
            return []
        received = self._peer.recv(65536)
        if not received:
            raise OSError("the screen process ended by itself")
        return self._framing.feed(received)

    def first_page(self) -> float:
        """Send a page and return the seconds from the start of the process until it was on the glass."""
        self.send(page(0, "xiaoying"))
        while time.monotonic() - self.began_s < START_S:
            for message in self.read(0.05):
                if isinstance(message, Drawn) and message.revision == 1:
                    return message.at_ns / 1e9 - self.began_s
        raise OSError(f"the screen drew nothing within {START_S:.0f} s")

    def processor_s(self) -> float:
        fields = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def peak_mb(self) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        peak = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return round(int(peak.split()[1]) / 1024, 1)

    def close(self, watched: Watched) -> None:
        """Let the screen end and take over what it kept."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._peer.close()
        self._listener.close()
        kept = json.loads(self._out.read_text("utf-8"))
        watched.looks = [(at, took) for at, took in kept["looks"]]
        watched.work_ms = list(kept["work_ms"])
        watched.mouths = [(at, name, sample) for at, name, sample in kept["mouths"]]


def page(number: int, persona: str) -> ScreenState:
    """A page of a conversation; mood, gesture, gaze and hearing differ from one number to the next."""
    gesture = GESTURES[1 + number // 2 % (len(GESTURES) - 1)] if number % 2 else "rest"
    return ScreenState(
        revision=number + 1,
        page="conversation",
        language="zh",
        bank="青禾银行",
        branch="滨江路支行",
        persona=persona,
        captions=(Caption("visitor", "我的卡丢了。"), Caption("receptionist", "别着急，我先帮您挂失。")),
        targets=(Target("yes", "好，先挂失", "好，先挂失", "chip"), Target("human", "人工服务", "人工服务", "human")),
        listening="thinking" if number % 5 == 3 else "speaking",
        expression=MOODS[number % len(MOODS)],
        gesture=gesture,
        point_at="human",
        count=1 + number % 5,
        gaze=((number % 5 - 2) / 2, (number % 3 - 1) / 3),
    )


@contextmanager
def xvfb(size: str) -> Iterator[str]:
    """A display in memory, and its name. Raises OSError where Xvfb is not installed or does not come up."""
    if shutil.which("Xvfb") is None:
        raise OSError("Xvfb is needed: apt-get install xvfb")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL)
    os.close(writing)
    try:
        if not select.select([reading], [], [], START_S)[0]:
            raise OSError("Xvfb did not come up")
        yield f":{os.read(reading, 16).decode().strip()}"
    finally:
        os.close(reading)
        server.terminate()
        server.wait(10)


async def perform(glass: Glass, sentences: Sequence[Sentence], seconds: float, persona: str) -> Watched:
    """Speak for `seconds` with changing moods, and watch."""
    watched, clock = Watched(), SystemClock()
    room = Room(clock, Acoustics(noise=np.zeros(320, np.int16), echo_gain=0.0))
    speaker = RoomSpeaker(room, clock)
    saying: list[str] = []

    def played(block: Pcm, end_ns: int) -> None:
        sounding = int(np.count_nonzero(block))
        if sounding and saying:
            heard = watched.heard.setdefault(saying[0], [])
            silent = len(block) - sounding
            heard.append((end_ns - silent * 1_000_000_000 // SPEECH_RATE_HZ, (heard[-1][1] if heard else 0) + sounding))

    speaker.on_played(played)
    playback = Playback(speaker, clock, glass.send)
    ends_s = time.monotonic() + seconds

    async def talk() -> None:
        for number in itertools.count():
            saying[:] = [f"u{number}"]

            async def chunks() -> AsyncIterator[SpeechChunk]:
                for sentence in sentences:
                    yield SpeechChunk(text=sentence.text, pcm=sentence.pcm, visemes=sentence.visemes)

            await playback.play(saying[0], chunks(), lambda progress: None)
            await asyncio.sleep(0.3)

    tasks = [asyncio.create_task(room.run()), asyncio.create_task(talk())]
    began_s, used_s = time.monotonic(), glass.processor_s()
    try:
        for number in itertools.count():
            if time.monotonic() >= ends_s:
                break
            glass.send(page(number, persona))
            glass.read(0.0)
            await asyncio.sleep(1.5)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    watched.core_share = round((glass.processor_s() - used_s) / (time.monotonic() - began_s), 3)
    watched.memory_mb = glass.peak_mb()
    return watched


def fps_of(looks: Sequence[tuple[int, float | None]]) -> list[int]:
    """Pictures drawn in each whole second after the first SETTLE_S."""
    drawn = [at for at, took in looks if took is not None]
    if not drawn:
        return []
    first = drawn[0] + int(SETTLE_S * 1e9)
    seconds = int((drawn[-1] - first) / 1e9)
    tally = np.zeros(max(0, seconds), int)
    for at in drawn:
        second = (at - first) // 1_000_000_000
        if 0 <= second < seconds:
            tally[second] += 1
    return [int(count) for count in tally]


def late_ms(watched: Watched) -> list[float]:
    """By how much the mouth on the glass was late, every LOOK_MS while something was heard, without its wanted lead.

    A picture grows old until the next one comes: its age is part of this.
    """
    found: list[float] = []
    for name, heard in watched.heard.items():
        mine = [(at, sample) for at, utterance, sample in watched.mouths if utterance == name]
        if len(mine) < 2:
            continue
        ends, audible = (np.array(column, np.float64) for column in zip(*heard, strict=True))
        from_ns, made_for = (np.array(column, np.float64) for column in zip(*mine, strict=True))
        times = np.arange(max(ends[0], from_ns[0]), min(ends[-1], from_ns[-1]), LOOK_MS * 1e6)
        seen = made_for[np.searchsorted(from_ns, times, side="right") - 1]
        found += ((np.interp(times, ends, audible) - seen) * 1e3 / SPEECH_RATE_HZ - LEAD_MS).tolist()
    return found


def run(sentences: Sequence[Sentence], size: str, seconds: float, persona: str, display: str | None) -> Watched:
    with tempfile.TemporaryDirectory() as folder:
        glass = Glass(Path(folder), size, display)
        watched = Watched()
        try:
            startup_s = glass.first_page()
            watched = asyncio.run(perform(glass, sentences, seconds, persona))
            watched.startup_s = round(startup_s, 2)
        finally:
            glass.close(watched)
        return watched


def figures(watched: Watched) -> dict[str, Any]:
    fps = fps_of(watched.looks)
    took = [ms for _, ms in watched.looks if ms is not None]
    late, work = late_ms(watched), watched.work_ms
    return {
        "fps_p5": round(float(np.percentile(fps, 5)), 1) if fps else 0.0,
        "fps_p50": round(float(np.percentile(fps, 50)), 1) if fps else 0.0,
        "windows": len(fps),
        "frame_ms": spread(took),
        "frame_processor_ms": spread(
            [ms for ms, (_, drew) in zip(work, watched.looks, strict=True) if drew is not None]
        ),
        "core_share": watched.core_share,
        "memory_mb": watched.memory_mb,
        "skew_ms": spread(np.abs(late).tolist()),
        "late_ms": spread(late),
    }


def startup(size: str = SIZE, times: int = 3) -> float:
    """Seconds from the start of the process to its first page, the median of `times`."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as folder:
            glass = Glass(Path(folder), size, None)
            try:
                found.append(glass.first_page())
            finally:
                glass.close(Watched())
    return round(float(np.median(found)), 2)


def main(argv: Sequence[str]) -> dict[str, Any]:
    """The figures. Keys as the module says; raises OSError when a screen does not come up."""
    parser = argparse.ArgumentParser(prog="python -m bench avatar", description=__doc__)
    parser.add_argument("--seconds", type=float, default=45.0, help="of each run at 1080 x 1920")
    parser.add_argument("--persona", default="xiaoying")
    parser.add_argument("--full", action="store_true", help="the off-screen run takes a real hour")
    given = parser.parse_args(list(argv))
    if given.seconds < LEAST_SECONDS:
        raise ValueError(f"--seconds wants at least {LEAST_SECONDS:.0f}")
    startup_s, virtual = startup(), hour()
    work = Work()
    sentences = work.sentences()
    with work.going_on():
        offscreen = run(sentences, SIZE, 3600.0 if given.full else given.seconds, given.persona, None)
        with xvfb(SIZE) as display:
            window = run(sentences, SIZE, given.seconds, given.persona, display)
        uhd = run(sentences, UHD, UHD_SECONDS, given.persona, None)
    found, live = figures(offscreen), late_ms(offscreen)
    shown = figures(window)
    last = live[-len(live) // 12 :] if given.full else virtual.last_ms
    return {
        "fps_p5": min(found["fps_p5"], shown["fps_p5"]),
        "core_share": max(found["core_share"], shown["core_share"]),
        "frame_ms": found["frame_ms"],
        "frame_processor_ms": found["frame_processor_ms"],
        "startup_s": startup_s,
        "memory_mb": found["memory_mb"],
        "viseme_skew_ms": round(float(np.percentile(np.abs(last), 95)), 1),
        "viseme_skew_first_ms": round(float(np.percentile(np.abs(virtual.first_ms), 95)), 1),
        "viseme_skew_live_ms": found["skew_ms"],
        "viseme_skew_without_reports_ms": round(float(np.percentile(np.abs(virtual.free_ms), 95)), 1),
        "hour": "real" if given.full else "virtual",
        "offscreen": found,
        "xvfb": shown,
        "uhd_2160x3840": figures(uhd),
        "worked_meanwhile": dict(work.done),
        "load_average_1m": round(os.getloadavg()[0], 1),
        "condition": (
            f"{os.cpu_count()} processors without a graphics card; paced at {FPS} pictures a second; {SIZE} off-screen"
            f" and under Xvfb, {given.seconds:.0f} s each, 2160x3840 for {UHD_SECONDS:.0f} s; meanwhile Kokoro and"
            " Whisper without a pause in the process that speaks; another mood, gesture and gaze every 1.5 s"
        ),
    }
