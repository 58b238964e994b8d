"""The teller's voice to the loudspeaker: little of it waiting, so that a talk is a talk.

Played by the same loudspeaker as her own voice, so it is what the echo cancellers take out of the microphone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.ports import DeviceLost, Speaker
from kiosk.runtime.buffer import Buffer

log = logging.getLogger(__name__)

WAITING: Final = 8  # blocks of 20 ms not yet handed on
AHEAD_SAMPLES: Final = SPEECH_RATE_HZ * 12 // 100  # more waiting in the device than this, and a block is left out


class TellersVoice:
    """Blocks of (480,) int16 at 24 kHz. `run` until cancelled."""

    def __init__(self, speaker: Callable[[], Speaker | None]) -> None:
        self._speaker = speaker
        self._blocks: Buffer[Pcm] = Buffer(WAITING, "drop_oldest")
        self._written = 0
        self._before = 0
        self._device: Speaker | None = None
        self.tally_dropped = 0

    def offer(self, pcm: Pcm) -> None:
        self._blocks.offer(pcm)

    def clear(self) -> None:
        """The call is over: what waits is not said any more."""
        if self._device is not None and self._written:
            self._device.flush()
        self._device, self._written = None, 0

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
            if speaker is not self._device:
                self._device, self._before, self._written = speaker, speaker.played().samples, 0
            waiting = self._written - (speaker.played().samples - self._before)
            if waiting > AHEAD_SAMPLES:
                self.tally_dropped += 1
                continue
            if waiting < 0:  # something else was played meanwhile
                self._before, self._written = speaker.played().samples, 0
            try:
                await speaker.write(pcm)
            except DeviceLost:
                self.tally_dropped += 1
                continue
            self._written += len(pcm)
