"""Two clocks that never agree, followed for days in virtual time."""

from __future__ import annotations

import numpy as np
import pytest

from kiosk.audio.drift import KEPT_POINTS, DeviceClock
from kiosk.audio.echo import FarEnd, Reader
from kiosk.events import MIC_RATE_HZ

pytestmark = pytest.mark.unit

NS = 1_000_000_000


def true_ns(samples: int, ppm: float) -> int:
    return 5 * NS + round(samples * NS / (MIC_RATE_HZ * (1 + ppm * 1e-6)))


@pytest.mark.parametrize("ppm", [200.0, -200.0])
def test_three_days_at_200_ppm_keep_the_time_of_a_sample_within_2_ms(ppm: float) -> None:
    """Sightings only every ten seconds, late by 2 ms on average and by 30 ms more at times: harder than 50 a second."""
    clock, rng = DeviceClock(MIC_RATE_HZ), np.random.default_rng(1)
    count = 3 * 86_400 // 10
    late_ns = rng.exponential(2e6, count) + 30e6 * (rng.random(count) < 0.02)
    errors = np.empty(count)
    for number in range(count):
        samples = (number + 1) * 10 * MIC_RATE_HZ
        at_ns = true_ns(samples, ppm)
        errors[number] = clock.seen(samples, round(at_ns + late_ns[number])) - at_ns
    settled = errors[360:] / 1e6  # the first hour has too few sightings here
    assert clock.ppm == pytest.approx(ppm, abs=1)
    assert np.ptp(settled) < 2.0 and np.abs(settled).max() < 3.0  # constant lateness is no drift
    assert clock.tally_steps == 0 and len(clock._points) <= KEPT_POINTS


def test_at_fifty_sightings_a_second_ten_minutes_give_the_rate_within_2_ppm_and_no_step_above_20_us() -> None:
    clock, rng = DeviceClock(MIC_RATE_HZ), np.random.default_rng(2)
    errors = []
    for number in range(1, 10 * 60 * 50):
        at_ns = true_ns(number * 320, -150.0)
        errors.append(clock.seen(number * 320, round(at_ns + rng.exponential(2e6))) - at_ns)
    assert clock.ppm == pytest.approx(-150, abs=2)
    assert np.abs(np.diff(errors[100:])).max() < 20_000
    assert np.ptp(errors[30 * 50 :]) < 1e6


def test_sound_that_the_device_lost_is_one_step_within_three_seconds() -> None:
    clock = DeviceClock(MIC_RATE_HZ)
    for number in range(1, 40 * 50):
        clock.seen(number * 320, true_ns(number * 320, 0.0))
    for number in range(40 * 50, 45 * 50):
        found_ns = clock.seen(number * 320, true_ns(number * 320, 0.0) + 60_000_000)  # three frames vanished
    assert abs(found_ns - true_ns(number * 320, 0.0) - 60_000_000) < 1_000_000
    assert clock.tally_steps == 1


def test_a_machine_that_stalls_for_half_a_second_moves_nothing() -> None:
    clock, worst = DeviceClock(MIC_RATE_HZ), 0.0
    for number in range(1, 60 * 50):
        stalled = 1500 <= number < 1525
        at_ns = true_ns(number * 320, 0.0)
        worst = max(worst, abs(clock.seen(number * 320, at_ns + (500_000_000 if stalled else 0)) - at_ns))
    assert worst < 100_000 and clock.tally_steps == 0


def test_the_far_end_read_along_a_slower_microphone_has_neither_gap_nor_repeat() -> None:
    """A tone played by a clock 200 ppm fast, read for 30 s. One sample left out would turn its phase by 0.031."""
    far, reader, ppm, written = FarEnd(), None, 200.0, 0
    block_ns = 20_000_000 / (1 + ppm * 1e-6)
    tone = np.round(8000 * np.sin(2 * np.pi * 500 * np.arange(480 * 1600) / 24_000)).astype(np.int16)
    phases = []
    for frame in range(1, 1500):
        end_ns = NS + frame * 20_000_000
        while NS + (written - 1) * block_ns <= end_ns:
            far.played(tone[written * 480 : (written + 1) * 480], NS + round((written + 1) * block_ns))
            written += 1
        reader = reader or Reader(far)
        block = reader.next(end_ns, 320).astype(float)
        phases.append(np.angle(block @ np.exp(-2j * np.pi * 500 * np.arange(320) / MIC_RATE_HZ)) / (2 * np.pi))
    turns = np.diff(np.unwrap(2 * np.pi * np.array(phases)) / (2 * np.pi))[60:]
    assert reader is not None and reader.tally_jumps == 0
    assert np.abs(turns).max() < 0.005
    assert turns[-100:].mean() == pytest.approx(500 * 0.02 * ppm * 1e-6, rel=0.1)  # and it follows
