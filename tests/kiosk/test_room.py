"""The simulated sound card, starved: like a real one it does not wait for the program."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import soundfile

from kiosk.adapters.room import LATE_NS, TICK_NS, Acoustics, Room, RoomMicrophone
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, AudioFrame

STARVED_NS = 50 * TICK_NS
WORDS = np.arange(1, 20 * FRAME_SAMPLES + 1, dtype=np.int16)  # 400 ms, each sample another


class StarvedClock:
    """Time goes by when somebody sleeps; once, at `at_ns`, `late_ns` too much."""

    def __init__(self, at_ns: int, late_ns: int) -> None:
        self._at_ns, self._late_ns, self._now_ns = at_ns, late_ns, 0

    def now_ns(self) -> int:
        return self._now_ns

    async def sleep(self, seconds: float) -> None:
        before, self._now_ns = self._now_ns, self._now_ns + round(seconds * 1e9)
        if before < self._at_ns <= self._now_ns:
            self._now_ns += self._late_ns
        await asyncio.sleep(0)


async def listen(room: Room, frames: int) -> list[AudioFrame]:
    heard: list[AudioFrame] = []
    async for frame in RoomMicrophone(room).frames():
        heard.append(frame)
        if len(heard) == frames:
            break
    return heard


async def test_after_a_second_without_computing_the_card_is_back_in_time_and_no_word_is_lost(tmp_path: Path) -> None:
    clock = StarvedClock(10 * TICK_NS, STARVED_NS)
    room = Room(clock, Acoustics(noise=np.zeros(FRAME_SAMPLES, np.int16), echo_gain=0.0), tmp_path / "both.wav")
    room.say(WORDS)
    room.queue(np.full(SPEECH_RATE_HZ * 2, 100, np.int16))
    running = asyncio.create_task(room.run())
    heard = await listen(room, 40)
    now_ns, played = clock.now_ns(), room.played()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert room.tally_late == 1 and abs(room.tally_xruns - STARVED_NS // TICK_NS) <= 1
    gaps = np.diff([frame.at_ns for frame in heard])
    assert sorted(set(gaps))[0] == TICK_NS and np.sum(gaps > TICK_NS) == 1 and gaps.max() > STARVED_NS - LATE_NS
    assert heard[-1].at_ns <= now_ns < heard[-1].at_ns + LATE_NS  # in time again
    said = np.concatenate([frame.pcm for frame in heard])
    assert np.array_equal(said[said != 0], WORDS)
    assert abs(played.samples * 1_000_000_000 // SPEECH_RATE_HZ - now_ns) < LATE_NS  # the loudspeaker played on
    both, rate_hz = soundfile.read(tmp_path / "both.wav")
    assert rate_hz == MIC_RATE_HZ and abs(len(both) / rate_hz - now_ns / 1e9) < LATE_NS / 1e9


async def test_a_moment_late_nothing_is_lost() -> None:
    clock = StarvedClock(10 * TICK_NS, LATE_NS // 2)
    room = Room(clock, Acoustics(noise=np.zeros(FRAME_SAMPLES, np.int16), echo_gain=0.0))
    room.say(WORDS)
    running = asyncio.create_task(room.run())
    heard = await listen(room, 40)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert room.tally_late == room.tally_xruns == 0
    assert set(np.diff([frame.at_ns for frame in heard])) == {TICK_NS}
