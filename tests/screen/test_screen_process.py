"""The real screen process over the real socket: once in a window of a real X server, once in memory."""

from __future__ import annotations

import itertools
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pygame
import pytest
from screen_stand_in import StandInCore, start_screen, stop_screen

from bench.page_samples import LANGUAGES, PAGES, conversation, opinion, sample, ticket
from contracts.screen import (
    Close,
    Drawn,
    Fault,
    Pace,
    Press,
    Ready,
    ScreenState,
    SpeechClock,
    SpeechPlan,
    SpeechStopped,
    Touch,
)
from contracts.speech import VisemeSpan
from kiosk.screen.notice import notice
from kiosk.screen.recorder import Recorder
from kiosk.screen.stage import Stage

pytestmark = pytest.mark.contract

SIZE = "540x960"


@pytest.fixture(scope="module")
def x_display() -> Iterator[str]:
    """A real X server without a monitor, on a display number that it chooses itself."""
    assert shutil.which("Xvfb"), "Xvfb is needed: apt-get install xvfb"
    read_end, write_end = os.pipe()
    command = ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1200x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=(write_end,), stderr=subprocess.DEVNULL)
    os.close(write_end)
    try:
        assert select.select([read_end], [], [], 20)[0], "Xvfb did not come up within 20 s"
        yield f":{os.read(read_end, 16).decode().strip()}"
    finally:
        os.close(read_end)
        server.terminate()
        server.wait(5)


@pytest.fixture(params=["window", "memory"])
def driver(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def core(tmp_path: Path, driver: str, request: pytest.FixtureRequest) -> Iterator[StandInCore]:
    """A core with the real screen connected to it."""
    display = request.getfixturevalue("x_display") if driver == "window" else None
    stand_in = StandInCore(tmp_path / "screen.sock")
    process = start_screen(stand_in.path, "--size", SIZE, display=display)
    try:
        stand_in.accept()
        stand_in.process = process  # type: ignore[attr-defined]
        yield stand_in
        if process.poll() is None:
            assert stop_screen(process, 3.0) == 0
    finally:
        stand_in.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def test_the_screen_says_what_it_is_and_draws_every_page_in_both_languages(core: StandInCore, driver: str) -> None:
    ready = core.until(Ready)
    assert (ready.width, ready.height) == (540, 960)
    assert (ready.driver == "dummy") == (driver == "memory")
    revision = 10
    for page, language in itertools.product(PAGES, LANGUAGES):
        revision += 1
        state = sample(page, language)
        core.send(type(state)(**{f: getattr(state, f) for f in state.__struct_fields__} | {"revision": revision}))
        drawn = core.until(Drawn, lambda m, r=revision: m.revision == r)
        assert set(drawn.targets) == {target.id for target in state.targets if target.enabled}
    assert not [m for m in core.received if isinstance(m, Fault)]


def test_a_recorded_press_becomes_a_touch_of_the_same_revision_within_300_ms(core: StandInCore) -> None:
    core.send(opinion("zh"))
    core.until(Drawn)
    for target in ("rate_4", "skip", "human"):
        asked_ns = time.monotonic_ns()
        core.send(Press(target))
        touch = core.until(Touch, lambda m, t=target: m.target == t)
        assert touch.revision == 4
        assert 80_000_000 <= touch.at_ns - asked_ns <= 300_000_000


def test_a_press_right_after_a_snapshot_finds_the_new_page(core: StandInCore) -> None:
    core.send(opinion("zh"))
    core.send(conversation("zh"))
    core.send(Press("freeze"))
    assert core.until(Touch).target == "freeze"


def test_a_press_on_something_not_drawn_is_reported_and_touches_nothing(core: StandInCore) -> None:
    core.send(ticket("zh"))
    core.until(Drawn)
    core.send(Press("freeze"))
    assert core.until(Fault).code == "press_target_not_drawn"
    assert not [m for m in core.received if isinstance(m, Touch)]


def test_the_screen_outlives_its_core_and_comes_back_to_the_next_one(core: StandInCore) -> None:
    core.send(conversation("en"))
    core.until(Drawn)
    core.hang_up()
    core.accept(timeout_s=5.0)
    core.received.clear()
    core.until(Ready)
    core.send(conversation("zh"))
    assert core.until(Drawn).revision == 2


def test_nonsense_ends_the_connection_and_not_the_screen(core: StandInCore) -> None:
    for nonsense in (b"\xff" * 64, b"\x00\x00\x00\x05{]x!?", b"\x00\x00\x00\x0e" + b'{"type":"zzz"}'):
        core.send_bytes(nonsense)
        core.accept(timeout_s=5.0)
        core.received.clear()
        core.until(Ready)
    core.send(ticket("zh"))
    core.until(Drawn)


def test_it_reports_its_pace_every_two_seconds_and_rests_when_little_moves(core: StandInCore) -> None:
    core.send(ticket("zh"))
    core.until(Pace, timeout_s=15)
    core.received.clear()
    core.until(Pace, timeout_s=4)
    calm = core.until(Pace, timeout_s=4)
    assert 1.9 <= calm.seconds <= 2.6
    assert calm.frames <= 61


@pytest.mark.parametrize("how", ["close", "terminate", "interrupt"])
def test_it_leaves_within_two_seconds_when_asked(core: StandInCore, how: str) -> None:
    core.until(Ready)
    process: subprocess.Popen[bytes] = core.process  # type: ignore[attr-defined]
    if how == "close":
        core.send(Close())
    else:
        process.send_signal(signal.SIGTERM if how == "terminate" else signal.SIGINT)
    assert process.wait(2.0) == 0


def test_without_a_core_it_waits_and_connects_when_the_core_comes(tmp_path: Path) -> None:
    path = tmp_path / "late.sock"
    process = start_screen(path, "--size", SIZE)
    late = None
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.0)
        late = StandInCore(path)
        late.accept(timeout_s=10.0)
        late.until(Ready)
        assert stop_screen(process, 3.0) == 0
    finally:
        if late is not None:
            late.close()
        if process.poll() is None:
            process.kill()
            process.wait()


def speak(core: StandInCore, seconds: float) -> int:
    """Let her speak open and closed syllables, then stop; return the monotonic time at which speech began."""
    spans = tuple(VisemeSpan("a" if i % 2 else "mbp", i * 4800, (i + 1) * 4800) for i in range(int(seconds * 5) + 5))
    core.send(SpeechPlan("u1", 24_000, spans))
    began_ns = time.monotonic_ns()
    while (now_ns := time.monotonic_ns()) < began_ns + int(seconds * 1e9):
        core.send(SpeechClock("u1", (now_ns - began_ns) * 24_000 // 1_000_000_000, now_ns))
        core.pump(0.1)
    core.send(SpeechStopped("u1"))
    return began_ns


def test_the_film_shows_the_mouth_moving_while_she_speaks_and_still_afterwards(tmp_path: Path) -> None:
    core = StandInCore(tmp_path / "screen.sock")
    process = start_screen(core.path, "--record", str(tmp_path / "film"))
    try:
        core.accept()
        core.send(conversation("zh"))
        core.until(Drawn)
        quiet_until = time.monotonic() + 1.0
        while time.monotonic() < quiet_until:
            core.pump(0.1)
        began_ns = speak(core, 2.0)
        ended_ns = time.monotonic_ns()
        still_until = time.monotonic() + 1.2
        while time.monotonic() < still_until:
            core.pump(0.1)
        core.send(Close())
        assert process.wait(3.0) == 0
    finally:
        core.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    facts = json.loads((tmp_path / "film" / "screen.json").read_text())
    assert facts["failure"] == "" and facts["frames"] >= 20
    moving = mouth_motion(tmp_path / "film", facts["zero_monotonic_ns"], began_ns + 200_000_000, ended_ns)
    still = mouth_motion(tmp_path / "film", facts["zero_monotonic_ns"], ended_ns + 300_000_000, 1 << 62)
    assert moving > 4 * still + 1


def test_while_the_core_is_gone_a_friendly_notice_stands_on_the_glass_and_then_the_page_again(tmp_path: Path) -> None:
    path, film = tmp_path / "screen.sock", tmp_path / "film"
    core = StandInCore(path)
    process = start_screen(path, "--record", str(film))
    try:
        core.accept()
        core.send(conversation("zh"))
        core.until(Drawn)
        core.close()
        gone_ns = time.monotonic_ns()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.6)
        core = StandInCore(path)
        core.accept()
        core.send(ticket("zh"))
        core.until(Drawn)
        core.send(Close())
        assert process.wait(3.0) == 0
    finally:
        core.close()
        if process.poll() is None:
            process.kill()
            process.wait()
    zero_ns = json.loads((film / "screen.json").read_text())["zero_monotonic_ns"]
    shown = lower_half_at(film, (gone_ns + 1_300_000_000 - zero_ns) / 1e9)
    as_notice, as_page = (
        np.abs(shown - lower_half_of(state)).mean() for state in (notice(conversation("zh")), conversation("zh"))
    )
    assert as_notice < 6.0
    assert as_notice < as_page / 3


def lower_half_of(state: ScreenState) -> np.ndarray:
    stage = Stage(0.5, state)
    stage.draw(0)
    return pygame.surfarray.array3d(stage.composer.frame).transpose(1, 0, 2)[600:].mean(axis=2)


def lower_half_at(folder: Path, seconds: float) -> np.ndarray:
    """Return what the glass showed below the face at a moment of the film, grey, shape (360, 540)."""
    shown = None
    with av.open(str(folder / "screen.mp4")) as movie:
        for frame in movie.decode(video=0):
            if frame.time > seconds:
                break
            shown = frame.to_ndarray(format="rgb24")[600:].mean(axis=2)
    assert shown is not None
    return shown


def test_pictures_that_come_faster_than_they_are_filmed_are_dropped_and_counted(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    surface = pygame.Surface((1080, 1920), 0, 32)
    for i in range(60):
        surface.fill((i * 4, 90, 90))
        recorder.offer(surface, i * 70_000_000, changed=True)
    recorder.close(surface, 61 * 70_000_000)
    facts = json.loads((tmp_path / "screen.json").read_text())
    assert facts["dropped"] > 0
    assert facts["frames"] + facts["dropped"] == 61
    with av.open(str(tmp_path / "screen.mp4")) as movie:
        assert sum(1 for _ in movie.decode(video=0)) == facts["frames"]


def mouth_motion(folder: Path, zero_ns: int, start_ns: int, end_ns: int) -> float:
    """Return the mean difference of neighbouring pictures around the mouth, 0..255, between two moments."""
    pictures = []
    with av.open(str(folder / "screen.mp4")) as film:
        for frame in film.decode(video=0):
            at_ns = zero_ns + int(frame.time * 1e9)
            if start_ns <= at_ns < end_ns:
                pictures.append(frame.to_ndarray(format="gray")[270:320, 240:300].astype(np.int16))
    assert len(pictures) >= 2
    return float(np.mean([np.abs(a - b).mean() for a, b in itertools.pairwise(pictures)]))
