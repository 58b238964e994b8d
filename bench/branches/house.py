"""The branch's queue as the simulator drives it: by the rules alone in memory, or by the real wire and hub.

`RuleHouse` keeps what `contracts.queueing` needs and nothing else: thousands of days in minutes. `bench.branches.wire`
does the same through terminals' outboxes, the hub's ingest and its store; a test holds one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final, Protocol

from bench.branches.arrivals import Visitor
from contracts.queueing import MAX_PASSED, Lane, Priority, Waiter, arrival, place
from contracts.tickets import NumberParts, TicketEvent, format_number

ZONE: Final = timezone(timedelta(hours=8))
LETTERS: Final = {"personal": "A", "corporate": "B", "wealth": "C"}


def moment(day: date, at_s: float) -> datetime:
    """Seconds of a day as a time in UTC, to the microsecond."""
    return (datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(seconds=at_s)).astimezone(UTC)


@dataclass(slots=True)
class Seen:
    """One ticket as the hub knows it; seconds of the day. -1: not yet."""

    number: str
    service: str
    priority: Priority
    came_s: float
    lane: Lane = Lane.COUNTER
    known_s: float = -1.0  # when the hub heard of it
    called_s: float = -1.0
    began_s: float = -1.0
    ended_s: float = -1.0
    counter: str = ""
    outcome: str = ""
    waiting: bool = True
    joined_s: float = -1.0  # since when in the line it is in now; -1: since it came
    before: list[tuple[str, float, float, str]] = field(default_factory=list)  # service, called, ended, counter


class House(Protocol):
    """What a queue can do. `now_s`: seconds of the day."""

    tickets: dict[str, Seen]

    def begin(self, day: date) -> None:
        """A new day; everything of the last one is settled."""
        ...

    def issue(self, visitor: Visitor, kiosk: int, now_s: float, *, cut: bool) -> str:
        """A terminal gives a number; `cut`: the hub does not hear of it before `reconnect`."""
        ...

    def reconnect(self, kiosk: int, now_s: float) -> None:
        """A terminal that was cut off tells what it owes."""
        ...

    def call_next(self, services: tuple[str, ...], counter: str, now_s: float, lane: Lane) -> str | None:
        """The number that is called, or None."""
        ...

    def event(
        self, number: str, event: TicketEvent, now_s: float, *, counter: str = "", service: str = "",
        lane: Lane | None = None,
    ) -> bool:  # fmt: skip
        """Something happens to a ticket; False where the hub refuses."""
        ...

    def stand(self, counter: str, services: tuple[str, ...], doing: str, now_s: float, back_s: float = -1.0) -> None:
        """A clerk tells the desk that the counter opens, pauses (until `back_s`) or closes."""
        ...


def note(seen: Seen, event: TicketEvent, now_s: float, counter: str, service: str, lane: Lane | None) -> None:
    """What an event leaves in the record."""
    match event:
        case TicketEvent.CALLED:
            seen.called_s, seen.counter, seen.waiting = now_s, counter, False
        case TicketEvent.SERVING_BEGAN:
            seen.began_s = now_s
        case TicketEvent.FINISHED:
            seen.ended_s, seen.outcome = now_s, "done"
        case TicketEvent.MISSED:
            seen.ended_s, seen.outcome = now_s, "no_show"
        case TicketEvent.GIVEN_BACK:
            seen.ended_s, seen.outcome, seen.waiting = now_s, "given_back", False
        case TicketEvent.TRANSFERRED:
            if seen.began_s >= 0:
                seen.before.append((seen.service, seen.called_s, now_s, seen.counter))
            seen.service, seen.lane = service or seen.service, lane or seen.lane
            seen.waiting, seen.joined_s = True, now_s
            seen.called_s = seen.began_s = -1.0


class RuleHouse:
    """The rules in memory: the same choices as the hub, without wire, disk and database."""

    def __init__(self) -> None:
        self.tickets: dict[str, Seen] = {}

    def begin(self, day: date) -> None:
        self.day = day
        self.tickets = {}
        self._running: dict[tuple[str, int], int] = {}
        self._lines: dict[tuple[str, Lane], dict[str, Waiter]] = {}
        self._passed: dict[tuple[str, Lane], int] = {}
        self._waiters: dict[str, Waiter] = {}
        self._late: dict[int, list[str]] = {}
        self._seq = 0

    def issue(self, visitor: Visitor, kiosk: int, now_s: float, *, cut: bool) -> str:
        key = (visitor.service, kiosk)
        running = self._running[key] = self._running.get(key, 0) + 1
        number = format_number(NumberParts(LETTERS[visitor.service], kiosk, running))
        self._seq += 1
        self._waiters[number] = Waiter(
            number=number, came=moment(self.day, now_s), device=f"kiosk-{kiosk}", seq=self._seq,
            priority=visitor.priority,
        )  # fmt: skip
        seen = Seen(number, visitor.service, visitor.priority, now_s)
        self.tickets[number] = seen
        if cut:
            self._late.setdefault(kiosk, []).append(number)
        else:
            self._join(seen, now_s)
        return number

    def reconnect(self, kiosk: int, now_s: float) -> None:
        for number in self._late.pop(kiosk, []):
            self._join(self.tickets[number], now_s)

    def call_next(self, services: tuple[str, ...], counter: str, now_s: float, lane: Lane) -> str | None:
        now = moment(self.day, now_s)
        best: tuple[Waiter, tuple[str, Lane], int] | None = None
        for service in services:
            line = self._lines.get((service, lane))
            if not line:
                continue
            first = min(line.values(), key=arrival)
            passed = self._passed.get((service, lane), 0)
            ahead = first if passed >= MAX_PASSED else min(line.values(), key=lambda waiter: place(waiter, now))
            if best is None or place(ahead, now) < place(best[0], now):
                best = ahead, (service, lane), 0 if ahead is first else passed + 1
        if best is None:
            return None
        waiter, key, passed = best
        self._passed[key] = passed
        del self._lines[key][waiter.number]
        note(self.tickets[waiter.number], TicketEvent.CALLED, now_s, counter, "", None)
        return waiter.number

    def event(
        self, number: str, event: TicketEvent, now_s: float, *, counter: str = "", service: str = "",
        lane: Lane | None = None,
    ) -> bool:  # fmt: skip
        seen = self.tickets[number]
        if event is TicketEvent.GIVEN_BACK and not seen.waiting:
            return False
        if seen.known_s < 0:  # the terminal has told nobody: nothing can happen to it at the hub
            if event is TicketEvent.GIVEN_BACK:
                note(seen, event, now_s, counter, service, lane)
                for late in self._late.values():
                    if number in late:
                        late.remove(number)
                return True
            return False
        if seen.waiting:
            self._lines[(seen.service, seen.lane)].pop(number, None)
        note(seen, event, now_s, counter, service, lane)
        if event is TicketEvent.TRANSFERRED:
            self._join(seen, now_s)
        return True

    def stand(self, counter: str, services: tuple[str, ...], doing: str, now_s: float, back_s: float = -1.0) -> None:
        """The rules of calling do not ask who is there."""

    def _join(self, seen: Seen, now_s: float) -> None:
        seen.known_s = now_s
        self._lines.setdefault((seen.service, seen.lane), {})[seen.number] = self._waiters[seen.number]
