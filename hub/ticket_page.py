"""One ticket on a phone: what the QR code on the paper opens. Nothing on it says whose it is."""

from __future__ import annotations

from html import escape
from typing import Any, Final

from contracts.tickets import IN_LINE, TicketState
from hub.labels import TICKET_STATES, Labels
from hub.page import MARK, both

REFRESH_S: Final = 15


def ticket_page(found: dict[str, Any], ahead: int | None, labels: Labels) -> str:
    """The page of one ticket; it reloads itself. `ahead` is None where nobody waits before it any more."""
    state = TicketState(found["state"])
    names = labels.branch(found["branch"])
    waits = state in IN_LINE and ahead is not None
    middle = (
        f'<p class="quiet">{both(("前面还有", "Ahead of you"))}</p><p><strong>{ahead}</strong></p>'
        if waits
        else f"<p>{both(TICKET_STATES[state])}</p>"
    )
    where = f"<p>{both(('请到', 'Please go to'))} {escape(found['counter'])}</p>" if found["counter"] else ""
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{REFRESH_S}"><title>{escape(found["number"])} · {escape(names[0])}</title>
<link rel="icon" href="/static/mark.svg">
<link rel="stylesheet" href="/theme.css"><link rel="stylesheet" href="/static/hub.css"></head>
<body class="phone"><header>{MARK}<div class="title"><h1>{escape(names[0])}</h1>
<p>{escape(labels.bank[0])} <small lang="en">{escape(names[1])}</small></p></div></header>
<main class="one"><section class="sheet ticket"><h2>{both(labels.service(found["service"]))}</h2>
<p class="number">{escape(found["number"])}</p>{middle}{where}</section></main></body></html>"""
