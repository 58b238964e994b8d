"""The teller's help as HTML: what was heard, how the visitor is, approved answers, next steps; escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from config.teller_help import NextStep
from contracts.handover import HandoverPacket
from hub.html import both
from hub.labels import EMOTIONS, RISKS, Pair

LINES: Final = 8  # of captions during the talk; afterwards all
ANSWERS: Final = 3
LINE_FITS: Final = 200  # characters of a line to the visitor (`static/call.js`)
LEVELS: Final = ("low", "medium", "high", "emergency")
WHOSE: Final[dict[str, Pair]] = {"visitor": ("客户", "Visitor"), "other": ("旁人", "Somebody beside")}
Heard = Sequence[Mapping[str, Any]]


def meter_html(heard: Heard, packet: HandoverPacket | None, risk: str) -> str:
    """Feeling and risk as they stand now."""
    feeling = next((row["feeling"] for row in reversed(heard) if row["feeling"]), None)
    if feeling is None and packet is not None and packet.feeling is not None:
        mood = packet.feeling
        feeling = {"emotion": mood.emotion, "intensity": mood.intensity, "rising": mood.rising}
    place = LEVELS.index(risk) + 1
    bars = "".join(f"<i{' class=on' if at < place else ''}></i>" for at in range(len(LEVELS)))
    found = (
        f'<p class="meter risk-{risk}" data-risk="{risk}"><span>{both(("风险", "Risk"))}</span>'
        f'<b>{both(RISKS[risk])}</b><span class="bars" aria-hidden="true">{bars}</span></p>'
    )
    if feeling is None:
        return found + f'<p class="meter quiet" data-feeling="">{both(("情绪平稳", "Calm"))}</p>'
    share = round(100 * min(1.0, feeling["intensity"]))
    rising = both(("，越来越强", ", rising")) if feeling["rising"] else ""
    return (
        f'{found}<p class="meter" data-feeling="{escape(feeling["emotion"])}"><span>{both(("情绪", "Feeling"))}</span>'
        f"<b>{both(EMOTIONS[feeling['emotion']])}{rising}</b>"
        f'<span class="level"><i style="width:{share}%"></i></span></p>' + _reasons(heard)
    )


def _reasons(heard: Heard) -> str:
    risk = next((row["risk"] for row in reversed(heard) if row["risk"]), None)
    if risk is None or risk["level"] == "low":
        return ""
    rows = "".join(f"<li>{both((row['zh'], row['en']))}</li>" for row in risk["reasons"][:4])
    return f'<ul class="reasons">{rows}</ul>'


def said_html(heard: Heard, *, quoting: bool) -> str:
    """The captions, the newest last. `quoting`: each may be taken into the account."""
    note = both((
        "字幕由终端识别，可能有误；您说的话不会被识别。",
        "Captions come from the terminal and may be wrong; what you say is not recognised.",
    ))  # fmt: skip
    head = f"<h3>{both(('客户说的话', 'What the visitor says'))}</h3>"
    if not heard:
        return f'{head}<p class="quiet">{both(("还没有说话。", "Nothing yet."))}</p><p class="quiet small">{note}</p>'
    rows = "".join(_line(row, quoting) for row in (heard if quoting else heard[-LINES:]))
    return f'{head}<ol class="said" tabindex="0">{rows}</ol><p class="quiet small">{note}</p>'


def _line(row: Mapping[str, Any], quoting: bool) -> str:
    unsure = "" if row["sure"] else f" <em>{both(('听不准', 'not sure'))}</em>"
    quote = ""
    if quoting:
        quote = f'<button type="button" class="act quiet" data-quote="{escape(row["text"])}">{both(("写进小结", "Into the account"))}</button>'  # noqa: E501
    return (
        f'<li class="whose-{escape(row["whose"])}{"" if row["sure"] else " unsure"}"><b>{both(WHOSE[row["whose"]])}</b>'
        f'<span lang="{escape(row["language"])}">{escape(row["text"])}{unsure}</span>{quote}</li>'
    )


def suggested_html(heard: Heard) -> str:
    """Approved answers to what was said last, each with its source."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in reversed(heard):
        for one in row["suggested"]:
            found.setdefault(one["entry"], one)
    head = f"<h3>{both(('可以这样答', 'Approved answers'))}</h3>"
    if not found:
        return f'{head}<p class="quiet">{both(("知识包里还没有合适的答案。", "Nothing in the pack fits yet."))}</p>'
    return head + "".join(_answer(one) for one in list(found.values())[:ANSWERS])


def _answer(one: Mapping[str, Any]) -> str:
    text, source = escape(one["text"]), escape(one["source"])
    write = ""
    if len(one["text"]) <= LINE_FITS:
        write = f'<button type="button" class="act quiet" data-suggest="{text}">{both(("写给客户", "Write to the visitor"))}</button>'  # noqa: E501
    return (
        f'<div class="answer" data-entry="{escape(one["entry"])}"><p>{text}</p>'
        f'<p class="quiet small">{both(("来源", "Source"))} {source} · {one["score"]:.0%}</p>{write}</div>'
    )


def steps_html(steps: Sequence[NextStep]) -> str:
    """What comes next."""
    if not steps:
        return ""
    rows = "".join(f'<li data-step="{row.id}">{both((row.text.zh, row.text.en))}</li>' for row in steps)
    return f"<h3>{both(('接下来', 'Next'))}</h3><ul>{rows}</ul>"
