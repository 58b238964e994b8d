"""From design units to pixels: draws a part with skia into a surface that pygame can blit, and keeps it."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

import numpy as np
import pygame
import skia

from kiosk.screen.boxes import Box
from kiosk.screen.kit import Kit, Written
from kiosk.screen.parts import Paint
from kiosk.screen.theme import Theme


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A part in pixels, premultiplied. `cut` are the texts that lost words, `written` all lines of text."""

    surface: pygame.Surface
    rect: pygame.Rect
    cut: tuple[str, ...]
    written: tuple[Written, ...] = ()
    unknown: bool = False  # signs that no installed face has


def pixel_rect(box: Box, factor: float) -> pygame.Rect:
    """Return the smallest pixel rectangle that holds `box`."""
    left, top = math.floor(box.x * factor), math.floor(box.y * factor)
    return pygame.Rect(left, top, math.ceil(box.right * factor) - left, math.ceil(box.bottom * factor) - top)


def draw_part(box: Box, factor: float, theme: Theme, paint: Paint) -> Drawn:
    rect = pixel_rect(box, factor)
    pixels = np.zeros((rect.height, rect.width, 4), np.uint8)
    info = skia.ImageInfo.Make(rect.width, rect.height, skia.kBGRA_8888_ColorType, skia.kPremul_AlphaType)
    target = skia.Surface.MakeRasterDirect(info, pixels)
    canvas = target.getCanvas()
    canvas.translate(-rect.x, -rect.y)
    canvas.scale(factor, factor)
    kit = Kit(canvas, theme)
    paint(kit)
    target.flushAndSubmit()
    surface = pygame.image.frombuffer(pixels.data, rect.size, "BGRA")
    return Drawn(surface, rect, tuple(kit.cut), tuple(kit.written), kit.unknown)


class RasterCache:
    """Keeps drawn parts by key, the most recent `limit_bytes` of them. `drawn` and `seconds` are tallies."""

    def __init__(self, factor: float, limit_bytes: int = 80 * 1024 * 1024) -> None:
        self.factor = factor
        self.drawn = 0
        self._limit_bytes, self._used_bytes = limit_bytes, 0
        self._kept: OrderedDict[Hashable, Drawn] = OrderedDict()

    def get(self, key: Hashable, box: Box, theme: Theme, paint: Paint) -> Drawn:
        return self._get((key, box, theme), lambda: draw_part(box, self.factor, theme, paint))

    def solid(self, key: Hashable, box: Box, theme: Theme) -> Drawn:
        """Return the place of a part of one colour: it needs no pixels of its own."""
        dot = pygame.Surface((1, 1), pygame.SRCALPHA)
        return self._get((key, box, theme), lambda: Drawn(dot, pixel_rect(box, self.factor), ()))

    def _get(self, full_key: Hashable, draw: Callable[[], Drawn]) -> Drawn:
        found = self._kept.get(full_key)
        if found is not None:
            self._kept.move_to_end(full_key)
            return found
        found = draw()
        self.drawn += 1
        self._kept[full_key] = found
        self._used_bytes += _bytes_of(found)
        while self._used_bytes > self._limit_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._used_bytes -= _bytes_of(oldest)
        return found


def _bytes_of(drawn: Drawn) -> int:
    return drawn.surface.get_width() * drawn.surface.get_height() * 4
