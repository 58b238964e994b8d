"""The order of a teller's sound packets, instead of aiortc's jitter buffer for sound.

That one (1.16) holds back 80 ms always, waits 320 ms for a packet that is lost, and never makes up for it: after the
first loss a talk is a third of a second late until its end. Here each packet is handed on at once, one that comes after
a later one is left out, and the time between packets is evened out where the sound is played (`kiosk/call/loudly.py`).
"""

from __future__ import annotations

from typing import Any, Final

from aiortc.jitterbuffer import JitterFrame

HALF: Final = 1 << 15  # sequence numbers have 16 bits
FIELD: Final = "_RTCRtpReceiver__jitter_buffer"


class InOrder:
    """`add` as aiortc calls it. `tally_late`: packets that came too late to be played."""

    def __init__(self) -> None:
        self._newest: int | None = None
        self.tally_late = 0

    def add(self, packet: Any) -> tuple[bool, JitterFrame | None]:
        """Whether a key picture is needed (never, of sound), and what is to be decoded now."""
        if self._newest is not None and not 0 < (packet.sequence_number - self._newest) % (2 * HALF) < HALF:
            self.tally_late += 1
            return False, None
        self._newest = packet.sequence_number
        return False, JitterFrame(data=packet._data, timestamp=packet.timestamp)


def order_sound(receiver: Any) -> bool:
    """Put it into a receiver of sound. False: this aiortc is built otherwise, and keeps its own."""
    if not hasattr(receiver, FIELD):
        return False
    setattr(receiver, FIELD, InOrder())
    return True
