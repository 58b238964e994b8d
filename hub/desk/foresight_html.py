"""What the manager sees coming, as HTML drawn on the server: arrivals, counters needed, what dispatch did, errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from hub.foresight.arrivals import Floats
from hub.foresight.forecasting import DayAhead, HorizonScore, Miss
from hub.foresight.rehearse import Outcome
from hub.html import both
from hub.labels import Labels, Pair

WIDE, HIGH = 880, 150  # of a chart, in its own units
EDGE: Final = 34
KINDS: Final[dict[str, Pair]] = {
    "mix": ("窗口加业务", "A counter helps"),
    "self_service": ("引导自助", "To a machine"),
    "video": ("引导视频柜员", "To a teller on video"),
    "later": ("建议改时间", "Another time"),
}
DAYS: Final[dict[str, Pair]] = {
    "holiday": ("节假日", "Holiday"),
    "before_holiday": ("节前", "Before a holiday"),
    "after_holiday": ("节后", "After a holiday"),
    "pay": ("发薪日", "Pay day"),
    "pension": ("养老金日", "Pension day"),
    "campaign": ("营销活动", "Campaign"),
    "rain": ("雨", "Rain"),
    "storm": ("大风大雨", "Storm"),
    "other": ("其他", "Other"),
}


def arrivals_html(
    ahead: Sequence[DayAhead], came: Mapping[str, Floats], now_quarter: int, kinds: Iterable[str], labels: Labels,
    heading: Pair,
) -> str:  # fmt: skip
    """Each service's day: what is expected as a line, what came as bars."""
    known = "".join(f'<span class="chip human">{both(DAYS.get(kind, (kind, "")))}</span>' for kind in sorted(kinds))
    if not ahead:
        none = both(("还说不准：要有五天以上的记录", "Cannot say yet: five days of records are needed"))
        return f'<section class="sheet"><h3>{both(heading)}{known}</h3><p class="quiet">{none}</p></section>'
    charts = "".join(_day_chart(one, came.get(one.service), now_quarter, labels) for one in ahead)
    return f'<section class="sheet arrivals"><h3>{both(heading)}<span>{known}</span></h3>{charts}</section>'


def _day_chart(one: DayAhead, came: Floats | None, now_quarter: int, labels: Labels) -> str:
    used = one.used
    first, last = _open(used, came)
    most = max(float(used.max()), 1.0 if came is None else float(came.max()), 1.0)
    step = (WIDE - EDGE) / max(last - first, 1)
    bars = ""
    if came is not None:
        for at in range(first, min(last, now_quarter)):
            high = (HIGH - 34) * float(came[at]) / most
            left = EDGE + (at - first) * step
            bars += f'<rect x="{left + 1:.1f}" y="{HIGH - 20 - high:.1f}" width="{step - 2:.1f}" height="{high:.1f}"/>'
    line = _line(used, first, last, step, most, "expected")
    if one.factor is not None:
        line += _line(one.expected, first, last, step, most, "model")
    ticks = "".join(
        f'<text x="{EDGE + (at - first) * step:.1f}" y="{HIGH - 4}">{at // 4}</text>'
        for at in range(first, last + 1)
        if at % 4 == 0
    )
    top = f'<text x="0" y="14">{most:.0f}</text><text x="0" y="{HIGH - 22}">0</text>'
    total = both((f"共约 {used.sum():.0f} 人", f"about {used.sum():.0f} in all"))
    by = ""
    if one.factor is not None:
        words = (f"{one.person} 改为 ×{one.factor:.2f}", f"{one.person} corrected ×{one.factor:.2f}")
        by = f'<em class="corrected">{both(words)}</em>'
    return (
        f'<div class="chart"><h4>{both(labels.service(one.service))}<span>{total} {by}</span></h4>'
        f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(one.service)}">'
        f'<g class="came">{bars}</g>{line}<g class="ticks">{ticks}{top}</g></svg></div>'
    )


def _open(used: Floats, came: Floats | None) -> tuple[int, int]:
    """The quarters in which anybody is expected or came."""
    shown = [at for at in range(96) if used[at] > 0.01 or (came is not None and came[at] > 0)]
    return (shown[0], shown[-1] + 1) if shown else (36, 68)


def _line(values: Floats, first: int, last: int, step: float, most: float, css: str) -> str:
    points = " ".join(
        f"{EDGE + (at - first + 0.5) * step:.1f},{HIGH - 20 - (HIGH - 34) * float(values[at]) / most:.1f}"
        for at in range(first, last)
    )
    return f'<polyline class="{css}" points="{points}"/>'


def need_html(need: Mapping[str, Sequence[int]], planned: Mapping[str, Sequence[int]], now: int, labels: Labels) -> str:
    """Counters for each service and half an hour: how many are needed, and whether so many are planned."""
    shown = [at for at in range(0, 96, 2) if any(sum(row[at : at + 2]) for row in need.values())]
    if not shown:
        return ""
    head = "".join(
        f"<th{' class=now' if at <= now < at + 2 else ''}>{at // 4}{':30' if at % 4 else ''}</th>" for at in shown
    )
    rows = ""
    for service, counts in need.items():
        cells = ""
        for at in shown:
            wanted, there = max(counts[at : at + 2]), min(planned.get(service, [0] * 96)[at : at + 2], default=0)
            css = ' class="short"' if planned and wanted > there else ""
            cells += f"<td{css}>{wanted}</td>"
        rows += f"<tr><th>{both(labels.service(service))}</th>{cells}</tr>"
    note = both(
        (
            "按 Erlang A：九成人在目标时间内叫到；红的比排班多",
            "By Erlang A: nine of ten called within the goal; red: more than is planned",
        )
    )
    return (
        f'<section class="sheet need"><h3>{both(("每半小时要几个窗口", "Counters needed"))}<span>{note}</span></h3>'
        f"<div class=scroll><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def what_if_html(rows: Sequence[tuple[Pair, Outcome]]) -> str:
    """Plans beside each other, the one as it is first."""
    heads = (
        ("方案", "Plan"), ("一半人等（分钟）", "Half wait (min)"), ("九成人等（分钟）", "Nine of ten (min)"),
        ("走掉的", "Leave"), ("关门时还在等", "Waiting at closing"),
    )  # fmt: skip
    first = rows[0][1] if rows else None
    body = ""
    for name, outcome in rows:
        better = first is not None and outcome.all_p90_min < first.all_p90_min - 0.5
        body += (
            f"<tr{' class=better' if better else ''}><td>{both(name)}</td><td>{outcome.all_p50_min:.0f}</td>"
            f"<td><b>{outcome.all_p90_min:.0f}</b></td><td>{outcome.left_share:.0%}</td><td>{outcome.unserved:.1f}</td></tr>"
        )
    cells = "".join(f"<th>{both(pair)}</th>" for pair in heads)
    return f'<table class="what-if"><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>'


def scores_html(scores: Sequence[HorizonScore], misses: Sequence[Miss], labels: Labels) -> str:
    """How wrong forecasts were, by how far ahead; and where they were most wrong."""
    heading = both(("预测准不准", "How good were the forecasts?"))
    if not scores:
        none = both(("还没有可比的", "Nothing to compare yet"))
        return f'<section class="sheet"><h3>{heading}</h3><p class="quiet">{none}</p></section>'
    body = ""
    for one in scores:
        ratio = one.model / one.naive if one.naive else 1.0
        person = "—"
        if one.corrected is not None and one.model_where_corrected is not None:
            person = f"{one.corrected:.2f} <small>/ {one.model_where_corrected:.2f}</small>"
        body += (
            f"<tr><td>{both(_ahead(one.ahead_min))}</td><td>{one.model:.2f}</td><td>{one.naive:.2f}</td>"
            f"<td>{ratio:.2f}</td><td>{person}</td><td>{one.count}</td></tr>"
        )
    heads = (
        ("提前", "Ahead"), ("模型差（人/刻钟）", "Model off by"), ("上周同刻", "Week before"), ("比", "Ratio"),
        ("人改过的 / 模型", "Corrected / model"), ("比过", "Compared"),
    )  # fmt: skip
    cells = "".join(f"<th>{both(pair)}</th>" for pair in heads)
    worst = "".join(_miss(one, labels) for one in misses[:6])
    review = f"<h4>{both(('差得最多的', 'Most wrong'))}</h4><ul>{worst}</ul>" if worst else ""
    return (
        f'<section class="sheet scores"><h3>{heading}</h3><table><thead><tr>{cells}</tr></thead>'
        f"<tbody>{body}</tbody></table>{review}</section>"
    )


def _ahead(minutes: int) -> Pair:
    if minutes < 60:
        return f"{minutes} 分钟", f"{minutes} min"
    if minutes < 1_440:
        return f"{minutes // 60} 小时", f"{minutes // 60} h"
    return f"{minutes // 1_440} 天", f"{minutes // 1_440} days"


def _miss(one: Miss, labels: Labels) -> str:
    part = ("下午", "afternoon") if one.afternoon else ("上午", "morning")
    service = labels.service(one.service)
    words = (
        f"{one.day} {part[0]} {service[0]}：预计 {one.expected:.0f}，来了 {one.came:.0f}",
        f"{one.day} {part[1]}, {service[1] or one.service}: {one.expected:.0f} expected, {one.came:.0f} came",
    )
    known = "".join(f'<span class="chip">{both(DAYS.get(kind, (kind, "")))}</span>' for kind in one.kinds)
    nothing = f'<span class="quiet">{both(("那天没有登记特别的事", "nothing was known of that day"))}</span>'
    return f"<li>{both(words)} {known or nothing}</li>"


def acts_html(acts: Sequence[Mapping[str, Any]], labels: Labels) -> str:
    """What dispatch advised or did, newest first, why, and with what effect."""
    items = "".join(_act(act, labels) for act in acts)
    none = f'<li class="quiet">{both(("今天还没有", "Nothing yet"))}</li>'
    return f'<ul class="acts-log">{items or none}</ul>'


def _act(act: Mapping[str, Any], labels: Labels) -> str:
    service, kind = labels.service(act["service"]), KINDS.get(act["kind"], (act["kind"], ""))
    why, effect = act["why"], act["effect"]
    where = (f"{act['counter']} 号窗口 ", f"counter {act['counter']} ") if act["counter"] else ("", "")
    chip = ("已执行", "done") if act["done"] else ("建议", "advice")
    p90, limit = why.get("p90_min", 0), why.get("limit_min", 0)
    reason = both(
        (
            f"新来的人九成要等到 {p90:.0f} 分钟（界限 {limit:.0f}），{why.get('waiting', 0):.0f} 人在等",
            f"nine of ten newcomers: up to {p90:.0f} min (limit {limit:.0f}), {why.get('waiting', 0):.0f} wait",
        )
    )
    result = ""
    if effect is not None:
        after = f"{effect['p90_min']:.0f}" if "p90_min" in effect else "—"
        took, lasted = effect.get("took", 0), effect.get("lasted_min", 0)
        result = both(
            (
                f"{lasted:.0f} 分钟后 {p90:.0f} → {after} 分钟，{took} 人",
                f"after {lasted:.0f} min {p90:.0f} → {after} min, {took} visitors",
            )
        )
    css = "done" if act["done"] else "waiting"
    running = "" if act["ended_at"] is not None else f'<span class="chip called">{both(("进行中", "going on"))}</span>'
    at: datetime = act["at"]
    title = f"{where[0]}{kind[0]} · {service[0]}", f"{where[1]}{kind[1]}: {service[1] or act['service']}"
    return (
        f'<li><time>{at.astimezone():%H:%M}</time><span class="chip {css}">{both(chip)}</span>{running}'
        f"<b>{both(title)}</b><span class=quiet>{reason}</span><em>{result}</em></li>"
    )


def quarter_of(now: datetime, zone_min: int) -> int:
    """The quarter of an hour of the branch's day, 0 to 95."""
    local = now + timedelta(minutes=zone_min)
    return local.hour * 4 + local.minute // 15
