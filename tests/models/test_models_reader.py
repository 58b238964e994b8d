"""The reader of conversations: any words are read within a bound, and what was taught belongs to the network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.convert.reader import SPECIAL, ReaderError, pieces_kept, read_package
from models.reader import NAME_WEIGHTS, PIECES_LIMIT, WEIGHTS, Cutter, Reader, pooled
from models.reader import ReaderError as WeightsError
from models.sessions import SessionError
from models.store import Store

pytestmark = pytest.mark.contract

SWINDLES = (
    ("我要转账", "公安局的人打电话说我涉嫌洗钱", "他让我转到安全账户，不许告诉家里人"),
    ("i need to withdraw twenty thousand", "the officer on the phone told me to say it's for a car"),
)
HARMLESS = (
    ("我要转账", "给我女儿交学费，她上大二了", "转到她自己的卡上就行"),
    ("i need to withdraw twenty thousand", "i'm buying my neighbour's car, i drove it yesterday"),
)


@pytest.fixture(scope="module")
def folder() -> Path:
    store = Store()
    if not store.is_stamped("reader"):
        pytest.skip("the optional model is not here: python -m models fetch reader")
    return store.open("reader")


@pytest.fixture(scope="module")
def reader(folder: Path) -> Reader:
    return Reader(folder)


def test_swindles_stand_above_what_begins_alike_and_is_harmless(reader: Reader) -> None:
    assert all(reader.logit(bad) > reader.logit(good) + 1.0 for bad, good in zip(SWINDLES, HARMLESS, strict=True))


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07", "😀" * 400, "查" * 10_000, "'; drop table tickets; --", "١٢٣"])
def test_any_text_gives_a_finite_logit(reader: Reader, text: str) -> None:
    assert np.isfinite(reader.logit([text, text]))


def test_what_was_said_first_is_left_out_beyond_the_bound(folder: Path) -> None:
    cutter = Cutter(folder)
    short = cutter.pieces(["你好", "我要取钱"])
    long = cutter.pieces(["我要取一大笔钱" * 200, "我要取钱"])
    assert len(short) < 20 and len(long) == PIECES_LIMIT
    opening = 4  # the beginning, and what the network was made to read
    tail = len(short) - opening - 3
    np.testing.assert_array_equal(long[:opening], short[:opening])
    np.testing.assert_array_equal(long[-tail:], short[-tail:])


def test_missing_or_foreign_weights_are_refused_with_the_command(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"risk_reader\.npz.*bench\.risk_training"):
        Reader(folder, tmp_path)
    with np.load(WEIGHTS / NAME_WEIGHTS) as held:
        arrays = dict(held)
    arrays["head"] = arrays["head"][:-1]
    np.savez(tmp_path / NAME_WEIGHTS, **arrays)
    with pytest.raises(WeightsError, match="another shape"):
        Reader(folder, tmp_path)


def test_a_damaged_file_is_named(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", "utf-8")
    with pytest.raises(SessionError, match=r"tokenizer\.json"):
        Cutter(tmp_path)
    (tmp_path / "other.bin").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(ReaderError, match=r"other\.bin"):
        read_package(tmp_path / "other.bin")


def test_pieces_of_other_scripts_are_left_out() -> None:
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁the", "安全", "▁安", "3月", "деньги", "Geld", "ส", "账户", "ing", "%"]
    kept = [pieces[number] for number in pieces_kept([(piece, 0.0) for piece in pieces])]
    assert kept[SPECIAL:] == ["▁the", "安全", "▁安", "3月", "账户", "ing", "%"]


def test_states_become_their_mean_and_what_is_looked_for() -> None:
    states = np.array([[0.0, 2.0], [4.0, 0.0]], np.float32)
    found = pooled(states, np.array([100.0, 0.0], np.float32))
    np.testing.assert_allclose(found, [2.0, 1.0, 4.0, 0.0])


def test_the_network_as_taught_reads_as_the_terminals(folder: Path, reader: Reader, tmp_path: Path) -> None:
    """The terminal multiplies numbers of eight bits, the training does not: a logit may differ by that."""
    jnp = pytest.importorskip("jax.numpy", reason="the train extra is not installed")
    from models.train import reader as train  # needs jax

    weights, lower = train.load(folder), train.lower_layers(folder, tmp_path)
    with np.load(WEIGHTS / NAME_WEIGHTS) as held:
        taught = {name: np.asarray(held[name], np.float32) for name in held.files}
    taught["centre"] = np.zeros(len(taught["head"]), np.float32)  # it went into the bias
    cutter = Cutter(folder)
    for turns in (*SWINDLES, *HARMLESS):
        pieces = cutter.pieces(turns)
        (states,) = lower.run(["lower"], {"pieces": pieces})
        value = float(train.logits(weights, taught, states, jnp.ones((1, len(pieces)), bool))[0])
        assert value == pytest.approx(reader.logit(turns), abs=0.5 + 0.1 * abs(value))
