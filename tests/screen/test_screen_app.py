"""The screen within this process: its core stands in, its window draws into memory."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pygame
import pytest
from msgspec.structs import replace
from screen_stand_in import StandInCore

from bench.page_samples import conversation, sample, ticket
from contracts.screen import STAFF_GESTURE, Drawn, Fault, Ready, Touch
from kiosk.screen.link import CoreLink
from kiosk.screen.process import ScreenApp
from kiosk.screen.window import Window

pytestmark = pytest.mark.contract


@dataclass(frozen=True, slots=True)
class Rig:
    """A screen whose core has taken its connection."""

    core: StandInCore
    window: Window
    app: ScreenApp


@pytest.fixture
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rig]:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    core = StandInCore(tmp_path / "screen.sock")
    window = Window((270, 480), headless=True, fullscreen=False)
    app = ScreenApp(window, CoreLink(core.path), None, 30)
    try:
        app.turn()
        core.accept()
        yield Rig(core, window, app)
    finally:
        app.close()
        window.close()
        core.close()


def test_a_snapshot_that_cannot_be_drawn_is_reported_and_the_screen_goes_on(rig: Rig) -> None:
    rig.app.take(replace(conversation("zh"), page="nothing of the kind"))
    rig.app.turn(draw=True)
    assert rig.core.until(Fault).code == "page_not_drawn"
    rig.app.take(conversation("zh"))
    rig.app.turn(draw=True)
    assert rig.core.until(Drawn).revision == 2


def test_glass_that_is_turned_while_running_is_laid_out_anew_and_told(rig: Rig) -> None:
    rig.app.take(conversation("zh"))
    rig.app.turn(draw=True)
    rig.core.until(Drawn)
    rig.core.received.clear()
    pygame.event.post(pygame.event.Event(pygame.WINDOWSIZECHANGED, x=480, y=270))
    rig.app.turn()
    rig.app.turn(draw=True)
    assert rig.core.until(Ready).width == 480
    assert rig.core.until(Fault).code == "glass_turned"
    drawn = rig.core.until(Drawn)
    assert {"freeze", "human"} <= set(drawn.targets) and rig.window.glass.lying


def test_a_display_that_goes_away_is_told_once_and_drawing_goes_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def unplugged(*_: object) -> bool:
        raise pygame.error("no display")

    monkeypatch.setattr(rig.window, "present", unplugged)
    for state in (conversation("zh"), ticket("zh")):
        rig.app.take(state)
        rig.app.turn(draw=True)
    assert rig.core.until(Drawn, lambda message: message.revision == 3)
    assert [m.code for m in rig.core.received if isinstance(m, Fault)] == ["glass_lost"]


def test_both_lower_corners_held_are_told_to_the_core_and_touch_no_target(rig: Rig) -> None:
    rig.app.take(sample("attract", "zh"))
    rig.app.turn(draw=True)
    for x in (10, 260):
        for kind, pause_s in ((pygame.MOUSEBUTTONDOWN, 2.1), (pygame.MOUSEBUTTONUP, 0.0)):
            pygame.event.post(pygame.event.Event(kind, {"pos": (x, 475), "button": 1, "touch": False}))
            rig.app.turn()
            time.sleep(pause_s)  # the finger stays down: this is the time that is tested
    assert rig.core.until(Touch).target == STAFF_GESTURE
    assert len([message for message in rig.core.received if isinstance(message, Touch)]) == 1
