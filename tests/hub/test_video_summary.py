"""The account is drafted from facts of the hand-over, in both languages, and claims nothing else."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from contracts.handover import IdentityState, RiskFound, RiskReason
from hub.labels import load_labels
from hub.video.summary import draft
from kiosk.risk.handover import Known, build

pytestmark = pytest.mark.unit
LABELS = load_labels(None)


def packet(**more: Any) -> dict[str, Any]:
    reason = RiskReason(id="safe_account", weight=30, zh="提到安全账户", en="A safe account was named")
    known = Known(
        **{
            "visit": "v", "language": "zh", "intent": "account_limits", "confidence": 0.9,
            "slots": {"amount": "50000", "message": "请回电", "service": "personal"},
            "transcript": [("visitor", "我儿子叫我把限额提高")], "ticket": ("A037", "personal"),
            "identity": IdentityState(outcome="verified", method="card"),
            "risk": RiskFound(level="medium", reasons=(reason,)), **more,
        }
    )  # fmt: skip
    return {"at": "2026-11-23T02:00:00+00:00", "packet": msgspec.to_builtins(build(known))}


def test_what_is_known_as_fact_is_in_the_draft_and_what_was_said_is_not() -> None:
    zh, en = draft(packet(), LABELS, talk_s=250, note="已核对证件")
    assert zh == (
        "客户想办：调整限额。金额：50000。身份已核实。风险中：提到安全账户。号码 A037。转来时的说明：已核对证件。"
        "视频通话约 4 分钟。"
    )
    for words in ("Wish: Account limits.", "Amount: 50000.", "Identity checked.", "A safe account was named.", "4 min"):
        assert words in en, words
    assert "儿子" not in zh and "请回电" not in zh + en


@pytest.mark.parametrize("found", [None, {"at": "", "packet": {"v": 99}}])
def test_without_a_hand_over_only_the_call_itself_is_told(found: dict[str, Any] | None) -> None:
    assert draft(found, LABELS, talk_s=20) == ("视频通话约 1 分钟。", "About 1 min on video.")
