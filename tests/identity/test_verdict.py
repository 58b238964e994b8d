"""Three that must agree: what each says, what follows, and that nobody young is looked at."""

from __future__ import annotations

from datetime import date

import pytest

from contracts.identity import Reason, VerdictError, decode_verdict, encode_verdict
from kiosk.identity.drift import BINS, ScoreHistogram
from kiosk.identity.faces import Match, says
from kiosk.identity.liveness import Result
from kiosk.identity.verdict import (
    DocumentFinding,
    FaceFinding,
    NumberFinding,
    age_of,
    agree,
    concluded,
    needs_guardian,
)
from models.thresholds import ThresholdError, load

pytestmark = pytest.mark.unit
READ = DocumentFinding(says="for", by_chip=True)
RIGHT, WRONG = NumberFinding(says="for"), NumberFinding(says="against")


def seen(match: str = "same", live: str = "live") -> FaceFinding:
    reason = Reason(part="liveness", code="challenge_done" if live == "live" else "flat", speaks="for")
    return FaceFinding(
        consent=True,
        match=Match(match, 0.7, (), 5),  # type: ignore[arg-type]
        liveness=Result(outcome=live, reasons=(reason,)),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("face", "document", "number", "outcome"),
    [
        (seen(), READ, RIGHT, "verified"),
        (seen(), READ, None, "verified"),
        (seen("other"), READ, RIGHT, "not_verified"),
        (seen(live="spoof"), READ, RIGHT, "not_verified"),
        (seen("unsure"), READ, RIGHT, "verified"),
        (seen(live="unclear"), READ, None, "unsure"),
        (None, READ, RIGHT, "verified"),
        (FaceFinding(consent=False), READ, RIGHT, "verified"),
        (FaceFinding(consent=False), READ, None, "unsure"),
        (None, READ, WRONG, "not_verified"),
        (seen(), DocumentFinding(says="against"), RIGHT, "not_verified"),
        (seen(), None, None, "unsure"),
        (None, None, None, "unsure"),
    ],
)
def test_what_follows_from_face_document_and_number(
    face: FaceFinding | None, document: DocumentFinding | None, number: NumberFinding | None, outcome: str
) -> None:
    verdict = agree(face, document, number)
    assert verdict.outcome == outcome
    assert verdict.reasons and (verdict.valid_s > 0) == (outcome == "verified")
    assert decode_verdict(encode_verdict(verdict)) == verdict


def test_to_refuse_the_face_speaks_against_nobody() -> None:
    verdict = agree(FaceFinding(consent=False), READ, RIGHT)
    assert verdict.codes(against=True) == () and "refused" in verdict.codes() and verdict.method == "document_phone"


def test_bytes_that_are_no_verdict_are_named() -> None:
    with pytest.raises(VerdictError, match="outcome"):
        decode_verdict(b'{"outcome": "sure", "method": "none"}')


def test_the_bank_s_answer_concludes_and_other_actions_change_nothing() -> None:
    first = concluded(None, seen(), "verify_document", "done", by_chip=True)
    assert first is not None and first.outcome == "verified" and first.method == "face_document"
    assert concluded(first, seen(), "balance", "done", by_chip=True) is first
    assert "by_chip" in first.codes()
    wrong = concluded(first, None, "verify_document", "wrong_phone", by_chip=False)
    assert wrong is not None and wrong.outcome == "not_verified"
    assert "by_camera" in wrong.codes() and "by_chip" not in wrong.codes()


@pytest.mark.parametrize(
    ("number", "age"), [("110101201211300018", 13), ("110101201211290018", 14), ("E12345678", None), ("1" * 18, None)]
)
def test_the_document_says_how_old_its_holder_is(number: str, age: int | None) -> None:
    assert age_of(number, date(2026, 11, 29)) == age
    assert needs_guardian(number, date(2026, 11, 29)) == (age == 13)


def test_a_poor_picture_may_say_yes_and_never_no() -> None:
    assert says(0.6, good=False) == "same"
    assert says(0.1, good=False) == "unsure"
    assert says(0.1, good=True) == "other"
    assert says(0.36, good=True) == "unsure"


def test_every_threshold_has_its_origin_and_one_without_is_refused(tmp_path: object) -> None:
    for family in ("face", "liveness"):
        for row in load(family).values():
            assert row.data and row.date and row.method and row.counts
    from pathlib import Path

    folder = Path(str(tmp_path))
    (folder / "odd.toml").write_text('[same]\nvalue = 0.4\ndata = "somewhere"\n', "utf-8")
    with pytest.raises(ThresholdError, match="date, method, counts"):
        load("odd", folder)


def test_scores_that_move_are_seen_as_drift_and_a_broken_file_counts_from_zero(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "scores.json"
    kept = ScoreHistogram(path)
    for _ in range(250):
        kept.add(0.7)
    again = ScoreHistogram(path)
    assert sum(again.counts) == 250
    usual = [count / 250 for count in again.counts]
    assert again.drift(usual) == pytest.approx(0)
    moved = usual[4:] + usual[:4]
    assert (again.drift(moved) or 0) > 0.25
    path.write_text("[1, 2", "utf-8")
    assert ScoreHistogram(path).counts == [0] * BINS
    assert ScoreHistogram(path).drift(usual) is None
