"""A branch in small: terminals, hub workers and counters over a network that fails, in virtual time.

Everything but time, the network and the kills is the real thing: the terminals' outboxes, desks and clocks, the
hub's ingest, queue and store. A kill here is an object that is dropped between two steps, or a transaction that
never commits; processes are killed for real in `bench sync`. The random walk of `bench queue` and the state
machine of the tests both drive this.
"""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from contracts import messages as m
from contracts import topics
from contracts.queueing import Lane, Priority, Waiter, arrival, choose
from contracts.tickets import ENDED, TicketEvent, TicketState
from hub import queue
from hub.bus import Arrived, Outgoing
from hub.ingest import Ingest
from hub.store import Store, refused, tickets
from kiosk.queueing.desk import ServiceView, Ticket, TicketDesk
from kiosk.queueing.own_line import NotHere, NotNow
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox

BRANCH: Final = "binjiang"
SERVICES: Final = (ServiceView("personal", "A"), ServiceView("corporate", "B"), ServiceView("wealth", "C"))
ZONE: Final = timezone(timedelta(hours=8))
BEGAN: Final = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)  # nine in the morning at the branch
WINDOW: Final = 64
NETWORK_S: Final = (0.005, 0.4)  # how long an answer takes


class Killed(Exception):
    """The hub worker died in the middle of its transaction."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What truly happened: a ticket issued at `at` of true time."""

    day: str
    number: str
    device: str
    seq: int
    at: datetime
    service: str


@dataclass(slots=True)
class Findings:
    """What must not happen, and how much was done."""

    duplicate_numbers: int = 0
    order_violations: int = 0
    double_calls: int = 0
    max_starvation_s: float = 0.0
    max_passed_in_a_row: int = 0
    done: Counter[str] = field(default_factory=Counter)


class Terminal:
    """One kiosk with a clock that is wrong by up to a day and a disk that survives everything."""

    def __init__(self, world: World, digit: int) -> None:
        self.world, self.digit = world, digit
        self.device = f"kiosk-{digit}"
        self.path = world.folder / f"{self.device}.db"
        self.skew = timedelta(seconds=world.chance.uniform(-86_400, 86_400))
        self.rate = 1 + world.chance.uniform(-5e-5, 5e-5)  # a quartz of fifty parts in a million
        self.boots = 0
        self.booted_at = world.now
        self.cut_off = False
        self.sent_ns: dict[int, int] = {}
        self.in_flight: list[Arrived] = []
        self.answers: list[tuple[m.Ack, int]] = []
        self.given: list[tuple[str, str]] = []
        self.done_here: list[tuple[str, str]] = []
        self.start()

    def start(self) -> None:
        """The program begins; what it knows comes from its disk."""
        keeper = Timekeeper(wall=self.wall, mono_ns=self.mono_ns, boot=f"{self.device}-{self.boots}")
        self.outbox = Outbox(self.path, keeper=keeper)
        self.desk = TicketDesk(self.outbox, SERVICES, kiosk_digit=self.digit, device=self.device)
        self.first_own = self.outbox.highest() + 1
        self.sent_ns.clear()

    def wall(self) -> datetime:
        return self.world.now + self.skew

    def mono_ns(self) -> int:
        return int((self.world.now - self.booted_at).total_seconds() * self.rate * 1e9)

    def local(self) -> datetime:
        return self.wall().astimezone(ZONE)

    @property
    def day(self) -> str:
        return self.desk.business_day(self.local())

    # --- what people do -------------------------------------------------------------------------

    def issue(self, service: str, priority: Priority, due: datetime | None) -> Ticket:
        world = self.world
        visit = f"v{len(world.taken)}"
        ticket = self.desk.issue(service, visit=visit, language="zh", at=self.local(), priority=priority, due=due)
        key = (ticket.day, ticket.number)
        world.findings.duplicate_numbers += key in world.taken
        world.taken[key] = Taken(*key, self.device, ticket.seq, world.now, service)
        self.given.append(key)
        return ticket

    def give_back(self) -> bool:
        day, number = self.world.chance.choice(self.given[-30:]) if self.given else ("", "")
        return self.desk.give_back(number, day=day)

    def staff(self) -> str | None:
        """Staff at the terminal, cut off from the hub: call, or go on with whom they called."""
        chance, day = self.world.chance, self.day
        active = [t for t in self.desk.line.waiting(day) if t.counter]
        if active and chance.random() < 0.7:
            ticket = chance.choice(active)
            event = chance.choice(
                [TicketEvent.RECALLED, TicketEvent.SERVING_BEGAN, TicketEvent.FINISHED, TicketEvent.FINISHED,
                 TicketEvent.MISSED, TicketEvent.REQUEUED, TicketEvent.PARKED, TicketEvent.TRANSFERRED]
            )  # fmt: skip
            try:
                after = self.desk.line.handle(day, ticket.number, event, service=chance.choice(SERVICES).id)
            except (NotNow, NotHere):
                return None
            if after is TicketState.DONE:
                self.done_here.append((day, ticket.number))
            return event
        wanted = chance.sample([service.id for service in SERVICES], chance.randint(1, 3))
        number = self.desk.line.call_next(wanted, f"k{self.digit}", day=day)
        return None if number is None else "called"

    # --- the network ----------------------------------------------------------------------------

    def send(self) -> int:
        """Put the window on its way, some of it twice."""
        if self.cut_off:
            return 0
        owed = self.outbox.pending(limit=WINDOW)
        for one in owed:
            if one.seq >= self.first_own:
                self.sent_ns.setdefault(one.seq, self.mono_ns())
            arrived = Arrived(one.topic.at(BRANCH, self.device), one.payload)
            self.in_flight += [arrived] * (2 if self.world.chance.random() < 0.05 else 1)
        return len(owed)

    def send_live(self) -> bool:
        """What is new, ahead of the backlog."""
        live = self.desk.live(self.local())
        if self.cut_off or not live.owed:
            return False
        said = m.KioskQueue(
            id="live", at=self.wall(), mono_ns=self.mono_ns(), log=self.outbox.log, day=live.day,
            tickets=live.tickets, owed=live.owed,
        )  # fmt: skip
        row = topics.KIOSK_QUEUE
        self.in_flight.append(Arrived(row.at(BRANCH, self.device), row.encode(said)))
        return True

    def hear(self) -> bool:
        """One acknowledgement arrives, perhaps an old one."""
        if self.cut_off or not self.answers:
            return False
        ack, _ = self.answers.pop(self.world.chance.randrange(len(self.answers)))
        if ack.log == self.outbox.log:
            sent_ns = self.sent_ns.get(ack.applied)
            self.outbox.acknowledged(ack.applied, sent_ns=sent_ns, hub_at=ack.at)
            self.sent_ns = {seq: at for seq, at in self.sent_ns.items() if seq > ack.applied}
        return True

    def hear_queue(self, state: m.TicketsState) -> None:
        if not self.cut_off:
            self.desk.catch_up(state)

    # --- misfortune -----------------------------------------------------------------------------

    def kill(self, *, machine: bool) -> None:
        """The program dies; with `machine` the monotonic clock begins anew and the wall clock may be wrong again."""
        self.outbox.close()
        self.in_flight.clear()
        self.answers.clear()
        if machine:
            self.boots += 1
            self.booted_at = self.world.now
        self.start()

    def step_clock(self) -> None:
        """Somebody sets the wall clock, by up to a day; the terminal notices within half a minute."""
        self.skew = timedelta(seconds=self.world.chance.uniform(-86_400, 86_400))
        self.outbox.anchor_clock()


class World:
    """The branch. Each public method is one step; `check` holds what must be true at every moment."""

    def __init__(self, folder: Path, *, terminals: int, workers: int, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.now = BEGAN
        self.taken: dict[tuple[str, str], Taken] = {}
        self.findings = Findings()
        self.store = Store(f"sqlite:///{folder}/hub.db")
        self.acks: list[Outgoing] = []
        self.workers = [self._worker() for _ in range(workers)]
        self.terminals = [Terminal(self, digit) for digit in range(terminals)]
        self._eyes = sqlite3.connect(folder / "hub.db")  # what is truly there, read without the hub's own code
        self._passed: Counter[tuple[str, Lane]] = Counter()
        self._seen_day: str | None = None

    def _worker(self) -> Ingest:
        return Ingest(
            self.store, acknowledge=self.acks.append, queue_moved=_ignore, changed=_ignore, now=lambda: self.now
        )

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def deliver(self, terminal: Terminal, *, die: float = 0.0, reorder: bool = True) -> int:
        """Some of what is on its way reaches a hub worker, in any order; the worker may die (chance `die`)."""
        flying = terminal.in_flight
        if not flying or terminal.cut_off:
            return 0
        if reorder:
            self.chance.shuffle(flying)
        count = min(len(flying), self.chance.randint(1, 64))
        batch, terminal.in_flight = flying[:count], flying[count:]
        if self.chance.random() < 0.05:
            terminal.in_flight += batch[: count // 2]  # the broker delivers them again
        self.pass_time(self.chance.uniform(*NETWORK_S))
        which = self.chance.randrange(len(self.workers))
        self.acks.clear()
        dies = self.chance.random()
        if dies < die:
            self._die_in(which, batch)
            return count
        self.workers[which].take(batch)
        if dies < 2 * die:
            self.acks.clear()  # it died between its commit and its answer
            self.workers[which] = self._worker()
        self.pass_time(self.chance.uniform(*NETWORK_S))
        for outgoing in self.acks:
            ack = topics.ACK.decode(outgoing.payload)
            if self.chance.random() < 0.9:
                terminal.answers.append((ack, terminal.mono_ns()))
        del terminal.answers[:-64]
        return count

    def _die_in(self, which: int, batch: list[Arrived]) -> None:
        """The transaction is done but for its commit; then nothing of it has happened."""
        real, worker = self.store.apply, self.workers[which]

        def die(work: Any) -> Any:
            with self.store.write() as db:
                work(db)
                raise Killed

        self.store.apply = die  # type: ignore[method-assign]
        try:
            worker.take(batch)
        except Killed:
            self.findings.done["worker died before its commit"] += 1
        finally:
            self.store.apply = real  # type: ignore[method-assign]
        self.workers[which] = self._worker()

    # --- counters -------------------------------------------------------------------------------

    def call(self, counter: str) -> str | None:
        """A counter calls the next of some services; held against the rules over the whole line."""
        wanted = self.chance.sample([service.id for service in SERVICES], self.chance.randint(1, 3))
        lane = self.chance.choice([Lane.COUNTER] * 8 + [Lane.VIDEO, Lane.KIOSK])
        before = {service: self._line(service, lane) for service in wanted}
        with self.store.write() as db:
            number = queue.call_next(db, BRANCH, wanted, counter, lane=lane, now=self.now)
        same = [(service, waiter) for service in wanted for waiter in before[service] if waiter.number == number]
        if number is None or not same:
            self.findings.order_violations += number is not None or any(before.values())
            return None
        self.findings.duplicate_numbers += len(same) - 1  # two people in one line with one number
        service, called = same[0]
        self._judge(called, before[service], (service, lane))
        return number

    def _judge(self, called: Waiter, line: list[Waiter], key: tuple[str, Lane]) -> None:
        """The hub chose from three candidates; the rule over the whole line must say the same."""
        found = self.findings
        chosen = choose(line, self._passed[key], self.now)
        found.order_violations += chosen is None or chosen[0] != called
        first = min(line, key=arrival)
        found.max_starvation_s = max(found.max_starvation_s, (called.came - first.came).total_seconds())
        self._passed[key] = 0 if first == called else self._passed[key] + 1
        found.max_passed_in_a_row = max(found.max_passed_in_a_row, self._passed[key])

    def _line(self, service: str, lane: Lane) -> list[Waiter]:
        """Who waits in a line, read past the hub's own code."""
        (day,) = self._eyes.execute("SELECT max(line_day) FROM tickets WHERE branch = ?", (BRANCH,)).fetchone()
        if day != self._seen_day:  # `passed` counts by day
            self._seen_day = day
            self._passed.clear()
        rows = self._eyes.execute(
            "SELECT number, came, device, seq, priority, due FROM tickets"
            " WHERE branch = ? AND line_day = ? AND service = ? AND lane = ? AND in_line",
            (BRANCH, day, service, lane),
        )
        return [
            Waiter(
                number=number,
                came=_utc(came),
                device=device,
                seq=seq,
                priority=Priority(priority),
                due=_utc(due) if due else None,
            )
            for number, came, device, seq, priority, due in rows
        ]

    def desk(self) -> str | None:
        """A counter does something with a ticket that is not in line any more, or moves one that is."""
        open_ones = self._eyes.execute(
            "SELECT day, number FROM tickets WHERE branch = ?"
            " AND line_day = (SELECT max(line_day) FROM tickets WHERE branch = ?)"
            " AND state IN ('called', 'recalled', 'serving', 'parked', 'transferred', 'no_show')"
            " ORDER BY changed_at LIMIT 40",
            (BRANCH, BRANCH),
        ).fetchall()
        if not open_ones:
            return None
        day, number = self.chance.choice(open_ones)
        event = self.chance.choice(
            [TicketEvent.RECALLED, TicketEvent.SERVING_BEGAN, TicketEvent.SERVING_BEGAN, TicketEvent.FINISHED,
             TicketEvent.FINISHED, TicketEvent.MISSED, TicketEvent.REQUEUED, TicketEvent.PARKED,
             TicketEvent.TRANSFERRED]
        )  # fmt: skip
        lane = self.chance.choice(list(Lane)) if self.chance.random() < 0.2 else None
        try:
            with self.store.write() as db:
                queue.change(
                    db, BRANCH, day, number, event, counter=str(self.chance.randint(1, 6)),
                    service=self.chance.choice(SERVICES).id, lane=lane, now=self.now,
                )  # fmt: skip
        except queue.NotPossible:
            return None
        return event

    def close(self) -> None:
        """Closing time at the hub and at every terminal; what waited is told."""
        with self.store.write() as db:
            queue.close_day(db, BRANCH, now=self.now)
        for terminal in self.terminals:
            terminal.desk.line.settle(terminal.day)

    def publish(self) -> bool:
        """The branch's queue reaches the terminals that can be reached."""
        state = queue.state_of(self.store, BRANCH, self.now)
        for terminal in self.terminals:
            terminal.hear_queue(state)
        return True

    # --- the end --------------------------------------------------------------------------------

    def heal(self) -> bool:
        """The network is whole again; everything owed arrives. False: something never does."""
        for terminal in self.terminals:
            terminal.cut_off = False
            terminal.in_flight.clear()
            terminal.answers.clear()
            for _ in range(200_000):
                if not terminal.outbox.tallies().pending:
                    break
                terminal.send()
                while terminal.in_flight:
                    self.deliver(terminal, reorder=False)
                while terminal.hear():
                    pass
            else:
                return False
        self.publish()
        return True

    def losses(self) -> dict[str, int]:
        """After `heal`: tickets that are not at the hub, people whose being served was forgotten, refusals."""
        rows = self.store.rows(sa.select(tickets))
        at_hub = {(row["day"], row["number"]): row for row in rows}
        missing = sum(key not in at_hub for key in self.taken)
        forgotten = sum(
            key in at_hub and at_hub[key]["state"] not in ENDED
            for terminal in self.terminals
            for key in terminal.done_here
        )
        invented = sum(key not in self.taken for key in at_hub)
        reasons = Counter(row["reason"] for row in self.store.rows(sa.select(refused.c.reason)))
        wrong = sum(count for reason, count in reasons.items() if reason not in ("transition", "rejoins"))
        return {
            "tickets_missing": missing,
            "served_forgotten": forgotten,
            "tickets_invented": invented,
            "operations_refused_wrongly": wrong,
            "merge_conflicts": reasons["transition"] + reasons["rejoins"],
        }

    def order_of_coming(self) -> dict[str, int]:
        """After `heal`: the hub's order against what truly happened. Exact per terminal; between terminals a pair
        counts when the true times differ by more than both uncertainties that were stated."""
        rows = self.store.rows(sa.select(tickets).order_by(tickets.c.device, tickets.c.seq))
        exact = across = compared = unknown = outside = 0
        last: dict[tuple[str, str], Any] = {}
        spans: list[tuple[datetime, datetime, datetime]] = []
        for row in rows:
            key = (row["device"], row["line_day"])
            exact += key in last and row["issued_at"] < last[key]
            last[key] = row["issued_at"]
            if row["within_ms"] is None:
                unknown += 1
                continue
            compared += 1
            true, within = self.taken[(row["day"], row["number"])].at, timedelta(milliseconds=row["within_ms"] + 1)
            outside += abs(row["issued_at"] - true) > within
            spans.append((true - within, true + within, row["issued_at"]))
        latest_done = sorted((high, at) for _, high, at in spans)
        place, newest = 0, datetime.min.replace(tzinfo=UTC)
        for low, _, at in sorted(spans):
            while place < len(latest_done) and latest_done[place][0] < low:
                newest = max(newest, latest_done[place][1])
                place += 1
            across += newest > at
        return {
            "within_a_terminal": exact,
            "between_terminals": across,
            "tickets_compared": compared,
            "tickets_of_unknown_clocks": unknown,
            "outside_stated_uncertainty": outside,
        }

    def end(self) -> None:
        for terminal in self.terminals:
            terminal.outbox.close()
        self._eyes.close()
        self.store.close()


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _ignore(_branch: str) -> None:
    return None
