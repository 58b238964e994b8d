"""The composition root of the core process: the only place that names concrete classes.

Reads as the list of what a terminal is made of. `Terminal.run` starts it, and returns after a signal or at the end
of a recorded visit, with everything closed in reverse order.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
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
from kiosk.adapters.files import read_wav_16k
from kiosk.adapters.identity import LatestFrame
from kiosk.adapters.mqtt import PahoBus
from kiosk.adapters.passport import PassportReader
from kiosk.adapters.printer import open_printer
from kiosk.adapters.screen_light import ScreenLight
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
from kiosk.call.taps import TappedCanceller, tapped
from kiosk.chores import GivesBack
from kiosk.conversation import Around, converse
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook
from kiosk.dialogue.guessing import Guessing
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.document_eye import DocumentEye
from kiosk.equipment import Equipment, LiveEquipment, RecordedEquipment, Recording
from kiosk.events import (
    MIC_RATE_HZ,
    CameraFrame,
    DeviceChanged,
    Pcm,
    QueueChanged,
    SpeechStarted,
    Stroked,
    TellerNews,
    Touched,
)  # fmt: skip
from kiosk.face_system import LOOKS_HZ, open_face_system
from kiosk.fleet_system import Around as RemoteAround
from kiosk.fleet_system import Remote
from kiosk.fresh_look import SiteFreshLook
from kiosk.hall import CodeEye, open_announcer, open_staff_page
from kiosk.joining.member import Member, clocks_agree
from kiosk.joining.page import revoked_page
from kiosk.late_knowledge import LateKnowledge
from kiosk.networks import Models, finds_entries, make_voice, sentences_ahead
from kiosk.ports import Camera, DeviceLost, Microphone, PrinterFault, PrinterNotice, Speaker
from kiosk.queueing.day import BusinessDay
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.queueing.printing import PrintedPaper
from kiosk.rollout.status import tell_status
from kiosk.runtime.clock import SystemClock
from kiosk.runtime.devices import keep
from kiosk.runtime.watchdog import keep_alive
from kiosk.scenario.report import report
from kiosk.scenario.runner import Outcome, RecordedVisitor, Saying
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
from kiosk.sync.ledger import DiskLedger
from kiosk.sync.link import Condition, Link, LinkPace, envelope
from kiosk.sync.outbox import Outbox, OutboxFull
from kiosk.sync.samples import Samples
from kiosk.sync.vitals import VitalsProbe
from kiosk.together.opening import open_together
from kiosk.version import VERSION
from kiosk.vision.attendance import Attendance
from kiosk.vision.eye import Eye, watch
from kiosk.vision.lips import LipWatch
from kiosk.vision.mirror import Mirror
from kiosk.vision.picture import Trouble
from kiosk.vision.presence import Presence

log = logging.getLogger(__name__)

Work = Coroutine[Any, Any, None]
STOP_S: Final = 2.0  # for the sentence in progress and each adapter
DAY_LOOK_S: Final = 30.0
TICKETS_PER_MINUTE: Final = 60  # a printer manages thirty
HUB_CATCHES_UP_S: Final = 5.0
PICTURES_OF_CALL_HZ: Final = 30.0
COVERED_AFTER_NS: Final = 800_000_000  # nobody near for so long: what is private is covered
REVOKED_REVISION: Final = 2**31  # no snapshot comes after it
QUIET_S: Final = 20.0  # nobody near for so long: sentences may be rendered


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
        self._pace: Pace | None = None
        self._paper: PrinterNotice = ""
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
            condition=self._condition,
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
        self._codes = CodeEye(site, self._clock, lambda: self._session.works.get("camera", False))
        self._documents = DocumentEye(
            site, self._clock, lambda: self._session.works.get("camera", False), lambda: _local_now().date()
        )
        self._checking_in = CheckIn(
            self._ledger.booked, self._hub_local_now, lambda: desk.appointments.known, self._codes.reader
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
            checking_in=self._checking_in,
        )
        actions.names = open_names(site, self._reads)
        actions.papers = papers = Papers(
            self._documents.camera, self._documents.begin, self._session.show, lambda: _local_now().date()
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
        self._latest = LatestFrame()
        self._screen_light = ScreenLight()
        self._mirror = Mirror(self._mirror_wanted)
        self._far_since_ns: int | None = None
        self._session.in_call = lambda: self._calls.active
        if site.tellers.enabled:
            actions.tellers = TellerActs(site, self._tellers, actions.hand_over, _local_now, self._clock.now_ns)
        self._attendance = Attendance()
        self._lips = LipWatch()
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
            attendance=self._attendance,
            camera_works=lambda: self._session.works.get("camera", False),
            is_open=self._may_hear,
            far=self._far,
            lips=self._lips,
            loud=lambda: self._calls.active and not echo.full_duplex and self._plays(self._clock.now_ns()),
        )
        voice = make_voice(site, models.kokoro, models.speech, models.quick)
        self._faces_checked = actions.faces = open_face_system(
            site, places.state, models, self._session, voice, self._clock, _local_now, self._latest, self._screen_light,
            self._ledger.post, self._reads,
        )  # fmt: skip
        papers.say = Aloud(self._session, voice, "document").say
        talk = converse(site, models, self._session, brain, self._clock, ports, actions, voice, around, habits)
        self._ears, self._turns, self._voice, self._heard = talk.ears, talk.turns, voice, talk.tallies
        self._captions = Captions(
            CaptionPorts(
                recogniser=talk.recogniser, understanding=talk.understanding, weighing=talk.weighing,
                watching=actions.watching, answers=knowledge, finder=entries, say=self._link.say_heard,
                envelope=envelope, local_now=_local_now,
            ),
            lambda: self._calls.case,
            lambda: self._session.visit,
        )  # fmt: skip
        self._microphone: Microphone | None = None
        self._gives_back = GivesBack(self._clock)
        self._session.forgetters += [
            entries.forget, self._screen.forget, self._tellers.forget, lambda: self._calls.hang_up("left"),
            self._together.forget, papers.stop, self._wipe_mirror, self._gives_back.visit_ended,
        ]  # fmt: skip
        self._announcer = open_announcer(site, self._session, self._turns, self._outbox, self._clock, self._trace.note)
        self._staff = open_staff_page(
            site, phrases, self._session, self._ledger, self._outbox, self._clock, _local_now, self._announcer
        )
        self._equipment: Equipment = (
            RecordedEquipment(recording, self._clock) if recording else LiveEquipment(site.ports)
        )
        self._presence = Presence(site.seeing)
        self._eye = Eye(
            models.seeing, models.yunet, models.landmarks, models.sface, self._presence, self._lips, self._attendance,
            self._camera_trouble,
        )  # fmt: skip
        self._session.forgetters += [self._eye.forget]
        if isinstance(self._reads, PassportReader):
            self._session.forgetters.append(self._reads.forget)
        self._session.attended = self._presence.attends
        self._around = Surroundings(
            idle=lambda: self._session.visit is None,
            missing=self._missing,
            health=self._session.health,
            appliers=Adopters(
                terminal=self._adopt, session=self._session, brain=brain, ears=self._ears, manner=talk.adopt_manner,
                presence=self._presence, day=day, knowledge=knowledge, entries=entries,
            ).table(),
        )  # fmt: skip

        self._remote = Remote(
            RemoteAround(
                site=site, session=self._session, link=self._link, screen=self._screen,
                call=self._call_line if site.tellers.enabled else None,
                busy=lambda: self._calls.active or bool(self._staff and self._staff.open),
                printer=self._printer_works, hub_now=self._hub_now, facts=self._facts_of_terminal,
            ),
            bytes.fromhex(site.fleet.orders_key) if site.fleet.orders_key else member.orders_key if member else None,
            state=places.state, run=places.socket.parent, logs=places.logs, clock=self._clock,
        )  # fmt: skip

    # ------------------------------------------------------------ small links between the parts
    def _fleet_said(self, message: f.Command | f.RenewAnswer) -> None:
        if isinstance(message, f.Command):
            self._remote.hear(message)
        elif self._member:
            self._member.renewed(message)

    def _heard_too(self, pcm: Pcm, at_ns: int) -> None:
        self._calls.heard(pcm, at_ns)
        self._remote.arrivals.heard(pcm)

    def _facts_of_terminal(self) -> dict[str, object]:
        """For a bundle: what works, what was counted, what it is set to; codes and figures of ours."""
        condition, owed = self._condition(), self._outbox.tallies()
        return {
            "works": self._session.works, "tallies": dict(condition.hearing), "frame_p95_ms": condition.frame_p95_ms,
            "owed": owed.pending, "dropped": owed.dropped,
            "settings": msgspec.to_builtins(self._shadow.report()), "out_of_service": self._session.closed,
        }  # fmt: skip

    def _adopt(self, site: Site) -> None:
        self._site = site

    def _was_revoked(self) -> None:
        """Nobody is served any more, from this moment on; closing takes its time."""
        self._screen.send(revoked_page(self._site, REVOKED_REVISION))
        self._stop.set()

    def _send(self, state: ScreenState) -> None:
        if self._member and self._member.revoked:
            return
        pictures = self._calls.teller_pictures
        page = "call" if pictures and state.page == "conversation" else state.page
        mirror = self._mirror.address if self._mirrors(state) else ""
        self._screen.send(replace(state, page=page, teller_pictures=pictures, mirror_pictures=mirror))

    def _wipe_mirror(self) -> None:
        self._mirror.wipe()

    def _mirrors(self, state: ScreenState) -> bool:
        """Whether the page has a place for the visitor's own picture."""
        return state.page in ("document", "face") or bool(self._calls.teller_pictures)

    def _mirror_wanted(self) -> bool:
        visit = self._session.visit
        return visit is not None and bool(visit.looking or visit.checking or self._calls.teller_pictures)

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

    def _missing(self) -> tuple[m.DeviceKind, ...]:
        known: dict[str, m.DeviceKind] = {"microphone": "microphone", "speaker": "speaker", "camera": "camera"}
        return tuple(kind for name, kind in known.items() if not self._session.works.get(name, False))

    def _condition(self) -> Condition:
        missing = self._missing()
        if not self._session.works.get("printer", True):
            missing = (*missing, "printer")
        pace_ms = self._pace.frame_p95_ms if self._pace else None
        devices = [device.tallies() for device in (self._microphone, self._session.speaker) if device]
        lost = {f"device.{name}": count for tallies in devices for name, count in tallies.items() if count}
        turns = {f"turn.{name}": count for name, count in self._session.health.tally.items()}
        staff = {f"staff.{name}": count for name, count in self._staff.tally.items()} if self._staff else {}
        called = {**self._announcer.tallies(), **self._session.tallies()}
        called |= {f"appointment.{name}": count for name, count in self._checking_in.tally.items()}
        called |= {f"caption.{name}": count for name, count in self._captions.tallies().items() if count}
        called |= {f"seeing.{name}": count for name, count in self._eye.tallies().items()}
        if self._faces_checked:
            called |= {f"face.{name}": count for name, count in self._faces_checked.tallies().items()}
        called |= self._remote.tallies() | {"memory.given_back": self._gives_back.tally_given}
        hearing = {**self._heard(), **lost, **turns, **staff, **called}
        troubles = [f"{device}.{why}" for device, why in sorted(self._session.why.items()) if device in missing]
        troubles += [f"printer.{self._paper}"] if self._paper else []
        return Condition(missing, tuple(troubles), pace_ms, hearing, models=self._models.timings.since_last)

    def _may_hear(self) -> bool:
        """Only while somebody is served or stands in front: what people say elsewhere in the lobby is not ours."""
        session = self._session
        if (self._staff and self._staff.open) or (session.closed and session.visit is None):
            return False
        blind = not session.works.get("camera", True) and self._site.hearing.speech_without_camera
        if self._calls.active:  # they talk to a teller, not to her: only captions are made of it
            return self._calls.standing == "up" and not session.muted
        return not session.muted and (session.visit is not None or self._presence.here or blind)

    def _hub_now(self) -> datetime | None:
        """The hub's time; None where this terminal does not know it to half a minute."""
        reading = self._outbox.hub_clock.reading()
        known = reading is not None and reading.within_ms < 30_000
        return self._outbox.hub_clock.now() if known else None

    def _device_changed(self, change: DeviceChanged) -> None:
        self._session.tell(change)
        self._calls.works(change.device, change.works)

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
            recorded = asyncio.create_task(self._recorded(), name="visitor") if self._recording else None
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

    def _works(self) -> dict[str, Work]:
        works = {
            "session": self._session.run(),
            "screen": self._listen_to_screen(),
            "link": self._link.run(),
            "tellers": self._tellers.run(),
            "together": self._together.run(),
            "printer": self._look_at_printer(),
            "call": self._calls.run(),
            "captions": self._captions.run(),
            "alive": keep_alive(self._clock),
            "memory": self._gives_back.run(),
            "tidy": self._ledger.tidy(self._clock),
            "day": self._look_at_day(),
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
        if not self._recording:
            works["rendering"] = self._render_ahead()
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
        await asyncio.to_thread(self._documents.close)

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
                    self._screen_light.drawn(revision, at_ns)
                    self._trace.note("drawn", revision=revision)
                case Pace():
                    self._pace = message
                    self._trace.note("pace", frames=message.frames, frame_p95_ms=message.frame_p95_ms)
                case PicturePart():
                    self._remote.picture_came(message)
                case Fault(code):
                    log.warning("screen fault %s", code)

    async def _look_at_printer(self) -> None:
        """Say whether a ticket could be printed, now and then, and whether the paper lasts."""
        while True:
            try:
                self._paper = await self._printer.check()
                self._session.tell(DeviceChanged("printer", works=True))
            except PrinterFault as err:
                self._paper = ""
                self._session.tell(DeviceChanged("printer", works=False, reason=err.reason))
            await self._clock.sleep(max(30.0, self._site.ports.retry_s))

    async def _look_at_day(self) -> None:
        """Before opening test what tickets need, after closing settle what was not served; each once a day."""
        while True:
            await self._clock.sleep(DAY_LOOK_S)
            try:
                done = await self._ledger.look_at_day(_local_now(), self._condition().missing)
            except OutboxFull:
                log.error("outbox full: the day was neither tested nor settled")
                continue
            for moment in done:
                failed = moment.failed if isinstance(moment, m.SelfTested) else ()
                log.log(logging.WARNING if failed else logging.INFO, "%s %s", type(moment).__name__, failed)

    async def _render_ahead(self) -> None:
        """While nobody is here, make the sentences that may be needed: one at a time, until all are there."""
        since_ns = self._clock.now_ns()

        def quiet() -> bool:
            nonlocal since_ns
            if self._session.visit is not None or self._presence.near or self._ears.in_speech:
                since_ns = self._clock.now_ns()
            return self._clock.now_ns() - since_ns >= QUIET_S * 1e9

        while True:
            await self._clock.sleep(QUIET_S / 4)
            for wanted, manner in sentences_ahead(self._site, everything=True) if quiet() else []:
                await self._voice.fill(wanted, quiet, manner)

    async def _printer_works(self) -> bool:
        try:
            await self._printer.check()
        except OSError:
            return False
        return True

    # ------------------------------------------------------------ devices
    def _devices(self) -> dict[str, Work]:
        openers, tell, clock = self._equipment.openers, self._device_changed, self._clock
        retry_s = self._site.ports.retry_s
        return {
            "microphone": keep("microphone", openers["microphone"], self._hear, tell, clock, retry_s),
            "speaker": keep("speaker", openers["speaker"], self._speak_through, tell, clock, retry_s),
            "camera": keep("camera", openers["camera"], self._see, tell, clock, retry_s),
            **self._equipment.works(),
        }

    async def _hear(self, microphone: Microphone) -> None:
        self._microphone = microphone
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

    async def _see(self, camera: Camera) -> None:
        camera.wanted_hz = self._pictures_hz
        self._eye.blinked()
        frames = tapped(camera.frames(), self._calls.saw)
        async for event in watch(frames, self._eye, self._looks_hz, self._show_frame):
            await self._session.events.put(event)

    def _show_frame(self, frame: CameraFrame) -> None:
        """Whoever else wants a look at the newest picture; none of them keeps it."""
        self._codes.show(frame)
        self._documents.show(frame)
        self._latest.show(frame)
        if self._mirror.show(frame):
            self._session.show_again()
        self._remote.arrivals.saw(frame)
        self._watch_nearness(frame.at_ns)

    def _watch_nearness(self, at_ns: int) -> None:
        """Whoever steps back has what is private covered before the visit is given up."""
        if self._session.visit is None or self._presence.near:
            self._far_since_ns = None
            if self._session.visit is not None:
                self._session.glimpsed(True)
            return
        self._far_since_ns = self._far_since_ns or at_ns
        if at_ns - self._far_since_ns >= COVERED_AFTER_NS and not self._mirror_wanted():
            self._session.glimpsed(False)

    def _looks_hz(self) -> float:
        """Often while somebody is near or served; as codes and a face check need it while one is wanted."""
        if self._latest.wanted:
            return LOOKS_HZ
        often = self._ears.in_speech or self._codes.wanted or self._documents.wanted
        least_hz = self._site.addressing.looks_hz if often else 0.0
        return self._eye.wanted_hz(self._site.seeing, least_hz=least_hz)

    def _pictures_hz(self) -> float:
        """On the camera's thread: a call takes all that there are."""
        return PICTURES_OF_CALL_HZ if self._calls.active else self._looks_hz()

    def _camera_trouble(self, trouble: Trouble | None) -> None:
        """The pictures are no good, or good again: the visitor is told to touch, the hub why."""
        works = trouble is None or not trouble.useless
        reason = trouble.code if trouble else ""
        self._device_changed(DeviceChanged("camera", works, reason, reason=reason or "not_found"))

    # ------------------------------------------------------------ a recorded visitor
    async def _recorded(self) -> Outcome:
        """Wait for the screen, let the visitor visit, wait for the hub, write the account."""
        assert self._recording is not None and isinstance(self._trace, Trace)
        assert isinstance(self._equipment, RecordedEquipment)
        recording, equipment = self._recording, self._equipment
        ends = json.loads((recording.folder / "ends.json").read_text("utf-8"))
        sounds = [Saying(read_wav_16k(recording.folder / f"say{i}.wav"), end) for i, end in enumerate(ends)]
        await self._trace.until(lambda noted: noted.kind == "drawn", after=0, within_s=20)
        until_ns = self._clock.now_ns() + int(recording.again_for_s * 1e9)
        visits = failed = 0
        while True:
            visitor = RecordedVisitor(
                recording.scenario, sounds, equipment.room, equipment.portrait, self._session, self._trace, self._clock,
                self._screen.send,
            )  # fmt: skip
            outcome = await visitor.visit()
            visits += 1
            failed += not outcome.ok
            if self._clock.now_ns() >= until_ns:
                break
            self._trace.moments.clear()  # of many visits only the last is told
        await self._ledger.flush()
        waited_s = 0.0
        while self._outbox.tallies().pending and waited_s < HUB_CATCHES_UP_S:
            await self._clock.sleep(0.1)
            waited_s += 0.1
        tallies = {
            "microphone_dropped": equipment.room.frames.tally_dropped,
            "room_late": equipment.room.tally_late,
            "owed_to_hub": self._outbox.tallies().pending,
            "moments_lost": self._ledger.tally_lost,
            "screen_faults": self._screen.tally_faults,
            "visits": visits,
            "visits_failed": failed,
        }
        account = report(recording.scenario, outcome, self._trace, tallies)
        account["sound_began_ns"] = equipment.room.started_ns
        account["trace_began_ns"] = self._trace.began_ns
        whole = recording.report.with_suffix(".part")
        whole.write_text(json.dumps(account, ensure_ascii=False, indent=1), "utf-8")
        whole.replace(recording.report)
        return outcome


def _local_now() -> datetime:
    return datetime.now().astimezone()


async def _cancelled(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait(tasks, timeout=STOP_S)
