"""What every desk page shares: colours of the product, head, the ways to the other desks, language, signing out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from html import escape
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from fastapi import Request
from nicegui import run, ui

from config.schema import CONFIG_DIR
from hub import queue
from hub.accounts.rights import Person, Refused, Right, may, where
from hub.changes import Changes
from hub.desk.acts import Acts, SignedOut
from hub.html import MARK, both
from hub.knowledge import Knowledge
from hub.labels import Labels, Pair
from hub.service import Hub
from hub.video.pool import NotNow

LOOK_S: Final = 0.4
AGES_S: Final = 20.0  # minutes go on also when nothing happens
TOKENS: Final = json.loads((Path(CONFIG_DIR) / "theme" / "tokens.json").read_text("utf-8"))["themes"]["light"]
PLACES: Final[dict[str, Pair]] = {
    "region": ("区域", "Region"),
    "knowledge": ("知识包", "Packs of answers"),
    "teller": ("视频柜员", "Teller on video"),
    "tellers": ("视频柜员总览", "Tellers on video"),
    "fleet": ("终端", "Terminals"),
}
REFUSED: Final[dict[str, Pair]] = {
    "transition": ("别人已经处理了这个号。", "Somebody else has dealt with this number."),
    "unknown": ("没有这个号。", "There is no such number."),
    "rejoins": ("这个号过号太多次，请重新取号。", "Missed too often: a new ticket is needed."),
}
NOT_NOW: Final[dict[str, Pair]] = {
    "unknown": ("这位客户已经不在了。", "This visitor is gone."),
    "foreign": ("这位客户已经交给别人了。", "This visitor was given to somebody else."),
    "transition": ("现在不能这样做。", "That cannot be done now."),
    "cannot": ("这位柜员办不了。", "This teller cannot serve that."),
    "second": ("这一步要另一位主管先复核。", "Another person must approve this step first."),
    "oneself": ("不能自己复核自己。", "Nobody approves their own step."),
    "raced": ("别人刚刚处理过，请再看一眼。", "Somebody was quicker. Please look again."),
}


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages work with."""

    hub: Hub
    acts: Acts
    knowledge: Knowledge
    labels: Labels
    changes: Changes


def person_of(request: Request) -> Person:
    """Who opened the page, as the gate found."""
    person: Person = request.scope["state"]["person"]
    return person


def words(pair: Pair, css: str = "both") -> ui.html:
    """A text in both languages; the page shows one of them."""
    return ui.html(both(pair, css), sanitize=False)


def drawn(html: str, css: str = "") -> ui.html:
    """HTML of ours, with everything from outside escaped where it was made."""
    return ui.html(html, sanitize=False).classes(css)


def button(pair: Pair, act: Callable[[], Any], *, key: str = "", css: str = "quiet", name: str = "") -> ui.element:
    """A plain button with its key on it. `name` is for tests and assistive technology."""
    made = ui.element("button").classes(f"act {css}").props(f'type=button data-act="{escape(name)}"')
    with made:
        words(pair)
        if key:
            drawn(f"<kbd>{escape(key)}</kbd>")
    made.on("click", act)
    return made


class OneByOne:
    """The acts of one page, one after the other.

    A key that is held down or a second click does nothing; another act waits for the one before and is not lost: a
    button can be pressed as soon as it is seen, which is before the drawing that brought it has ended.
    """

    def __init__(self) -> None:
        self._free = asyncio.Lock()
        self._wanted: set[str] = set()

    async def do(self, name: str, work: Callable[[], Awaitable[Any]], after: Callable[[], Awaitable[None]]) -> None:
        """`work`, then `after`; not while an act of this name is wanted or done already."""
        if name in self._wanted:
            return
        self._wanted.add(name)
        try:
            async with self._free:
                await work()
                await after()
        finally:
            self._wanted.discard(name)


def named(work: partial[Any]) -> str:
    """The act's name for `OneByOne`: the function with what it is given. Two messages read in a row are two acts."""
    return f"{work.func.__name__} {work.args}"


async def attempt(work: Callable[[], Any]) -> Any:
    """Do something in a thread; say it kindly where it cannot be done. None then."""
    try:
        return await run.io_bound(work)
    except queue.NotPossible as err:
        tell(REFUSED.get(err.reason, REFUSED["transition"]))
    except NotNow as err:
        tell(NOT_NOW[err.reason])
    except SignedOut:
        ui.navigate.to("/sign-in?why=over")
    except Refused:
        tell(("您没有这个权限。", "This is not yours to do."))
    except sa.exc.SQLAlchemyError:
        tell(("数据库暂时没有回应，请再试一次。", "The database does not answer. Please try again."))
    return None


def tell(pair: Pair) -> None:
    """One line at the edge of the page, for a few seconds."""
    ui.notify(f"{pair[0]}  {pair[1]}", position="top", color="warning", classes="told")


def frame(request: Request, desk: Desk, active: str, branch: str) -> Person:
    """Draw what stands around a page; returns who is there."""
    person, labels = person_of(request), desk.labels
    ui.add_head_html(
        '<link rel="icon" href="/static/mark.svg"><link rel="stylesheet" href="/theme.css">'
        '<link rel="stylesheet" href="/static/hub.css"><link rel="stylesheet" href="/static/desk.css">'
        '<link rel="stylesheet" href="/static/fleet.css"><link rel="stylesheet" href="/static/opinions.css">'
        '<link rel="stylesheet" href="/static/call.css"><script src="/static/desk.js"></script>'
        '<script src="/static/call.js" defer></script>'
    )
    ui.colors(primary=TOKENS["primary"], secondary=TOKENS["human"], positive=TOKENS["ok"], negative=TOKENS["danger"],
              warning=TOKENS["warn"], info=TOKENS["primary"])  # fmt: skip
    ui.query("body").classes("desk")
    names = labels.branch(branch) if branch else PLACES.get(active, labels.bank)
    csrf = escape(person.csrf)
    drawn(
        f'<header>{MARK}<div class="title"><h1>{both(names)}</h1><p>{both(labels.bank)}</p></div>'
        f'<nav aria-label="Desks">{_ways(person, desk, active, branch)}</nav>'
        '<p class="live" role="status"><i></i><span class="on">'
        f"{both(('实时', 'Live'))}</span></p>"
        '<button class="tongue" type="button" data-tongue>'
        '<span lang="zh">English</span><span lang="en">中文</span></button>'
        f'<button class="leave" type="button" data-leave="{csrf}">{escape(person.name)} · '
        f"{both(('退出', 'Sign out'))}</button></header>",
        "frame",
    )
    return person


def follow(desk: Desk, branch: str, redraw: Callable[[], Awaitable[None]]) -> None:
    """Redraw when the branch changed, and now and then for the minutes."""
    known = desk.changes.version(branch)
    waited_s = 0.0

    async def check() -> None:
        nonlocal known, waited_s
        waited_s += LOOK_S
        newest = desk.changes.version(branch)
        if newest != known or waited_s >= AGES_S:
            known, waited_s = newest, 0.0
            await redraw()

    ui.timer(LOOK_S, check)


def _ways(person: Person, desk: Desk, active: str, branch: str) -> str:
    """Links to what this person may open; the other branches where there are several."""
    known = desk.hub.branches() or list(desk.labels.branches)
    branch = branch or next(iter(where(person, Right.SERVE, known) or where(person, Right.SEE_FLOOR, known)), "")
    ways = [
        ("counter", f"/desk/counter/{branch}", ("窗口", "Counter"), bool(branch) and may(person, Right.SERVE, branch)),
        ("branch", f"/desk/branch/{branch}", ("网点", "Branch"), bool(branch) and may(person, Right.SEE_FLOOR, branch)),
        (
            "foresight",
            f"/desk/foresight/{branch}",
            ("预见", "Foresight"),
            bool(branch) and may(person, Right.SEE_FLOOR, branch),
        ),
        (
            "opinions",
            f"/desk/opinions/{branch}",
            ("评价", "Opinions"),
            bool(branch) and may(person, Right.SEE_OPINIONS, branch),
        ),
        ("region", "/desk/region", ("区域", "Region"), may(person, Right.SEE_REGION)),
        ("teller", "/desk/teller", ("视频", "Video"), may(person, Right.TALK)),
        ("tellers", "/desk/tellers", ("柜员", "Tellers"), may(person, Right.SUPERVISE)),
        ("knowledge", "/desk/knowledge", ("知识", "Knowledge"), may(person, Right.OFFER_KNOWLEDGE)),
        ("fleet", "/desk/fleet", ("终端", "Terminals"), may(person, Right.SEE_DEVICES)),
        ("board", f"/board/{branch}", ("大屏", "Board"), bool(branch) and may(person, Right.SEE_BOARD, branch)),
    ]
    return "".join(
        f'<a href="{escape(address)}"{" aria-current=page" if name == active else ""}>{both(pair)}</a>'
        for name, address, pair, allowed in ways
        if allowed
    )
