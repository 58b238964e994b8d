"""Looks at the terminal that nobody could be told: thinned with age, bounded, told latest first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import messages as m
from kiosk.sync.outbox import Outbox
from kiosk.sync.samples import BATCH, MAX_SAMPLES, Samples, _kept

pytestmark = pytest.mark.contract

NOW_S = 1_795_226_400


def look(at_s: int) -> m.Sample:
    return m.Sample(at_s, 0, 1, 2, 0.5, None, 3)


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[Samples]:
    outbox = Outbox(tmp_path / "kiosk.db")
    yield Samples(outbox)
    outbox.close()


def test_three_days_of_looks_every_half_minute_are_a_few_hundred(samples: Samples) -> None:
    times = list(range(NOW_S, NOW_S - 72 * 3600, -30))
    kept = _kept(times, NOW_S)
    ages = sorted(NOW_S - at_s for at_s in kept)
    assert len([age for age in ages if age <= 3600]) == 121
    assert 137 <= len([age for age in ages if 3600 < age <= 86_400]) <= 140  # one in ten minutes
    assert 47 <= len([age for age in ages if age > 86_400]) <= 50  # one an hour
    assert len(kept) < 320


def test_the_latest_are_told_first_and_then_forgotten(samples: Samples) -> None:
    for at_s in range(NOW_S, NOW_S + 5):
        samples.keep(look(at_s))
    told = samples.latest(3)
    assert [one.at_s for one in told] == [NOW_S + 4, NOW_S + 3, NOW_S + 2]
    samples.told(told)
    assert [one.at_s for one in samples.latest()] == [NOW_S + 1, NOW_S]


def test_old_ones_go_by_themselves_and_are_counted(samples: Samples) -> None:
    for at_s in range(NOW_S - 7200, NOW_S, 60):
        samples.keep(look(at_s))
    assert len(samples.latest(1000)) < 80
    assert samples.thinned() + len(samples.latest(1000)) == 120


def test_however_many_there_are_the_file_stays_bounded() -> None:
    assert len(_kept(list(range(NOW_S, NOW_S - 3_000, -1)), NOW_S)) == MAX_SAMPLES
    assert BATCH <= 120  # what one message may hold
