"""Whole conversations under virtual time: their order, their delays, and what is forgotten."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.screen import Caption
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.events import (
    SPEECH_RATE_HZ,
    BargeInConfirmed,
    DeviceChanged,
    PersonArrived,
    SpeechDied,
    SpeechSoFar,
    SpeechStarted,
    UtteranceEnded,
)
from kiosk.session.ahead import Foreseen
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import CHARACTERS_PER_S, VISITORS_SOUND, FakeKiosk

pytestmark = pytest.mark.unit

Play = Callable[[Callable[[FakeKiosk], Awaitable[None]]], FakeKiosk]


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Callable[[FakeKiosk], Awaitable[None]]) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            async with FakeKiosk(tmp_path) as kiosk:
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())

    return run


async def take_a_ticket(kiosk: FakeKiosk) -> None:
    await kiosk.arrive()
    await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
    await kiosk.until(State.LISTENING)
    await kiosk.say("好的", ("affirm", 0.9))
    await kiosk.until(State.LISTENING)


def test_a_whole_visit_leaves_this_log_at_the_hub_and_nothing_here(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await take_a_ticket(kiosk)
        await kiosk.touch("nothing_else")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.page == "opinion"
        await kiosk.touch("rate_5")
        await kiosk.until(State.IDLE)

    kiosk = play(script)
    assert kiosk.moments() == [
        "VisitStarted", "Greeted", "Understood", "TicketIssued", "TicketTaken", "Understood", "Touched", "OpinionAsked",
        "Touched", "OpinionGiven", "VisitEnded",
    ]  # fmt: skip
    assert kiosk.paper.printed == ["A001"]
    assert not kiosk.session.remembers
    assert kiosk.screen.page == "attract" and kiosk.screen.captions == () and kiosk.screen.ticket is None


def test_what_was_said_cannot_be_found_in_memory_after_the_visit(play: Play) -> None:
    words = "我叫欧阳青梅子" + "，要取钱"

    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say(words, ("withdraw_cash", 0.9))
        await kiosk.until(State.LISTENING)
        assert words in kiosk.screen.captions[0].text
        kiosk.leave()
        await kiosk.until(State.IDLE)
        kiosk.trace.moments.clear()  # the recorded visitor's own account
        kiosk.shown.clear()  # the test's
        kiosk.heard = RecognitionError("gone")

    kiosk = play(script)
    gc.collect()
    reached: set[int] = set()
    todo: list[object] = [kiosk.session]
    while todo:
        thing = todo.pop()
        if id(thing) in reached or isinstance(thing, type | type(gc)):
            continue
        reached.add(id(thing))
        if isinstance(thing, str):
            assert words not in thing
        if isinstance(thing, np.ndarray):
            # other sound is in reach through modules, and some of its samples may well have the same value
            assert np.count_nonzero(thing == VISITORS_SOUND) < 240, "15 ms of the visitor's sound are still held"
        todo += gc.get_referents(thing)


def test_every_spoken_turn_has_every_latency_part_and_they_add_up(play: Play) -> None:
    kiosk = play(take_a_ticket)
    turns = [noted.facts["latency_ms"] for noted in kiosk.trace.moments if noted.kind == "turn"]
    assert len(turns) == 2
    for parts in turns:
        assert set(parts) == {"endpoint", "recognise", "understand", "answer", "first_sample", "total"}
        assert parts["endpoint"] == pytest.approx(700, abs=1)
        assert parts["recognise"] == pytest.approx(300, abs=15)
        assert sum(value for name, value in parts.items() if name != "total") == pytest.approx(parts["total"], abs=1)


async def speak_over_her(kiosk: FakeKiosk) -> None:
    """While she asks for the opinion, a voice stops her half a second into the sentence."""
    await take_a_ticket(kiosk)
    await kiosk.touch("nothing_else")
    await kiosk.until(State.SPEAKING)
    await kiosk.clock.sleep(0.5)
    began_ns = kiosk.clock.now_ns()
    kiosk.session.tell(SpeechStarted(began_ns))
    await kiosk.clock.sleep(0.02)
    kiosk.session.tell(BargeInConfirmed(kiosk.clock.now_ns(), began_ns))
    await kiosk.until(State.HELD, within_s=0.2)


def test_barge_in_silences_her_within_200_ms_and_what_was_heard_of_her_stays(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        assert kiosk.room.queued == 0
        await kiosk.clock.sleep(0.05)
        samples = kiosk.speaker.played().samples
        await kiosk.clock.sleep(0.5)
        assert kiosk.speaker.played().samples == samples
        await kiosk.say("几点关门", ("business_hours", 0.9))
        await kiosk.until(State.THINKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    cut = [state.captions[-1] for state in kiosk.shown if state.captions and state.captions[-1].interrupted]
    assert cut and cut[0].text == "谢谢您。今天办得满意吗？"[: len(cut[0].text)] and 0 < len(cut[0].text) < 6
    assert "五点关门" in kiosk.said()[-1]


def test_after_a_cough_she_goes_on_where_she_was_stopped_and_says_all_of_it(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        await kiosk.say("")  # sound without words
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said()[-1] == "谢谢您。今天办得满意吗？"
    assert not any(caption.interrupted for state in kiosk.shown for caption in state.captions)
    whole = len(kiosk.said()[-1]) * SPEECH_RATE_HZ // CHARACTERS_PER_S
    played = kiosk.speaker.played().samples
    assert whole <= played <= sum(len(text) for text in kiosk.said()) * SPEECH_RATE_HZ // CHARACTERS_PER_S + whole


def test_mm_hm_that_stopped_her_is_no_turn_in_mid_sentence(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        await kiosk.say("嗯嗯", ("affirm", 0.9))
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.session.turns.tally_against["backchannel"] == 0  # a reason of its own, noted, not a refusal
    assert [n.facts["why"] for n in kiosk.trace.moments if n.kind == "false_alarm"] == ["backchannel"]
    assert kiosk.said()[-1] == "谢谢您。今天办得满意吗？"


def test_what_was_audible_of_her_is_kept_with_its_times_and_forgotten_with_the_visit(play: Play) -> None:
    kept: list[Any] = []

    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        held_ns = kiosk.clock.now_ns()
        spans = kiosk.session.turns.playback.spoken()
        assert spans[-1].text == "谢谢您。"[: len(spans[-1].text)] and 0 < len(spans[-1].text) < 4
        assert spans[-1].end_ns - spans[-1].start_ns == pytest.approx(0.54e9, abs=0.06e9)
        assert abs(spans[-1].end_ns - held_ns) < 0.1e9
        await kiosk.say("")
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)
        kept[:] = kiosk.session.turns.playback.spoken()
        kiosk.leave()
        await kiosk.until(State.IDLE)
        assert kiosk.session.turns.playback.spoken() == []

    play(script)
    assert "".join(span.text for span in kept).endswith("谢谢您。今天办得满意吗？")
    assert all(a.end_ns <= b.start_ns + 30_000_000 for a, b in itertools.pairwise(kept))


def test_a_microphone_that_goes_away_in_mid_interruption_does_not_leave_her_silent(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        kiosk.session.tell(DeviceChanged("microphone", False, "gone"))
        await kiosk.until(State.LISTENING, within_s=10)

    assert play(script).said()[-1] == "谢谢您。今天办得满意吗？"


def test_who_was_cut_off_and_goes_on_over_the_answer_is_understood_as_one_sentence(play: Play) -> None:
    lengths: list[int] = []

    async def script(kiosk: FakeKiosk) -> None:
        recognise = kiosk.recognise

        async def listening(pcm: Any) -> Any:
            lengths.append(len(pcm))
            return await recognise(pcm)

        kiosk.session.turns._recogniser = type(
            "R", (), {"recognise": staticmethod(listening), "expect": lambda self, words: None}
        )()
        await kiosk.arrive()
        await kiosk.say("我想问", ("business_hours", 0.9), seconds=1)
        await kiosk.until(State.SPEAKING)
        began_ns = kiosk.clock.now_ns()
        kiosk.session.tell(SpeechStarted(began_ns))
        await kiosk.clock.sleep(0.2)
        kiosk.session.tell(BargeInConfirmed(kiosk.clock.now_ns(), began_ns))
        await kiosk.say("我想问取钱", ("withdraw_cash", 0.9), seconds=1)
        await kiosk.until(State.THINKING)
        await kiosk.until(State.LISTENING)

    play(script)
    assert lengths == [16_000, 32_000]


def test_mm_hm_only_makes_her_softer_and_she_goes_on(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.session.tell(PersonArrived(0))
        await kiosk.until(State.SPEAKING)
        await kiosk.clock.sleep(1)
        kiosk.session.tell(SpeechStarted(kiosk.clock.now_ns()))
        await kiosk.clock.sleep(0.3)
        assert kiosk.room._gain < 1
        kiosk.session.tell(SpeechDied(kiosk.clock.now_ns()))
        await kiosk.clock.sleep(0.1)
        assert kiosk.room._gain == 1
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said() == ["下午好，我是小迎。您想办什么业务？"]


def short_voice(kiosk: FakeKiosk, text: str) -> SpeechDied:
    """A quarter of a second over her, recognised as `text`."""
    now_ns = kiosk.clock.now_ns()
    kiosk.heard, kiosk.meaning = Words(text, "zh"), Meaning([("other", 0.2)], "handover")
    said = UtteranceEnded(
        pcm=np.ones(4000, np.int16), start_ns=now_ns - 250_000_000, end_ns=now_ns, decided_ns=now_ns, over_speech=True
    )
    return SpeechDied(now_ns, said)


@pytest.mark.parametrize(("text", "stops"), [("停", True), ("嗯", False), ("", False), ("啪", False)])
def test_a_word_too_short_to_hold_her_stops_her_only_if_it_asks_her_to(play: Play, text: str, stops: bool) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.session.tell(PersonArrived(0))
        await kiosk.until(State.SPEAKING)
        await kiosk.clock.sleep(0.5)
        kiosk.session.tell(SpeechStarted(kiosk.clock.now_ns()))
        kiosk.session.tell(short_voice(kiosk, text))
        await kiosk.clock.sleep(0.6)
        assert any(noted.kind == "cut" for noted in kiosk.trace.moments) == stops
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert (kiosk.said()[0] == "下午好，我是小迎。您想办什么业务？") != stops
    assert kiosk.session.visit is not None and kiosk.session.visit.turns == int(stops)


class NodsEars:
    """Ears in which the voice has stopped, or goes on."""

    in_speech = False

    def __init__(self, *, gone_on: bool) -> None:
        self.gone_on = gone_on
        self.dropped: list[int] = []

    def profile(self, profile: Any) -> None: ...

    def went_on_after(self, pause_ms: float) -> None: ...

    def drop(self, voice_ns: int) -> bool:
        self.dropped.append(voice_ns)
        return not self.gone_on


@pytest.mark.parametrize(
    ("text", "meant", "gone_on", "resumes"),
    [
        ("嗯", "other", False, True),
        ("嗯", "other", True, False),
        ("停", "other", False, False),
        ("您好", "greet", False, True),  # what a recogniser writes for '嗯好'
        ("余额", "balance_inquiry", False, False),
    ],
)
def test_a_nod_that_held_her_lets_her_go_on_before_its_end_is_decided(
    play: Play, text: str, meant: str, gone_on: bool, resumes: bool
) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        ears = NodsEars(gone_on=gone_on)
        await speak_over_her(kiosk)
        kiosk.session.listens_through(ears)
        now_ns = kiosk.clock.now_ns()
        so_far = SpeechSoFar(
            pcm=np.ones(100, np.int16), start_ns=now_ns - 300_000_000, voice_ns=now_ns, at_ns=now_ns, paused=True
        )
        kiosk.session.let_go(so_far, Foreseen(Words(text, "zh"), Meaning([(meant, 0.9)], "act")), hasty=False)
        await kiosk.clock.sleep(0.05)
        assert (kiosk.session.state is State.SPEAKING) == resumes
        assert ears.dropped == ([now_ns] if resumes or gone_on else [])
        kiosk.session.tell(SpeechDied(now_ns))
        await kiosk.until(State.LISTENING)

    assert play(script).said()[-1] == "谢谢您。今天办得满意吗？"


@pytest.mark.parametrize(
    ("second", "meant", "sure", "stops"),
    [
        ("停", "other", "unsure", True),
        ("我要取钱", "withdraw_cash", "act", True),
        ("嗯", "other", "unsure", False),
        ("好", "affirm", "act", False),
        ("牧场", "other", "unsure", False),  # what a recogniser writes for a hum, even with care
    ],
)
def test_a_sound_that_is_not_believed_lets_her_go_on_and_words_stop_her_again(
    play: Play, second: str, meant: str, sure: Any, stops: bool
) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        kiosk.session.listens_through(NodsEars(gone_on=False))
        now_ns, turns = kiosk.clock.now_ns(), kiosk.session.visit.turns if kiosk.session.visit else 0
        so_far = SpeechSoFar(
            pcm=np.ones(100, np.int16), start_ns=now_ns - 300_000_000, voice_ns=now_ns, at_ns=now_ns, paused=True
        )
        kiosk.heard, kiosk.meaning = Words(second, "zh"), Meaning([(meant, 0.95)], sure)
        doubted = Foreseen(Words("第", "zh", certainty=-1.6, clear=False), Meaning([], "unsure"))
        assert kiosk.session.let_go(so_far, doubted, hasty=True)
        await kiosk.until(State.SPEAKING, within_s=0.1)
        await kiosk.clock.sleep(kiosk.recognition_s + 0.1)
        assert any(noted.kind == "cut" for noted in kiosk.trace.moments) == stops
        await kiosk.until(State.LISTENING)
        assert kiosk.session.visit is not None and kiosk.session.visit.turns == turns + stops

    assert ("谢谢您。今天办得满意吗？" in play(script).said()) != stops


def test_a_sound_that_is_not_believed_holds_her_where_it_may_be_an_answer_or_ask_her_to_stop(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await speak_over_her(kiosk)
        kiosk.session.listens_through(NodsEars(gone_on=False))
        visit = kiosk.session.visit
        assert visit and visit.caption
        visit.caption = Caption("receptionist", visit.caption.text, final=False, spoken=len(visit.caption.text))
        so_far = SpeechSoFar(pcm=np.ones(100, np.int16), start_ns=0, voice_ns=1, at_ns=1, paused=True)
        doubted = Foreseen(Words("第", "zh", certainty=-1.6, clear=False), Meaning([], "unsure"))
        assert not kiosk.session.let_go(so_far, doubted, hasty=True)
        visit.caption = Caption("receptionist", visit.caption.text, final=False, spoken=1)  # too early for an answer
        readings = Words("听", "zh", (("停", -1.7),), certainty=-1.6, clear=False)
        assert not kiosk.session.let_go(so_far, Foreseen(readings, Meaning([], "unsure")), hasty=True)
        assert kiosk.session.let_go(so_far, doubted, hasty=True)
        kiosk.session.tell(SpeechDied(1))
        await kiosk.until(State.LISTENING)

    play(script)


def test_going_on_while_she_thinks_joins_both_parts_into_one_utterance(play: Play) -> None:
    lengths: list[int] = []

    async def script(kiosk: FakeKiosk) -> None:
        recognise = kiosk.recognise

        async def listening(pcm: Any) -> Any:
            lengths.append(len(pcm))
            return await recognise(pcm)

        kiosk.session.turns._recogniser = type(
            "R", (), {"recognise": staticmethod(listening), "expect": lambda self, words: None}
        )()
        await kiosk.arrive()
        kiosk.recognition_s = 2.0
        await kiosk.say("我想", ("other", 0.3), decision="unsure", seconds=1)
        assert kiosk.session.state is State.THINKING
        await kiosk.say("我想取钱", ("withdraw_cash", 0.9), seconds=1)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert lengths == [16_000, 32_000]
    assert len([noted for noted in kiosk.trace.moments if noted.kind == "turn"]) == 1


def test_a_side_question_is_answered_and_the_open_question_comes_again(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("我要存钱", ("deposit_cash", 0.9))
        await kiosk.until(State.LISTENING)
        await kiosk.say("几点关门", ("business_hours", 0.9))
        await kiosk.until(State.LISTENING)
        await kiosk.say("那取吧", ("affirm", 0.8))
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said()[2] == "今天下午五点关门。存款要到柜台办。给您取个号，好吗？"
    assert kiosk.paper.printed == ["A001"]


def test_not_understood_once_asks_again_twice_offers_a_person(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        for _ in range(2):
            await kiosk.say("嗯那个", ("other", 0.3), decision="unsure")
            await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert "没听清" in kiosk.said()[1]
    assert "请同事来帮您" in kiosk.said()[2]
    assert "call" in {target.id for target in kiosk.screen.targets}


def test_between_two_wishes_she_asks_and_offers_both(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("那个卡", ("card_loss_report", 0.45), ("card_replace", 0.4), decision="ask")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said()[1] == "您想办的是哪一样：挂失，还是补换卡？"
    assert {"wish_card_loss_report", "wish_card_replace"} <= {target.id for target in kiosk.screen.targets}


def test_without_paper_the_number_is_said_and_shown(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.paper.works = False
        await take_a_ticket(kiosk)

    kiosk = play(script)
    assert "票没打出来" in kiosk.said()[2]
    assert kiosk.screen.ticket is not None and kiosk.screen.ticket.number == "A001"


def test_speaking_on_while_the_ticket_is_taken_leaves_one_number_that_is_told(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        issue = kiosk.ledger.issue

        async def slowly(service: str, **given: Any) -> Any:
            ticket = await issue(service, **given)
            await kiosk.clock.sleep(1.0)
            return ticket

        kiosk.ledger.issue = slowly  # type: ignore[method-assign]
        await kiosk.arrive()
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await kiosk.until(State.LISTENING)
        await kiosk.say("好的", ("affirm", 0.9))
        await kiosk.clock.sleep(0.5)  # recognised, and the number is being taken
        assert kiosk.session.state is State.THINKING
        await kiosk.say("好的，取一个", ("take_ticket", 0.9))
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.moments().count("TicketIssued") == 1
    assert kiosk.paper.printed == ["A001"]
    assert "A001" in kiosk.said()[-1] and kiosk.screen.page == "ticket"


def test_nobody_is_promised_while_the_hub_is_away(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.hub = False
        await kiosk.arrive()
        await kiosk.touch("human")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert "喊不到人" in kiosk.said()[1]
    assert "StaffCalled" not in kiosk.moments()


def test_a_failing_recogniser_is_apologised_for_and_touch_is_offered(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("x")
        kiosk.heard = RecognitionError("slow")
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert "点一下也行" in kiosk.said()[1]
    assert any(target.kind == "chip" for target in kiosk.screen.targets)


def test_silence_is_asked_about_twice_then_she_says_goodbye_and_everything_is_forgotten(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        began_s = kiosk.clock.now_ns() / 1e9
        await kiosk.until(State.IDLE, within_s=60)
        talking = kiosk.site.talking
        took_s = kiosk.clock.now_ns() / 1e9 - began_s
        assert (
            talking.prompt_after_s + 2 * talking.forget_after_s
            < took_s
            < talking.prompt_after_s + 2 * talking.forget_after_s + 15
        )

    kiosk = play(script)
    assert kiosk.said()[1:] == [
        "您还在吗？可以说，也可以点屏幕。", "您慢慢来。再没人说话，我就先结束了。", "那我先结束了。需要时再叫我。",
    ]  # fmt: skip
    assert not kiosk.session.remembers


def test_in_large_letters_there_is_no_time_limit_while_the_camera_sees_the_visitor(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.touch("text_size")
        await kiosk.until(State.LISTENING)
        await kiosk.clock.sleep(600)
        assert kiosk.session.state is State.LISTENING and kiosk.screen.mode == "elder"
        kiosk.leave()
        await kiosk.until(State.IDLE, within_s=1)

    assert play(script).said()[-1] != "您还在吗？"


def test_walking_away_in_mid_answer_stops_her_and_forgets(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("我要取钱", ("withdraw_cash", 0.9))
        await kiosk.until(State.SPEAKING)
        kiosk.leave()
        await kiosk.until(State.IDLE, within_s=0.3)
        assert kiosk.room.queued == 0

    kiosk = play(script)
    assert kiosk.moments()[-1] == "VisitEnded"
    assert not kiosk.session.remembers


def test_without_a_loudspeaker_the_answer_stays_to_be_read_and_the_visit_goes_on(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.session.turns.playback = None
        kiosk.session.tell(DeviceChanged("speaker", False, "gone"))
        await take_a_ticket(kiosk)

    kiosk = play(script)
    assert kiosk.paper.printed == ["A001"]
    assert "speaker" in kiosk.screen.lights.missing
    assert all("latency_ms" in noted.facts for noted in kiosk.trace.moments if noted.kind == "turn")


def test_without_a_microphone_the_page_says_so_and_touch_leads_to_a_ticket(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.session.tell(DeviceChanged("microphone", False, "gone"))
        await kiosk.clock.sleep(0.1)
        assert kiosk.screen.page == "outage" and "听不见" in kiosk.screen.headline
        await kiosk.touch("wish_take_ticket")
        await kiosk.until(State.LISTENING)
        await kiosk.touch("service_corporate")
        await kiosk.until(State.LISTENING)

    assert play(script).paper.printed == ["B001"]


def test_a_microphone_that_a_visitor_turned_off_is_on_for_the_next_one(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.touch("microphone")
        assert kiosk.session.muted and kiosk.screen.listening == "muted"
        kiosk.leave()
        await kiosk.until(State.IDLE)
        await kiosk.arrive()

    kiosk = play(script)
    assert not kiosk.session.muted and kiosk.screen.listening == "listening"


def test_turning_the_microphone_off_in_mid_word_does_not_keep_a_visit_for_ever(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        kiosk.session.voice_heard()
        kiosk.session.tell(SpeechStarted(kiosk.clock.now_ns()))
        await kiosk.touch("microphone")
        await kiosk.until(State.IDLE, within_s=60)

    assert not play(script).session.remembers


def test_english_is_answered_in_english_and_the_dock_switches_back(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("what time do you close", ("business_hours", 0.9), language="en")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.language == "en" and kiosk.screen.branch == "Binjiang Road Branch"
        await kiosk.touch("language")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said()[1:] == ["We close at five today.", "好的，我们说中文。"]


def test_a_touch_on_something_that_is_not_there_changes_nothing(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.touch("rate_5")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert "OpinionGiven" not in kiosk.moments()


def test_a_turn_that_breaks_is_apologised_for_and_its_error_is_logged_without_the_visitors_words(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    words = "我的卡号六二二二"

    async def script(kiosk: FakeKiosk) -> None:
        async def breaks(heard: Any) -> Any:
            raise ValueError(f"cannot make sense of {heard.text}")

        kiosk.understand = breaks  # type: ignore[method-assign]
        await kiosk.arrive()
        await kiosk.say(words)
        await kiosk.until(State.SPEAKING)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert "点一下也行" in kiosk.said()[1]
    assert "turn failed: ValueError" in caplog.text and "breaks" in caplog.text
    assert words not in caplog.text
