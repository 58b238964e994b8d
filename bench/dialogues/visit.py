"""One scripted visit: the real turns, understanding, brain, actions and core bank; words instead of sound, and a clock
that costs nothing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import segno

from bench.dialogues.script import Dialogue, Turn, Want
from config.schema import Site
from contracts import messages as m
from contracts import topics
from contracts.appointments import Means, hashed
from contracts.handover import HandoverPacket, encode_handover
from contracts.opinions import OpinionWord
from contracts.queueing import Priority
from contracts.screen import Language
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.code_reader import PictureCodeReader
from kiosk.banking.acts import Banking
from kiosk.banking.ports import CoreBank, Held
from kiosk.banking.verify import BankVerifier
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.meaning import Meaning, Words
from kiosk.dialogue.wording import KEY, KEY_OK, WISH
from kiosk.events import TurnId, UtteranceEnded
from kiosk.queueing.appointments import Booked
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.session.actions import Actions, spoken_facts
from kiosk.session.ahead import Understanding
from kiosk.session.checking_in import CheckIn
from kiosk.session.turns import TurnPorts, Turns
from kiosk.session.visit import Visit
from kiosk.session.watching import Watching
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox

NOON: Final = datetime.fromisoformat("2026-11-20T13:00:00+08:00")  # a Friday
SILENT: Final = np.zeros(160, np.int16)
CARD_PREFIX: Final = "990000"  # of the simulated core bank's invented cards
AGAIN_MOST: Final = 2  # times that a visitor says a line again, or touches what is offered, when asked back


class Hear(Protocol):
    """What is understood of a line; `times`: how often it was said before."""

    def __call__(self, text: str, language: Language, times: int = 0) -> Awaitable[Words]: ...


@dataclass(slots=True)
class Clock:
    """Time passes where somebody waits for it, at once."""

    ns: int = 0

    def now_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.ns += int(seconds * 1e9)


class _Ledger:
    """The desk and the outbox, without a thread between."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.outbox = Outbox(folder / "outbox.sqlite", keeper=Timekeeper(wall=lambda: NOON.astimezone(UTC)))
        self.packets: list[HandoverPacket] = []
        services = [ServiceView(service.id, service.letter) for service in site.services]
        self.desk = TicketDesk(self.outbox, services, kiosk_digit=site.device.kiosk_digit)

    async def issue(self, service: str, **given: Any) -> Any:
        return self.desk.issue(service, **given)

    async def give_back(self, number: str, *, day: str) -> bool:
        return self.desk.give_back(number, day=day)

    async def prioritise(self, number: str, *, day: str, priority: Priority) -> bool:
        return self.desk.prioritise(number, day=day, priority=priority)

    async def owed(self, *, day: str) -> tuple[tuple[str, str], ...]:
        return self.desk.owed(day=day)

    async def booked(self, means: Means, digits: str) -> list[Booked]:
        return self.desk.appointments.find(means, digits)

    async def opinion(self, word: OpinionWord) -> None:
        self.outbox.append(topics.OPINION, word)

    async def note(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)

    async def hand_over(self, packet: HandoverPacket) -> int:
        self.packets.append(packet)
        return self.outbox.append(topics.HANDOVER, packet)

    def post(self, moment: m.Moment) -> None:
        self.outbox.append(topics.EVENTS, moment)


class _Paper:
    async def print(self, *_: object) -> bool:
        return True


@dataclass(slots=True)
class Step:
    """What came of one turn."""

    meaning: Meaning | None = None
    did: list[str] = field(default_factory=list)


class ScriptedVisit:
    """Plays one conversation. `failures`: what was expected and what came."""

    def __init__(
        self,
        site: Site,
        brain: Brain,
        understanding: Understanding,
        bank: CoreBank | None,
        folder: Path,
        hear: Hear,
        listen_for: Callable[[Sequence[str]], None] | None = None,
        watching: Watching | None = None,
    ) -> None:
        self._site = site
        self._brain = brain
        self._understanding = understanding
        self._hear = hear
        self._listen_for = listen_for
        self._clock = Clock()
        self._reader = SimulatedCardReader(folder / "reader.json")
        self._hub = True
        self._queue: m.TicketsState | None = None
        self.ledger = _Ledger(folder, site)
        self._held_up = folder / "held_up.png"
        scanner = PictureCodeReader(self._held_up, self._clock)
        table = self.ledger.desk.appointments
        checking_in = CheckIn(self.ledger.booked, lambda: NOON, lambda: table.known, lambda: scanner)
        banking = (
            Banking(bank, BankVerifier(bank, self._clock), self._reader, self._clock, lambda: NOON) if bank else None
        )
        self.banking = banking
        actions = Actions(
            site,
            self.ledger,
            _Paper(),
            lambda: self._queue,
            lambda: self._hub,
            lambda: NOON,
            self._note,
            banking,
            now_ns=self._clock.now_ns,
            checking_in=checking_in,
        )
        self.actions = actions
        ports = TurnPorts(
            tell=lambda event: None,
            show=lambda: None,
            note=self._note,
            understood=lambda *_: None,
            facts=self._facts,
            local_now=lambda: NOON,
        )
        self._words = Words("", "zh")
        self._step = Step()
        self._turns = Turns(ports, self._clock, brain, None, None, self, self, actions)
        self._turns.watching = actions.watching = watching
        self.actions = actions
        self.visit = Visit(0, "touch")
        self._turn = 0
        self.asked_back = 0  # times that she asked and the visitor helped her

    # ------------------------------------------------------------ the ports of a turn
    def _facts(self, visit: Visit) -> dict[str, str]:
        return spoken_facts(self._site, visit, self._queue, visit.place.slots.get("service") if visit.place else None)

    def _note(self, kind: str, **facts: Any) -> None:
        if kind == "did":
            self._step.did.append(f"{facts['action']} {facts['outcome']}")

    async def recognise(self, pcm: Any, *, hasty: bool = False, again: bool = False, wanted: Any = None) -> Words:
        return self._words

    async def glance(self, pcm: Any, *, wanted: Any = None) -> Words:
        return self._words

    def expect(self, words: Any) -> None:
        if self._listen_for:
            self._listen_for(words)

    async def understand(self, words: Words) -> Meaning:
        self._step.meaning = await self._understanding.understand(words)
        return self._step.meaning

    # ------------------------------------------------------------ the visitor
    async def play(self, dialogue: Dialogue, behave: Callable[..., None]) -> list[str]:
        """Play all turns; what was not as expected, one line each. It goes on after a failure."""
        self.visit.language = dialogue.language
        if dialogue.appointments:
            self.ledger.desk.appointments.keep(invented_appointments())
        failures: list[str] = []
        for number, turn in enumerate(dialogue.turns, start=1):
            self._step = Step()
            await self._do(turn, dialogue.language, behave)
            got = self._faults(turn.expect)
            if got and self._listen_for and turn.say is not None:
                got = await self._asked_back(turn, got, dialogue.language)
            what = turn.say or turn.touch or next((name for name in turn.model_fields_set if name != "expect"), "")
            failures += [f"turn {number} ({what[:40]}): {fault}" for fault in got]
        return failures

    async def _asked_back(self, turn: Turn, got: list[str], language: Language) -> list[str]:
        """By sound: when she says that she did not follow, or asks which it is, the visitor does what people do:
        touches the wish if it is offered, else says the line again, more slowly. What is left wrong then is wrong."""
        assert turn.say is not None
        for times in range(1, AGAIN_MOST + 1):
            reply = self.visit.last
            if reply is None or not (reply.misunderstood or reply.asks_back):
                return got
            self.asked_back += 1
            wanted = turn.expect.intent or turn.expect.wish or ()
            names = (wanted,) if isinstance(wanted, str) else wanted
            offered = next((t.id for t in reply.targets if t.id.removeprefix(WISH) in names), None)
            self._turn += 1
            if offered:
                await self._turns.touched(self.visit, TurnId(self._turn), offered)
            else:
                await self._say(turn, language, times)
            got = self._faults(turn.expect.model_copy(update={"intent": None}) if offered else turn.expect)
            if not got:
                break
        return got

    async def _say(self, turn: Turn, language: Language, times: int = 0) -> None:
        assert turn.say is not None
        self.visit.prompts = 0
        self._words = await self._hear(turn.say, turn.in_language or language, times)
        heard = UtteranceEnded(pcm=SILENT, start_ns=0, end_ns=0, decided_ns=0)
        await self._turns.utterance(self.visit, TurnId(self._turn), heard)

    async def _do(self, turn: Turn, language: Language, behave: Callable[..., None]) -> None:
        self._turn += 1
        at = TurnId(self._turn)
        if turn.say is not None:
            await self._say(turn, language)
        elif turn.touch is not None:
            self.visit.prompts = 0
            await self._turns.touched(self.visit, at, turn.touch)
        elif turn.type is not None:
            for digit in turn.type:
                self._turns.keyed(self.visit, f"{KEY}{digit}")
            await self._turns.touched(self.visit, at, KEY_OK)
        elif turn.silence:
            self.visit.prompts += 1
            await self._turns.prompt(self.visit, at)
        elif turn.greet:
            await self._turns.greet(self.visit, at)
        elif turn.card is not None:
            self._reader.insert(Held("card", customer_numbers(turn.card)[0]))
        elif turn.document is not None:
            self._reader.insert(Held("document", customer_numbers(turn.document)[1]))
        elif turn.take:
            self._reader.remove()
        elif turn.bank is not None:
            behave(**turn.bank.model_dump())
        elif turn.hub is not None:
            self._hub = turn.hub
        elif turn.qr is not None:
            self._hold_up(turn.qr)
        elif turn.queue is not None:
            self._queue = self._waiting(turn.queue)

    def _hold_up(self, text: str) -> None:
        """A phone with a QR code before the reader, or nothing."""
        if text:
            segno.make(text, micro=False).save(str(self._held_up), scale=6, border=4)
        else:
            self._held_up.unlink(missing_ok=True)

    def _packet_faults(self, want: Want) -> list[str]:
        """What is not as wanted in the last hand-over, as it goes on the wire."""
        packets = self.ledger.packets
        last = packets[-1] if packets else None
        texts = [encode_handover(packet).decode() for packet in packets]
        faults = []
        for name, wanted, got in (
            ("handover", want.handover, last.level if last else ""),
            ("reason", want.reason, last.reason if last else ""),
        ):
            if wanted is not None and wanted != got:
                faults.append(f"{name}: expected {wanted!r}, got {got!r}")
        faults += [f"packet: '{text}' is not in it" for text in want.packet if not texts or text not in texts[-1]]
        faults += [f"packet: '{text}' is in one" for text in want.not_in_packet if any(text in one for one in texts)]
        return faults

    def _waiting(self, count: int) -> m.TicketsState:
        services = tuple(
            m.ServiceQueue(service=service.id, waiting=count if number == 0 else 0)
            for number, service in enumerate(self._site.services)
        )
        return m.TicketsState(
            id="bench", at=datetime.now(UTC), mono_ns=0, branch=self._site.branch.id, store="bench", revision=1,
            day=NOON.date().isoformat(), services=services, tickets=(), open_tickets=count, issued={},
        )  # fmt: skip

    # ------------------------------------------------------------ what came of it
    def _faults(self, want: Want) -> list[str]:
        visit, reply, step = self.visit, self.visit.last, self._step
        said = reply.text if reply else ""
        place = visit.place
        first = step.meaning.ranked[0][0] if step.meaning and step.meaning.ranked else ""
        faults: list[str] = []

        def compare(name: str, wanted: object, got: object) -> None:
            if wanted is None:
                return
            allowed = wanted if isinstance(wanted, tuple) and name != "later" else (wanted,)
            if got not in allowed:
                faults.append(f"{name}: expected {wanted!r}, got {got!r}")

        compare("intent", want.intent, first)
        compare("at", want.at, place.way if place else "")
        compare("wish", want.wish, place.wish if place else "")
        compare("later", want.later, tuple(one.wish for one in place.later) if place else ())
        compare("page", want.page, reply.page if reply else "")
        compare("language", want.language, visit.language)
        compare("mode", want.mode, visit.mode)
        compare("outcome", want.outcome, visit.outcome)
        compare("ends", want.ends, bool(reply and reply.ends))
        compare("slower", want.slower, visit.speed < 1)
        compare("louder", want.louder, visit.gain_db > 0)
        compare("risk", want.risk, visit.concern.risk)
        compare("feels", want.feels, visit.story.mood.emotion if visit.story.mood else "")
        compare("profile", want.profile, visit.profile)
        compare("spoken", want.spoken, self._brain.said_at_a_go(reply, visit.profile) if reply else "")
        faults += self._packet_faults(want)
        compare("ticket", want.ticket, visit.ticket is not None)
        compare("staff", want.staff, visit.outcome == "handed_over")
        for name, value in want.slots.items():
            compare(f"slot {name}", value, place.slots.get(name, "") if place else "")
        if want.did and not _in_order(want.did, step.did):
            faults.append(f"did: expected {list(want.did)}, got {step.did}")
        faults += [f"says: '{text}' is not in '{said}'" for text in want.says if text.lower() not in said.lower()]
        faults += [f"never: '{text}' is in '{said}'" for text in want.never if text.lower() in said.lower()]
        if want.says_any and not any(text.lower() in said.lower() for text in want.says_any):
            faults.append(f"says: none of {list(want.says_any)} is in '{said}'")
        offered = {target.id for target in (reply.targets if reply else ())}
        faults += [f"targets: {target} is not offered" for target in want.targets if target not in offered]
        return faults


def invented_appointments() -> m.Appointments:
    """A list around `NOON`: kept at 13:10, early at 15:00, late at 12:20, one for tomorrow, two that end alike."""
    salt = "00" * 16
    rows = (
        ("kept", "482913", "4417", "personal", 10), ("early", "730155", "9206", "wealth", 120),
        ("late", "264801", "3350", "corporate", -40), ("tomorrow", "519372", "7008", "personal", 1440),
        ("twin-1", "108664", "5511", "personal", 5), ("twin-2", "977120", "5511", "wealth", 15),
    )  # fmt: skip
    return m.Appointments(
        id="bench", at=NOON, mono_ns=0, branch="binjiang", revision=1, salt=salt,
        appointments=tuple(
            m.Appointment(
                ref=ref, code=hashed("code", code, salt), tail=hashed("tail", tail, salt), service=service,
                due=(NOON + timedelta(minutes=minutes)).astimezone(UTC),
            )
            for ref, code, tail, service, minutes in rows
        ),
    )  # fmt: skip


def customer_numbers(number: int) -> tuple[str, str]:
    """Card and document of an invented customer, as the simulated core bank numbers them; -1: nobody's."""
    if number < 0:
        return "9900009999999999", "99999999999999"
    return f"{CARD_PREFIX}{number:06d}{1000 + number:04d}", f"99{number:06d}0000{number:06d}"


def _in_order(wanted: tuple[str, ...], got: list[str]) -> bool:
    """Whether all wanted actions come in this order; a bare action means that it was done."""
    rest = iter(got)
    return all(any(_is_done(one, want) for one in rest) for want in wanted)


def _is_done(one: str, want: str) -> bool:
    if want.endswith(" *"):
        return one.split(" ")[0] == want.removesuffix(" *")
    return one == (want if " " in want else f"{want} done")
