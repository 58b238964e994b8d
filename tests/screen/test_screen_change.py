"""One page fades into another, again and again, and half-way too: always the two that belong to it."""

from __future__ import annotations

import os
import time

import numpy as np
import numpy.typing as npt
import pygame
import pytest

from avatar.pose import Pose
from bench.page_samples import sample
from contracts.screen import Page
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.pages import lay_out
from kiosk.screen.parts import PageLayout, View

pytestmark = pytest.mark.unit

CLOCK = clock_text(time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0)))
FACTOR = 0.25


@pytest.fixture
def composer() -> Composer:
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    return Composer(FACTOR)


def layout(page: Page) -> PageLayout:
    return lay_out(View(sample(page, "zh"), CLOCK))


def stand(composer: Composer, page: Page) -> None:
    composer.show(layout(page))
    composer.move(Pose())
    composer.compose()


def fade(composer: Composer, page: Page, share: float) -> npt.NDArray[np.int16]:
    """Leave the present page for another and return the picture `share` of the way."""
    composer.keep_old_page()
    composer.show(layout(page))
    composer.change(0.0)
    composer.change(share)
    return pygame.surfarray.array3d(composer.frame).astype(np.int16)


def test_a_change_after_others_looks_as_the_first_one_does(composer: Composer) -> None:
    stand(composer, "conversation")
    first = fade(composer, "ticket", 0.5)
    stand(composer, "ticket")
    for page in ("opinion", "goodbye", "conversation"):
        fade(composer, page, 1.0)  # type: ignore[arg-type]
        stand(composer, page)  # type: ignore[arg-type]
    assert np.array_equal(fade(composer, "ticket", 0.5), first)


def test_a_change_that_another_overtakes_goes_on_from_the_page_that_was_coming(composer: Composer) -> None:
    stand(composer, "attract")
    fade(composer, "conversation", 0.4)
    overtaken = fade(composer, "ticket", 0.5)
    composer.compose()  # the change is over
    stand(composer, "conversation")
    alone = fade(composer, "ticket", 0.5)
    below = round(0.75 * alone.shape[1])  # the figure, who glides, stands above
    assert np.array_equal(overtaken[:, below:], alone[:, below:])


def test_ten_changes_of_page_take_no_further_surface_of_the_pages_size(composer: Composer) -> None:
    stand(composer, "attract")
    held = set()
    for page in ("conversation", "ticket", "opinion", "goodbye", "attract") * 2:
        fade(composer, page, 0.5)  # type: ignore[arg-type]
        held |= {id(composer._old), id(composer._new)}
        stand(composer, page)  # type: ignore[arg-type]
    assert len(held) == 2
