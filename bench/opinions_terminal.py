"""Simulated visitors at a terminal whose turns, flows, brain, actions, ticket desk and outbox are the real ones.

A visitor touches and says what a plan says, made of the visit's name alone, so that whoever looks at the hub can tell
what must stand there. Only recognition is played (the words are given), and time costs nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from bench.dialogues.visit import Clock
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import Site, load_site
from contracts import messages as m
from contracts import topics
from contracts.appointments import Means
from contracts.handover import HandoverPacket
from contracts.opinions import OpinionWord
from contracts.queueing import Priority
from contracts.screen import Language
from contracts.tickets import TicketEvent
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.events import TurnId, UtteranceEnded
from kiosk.queueing.appointments import Booked
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.session.actions import Actions, spoken_facts
from kiosk.session.turns import TurnPorts, Turns
from kiosk.session.visit import Visit
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox

BRANCH: Final = "binjiang"
ZONE: Final = ZoneInfo("Asia/Shanghai")
MINUTES: Final = (9 * 60, 16 * 60 + 30)  # of a day on which somebody comes
_SILENT: Final = np.zeros(160, np.int16)
_SIGNS: Final = "啊哎哟喔嘿哈呵嘻哼哇"  # a number in these is scrubbed by nobody: whose comment this is
Leaves: TypeAlias = Literal["never", "early", "before_score", "after_score"]
Say = Callable[[str], None]

WAITING: Final = (
    "等了五十分钟，只开了两个窗口",
    "排队的人太多，两个窗口不够",
    "叫号太慢了，中午只有一个窗口",
    "前面才五个人，等了快一个小时",
    "I waited fifty minutes, only two counters were open",
    "far too many people waiting for one counter",
)
COMPLAINTS: Final = (
    "柜员王建国一直在打电话，没人理我",
    "机器听不懂我说的话，重复了三遍",
    "屏幕上的字太小，我妈妈看不清",
    "手续费太高，没有提前说清楚",
    "来了三趟，每次要的材料都不一样",
    "空调太冷，椅子也不够坐",
    "手机银行登不上去，打13812345678没人接",
    "卡被吞了，卡号6222021234567890",
    "the fee was never explained to me",
    "the machine did not understand me at all",
    "the teller Mr Harris was rude",
)
PRAISE: Final = (
    "柜员李晓燕很耐心，谢谢她", "机器说得很清楚，五分钟就办好了", "大堂经理一直陪着我妈，太好了", "今天很快，没怎么等",
    "very friendly teller, thank you", "quick and clear, the machine understood me at once",
)  # fmt: skip
UNHEARD: Final = (
    ("破了一角的纸币还能换吗", "zh"),
    ("票子缺了个角能换新的不", "zh"),
    ("钱撕破了你们收不收", "zh"),
    ("纸币烂了一半换多少", "zh"),
    ("手机没电了哪里可以充", "zh"),
    ("你们这里能不能给手机充电", "zh"),
    ("有充电的地方吗", "zh"),
    ("充电宝在哪里借", "zh"),
    ("给我女儿林可可汇学费到国外要什么", "zh"),
    ("往国外学校交学费怎么汇", "zh"),
    ("孩子留学的学费从这儿汇行吗", "zh"),
    ("where can I charge my phone", "en"),
    ("is there a socket for my charger", "en"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What is true of the simulated visitors."""

    days: int = 14
    a_day: int = 90  # visits of one terminal
    answer: float = 0.6  # of those asked, give a score
    content: float = 0.86  # of those, 4 or 5; a week later less where waiting grew
    later: float = 0.86
    waiting_rises: bool = False
    tagged: bool = True  # a comment says whose it is, in sounds
    comment: float = 0.6  # of those asked why
    learn: float = 0.7  # of those asked whether a sentence may be kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One visitor, whole."""

    visit: str
    minute: float  # since the first midnight
    language: Language
    elder: bool
    ticket: str  # service; '': none
    unheard: str
    leaves: Leaves
    score: int | None
    recommend: int
    comment: str
    learn: bool
    twice: bool


def plan(device: str, number: int, world: World) -> Plan:
    """The same for the same name, whoever asks."""
    chance = random.Random(f"{device} {number}")
    day, place = divmod(number, world.a_day)
    minute = day * 1440 + MINUTES[0] + (MINUTES[1] - MINUTES[0]) * (place + chance.random()) / world.a_day
    later = day >= world.days // 2
    content = world.later if later else world.content
    happy = chance.random() < content
    score = chance.choice((4, 5, 5)) if happy else chance.choice((1, 2, 2, 3))
    answers = chance.random() < world.answer
    leaves: Leaves = chance.choices(("never", "early", "before_score", "after_score"), (84, 6, 5, 5))[0]
    language: Language = "en" if chance.random() < 0.12 else "zh"
    unheard = chance.choice(UNHEARD) if chance.random() < 0.12 else ("", language)
    return Plan(
        visit=f"{device}-{number}",
        minute=minute,
        language=unheard[1] if unheard[0] else language,  # type: ignore[arg-type]  # one of the two
        elder=chance.random() < 0.2,
        ticket=chance.choice(("personal", "personal", "corporate", "wealth")) if chance.random() < 0.55 else "",
        unheard=unheard[0],
        leaves=leaves,
        score=score if answers else None,
        recommend=chance.choice((9, 9, 10, 10, 8, 7)) if happy else chance.choice((0, 3, 5, 6, 7)),
        comment=_comment(chance, happy, world.waiting_rises and later, number, world.tagged)
        if chance.random() < world.comment
        else "",
        learn=chance.random() < world.learn,
        twice=chance.random() < 0.03,
    )


def _comment(chance: random.Random, happy: bool, rises: bool, number: int, tagged: bool) -> str:
    said = chance.choice(PRAISE if happy else WAITING if chance.random() < (0.65 if rises else 0.25) else COMPLAINTS)
    return f"{said}，{''.join(_SIGNS[int(digit)] for digit in str(number))}" if tagged else said


class _Ledger:
    """The desk and the outbox, without a thread between; tells what is on disk."""

    def __init__(self, outbox: Outbox, desk: TicketDesk, say: Say) -> None:
        self.outbox, self.desk, self._say = outbox, desk, say

    async def issue(
        self, service: str, *, visit: str, language: m.Language, at: datetime,
        priority: Priority = Priority.NONE, booked: Booked | None = None, promised: tuple[int, int] | None = None,
    ) -> Any:  # fmt: skip
        return self.desk.issue(
            service, visit=visit, language=language, at=at, priority=priority, booked=booked, promised=promised
        )

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        return []

    async def give_back(self, number: str, *, day: str) -> bool:
        return self.desk.give_back(number, day=day)

    async def prioritise(self, number: str, *, day: str, priority: Priority) -> bool:
        return self.desk.prioritise(number, day=day, priority=priority)

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return self.desk.owed(day=day)

    async def hand_over(self, packet: HandoverPacket) -> int:
        return self.outbox.append(topics.HANDOVER, packet)

    async def note(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)
        if isinstance(moment, m.OpinionGiven):
            self._say(f"scored {moment.visit}")

    async def opinion(self, word: OpinionWord) -> None:
        self.outbox.append(topics.OPINION, word)
        self._say(f"{type(word).__name__} {getattr(word, 'visit', '-')}")

    def post(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)


class _Paper:
    async def print(self, *_: object) -> bool:
        return True


class Terminal:
    """One terminal over days that cost nothing. `off`: so far its clock is from the truth."""

    def __init__(
        self, folder: Path, device: str, begins: datetime, world: World, *, off: timedelta = timedelta(0), say: Say
    ) -> None:
        self.device, self.world, self.site = device, world, _site()
        self._begins, self._off = begins, off
        self._minute = 0.0
        keeper = Timekeeper(wall=self.wall, mono_ns=lambda: int(self._minute * 60e9))
        self.outbox = Outbox(folder / f"{device}.sqlite", keeper=keeper)
        services = [ServiceView(service.id, service.letter) for service in self.site.services]
        self.desk = TicketDesk(self.outbox, services, kiosk_digit=int(device[-1]), device=device)
        self.ledger = _Ledger(self.outbox, self.desk, say)
        self._clock = Clock()
        self._words, self._meaning = Words("", "zh"), Meaning([], "unsure")
        self.actions = Actions(
            self.site, self.ledger, _Paper(), lambda: None, lambda: False, self._local, lambda *_, **__: None
        )
        brain = Brain(self.site, FlowBook(load_flows()), load_phrases(), _NoAnswers(), load_intents())
        ports = TurnPorts(
            tell=lambda event: None, show=lambda: None, note=lambda *_, **__: None, understood=self._understood,
            facts=lambda visit: spoken_facts(self.site, visit, None, None), local_now=self._local,
        )  # fmt: skip
        self.turns = Turns(ports, self._clock, brain, None, None, self, self, self.actions)
        self._visit: Visit | None = None

    # ------------------------------------------------------------ time
    def wall(self) -> datetime:
        """What the terminal's clock says."""
        return self._begins + timedelta(minutes=self._minute) + self._off

    def _local(self) -> datetime:
        return self.wall().astimezone(ZONE)

    # ------------------------------------------------------------ what is played instead of hearing
    async def recognise(self, pcm: object, *, hasty: bool = False, again: bool = False, wanted: Any = None) -> Words:
        return self._words

    async def glance(self, pcm: object, *, wanted: Any = None) -> Words:
        return self._words

    def expect(self, words: object) -> None:
        """No recogniser listens for anything."""

    async def understand(self, words: Words) -> Meaning:
        return self._meaning

    def _understood(self, turn: int, intent: str, confidence: float, decision: Any, language: Any, parts: Any) -> None:
        if self._visit:
            self.ledger.post(
                m.Understood(visit=self._visit.id, turn=turn, intent=intent, confidence=confidence, decision=decision,
                             language=language)
            )  # fmt: skip

    # ------------------------------------------------------------ visits
    async def play(self, number: int) -> Plan:
        """One visitor comes, does what was planned, and goes; staff serve who waits."""
        wanted = plan(self.device, number, self.world)
        self._minute = max(self._minute, wanted.minute)
        self._visit = visit = Visit(self._clock.now_ns(), "camera", id=wanted.visit, language=wanted.language)
        self.ledger.post(m.VisitStarted(visit=visit.id, noticed_by="camera"))
        self._passes(1.4)
        self.ledger.post(m.Greeted(visit=visit.id, language=visit.language))
        await self.turns.greet(visit, TurnId(1))
        if wanted.elder:
            visit.mode = "elder"
        self._passes(4.0)
        if wanted.leaves != "early":
            await self._talk(visit, wanted)
            await self._judge(visit, wanted)
        gone = visit.outcome if visit.outcome != "unknown" else "left"
        self._passes(3.0)
        self.ledger.post(m.VisitEnded(visit=visit.id, outcome=gone, duration_s=60.0, turns=visit.turns))
        self._serve()
        return wanted

    async def _talk(self, visit: Visit, wanted: Plan) -> None:
        if wanted.unheard:
            await self.say(visit, wanted.unheard, "unsure", ("other", 0.2))
            self._passes(6.0)
        if wanted.ticket:
            await self._touch(visit, "wish_take_ticket")
            await self._touch(visit, f"service_{wanted.ticket}")
            self._passes(9.0)
            await self._touch(visit, "nothing_else")
        else:
            await self.say(visit, "几点关门", "act", ("business_hours", 0.95))
            self._passes(8.0)
            await self._touch(visit, "end")

    async def _judge(self, visit: Visit, wanted: Plan) -> None:
        """The question after it."""
        self._passes(3.0)
        if wanted.score is None or wanted.leaves == "before_score":
            return
        await self._touch(visit, f"rate_{wanted.score}")
        if wanted.twice:
            await self._touch(visit, "rate_1")  # a second finger: means nothing here
            self.ledger.post(m.OpinionGiven(visit=visit.id, score=1))  # and a terminal that tells it again all the same
        if wanted.leaves == "after_score":
            return
        self._passes(3.0)
        step = visit.place.step if visit.place else ""
        if step == "recommend":
            await self._touch(visit, f"score_{wanted.recommend}")
        elif step == "comment" and wanted.comment:
            await self.say(visit, wanted.comment, "act", ("complaint", 0.8))
        elif step == "learn":
            await self._touch(visit, "learn_yes" if wanted.learn else "learn_no")

    async def _touch(self, visit: Visit, target: str) -> None:
        self.ledger.post(m.Touched(visit=visit.id, target=target))
        await self.turns.touched(visit, TurnId(1), target)

    async def say(self, visit: Visit, text: str, decision: Any, meant: tuple[str, float]) -> None:
        """Something is said, recognised as it is."""
        self._words = Words(text, visit.language)
        self._meaning = Meaning([meant], decision, text=text)
        now = self._clock.now_ns()
        await self.turns.utterance(
            visit, TurnId(1), UtteranceEnded(pcm=_SILENT, start_ns=now, end_ns=now + 1, decided_ns=now + 2)
        )

    def _serve(self) -> None:
        """Whoever waits is called after a while and served, one no-show in twelve; the truth is the terminal's."""
        chance = random.Random(f"serve {self.device} {self._minute}")
        day, services = self.desk.business_day(self._local()), [service.id for service in self.site.services]
        if chance.random() < 0.75:
            number = self.desk.line.call_next(services, str(chance.randint(1, 4)), day=day)
            if number is None:
                return
            if chance.random() < 1 / 12:
                self.desk.line.handle(day, number, TicketEvent.MISSED)
                return
            self._minute += 0.5
            self.desk.line.handle(day, number, TicketEvent.SERVING_BEGAN)
            self._minute += chance.uniform(1.0, 4.0)
            self.desk.line.handle(day, number, TicketEvent.FINISHED)

    def _passes(self, seconds: float) -> None:
        self._minute += seconds / 60


class _NoAnswers:
    """One approved answer is enough: when the branch closes."""

    def answer(self, intent: str, language: Language, slots: Any, now: datetime) -> Any:
        if intent != "business_hours":
            return None
        said = ("今天下午五点关门。", "We close at five today.")
        return _Said(*(said if language == "zh" else said[::-1]))


@dataclass(frozen=True, slots=True)
class _Said:
    text: str
    translation: str


def _site() -> Site:
    return load_site()


def play(folder: Path, device: str, first: int, last: int, say: Say) -> None:
    """Visits `first` to `last` at one terminal, in a process of its own; `say` is told what is on disk."""

    async def whole() -> None:
        terminal = Terminal(folder, device, START, World(), off=OFF.get(device, timedelta(0)), say=say)
        for number in range(first, last):
            say(f"begins {number}")
            await terminal.play(number)
        terminal.outbox.close()

    asyncio.run(whole())


START: Final = datetime(2026, 11, 16, tzinfo=UTC) - timedelta(hours=8)  # a Monday's midnight in Shanghai
OFF: Final = {"kiosk-2": timedelta(hours=5), "kiosk-3": timedelta(hours=-7)}  # clocks that are off by hours
