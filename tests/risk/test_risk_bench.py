"""The trained judge and the bench over it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.risk import Conversation, judge_all, load_conversations, main, measure
from bench.risk_training import DATA, TALKS, UNLEARNT, data_hash
from models.risk import SHORT_VISIT, WEIGHTS, RiskModel, RiskModelError

pytestmark = pytest.mark.contract

SCAMS = (
    "scam\tzh\t我要转账 / 公安局说我涉嫌洗钱，要转到安全账户 / 他不让我告诉家里人\n"
    "scam\ten\tI need to withdraw twenty thousand / the officer on the phone told me to say it's for a car\n"
)
HARMLESS = "harmless\tzh\t我想查一下余额 / 谢谢\nharmless\ten\twhere is the toilet / thanks\n"


def test_the_bench_counts_swindles_and_harmless_visitors(tmp_path: Path) -> None:
    path = tmp_path / "talks.tsv"
    path.write_text(SCAMS + HARMLESS, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "bench", "risk", "--data", str(path), "--json", "-"],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    figures = json.loads(ran.stdout)
    assert (figures["recall"], figures["false_alarms"], figures["conversations"]) == (1.0, 0.0, 4)
    assert set(figures["per_language"]) == {"zh", "en"} and figures["raised_at_turn_median"] == 2
    assert "安全账户" not in ran.stdout + ran.stderr


def test_raising_everything_or_nothing_would_show() -> None:
    talks = [
        Conversation(True, "zh", ("厕所在哪",), "x", 1),
        Conversation(False, "zh", ("他让我转到安全账户，要保密",), "x", 2),
    ]
    figures = measure(judge_all(talks, None))
    assert (figures["recall"], figures["false_alarms"]) == (0.0, 1.0)


def test_the_unseen_test_shows_no_line() -> None:
    with pytest.raises(ValueError, match="unseen"):
        main(["--show-errors"])


def test_a_malformed_line_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "bad.tsv").write_text("scam\tzh\t好\nsecret words\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.tsv:2: want") as caught:
        load_conversations(tmp_path / "bad.tsv")
    assert "secret" not in str(caught.value)


def test_the_shipped_weights_belong_to_the_data() -> None:
    card = json.loads((WEIGHTS / "risk.json").read_text(encoding="utf-8"))
    assert card["data_sha256"] == data_hash(), "the data changed: run `python -m bench.risk_training`"
    for thresholds in (card["thresholds"], card["with_reader"]["thresholds"]):
        assert thresholds["plain"] <= thresholds["medium"] < thresholds["high"]


def test_no_conversation_to_learn_from_is_in_the_test() -> None:
    """Not nearly, either: no six tenths of the runs of three characters are shared."""
    learnt = [runs(talk) for name in (*TALKS, *UNLEARNT) for talk in load_conversations(DATA / name)]
    for talk in load_conversations(DATA / "risk_test.tsv"):
        its = runs(talk)
        nearest = max(len(its & other) / max(1, min(len(its), len(other))) for other in learnt)
        assert nearest < 0.6, f"risk_test.tsv:{talk.line} is nearly one that was learnt"


def runs(talk: Conversation) -> frozenset[str]:
    text = "".join("".join(talk.turns).split())
    return frozenset(text[at : at + 3] for at in range(len(text) - 2))


class _Reader:
    def __init__(self, logit: float) -> None:
        self.given, self.read = logit, list[tuple[str, ...]]()

    def logit(self, turns: Sequence[str]) -> float:
        self.read.append(tuple(turns))
        return self.given


def test_the_reader_is_weighed_in_and_judged_by_thresholds_of_its_own() -> None:
    reader = _Reader(0.0)
    alone, judge = RiskModel(_Encoder()), RiskModel(_Encoder(), reader=reader)
    card = json.loads((WEIGHTS / "risk.json").read_text(encoding="utf-8"))
    assert (alone.medium, judge.medium) == (card["thresholds"]["medium"], card["with_reader"]["thresholds"]["medium"])
    turns = [f"turn {number}" for number in range(20)]
    told = [False] * 20
    calm = judge.score(turns, told, ())
    reader.given = 2.0
    shares = card["with_reader"]["shares"]
    assert judge.score(turns, told, ()) - calm == pytest.approx(2.0 * shares["reader"])
    beyond = 20 - SHORT_VISIT
    by_itself = alone.score(turns, told, ()) + beyond * card["thresholds"]["each_turn"]
    allowed = beyond * card["with_reader"]["thresholds"]["each_turn"]
    assert calm == pytest.approx(shares["regression"] * by_itself + shares["bias"] - allowed)
    assert reader.read[0] == tuple(turns[-12:])


def test_a_long_visit_is_allowed_more_and_a_short_one_is_not(tmp_path: Path) -> None:
    """The same words once more, so that nothing but the number of turns differs."""
    for name in ("risk.json", "risk.npz"):
        (tmp_path / name).write_bytes((WEIGHTS / name).read_bytes())
    card = json.loads((tmp_path / "risk.json").read_text(encoding="utf-8"))

    def score(each_turn: float, turns: int) -> float:
        card["thresholds"]["each_turn"] = each_turn
        (tmp_path / "risk.json").write_text(json.dumps(card), encoding="utf-8")
        return RiskModel(_Encoder(), tmp_path).score(["我想转账"] * turns, [False] * turns, ())

    assert score(0.5, SHORT_VISIT) == score(0.0, SHORT_VISIT)
    assert score(0.0, 6) - score(0.5, 6) == pytest.approx(0.5 * (6 - SHORT_VISIT))


class _Encoder:
    def embed(self, text: str) -> np.ndarray:
        return np.zeros(512, np.float32)


def test_missing_or_foreign_weights_are_refused_with_the_command(tmp_path: Path) -> None:
    with pytest.raises(RiskModelError, match=r"bench\.risk_training"):
        RiskModel(_Encoder(), tmp_path)
    (tmp_path / "risk.json").write_bytes((WEIGHTS / "risk.json").read_bytes())
    with np.load(WEIGHTS / "risk.npz") as held:
        arrays = dict(held)
    arrays["dense"] = arrays["dense"][:-1]
    np.savez(tmp_path / "risk.npz", **arrays)
    with pytest.raises(RiskModelError, match="another shape"):
        RiskModel(_Encoder(), tmp_path)
