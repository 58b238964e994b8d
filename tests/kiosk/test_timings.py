"""How long models take: counted since the last report, bounded, and without anything of what they were given."""

from __future__ import annotations

import threading

import pytest

from kiosk.networks import MEASURED, Models
from kiosk.runtime.timings import KEPT, MOST_MODELS, Timings

pytestmark = pytest.mark.unit


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Model:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def answer(self, takes_s: float, *, fails: bool = False) -> float:
        self._clock.now_s += takes_s
        if fails:
            raise ValueError("no")
        return takes_s


def test_a_report_tells_the_calls_since_the_one_before_it() -> None:
    clock = Clock()
    timings, model = Timings(clock), Model(clock)
    timings.watch("answering", model, "answer")
    for tenths in range(1, 101):
        assert model.answer(tenths / 10) == tenths / 10
    told = timings.since_last()["answering"]
    assert told.calls == 100 and told.p50_ms == pytest.approx(5_100) and told.p95_ms == pytest.approx(9_600)
    assert timings.since_last() == {}
    with pytest.raises(ValueError, match="no"):
        model.answer(0.25, fails=True)
    assert timings.since_last()["answering"].p50_ms == pytest.approx(250)


def test_neither_calls_nor_models_are_kept_without_a_bound() -> None:
    clock = Clock()
    timings, model = Timings(clock), Model(clock)
    for _ in range(3 * KEPT):
        timings.measured("busy", model.answer)(1.0)
    for _ in range(KEPT):
        timings.measured("busy", model.answer)(2.0)
    told = timings.since_last()["busy"]
    assert told.calls == 4 * KEPT and told.p50_ms == 2000.0  # the times are of the last ones
    for number in range(MOST_MODELS + 5):
        timings.measured(f"model-{number}", model.answer)(0.1)
    assert len(timings.since_last()) == MOST_MODELS and timings.tally_unnamed == 5


def test_calls_from_several_threads_are_all_counted() -> None:
    timings = Timings()
    call = timings.measured("shared", lambda: None)
    threads = [threading.Thread(target=lambda: [call() for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert timings.since_last()["shared"].calls == 2000


def test_every_model_that_is_measured_is_one_of_the_terminal_s() -> None:
    assert set(MEASURED) <= set(Models.__dataclass_fields__)
