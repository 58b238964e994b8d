"""The microphone lost sound on a starved machine: the ears tell the endpointer, and count it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence

import numpy as np
import pytest

from config.schema import Hearing
from kiosk.audio.ears import Ears
from kiosk.audio.echo import HalfDuplex
from kiosk.events import FRAME_SAMPLES, AudioFrame, Pcm, UtteranceEnded

pytestmark = pytest.mark.unit

FRAME_NS = 20_000_000
LOUD, QUIET = np.full(FRAME_SAMPLES, 3000, np.int16), np.zeros(FRAME_SAMPLES, np.int16)


class LoudIsVoice:
    """A near voice wherever there is sound."""

    def probability(self, block: Pcm) -> float:
        return 0.95 if np.abs(block[0]).mean() > 1000 else 0.02

    def reset(self) -> None: ...


def stretches(*parts: tuple[Pcm, int, int]) -> Iterator[AudioFrame]:
    """(sound, milliseconds, milliseconds lost after it) as frames of 20 ms; times vary a little, as a device's do."""
    at_ns = 1_000_000_000
    for pcm, lasts_ms, lost_ms in parts:
        for number in range(lasts_ms // 20):
            at_ns += FRAME_NS
            yield AudioFrame(pcm, at_ns + (number % 3) * 9_000_000)
        at_ns += lost_ms * 1_000_000


async def said(parts: Sequence[tuple[Pcm, int, int]]) -> tuple[list[float], int]:
    """How long each utterance lasted, in seconds, and the holes that were counted."""

    async def frames() -> AsyncIterator[AudioFrame]:
        for frame in stretches(*parts):
            yield frame

    ears = Ears(Hearing(), LoudIsVoice(), HalfDuplex(), lambda: False, lambda: True)
    ended = [event async for event in ears.hear(frames()) if isinstance(event, UtteranceEnded)]
    return [round((one.end_ns - one.start_ns) / 1e9, 1) for one in ended], ears.tally["holes"]


async def test_a_sentence_that_was_lost_in_its_middle_is_one_sentence() -> None:
    pause_ms = Hearing().pause_ms
    whole, holes = await said([(LOUD, 800, 900), (QUIET, 600, 0), (LOUD, 800, 0), (QUIET, pause_ms + 200, 0)])
    assert (whole, holes) == ([3.1], 1)
    parted, holes = await said([(LOUD, 800, 0), (QUIET, 1500, 0), (LOUD, 800, 0), (QUIET, pause_ms + 200, 0)])
    assert (parted, holes) == ([0.8, 0.8], 0)
