"""What tellers propose, for whoever edits a pack: read, and taken up or not. No terminal ever says it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from html import escape
from typing import Any

from nicegui import ui

from hub.accounts.rights import Person
from hub.desk.frame import Desk, attempt, button, drawn, tell
from hub.desk.help_acts import HelpActs
from hub.html import both, clock
from hub.labels import Pair
from hub.video.proposals import NotProposed, State

GONE: Pair = ("这条已经处理过了。", "This one was decided already.")


class ProposalList:
    """The open ones of the branches whose packs this person edits."""

    def __init__(self, desk: Desk, acts: HelpActs, person: Person, branches: Sequence[str]) -> None:
        self._desk, self._acts, self._person, self._branches = desk, acts, person, tuple(branches)
        self._rows: list[dict[str, Any]] = []

    async def draw(self) -> None:
        """The list, once; it is drawn anew after each decision."""
        await self._load()
        self._listed()

    async def _load(self) -> None:
        self._rows = await attempt(partial(self._acts.proposed, self._person, self._branches)) or []

    @ui.refreshable_method
    def _listed(self) -> None:
        if not self._rows:
            return
        with ui.element("section").classes("sheet proposals").props('id="proposals"'):
            drawn(f"<h3>{both(('柜员建议补充的问答', 'Proposed by tellers'))}<span>{len(self._rows)}</span></h3>")
            for row in self._rows:
                self._row(row)

    def _row(self, row: dict[str, Any]) -> None:
        labels = self._desk.labels
        with ui.element("div").classes("aside-row").props(f'data-proposal="{row["id"]}"'):
            answer = f"<br><span>{escape(row['answer'])}</span>" if row["answer"] else ""
            of = f"{both(labels.branch(row['branch']))} · {both(labels.service(row['service']))}"
            by = f"{escape(row['person'])} {clock(row['at'])}"
            drawn(f"<p><b>{escape(row['question'])}</b>{answer}<br><span class=quiet>{of} · {by}</span></p>")
            button(
                ("收进下一版", "Taken"), partial(self._decide, row, "taken"), css="primary", name=f"taken-{row['id']}"
            )
            button(("不收", "Not taken"), partial(self._decide, row, "refused"), name=f"refused-{row['id']}")

    async def _decide(self, row: dict[str, Any], state: State) -> None:
        def work() -> bool:
            try:
                self._acts.decide(self._person, row["branch"], row["id"], state)
            except NotProposed:
                return False
            return True

        if await attempt(work) is False:
            tell(GONE)
        await self._load()
        self._listed.refresh()
