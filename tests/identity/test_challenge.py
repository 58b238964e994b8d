"""The challenge by itself: what is said again, who is waited for, which turn ends a try. Drawn points, no network."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kiosk.identity.liveness import BASE_LOOKS, MS, Challenge, Crowd, Look
from models.mesh import Mesh

pytestmark = pytest.mark.unit
STEP_MS = 125
POINTS = np.random.default_rng(1).uniform((180, 80, -20), (300, 230, 40), (478, 3))
REST = Look(
    mesh=Mesh(points=POINTS, sure=1.0, blink=0.1, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0),
    template=np.eye(1, 128, dtype=np.float32)[0],
)


def turned(yaw_deg: float) -> Look:
    return replace(REST, mesh=replace(REST.mesh, yaw_deg=yaw_deg))


class Try:
    """A challenge whose face at rest is known, eight looks a second."""

    def __init__(self) -> None:
        self.challenge, self.ms = Challenge(("left", "blink", "right"), 0), 0
        self.see(REST, BASE_LOOKS * STEP_MS)
        assert self.challenge.instruction == "turn_left"

    def see(self, look: Look | Crowd | None, for_ms: int) -> str:
        """The same for a while; the code of the result, '' while there is none."""
        until = self.ms + for_ms
        while self.ms < until and self.challenge.result is None:
            self.challenge.look(look, self.ms * MS)
            self.ms += STEP_MS
        return self.challenge.result.reasons[0].code if self.challenge.result else ""


def test_an_instruction_is_said_again_twice_and_then_given_up() -> None:
    tried = Try()
    heard = []
    for _ in range(5):
        tried.see(REST, 2000)
        heard.append(tried.challenge.nudges)
    assert heard == [0, 1, 1, 2, 2]
    assert tried.see(REST, 1000) == "no_left" and tried.challenge.result
    assert tried.challenge.result.outcome == "unclear"


def test_another_instruction_begins_with_no_nudge_and_a_step_that_is_behind_counts() -> None:
    tried = Try()
    tried.see(REST, 4000)
    assert (tried.challenge.nudges, tried.challenge.done) == (1, 0)
    tried.see(turned(26), 500)
    assert (tried.challenge.instruction, tried.challenge.nudges) == ("come_back", 0)
    tried.see(REST, 250)
    assert (tried.challenge.instruction, tried.challenge.done) == ("blink", 1)


@pytest.mark.parametrize("yaw_deg", [-26.0, -40.0])
def test_the_wrong_turn_ends_a_try_after_two_looks_and_one_look_is_an_accident(yaw_deg: float) -> None:
    tried = Try()
    tried.see(REST, 500)
    assert tried.see(turned(yaw_deg), STEP_MS) == "" == tried.see(REST, STEP_MS)
    assert tried.see(turned(yaw_deg), 2 * STEP_MS) == "wrong_action"
    assert tried.challenge.result and tried.challenge.result.outcome == "spoof"


def test_a_turn_where_a_blink_is_asked_ends_a_try() -> None:
    tried = Try()
    tried.see(REST, 500)
    tried.see(turned(26), 500)
    tried.see(REST, 500)
    assert tried.see(turned(26), 500) == "wrong_action"


def test_who_walks_by_is_waited_for_and_who_stays_ends_the_try() -> None:
    tried = Try()
    for _ in range(3):
        assert tried.see(Crowd(), 2000) == "" == tried.see(REST, 250)
    tried = Try()
    assert tried.see(Crowd(), 4000) == "second_face"


def test_after_a_crowd_it_has_to_be_the_same_face_at_the_same_place() -> None:
    other = replace(REST, template=np.eye(1, 128, 5, dtype=np.float32)[0])
    tried = Try()
    tried.see(Crowd(), 500)
    assert tried.see(other, 250) == "another_face"
    moved = replace(REST, mesh=replace(REST.mesh, points=POINTS + np.array((200, 0, 0))))
    tried = Try()
    tried.see(Crowd(), 500)
    assert tried.see(moved, 250) == "jumped"


def test_without_a_face_for_a_while_it_is_lost() -> None:
    tried = Try()
    assert tried.see(None, 1250) == "" == tried.see(REST, 250)
    assert tried.see(None, 2500) == "face_lost"
