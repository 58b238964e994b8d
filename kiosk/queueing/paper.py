"""The ticket on paper: drawn once as a picture, so that any printer prints Chinese, and the copy is the same.

576 dots wide (72 mm at 8 dots a millimetre, on 80 mm paper), black or white only. Nothing on it says who
the visitor is. What is not known is not printed: without the hub's queue there is no number of people.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import segno
import skia
from PIL import Image

from kiosk.ports import Bitmap

WIDTH_DOTS: Final = 576
MARGIN: Final = 28
FAMILY: Final = "Noto Sans CJK SC"
MAX_HEIGHT_DOTS: Final = 1600
QR_DOTS: Final = 196
WEEKDAYS_ZH: Final = "一二三四五六日"

Pair = tuple[str, str]  # Chinese, English


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTicket:
    """What stands on the paper. `qr` is the text of the code ('' for none); `wait_min` is minutes."""

    bank: Pair
    branch: Pair
    service: Pair
    number: str
    issued_at: datetime  # the branch's local time
    ahead: int | None = None
    wait_min: tuple[int, int] | None = None
    qr: str = ""


def draw_ticket(ticket: PaperTicket) -> Bitmap:
    """The paper: (height, 576), True is black. Text that is too wide shrinks, never overlaps."""
    surface = skia.Surface(WIDTH_DOTS, MAX_HEIGHT_DOTS)
    pen = Pen(surface.getCanvas())
    pen.canvas.clear(skia.ColorWHITE)
    y = head(pen, ticket.bank, ticket.branch, 30.0)
    y = _number(pen, ticket, y)
    y = _wait(pen, ticket, y)
    y = _foot(pen, ticket, y)
    height = min(int(y) + 24, MAX_HEIGHT_DOTS)
    grey = surface.makeImageSnapshot().toarray(colorType=skia.kGray_8_ColorType)[:height]
    black: Bitmap = grey < 140  # a little above the middle: thin strokes on thermal paper fade, they do not spread
    return black


def png(paper: Bitmap) -> bytes:
    """The same paper as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(~paper).save(buffer, "PNG")  # one bit a dot
    return buffer.getvalue()


class Pen:
    """Text and lines in black. Positions are baselines."""

    def __init__(self, canvas: skia.Canvas) -> None:
        self.canvas = canvas
        self.ink = skia.Paint(Color=skia.ColorBLACK, AntiAlias=True)
        manager = skia.FontMgr()
        self._regular = manager.matchFamilyStyle(FAMILY, skia.FontStyle.Normal()) or skia.Typeface()
        self._bold = manager.matchFamilyStyle(FAMILY, skia.FontStyle.Bold()) or self._regular

    def font(self, size: float, *, bold: bool = False) -> skia.Font:
        font = skia.Font(self._bold if bold else self._regular, size)
        font.setSubpixel(True)
        font.setLinearMetrics(True)  # widths follow the size exactly: what was shrunk to fit does fit
        return font

    def text(
        self, words: str, x: float, y: float, size: float, *, bold: bool = False, width: float = 1e9, align: float = 0.0
    ) -> float:
        """Draw at `x` (align 0: from the left, 0.5: centred, 1: to the right), shrunk to `width`; the width drawn."""
        font = self.font(size, bold=bold)
        wide = font.measureText(words)
        if wide > width:
            font.setSize(size * width / wide)
            wide = font.measureText(words)
        self.canvas.drawString(words, x - wide * align, y, font, self.ink)
        return float(wide)

    def rule(self, y: float, *, dotted: bool = False) -> None:
        paint = skia.Paint(Color=skia.ColorBLACK, StrokeWidth=3 if dotted else 2, Style=skia.Paint.kStroke_Style)
        if dotted:
            paint.setPathEffect(skia.DashPathEffect.Make([3, 7], 0))
        self.canvas.drawLine(MARGIN, y, WIDTH_DOTS - MARGIN, y, paint)


def head(pen: Pen, bank: Pair, branch: Pair, y: float) -> float:
    """Mark, bank and branch; returns where the next part begins."""
    _mark(pen, MARGIN, y, 66)
    left = MARGIN + 66 + 18
    room = WIDTH_DOTS - MARGIN - left
    pen.text(" · ".join(part for part in (bank[0], branch[0]) if part), left, y + 30, 32, bold=True, width=room)
    pen.text(" · ".join(part for part in (bank[1], branch[1]) if part), left, y + 62, 22, width=room)
    pen.rule(y + 88)
    return y + 88


def _mark(pen: Pen, x: float, y: float, size: float) -> None:
    """The bank's seedling, white in a black disc."""
    pen.canvas.save()
    pen.canvas.translate(x, y)
    pen.canvas.scale(size / 64, size / 64)
    pen.canvas.drawCircle(32, 32, 32, pen.ink)
    path = skia.Path()
    path.moveTo(32, 50)
    path.lineTo(32, 30)
    path.moveTo(32, 34)
    path.cubicTo(18, 34, 14, 26, 14, 17)
    path.cubicTo(26, 17, 32, 23, 32, 34)
    path.close()
    path.moveTo(32, 30)
    path.cubicTo(32, 20, 38, 14, 50, 14)
    path.cubicTo(50, 24, 45, 31, 32, 31)
    path.close()
    white = skia.Paint(
        Color=skia.ColorWHITE,
        AntiAlias=True,
        StrokeWidth=5,
        Style=skia.Paint.kStroke_Style,
        StrokeCap=skia.Paint.kRound_Cap,
    )
    pen.canvas.drawPath(path, white)
    pen.canvas.restore()


def _number(pen: Pen, ticket: PaperTicket, y: float) -> float:
    middle, room = WIDTH_DOTS / 2, WIDTH_DOTS - 2 * MARGIN
    pen.text(ticket.service[0], middle, y + 58, 42, bold=True, width=room, align=0.5)
    pen.text(ticket.service[1], middle, y + 92, 24, width=room, align=0.5)
    pen.text(ticket.number, middle, y + 284, 216, bold=True, width=room, align=0.5)
    return y + 316


def _wait(pen: Pen, ticket: PaperTicket, y: float) -> float:
    """How many are ahead and how long it takes, as far as that is known."""
    middle, room = WIDTH_DOTS / 2, WIDTH_DOTS - 2 * MARGIN
    if ticket.ahead is None:
        pen.text("前面几位，请看窗口上方的屏幕", middle, y + 34, 30, bold=True, width=room, align=0.5)
        pen.text("See the screens above the counters for the queue", middle, y + 68, 21, width=room, align=0.5)
        return y + 96
    if ticket.wait_min is None:
        _figure(pen, ("前面还有", "Ahead of you"), f"{ticket.ahead}", "位", middle, y, room)
        return y + 148
    divider = MARGIN + room * 0.38  # the range is the wider figure
    _figure(pen, ("前面还有", "Ahead"), f"{ticket.ahead}", "位", (MARGIN + divider) / 2, y, divider - MARGIN - 16)
    most, longest = ticket.wait_min
    span = f"{most}" if most == longest else f"{most}–{longest}"
    right = WIDTH_DOTS - MARGIN
    _figure(pen, ("预计等待", "Expected wait"), span, "分钟", (divider + right) / 2, y, right - divider - 16)
    line = skia.Paint(Color=skia.ColorBLACK, StrokeWidth=2)
    pen.canvas.drawLine(divider, y + 8, divider, y + 122, line)
    zh = f"多数人 {most} 分钟左右轮到，很少超过 {longest} 分钟"
    en = f"Most people wait about {most} min, hardly anybody longer than {longest}"
    pen.text(zh, middle, y + 168, 25, width=room, align=0.5)
    pen.text(en, middle, y + 198, 20, width=room, align=0.5)
    return y + 224


def _figure(pen: Pen, label: Pair, figure: str, unit: str, middle: float, y: float, room: float) -> None:
    pen.text(f"{label[0]}  {label[1]}", middle, y + 28, 23, width=room, align=0.5)
    unit_wide = pen.font(26).measureText(unit)
    wide = min(pen.font(72, bold=True).measureText(figure), room - unit_wide - 10)
    left = middle - (wide + 10 + unit_wide) / 2
    pen.text(figure, left, y + 108, 72, bold=True, width=wide)
    pen.text(unit, left + wide + 10, y + 108, 26)


def _foot(pen: Pen, ticket: PaperTicket, y: float) -> float:
    pen.rule(y, dotted=True)
    y += 26
    at = ticket.issued_at
    taken = f"{at.month}月{at.day}日 星期{WEEKDAYS_ZH[at.weekday()]} {at:%H:%M} 取号"
    lines = [
        ("听到叫号，请到屏幕显示的窗口", 26.0, True),
        ("Go to the counter on the screen when called", 20.0, False),
        ("过号了，请找大堂的同事", 26.0, True),
        ("Missed it? Please ask our staff", 20.0, False),
        (taken, 23.0, False),
    ]
    left, align = WIDTH_DOTS / 2, 0.5
    if ticket.qr:
        _qr(pen, ticket.qr, MARGIN, y)
        left, align = MARGIN + QR_DOTS + 26, 0.0
        lines = [("扫码看排队进度", 32.0, True), ("Scan to follow the queue", 21.0, False), *lines[2:4], lines[4]]
    room = WIDTH_DOTS - 2 * MARGIN if align else WIDTH_DOTS - MARGIN - left
    baseline = y + 8
    for words, size, bold in lines:
        baseline += size * 1.12
        pen.text(words, left, baseline, size, bold=bold, width=room, align=align)
        baseline += 6 if bold else 16
    bottom = max(baseline, y + QR_DOTS if ticket.qr else 0)
    return bottom + 10


def _qr(pen: Pen, text: str, x: float, y: float) -> None:
    """The code with whole dots per module, so that no edge is blurred by rounding."""
    modules = segno.make(text, error="m", micro=False).matrix
    dot = max(1, QR_DOTS // len(modules))
    offset = (QR_DOTS - dot * len(modules)) // 2
    square = skia.Paint(Color=skia.ColorBLACK, AntiAlias=False)
    for row, line in enumerate(modules):
        for column, dark in enumerate(line):
            if dark:
                corner = (x + offset + column * dot, y + offset + row * dot)
                pen.canvas.drawRect(skia.Rect.MakeXYWH(*corner, dot, dot), square)
