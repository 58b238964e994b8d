"""The glass: a real window where there is a display, a picture in memory otherwise. Knows pixels, not pages."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

import pygame

from kiosk.screen.frame import LONG, REFERENCE_IN, SHORT, Frame
from kiosk.screen.theme import theme

TITLE: Final = "迎宾 Yingbin"
LEAST_SIDE: Final = 160


def choose_driver(headless: bool) -> None:
    """Set SDL's environment. Without a graphics card the accelerated path costs 18 ms a picture: it is off."""
    os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if headless or (not has_display and os.name == "posix" and not os.environ.get("SDL_VIDEODRIVER")):
        os.environ["SDL_VIDEODRIVER"] = "dummy"


def fitted_factor(width: int, height: int) -> float:
    """Return pixels per design unit so that the whole page fits, upright or lying as the glass is."""
    long, short = max(width, height), min(width, height)
    return min(short / SHORT, long / LONG)


class Window:
    """Shows page pictures, centred, with bars in the theme's colour where the shape differs."""

    def __init__(
        self,
        size: tuple[int, int] | None,
        *,
        headless: bool,
        fullscreen: bool,
        diagonal_in: float = REFERENCE_IN,
        vsync: bool = False,
    ) -> None:
        choose_driver(headless)
        pygame.display.init()
        self._fullscreen, self._diagonal_in, self.wants_vsync = fullscreen, diagonal_in, vsync
        self.tally_turned = 0
        self._exposed = False
        self._open(self._size(size, fullscreen))
        if fullscreen:
            pygame.mouse.set_visible(False)
        self.driver = pygame.display.get_driver()

    def _open(self, size: tuple[int, int]) -> None:
        flags = pygame.FULLSCREEN if self._fullscreen else 0
        self.in_step = False
        if self.wants_vsync:  # in step with the glass, where the driver has a way; it says no by an error
            with suppress(pygame.error):
                self.surface = pygame.display.set_mode(size, flags | pygame.SCALED, vsync=1)
                self.in_step = True
        if not self.in_step:
            self.surface = pygame.display.set_mode(size, flags)
        pygame.display.set_caption(TITLE)
        self.size = self.surface.get_size()
        self.factor = fitted_factor(*self.size)
        self.glass = Frame(lying=self.size[0] > self.size[1], diagonal_in=self._diagonal_in)
        page = (round(self.glass.width * self.factor), round(self.glass.height * self.factor))
        self.origin = ((self.size[0] - page[0]) // 2, (self.size[1] - page[1]) // 2)
        self.surface.fill(theme("light").colour("bg_bottom"))
        pygame.display.flip()

    def turned(self, size: tuple[int, int]) -> bool:
        """The glass has another size or was turned while running. Returns whether pages must be laid out anew."""
        if size == self.size or min(size) < LEAST_SIDE:
            return False
        self.tally_turned += 1
        self._open(size)
        self._exposed = True
        return True

    @staticmethod
    def _size(size: tuple[int, int] | None, fullscreen: bool) -> tuple[int, int]:
        desktop = pygame.display.get_desktop_sizes()[0]
        if fullscreen:
            return desktop
        if size is not None:
            return size
        if pygame.display.get_driver() == "dummy":
            return int(SHORT), int(LONG)
        factor = min(1.0, 0.92 * min(desktop[0] / SHORT, desktop[1] / LONG))  # a window stays below the task bar
        return round(SHORT * factor), round(LONG * factor)

    def expose(self) -> None:
        """Something covered the window: all of it must be shown again."""
        self._exposed = True

    def present(self, frame: pygame.Surface, changed: list[pygame.Rect]) -> bool:
        """Bring the changed places onto the glass. Returns whether anything changed."""
        if self._exposed:
            self._exposed = False
            changed = [frame.get_rect()]
        if not changed:
            return False
        for rect in changed:
            self.surface.blit(frame, rect.move(self.origin), rect)
        pygame.display.update([rect.move(self.origin) for rect in changed])
        return True

    def to_page(self, position: tuple[float, float]) -> tuple[float, float]:
        """Return window pixels as design units."""
        return (position[0] - self.origin[0]) / self.factor, (position[1] - self.origin[1]) / self.factor

    def to_window(self, x: float, y: float) -> tuple[int, int]:
        return round(x * self.factor + self.origin[0]), round(y * self.factor + self.origin[1])

    @staticmethod
    def close() -> None:
        pygame.display.quit()
