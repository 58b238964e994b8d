"""What visitors see without signing in: the board on the lobby's television, and one ticket on a phone.

Nothing on them says whose a number is. The phone's page belongs to whoever holds its address (the QR code on the
paper); it can give the ticket back and nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from fastapi import FastAPI, HTTPException
from fastapi.responses import HTMLResponse, StreamingResponse

from contracts.announcements import announcement
from contracts.queueing import Lane
from contracts.tickets import ENDED, IN_LINE, TicketEvent, TicketState, step
from hub import announce, queue, views
from hub.changes import Changes
from hub.desk.acts import Acts
from hub.foresight.live import in_minutes
from hub.html import both, head, sheet
from hub.labels import TICKET_STATES, Labels, Pair
from hub.service import Hub
from hub.web_api import Branch, Day, Number, stream

MANY_LINES: Final = 5
OFFERED: Final[dict[str, Pair]] = {
    "self_service": ("取款存款，大堂的自助机不用等", "Cash in and out: the machines in the lobby have no line"),
    "video": ("视频柜员现在有空，不用等柜台", "A teller on video is free now"),
    "later": ("今天晚些时候人少，那时来更快", "It is quieter later today: you would be served sooner then"),
}


def add_lobby(app: FastAPI, hub: Hub, acts: Acts, labels: Labels, changes: Changes) -> None:
    """The board and the phone's page."""

    @app.get("/board/{branch}", response_class=HTMLResponse, include_in_schema=False)
    def board_page(branch: Branch) -> str:
        if branch not in hub.branches() and branch not in labels.branches:
            raise HTTPException(404, "no such branch")
        return _board(branch, labels)

    @app.get("/board/{branch}/state", tags=["lobby"])
    def board_state(branch: Branch) -> dict[str, Any]:
        """The number whose time it is, those before it, how many wait for what; what to say, in both languages."""
        found = announce.board(hub.store, branch)
        shown = found["now"]
        state = queue.state_of(hub.store, branch)
        return {
            "now": None if shown is None else _called(shown) | {"say": _words(shown)},
            "before": [_called(row) for row in found["before"]],
            "next_change_ms": found["next_change_ms"],
            "waiting": [
                {"service": line.service, "names": labels.service(line.service), "waiting": line.waiting}
                for line in state.services[:MANY_LINES]
            ],
        }

    @app.get("/board/{branch}/live", tags=["lobby"])
    async def board_live(branch: Branch) -> StreamingResponse:
        """Server-sent events: `changed` when the board may have to change."""
        return stream(changes, branch)

    @app.get("/t/{branch}/{day}/{number}", response_class=HTMLResponse, include_in_schema=False)
    def phone(branch: Branch, day: Day, number: Number) -> str:
        return _phone(_phone_state(hub, labels, branch, day, number), branch, labels)

    @app.get("/t/{branch}/{day}/{number}/state", tags=["lobby"])
    def phone_state(branch: Branch, day: Day, number: Number) -> dict[str, Any]:
        """One ticket for its holder: where it stands, how many are before it, how long that takes most people."""
        return _phone_state(hub, labels, branch, day, number)

    @app.post("/t/{branch}/{day}/{number}/to-video", tags=["lobby"])
    def to_video(branch: Branch, day: Day, number: Number) -> dict[str, Any]:
        """The visitor would rather talk to a teller on video, while that is offered."""
        found = views.ticket_view(hub.store, branch, number, day)
        if found is None:
            raise HTTPException(404, "no such ticket")
        if "video" not in hub.dispatcher.offers(branch).get(found["service"], ()):
            raise HTTPException(409, "not offered now")
        return {"number": number, "state": acts.to_video(branch, day, number)}

    @app.post("/t/{branch}/{day}/{number}/give-back", tags=["lobby"])
    def give_back(branch: Branch, day: Day, number: Number) -> dict[str, Any]:
        """The visitor does not want the number any more."""
        return {"number": number, "state": acts.give_back(branch, day, number)}


def _called(row: dict[str, Any]) -> dict[str, Any]:
    names = ("id", "number", "counter", "again")
    return {name: row[name] for name in names} | {"shown_at": row["show_at"].isoformat()}


def _words(row: dict[str, Any]) -> dict[str, str]:
    mandarin, english = announcement(row["number"], row["counter"], again=row["again"])
    return {"zh": mandarin, "en": english}


def _board(branch: str, labels: Labels) -> str:
    more = '<time class="clock" id="clock"></time>'
    body = f"""{head(labels, branch, more)}
<main class="hall" id="board" aria-live="polite">
<section class="sheet calling" id="now">
<p class="quiet">{both(("请看这里叫号", "Numbers are called here"))}</p></section>
<aside class="sheet"><h3>{both(("刚才叫过", "Called before"))}</h3><ol id="before"></ol></aside>
<footer class="sheet" id="waiting"></footer></main>
<button class="sound" id="sound">{both(("打开声音", "Turn the sound on"))}</button>"""
    return sheet(
        f"叫号 · {labels.branch(branch)[0]}", body, css="board", data=f'data-branch="{escape(branch)}"',
        scripts='<script src="/static/board.js" defer></script>',
    )  # fmt: skip


def _phone_state(hub: Hub, labels: Labels, branch: str, day: str, number: str) -> dict[str, Any]:
    """Raises HTTPException(404)."""
    found = views.ticket_view(hub.store, branch, number, day)
    if found is None:
        raise HTTPException(404, "no such ticket")
    state = TicketState(found["state"])
    ahead = None
    if state in IN_LINE:
        lines = queue.state_of(hub.store, branch).tickets
        ahead = next((line.ahead for line in lines if line.number == number), None)
    service, at_counter = found["service"], found["lane"] == Lane.COUNTER
    minutes = None
    if ahead is not None:
        wait = hub.foresight.fresh(branch).shown.tickets.get(number)
        minutes = None if (range_ := in_minutes(wait)) is None else list(range_)
    return {
        "number": number,
        "service": labels.service(service),
        "state": state,
        "words": TICKET_STATES[state.value],
        "counter": found["counter"],
        "ahead": ahead,
        "minutes": minutes,
        "offers": list(hub.dispatcher.offers(branch).get(service, ())) if state in IN_LINE and at_counter else [],
        "lane": found["lane"],
        "ended": state in ENDED,
        "may_give_back": step(state, TicketEvent.GIVEN_BACK) is not None,
        "at": datetime.now(UTC).isoformat(),
    }


def _phone(state: dict[str, Any], branch: str, labels: Labels) -> str:
    """Drawn by the server as it is now; the script keeps it true. Without a script it reloads by itself."""
    back = (
        f'<button id="give-back">{both(("不办了，退号", "Give the number back"))}</button>'
        if state["may_give_back"]
        else ""
    )
    body = f"""{head(labels, branch)}<main class="one">
<section class="sheet ticket" id="ticket" data-state="{state["state"]}"><h2>{both(state["service"])}</h2>
<p class="number">{escape(state["number"])}</p><div id="middle">{_middle(state)}</div>
<p class="quiet" id="stale" hidden>{both(("网络断了，正在重新连接", "No network; trying again"))}</p>
{back}</section>
<p class="quiet note">{
        both(
            (
                "叫到您时，这一页会变色，手机会震动。请不要关掉它。",
                "When you are called this page changes colour and the phone vibrates. Please keep it open.",
            )
        )
    }</p></main>
<noscript><meta http-equiv="refresh" content="15"></noscript>"""
    return sheet(
        f"{state['number']} · {labels.branch(branch)[0]}", body, css="plain phone",
        scripts='<script src="/static/ticket.js" defer></script>',
    )  # fmt: skip


def _middle(state: dict[str, Any]) -> str:
    if state["state"] in (TicketState.CALLED, TicketState.RECALLED):
        where = both(("请到窗口", "Please go to counter"))
        return f'<p class="lead">{where}</p><p class="counter">{escape(state["counter"])}</p>'
    if state["ahead"] is None:
        return f'<p class="lead">{both(state["words"])}</p>'
    long = ""
    if state["minutes"]:
        usual, seldom = state["minutes"]
        mandarin = f"还要等大约 {usual} 分钟，十有九次不超过 {seldom} 分钟"
        english = f"About {usual} min more; nine times in ten no longer than {seldom}"
        long = f'<p class="wait">{both((mandarin, english))}</p>'
    else:
        unsaid = ("还要等多久，现在说不准", "How long it takes cannot be said yet")
        long = f'<p class="wait quiet">{both(unsaid)}</p>'
    long += "".join(f'<p class="offer">{both(OFFERED[kind])}</p>' for kind in state["offers"])
    if "video" in state["offers"]:
        long += f'<button type="button" id="to-video">{both(("转到视频柜员", "Talk on video instead"))}</button>'
    if state["lane"] == Lane.VIDEO:
        long += f'<p class="offer">{both(("您排在视频柜员这边", "You are in line for a teller on video"))}</p>'
    if state["ahead"] == 0:
        return f'<p class="lead">{both(("下一位就是您", "You are next"))}</p>{long}'
    before = both(("前面还有", "Ahead of you"))
    return f'<p class="quiet">{before}</p><p><strong>{state["ahead"]}</strong></p>{long}'
