"""What a talk adds to the drafted account, and the outcome that is proposed: from captions and ticks.

Told as facts are told: which approved answers fitted, what was asked and what was not, how feeling and risk stood at
the end. The visitor's own words are not in the draft; the teller may take a line into the account, which is theirs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from config.teller_help import TellerHelp
from contracts.video import WrapCode
from hub.labels import EMOTIONS, RISKS, Pair

MAX_SOURCES: Final = 3
MAX_ASKED: Final = 6
CLEAR: Final = 0.4  # of a feeling, from which it is told
NOBODY_S: Final = 20  # a talk so short in which nothing was heard: nobody was there
DANGEROUS: Final = ("high", "emergency")
LATER: Final = re.compile(r"下次|改天|明天再|回头再|过几天|another time|come back|tomorrow|later")
COUNTER: Final = re.compile(r"柜台|窗口|网点去|counter|branch")
DONE: Final = re.compile(r"办好了|弄好了|可以了|明白了|谢谢|多谢|thank|all set|that's it|got it")
LAST: Final = 3  # utterances at the end that say how it went
Heard = Sequence[Mapping[str, Any]]


def talk_facts(
    heard: Heard, ticked: frozenset[str], help_: TellerHelp, service: str, risk: str, signed: Sequence[Pair] = ()
) -> list[Pair]:
    """Sentences for the account, in Chinese and English. `signed`: the titles of the forms that were signed."""
    found: list[Pair] = []
    if signed:
        names_zh, names_en = "、".join(zh for zh, _ in signed), "; ".join(en for _, en in signed)
        found.append((f"已签字：{names_zh}。", f"Signed: {names_en}."))
    sources = list(dict.fromkeys(one["source"] for row in heard for one in row["suggested"] if one["source"]))
    if sources:
        said = "；".join(sources[:MAX_SOURCES])
        found.append((f"答复依据：{said}。", f"Answered from: {said}."))
    required = help_.required(service, risk)
    for done, zh, en in ((True, "已问", "Asked"), (False, "没问", "Not asked")):
        asked = [row.text for row in required if (row.id in ticked) is done][:MAX_ASKED]
        if asked and (done or ticked or heard):
            found.append((f"{zh}：{'、'.join(_short(one.zh) for one in asked)}。",
                          f"{en}: {'; '.join(_short(one.en) for one in asked)}."))  # fmt: skip
    found += _at_the_end(heard)
    return found


def risk_of(heard: Heard, before: str = "low") -> str:
    """The level of risk now: the last that was told, else the hand-over's."""
    return next((row["risk"]["level"] for row in reversed(heard) if row["risk"]), before)


def feeling_of(heard: Heard, before: str = "") -> str:
    """The feeling now where it is clear, else ''; `before`: the hand-over's."""
    last = next((row["feeling"] for row in reversed(heard) if row["feeling"]), None)
    if last is None:
        return before
    return str(last["emotion"]) if last["intensity"] >= CLEAR else ""


def suggested_code(
    heard: Heard, *, talk_s: int, risk: str, open_questions: int, signed: Sequence[Pair] = ()
) -> WrapCode:
    """The outcome that the account begins with; the teller says whether it is so.

    Somebody may sign without a word: who signed was there.
    """
    mine = [row["text"].lower() for row in heard if row["whose"] == "visitor"]
    if not mine and not signed and talk_s < NOBODY_S:
        return "no_visitor"
    if risk in DANGEROUS:
        return "fraud_stopped"
    end = " ".join(mine[-LAST:])
    if LATER.search(end):
        return "call_back"
    if COUNTER.search(end):
        return "to_counter"
    return "partly" if open_questions and mine and not DONE.search(end) else "solved"


def unanswered(heard: Heard) -> str:
    """The visitor's last question that no approved answer fitted: what may be worth proposing. '' : none."""
    asks = re.compile(r"[?？]|吗|呢|怎么|多少|什么|能不能|可以|how|what|when|where|can i|do i|is there")
    for row in reversed(heard):
        if row["whose"] == "visitor" and row["sure"] and not row["suggested"] and asks.search(row["text"].lower()):
            return str(row["text"])
    return ""


def _at_the_end(heard: Heard) -> list[Pair]:
    found: list[Pair] = []
    last = next((row for row in reversed(heard) if row["risk"]), None)
    if last is not None and last["risk"]["level"] != "low":
        level = RISKS[last["risk"]["level"]]
        reasons = last["risk"]["reasons"][:3]
        zh, en = "、".join(row["zh"] for row in reasons), ", ".join(row["en"] for row in reasons)
        found.append((f"通话中风险{level[0]}：{zh}。", f"Risk in the talk {level[1].lower()}: {en}."))
    if feeling := feeling_of(heard):
        felt = EMOTIONS[feeling]
        found.append((f"结束时情绪：{felt[0]}。", f"Feeling at the end: {felt[1]}."))
    return found


def _short(text: str) -> str:
    return text.rstrip("？?。.")
