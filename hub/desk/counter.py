"""The clerk's desk: one number at a time, every act one key, what somebody else did shown within half a second."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import run, ui
from nicegui.events import KeyEventArguments

from contracts.tickets import TicketEvent, TicketState, step
from hub.accounts.rights import Person
from hub.desk.floor import AtCounter, Floor, Waiting, look
from hub.desk.frame import Desk, OneByOne, attempt, button, drawn, follow, frame, tell, words
from hub.desk.handover_panel import handover_html
from hub.foresight.posts import CounterPost, posts_of
from hub.html import both, minutes
from hub.labels import LANES, PRIORITIES, TICKET_STATES, Pair

E = TicketEvent
MAX_SHOWN: Final = 12
# what can be done with the number at the counter, with its key; shown where the table of states allows it
ACTIONS: Final[tuple[tuple[str, TicketEvent, Pair, str], ...]] = (
    ("s", E.SERVING_BEGAN, ("开始办理", "Begin"), "primary"),
    ("d", E.FINISHED, ("办好了", "Done"), "primary"),
    ("r", E.RECALLED, ("再叫一次", "Call again"), "quiet"),
    ("m", E.MISSED, ("人没来", "Not here"), "quiet"),
    ("p", E.PARKED, ("先放一放", "Set aside"), "quiet"),
    ("b", E.REQUEUED, ("退回队列", "Back in line"), "quiet"),
)
PAUSES_MIN: Final = (10, 45)
COUNTERS: Final = [str(number) for number in range(1, 21)]


class CounterPage:
    """One open page: its counter, the services it calls, and what it shows."""

    def __init__(self, desk: Desk, request: Request, branch: str) -> None:
        self._desk, self._branch, self._labels, self._acts = desk, branch, desk.labels, desk.acts
        self._person = frame(request, desk, "counter", branch)
        known = list(desk.labels.services)
        asked = [one for one in request.query_params.get("services", "").split(",") if one]
        self._counter = request.query_params.get("counter", "1")[:20]
        self._services = [one for one in asked if one in known] or known
        self._floor = Floor(day="")
        self._packet: dict[str, Any] | None = None  # of the visitor at this counter
        self._mark: str | None = None  # which one that is: it is read, and recorded as read, once
        self._post: CounterPost | None = None  # as the hub has this counter
        self._acting = OneByOne()

    @property
    def _calls(self) -> list[str]:
        """What this counter calls: its clerk's choice, and what the floor needs besides."""
        return [
            *self._services,
            *(one for one in (self._post.extra if self._post else ()) if one not in self._services),
        ]

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        await self._load()
        with ui.element("main").classes("counter-page"):
            with ui.element("section").classes("sheet mine").props('aria-live="polite"'):
                self._mine()
            with ui.element("aside").classes("side"):
                self._told()
                self._lines()
                self._settings()
        ui.keyboard(on_key=self._key, repeating=False)
        follow(self._desk, self._branch, self._redraw)

    async def _load(self) -> None:
        floor = await run.io_bound(look, self._desk.hub.store, self._branch, self._labels)
        if floor is not None:
            self._floor = floor
        posts = await run.io_bound(posts_of, self._desk.hub.store, self._branch, datetime.now(UTC)) or []
        self._post = next((one for one in posts if one.counter == self._counter), None)
        now = self._current
        mark = await attempt(partial(self._acts.handover_mark, *self._of(now))) if now is not None else None
        if now is None or mark is None:
            self._packet = self._mark = None
        elif mark != self._mark:
            self._packet = await attempt(partial(self._acts.handover, *self._of(now)))
            self._mark = mark if self._packet is not None else None

    def _of(self, now: AtCounter) -> tuple[Person, str, str, str]:
        return self._person, self._branch, now.day, now.number

    async def _redraw(self) -> None:
        before = self._packet
        await self._load()
        self._mine.refresh()
        self._lines.refresh()
        if self._packet != before:  # else whoever reads it would lose the place
            self._told.refresh()

    @property
    def _current(self) -> AtCounter | None:
        """The number at this counter."""
        mine = [one for one in self._floor.counters if one.counter == self._counter and one.number]
        return mine[-1] if mine else None

    # --- what it shows --------------------------------------------------------------------------

    @ui.refreshable_method
    def _mine(self) -> None:
        now = self._current
        words((f"{self._counter} 号窗口", f"Counter {self._counter}"), "at")
        if now is None or now.state is None:
            drawn('<p class="number none">—</p>')
            words(("现在没有叫号", "Nobody is called"), "lead")
        else:
            drawn(f'<p class="number" id="current">{escape(now.number)}</p>')
            words(self._labels.service(now.service), "lead")
            state = TICKET_STATES[now.state.value]
            age = both(minutes(now.since_min))
            drawn(f'<p><span class="chip {now.state.value}">{both(state)}</span> <span class="age">{age}</span></p>')
        with ui.element("div").classes("acts-row"):
            if now is not None and now.state is not None:
                self._actions(now.state)
        pair = ("叫下一位", "Call next")
        if now is not None and now.state is TicketState.SERVING:
            pair = ("办好，叫下一位", "Done, call next")
        waiting = sum(one.waiting for one in self._floor.lines if one.service in self._calls)
        made = button(pair, self._next, key="空格 Space", css="primary next", name="next")
        if not waiting or (now is not None and now.state in (TicketState.CALLED, TicketState.RECALLED)):
            made.props("disabled")
        hint = ("后面没有人等", "Nobody waits") if not waiting else (f"还有 {waiting} 人等", f"{waiting} waiting")
        words(hint, "quiet")
        self._standing()

    def _standing(self) -> None:
        """What the floor asks of this counter, and whether its clerk is there."""
        post = self._post
        for service in post.extra if post is not None else ():
            chinese, english = self._labels.service(service)
            words((f"大堂忙，请也叫{chinese}", f"The floor is busy: please call {english or service} too"), "asked")
        away = post is not None and post.doing == "pause"
        if away and post is not None:
            until = "" if post.back_at is None else f" {post.back_at.astimezone():%H:%M}"
            words((f"暂停中{until}", f"Paused{until}"), "lead")
        with ui.element("div").classes("acts-row"):
            if away or (post is not None and post.doing == "closed"):
                button(("我回来了", "I am back"), partial(self._stand, "open"), css="primary", name="back")
            else:
                for pause_min in PAUSES_MIN:
                    pair = (f"离开 {pause_min} 分钟", f"Away {pause_min} min")
                    button(pair, partial(self._stand, "pause", pause_min), name=f"pause-{pause_min}")
                button(("关窗口", "Close"), partial(self._stand, "closed"), name="close")

    async def _stand(self, doing: str, pause_min: int = 0) -> None:
        async def work() -> None:
            await attempt(
                lambda: self._acts.set_counter(
                    self._person, self._branch, self._services, self._counter, doing, pause_min
                )
            )

        await self._acting.do(doing, work, self._redraw)

    @ui.refreshable_method
    def _told(self) -> None:
        """What the visitor at this counter said before, where a person was called for them."""
        if self._packet is not None:
            drawn(handover_html(self._packet, self._labels), "sheet handover")

    def _actions(self, state: TicketState) -> None:
        """The buttons for the number at this counter."""
        for key, event, pair, css in ACTIONS:
            if step(state, event) is not None:
                button(pair, partial(self._act, event), key=key.upper(), css=css, name=event.value)
        if step(state, E.TRANSFERRED):
            button(("转到别的业务", "Move on"), self._move, key="T", name="transfer")

    @ui.refreshable_method
    def _lines(self) -> None:
        mine = [one for one in self._floor.waiting if one.service in self._calls]
        rows = "".join(self._row(one) for one in mine[:MAX_SHOWN])
        empty = f'<li class="quiet">{both(("没有人等", "Nobody waits"))}</li>'
        drawn(
            f'<h3>{both(("接下来", "Next"))}<span>{len(mine)}</span></h3><ol class="line">{rows or empty}</ol>', "sheet"
        )
        if self._floor.aside:
            with ui.element("section").classes("sheet"):
                drawn(f"<h3>{both(('暂放和过号', 'Aside and missed'))}<span>{len(self._floor.aside)}</span></h3>")
                for one in self._floor.aside[:MAX_SHOWN]:
                    self._aside(one)

    def _row(self, one: Waiting) -> str:
        chips = ""
        if one.priority != "none":
            chips += f'<span class="chip human">{both(PRIORITIES.get(one.priority, (one.priority, "")))}</span>'
        if one.lane != "counter":
            chips += f'<span class="chip">{both(LANES.get(one.lane, (one.lane, "")))}</span>'
        late = " late" if one.waited_min >= 30 else ""
        return (
            f'<li id="w-{escape(one.number)}"><b class="number">{escape(one.number)}</b>'
            f"{both(self._labels.service(one.service), 'stacked')}{chips}"
            f'<span class="age{late}">{both(minutes(one.waited_min))}</span></li>'
        )

    def _aside(self, one: Waiting) -> None:
        with ui.element("div").classes("aside-row"):
            drawn(f'<b class="number">{escape(one.number)}</b>')
            drawn(f'<span class="chip {one.state.value}">{both(TICKET_STATES[one.state.value])}</span>')
            event = E.CALLED if step(one.state, E.CALLED) else E.RECALLED
            button(("叫", "Call"), lambda: self._act(event, one.number, one.day), name=f"call-{one.number}")
            if step(one.state, E.REQUEUED):
                button(
                    ("回队列", "Line"), lambda: self._act(E.REQUEUED, one.number, one.day), name=f"back-{one.number}"
                )

    def _settings(self) -> None:
        with ui.element("details").classes("sheet settings"):
            with ui.element("summary"):
                words(("窗口和业务", "Counter and services"))
            ui.select(COUNTERS if self._counter in COUNTERS else [self._counter, *COUNTERS], value=self._counter,
                      label="窗口 Counter", on_change=lambda event: self._set(counter=event.value))  # fmt: skip
            options = {one: " ".join(self._labels.service(one)) for one in self._labels.services}
            ui.select(options, value=self._services, multiple=True, label="业务 Services",
                      on_change=lambda event: self._set(services=event.value))  # fmt: skip

    # --- what it does ---------------------------------------------------------------------------

    async def _set(self, counter: str | None = None, services: list[str] | None = None) -> None:
        self._counter = counter or self._counter
        self._services = services if services is not None else self._services
        ui.navigate.history.replace(f"?counter={self._counter}&services={','.join(self._services)}")
        await self._redraw()

    async def _next(self) -> None:
        async def work() -> None:
            now = self._current
            if now is not None and now.state in (TicketState.CALLED, TicketState.RECALLED):
                tell(("先处理这个号：开始办理，或人没来。", "First this number: begin, or not here."))
                return
            if now is not None and now.state is TicketState.SERVING:
                await self._change(E.FINISHED, now.number, now.day)
            number = await attempt(
                lambda: self._desk.acts.call_next(self._person, self._branch, self._services, self._counter) or ""
            )
            if number == "":
                tell(("没有人等了。", "Nobody waits any more."))

        await self._acting.do("next", work, self._redraw)

    async def _act(self, event: TicketEvent, number: str = "", day: str = "", service: str | None = None) -> None:
        now = self._current
        if not number and now is not None:
            number, day = now.number, now.day
        if number:
            work = partial(self._change, event, number, day, service)
            await self._acting.do(f"{event.value} {number}", work, self._redraw)

    async def _change(self, event: TicketEvent, number: str, day: str, service: str | None = None) -> None:
        await attempt(
            lambda: self._desk.acts.change(
                self._person, self._branch, day, number, event, counter=self._counter, service=service
            )
        )

    async def _move(self) -> None:
        now = self._current
        if now is None or now.state is None or step(now.state, E.TRANSFERRED) is None:
            return
        others = [one for one in self._labels.services if one != now.service]
        with ui.dialog() as dialog, ui.element("section").classes("sheet choose"):
            words((f"{now.number} 转到", f"Move {now.number} to"), "lead")
            for place, service in enumerate(others, 1):
                button(self._labels.service(service), partial(dialog.submit, service), key=str(place),
                       name=f"to-{service}")  # fmt: skip
            ui.keyboard(
                on_key=lambda event: (
                    dialog.submit(others[int(str(event.key)) - 1])
                    if event.action.keydown and str(event.key).isdecimal() and 0 < int(str(event.key)) <= len(others)
                    else None
                )
            )
        chosen = await dialog
        if chosen:
            await self._act(E.TRANSFERRED, now.number, now.day, chosen)
        dialog.clear()

    async def _key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        name = str(event.key).lower()
        if name in (" ", "n"):
            await self._next()
            return
        if name == "t":
            await self._move()
            return
        now = self._current
        found = next((one for key, one, _, _ in ACTIONS if key == name), None)
        if found is not None and now is not None and now.state is not None and step(now.state, found):
            await self._act(found)
