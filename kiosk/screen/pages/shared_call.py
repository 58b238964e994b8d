"""What the pages of a talk have in common: the teller small at the left, the receptionist beside, a sheet below."""

from __future__ import annotations

from typing import Final

from kiosk.screen.boxes import Box
from kiosk.screen.parts import FigureSpot, Part, View
from kiosk.screen.scene import gate_part, head_part
from kiosk.screen.theme import MARGIN

SHEET_Y: Final = 512
TELLER: Final = Box(MARGIN, 160, 432, 324)  # 4:3
BESIDE: Final = FigureSpot(810, 300, 0.44, SHEET_Y, badge=False)
ALONE: Final = FigureSpot(540, 300, 0.44, SHEET_Y, badge=False)


def above(view: View) -> tuple[tuple[Part, ...], FigureSpot]:
    """What stands behind the figure, and where she stands: beside the teller's picture, alone without one."""
    spot = BESIDE if view.state.teller_pictures else ALONE
    return (gate_part(spot.x, 330, 150), head_part(view)), spot
