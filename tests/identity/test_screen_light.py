"""The screen as a lamp: gentle, on the glass before it counts, and answered by skin and not by glass."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from types import SimpleNamespace
from typing import Any

import numpy as np
import pygame
import pytest
from msgspec.structs import replace

from bench.page_samples import sample
from config.flows import Both
from contracts.screen import FaceView
from kiosk.adapters.screen_light import ScreenLight
from kiosk.face_system import SpokenPrompter, painter
from kiosk.identity.flash import COLOURS, GAMMA, SETTLE_MS, SHOWN, SHOWN_MS, answer, order
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.frame import UPRIGHT
from kiosk.screen.pages import frame_for, lay_out
from kiosk.screen.parts import View
from kiosk.screen.theme import contrast
from kiosk.screen.widgets.mirror import LIT_INK

pytestmark = pytest.mark.unit
SENT = (np.asarray(COLOURS, float) / 255) ** GAMMA
SKIN, BROWS = np.array([0.32, 0.19, 0.13]), np.array([0.05, 0.04, 0.035])
CLOCK = clock_text(time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0)))


def seen(shown: tuple[int, ...], *, face: float = 0.0, glass: float = 0.0, noise: float = 0.0) -> np.ndarray:
    """Light of skin and brows under each colour, with a camera whose exposure follows it."""
    rng = np.random.default_rng(4)
    rows = []
    for number, colour in enumerate(shown):
        light = np.stack([SKIN, BROWS]) * (1 + face * SENT[colour]) + glass * SENT[colour]
        rows.append(light * (1 - 0.06 * number) * (1 + rng.normal(0, noise, (2, 3))))
    return np.array(rows)


def test_no_colour_is_a_saturated_red_and_none_comes_oftener_than_three_times_a_second() -> None:
    assert 1000 / SHOWN_MS < 3 and SETTLE_MS < SHOWN_MS
    assert all(max(rgb) / sum(rgb) < 0.8 for rgb in COLOURS)
    assert all(contrast("#{:02x}{:02x}{:02x}".format(*rgb), LIT_INK) >= 7 for rgb in COLOURS)
    assert {len(set(order(random.Random(seed)))) for seed in range(20)} == {SHOWN}


@pytest.mark.parametrize("shown", list(itertools.permutations(range(len(COLOURS)), SHOWN))[::5])
def test_skin_answers_by_its_albedo_and_glass_lies_like_a_veil(shown: tuple[int, ...]) -> None:
    face, glass = answer(shown, seen(shown, face=0.3)), answer(shown, seen(shown, glass=0.03))
    assert face is not None and glass is not None
    assert face.alike > 0.95 and 0.2 < face.much < 0.4 and abs(face.veil or 0) < 0.1
    assert glass.veil is not None and glass.veil > 0.7


def test_what_does_not_answer_or_answers_to_other_colours_is_told() -> None:
    still = answer((0, 1, 2), seen((0, 1, 2), noise=0.002))
    assert still is not None and still.much < 0.02
    other = answer((0, 1, 2), seen((1, 2, 0), face=0.3))
    assert other is not None and other.alike < 0.3
    assert answer((0, 1, 2), np.zeros((3, 2, 3))) is None
    assert answer((0,), seen((0,), face=0.3)) is None


async def test_a_colour_counts_from_when_the_glass_had_it_and_a_silent_screen_is_not_waited_for() -> None:
    light = ScreenLight()
    assert await light.show(COLOURS[0], 0.01) is None  # no face is looked at
    painted: list[str] = []

    def paint(colour: str) -> int:
        painted.append(colour)
        return 7

    light.paint = paint
    showing = asyncio.create_task(light.show(COLOURS[0], 60.0))
    await asyncio.sleep(0)
    light.drawn(6, 100)
    await asyncio.sleep(0)
    assert not showing.done()
    light.drawn(8, 200)
    assert await showing == 200
    assert await light.show(COLOURS[1], 0.01) is None and light.late == 1
    assert await light.show(None, 0.01) is None and painted == ["#ffb048", "#58ffb0", ""]


class Page:
    """A session with somebody whose face is looked at, or with nobody."""

    def __init__(self, checking: FaceView | None) -> None:
        self.visit, self.revision = SimpleNamespace(checking=checking, language="en", caption=None), 4
        self.turns = SimpleNamespace(playback=None)

    def show(self) -> None:
        self.revision += 1


async def test_an_instruction_that_is_said_meanwhile_leaves_the_page_its_colour() -> None:
    page: Any = Page(FaceView("Look here", "看这里", done=3, steps=3))
    assert painter(page)("#58ffb0") == 5
    await SpokenPrompter(page, None).tell(Both(zh="看着屏幕", en="Look at the screen"), 3, 3)  # type: ignore[arg-type]
    assert page.visit.checking == FaceView("Look at the screen", "看着屏幕", done=3, steps=3, light="#58ffb0")
    assert painter(page)("") == 7 and page.visit.checking.light == ""
    nobody: Any = Page(None)
    assert painter(nobody)("#58ffb0") is None and nobody.revision == 4


def test_the_page_is_that_colour_from_edge_to_edge_and_as_it_was_without() -> None:
    state = sample("face", "zh")

    def drawn(light: str) -> np.ndarray:
        lit = replace(state, face=FaceView("", "", light=light))
        composer = Composer(0.25)
        page = lay_out(View(lit, CLOCK, frame=frame_for(lit, UPRIGHT)))
        return np.asarray(pygame.surfarray.array3d(composer.still(page)))

    usual, lit = drawn(""), drawn("#58ffb0")
    assert float(np.all(np.abs(lit.astype(int) - (0x58, 0xFF, 0xB0)) < 4, axis=2).mean()) > 0.9
    assert float(np.all(np.abs(usual.astype(int) - (0x58, 0xFF, 0xB0)) < 4, axis=2).mean()) < 0.01
