"""WebRTC's echo canceller, from livekit's wheel (Apache-2.0): nothing to compile on the terminal."""

from __future__ import annotations

from typing import Final

import numpy as np

from kiosk.audio.echo import Cleaned, EchoCanceller, FarEnd, HalfDuplex
from kiosk.events import MIC_RATE_HZ, Pcm

STEP: Final = MIC_RATE_HZ // 100  # the canceller works on 10 ms
ECHO_TAIL_NS: Final = 700_000_000  # the longest echo of a lobby, and the loudspeaker's own delay


class WebRtcCanceller:
    """Echo cancellation and a high-pass; no noise suppression, which would cost recognition words.

    While nothing was played for a while the sound passes untouched: there is no echo to take out, and the
    recogniser hears more in the original (measured on synthetic speech in a room: fewer wrong characters).
    """

    full_duplex = True

    def __init__(self, far: FarEnd) -> None:
        from livekit.rtc.apm import AudioProcessingModule
        from livekit.rtc.audio_frame import AudioFrame as RtcFrame

        self._frame = RtcFrame
        self._apm = AudioProcessingModule(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True, auto_gain_control=False
        )
        self._far = far
        self._played_ns = -ECHO_TAIL_NS

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        """(n,) int16, n a multiple of 160; `at_ns`: when its last sample was captured."""
        far = self._far.window(at_ns, len(pcm))
        if far.any():
            self._played_ns = at_ns
        out = np.empty_like(pcm)
        for start in range(0, len(pcm), STEP):
            span = slice(start, start + STEP)
            self._apm.process_reverse_stream(self._frame(far[span].tobytes(), MIC_RATE_HZ, 1, STEP))
            near = self._frame(bytearray(pcm[span].tobytes()), MIC_RATE_HZ, 1, STEP)
            self._apm.process_stream(near)
            out[span] = np.frombuffer(bytes(near.data), np.int16)
        return Cleaned(out, out if at_ns - self._played_ns < ECHO_TAIL_NS else pcm)


def open_canceller(far: FarEnd) -> EchoCanceller:
    """WebRTC's canceller, or half duplex where its library does not load."""
    try:
        return WebRtcCanceller(far)
    except (ImportError, OSError):
        return HalfDuplex()
