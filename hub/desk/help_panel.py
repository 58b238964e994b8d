"""Beside the talk: captions, feeling and risk, approved answers, questions to ask, next steps; after it, what to keep.

Everything here is advice. The captions are the terminal's own recogniser's and may be wrong; the teller's voice is
not recognised, and the page says so. Promises are looked for in what the teller writes, on the page itself, because
what is written to a visitor never passes the hub (`static/help.js`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from nicegui import run, ui

from config.teller_help import Question, TellerHelp, load_teller_help
from contracts.video import CaseState, WrapCode
from hub.accounts.rights import Person, Refused
from hub.desk.acts import SignedOut
from hub.desk.frame import attempt, button, drawn, tell, words
from hub.desk.help_acts import HelpActs
from hub.desk.help_html import meter_html, said_html, steps_html, suggested_html
from hub.html import both
from hub.labels import Pair
from hub.video import account
from hub.video.pool import Row
from hub.video.proposals import MAX_ANSWER, MAX_QUESTION, NotProposed
from hub.video.summary import read

LOOK_S: Final = 0.7  # so late at most a caption comes
SHOWN: Final = frozenset(
    {CaseState.CONNECTING, CaseState.TALKING, CaseState.RECONNECTING, CaseState.WRAPPING_UP}
)  # fmt: skip
NOT_PROPOSED: Final[dict[str, Pair]] = {
    "empty": ("请先写问题。", "Please write the question first."),
    "too_long": ("太长了。", "That is too long."),
    "full": ("待处理的建议太多，请编辑先看。", "Too many proposals are open: the editor has to look first."),
    "unknown": ("这条已经处理过了。", "This one was decided already."),
}
Current = Callable[[], tuple[Row | None, dict[str, Any] | None]]


class HelpPanel:
    """One teller's. `current`: the case that is held now and its hand-over, as the page knows them."""

    def __init__(self, acts: HelpActs, person: Person, current: Current) -> None:
        self._acts, self._person, self._current = acts, person, current
        self._help: TellerHelp = load_teller_help()
        self._case: Row | None = None
        self._heard: list[dict[str, Any]] = []
        self._ticks: frozenset[str] = frozenset()
        self._signed: list[Pair] = []
        self._shown: tuple[Any, ...] = ()
        self._asked_for: tuple[Any, ...] = ()

    def draw(self) -> None:
        """Its place on the page; it fills and empties by itself."""
        ui.add_head_html(
            f'<script type="application/json" id="promises">{promises_json(self._help)}</script>'
            '<link rel="stylesheet" href="/static/help.css"><script src="/static/help.js" defer></script>'
        )
        with ui.element("div").classes("help"):
            self._live()
            self._questions()
            self._after()
        ui.timer(LOOK_S, self._look)

    # --- for the account ------------------------------------------------------------------------

    def facts(self) -> list[Pair]:
        """What the talk adds to the drafted account."""
        if self._case is None:
            return []
        return account.talk_facts(self._heard, self._ticks, self._help, self._case["service"], self._risk, self._signed)

    def code(self, talk_s: int) -> WrapCode:
        """The outcome that the account begins with."""
        return account.suggested_code(
            self._heard, talk_s=talk_s, risk=self._risk, open_questions=self._open, signed=self._signed
        )

    async def read(self) -> None:
        """Be up to date now; the account is drafted from it."""
        await self._look()
        if self._case is not None:
            self._signed = await self._read(partial(self._acts.signed, self._person, self._case["video_case"])) or []

    # --- what is there --------------------------------------------------------------------------

    async def _look(self) -> None:
        case, _ = self._current()
        state = CaseState(case["state"]) if case else None
        if case is None or state not in SHOWN:
            self._case, self._heard, self._ticks, self._signed = None, [], frozenset(), []
        else:
            if self._case is None or self._case["video_case"] != case["video_case"]:
                self._heard = []
                self._ticks = (
                    await self._read(partial(self._acts.ticks, self._person, case["video_case"])) or frozenset()
                )
            self._case = case
            after = self._heard[-1]["number"] if self._heard else 0
            self._heard += await self._read(partial(self._acts.heard, self._person, case["video_case"], after)) or []
        self._refresh()

    async def _read(self, work: Callable[[], Any]) -> Any:
        """A look that fails says nothing: the page's own beat tells what is wrong."""
        try:
            return await run.io_bound(work)
        except (Refused, SignedOut):
            return None

    def _refresh(self) -> None:
        held = (self._case["video_case"], self._case["state"]) if self._case else ()
        shown = (*held, len(self._heard), self._ticks)
        if shown == self._shown:
            return
        over = held[1:] != self._shown[1:2]
        self._shown = shown
        self._live.refresh()
        asked_for = (*held, tuple(row.id for row in self._required))
        if asked_for != self._asked_for:  # else the ticks that are being set would be drawn anew
            self._asked_for = asked_for
            self._questions.refresh()
        if over:
            self._after.refresh()

    @property
    def _packet(self) -> Any:
        return read(self._current()[1])

    @property
    def _risk(self) -> str:
        packet = self._packet
        return account.risk_of(self._heard, packet.risk.level if packet and packet.risk else "low")

    @property
    def _required(self) -> tuple[Question, ...]:
        return self._help.required(self._case["service"], self._risk) if self._case else ()

    @property
    def _open(self) -> int:
        return sum(row.id not in self._ticks for row in self._required)

    # --- what it shows --------------------------------------------------------------------------

    @ui.refreshable_method
    def _live(self) -> None:
        case = self._case
        if case is None:
            return
        packet = self._packet
        with ui.element("section").classes("sheet talk").props('id="talk"'):
            drawn(meter_html(self._heard, packet, self._risk), "meters")
            wrapping = case["state"] == CaseState.WRAPPING_UP
            drawn(said_html(self._heard, quoting=wrapping), "captions").props('aria-live="polite" id="captions"')
            if wrapping:
                return
            drawn(suggested_html(self._heard), "suggested").props('id="suggested"')
            before = packet.feeling.emotion if packet and packet.feeling else ""
            steps = self._help.follows(
                case["service"], risk=self._risk, feeling=account.feeling_of(self._heard, before),
                identity=packet.identity.outcome if packet and packet.identity else "unknown",
                all_asked=self._open == 0,
            )  # fmt: skip
            drawn(steps_html(steps), "next-steps").props('id="next-steps"')

    @ui.refreshable_method
    def _questions(self) -> None:
        if self._case is None:
            return
        with ui.element("section").classes("sheet required").props('id="required"'):
            drawn(f"<h3>{both(('必问问题', 'Ask'))}</h3>")
            for row in self._required:
                with ui.checkbox(value=row.id in self._ticks, on_change=partial(self._tick, row.id)) as box:
                    words((row.text.zh, row.text.en))
                box.props(f'data-question="{row.id}"')

    @ui.refreshable_method
    def _after(self) -> None:
        """Once the talk is over: what was not known may be proposed to the editor."""
        if self._case is None or self._case["state"] != CaseState.WRAPPING_UP:
            return
        told = {"question": account.unanswered(self._heard)[:MAX_QUESTION], "answer": ""}
        with ui.element("section").classes("sheet propose").props('id="propose"'):
            drawn(f"<h3>{both(('没有现成答案？告诉知识编辑', 'No approved answer? Tell the editor'))}</h3>")
            words(("不要写客户的姓名和号码。", "No names or numbers of the visitor, please."), "quiet")
            ui.textarea(label="问题 Question", value=told["question"],
                     on_change=lambda event: told.update(question=event.value or "")).props(
                f'maxlength={MAX_QUESTION} autogrow data-field="proposed-question"')  # fmt: skip
            ui.textarea(label="建议的答案 Proposed answer",
                        on_change=lambda event: told.update(answer=event.value or "")).props(
                f'maxlength={MAX_ANSWER} autogrow data-field="proposed-answer"')  # fmt: skip
            button(("提交建议", "Propose"), partial(self._propose, told), name="propose")

    # --- what it does ---------------------------------------------------------------------------

    async def _tick(self, question: str, event: Any) -> None:
        if self._case is None:
            return
        asked = bool(event.value)
        await attempt(partial(self._acts.tick, self._person, self._case["video_case"], question, asked=asked))
        self._ticks = self._ticks | {question} if asked else self._ticks - {question}
        self._refresh()

    async def _propose(self, told: dict[str, str]) -> None:
        if self._case is None:
            return
        case = self._case["video_case"]

        def work() -> Pair:
            try:
                self._acts.propose(self._person, case, told["question"], told["answer"])
            except NotProposed as err:
                return NOT_PROPOSED[err.reason]
            return ("已交给编辑。", "The editor has it.")

        said = await attempt(work)
        if said is not None:
            tell(said)


def promises_json(help_: TellerHelp) -> str:
    """The forbidden promises for the page's own eyes, safe inside a script element."""
    rows = [{"id": row.id, "patterns": row.patterns, "zh": row.why.zh, "en": row.why.en} for row in help_.promises]
    return json.dumps(rows, ensure_ascii=True).replace("<", "\\u003c")
