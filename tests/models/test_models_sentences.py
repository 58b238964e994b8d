"""The sentence encoder: what means the same lies near, in both languages; nothing unusual harms it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.convert.sentences import packed
from models.sentences import WIDTH, SentenceModel
from models.sessions import SessionError
from models.store import Store

pytestmark = pytest.mark.contract

PAIRS = (
    ("我的银行卡丢了", "I lost my bank card"),
    ("厕所在哪里", "where is the toilet"),
    ("今天几点关门", "what time do you close today"),
    ("我想换一些美元", "I want to exchange some US dollars"),
    ("有人骗我转账", "somebody tricked me into sending money"),
    ("我忘记密码了", "I have forgotten my password"),
)


@pytest.fixture(scope="module")
def model() -> SentenceModel:
    return SentenceModel(Store().open("sentences"))


def test_a_sentence_lies_nearest_to_its_translation(model: SentenceModel) -> None:
    mandarin = np.stack([model.embed(zh) for zh, _ in PAIRS])
    english = np.stack([model.embed(en) for _, en in PAIRS])
    assert np.argmax(mandarin @ english.T, axis=1).tolist() == list(range(len(PAIRS)))


def test_a_direction_has_length_one_and_does_not_mind_case(model: SentenceModel) -> None:
    assert np.linalg.norm(model.embed("open an account")) == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_array_equal(model.embed("OPEN an Account"), model.embed("open an account"))


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "😀" * 400, "查" * 10_000, "'; drop table tickets; --", "١٢٣"])
def test_any_text_gives_finite_numbers(model: SentenceModel, text: str) -> None:
    meaning = model.embed(text)
    assert meaning.shape == (WIDTH,) and np.all(np.isfinite(meaning))


def test_six_bit_numbers_come_out_of_their_bytes_again() -> None:
    numbers = np.random.default_rng(0).integers(0, 64, (5, 512), dtype=np.uint8)
    triples = packed(numbers).reshape(5, -1, 3)
    first, second, third = (triples[..., at] for at in range(3))
    apart = (first & 63, first >> 6 | (second << 2) & 63, second >> 4 | (third << 4) & 63, third >> 2)
    np.testing.assert_array_equal(np.stack(apart, axis=-1).reshape(5, 512), numbers)


def test_a_damaged_vocabulary_is_named(tmp_path: Path) -> None:
    (tmp_path / "sentences.onnx").write_bytes((Store().open("sentences") / "sentences.onnx").read_bytes())
    (tmp_path / "pieces.model").write_bytes(b"no model")
    with pytest.raises(SessionError, match=r"pieces\.model"):
        SentenceModel(tmp_path)
