"""Sound files that are not what they should be are refused by name, with what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from kiosk.adapters.files import SoundFileError, read_wav_16k

pytestmark = pytest.mark.contract

TONE = (6000 * np.sin(np.arange(16_000) / 5)).astype(np.int16)


def test_a_good_file_is_read_to_the_sample(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "say.wav", TONE, 16_000, subtype="PCM_16")
    assert np.array_equal(read_wav_16k(tmp_path / "say.wav"), TONE)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: None, "not a sound file"),
        (lambda path: path.write_bytes(b""), "not a sound file"),
        (lambda path: path.write_bytes(b"RIFF\x00\x00"), "not a sound file"),
        (lambda path: path.write_text("hello"), "not a sound file"),
        (lambda path: soundfile.write(path, TONE, 8_000), "8000 Hz, needs 16000 Hz"),
        (lambda path: soundfile.write(path, np.stack((TONE, TONE), 1), 16_000), "2 channels, needs 1"),
        (lambda path: soundfile.write(path, TONE[:0], 16_000), "holds no sound"),
        (lambda path: soundfile.write(path, np.tile(TONE, 130), 16_000), "130 s long, at most 120 s"),
    ],
    ids=["missing", "empty file", "cut header", "text", "wrong rate", "stereo", "no samples", "too long"],
)
def test_a_file_that_is_none_is_named_with_its_fault(tmp_path: Path, make: object, told: str) -> None:
    path = tmp_path / "say.wav"
    make(path)  # type: ignore[operator]
    with pytest.raises(SoundFileError, match=told) as err:
        read_wav_16k(path)
    assert "say.wav" in str(err.value)


def test_a_file_that_was_cut_off_is_never_played_as_if_it_were_whole(tmp_path: Path) -> None:
    path = tmp_path / "say.wav"
    soundfile.write(path, TONE, 16_000, subtype="PCM_16")
    path.write_bytes(path.read_bytes()[:-9_000])
    try:
        read = read_wav_16k(path)
    except SoundFileError as err:
        assert "say.wav" in str(err)
    else:  # libsndfile mends the header of a cut file: then exactly what is there is read
        assert np.array_equal(read, TONE[: len(read)]) and len(read) == len(TONE) - 4_500
