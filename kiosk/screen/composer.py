"""Keeps the picture up to date with the least work: what changed is put together again, the rest stays.

Order from back to front: backdrop, figure, parts. Works in page pixels; the window adds its margins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pygame

from avatar.personas import Persona, persona_or_stand_in
from avatar.pose import Pose
from avatar.renderer import FigureRenderer, Placement, figure_bounds
from kiosk.screen.frame import UPRIGHT, Frame
from kiosk.screen.parts import PageLayout, Part
from kiosk.screen.pictures import PictureWindow
from kiosk.screen.raster import Drawn, RasterCache, draw_part, pixel_rect
from kiosk.screen.scene import light_of
from kiosk.screen.theme import Theme, theme

LARGEST_FIGURE: Final = 1.06  # the scale of the page that shows her largest
CACHE_PAGES: Final = 10  # drawn parts that are kept, in pages' worth of pixels


@dataclass(frozen=True, slots=True)
class _Placed:
    part: Part
    drawn: Drawn


class Composer:
    """Owns `frame`, the page as last put together. `factor` is pixels per design unit of `glass`."""

    def __init__(self, factor: float, glass: Frame = UPRIGHT, persona: Persona | None = None) -> None:
        self.factor, self.glass = factor, glass
        pixels = round(glass.width * factor), round(glass.height * factor)
        self.cache = RasterCache(factor, CACHE_PAGES * pixels[0] * pixels[1] * 4)
        self.frame = pygame.Surface(pixels, 0, 32)
        self.figure = FigureRenderer(persona or persona_or_stand_in("xiaoying")[0], LARGEST_FIGURE * factor)
        self._theme: Theme = theme("light")
        self._backdrop: Drawn | None = None
        self._behind: dict[str, _Placed] = {}
        self._placed: dict[str, _Placed] = {}
        self._place: Placement | None = None
        self._pose = Pose()
        self._figure_key: tuple[object, ...] = ()
        self._figure_rect = pygame.Rect(0, 0, 0, 0)
        self.teller = PictureWindow(factor)
        self.mirror = PictureWindow(factor, fills=True)
        self._dirty: list[pygame.Rect] = []
        self._old: pygame.Surface | None = None  # the page before, while it fades
        self._new: pygame.Surface | None = None
        self._pages = (self.frame.copy(), self.frame.copy())  # for those two: 8 MB each, held so that memory is even
        self._glide_from: Placement | None = None
        self._glide_to: Placement | None = None

    @property
    def cut(self) -> tuple[str, ...]:
        """Return the texts of the present page that lost words."""
        return tuple(text for one in (*self._behind.values(), *self._placed.values()) for text in one.drawn.cut)

    @property
    def unknown(self) -> bool:
        """Whether the present page has signs that no installed face has."""
        return any(one.drawn.unknown for one in (*self._behind.values(), *self._placed.values()))

    def show(self, layout: PageLayout) -> None:
        """Take over a page; remember where it differs from the last one."""
        self._theme = layout.theme
        backdrop = self.light(layout.theme)
        if backdrop is not self._backdrop:
            self._backdrop = backdrop
            self._dirty = [self.frame.get_rect()]
        self._behind = self._place_all(layout.theme, layout.behind, self._behind)
        self._placed = self._place_all(layout.theme, layout.parts, self._placed)
        self._dirty += self.teller.place(layout.teller)
        self._dirty += self.mirror.place(layout.mirror, oval=layout.round_mirror)
        place = self._placement(layout)
        if place != self._place:
            self._place = place
            self._figure_key = ()

    def _placement(self, layout: PageLayout) -> Placement:
        spot, factor = layout.figure, self.factor
        clip = (0, 0, self.frame.get_width(), round(spot.bottom * factor))
        return Placement(spot.x * factor, spot.y * factor, spot.scale * factor, clip, spot.badge)

    def _place_all(self, name: Theme, parts: tuple[Part, ...], before: dict[str, _Placed]) -> dict[str, _Placed]:
        """Return the parts in pixels and mark what differs from `before`."""
        placed = {}
        for part in parts:
            drawn = self.draw(name, part)
            placed[part.id] = _Placed(part, drawn)
            old = before.get(part.id)
            if old is None or old.drawn is not drawn:
                self._dirty += [drawn.rect] if old is None else [drawn.rect, old.drawn.rect]
        self._dirty += [gone.drawn.rect for identifier, gone in before.items() if identifier not in placed]
        return placed

    def light(self, name: Theme) -> Drawn:
        """Return the empty page of a theme."""
        return self.cache.get("light", self.glass.page, name, light_of(self.glass.page))

    def draw(self, name: Theme, part: Part) -> Drawn:
        """Return the part in pixels, drawing it if need be: also a way to have it ready before it is shown."""
        if part.solid:
            return self.cache.solid((part.id, part.key), part.box, name)
        return self.cache.get((part.id, part.key), part.box, name, part.paint)

    def still(self, layout: PageLayout) -> pygame.Surface:
        """A page of its own, drawn anew beside the one on the glass; nothing of it is kept."""
        made = pygame.Surface(self.frame.get_size(), 0, 32)
        blend = pygame.BLEND_PREMULTIPLIED
        made.blit(self.light(layout.theme).surface, (0, 0), special_flags=blend)
        for part in layout.behind:
            drawn = draw_part(part.box, self.factor, layout.theme, part.paint)
            made.blit(drawn.surface, drawn.rect, special_flags=blend)
        self.figure.draw(made, Pose(), self._placement(layout))
        for part in layout.parts:
            if part.solid:
                made.fill(layout.theme.colour(part.solid), pixel_rect(part.box, self.factor))
                continue
            drawn = draw_part(part.box, self.factor, layout.theme, part.paint)
            made.blit(drawn.surface, drawn.rect, special_flags=blend)
        return made

    def show_pictures(self, teller: str, mirror: str) -> None:
        """Pictures lie there (empty: nobody is on the line, nothing is mirrored): put in place."""
        for window, address in ((self.teller, teller), (self.mirror, mirror)):
            if window.follow(address) or window.look():
                self._dirty += [window.rect]

    def receive(self, persona: Persona) -> None:
        """Somebody else stands there from now on."""
        self.figure = FigureRenderer(persona, LARGEST_FIGURE * self.factor)
        self.figure.prepare()
        self._figure_key = ()

    def move(self, pose: Pose) -> None:
        """Take over a pose; when it looks the same as the last one nothing is to be done."""
        if self._place is None:
            return
        key = self.figure.key(pose, self._place)
        if key == self._figure_key:
            return
        rect = figure_bounds(self._place, pose.gesture)
        self._dirty += [rect.union(self._figure_rect)] if self._figure_rect else [rect]
        self._pose, self._figure_key, self._figure_rect = pose, key, rect

    def compose(self) -> list[pygame.Rect]:
        """Put the changed places together again and return them, in page pixels."""
        self._end_change()
        rects = merged([rect.clip(self.frame.get_rect()) for rect in self._dirty])
        self._dirty = []
        for rect in rects:
            self._compose_rect(rect)
        return rects

    @property
    def changing(self) -> bool:
        return self._old is not None

    def keep_old_page(self) -> None:
        """Remember the page without the figure: the next one fades in over it, and she glides."""
        self._glide_from = self._glide_to or self._place
        self._old = self._new or self._without_figure()
        self._new = None

    def change(self, share: float) -> list[pygame.Rect]:
        """Draw the page between the old one (0) and the new one (1). Only for as long as a change takes."""
        if self._old is None or self._place is None:
            return []
        if self._new is None:
            self._new = self._without_figure()
        share = share * share * (3 - 2 * share)
        self.frame.blit(self._new, (0, 0))
        self._old.set_alpha(round(255 * (1 - share)))
        self.frame.blit(self._old, (0, 0))
        self._glide_to = between(self._glide_from or self._place, self._place, share)
        self.figure.draw(self.frame, self._pose, self._glide_to)
        return [self.frame.get_rect()]

    def _without_figure(self) -> pygame.Surface:
        """Return the page in the one of the two surfaces that is not the old page."""
        self._compose_rect(self.frame.get_rect(), with_figure=False)
        page = next(one for one in self._pages if one is not self._old)
        page.set_alpha(None)
        page.blit(self.frame, (0, 0))
        return page

    def _end_change(self) -> None:
        if self._old is not None:
            self._old = self._new = self._glide_from = self._glide_to = None
            self._dirty = [self.frame.get_rect()]

    def _compose_rect(self, rect: pygame.Rect, *, with_figure: bool = True) -> None:
        if self._backdrop is None or self._place is None:
            return
        self.frame.set_clip(rect)
        blend = pygame.BLEND_PREMULTIPLIED
        teller, mirror = self.teller.surface, self.mirror.surface
        covering = any(p.part.solid and p.drawn.rect.contains(rect) for p in self._placed.values())
        covering = covering or (teller is not None and self.teller.rect.contains(rect))
        if not covering:
            self.frame.blit(self._backdrop.surface, rect, rect, special_flags=blend)
            self._blit_all(self._behind, rect)
        if with_figure and rect.colliderect(self._figure_rect) and not covering:
            self.figure.draw(self.frame, self._pose, self._place)
        if teller is not None and rect.colliderect(self.teller.rect):
            self.frame.blit(teller, self.teller.rect)
        if mirror is not None and rect.colliderect(self.mirror.rect):
            self.frame.blit(mirror, self.mirror.rect, special_flags=pygame.BLEND_PREMULTIPLIED)
        self._blit_all(self._placed, rect)
        self.frame.set_clip(None)

    def _blit_all(self, placed: dict[str, _Placed], rect: pygame.Rect) -> None:
        for part, drawn in ((one.part, one.drawn) for one in placed.values()):
            if not drawn.rect.colliderect(rect):
                continue
            if part.solid:
                self.frame.fill(self._theme.colour(part.solid), drawn.rect)
            else:
                self.frame.blit(drawn.surface, drawn.rect, special_flags=pygame.BLEND_PREMULTIPLIED)


def between(start: Placement, end: Placement, share: float) -> Placement:
    """Return where she stands `share` (0..1) of the way."""

    def mix(a: float, b: float) -> float:
        return a + (b - a) * share

    bottom = round(mix(start.clip[3], end.clip[3]))
    clip = (end.clip[0], end.clip[1], end.clip[2], bottom)
    x, y, scale = mix(start.x, end.x), mix(start.y, end.y), mix(start.scale, end.scale)
    return Placement(x, y, scale, clip, start.badge and end.badge)


def merged(rects: list[pygame.Rect]) -> list[pygame.Rect]:
    """Return the rectangles with overlapping ones joined, so that nothing is drawn twice."""
    result: list[pygame.Rect] = []
    for rect in rects:
        if rect.width <= 0 or rect.height <= 0:
            continue
        joined = pygame.Rect(rect)
        again = True
        while again:
            again = False
            for other in result:
                if other.colliderect(joined):
                    joined.union_ip(other)
                    result.remove(other)
                    again = True
                    break
        result.append(joined)
    return result
