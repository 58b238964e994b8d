"""The branch manager's floor and the region's ranking, as HTML drawn on the server."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Any, Final

from hub.desk.floor import LONG_WAIT_MIN, AtCounter, Floor, Line, Waiting
from hub.foresight.calibration import Score
from hub.html import both, minutes
from hub.labels import DEVICE_REASONS, DEVICES, NOTICED, OUTCOMES, PRIORITIES, TICKET_STATES, Labels, Pair

MAX_SHOWN: Final = 30
MAX_MOMENTS: Final = 14


def floor_html(floor: Floor, view: dict[str, Any], labels: Labels) -> str:
    """Everything on one page: what is wrong first, then lines, counters, people, terminals, moments."""
    return (
        f'<main class="floor"><div class="wide">{_alarms(floor)}{_services(floor.lines, labels)}'
        f'<div class="two">{_counters(floor.counters, labels)}{_waiting(floor.waiting, labels)}</div>'
        f"{_promises(floor.score)}</div>"
        f"<aside>{_devices(view)}{_opinions(view['opinions'])}{_moments(view, labels)}</aside></main>"
    )


def region_html(rows: list[dict[str, Any]], labels: Labels, below: str = "") -> str:
    """The branches in order: the longest wait first. `below`: HTML of what else belongs on the page."""
    if not rows:
        none = both(("还没有网点", "No branches yet"))
        return f'<main class="one"><section class="sheet"><p class="quiet">{none}</p></section></main>'
    most = max([line["longest_min"] for line in rows] + [1])
    body = "".join(_region_row(rank, line, most, labels) for rank, line in enumerate(rows, 1))
    heads = (
        ("", ""), ("网点", "Branch"), ("最久等候", "Longest wait"), ("等候", "Waiting"), ("今天办好", "Served today"),
        ("满意度", "Opinions"), ("终端", "Terminals"),
    )  # fmt: skip
    cells = "".join(f"<th>{both(pair)}</th>" for pair in heads)
    total = sum(line["waiting"] for line in rows)
    summary = both((f"{len(rows)} 个网点，{total} 人等候", f"{len(rows)} branches, {total} waiting"))
    return (
        f'<main class="region"><section class="sheet"><h3>{both(("网点排名", "Branches, longest wait first"))}'
        f"<span>{summary}</span></h3><table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
        f"</section>{below}</main>"
    )


def _region_row(rank: int, line: dict[str, Any], most: int, labels: Labels) -> str:
    late = " late" if line["longest_min"] >= LONG_WAIT_MIN else ""
    mean = "—" if line["mean"] is None else f"{line['mean']:.1f} <small>({line['opinions']})</small>"
    away, longest = line["away"], line["longest_min"]
    devices = (
        f'<span class="chip no_show">{both((f"{away} 台不在", f"{away} away"))}</span>'
        if away
        else f'<span class="chip done">{line["terminals"]}</span>'
    )
    bar = f'<i class="bar{late}" style="--share:{line["longest_min"] / most:.3f}"></i>'
    return (
        f'<tr><td class="rank">{rank}</td><td><a href="/desk/branch/{escape(line["branch"])}">'
        f"{both(labels.branch(line['branch']))}</a></td>"
        f'<td class="long{late}">{both(minutes(longest))}{bar}</td>'
        f"<td>{line['waiting']}</td><td>{line['served']}</td><td>{mean}</td><td>{devices}</td></tr>"
    )


def _alarms(floor: Floor) -> str:
    items = "".join(f'<li class="alarm">{both(pair)}</li>' for pair in floor.alarms)
    items += "".join(f'<li class="advice">{both(pair)}</li>' for pair in floor.advice)
    calm = f'<li class="calm">{both(("一切正常", "All is well"))}</li>'
    return f'<section class="sheet alarms" aria-live="polite"><ul>{items or calm}</ul></section>'


def _promises(found: Score | None) -> str:
    """Whether what visitors were told came true: counted over the last two weeks."""
    heading = both(("等候时间说得准不准", "Were the waits as promised?"))
    if found is None:
        none = both(("还没有可比的，等叫过几个号", "Nothing to compare yet"))
        return f'<section class="sheet promises"><h3>{heading}</h3><p class="quiet">{none}</p></section>'
    nine, half = f"{found.coverage:.0%}", f"{found.half_coverage:.0%}"
    error = f"{found.error_s / 60:.1f}"
    figures = (
        ("在第二个数以内（应为 90%）", "within the second figure (should be 90%)", nine),
        ("在第一个数以内（应为 50%）", "within the first (should be 50%)", half),
        ("平均差几分钟", "minutes off, on average", error),
        ("比过的号", "numbers compared", str(found.count)),
    )
    cells = "".join(f"<li><strong>{value}</strong>{both((zh, en), 'stacked')}</li>" for zh, en, value in figures)
    return f'<section class="sheet promises"><h3>{heading}</h3><ul class="figures">{cells}</ul></section>'


def _services(lines: Iterable[Line], labels: Labels) -> str:
    cards = []
    for line in lines:
        longest = both((f"最久 {line.longest_min} 分钟", f"longest {line.longest_min} min")) if line.waiting else ""
        expected = ""
        if line.expected is not None:
            usual, seldom = line.expected
            expected = both(
                (f"新来大约 {usual} 分钟，九成不超过 {seldom}", f"a newcomer: about {usual} min, nine of ten {seldom}")
            )
        elif line.waiting:
            expected = both(("现在说不准要等多久", "how long cannot be said yet"))
        called = escape(line.last_called) or "—"
        cards.append(
            f'<article class="service"><h2><b class="letter">{escape(labels.letters.get(line.service, "·"))}</b>'
            f"{both(labels.service(line.service), 'stacked')}</h2>"
            f'<p class="waiting"><strong>{line.waiting}</strong><span class="stacked">{both(("人等候", "waiting"))}'
            f"<em>{longest}</em></span></p>"
            f'<p class="quiet expected">{expected}</p>'
            f'<p class="called"><span>{both(("最近叫号", "last called"))}</span> <b>{called}</b></p></article>'
        )
    return f'<section class="services">{"".join(cards)}</section>'


def _counters(counters: Iterable[AtCounter], labels: Labels) -> str:
    items = "".join(_counter(one, labels) for one in counters)
    none = f'<li class="quiet">{both(("还没有窗口叫过号", "No counter has called yet"))}</li>'
    heading = both(("窗口", "Counters"))
    return f'<section class="sheet"><h3>{heading}</h3><ul class="counters">{items or none}</ul></section>'


def _counter(one: AtCounter, labels: Labels) -> str:
    if not one.number or one.state is None:
        doing = f'<span class="quiet">{both(("空闲", "free"))}</span>'
    else:
        doing = (
            f'<b class="number">{escape(one.number)}</b><span class="chip {one.state.value}">'
            f"{both(TICKET_STATES[one.state.value])}</span>"
            f'<span class="age">{both(minutes(one.since_min))}</span>'
        )
    return f'<li><i class="desk-number">{escape(one.counter or "?")}</i>{doing}</li>'


def _waiting(waiting: list[Waiting], labels: Labels) -> str:
    rows = "".join(_waiting_row(one, labels) for one in waiting[:MAX_SHOWN])
    more = len(waiting) - MAX_SHOWN
    rest = f'<li class="quiet">{both((f"还有 {more} 人", f"and {more} more"))}</li>' if more > 0 else ""
    none = f'<li class="quiet">{both(("没有人等", "Nobody waits"))}</li>'
    return (
        f'<section class="sheet"><h3>{both(("谁在等", "Who waits"))}<span>{len(waiting)}</span></h3>'
        f'<ol class="line">{rows or none}{rest}</ol></section>'
    )


def _waiting_row(one: Waiting, labels: Labels) -> str:
    late = " late" if one.waited_min >= LONG_WAIT_MIN else ""
    chip = ""
    if one.priority != "none":
        chip = f'<span class="chip human">{both(PRIORITIES.get(one.priority, (one.priority, "")))}</span>'
    return (
        f'<li id="w-{escape(one.number)}"><b class="number">{escape(one.number)}</b>'
        f"{both(labels.service(one.service), 'stacked')}{chip}"
        f'<span class="age{late}">{both(minutes(one.waited_min))}</span></li>'
    )


def _devices(view: dict[str, Any]) -> str:
    items = []
    for device in view["devices"]:
        css, word = ("on", ("在线", "online")) if device["online"] else ("off", ("离线", "offline"))
        if device["silent"]:
            css, word = "silent", ("没有消息", "silent")
        telemetry = device["telemetry"] or {}
        missing = "".join(
            f'<span class="missing">{both(_missing(kind))}</span>' for kind in telemetry.get("missing", [])
        )
        pending = telemetry.get("pending", 0)
        owed = f"<small>{both((f'待送 {pending}', f'{pending} owed'))}</small>" if pending else ""
        items.append(
            f'<li class="{css}"><i></i><b>{escape(device["device"])}</b> {both(word)}'
            f"<span class='since'>{_time(device['since'])}</span>{owed}{missing}</li>"
        )
    body = "".join(items) or f'<li class="quiet">{both(("还没有终端", "No terminals yet"))}</li>'
    return f'<section class="sheet devices"><h3>{both(("终端", "Terminals"))}</h3><ul>{body}</ul></section>'


def _missing(kind: str) -> Pair:
    chinese, english = DEVICES.get(kind, (kind, kind))
    return f"缺{chinese}", f"{english} missing"


def _opinions(opinions: dict[str, Any]) -> str:
    mean = "—" if opinions["mean"] is None else f"{opinions['mean']:.1f}"
    most = max([*opinions["by_score"].values(), 1])
    bars = "".join(
        f'<li><span>{score}</span><i style="--share:{opinions["by_score"].get(score, 0) / most:.3f}"></i>'
        f"<b>{opinions['by_score'].get(score, 0)}</b></li>"
        for score in range(5, 0, -1)
    )
    count = both((f"{opinions['count']} 位评价", f"{opinions['count']} opinions"))
    return (
        f'<section class="sheet opinions"><h3>{both(("满意度", "Opinions"))}<span>24 h</span></h3>'
        f'<div><p class="mean"><strong>{mean}</strong>{count}</p><ul>{bars}</ul></div></section>'
    )


def _moments(view: dict[str, Any], labels: Labels) -> str:
    items = "".join(_moment(event, labels) for event in view["events"][:MAX_MOMENTS])
    body = items or f'<li class="quiet">{both(("还没有人来", "Nobody has come yet"))}</li>'
    return f'<section class="sheet moments"><h3>{both(("此刻", "Moments"))}</h3><ol>{body}</ol></section>'


def _moment(event: dict[str, Any], labels: Labels) -> str:
    said, detail = moment_words(event["kind"], event["body"], labels)
    more = f'<span class="detail">{detail}</span>' if detail else ""
    return f'<li class="{escape(event["kind"])}">{_time(event["at"])}<i></i><span>{both(said)}{more}</span></li>'


def moment_words(kind: str, body: dict[str, Any], labels: Labels) -> tuple[Pair, str]:
    """What a moment is called, and its detail as HTML."""
    match kind:
        case "visit_started":
            return ("有人来了", "Somebody came"), both(NOTICED.get(body["noticed_by"], ("", "")))
        case "greeted":
            return ("打了招呼", "Greeted"), "中文" if body["language"] == "zh" else "English"
        case "understood":
            latency = body.get("latency_ms")
            took = f" · {latency['total'] / 1000:.1f}\u00a0s" if latency else ""
            asked = {
                "act": "",
                "ask": both((" · 再问一句", " · asked back")),
                "unsure": both((" · 没听准", " · unsure")),
            }
            return ("听懂了", "Understood"), (
                f"{both(labels.intent(body['intent']))} · {body['confidence']:.0%}{took}{asked[body['decision']]}"
            )
        case "touched":
            return ("按了屏幕", "Touched"), f"<code>{escape(body['target'])}</code>"
        case "ticket_taken":
            return (
                "取了号",
                "Ticket taken",
            ), f"<b>{escape(body['number'])}</b> {both(labels.service(body['service']))}"
        case "opinion_given":
            full = int(body["score"])
            return ("评价", "Opinion"), f'<span class="score">{"●" * full}{"○" * (5 - full)}</span>'
        case "opinion_asked":
            return ("请客户评价", "Opinion asked"), ""
        case "recommended":
            return ("推荐意愿", "Would recommend"), f"{int(body['score'])} / 10"
        case "comment_given":
            return ("留了言", "Comment"), ""
        case "visit_ended":
            return ("离开了", "Left"), f"{both(OUTCOMES[body['outcome']])} · {body['duration_s']:.0f} s"
        case "staff_called":
            return ("请同事来", "Staff called"), both(labels.intent(body["reason"]))
        case "device_missing":
            why = DEVICE_REASONS.get(body["reason"])
            name = both(DEVICES.get(body["device"], (body["device"], "")))
            return ("设备不在", "Device missing"), f"{name} · {both(why)}" if why else name
        case "device_found":
            return ("设备好了", "Device found"), both(DEVICES.get(body["device"], (body["device"], "")))
        case _:  # a newer kiosk's moment: shown by its own name
            return (kind, ""), ""


def _time(at: str | None) -> str:
    if at is None:
        return ""
    local = datetime.fromisoformat(at).astimezone()
    return f'<time datetime="{escape(at)}">{local:%H:%M:%S}</time>'
