"""The visit, event by event: asks the table what follows, and carries out its effects.

One loop, one visit at a time. Everything private hangs on `Visit`, which END_VISIT lets go.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Final, Literal

from msgspec.structs import replace

from config.flows import Phrases
from config.schema import Site
from contracts import messages as m
from contracts.screen import Language, ScreenState
from kiosk.dialogue.brain import Brain, Decision
from kiosk.dialogue.wording import KEY, KEY_OK
from kiosk.events import (
    AttentionLost,
    BargeInConfirmed,
    DeviceChanged,
    Event,
    FaceMoved,
    FalseAlarm,
    FarewellSpoken,
    Interrupted,
    NothingHeard,
    PersonArrived,
    PersonLeft,
    PlaybackFinished,
    QueueChanged,
    ReplyBegan,
    SpeechDied,
    SpeechSoFar,
    SpeechStarted,
    StageFailed,
    TellerNews,
    Touched,
    TurnId,
    UtteranceEnded,
)
from kiosk.ports import Clock, Speaker
from kiosk.runtime.buffer import Buffer
from kiosk.session.actions import Ledger
from kiosk.session.ahead import Foreseen
from kiosk.session.announcer import Announcer
from kiosk.session.attention import weighed
from kiosk.session.crosstalk import BesideAnnouncement, CrossTalk, Ears
from kiosk.session.placing import MORE, STAY
from kiosk.session.private import REVEAL, SHOWN_S
from kiosk.session.silence import Later, SilenceWatch
from kiosk.session.staff_page import STAFF, StaffPage
from kiosk.session.stage import Backstage, snapshot
from kiosk.session.states import Effect, State, step
from kiosk.session.trace import NoTrace, Trace
from kiosk.session.turns import Turns
from kiosk.session.visit import Visit
from kiosk.shadow.health import Health
from kiosk.together.together import Together

log = logging.getLogger(__name__)

DUCKED: Final = 0.35
LAST: Final = 2  # things that were said into the silence; after the next the visit ends
EVENTS_LIMIT: Final = 256
CONSIDERS: Final = (State.THINKING, State.HELD)  # what was said so far
DEVICES: Final[dict[str, m.DeviceKind]] = {
    "microphone": "microphone",
    "speaker": "speaker",
    "camera": "camera",
    "printer": "printer",
    "screen": "screen",
}


class Session:
    """Owns the current visit. `events` is the only way in; `send` the only way to the screen."""

    def __init__(
        self,
        site: Site,
        phrases: Phrases,
        brain: Brain,
        clock: Clock,
        ledger: Ledger,
        send: Callable[[ScreenState], None],
        local_now: Callable[[], datetime],
        queue: Callable[[], m.TicketsState | None],
        trace: Trace | NoTrace,
    ) -> None:
        self._site = site
        self._phrases = phrases
        self._brain = brain
        self._clock = clock
        self._ledger = ledger
        self._send = send
        self._local_now = local_now
        self._queue = queue
        self._trace = trace
        self.events: Buffer[Event] = Buffer(EVENTS_LIMIT, "wait")
        self.state = State.IDLE
        self.visit: Visit | None = None
        self.works: dict[str, bool] = {}
        self.why: dict[str, str] = {}  # of what does not work: the reason, as the hub is told
        self.muted = False
        self.speaker: Speaker | None = None
        self.turns: Turns | None = None
        self._idle_language: Language = "zh"
        self._revision = 0
        self._shown: ScreenState | None = None
        self._gaze = (0.0, 0.0)
        self._turn = TurnId(0)
        self._turn_task: asyncio.Task[None] | None = None
        self._talk = CrossTalk(clock, self.tell)
        self._silence = SilenceWatch(site.talking, clock, self.tell)
        self._hides, self._counts = Later(clock), Later(clock)  # what is private again, what is left of the visit
        self.in_call: Callable[[], bool] = lambda: False  # with a remote teller
        self.staff: StaffPage | None = None
        self.together: Together | None = None
        self.calls: Announcer | None = None
        self._beside = BesideAnnouncement(self.tell)
        self.forgetters: list[Callable[[], None]] = []  # whoever else holds something of a visit
        self.attended: Callable[[int], None] = lambda at_ns: None  # whoever watches the visitor's attention
        self._news_waits = False  # of the remote tellers, while she speaks or thinks
        self.closed = False  # out of service: nobody new is served, whoever is being served is
        self.tally_ignored: Counter[str] = Counter()
        self.health = Health()

    # ------------------------------------------------------------ the loop
    async def run(self) -> None:
        """Take events until the buffer is closed, then end the visit."""
        self.show()
        try:
            async for event in self.events:
                await self._take(event)
        finally:
            await self._cancel_turn()
            self._silence.stop()
            self._hides.stop()
            self._counts.stop()
            if self.staff:
                await self.staff.shut()
            self._beside.stop()

    async def _take(self, event: Event) -> None:
        if isinstance(event, StageFailed):
            self.health.broke()
        if isinstance(event, Touched):
            self.glimpsed(True)
        if self.staff and self.staff.takes(event):
            await self.staff.take(event, idle=self.state is State.IDLE, language=self._idle_language)
            self.show()
            return
        if self.together and self.together.takes(event):
            await self.together.take(event)
            return
        if isinstance(event, AttentionLost):
            self.glimpsed(False)
            lost = weighed(self.visit, event, talking=bool(self._talk.ears and self._talk.ears.in_speech))
            if lost is None:
                self.tally_ignored["looked away"] += 1
                return
            event = lost
        match event:
            case FaceMoved(x, y):
                self.glimpsed(True)
                self._look_at(x, y)
                return
            case QueueChanged():
                self.show()
                return
            case DeviceChanged():
                self._device(event)
                return
            case SpeechSoFar():
                self._so_far(event)
                return
            case TellerNews() if self.state is not State.LISTENING:
                self._news_waits = self.visit is not None
                return
            case (
                ReplyBegan(turn)
                | PlaybackFinished(turn)
                | FarewellSpoken(turn)
                | NothingHeard(turn)
                | FalseAlarm(turn)
                | StageFailed(turn)
            ) if turn != self._turn:
                self.tally_ignored["old turn"] += 1
                return
            case Touched(target) if self._quiet_touch(target):
                return
            case PersonArrived() | UtteranceEnded() | Touched() if self.closed and self.state is State.IDLE:
                self.tally_ignored["out of service"] += 1
                return
            case PersonLeft() if self.visit and self.visit.looking:
                self.tally_ignored["behind a document"] += 1  # held before the face: silence ends it if they are gone
                return
            case UtteranceEnded() if self.state is State.IDLE and self._beside.holds_back(event, self.turns):
                return
            case SpeechStarted(at_ns) if self.state in CONSIDERS and self._talk.talks_on(at_ns):
                self.tally_ignored["talks on after the cap"] += 1
                return
        before = self.state
        self.state, effects = step(before, event)
        if self.state is not before:
            self._trace.note("state", state=self.state.name)
        if self.state is before and not effects:
            self.tally_ignored[f"{before.name} {type(event).__name__}"] += 1
            return
        for effect in effects:
            await self._carry_out(effect, event)
        if self._news_waits and self.state is State.LISTENING:
            self._news_waits = False
            self.tell(TellerNews())
        self._watch_silence()
        self.show()

    async def _carry_out(self, effect: Effect, event: Event) -> None:
        match effect:
            case Effect.BEGIN_VISIT:
                self._begin(event)
            case Effect.GREET:
                self._begin_turn(lambda turns, visit, turn: turns.greet(visit, turn))
                self._note_greeted()
            case Effect.PROMPT:
                if self.visit:
                    self.visit.prompts += 1
                    self.visit.asked_ns = self._clock.now_ns()
                self._begin_turn(lambda turns, visit, turn: turns.prompt(visit, turn))
            case Effect.TELL_NEWS:
                self._begin_turn(lambda turns, visit, turn: turns.news(visit, turn))
            case Effect.SAY_SORRY:
                self._trace.note("stage_failed", reason=getattr(event, "reason", ""))
                self._begin_turn(lambda turns, visit, turn: turns.sorry(visit, turn))
            case Effect.RECOGNISE if isinstance(event, UtteranceEnded):
                self._recognise(self._talk.joined(event))
            case Effect.RECOGNISE if isinstance(event, Interrupted):
                self._recognise(event.utterance)
            case Effect.ANSWER_TOUCH if isinstance(event, Touched):
                self._answer_touch(event.target)
            case Effect.DUCK:
                self._gain(DUCKED)
            case Effect.UNDUCK:
                self._gain(1.0)
            case Effect.KEEP_UTTERANCE if isinstance(event, SpeechStarted):
                self._talk.goes_on(event.at_ns)
            case Effect.HOLD if isinstance(event, BargeInConfirmed):
                self._gain(1.0)
                self._talk.hold(event, self._turn, self.turns)
            case Effect.WEIGH if isinstance(event, UtteranceEnded):
                self._weigh(self._talk.joined(event))
            case Effect.CONSIDER if isinstance(event, SpeechDied) and event.said:
                self._weigh(event.said, how="short")
            case Effect.RESUME:
                self._trace.note("resumed")
                self._gain(1.0)
                self._talk.resume(self.turns)
                if isinstance(event, FalseAlarm) and event.doubt:
                    self._weigh(event.doubt, how="doubted")
            case Effect.CANCEL_TURN:
                await self._cancel_turn()
            case Effect.LISTEN:
                self._gain(1.0)
            case Effect.END_VISIT:
                self._end(event)

    @property
    def at_work(self) -> TurnId | None:
        """The turn for which something is being done now; None: nothing is."""
        return self._turn if self.state is State.THINKING else None

    # ------------------------------------------------------------ visits
    def _begin(self, event: Event) -> None:
        noticed = "touch" if isinstance(event, Touched) else "voice" if isinstance(event, UtteranceEnded) else "camera"
        self.visit = visit = Visit(self._clock.now_ns(), noticed, language=self._idle_language)  # type: ignore[arg-type]
        self._trace.note("visit_started", noticed_by=noticed)
        self._ledger.post(m.VisitStarted(visit=visit.id, noticed_by=visit.noticed_by))

    def _note_greeted(self) -> None:
        if self.visit:
            self._trace.note("greeted", language=self.visit.language)
            self._ledger.post(m.Greeted(visit=self.visit.id, language=self.visit.language))

    def _end(self, event: Event) -> None:
        """Forget: the visit, its words, its sound. What the hub learns carries nothing of them."""
        visit, self.visit = self.visit, None
        self._talk.forget()
        self._hides.stop()
        self._counts.stop()
        if self.turns and self.turns.ahead:
            self.turns.ahead.forget()
        self._idle_language = "zh"
        self.muted = False  # it was this visitor's wish, not the next one's
        self._news_waits = False
        for forget in self.forgetters:
            forget()
        self._gain(1.0)
        if visit is None:
            return
        outcome = "left" if isinstance(event, PersonLeft) and visit.outcome == "unknown" else visit.outcome
        duration_s = (self._clock.now_ns() - visit.started_ns) / 1e9
        self._ledger.post(
            m.VisitEnded(visit=visit.id, outcome=outcome, duration_s=round(duration_s, 1), turns=visit.turns)
        )
        self._trace.note("visit_ended", outcome=outcome, turns=visit.turns)

    # ------------------------------------------------------------ turns
    def _begin_turn(self, work: Callable[[Turns, Visit, TurnId], Coroutine[None, None, None]]) -> None:
        if self.turns is None or self.visit is None:
            return
        self._turn = TurnId(self._turn + 1)
        self._turn_task = asyncio.create_task(
            self._guarded(work(self.turns, self.visit, self._turn), self._turn), name=f"turn-{self._turn}"
        )

    async def _guarded(self, work: Coroutine[None, None, None], turn: TurnId) -> None:
        """A turn that breaks ends as a failed stage; the visitor is told and offered touch or a person."""
        try:
            await work
        except Exception as err:  # where and what kind, never the message: it may quote the visitor
            log.error("turn failed: %s\n%s", type(err).__name__, "".join(traceback.format_tb(err.__traceback__)))
            self.tell(StageFailed(turn, "turn", "internal"))

    def _so_far(self, event: SpeechSoFar) -> None:
        """What was said until now, recognised ahead while it is the visitor's turn."""
        if self.visit and self.turns and self.turns.ahead and self.state in (State.LISTENING, State.HELD):
            self.turns.ahead.look(self.visit, event, self._talk.kept)

    def let_go(self, so_far: SpeechSoFar, known: Foreseen, *, hasty: bool) -> bool:
        """What silenced her seems to be over: if it was but a nod she goes on before its end is decided. Says if so.

        `hasty`: its words were not believed, and are looked at a second time while she speaks: who asked her to stop
        has stopped her half a second later, and a nod has not kept her waiting.
        """
        if self.state is not State.HELD or self.visit is None:
            return False
        nodded = self._talk.was_nod(self.turns, self.visit, so_far, known, hasty=hasty)
        if nodded:
            self.tell(FalseAlarm(self._turn, doubt=so_far.as_utterance() if hasty else None))
        return nodded

    def _recognise(self, heard: UtteranceEnded) -> None:
        self._talk.took(heard)
        if self.visit:
            self.visit.prompts = 0
        self._begin_turn(lambda turns, visit, turn: turns.utterance(visit, turn, heard))

    def _weigh(self, heard: UtteranceEnded, how: Literal["whole", "short", "doubted"] = "whole") -> None:
        """Find out whether it was for us. `short`, `doubted`: she speaks on meanwhile."""
        if self.turns is None or self.visit is None:
            return
        if how == "whole":
            work = self.turns.weigh(self.visit, self._turn, heard)
        else:
            work = self.turns.consider(self.visit, self._turn, heard, doubted=how == "doubted")
        self._talk.weigh(heard, self._guarded(work, self._turn), keep=how == "whole")

    def _answer_touch(self, target: str) -> None:
        if self.visit is None:
            return
        self.attended(self._clock.now_ns())
        self.visit.prompts = 0
        self._talk.drop_kept()
        self._ledger.post(m.Touched(visit=self.visit.id, target=target))
        self._begin_turn(lambda turns, visit, turn: turns.touched(visit, turn, target))

    def _quiet_touch(self, target: str) -> bool:
        """Touches that are not part of the conversation: the microphone, and the language before a visit."""
        if target.startswith(STAFF):  # there is no such page, or it has just closed under the finger
            return True
        if target == "microphone":
            self.muted = not self.muted
            self._watch_silence()  # muting ends a voice that had ended the silence
            self.show()
            return True
        if self.visit and target in (REVEAL, MORE, STAY):
            self._adjust_page(self.visit, target)
            return True
        if target.startswith(KEY) and target != KEY_OK:
            if self.visit and self.turns and self.turns.keyed(self.visit, target):
                self.visit.prompts = 0
                self._watch_silence()
                self.show()
            return True
        if target == "language" and self.visit is None:
            self._idle_language = "en" if self._idle_language == "zh" else "zh"
            self.show()
            return True
        return False

    def _adjust_page(self, visit: Visit, target: str) -> None:
        """Touches that change what is read, not what is talked about."""
        visit.away, visit.prompts = False, 0
        if target == REVEAL:
            visit.revealed = not visit.revealed
            self._hides.stop()
            if visit.revealed:
                self._hides.start(SHOWN_S, lambda: self._hide(visit))
        elif target == MORE:
            visit.offset += 1
        self._watch_silence()
        self.show()

    def _hide(self, visit: Visit) -> None:
        """What was private is masked again."""
        visit.revealed = False
        self.show()

    def glimpsed(self, near: bool) -> None:
        """Whether the visitor stands before the screen, as the camera sees it now: what is private follows."""
        visit = self.visit
        if visit is None or visit.away != near:
            return
        if near:
            visit.away = False
        else:
            visit.away, visit.revealed = True, False
        self.show()

    async def _cancel_turn(self) -> None:
        self._talk.let_go()
        task, self._turn_task = self._turn_task, None
        self._turn = TurnId(self._turn + 1)  # late results of the old one are discarded
        if task is None or task.done():
            return
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if self.visit and self.turns:
            self.turns.interrupted(self.visit)
            self._trace.note("cut")

    def listens_through(self, ears: Ears) -> None:
        """The ears that this session tells how to listen."""
        self._talk.ears = ears

    def adopt(self, site: Site) -> None:
        """Go by another configuration of the same place from now on; between two visits only."""
        self._site = site
        self._silence.adopt(site.talking)
        self.show()  # the hours stand on the page

    def tell(self, event: Event) -> None:
        """Put an event in from a task of this loop."""
        self.events.offer(event)

    # ------------------------------------------------------------ silence, devices, gaze
    def _watch_silence(self) -> None:
        waits = self.state is State.LISTENING and self.visit is not None
        if waits and self.visit and self.visit.mode == "elder" and self.works.get("camera", False):
            waits = False  # no time limit in large letters: the camera sees when the visitor has left
        if waits and self.visit and self.visit.case and self.works.get("camera", False):
            waits = False  # who waits for a teller need not talk; the camera sees when they have left
        if self.in_call():
            waits = False  # they talk to a teller, also where no camera sees them; the call has bounds of its own
        ears = self._talk.ears
        if ears and ears.in_speech and self.works.get("microphone", True) and not self.muted:
            waits = False  # somebody who goes on speaking is not asked whether they are there
        self._silence.watch(prompts=self.visit.prompts if self.visit and waits else None)
        self._counts.stop()
        if self.visit:
            self.visit.ends_in_s = (
                round(self._site.talking.forget_after_s) if waits and self.visit.prompts >= LAST else 0
            )
            if self.visit.ends_in_s:
                self._counts.start(1.0, lambda: self._count_down(self.visit))

    def _count_down(self, visit: Visit | None) -> None:
        """A second less until the visit ends by itself: said in print as it was said aloud."""
        if visit is None or visit.ends_in_s <= 0:
            return
        visit.ends_in_s -= 1
        if visit.ends_in_s:
            self._counts.start(1.0, lambda: self._count_down(visit))
        self.show()

    def voice_heard(self) -> None:
        """Somebody is speaking: the silence is over, even if no utterance comes of it."""
        self.attended(self._clock.now_ns())
        self._silence.stop()
        self._counts.stop()
        if self.visit and (self.visit.ends_in_s or self.visit.away):
            self.visit.ends_in_s, self.visit.away = 0, False
            self.show()

    def _device(self, event: DeviceChanged) -> None:
        if event.works:
            self.why.pop(event.device, None)
        else:
            self.why[event.device] = event.reason
        if self.works.get(event.device) == event.works:
            return
        known = event.device in self.works
        self.works[event.device] = event.works
        if event.device == "microphone" and not event.works and self.state is State.HELD:
            self.tell(FalseAlarm(self._turn))  # what stopped her will never be heard to its end
        if event.device == "microphone":
            self._watch_silence()  # a voice that ended the silence may never be heard to its end
        self._trace.note("device", device=event.device, works=event.works)
        kind = DEVICES.get(event.device)
        if kind and (known or not event.works):
            self._ledger.post(
                m.DeviceFound(device=kind) if event.works else m.DeviceMissing(device=kind, reason=event.reason)
            )
        self.show()

    def _look_at(self, x: float, y: float) -> None:
        """The camera sits above the screen and sees the visitor mirrored; her eyes follow, coarsely."""
        gaze = (round(-x * 4) / 4, round(y * 4) / 4)
        if gaze != self._gaze:
            self._gaze = gaze
            self.show()

    def _gain(self, gain: float) -> None:
        if self.speaker:
            self.speaker.set_gain(gain)

    @property
    def remembers(self) -> bool:
        """Whether anything of a visitor is still held, on the screen too."""
        shown = bool(self._shown and (self._shown.captions or self._shown.ticket))
        return self.visit is not None or self._talk.remembers or shown

    def tallies(self) -> dict[str, int]:
        """What became of voices beside an announcement."""
        return {f"beside.{name}": count for name, count in self._beside.tally.items()}

    # ------------------------------------------------------------ what is shown
    def understood(
        self,
        turn: int,
        intent: str,
        confidence: float,
        decision: Decision,
        language: Language,
        parts: dict[str, float] | None,
    ) -> None:
        """The moment that goes to the hub: which wish, how sure, how fast; no words."""
        if self.visit is None:
            return
        latency = m.LatencyParts(**parts) if parts else None
        if parts:
            self.health.answered(parts)
        self._ledger.post(
            m.Understood(
                visit=self.visit.id,
                turn=turn,
                intent=intent,
                confidence=round(min(1.0, max(0.0, confidence)), 3),
                decision=decision,
                language=language,
                latency_ms=latency,
            )
        )

    @property
    def revision(self) -> int:
        """Of the snapshot that was sent last."""
        return self._revision

    def show_again(self) -> None:
        """Send the snapshot once more: where its pictures lie has changed."""
        self._shown = None
        self.show()

    def show(self) -> None:
        """Send a snapshot if anything on it changed."""
        language = self.visit.language if self.visit else self._idle_language
        back = Backstage(
            state=self.state,
            revision=self._revision,
            works=self.works,
            muted=self.muted,
            gaze=self._gaze,
            queue=self._queue(),
            now=self._local_now(),
            invitations=self._brain.invitations(language, self._local_now()),
            language=language,
            called=self.calls.now if self.calls else None,
            called_last=self.calls.last if self.calls else None,
            closed=self.closed,
        )
        state = snapshot(self._site, self._phrases, self.visit, back)
        if self.staff and self.staff.open:
            state = self.staff.dressed(state)
        elif self.together:
            state = self.together.dressed(state)
        if self._talk.ears:
            self._talk.ears.profile(self.visit.mode if self.visit else "standard")
        if state == self._shown:
            return
        self._revision += 1
        if self._shown is None or state.page != self._shown.page:
            self._trace.note("page", page=state.page)
        self._shown = replace(state, revision=self._revision)
        self._send(self._shown)
