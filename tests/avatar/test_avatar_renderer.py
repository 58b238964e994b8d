"""The drawn figure: shapes differ, equal keys look equal, caches stay bounded, nothing leaves its clip."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pygame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatar.gesture import AIMS
from avatar.hands import REACHES
from avatar.personas import load_persona, persona_names
from avatar.pose import GesturePose, Mood, MouthPose, Pose
from avatar.renderer import FigureRenderer, Placement, figure_bounds
from avatar.rig import slide_of
from avatar.sprites import SpriteCache, paint_sprite
from avatar.visemes import SHAPES

pytestmark = pytest.mark.unit

SCALE = 0.5
PLACE = Placement(150.0, 150.0, SCALE, (0, 0, 480, 420))
XIAOYING = load_persona("xiaoying")
RENDERER = FigureRenderer(XIAOYING, SCALE)


def drawn(pose: Pose, place: Placement = PLACE, renderer: FigureRenderer = RENDERER) -> npt.NDArray[np.int16]:
    """Return the picture on grey, shape (500, 480, 3)."""
    surface = pygame.Surface((480, 500), 0, 32)
    surface.fill((128, 128, 128))
    renderer.draw(surface, pose, place)
    return pygame.surfarray.array3d(surface).transpose(1, 0, 2).astype(np.int16)


def test_each_of_the_16_mouths_looks_different_from_every_other() -> None:
    mouths = {name: drawn(Pose(mouth=shape))[190:255, 105:195] for name, shape in SHAPES.items()}
    for (a, first), (b, second) in itertools.combinations(mouths.items(), 2):
        assert np.abs(first - second).max() > 40, f"{a} and {b} look alike"


def test_lips_that_press_show_no_opening_and_an_a_shows_a_dark_one() -> None:
    def darkest(name: str) -> float:
        return float(drawn(Pose(mouth=SHAPES[name]))[205:250, 135:165].mean(axis=2).min())  # type: ignore[index]

    assert darkest("a") < 60 < darkest("mbp")


POSES = st.builds(
    Pose,
    mood=st.builds(Mood, smile=st.floats(-0.4, 1), worry=st.floats(0, 1), tilt=st.floats(-8, 8), turn=st.floats(-1, 1)),
    mouth=st.builds(MouthPose, open=st.floats(0, 1), round=st.floats(0, 1), tongue=st.floats(0, 1)),
    lid=st.floats(0, 1),
    gaze_x=st.floats(-1, 1),
    breath=st.floats(0, 1),
    gesture=st.builds(
        GesturePose,
        name=st.sampled_from(["rest", *REACHES]),
        shown=st.floats(0, 1),
        swing=st.floats(-8, 8),
        wrist=st.floats(-10, 10),
        aim=st.floats(*AIMS),
        side=st.sampled_from([-1, 1]),
        count=st.integers(1, 5),
    ),
    lean=st.floats(-1.1, 1.1),
    nod=st.floats(-1.5, 1.5),
)


@settings(max_examples=25, deadline=None)
@given(POSES)
def test_any_pose_stays_within_its_bounds_and_clip(pose: Pose) -> None:
    picture, bounds = drawn(pose), figure_bounds(PLACE, pose.gesture)
    outside = np.abs(picture - 128).max(axis=2)
    outside[bounds.top : bounds.bottom, bounds.left : bounds.right] = 0
    assert outside.max() == 0
    assert bounds.bottom <= 420


@settings(max_examples=15, deadline=None)
@given(POSES, st.floats(-0.004, 0.004))
def test_poses_with_an_equal_key_look_equal(pose: Pose, little: float) -> None:
    other = replace(pose, gaze_x=min(1.0, max(-1.0, pose.gaze_x + little)))
    if RENDERER.key(pose, PLACE) == RENDERER.key(other, PLACE):
        assert np.array_equal(drawn(pose), drawn(other))


def test_the_personas_are_the_same_rig_and_look_different() -> None:
    pictures = [drawn(Pose(), renderer=FigureRenderer(load_persona(name), SCALE)) for name in persona_names()]
    assert len(pictures) >= 2
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other).mean() > 4


def test_a_head_that_turns_moves_what_is_near_further_than_what_is_far() -> None:
    shifts = [slide_of(part, 1.0, 0.0)[0] for part in ("back", "ears", "skull", "front", "features", "mouth", "nose")]
    assert shifts == sorted(shifts)
    assert shifts[0] < 0 < shifts[-1]


SLOW: dict[str, Callable[[float], Pose]] = {
    "turn": lambda value: Pose(mood=Mood(turn=value)),
    "nod": lambda value: Pose(nod=value),
    "lean": lambda value: Pose(lean=value),
    "breath": lambda value: Pose(breath=value),
}


@pytest.mark.parametrize("axis", SLOW)
def test_slow_motion_has_no_step_that_an_eye_could_see(axis: str) -> None:
    """Between two pictures of a slow motion hardly any pixel changes much: nothing slides by whole pixels."""
    pictures = [drawn(SLOW[axis](i / 90)) for i in range(31)]  # a second for a third of the way
    steps = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(pictures)]
    assert 0 < max(steps) < 0.8


def test_the_sprite_cache_forgets_the_oldest_and_stays_below_its_limit() -> None:
    cache = SpriteCache(limit_bytes=10 * 40 * 40 * 4)
    for i in range(100):
        cache.get(i, lambda: paint_sprite((0, 0, 40, 40), 1.0, lambda canvas: None))
    assert cache.drawn == 100
    cache.get(99, lambda: paint_sprite((0, 0, 40, 40), 1.0, lambda canvas: None))
    assert cache.drawn == 100
    cache.get(0, lambda: paint_sprite((0, 0, 40, 40), 1.0, lambda canvas: None))
    assert cache.drawn == 101
    assert len(cache) <= 10


def test_a_head_that_moves_is_drawn_over_its_own_pixels_and_looks_as_if_drawn_afresh() -> None:
    moving = FigureRenderer(XIAOYING, SCALE)
    drawn(Pose(mood=Mood(tilt=8.0)), renderer=moving)
    buffer = moving._warped["head"].buffer
    for tilt in (-6.0, 0.0, 3.3, 7.0):
        pose = Pose(mood=Mood(tilt=tilt), breath=0.5)
        afresh = drawn(pose, renderer=FigureRenderer(XIAOYING, SCALE))
        assert np.array_equal(drawn(pose, renderer=moving), afresh)
        assert moving._warped["head"].buffer is buffer
