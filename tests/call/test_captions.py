"""What a visitor says to a teller becomes captions for that teller: masked, bounded, numbered, and nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pytest

from contracts import call_help as h
from contracts import topics
from contracts.handover import MAX_LINE_CHARS, Mood, RiskFound, RiskReason
from kiosk.call.captions import WAITING, CaptionPorts, Captions
from kiosk.dialogue.knowledge import Approved, Found
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.events import DeviceChanged, SpeechStarted, UtteranceEnded
from kiosk.ports import BusDown
from kiosk.session.visit import Visit

pytestmark = pytest.mark.unit
CASE = "case-00000001"
CARD = "我的卡号是 6222 0012 3456 7890 请查一下"


class Terminal:
    """The parts around the captions, scripted; `said` is what went to the bus."""

    def __init__(self) -> None:
        self.words: Words | RecognitionError = Words("想问一下手续费", "zh")
        self.against: str | None = None
        self.meaning = Meaning([("fee_inquiry", 0.9)], "act")
        self.found: Found | None = None
        self.approved: Approved | None = None
        self.bus_down = False
        self.slow = asyncio.Event()
        self.slow.set()
        self.case, self.visit = CASE, Visit(0, "voice")
        self.said: list[h.CaseHeard] = []
        self.captions = Captions(
            CaptionPorts(
                recogniser=self, understanding=self, weighing=self, watching=self, answers=self, finder=self,
                say=self._say, envelope=lambda: {"id": "1", "at": datetime.now(UTC), "mono_ns": 1},
                local_now=lambda: datetime(2026, 11, 23, 10),
            ),
            lambda: self.case,
            lambda: self.visit,
        )  # fmt: skip

    async def recognise(self, pcm: Any, *, hasty: bool = False) -> Words:
        await self.slow.wait()
        if isinstance(self.words, RecognitionError):
            raise self.words
        return self.words

    async def understand(self, words: Words) -> Meaning:
        return self.meaning

    async def reason_against(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None:
        visit.companion_offered = self.against == "other_voice"
        return self.against

    async def heard(self, visit: Visit, words: Words, meaning: Meaning, pcm: Any) -> None:
        visit.story.mood = Mood(emotion="fear", intensity=0.7, rising=True)
        evidence = RiskReason(id="safe_account", weight=30, zh="安全账户", en="Safe account", evidence=CARD)
        visit.story.risk = RiskFound(level="high", reasons=(evidence,))

    def answer(self, intent: str, language: Any, slots: Any, now: datetime) -> Approved | None:
        return self.approved

    def find(
        self, text: str, language: Any, ranked_intents: Sequence[tuple[str, float]], now: datetime
    ) -> Found | None:
        return self.found

    async def _say(self, message: h.CaseHeard) -> None:
        if self.bus_down:
            raise BusDown("away")
        self.said.append(topics.CASE_HEARD.decode(topics.CASE_HEARD.encode(message)))

    async def hears(self, text: str = "想问一下手续费", **more: Any) -> None:
        self.words = Words(text, "zh", **more)
        assert self.captions.takes(utterance())
        for _ in range(20):
            await asyncio.sleep(0)


def utterance() -> UtteranceEnded:
    return UtteranceEnded(pcm=np.zeros(320, np.int16), start_ns=0, end_ns=1, decided_ns=2)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal()
    running = asyncio.create_task(made.captions.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_each_utterance_is_one_numbered_message_with_feeling_and_risk_and_long_figures_masked(
    terminal: Terminal,
) -> None:
    await terminal.hears(CARD)
    await terminal.hears("谢谢")
    first, second = terminal.said
    assert (first.case, first.number, second.number) == (CASE, 1, 2)
    assert "6222" not in first.text and first.text == "我的卡号是 ****7890 请查一下"
    assert first.feeling == Mood(emotion="fear", intensity=0.7, rising=True)
    assert first.risk is not None and first.risk.level == "high"
    assert "6222" not in first.risk.reasons[0].evidence


async def test_outside_of_a_call_nothing_is_taken_and_a_deaf_microphone_is_everybodys(terminal: Terminal) -> None:
    assert not terminal.captions.takes(DeviceChanged("microphone", False, "zeros"))
    assert terminal.captions.takes(SpeechStarted(0))
    terminal.case = ""
    assert not terminal.captions.takes(utterance())
    assert not terminal.captions.takes(SpeechStarted(0))


@pytest.mark.parametrize("own", ["own_words", "own_sound"])
async def test_the_teller_heard_through_the_loudspeaker_is_no_caption(terminal: Terminal, own: str) -> None:
    terminal.against = own
    await terminal.hears("请问您要办什么业务")
    assert not terminal.said and terminal.captions.tallies()["own"] == 1


async def test_a_second_voice_is_told_apart_and_is_not_held_against_the_visitor(terminal: Terminal) -> None:
    terminal.against = "other_voice"
    await terminal.hears("快点转，别问那么多")
    (said,) = terminal.said
    assert said.whose == "other" and said.risk is None
    assert not terminal.visit.companion_offered


async def test_an_approved_answer_comes_whole_with_its_source_and_only_to_words_that_are_believed(
    terminal: Terminal,
) -> None:
    found = Found(text="跨行转账手续费两元。", translation="", source="收费标准 2026", valid_until=date(2027, 1, 1),
                  entry="transfer_fee", score=0.93)  # fmt: skip
    terminal.found = found
    terminal.approved = Approved(text="手" * 500, translation="", source="x", valid_until=date(2027, 1, 1))
    await terminal.hears()
    assert [(one.entry, one.text, one.source) for one in terminal.said[0].suggested] == [
        ("transfer_fee", found.text, "收费标准 2026")
    ]
    terminal.approved = Approved(text=found.text, translation="", source="x", valid_until=date(2027, 1, 1))
    await terminal.hears()
    assert len(terminal.said[1].suggested) == 1  # the same text once
    await terminal.hears(clear=False)
    assert terminal.said[2].suggested == () and not terminal.said[2].sure


async def test_what_cannot_be_recognised_or_sent_is_counted_and_the_next_one_comes(terminal: Terminal) -> None:
    await terminal.hears("")
    await terminal.hears("嗯", no_speech=0.95)
    terminal.words = RecognitionError("slow")
    terminal.captions.takes(utterance())
    await asyncio.sleep(0.01)
    terminal.bus_down = True
    await terminal.hears()
    terminal.bus_down = False
    await terminal.hears("字" * 1000)
    tally = terminal.captions.tallies()
    assert (tally["nothing"], tally["failed"], tally["unsaid"], tally["told"]) == (2, 1, 1, 1)
    assert len(terminal.said[0].text) == MAX_LINE_CHARS


async def test_a_slow_recogniser_drops_the_oldest_and_what_is_of_a_call_that_is_over_is_forgotten(
    terminal: Terminal,
) -> None:
    terminal.slow.clear()
    await terminal.hears()  # being recognised
    for _ in range(WAITING + 2):
        terminal.captions.takes(utterance())
    assert terminal.captions.tallies()["late"] == 2
    terminal.case = ""
    terminal.slow.set()
    await asyncio.sleep(0.01)
    assert not terminal.said
    terminal.case = "case-00000002"
    await terminal.hears()
    assert [(one.case, one.number) for one in terminal.said] == [("case-00000002", 1)]


async def test_no_more_than_the_named_bound_is_said_of_one_case(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kiosk.call.captions.MAX_NUMBER", 2)
    for _ in range(4):
        await terminal.hears()
    assert [one.number for one in terminal.said] == [1, 2] and terminal.captions.tallies()["over"] == 2
