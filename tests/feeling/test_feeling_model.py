"""The trained reading: what it adds to the lists, and what happens without its weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from kiosk.feeling.feeling import EMOTIONS, Feelings
from models.feeling import FEELINGS, FeelingModel, FeelingModelError
from models.sentences import SentenceModel
from models.store import Store

pytestmark = pytest.mark.contract


class _Silent:
    def embed(self, text: str) -> npt.NDArray[np.float32]:
        return np.zeros(512, np.float32)


def test_with_the_trained_reading_three_in_four_sentences_are_recognised() -> None:
    model = FeelingModel(SentenceModel(Store().open("sentences")))
    path = Path(__file__).parent / "utterances.tsv"
    rows = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
    shown = [Feelings(model).heard(row[2], "zh" if row[1] == "zh" else "en").strongest or "neutral" for row in rows]
    assert sum(found == row[0] for found, row in zip(shown, rows, strict=True)) / len(rows) >= 0.72
    assert sum(found not in (row[0], "neutral") for found, row in zip(shown, rows, strict=True)) <= 3


def test_the_names_are_those_of_the_packet_and_nothing_is_felt_in_nothing() -> None:
    assert FEELINGS == EMOTIONS
    assert not any(FeelingModel(_Silent()).read("").values())


def test_missing_or_foreign_weights_are_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(FeelingModelError, match=r"models\.train\.feeling"):
        FeelingModel(_Silent(), tmp_path)
    np.savez(tmp_path / "feeling.npz", weights=np.zeros((2, 3)), bias=np.zeros(2))
    with pytest.raises(FeelingModelError, match="another shape"):
        FeelingModel(_Silent(), tmp_path)
