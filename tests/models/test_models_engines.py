"""Engines by name: the layout that sherpa-onnx reads made from our own weights, folders refused by name of the file."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from conftest import to_16_khz
from onnx import TensorProto, helper
from tokenizers import Tokenizer

from models.catalogue import load_catalogue
from models.convert.sherpa_whisper import convert
from models.engines import installed_engines, open_recogniser
from models.kokoro import Kokoro
from models.sherpa import EngineError, Sherpa, language_of, layout_of
from models.store import Store
from models.whisper import Whisper

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def engine_folder(store: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "whisper"
    convert(store.open("whisper-base"), folder)
    return folder


@pytest.fixture(scope="module")
def sherpa(engine_folder: Path) -> Sherpa:
    pytest.importorskip("sherpa_onnx", reason="the extra `engines` is not installed")
    return Sherpa(engine_folder)


def graph_that_says(path: Path, model_type: str | None) -> Path:
    """A small valid graph with sherpa-onnx's mark."""
    node = helper.make_node("Identity", ["x"], ["y"])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    model = helper.make_model(helper.make_graph([node], "g", ends[:1], ends[1:]))
    if model_type is not None:
        model.metadata_props.add(key="model_type", value=model_type)
    onnx.save(model, path)
    return path


@pytest.mark.parametrize(
    ("graphs", "kind"),
    [
        ({"model.int8.onnx": "sense_voice_ctc"}, "sense_voice"),
        ({"model.onnx": "paraformer"}, "paraformer"),
        ({"base-encoder.onnx": "whisper-base", "base-decoder.onnx": None}, "whisper"),
        ({"encoder.onnx": "paraformer", "decoder.onnx": None}, "streaming_paraformer"),
        (
            {"encoder-epoch-99.onnx": "zipformer2", "decoder-epoch-99.onnx": None, "joiner-epoch-99.onnx": None},
            "zipformer",
        ),
    ],
)
def test_a_folder_says_by_its_files_what_it_holds(tmp_path: Path, graphs: dict[str, str | None], kind: str) -> None:
    (tmp_path / "tokens.txt").write_text("a 0\n")
    for name, said in graphs.items():
        graph_that_says(tmp_path / name, said)
    assert layout_of(tmp_path).kind == kind


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"nowhere does not exist"):
        layout_of(tmp_path / "nowhere")
    with pytest.raises(EngineError, match=rf"{tmp_path} has no tokens\.txt"):
        layout_of(tmp_path)
    (tmp_path / "tokens.txt").write_text("a 0\n")
    with pytest.raises(EngineError, match=rf"{tmp_path} has no encoder\*\.onnx"):
        layout_of(tmp_path)
    graph_that_says(tmp_path / "encoder.onnx", "whisper-base")
    with pytest.raises(EngineError, match=rf"{tmp_path} has no decoder\*\.onnx"):
        layout_of(tmp_path)
    graph_that_says(tmp_path / "model.onnx", "wenet_ctc")
    with pytest.raises(EngineError, match=r"model\.onnx says it is 'wenet_ctc'"):
        layout_of(tmp_path)
    (tmp_path / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(EngineError, match=r"model\.onnx is damaged"):
        layout_of(tmp_path)


def test_a_graph_at_which_the_library_would_end_the_process_is_an_error_with_the_folder(tmp_path: Path) -> None:
    pytest.importorskip("sherpa_onnx", reason="the extra `engines` is not installed")
    (tmp_path / "tokens.txt").write_text("IQ== 0\n")
    graph_that_says(tmp_path / "encoder.onnx", "whisper-base")  # without n_mels: the library exits
    graph_that_says(tmp_path / "decoder.onnx", None)
    with pytest.raises(EngineError, match=rf"{tmp_path} cannot be opened: "):
        Sherpa(tmp_path)


@pytest.mark.parametrize("spec", ["", "sherpa:", "vosk", "sherpa"])
def test_an_unknown_engine_is_refused_with_the_two_forms(store: Store, spec: str) -> None:
    with pytest.raises(EngineError, match=r"it is 'whisper' or 'sherpa:/path/to/folder'"):
        open_recogniser(spec, store)


def test_our_weights_in_the_other_layout_are_heard_as_by_our_own_decoder(
    sherpa: Sherpa, kokoro: Kokoro, whisper: Whisper
) -> None:
    for text, language, voice in (
        ("我的银行卡丢了怎么办", "zh", "zf_xiaoxiao"),
        ("I lost my bank card", "en", "af_heart"),
    ):
        pcm = to_16_khz(kokoro.synthesise(text, language, voice).pcm)
        theirs, ours = sherpa.transcribe(pcm), whisper.transcribe(pcm, beams=1)
        assert (theirs.text.strip("。.？? "), theirs.language) == (ours.text.strip("。.？? "), ours.language)
        assert theirs.alternatives[0].text == theirs.text and theirs.no_speech_probability == 0.0


def test_a_chosen_language_is_kept_and_silence_has_no_words(sherpa: Sherpa, kokoro: Kokoro) -> None:
    pcm = to_16_khz(kokoro.synthesise("hello", "en", "af_heart").pcm)
    assert sherpa.transcribe(pcm, language="zh").language == "zh"
    for quiet in (np.zeros(16000, np.int16), np.zeros(0, np.int16), np.ones(800, np.int16)):
        found = sherpa.transcribe(quiet)
        assert (found.text, found.no_speech_probability) == ("", 1.0)


def test_both_copies_of_onnxruntime_work_in_one_process_without_telemetry(sherpa: Sherpa, whisper: Whisper) -> None:
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "onnxruntime" in line}
    assert any("sherpa_onnx" in path for path in mapped) and any("onnxruntime/capi" in path for path in mapped)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    pcm = np.random.default_rng(1).normal(0, 3000, 16000).astype(np.int16)
    assert whisper.transcribe(pcm).language == whisper.transcribe(pcm).language
    sherpa.transcribe(pcm)


def test_the_table_of_tokens_gives_back_the_text(engine_folder: Path, store: Store) -> None:
    tokenizer = Tokenizer.from_file(str(store.open("whisper-base") / "tokenizer.json"))
    rows = (line.rsplit(" ", 1) for line in (engine_folder / "tokens.txt").read_text("ascii").splitlines())
    table = {int(number): base64.b64decode(text) for text, number in rows}
    for text in ("我的银行卡丢了", " I lost my card", "取２万¥"):
        numbers = tokenizer.encode(text, add_special_tokens=False).ids
        assert b"".join(table[number] for number in numbers).decode() == text


def test_engines_in_the_cache_are_found_and_broken_folders_left_out(tmp_path: Path) -> None:
    store = Store(tmp_path, load_catalogue())
    assert installed_engines(store) == {}
    folder = tmp_path / "engines" / "mine"
    folder.mkdir(parents=True)
    (tmp_path / "engines" / "empty").mkdir()
    (folder / "tokens.txt").write_text("a 0\n")
    graph_that_says(folder / "model.onnx", "sense_voice_ctc")
    assert installed_engines(store) == {"sherpa-sense_voice:mine": f"sherpa:{folder}"}


@pytest.mark.parametrize(
    ("told", "text", "language"),
    [("<|zh|>", "ok", "zh"), ("en", "hello", "en"), ("ja", "你好", "zh"), ("", "hello there", "en"), ("yue", "", "zh")],
)
def test_the_language_is_what_the_engine_says_else_what_is_written(told: str, text: str, language: str) -> None:
    assert language_of(told, text) == language
