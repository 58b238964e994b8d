"""What the tables and terms of remote tellers are called on the pages, in both languages."""

from __future__ import annotations

from typing import Any, Final

from hub.labels import Labels, Pair

CASE_STATES: Final[dict[str, Pair]] = {
    "waiting": ("等候", "Waiting"),
    "offered": ("待接", "Offered"),
    "connecting": ("接通中", "Connecting"),
    "talking": ("通话中", "Talking"),
    "paused_reconnecting": ("断线重连", "Reconnecting"),
    "wrapping_up": ("写小结", "Writing up"),
    "wrapped_up": ("已办结", "Written up"),
    "ended": ("已结束", "Ended"),
    "abandoned": ("客户离开", "Visitor left"),
    "called_back": ("已约回访", "Call-back"),
}
TELLER_STATES: Final[dict[str, Pair]] = {
    "offline": ("离线", "Offline"),
    "ready": ("空闲", "Ready"),
    "offered": ("有来电", "Offered"),
    "busy": ("通话中", "With a visitor"),
    "after_work": ("写小结", "Writing up"),
    "break": ("小休", "On a break"),
}
TERMS: Final[dict[str, Pair]] = {
    "waited": ("等候时间", "waited"),
    "priority": ("优先", "priority"),
    "known": ("熟悉客户", "known"),
    "dialect": ("方言", "dialect"),
    "calm": ("安抚", "calm"),
    "level": ("级别相当", "level"),
    "spare": ("留住稀缺", "spares rare skills"),
    "idle": ("空闲时间", "idle"),
    "load": ("负荷低", "low load"),
    "short": ("业务快", "short matter"),
}
HOW: Final[dict[str, Pair]] = {
    "score": ("按评分", "By score"),
    "first": ("先到先办", "First comer"),
    "assigned": ("人工指派", "By hand"),
}
REFUSALS: Final[dict[str, Pair]] = {
    "language": ("语言不通", "Language"),
    "skill": ("业务不熟", "Not my field"),
    "knows_visitor": ("认识客户", "I know this person"),
    "technical": ("设备故障", "My equipment"),
    "other": ("其他", "Other"),
}
WRAP_CODES: Final[dict[str, Pair]] = {
    "solved": ("已办好", "Solved"),
    "partly": ("部分办好", "Partly"),
    "to_counter": ("转柜台", "To the counter"),
    "call_back": ("需回访", "Call back"),
    "no_visitor": ("客户不在", "Nobody there"),
    "fraud_stopped": ("拦下诈骗", "Fraud stopped"),
}
LACKS: Final[dict[str, Pair]] = {
    "branch": ("不管该网点", "not this branch"),
    "service": ("不办该业务", "not this service"),
    "language": ("语言", "language"),
    "sign": ("手语", "sign language"),
    "licence": ("理财资格", "licence"),
    "level": ("级别不够", "level"),
}
SPOKEN: Final[dict[str, Pair]] = {"zh": ("普通话", "Mandarin"), "en": ("英语", "English")}
DIALECTS: Final[dict[str, Pair]] = {
    "yue": ("粤语", "Cantonese"),
    "wu": ("上海话", "Shanghainese"),
    "minnan": ("闽南话", "Hokkien"),
    "sichuan": ("四川话", "Sichuanese"),
}
NEEDS: Final[tuple[tuple[str, Pair], ...]] = (
    ("sign", ("手语", "Sign language")),
    ("calm", ("需安抚", "Needs calm")),
    ("licence", ("理财资格", "Licence")),
)


def needs(row: dict[str, Any], labels: Labels) -> list[Pair]:
    """What a case needs, as chips."""
    found = [labels.service(row["service"]), SPOKEN[row["language"]]]
    if row["dialect"]:
        found.append(DIALECTS.get(row["dialect"], (row["dialect"], row["dialect"])))
    return found + [pair for name, pair in NEEDS if row[name]]


def lasting(seconds: float) -> Pair:
    """A time of some seconds or minutes."""
    if seconds < 90:
        return f"{int(seconds)} 秒", f"{int(seconds)} s"
    return f"{int(seconds // 60)} 分钟", f"{int(seconds // 60)} min"
