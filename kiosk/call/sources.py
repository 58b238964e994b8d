"""What a call sends, between the core and the connection: the newest picture, the last fifth of a second of sound.

A call that is being taken up again has two connections for a moment; both hear and see the same.
"""

from __future__ import annotations

import asyncio
from typing import Final

import numpy as np

from kiosk.call.board import Board, Shown
from kiosk.events import MIC_RATE_HZ, Pcm
from kiosk.runtime.buffer import Buffer, Closed

SOUND_FRAMES: Final = 10  # 20 ms each: what is older is of no use in a talk
NOTHING_S: Final = 0.5  # without sound for so long: a block of silence keeps the line from looking cut
BLOCK: Final = MIC_RATE_HZ // 50
SLACK: Final = 0.4  # of the time between two pictures: cameras are not punctual


class SourceClosed(Exception):
    """Nothing more comes."""


class SoundSource:
    """20 ms blocks of (320,) int16 at 16 kHz, to every connection. `tally_late`: dropped because nobody took them."""

    def __init__(self) -> None:
        self._ears: list[Buffer[Pcm]] = []
        self.tally_late = 0

    def offer(self, pcm: Pcm) -> None:
        for ear in self._ears:
            before = ear.tally_dropped
            ear.offer(pcm)
            self.tally_late += ear.tally_dropped - before

    def ear(self) -> Buffer[Pcm]:
        """What one connection listens to; closed by it, or by `close`."""
        ear: Buffer[Pcm] = Buffer(SOUND_FRAMES, "drop_oldest")
        self._ears.append(ear)
        return ear

    def leave(self, ear: Buffer[Pcm]) -> None:
        ear.close()
        self._ears = [one for one in self._ears if one is not ear]

    def close(self) -> None:
        for ear in self._ears:
            ear.close()
        self._ears.clear()


class PictureSource:
    """The newest picture of a board, as often as `fps` allows. `tally_came`: pictures that the core announced."""

    def __init__(self, board: Board, fps: int) -> None:
        self.board = board
        self.fps = fps
        self.tally_came = 0
        self._closed = False
        self._news = asyncio.Event()

    def announce(self) -> None:
        """A new picture lies there."""
        self.tally_came += 1
        self._wake()

    def pace(self, fps: int) -> None:
        """From now on so many a second; 0: none."""
        self.fps = fps
        self._wake()

    def close(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()

    async def after(self, number: int, not_before_ns: int) -> Shown:
        """The first picture newer than `number` that was taken at `not_before_ns` or later. Raises `SourceClosed`."""
        while True:
            news = self._news
            if self._closed:
                raise SourceClosed
            if self.fps:
                shown = self.board.after(number)
                if shown is not None and shown.at_ns >= not_before_ns:
                    return shown
            await news.wait()


class Due:
    """When the next picture may be taken, so that `fps` is kept on average and none is taken early."""

    def __init__(self) -> None:
        self._next_ns = 0

    def earliest_ns(self, fps: int) -> int:
        gap_ns = 1_000_000_000 // max(fps, 1)
        return self._next_ns - round(gap_ns * SLACK)

    def took(self, at_ns: int, fps: int) -> None:
        gap_ns = 1_000_000_000 // max(fps, 1)
        self._next_ns = max(self._next_ns + gap_ns, at_ns)


async def next_sound(ear: Buffer[Pcm]) -> Pcm:
    """20 ms, (320,) int16; silence now and then where no microphone gives any: a line without a packet is taken for a
    cut one. Raises `SourceClosed`."""
    try:
        async with asyncio.timeout(NOTHING_S):
            return await ear.get()
    except TimeoutError:
        return np.zeros(BLOCK, np.int16)
    except Closed as err:
        raise SourceClosed from err
