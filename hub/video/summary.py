"""The account of a talk, drafted from what is known before the teller writes a word: facts only, in two languages.

Facts are what the hand-over says as such: the wish, what was told for it, how far identity was checked, signs of risk,
the ticket, what was tried. What the talk itself added is told by `account.py`; no sentence of a visitor is in a draft.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from contracts.handover import HandoverPacket
from hub.labels import IDENTITY, RISKS, Labels, Pair

MAX_SLOTS: Final = 6
SLOT_NAMES: Final[dict[str, Pair]] = {
    "amount": ("金额", "amount"), "currency": ("币种", "currency"), "payee": ("收款人", "payee"),
    "period": ("期限", "period"), "date": ("日期", "date"), "time": ("时间", "time"), "phone": ("电话", "phone"),
    "account": ("账号", "account"), "service": ("业务", "service"),
}  # fmt: skip
HIDDEN_SLOTS: Final = frozenset({"service", "message", "code", "tongue"})  # shown elsewhere, or the visitor's own words


def draft(
    found: Mapping[str, Any] | None, labels: Labels, *, talk_s: int, note: str = "", talk: Sequence[Pair] = ()
) -> Pair:
    """(Chinese, English). `found`: the hand-over as the view gives it, or None where there is none.

    `talk`: what the talk itself added (`account.talk_facts`).
    """
    zh: list[str] = []
    en: list[str] = []

    def add(pair: Pair) -> None:
        zh.append(pair[0])
        en.append(pair[1])

    packet = read(found)
    if packet is not None:
        _facts(packet, labels, add)
    if note:
        add((f"转来时的说明：{note}。", f"Note on transfer: {note}."))
    for sentence in talk:
        add(sentence)
    minutes = max(1, round(talk_s / 60))
    add((f"视频通话约 {minutes} 分钟。", f"About {minutes} min on video."))
    return "".join(zh), " ".join(en)


def read(found: Mapping[str, Any] | None) -> HandoverPacket | None:
    """The packet, where there is one of a form that this hub knows."""
    if found is None:
        return None
    try:
        return msgspec.convert(found["packet"], HandoverPacket)
    except msgspec.ValidationError:
        return None


def _facts(packet: HandoverPacket, labels: Labels, add: Any) -> None:
    wish = labels.intent(packet.wish.intent if packet.wish else packet.reason)
    add((f"客户想办：{wish[0]}。", f"Wish: {wish[1] or wish[0]}."))
    for name, value in list((packet.slots or {}).items())[:MAX_SLOTS]:
        if name in HIDDEN_SLOTS or not value:
            continue
        called = SLOT_NAMES.get(name, (name, name))
        add((f"{called[0]}：{value}。", f"{called[1].capitalize()}: {value}."))
    if packet.identity is not None:
        said = IDENTITY[packet.identity.outcome]
        add((f"{said[0]}。", f"{said[1]}."))
    if packet.risk is not None and packet.risk.level != "low":
        level = RISKS[packet.risk.level]
        zh = "、".join(reason.zh for reason in packet.risk.reasons[:3])
        en = ", ".join(reason.en for reason in packet.risk.reasons[:3])
        add((f"风险{level[0]}：{zh}。", f"Risk {level[1].lower()}: {en}."))
    if packet.ticket is not None:
        add((f"号码 {packet.ticket.number}。", f"Ticket {packet.ticket.number}."))
