"""`bench asr`: manifests of any sound, errors by file and line, figures that follow from what was heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.asr import Clip, load_clips, main, measure, read_sound
from models.recognition import Alternative, Recognition

pytestmark = pytest.mark.unit


def tone(rate_hz: int, seconds: float, channels: int = 1) -> np.ndarray:
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate_hz * seconds)) / rate_hz)
    return np.repeat(wave[:, None], channels, axis=1)


@pytest.mark.parametrize(("rate_hz", "channels"), [(16000, 1), (8000, 1), (44100, 2), (48000, 6), (22050, 1)])
def test_sound_of_any_rate_and_channels_becomes_16_khz_mono_of_the_same_length_and_pitch(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    soundfile.write(tmp_path / "a.wav", tone(rate_hz, 1.0, channels), rate_hz)
    pcm = read_sound(tmp_path / "a.wav")
    assert pcm.dtype == np.int16 and abs(len(pcm) - 16000) <= 1
    assert abs(int(np.abs(np.fft.rfft(pcm[:16000])).argmax()) - 440) <= 1
    assert 0.45 < np.abs(pcm[1000:-1000]).max() / 32768 < 0.55


def test_each_bad_line_is_named_with_its_file_and_number(tmp_path: Path) -> None:
    manifest = tmp_path / "m.tsv"
    soundfile.write(tmp_path / "ok.wav", tone(16000, 0.5), 16000)
    soundfile.write(tmp_path / "empty.wav", np.zeros((0, 1)), 16000)
    (tmp_path / "noise.wav").write_bytes(b"RIFF no wave at all")
    (tmp_path / "nothing.wav").write_bytes(b"")
    for line, said in (
        ("ok.wav", "wants 'file"),
        ("ok.wav\t你好\tfr", "wants 'file"),
        ("ok.wav\t ", "wants 'file"),
        ("gone.wav\t你好", "gone.wav: "),
        ("empty.wav\t你好", "empty.wav: holds no sound"),
        ("noise.wav\t你好", "noise.wav: "),
        ("nothing.wav\t你好", "nothing.wav: "),
    ):
        manifest.write_text(f"# a comment\nok.wav\t你好\n{line}\n", "utf-8")
        with pytest.raises(ValueError, match=r"m\.tsv:3: ") as caught:
            load_clips(manifest)
        assert said in str(caught.value)
    manifest.write_text("# nothing\n")
    with pytest.raises(ValueError, match="names no recording"):
        load_clips(manifest)
    with pytest.raises(ValueError, match=r"gone\.tsv: No such file"):
        load_clips(tmp_path / "gone.tsv")


def test_the_language_is_the_given_one_else_the_scripts(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(16000, 0.5), 16000)
    (tmp_path / "m.tsv").write_text("a.wav\t你好\na.wav\thello\na.wav\tATM\tzh\n", "utf-8")
    assert [clip.language for clip in load_clips(tmp_path / "m.tsv")] == ["zh", "en", "zh"]


class Scripted:
    """Answers in turn, a tenth of a second each on the clock it moves."""

    def __init__(self, texts: list[tuple[str, str]]) -> None:
        self.texts, self.now_s, self.calls = texts, 0.0, 0

    def transcribe(self, pcm: np.ndarray, **_: object) -> Recognition:
        text, language = self.texts[max(0, self.calls - 1) % len(self.texts)]
        self.calls, self.now_s = self.calls + 1, self.now_s + 0.1
        return Recognition(
            text=text, language=language, language_probability=1.0, no_speech_probability=0.0,
            alternatives=(Alternative(text=text, log_probability=0.0),), mean_log_probability=0.0,
        )  # fmt: skip


def test_figures_follow_from_what_was_heard() -> None:
    model = Scripted([("我想取钱", "zh"), ("取两万", "en")])
    clips = [
        Clip("a", "我想取钱", "zh", np.zeros(32000, np.int16)),
        Clip("b", "取三万块", "zh", np.zeros(32000, np.int16)),
    ]
    found = measure(model, clips, now=lambda: model.now_s)
    assert found == {"cer": 0.25, "rtf": 0.05, "latency_3s_ms": 100.0, "language_accuracy": 0.5, "n": 2}


def test_an_unknown_engine_and_a_silly_number_are_refused() -> None:
    with pytest.raises(ValueError, match="no engine 'vosk'"):
        main(["--engine", "vosk", "--most", "1"])
    with pytest.raises(ValueError, match="at least 1"):
        main(["--most", "0"])
