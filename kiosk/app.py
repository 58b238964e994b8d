"""The composition root of the core process: the only place that names concrete classes.

Reads as the list of what a terminal is made of. `Terminal.run` starts it, and returns after a signal or at the end
of a recorded visit, with everything closed in reverse order.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from config.flows import load_flows, load_phrases
from config.guesses import load_guesses
from config.intents import load_intents
from config.persona import load_persona
from config.schema import Site
from contracts import fleet as f
from contracts import messages as m
from contracts.screen import Close, Drawn, Fault, Pace, PicturePart, Ready, ScreenState, Stroke, Touch
from kiosk.adapters.call_socket import SocketCall
from kiosk.adapters.mqtt import PahoBus
from kiosk.adapters.passport import PassportReader
from kiosk.adapters.printer import open_printer
from kiosk.adapters.screen_socket import SocketScreen
from kiosk.adapters.webrtc_audio import open_canceller
from kiosk.adopting import Adopters
from kiosk.aloud import Aloud
from kiosk.audio.echo import FarEnd
from kiosk.audio.playback import Playback
from kiosk.bank_system import open_bank_system, open_names, open_reader
from kiosk.call.acts import TellerActs
from kiosk.call.calls import CallNews, Calls
from kiosk.call.captions import CaptionPorts, Captions
from kiosk.call.joining import Joining
from kiosk.call.line import TellerLine
from kiosk.call.taps import TappedCanceller
from kiosk.chores import GivesBack, look_at_day, look_at_printer, render_ahead
from kiosk.conversation import Around, converse
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.guessing import Guessing
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.equipment import Equipment, LiveEquipment, RecordedEquipment, Recording
from kiosk.events import (
    MIC_RATE_HZ,
    DeviceChanged,
    Pcm,
    QueueChanged,
    SpeechStarted,
    Stroked,
    TellerNews,
    Touched,
)  # fmt: skip
from kiosk.face_system import open_face_system
from kiosk.fleet_system import Around as RemoteAround
from kiosk.fleet_system import Remote
from kiosk.fresh_look import SiteFreshLook
from kiosk.hall import open_announcer, open_staff_page
from kiosk.joining.member import Member, clocks_agree
from kiosk.joining.page import revoked_page
from kiosk.late_knowledge import LateKnowledge
from kiosk.networks import Models, finds_entries, make_voice
from kiosk.ports import DeviceLost, Microphone, Speaker
from kiosk.queueing.day import BusinessDay
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.queueing.printing import PrintedPaper
from kiosk.recorded_visit import Parts, recorded_visit
from kiosk.rollout.status import tell_status
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.devices import keep
from kiosk.runtime.memory import settle
from kiosk.runtime.watchdog import keep_alive
from kiosk.scenario.runner import Outcome
from kiosk.session.actions import Actions, spoken_facts
from kiosk.session.checking_in import CheckIn
from kiosk.session.habits import Habits
from kiosk.session.papers import Papers
from kiosk.session.session import Session
from kiosk.session.trace import HIDDEN_KEY, NoTrace, Trace
from kiosk.session.turns import TurnPorts
from kiosk.session.visit import Visit
from kiosk.shadow.opening import open_shadow
from kiosk.shadow.shadow import Shadow, Surroundings
from kiosk.sight import Sight
from kiosk.standing import Counts, Standing
from kiosk.sync.ledger import DiskLedger
from kiosk.sync.link import Link, LinkPace, envelope
from kiosk.sync.outbox import Outbox, OutboxFull
from kiosk.sync.samples import Samples
from kiosk.sync.vitals import VitalsProbe
from kiosk.together.opening import open_together
from kiosk.version import VERSION

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]
STOP_S: Final = 2.0  # for the sentence in progress and each adapter
TICKETS_PER_MINUTE: Final = 60  # a printer manages thirty
REVOKED_REVISION: Final = 2**31  # no snapshot comes after it


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a terminal keeps what, and meets its screen."""

    state: Path  # the outbox
    socket: Path  # the screen connects here
    call_socket: Path  # and the call process here
    tickets: Path  # paper, where the printer is a folder
    status: Path | None = None  # what the updater reads; none: there is no updater
    logs: Path | None = None  # where the other processes' logs lie; none: they are the system's business


def printer_address(site: Site, places: Places) -> str:
    """A folder printer writes where this run keeps its tickets; any other is the site's."""
    return f"folder:{places.tickets}" if site.ports.printer.startswith("folder:") else site.ports.printer


class Terminal:
    """One terminal. Build it inside a running event loop."""

    def __init__(
        self, site: Site, places: Places, models: Models, recording: Recording | None, member: Member | None = None
    ) -> None:
        self._member = member
        opened = open_shadow(places.state / "shadow", site)
        self._status = places.status
        self._shadow = Shadow(opened)
        self._site = site = opened.site  # what is built below is set as the hub wants it, where that has proved itself
        self._models = models
        self._recording = recording
        self._stop = asyncio.Event()
        self._keeping: set[asyncio.Task[None]] = set()
        self._clock = SystemClock()
        self._trace = Trace(self._clock) if recording else NoTrace()
        self._outbox = Outbox(places.state / "outbox.sqlite")
        services = [ServiceView(service.id, service.letter) for service in site.services]
        desk = TicketDesk(
            self._outbox,
            services,
            kiosk_digit=site.device.kiosk_digit,
            device=site.device.id,
            per_minute=TICKETS_PER_MINUTE,
        )
        day = BusinessDay(self._outbox, desk, site.branch.hours, places.state)
        self._ledger = DiskLedger(self._outbox, desk, day)
        self._screen = SocketScreen(places.socket)
        self._bus = PahoBus(
            site.hub.host,
            site.hub.port,
            client_id=f"{site.branch.id}.{site.device.id}",
            keepalive_s=site.hub.keepalive_s,
            tls=member.tls if member else None,
        )
        self._link = Link(
            self._bus,
            self._outbox,
            branch=site.branch.id,
            device=site.device.id,
            versions={"kiosk": VERSION},
            vitals=VitalsProbe(places.state),
            condition=lambda: self._standing.condition(),
            on_change=self._hub_changed,
            on_standing=lambda standing: self._joining.hears(standing),
            pace=LinkPace(resend_s=site.hub.resend_s),
            live=lambda: desk.live(_local_now()),
            samples=Samples(self._outbox),
            shadow=self._shadow,
            on_called=self._called,
            on_appointments=self._keep_appointments,
            on_call=lambda message: self._calls.take(message),
            on_together=lambda message: self._together.hear(message),
            on_fleet=lambda message: self._fleet_said(message),
        )
        phrases = load_phrases()
        intents = load_intents()
        knowledge = ApprovedKnowledge.for_site(site, intents)
        entries = LateKnowledge(lambda: finds_entries(site, intents))
        guesses = load_guesses()
        habits = Habits(places.state / "habits.json", [row.wish for row in guesses])
        guessing = Guessing(guesses, habits, lambda: desk.appointments.expected(self._hub_local_now()))
        brain = Brain(
            site,
            FlowBook(load_flows()),
            phrases,
            knowledge,
            intents,
            finder=entries,
            persona=load_persona(),
            guessing=guessing,
        )
        self._call_line = SocketCall(places.call_socket)
        self._calls = Calls(
            self._call_line,
            self._link.say_call,
            self._call_news,
            lambda: self._session.speaker,
            hub_now=self._hub_now,
        )
        self._session = Session(
            site, phrases, brain, self._clock, self._ledger, self._send, _local_now, self._queue, self._trace
        )
        self._printer = open_printer(printer_address(site, places))
        self._standing = Standing(self._session, self._outbox, self._shadow, models.timings.since_last)
        self._sight = sight = Sight(
            site, models, self._session, self._calls, self._clock, lambda: _local_now().date(),
            in_speech=lambda: self._ears.in_speech,
        )  # fmt: skip
        checking_in = CheckIn(
            self._ledger.booked, self._hub_local_now, lambda: desk.appointments.known, sight.codes.reader
        )
        self._reads = open_reader(site, places.state, lambda: self._session.visit)
        actions = Actions(
            site,
            self._ledger,
            PrintedPaper(site, self._printer, self._session.tell),
            self._queue,
            lambda: self._link.hub_reachable,
            _local_now,
            self._trace.note,
            banking=open_bank_system(site, self._reads, self._clock, _local_now),
            checking_in=checking_in,
        )
        actions.names = open_names(site, self._reads)
        actions.papers = papers = Papers(
            sight.documents.camera, sight.documents.begin, self._session.show, lambda: _local_now().date()
        )
        self._tellers = TellerLine(
            self._ledger,
            self._clock,
            reachable=lambda: self._link.hub_reachable,
            here=self._link.say_case_here,
            changed=lambda: self._session.tell(TellerNews()),
        )
        self._joining = Joining(self._tellers, self._calls)
        self._together = open_together(
            site, self._session, self._clock, case=lambda: self._calls.case, say=self._link.say_together,
            keeps=self._ledger, knowledge=knowledge, printer=self._printer, local_now=_local_now,
            hub_now=self._hub_now, trace=self._trace,
            fresh=SiteFreshLook(lambda: self._session.visit, papers, lambda: actions.faces),
        )  # fmt: skip
        self._session.in_call = lambda: self._calls.active
        if site.tellers.enabled:
            actions.tellers = TellerActs(site, self._tellers, actions.hand_over, _local_now, self._clock.now_ns)
        self._far = FarEnd()
        ports = TurnPorts(
            tell=self._session.tell,
            show=self._session.show,
            note=self._trace.note,
            understood=self._session.understood,
            facts=self._facts,
            local_now=_local_now,
        )
        echo = TappedCanceller(open_canceller(self._far), self._heard_too, self._plays)
        around = Around(
            echo=echo,
            attendance=sight.attendance,
            camera_works=sight.works,
            is_open=self._may_hear,
            far=self._far,
            lips=sight.lips,
            loud=lambda: self._calls.active and not echo.full_duplex and self._plays(self._clock.now_ns()),
        )
        voice = make_voice(site, models.kokoro, models.speech, models.quick)
        self._faces_checked = actions.faces = open_face_system(
            site, places.state, models, self._session, voice, self._clock, _local_now, sight.latest, sight.screen_light,
            self._ledger.post, self._reads,
        )  # fmt: skip
        papers.say = Aloud(self._session, voice, "document").say
        talk = converse(site, models, self._session, brain, self._clock, ports, actions, voice, around, habits)
        self._ears, self._turns, self._voice = talk.ears, talk.turns, voice
        self._captions = Captions(
            CaptionPorts(
                recogniser=talk.recogniser, understanding=talk.understanding, weighing=talk.weighing,
                watching=actions.watching, answers=knowledge, finder=entries, say=self._link.say_heard,
                envelope=envelope, local_now=_local_now,
            ),
            lambda: self._calls.case,
            lambda: self._session.visit,
        )  # fmt: skip
        self._gives_back = GivesBack(self._clock)
        self._session.forgetters += [
            entries.forget, self._screen.forget, self._tellers.forget, lambda: self._calls.hang_up("left"),
            self._together.forget, papers.stop, self._gives_back.visit_ended,
        ]  # fmt: skip
        self._announcer = open_announcer(site, self._session, self._turns, self._outbox, self._clock, self._trace.note)
        self._staff = open_staff_page(
            site, phrases, self._session, self._ledger, self._outbox, self._clock, _local_now, self._announcer
        )
        self._equipment: Equipment = (
            RecordedEquipment(recording, self._clock) if recording else LiveEquipment(site.ports)
        )
        if isinstance(self._reads, PassportReader):
            self._session.forgetters.append(self._reads.forget)
        self._around = Surroundings(
            idle=lambda: self._session.visit is None,
            missing=self._standing.missing,
            health=self._session.health,
            appliers=Adopters(
                terminal=self._adopt, session=self._session, brain=brain, ears=self._ears, manner=talk.adopt_manner,
                presence=sight.presence, day=day, knowledge=knowledge, entries=entries,
            ).table(),
        )  # fmt: skip

        self._remote = Remote(
            RemoteAround(
                site=site, session=self._session, link=self._link, screen=self._screen,
                call=self._call_line if site.tellers.enabled else None,
                busy=lambda: self._calls.active or bool(self._staff and self._staff.open),
                printer=self._printer_works, hub_now=self._hub_now, facts=self._standing.facts,
            ),
            bytes.fromhex(site.fleet.orders_key) if site.fleet.orders_key else member.orders_key if member else None,
            state=places.state, run=places.socket.parent, logs=places.logs, clock=self._clock,
        )  # fmt: skip
        sight.watchers.append(self._remote.arrivals.saw)
        self._count(
            ("", talk.tallies), ("", self._announcer.tallies), ("", self._remote.tallies),
            ("appointment.", lambda: checking_in.tally), ("seeing.", sight.eye.tallies),
            ("memory.", lambda: {"given_back": self._gives_back.tally_given}),
        )  # fmt: skip

    def _count(self, *parts: tuple[str, Counts]) -> None:
        for prefix, counts in parts:
            self._standing.count(prefix, counts)
        self._standing.count("caption.", self._captions.tallies, zeros=False)
        if self._faces_checked:
            self._standing.count("face.", self._faces_checked.tallies)
        if staff := self._staff:
            self._standing.count("staff.", lambda: staff.tally)

    # ------------------------------------------------------------ small links between the parts
    def _fleet_said(self, message: f.Command | f.RenewAnswer) -> None:
        if isinstance(message, f.Command):
            self._remote.hear(message)
        elif self._member:
            self._member.renewed(message)

    def _heard_too(self, pcm: Pcm, at_ns: int) -> None:
        self._calls.heard(pcm, at_ns)
        self._remote.arrivals.heard(pcm)

    def _adopt(self, site: Site) -> None:
        self._site = site
        self._sight.adopt(site)

    def _was_revoked(self) -> None:
        """Nobody is served any more, from this moment on; closing takes its time."""
        self._screen.send(revoked_page(self._site, REVOKED_REVISION))
        self._stop.set()

    def _send(self, state: ScreenState) -> None:
        if self._member and self._member.revoked:
            return
        pictures = self._calls.teller_pictures
        page = "call" if pictures and state.page == "conversation" else state.page
        mirror = self._sight.mirror(state.page)
        self._screen.send(replace(state, page=page, teller_pictures=pictures, mirror_pictures=mirror))

    def _called(self, called: m.NumberCalled) -> None:
        self._announcer.heard(called)

    def _keep_appointments(self, told: m.Appointments) -> None:
        task = asyncio.get_running_loop().create_task(self._kept(told), name="appointments")
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _kept(self, told: m.Appointments) -> None:
        try:
            if await self._ledger.keep_appointments(told):
                self._session.tell(QueueChanged())  # they may be worth an invitation
        except OutboxFull:
            log.error("outbox full: the list of appointments was not kept")

    def _hub_local_now(self) -> datetime:
        return self._outbox.hub_clock.now().astimezone()

    def _queue(self) -> m.TicketsState | None:
        return self._link.queue

    def _facts(self, visit: Visit) -> dict[str, str]:
        service = visit.place.slots.get("service") if visit.place else None
        return spoken_facts(self._site, visit, self._link.queue, service)

    def _may_hear(self) -> bool:
        """Only while somebody is served or stands in front: what people say elsewhere in the lobby is not ours."""
        session = self._session
        if (self._staff and self._staff.open) or (session.closed and session.visit is None):
            return False
        blind = not session.works.get("camera", True) and self._site.hearing.speech_without_camera
        if self._calls.active:  # they talk to a teller, not to her: only captions are made of it
            return self._calls.standing == "up" and not session.muted
        return not session.muted and (session.visit is not None or self._sight.presence.here or blind)

    def _hub_now(self) -> datetime | None:
        """The hub's time; None where this terminal does not know it to half a minute."""
        reading = self._outbox.hub_clock.reading()
        known = reading is not None and reading.within_ms < 30_000
        return self._outbox.hub_clock.now() if known else None

    def _plays(self, at_ns: int) -> bool:
        """Whether the loudspeaker played anything in the last fifth of a second."""
        return bool(self._far.window(at_ns, MIC_RATE_HZ // 5).any())

    def _call_news(self, news: CallNews) -> None:
        """What became of a call: lines are looked for in a hurry while there is one."""
        self._link.hurry(self._calls.active)
        if self._calls.active:
            self._session.voice_heard()  # whoever talks to a teller is not asked whether they are there
        else:
            self._ears.forget()  # the end of a sentence to the teller is none to her
        self._joining.news(news)
        self._session.show()
        log.info("call: %s", news)

    def _hub_changed(self) -> None:
        self._session.tell(DeviceChanged("hub", self._link.hub_reachable))
        self._session.tell(QueueChanged())
        if self._link.queue is not None:
            names = {service.id: (service.name_zh, service.name_en) for service in self._site.services}
            self._announcer.queue_moved(self._link.queue, names)
        task = asyncio.get_running_loop().create_task(self._catch_up(self._link.queue, self._link.hub_reachable))
        self._catching = task  # kept so that it is not collected while it runs

    async def _catch_up(self, queue: m.TicketsState | None, reachable: bool) -> None:
        await self._ledger.hub_is(reachable)
        if queue is not None:
            await self._ledger.catch_up(queue)

    # ------------------------------------------------------------ what runs
    async def run(self) -> int:
        """Run until a signal or the end of the recording. Returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        settle()
        await self._screen.open()
        await self._call_line.open()
        self._session.tell(DeviceChanged("hub", False, "not reached yet"))
        with suppress(OutboxFull):  # said when something that counts does not fit
            await self._ledger.hub_is(False)  # a terminal that was killed may have left word that it was there
        outcome: Outcome | None = None
        async with AsyncExitStack() as closing:
            closing.push_async_callback(self._shut)
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(work, name=name) for name, work in self._works().items()
            ]
            closing.push_async_callback(_cancelled, tasks)
            ended = asyncio.create_task(self._stop.wait(), name="stop")
            tasks.append(ended)
            recorded = self._visitor()
            waiting = {ended, recorded} if recorded else {ended}
            watched = waiting | {task for task in tasks if task.get_name() in ("session", "screen", "link")}
            done, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in done - waiting:
                task.result()  # a part that must not end did: say why
            if recorded and recorded in done:
                outcome = recorded.result()
            elif recorded:
                recorded.cancel()
        return 0 if outcome is None or outcome.ok else 1

    def _visitor(self) -> asyncio.Task[Outcome] | None:
        """A recorded one, if this run is for one."""
        if self._recording is None:
            return None
        assert isinstance(self._trace, Trace) and isinstance(self._equipment, RecordedEquipment)
        parts = Parts(
            session=self._session, trace=self._trace, clock=self._clock, screen=self._screen, ledger=self._ledger,
            outbox=self._outbox,
        )  # fmt: skip
        return asyncio.create_task(recorded_visit(self._recording, self._equipment, parts), name="visitor")

    def _works(self) -> dict[str, Work]:
        works = {
            "session": self._session.run(),
            "screen": self._listen_to_screen(),
            "link": self._link.run(),
            "tellers": self._tellers.run(),
            "together": self._together.run(),
            "printer": look_at_printer(self._printer, self._session, self._standing, self._clock, lambda: self._site),
            "call": self._calls.run(),
            "captions": self._captions.run(),
            "alive": keep_alive(self._clock),
            "memory": self._gives_back.run(),
            "tidy": self._ledger.tidy(self._clock),
            "day": look_at_day(self._ledger, self._standing, self._clock, _local_now),
            "shadow": self._shadow.run(self._around, self._link.say_shadow),
            "announcer": self._announcer.run(),
            "remote": self._remote.run(),
        }
        if self._member:
            works["member"] = self._member.run(self._bus, self._link.say_fleet, self._hub_now, self._was_revoked)
        if isinstance(self._reads, PassportReader):
            works["passports"] = self._reads.run(self._clock)
        if self._faces_checked and self._faces_checked.remembering:
            works["forgetting"] = self._faces_checked.remembering.run(self._clock)
        if self._status is not None:
            works["status"] = tell_status(
                self._status, lambda: self._session.visit is not None, self._clock,
                lambda: (now := self._hub_now()) is not None and clocks_agree(now),
            )  # fmt: skip
        works["gauging"] = self._voice.gauge()
        if not self._recording:
            works["rendering"] = render_ahead(self._voice, self._busy, self._clock, lambda: self._site)
        return {**works, **self._devices()}

    async def _shut(self) -> None:
        if not (self._remote.starts_again or (self._member and self._member.revoked)):
            self._screen.send(Close())
        await self._printer.close()
        await self._ledger.flush()
        self._ledger.close()
        await self._call_line.close()
        await self._screen.close()
        await asyncio.to_thread(self._models.close)
        await asyncio.to_thread(self._sight.documents.close)

    async def _listen_to_screen(self) -> None:
        async for message in self._screen.messages():
            match message:
                case None:
                    self._session.tell(DeviceChanged("screen", False, "the screen process is away"))
                case Ready():
                    self._session.tell(DeviceChanged("screen", True))
                    self._trace.note("screen_ready", driver=message.driver)
                case Touch(_, target, at_ns):
                    if not (self._staff and self._staff.open):  # keys of the PIN are in no account
                        self._trace.note("pressed", target=HIDDEN_KEY if self._together.secret else target)
                    await self._session.events.put(Touched(target, at_ns))
                case Stroke(_, _, points):
                    await self._session.events.put(Stroked(points))
                case Drawn(revision, at_ns):
                    self._sight.screen_light.drawn(revision, at_ns)
                    self._trace.note("drawn", revision=revision)
                case Pace():
                    self._standing.pace = message
                    self._trace.note("pace", frames=message.frames, frame_p95_ms=message.frame_p95_ms)
                case PicturePart():
                    self._remote.picture_came(message)
                case Fault(code):
                    log.warning("screen fault %s", code)

    def _busy(self) -> bool:
        return self._session.visit is not None or bool(self._sight.presence.near) or self._ears.in_speech

    async def _printer_works(self) -> bool:
        try:
            await self._printer.check()
        except OSError:
            return False
        return True

    # ------------------------------------------------------------ devices
    def _devices(self) -> dict[str, Work]:
        openers, tell, clock = self._equipment.openers, self._sight.changed, self._clock
        retry_s = self._site.ports.retry_s
        return {
            "microphone": keep("microphone", openers["microphone"], self._hear, tell, clock, retry_s),
            "speaker": keep("speaker", openers["speaker"], self._speak_through, tell, clock, retry_s),
            "camera": keep("camera", openers["camera"], self._sight.see, tell, clock, retry_s),
            **self._equipment.works(),
        }

    async def _hear(self, microphone: Microphone) -> None:
        self._standing.microphone = microphone
        async for event in self._ears.hear(microphone.frames()):
            if self._captions.takes(event):
                continue
            if isinstance(event, SpeechStarted):
                self._session.voice_heard()
            await self._session.events.put(event)

    async def _speak_through(self, speaker: Speaker) -> None:
        speaker.on_played(self._far.played)
        self._session.speaker = speaker
        self._turns.playback = Playback(speaker, self._clock, self._screen.send)
        try:
            await speaker.lost()
        finally:
            self._turns.playback.resume()  # a sentence that is held would wait for ever
            self._session.speaker = None
            self._turns.playback = None
        raise DeviceLost("the loudspeaker stopped taking sound")  # to be told, and looked for again


def _local_now() -> datetime:
    return datetime.now().astimezone()


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait(tasks, timeout=STOP_S)
