"""The account of the liveness check for whoever has to judge it: figures, plots, and what it cannot stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import skia

INK: Final = skia.Color(38, 50, 56)
BAD: Final = skia.Color(216, 67, 21)
RANGE: Final = skia.Color(176, 190, 197)
ROW_PX, LEFT_PX, BAR_PX = 44, 230, 560

CANNOT: Final = """## What it cannot stop

- **A film that is driven live** (a face swap or an animated portrait that follows the instructions on a screen without
  a visible edge): `replay_right` stands for it, and what gets through there gets through at the terminal. Where the
  site has the screen light the face (`[identity] screen_light`), a telephone's glass is told from skin in the model of
  `bench/portraits/lamp.py`; nobody has measured it before a display, and a screen that is told the colours by a camera
  of its own would answer too.
- **A good three-dimensional mask**, or a twin.
- **Somebody who forces the rightful customer** to stand before the terminal: the watch over swindles is for that.
- **A camera that is replaced** by an injected stream: the terminal's own hardening is for that.

So a face never decides alone: document and number have to agree, and a face that was accepted opens nothing that the
document would not.

## What the figures are of

Clips are synthetic: portraits turned and blinked in software, prints and telephones drawn in perspective. How visitors
behave was chosen, not measured. Paper's texture, a screen's own pattern and a lens are not imitated. Nothing here
replaces a test with people and things in hand (ISO/IEC 30107-3), which has to be made before a branch relies on it.
"""


def write_report(path: Path, found: dict[str, Any]) -> None:
    """Markdown at `path`, `pad_rates.png` beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _plot(path.parent / "pad_rates.png", found)
    rows = ["| species | tried | accepted | APCER | 95 % | ended by |", "|---|---|---|---|---|---|"]
    for species, rate in found["apcer"].items():
        if rate is None:
            rows.append(f"| {species} | 0 | | not tried: needs two people | | |")
            continue
        count, low_high = found["numbers"][species], found["confidence_95"][species]
        why = ", ".join(f"{code} {n}" for code, n in list(found["reasons"][species].items())[:3])
        rows.append(
            f"| {species} | {count['tried']} | {count['accepted']} | {rate:.1%} | {_between(low_high)} | {why} |"
        )
    genuine, low_high = found["numbers"]["genuine"], found["confidence_95"]["bpcer"]
    why = ", ".join(f"{code} {n}" for code, n in list(found["reasons"]["genuine"].items())[:4])
    text = [
        "# Attacks on the liveness check",
        "",
        f"Portraits: {found['portraits']['used']} of {found['portraits']['people']} people "
        f"({', '.join(found['portraits']['source'])}), split `{found['portraits']['split']}`. "
        "One presentation is one try.",
        "",
        *rows,
        "",
        f"Visitors: {genuine['tried']} tries, {genuine['refused']} not taken for living (BPCER {found['bpcer']:.1%}, "
        f"95 % {_between(low_high)}); how they ended: {why}.",
        *_lit(found["with_screen_light"]),
        "",
        "![Shares with their intervals](pad_rates.png)",
        "",
        CANNOT,
    ]  # fmt: skip
    path.write_text("\n".join(text), "utf-8")


def _lit(found: dict[str, Any]) -> list[str]:
    """What the screen's light changes."""
    rows = [f"{species}: {found['numbers'][species]['accepted']} of {found['numbers'][species]['tried']} accepted "
            f"({_between(found['confidence_95'][species])})" for species in found["apcer"]]  # fmt: skip
    refused = found["numbers"]["genuine"]
    rows.append(f"visitors refused: {refused['refused']} of {refused['tried']} "
                f"({_between(found['confidence_95']['bpcer'])})")  # fmt: skip
    return ["", f"With the screen's light on the face: {'; '.join(rows)}."]


def _between(low_high: tuple[float, float]) -> str:
    return f"{low_high[0]:.1%} to {low_high[1]:.1%}"


def _plot(path: Path, found: dict[str, Any]) -> None:
    """A bar a species, with its interval."""
    rates = {name: rate for name, rate in found["apcer"].items() if rate is not None} | {
        "visitors refused": found["bpcer"]
    }
    between = {**found["confidence_95"], "visitors refused": found["confidence_95"]["bpcer"]}
    surface = skia.Surface(LEFT_PX + BAR_PX + 110, ROW_PX * (len(rates) + 1) + 20)
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorWHITE)
    font = skia.Font(skia.Typeface("DejaVu Sans"), 18)
    ink = skia.Paint(Color=INK, AntiAlias=True)
    for number, (name, rate) in enumerate(rates.items()):
        y = 20 + number * ROW_PX
        low, high = between[name]
        canvas.drawString(name, 14, y + 24, font, ink)
        span = skia.Rect.MakeLTRB(LEFT_PX + low * BAR_PX, y + 8, LEFT_PX + max(high, low + 0.004) * BAR_PX, y + 30)
        canvas.drawRect(span, skia.Paint(Color=RANGE))
        canvas.drawRect(skia.Rect.MakeXYWH(LEFT_PX, y + 12, rate * BAR_PX, 14), skia.Paint(Color=BAD))
        canvas.drawString(f"{rate:.1%}", LEFT_PX + BAR_PX + 16, y + 25, font, ink)
    bottom = 20 + len(rates) * ROW_PX
    for step in range(5):
        x = LEFT_PX + step * BAR_PX / 4
        canvas.drawLine(x, 14, x, bottom, skia.Paint(Color=INK, Alphaf=0.2))
        canvas.drawString(f"{step / 4:.0%}", x - 16, bottom + 24, font, ink)
    surface.makeImageSnapshot().save(str(path), skia.kPNG)
