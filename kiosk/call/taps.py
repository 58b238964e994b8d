"""Where a call listens in on the terminal's own stages: behind the echo cancellers, and at the camera."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import numpy as np

from kiosk.audio.echo import Cleaned, EchoCanceller
from kiosk.events import CameraFrame, Pcm
from kiosk.runtime.buffer import Buffer


class TappedCanceller:
    """A canceller whose signal with the least echo is also handed to `heard(pcm, at_ns)`.

    Without full duplex there is no such signal: while the loudspeaker plays, silence is handed on, so that a teller
    does not hear himself.
    """

    def __init__(self, inner: EchoCanceller, heard: Callable[[Pcm, int], None], played: Callable[[int], bool]) -> None:
        self._inner, self._heard, self._played = inner, heard, played
        self.full_duplex = inner.full_duplex

    @property
    def deaf(self) -> bool:
        return self._inner.deaf

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        cleaned = self._inner.clean(pcm, at_ns)
        silent = not self.full_duplex and self._played(at_ns)
        self._heard(np.zeros_like(pcm) if silent else cleaned.detect, at_ns)
        return cleaned

    def tallies(self) -> dict[str, int]:
        return self._inner.tallies()


async def tapped(frames: AsyncIterator[CameraFrame], saw: Callable[[CameraFrame], None]) -> AsyncIterator[CameraFrame]:
    """The camera's pictures, each also handed to `saw` at once, however long the reader takes with one.

    The reader gets the newest. An error of the camera is the reader's.
    """
    newest: Buffer[CameraFrame] = Buffer(1, "latest_only")

    async def pump() -> None:
        try:
            async for frame in frames:
                saw(frame)
                newest.offer(frame)
        finally:
            newest.close()

    pumping = asyncio.create_task(pump(), name="camera-tap")
    try:
        async for frame in newest:
            yield frame
        await pumping
    finally:
        pumping.cancel()
        await asyncio.gather(pumping, return_exceptions=True)
