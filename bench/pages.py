"""Every page, as every visitor may need it, drawn and looked at: `python -m bench pages --json -`.

Pages × languages × ways of seeing (usual, large letters, strong contrast, captions first, spoken, lower down, letters
of 96 to 200 per cent) × upright and lying glass, checked by `kiosk.screen.check`; then the same on 4K glass, on small
and on large glass, and with bad input. Nothing is random. `problems` is their number, `list` says what they are.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Final

import pygame
from msgspec.structs import replace

from bench.page_samples import LANGUAGES, PAGES, sample
from bench.page_trouble import TROUBLES
from contracts.screen import Language, Mode, Need, Page, ScreenState
from kiosk.screen.check import Problem, problems_of
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.frame import LONG, REFERENCE_IN, SHORT, Frame
from kiosk.screen.notice import notice
from kiosk.screen.pages import frame_for, lay_out
from kiosk.screen.parts import PageLayout, View
from kiosk.screen.stage import Stage

STILL: Final = time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0))
CLOCK: Final = clock_text(STILL)
FACTOR: Final = 0.5  # pixels a design unit: enough for every measure, four times as fast as the glass
LISTED: Final = 200
DIAGONALS_IN: Final = (21.5, 55.0)


@dataclass(frozen=True, slots=True)
class Way:
    """One way of seeing a page."""

    name: str
    mode: Mode = "standard"
    needs: tuple[Need, ...] = ()
    percent: int = 100

    def of(self, state: ScreenState) -> ScreenState:
        return replace(state, mode=self.mode, needs=self.needs, text_percent=self.percent)


WAYS: Final = (
    Way("standard"),
    Way("elder", "elder"),
    Way("contrast", needs=("contrast",)),
    Way("captions", needs=("captions",)),
    Way("spoken", needs=("spoken",)),
    Way("low", needs=("low",)),
    Way("elder-low", "elder", ("low",)),
    Way("96 %", percent=96),
    Way("130 %", percent=130),
    Way("200 %", percent=200),
)
FEW: Final = WAYS[:2]


@lru_cache(maxsize=8)
def composer_for(factor: float, lying: bool) -> Composer:
    """Return where pages of this shape are drawn."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    return Composer(factor, Frame(lying=lying))


def laid_out(state: ScreenState, *, lying: bool, diagonal_in: float = REFERENCE_IN) -> PageLayout:
    """Return the page as this glass shows it."""
    glass = Frame(lying=lying, diagonal_in=diagonal_in)
    return lay_out(View(state, CLOCK, frame=frame_for(state, glass)))


@dataclass(frozen=True, slots=True)
class Case:
    """One page to look at."""

    page: Page
    language: Language
    way: Way
    lying: bool
    factor: float = FACTOR
    diagonal_in: float = REFERENCE_IN

    @property
    def name(self) -> str:
        width, height = (LONG, SHORT) if self.lying else (SHORT, LONG)
        return (
            f"{self.page} {self.language} {self.way.name} {'lying' if self.lying else 'upright'} "
            f"{width * self.factor:.0f}x{height * self.factor:.0f} {self.diagonal_in:g} in"
        )

    def look(self) -> list[Problem]:
        state = self.way.of(sample(self.page, self.language))
        layout = laid_out(state, lying=self.lying, diagonal_in=self.diagonal_in)
        return problems_of(composer_for(self.factor, self.lying), layout, state)


def cases(pages: tuple[Page, ...] = PAGES, *, whole: bool = True) -> Iterator[Case]:
    """Every case of the bench; not `whole`: a sample of them that a test has the time for."""
    for page in pages:
        for language in LANGUAGES:
            for lying in (False, True):
                for way in WAYS if whole else FEW:
                    yield Case(page, language, way, lying)
                if not whole:
                    continue
                for way in FEW:
                    yield Case(page, language, way, lying, factor=2.0)
                    yield Case(page, language, way, lying, factor=1.0)
                    for diagonal_in in DIAGONALS_IN:
                        yield Case(page, language, way, lying, diagonal_in=diagonal_in)


def speeds(pages: tuple[Page, ...]) -> dict[str, dict[str, float]]:
    """Processor time of the screen at 1080 x 1920, milliseconds: a touch until the pressed target is drawn, and a
    snapshot of another page until its first picture (the fade of 190 ms follows)."""
    composer_for(FACTOR, False)
    stage = Stage(1.0, notice(None), lambda: STILL)
    touched: list[float] = []
    changed: list[float] = []
    again: list[float] = []
    for round_ in range(2):  # the second time pages are kept, as they are on a terminal that runs
        for i, page in enumerate(pages):
            now_ns = (round_ * len(pages) + i + 1) * 10_000_000_000
            began = time.process_time()
            stage.take(sample(page, "zh"), now_ns)
            stage.draw(now_ns)
            (again if round_ else changed).append((time.process_time() - began) * 1000)
            for later_ns in range(0, 400_000_000, 40_000_000):
                stage.draw(now_ns + later_ns)
            target = next((hit.target for hit in stage.hits() if hit.enabled), "")
            stage.pressed = target
            began = time.process_time()
            stage.draw(now_ns + 1_000_000_000)
            touched.append((time.process_time() - began) * 1000)
            stage.pressed = ""
    return {
        "touch_cpu_ms": _spread(touched),
        "new_page_cpu_ms": _spread(changed),
        "known_page_cpu_ms": _spread(again),
    }


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        "p50": round(ordered[len(ordered) // 2], 1),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 1),
        "max": round(ordered[-1], 1),
        "n": len(ordered),
    }


def main(argv: list[str]) -> dict[str, Any]:
    """Look at everything. Raises ValueError for a page that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m bench pages")
    parser.add_argument("--page", default="", help="this page only")
    parser.add_argument("--quick", action="store_true", help="a sample: two ways of seeing, one size")
    options = parser.parse_args(argv)
    if options.page and options.page not in PAGES:
        raise ValueError(f"no page {options.page}; there are: {', '.join(PAGES)}")
    began = time.perf_counter()
    chosen: tuple[Page, ...] = (options.page,) if options.page else PAGES
    found: list[dict[str, str]] = []
    checked = 0
    for case in cases(chosen, whole=not options.quick):
        checked += 1
        found += [{"page": case.name, **asdict(problem)} for problem in case.look()]
    troubles = {} if options.page else {name: trouble() for name, trouble in TROUBLES.items()}
    for name, wrong in troubles.items():
        found += [{"page": name, **asdict(problem)} for problem in wrong]
    return {
        "pages": len(chosen),
        "checked": checked,
        "troubles": len(troubles),
        "problems": len(found),
        "kinds": dict(Counter(problem["kind"] for problem in found)),
        **({} if options.quick or options.page else speeds(chosen)),
        "list": found[:LISTED],
        "ways": [way.name for way in WAYS],
        "seconds": round(time.perf_counter() - began, 1),
    }
