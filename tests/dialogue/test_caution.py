"""Safety before money: a plain sign stops it, a doubt is asked about, a cry calls staff; and who comes is told why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.persona import load_persona
from config.schema import load_site
from contracts.handover import HandoverPacket, encode_handover
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.caution import Caution
from kiosk.dialogue.flows import FlowBook, Place
from kiosk.dialogue.reply import Concern, Do, Reply
from kiosk.risk.watch import RiskWatch, Turn
from kiosk.runtime.worker import ModelThread
from kiosk.session.watching import Watching
from tests.dialogue.table import Hours, Stage

pytestmark = pytest.mark.unit

HIGH = "公安局让我把钱转到安全账户，还要我把验证码告诉他"
MEDIUM = "网上认识的老师带我投资，说稳赚不赔"


class Watched(Stage):
    """The stage with a watch by plain words."""

    def __init__(self, folder: Path, thread: ModelThread) -> None:
        super().__init__(folder)
        self.scripted._brain = Brain(
            load_site(), FlowBook(load_flows()), load_phrases(), Hours(), load_intents(), persona=load_persona()
        )
        turns: Any = self.scripted._turns
        turns._brain = self.scripted._brain
        turns.watching = turns._actions.watching = self.watching = Watching(thread, load_persona(), _noon)

    @property
    def packets(self) -> list[HandoverPacket]:
        return self.scripted.ledger.packets


def _noon() -> Any:
    from bench.dialogues.visit import NOON

    return NOON


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Watched]:
    thread = ModelThread("understand")
    made = Watched(tmp_path, thread)
    yield made
    made.close()
    thread.close()


async def test_a_plain_sign_stops_the_transfer_and_calls_staff_with_the_evidence(stage: Watched) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}, {"type": "246810"}, {"type": "1234"}, {"type": "500"}])
    assert stage.at == "transfer:confirm"
    await stage.say(HIGH)
    assert stage.at == "caution:warned" and "不要转" in stage.text
    packet = stage.packets[-1]
    assert (packet.level, packet.reason) == ("urgent", "fraud_risk")
    assert packet.risk and packet.risk.level == "high"
    assert "安全账户" in "".join(reason.evidence for reason in packet.risk.reasons)
    await stage.say("转账")
    assert stage.at == "caution:still"
    assert "transfer" not in [name for name, _ in stage.bank.asked]


async def test_without_the_hub_nobody_is_promised_and_the_money_is_stopped_all_the_same(stage: Watched) -> None:
    await stage.play([{"hub": False}])
    await stage.say(HIGH)
    assert stage.at == "caution:warned_alone" and "服务台" in stage.text and not stage.packets


@pytest.mark.parametrize(
    ("answers", "at"),
    [(["没见过"], "caution:warned"), (["见过", "是的"], "caution:warned"), (["见过", "没有"], "identify:pin")],
)
async def test_the_answers_decide_whether_it_goes_on(stage: Watched, answers: list[str], at: str) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}])
    await stage.say(MEDIUM)
    assert stage.at == "caution:ask" and "当面见过" in stage.text
    assert [one.wish for one in stage.visit.place.later] == ["transfer_domestic"]
    for answer in answers:
        await stage.say(answer)
    assert stage.at == at


async def test_what_stays_doubtful_is_shown_to_a_colleague_or_goes_on_by_the_visitor_s_word(stage: Watched) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}])
    await stage.say(MEDIUM + "，要换虚拟币")
    # as after answers that told nothing: still in doubt, nothing left to ask
    stage.visit.story.asked |= {"met", "who", "gain", "told", "checked", "back", "first"}
    await stage.say("见过")
    assert stage.at == "caution:doubt"
    await stage.say("不用")
    assert stage.at == "identify:pin"


async def test_an_answer_that_is_none_is_asked_for_again(stage: Watched) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}])
    await stage.say(MEDIUM)
    await stage.say("什么东西")
    assert stage.at == "caution:ask" and "是，还是不是" in stage.text


@pytest.mark.parametrize(
    ("text", "reason", "says"), [("抢劫啊", "danger", "保安"), ("有人晕倒了快来人", "danger", "急救")]
)
async def test_a_cry_calls_staff_from_anywhere_at_once(stage: Watched, text: str, reason: str, says: str) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}])
    await stage.say(text)
    assert stage.at == "caution:danger_called" and says in stage.text
    assert (stage.packets[-1].level, stage.packets[-1].reason) == ("urgent", reason)


async def test_a_cry_in_the_middle_of_a_question_is_heard(stage: Watched) -> None:
    await stage.play([{"say": "转账"}])
    await stage.say(MEDIUM)
    await stage.say("着火了快来人")
    assert stage.at == "caution:danger_called" and "大门" in stage.text


async def test_a_misheard_word_does_not_hide_a_swindle(stage: Watched) -> None:
    scripted: Any = stage.scripted

    async def hear(text: str, language: Any, times: int = 0) -> Any:
        from kiosk.dialogue.meaning import Words

        return Words("公安局让我把钱转到安全站户", "zh", alternatives=((HIGH, -0.4),))

    scripted._hear = hear
    await stage.say("x")
    assert stage.visit.concern.risk == "high" and stage.at == "caution:warned"


async def test_the_angry_are_calmed_once_and_offered_a_person(stage: Watched) -> None:
    await stage.say("气死我了，太过分了")
    assert stage.text.startswith("让您着急了") and stage.at == "person:offer_upset"
    await stage.say("好")
    packet = stage.packets[-1]
    assert packet.level == "urgent" and packet.feeling and packet.feeling.emotion == "anger"
    await stage.say("气死我了，太过分了")
    assert "让您着急了" not in stage.text


@pytest.mark.parametrize(("flow", "kept"), [("teller", True), ("person", True), ("ticket", False)])
def test_who_is_on_the_way_to_a_person_is_not_offered_another(flow: str, kept: bool) -> None:
    class Arrivals:
        def arrive(self, context: Any, place: Place, now: Any) -> Any:
            return Reply(text="", translation="", language="zh", place=place)

        def is_open(self, place: Place) -> bool:
            return True

    caution = Caution(FlowBook(load_flows()), Arrivals())  # type: ignore[arg-type]
    context: Any = SimpleNamespace(concern=Concern(upset="anger"), place=None)
    decided = Do(action="ask_teller", place=Place(flow, "ask", "call_remote_teller"))
    after = caution.guarded(context, decided, _noon())
    assert (after is decided) == kept
    if not kept:
        assert after.place is not None and after.place.step == "offer_upset"


async def test_the_bereaved_hear_condolence_also_by_touch(stage: Watched) -> None:
    await stage.play([{"touch": "wish_inheritance"}])
    assert stage.text.startswith("请您节哀") and stage.at == "person:condolence"


async def test_no_secret_and_no_long_number_is_in_a_packet(stage: Watched) -> None:
    await stage.play([{"card": 0}, {"say": "转账"}])
    await stage.say("我的密码是二四六八一零")
    await stage.play([{"type": "246810"}])
    await stage.say("卡号六二二八四八零四零二五六四八九零零")
    await stage.say("卡号6228480402564890018")
    await stage.play([{"touch": "human"}])
    sent = encode_handover(stage.packets[-1]).decode()
    assert "246810" not in sent and "二四六八" not in sent and "六二二八" not in sent and "62284804" not in sent
    assert '"method":"card_pin"' in sent and stage.packets[-1].level == "trouble"


async def test_a_visit_ends_with_nothing_of_it_in_the_watch(stage: Watched) -> None:
    await stage.say(MEDIUM)
    stage.watching.forget()
    watch = stage.watching._watch
    assert watch._turns == [] and watch._fired == {} and stage.watching._visit == ""


async def test_another_visit_begins_without_the_last_one_s_risk(stage: Watched) -> None:
    await stage.say(HIGH)
    from kiosk.session.visit import Visit

    stage.scripted.visit = Visit(0, "touch")
    await stage.say("转账")
    assert stage.visit.concern.risk == "low" and stage.at == "identify:insert"


def test_no_more_questions_than_three_are_asked() -> None:
    watch = RiskWatch()
    found = watch.heard(Turn(text=MEDIUM, language="zh"))
    assert 2 <= len(found.questions) <= 3
