"""What the benches of delay and memory make of given moments and readings."""

from __future__ import annotations

import numpy as np
import pytest

from bench.latency import measured
from bench.soak import slope

pytestmark = pytest.mark.unit

MS = 1_000_000
PARTS = {"endpoint": 400.0, "recognise": 20.0, "understand": 1.0, "answer": 9.0, "first_sample": 30.0, "total": 460.0}


def turn(first_sample_ms: int, parts: dict[str, float] | None = None) -> dict[str, object]:
    marks = {"cached": True, "filler": False, "language": "zh"}
    latency = PARTS if parts is None else parts
    return {"kind": "turn", "first_sample_ns": first_sample_ms * MS, "latency_ms": latency, **marks}


def test_delay_counts_from_the_voices_true_end_and_the_rest_is_the_detectors_lag() -> None:
    moments = [
        {"kind": "visitor_finished", "voice_end_ns": 1000 * MS},
        turn(1500),
        turn(9600),  # the recording rings out after the answer began, so its moment comes later
        {"kind": "visitor_finished", "voice_end_ns": 9000 * MS},
    ]
    first, second = measured(moments)
    assert first["total"] == 500 and first["detect"] == pytest.approx(40)
    assert second["total"] == 600


def test_a_turn_without_one_of_its_parts_is_counted_as_missing_it() -> None:
    parts = {name: value for name, value in PARTS.items() if name != "understand"}
    moments = [{"kind": "visitor_finished", "voice_end_ns": 0}, turn(500, parts)]
    assert [one["missing"] for one in measured(moments)] == [1]


def test_the_slope_is_that_of_the_line_after_the_warm_up_within_its_stated_error() -> None:
    rng = np.random.default_rng(3)
    seconds = np.arange(0, 3900, 5.0)
    megabytes = np.where(seconds < 300, 100 + seconds, 400 + 6.0 * seconds / 3600) + rng.normal(0, 0.5, len(seconds))
    found = slope(list(zip(seconds.tolist(), megabytes.tolist(), strict=True)))
    assert abs(found["mb_per_h"] - 6.0) <= max(0.3, found["error_mb_per_h"])
    assert found["error_mb_per_h"] < 1.0


def test_too_few_readings_are_an_error_and_no_slope() -> None:
    with pytest.raises(ValueError, match="longer"):
        slope([(float(second), 100.0) for second in range(0, 310, 5)])
