"""Opinions, tasks, the funnel and the week's voice as HTML drawn on the server. Everything from outside is escaped."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import escape
from typing import Any, Final

from hub.desk.opinion_labels import (
    GROUPS,
    LINES,
    MASKS,
    NAMES,
    NOT_YET,
    OUTCOMES,
    STEPS,
    SUBJECTS,
    TOOK,
    WAYS,
)
from hub.html import both
from hub.labels import EMOTIONS, Labels, Pair
from hub.labels import OUTCOMES as ENDS

_MASK: Final = re.compile(r"〔(\w+)〕")
MOST_ENDS: Final = 6
GOOD_WAYS: Final = {"content": "rose", "low": "fell", "response": "rose"}


def figures_html(view: Mapping[str, Any], labels: Labels) -> str:
    """The head figures, the scores, and a table for each way of grouping."""
    every = view["all"]
    tiles = (
        (("评价率", "Response rate"), _share(every["response"]), (f"{every['answered']} / {every['asked']} 位",
         f"{every['answered']} of {every['asked']} asked")),
        (("满意", "Content (4 or 5)"), _share(every["content"]),
         (f"{every['answered']} 位评价", f"{every['answered']} answers")),
        (("不满意", "Discontented (1 or 2)"), _share(every["low"]), ("", "")),
        (("推荐值 NPS", "NPS"), _nps(every["nps"]), (f"抽问 {every['sampled']} 位，答 {every['recommended']} 位",
         f"{every['recommended']} of {every['sampled']} sampled")),
    )  # fmt: skip
    drawn = "".join(
        f'<div class="tile"><span>{both(name)}</span>{value}<small>{both(note) if note[0] else ""}</small></div>'
        for name, value, note in tiles
    )
    strange = every["of_no_visit"]
    left_out = both((f"{strange} 条评价对不上任何到访，未计入", f"{strange} opinions of no known visit: left out"))
    apart = f'<p class="quiet">{left_out}</p>' if strange else ""
    tables = "".join(_groups(by, view["by"][by], labels) for by in GROUPS)
    return (
        f'<section class="sheet tiles"><h3>{both(("客户评价", "Opinions"))}<span>{_span(view)}</span></h3>'
        f'<div class="row">{drawn}</div>{_scores(every["by_score"])}{apart}</section>'
        f'<section class="sheet groups">{tables}</section>'
    )


def _scores(by_score: Mapping[int, int]) -> str:
    most = max([*by_score.values(), 1])
    rows = "".join(
        f'<li><span>{score}</span><i style="--share:{by_score[score] / most:.3f}"></i><b>{by_score[score]}</b></li>'
        for score in sorted(by_score, reverse=True)
    )
    return f'<ul class="scores">{rows}</ul>'


def _groups(by: str, rows: Sequence[Mapping[str, Any]], labels: Labels) -> str:
    def named(name: str) -> Pair:
        if name in NAMES:
            return NAMES[name]
        return labels.branch(name) if by == "branch" else labels.service(name)

    heads = (("", ""), ("评价率", "Response"), ("满意", "Content"), ("推荐值", "NPS"))
    body = "".join(
        f"<tr><td>{both(named(row['group']))} "
        f"<small>{row['answered']}/{row['asked']}</small></td>"
        f"<td>{_share(row['response'])}</td><td>{_share(row['content'])}</td><td>{_nps(row['nps'])}</td></tr>"
        for row in rows
    )
    nobody = f'<tr><td colspan="4" class="quiet">{both(("还没有人被问过", "nobody was asked yet"))}</td></tr>'
    cells = "".join(f"<th>{both(pair) if pair[0] else ''}</th>" for pair in heads)
    head = f"<caption>{both(GROUPS[by])}</caption><thead><tr>{cells}</tr></thead>"
    return f"<table data-by={by}>{head}<tbody>{body or nobody}</tbody></table>"


def task_html(row: Mapping[str, Any], labels: Labels) -> str:
    """One task, without its buttons."""
    faces = "●" * row["score"] + "○" * (5 - row["score"])
    about = both(SUBJECTS[row["subject"]]) if row["subject"] else ""
    felt = both(EMOTIONS[row["feeling"]]) if row["feeling"] else ""
    words = (
        f"<q>{quoted(row['text'])}</q>"
        if row["text"]
        else f'<span class="quiet">{both(("没有留言", "no comment"))}</span>'
    )
    service = both(labels.service(row["service"])) if row["service"] else both(NAMES["none"])
    if row["closed_at"] is not None:
        took = both(_long((row["closed_at"] - row["opened_at"]).total_seconds()))
        by = f"<small>{escape(row['closed_by'])} · {took}</small>"
        state = f'<span class="chip done">{both(OUTCOMES[row["outcome"]])}</span> {by}'
    else:
        late = "no_show" if row["overdue"] else "waiting"
        due = f"{row['due_at'].astimezone():%m-%d %H:%M}"
        state = f'<span class="chip {late}">{both((f"{due} 前处理", f"due {due}"))}</span>'
    below = f'<p class="quiet">{service} {about} {felt} {state}</p>'
    return f'<div class="task"><b class="score">{faces}</b> {words}{below}</div>'


def handling_html(found: Mapping[str, Any]) -> str:
    """How tasks are dealt with."""
    took = both(_long(found["median_s"])) if found["median_s"] is not None else both(NOT_YET)
    words = (
        both((f"{found['open']} 件待办，{found['overdue']} 超时", f"{found['open']} open, {found['overdue']} overdue"))
        + " · " + both((f"已办 {found['closed']} 件，通常用", f"{found['closed']} closed, usually within")) + " " + took
    )  # fmt: skip
    return f'<p class="handling">{words}</p>'


def comments_html(rows: Sequence[Mapping[str, Any]]) -> str:
    """The last comments, scrubbed as they came."""
    items = "".join(
        f'<li><b class="score">{"●" * (row["score"] or 0)}</b><q>{quoted(row["text"])}</q>'
        f"<small>{both(SUBJECTS[row['subject']])} · {row['at'].astimezone():%m-%d %H:%M}</small></li>"
        for row in rows
    )
    none = f'<li class="quiet">{both(("还没有留言", "no comments yet"))}</li>'
    head = f"<h3>{both(('客户留言', 'In their words'))}</h3>"
    return f'<section class="sheet said-list">{head}<ul>{items or none}</ul></section>'


def funnel_html(found: Mapping[str, Any]) -> str:
    """The journey: who reaches each moment, how long it takes, who is lost on the way."""
    most = max([step["reached"] for step in found["steps"]] + [1])
    rows = "".join(_step(step, most) for step in found["steps"])
    ends = " · ".join(
        f"{both(ENDS.get(name, ('还在', 'still here')))} {count}"
        for name, count in list(found["ends"].items())[:MOST_ENDS]
    )
    counters = found["needed_counter"]
    note = both(
        (f"{counters} 位要到柜台，其余在终端办完", f"{counters} needed a counter; the others were done at the terminal")
    )
    return (
        f'<section class="sheet funnel"><h3>{both(("到访全程", "The journey"))}<span>{note}</span></h3>'
        f'<ol>{rows}</ol><p class="quiet">{ends}</p></section>'
    )


def _step(step: Mapping[str, Any], most: int) -> str:
    name, took = step["step"], step["seconds"]
    lost = f"<em>−{step['lost']}</em>" if step["lost"] else ""
    if lost and step["share"]:
        lost += f" <small>{_percent(1 - step['share']['value'])}</small>"
    time = ""
    if took is not None:
        usual, seldom = _long(took["p50"]), _long(took["p90"])
        told = both(
            (f"{TOOK[name][0]} {usual[0]}，九成 {seldom[0]} 内", f"{usual[1]} {TOOK[name][1]}, nine in ten {seldom[1]}")
        )
        time = f"<small>{told}</small>"
    return (
        f'<li data-step="{name}"><span>{both(STEPS[name])}</span>'
        f'<i style="--share:{step["reached"] / most:.3f}"></i><b>{step["reached"]}</b><span>{lost}</span>{time}</li>'
    )


def weekly_html(voice: Mapping[str, Any]) -> str:
    """The page of a week: what moved, what did not, in figures and in words."""
    since, until = (datetime.fromisoformat(voice[name]).astimezone() for name in ("since", "until"))
    last = until - timedelta(seconds=1)  # the day that the week ends with
    heads = [line for line in voice["lines"] if line["what"] in LINES]
    subjects = [line for line in voice["lines"] if line["what"] not in LINES]
    told = "".join(f"<p>{_sentence(line, LINES[line['what']])}</p>" for line in heads)
    about = "".join(
        f'<section class="subject {line["way"]}"><h4>{both(SUBJECTS[line["what"]])}'
        f'<span class="chip way-{line["way"]}">{both(WAYS[line["way"]])}</span></h4>'
        f"<p>{_sentence(line, None)}</p>{_quotes(line['quotes'])}</section>"
        for line in subjects
    )
    silent = f'<p class="quiet">{both(("这一周没有人留言。", "Nobody left a comment this week."))}</p>'
    praise = (
        f"<h3>{both(('客户的好话', 'What pleased them'))}</h3>{_quotes(voice['praise'])}" if voice["praise"] else ""
    )
    count, said = voice["now"]["answered"], voice["comments"]
    return (
        f'<article class="sheet weekly"><h3>{both(("本周客户之声", "The voice of the visitor"))}'
        f"<span>{since:%Y-%m-%d} – {last:%m-%d}</span></h3>"
        f'<p class="lead">{both((f"{count} 位客户评价，{said} 条留言", f"{count} opinions, {said} comments"))}</p>'
        f"{told}<h3>{both(('说得最多的', 'What they spoke of'))}</h3>{about or silent}{praise}</article>"
    )


def _sentence(line: Mapping[str, Any], name: Pair | None) -> str:
    """A share now and before, filled in; 'cannot say yet' where it is too few."""
    zh, en = (f"{name[0]}：", f"{name[1]}: ") if name else (f"{line['count']} 条留言，", f"{line['count']} comments, ")
    if line["way"] == "unknown":
        now = f"，现为{_percent(line['now']['value'])}" if line["now"] else ""
        later = f" (now {_percent(line['now']['value'])})" if line["now"] else ""
        return both((f"{zh}变化还说不准{now}", f"{en}cannot say yet whether it moved{later}"))
    before, now = _percent(line["before"]["value"]), _percent(line["now"]["value"])
    low, high = (f"{100 * line['by'][end]:+.0f}" for end in ("low", "high"))
    good = (
        ""
        if name is None
        else (" good" if line["way"] == GOOD_WAYS[line["what"]] else " bad" if line["way"] != "same" else "")
    )
    way = WAYS[line["way"]]
    text = both(
        (
            f"{zh}{before} → {now}，{way[0]}（差 {low} 到 {high} 个百分点）",
            f"{en}{before} → {now}, {way[1]} (by {low} to {high} points)",
        )
    )
    return f'<span class="moved{good}">{text}</span>'


def _quotes(lines: Sequence[str]) -> str:
    return "<ul class=quotes>" + "".join(f"<li><q>{quoted(line)}</q></li>" for line in lines) + "</ul>" if lines else ""


def quoted(text: str) -> str:
    """A visitor's scrubbed words: escaped, with what was taken out named."""
    return _MASK.sub(lambda found: f"<i class=mask>{both(MASKS.get(found[1], (found[1], '')))}</i>", escape(text))


def _share(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return f'<b class="not-yet">{both(NOT_YET)}</b>'
    return (
        f"<b>{_percent(estimate['value'])}</b> <small>{_percent(estimate['low'])}–{_percent(estimate['high'])}</small>"
    )


def _nps(estimate: Mapping[str, Any] | None) -> str:
    if estimate is None:
        return f'<b class="not-yet">{both(NOT_YET)}</b>'
    return f"<b>{estimate['value']:+.0f}</b> <small>{estimate['low']:+.0f} … {estimate['high']:+.0f}</small>"


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"


def _long(seconds: float) -> Pair:
    if seconds < 90:
        return f"{seconds:.0f} 秒", f"{seconds:.0f} s"
    if seconds < 5_400:
        return f"{seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} 小时", f"{seconds / 3600:.1f} h"


def _span(view: Mapping[str, Any]) -> str:
    since, until = (datetime.fromisoformat(view[name]).astimezone() for name in ("since", "until"))
    return f"{since:%m-%d} – {until:%m-%d}"
