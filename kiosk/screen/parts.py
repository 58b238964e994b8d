"""What a page consists of: a backdrop, the figure's place, and parts that are drawn once and kept by their key."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from contracts.screen import ScreenState
from kiosk.screen.boxes import Box, Hit
from kiosk.screen.frame import UPRIGHT, Frame
from kiosk.screen.kit import Kit
from kiosk.screen.theme import Theme

Paint = Callable[[Kit], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of furniture. Two parts with equal id, box and key look the same."""

    id: str
    box: Box  # all that it may paint, shadow included
    key: Hashable
    paint: Paint
    hit: Hit | None = None
    solid: str = ""  # name of the one colour that fills its box: nothing is kept for it


@dataclass(frozen=True, slots=True)
class FigureSpot:
    """Where she stands, in design units: the point between her eyes, and the line that cuts her off."""

    x: float
    y: float
    scale: float
    bottom: float
    badge: bool = True


@dataclass(frozen=True, slots=True)
class PageLayout:
    """A whole page: the theme's light, what stands behind the figure, the figure, and what stands before it."""

    theme: Theme
    behind: tuple[Part, ...]
    figure: FigureSpot
    parts: tuple[Part, ...]
    teller: Box | None = None  # where a teller's picture goes; None: nowhere on this page
    mirror: Box | None = None  # where the visitor's own picture goes; None: nowhere on this page
    round_mirror: bool = False  # the mirror is an oval: a face is looked at
    frame: Frame = UPRIGHT

    def hits(self) -> tuple[Hit, ...]:
        return tuple(part.hit for part in self.parts if part.hit is not None)


@dataclass(frozen=True, slots=True)
class ClockText:
    """The time of day as printed on the page."""

    time: str  # '10:24'
    date_zh: str  # '11月21日 星期六'
    date_en: str  # 'Sat 21 Nov'


@dataclass(frozen=True, slots=True)
class View:
    """All that a page is made from."""

    state: ScreenState
    clock: ClockText
    pressed: str = ""  # the target under a finger
    said: int | None = None  # characters of the last caption already heard, by the loudspeaker's clock
    beat: int = 0  # phase of the listening wave, 0 .. BEATS-1
    ink: tuple[tuple[tuple[int, int, int], ...], ...] = ()  # lines on the pad that the core has not shown yet
    frame: Frame = UPRIGHT

    @property
    def elder(self) -> bool:
        return self.state.mode == "elder"

    @property
    def strong(self) -> bool:
        """Strong contrast: outlines instead of shadows, every text at least 7:1."""
        return self.elder or "contrast" in self.state.needs

    @property
    def captions_first(self) -> bool:
        return "captions" in self.state.needs

    @property
    def chinese(self) -> bool:
        return self.state.language == "zh"

    def say(self, zh: str, en: str) -> str:
        """Return the words in the page's language."""
        return zh if self.chinese else en
