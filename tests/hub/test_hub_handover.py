"""What a visitor said reaches the clerk who serves them and nobody else; what is drawn of it is whole and harmless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import msgspec
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from config.schema import DEFAULT_SITE, load_site
from contracts import handover as c
from contracts import messages as m
from hub.accounts import record
from hub.accounts.accounts import Accounts
from hub.accounts.rights import Person, Refused, read_grant
from hub.accounts.tables import audit
from hub.bus_mqtt import MqttBus
from hub.desk.acts import Acts, SignedOut
from hub.desk.handover_panel import handover_html
from hub.labels import CALLED_FOR, EMOTIONS, IDENTITY, RISKS, SPEAKERS, URGENCY, load_labels
from hub.service import Hub
from hub.store import Store, handovers
from hub.views import branch_view, device_rows, ticket_view
from kiosk.risk.handover import Known, build
from tests.hub.wirekit import BRANCH, DEVICE, Sender

pytestmark = pytest.mark.contract

PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
LABELS = load_labels(load_site(DEFAULT_SITE))
SAID = "他让我把钱转到安全账户"
TODAY = datetime.now(UTC).date().isoformat()


def packet(visit: str = "visit-a001", said: str = SAID) -> c.HandoverPacket:
    reason = c.RiskReason(id="safe_account", weight=30, zh="提到安全账户", en="A safe account was named", evidence=said)
    known = Known(
        visit=visit, language="zh", intent="transfer_domestic", confidence=0.9, ticket=("A001", "personal"),
        transcript=[("receptionist", "您要办什么？"), ("visitor", said)],
        feeling=c.Mood(emotion="fear", intensity=0.8, rising=True),
        risk=c.RiskFound(level="high", reasons=(reason,)),
        identity=c.IdentityState(outcome="not_verified", method="verify_card"),
    )  # fmt: skip
    return build(known)


@pytest.fixture
def hub(database: str) -> Iterator[Hub]:
    made = Hub(Store(database), MqttBus([("127.0.0.1", 1)], version="0"))
    yield made
    made.store.close()


@pytest.fixture
def acts(hub: Hub) -> Acts:
    accounts = Accounts(hub.store, hasher=QUICK)
    for name, granted in (
        ("clerk", f"clerk:{BRANCH}"),
        ("teller", f"teller:{BRANCH}"),
        ("manager", f"branch-manager:{BRANCH}"),
        ("elsewhere", "clerk:jiefang"),
        ("operator", "field-operator:*"),
        ("auditor", "auditor:*"),
    ):
        accounts.add(name, PASSWORD, [read_grant(granted)], by="test")
    return Acts(hub, accounts)


def person(acts: Acts, name: str) -> Person:
    accounts = acts._accounts
    assert accounts is not None
    found = accounts.find(accounts.open_session(name))
    assert found is not None
    return found


def test_who_serves_in_the_branch_reads_the_packet_of_the_called_ticket_and_nobody_else_does(
    hub: Hub, acts: Acts
) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.issued("A002"), sender.handover(packet())])
    for name in ("clerk", "teller", "manager"):
        found = acts.handover(person(acts, name), BRANCH, TODAY, "A001")
        assert found is not None and found["packet"]["transcript"][1]["text"] == SAID
    assert acts.handover(person(acts, "clerk"), BRANCH, TODAY, "A002") is None
    for name in ("elsewhere", "operator", "auditor"):
        with pytest.raises(Refused):
            acts.handover(person(acts, name), BRANCH, TODAY, "A001")
    with pytest.raises(SignedOut):
        acts.handover(Person("clerk", frozenset({read_grant(f"clerk:{BRANCH}")})), BRANCH, TODAY, "A001")


def readings(hub: Hub) -> list[tuple[str, str, str]]:
    rows = hub.store.rows(sa.select(audit).where(audit.c.act == "handover_read").order_by(audit.c.branch, audit.c.n))
    return [(row["branch"], row["person"], row["subject"]) for row in rows]


def test_each_reading_of_a_packet_is_recorded_who_and_which_ticket_and_not_a_word_of_it(hub: Hub, acts: Acts) -> None:
    sender, began = Sender(), datetime.now(UTC)
    hub.ingest.take([sender.issued("A001"), sender.issued("A002"), sender.handover(packet())])
    for name in ("clerk", "teller", "clerk"):
        assert acts.handover(person(acts, name), BRANCH, TODAY, "A001") is not None
    assert readings(hub) == [(BRANCH, name, f"{TODAY} A001") for name in ("clerk", "teller", "clerk")]
    at = [datetime.fromisoformat(row["at"]) for row in hub.store.rows(sa.select(audit).where(audit.c.branch == BRANCH))]
    assert all(began <= one <= datetime.now(UTC) for one in at)
    everything = json.dumps(hub.store.rows(sa.select(audit)), ensure_ascii=False)
    assert not any(words in everything for words in (SAID, "safe_account", "fear", "fraud", "visit-a001"))
    assert record.verify(hub.store) == []


def test_what_is_not_read_is_not_recorded_as_read(hub: Hub, acts: Acts) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.issued("A002"), sender.handover(packet())])
    clerk = person(acts, "clerk")
    assert acts.handover_mark(clerk, BRANCH, TODAY, "A001") == f"{DEVICE} {sender.log} {sender.seq}"
    assert acts.handover(clerk, BRANCH, TODAY, "A002") is None
    for name in ("elsewhere", "operator", "auditor"):
        with pytest.raises(Refused):
            acts.handover_mark(person(acts, name), BRANCH, TODAY, "A001")
        with pytest.raises(Refused):
            acts.handover(person(acts, name), BRANCH, TODAY, "A001")
    assert readings(hub) == []


def test_what_cannot_be_recorded_is_not_read(hub: Hub, acts: Acts) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.handover(packet())])
    clerk = person(acts, "clerk")
    with hub.store.write() as db:
        db.execute(sa.text("ALTER TABLE audit RENAME TO elsewhere"))
    with pytest.raises(sa.exc.SQLAlchemyError):
        acts.handover(clerk, BRANCH, TODAY, "A001")


def test_a_newer_packet_of_the_same_visit_is_another_one_to_read(hub: Hub, acts: Acts) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.handover(packet())])
    clerk = person(acts, "clerk")
    before = acts.handover_mark(clerk, BRANCH, TODAY, "A001")
    hub.ingest.take([sender.handover(packet(said="后说的"))])
    assert before != acts.handover_mark(clerk, BRANCH, TODAY, "A001") is not None


def test_a_packet_of_the_same_visit_in_another_branch_is_not_shown(hub: Hub, acts: Acts) -> None:
    hub.ingest.take([Sender().issued("A001"), Sender(branch="jiefang").handover(packet())])
    assert acts.handover(person(acts, "clerk"), BRANCH, TODAY, "A001") is None


def test_the_newest_packet_of_a_visit_is_shown_and_none_after_a_working_day(hub: Hub, acts: Acts) -> None:
    sender, now = Sender(), datetime.now(UTC)
    hub.ingest.take([sender.issued("A001"), sender.handover(packet(said="先说的"), at=now - timedelta(minutes=5))])
    hub.ingest.take([sender.handover(packet(said="后说的"), at=now)])
    clerk = person(acts, "clerk")
    found = acts.handover(clerk, BRANCH, TODAY, "A001")
    assert found is not None and found["packet"]["transcript"][1]["text"] == "后说的"
    late = Hub(hub.store, hub.bus)
    late.ingest._now = lambda: now - timedelta(seconds=m.HANDOVER_KEPT_S + 1)
    other = Sender(device="kiosk-2")
    late.ingest.take([other.issued("A201"), other.handover(packet("visit-a201"))])
    assert acts.handover(clerk, BRANCH, TODAY, "A201") is None  # also before it is deleted


def test_the_hubs_house_keeping_deletes_what_is_too_old_and_leaves_the_rest(hub: Hub) -> None:
    hub.ingest.take([Sender().handover(packet())])
    hub.ingest._now = lambda: datetime.now(UTC) - timedelta(seconds=m.HANDOVER_KEPT_S + 1)
    hub.ingest.take([Sender(device="kiosk-2").handover(packet("visit-a201"))])
    hub._keep_house()
    assert [row["visit"] for row in hub.store.rows(sa.select(handovers.c.visit))] == ["visit-a001"]


def test_no_other_page_or_answer_holds_what_was_said(hub: Hub) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.handover(packet())])
    shown: list[Any] = [
        branch_view(hub.store, BRANCH), device_rows(hub.store, DEVICE), ticket_view(hub.store, BRANCH, "A001", TODAY)
    ]  # fmt: skip
    assert SAID not in json.dumps(shown, ensure_ascii=False)


def html_of(made: c.HandoverPacket) -> str:
    return handover_html({"at": "2026-11-21T02:00:00+00:00", "packet": msgspec.to_builtins(made)}, LABELS)


def test_the_panel_says_level_reason_wish_feeling_risk_and_words_in_both_languages() -> None:
    page = html_of(packet())
    for words in (
        "紧急", "Urgent", "疑似诈骗", "Perhaps a fraud", "害怕，强烈，越来越强", "Fear, strong, rising", "风险：高",
        "Risk: High", "提到安全账户", "A safe account was named", "身份未核实", SAID, "您要办什么？",
    ):  # fmt: skip
        assert words in page, words
    assert LABELS.intent("transfer_domestic")[0] in page


def test_what_a_visitor_says_is_text_and_never_part_of_the_page() -> None:
    page = html_of(packet(said="<script>alert(1)</script>"))
    assert "<script>" not in page and page.count("&lt;script&gt;") == 2


def test_a_packet_of_a_form_that_this_hub_does_not_know_is_said_to_be_so() -> None:
    assert "无法显示" in handover_html({"at": "2026-11-21T02:00:00+00:00", "packet": {"v": 9}}, LABELS)


def test_every_code_that_a_packet_may_hold_has_words() -> None:
    assert set(get_args(c.Level)) == set(URGENCY) and set(get_args(c.Emotion)) == set(EMOTIONS)
    for holder, field, words in (
        (c.RiskFound, "level", RISKS), (c.IdentityState, "outcome", IDENTITY), (c.Line, "who", SPEAKERS)
    ):  # fmt: skip
        found = next(one for one in msgspec.structs.fields(holder) if one.name == field)
        assert set(get_args(found.type)) == set(words)
    for reason in ("danger", "fraud_risk", "anger", "fear", "not_understood", "elder_stuck", "needs_person"):
        assert reason in CALLED_FOR and all(CALLED_FOR[reason])
