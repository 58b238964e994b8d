"""The packet for the next person: complete, bounded, masked, honest about what is missing."""

from __future__ import annotations

import pytest

from contracts import handover as c
from kiosk.risk.handover import Known, build, masked

pytestmark = pytest.mark.unit

REASON = c.RiskReason(id="safe_account", weight=3.0, zh="安全账户", en="safe account", evidence="转到6222020012345678")
RISK = c.RiskFound(level="high", reasons=(REASON,))
FULL = Known(
    visit="v1", language="zh", intent="transfer_domestic", confidence=0.9, step="transfer:amount",
    slots={"amount": "30000", "card": "6222 0200 1234 5678", "pin": "123456"},
    transcript=[("visitor", "我的电话是13912345678，转三万"), ("receptionist", "好的")],
    feeling=c.Mood(emotion="fear", intensity=0.4), risk=RISK, identity=c.IdentityState(outcome="unsure", method="face"),
    ticket=("A037", "cash"), waiting_s=130.0, tried=("asked_back",),
)  # fmt: skip


def test_everything_known_is_in_it_and_survives_the_wire() -> None:
    packet = build(FULL)
    assert c.decode_handover(c.encode_handover(packet)) == packet
    assert packet.absent == () and (packet.level, packet.reason) == ("urgent", "fraud_risk")


def test_long_figures_are_masked_amounts_are_not_and_secrets_stay_here() -> None:
    text = c.encode_handover(build(FULL)).decode()
    assert "13912345678" not in text and "6222020012345678" not in text and "123456" not in text
    assert "30000" in text and "****5678" in text
    assert masked("余额1234567.00") != "余额1234567.00" and masked("两万 30000 元") == "两万 30000 元"


def test_what_is_absent_is_null_with_a_reason() -> None:
    packet = build(Known(visit="v1", language="en", why={"identity": "not_allowed"}))
    why = {row.part: row.why for row in packet.absent}
    assert why["identity"] == "not_allowed" and why["wish"] == "not_known"
    assert all(getattr(packet, part) is None for part in why)


@pytest.mark.parametrize(
    ("known", "level", "reason"),
    [
        (Known(visit="v", language="zh", intent="call_lobby_staff"), "asked", "call_lobby_staff"),
        (Known(visit="v", language="zh", misunderstood=2), "trouble", "not_understood"),
        (Known(visit="v", language="zh", misunderstood=1, elder=True), "trouble", "elder_stuck"),
        (Known(visit="v", language="zh", intent="inheritance"), "urgent", "inheritance"),
        (Known(visit="v", language="zh", feeling=c.Mood(emotion="anger", intensity=0.8)), "urgent", "anger"),
        (Known(visit="v", language="zh", feeling=c.Mood(emotion="anger", intensity=0.2)), "asked", "needs_person"),
    ],
)  # fmt: skip
def test_three_levels(known: Known, level: str, reason: str) -> None:
    packet = build(known)
    assert (packet.level, packet.reason) == (level, reason)


def test_a_long_visit_makes_a_bounded_packet_that_keeps_the_latest_words() -> None:
    lines = [("visitor", f"{n} " + "很" * 2000) for n in range(300)]
    packet = build(Known(visit="v", language="zh", transcript=lines, slots={f"s{n}": "好" * 999 for n in range(50)}))  # type: ignore[arg-type]
    assert len(c.encode_handover(packet)) <= c.MAX_PACKET_BYTES
    assert packet.transcript[-1].text.startswith("299 ") and packet.shortened >= 300 - c.MAX_LINES


@pytest.mark.parametrize("payload", [b"", b"{}", b"[1]", b"x" * (c.MAX_PACKET_BYTES + 1), b'{"visit": "secret words"}'])
def test_what_is_no_packet_is_refused_without_quoting_it(payload: bytes) -> None:
    with pytest.raises(c.HandoverError) as caught:
        c.decode_handover(payload)
    assert "secret" not in str(caught.value)
