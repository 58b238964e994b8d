"""The supervisor's board: who waits for a teller, who talks with whom, why each decision was made; and a hand in it."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import run, ui

from hub.desk.frame import Desk, attempt, button, drawn, follow, frame, tell, words
from hub.desk.together_acts import TogetherActs
from hub.desk.together_board import SecondsPanel
from hub.desk.video_acts import VideoActs
from hub.desk.video_labels import CASE_STATES, HOW, LACKS, TELLER_STATES, TERMS, lasting, needs
from hub.html import both, clock
from hub.labels import URGENCY, Pair
from hub.video import views
from hub.video.pool import Row
from hub.video.tables import POOL

TERMS_SHOWN: Final = 4
EMPTY: Final[dict[str, Any]] = {"line": [], "held": {}, "tellers": [], "offline": 0, "decisions": []}


class BoardPage:
    """One open board."""

    def __init__(self, desk: Desk, acts: VideoActs, together: TogetherActs, request: Request) -> None:
        self._desk, self._acts, self._together = desk, acts, together
        self._person = frame(request, desk, "tellers", "")
        self._branches: frozenset[str] = frozenset()
        self._now: dict[str, Any] = EMPTY

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        self._branches = await attempt(partial(self._acts.supervised, self._person)) or frozenset()
        await self._load()
        with ui.element("main").classes("two tellers-board"):
            await SecondsPanel(self._desk, self._together, self._person).draw()
            with ui.element("section").classes("sheet"):
                self._line()
            with ui.element("section").classes("sheet"):
                self._team()
            with ui.element("section").classes("sheet decisions"):
                self._why()
        follow(self._desk, POOL, self._redraw)

    async def _load(self) -> None:
        hub = self._desk.hub
        found = await run.io_bound(views.board, hub.store, hub.rules, datetime.now(UTC))
        if found is not None:
            self._now = found

    async def _redraw(self) -> None:
        await self._load()
        for part in (self._line, self._team, self._why):
            part.refresh()

    def _mine(self, row: Row) -> bool:
        return "*" in self._branches or row["branch"] in self._branches

    @ui.refreshable_method
    def _line(self) -> None:
        line = [row for row in self._now["line"] if self._mine(row)]
        drawn(f"<h3>{both(('等候', 'Waiting'))}<span>{len(line)}</span></h3>")
        if not line:
            words(("没有人等", "Nobody waits"), "quiet")
        for row in line:
            self._waiting(row)

    def _waiting(self, row: dict[str, Any]) -> None:
        chips = "".join(f'<span class="chip">{both(pair)}</span>' for pair in needs(row, self._desk.labels))
        expected = row["wait_min"]
        told: Pair = ("没有合适的柜员在岗", "nobody on duty can")
        if expected is not None:
            told = (f"预计 {expected[0]}–{expected[1]} 分钟", f"about {expected[0]}–{expected[1]} min")
        with ui.element("div").classes("aside-row").props(f'data-case="{escape(row["video_case"])}"'):
            drawn(
                f'<div><span class="chip {row["level"]}">{both(URGENCY[row["level"]])}</span>{chips}<p class="age">'
                f"{both(self._desk.labels.branch(row['branch']))} · {both(('等了', 'waited'))} "
                f"{both(lasting(row['waited_s']))} · {both(told)}</p></div>"
            )
            button(("指派…", "Assign …"), partial(self._assign, row["video_case"]), name="assign")

    @ui.refreshable_method
    def _team(self) -> None:
        people, offline = self._now["tellers"], self._now["offline"]
        away = both((f"（{offline} 离线）", f"({offline} offline)"))
        drawn(f"<h3>{both(('柜员', 'Tellers'))}<span>{len(people)} {away}</span></h3>")
        for row in people:
            case = self._now["held"].get(row["video_case"])
            since = lasting((datetime.now(UTC) - row["since"]).total_seconds())
            shown = ""
            if case is not None and self._mine(case):
                service, branch = self._desk.labels.service(case["service"]), self._desk.labels.branch(case["branch"])
                chip = f'<span class="chip case-{case["state"]}">{both(CASE_STATES[case["state"]])}</span>'
                shown = f"{chip}{both(service)} {both(branch)}"
            with ui.element("div").classes("aside-row").props(f'data-teller="{escape(row["person"])}"'):
                drawn(
                    f'<div><b>{escape(row["person"])}</b> <span class="chip teller-{row["state"]}">'
                    f'{both(TELLER_STATES[row["state"]])}</span> <span class="age">{both(since)}</span> {shown}</div>'
                )
                if case is not None and case["state"] == "offered" and self._mine(case):
                    button(("改派…", "Give to another …"), partial(self._assign, case["video_case"]), name="reassign")

    @ui.refreshable_method
    def _why(self) -> None:
        drawn(f"<h3>{both(('为什么这样分配', 'Why it went so'))}</h3>")
        rows = "".join(decision_html(row) for row in self._now["decisions"] if self._mine(row))
        drawn(f'<ol class="line">{rows or both(("还没有。", "Nothing yet."))}</ol>')

    async def _assign(self, case: str) -> None:
        hub = self._desk.hub
        found = await run.io_bound(views.able, hub.store, hub.rules, case, datetime.now(UTC)) or []
        if not found:
            tell(("没有空闲的柜员。", "No teller is free."))
            return
        with ui.dialog() as dialog, ui.element("section").classes("sheet choose"):
            words(("交给谁？", "To whom?"), "lead")
            for name, lacking in found:
                pair: Pair = (name, name)
                if lacking:
                    missing = LACKS.get(lacking, (lacking, lacking))
                    pair = (f"{name}（缺：{missing[0]}）", f"{name} (lacks: {missing[1]})")
                made = button(pair, partial(dialog.submit, name), name=f"to-{name}")
                if lacking:
                    made.props("disabled")
        chosen = await dialog
        dialog.clear()
        if chosen:
            await attempt(partial(self._acts.assign, self._person, case, chosen))
            await self._redraw()


def decision_html(row: Row) -> str:
    """One decision: to whom, after how long, and the terms that counted most."""
    terms = sorted(((name, value) for name, value in row["terms"].items() if value), key=lambda one: -abs(one[1]))
    counted = " ".join(
        f"<span>{both(TERMS.get(name, (name, name)))} {value:+.1f}</span>" for name, value in terms[:TERMS_SHOWN]
    )
    count = row["passed_over"]
    over = f" · {both((f'越过 {count} 人', f'passed over {count}'))}" if count else ""
    waited = f"{both(('等了', 'waited'))} {both(lasting(row['waited_s']))}"
    return (
        f'<li data-case="{escape(row["video_case"])}"><div>{clock(row["at"])} <b>{escape(row["teller"])}</b> '
        f'<span class="chip">{both(HOW[row["how"]])}</span> {waited}{over}'
        f'<p class="age terms-short">{counted}</p></div></li>'
    )
