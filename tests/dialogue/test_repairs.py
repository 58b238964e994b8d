"""How people repair a conversation, step by step; what each must not do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kiosk.session.visit import SPEEDS, Visit
from tests.dialogue.table import Stage

pytestmark = pytest.mark.unit

TO_CONFIRM = [{"card": 0}, {"say": "转账"}, {"type": "246810"}, {"type": "1234"}, {"type": "20000"}]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


async def test_nothing_is_sent_before_it_was_read_back_and_affirmed(stage: Stage) -> None:
    await stage.play(TO_CONFIRM)
    assert stage.at == "transfer:confirm" and "20000元给尾号1234" in stage.text
    assert "transfer" not in [operation for operation, _ in stage.bank.asked]
    await stage.play([{"say": "对"}])
    sent = [request for operation, request in stage.bank.asked if operation == "transfer"]
    assert [(one.payee_tail, one.amount_fen) for one in sent] == [("1234", 2_000_000)]


@pytest.mark.parametrize(
    ("said", "amount", "tail"),
    [
        ("不对，是三万", "30000", "1234"),
        ("不对，尾号是八八六六", "20000", "8866"),
        ("不是两万，是五万", "50000", "1234"),
    ],
)
async def test_a_correction_changes_the_slot_that_it_names_and_no_other(
    stage: Stage, said: str, amount: str, tail: str
) -> None:
    await stage.play([*TO_CONFIRM, {"say": said}])
    assert stage.at == "transfer:confirm"
    assert (stage.visit.place.slots["amount"], stage.visit.place.slots["payee_tail"]) == (amount, tail)
    assert f"{amount}元给尾号{tail}" in stage.text


async def test_one_step_back_asks_the_question_before_and_forgets_its_answer(stage: Stage) -> None:
    await stage.play([*TO_CONFIRM, {"say": "上一步"}])
    assert stage.at == "transfer:amount" and "amount" not in stage.visit.place.slots
    await stage.play([{"say": "上一步"}])
    assert stage.at == "transfer:payee" and "payee_tail" not in stage.visit.place.slots


async def test_a_side_question_is_answered_and_the_open_question_is_asked_again(stage: Stage) -> None:
    await stage.play([*TO_CONFIRM, {"say": "几点关门"}])
    assert stage.at == "transfer:confirm"
    assert stage.text.startswith("今天下午五点关门。") and stage.text.endswith("对吗？")


async def test_another_wish_comes_first_and_the_left_one_is_taken_up_where_it_was(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}, {"type": "246810"}, {"type": "1234"}, {"say": "查余额"}])
    assert "86520.40" in stage.text and "接着办转账" in stage.text
    await stage.play([{"say": "好"}])
    assert stage.at == "transfer:amount" and stage.visit.place.slots["payee_tail"] == "1234"
    assert stage.visit.place.later == ()


async def test_the_second_wish_of_a_sentence_is_offered_after_the_first_and_may_be_left(stage: Stage) -> None:
    await stage.play([{"say": "先开户，然后查余额"}])
    assert stage.at == "ticket:offer" and [one.wish for one in stage.visit.place.later] == ["account_balance"]
    await stage.play([{"say": "好"}])
    assert stage.at == "farewell:resume" and "接着办查余额" in stage.text
    await stage.play([{"say": "不用"}])
    assert stage.at == "farewell:anything_else" and stage.visit.place.later == ()


async def test_no_more_than_three_wishes_wait(stage: Stage) -> None:
    for wish in ("开户", "取款", "转账", "挂失", "查余额", "开户"):
        await stage.play([{"say": wish}])
    assert len(stage.visit.place.later) <= 3


async def test_a_pin_is_not_taken_by_ear_not_kept_and_not_shown(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "查余额"}, {"say": "二四六八一零"}])
    assert stage.at == "identify:pin" and "不要说出来" in stage.text and stage.bank.asked == []
    await stage.play([{"type": "246810"}])
    assert "86520.40" in stage.text
    assert "246810" not in repr(stage.visit) and "246810" not in "".join(stage.visit.place.slots.values())
    assert stage.visit.typed == ""


async def test_what_is_typed_is_bounded_and_can_be_deleted(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "查余额"}])
    turns = stage.scripted._turns
    for _ in range(30):
        assert turns.keyed(stage.visit, "key_7")
    assert stage.visit.typed == "777777"
    turns.keyed(stage.visit, "key_back")
    turns.keyed(stage.visit, "key_nonsense")
    assert stage.visit.typed == "77777"


async def test_without_a_core_bank_a_person_is_offered(tmp_path: Path) -> None:
    stage = Stage(tmp_path, bank=False)
    for wish in ("查余额", "转账"):
        await stage.play([{"say": wish}])
        assert stage.at == "person:offer"
    stage.close()


@pytest.mark.parametrize(("code", "words"), [("slow", "很慢"), ("down", "连不上"), ("pin_locked", "锁住")])
async def test_each_failure_of_the_bank_has_its_own_words_and_offers_a_person(
    stage: Stage, code: str, words: str
) -> None:
    stage.bank.trouble["open_card"] = code
    await stage.play([{"card": 0}, {"say": "查余额"}, {"type": "246810"}])
    assert stage.at == "bank:trouble" and words in stage.text
    assert "call" in [target.id for target in stage.visit.last.targets]


async def test_a_session_that_ended_asks_for_the_pin_again_and_then_goes_on(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "查余额"}, {"type": "246810"}])
    stage.bank.trouble["balance"] = "session_over"
    await stage.play([{"say": "查余额"}])
    assert stage.at == "identify:pin" and stage.visit.bank is None


async def test_a_card_in_the_reader_is_said_before_goodbye_and_not_when_it_was_taken(stage: Stage) -> None:
    await stage.play([{"card": 0}, {"say": "再见"}])
    assert stage.text.startswith("请先取走您的卡。")
    await stage.play([{"take": True}, {"touch": "skip"}])
    assert "卡" not in stage.text and stage.visit.last.ends


def test_slower_and_louder_have_bounds() -> None:
    visit = Visit(0, "touch")
    for _ in range(20):
        visit.adjust("slower")
        visit.adjust("louder")
    assert visit.speed == SPEEDS[0] and visit.gain_db == 6.0
