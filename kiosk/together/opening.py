"""Working together, put together: the forms of this checkout over the parts of one terminal. Beside `app.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from config.forms import load_forms
from config.schema import Site
from contracts import together as t
from contracts.screen import Language
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.ports import Clock, Printer
from kiosk.queueing.receipt import PrintedReceipts
from kiosk.session.session import Session
from kiosk.session.trace import NoTrace, Trace
from kiosk.together.ports import ApprovedText, FreshLook, Keeps, NoFreshLook
from kiosk.together.together import Around, Together


class PackLibrary:
    """The texts of the content pack in force."""

    def __init__(self, knowledge: ApprovedKnowledge, local_now: Callable[[], datetime]) -> None:
        self._knowledge, self._local_now = knowledge, local_now

    def entry(self, name: str, language: Language) -> ApprovedText | None:
        found = self._knowledge.entry(name, language, self._local_now())
        return ApprovedText(title=found[0], text=found[1].text, source=found[1].source) if found else None


def open_together(
    site: Site,
    session: Session,
    clock: Clock,
    *,
    case: Callable[[], str],
    say: Callable[[t.TogetherStands], Awaitable[None]],
    keeps: Keeps,
    knowledge: ApprovedKnowledge,
    printer: Printer,
    local_now: Callable[[], datetime],
    hub_now: Callable[[], datetime | None],
    trace: Trace | NoTrace,
    fresh: FreshLook | None = None,
) -> Together:
    """Given to the session, which shows it. Raises `ConfigError` for a form that is none."""
    around = Around(
        case=case, say=say, keeps=keeps, library=PackLibrary(knowledge, local_now), fresh=fresh or NoFreshLook(),
        receipts=PrintedReceipts(site, printer, local_now), changed=session.show, hub_now=hub_now, note=trace.note,
    )  # fmt: skip
    session.together = Together(load_forms(), around, clock)
    return session.together
