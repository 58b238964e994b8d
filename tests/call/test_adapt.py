"""Pictures go before sound: fewer where the line loses or the processor is short, back with patience."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.call.adapt import AFTER_STOP_S, BEGIN_FPS, PATIENCE_S, STEPS_FPS, Adaptation, Second

pytestmark = pytest.mark.unit

GOOD = Second(loss=0.0, cpu=0.1, late=0.0)
SECONDS = st.builds(Second, loss=st.floats(0, 1), cpu=st.floats(0, 2), late=st.floats(0, 1))


def after(adaptation: Adaptation, second: Second, times: int) -> list[int]:
    return [adaptation.look(second) for _ in range(times)]


def test_a_good_line_and_an_idle_processor_lead_from_15_to_30_a_second_and_no_further() -> None:
    seen = after(Adaptation(), GOOD, 5 * PATIENCE_S)
    assert seen[0] == BEGIN_FPS and seen[-1] == 30 and seen == sorted(seen)


def test_what_the_site_allows_at_most_is_never_exceeded() -> None:
    assert max(after(Adaptation(15), GOOD, 60)) == 15
    assert max(after(Adaptation(10), GOOD, 60)) == 10


def test_five_percent_lost_costs_no_picture_rate_whatever_single_seconds_say() -> None:
    adaptation = Adaptation(15)
    seen = [adaptation.look(Second(loss, 0.2, 0.0)) for loss in (0.02, 0.1, 0.04, 0.08, 0.0, 0.12, 0.02, 0.06) * 5]
    assert min(seen) == 15


def test_a_line_that_loses_a_third_sends_no_picture_within_four_seconds_and_some_again_when_it_is_good() -> None:
    adaptation = Adaptation()
    assert after(adaptation, Second(0.35, 0.2, 0.0), 8)[-1] == 0
    back = after(adaptation, GOOD, AFTER_STOP_S + 12)
    assert back[-1] > 0


def test_a_processor_that_is_short_keeps_a_few_pictures() -> None:
    assert after(Adaptation(), Second(0.0, 0.95, 0.8), 20)[-1] == STEPS_FPS[1]


def test_no_step_up_that_would_cost_more_than_its_share_of_a_core() -> None:
    assert after(Adaptation(), Second(0.0, 0.28, 0.0), 60)[-1] == BEGIN_FPS


@given(st.lists(SECONDS, max_size=60))
def test_whatever_happens_the_rate_is_one_of_the_steps(seconds: list[Second]) -> None:
    adaptation = Adaptation()
    assert all(adaptation.look(second) in STEPS_FPS for second in seconds)
