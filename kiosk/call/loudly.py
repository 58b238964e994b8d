"""The teller's voice to the loudspeaker: evened out, with little of it waiting, so that a talk is a talk.

Played by the same loudspeaker as her own voice, so it is what the echo cancellers take out of the microphone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.ports import DeviceLost, Speaker
from kiosk.runtime.buffer import Buffer

WAITING: Final = 12  # blocks of 20 ms not yet handed on
BLOCK: Final = SPEECH_RATE_HZ // 50
LEAST_AHEAD: Final = 2  # blocks collected before the sound begins, so that a late one leaves no hole
MOST_AHEAD: Final = 6  # on a line whose packets come unevenly
SLACK: Final = 3  # blocks waiting beyond those before one is left out
STEADY: Final = 500  # blocks without a hole (10 s): one fewer ahead


class TellersVoice:
    """Blocks of (480,) int16 at 24 kHz. `run` until cancelled. `tally_holes`: times that nothing was left to play."""

    def __init__(self, speaker: Callable[[], Speaker | None]) -> None:
        self._speaker = speaker
        self._blocks: Buffer[Pcm] = Buffer(WAITING, "drop_oldest")
        self._gathered: deque[Pcm] = deque(maxlen=MOST_AHEAD)
        self._written = 0
        self._before = 0
        self._device: Speaker | None = None
        self._ahead = LEAST_AHEAD
        self._steady = 0
        self.tally_dropped = 0
        self.tally_holes = 0

    def offer(self, pcm: Pcm) -> None:
        self._blocks.offer(pcm)

    def clear(self) -> None:
        """The call is over: what waits is not said any more."""
        if self._device is not None and self._written:
            self._device.flush()
        self._device, self._written, self._ahead = None, 0, LEAST_AHEAD
        self._gathered.clear()

    def take_dropped(self) -> int:
        """Blocks that were left out since this was last asked."""
        dropped, self.tally_dropped = self.tally_dropped, 0
        return dropped

    async def run(self) -> None:
        while True:
            pcm = await self._blocks.get()
            speaker = self._speaker()
            if speaker is None:
                self.tally_dropped += 1
                continue
            try:
                await self._play(speaker, pcm)
            except DeviceLost:
                self.tally_dropped += 1

    async def _play(self, speaker: Speaker, pcm: Pcm) -> None:
        waiting = self._waiting(speaker)
        if waiting <= 0:  # nothing is left: gather a little before going on
            self._gathered.append(pcm)
            if len(self._gathered) < self._ahead:
                return
            if self._written:
                self.tally_holes += 1
                self._ahead, self._steady = min(self._ahead + 1, MOST_AHEAD), 0
            self._before, self._written = speaker.played().samples, 0
            while self._gathered:
                await self._write(speaker, self._gathered.popleft())
            return
        self._steady += 1
        if self._steady > STEADY:
            self._ahead, self._steady = max(self._ahead - 1, LEAST_AHEAD), 0
        if waiting > (self._ahead + SLACK) * BLOCK:
            self.tally_dropped += 1
            return
        await self._write(speaker, pcm)

    def _waiting(self, speaker: Speaker) -> int:
        """Samples of ours that the device has not played yet."""
        if speaker is not self._device:
            self._device, self._written = speaker, 0
            self._gathered.clear()
        return self._written - (speaker.played().samples - self._before) if self._written else 0

    async def _write(self, speaker: Speaker, pcm: Pcm) -> None:
        await speaker.write(pcm)
        self._written += len(pcm)
