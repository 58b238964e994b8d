"""The waits of every branch, kept true: worked out again when a branch's queue moves and as time goes on.

Nothing of this happens in the ingest's thread: publishing a queue takes the last known figures, and a thread of its
own works out the next ones and asks for another publication where what people read has changed. What a branch's
history says is read anew a few times a day.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import sqlalchemy as sa

from contracts import messages as m
from contracts.tickets import IN_LINE
from hub.foresight import promises
from hub.foresight.calibration import NEUTRAL, Calibration, Score, calibrate, score
from hub.foresight.floor_now import FloorNow, Post
from hub.foresight.posts import posts_of
from hub.foresight.profile import Prior, Profile, make_profile
from hub.foresight.records import HISTORY, floor_of, visits_of
from hub.foresight.roster import roster_of
from hub.foresight.waiting import Wait, Waits, waits
from hub.queue_changes import current_day
from hub.store import Store

log = logging.getLogger(__name__)

LEARNT_AGAIN: Final = timedelta(hours=6)
CALIBRATED_AGAIN: Final = timedelta(minutes=5)
FRESH_S: Final = 2.0  # figures that are younger are not worked out again for a page
GOES_ON_S: Final = 20.0  # time alone changes waits: while somebody waits they are looked at again
LOOK_S: Final = 0.25
WATCH_S: Final = 1.0
MOST_BRANCHES: Final = 4_000  # whose profiles are kept; the one not asked for longest goes
DELAYED_SHARE: Final = 0.34  # of those in line who will wait longer than the second figure they were told
LEAST_DELAYED: Final = 2


def _nothing(_branch: str, _now: datetime) -> bool:
    return False


@dataclass(slots=True)
class Known:
    """What is known of one branch at the moment."""

    profile: Profile | None = None
    calibration: Calibration = NEUTRAL
    score: Score | None = None
    day: str = ""
    floor: FloorNow | None = None
    raw: Waits = field(default_factory=Waits)
    shown: Waits = field(default_factory=Waits)
    delayed: frozenset[str] = frozenset()
    learnt_at: datetime | None = None
    calibrated_at: datetime | None = None
    at_s: float = -1e9
    took_ms: float = 0.0


class Foresight:
    """Waits by branch. Any thread may ask; one branch is worked out by one thread at a time."""

    def __init__(
        self, store: Store, *, zone_min: int, priors: Mapping[str, Prior] | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC), seed: int | None = None,
    ) -> None:  # fmt: skip
        self._store, self._zone_min, self._now = store, zone_min, now
        self.priors = dict(priors or {})
        self._known: dict[str, Known] = {}
        self._guard = threading.Lock()
        self._working: dict[str, threading.Lock] = {}
        self._draw = np.random.default_rng(seed)
        self._dirty: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.tally: dict[str, int] = {"worked_out": 0, "failed": 0, "dropped_branches": 0}

    @property
    def zone_min(self) -> int:
        """Minutes that the branches' time is ahead of UTC."""
        return self._zone_min

    # --- the thread -----------------------------------------------------------------------------

    def start(self, publish: Callable[[str], None], watch: Callable[[str, datetime], bool] = _nothing) -> None:
        """Begin to work out what moved; `publish` is called where the figures that people read changed, and where
        `watch`, called for each branch every second, says that something is otherwise."""
        self._thread = threading.Thread(target=self._work, args=(publish, watch), name="hub-foresight", daemon=True)
        self._thread.start()

    def halt(self) -> None:
        """Begin nothing more."""
        self._stop.set()

    def stop(self) -> None:
        """End within a second."""
        self.halt()
        if self._thread is not None:
            self._thread.join(1.0)

    def moved(self, branch: str) -> None:
        """The branch's queue changed: its waits are worked out again soon."""
        with self._guard:
            self._dirty[branch] = time.monotonic()

    def _work(self, publish: Callable[[str], None], watch: Callable[[str, datetime], bool]) -> None:
        watched_s = 0.0
        while not self._stop.wait(LOOK_S):
            with self._guard:
                due, self._dirty = self._dirty, {}
            now_s = time.monotonic()
            for branch, known in list(self._known.items()):
                if known.floor is not None and known.floor.waiting and now_s - known.at_s > GOES_ON_S:
                    due.setdefault(branch, now_s)
            for branch in due:
                if self._stop.is_set():
                    return
                self._try(branch, self._look_again, publish)
            if now_s - watched_s > WATCH_S:
                watched_s = now_s
                for branch in list(self._known):
                    self._try(branch, self._watch, publish, watch)

    def _try(self, branch: str, work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(branch, *arguments)
        except sa.exc.SQLAlchemyError as err:
            self.tally["failed"] += 1
            log.error("foresight of a branch: %s", type(err).__name__)
        except Exception:  # a thread's outermost handler: log the traceback, count, go on
            self.tally["failed"] += 1
            log.exception("foresight failed")

    def _look_again(self, branch: str, publish: Callable[[str], None]) -> None:
        before = self._minutes(branch)
        self.look(branch)
        if self._minutes(branch) != before:
            publish(branch)

    def _watch(self, branch: str, publish: Callable[[str], None], watch: Callable[[str, datetime], bool]) -> None:
        if watch(branch, self._now()):
            publish(branch)
            self.moved(branch)

    def _minutes(self, branch: str) -> object:
        known = self._known.get(branch)
        if known is None:
            return None
        of = {number: in_minutes(wait) for number, wait in known.shown.tickets.items()}
        return of, {service: in_minutes(wait) for service, wait in known.shown.newcomers.items()}, known.delayed

    # --- what is asked --------------------------------------------------------------------------

    def at_hand(self, branch: str) -> Known | None:
        """The last figures, at once; None where the branch was never looked at."""
        return self._known.get(branch)

    def fresh(self, branch: str) -> Known:
        """Figures that are two seconds old at most."""
        known = self._known.get(branch)
        if known is not None and time.monotonic() - known.at_s < FRESH_S:
            return known
        return self.look(branch)

    def look(self, branch: str) -> Known:
        """Work a branch's waits out now. Raises `SQLAlchemyError`."""
        with self._guard:
            working = self._working.setdefault(branch, threading.Lock())
        with working:
            known = self._known.get(branch) or self._new(branch)
            now = self._now()
            with self._store.read() as db:
                known.day = current_day(db, branch, (now + timedelta(minutes=self._zone_min)))
            self._learn(branch, known, now)
            began = time.process_time()
            known.floor = floor_of(
                self._store, branch, known.day, now, zone_min=self._zone_min,
                services=tuple(self.priors) or self._services(known), posts=posts_of(self._store, branch, now),
                roster=roster_of(self._store, branch),
            )  # fmt: skip
            if not known.floor.posts:
                known.floor = replace(known.floor, posts=self._assumed(branch, known.floor))
            known.raw = self._play(known)
            known.shown = Waits(
                {number: _made_true(known.calibration, wait) for number, wait in known.raw.tickets.items()},
                {service: _made_true(known.calibration, wait) for service, wait in known.raw.newcomers.items()},
                known.raw.stuck,
            )
            known.took_ms = 1000 * (time.process_time() - began)
            promises.make(self._store, branch, known.day, known.floor, known.raw, known.shown, now)
            known.delayed = self._delayed(branch, known)
            known.at_s = time.monotonic()
            self.tally["worked_out"] += 1
            return known

    def _new(self, branch: str) -> Known:
        with self._guard:
            while len(self._known) >= MOST_BRANCHES:
                oldest = min(self._known, key=lambda one: self._known[one].at_s)
                del self._known[oldest]
                self._working.pop(oldest, None)
                self.tally["dropped_branches"] += 1
            return self._known.setdefault(branch, Known())

    def _services(self, known: Known) -> tuple[str, ...]:
        if known.profile is None:
            return ()
        return tuple(sorted({service for service, _ in known.profile.visits}))

    def _learn(self, branch: str, known: Known, now: datetime) -> None:
        if known.learnt_at is None or not timedelta(0) <= now - known.learnt_at < LEARNT_AGAIN:
            since = (now - HISTORY).date().isoformat()
            known.profile = make_profile(visits_of(self._store, branch, since, self._zone_min), self.priors)
            known.learnt_at = now
        if known.calibrated_at is None or not timedelta(0) <= now - known.calibrated_at < CALIBRATED_AGAIN:
            kept = promises.kept(self._store, branch, now)
            known.calibration = calibrate([one.raw for one in kept])
            known.score = score([one.told for one in kept])
            known.calibrated_at = now

    def _play(self, known: Known) -> Waits:
        floor, profile = known.floor, known.profile
        if floor is None or profile is None:
            return Waits()
        unknown = {one.service for one in floor.waiting if not profile.knows(one.service)}
        if unknown:  # a service of which neither history nor site say anything: its tickets, and only they, wait unsaid
            floor = _without(floor, unknown)
        served = tuple(service for service in floor.services if profile.knows(service))
        if not served:
            return Waits()
        posts = tuple(post for post in floor.posts if not post.service or profile.knows(post.service))
        return waits(replace(floor, services=served, posts=posts), profile, self._draw)

    def _assumed(self, branch: str, floor: FloorNow) -> tuple[Post, ...]:
        """Before any counter has said or called something today: those of the plan, else of the site. They are believed
        for as long as a counter may let people wait."""
        since = min((one.came_s for one in floor.waiting), default=floor.now_s)
        roster = roster_of(self._store, branch)
        planned = [(seat.counter, seat.services) for seat in roster.at(floor.now_s)] if roster is not None else []
        if not planned:
            planned = [
                (f"{service}-{at}", (service,))
                for service, prior in self.priors.items()
                for at in range(prior.counters)
            ]
        return tuple(
            Post(counter=counter, services=services, doing="idle", since_s=since) for counter, services in planned
        )

    def _delayed(self, branch: str, known: Known) -> frozenset[str]:
        """Services whose line waits longer than it was told."""
        floor = known.floor
        if floor is None:
            return frozenset()
        told = promises.told(self._store, branch, known.day, [one.number for one in floor.waiting])
        late: dict[str, list[bool]] = {}
        for one in floor.waiting:
            wait, most = known.shown.tickets.get(one.number), told.get(one.number)
            if wait is not None and most is not None:
                late.setdefault(one.service, []).append(floor.now_s - one.came_s + wait.p50_s > most)
        return frozenset(
            service
            for service, found in late.items()
            if sum(found) >= LEAST_DELAYED and sum(found) >= DELAYED_SHARE * len(found)
        )

    # --- on the wire ----------------------------------------------------------------------------

    def told(self, state: m.TicketsState) -> m.TicketsState:
        """The queue with the waits that are known, for the wire. Without them, as it came."""
        known = self._known.get(state.branch)
        if known is None or known.floor is None or known.profile is None or known.day != state.day:
            return state
        lines = tuple(
            msgspec.structs.replace(line, wait_min=in_minutes(known.shown.tickets.get(line.number)))
            if line.state in IN_LINE
            else line
            for line in state.tickets
        )
        counted = {queue.service: queue for queue in state.services}
        for service in known.shown.newcomers:
            counted.setdefault(service, m.ServiceQueue(service=service, waiting=0))
        services = tuple(
            msgspec.structs.replace(
                queue, foreseen=True, wait_min=in_minutes(known.shown.newcomers.get(service)),
                delayed=service in known.delayed,
            )
            for service, queue in sorted(counted.items())
        )  # fmt: skip
        return msgspec.structs.replace(state, tickets=lines, services=services)


def in_minutes(wait: Wait | None) -> tuple[int, int] | None:
    """As people read it: whole minutes, at least one; None: cannot be said."""
    if wait is None:
        return None
    p50 = max(1, round(wait.p50_s / 60))
    return p50, max(p50, round(wait.p90_s / 60))


def _without(floor: FloorNow, without: set[str]) -> FloorNow:
    """The floor without the people of some services."""
    waiting = tuple(one for one in floor.waiting if one.service not in without)
    posts = tuple(post for post in floor.posts if post.service not in without)
    return replace(floor, waiting=waiting, posts=posts)


def _made_true(calibration: Calibration, wait: Wait | None) -> Wait | None:
    return None if wait is None else calibration.of(wait)
