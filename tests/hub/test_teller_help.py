"""A teller's help at the hub: captions for one teller and no longer than the case, ticks, the account, proposals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from config.load import ConfigError
from config.teller_help import HELP_FILE, load_teller_help
from contracts import call_help as h
from contracts import topics
from contracts import video_messages as v
from contracts.handover import Mood, RiskFound, RiskReason
from hub.bus import Arrived
from hub.desk.help_panel import promises_json
from hub.labels import load_labels
from hub.video import account, acts, helping, proposals, sweep
from hub.video.help_tables import call_heard, call_ticks
from hub.video.pool import NotNow
from hub.video.proposals import NotProposed
from hub.video.summary import draft
from hub.video.tables import case_changes
from tests.hub.test_video_cases import talking
from tests.hub.videokit import House, Terminal
from tests.hub.wirekit import BRANCH

pytestmark = pytest.mark.contract
CASE = "case-0001"
FEE = h.Suggested(entry="transfer_fee", text="跨行转账每笔两元。", source="收费标准", score=0.9)


@pytest.fixture
def house(database: str) -> Iterator[House]:
    made = House(database)
    yield made
    made.close()


def says(kiosk: Terminal, number: int, text: str = "想问手续费", case: str = CASE, **more: Any) -> None:
    row = topics.CASE_HEARD
    said = h.CaseHeard(
        id=f"{number}", at=kiosk.house.now, mono_ns=0, case=case, number=number, text=text, language="zh", **more
    )
    kiosk.house.take(Arrived(row.at(kiosk.branch, kiosk.device), row.encode(said)))


def texts(house: House, teller: str = "li", case: str = CASE) -> list[str]:
    return [row["text"] for row in helping.heard_of(house.store, case, teller)]


def rows(house: House, table: sa.Table) -> int:
    return int(house.store.rows(sa.select(sa.func.count().label("n")).select_from(table))[0]["n"])


def test_captions_are_for_the_teller_who_holds_the_case_and_gone_when_it_is_over(house: House) -> None:
    kiosk = talking(house)
    house.teller("wang")
    says(kiosk, 1, suggested=(FEE,))
    says(kiosk, 1, "又来一次")  # the broker may bring it twice
    says(kiosk, 2, "还有别的吗")
    assert texts(house) == ["想问手续费", "还有别的吗"]
    assert [row["text"] for row in helping.heard_of(house.store, CASE, "li", after=1)] == ["还有别的吗"]
    assert texts(house, "wang") == []
    house.act(acts.hang_up, "li", CASE)
    assert len(texts(house)) == 2  # the account is written from them
    house.act(acts.file, "li", CASE, "solved", "说明了手续费")
    assert texts(house) == [] and rows(house, call_heard) == 0
    assert "手续费" in house.case(CASE)["summary"]


def test_passed_on_the_next_teller_has_the_captions_and_the_first_no_more(house: House) -> None:
    kiosk = talking(house)
    house.teller("wang", services=["wealth"], licence=True)
    says(kiosk, 1)
    house.act(acts.transfer, "li", CASE, v.Need(service="wealth", language="zh"), "想买理财")
    assert texts(house) == [] and texts(house, "wang") == ["想问手续费"]


def test_a_caption_of_another_terminal_of_no_case_or_of_one_that_is_over_is_refused_and_counted(house: House) -> None:
    kiosk = talking(house)
    says(Terminal(house, "kiosk-2"), 1, "冒充的话")
    says(kiosk, 1, case="case-9999")
    house.act(acts.hang_up, "li", CASE)
    says(kiosk, 2, "说晚了")
    refused = house.ingest.tallies.refused
    assert (refused["heard_foreign"], refused["heard_unknown"], refused["heard_transition"]) == (1, 1, 1)
    assert rows(house, call_heard) == 0


@pytest.mark.parametrize("how", ["left", "lost", "not_filed"])
def test_however_a_case_ends_nothing_that_was_heard_stays(house: House, how: str) -> None:
    kiosk = talking(house)
    says(kiosk, 1)
    if how == "left":
        kiosk.leave(CASE)
    elif how == "lost":
        for _ in range(12):
            house.act(acts.heard, "li")
            house.pass_time(15)
    else:
        house.act(acts.hang_up, "li", CASE)
    for _ in range(15):
        house.act(acts.heard, "li")
        house.pass_time(15)
    assert house.state(CASE) == "wrapped_up" and rows(house, call_heard) == 0


def test_ticks_are_the_tellers_and_stay_with_the_case(house: House) -> None:
    talking(house)

    def tick(person: str, question: str, asked: bool) -> None:
        house.store.apply(lambda db: helping.tick(db, CASE, question, person, house.now, asked=asked))

    tick("li", "identity", True)
    tick("li", "identity", True)
    tick("li", "purpose", True)
    tick("li", "purpose", False)
    with pytest.raises(NotNow, match="foreign"):
        tick("wang", "purpose", True)
    house.act(acts.hang_up, "li", CASE)
    house.act(acts.file, "li", CASE, "solved", "")
    assert helping.ticks_of(house.store, CASE) == {"identity"}
    with pytest.raises(NotNow, match="transition"):
        tick("li", "purpose", True)
    with house.store.write() as db:
        sweep.forget(db, house.now, house.now + timedelta(days=1))
    assert rows(house, call_ticks) == 0  # with the case


def heard(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "whose": "visitor", "sure": True, "language": "zh", "feeling": None, "risk": None,
            "suggested": [], **more}  # fmt: skip


RISK = {"level": "high", "reasons": [{"zh": "提到安全账户", "en": "A safe account was named"}]}


def test_the_account_tells_sources_questions_and_how_it_ended_and_no_word_of_the_visitor() -> None:
    said = [
        heard("手续费多少", suggested=[{"entry": "fee", "text": "两元", "source": "收费标准", "score": 0.9}]),
        heard("他让我转到安全账户", risk=RISK, feeling={"emotion": "fear", "intensity": 0.8, "rising": True}),
    ]
    facts = account.talk_facts(said, frozenset({"identity"}), load_teller_help(), "personal", "high")
    zh, en = draft(None, load_labels(None), talk_s=130, talk=facts)
    for words in (
        "答复依据：收费标准。",
        "已问：核对本人身份",
        "没问：",
        "通话中风险高：提到安全账户。",
        "结束时情绪：害怕。",
    ):
        assert words in zh, (words, zh)
    for words in (
        "Answered from: 收费标准.",
        "Asked: Check the identity",
        "Not asked: ",
        "high: A safe account was named.",
    ):
        assert words in en, (words, en)
    assert "他让我" not in zh + en
    assert account.talk_facts([], frozenset(), load_teller_help(), "personal", "low") == []


@pytest.mark.parametrize(
    ("said", "risk", "talk_s", "still_open", "code"),
    [
        ([], "low", 8, 3, "no_visitor"),
        (["他催我转账"], "high", 200, 0, "fraud_stopped"),
        (["好的，我明天再来"], "low", 200, 0, "call_back"),
        (["那我去柜台办吧"], "low", 200, 0, "to_counter"),
        (["这个还没弄完"], "low", 200, 2, "partly"),
        (["明白了，谢谢"], "low", 200, 2, "solved"),
        (["OK thanks, that's it"], "low", 200, 0, "solved"),
    ],
)
def test_the_outcome_is_proposed_from_how_the_talk_ended(
    said: list[str], risk: str, talk_s: int, still_open: int, code: str
) -> None:
    found = account.suggested_code([heard(one) for one in said], talk_s=talk_s, risk=risk, open_questions=still_open)
    assert found == code


def test_who_signed_without_a_word_was_there() -> None:
    signed = [("调整限额", "Change limits")]
    assert account.suggested_code([], talk_s=8, risk="low", open_questions=3, signed=signed) == "solved"
    assert account.suggested_code([], talk_s=8, risk="high", open_questions=0, signed=signed) == "fraud_stopped"
    facts = account.talk_facts([], frozenset(), load_teller_help(), "personal", "low", signed)
    assert facts == [("已签字：调整限额。", "Signed: Change limits.")]


def test_a_question_without_an_approved_answer_is_what_may_be_proposed() -> None:
    answered = heard("手续费多少", suggested=[{"entry": "fee"}])
    assert account.unanswered([heard("外籍配偶怎么开户？"), answered, heard("好")]) == "外籍配偶怎么开户？"
    assert account.unanswered([answered, heard("听不清吗", sure=False)]) == ""


def test_feeling_and_risk_are_the_latest_that_was_told_else_the_hand_overs() -> None:
    mood = {"emotion": "anger", "intensity": 0.8, "rising": False}
    assert account.risk_of([], "medium") == "medium" and account.feeling_of([], "fear") == "fear"
    assert account.risk_of([heard("a", risk=RISK), heard("b")]) == "high"
    assert account.feeling_of([heard("a", feeling=mood), heard("b")]) == "anger"
    assert account.feeling_of([heard("a", feeling={**mood, "intensity": 0.1})], "fear") == ""


def test_proposals_are_bounded_decided_once_and_forgotten(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "MAX_OPEN", 2)

    def propose(question: str, answer: str = "") -> None:
        house.store.apply(lambda db: proposals.propose(db, BRANCH, "personal", question, answer, "li", house.now))

    propose("外籍配偶怎么开户？", " 先 查 ")
    propose("几点换班？")
    for question, reason in (("  ", "empty"), ("问" * 301, "too_long"), ("第三个", "full")):
        with pytest.raises(NotProposed, match=reason):
            propose(question)
    first, second = proposals.open_proposals(house.store, [BRANCH])
    assert (first["question"], first["answer"], first["person"]) == ("外籍配偶怎么开户？", "先 查", "li")
    assert proposals.open_proposals(house.store, ["elsewhere"]) == []

    def decide(branch: str = BRANCH) -> None:
        house.store.apply(lambda db: proposals.decide(db, branch, first["id"], "taken", "zhou", house.now))

    with pytest.raises(NotProposed, match="unknown"):
        decide("elsewhere")
    decide()
    with pytest.raises(NotProposed, match="unknown"):
        decide()
    assert [row["id"] for row in proposals.open_proposals(house.store, [BRANCH])] == [second["id"]]
    with house.store.write() as db:
        assert proposals.forget(db, house.now + timedelta(days=91)) == 2


@pytest.mark.parametrize(
    ("said", "promised"),
    [
        ("这个产品保本，稳赚", ["guaranteed_return"]),
        ("We guarantee a return of five percent", ["guaranteed_return"]),
        ("贷款一定能批", ["approval"]),
        ("手续费我给您全免，免手续费", ["fee_waived"]),
        ("钱肯定能追回来", ["refund"]),
        ("请把验证码告诉我", ["secret_asked"]),
        ("手续费每笔两元", []),
        ("收益不保证，本金可能亏", []),
        ("请不要把密码告诉别人", []),
        ("不一定能追回来", []),
        ("We cannot guarantee a return", []),
        ("There is a risk of loss", []),
    ],
)
def test_promises_are_told_and_plain_words_are_not(said: str, promised: list[str]) -> None:
    assert [row.id for row in load_teller_help().promised(said)] == promised


def test_help_is_data_with_clear_errors(tmp_path: Path) -> None:
    help_ = load_teller_help()
    assert {"identity", "risk_assessment"} <= {row.id for row in help_.required("wealth", "low")}
    assert "payee_known" in {row.id for row in help_.required("personal", "medium")}
    assert "payee_known" not in {row.id for row in help_.required("personal", "low")}
    steps = help_.follows("personal", risk="high", feeling="fear", identity="unknown", all_asked=False)
    assert [row.id for row in steps] == ["stop_payment", "slow_down", "check_identity", "ask_open"]
    wrong = tmp_path / "help.yaml"
    for bad in ("(?<=a)b", "[a"):
        wrong.write_text(HELP_FILE.read_text("utf-8").replace('"稳赚"', f'"{bad}"', 1), "utf-8")
        with pytest.raises(ConfigError, match="patterns"):
            load_teller_help(wrong)
    assert "<" not in promises_json(help_)


def test_the_wire_refuses_a_caption_without_bounds() -> None:
    row = topics.CASE_HEARD
    said = h.CaseHeard(
        id="1", at="2026-11-23T02:00:00Z", mono_ns=0, case=CASE, number=1, text="字" * 240, language="zh",  # type: ignore[arg-type]
        feeling=Mood(emotion="fear", intensity=1.0), suggested=(FEE, FEE),
        risk=RiskFound(level="high", reasons=(RiskReason(id="a", weight=1, zh="字" * 240, en="e" * 240),) * 6),
    )  # fmt: skip
    payload = row.encode(said)
    for wrong in (payload.replace(b'"number":1', b'"number":401'), payload.replace(b'"zh"', b'"xx"', 1)):
        with pytest.raises(topics.WireError, match="type"):
            row.decode(wrong)
    with pytest.raises(topics.WireError, match="size"):
        row.decode(payload + b" " * row.limit_bytes)


def test_a_hub_whose_disk_is_full_acknowledges_nothing_and_goes_on_where_it_was(house: House) -> None:
    """The talk itself goes on without the hub; what was to be written is written when there is room again."""
    if house.store.dialect != "sqlite":
        pytest.skip("a full disk is made with SQLite's bound of pages")
    kiosk = talking(house)
    acknowledged: list[object] = []
    house.ingest._acknowledge = acknowledged.append  # type: ignore[assignment]
    message = kiosk.op(v.CaseLeft(case=CASE, why="left"))
    with full_disk(house):
        with pytest.raises(sa.exc.OperationalError, match="full"):
            for number in range(1, 400):
                says(kiosk, number, "字" * 240)
        with pytest.raises(sa.exc.OperationalError, match="full"):
            while True:  # the pages that were begun have some room left
                row = {"video_case": "c", "event": "e", "state": "s", "person": "", "reason": "", "at": house.now}
                house.store.apply(lambda db, row=row: db.execute(sa.insert(case_changes).values(row)))
        with pytest.raises(sa.exc.OperationalError):  # the wire takes it for a database that is away
            house.take(message)
        assert house.state(CASE) == "talking" and not acknowledged
    house.take(message)  # the outbox sends it again
    assert house.state(CASE) == "wrapping_up" and len(acknowledged) == 1
    house.act(acts.file, "li", CASE, "solved", "写好了")
    assert house.state(CASE) == "wrapped_up" and rows(house, call_heard) == 0


@contextmanager
def full_disk(house: House) -> Iterator[None]:
    """SQLite's own bound: the file may not grow by more than a few pages."""
    pages = int(house.store.rows(sa.text("PRAGMA page_count"))[0]["page_count"])

    def bound(connection: Any, _record: Any = None) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    engine = house.store._engine
    sa.event.listen(engine, "connect", bound)
    engine.dispose()
    try:
        yield
    finally:
        sa.event.remove(engine, "connect", bound)
        engine.dispose()
