"""The manager's pages of opinions: figures, tasks, comments, the journey; and the voice of the week."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import ui

from hub.accounts.rights import Person, Right, may
from hub.desk.frame import Desk, attempt, button, drawn, frame, tell
from hub.desk.opinion_html import comments_html, figures_html, funnel_html, handling_html, task_html, weekly_html
from hub.desk.opinion_labels import OUTCOMES
from hub.html import both
from hub.labels import Pair
from hub.opinions.acts import OpinionActs
from hub.opinions.tasks import NotOpen, Outcome
from hub.opinions.weekly import WEEK

REDRAW_S: Final = 10.0
DAYS: Final = (1, 7, 30)
WEEKS_BACK: Final = 8
CLOSED: Pair = ("别人已经处理了。", "Somebody has dealt with this one.")
SPANS: Final[dict[int, Pair]] = {1: ("今天", "A day"), 7: ("7 天", "7 days"), 30: ("30 天", "30 days")}


class OpinionPage:
    """One branch's opinions."""

    def __init__(self, desk: Desk, acts: OpinionActs, request: Request, branch: str) -> None:
        self._desk, self._acts, self._request, self._branch = desk, acts, request, branch
        self._days = 7
        self._view: dict[str, Any] | None = None

    async def draw(self) -> None:
        """The page, drawn anew now and then."""
        self._person: Person = frame(self._request, self._desk, "opinions", self._branch)
        await self._load()
        self._body()
        ui.timer(REDRAW_S, self._again)

    async def _load(self) -> None:
        found = await attempt(partial(self._acts.look, self._person, self._branch, self._days))
        self._view = found if found is not None else self._view

    async def _again(self) -> None:
        before = self._view and (self._view["all"], self._view["handling"], self._view["comments"])
        await self._load()
        if self._view and (self._view["all"], self._view["handling"], self._view["comments"]) != before:
            self._body.refresh()  # a page that nothing happened on is left alone: somebody may be reading

    @ui.refreshable_method
    def _body(self) -> None:
        view = self._view
        if view is None:
            return
        with ui.element("main").classes("opinions-page"):
            with ui.element("div").classes("spans"):
                for days in DAYS:
                    css = "primary" if days == self._days else "quiet"
                    button(SPANS[days], partial(self._span, days), css=css, name=f"days-{days}")
                drawn(_way(f"/desk/voice/{self._branch}", ("本周客户之声", "Voice of the week")))
                if may(self._person, Right.TEACH, self._branch):
                    drawn(_way(f"/desk/lessons/{self._branch}", ("没听懂的话", "Not understood")))
            with ui.element("div").classes("wide"):
                drawn(figures_html(view, self._desk.labels), "figures")
                drawn(funnel_html(view["funnel"]))
            with ui.element("aside"):
                self._tasks(view)
                drawn(comments_html(view["comments"]))

    def _tasks(self, view: dict[str, Any]) -> None:
        with ui.element("section").classes("sheet tasks").props('id="tasks"'):
            drawn(f"<h3>{both(('低分要处理', 'Low scores to look into'))}</h3>{handling_html(view['handling'])}")
            if not view["tasks"]:
                drawn(f'<p class="quiet">{both(("没有待办。", "Nothing to do."))}</p>')
            for row in view["tasks"]:
                with ui.element("div").classes("task-row").props(f'data-task="{row["id"]}"'):
                    drawn(task_html(row, self._desk.labels))
                    if row["closed_at"] is None and may(self._person, Right.HANDLE_OPINIONS, self._branch):
                        with ui.element("div").classes("acts-row"):
                            for outcome, pair in OUTCOMES.items():
                                button(pair, partial(self._close, row["id"], outcome), name=f"{outcome}-{row['id']}")

    async def _span(self, days: int) -> None:
        self._days = days
        await self._load()
        self._body.refresh()

    async def _close(self, task: int, outcome: Outcome) -> None:
        def work() -> bool:
            try:
                self._acts.close(self._person, self._branch, task, outcome)
            except NotOpen:
                return False
            return True

        if await attempt(work) is False:
            tell(CLOSED)
        await self._load()
        self._body.refresh()


async def voice_page(desk: Desk, acts: OpinionActs, request: Request, branch: str, back: int) -> None:
    """The week that ended last midnight, or `back` weeks before it."""
    person = frame(request, desk, "opinions", branch)
    back = min(max(back, 0), WEEKS_BACK)
    until = _midnight() - back * WEEK
    found = await attempt(partial(acts.voice, person, branch, until))
    with ui.element("main").classes("weekly-page"):
        ways = _way(f"/desk/opinions/{branch}", ("客户评价", "Opinions"))
        ways += _way(f"?back={back + 1}", ("前一周", "The week before")) if back < WEEKS_BACK else ""
        ways += _way(f"?back={back - 1}", ("后一周", "The week after")) if back else ""
        drawn(f'<div class="spans">{ways}</div>')
        if found is not None:
            drawn(weekly_html(found))


def _way(address: str, pair: Pair) -> str:
    return f'<a class="act quiet" href="{escape(address)}">{both(pair)}</a>'


def _midnight() -> datetime:
    """The end of the day that is going on, on the hub's own calendar: today is part of the week."""
    now = datetime.now().astimezone()
    return (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)).astimezone(UTC)
