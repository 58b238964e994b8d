"""The manager's page of what is coming: today's arrivals, counters needed, 'what if', dispatch and its log, errors."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from fastapi import Request
from nicegui import run, ui

from hub.accounts.rights import Right, may
from hub.desk.foresight_acts import ForesightActs, Staffing
from hub.desk.foresight_html import (
    DAYS,
    KINDS,
    acts_html,
    arrivals_html,
    need_html,
    quarter_of,
    scores_html,
    what_if_html,
)
from hub.desk.frame import Desk, attempt, button, drawn, follow, frame, tell, words
from hub.foresight.dispatch_rule import Kind, Rules
from hub.foresight.records import midnight
from hub.html import both

STEPS: Final = (5, 10, 15, 20, 30, 45)  # minutes of the threshold that can be chosen
SHOWN: Final = 12  # acts of today
FACTORS: Final = {0.8: "−20%", 0.9: "−10%", 1.0: "±0", 1.1: "+10%", 1.2: "+20%", 1.5: "+50%"}


class ForesightPage:
    """One open page."""

    def __init__(self, desk: Desk, acts: ForesightActs, request: Request, branch: str) -> None:
        self._desk, self._acts, self._branch = desk, acts, branch
        self._person = frame(request, desk, "foresight", branch)
        self._manages = may(self._person, Right.SUPERVISE, branch)
        self._rules = Rules()
        self._log: list[dict[str, Any]] = []
        self._drawn: dict[str, str] = {"today": "", "tomorrow": "", "scores": ""}
        self._staffing: Staffing | None = None
        self._asked = False

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        await self._load()
        with ui.element("main").classes("floor foresight"):
            with ui.element("div").classes("wide"):
                self._arrivals()
                with ui.element("section").classes("sheet"):
                    drawn(f"<h3>{both(('如果……', 'What if …'))}</h3>")
                    self._plans()
                self._need()
                self._scores()
            with ui.element("aside"):
                with ui.element("section").classes("sheet dispatch"):
                    self._dispatch()
                if self._manages:
                    with ui.element("section").classes("sheet"):
                        self._corrections()
        follow(self._desk, self._branch, self._redraw)

    async def _load(self) -> None:
        found = await attempt(self._read)
        if found is not None:
            self._drawn, self._rules, self._log = found

    def _read(self) -> tuple[dict[str, str], Rules, list[dict[str, Any]]]:
        """In a thread."""
        hub, labels, branch, now = self._desk.hub, self._desk.labels, self._branch, datetime.now(UTC)
        forecaster = hub.forecaster
        today = forecaster.today(now)
        tomorrow = today + timedelta(days=1)
        quarter = quarter_of(now, hub.foresight.zone_min)
        came = forecaster.came(branch, today)
        shown = {
            "today": arrivals_html(
                forecaster.day(branch, today, now), came, quarter, forecaster.kinds(branch, today), labels,
                ("今天谁会来", "Who comes today"),
            ),
            "tomorrow": arrivals_html(
                forecaster.day(branch, tomorrow, now), {}, 0, forecaster.kinds(branch, tomorrow), labels,
                ("明天", "Tomorrow"),
            ),
            "scores": scores_html(forecaster.scores(branch, now), forecaster.misses(branch, now), labels),
        }  # fmt: skip
        return (
            shown,
            hub.dispatcher.rules_of(branch),
            hub.dispatcher.acts_of(branch, midnight(today.isoformat(), hub.foresight.zone_min), SHOWN),
        )

    async def _redraw(self) -> None:
        before = self._drawn, self._rules, self._log
        await self._load()
        if before[0] != self._drawn:
            self._arrivals.refresh()
            self._scores.refresh()
        if before[1:] != (self._rules, self._log):
            self._dispatch.refresh()

    @ui.refreshable_method
    def _arrivals(self) -> None:
        drawn(self._drawn["today"] + self._drawn["tomorrow"])

    @ui.refreshable_method
    def _scores(self) -> None:
        drawn(self._drawn["scores"])

    @ui.refreshable_method
    def _plans(self) -> None:
        if self._staffing is not None:
            drawn(what_if_html(self._staffing.plans))
            words(("每个方案把今天剩下的时间演 12 遍", "The rest of today, played twelve times for each plan"), "quiet")
        elif self._asked:
            words(("还说不准：记录太少", "Cannot say yet: too few records"), "quiet")
        button(("算一算", "Work it out"), self._ask, css="primary", name="what-if")

    @ui.refreshable_method
    def _need(self) -> None:
        if self._staffing is not None:
            now = quarter_of(datetime.now(UTC), self._desk.hub.foresight.zone_min)
            drawn(need_html(self._staffing.need, self._staffing.planned, now, self._desk.labels))

    async def _ask(self) -> None:
        self._staffing = await attempt(partial(self._acts.staffing, self._branch, datetime.now(UTC), self._desk.labels))
        self._asked = True
        self._plans.refresh()
        self._need.refresh()

    @ui.refreshable_method
    def _dispatch(self) -> None:
        drawn(f"<h3>{both(('调度', 'Dispatch'))}</h3>")
        rules = self._rules
        if self._manages:
            pair = ("关掉", "Switch off") if rules.watches else ("打开", "Switch on")
            with ui.element("div").classes("acts-row"):
                button(pair, partial(self._set, replace(rules, watches=not rules.watches)), name="dispatch-switch")
                ui.select({one: f"{one} 分钟 min" for one in STEPS}, value=rules.most_wait_min, label="最长等候 Limit",
                          on_change=lambda event: self._set(replace(rules, most_wait_min=event.value)))  # fmt: skip
            words(("可以自己做的（其余只建议）：", "May be done by itself (the rest is advised):"), "quiet")
            for kind in Kind:
                ui.checkbox(" ".join(KINDS[kind]), value=kind in rules.acts,
                            on_change=partial(self._permit, kind)).props(f'data-kind="{kind}"')  # fmt: skip
        else:
            state = ("已打开", "On") if rules.watches else ("已关掉", "Off")
            words(state, "lead")
        drawn(acts_html(self._log, self._desk.labels))

    async def _permit(self, kind: Kind, event: Any) -> None:
        acts = self._rules.acts | {kind} if event.value else self._rules.acts - {kind}
        await self._set(replace(self._rules, acts=acts))

    async def _set(self, rules: Rules) -> None:
        await attempt(lambda: self._acts.allow(self._person, self._branch, rules))
        await self._redraw()

    def _corrections(self) -> None:
        """A person knows better, or knows what a day will be."""
        drawn(f"<h3>{both(('我知道得更多', 'I know better'))}</h3>")
        today = self._desk.hub.forecaster.today(datetime.now(UTC))
        days = {(today + timedelta(days=at)).isoformat(): f"{today + timedelta(days=at):%m-%d %a}" for at in range(31)}
        services = {one: " ".join(self._desk.labels.service(one)) for one in self._desk.labels.services}
        day = ui.select(days, value=(today + timedelta(days=1)).isoformat(), label="哪天 Day")
        kind = ui.select({one: " ".join(DAYS[one]) for one in DAYS}, label="是什么日子 What it is")
        button(("记下", "Note it"), lambda: self._know(day.value, kind.value), name="know")
        service = ui.select(services, value=next(iter(services), None), label="业务 Service")
        factor = ui.select(FACTORS, value=1.0, label="比预测 Against the forecast")
        button(("改预测", "Correct"), lambda: self._correct(day.value, service.value, factor.value), name="correct")

    async def _know(self, day: str, kind: str | None) -> None:
        if kind:
            when = datetime.fromisoformat(day).date()
            await attempt(lambda: self._acts.know(self._person, self._branch, when, kind))
            await run.io_bound(self._desk.hub.forecaster.forget_fit, self._branch)
            tell(("记下了。", "Noted."))
            await self._redraw()

    async def _correct(self, day: str, service: str | None, factor: float) -> None:
        if service:
            when = datetime.fromisoformat(day).date()
            await attempt(lambda: self._acts.correct(self._person, self._branch, when, service, factor))
            tell(("改好了；模型自己的数留着比。", "Corrected; the model's own figure is kept beside it."))
            await self._redraw()
