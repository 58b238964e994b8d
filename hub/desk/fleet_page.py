"""The fleet's pages: alarms, roll-outs with progress, the list with search; one terminal with what may be ordered.

What is dangerous asks for a reason here and for a second person at another desk.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import ui

from hub.accounts.rights import EVERYWHERE, Right, may, where
from hub.desk.fleet_html import alarms_html, history_html, one_html, rollout_html, terminals_html
from hub.desk.fleet_labels import ACTS, ORDERS
from hub.desk.frame import Desk, attempt, button, drawn, frame, tell, words
from hub.fleet import alarms, orders, terminals
from hub.fleet.campaigns import CampaignProblem
from hub.fleet.joining import JoinProblem
from hub.fleet.orders import OrderProblem
from hub.html import both

LOOK_S: Final = 2.0
SHOWN: Final = 5  # roll-outs
POSSIBLE: Final = {
    "running": ("pause", "abort"), "soaking": ("pause", "abort"), "waiting": ("approve", "abort"),
    "paused": ("resume", "abort"),
}  # fmt: skip


async def kindly(work: Callable[[], Any]) -> Any:
    """Do it, or say in one line why not."""

    def said() -> Any:
        try:
            return work()
        except (CampaignProblem, OrderProblem, JoinProblem) as err:
            return err

    found = await attempt(said)
    if isinstance(found, ValueError):
        tell((str(found), ""))
        return None
    return found


class FleetPage:
    """One open page of the whole fleet."""

    def __init__(self, desk: Desk, request: Request) -> None:
        self._desk = desk
        self._person = frame(request, desk, "fleet", "")
        self._words = ""

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        with ui.element("main").classes("two fleet"):
            with ui.element("section").classes("sheet"):
                words(("告警", "Alarms"), "lead")
                self._alarms = drawn("")
                self._waiting()
            with ui.element("section").classes("sheet rollouts"):
                words(("升级", "Roll-outs"), "lead")
                self._rollouts()
            with ui.element("section").classes("sheet list"):
                search = ui.input(placeholder="搜索 Search", on_change=self._search).props("dense outlined clearable")
                search.classes("search")
                self._list = drawn("")
        await self._look()
        ui.timer(LOOK_S, self._look)

    async def _search(self, event: Any) -> None:
        self._words = str(event.value or "")
        await self._look()

    async def _look(self) -> None:
        hub = self._desk.hub

        def work() -> tuple[Any, ...]:
            person = self._desk.acts.still(self._person)
            mine = where(person, Right.SEE_DEVICES, hub.branches())
            every = may(person, Right.ROLL_OUT, EVERYWHERE)
            return (
                alarms.shown(hub.store, mine, datetime.now(UTC)),
                terminals.listed(hub.store, mine, self._words),
                hub.campaigns.look()[:SHOWN] if every else [],
                orders.waiting(hub.store, where(person, Right.ORDER_DEVICE, hub.branches())),
            )

        found = await attempt(work)
        if found is None:
            return
        self._alarms.set_content(alarms_html(found[0], self._desk.labels))
        self._list.set_content(terminals_html(found[1], self._desk.labels))
        self._rollouts.refresh(found[2])
        self._waiting.refresh(found[3])

    @ui.refreshable_method
    def _rollouts(self, found: Any = ()) -> None:
        if not found:
            words(("没有升级。", "No roll-outs."), "quiet")
        for one in found:
            with ui.element("div").classes("rollout").props(f'data-rollout="{escape(one["campaign"])}"'):
                drawn(rollout_html(one))
                with ui.element("div").classes("acts-row"):
                    for act in POSSIBLE.get(one["status"], ()):
                        css = {"approve": "primary", "abort": "danger"}.get(act, "quiet")
                        button(ACTS[act], partial(self._order, one["campaign"], act), css=css, name=act)

    async def _order(self, campaign: str, act: str) -> None:
        hub = self._desk.hub
        outgoing = await kindly(lambda: hub.campaigns.order(self._desk.acts.still(self._person), campaign, act))
        hub.send(outgoing or ())
        await self._look()

    @ui.refreshable_method
    def _waiting(self, found: Any = ()) -> None:
        if not found:
            return
        words(("等第二人同意", "Wait for a second person"), "lead")
        for one in found:
            what = " ".join(str(value) for value in one["act"].values())
            with ui.element("div").classes("aside-row").props(f'data-order="{one["id"]}"'):
                drawn(
                    f"<div><b>{escape(one['device'])}</b> {escape(what)}<p class='age'>{escape(one['asked_by'])} · "
                    f"{escape(one['reason'])}</p></div>"
                )
                button(("同意", "Agree"), partial(self._agree, one["branch"], one["id"]), css="primary", name="agree")

    async def _agree(self, branch: str, order: int) -> None:
        hub = self._desk.hub
        outgoing = await kindly(lambda: hub.orders.agree(self._desk.acts.still(self._person), branch, order))
        hub.send(outgoing or ())
        await self._look()


class TerminalPage:
    """One open page of a terminal."""

    def __init__(self, desk: Desk, request: Request, branch: str, device: str) -> None:
        self._desk, self._branch, self._device = desk, branch, device
        self._person = frame(request, desk, "fleet", "")

    async def draw(self) -> None:
        """The whole page, once; what changes is redrawn by itself."""
        with ui.element("main").classes("two fleet"):
            with ui.element("section").classes("sheet"):
                self._now = drawn("")
            with ui.element("section").classes("sheet"):
                if may(self._person, Right.ORDER_DEVICE, self._branch):
                    words(("命令", "Orders"), "lead")
                    with ui.element("div").classes("acts-row"):
                        for name, act, pair in ORDERS:
                            button(pair, partial(self._ask, act, pair), name=name)
                self._history = drawn("", "history")
        await self._look()
        ui.timer(LOOK_S, self._look)

    async def _look(self) -> None:
        found = await attempt(lambda: terminals.one(self._desk.hub.store, self._branch, self._device))
        if found is None:
            self._now.set_content(f'<p class="quiet">{both(("没有这台终端。", "There is no such terminal."))}</p>')
            return
        self._now.set_content(one_html(found, self._desk.labels))
        self._history.set_content(history_html(found))

    async def _ask(self, act: dict[str, object], pair: Any) -> None:
        """Why, before anything is ordered: it stands in the record."""
        with ui.dialog() as dialog, ui.card().classes("reason"):
            words(pair, "lead")
            why = ui.input("原因 Reason").props("outlined autofocus").classes("why")
            with ui.element("div").classes("acts-row"):
                button(("取消", "Cancel"), lambda: dialog.submit(""), name="cancel")
                button(("下达", "Order"), lambda: dialog.submit(str(why.value or " ")), css="primary", name="order")
        reason = await dialog
        if not reason:
            return
        hub = self._desk.hub
        done = await kindly(
            lambda: hub.orders.ask(self._desk.acts.still(self._person), self._branch, self._device, act, reason)
        )
        if done is not None:
            hub.send(done[1])
            if not done[1]:
                tell(("要第二个人同意", "A second person must agree"))
        await self._look()
