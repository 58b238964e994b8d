"""The second person's part of the supervisor's board: which risky steps wait, what stands in the form, yes or no."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import Any

from nicegui import ui

from contracts import together as t
from hub.accounts.rights import Person, Right, may
from hub.desk.frame import Desk, attempt, button, drawn, follow
from hub.desk.together_acts import TogetherActs
from hub.desk.together_view import pair, value_html
from hub.html import both, clock
from hub.video.pool import Row
from hub.video.tables import POOL


class SecondsPanel:
    """Nothing where nobody asks, or for who has not the right."""

    def __init__(self, desk: Desk, acts: TogetherActs, person: Person) -> None:
        self._desk, self._acts, self._person = desk, acts, person
        self._asked: list[tuple[Row, t.TogetherStands | None]] = []

    async def draw(self) -> None:
        if not may(self._person, Right.SECOND):
            return
        with ui.element("div").classes("seconds"):
            self._rows()
        follow(self._desk, POOL, self._redraw)
        await self._redraw()

    async def _redraw(self) -> None:
        found: Any = await attempt(partial(self._acts.asked, self._person))
        if found is not None and found != self._asked:
            self._asked = found
            self._rows.refresh()

    @ui.refreshable_method
    def _rows(self) -> None:
        if not self._asked:
            return
        with ui.element("section").classes("sheet"):
            drawn(f"<h3>{both(('等您复核', 'Waiting for your approval'))}<span>{len(self._asked)}</span></h3>")
            for row, told in self._asked:
                self._one(row, told)

    def _one(self, row: Row, told: t.TogetherStands | None) -> None:
        known = self._acts.forms.get(row["form"])
        step = known.step(row["step"]) if known else None
        if known is None or step is None:
            return
        form = told.form if told and told.form and told.form.session == row["session"] else None
        same = form is not None and t.draft_digest(form) == row["digest"]
        lines = ""
        for one in form.fields if form else ():
            field = known.field(one.field)
            if field is not None:
                lines += f"<li>{both(pair(field.label))}<b>{value_html(field, one)}</b></li>"
        changed = "" if same else f'<p class="wrong">{both(("内容已改", "Changed since"))}</p>'
        with ui.element("div").classes("aside-row second-row").props(f'data-case="{escape(row["video_case"])}"'):
            drawn(
                f"<div><b>{both(pair(known.title))}</b> · {both(pair(step.title))} · {escape(row['asked_by'])} "
                f'{clock(row["asked_at"])}<ul class="glass-fields">{lines}</ul>{changed}</div>'
            )
            if same:
                button(("同意", "Approve"), partial(self._decide, row["id"], True), css="primary", name="second-yes")
            button(("不同意", "Refuse"), partial(self._decide, row["id"], False), name="second-no")

    async def _decide(self, asked: int, approved: bool) -> None:  # a partial of ours gives it
        await attempt(partial(self._acts.decide, self._person, asked, approved=approved))
        await self._redraw()
