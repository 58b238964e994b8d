"""Speex's echo canceller, from Debian's libspeexdsp1 (BSD): it leaves the visitor's words as they were said.

The library is loaded as it is, without a compiler. Where it is missing, whoever asked takes another signal.
"""

from __future__ import annotations

import ctypes
import ctypes.util
from typing import Any, Final

import numpy as np

from kiosk.events import MIC_RATE_HZ, Pcm

STEP_SAMPLES: Final = MIC_RATE_HZ // 50  # speex_echo.h: a step corresponds to 10 to 20 ms
# Her echo and its reverberation must fit. `python -m bench echo --tail-ms N` compares.
TAIL_MS: Final = 250
_SET_SAMPLING_RATE: Final = 24  # SPEEX_ECHO_SET_SAMPLING_RATE of speex_echo.h 1.2
_LIBRARY: Final = "libspeexdsp.so.1"
_SHORT = ctypes.POINTER(ctypes.c_int16)


class SpeexMissing(OSError):
    """libspeexdsp is not installed, or is not the one of speex 1.2: apt-get install libspeexdsp1."""


class SpeexCanceller:
    """A linear filter that follows the way from loudspeaker to microphone, and takes that much out and no more."""

    def __init__(self, tail_ms: int = TAIL_MS) -> None:
        self._library = _load()
        taps = tail_ms * MIC_RATE_HZ // 1000
        self._state = self._library.speex_echo_state_init(STEP_SAMPLES, taps)
        if not self._state:
            raise SpeexMissing("libspeexdsp gave no canceller: out of memory")
        rate = ctypes.c_int(MIC_RATE_HZ)
        self._library.speex_echo_ctl(self._state, _SET_SAMPLING_RATE, ctypes.byref(rate))

    def take_out(self, mic: Pcm, far: Pcm) -> Pcm:
        """`mic` without what `far` put into it; all (n,) int16 at 16 kHz, n a multiple of 320."""
        if len(mic) != len(far) or len(mic) % STEP_SAMPLES:
            raise ValueError(f"equal lengths, a multiple of {STEP_SAMPLES}; got {len(mic)} and {len(far)}")
        mic, far = np.ascontiguousarray(mic), np.ascontiguousarray(far)
        out = np.empty_like(mic)
        for start in range(0, len(mic), STEP_SAMPLES):
            step = slice(start, start + STEP_SAMPLES)
            self._library.speex_echo_cancellation(
                self._state,
                mic[step].ctypes.data_as(_SHORT),
                far[step].ctypes.data_as(_SHORT),
                out[step].ctypes.data_as(_SHORT),
            )
        return out

    def close(self) -> None:
        """Give the filter's memory back; may be called twice."""
        if self._state:
            self._library.speex_echo_state_destroy(self._state)
            self._state = None

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self.close()


def _load() -> Any:
    try:
        library = ctypes.CDLL(ctypes.util.find_library("speexdsp") or _LIBRARY)
        library.speex_echo_state_init.restype = ctypes.c_void_p
        library.speex_echo_state_init.argtypes = [ctypes.c_int, ctypes.c_int]
        library.speex_echo_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        library.speex_echo_cancellation.argtypes = [ctypes.c_void_p, _SHORT, _SHORT, _SHORT]
        library.speex_echo_cancellation.restype = None
        library.speex_echo_state_destroy.argtypes = [ctypes.c_void_p]
        library.speex_echo_state_destroy.restype = None
    except (OSError, AttributeError) as err:
        raise SpeexMissing(f"{_LIBRARY}: {err}; apt-get install libspeexdsp1") from err
    return library
