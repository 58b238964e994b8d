"""The editor's page: heaps of sentences that nobody answered, what becomes of them, and packs that were made of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import Any, Final

from fastapi import Request
from nicegui import ui

from hub.accounts.rights import Person
from hub.desk.frame import Desk, attempt, button, drawn, frame, tell, words
from hub.desk.opinion_html import quoted
from hub.html import both, clock
from hub.labels import Pair
from hub.opinions.lessons import FIGURES, LessonActs, LessonProblem, Wish

SHOWN_LINES: Final = 5
GIVEN: Final[Pair] = (
    "客户同意留下的话，已去掉姓名、号码、地址、金额。",
    "Given by visitors for this; names, figures, addresses and amounts were taken out.",
)
STATES: Final[dict[str, Pair]] = {"offered": ("已送审", "Offered"), "refused": ("未通过回归", "Refused")}
FIELDS: Final[tuple[tuple[str, Pair], ...]] = (
    ("entry", ("条目编号（英文小写）", "Entry id")),
    ("asks_zh", ("中文问法", "A question in Mandarin")),
    ("asks_en", ("英文问法", "A question in English")),
    ("zh", ("中文回答", "The answer in Mandarin")),
    ("en", ("英文回答", "The answer in English")),
)
FIGURE_NAMES: Final[dict[str, Pair]] = {
    "top1": ("首位正确", "right entry first"),
    "answered_right": ("答对", "answered right"),
    "answered_wrong": ("答错", "answered wrong"),
    "answered_anyway": ("不该答却答", "answered anyway"),
    "wrong_figures": ("数字说错", "wrong figures"),
}


class LessonPage:
    """One branch's lessons."""

    def __init__(self, desk: Desk, acts: LessonActs, request: Request, branch: str) -> None:
        self._desk, self._acts, self._request, self._branch = desk, acts, request, branch
        self._view: dict[str, Any] | None = None

    async def draw(self) -> None:
        self._person: Person = frame(self._request, self._desk, "knowledge", self._branch)
        await self._load()
        self._body()

    async def _load(self) -> None:
        found = await attempt(partial(self._acts.look, self._person, self._branch))
        self._view = found if found is not None else self._view

    @ui.refreshable_method
    def _body(self) -> None:
        view = self._view
        if view is None:
            return
        with ui.element("main").classes("lessons-page"):
            with ui.element("div").classes("wide"):
                self._head(view)
                for row in view["proposed"]:
                    self._proposal(row)
            with ui.element("aside"):
                self._accepted(view)
                self._made(view)

    def _head(self, view: dict[str, Any]) -> None:
        with ui.element("section").classes("sheet"):
            count, alone = len(view["proposed"]), view["alone"]
            waiting = both((f"{count} 组，另有 {alone} 句没有同伴", f"{count} heaps, and {alone} sentences alone"))
            drawn(f"<h3>{both(('没听懂的话', 'What was not understood'))}<span>{waiting}</span></h3>")
            words(GIVEN, "quiet")
            if view["can_make"]:
                button(("重新归类", "Heap them anew"), self._propose, css="primary", name="propose")
            else:
                words(("这台服务器没有知识包的源文件。", "This hub has no source of a pack."), "quiet")

    def _proposal(self, row: Mapping[str, Any]) -> None:
        with ui.element("section").classes("sheet lesson").props(f'data-lesson="{row["id"]}"'):
            lines = "".join(f"<li><q>{quoted(line)}</q></li>" for line in row["lines"][:SHOWN_LINES])
            said = both((f"{row['count']} 位客户说过", f"said {row['count']} times"))
            drawn(f"<h3><span>{said}</span></h3><ul class=quotes>{lines}</ul>")
            words(("是下面哪一条的另一种问法？", "Is it another way of asking one of these?"), "quiet")
            for at, near in enumerate(row["near"]):
                with ui.element("div").classes("aside-row"):
                    drawn(
                        f"<p><b>{both((near['zh'], near['en']))}</b><br>"
                        f"<code>{escape(near['entry'])}</code> {near['score']:.2f}</p>"
                    )
                    wish = Wish(kind="asks", entry=near["entry"])
                    button(
                        ("是这一条", "This one"), partial(self._decide, row["id"], wish), name=f"asks-{row['id']}-{at}"
                    )
            with ui.element("div").classes("acts-row"):
                button(("写一条新的", "Write a new one"), partial(self._write, row), name=f"write-{row['id']}")
                button(("不收", "Not worth it"), partial(self._decide, row["id"], None), name=f"refuse-{row['id']}")

    def _write(self, row: Mapping[str, Any]) -> None:
        """A new entry: what is asked and answered, in both languages."""
        line = row["lines"][0]
        given = {"asks_zh" if row["language"] == "zh" else "asks_en": line}
        with ui.dialog() as dialog, ui.card().classes("choose new-entry"):
            words(("新的问答", "A new question with its answer"), "lead")
            drawn(f"<q>{quoted(line)}</q>")
            fields = {
                name: ui.input(" ".join(pair), value=given.get(name, "")).props(f'data-field="{name}"').classes("wide")
                for name, pair in FIELDS
            }
            words(
                ("回答里不要写数字，数字写在源文件里。", "No figures in an answer: they stand in the source."), "quiet"
            )

            async def keep() -> None:
                wish = Wish(kind="entry", **{name: str(field.value or "") for name, field in fields.items()})
                dialog.close()
                await self._decide(row["id"], wish)

            button(("收下", "Accept"), keep, css="primary", name="keep")
        dialog.open()

    def _accepted(self, view: dict[str, Any]) -> None:
        with ui.element("section").classes("sheet"):
            drawn(f"<h3>{both(('已收下', 'Accepted'))}<span>{len(view['accepted'])}</span></h3>")
            for row in view["accepted"]:
                kind = both(("新问法", "a way of asking") if row["kind"] == "asks" else ("新条目", "a new entry"))
                first = quoted(row["lines"][0])
                with ui.element("div").classes("aside-row"):
                    drawn(f"<p><code>{escape(row['entry'])}</code> <small>{kind}</small><br><q>{first}</q></p>")
                    button(("撤回", "Take back"), partial(self._decide, row["id"], None), name=f"back-{row['id']}")
            if view["accepted"] and view["can_make"]:
                button(("做成新知识包", "Make a new pack"), self._make, css="primary", name="make")
                words(
                    (
                        "会自动回归，约两三分钟；变差就不送审。",
                        "It is judged first, for some minutes; a worse one is not offered.",
                    ),
                    "quiet",
                )

    def _made(self, view: dict[str, Any]) -> None:
        if not view["made"]:
            return
        with ui.element("section").classes("sheet made"):
            drawn(f"<h3>{both(('做过的包', 'Packs that were made'))}</h3>")
            for row in view["made"]:
                drawn(made_html(row))

    async def _propose(self) -> None:
        await self._long(lambda: self._acts.propose(self._person, self._branch))

    async def _make(self) -> None:
        tell(("开始做包和回归，请稍候。", "Making and judging the pack."))
        await self._long(lambda: self._acts.make(self._person, self._branch))

    async def _long(self, work: Any) -> None:
        def told() -> Any:
            try:
                return work()
            except LessonProblem as err:
                return str(err)

        found = await attempt(told)
        if isinstance(found, str):
            tell((found, ""))
        await self._load()
        self._body.refresh()

    async def _decide(self, lesson: int, wish: Wish | None) -> None:
        await self._long(partial(self._acts.decide, self._person, self._branch, lesson, wish))


def made_html(row: Mapping[str, Any]) -> str:
    """One attempt: what the regression said, before and after."""
    before, after = row["figures"].get("before"), row["figures"].get("after")
    table = ""
    if before and after:
        cells = "".join(
            f"<tr><td>{both(FIGURE_NAMES[name])}</td><td>{_number(before[name])}</td><td>{_number(after[name])}</td></tr>"
            for name in FIGURES
        )
        table = f"<table><tbody>{cells}</tbody></table>"
    version, css = row["version"], "done" if row["state"] == "offered" else "no_show"
    why = f'<p class="late">{escape(row["reason"])}</p>' if row["reason"] else ""
    return (
        f'<div class="attempt" data-state="{row["state"]}"><p>{both((f"第 {version} 版", f"version {version}"))} '
        f'<span class="chip {css}">{both(STATES[row["state"]])}</span> '
        f"<small>{escape(row['person'])} {clock(row['at'])}</small></p>"
        f"{why}{table}</div>"
    )


def _number(value: float) -> str:
    return f"{value}" if isinstance(value, int) else f"{value:.3f}"
