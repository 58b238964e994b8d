"""The desks' addresses. What stands on them is in its own file each; who may open them is decided at the gate."""

from __future__ import annotations

import json
import os
import tempfile
from functools import partial
from html import escape
from pathlib import Path
from typing import Annotated, Any, Final

os.environ.setdefault("NICEGUI_STORAGE_PATH", str(Path(tempfile.gettempdir()) / "yingbin-nicegui"))

from fastapi import FastAPI, Request
from fastapi import Path as PathParameter
from fastapi.responses import RedirectResponse, Response
from nicegui import events, run, ui

from contracts.messages import NAME_PATTERN
from hub import views
from hub.accounts.rights import Right, may, where
from hub.changes import Changes
from hub.desk.acts import Acts
from hub.desk.counter import CounterPage
from hub.desk.fleet_page import FleetPage, TerminalPage
from hub.desk.floor import look
from hub.desk.floor_page import floor_html, region_html
from hub.desk.foresight_acts import ForesightActs
from hub.desk.foresight_page import ForesightPage
from hub.desk.frame import Desk, attempt, button, drawn, follow, frame, person_of, tell, words
from hub.desk.help_acts import HelpActs
from hub.desk.help_proposals import ProposalList
from hub.desk.lesson_page import LessonPage
from hub.desk.opinion_page import OpinionPage, voice_page
from hub.desk.shadow_panel import shadows_html
from hub.desk.teller_page import TellerPage
from hub.desk.together_acts import TogetherActs
from hub.desk.video_acts import VideoActs
from hub.desk.video_board import BoardPage
from hub.html import both
from hub.knowledge import Knowledge, Pack, PackProblem
from hub.labels import Labels, Pair
from hub.opinions.acts import OpinionActs
from hub.opinions.lessons import LessonActs
from hub.service import Hub
from hub.shadow import Shadows

Branch = Annotated[str, PathParameter(pattern=NAME_PATTERN)]
MAX_PACK_BYTES: Final = 8 * 1024 * 1024
STATES: Final[dict[str, Pair]] = {
    "offered": ("待审核", "To be reviewed"),
    "approved": ("已通过", "Approved"),
    "refused": ("未通过", "Refused"),
    "published": ("已发布", "Published"),
}


def add_desk(
    app: FastAPI,
    hub: Hub,
    acts: Acts,
    knowledge: Knowledge,
    labels: Labels,
    changes: Changes,
    shadows: Shadows,
    opinions: OpinionActs,
    lessons: LessonActs,
) -> None:
    """The pages of NiceGUI, mounted below everything else. Once a process."""
    desk = Desk(hub, acts, knowledge, labels, changes)

    @app.get("/", include_in_schema=False)
    def first(request: Request) -> Response:
        """The desk that this person works at."""
        person, known = person_of(request), hub.branches() or list(labels.branches)
        if may(person, Right.TALK) and not may(person, Right.SEE_FLOOR):
            return RedirectResponse("/desk/teller", 303)
        for right, address in ((Right.SEE_FLOOR, "branch"), (Right.SERVE, "counter")):
            if mine := where(person, right, known):
                return RedirectResponse(f"/desk/{address}/{mine[0]}", 303)
        return RedirectResponse("/desk/region" if may(person, Right.SEE_REGION) else "/sign-in", 303)

    @ui.page("/desk/counter/{branch}", title="窗口 Counter")
    async def counter(request: Request, branch: Branch) -> None:
        await CounterPage(desk, request, branch).draw()

    @ui.page("/desk/branch/{branch}", title="网点 Branch")
    async def floor(request: Request, branch: Branch) -> None:
        frame(request, desk, "branch", branch)
        shown = drawn("", "floor")

        async def redraw() -> None:
            now = await attempt(
                lambda: (look(hub.store, branch, labels, foresight=hub.foresight), views.branch_view(hub.store, branch))
            )
            if now is not None:
                shown.set_content(floor_html(now[0], now[1], labels))

        await redraw()
        follow(desk, branch, redraw)

    foreseeing = ForesightActs(hub, acts)

    @ui.page("/desk/foresight/{branch}", title="预见 Foresight")
    async def foresight(request: Request, branch: Branch) -> None:
        await ForesightPage(desk, foreseeing, request, branch).draw()

    video, helping, together = VideoActs(hub, acts), HelpActs(hub, acts), TogetherActs(hub, acts)

    @ui.page("/desk/opinions/{branch}", title="评价 Opinions")
    async def opinion_page(request: Request, branch: Branch) -> None:
        await OpinionPage(desk, opinions, request, branch).draw()

    @ui.page("/desk/voice/{branch}", title="客户之声 Voice")
    async def week(request: Request, branch: Branch, back: int = 0) -> None:
        await voice_page(desk, opinions, request, branch, back)

    @ui.page("/desk/lessons/{branch}", title="没听懂 Not understood", response_timeout=30)
    async def lesson_page(request: Request, branch: Branch) -> None:
        await LessonPage(desk, lessons, request, branch).draw()

    @ui.page("/desk/teller", title="视频柜员 Teller")
    async def teller(request: Request) -> None:
        await TellerPage(desk, video, helping, together, request).draw()

    @ui.page("/desk/tellers", title="视频柜员总览 Tellers")
    async def tellers(request: Request) -> None:
        await BoardPage(desk, video, together, request).draw()

    @ui.page("/desk/fleet", title="终端 Terminals")
    async def fleet(request: Request) -> None:
        await FleetPage(desk, request).draw()

    @ui.page("/desk/fleet/{branch}/{device}", title="终端 Terminal")
    async def terminal(request: Request, branch: Branch, device: Branch) -> None:
        await TerminalPage(desk, request, branch, device).draw()

    @ui.page("/desk/region", title="区域 Region")
    async def region(request: Request) -> None:
        person = frame(request, desk, "region", "")
        shown = drawn("", "region")

        async def redraw() -> None:
            known, now = await run.io_bound(hub.branches) or [], acts.still(person)
            mine, theirs = where(now, Right.SEE_REGION, known), where(now, Right.SEE_CONFIGURATION, known)
            found = await attempt(lambda: (views.region_view(hub.store, mine), shadows.look(theirs)))
            if found is not None:
                shown.set_content(region_html(found[0], labels, shadows_html(found[1], labels)))

        await redraw()
        ui.timer(3.0, redraw)

    @ui.page("/desk/knowledge", title="知识 Knowledge")
    async def knowledge_page(request: Request) -> None:
        await _knowledge(request, desk, helping)

    ui.run_with(app, title="迎宾 Yingbin", tailwind=False, language="zh-CN", show_welcome_message=False)


async def _knowledge(request: Request, desk: Desk, helping: HelpActs) -> None:
    person = frame(request, desk, "knowledge", "")
    mine = where(person, Right.OFFER_KNOWLEDGE, desk.hub.branches() or list(desk.labels.branches))
    chosen = {"branch": mine[0] if mine else ""}

    async def take(event: events.UploadEventArguments) -> None:
        data = await event.file.read()

        def offer() -> Pack | str:
            try:
                return desk.knowledge.offer(desk.acts.still(person), chosen["branch"], data)
            except PackProblem as err:
                return str(err)

        found = await attempt(offer)
        if isinstance(found, str):
            tell(("这个文件不能用：" + found, ""))
        picker.reset()
        listed.refresh()

    async def decide(pack: Pack, act: str) -> None:
        def work() -> Pack | str:
            try:
                return desk.knowledge.decide(desk.acts.still(person), pack.branch, pack.id, act)
            except PackProblem as err:
                return str(err)

        found = await attempt(work)
        if isinstance(found, str):
            tell((found, ""))
        listed.refresh()

    @ui.refreshable
    def listed() -> None:
        found = desk.knowledge.packs(mine)
        if not found:
            words(("还没有知识包。", "No packs yet."), "quiet")
        for pack in found:
            _pack(pack, desk.labels, person, decide)

    with ui.element("main").classes("knowledge"):
        with ui.element("section").classes("sheet offer"):
            words(("送审一个知识包", "Offer a pack"), "lead")
            words(
                (
                    "用 python -m kiosk.content build 做好并签名的 .ybpack 文件",
                    "A signed .ybpack file, built by kiosk.content",
                ),
                "quiet",
            )
            if len(mine) > 1:
                ui.select({one: " ".join(desk.labels.branch(one)) for one in mine}, value=chosen["branch"],
                          on_change=lambda event: chosen.update(branch=event.value))  # fmt: skip
            token = json.dumps([{"name": "X-CSRF-Token", "value": person.csrf}])
            picker = ui.upload(
                label="选择文件 Choose a file",
                on_upload=take,
                auto_upload=True,
                max_file_size=MAX_PACK_BYTES,
                max_files=1,
            ).props(f"accept=.ybpack flat :headers='{token}'")
        await ProposalList(desk, helping, person, mine).draw()
        listed()


def _pack(pack: Pack, labels: Labels, person: Any, decide: Any) -> None:
    with ui.element("section").classes("sheet pack").props(f'data-pack="{pack.id}"'):
        branch = both(labels.branch(pack.branch))
        drawn(
            f"<h3><span>{branch} · {both((f'第 {pack.version} 版', f'version {pack.version}'))}</span>"
            f'<span class="chip {pack.state}">{both(STATES[pack.state])}</span></h3>'
            f'<p class="quiet">{both(("送审", "offered by"))} {escape(pack.uploaded_by)} · '
            f"{pack.uploaded_at.astimezone():%m-%d %H:%M} · {escape(pack.sha256[:12])}</p>"
        )
        count = len(pack.report.strip().splitlines()) - 1
        heading = both((f"检查结果：{count} 处要看", f"{count} things to look at"))
        drawn(f"<details><summary>{heading}</summary><pre>{escape(pack.report)}</pre></details>")
        with ui.element("div").classes("acts-row"):
            for act, pair, right, css in (
                ("approve", ("通过", "Approve"), Right.APPROVE_KNOWLEDGE, "primary"),
                ("publish", ("发布", "Publish"), Right.PUBLISH_KNOWLEDGE, "primary"),
                ("refuse", ("不通过", "Refuse"), Right.APPROVE_KNOWLEDGE, "danger"),
            ):
                if pack.may(act) and may(person, right, pack.branch):
                    button(pair, partial(decide, pack, act), css=css, name=f"{act}-{pack.id}")
