"""The pages as data: which widgets are read, which are touched, who stands above. None of them decides anything."""

from __future__ import annotations

from typing import Final

from contracts.screen import Page, ScreenState
from kiosk.screen.frame import Frame, text_of
from kiosk.screen.pages import stages
from kiosk.screen.pages.shell import PageData, lay_out_page
from kiosk.screen.parts import PageLayout, View
from kiosk.screen.widgets.called import called_large
from kiosk.screen.widgets.captions import asked, asked_if_room, captions, you_said
from kiosk.screen.widgets.choosing import (
    CHOICES,
    choices,
    hearing,
    keys,
    many_choices,
    of_kind,
    plain_buttons,
    scores,
    side_by_side,
    smileys,
    status_rows,
)
from kiosk.screen.widgets.form import form_acts, form_hint, form_rows, form_title
from kiosk.screen.widgets.joining import join_code, join_heading, join_note, join_tries
from kiosk.screen.widgets.missing import called_or_missing
from kiosk.screen.widgets.paper import number_only, paper, take, ticket_words
from kiosk.screen.widgets.plan import plan
from kiosk.screen.widgets.queue import hall_below, hall_beside, invitations
from kiosk.screen.widgets.reading import reading_text, reading_title
from kiosk.screen.widgets.rows import confirm_rows
from kiosk.screen.widgets.signing import document, sign_hint, signing
from kiosk.screen.widgets.staff import staff_acts, staff_now, staff_status, staff_table, staff_words
from kiosk.screen.widgets.typing import entry
from kiosk.screen.widgets.wording import advice, fixed, headline, note

SEEN_HERE: Final = fixed(
    "promise", "画面只在这台机器里看，不保存；办完就忘", "Seen on this machine only, not kept, and forgotten afterwards"
)
COMPARED_HERE: Final = fixed(
    "promise",
    "画面只在这台机器里比对，不录像、不上传",
    "Compared on this machine only: not recorded, not sent anywhere",
)

# fmt: off
PAGES: Final[dict[Page, PageData]] = {
    "attract": PageData(
        (headline(("您好，走近一点，直接说就行", "Hello. Step closer and just speak."), 64), hall_beside),
        (invitations, hall_below), stages.gate_by_night, sheet=990, ground="veil",
    ),
    "conversation": PageData((you_said, captions, headline(("", ""))), (choices, hearing), stages.call),
    "choices": PageData((you_said, asked), (many_choices, hearing), stages.gate, sheet=800),
    "keypad": PageData((asked, entry), (keys,), stages.gate, sheet=640),
    "confirm": PageData((asked_if_room, confirm_rows), (side_by_side, hearing), stages.gate, sheet=760),
    "ticket": PageData((paper,), (take, choices), stages.gate_beside, sheet=690, beside=(ticket_words,)),
    "waiting": PageData((asked_if_room, number_only), (choices, hearing), stages.gate, sheet=640),
    "called": PageData((called_large,), (choices,), stages.gate, sheet=690),
    "map": PageData((asked, plan), (choices, hearing), stages.gate, sheet=520),
    "ways": PageData((headline(("怎样看、怎样听更方便？", "What would help you?"), 56),), (many_choices, hearing),
                     stages.gate, sheet=760),
    "document": PageData((advice, SEEN_HERE), (side_by_side, hearing), stages.mirror, sheet=1290),
    "face": PageData((advice, COMPARED_HERE), (side_by_side, hearing), stages.face, sheet=1240),
    "call": PageData((you_said, captions, headline(("", ""))), (choices, hearing), stages.call),
    "form": PageData((form_title, form_rows, form_hint), (form_acts,), stages.beside_teller, sheet=512),
    "sign": PageData((document, sign_hint), (signing,), stages.beside_teller, sheet=512),
    "reading": PageData((reading_title, reading_text), (plain_buttons,), stages.beside_teller, sheet=512),
    "opinion": PageData(
        (headline(("谢谢您！今天办得满意吗？", "How was it today?"), most=5), note(most=1)),
        (smileys, scores, plain_buttons, hearing), stages.gate, sheet=800,
    ),
    "goodbye": PageData(
        (headline(("谢谢您，请慢走", "Thank you. Goodbye."), 72), note("body")), (choices,), stages.gate, sheet=1120,
    ),
    "outage": PageData(
        (headline(("请用手点，下面这些照常能办", "Please touch. These still work.")),),
        (status_rows, called_or_missing),
        stages.gate, sheet=800,
    ),
    "join": PageData((join_heading, join_code, join_tries, join_note), (plain_buttons,), stages.gate, sheet=560),
    "staff": PageData((staff_status, staff_table, staff_now), (staff_words, staff_acts), stages.small, sheet=330),
}
# fmt: on
PLAIN_OUTAGE: Final = PageData(
    (headline(("请稍等，我马上回来", "One moment. I will be right back."), 64), note("body")),
    (),
    stages.gate,
    sheet=1120,
)


def frame_for(state: ScreenState, glass: Frame) -> Frame:
    """Return the glass as this snapshot's visitor needs it."""
    text = text_of(state.text_percent, elder=state.mode == "elder")
    return Frame(glass.lying, text, "low" in state.needs, glass.diagonal_in)


def lay_out(view: View) -> PageLayout:
    """Return the page that the view asks for. Raises KeyError for one that does not exist."""
    state = view.state
    page = PAGES[state.page]
    if state.page == "outage" and not (state.lights.missing or state.called or of_kind(view, *CHOICES)):
        page = PLAIN_OUTAGE
    return lay_out_page(view, page)
