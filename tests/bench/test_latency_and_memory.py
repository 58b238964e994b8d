"""What the benches of delay and memory make of given moments and readings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from bench.latency import measured, silences
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


def test_silence_within_is_that_of_the_answers_to_turns_and_of_no_other_sentence() -> None:
    greeting, answer = {"kind": "said", "silence_ms": 9000}, {"kind": "said", "silence_ms": 300}
    assert silences([greeting, turn(500), answer, greeting, turn(900)]) == [300.0]
    assert silences([turn(500), turn(900), answer]) == [300.0]  # the first was cut


def test_the_slope_is_that_of_the_line_after_the_warm_up_within_its_stated_error() -> None:
    rng = np.random.default_rng(3)
    seconds = np.arange(0, 3900, 5.0)
    megabytes = np.where(seconds < 300, 100 + seconds, 400 + 6.0 * seconds / 3600) + rng.normal(0, 0.5, len(seconds))
    found = slope(list(zip(seconds.tolist(), megabytes.tolist(), strict=True)))
    assert abs(found["mb_per_h"] - 6.0) <= max(0.3, found["error_mb_per_h"])
    assert found["error_mb_per_h"] < 1.0


def test_what_a_visit_takes_and_gives_back_does_not_move_the_line_of_what_stays() -> None:
    rng = np.random.default_rng(4)
    seconds = np.arange(0, 3900, 5.0)
    visits = np.where(seconds % 130 < 60, rng.uniform(0, 30, len(seconds)) * (1 + seconds / 3900), 0)  # ever heavier
    megabytes = 400 + 6.0 * seconds / 3600 + visits + rng.normal(0, 0.1, len(seconds))
    found = slope(list(zip(seconds.tolist(), megabytes.tolist(), strict=True)))
    assert found["at_rest_mb_per_h"] == pytest.approx(6.0, abs=0.5) and found["mb_per_h"] > 8


def test_too_few_readings_are_an_error_and_no_slope() -> None:
    with pytest.raises(ValueError, match="longer"):
        slope([(float(second), 100.0) for second in range(0, 310, 5)])


READS: Final = """
import mmap, os, sys
from bench.soak import read_memory
size = int(sys.argv[2])
before = read_memory(os.getpid())
written = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE)
for at in range(0, size, mmap.PAGESIZE):
    written[at] = 1
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as model:
    assert sum(model[at] for at in range(0, size, mmap.PAGESIZE)) == 0
    after = read_memory(os.getpid())
print(after.own_mb - before.own_mb, after.unchanged_mb - before.unchanged_mb)
"""


def test_written_pages_count_as_the_processes_own_and_pages_of_a_file_do_not(tmp_path: Path) -> None:
    size = 32_000_000
    with (tmp_path / "model").open("wb") as file:
        file.write(bytes(size))
        os.fsync(file.fileno())  # until then its pages are dirty, whoever maps them
    # a process of its own: this one's allocator gives back at any time what earlier tests had freed
    told = subprocess.run(
        [sys.executable, "-c", READS, str(tmp_path / "model"), str(size)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    own_mb, unchanged_mb = map(float, told.stdout.split())
    assert own_mb == pytest.approx(size / 1e6, abs=4)
    assert unchanged_mb == pytest.approx(size / 1e6, abs=4)
