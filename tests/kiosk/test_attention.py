"""The visitor looks elsewhere: asked first, ended later, and some are never asked."""

from __future__ import annotations

import pytest

from kiosk.events import AttentionLost
from kiosk.session.attention import ANSWERS_NS, weighed
from kiosk.session.states import Effect, State, step
from kiosk.session.visit import Visit

pytestmark = pytest.mark.unit
S = 1_000_000_000


def visit(**given: object) -> Visit:
    made = Visit(0, "camera")
    for name, value in given.items():
        setattr(made, name, value)
    return made


def test_nobody_is_sent_away_who_was_not_asked_a_while_before() -> None:
    assert weighed(visit(), AttentionLost(3, 50 * S), talking=False) == AttentionLost(1, 50 * S)
    asked = visit(prompts=1, asked_ns=48 * S)
    assert weighed(asked, AttentionLost(2, 50 * S), talking=False) is None
    later = asked.asked_ns + ANSWERS_NS
    assert weighed(asked, AttentionLost(2, later), talking=False) == AttentionLost(2, later)


@pytest.mark.parametrize("given", [{"mode": "elder"}, {"case": "c1"}, {"typed": "62"}])
def test_who_has_time_waits_or_types_is_not_asked(given: dict[str, str]) -> None:
    assert weighed(visit(**given), AttentionLost(1, 50 * S), talking=False) is None


def test_who_talks_is_not_asked_and_without_a_visit_there_is_nobody_to_ask() -> None:
    assert weighed(visit(), AttentionLost(1, 50 * S), talking=True) is None
    assert weighed(None, AttentionLost(1, 50 * S), talking=False) is None


def test_the_first_asks_the_second_ends_and_only_while_it_is_the_visitors_turn() -> None:
    assert step(State.LISTENING, AttentionLost(1, 0)) == (State.SPEAKING, (Effect.PROMPT,))
    assert step(State.LISTENING, AttentionLost(2, 0)) == (State.IDLE, (Effect.CANCEL_TURN, Effect.END_VISIT))
    assert step(State.SPEAKING, AttentionLost(1, 0)) == (State.SPEAKING, ())
