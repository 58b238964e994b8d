"""The fleet as HTML drawn on the server: alarms, roll-outs with their waves, the list, one terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from hub.desk.fleet_labels import ALARMS, EVENTS, ORDER_STATES, REASONS, STATES, STATUS
from hub.html import both
from hub.labels import Labels, Pair

MOST_SHOWN: Final = 200
BARS: Final = ("done", "returned", "in_hand", "failed", "stuck", "absent", "left_out", "queued")
HEADS: Final[tuple[Pair, ...]] = (
    ("终端", "Terminal"),
    ("状态", "State"),
    ("版本", "Release"),
    ("地区、标签", "Region, tags"),
    ("温度", "Temp."),
    ("缺少", "Missing"),
    ("告警", "Alarms"),
)
PARTS: Final[tuple[tuple[str, Pair], ...]] = (
    ("camera", ("摄像头", "Camera")),
    ("microphone", ("麦克风", "Microphone")),
    ("speaker", ("扬声器", "Speaker")),
    ("printer", ("打印机", "Printer")),
    ("screen", ("屏幕", "Screen")),
    ("card_reader", ("读卡器", "Card reader")),
)
IN_HAND: Final = ("asked", "working", "retrying", "returning")


def alarms_html(rows: Sequence[Mapping[str, Any]], labels: Labels) -> str:
    """One line an alarm, or a group; what is silent last and pale."""
    if not rows:
        return f'<p class="quiet">{both(("没有告警。", "No alarms."))}</p>'
    lines = []
    for row in rows[:MOST_SHOWN]:
        devices = row["devices"]
        many = both((f"{len(devices)} 台", f"{len(devices)} terminals"))
        whom = escape(devices[0]) if len(devices) == 1 else many
        where = both(labels.branch(row["branch"])) + (f" · {whom}" if devices != [""] else "")  # or the whole branch
        silent = both(("静音", "silent")) if row["silent"] else ""
        lines.append(
            f'<li class="{"silent" if row["silent"] else ""}"><b>{both(ALARMS.get(row["kind"], (row["kind"], "")))}</b>'
            f"<span>{where}</span>"
            f'<span class="age">{escape(row["detail"])} {_since(row["since"])} {silent}</span></li>'
        )
    return f'<ul class="alarms">{"".join(lines)}</ul>'


def rollout_html(one: Mapping[str, Any]) -> str:
    """One roll-out: its waves as bars, its limits as they were stated."""
    limits, plan = one["plan"]["limits"], one["plan"]
    stated = []
    if limits["failed"] is not None:
        stated.append(both((f"失败 {limits['failed']} 台即停", f"stops at {limits['failed']} failures")))
    if limits["failed_share"] is not None:
        share = f"{limits['failed_share'] * 100:g} %"
        judged = limits["judged_from"]
        stated.append(
            both((f"满 {judged} 台后失败超过 {share} 即停", f"stops above {share} failures, from {judged} on"))
        )
    chip = f'<span class="chip ro-{one["status"]}">{both(STATUS[one["status"]])}</span>'
    why = _reason(one["reason"]) if one["reason"] else ""
    waves = "".join(_wave(number, wave, one) for number, wave in enumerate(one["waves"], 1))
    legend = "".join(
        f'<span class="key st-{name}"><i></i>{both(STATES[name])} {count}</span>'
        for name, count in _grouped(one["counts"]).items()
        if count
    )
    back: Pair = ("停止时退回", "goes back when it stops") if plan["on_stop"] == "return" else ("停止时保留", "stays")
    return (
        f"<h4><span>{escape(one['name'])} → <b>{escape(one['version'])}</b></span>{chip}</h4>"
        f'<p class="age">{why} {escape(one["by"])} · {_since(one["at"])} · {" · ".join([*stated, both(back)])}</p>'
        f'<ol class="waves">{waves}</ol><p class="legend">{legend}</p>'
    )


def _reason(reason: str) -> str:
    figure: Pair = ("质量指标变差或不足：" + reason[5:], "figure: " + reason[5:].replace("_", " "))
    return f"<b>{both(figure if reason.startswith('gate_') else REASONS.get(reason, (reason, '')))}</b> ·"


def _wave(number: int, wave: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    counts = _grouped(wave["counts"])
    total = sum(counts.values()) or 1
    parts = "".join(
        f'<i class="st-{name}" style="flex-grow:{counts[name]}" title="{STATES[name][1]} {counts[name]}"></i>'
        for name in BARS
        if counts[name]
    )
    now = " now" if number == one["wave"] and not one["over"] else ""
    gate = both(("要批准", "approval")) if wave.get("approve") else ""
    return f'<li class="wave{now}"><span>{number}</span><div class="bar">{parts}</div><span>{total} {gate}</span></li>'


def _grouped(counts: Mapping[str, int]) -> dict[str, int]:
    grouped = dict.fromkeys(BARS, 0)
    for state, n in counts.items():
        grouped["in_hand" if state in IN_HAND else state] += n
    return grouped


def terminals_html(rows: Sequence[Mapping[str, Any]], labels: Labels) -> str:
    """The list; each line leads to the terminal's page."""
    body = "".join(_terminal(row, labels) for row in rows[:MOST_SHOWN])
    more = len(rows) - MOST_SHOWN
    rest = f'<p class="quiet">{both((f"还有 {more} 台，请搜索", f"and {more} more: search"))}</p>' if more > 0 else ""
    if not rows:
        return f'<p class="quiet">{both(("没有这样的终端。", "No such terminal."))}</p>'
    head = "".join(f"<th>{both(pair)}</th>" for pair in HEADS)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _terminal(one: Mapping[str, Any], labels: Labels) -> str:
    here: Pair = ("在线", "Online") if one["online"] else ("离线", "Offline")
    wanted = ""
    if one["wanted"] and one["wanted"] != one["version"]:
        wanted = f' <small class="wanted">→ {escape(one["wanted"])}</small>'
    warm = "" if one["temperature_c"] is None else f"{one['temperature_c']:.0f} °C"
    out = f' <span class="chip trouble">{both(("停用", "Out of service"))}</span>' if one["out_of_service"] else ""
    tags = "".join(f'<span class="tag">{escape(tag)}</span>' for tag in (one["region"], *one["tags"]) if tag)
    address = f"/desk/fleet/{escape(one['branch'])}/{escape(one['device'])}"
    return (
        f'<tr data-terminal="{escape(one["branch"])}/{escape(one["device"])}"><td><a href="{address}">'
        f"{both(labels.branch(one['branch']))} <b>{escape(one['device'])}</b></a></td>"
        f'<td><span class="chip {"here" if one["online"] else "away"}">{both(here)}</span>{out}</td>'
        f"<td>{escape(one['version']) or '—'}{wanted}</td><td>{tags}</td><td>{warm}</td>"
        f"<td>{escape(', '.join(one['missing']))}</td><td>{one['alarms'] or ''}</td></tr>"
    )


def one_html(one: Mapping[str, Any], labels: Labels) -> str:
    """One terminal: how it is now."""
    here: Pair = ("在线", "Online") if one["online"] else ("离线", "Offline")
    free = one["free_disk_bytes"]
    facts: list[tuple[Pair, str]] = [
        (("状态", "State"), f'<span class="chip {"here" if one["online"] else "away"}">{both(here)}</span>'),
        (("最后听到", "Last heard"), _since(one["seen"])),
        (("版本", "Release"), escape(one["version"]) or "—"),
        (("应为", "Wanted"), escape(one["wanted"]) or "—"),
        (("升级", "Roll-out"), escape(f"{one['rollout']} {one['rollout_reason']}".strip())),
        (("地区、标签", "Region, tags"), escape(" ".join([one["region"], *one["tags"]]).strip()) or "—"),
        (("硬件", "Hardware"), escape(one["hardware"]) or "—"),
        (("温度", "Temperature"), "—" if one["temperature_c"] is None else f"{one['temperature_c']:.0f} °C"),
        (("空闲磁盘", "Free disk"), "—" if free is None else f"{free / 1e9:.1f} GB"),
        (("内存", "Memory"), "—" if not one["rss_bytes"] else f"{one['rss_bytes'] / 1e6:.0f} MB"),
        (("待发消息", "Messages owed"), "—" if one["pending"] is None else str(one["pending"])),
        (("运行时间", "Running for"), _hours(one["uptime_s"])),
    ]
    lines = "".join(f"<dt>{both(pair)}</dt><dd>{value}</dd>" for pair, value in facts)
    parts = "".join(
        f'<li class="{"bad" if name in one["missing"] else "good"}">{both(pair)}</li>' for name, pair in PARTS
    )
    alarms = "".join(f"<li><b>{both(ALARMS.get(row['kind'], (row['kind'], '')))}</b> {escape(row['detail'])}</li>"
                     for row in one["alarms_now"])  # fmt: skip
    return (
        f"<h3>{both(labels.branch(one['branch']))} <span>{escape(one['device'])}</span></h3>"
        f'<ul class="alarms">{alarms}</ul><ul class="parts">{parts}</ul><dl class="facts">{lines}</dl>'
    )


def _part(name: str, one: Mapping[str, Any]) -> str:
    """Whether a device works, as far as the terminal has said anything."""
    if one["uptime_s"] is None:
        return "unknown"
    return "bad" if name in one["missing"] else "good"


def history_html(one: Mapping[str, Any]) -> str:
    """What happened to one terminal: orders, roll-outs, starts, certificates, moments of its devices."""
    orders = "".join(
        f"<li>{_since(row['asked_at'])} <b>{escape(_act(row['act']))}</b> "
        f'<span class="chip">{both(ORDER_STATES.get(row["state"], (row["state"], "")))}</span> '
        f'<span class="age">{escape(row["asked_by"])}'
        f"{escape(' + ' + row['agreed_by'] if row['agreed_by'] else '')} · {escape(row['reason'])} "
        f"{escape(' '.join(row['codes']))}</span></li>"
        for row in one["orders"]
    )
    rollouts = "".join(
        f"<li>{_since(row['since'])} {escape(row['campaign'])} "
        f"<b>{both(STATES.get(row['state'], STATES['in_hand']))}</b> {escape(row['reason'])}</li>"
        for row in one["rollouts"]
    )
    starts = "".join(f"<li>{_since(row['since'])} {escape(row['version'])}</li>" for row in one["starts"][:8])
    certificates = "".join(
        f"<li><code>{escape(row['serial'][:12])}</code> → {escape(row['not_after'][:10])} "
        f"{both(('已吊销', 'revoked')) if row['revoked_at'] else ''} {escape(row['reason'])}</li>"
        for row in one["certificates"]
    )
    moments = "".join(
        f"<li>{_since(row['at'])} {both(EVENTS.get(row['kind'], (row['kind'], '')))} "
        f'<span class="age">{escape(", ".join(str(value) for value in row["codes"].values()))}</span></li>'
        for row in one["events"]
        if row["kind"] in EVENTS
    )
    titled = (
        (("命令", "Orders"), orders), (("升级", "Roll-outs"), rollouts), (("启动", "Starts"), starts),
        (("证书", "Certificates"), certificates), (("设备", "Devices"), moments),
    )  # fmt: skip
    return "".join(f"<h4>{both(pair)}</h4><ul>{body}</ul>" for pair, body in titled if body)


def _act(act: Mapping[str, Any]) -> str:
    return " ".join(str(value) for value in act.values())


def _hours(seconds: float | None) -> str:
    return "—" if seconds is None else f"{seconds / 3_600:.1f} h"


def _since(at: str | None) -> str:
    """The time today, the day before that."""
    if not at:
        return "—"
    when = datetime.fromisoformat(at)
    today = when.astimezone().date() == datetime.now(UTC).astimezone().date()
    return f'<time datetime="{escape(at)}">{when.astimezone():{"%H:%M" if today else "%m-%d %H:%M"}}</time>'
