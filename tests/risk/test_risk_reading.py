"""What the reader is taught: who is left out stays out, and a swindle's beginning is never called harmless."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.risk import Conversation

pytest.importorskip("jax", reason="the train extra is not installed")

from bench.risk_reading import UNREAD, blend, lessons_of, texts_of
from models.reader import Cutter
from models.store import Store
from models.train.reader import BATCH, Lessons, States, batches_of, lower_layers, mean_of

pytestmark = pytest.mark.contract

TALKS = (
    Conversation(True, "zh", ("我要转账", "他让我转到安全账户", "不许告诉家里人"), "a", 1),
    Conversation(False, "zh", ("我要转账", "给女儿交学费"), "a", 2),
    Conversation(False, "en", ("where is the toilet", "thanks", "and the exit"), "b", 1),
)
OF = np.array([0, 0, 0, 1, 1, 2, 2, 2])
LAST = np.array([False, False, True, False, True, False, False, True])
SCAM = np.array([True, False, False])


@pytest.fixture(scope="module")
def folder() -> Path:
    store = Store()
    if not store.is_stamped("reader"):
        pytest.skip("the optional model is not here: python -m models fetch reader")
    return store.open("reader")


def test_each_text_is_cut_once_and_found_again(folder: Path) -> None:
    cutter = Cutter(folder)
    texts = texts_of(TALKS, cutter)
    assert texts.rows[[0, 1]].tolist() == [UNREAD, UNREAD]  # from which turn on it is a swindle nobody can say
    assert len(texts.pieces) == len(set(texts.rows[2:].tolist())) == 6
    np.testing.assert_array_equal(texts.pieces[texts.rows[4]], cutter.pieces(TALKS[1].turns))


def test_nothing_of_a_writer_left_out_is_learnt_and_no_beginning_of_a_swindle(folder: Path) -> None:
    texts = texts_of(TALKS, Cutter(folder))
    lessons = lessons_of(texts, OF, LAST, SCAM, taught=np.array([True, True, False]))
    assert not {texts.rows[row] for row in (5, 6, 7)} & set(lessons.text.tolist())
    assert dict(zip(lessons.text.tolist(), lessons.label.tolist(), strict=True)) == {
        texts.rows[2]: 1.0, texts.rows[3]: 0.0, texts.rows[4]: 0.0,
    }  # fmt: skip


def test_one_of_each_group_is_drawn_and_every_row_without_a_group() -> None:
    count = 5 * BATCH
    group = np.where(np.arange(count) < BATCH, -1, np.arange(count) // 4)
    lessons = Lessons(np.arange(count), np.zeros(count, np.float32), np.ones(count, np.float32), group)
    rounds = [np.concatenate(batches_of(lessons, np.arange(count) % 60, number)) for number in range(2)]
    for rows in rounds:
        assert len(rows) == len(set(rows.tolist())) == BATCH + BATCH  # a quarter of four batches
        assert set(range(BATCH)) <= set(rows.tolist())
        assert len(set(group[rows[rows >= BATCH]].tolist())) == BATCH
    assert rounds[0].tolist() != rounds[1].tolist()


def test_states_that_were_interrupted_go_on_to_the_same(folder: Path, tmp_path: Path) -> None:
    cutter, lower, said = Cutter(folder), lower_layers(folder, tmp_path), list[str]()
    texts = [cutter.pieces(talk.turns) for talk in TALKS]
    whole = States(texts, tmp_path / "whole")
    whole.make(lower, said.append)
    (tmp_path / "again").mkdir()
    names = (tmp_path / "whole" / "states.txt").read_text("ascii").splitlines(keepends=True)
    (tmp_path / "again" / "states.f16").write_bytes((tmp_path / "whole" / "states.f16").read_bytes())
    (tmp_path / "again" / "states.txt").write_text("".join(names[:2]) + names[2][:-2], "ascii")  # cut off in a line
    said.clear()
    again = States(texts, tmp_path / "again")
    again.make(lower, said.append)
    assert said == ["lower layers: 1 of 1 texts"]
    np.testing.assert_array_equal(whole.batch([0, 1, 2])[0], again.batch([0, 1, 2])[0])
    states, there = again.batch([1])
    assert there[0].sum() == len(texts[1]) and np.abs(states[0][there[0]]).max() > 0.1


def test_a_text_that_was_read_once_is_not_read_again_when_others_come(folder: Path, tmp_path: Path) -> None:
    cutter, lower, said = Cutter(folder), lower_layers(folder, tmp_path), list[str]()
    texts = [cutter.pieces(talk.turns) for talk in TALKS]
    few = States(texts[1:], tmp_path)
    few.make(lower, said.append)
    all_of_them = States(texts, tmp_path)
    all_of_them.make(lower, said.append)
    assert said == ["lower layers: 2 of 2 texts", "lower layers: 1 of 1 texts"]
    np.testing.assert_array_equal(few.batch([0, 1])[0], all_of_them.batch([1, 2])[0])


def test_two_logits_become_one_that_is_right_more_often() -> None:
    rng = np.random.default_rng(0)
    labels = rng.random(4000) < 0.5
    first, second = (np.asarray((labels - 0.5) * 2 + rng.standard_normal(4000), np.float32) for _ in range(2))
    one, other, bias = blend(first, second, labels, np.ones(4000))
    together = one * first + other * second + bias
    assert ((together > 0) == labels).mean() > ((first > 0) == labels).mean() + 0.05
    assert one == pytest.approx(2.0, abs=0.4) and other == pytest.approx(2.0, abs=0.4)


def test_readers_as_one_change_the_layers_as_they_do_on_average() -> None:
    rng = np.random.default_rng(2)

    def reader() -> dict[str, Any]:
        drawn = {"l9.q.down": (8, 3), "l9.q.up": (3, 8), "attend": (8,), "head": (16,), "centre": (16,), "bias": ()}
        return {name: np.asarray(rng.standard_normal(shape), np.float32) for name, shape in drawn.items()}

    readers = [reader() for _ in range(3)]
    one = mean_of(readers)
    np.testing.assert_allclose(
        one["l9.q.down"] @ one["l9.q.up"], np.mean([r["l9.q.down"] @ r["l9.q.up"] for r in readers], 0), atol=1e-5
    )
    pooled = rng.standard_normal(16).astype(np.float32)

    def logit(of: dict[str, Any]) -> float:
        return float(of["head"] @ (pooled - of["centre"]) + of["bias"])

    assert logit(one) == pytest.approx(np.mean([logit(r) for r in readers]), abs=1e-4)
