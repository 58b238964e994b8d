"""The curves of honesty, on judgements whose curves are known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.intent_curves import area_under_risk, calibration_error, reliability, risk_coverage, write_curves

pytestmark = pytest.mark.unit


@dataclass(frozen=True)
class Row:
    right: bool
    probability: float


HONEST = [Row(number % 10 < 8, 0.8) for number in range(100)] + [Row(number % 10 < 3, 0.3) for number in range(100)]
BOASTFUL = [Row(number % 2 == 0, 0.99) for number in range(100)]


def test_who_is_as_often_right_as_said_has_no_calibration_error() -> None:
    assert calibration_error(HONEST) == pytest.approx(0.0)
    assert [(round(point["said"], 2), round(point["right"], 2)) for point in reliability(HONEST)] == [
        (0.3, 0.3),
        (0.8, 0.8),
    ]
    assert calibration_error(BOASTFUL) == pytest.approx(0.49)


def test_few_lines_are_joined_with_their_neighbours() -> None:
    rows = [Row(True, 0.15), *(Row(True, 0.95) for _ in range(20))]
    assert [point["lines"] for point in reliability(rows)] == [21.0]


def test_risk_rises_with_coverage_where_the_sure_are_right() -> None:
    rows = [Row(True, 0.9)] * 50 + [Row(False, 0.1)] * 50
    curve = risk_coverage(rows, 10)
    assert curve[4]["risk"] == 0 and curve[-1] == {"coverage": 1.0, "risk": 0.5, "threshold": 0.1}
    assert area_under_risk(rows) < area_under_risk(BOASTFUL)


def test_both_pictures_are_drawn(tmp_path: Path) -> None:
    told = write_curves({"Mandarin": HONEST, "English": BOASTFUL}, tmp_path)
    assert set(told) == {"Mandarin", "English"}
    assert all(
        (tmp_path / name).stat().st_size > 5000 for name in ("intent_reliability.png", "intent_risk_coverage.png")
    )
