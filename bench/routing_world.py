"""Terminals, tellers and hub workers in small, in virtual time: everything that asks, accepts, refuses, dies, returns.

Time, the people and the kills are simulated; the hub's ingest, store, rule and sweep are the real ones. A kill is a
transaction that never commits, or a worker that is gone after its commit, before it told anybody. The random walk of
`bench routing` and the state machine of the tests both drive this, and both read the database past the hub's own code.
"""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, get_args

from config.routing import load_routing
from contracts import topics
from contracts import video_messages as v
from contracts.video import OVER, WITH_TELLER, CaseState, EndReason, Refusal, TellerState
from hub.bus import Arrived
from hub.ingest import Ingest
from hub.store import Store
from hub.video import acts
from hub.video.pool import NotNow, Pool
from hub.video.standing import standings
from hub.video.sweep import sweep

BRANCHES: Final = ("binjiang", "jiefang")
SERVICES: Final = ("personal", "personal", "personal", "corporate", "wealth")
BEGAN: Final = datetime(2026, 11, 21, 1, 0, tzinfo=UTC)
TEAM: Final[tuple[dict[str, Any], ...]] = (
    {"services": ["personal"], "languages": ["zh"], "level": 2},
    {"services": ["personal"], "languages": ["zh"], "level": 3, "calm": True},
    {"services": ["personal", "corporate"], "languages": ["zh"], "level": 3},
    {"services": ["personal"], "languages": ["zh", "en"], "level": 3, "sign": True},
    {"services": ["personal", "corporate", "wealth"], "languages": ["zh", "en"], "level": 5, "licence": True},
    {"services": ["personal", "wealth"], "languages": ["zh"], "level": 4, "licence": True, "dialects": ["yue"]},
)
HEAL_ROUNDS: Final = 1_000


class Killed(Exception):
    """The hub worker died in the middle of its transaction."""


@dataclass(slots=True)
class Findings:
    """What must not happen, and how much was done."""

    double_assigned: int = 0
    stuck: int = 0
    against_the_rule: int = 0
    inversions: int = 0  # decisions that passed over somebody who came earlier
    max_passed: int = 0  # times any one was passed over
    max_later_s: float = 0.0  # how much later somebody came who was preferred
    decisions: int = 0
    done: Counter[str] = field(default_factory=Counter)


class Terminal:
    """A kiosk with a visitor now and then; messages are numbered, and may arrive twice."""

    def __init__(self, world: RoutingWorld, number: int) -> None:
        self.world = world
        self.branch, self.device = BRANCHES[number % len(BRANCHES)], f"kiosk-{number}"
        self.log, self.seq, self.case = f"log-{number}", 0, ""
        self.alive = True

    def op(self, body: v.CaseOperation) -> Arrived:
        self.seq += 1
        row = topics.CASE_OP
        message = v.CaseOp(id=f"{self.seq}", at=self.world.now, mono_ns=0, log=self.log, seq=self.seq,
                           follows=self.seq - 1, body=body)  # fmt: skip
        return Arrived(row.at(self.branch, self.device), row.encode(message))

    def here(self, media: v.Media = "none") -> Arrived:
        row = topics.CASE_HERE
        said = v.CaseHere(id="h", at=self.world.now, mono_ns=0, case=self.case, media=media)
        return Arrived(row.at(self.branch, self.device), row.encode(said))


class RoutingWorld:
    """The pool. Each public method is one event; False: it could not happen."""

    def __init__(
        self, folder: Path, *, terminals: int, workers: int, seed: int, tellers: int = len(TEAM), die: float = 0.02
    ) -> None:
        self.chance = random.Random(seed)
        self.now, self.die, self.rules = BEGAN, die, load_routing()
        self.findings = Findings()
        self.store = Store(f"sqlite:///{folder}/hub.db")
        self.workers = [self._worker() for _ in range(workers)]
        self.terminals = [Terminal(self, number) for number in range(terminals)]
        self.tellers = [f"teller-{number}" for number in range(tellers)]
        self.desks: set[str] = set()  # that are open: heard every few seconds
        self.asked = 0
        self._eyes = sqlite3.connect(folder / "hub.db")
        self._seen_decision = 0
        self._passed: Counter[str] = Counter()
        self._skills: dict[str, dict[str, Any]] = {}
        for number, name in enumerate(self.tellers):
            profile = TEAM[number % len(TEAM)]
            self._skills[name] = profile
            self.store.apply(lambda db, who=name, can=profile: acts.enrol(Pool(db, self.rules, self.now), who, **can))  # type: ignore[misc]

    def _worker(self) -> Ingest:
        return Ingest(
            self.store, acknowledge=_ignore, queue_moved=_ignore, changed=_ignore, now=lambda: self.now,
            rules=self.rules,
        )  # fmt: skip

    # --- how things reach the hub ---------------------------------------------------------------

    def deliver(self, *batch: Arrived) -> None:
        """To one of the workers, which may die: then the terminal sends it again, as it was not acknowledged."""
        which = self.chance.randrange(len(self.workers))
        for _ in range(8):
            fate = self.chance.random()
            if fate >= self.die:
                self.workers[which].take(list(batch))
                if fate < 2 * self.die:  # gone after its commit: nobody was told, and the message comes again
                    self.findings.done["worker died after its commit"] += 1
                    self.workers[which] = self._worker()
                    self.workers[which].take(list(batch))
                break
            self._die_in(lambda worker=self.workers[which]: worker.take(list(batch)))  # type: ignore[misc]
            self.workers[which] = self._worker()
        self.check()

    def act(self, work: Callable[[Pool], None]) -> bool:
        """Somebody at a desk does something; the web process may die in it."""
        if self.chance.random() < self.die:
            self._die_in(lambda: self.store.apply(lambda db: work(Pool(db, self.rules, self.now))))
            self.check()
            return False
        try:
            self.store.apply(lambda db: work(Pool(db, self.rules, self.now)))
        except NotNow:
            return False
        finally:
            self.check()
        return True

    def _die_in(self, work: Callable[[], Any]) -> None:
        real = self.store.apply

        def die(inside: Any) -> Any:
            with self.store.write() as db:
                inside(db)
                raise Killed

        self.store.apply = die  # type: ignore[method-assign,assignment]
        try:
            work()
        except (Killed, NotNow):
            self.findings.done["worker died before its commit"] += 1
        finally:
            self.store.apply = real  # type: ignore[method-assign]

    # --- visitors -------------------------------------------------------------------------------

    def ask(self, terminal: Terminal) -> bool:
        """A visitor wants a teller; one who is still there is replaced by the next."""
        if not terminal.alive:
            return False
        chance = self.chance
        self.asked += 1
        terminal.case = f"case-{self.asked:07d}"
        service = chance.choice(SERVICES)
        need = v.Need(
            service=service, language="en" if chance.random() < 0.1 else "zh", sign=chance.random() < 0.03,
            calm=chance.random() < 0.1, dialect="yue" if chance.random() < 0.05 else "", licence=service == "wealth",
        )  # fmt: skip
        asked = v.TellerAsked(
            case=terminal.case, visit=f"visit-{self.asked}", packet=None, need=need,
            level=chance.choice(("asked", "asked", "asked", "trouble", "urgent")),
            risk=chance.choice(("low", "low", "low", "low", "medium", "high")), waited_s=chance.uniform(0, 600),
            alias=f"{chance.randrange(40):032x}" if chance.random() < 0.5 else "",
        )  # fmt: skip
        sent = terminal.op(asked)
        self.deliver(*([sent, sent] if chance.random() < 0.05 else [sent]))
        return True

    def leave(self, terminal: Terminal) -> bool:
        if not terminal.case or not terminal.alive:
            return False
        why: EndReason = self.chance.choice(("left", "left", "cancelled", "ticket", "self_service", "staff"))
        self.deliver(terminal.op(v.CaseLeft(case=terminal.case, why=why)))
        terminal.case = ""
        return True

    def put_off(self, terminal: Terminal) -> bool:
        """A call-back, or a message, in place of waiting."""
        if not terminal.case or not terminal.alive:
            return False
        need = v.Need(service="personal", language="zh")
        if self.chance.random() < 0.5:
            body: v.CaseOperation = v.MessageLeft(case=terminal.case, visit="v", text="请回电", need=need)
        else:
            at = self.now + timedelta(minutes=self.chance.randint(15, 600))
            code = f"{self.chance.randrange(10**6):06d}"
            body = v.CallBackAsked(case=terminal.case, visit="v", at=at, code=code, need=need)
        self.deliver(terminal.op(body))
        terminal.case = ""
        return True

    def vanish(self, terminal: Terminal) -> bool:
        """The terminal loses its network or its power, or has it again."""
        terminal.alive = not terminal.alive
        return True

    def media(self, terminal: Terminal) -> bool:
        """The terminal says how the call is: up, or lost."""
        if not terminal.case or not terminal.alive:
            return False
        self.deliver(terminal.here(self.chance.choice(("up", "up", "up", "lost"))))
        return True

    # --- tellers --------------------------------------------------------------------------------

    def come(self, teller: str) -> bool:
        """The desk is opened, or opened again, and its teller is ready."""
        (doing,) = self._eyes.execute("SELECT state FROM tellers WHERE person = ?", (teller,)).fetchone()
        if teller in self.desks and doing not in ("offline", "break"):
            return False
        self.desks.add(teller)
        return self.act(lambda pool: acts.ready(pool, teller, ["*"]))

    def go(self, teller: str) -> bool:
        """A break, the end of the day, or the desk dies without a word."""
        if teller not in self.desks:
            return False
        fate = self.chance.random()
        if fate < 0.4:
            return self.act(lambda pool: acts.rest(pool, teller))
        self.desks.discard(teller)
        return fate < 0.7 or self.act(lambda pool: acts.off(pool, teller))

    def work(self, teller: str) -> bool:
        """The teller goes on with what is held: accepts or refuses, begins, ends, transfers, writes."""
        if teller not in self.desks:
            return False
        held = self._eyes.execute(
            "SELECT video_case, state FROM video_cases WHERE teller = ? AND state IN (?, ?, ?, ?, ?)",
            (teller, *sorted(WITH_TELLER)),
        ).fetchone()
        if held is None:
            return False
        case, state, dice = held[0], CaseState(held[1]), self.chance.random()
        why = self.chance.choice(get_args(Refusal))
        need = v.Need(service=self.chance.choice(SERVICES), language="zh")
        match state:
            case CaseState.OFFERED if dice < 0.2:
                return self.act(lambda pool: acts.refuse(pool, teller, case, why))
            case CaseState.OFFERED:
                return self.act(lambda pool: acts.accept(pool, teller, case))
            case CaseState.CONNECTING if dice < 0.9:
                return self.act(lambda pool: acts.connected_by_desk(pool, teller, case))
            case CaseState.TALKING | CaseState.RECONNECTING if dice < 0.15:
                return self.act(lambda pool: acts.transfer(pool, teller, case, need, "请接着办"))
            case CaseState.TALKING if dice < 0.6:
                return self.act(lambda pool: acts.hang_up(pool, teller, case))
            case CaseState.WRAPPING_UP if dice < 0.8:
                return self.act(lambda pool: acts.file(pool, teller, case, "solved", ""))
        return False

    def supervise(self) -> bool:
        """A supervisor gives a case to somebody by hand."""
        row = self._eyes.execute(
            "SELECT video_case FROM video_cases WHERE state IN ('waiting', 'offered') ORDER BY came LIMIT 1"
        ).fetchone()
        if row is None:
            return False
        who = self.chance.choice(self.tellers)
        return self.act(lambda pool: acts.assign(pool, "boss", row[0], who))

    # --- time -----------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        """Everybody who is there is heard every few seconds; then somebody sweeps."""
        left = seconds
        while left > 0:
            step = min(left, 15.0)
            left -= step
            self.now += timedelta(seconds=step)
            self.beat()
            self.sweep()

    def beat(self) -> None:
        heard = [terminal.here() for terminal in self.terminals if terminal.alive and terminal.case]
        if heard:
            self.deliver(*heard)
        desks = sorted(self.desks)

        def work(pool: Pool) -> None:
            for desk in desks:
                acts.heard(pool, desk)

        if desks:
            self.act(work)

    def sweep(self) -> None:
        """Any worker does what is due; it may die in it, then another one does."""
        if self.chance.random() < self.die:
            self._die_in(lambda: sweep(self.store, self.rules, self.now))
        sweep(self.store, self.rules, self.now)
        self.check()
        self.findings.stuck += self._overdue() + self._idle_pairs()

    def tell(self) -> int:
        """What terminals would be told now; how many."""
        cases = [terminal.case for terminal in self.terminals if terminal.case]
        return len(standings(self.store, self.rules, cases, self.now))

    # --- what must be true ----------------------------------------------------------------------

    def check(self) -> None:
        """Read past the hub's own code after every event."""
        held = self._eyes.execute(
            "SELECT teller, video_case, state FROM video_cases WHERE state IN (?, ?, ?, ?, ?)", sorted(WITH_TELLER)
        ).fetchall()
        found = self.findings
        found.double_assigned += len(held) - len({teller for teller, _, _ in held})
        desks = {case: (person, state) for person, state, case in self._eyes.execute(
            "SELECT person, state, video_case FROM tellers WHERE video_case != ''")}  # fmt: skip
        found.double_assigned += len(desks.keys() ^ {case for _, case, _ in held})
        for teller, case, state in held:
            person, doing = desks.get(case, ("", ""))
            found.double_assigned += person != teller or doing != DOING[CaseState(state)]
        self._judge()

    def _judge(self) -> None:
        """Every decision of the rule since the last look, against the line as it was when it was taken."""
        new = self._eyes.execute(
            "SELECT id, video_case, teller, how FROM video_decisions WHERE id > ? ORDER BY id", (self._seen_decision,)
        ).fetchall()
        if not new:
            return
        self._seen_decision = new[-1][0]
        heard = (self.now - timedelta(seconds=self.rules.limits.terminal_heard_s)).replace(tzinfo=None)
        waiting = {row[0]: row for row in self._eyes.execute(
            LOOK + "WHERE state = 'waiting' AND seen > ?", (f"{heard:%F %T.%f}",)
        )}  # fmt: skip
        taken = [self._eyes.execute(LOOK + "WHERE video_case = ?", (row[1],)).fetchone() for row in new]
        for at, (_, case, teller, how) in enumerate(new):
            self.findings.decisions += 1
            if how == "assigned":
                continue
            mine = taken[at]
            self.findings.against_the_rule += not self._able(teller, mine)
            line = {**waiting, **{row[0]: row for row in taken[at + 1 :]}}
            earlier = [row for row in line.values() if row[1] < mine[1] and row[0] != case and self._able(teller, row)]
            self.findings.inversions += bool(earlier)
            for row in earlier:
                self._passed[row[0]] += 1
                self.findings.max_passed = max(self.findings.max_passed, self._passed[row[0]])
                later_s = (_utc(mine[1]) - _utc(row[1])).total_seconds()
                self.findings.max_later_s = max(self.findings.max_later_s, later_s)

    def _able(self, teller: str, row: tuple[Any, ...]) -> bool:
        """The conditions once more, in other words than the hub's."""
        can, (_, _, service, language, sign, licence, risk, refused) = self._skills[teller], row
        until = json.loads(refused).get(teller)
        return (
            service in can["services"] and language in can["languages"] and (can.get("sign", False) or not sign)
            and (can.get("licence", False) or not licence) and can["level"] >= self.rules.least_level(risk)
            and (until is None or datetime.fromisoformat(until) <= self.now)
        )  # fmt: skip

    def _overdue(self) -> int:
        """Cases whose time was over and that nobody decided."""
        now = f"{self.now.replace(tzinfo=None):%F %T.%f}"
        (count,) = self._eyes.execute(
            "SELECT count(*) FROM video_cases WHERE deadline <= ? AND state IN (?, ?, ?, ?, ?)",
            (now, *sorted(WITH_TELLER)),
        ).fetchone()
        return int(count)

    def _idle_pairs(self) -> int:
        """A free teller, and a visitor whom this teller could serve: after a sweep there is no such pair."""
        limits = self.rules.limits
        desk = (self.now - timedelta(seconds=limits.teller_heard_s)).replace(tzinfo=None)
        kiosk = (self.now - timedelta(seconds=limits.terminal_heard_s)).replace(tzinfo=None)
        free = self._eyes.execute(
            "SELECT person FROM tellers WHERE state = 'ready' AND seen > ?", (f"{desk:%F %T.%f}",)
        ).fetchall()
        line = self._eyes.execute(LOOK + "WHERE state = 'waiting' AND seen > ?", (f"{kiosk:%F %T.%f}",)).fetchall()
        return sum(self._able(person, row) for (person,) in free for row in line)

    # --- the end --------------------------------------------------------------------------------

    def heal(self) -> int:
        """Everybody is there and does their work; how many cases are never over all the same."""
        self.die = 0.0
        for terminal in self.terminals:
            terminal.alive = True
        for _ in range(HEAL_ROUNDS):
            open_cases = self._open()
            if not open_cases:
                break
            for terminal in self.terminals:
                if terminal.case and terminal.case not in open_cases:
                    terminal.case = ""
                elif terminal.case and self._hopeless(terminal.case):
                    self.leave(terminal)  # told that nobody can: another way is chosen
            for teller in self.tellers:
                self.desks.add(teller)
                self.work(teller)
                self.act(lambda pool, who=teller: acts.ready(pool, who, ["*"]))  # type: ignore[misc]
            self.pass_time(12)
        return len(self._open())

    def _hopeless(self, case: str) -> bool:
        """Whether nobody of the whole team could serve a case, were all there and none had refused."""
        row = self._eyes.execute(LOOK + "WHERE video_case = ? AND state = 'waiting'", (case,)).fetchone()
        return row is not None and not any(self._able(teller, (*row[:-1], "{}")) for teller in self.tellers)

    def _open(self) -> set[str]:
        marks = ", ".join("?" * len(OVER))
        rows = self._eyes.execute(f"SELECT video_case FROM video_cases WHERE state NOT IN ({marks})", sorted(OVER))  # noqa: S608
        return {row[0] for row in rows}

    def is_over(self, case: str) -> bool:
        """Whether nothing happens to this case any more; also one that no hub ever heard of, as its asking was lost."""
        row = self._eyes.execute("SELECT state FROM video_cases WHERE video_case = ?", (case,)).fetchone()
        return row is None or CaseState(row[0]) in OVER

    def end(self) -> None:
        self._eyes.close()
        self.store.close()


LOOK: Final = "SELECT video_case, came, service, language, sign, licence, risk, refused FROM video_cases "
DOING: Final = {
    CaseState.OFFERED: TellerState.OFFERED,
    CaseState.CONNECTING: TellerState.BUSY,
    CaseState.TALKING: TellerState.BUSY,
    CaseState.RECONNECTING: TellerState.BUSY,
    CaseState.WRAPPING_UP: TellerState.AFTER_WORK,
}
"""What a teller is doing who holds a case in this state."""


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _ignore(_what: object) -> None:
    return None
