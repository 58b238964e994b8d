"""The branch on one page, drawn by the server: calm, Chinese with English beside it, live without a build.

Everything that comes from outside is escaped here, at the one place where it becomes HTML.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Any, Final

from contracts.tickets import TicketEvent, TicketState, step
from hub.labels import DEVICES, NOTICED, OUTCOMES, TICKET_STATES, Labels, Pair

MARK: Final = (
    '<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="32"/>'
    '<path d="M32 50V30M32 34C18 34 14 26 14 17c12 0 18 6 18 17ZM32 30c0-10 6-16 18-16 0 10-5 17-18 17Z"/></svg>'
)
# what a clerk can do with a ticket, in the order of the buttons; shown where the table allows it
ACTIONS: Final[tuple[tuple[TicketEvent, Pair], ...]] = (
    (TicketEvent.SERVING_BEGAN, ("开始办理", "Serve")),
    (TicketEvent.FINISHED, ("办好了", "Done")),
    (TicketEvent.RECALLED, ("再叫", "Again")),
    (TicketEvent.MISSED, ("未到", "Not here")),
    (TicketEvent.REQUEUED, ("回队列", "Requeue")),
)


def both(pair: Pair, css: str = "both") -> str:
    """Chinese, with English smaller beside it."""
    chinese, english = pair
    beside = f' <small lang="en">{escape(english)}</small>' if english else ""
    return f'<span class="{css}">{escape(chinese)}{beside}</span>'


def page(view: dict[str, Any], labels: Labels, branches: list[str]) -> str:
    """The whole page for one branch."""
    branch = view["branch"]
    others = "".join(
        f'<a href="/?branch={escape(other)}"{" aria-current=page" if other == branch else ""}>'
        f"{escape(labels.branch(other)[0])}</a>"
        for other in branches
    )
    names = labels.branch(branch)
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(names[0])} · {escape(labels.bank[0])}</title>
<link rel="icon" href="/static/mark.svg">
<link rel="stylesheet" href="/theme.css"><link rel="stylesheet" href="/static/hub.css">
<script src="/static/hub.js" defer></script></head>
<body data-branch="{escape(branch)}">
<header>{MARK}<div class="title"><h1>{escape(names[0])}</h1>
<p>{escape(labels.bank[0])} <small lang="en">{escape(f"{labels.bank[1]} · {names[1]}".strip(" ·"))}</small></p></div>
<nav aria-label="支行 Branches">{others if len(branches) > 1 else ""}</nav>
<p class="live" role="status"><i></i><span class="on">实时 <small lang="en">Live</small></span>
<span class="off">正在重新连接 <small lang="en">Reconnecting</small></span></p>
<time class="clock" id="clock"></time></header>
<main id="board">{board(view, labels)}</main>
</body></html>"""


def empty_page(labels: Labels) -> str:
    """No kiosk has spoken yet."""
    view = {
        "branch": "",
        "services": [],
        "tickets": [],
        "ended": [],
        "devices": [],
        "events": [],
        "opinions": {"by_score": {}, "count": 0, "mean": None},
    }
    return page(view, labels, [])


def board(view: dict[str, Any], labels: Labels) -> str:
    """What changes: services, tickets, devices, opinions, moments."""
    return (
        f'<div class="wide">{_services(view, labels)}{_tickets(view, labels)}</div>'
        f"<aside>{_devices(view)}{_opinions(view['opinions'])}{_moments(view, labels)}</aside>"
    )


def _services(view: dict[str, Any], labels: Labels) -> str:
    counted = {line["service"]: line for line in view["services"]}
    # every service of the site is shown, also before its first ticket
    known = [*labels.services, *(service for service in counted if service not in labels.services)]
    if not known:
        return ""
    cards = []
    for service in known:
        line = counted.get(service, {"waiting": 0, "last_called": ""})
        waiting = line["waiting"]
        called = escape(line["last_called"]) or "—"
        button = (
            f'<button class="primary" data-call="{escape(service)}"{"" if waiting else " disabled"}>'
            f'叫下一位 <small lang="en">Call next</small></button>'
        )
        cards.append(
            f'<article class="service"><h2><b class="letter">{escape(labels.letters.get(service, "·"))}</b>'
            f"{both(labels.service(service), 'stacked')}</h2>"
            f'<p class="waiting"><strong>{waiting}</strong><span class="stacked">人等候 '
            f'<small lang="en">waiting</small></span></p>'
            f'<p class="called"><span>最近叫号 <small lang="en">last called</small></span> <b>{called}</b></p>'
            f"{button}</article>"
        )
    return f'<section class="services" aria-label="各业务 Services">{"".join(cards)}</section>'


def _tickets(view: dict[str, Any], labels: Labels) -> str:
    rows = "".join(_ticket_row(ticket, labels) for ticket in view["tickets"])
    ended = "".join(_ticket_row(ticket, labels, ended=True) for ticket in view["ended"])
    if not rows and not ended:
        return (
            f'<section class="sheet">{_heading(("排队", "Queue"), "")}'
            '<p class="quiet">今天还没有人取号。<small lang="en">No tickets yet today.</small></p></section>'
        )
    count = len(view["tickets"])
    return (
        f'<section class="sheet">{_heading(("排队", "Queue"), f"{count}")}<table><thead><tr>'
        '<th>号码 <small lang="en">Number</small></th><th>业务 <small lang="en">Service</small></th>'
        '<th>状态 <small lang="en">State</small></th><th>前面 <small lang="en">Ahead</small></th>'
        '<th>取号 <small lang="en">Taken</small></th><th></th></tr></thead>'
        f"<tbody>{rows}</tbody><tbody class='ended'>{ended}</tbody></table></section>"
    )


def _ticket_row(ticket: dict[str, Any], labels: Labels, *, ended: bool = False) -> str:
    state = TicketState(ticket["state"])
    in_line = state in (TicketState.WAITING, TicketState.TRANSFERRED)
    desk = "" if ended else ticket["counter"]
    counter = f'<small class="desk">{escape(desk)} 号窗口</small>' if desk else ""
    buttons = "" if ended else "".join(_buttons(ticket, state))
    return (
        f'<tr id="t-{escape(ticket["number"])}"><td class="number">{escape(ticket["number"])}</td>'
        f"<td>{both(labels.service(ticket['service']), 'stacked')}</td>"
        f'<td><span class="chip {state.value}">{both(TICKET_STATES[state.value])}</span>{counter}</td>'
        f'<td class="ahead">{ticket["ahead"] if in_line else ""}</td>'
        f'<td>{_time(ticket["issued_at"])}</td><td class="acts">{buttons}</td></tr>'
    )


def _buttons(ticket: dict[str, Any], state: TicketState) -> Iterable[str]:
    for event, label in ACTIONS:
        if step(state, event) is None:
            continue
        if state is TicketState.RECALLED and event is TicketEvent.RECALLED:
            continue  # possible, but a third call is a person's word, not a button that invites it
        yield (
            f'<button data-ticket="{escape(ticket["number"])}" data-day="{escape(ticket["day"])}" '
            f'data-event="{event.value}">{both(label)}</button>'
        )


def _devices(view: dict[str, Any]) -> str:
    items = []
    for device in view["devices"]:
        css, word = ("on", ("在线", "online")) if device["online"] else ("off", ("离线", "offline"))
        if device["silent"]:
            css, word = "silent", ("没有消息", "silent")
        telemetry = device["telemetry"] or {}
        missing = "".join(
            f'<span class="missing">缺{both(DEVICES.get(kind, (kind, "")))}</span>'
            for kind in telemetry.get("missing", [])
        )
        pending = telemetry.get("pending", 0)
        owed = f'<small>待送 {pending} <span lang="en">owed</span></small>' if pending else ""
        items.append(
            f'<li class="{css}"><i></i><b>{escape(device["device"])}</b> {both(word)}'
            f"<span class='since'>{_time(device['since'])}</span>{owed}{missing}</li>"
        )
    body = "".join(items) or '<li class="quiet">还没有终端。<small lang="en">No terminals yet.</small></li>'
    return f'<section class="sheet devices">{_heading(("终端", "Terminals"), "")}<ul>{body}</ul></section>'


def _opinions(opinions: dict[str, Any]) -> str:
    mean = "—" if opinions["mean"] is None else f"{opinions['mean']:.1f}"
    most = max([*opinions["by_score"].values(), 1])
    bars = "".join(
        f'<li><span>{score}</span><i style="--share:{opinions["by_score"].get(score, 0) / most:.3f}"></i>'
        f"<b>{opinions['by_score'].get(score, 0)}</b></li>"
        for score in range(5, 0, -1)
    )
    return (
        f'<section class="sheet opinions">{_heading(("满意度", "Opinions"), "24 h")}'
        f'<div><p class="mean"><strong>{mean}</strong><span class="stacked">{opinions["count"]} 位评价 '
        f'<small lang="en">opinions</small></span></p><ul>{bars}</ul></div></section>'
    )


def _moments(view: dict[str, Any], labels: Labels) -> str:
    items = "".join(_moment(event, labels) for event in view["events"])
    body = items or '<li class="quiet">还没有人来。<small lang="en">Nobody has come yet.</small></li>'
    return f'<section class="sheet moments">{_heading(("此刻", "Moments"), "")}<ol>{body}</ol></section>'


def _moment(event: dict[str, Any], labels: Labels) -> str:
    said, detail = _moment_words(event["kind"], event["body"], labels)
    more = f'<span class="detail">{detail}</span>' if detail else ""
    return f'<li class="{escape(event["kind"])}">{_time(event["at"])}<i></i><span>{both(said)}{more}</span></li>'


def _moment_words(kind: str, body: dict[str, Any], labels: Labels) -> tuple[Pair, str]:
    """What a moment is called, and its detail as HTML."""
    match kind:
        case "visit_started":
            return ("有人来了", "Somebody came"), both(NOTICED.get(body["noticed_by"], ("", "")))
        case "greeted":
            return ("打了招呼", "Greeted"), "中文" if body["language"] == "zh" else "English"
        case "understood":
            latency = body.get("latency_ms")
            took = f" · {latency['total'] / 1000:.1f}\u00a0s" if latency else ""
            asked = {"act": "", "ask": " · 再问一句", "unsure": " · 没听准"}[body["decision"]]
            return ("听懂了", "Understood"), (
                f"{both(labels.intent(body['intent']))} · {body['confidence']:.0%}{took}{asked}"
            )
        case "touched":
            return ("按了屏幕", "Touched"), f"<code>{escape(body['target'])}</code>"
        case "ticket_taken":
            service = both(labels.service(body["service"]))
            return ("取了号", "Ticket taken"), f"<b>{escape(body['number'])}</b> {service}"
        case "opinion_given":
            full = int(body["score"])
            return ("评价", "Opinion"), f'<span class="score">{"●" * full}{"○" * (5 - full)}</span>'
        case "visit_ended":
            return ("离开了", "Left"), f"{both(OUTCOMES[body['outcome']])} · {body['duration_s']:.0f} s"
        case "staff_called":
            return ("请同事来", "Staff called"), both(labels.intent(body["reason"]))
        case "device_missing":
            return ("设备不在", "Device missing"), both(DEVICES.get(body["device"], (body["device"], "")))
        case "device_found":
            return ("设备好了", "Device found"), both(DEVICES.get(body["device"], (body["device"], "")))
        case _:  # a newer kiosk's moment: shown by its own name
            return (kind, ""), ""


def _heading(pair: Pair, aside: str) -> str:
    return f"<h3>{both(pair)}<span>{escape(aside)}</span></h3>"


def _time(at: str | None) -> str:
    if at is None:
        return ""
    local = datetime.fromisoformat(at).astimezone()
    return f'<time datetime="{escape(at)}">{local:%H:%M:%S}</time>'
