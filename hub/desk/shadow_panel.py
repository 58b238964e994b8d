"""Which terminals are not set as they should be, as HTML drawn on the server."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from hub.html import both
from hub.labels import Labels, Pair

MAX_SHOWN: Final = 200
MAX_DIFFERING: Final = 6
STATES: Final[dict[str, Pair]] = {
    "silent": ("没有回报", "Has not said"),
    "local": ("本机设置", "Its own file"),
    "applied": ("已生效", "Applied"),
    "on_trial": ("试运行", "On trial"),
    "applied_after_restart": ("重启后生效", "After its next start"),
    "refused": ("拒绝", "Refused"),
    "rolled_back": ("已退回", "Rolled back"),
}
CHIPS: Final[dict[str, str]] = {"applied": "done", "refused": "no_show", "rolled_back": "no_show"}
HEADS: Final[tuple[Pair, ...]] = (
    ("终端", "Terminal"), ("应为", "Wanted"), ("现为", "Reported"), ("状态", "State"), ("不同之处", "What differs"),
)  # fmt: skip


def shadows_html(rows: Sequence[dict[str, Any]], labels: Labels) -> str:
    """One table; the terminals that are out of step first."""
    if not rows:
        return ""
    ordered = sorted(rows, key=lambda row: (row["in_step"], row["branch"], row["device"]))
    astray = sum(not row["in_step"] for row in rows)
    body = "".join(_row(row, labels) for row in ordered[:MAX_SHOWN])
    heads = "".join(f"<th>{both(pair)}</th>" for pair in HEADS)
    summary = both((f"{len(rows)} 台，{astray} 台不一致", f"{len(rows)} terminals, {astray} out of step"))
    more = len(rows) - MAX_SHOWN
    rest = f'<p class="quiet">{both((f"还有 {more} 台", f"and {more} more"))}</p>' if more > 0 else ""
    return (
        f'<section class="sheet shadows"><h3>{both(("终端设置", "How terminals are set"))}<span>{summary}</span></h3>'
        f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{rest}</section>"
    )


def _row(row: dict[str, Any], labels: Labels) -> str:
    desired, reported = row["desired"], row["reported"]
    wanted = f"{desired['version']}" if desired else "—"
    told = "—" if reported is None else f"{reported['version']}"
    if reported is not None and reported["in_force"] != reported["version"]:
        in_force = reported["in_force"]
        told += f" <small>{both((f'生效 {in_force}', f'{in_force} in force'))}</small>"
    state = "silent" if reported is None else "on_trial" if reported["on_trial"] else reported["state"]
    chip = f'<span class="chip {CHIPS.get(state, "")}">{both(STATES.get(state, (state, "")))}</span>'
    return (
        f'<tr id="s-{escape(row["branch"])}-{escape(row["device"])}" class="{"" if row["in_step"] else "astray"}">'
        f"<td>{both(labels.branch(row['branch']))} <b>{escape(row['device'])}</b></td>"
        f"<td>{wanted}</td><td>{told}</td><td>{chip}</td><td>{_differing(row)}</td></tr>"
    )


def _differing(row: dict[str, Any]) -> str:
    reasons = (row["reported"] or {}).get("reasons", ())
    items = [
        f"<li><code>{escape(one['setting'])}</code> {_value(one['desired'])} ≠ {_value(one['reported'])}</li>"
        for one in row["differing"][:MAX_DIFFERING]
    ]
    left = len(row["differing"]) - MAX_DIFFERING
    if left > 0:
        items.append(f"<li>{both((f'还有 {left} 项', f'and {left} more'))}</li>")
    items += [f"<li><code>{escape(one['why'])} {escape(one.get('what', ''))}</code></li>" for one in reasons]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _value(value: object) -> str:
    if value is None:
        return "—"
    return "…" if isinstance(value, dict) else escape(str(value))
