"""The look as data: colours, sizes, the grid. The bank, its palette and its spacing live in config/theme."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

ThemeName = Literal["light", "elder", "night"]

TOKENS_PATH: Final = Path(__file__).resolve().parents[2] / "config" / "theme" / "tokens.json"
PAGE_WIDTH: Final = 1080  # design units: pixels of the reference screen
PAGE_HEIGHT: Final = 1920
MARGIN: Final = 56
INNER: Final = PAGE_WIDTH - 2 * MARGIN
REACH_Y: Final = 960  # nothing above this line is ever touched
DOCK_Y: Final = 1736
DOCK_HEIGHT: Final = 128
GAP: Final = 16  # least distance between two targets
MIN_TARGET: Final = 55  # 20 mm on the reference screen


@dataclass(frozen=True, slots=True)
class Shadow:
    dx: float
    dy: float
    blur: float
    alpha: float


@dataclass(frozen=True, slots=True)
class Theme:
    """One palette with the sizes that all palettes share."""

    name: ThemeName
    colours: dict[str, str]
    sizes: dict[str, int]  # text, in pixels at scale 1
    shadows: dict[str, Shadow]
    family: str
    line_height: float
    motion_ms: dict[str, int]

    def colour(self, ink: str) -> str:
        """Return '#RRGGBB' for a name of the palette; other colours pass."""
        return self.colours.get(ink, ink)


@lru_cache(maxsize=1)
def tokens() -> dict[str, Any]:
    """Return the theme file. Raises OSError or ValueError when it is missing or broken: nothing can be drawn then."""
    loaded: dict[str, Any] = json.loads(TOKENS_PATH.read_text("utf-8"))
    return loaded


@lru_cache(maxsize=4)
def theme(name: ThemeName) -> Theme:
    data = tokens()
    return Theme(
        name=name,
        colours=data["themes"][name],
        sizes=data["type"]["px"],
        shadows={level: Shadow(*values) for level, values in data["shadow"].items()},
        family=data["type"]["family"],
        line_height=data["type"]["line_height"],
        motion_ms=data["motion_ms"],
    )


def luminance(colour: str) -> float:
    """Return the relative luminance of '#RRGGBB' (WCAG 2.2, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(a: str, b: str) -> float:
    """Return the contrast ratio of two colours, 1..21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)
