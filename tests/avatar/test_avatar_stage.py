"""The figure on the page: a snapshot may name another persona, a broken one leaves somebody there and is told."""

from __future__ import annotations

import os

import msgspec
import numpy as np
import numpy.typing as npt
import pygame
import pytest

from contracts.screen import ScreenState, Target
from kiosk.screen.notice import notice
from kiosk.screen.stage import Stage

pytestmark = pytest.mark.unit

S = 1_000_000_000
PAGE = ScreenState(
    1, "conversation", "zh", "青禾银行", "滨江路支行", targets=(Target("human", "人工服务", "人工服务", "human"),)
)


@pytest.fixture
def stage() -> Stage:
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    return Stage(0.25, notice(None))


def face(stage: Stage, now_ns: int) -> npt.NDArray[np.int16]:
    stage.draw(now_ns)
    return pygame.surfarray.array3d(stage.composer.frame)[80:190, 30:220].astype(np.int16)


def test_another_persona_comes_with_the_snapshot_that_names_it(stage: Stage) -> None:
    stage.take(PAGE, 0)
    face(stage, 0)
    before = face(stage, S)
    stage.take(msgspec.structs.replace(PAGE, revision=2, persona="xiaohe"), S)
    assert np.abs(face(stage, 2 * S) - before).mean() > 8
    assert not stage.faults


def test_a_persona_that_nobody_knows_is_told_once_and_somebody_is_there(stage: Stage) -> None:
    stage.take(PAGE, 0)
    face(stage, 0)
    usual = face(stage, S)
    for revision in (2, 3):
        stage.take(msgspec.structs.replace(PAGE, revision=revision, persona="nobody"), S)
    assert np.abs(face(stage, 2 * S) - usual).mean() < 8
    assert len(stage.faults) == 1
    assert "nobody" in stage.faults[0]


def test_a_hand_that_points_takes_the_side_of_the_target(stage: Stage) -> None:
    stage.take(msgspec.structs.replace(PAGE, gesture="point", point_at="human"), 0)
    face(stage, 0)
    stage.draw(S)
    arm = stage.composer._pose.gesture
    assert (arm.name, arm.side) == ("point", 1)  # the button that calls a person is on the right
