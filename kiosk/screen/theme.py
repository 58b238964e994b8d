"""The look as data: colours, sizes, the grid. The bank, its palette and its spacing live in config/theme."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

ThemeName = Literal["light", "elder", "night"]

TOKENS_PATH: Final = Path(__file__).resolve().parents[2] / "config" / "theme" / "tokens.json"
PALETTES: Final[tuple[ThemeName, ...]] = ("light", "elder", "night")


@dataclass(frozen=True, slots=True)
class Shadow:
    dx: float
    dy: float
    blur: float
    alpha: float


@dataclass(frozen=True, slots=True, eq=False)
class Theme:
    """One palette at one size of letters, with what all palettes share. Ask `theme` for it: there is one of each."""

    name: ThemeName
    colours: dict[str, str]
    sizes: dict[str, int]  # text, in pixels at scale 1
    shadows: dict[str, Shadow]
    family: str
    line_height: float
    motion_ms: dict[str, int]
    text: float = 1.0  # all letters, times their usual size

    def colour(self, ink: str) -> str:
        """Return '#RRGGBB' for a name of the palette; other colours pass."""
        return self.colours.get(ink, ink)

    def size(self, name: str) -> float:
        """Return the size of a kind of text as the visitor wants it."""
        return self.sizes[name] * self.text


@lru_cache(maxsize=1)
def tokens() -> dict[str, Any]:
    """Return the theme file. Raises OSError or ValueError when it is missing or broken: nothing can be drawn then."""
    loaded: dict[str, Any] = json.loads(TOKENS_PATH.read_text("utf-8"))
    return loaded


@lru_cache(maxsize=32)
def theme(name: ThemeName, text: float = 1.0) -> Theme:
    data = tokens()
    return Theme(
        name=name,
        colours=data["themes"][name],
        sizes=data["type"]["px"],
        shadows={level: Shadow(*values) for level, values in data["shadow"].items()},
        family=data["type"]["family"],
        line_height=data["type"]["line_height"],
        motion_ms=data["motion_ms"],
        text=text,
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
