"""The staff's page on the terminal's own screen: a PIN, then this terminal's line and what may be done with it.

It comes over the attract page only, after a gesture that no visitor makes, and ends by itself. What it does is what
`python -m kiosk staff` does: the same desk, the same refusals. While it is open nobody is greeted, heard or served.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Final, Protocol, TypeVar

from msgspec.structs import replace

from config.flows import Both, Phrases
from config.schema import Site
from contracts.screen import (
    STAFF_GESTURE,
    Caption,
    Entry,
    Language,
    ScreenState,
    StaffRow,
    StaffTrouble,
    StaffView,
    Target,
    TargetKind,
)
from contracts.tickets import IN_LINE, TicketEvent, TicketState, step
from kiosk.dialogue.wording import DIGIT_KEYS, KEY, KEY_BACK, KEY_OK, key_targets, pick
from kiosk.events import (
    BargeInConfirmed,
    Event,
    PersonArrived,
    PersonLeft,
    SpeechDied,
    SpeechStarted,
    Touched,
    UtteranceEnded,
)
from kiosk.ports import Clock
from kiosk.queueing.own_line import NotHere, NotNow, OwnTicket
from kiosk.queueing.staff import DISK_TROUBLE, EVENTS, Act, HubIsThere, Look, StaffDesk

R = TypeVar("R")
STAFF: Final = "staff_"
COUNTER: Final = "staff_counter_"
ACTS: Final[tuple[Act, ...]] = ("recall", "serve", "finish", "miss")
AT_COUNTER: Final = (TicketState.SERVING, TicketState.RECALLED, TicketState.CALLED)
MOST_DIGITS: Final = 12
PIN_UNTOUCHED_S: Final = 20.0
TICK_S: Final = 1.0
LOOK_EVERY: Final = 5  # ticks between two looks at the line
ROWS: Final = 7
HIDDEN: Final = "•"
_VISITORS: Final = (PersonArrived, PersonLeft, SpeechStarted, SpeechDied, BargeInConfirmed, UtteranceEnded, Touched)


class StaffLedger(Protocol):
    async def at_staff_desk(self, work: Callable[[StaffDesk], R], at: datetime) -> R:
        """Do something at the staff's desk on the business day of `at`; raises what it raises."""


class Gate(Protocol):
    """The PIN's check. `wait_s`: seconds until a try is looked at again."""

    @property
    def wait_s(self) -> int: ...

    async def check(self, pin: str) -> bool:
        """Raises `DISK_TROUBLE`: the try could not be counted, and was none."""


class StaffPage:
    """Shut, at its PIN, or open. `changed` draws; `called` hears of numbers that are called here."""

    def __init__(
        self,
        site: Site,
        phrases: Phrases,
        ledger: StaffLedger,
        gate: Gate,
        clock: Clock,
        local_now: Callable[[], datetime],
        changed: Callable[[], None],
        called: Callable[[str, str, bool], None] = lambda number, counter, again: None,
    ) -> None:
        self._site, self._words, self._phrases = site, phrases.staff, phrases
        self._ledger, self._gate, self._clock, self._local_now = ledger, gate, clock, local_now
        self._changed, self._called = changed, called
        self._names = {service.id: (service.name_zh, service.name_en) for service in site.services}
        self._typed: str | None = None  # None: no PIN is asked for
        self._look: Look | None = None
        self._counter = site.staff.counters[0]
        self._language: Language = "zh"
        self._wrong = False
        self._trouble: StaffTrouble = ""
        self._opened_ns = self._touched_ns = 0
        self._ticking: asyncio.Task[None] | None = None
        self.tally: Counter[str] = Counter()

    @property
    def open(self) -> bool:
        """Whether the screen is the staff's, at the PIN too."""
        return self._typed is not None or self._look is not None

    def takes(self, event: Event) -> bool:
        """Whether the event is this page's business and no visitor's."""
        if self.open:
            return isinstance(event, _VISITORS)
        return isinstance(event, Touched) and event.target == STAFF_GESTURE

    async def take(self, event: Event, *, idle: bool, language: Language) -> None:
        """Act on an event that it takes. `idle`: nobody is served; otherwise it does not open."""
        match event:
            case Touched(target) if self.open:
                self._touched_ns = self._clock.now_ns()
                self._trouble = ""
                await (self._pin_touched(target) if self._typed is not None else self._touched(target))
            case Touched() if idle:
                self._begin(language)
            case Touched():
                self.tally["gesture_in_visit"] += 1
            case PersonLeft():
                self.close("walked_away")

    # ------------------------------------------------------------ opening and ending
    def _begin(self, language: Language) -> None:
        self._typed, self._language, self._wrong = "", language, False
        self._opened_ns = self._touched_ns = self._clock.now_ns()
        self.tally["gestures"] += 1
        self._ticking = asyncio.create_task(self._tick(), name="staff-page")

    def close(self, why: str = "left") -> None:
        """End it; nothing that was typed or shown is kept."""
        if not self.open:
            return
        self._typed = self._look = None
        self.tally[why] += 1
        ticking, self._ticking = self._ticking, None
        if ticking is not None and ticking is not asyncio.current_task():
            ticking.cancel()

    async def shut(self) -> None:
        """The terminal stops."""
        ticking = self._ticking
        self.close("stopped")
        if ticking is not None:
            with suppress(asyncio.CancelledError):
                await ticking

    def _left_s(self) -> float:
        """Seconds until it ends by itself."""
        now_ns, staff = self._clock.now_ns(), self._site.staff
        untouched_s = PIN_UNTOUCHED_S if self._typed is not None else staff.untouched_s
        since_s = (now_ns - self._touched_ns) / 1e9, (now_ns - self._opened_ns) / 1e9
        return min(untouched_s - since_s[0], staff.longest_s - since_s[1])

    async def _tick(self) -> None:
        ticks = 0
        while self.open:
            await self._clock.sleep(TICK_S)
            ticks += 1
            if self._typed is not None and self._gate.wait_s > 0:
                self._touched_ns = self._clock.now_ns()  # whoever waits for another try is not thrown out before it
            if self._left_s() <= 0:
                self.close("timed_out")
            elif self._look is not None and ticks % LOOK_EVERY == 0:
                await self._look_again()
            self._changed()

    # ------------------------------------------------------------ the PIN
    async def _pin_touched(self, target: str) -> None:
        typed = self._typed or ""
        if target in ("end", f"{STAFF}close"):
            self.close()
        elif target == "language":
            self._language = "en" if self._language == "zh" else "zh"
        elif self._gate.wait_s > 0:
            self._typed = ""
        elif target == KEY_BACK:
            self._typed = typed[:-1]
        elif target in DIGIT_KEYS and len(typed) < MOST_DIGITS:
            self._typed = typed + target.removeprefix(KEY)
        elif target == KEY_OK and typed:
            await self._try(typed)

    async def _try(self, typed: str) -> None:
        self._typed = ""
        try:
            right = await self._gate.check(typed)
        except DISK_TROUBLE:
            self.close("not_kept")
            return
        self._wrong = not right
        self.tally["opened" if right else "wrong_pin"] += 1
        if right:
            self._typed = None
            await self._look_again()
            self._opened_ns = self._touched_ns = self._clock.now_ns()

    # ------------------------------------------------------------ the line
    async def _touched(self, target: str) -> None:
        name = target.removeprefix(STAFF)
        if target in ("end", f"{STAFF}close"):
            self.close()
            return
        if target == "language":
            self._language = "en" if self._language == "zh" else "zh"
        elif target.startswith(COUNTER):
            found = target.removeprefix(COUNTER)
            self._counter = next((c for c in self._site.staff.counters if c.name == found), self._counter)
        elif name == "call" or name in ACTS:
            await self._do(name)
        await self._look_again()

    async def _do(self, name: str) -> None:
        """One act at the desk; what it refuses is said on the page."""
        counter, at = self._counter.name, self._local_now()
        services = self._counter.services or tuple(self._names)
        act, here = next((act for act in ACTS if act == name), None), self._here()
        number: str | None
        try:
            if act is None and here is None:
                number = await self._ledger.at_staff_desk(lambda desk: desk.call(services, counter), at)
            elif act is not None and here is not None:
                number = here.number
                await self._ledger.at_staff_desk(lambda desk: desk.act(act, here.number, counter), at)
            else:  # a second finger on a button that was offered a moment ago
                self._trouble = "not_now"
                return
        except HubIsThere:
            self._trouble = "hub_is_there"
            return
        except (NotHere, NotNow):
            self._trouble = "not_now"
            return
        except DISK_TROUBLE:
            self._trouble = "not_kept"
            return
        if number is None:
            self._trouble = "nobody"
            return
        self.tally[name] += 1
        if name in ("call", "recall"):
            self._called(number, counter, name == "recall")

    async def _look_again(self) -> None:
        try:
            look = await self._ledger.at_staff_desk(StaffDesk.look, self._local_now())
        except DISK_TROUBLE:  # what is shown may be wrong by now: rather nothing
            self.close("not_kept")
            return
        if self._typed is None and (self._look is not None or self._ticking is not None):
            self._look = look

    def _here(self) -> OwnTicket | None:
        """Who is at the counter that is worked at."""
        tickets = self._look.tickets if self._look else ()
        at_it = [t for t in tickets if t.counter == self._counter.name and t.state in AT_COUNTER]
        return min(at_it, key=lambda ticket: AT_COUNTER.index(ticket.state), default=None)

    # ------------------------------------------------------------ what is shown
    def dressed(self, idle: ScreenState) -> ScreenState:
        """The snapshot of the staff's screen, over that of an empty hall."""
        zh = self._language == "zh"
        bank, branch = self._site.bank, self._site.branch
        base = replace(
            idle,
            language=self._language,
            bank=bank.name_zh if zh else bank.name_en,
            branch=branch.name_zh if zh else branch.name_en,
            mode="standard",
            headline="",
            headline_translation="",
            note="",
            queue=(),
            gesture="rest",
            expression="neutral",
            listening="off",
        )
        if self._look is None:
            return self._at_pin(base)
        return self._at_desk(base, self._look)

    def _say(self, both: Both) -> str:
        return pick(both, self._language)

    def _at_pin(self, base: ScreenState) -> ScreenState:
        wait_s = self._gate.wait_s
        words = self._words.wait if wait_s else self._words.wrong if self._wrong else self._words.pin
        keys = key_targets(self._phrases, self._language)
        return replace(
            base,
            page="keypad",
            captions=(Caption("receptionist", self._say(words).format(seconds=wait_s)),),
            targets=(*(() if wait_s else keys), *self._dock()),
            entry=Entry(HIDDEN * len(self._typed or ""), MOST_DIGITS, secret=True),
        )

    def _at_desk(self, base: ScreenState, look: Look) -> ScreenState:
        here = self._here()
        view = StaffView(
            rows=tuple(self._row(ticket, look.now) for ticket in look.tickets[:ROWS]),
            waiting=sum(ticket.state in IN_LINE for ticket in look.tickets),
            hub=look.hub,
            owed=look.owed,
            counter=self._counter.name,
            now=self._row(here, look.now) if here else None,
            ends_after_s=max(0, int(self._left_s())),
            trouble=self._trouble,
        )
        return replace(base, page="staff", targets=(*self._buttons(look, here), *self._dock()), staff=view)

    def _row(self, ticket: OwnTicket, now: datetime) -> StaffRow:
        zh, en = self._names.get(ticket.service, (ticket.service, ticket.service))
        waited_min = max(0, int((now - ticket.came).total_seconds() // 60))
        name = zh if self._language == "zh" else en
        return StaffRow(ticket.number, name, waited_min, ticket.state, ticket.counter)

    def _buttons(self, look: Look, here: OwnTicket | None) -> tuple[Target, ...]:
        counters = tuple(
            self._target(
                COUNTER + counter.name,
                self._say(self._words.counter).format(counter=counter.name),
                "chip",
                selected=counter.name == self._counter.name,
            )
            for counter in self._site.staff.counters
        )
        call = self._target(
            f"{STAFF}call", self._say(self._words.call), "primary", enabled=not look.hub and here is None
        )
        acts = tuple(
            self._target(
                f"{STAFF}{act}",
                self._say(getattr(self._words, act)),
                "quiet",
                enabled=not look.hub and here is not None and _possible(here.state, EVENTS[act]),
            )
            for act in ACTS
        )
        return (*counters, call, *acts, self._target(f"{STAFF}close", self._say(self._words.close), "quiet"))

    def _dock(self) -> tuple[Target, ...]:
        dock = (("language", self._phrases.dock_language, "globe"), ("end", self._phrases.dock_end, "exit"))
        return tuple(self._target(name, self._say(words), "dock", icon=icon) for name, words, icon in dock)

    @staticmethod
    def _target(
        name: str, label: str, kind: TargetKind, *, selected: bool = False, enabled: bool = True, icon: str = ""
    ) -> Target:
        return Target(name, label, label, kind, icon=icon, selected=selected, enabled=enabled)


def _possible(state: TicketState, event: TicketEvent) -> bool:
    return step(state, event) is not None
