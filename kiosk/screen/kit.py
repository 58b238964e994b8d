"""The canvas of one part: primitives in design units and a theme's colours. Remembers what did not fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import skia

from avatar.ink import path, rgba
from kiosk.screen.boxes import Box
from kiosk.screen.icons import ICONS
from kiosk.screen.text import Fitted, by_phrase, family, fit, font, measurer, needs_shaping, shaped, unknown_signs
from kiosk.screen.theme import Theme

Align = Literal["left", "center", "right"]
SMALL: Final = 0.55  # of the wanted size: smaller than this loses words
_SINK: Final = 0.365  # the baseline lies this share of the size below the middle of a line


@dataclass(frozen=True, slots=True)
class Written:
    """A line of text as it was drawn, for whoever checks pages: its box in design units, its colour and size."""

    text: str
    box: Box
    ink: str  # '#RRGGBB'
    size: float
    bold: bool
    alpha: float = 1.0


class Kit:
    """Draws with names of colours and sizes. `cut` holds the texts that had to lose words, `written` every line."""

    def __init__(self, canvas: skia.Canvas, theme: Theme) -> None:
        self.canvas, self.theme = canvas, theme
        self.cut: list[str] = []
        self.written: list[Written] = []
        self.unknown = False  # whether signs were drawn that no installed face has
        self._family = family(theme.family).found

    def size(self, name: str) -> float:
        """A kind of text at the size that the visitor wants."""
        return self.theme.size(name)

    def px(self, size: float) -> float:
        """A size of text that has no name, at the size that the visitor wants."""
        return size * self.theme.text

    # ------------------------------------------------------------------ shapes
    def paint(self, ink: Any, alpha: float = 1.0, stroke: float = 0, blur: float = 0) -> skia.Paint:
        """Return a paint of a colour's name, '#RRGGBB' or a shader."""
        made = skia.Paint(AntiAlias=True)
        if isinstance(ink, str):
            made.setColor(rgba(self.theme.colour(ink), alpha))
        else:
            made.setShader(ink)
            made.setAlphaf(alpha)
        if stroke:
            made.setStyle(skia.Paint.kStroke_Style)
            made.setStrokeWidth(stroke)
            made.setStrokeCap(skia.Paint.kRound_Cap)
            made.setStrokeJoin(skia.Paint.kRound_Join)
        if blur:
            made.setMaskFilter(skia.MaskFilter.MakeBlur(skia.kNormal_BlurStyle, blur))
        return made

    def rect(
        self, box: Box, radius: float, ink: Any, alpha: float = 1.0, *, stroke: float = 0, blur: float = 0
    ) -> None:
        inset = stroke / 2
        shape = skia.Rect.MakeXYWH(box.x + inset, box.y + inset, box.width - stroke, box.height - stroke)
        radius = max(0.0, radius - inset)
        self.canvas.drawRRect(skia.RRect.MakeRectXY(shape, radius, radius), self.paint(ink, alpha, stroke, blur))

    def circle(self, x: float, y: float, radius: float, ink: Any, alpha: float = 1.0, stroke: float = 0) -> None:
        self.canvas.drawCircle(x, y, radius, self.paint(ink, alpha, stroke))

    def line(
        self,
        start: tuple[float, float],
        end: tuple[float, float],
        ink: str = "line",
        width: float = 2,
        alpha: float = 1.0,
        dash: tuple[float, float] | None = None,
    ) -> None:
        made = self.paint(ink, alpha, width)
        if dash:
            made.setPathEffect(skia.DashPathEffect.Make(list(dash), 0))
        self.canvas.drawLine(*start, *end, made)

    def shape(self, outline: Any, ink: Any, alpha: float = 1.0, *, stroke: float = 0) -> None:
        """Draw a path, or the text of one."""
        outline = path(outline) if isinstance(outline, str) else outline
        self.canvas.drawPath(outline, self.paint(ink, alpha, stroke))

    def shadow(self, box: Box, radius: float, level: str = "low") -> None:
        if self.theme.name == "elder":  # high contrast uses outlines, not shadows
            return
        cast = self.theme.shadows[level]
        self.rect(box.moved(cast.dx, cast.dy), radius, "#0A2A28", cast.alpha, blur=cast.blur / 2)

    def icon(self, name: str, x: float, y: float, size: float, ink: str = "ink", weight: float = 1.9) -> None:
        """Draw an icon around (x, y); a name that does not exist draws a dot, so that a target never looks empty."""
        outline = ICONS.get(name)
        if outline is None:
            self.circle(x, y, size * 0.12, ink)
            return
        self.canvas.save()
        self.canvas.translate(x - size / 2, y - size / 2)
        self.canvas.scale(size / 24, size / 24)
        self.canvas.drawPath(path(outline), self.paint(ink, stroke=weight))
        self.canvas.restore()

    # ------------------------------------------------------------------ text
    def measure(self, text: str, size: float, bold: bool = False) -> float:
        return measurer(self._family, bold)(text, size)

    def fitted(self, text: str, width: float, size: float, bold: bool = False, max_lines: int = 1) -> Fitted:
        """Return `text` shrunk, wrapped or cut to the width; a cut is remembered."""
        measure = measurer(self._family, bold)
        result = fit(text, max(1.0, width), size, measure, max_lines=max_lines)
        if result.cut:  # rather small than without its words
            result = fit(text, max(1.0, width), size, measure, max_lines=max_lines, shrink_to=SMALL)
        if result.cut:
            self.cut.append(text)
        return result

    def shrunk(
        self, text: str, width: float, size: float, bold: bool = False, max_lines: int = 1, wrapped: float = 0
    ) -> Fitted:
        """Return `text` in one line if it can shrink enough, else in up to `max_lines` of the size `wrapped`."""
        one = fit(text, width, size, measurer(self._family, bold), max_lines=1)
        return one if not one.cut else self.fitted(text, width, wrapped or size, bold, max_lines)

    def phrased(self, text: str, width: float, size: float) -> str:
        """Return `text` broken after its phrases, where they fit `width` at `size`."""
        return by_phrase(text, width, size, measurer(self._family, False))

    def text(
        self,
        text: str,
        x: float,
        y: float,
        size: float,
        ink: str = "ink",
        *,
        bold: bool = False,
        align: Align = "left",
        room: float | None = None,
        alpha: float = 1.0,
    ) -> float:
        """Draw one line with its middle at `y`, shrunk or cut to `room`. Returns its width."""
        if room is not None:
            shown = self.fitted(text, room, size, bold)
            text, size = shown.lines[0], shown.size
        width = self.measure(text, size, bold)
        x -= {"left": 0.0, "center": width / 2, "right": width}[align]
        if needs_shaping(text):
            line = shaped(text, self._family, round(size, 2), bold, rgba(self.theme.colour(ink), alpha))
            line.paint(self.canvas, x, y + size * _SINK - line.AlphabeticBaseline)
        else:
            face = font(self._family, round(size, 2), bold)
            self.canvas.drawString(text, x, y + size * _SINK, face, self.paint(ink, alpha))
        if unknown_signs(text):
            self.unknown = True
        box = Box(x, y - size * 0.56, width, size * 1.12)
        self.written.append(Written(text, box, self.theme.colour(ink), size, bold, alpha))
        return width

    def lines(
        self,
        shown: Fitted,
        box: Box,
        ink: str = "ink",
        *,
        bold: bool = False,
        align: Align = "left",
        spoken: int | None = None,
    ) -> float:
        """Draw fitted lines from the top of `box`; characters after `spoken` are lighter. Returns the y below."""
        lead, done, y = self.theme.line_height * shown.size, 0, box.y
        for row in shown.lines:
            x = box.x + {"left": 0.0, "center": box.width / 2, "right": box.width}[align]
            if spoken is None or done + len(row) <= spoken or align != "left":
                self.text(row, x, y + lead / 2, shown.size, ink, bold=bold, align=align)
            else:
                said = max(0, spoken - done)
                width = self.text(row[:said], x, y + lead / 2, shown.size, ink, bold=bold) if said else 0.0
                self.text(row[said:], x + width, y + lead / 2, shown.size, "ink_soon", bold=bold)
            done += len(row)
            y += lead
        return y
