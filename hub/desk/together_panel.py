"""The form at the teller's desk: filled field by field with the visitor, whose typing is seen as it comes.

What is shown is what the terminal said last; what the teller writes goes to the terminal and comes back from there.
A masked field shows only that something was typed. The panel is there while there is a talk, and empty otherwise.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final

from nicegui import run, ui

from config.forms import Form, FormField
from contracts import together as t
from contracts.video import TALKS, CaseState
from hub.accounts.rights import Person
from hub.desk.frame import Desk, OneByOne, attempt, button, drawn, named, words
from hub.desk.together_acts import Look, TogetherActs
from hub.desk.together_labels import FORM_STATES
from hub.desk.together_view import (
    errands_html,
    page_html,
    pair,
    second_html,
    signed_html,
    trouble_html,
    value_html,
)
from hub.html import both
from hub.video.pool import NotNow, Row
from hub.video.tables import POOL

LOOK_S: Final = 0.3
DEBOUNCE_MS: Final = 250
EMPTY: Final = Look(stands=None, second=None, signed=None)


class TogetherPanel:
    """One open desk. `held`: the case that this teller holds now."""

    def __init__(self, desk: Desk, acts: TogetherActs, person: Person, held: Callable[[], Row | None]) -> None:
        self._desk, self._acts, self._person, self._held = desk, acts, person, held
        self._case = ""
        self._branch = ""
        self._look = EMPTY
        self._version = -1
        self._shape: tuple[Any, ...] = ()
        self._boxes: dict[str, Any] = {}
        self._notes: dict[str, ui.html] = {}
        self._in_hand = self._told_hand = ""
        self._sent: dict[str, float] = {}  # field → number of what the teller wrote last: older news do not undo it
        self._setting = False  # a value that the terminal told is being put into its box
        self._in_order = asyncio.Lock()  # what is written is sent in the order in which it was written
        self._acting = OneByOne()

    async def draw(self) -> None:
        """Once; what changes is redrawn by itself."""
        self._root = ui.element("section").classes("sheet together")
        with self._root:
            self._title = drawn(f"<h3>{both(('一起办', 'Working together'))}</h3>")
            with ui.element("div").classes("together-two"):
                with ui.element("div").classes("together-form"):
                    self._form()
                with ui.element("div").classes("together-side"):
                    words(("客户屏幕", "The visitor's screen"), "lead small")
                    self._page = drawn("", "co-view")
                    self._tools()
                    self._errands = drawn("")
        self._root.set_visibility(False)
        ui.timer(LOOK_S, self._follow)
        await self._follow()

    # --- following the terminal -----------------------------------------------------------------

    async def _follow(self) -> None:
        row = self._held()
        case = row["video_case"] if row is not None and CaseState(row["state"]) in TALKS else ""
        if case != self._case:
            self._case, self._branch = case, row["branch"] if row is not None else ""
            self._sent.clear()
            self._look, self._version, self._in_hand, self._told_hand = EMPTY, -1, "", ""
            self._root.set_visibility(bool(case))
            self._draw_anew()
        if not case:
            return
        version = self._desk.changes.version(self._branch) + self._desk.changes.version(POOL)
        if version == self._version:
            return
        self._version = version
        found: Look | None = None
        with contextlib.suppress(NotNow, PermissionError):  # it ended meanwhile: the next look says so
            found = await run.io_bound(self._acts.look, self._person, case)
        if found is not None and case == self._case:
            self._look = found
            self._show()

    def _show(self) -> None:
        """In place as far as possible: whoever writes is not disturbed."""
        told = self._look.stands
        self._page.set_content(page_html(told, self._acts.forms))
        self._errands.set_content(errands_html(told))
        form = told.form if told else None
        second = self._look.second
        signed = self._look.signed["document_sha256"] if self._look.signed else ""
        shape = (form and (form.session, form.state, form.step), second and (second["id"], second["outcome"]), signed)
        if shape != self._shape:
            self._shape = shape
            self._draw_anew()
            return
        for one in form.fields if form else ():
            self._update(one)

    def _draw_anew(self) -> None:
        self._boxes.clear()
        self._notes.clear()
        self._form.refresh()

    def _update(self, one: t.FieldStands) -> None:
        field = self._known(one.field)
        box = self._boxes.get(one.field)
        heard = self._look.stands.heard if self._look.stands else 0
        stale = heard < self._sent.get(one.field, 0)
        if box is not None and self._in_hand != one.field and not stale and box.value != one.value:
            self._setting = True
            try:
                box.set_value(one.value or None if field and field.options else one.value)
            finally:
                self._setting = False
        note = self._notes.get(one.field)
        if note is not None and field is not None:
            seen = "" if box is not None else f"<b>{value_html(field, one)}</b>"
            note.set_content(seen + trouble_html(one))

    # --- what it shows --------------------------------------------------------------------------

    @ui.refreshable_method
    def _form(self) -> None:
        form = self._look.stands.form if self._look.stands else None
        known = self._acts.forms.get(form.form) if form else None
        if form is None or known is None:
            self._choose()
            return
        drawn(
            f'<p class="form-head"><b>{both(pair(known.title))}</b> <span class="chip form-{form.state}" '
            f'data-form="{form.state}">{both(FORM_STATES[form.state])}</span></p>'
        )
        self._steps(known, form)
        step = known.step(form.step)
        stands = {one.field: one for one in form.fields}
        names = step.fields if step and step.fields else tuple(stands)
        with ui.element("div").classes("form-rows"):
            for name in names:
                field = known.field(name)
                if field is not None and name in stands:
                    self._row(form, field, stands[name])
        drawn(signed_html(self._look) + second_html(self._look))
        button(("收起表格", "Close the form"), self._close, name="form-close")

    def _choose(self) -> None:
        row = self._held()
        service = row["service"] if row is not None else ""
        words(("选一张表格，和客户一起填。", "Choose a form to fill together."), "quiet")
        ordered = sorted(self._acts.forms.values(), key=lambda form: (service not in form.services, form.id))
        with ui.element("div").classes("acts-row"):
            for form in ordered:
                button(pair(form.title), partial(self._open, form.id), name=f"form-{form.id}")

    def _steps(self, known: Form, form: t.FormStands) -> None:
        """The steps in their order; one that needs a second person says so."""
        closed = form.state == "signed"
        second = self._look.second
        with ui.element("div").classes("acts-row steps"):
            for step in known.steps:
                here = step.id == form.step
                button(pair(step.title), partial(self._step, step.id), css="primary" if here else "quiet",
                       name=f"step-{step.id}")  # fmt: skip
                if step.needs_second and not here and not closed and not (second and second["outcome"] == "waiting"):
                    button(("请主管复核", "Ask a second person"), partial(self._ask_second, step.id),
                           name=f"second-{step.id}")  # fmt: skip

    def _row(self, form: t.FormStands, field: FormField, one: t.FieldStands) -> None:
        writes = form.state in ("filling", "declined") and "teller" in field.by and not field.secret
        step = self._acts.forms[form.form].step(form.step)
        writes = writes and step is not None and field.id in step.fields
        with ui.element("div").classes("form-row").props(f'data-row="{field.id}"'):
            drawn(both(pair(field.label)), "form-label")
            if writes and field.kind == "choice":
                options = {option.id: " ".join(pair(option.label)) for option in field.options}
                self._boxes[field.id] = ui.select(
                    options, value=one.value or None, on_change=partial(self._written, field.id)
                ).props("dense outlined")
            elif writes:
                box = ui.input(value=one.value, on_change=partial(self._written, field.id))
                label = " ".join(pair(field.label))
                box.props(f'dense outlined debounce={DEBOUNCE_MS} maxlength={t.VALUE_CHARS} aria-label="{label}"')
                box.on("focus", partial(self._touch, field.id), args=[])
                box.on("blur", partial(self._leave, field.id), args=[])
                self._boxes[field.id] = box
            seen = "" if writes else f"<b>{value_html(field, one)}</b>"
            self._notes[field.id] = drawn(seen + trouble_html(one), "form-note")

    def _tools(self) -> None:
        with ui.element("div").classes("acts-row tools"):
            button(("请客户看材料…", "Show a text …"), self._push, name="push")
            button(("重拍证件", "New document photo"), partial(self._errand, "document"), name="errand-document")
            button(("人脸核对", "Face check"), partial(self._errand, "face"), name="errand-face")
            button(("打印小票", "Print"), partial(self._errand, "print"), name="errand-print")

    # --- what it does ---------------------------------------------------------------------------

    def _known(self, name: str) -> FormField | None:
        form = self._look.stands.form if self._look.stands else None
        known = self._acts.forms.get(form.form) if form else None
        return known.field(name) if known else None

    async def _do(self, work: partial[Any]) -> None:
        if self._case:
            await self._acting.do(named(work), partial(attempt, work), self._look_again)

    async def _look_again(self) -> None:
        self._version = -1

    async def _open(self, form: str) -> None:
        await self._do(partial(self._acts.open_form, self._person, self._case, form))

    async def _close(self) -> None:
        await self._with_form(lambda form: partial(self._acts.close_form, self._person, self._case, form.session))

    async def _step(self, step: str) -> None:
        await self._with_form(
            lambda form: partial(self._acts.open_step, self._person, self._case, form.form, form.session, step)
        )

    async def _ask_second(self, step: str) -> None:
        await self._do(partial(self._acts.ask_second, self._person, self._case, step))

    async def _touch(self, field: str) -> None:
        """Of a hand that went on meanwhile only the last place is told."""
        self._in_hand = field
        async with self._in_order:
            form, field = self._look.stands.form if self._look.stands else None, self._in_hand
            if form is not None and self._case and field != self._told_hand:
                self._told_hand = field
                await attempt(partial(self._acts.touch, self._person, self._case, form.session, field))

    async def _leave(self, field: str) -> None:
        """A browser tells that a field was left after the next one was entered."""
        if self._in_hand == field:
            await self._touch("")

    def _written(self, field: str, event: Any) -> Coroutine[Any, Any, None] | None:
        """The teller wrote; a value that came from the terminal comes by here, too, and is not sent back."""
        return None if self._setting else self._write(field, event.value or "")

    async def _write(self, field: str, value: str) -> None:
        form = self._look.stands.form if self._look.stands else None
        if form is None or not self._case:
            return
        work = partial(self._acts.fill, self._person, self._case, form.form, form.session, field, value)
        self._sent[field] = math.inf  # until its number is known
        async with self._in_order:
            said = await attempt(work)
        self._sent[field] = 0 if said is None else said

    async def _with_form(self, act: Callable[[t.FormStands], partial[Any]]) -> None:
        form = self._look.stands.form if self._look.stands else None
        if form is not None:
            await self._do(act(form))

    async def _errand(self, kind: t.ErrandKind) -> None:
        await self._do(partial(self._acts.errand, self._person, self._case, kind))

    async def _push(self) -> None:
        """Approved texts: those that belong to the form first."""
        form = self._look.stands.form if self._look.stands else None
        own = list(self._acts.forms[form.form].reads) if form and form.form in self._acts.forms else []
        every = [*own, *(text for one in self._acts.forms.values() for text in one.reads)]
        texts = {text.entry: text for text in reversed(every)}  # of two with one entry, the first counts
        order = dict.fromkeys(text.entry for text in every)
        with ui.dialog() as dialog, ui.element("section").classes("sheet choose"):
            words(("请客户看哪一条？", "Which text?"), "lead")
            for name in order:
                title = texts[name].title
                button((title.zh, title.en), partial(dialog.submit, name), name=f"read-{name}")
        chosen = await dialog
        dialog.clear()
        if chosen:
            await self._do(partial(self._acts.errand, self._person, self._case, "read", str(chosen)))
