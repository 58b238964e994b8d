"""While a teller is there: the form, the pad and the errands on this terminal, and what the desk is told of them.

The terminal decides: what a desk asks is looked at as if it came from a stranger, and what the desk sees is what stands
here. Without a call, or for another case than the one that is talked about, nothing is opened. When the case is over
everything is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from config.forms import Form
from contracts import together as t
from contracts.screen import Language, ScreenState
from kiosk.events import Event, Stroked, Touched
from kiosk.ports import BusDown, Clock
from kiosk.risk.handover import masked
from kiosk.sync.outbox import OutboxFull
from kiosk.together import page
from kiosk.together import words as w
from kiosk.together.errands import Errand, Errands
from kiosk.together.filling import Filling, pick
from kiosk.together.hand import Hand
from kiosk.together.ports import FreshLook, Keeps, Library, Receipts

log = logging.getLogger(__name__)

SAY_EVERY_S: Final = 0.1  # what changes faster than this is told once
AGAIN_S: Final = 0.5  # while the broker is away


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What it works with. `case`: the case whose teller is on the line; empty: none."""

    case: Callable[[], str]
    say: Callable[[t.TogetherStands], Awaitable[None]]  # raises `BusDown`
    keeps: Keeps
    library: Library
    fresh: FreshLook
    receipts: Receipts
    changed: Callable[[], None]  # the screen should be drawn anew
    hub_now: Callable[[], datetime | None] = lambda: None
    note: Callable[..., None] = lambda kind, **facts: None


class Together:
    """One case at a time. `hear` takes what the desk asks; `takes`/`take`/`dressed` are the session's side."""

    def __init__(self, forms: Mapping[str, Form], around: Around, clock: Clock) -> None:
        self._forms, self._around, self._clock = forms, around, clock
        self._case = ""
        self._heard = 0
        self._filling: Filling | None = None
        self._hand = Hand()
        self._seen = True  # the notice that it is signed
        self._too_little = False
        self._errands = Errands(around.library, around.fresh, self._print, self._changed)
        self._page: t.PageStands | None = None
        self._language: Language = "zh"
        self._revision = 0
        self._told: tuple[object, ...] = ()
        self._news = asyncio.Event()
        self.tally: Counter[str] = Counter()

    # ------------------------------------------------------------ from the desk
    def hear(self, message: t.TogetherAsked) -> None:
        """One wish of the desk. What is of another case, old, or a repetition is counted, not done."""
        self._follow()
        now = self._around.hub_now()
        if not self._case or message.case != self._case:
            self.tally["refused_case"] += 1
        elif now is not None and message.expires < now:
            self.tally["refused_expired"] += 1
        elif message.said <= self._heard:
            self.tally["refused_repeated"] += 1
        else:
            self._heard = message.said
            if not self._do(message.body):
                self.tally[f"refused_{type(message.body).__name__}"] += 1
            self._changed()

    def _do(self, body: t.FromDesk) -> bool:
        filling = self._filling
        match body:
            case t.OpenForm(form=name, session=session):
                form = self._forms.get(name)
                if form is None:
                    return False
                self._drop_form()
                self._filling = Filling(form, session, self._language)
                self._around.note("form", form=name, step=form.steps[0].id)
                return True
            case t.AskErrand():
                self._note(self._errands.begin(body, self._language))
                return True
        if filling is None or body.session != filling.session:
            return False
        match body:
            case t.CloseForm():
                self._drop_form()
                return True
            case t.TouchField(field=name):
                return filling.teller_touches(name)
            case t.FillField(field=name, value=value):
                return filling.teller_writes(name, value)
            case t.OpenStep(step=name, second=second):
                self._hand.clear()
                self._too_little = False
                why = filling.opens(name, second, self._language)
                if why:
                    self.tally[f"step_{why}"] += 1
                else:
                    self._around.note("form", form=filling.form.id, step=name)
                return not why
        return False

    # ------------------------------------------------------------ from the visitor
    def takes(self, event: Event) -> bool:
        """Whether the event belongs to a page of ours."""
        match event:
            case Touched(target):
                return page.is_ours(target) and self.open
            case Stroked():
                return True
        return False

    @property
    def open(self) -> bool:
        """Whether one of our pages is on the screen."""
        self._follow()
        if self._errands.waiting() is not None or self._errands.looking() is not None:
            return True
        return self._filling is not None and self._shows_form(self._filling)

    @property
    def secret(self) -> bool:
        """Whether what is typed now is nobody's business: no key of it goes into any account."""
        wanted = self._filling.field_at() if self._filling else None
        return self.open and wanted is not None and wanted.secret

    async def take(self, event: Event) -> None:
        """Act on an event that it takes."""
        errand, filling = self._errands.waiting(), self._filling
        match event:
            case Touched("errand_stop"):
                self._errands.stop()
            case Touched(target) if errand is not None and target.startswith("errand_"):
                self._errands.answer(errand, agreed=target == "errand_yes")
                self._note(errand)
            case Touched(target) if filling is not None:
                await self._touched(filling, target)
            case Stroked(points) if filling is not None and filling.state == "signing":
                self._hand.draws(points)
                self._too_little = False
                self._around.note("stroke", strokes=len(self._hand.strokes))
        self._changed()

    async def _touched(self, filling: Filling, target: str) -> None:
        name = target.partition("_")[2]
        if target.startswith(page.KEY):
            filling.visitor_types("X" if name == "x" else name)
        elif target.startswith("form_choice_"):
            filling.visitor_chooses(int(name.rpartition("_")[2]))
        elif target in ("form_next", "form_back"):
            filling.visitor_moves(1 if target == "form_next" else -1)
        elif target == "form_seen":
            self._seen = True
        elif filling.state == "signing":
            await self._at_pad(filling, target)

    async def _at_pad(self, filling: Filling, target: str) -> None:
        match target:
            case "pad_clear":
                self._hand.clear()
                self._too_little = False
            case "pad_decline":
                filling.declines()
                self._hand.clear()
                self._around.note("declined")
            case "pad_done" if self._hand.is_signature:
                await self._sign(filling)
            case "pad_done":
                self._too_little = True

    async def _sign(self, filling: Filling) -> None:
        """On disk first; then it counts."""
        strokes, document = self._hand.written(), filling.document
        digest = t.sha256(document)
        paper = t.SignedPaper(
            case=self._case, session=filling.session, form=filling.form.id, document=document, document_sha256=digest,
            strokes=strokes, seal=t.seal_of(digest, strokes), signed_at=self._around.hub_now() or datetime.now(UTC),
        )  # fmt: skip
        try:
            await self._around.keeps.signed(paper)
        except OutboxFull:
            log.error("outbox full: a signature was not kept")
            filling.state, filling.document = "not_kept", ""
        else:
            filling.state = "signed"
            self._around.note("signed", document=digest[: page.CODE_CHARS])
        self._hand.clear()
        self._seen = False

    # ------------------------------------------------------------ paper
    async def _print(self) -> t.ErrandOutcome:
        """What was filled in, for the visitor to take along: masked fields are not on it."""
        filling, language = self._filling, self._language
        if filling is None:
            return "unknown"
        lines = filling.lines(language)
        if filling.state == "signed":
            code = t.sha256(filling.document)[: page.CODE_CHARS]
            lines = (*lines, f"{w.in_(w.RECEIPT_SIGNED, language)} {code}")
        return await self._around.receipts.print(pick(filling.form.title, language), lines)

    # ------------------------------------------------------------ the screen
    def _shows_form(self, filling: Filling) -> bool:
        return filling.state in ("filling", "signing") or (filling.state in ("signed", "not_kept") and not self._seen)

    def dressed(self, state: ScreenState) -> ScreenState:
        """The snapshot with our page over the conversation's, where one is open."""
        self._follow()
        self._language = state.language
        errand, filling = self._errands.waiting(), self._filling
        if errand is not None:
            state = page.reading_page(state, errand.text) if errand.text else page.asking_page(state, errand.kind)
        elif (looking := self._errands.looking()) is not None:
            state = page.looking_page(state, looking.kind)
        elif filling is not None and self._shows_form(filling):
            state = self._with_form(state, filling)
        self._saw(state)
        return state

    def _with_form(self, state: ScreenState, filling: Filling) -> ScreenState:
        if filling.state == "filling":
            return page.form_page(state, filling)
        if filling.state == "signing":
            return page.sign_page(state, filling, self._hand.strokes, too_little=self._too_little)
        return page.signed_page(state, filling, t.sha256(filling.document)[: page.CODE_CHARS])

    def _saw(self, state: ScreenState) -> None:
        """What the desk is told of the page: names and our own words; nothing that was said, typed or seen."""
        if not self._case:
            return
        title = state.form.title if state.form else state.pad.title if state.pad else ""
        title = state.reading.title if state.reading else title
        offered = tuple(
            t.Offered(target=target.id, label=masked(target.label)[: t.WORDS_CHARS])
            for target in state.targets
            if target.enabled and target.kind not in ("key", "dock", "microphone") and target.id != "human"
        )
        seen = t.PageStands(page=state.page, language=state.language, mode=state.mode,
                            title=title[: t.WORDS_CHARS], targets=offered[: t.MAX_TARGETS])  # fmt: skip
        if seen != self._page:
            self._page = seen
            self._news.set()

    # ------------------------------------------------------------ telling the desk
    async def run(self) -> None:
        """Tell the desk what stands here whenever it changed, until cancelled."""
        try:
            while True:
                await self._news.wait()
                self._news.clear()
                if not await self._say():
                    await self._clock.sleep(AGAIN_S)
                    self._news.set()
                else:
                    await self._clock.sleep(SAY_EVERY_S)
        finally:
            await self._errands.close()

    async def _say(self) -> bool:
        """Whether the desk knows. Only what is new is said."""
        if not self._case or self._page is None:
            return True
        form = self._filling.stands(len(self._hand.strokes)) if self._filling else None
        errands = self._errands.stands()
        now = (self._case, self._page, form, errands, self._heard)
        if now == self._told:
            return True
        self._revision += 1
        message = t.TogetherStands(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), case=self._case,
            revision=self._revision, heard=self._heard, page=self._page, form=form, errands=errands,
        )  # fmt: skip
        with suppress(BusDown):
            await self._around.say(message)
            self._told = now
            return True
        self.tally["unsaid"] += 1
        return False

    # ------------------------------------------------------------ beginning and end
    def _follow(self) -> None:
        """Another case, or none any more: nothing of the one before is kept."""
        case = self._around.case()
        if case == self._case:
            return
        self.forget()
        self._case = case
        self._news.set()

    def forget(self) -> None:
        """Let go of everything of this case."""
        self._drop_form()
        self._errands.forget()
        self._case, self._page, self._told, self._heard = "", None, (), 0

    def _drop_form(self) -> None:
        if self._filling is not None:
            self._filling.wipe()
        self._filling = None
        self._hand.clear()
        self._seen, self._too_little = True, False

    def _note(self, errand: Errand) -> None:
        self._around.note("errand", errand=errand.kind, outcome=errand.outcome)

    def _changed(self) -> None:
        self._news.set()
        self._around.changed()
