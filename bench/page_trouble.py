"""Bad input for pages: what a core, a visitor's document or a hall may bring, and what must still be readable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kiosk.screen.check import Problem

TROUBLES: Final[dict[str, Callable[[], list[Problem]]]] = {}
