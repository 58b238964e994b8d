"""The receptionist's own voice: brought to the microphone's rate, aligned by time, taken out."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.adapters import speex_audio
from kiosk.adapters.speex_audio import SpeexCanceller
from kiosk.adapters.webrtc_audio import WebRtcCanceller, open_canceller
from kiosk.audio.echo import FarEnd, Reader, To16k, TwoCancellers, faded
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


def test_the_far_end_is_read_to_the_sample_18_ms_ahead_of_the_microphone() -> None:
    """What was read too early once was silence at each frame's end, which cost 15 dB of every echo."""
    far, reader, to_16k = FarEnd(), None, To16k()
    rng = np.random.default_rng(4)
    sound = (rng.standard_normal(480 * 100) * 3000).astype(np.int16)
    played, read = to_16k.convert(sound), []
    for tick in range(100):
        far.played(sound[tick * 480 : tick * 480 + 480], (tick + 2) * TICK_NS)
        reader = reader or Reader(far)
        read.append(reader.next((tick + 1) * TICK_NS, FRAME_SAMPLES))
    whole = np.concatenate(read).astype(float)
    best = max(float(np.corrcoef(whole[3200:30_000], played[3200 - lag : 30_000 - lag])[0, 1]) for lag in range(0, 320))
    assert best > 0.9999
    assert reader is not None and reader.tally_short == 0


def test_where_the_loudspeaker_is_handed_its_sound_late_the_far_end_is_read_later_and_that_is_counted() -> None:
    far = FarEnd()
    reader = Reader(far)
    sound = np.full(480, 4000, np.int16)
    for tick in range(50):
        far.played(sound, (tick + 1) * TICK_NS)  # it is audible no sooner than it is handed over
        last = reader.next((tick + 1) * TICK_NS, FRAME_SAMPLES)
    assert 1 <= reader.tally_short <= 3
    assert last[: FRAME_SAMPLES - 30].min() > 3000


def test_a_loudspeaker_that_was_away_leaves_a_hole_as_long_as_it_was_away() -> None:
    far = FarEnd()
    for tick in range(10):
        far.played(np.full(480, 4000, np.int16), (tick + 1) * TICK_NS)
    for tick in range(110, 120):
        far.played(np.full(480, 4000, np.int16), (tick + 1) * TICK_NS)
    assert far.tally_gaps == 1
    assert not far.window(100 * TICK_NS, 80 * FRAME_SAMPLES).any()
    assert far.window(118 * TICK_NS, FRAME_SAMPLES).min() > 3000


def test_the_far_end_keeps_half_a_minute_and_no_more() -> None:
    far = FarEnd()
    for tick in range(1600):
        far.played(np.full(480, 4000, np.int16), (tick + 1) * TICK_NS)
    assert far.window(1590 * TICK_NS, 16_000 * 29).min() > 3000
    assert not far.window(1600 * TICK_NS, 16_000 * 40)[: 16_000 * 9].any()


def test_speex_keeps_the_words_of_double_talk_better_than_0_9_and_takes_out_18_db() -> None:
    rng = np.random.default_rng(6)
    rhythm = np.repeat(rng.uniform(0.05, 1, 100), 4800)[: 16 * SPEECH_RATE_HZ]
    far_24k = (rng.standard_normal(len(rhythm)) * rhythm * 3000).clip(-32000, 32000).astype(np.int16)
    far = To16k().convert(far_24k)
    response = rng.standard_normal(3200) * np.exp(-np.arange(3200) / 600)
    echo = np.convolve(far, response / np.sqrt(np.sum(response**2)))[: len(far)] * 0.5
    visitor = np.zeros(len(far))
    visitor[160_000:224_000] = rng.standard_normal(64_000) * np.repeat(rng.uniform(0.05, 1, 20), 3200) * 900
    out = SpeexCanceller().take_out((echo + visitor).clip(-32768, 32767).astype(np.int16), far).astype(float)
    alone = slice(64_000, 160_000)
    assert 10 * np.log10(np.sum(echo[alone] ** 2) / np.sum(out[alone] ** 2)) >= 18
    both = slice(160_000, 224_000)
    assert np.corrcoef(out[both], visitor[both])[0, 1] > 0.9


def test_one_signal_fades_into_another_without_a_step() -> None:
    old, new = np.full(320, 5000, np.int16), np.full(320, -5000, np.int16)
    mixed = faded(old, new).astype(int)
    assert mixed[0] == 5000 and mixed[-1] == -5000
    assert np.abs(np.diff(mixed)).max() <= 63


def test_without_speex_the_other_canceller_is_recognised_and_the_log_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(speex_audio, "_LIBRARY", "libnot-there.so.1")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    canceller = open_canceller(FarEnd())
    assert isinstance(canceller, TwoCancellers) and not canceller.words_are_intact
    assert "apt-get install libspeexdsp1" in caplog.text
    said = tone(300, MIC_RATE_HZ, 0.02)
    assert np.array_equal(canceller.clean(said, 5_000_000_000).words, said)
