"""The real terminal's hearing in a scene: ears, cancellers, recogniser, session, turns and playback, in virtual time.

Only the devices, the screen, the ledger and what is answered are the bench's. What hears and speaks is put together by
`kiosk/conversation.py`, as in the terminal.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Final

import numpy as np

from bench.lobby.once import KokoroOnce, SmallVoiceOnce
from bench.lobby.scenes import Scene, Stretch
from bench.lobby.sentences import Sentence
from bench.lobby.virtual import MeasuredThread, SoundCard, VirtualLoop
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import Site, load_site
from contracts import messages as m
from contracts.appointments import Means
from contracts.opinions import OpinionWord
from contracts.queueing import Priority
from contracts.screen import Language, ScreenState
from kiosk.adapters.webrtc_audio import open_canceller
from kiosk.audio.echo import EchoCanceller, FarEnd
from kiosk.audio.playback import Playback
from kiosk.conversation import WHOLE, Around, converse, hot_words
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.dialogue.reply import Context, Do, Reply
from kiosk.events import (
    MIC_RATE_HZ,
    BargeInConfirmed,
    DeviceChanged,
    Event,
    Interrupted,
    Pcm,
    PersonArrived,
    SpeechStarted,
    UtteranceEnded,
)
from kiosk.networks import Models, make_voice
from kiosk.queueing.appointments import Booked
from kiosk.runtime.clock import LoopClock
from kiosk.runtime.worker import ModelThread
from kiosk.session.actions import Actions
from kiosk.session.session import Session
from kiosk.session.states import State
from kiosk.session.trace import NoTrace
from kiosk.session.turns import TurnPorts
from kiosk.vision.attendance import Attendance
from models.hotwords import HotWords

NOON: Final = datetime.fromisoformat("2026-11-20T13:00:00+08:00")
ANSWERS: Final[dict[Language, str]] = {"zh": "好的。", "en": "All right."}
BEGINS_WITHIN_S: Final = 30.0
UNSEEN: Final = 4
EMPTY_S: Final = 4.0  # before somebody comes
SHOWN_KEPT: Final = 400
DRY_S: Final = 0.1  # longer than the device holds
DEVICES: Final = ("microphone", "speaker", "camera", "printer", "screen")


@dataclass(slots=True, kw_only=True)
class Heard:
    """An utterance that was endpointed, and what became of it. Times in samples of the scene."""

    start: int
    end: int
    decided: int
    capped: bool
    over_her: bool  # begun while she was speaking
    fate: str = "none"  # 'turn', or why not: 'no_words', 'own_words', 'backchannel', …; 'none': nothing yet
    text: str = field(default="", repr=False)

    @property
    def is_turn(self) -> bool:
        return self.fate == "turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """An event of the voice, when it came out of the ears; in samples of the scene."""

    kind: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """She was silenced. `silent`: her last audible sample."""

    at: int
    silent: int


@dataclass(slots=True, kw_only=True)
class Account:
    """What happened in a scene. Times in samples of the scene."""

    heard: list[Heard] = field(default_factory=list)
    noticed: list[Noticed] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)  # how often she was silenced
    resumed: list[int] = field(default_factory=list)  # and went on
    ears: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, int] = field(default_factory=dict)  # of all parts of hearing, as the hub is told
    shown: list[ScreenState] = field(default_factory=list, repr=False)  # the last SHOWN_KEPT pages, in order
    recognise_ms: list[float] = field(default_factory=list)

    def first(self, kind: str, after: int = 0) -> Noticed | None:
        return next((seen for seen in self.noticed if seen.kind == kind and seen.at >= after), None)

    def during(self, stretch: Stretch) -> list[Heard]:
        """Utterances of which at least half is this stretch, or that hold at least half of it."""
        return [heard for heard in self.heard if _overlap(heard, stretch) >= 0.5]


def _overlap(heard: Heard, stretch: Stretch) -> float:
    common = min(heard.end, stretch.end) - max(heard.start, stretch.start)
    return common / max(1, min(heard.end - heard.start, stretch.end - stretch.start))


class ScriptedBrain(Brain):
    """Says what the scene wants, then 'all right' to everything. Nothing is offered and no flow begins."""

    def __init__(self, site: Site, hers: Sentence) -> None:
        super().__init__(site, FlowBook(load_flows()), load_phrases(), _NothingApproved(), load_intents())
        self._hers = hers

    def greet(self, context: Context, now: datetime) -> Reply:
        return Reply(text=self._hers.text, language=self._hers.language, keep=True)

    def prompt(self, context: Context) -> Reply:
        return self._answer(context)

    def understood(
        self,
        context: Context,
        ranked: Sequence[Any],
        decision: Any,
        slots: Mapping[str, str],
        now: datetime,
        *,
        text: str = "",
        then: Sequence[str] = (),
        others: Sequence[Mapping[str, str]] = (),
        readings: Sequence[str] = (),
    ) -> Reply | Do:
        return self._answer(context)

    def guarded(self, context: Context, decided: Reply | Do, now: datetime) -> Reply | Do:
        return decided  # bystanders' talk of swindles is no matter of hearing

    def _answer(self, context: Context) -> Reply:
        return Reply(text=ANSWERS[context.language], language=context.language, keep=True)


def own_brain(site: Site, hers: Sentence) -> Brain:
    """The terminal's own, without the search for free questions: she greets, asks, offers, as in a branch."""
    intents = load_intents()
    return Brain(site, FlowBook(load_flows()), load_phrases(), ApprovedKnowledge.for_site(site, intents), intents)


class _NothingApproved:
    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> None:
        return None


class _NoLedger:
    """Nothing is kept: nobody was here."""

    async def issue(
        self,
        service: str,
        *,
        visit: str,
        language: m.Language,
        at: datetime,
        priority: Priority = Priority.NONE,
        booked: Booked | None = None,
        promised: tuple[int, int] | None = None,
    ) -> Any:
        raise LookupError("the bench takes no tickets")

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        return []

    async def give_back(self, number: str, *, day: str) -> bool:
        return False

    async def prioritise(self, number: str, *, day: str, priority: Priority) -> bool:
        return False

    async def opinion(self, word: OpinionWord) -> None:
        return None

    async def note(self, moment: m.Moment) -> None:
        return None

    async def hand_over(self, packet: object) -> int:
        return 0  # there is no outbox that would number it

    def post(self, moment: m.Moment) -> None:
        return None

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return ()


class _NoPaper:
    async def print(self, *_: object) -> bool:
        return False


class Recorder(NoTrace):
    """Follows utterances through the session: what was decided about each."""

    def __init__(self, account: Account, clock: LoopClock) -> None:
        self._account = account
        self._clock = clock

    def ended(self, event: UtteranceEnded) -> None:
        self._account.heard.append(
            Heard(
                start=event.start_ns,
                end=event.end_ns,
                decided=event.decided_ns,
                capped=event.capped,
                over_her=event.over_speech,
            )
        )

    def noticed(self, event: Event) -> None:
        self._account.noticed.append(Noticed(kind=type(event).__name__, at=self._clock.now_ns()))

    def stopped(self, at_ns: int, silent_ns: int) -> None:
        self._account.stops.append(Stop(at=at_ns, silent=silent_ns))

    def finish(self, began_ns: int) -> Account:
        """The account with its times as samples of the scene; until now they were the clock's."""

        def sample(at_ns: int) -> int:
            return (at_ns - began_ns) * MIC_RATE_HZ // 1_000_000_000

        found = self._account
        for heard in found.heard:
            heard.start, heard.end, heard.decided = sample(heard.start), sample(heard.end), sample(heard.decided)
        found.noticed = [replace(seen, at=sample(seen.at)) for seen in found.noticed]
        found.resumed = [sample(at) for at in found.resumed]
        found.stops = [Stop(at=sample(stop.at), silent=sample(stop.silent)) for stop in found.stops]
        return found

    def note(self, kind: str, **facts: object) -> None:
        heard = self._account.heard
        if kind == "resumed":
            self._account.resumed.append(self._clock.now_ns())
        if kind in ("nothing_heard", "ignored", "false_alarm") and heard:
            heard[-1].fate = str(facts.get("why", "no_words"))
        elif kind == "turn" and heard:
            heard[-1].fate, heard[-1].text = "turn", str(facts["heard"])


@dataclass(slots=True, kw_only=True)
class HearingUnderTest:
    """The terminal's models, opened once for all scenes, and how they are put together."""

    site: Site
    models: Models
    hot: HotWords | None = None  # None: each scene makes its own
    slower: float = 1.0  # 2.0: this machine is taken for one of half the speed
    canceller: Callable[[FarEnd], EchoCanceller] = open_canceller
    parts: frozenset[str] = WHOLE  # fewer, to measure a defence alone
    brain: Callable[[Site, Sentence], Brain] = ScriptedBrain
    camera: bool = True  # False: by sound alone, the harder way

    @classmethod
    def load(cls, slower: float = 1.0) -> HearingUnderTest:
        """Open everything. Raises `StoreError` naming what is missing and the command that mends it."""
        site, models = load_site(), Models.load(threads=1)  # the time of two cannot be told from that of one busy one
        models.kokoro, models.small = KokoroOnce(models.kokoro), SmallVoiceOnce(models.small)
        return cls(site=site, models=models, hot=hot_words(site), slower=slower)

    @property
    def recognise(self) -> Callable[[Pcm], str]:
        """The terminal's recogniser alone, given (n,) int16 at 16 kHz."""
        return lambda pcm: self.models.recogniser.transcribe(pcm).text

    def hear(self, scene: Scene) -> Account:
        """Let the terminal hear a scene from beginning to end. Bounded: by the scene and BEGINS_WITHIN_S before it.

        Raises `RuntimeError` when a part of the conversation broke.
        """
        loop, broken = VirtualLoop(), list[str]()
        loop.set_exception_handler(lambda _, context: broken.append(repr(context.get("exception", context["message"]))))
        asyncio.set_event_loop(loop)
        try:
            account = loop.run_until_complete(_Core(self, scene).run())
            loop.run_until_complete(_all_ended())
            loop.run_until_complete(loop.shutdown_asyncgens())
            if broken:  # figures of a conversation whose parts fail would say nothing
                raise RuntimeError(f"{scene.name}: a part of the conversation broke: {broken[0]}")
            return account
        finally:
            loop.close()
            asyncio.set_event_loop(None)


class _Present(Attendance):
    """A simulated camera: the visitor stands in front all the time, alone."""

    def share(self, start_ns: int, end_ns: int) -> float | None:
        return 1.0

    def near(self, start_ns: int, end_ns: int) -> int:
        return 1


class _SeenLips:
    """A simulated view of the visitor's mouth: it moves while the visitor speaks and not while others do, as the
    real watch finds on the moving portrait; one utterance in UNSEEN it is not to be seen (a hand, a turned head)."""

    def __init__(self, scene: Scene, card: SoundCard) -> None:
        self._scene = scene
        self._card = card
        self._rng = np.random.default_rng(len(scene.sound))

    def share(self, start_ns: int, end_ns: int) -> float | None:
        start, end = ((at - self._card.began_ns) * MIC_RATE_HZ // 1_000_000_000 for at in (start_ns, end_ns))
        if self._rng.random() < 1 / UNSEEN:
            return None
        said = sum(
            max(0, min(end, stretch.end) - max(start, stretch.start))
            for stretch in self._scene.stretches
            if stretch.who == "visitor"
        )
        return min(1.0, said / max(1, end - start))

    def forget(self) -> None: ...


class _Core:
    """One terminal for one scene. Build it inside the running loop's task."""

    def __init__(self, test: HearingUnderTest, scene: Scene) -> None:
        self._test = test
        self._scene = scene
        self._clock = LoopClock()
        self.account = Account()
        self._waiting: list[asyncio.Task[None]] = []

    def _build(self) -> None:
        test, scene, clock = self._test, self._scene, self._clock
        language: Language = scene.hers.language if scene.hers else "zh"
        hers = scene.hers or Sentence(language, ANSWERS[language])
        brain = test.brain(test.site, hers)
        self._card = SoundCard(scene.sound, scene.echo, scene.before)
        self._recorder = Recorder(self.account, clock)
        ledger = _NoLedger()
        self._session = Session(
            test.site, load_phrases(), brain, clock, ledger, self._show, lambda: NOON, lambda: None, self._recorder
        )
        threads = {
            part.name: MeasuredThread(part.name, test.slower)
            for part in fields(test.models)
            if isinstance(getattr(test.models, part.name), ModelThread)
        }
        models = replace(test.models, **threads)  # type: ignore[arg-type]
        self._models = models
        ports = TurnPorts(
            tell=self._told,
            show=self._session.show,
            note=self._recorder.note,
            understood=self._session.understood,
            facts=lambda _: {},
            local_now=lambda: NOON,
        )
        actions = Actions(test.site, ledger, _NoPaper(), lambda: None, lambda: False, lambda: NOON, self._recorder.note)
        far = FarEnd()
        self._card.on_played(far.played)
        around = Around(
            echo=test.canceller(far),
            attendance=_Present() if test.camera else Attendance(),
            camera_works=lambda: test.camera,
            is_open=self._is_open,
            far=far,
            parts=test.parts,
            hot=test.hot,
            lips=_SeenLips(scene, self._card) if test.camera else None,
        )
        voice = make_voice(test.site, models.kokoro, models.speech, models.quick)
        talk = converse(test.site, models, self._session, brain, clock, ports, actions, voice, around)
        talk.turns.playback = Playback(self._card, clock, lambda _: None)
        self._session.speaker = self._card
        self._ears, self._tallies = talk.ears, talk.tallies

    def _is_open(self) -> bool:
        return self._session.visit is not None

    def _show(self, state: ScreenState) -> None:
        self.account.shown = [*self.account.shown[-SHOWN_KEPT:], state]

    def _told(self, event: Event) -> None:
        self._recorder.noticed(event)
        self._session.tell(event)

    async def run(self) -> Account:
        self._build()
        for device in DEVICES:
            self._session.tell(DeviceChanged(device, True))
        session = asyncio.create_task(self._session.run(), name="session")
        try:
            await asyncio.gather(self._card.run(), self._hear(), self._stage())  # the first that fails ends the scene
            if session.done():
                session.result()
        finally:
            self._session.events.close()
            await session
        self.account.ears, self.account.tallies = dict(self._ears.tally), self._tallies()
        recognised = self._models.hearing
        self.account.recognise_ms = recognised.took_ms if isinstance(recognised, MeasuredThread) else []
        return self._recorder.finish(self._card.began_ns)

    async def _stage(self) -> None:
        """A visitor arrives; the scene begins with her first word, or when she has finished. The terminal has been on
        for a while before."""
        await self._clock.sleep(EMPTY_S)
        self._session.tell(PersonArrived(self._clock.now_ns()))
        wanted = State.LISTENING if self._scene.waits else None
        async with asyncio.timeout(BEGINS_WITHIN_S):
            while not (self._session.state is wanted or (wanted is None and self._card.played().samples > 0)):
                await self._clock.sleep(0.02)
        self._card.begin()

    async def _hear(self) -> None:
        """As `kiosk/app.py` hands on what the ears say."""
        async for event in self._ears.hear(self._card.heard()):
            self._recorder.noticed(event)
            if isinstance(event, SpeechStarted):
                self._session.voice_heard()
            if isinstance(event, UtteranceEnded):
                self._recorder.ended(event)
            await self._session.events.put(event)
            if isinstance(event, BargeInConfirmed):
                self._waiting.append(asyncio.create_task(self._when_silent(), name="silent"))

    async def _when_silent(self) -> None:
        """Note her last audible sample once the device has run dry."""
        at_ns = self._clock.now_ns()
        await self._clock.sleep(DRY_S)
        if self._session.state is not State.SPEAKING:
            self._recorder.stopped(at_ns, self._card.heard_until_ns)


async def _all_ended() -> None:
    """What the session began beside its turns, such as a look ahead at the scene's end, goes with the scene."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def interrupted(account: Account) -> bool:
    """Whether her sentence was given up for what was said over it."""
    return account.first(Interrupted.__name__) is not None
