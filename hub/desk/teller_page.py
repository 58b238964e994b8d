"""The remote teller's desk: the offer with its hand-over before it is accepted, the talk, the account, own figures.

The place of the video is `#video`: it is there from the accepting to the end of the talk and carries the case's id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import run, ui
from nicegui.events import KeyEventArguments

from contracts.video import CaseState, TellerState
from contracts.video_messages import Need
from hub.desk.day_panel import day_panel
from hub.desk.frame import Desk, OneByOne, attempt, button, drawn, follow, frame, named, words
from hub.desk.handover_panel import handover_html
from hub.desk.help_acts import HelpActs
from hub.desk.help_panel import HelpPanel
from hub.desk.teller_forms import ask_reason, ask_transfer, wrap_up
from hub.desk.together_acts import TogetherActs
from hub.desk.together_panel import TogetherPanel
from hub.desk.video_acts import VideoActs
from hub.desk.video_labels import CASE_STATES, HOW, TELLER_STATES, TERMS, lasting, needs
from hub.html import both, clock
from hub.labels import URGENCY
from hub.video import views
from hub.video.pool import Row
from hub.video.tables import POOL

BEAT_S: Final = 4.0  # the desk says that it is there
COUNT_S: Final = 1.0
KEYS: Final = {"a": "accept", "r": "refuse", "s": "begin", "t": "transfer", "e": "hang_up"}


class TellerPage:
    """One open page of one teller."""

    def __init__(
        self, desk: Desk, acts: VideoActs, help_acts: HelpActs, together: TogetherActs, request: Request
    ) -> None:
        self._desk, self._acts, self._together = desk, acts, together
        self._person = frame(request, desk, "teller", "")
        self._help = HelpPanel(help_acts, self._person, lambda: (self._case, self._packet))
        self._me: Row | None = None
        self._case: Row | None = None
        self._packet: dict[str, Any] | None = None
        self._why: Row | None = None
        self._figures: dict[str, Any] = {}
        self._messages: list[Row] = []
        self._waiting = 0
        self._known = (-1, -1)  # the versions of teller and case that were read
        self._acting = OneByOne()
        self._asking = False

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        await attempt(partial(self._acts.heard, self._person))
        await self._load()
        with ui.element("main").classes("teller-page"):
            with ui.element("section").classes("sheet mine").props('aria-live="polite"'):
                self._mine()
                self._row()
            with ui.element("aside").classes("side"):
                self._form()
                self._help.draw()
                self._told()
                self._around()
                day_panel()
            await TogetherPanel(self._desk, self._together, self._person, lambda: self._case).draw()
        ui.keyboard(on_key=self._key, repeating=False)
        follow(self._desk, POOL, self._redraw)
        ui.timer(BEAT_S, self._beat)
        ui.timer(COUNT_S, self._count)

    async def _beat(self) -> None:
        await attempt(partial(self._acts.heard, self._person))

    async def _load(self) -> None:
        await run.io_bound(self._read)

    def _read(self) -> None:
        """In a thread: everything that the page shows."""
        store, now = self._desk.hub.store, datetime.now(UTC)
        self._me = views.teller_of(store, self._person.name)
        held = self._me["video_case"] if self._me else ""
        case = views.case_of(store, held) if held else None
        self._case = case if case is not None and case["teller"] == self._person.name else None
        self._messages = self._acts.messages(self._person)
        self._waiting = views.waiting(store)
        known = (self._me["version"] if self._me else 0, self._case["version"] if self._case else 0)
        if known == self._known:
            return  # others changed something: nothing of what is read below
        self._known = known
        self._packet = self._acts.packet(self._person, held) if self._case is not None else None
        self._why = views.decision_of(store, held) if self._case is not None else None
        self._figures = views.figures_of(store, self._person.name, now)

    async def _redraw(self) -> None:
        before, case, could = (self._packet, self._state), self._held, self._can_do
        await self._load()
        self._mine.refresh()
        if self._can_do != could:  # a button that is drawn anew while it is pressed was pressed in vain
            self._row.refresh()
        self._around.refresh()
        if (self._packet, self._state) != before or self._held != case:  # else whoever reads or writes is disturbed
            if self._state is CaseState.WRAPPING_UP:
                await self._help.read()  # the account is drafted from it
            self._told.refresh()
            self._form.refresh()

    @property
    def _held(self) -> str:
        return self._case["video_case"] if self._case else ""

    @property
    def _state(self) -> CaseState | None:
        return CaseState(self._case["state"]) if self._case else None

    @property
    def _doing(self) -> TellerState:
        return TellerState(self._me["state"]) if self._me else TellerState.OFFLINE

    # --- what it shows --------------------------------------------------------------------------

    @ui.refreshable_method
    def _mine(self) -> None:
        state = TELLER_STATES[self._doing.value]
        drawn(f'<p><span class="chip teller-{self._doing.value}" id="doing">{both(state)}</span></p>')
        if self._case is None:
            self._alone()
            return
        self._visitor(self._case)
        self._video(self._case)

    @property
    def _can_do(self) -> tuple[Any, ...]:
        """What the buttons hang on."""
        return self._held, self._state, self._doing, bool(self._me and self._me["then_break"])

    @ui.refreshable_method
    def _row(self) -> None:
        with ui.element("div").classes("acts-row"):
            if self._case is None:
                self._buttons_alone()
            else:
                self._buttons()

    def _alone(self) -> None:
        waiting = self._waiting
        words((f"{waiting} 人等候", f"{waiting} waiting") if waiting else ("没有人等", "Nobody waits"), "lead")

    def _buttons_alone(self) -> None:
        if self._doing in (TellerState.OFFLINE, TellerState.BREAK):
            button(("开始接待", "Ready"), self._ready, css="primary next", name="ready")
        if self._doing in (TellerState.OFFLINE, TellerState.READY):
            button(("小休", "Break"), self._rest, name="break")
        if self._doing in (TellerState.READY, TellerState.BREAK):
            button(("下班", "Sign off"), self._off, name="off")

    def _visitor(self, case: Row) -> None:
        chips = "".join(f'<span class="chip">{both(pair)}</span>' for pair in needs(case, self._desk.labels))
        level = f'<span class="chip {case["level"]}">{both(URGENCY[case["level"]])}</span>'
        since = both(lasting((datetime.now(UTC) - case["came"]).total_seconds()))
        branch = both(self._desk.labels.branch(case["branch"]))
        drawn(
            f'<h2 id="case" data-case="{escape(case["video_case"])}">{branch}</h2>'
            f'<p class="chips">{level}{chips}</p><p><span class="chip case-{case["state"]}">'
            f'{both(CASE_STATES[case["state"]])}</span> <span class="age">{both(("等了", "waited"))} {since}</span></p>'
        )
        if case["note"]:
            drawn(f'<p class="note">{both(("上一位柜员：", "The teller before: "))}{escape(case["note"])}</p>')

    def _video(self, case: Row) -> None:
        """The picture: `static/call.js` mounts the call into its element."""
        if self._state not in (CaseState.CONNECTING, CaseState.TALKING, CaseState.RECONNECTING):
            return
        said = {
            CaseState.CONNECTING: ("正在接通……", "Connecting …"),
            CaseState.TALKING: ("通话中", "Talking"),
            CaseState.RECONNECTING: ("对方断线，等待重连……", "The connection was lost, waiting …"),
        }[self._state]
        drawn(
            f'<div id="video" class="video {self._state.value}" data-case="{escape(case["video_case"])}" role="region" '
            f'aria-label="video"><p>{both(said)}</p><div data-call="{escape(case["video_case"])}" '
            f'data-branch="{escape(case["branch"])}" data-desk="yes"></div></div>'
        )

    def _buttons(self) -> None:
        match self._state:
            case CaseState.OFFERED:
                self._counting()
                button(("接听", "Accept"), self._accept, key="A", css="primary next", name="accept")
                button(("拒接…", "Refuse …"), self._refuse, key="R", name="refuse")
            case CaseState.CONNECTING:
                button(("已接通", "We see each other"), self._begin, key="S", css="primary", name="begin")
                button(("转给别人…", "Pass on …"), self._transfer, key="T", name="transfer")
            case CaseState.TALKING | CaseState.RECONNECTING:
                button(("结束通话", "End the call"), self._hang_up, key="E", css="primary", name="hang_up")
                button(("转给别人…", "Pass on …"), self._transfer, key="T", name="transfer")
        if self._me is not None and self._doing is not TellerState.OFFERED and not self._me["then_break"]:
            button(("之后小休", "Then a break"), self._rest, name="break")
        elif self._me is not None and self._me["then_break"]:
            words(("之后小休", "A break follows"), "quiet")

    @ui.refreshable_method
    def _counting(self) -> None:
        """How long the offer stands."""
        until = self._case["deadline"] if self._case else None
        if until is None or self._state is not CaseState.OFFERED:
            return
        left = max(0, round((until - datetime.now(UTC)).total_seconds()))
        words((f"{left} 秒内请接听", f"{left} s to answer"), "quiet counting")

    def _count(self) -> None:
        if self._state is CaseState.OFFERED:
            self._counting.refresh()

    @ui.refreshable_method
    def _told(self) -> None:
        """The hand-over, from the offer on; and why the visitor came to this teller."""
        if self._case is None:
            return
        if self._packet is not None:
            drawn(handover_html(self._packet, self._desk.labels), "sheet handover")
        else:
            drawn(f"<p>{both(('没有交接单。', 'There is no hand-over.'))}</p>", "sheet handover")
        if self._why is not None:
            drawn(why_html(self._why), "sheet why")

    @ui.refreshable_method
    def _form(self) -> None:
        if self._case is not None and self._state is CaseState.WRAPPING_UP:
            facts, code = self._help.facts(), self._help.code(self._case["talk_s"])
            wrap_up(self._case, self._packet, self._desk.labels, self._file, facts, code)

    @ui.refreshable_method
    def _around(self) -> None:
        figures = self._figures
        rows = (
            (("今天通话", "Talks in 24 h"), str(figures.get("talks", 0))),
            (("平均分钟", "Mean minutes"), _or_dash(figures.get("mean_min"))),
            (("客户评分", "Rated"), f"{_or_dash(figures.get('score'))} ({figures.get('opinions', 0)})"),
            (("最近一小时通话", "Of the last hour"), f"{figures.get('load', 0.0):.0%}"),
            (("拒接", "Refused"), str(figures.get("refused", 0))),
            (("转出", "Passed on"), str(figures.get("transferred", 0))),
        )
        body = "".join(f"<dt>{both(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows)
        drawn(f'<h3>{both(("我的数字", "My figures"))}</h3><dl id="figures">{body}</dl>', "sheet figures")
        if self._messages:
            with ui.element("section").classes("sheet messages"):
                drawn(f"<h3>{both(('客户留言', 'Messages left'))}<span>{len(self._messages)}</span></h3>")
                for row in self._messages[:5]:
                    self._message(row)

    def _message(self, row: Row) -> None:
        key = (row["branch"], row["device"], row["log"], row["seq"])
        with ui.element("div").classes("aside-row"):
            service = both(self._desk.labels.service(row["service"]))
            drawn(f"<p>{clock(row['at'])} {service}<br>{escape(row['text'])}</p>")
            button(("已读", "Read"), partial(self._act, partial(self._acts.message_read, self._person, key)),
                   name="message-read")  # fmt: skip

    # --- what it does ---------------------------------------------------------------------------

    async def _act(self, work: partial[Any]) -> None:
        await self._acting.do(named(work), partial(attempt, work), self._redraw)

    async def _ready(self) -> None:
        await self._act(partial(self._acts.ready, self._person))

    async def _rest(self) -> None:
        await self._act(partial(self._acts.rest, self._person))

    async def _off(self) -> None:
        await self._act(partial(self._acts.off, self._person))

    async def _accept(self) -> None:
        await self._act(partial(self._acts.accept, self._person, self._held))

    async def _begin(self) -> None:
        await self._act(partial(self._acts.begin, self._person, self._held))

    async def _hang_up(self) -> None:
        await self._act(partial(self._acts.hang_up, self._person, self._held))

    async def _refuse(self) -> None:
        held = self._held
        if self._asking:
            return
        self._asking = True  # a second question would lie over the first
        try:
            reason = await ask_reason()
        finally:
            self._asking = False
        if reason is not None:
            await self._act(partial(self._acts.refuse, self._person, held, reason))

    async def _transfer(self) -> None:
        case = self._case
        if case is None:
            return
        found: tuple[Need, str] | None = await ask_transfer(case, self._desk.labels)
        if found is not None:
            await self._act(partial(self._acts.transfer, self._person, case["video_case"], *found))

    async def _file(self, code: Any, summary: str) -> None:
        await self._act(partial(self._acts.file, self._person, self._held, code, summary))

    async def _key(self, event: KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        name = KEYS.get(str(event.key).lower(), "")
        if name in ACTS.get(self._state, ()):
            act: Callable[[], Awaitable[None]] = getattr(self, f"_{name}")
            await act()


ACTS: Final[dict[CaseState | None, tuple[str, ...]]] = {
    CaseState.OFFERED: ("accept", "refuse"),
    CaseState.CONNECTING: ("begin", "transfer"),
    CaseState.TALKING: ("hang_up", "transfer"),
    CaseState.RECONNECTING: ("hang_up", "transfer"),
}
"""What can be done by key in each state."""


def why_html(decision: Row) -> str:
    """The reasons of one decision: each term with what it counted."""
    rows = "".join(
        f"<li>{both(TERMS.get(name, (name, name)))}<b>{value:+.1f}</b></li>"
        for name, value in sorted(decision["terms"].items(), key=lambda one: -abs(one[1]))
        if value
    )
    score = sum(decision["terms"].values())
    return (
        f'<h3>{both(("为什么是您", "Why you"))}<span class="chip">{both(HOW[decision["how"]])}</span></h3>'
        f'<ul class="terms">{rows}<li class="sum">{both(("合计", "Sum"))}<b>{score:.1f}</b></li></ul>'
    )


def _or_dash(value: Any) -> str:
    return "—" if value is None else str(value)
