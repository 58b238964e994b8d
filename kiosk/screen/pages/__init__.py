"""The pages: composition and copy only. Each takes a View and returns a PageLayout; none decides anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from contracts.screen import Page
from kiosk.screen.pages.attract import attract
from kiosk.screen.pages.conversation import conversation
from kiosk.screen.pages.document import document
from kiosk.screen.pages.form import form
from kiosk.screen.pages.goodbye import goodbye
from kiosk.screen.pages.join import join
from kiosk.screen.pages.keypad import keypad
from kiosk.screen.pages.opinion import opinion
from kiosk.screen.pages.outage import outage
from kiosk.screen.pages.reading import reading
from kiosk.screen.pages.sign import sign
from kiosk.screen.pages.staff import staff
from kiosk.screen.pages.ticket import ticket
from kiosk.screen.parts import PageLayout, View

PAGES: Final[dict[Page, Callable[[View], PageLayout]]] = {
    "attract": attract,
    "conversation": conversation,
    "keypad": keypad,
    "ticket": ticket,
    "opinion": opinion,
    "goodbye": goodbye,
    "outage": outage,
    "staff": staff,
    "form": form,
    "sign": sign,
    "reading": reading,
    "document": document,
    "join": join,
}


def lay_out(view: View) -> PageLayout:
    """Return the page that the view asks for."""
    return PAGES[view.state.page](view)
