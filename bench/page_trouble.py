"""Bad input for pages: what a core, a document or a hall may bring, and what must still be readable.

Each trouble is drawn upright and lying and looked at; words that no longer fit may be shortened (the screen reports
it), but nothing may be clipped, covered, pale or too small to touch.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import pygame
from msgspec.structs import replace

from bench.page_samples import LANGUAGES, PAGES, sample
from contracts.screen import ConfirmRow, ConfirmView, FieldRow, QueueLine, ScreenState, StaffRow, Target
from contracts.tickets import TicketState
from kiosk.screen.check import Problem, problems_of
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.frame import Frame
from kiosk.screen.notice import notice
from kiosk.screen.pages import frame_for, lay_out
from kiosk.screen.parts import View
from kiosk.screen.text import family, measurer
from kiosk.screen.theme import theme, tokens

FACTOR: Final = 0.5
ALLOWED: Final = frozenset({"broken word", "lost words", "missing translation", "missing target"})
NAMES: Final = ("محمد بن عبد الله", "יוסף בן-דוד", "欧阳娜娜·买买提·吐尔逊江", "Wolfeschlegelsteinhausenbergerdorff")
CLOCK: Final = clock_text(time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0)))


@lru_cache(maxsize=2)
def _composer(lying: bool) -> Composer:
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    return Composer(FACTOR, Frame(lying=lying))


def _looked_at(state: ScreenState, composer: Callable[[bool], Composer] = _composer) -> list[Problem]:
    found = []
    for lying in (False, True):
        layout = lay_out(View(state, CLOCK, frame=frame_for(state, Frame(lying=lying))))
        found += problems_of(composer(lying), layout, state)
    return [problem for problem in found if problem.kind not in ALLOWED]


def _five_times(value: Any) -> Any:
    """The same with every text five times as long."""
    if isinstance(value, Target):
        return replace(value, label=value.label * 5, detail=value.detail * 5)
    return value


def long_words() -> list[Problem]:
    """Text five times longer than planned, on every page in both languages."""
    found = []
    for page in PAGES:
        for language in LANGUAGES:
            state = sample(page, language)
            captions = tuple(replace(c, text=c.text * 5, translation=c.translation * 5) for c in state.captions)
            state = replace(
                state,
                headline=state.headline * 5,
                headline_translation=state.headline_translation * 5,
                note=state.note * 5,
                bank=state.bank * 5,
                branch=state.branch * 5,
                captions=captions,
                targets=tuple(_five_times(target) for target in state.targets),
                ticket=state.ticket and replace(state.ticket, service=state.ticket.service * 5),
                document=state.document and replace(state.document, advice=state.document.advice * 5),
                face=state.face and replace(state.face, advice=state.face.advice * 5),
                reading=state.reading and replace(state.reading, text=state.reading.text * 5),
            )
            found += _looked_at(state)
    return found


def other_scripts() -> list[Problem]:
    """Names that run from right to left, or are longer than a row."""
    found = []
    for language in LANGUAGES:
        for name in NAMES:
            form = sample("form", language)
            assert form.form is not None
            rows = (FieldRow(form.form.rows[0].label, name), *form.form.rows[1:])
            found += _looked_at(replace(form, form=replace(form.form, rows=rows)))
            confirm = sample("confirm", language)
            found += _looked_at(replace(confirm, confirm=ConfirmView((ConfirmRow(form.form.rows[0].label, name),))))
    return found


def many_waiting() -> list[Problem]:
    """400 waiting numbers: in the hall's figures, on a ticket, on the staff's page."""
    found = []
    for language in LANGUAGES:
        hall = sample("attract", language)
        lines = tuple(QueueLine(line.name, 400, (1600, 3600)) for line in hall.queue)
        found += _looked_at(replace(hall, queue=lines * 20))
        ticket = sample("ticket", language)
        assert ticket.ticket is not None
        found += _looked_at(
            replace(ticket, ticket=replace(ticket.ticket, number="A0400", ahead=400, wait_min=(1600, 3600)))
        )
        staff = sample("staff", language)
        assert staff.staff is not None
        rows = tuple(StaffRow(f"A{i:03d}", staff.staff.rows[0].service, i, TicketState.WAITING) for i in range(400))
        found += _looked_at(replace(staff, staff=replace(staff.staff, rows=rows, waiting=400, owed=100_000)))
    return found


@contextmanager
def no_such_face() -> Iterator[None]:
    """A machine on which our typeface is not installed."""
    kept = tokens()["type"]["family"]
    caches = (theme.cache_clear, family.cache_clear, measurer.cache_clear)
    try:
        tokens()["type"]["family"] = "No Such Face"
        for clear in caches:
            clear()
        yield
    finally:
        tokens()["type"]["family"] = kept
        for clear in caches:
            clear()


def missing_face() -> list[Problem]:
    """The typeface is missing: another one is used, and reported; pages stay whole."""
    with no_such_face():
        made = {lying: Composer(FACTOR, Frame(lying=lying)) for lying in (False, True)}
        return [
            problem
            for page in PAGES
            for language in LANGUAGES
            for problem in _looked_at(sample(page, language), made.__getitem__)
        ]


def nothing_at_all() -> list[Problem]:
    """Pages whose views the core forgot, or emptied, and the page for the time without a core."""
    found = []
    for page in PAGES:
        for language in LANGUAGES:
            state = sample(page, language)
            bare = ScreenState(1, page, language, state.bank, state.branch)
            found += _looked_at(bare)
            found += _looked_at(notice(state))
    return found


TROUBLES: Final[dict[str, Callable[[], list[Problem]]]] = {
    "text five times as long": long_words,
    "names of other scripts": other_scripts,
    "400 waiting": many_waiting,
    "typeface missing": missing_face,
    "nothing sent": nothing_at_all,
}
