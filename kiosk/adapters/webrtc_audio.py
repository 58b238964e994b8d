"""WebRTC's echo canceller, from livekit's wheel (Apache-2.0): nothing to compile on the terminal.

It leaves the least echo of all that were tried and takes some of the visitor's words with it, so it decides whether
somebody speaks, and another one's output is recognised.
"""

from __future__ import annotations

import logging
from typing import Final

import numpy as np

from kiosk.adapters.speex_audio import SpeexCanceller, SpeexMissing
from kiosk.audio.echo import EchoCanceller, FarEnd, HalfDuplex, Taker, TwoCancellers
from kiosk.events import MIC_RATE_HZ, Pcm

log = logging.getLogger(__name__)

STEP: Final = MIC_RATE_HZ // 100  # the canceller works on 10 ms


class WebRtcCanceller:
    """Echo cancellation and a high-pass; no noise suppression, which would cost recognition words."""

    def __init__(self) -> None:
        from livekit.rtc.apm import AudioProcessingModule
        from livekit.rtc.audio_frame import AudioFrame as RtcFrame

        self._frame = RtcFrame
        self._apm = AudioProcessingModule(
            echo_cancellation=True, noise_suppression=False, high_pass_filter=True, auto_gain_control=False
        )

    def take_out(self, mic: Pcm, far: Pcm) -> Pcm:
        """`mic` without what `far` put into it; all (n,) int16 at 16 kHz, n a multiple of 160."""
        if len(mic) != len(far) or len(mic) % STEP:
            raise ValueError(f"equal lengths, a multiple of {STEP}; got {len(mic)} and {len(far)}")
        out = np.empty_like(mic)
        for start in range(0, len(mic), STEP):
            step = slice(start, start + STEP)
            self._apm.process_reverse_stream(self._frame(far[step].tobytes(), MIC_RATE_HZ, 1, STEP))
            near = self._frame(bytearray(mic[step].tobytes()), MIC_RATE_HZ, 1, STEP)
            self._apm.process_stream(near)
            out[step] = np.frombuffer(bytes(near.data), np.int16)
        return out


def open_canceller(far: FarEnd) -> EchoCanceller:
    """WebRTC's canceller to decide and speex's for the words; what is missing is said and done without."""
    try:
        detect: Taker = WebRtcCanceller()
    except (ImportError, OSError) as err:
        log.warning("no echo cancellation (%s): hearing pauses while she speaks", err)
        return HalfDuplex()
    words: Taker | None = None
    try:
        words = SpeexCanceller()
    except SpeexMissing as err:
        log.warning("%s; until then recognition hears what the other canceller leaves", err)
    return TwoCancellers(far, detect, words)
