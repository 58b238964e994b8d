"""One suite for both pairs of microphone and loudspeaker: the sound card's (through PulseAudio) and the room's.

In both, the microphone hears what the loudspeaker plays.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kiosk.adapters.room import Acoustics, Room, RoomMicrophone, RoomSpeaker
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.events import FRAME_SAMPLES, SPEECH_RATE_HZ, AudioFrame
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import SystemClock
from tests.kiosk.sound_card import SoundCard

pytestmark = pytest.mark.contract

BEEP = (9000 * np.sin(2 * np.pi * 880 * np.arange(SPEECH_RATE_HZ) / SPEECH_RATE_HZ)).astype(np.int16)  # one second


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoundCard]:
    card = SoundCard(tmp_path_factory.mktemp("card"))
    before = dict(os.environ)
    os.environ.update(card.environment)  # before PortAudio is loaded, which looks once
    card.plug_in()
    yield card
    card.unplug()
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(params=["card", "room"])
async def pair(request: pytest.FixtureRequest) -> AsyncIterator[tuple[Any, Any]]:
    """(microphone, speaker) of one world."""
    if request.param == "card":
        request.getfixturevalue("card")
        microphone: Any = await asyncio.to_thread(CardMicrophone, "auto", asyncio.get_running_loop())
        speaker: Any = await asyncio.to_thread(CardSpeaker, "auto")
        yield microphone, speaker
        await speaker.close()
        await microphone.close()
        return
    clock = SystemClock()
    room = Room(clock, Acoustics(noise=np.zeros(320, np.int16), echo_gain=0.8))
    running = asyncio.create_task(room.run())
    yield RoomMicrophone(room), RoomSpeaker(room, clock)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def listen(microphone: Any, seconds: float) -> list[AudioFrame]:
    frames: list[AudioFrame] = []
    async for frame in microphone.frames():
        frames.append(frame)
        if len(frames) >= seconds * 50:
            break
    return frames


def level(frames: list[AudioFrame]) -> float:
    return float(np.sqrt(np.mean(np.concatenate([frame.pcm for frame in frames]).astype(float) ** 2)))


async def test_frames_are_20_ms_of_int16_in_order_at_real_pace(pair: tuple[Any, Any]) -> None:
    frames = await listen(pair[0], 1.0)
    assert all(frame.pcm.shape == (FRAME_SAMPLES,) and frame.pcm.dtype == np.int16 for frame in frames)
    times = [frame.at_ns for frame in frames]
    assert times == sorted(times)
    assert 0.8e9 < times[-1] - times[0] < 1.2e9


async def test_what_is_played_is_heard_and_counted_to_the_sample(pair: tuple[Any, Any]) -> None:
    microphone, speaker = pair
    before = speaker.played().samples
    hearing = asyncio.create_task(listen(microphone, 2.0))
    await speaker.write(BEEP)
    frames = await hearing
    assert speaker.played().samples - before == len(BEEP)
    heard = np.concatenate([frame.pcm for frame in frames]).astype(float)
    spectrum = np.abs(np.fft.rfft(heard))
    assert np.argmax(spectrum) * 16_000 / len(heard) == pytest.approx(880, abs=3)


async def test_writing_returns_when_at_most_a_quarter_of_a_second_waits(pair: tuple[Any, Any]) -> None:
    speaker = pair[1]
    before = speaker.played().samples
    await speaker.write(BEEP)
    assert len(BEEP) - (speaker.played().samples - before) <= SPEECH_RATE_HZ * 0.55  # the card's own delay on top
    speaker.flush()


async def test_the_position_never_runs_ahead_or_back(pair: tuple[Any, Any]) -> None:
    speaker = pair[1]
    before = speaker.played().samples
    writing = asyncio.create_task(speaker.write(BEEP))
    seen = []
    for _ in range(60):
        seen.append(speaker.played().samples - before)
        await asyncio.sleep(0.02)
    await writing
    assert seen == sorted(seen)
    assert seen[-1] <= len(BEEP)


async def test_a_flush_ends_the_sound_within_200_ms(pair: tuple[Any, Any]) -> None:
    microphone, speaker = pair
    writing = asyncio.create_task(speaker.write(BEEP))
    await asyncio.sleep(0.5)
    flushed_ns = time.monotonic_ns()
    assert speaker.flush() > 0
    await writing
    after: list[AudioFrame] = []
    async for frame in microphone.frames():
        if frame.at_ns - flushed_ns > 220_000_000:  # the frame itself lasts 20 ms
            after.append(frame)
        if len(after) == 15:
            break
    assert level(after) < 50


async def test_ducking_is_heard(pair: tuple[Any, Any]) -> None:
    microphone, speaker = pair
    levels = []
    for gain in (1.0, 0.2):
        speaker.set_gain(gain)
        hearing = asyncio.create_task(listen(microphone, 1.6))
        await speaker.write(BEEP)
        levels.append(level((await hearing)[20:60]))
        await asyncio.sleep(0.3)
    assert levels[1] < levels[0] * 0.4


async def test_a_card_that_is_unplugged_is_lost_within_five_seconds_and_found_again(card: SoundCard) -> None:
    loop = asyncio.get_running_loop()
    microphone = await asyncio.to_thread(CardMicrophone, "auto", loop)
    assert await listen(microphone, 0.3)
    card.unplug()
    try:
        with pytest.raises(DeviceLost, match="stopped delivering"):
            async with asyncio.timeout(5):
                async for _ in microphone.frames():
                    pass
    finally:
        await microphone.close()
        card.plug_in()
    again = await asyncio.to_thread(CardMicrophone, "auto", loop)
    assert len(await listen(again, 0.3)) == 15
    await again.close()


async def test_a_device_that_is_not_there_is_named_with_those_that_are(card: SoundCard) -> None:
    with pytest.raises(DeviceLost, match="no input device called 'studio nine'; there are: "):
        await asyncio.to_thread(CardMicrophone, "studio nine", asyncio.get_running_loop())


SEES_IT_LATER = """
import asyncio, sys
from kiosk.adapters.sound import CardMicrophone, CardSpeaker
from kiosk.ports import DeviceLost

async def main():
    loop = asyncio.get_running_loop()
    for open_device in (lambda: CardMicrophone("auto", loop), lambda: CardSpeaker("auto")):
        try:
            await asyncio.to_thread(open_device)
        except DeviceLost as err:
            print("lost:", err, flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    microphone = await asyncio.to_thread(CardMicrophone, "auto", loop)
    speaker = await asyncio.to_thread(CardSpeaker, "auto")
    async for frame in microphone.frames():
        print("found:", len(frame.pcm), flush=True)
        break
    await speaker.close()
    await microphone.close()

asyncio.run(main())
"""


def test_a_card_that_is_plugged_in_after_the_start_is_found(tmp_path: Path) -> None:
    card = SoundCard(tmp_path / "card")
    terminal = subprocess.Popen(
        [sys.executable, "-c", SEES_IT_LATER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **card.environment}, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert terminal.stdin is not None and terminal.stdout is not None
    try:
        first = [terminal.stdout.readline() for _ in range(2)]
        assert all(line.startswith("lost: ") for line in first), first
        card.plug_in()
        said, _ = terminal.communicate("now\n", timeout=20)
        assert said == "found: 320\n"
    finally:
        terminal.kill()
        terminal.wait()
        card.unplug()


def ticks(acoustics: Acoustics, sound: np.ndarray, seconds: float) -> tuple[np.ndarray, list[AudioFrame], list[int]]:
    """What the microphone of a room turned by hand hears, its frames, and when each block played is said to end."""
    room, ends = Room(SystemClock(), acoustics), []
    room.on_played(lambda pcm, end_ns: ends.append(end_ns))
    room.queue(sound)
    frames: list[AudioFrame] = []
    for tick in range(1, int(seconds * 50) + 1):
        room._tick(tick * 20_000_000)
        frames += [room.frames._items.popleft() for _ in range(len(room.frames))]
    return np.concatenate([frame.pcm for frame in frames]), frames, ends


SILENT_HALL = np.zeros(320, np.int16)


def test_a_rooms_echo_comes_after_its_delay_and_through_its_walls() -> None:
    click = np.zeros(24_000, np.int16)
    click[:24] = 20_000
    walls = np.zeros(2000, np.float32)
    walls[[0, 1600]] = 1.0, 0.5  # the wall answers after 100 ms
    heard, _, _ = ticks(Acoustics(noise=SILENT_HALL, echo_gain=0.5, echo_delay_ms=60, echo_response=walls), click, 1.0)
    loud = np.flatnonzero(np.abs(heard) > 1500)
    direct_ms = (loud[0] - 320) / 16  # it begins to play at the first tick, when the microphone's first frame ends
    assert direct_ms == pytest.approx(61, abs=1)
    assert (loud[-1] - loud[0]) / 16 == pytest.approx(101, abs=1.5)


def test_a_loudspeaker_that_distorts_is_held_to_its_limit() -> None:
    free, _, _ = ticks(Acoustics(noise=SILENT_HALL, echo_gain=1.0), BEEP, 0.8)
    held, _, _ = ticks(Acoustics(noise=SILENT_HALL, echo_gain=1.0, loudspeaker_limit=0.1), BEEP, 0.8)
    assert np.abs(free).max() > 8500 and np.abs(held).max() <= 3600


def test_two_clocks_of_a_room_differ_by_what_was_asked_for() -> None:
    long = np.tile(BEEP, 12)
    heard, _, ends = ticks(Acoustics(noise=SILENT_HALL, echo_gain=1.0, loudspeaker_ppm=300.0), long, 11.0)
    assert (ends[-1] - ends[0]) / (len(ends) - 1) == pytest.approx(20_000_000 / 1.0003, abs=50)
    late = heard[-160_000:].astype(float)
    spectrum = np.abs(np.fft.rfft(late * np.hanning(len(late)), 16 * len(late)))
    assert np.argmax(spectrum) * 16_000 / (16 * len(late)) == pytest.approx(880 * 1.0003, abs=0.03)


def test_lost_frames_of_a_room_leave_a_hole_in_time_and_not_in_order() -> None:
    _, frames, _ = ticks(Acoustics(noise=SILENT_HALL, xrun_every_s=0.5), BEEP, 2.0)
    steps_ms = [(b.at_ns - a.at_ns) / 1e6 for a, b in itertools.pairwise(frames)]
    assert len(frames) == 96 and steps_ms.count(40) == 3 and set(steps_ms) == {20, 40}
