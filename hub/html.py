"""Pieces of HTML that every page is made of. Everything from outside is escaped here, where it becomes HTML."""

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Final

from hub.labels import Labels, Pair

MARK: Final = (
    '<svg class="mark" viewBox="0 0 64 64" aria-hidden="true"><circle cx="32" cy="32" r="32"/>'
    '<path d="M32 50V30M32 34C18 34 14 26 14 17c12 0 18 6 18 17ZM32 30c0-10 6-16 18-16 0 10-5 17-18 17Z"/></svg>'
)


def both(pair: Pair, css: str = "both") -> str:
    """Chinese and English; a page in one language hides the other."""
    chinese, english = pair
    if not english:
        return f'<span class="{css}">{escape(chinese)}</span>'
    words = f'<span lang="zh">{escape(chinese)}</span> <small lang="en">{escape(english)}</small>'
    return f'<span class="{css}">{words}</span>'


def minutes(count: int) -> Pair:
    """So many minutes."""
    return f"{count} 分钟", f"{count} min"


def sheet(title: str, body: str, *, css: str = "", scripts: str = "", data: str = "") -> str:
    """A whole page without the desk's machinery: sign-in, board, phone."""
    return f"""<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><link rel="icon" href="/static/mark.svg">
<link rel="stylesheet" href="/theme.css"><link rel="stylesheet" href="/static/hub.css">{scripts}</head>
<body class="{css}" {data}>{body}</body></html>"""


def head(labels: Labels, branch: str, more: str = "") -> str:
    """The bank's mark, the branch's name, and what else belongs into the line."""
    names, below = labels.bank, ("网点工作台", "The desks of the branches")
    if branch:
        names, below = labels.branch(branch), labels.bank
    return f'<header>{MARK}<div class="title"><h1>{both(names)}</h1><p>{both(below)}</p></div>{more}</header>'


def clock(at: datetime | None) -> str:
    """The time of day as the page's reader has it."""
    if at is None:
        return ""
    return f'<time datetime="{at.isoformat()}">{at.astimezone():%H:%M}</time>'
