"""The receptionist's own voice: brought to the microphone's rate, aligned by time, taken out."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.adapters.webrtc_audio import WebRtcCanceller
from kiosk.audio.echo import FarEnd, To16k, TwoCancellers
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ

pytestmark = pytest.mark.unit

TICK_NS = 20_000_000


def tone(hz: float, rate_hz: int, seconds: float) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def test_resampling_in_blocks_equals_resampling_at_once() -> None:
    signal = tone(440, SPEECH_RATE_HZ, 0.5)
    whole = To16k().convert(signal)
    parts = To16k()
    blocks = np.concatenate([parts.convert(signal[i : i + 480]) for i in range(0, len(signal), 480)])
    assert np.array_equal(whole, blocks)
    assert len(whole) == len(signal) * 2 // 3


def test_a_tone_keeps_its_frequency_and_level_and_what_is_above_the_band_goes() -> None:
    kept = To16k().convert(tone(1000, SPEECH_RATE_HZ, 1))[2000:].astype(float)
    spectrum = np.abs(np.fft.rfft(kept * np.hanning(len(kept))))
    assert np.argmax(spectrum) * MIC_RATE_HZ / len(kept) == pytest.approx(1000, abs=2)
    assert np.sqrt(np.mean(kept**2)) == pytest.approx(8000 / np.sqrt(2), rel=0.02)
    above = To16k().convert(tone(10_000, SPEECH_RATE_HZ, 1))[2000:].astype(float)
    assert np.sqrt(np.mean(above**2)) < 80  # 40 dB down: it would fold back into the band


def test_the_window_holds_what_was_audible_then_and_silence_elsewhere() -> None:
    far = FarEnd()
    far.played(np.full(480, 5000, np.int16), 1_000_000_000)
    window = far.window(1_000_000_000 + TICK_NS, 2 * FRAME_SAMPLES)
    assert np.all(window[FRAME_SAMPLES:] == 0)
    assert np.abs(window[:FRAME_SAMPLES]).max() > 4000
    assert not far.window(3_500_000_000, FRAME_SAMPLES).any()


def test_the_canceller_takes_out_at_least_15_db_of_an_echo_after_three_seconds() -> None:
    rng = np.random.default_rng(3)
    voiced = np.repeat(rng.uniform(0.1, 1, 40), 4800)[: 8 * SPEECH_RATE_HZ]  # noise with the rhythm of speech
    far_24k = (rng.standard_normal(len(voiced)) * voiced * 3000).clip(-32000, 32000).astype(np.int16)
    far, to_16k = FarEnd(), To16k()
    canceller = TwoCancellers(far, WebRtcCanceller(), None)
    line: list[np.ndarray] = [np.zeros(FRAME_SAMPLES, np.int16)] * 4  # 60 ms from loudspeaker to microphone
    before = after = 0.0
    for tick in range(len(far_24k) // 480):
        block, now_ns = far_24k[tick * 480 : tick * 480 + 480], (tick + 1) * TICK_NS
        far.played(block, now_ns + TICK_NS)
        line.append(to_16k.convert(block))
        echo = (line.pop(0) * 0.3).astype(np.int16)
        clean = canceller.clean(echo, now_ns).detect
        if tick * 0.02 > 3:
            before += float(np.sum(echo.astype(float) ** 2))
            after += float(np.sum(clean.astype(float) ** 2))
    assert 10 * np.log10(before / max(after, 1e-9)) >= 15


def test_sound_passes_untouched_while_nothing_was_played() -> None:
    canceller = TwoCancellers(FarEnd(), WebRtcCanceller(), None)
    said = tone(300, MIC_RATE_HZ, 0.02)
    assert np.array_equal(canceller.clean(said, 5_000_000_000).words, said)
