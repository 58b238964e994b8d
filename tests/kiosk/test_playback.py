"""How long she was silent in the middle of an answer, by the loudspeaker's own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import numpy as np
import pytest

from kiosk.adapters.room import Acoustics, Room, RoomSpeaker
from kiosk.audio.playback import Playback, Progress, SpeechChunk
from kiosk.events import SPEECH_RATE_HZ
from kiosk.runtime.clock import SystemClock

CLAUSE_S = 0.4


async def answer(makings_s: list[float]) -> AsyncIterator[SpeechChunk]:
    """Clauses of CLAUSE_S; each takes so long to make, beginning when the one before is wanted no more."""
    for number, making_s in enumerate(makings_s):
        await asyncio.sleep(making_s)
        yield SpeechChunk(text=f"第{number}句。", pcm=np.full(int(CLAUSE_S * SPEECH_RATE_HZ), 500, np.int16))


@pytest.mark.parametrize(
    ("makings_s", "silence_s"),
    [([0.3, 0.0, 0.0], 0.0), ([0.0, 0.1, 0.1], 0.0), ([0.0, 1.0, 0.8], 0.6)],
    ids=["before she begins none is counted", "made while the one before plays", "made too late"],
)
async def test_silence_counts_from_the_last_sample_that_was_audible(makings_s: list[float], silence_s: float) -> None:
    clock = SystemClock()
    room = Room(clock, Acoustics(noise=np.zeros(320, np.int16), echo_gain=0.0))
    running = asyncio.create_task(room.run())
    playback = Playback(RoomSpeaker(room, clock), clock, lambda message: None)
    progress: Progress = await playback.play("u1", answer(makings_s), lambda progress: None)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    # what is written may wait up to a quarter of a second before the loudspeaker wants more
    assert silence_s - 0.3 <= progress.silence_ns / 1e9 <= silence_s + 0.25
    assert progress.spoken == sum(len(f"第{number}句。") for number in range(len(makings_s)))
