"""The glass: a real window where there is a display, a picture in memory otherwise. Knows pixels, not pages."""

from __future__ import annotations

import os
from typing import Final

import pygame

from kiosk.screen.theme import PAGE_HEIGHT, PAGE_WIDTH, theme

TITLE: Final = "迎宾 Yingbin"


def choose_driver(headless: bool) -> None:
    """Set SDL's environment. Without a graphics card the accelerated path costs 18 ms a picture: it is off."""
    os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")
    has_display = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if headless or (not has_display and os.name == "posix" and not os.environ.get("SDL_VIDEODRIVER")):
        os.environ["SDL_VIDEODRIVER"] = "dummy"


def fitted_factor(width: int, height: int) -> float:
    """Return pixels per design unit so that the whole page fits."""
    return min(width / PAGE_WIDTH, height / PAGE_HEIGHT)


class Window:
    """Shows page pictures, centred, with bars in the theme's colour where the shape differs."""

    def __init__(self, size: tuple[int, int] | None, *, headless: bool, fullscreen: bool) -> None:
        choose_driver(headless)
        pygame.display.init()
        self.surface = pygame.display.set_mode(self._size(size, fullscreen), pygame.FULLSCREEN if fullscreen else 0)
        pygame.display.set_caption(TITLE)
        if fullscreen:
            pygame.mouse.set_visible(False)
        self.size = self.surface.get_size()
        self.factor = fitted_factor(*self.size)
        page = (round(PAGE_WIDTH * self.factor), round(PAGE_HEIGHT * self.factor))
        self.origin = ((self.size[0] - page[0]) // 2, (self.size[1] - page[1]) // 2)
        self.driver = pygame.display.get_driver()
        self._exposed = False
        self.surface.fill(theme("light").colour("bg_bottom"))
        pygame.display.flip()

    @staticmethod
    def _size(size: tuple[int, int] | None, fullscreen: bool) -> tuple[int, int]:
        desktop = pygame.display.get_desktop_sizes()[0]
        if fullscreen:
            return desktop
        if size is not None:
            return size
        if pygame.display.get_driver() == "dummy":
            return PAGE_WIDTH, PAGE_HEIGHT
        factor = min(1.0, 0.92 * fitted_factor(*desktop))  # a developer's window stays below the task bar
        return round(PAGE_WIDTH * factor), round(PAGE_HEIGHT * factor)

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
