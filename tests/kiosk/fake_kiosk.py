"""A terminal under virtual time: the real session, brain, flows, playback, desk and outbox; a visitor made of events.

Time and the two speech models are the fakes: what is heard and understood is given, what is spoken takes as long as
its text. Thirty seconds of conversation take no real time and happen in the same order each time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import load_site
from contracts import messages as m
from contracts import topics
from contracts import video_messages as v
from contracts.appointments import Means
from contracts.handover import HandoverPacket
from contracts.opinions import OpinionWord
from contracts.screen import ScreenState
from kiosk.adapters.room import Acoustics, Room, RoomSpeaker
from kiosk.audio.playback import Playback, SpeechChunk
from kiosk.call.acts import TellerActs
from kiosk.call.line import TellerLine
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.clauses import clauses
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.events import (
    SPEECH_RATE_HZ,
    DeviceChanged,
    PersonArrived,
    PersonLeft,
    SpeechStarted,
    TellerNews,
    Touched,
    UtteranceEnded,
)
from kiosk.queueing.appointments import Booked
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.queueing.staff import StaffDesk
from kiosk.runtime.clock import LoopClock
from kiosk.session.actions import Actions, spoken_facts
from kiosk.session.session import Session
from kiosk.session.states import State
from kiosk.session.trace import Trace
from kiosk.session.turns import TurnPorts, Turns
from kiosk.sync.outbox import Outbox

NOON = datetime.fromisoformat("2026-11-20T13:00:00+08:00")
CHARACTERS_PER_S = 5
VISITORS_SOUND = 7777  # so that it can be found again


class DirectLedger:
    """The real desk and outbox, without a thread between."""

    def __init__(self, folder: Path, site: Any) -> None:
        self.outbox = Outbox(folder / "outbox.sqlite")
        services = [ServiceView(service.id, service.letter) for service in site.services]
        self.desk = TicketDesk(self.outbox, services, kiosk_digit=site.device.kiosk_digit)

    async def issue(self, service: str, **given: Any) -> Any:
        return self.desk.issue(service, **given)

    async def give_back(self, number: str, *, day: str) -> bool:
        return self.desk.give_back(number, day=day)

    async def prioritise(self, number: str, *, day: str, priority: Any) -> bool:
        return self.desk.prioritise(number, day=day, priority=priority)

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return self.desk.owed(day=day)

    async def at_staff_desk(self, work: Callable[[StaffDesk], Any], at: datetime) -> Any:
        return work(StaffDesk(self.desk.line, self.desk.business_day(at)))

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        return self.desk.appointments.find(means, digits)

    async def note(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)

    async def hand_over(self, packet: HandoverPacket) -> int:
        return self.outbox.append(topics.HANDOVER, packet)

    async def opinion(self, word: OpinionWord) -> None:
        self.outbox.append(topics.OPINION, word)

    async def case_op(self, body: v.CaseOperation) -> None:
        self.outbox.append(topics.CASE_OP, body)

    def post_case_op(self, body: v.CaseOperation) -> None:
        self.outbox.append(topics.CASE_OP, body)

    def post(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)


class ScriptedVoice:
    """Speech that takes 200 ms to make and as long as its text to play."""

    async def speak(
        self, text: str, language: str, *, keep: bool, manner: Any = None, leisurely: bool = False
    ) -> AsyncIterator[SpeechChunk]:
        for clause in clauses(text, language):
            await asyncio.sleep(0.2)
            samples = len(clause) * SPEECH_RATE_HZ // CHARACTERS_PER_S
            yield SpeechChunk(text=clause, pcm=np.full(samples, 1000, np.int16))


class Paper:
    def __init__(self) -> None:
        self.printed: list[str] = []
        self.works = True

    async def print(self, ticket: Any, service: Any, ahead: Any, wait_min: Any, qr: str) -> bool:
        if self.works:
            self.printed.append(ticket.number)
        return self.works


class Approved:
    def __init__(self, text: str, translation: str) -> None:
        self.text, self.translation = text, translation


class Facts:
    """One approved answer, so that side questions can be asked."""

    def answer(self, intent: str, language: str, slots: Mapping[str, str], now: datetime) -> Approved | None:
        if intent != "business_hours":
            return None
        texts = "今天下午五点关门。", "We close at five today."
        return Approved(*(texts if language == "zh" else texts[::-1]))


class FakeKiosk:
    def __init__(self, folder: Path) -> None:
        self.site = load_site()
        self.clock = LoopClock()
        self.trace = Trace(self.clock)
        self.ledger = DirectLedger(folder, self.site)
        self.paper = Paper()
        self.shown: list[ScreenState] = []
        self.hub = True
        self.queue: m.TicketsState | None = None
        self.room = Room(self.clock, Acoustics(noise=np.zeros(320, np.int16), echo_gain=0))
        brain = Brain(self.site, FlowBook(load_flows()), load_phrases(), Facts(), load_intents())
        self.session = Session(
            self.site, load_phrases(), brain, self.clock, self.ledger, self.shown.append, lambda: NOON,
            lambda: self.queue, self.trace,
        )  # fmt: skip
        self.heard: Words | RecognitionError = Words("", "zh")
        self.meaning = Meaning([], "unsure")
        self.recognition_s = 0.3
        actions = Actions(
            self.site, self.ledger, self.paper, lambda: self.queue, lambda: self.hub, lambda: NOON, self.trace.note
        )
        ports = TurnPorts(
            tell=self.session.tell,
            show=self.session.show,
            note=self.trace.note,
            understood=self.session.understood,
            facts=self._facts,
            local_now=lambda: NOON,
        )
        self.speaker = RoomSpeaker(self.room, self.clock)
        self.session.speaker = self.speaker
        playback = Playback(self.speaker, self.clock, lambda message: None)
        self.session.turns = Turns(ports, self.clock, brain, ScriptedVoice(), playback, self, self, actions)
        self.session.forgetters.append(self.session.turns.forget)
        self.heartbeats: list[str] = []
        self.line = TellerLine(
            self.ledger, self.clock, reachable=lambda: self.hub, here=self._here,
            changed=lambda: self.session.tell(TellerNews()),
        )  # fmt: skip
        self.session.forgetters.append(self.line.forget)
        self._actions = actions
        self._tasks: list[asyncio.Task[None]] = []

    def with_tellers(self) -> FakeKiosk:
        """As at a site that has them."""
        self._actions.tellers = TellerActs(
            self.site, self.line, self._actions.hand_over, lambda: NOON, self.clock.now_ns
        )
        return self

    async def _here(self, case: str, media: str) -> None:
        self.heartbeats.append(case)

    def _facts(self, visit: Any) -> dict[str, str]:
        return spoken_facts(self.site, visit, self.queue, visit.place.slots.get("service") if visit.place else None)

    async def __aenter__(self) -> FakeKiosk:
        self._tasks = [asyncio.create_task(work) for work in (self.session.run(), self.room.run(), self.line.run())]
        for device in ("microphone", "speaker", "camera", "printer", "screen"):
            self.session.tell(DeviceChanged(device, True))
        await asyncio.sleep(0.1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.session.events.close()
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    # ------------------------------------------------------------ the two models
    async def recognise(self, pcm: Any, *, hasty: bool = False, again: bool = False, wanted: Any = None) -> Words:
        await asyncio.sleep(self.recognition_s)
        if isinstance(self.heard, RecognitionError):
            raise self.heard
        return self.heard

    async def glance(self, pcm: Any, *, wanted: Any = None) -> Words:
        return await self.recognise(pcm)

    def expect(self, words: Any) -> None:
        self.expected = tuple(words)

    async def understand(self, words: Words) -> Meaning:
        return self.meaning

    # ------------------------------------------------------------ the visitor
    async def arrive(self) -> None:
        self.session.tell(PersonArrived(self.clock.now_ns()))
        await self.until(State.LISTENING)

    def leave(self) -> None:
        self.session.tell(PersonLeft(self.clock.now_ns()))

    async def say(
        self,
        text: str,
        *meant: tuple[str, float],
        decision: Any = "act",
        language: Any = "zh",
        seconds: float = 1.5,
        words: str = "",
        slots: Mapping[str, str] | None = None,
    ) -> None:
        """Say something that is recognised as `text` and understood as `meant`; returns when it was endpointed.

        `words`: what of it is believed word by word, where a step listens for words.
        """
        self.heard, self.meaning = Words(text, language), Meaning(list(meant), decision, slots or {}, words)
        began_ns = self.clock.now_ns()
        self.session.voice_heard()
        self.session.tell(SpeechStarted(began_ns))
        await asyncio.sleep(seconds)
        ended_ns = self.clock.now_ns()
        await asyncio.sleep(0.7)
        self.session.tell(
            UtteranceEnded(
                pcm=np.full(int(seconds * 16_000), VISITORS_SOUND, np.int16),
                start_ns=began_ns,
                end_ns=ended_ns,
                decided_ns=self.clock.now_ns(),
            )
        )
        await asyncio.sleep(0.01)

    async def touch(self, target: str) -> None:
        self.session.tell(Touched(target, self.clock.now_ns()))
        await asyncio.sleep(0.05)

    # ------------------------------------------------------------ what can be seen
    async def until(self, state: State, within_s: float = 60) -> None:
        waited_s = 0.0
        while self.session.state is not state:
            assert waited_s < within_s, f"still {self.session.state.name} after {within_s} s"
            await asyncio.sleep(0.02)
            waited_s += 0.02

    @property
    def screen(self) -> ScreenState:
        return self.shown[-1]

    def said(self) -> list[str]:
        return [str(noted.facts["text"]) for noted in self.trace.moments if noted.kind == "said"]

    def moments(self) -> list[str]:
        """What the hub would learn, in order."""
        owed = self.ledger.outbox.pending(limit=1000)
        return [type(row.topic.decode(row.payload).body).__name__ for row in owed]
