"""What the small listeners learn from: voices that stay apart, thresholds that keep their budget, made coughs."""

from __future__ import annotations

import numpy as np
import pytest

from models.convert.kokoro import VOICES
from models.nearness import LATER, Logit, first_row, later_row
from models.train.addressee import fit
from models.train.coughs import body_noise
from models.train.sayings import TEST_VOICES, SayingsError, load_sayings

pytestmark = pytest.mark.unit


def test_the_terminals_own_voices_are_never_learnt_from_and_every_line_is_usable() -> None:
    assert set(VOICES) <= set(TEST_VOICES)
    sayings = load_sayings()
    assert {saying.kind for saying in sayings} == {"backchannel", "words", "sentence", "announcement", "chat"}
    assert len({(s.kind, s.language, s.text) for s in sayings}) == len(sayings)


def test_a_broken_line_is_named(tmp_path: object) -> None:
    path = tmp_path / "sayings.tsv"  # type: ignore[operator]
    path.write_text("words\tzh\ttrain\t停\nwords\tzh\tsometimes\t停\n", "utf-8")
    with pytest.raises(SayingsError, match=r"sayings\.tsv:2"):
        load_sayings(path)


def test_a_fitted_regression_loses_as_few_as_its_threshold_says() -> None:
    rng = np.random.default_rng(3)
    right = rng.random(2000) < 0.5
    rows = (rng.standard_normal((2000, 3)) + 1.5 * right[:, None]).astype(np.float32)
    logit = fit(rows, right)
    lost = np.mean([logit.odds(row) < logit.threshold for row in rows[right]])
    assert 0.005 <= lost <= 0.02
    assert logit.odds(np.full(3, 3, np.float32)) > 2 > -2 > logit.odds(np.full(3, -2, np.float32))


def test_rows_have_their_columns_and_the_same_utterance_differs_in_nothing() -> None:
    sound = np.arange(9, dtype=np.float32)
    row = later_row(sound, sound, near=1.0, likeness=0.8, seconds=2.0)
    assert row.shape == (len(LATER),) and not row[1:7].any()
    assert first_row(sound).shape == sound.shape
    assert Logit(np.ones(9, np.float32), 1.0).odds(np.zeros(9, np.float32)) == 1.0


def test_made_coughs_are_short_loud_and_all_different() -> None:
    rng = np.random.default_rng(4)
    made = [body_noise(rng) for _ in range(12)]
    assert all(0.1 < len(one) / 16_000 < 1.2 and 5000 < np.abs(one).max() <= 12_000 for one in made)
    assert len({one.tobytes() for one in made}) == 12
