"""How honest the probabilities of the intent model are, as figures and as pictures.

Reliability (DeGroot and Fienberg, "The comparison and evaluation of forecasters", 1983): of the sentences that were
given about this probability, how many were right. Risk and coverage (El-Yaniv and Wiener, "On the foundations of
noise-free selective classification", 2010): acting on so large a share, the surest first, how many are wrong.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import skia

BINS: Final = 10
LEAST: Final = 10  # lines of a point
SHARES: Final = 50  # points of the risk-coverage curve
SIDE_PX, MARGIN_PX = 640, 88
INK: Final = skia.Color(38, 50, 56)
FAINT: Final = skia.Color(207, 216, 220)
LINES: Final = (skia.Color(21, 101, 192), skia.Color(216, 67, 21))


class Row(Protocol):
    @property
    def right(self) -> bool: ...
    @property
    def probability(self) -> float: ...


def reliability(rows: Sequence[Row], bins: int = BINS) -> list[dict[str, float]]:
    """By bin of probability, lowest first: `said` (mean), `right` (share), `lines`; bins of fewer than `LEAST` lines
    are joined with the next."""
    found: list[dict[str, float]] = []
    some: list[Row] = []
    for number in range(bins):
        low, high = number / bins, (number + 1) / bins if number < bins - 1 else float("inf")
        some += [row for row in rows if low <= row.probability < high]
        if len(some) >= LEAST or (some and number == bins - 1):
            said = sum(row.probability for row in some) / len(some)
            found.append({"said": said, "right": sum(row.right for row in some) / len(some), "lines": float(len(some))})
            some = []
    return found


def calibration_error(rows: Sequence[Row]) -> float:
    """Mean distance of what was said from what was right, weighted by lines (expected calibration error)."""
    return sum(bin_["lines"] * abs(bin_["said"] - bin_["right"]) for bin_ in reliability(rows)) / len(rows)


def risk_coverage(rows: Sequence[Row], points: int = SHARES) -> list[dict[str, float]]:
    """`coverage` (share acted on, surest first), `risk` (share wrong in it), `threshold` (probability of the last)."""
    order = sorted(rows, key=lambda row: -row.probability)
    found = []
    for point in range(1, points + 1):
        count = max(1, round(len(order) * point / points))
        wrong = sum(not row.right for row in order[:count])
        found.append({"coverage": count / len(order), "risk": wrong / count, "threshold": order[count - 1].probability})
    return found


def area_under_risk(rows: Sequence[Row]) -> float:
    """The mean risk over all coverages: 0 is an oracle."""
    curve = risk_coverage(rows)
    return sum(point["risk"] for point in curve) / len(curve)


def write_curves(sets: dict[str, Sequence[Row]], folder: Path) -> dict[str, Any]:
    """`reliability.png`, `risk_coverage.png` and `intent_curves.json` in `folder`; the figures again as a result."""
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, dict[str, Any]] = {
        name: {
            "lines": len(rows),
            "calibration_error": calibration_error(rows),
            "area_under_risk": area_under_risk(rows),
            "reliability": reliability(rows),
            "risk_coverage": risk_coverage(rows),
        }
        for name, rows in sets.items()
    }
    straight = [(0.0, 0.0), (1.0, 1.0)]
    _draw(
        folder / "intent_reliability.png",
        ("probability that was given", "share that was right"),
        {name: [(bin_["said"], bin_["right"]) for bin_ in one["reliability"]] for name, one in told.items()},
        1.0,
        straight,
    )
    most = max(point["risk"] for one in told.values() for point in one["risk_coverage"])
    _draw(
        folder / "intent_risk_coverage.png",
        ("share acted on, the surest first", "share wrong in it"),
        {name: [(point["coverage"], point["risk"]) for point in one["risk_coverage"]] for name, one in told.items()},
        max(0.02, round(most + 0.005, 2)),
        None,
    )
    (folder / "intent_curves.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    return told


def _draw(
    path: Path,
    axes: tuple[str, str],
    curves: dict[str, list[tuple[float, float]]],
    top: float,
    guide: list[tuple[float, float]] | None,
) -> None:
    """One diagram: x from 0 to 1, y from 0 to `top`."""
    surface = skia.Surface(SIDE_PX + 2 * MARGIN_PX, SIDE_PX + 2 * MARGIN_PX)
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorWHITE)
    font = skia.Font(skia.Typeface("DejaVu Sans"), 20)

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN_PX + x * SIDE_PX, MARGIN_PX + (1 - y / top) * SIDE_PX

    def line(points: Sequence[tuple[float, float]], colour: int, width: float) -> None:
        draw = skia.Path()
        draw.moveTo(*at(*points[0]))
        for point in points[1:]:
            draw.lineTo(*at(*point))
        canvas.drawPath(
            draw, skia.Paint(Color=colour, Style=skia.Paint.kStroke_Style, StrokeWidth=width, AntiAlias=True)
        )

    ink = skia.Paint(Color=INK, AntiAlias=True)
    for step in range(6):
        share = step / 5
        line([(share, 0), (share, top)], FAINT, 1)
        line([(0, share * top), (1, share * top)], FAINT, 1)
        x, y = at(share, share * top)
        canvas.drawString(f"{share:.0%}", x - 16, SIDE_PX + MARGIN_PX + 28, font, ink)
        canvas.drawString(f"{share * top:.1%}", 12, y + 7, font, ink)
    canvas.drawString(axes[0], MARGIN_PX + 150, SIDE_PX + MARGIN_PX + 64, font, ink)
    canvas.drawString(axes[1], MARGIN_PX, MARGIN_PX - 40, font, ink)
    if guide:
        line(guide, INK, 1.5)
    for number, (name, points) in enumerate(curves.items()):
        colour = LINES[number % len(LINES)]
        line(points, colour, 4)
        for point in points if guide else []:
            canvas.drawCircle(*at(*point), 6, skia.Paint(Color=colour, AntiAlias=True))
        swatch = MARGIN_PX + 20, MARGIN_PX + 30 + 32 * number
        canvas.drawRect(skia.Rect.MakeXYWH(swatch[0], swatch[1] - 12, 28, 12), skia.Paint(Color=colour))
        canvas.drawString(name, swatch[0] + 40, swatch[1], font, ink)
    surface.makeImageSnapshot().save(str(path), skia.kPNG)
