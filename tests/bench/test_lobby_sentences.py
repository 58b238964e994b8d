"""Data files and manifests: what is in them, and clear words about what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.hearing import main
from bench.lobby.sentences import PAUSE, Sentence, load, load_manifest, spread

pytestmark = pytest.mark.unit

KINDS = ("sentences", "slow", "backchannels", "barge_ins", "bystanders", "announcements")


def wav(path: Path, seconds: float = 0.5, rate_hz: int = 16_000, channels: int = 1) -> None:
    soundfile.write(path, np.zeros((int(seconds * rate_hz), channels), np.int16), rate_hz, subtype="PCM_16")


@pytest.mark.parametrize("kind", KINDS)
def test_no_line_of_the_test_split_is_in_the_development_split_but_backchannels(kind: str) -> None:
    dev, test = load(kind, "dev"), load(kind, "test")
    assert dev and test
    assert len(set(test)) == len(test)
    if kind != "backchannels":  # there are only so many ways to say 'mm-hm'
        assert not set(dev) & set(test)


def test_there_are_enough_lines_for_the_figures() -> None:
    assert len(load("sentences", "test", "zh")) >= 60
    assert len(load("sentences", "test", "en")) >= 30
    assert len(load("slow", "test", "zh")) >= 50
    assert len(load("slow", "test", "en")) >= 25


@pytest.mark.parametrize("split", ["dev", "test"])
def test_every_slow_sentence_has_a_pause_inside_and_none_at_its_ends(split: str) -> None:
    for sentence in load("slow", split):  # type: ignore[arg-type]
        parts = sentence.text.split(PAUSE)
        assert len(parts) >= 2 and all(part.strip() for part in parts), sentence.text


def test_the_plain_text_has_no_pauses() -> None:
    assert Sentence("zh", "我想|取钱").plain == "我想取钱"
    assert Sentence("en", "I want to|go").plain == "I want to go"


def test_a_manifest_is_read_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "sound").mkdir()
    wav(tmp_path / "sound" / "a.wav")
    (tmp_path / "m.tsv").write_text("# files\nsound/a.wav\t取钱\n\n", "utf-8")
    found = load_manifest(tmp_path / "m.tsv")
    assert [(one.name, one.text, one.language, len(one.pcm)) for one in found] == [("sound/a.wav", "取钱", "zh", 8000)]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a.wav 取钱", "wants 'file<TAB>text'"),
        ("a.wav\t", "wants 'file<TAB>text'"),
        ("a.wav\t取钱\t多余", "wants 'file<TAB>text'"),
        ("missing.wav\t取钱", "missing.wav"),
        ("stereo.wav\t取钱", "2 channels"),
        ("fast.wav\t取钱", "44100 Hz"),
        ("broken.wav\t取钱", "broken.wav"),
        ("empty.wav\t取钱", "holds no sound"),
    ],
)
def test_a_bad_manifest_line_is_named_with_file_and_line(tmp_path: Path, line: str, complaint: str) -> None:
    wav(tmp_path / "a.wav")
    wav(tmp_path / "stereo.wav", channels=2)
    wav(tmp_path / "fast.wav", rate_hz=44_100)
    wav(tmp_path / "empty.wav", seconds=0)
    (tmp_path / "broken.wav").write_bytes(b"RIFF and then nothing")
    manifest = tmp_path / "m.tsv"
    manifest.write_text(f"a.wav\t存钱\n{line}\n", "utf-8")
    with pytest.raises(ValueError, match=r"m\.tsv:2: ") as raised:
        load_manifest(manifest)
    assert complaint in str(raised.value)


def test_the_bench_refuses_a_bad_manifest_before_any_model_is_opened(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.tsv"):
        main(["--manifest", str(tmp_path / "no.tsv")])
    (tmp_path / "none.tsv").write_text("# nothing\n", "utf-8")
    with pytest.raises(ValueError, match="names no recording"):
        main(["--manifest", str(tmp_path / "none.tsv")])
    (tmp_path / "latin.tsv").write_bytes(b"a.wav\t\xff\xfe\n")
    with pytest.raises(ValueError, match="UTF-8"):
        main(["--manifest", str(tmp_path / "latin.tsv")])
    with pytest.raises(ValueError, match="wants --manifest"):
        main(["--only", "manifest"])


def test_some_rows_are_taken_evenly_from_the_whole_list() -> None:
    assert spread(list(range(10)), 3) == [0, 4, 9]
    assert spread([1, 2], 5) == [1, 2]
