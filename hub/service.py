"""The hub as one thing: the store, the ingest and the wire, and who is told when a branch changes."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from config.routing import Routing, load_routing
from contracts import topics
from contracts.messages import HANDOVER_KEPT_S
from hub import announce, queue, shadow
from hub.bus import Bus, Outgoing
from hub.calls.relay import forget as forget_calls
from hub.fleet import alarms, orders, wanted
from hub.fleet.authority import Authority
from hub.fleet.campaigns import LATE_LOOK_S, Campaigns
from hub.fleet.ingest import FleetIngest
from hub.fleet.joining import Joining
from hub.fleet.orders import Orders
from hub.foresight import dispatch, forecasting, promises
from hub.foresight.dispatch import Dispatcher
from hub.foresight.forecasting import Forecaster
from hub.foresight.live import Foresight
from hub.foresight.profile import Prior
from hub.ingest import Ingest
from hub.opinions.keep import forget as forget_opinions
from hub.store import Store, branches, devices, identity
from hub.together.stands import forget as forget_together
from hub.video import sweep
from hub.video.standing import standings
from hub.video.tables import POOL
from hub.wire import HubWire

log = logging.getLogger(__name__)

VERSION: Final = "0.1.0"
HOUSEKEEPING_S: Final = 3_600.0
LOOK_AGAIN_S: Final = 0.3
CARRY_ON_S: Final = 0.5  # how often this process looks whether a roll-out has something due
ALARMS_S: Final = 15.0
SWEEP_S: Final = 0.5  # how often this process looks for what is due in the pool of tellers
WORDS_KEPT: Final = timedelta(days=90)  # what visitors gave in words
KEEP: Final = timedelta(days=400)  # a year of records and a month to compare


class Hub:
    """Applies what kiosks send and what clerks do, and publishes each branch's queue."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        rules: Routing | None = None,
        *,
        authority: Authority | None = None,
        hook: str = "",
        priors: Mapping[str, Prior] | None = None,
    ) -> None:
        self.store, self.bus = store, bus
        self.rules = rules or load_routing()
        self.foresight = Foresight(store, zone_min=self.rules.zone_min, priors=priors)
        self.forecaster = Forecaster(store, self.rules.zone_min)
        self.dispatcher = Dispatcher(store, self.foresight, self.forecaster, self.rules)
        self._forecast_at: dict[str, datetime] = {}  # the quarter of an hour for which figures were kept last
        self._listeners: list[Callable[[str], None]] = []
        self.refusals: list[Mapping[str, int]] = []  # of other parts, for the health page
        # computing and sending a state is one step: an older state must not overtake a newer one
        self._publishing = threading.Lock()
        self._kept_house_s = 0.0
        self._looked_s = 0.0  # for terminals that have not said what they did with their configuration
        self._moved: set[str] = set()  # branches whose queue is newer than what was published; the worker's own
        self._published: dict[str, tuple[int, float]] = {}  # branch → revision, when; looked at once more
        self._swept_s = 0.0
        self.campaigns = Campaigns(store)
        self.authority = authority
        self.orders = Orders(store, authority)
        self.hook = alarms.checked_hook(hook) if hook else ""  # where new alarms are told
        self._alarmed_s = 0.0
        self._telling: threading.Thread | None = None
        self.joining = None if authority is None else Joining(store, authority)
        self._carried_s = self._took_in_s = 0.0
        self._cases: set[str] = set()  # whose terminals want to be told; the worker's own
        self.ingest = Ingest(
            store, acknowledge=self._send, queue_moved=self._moved.add, changed=self._tell,
            cases_moved=self._cases.update, rules=self.rules,
            fleet=FleetIngest(store, self.campaigns, self.joining),
        )  # fmt: skip
        self.wire = HubWire(
            bus,
            take=self.ingest.take,
            connected=self._publish_every_queue,
            settled=self._settle,
            probe=self._probe,
        )

    def start(self) -> None:
        """Begin to listen to the broker."""
        self._keep_house()
        self.foresight.start(self.queue_changed, self._watch)
        self.wire.start()

    def stop(self) -> None:
        """End within about two seconds; everything acknowledged is on disk."""
        self.foresight.halt()  # ends beside the wire
        self.wire.stop()
        self.foresight.stop()
        self.ingest.close()
        self.store.close()

    def listen(self, changed: Callable[[str], None]) -> None:
        """Call `changed` with a branch, from any thread, when something about it is new."""
        self._listeners.append(changed)

    def refused(self) -> dict[str, int]:
        """What was refused so far, by code: messages of terminals, and what other parts count."""
        return dict(sum((Counter(one) for one in self.refusals), Counter(self.ingest.tallies.refused)))

    def branches(self) -> list[str]:
        """Every branch that the hub has heard of."""
        known = sa.union(sa.select(devices.c.branch), sa.select(branches.c.branch)).subquery()
        return [row["branch"] for row in self.store.rows(sa.select(known.c.branch).order_by(known.c.branch))]

    def publish_queue(self, branch: str) -> None:
        """Give the broker the branch's queue to keep."""
        row = topics.TICKETS_STATE
        with self._publishing:
            state = self.dispatcher.told(self.foresight.told(queue.state_of(self.store, branch)))
            self._send(Outgoing(row.at(branch), row.encode(state), row.qos, row.retain))
            before = self._published.get(branch)
            self._published[branch] = (state.revision, time.monotonic())
        if before is None or before[0] != state.revision:
            self.foresight.moved(branch)

    def queue_changed(self, branch: str) -> None:
        """Somebody at a desk changed the branch's queue: terminals and open pages are told."""
        self.publish_queue(branch)
        self._tell(branch)

    def cases_changed(self, cases: set[str]) -> None:
        """Somebody at a desk changed what a visitor waits for: terminals and open pages are told."""
        row = topics.CASE_STANDING
        for branch, device, told in standings(self.store, self.rules, cases, datetime.now(UTC)):
            self._send(Outgoing(row.at(branch, device), row.encode(told), row.qos, row.retain))
        self._tell(POOL)

    def _watch(self, branch: str, now: datetime) -> bool:
        """Each second: what a branch's floor needs. Each quarter of an hour: what is expected is kept, to be scored."""
        quarter = now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)
        if self._forecast_at.get(branch) != quarter:
            self._forecast_at[branch] = quarter
            self.forecaster.keep(branch, now)
            self.forecaster.settle(branch, now)
        return self.dispatcher.step(branch, now)

    def _publish_every_queue(self) -> None:
        for branch in self.branches():
            self.publish_queue(branch)

    def _keep_house(self) -> None:
        """End days that are over, forget what is too old. Now and then, in the worker's thread."""
        self._kept_house_s = time.monotonic()
        self._moved |= queue.expire(self.store)
        self.store.forget_handovers(datetime.now(UTC) - timedelta(seconds=HANDOVER_KEPT_S))
        forgotten = self.store.forget_before(datetime.now(UTC) - KEEP)
        with self.store.write() as db:
            announce.forget(db)
            promises.forget(db, datetime.now(UTC) - KEEP)
            forecasting.forget(db, datetime.now(UTC))
            dispatch.forget(db, datetime.now(UTC))
            sweep.forget(db, datetime.now(UTC), datetime.now(UTC) - KEEP)
            forget_calls(db, datetime.now(UTC))
            forget_together(db, datetime.now(UTC), datetime.now(UTC) - KEEP)
            forget_opinions(db, datetime.now(UTC), datetime.now(UTC) - WORDS_KEPT, datetime.now(UTC) - KEEP)
        if forgotten:
            log.info("%d rows older than %d days were deleted", forgotten, KEEP.days)

    def _settle(self) -> None:
        if time.monotonic() - self._kept_house_s > HOUSEKEEPING_S:
            self._keep_house()
        if time.monotonic() - self._looked_s > shadow.RESEND_S / 2:
            self._looked_s = time.monotonic()
            for message in shadow.overdue(self.store, datetime.now(UTC)):
                self._send(message)
            for message in wanted.overdue(self.store, datetime.now(UTC)):
                self._send(message)
        self._settle_fleet()
        while self._moved:
            branch = min(self._moved)
            self.publish_queue(branch)
            self._moved.discard(branch)  # after it worked: a database that failed is asked again
        self._settle_cases()
        self._look_again()

    def _settle_cases(self) -> None:
        """What is due in the pool of tellers is done, and terminals are told where their visitors stand."""
        if time.monotonic() - self._swept_s > SWEEP_S:
            self._swept_s = time.monotonic()
            self._cases |= sweep.sweep(self.store, self.rules, datetime.now(UTC))
        told = set(self._cases)
        if told:
            self.cases_changed(told)
            self._cases -= told  # after it worked: a database that failed is asked again

    def _settle_fleet(self) -> None:
        """Roll-outs whose time has come go on; terminals that are new to one are taken in."""
        now_s = time.monotonic()
        if now_s - self._carried_s > CARRY_ON_S:
            self._carried_s = now_s
            self.send(self.campaigns.carry_on())
            self.send(orders.carry_on(self.store, datetime.now(UTC)))
        if now_s - self._took_in_s > LATE_LOOK_S:
            self._took_in_s = now_s
            self.send(self.campaigns.take_in_late())
        if now_s - self._alarmed_s > ALARMS_S:
            self._alarmed_s = now_s
            alarms.look(self.store, datetime.now(UTC))
            if self.hook and (self._telling is None or not self._telling.is_alive()):
                self._telling = threading.Thread(target=self._tell_alarms, name="alarm-hook", daemon=True)
                self._telling.start()  # nothing waits for somebody else's server

    def _tell_alarms(self) -> None:
        try:
            alarms.tell_hook(self.store, self.hook, datetime.now(UTC))
        except sa.exc.SQLAlchemyError as err:  # told at the next look
            log.error("alarms could not be told: %s", type(err).__name__)

    def send(self, messages: Iterable[Outgoing]) -> None:
        """Give messages to the bus."""
        for message in messages:
            self._send(message)

    def _look_again(self) -> None:
        """Another process may have published an older state after our newer one, or the other way round: whoever
        published looks once more a moment later, so the last word is the newest."""
        now_s = time.monotonic()
        due = {branch: told for branch, told in list(self._published.items()) if now_s - told[1] > LOOK_AGAIN_S}
        if not due:
            return
        wanted = sa.select(branches.c.branch, branches.c.revision).where(branches.c.branch.in_(sorted(due)))
        newest = {row["branch"]: row["revision"] for row in self.store.rows(wanted)}
        for branch, told in due.items():
            if newest.get(branch, 0) > told[0]:
                self.publish_queue(branch)
            elif self._published.get(branch) == told:
                del self._published[branch]

    def _probe(self) -> None:
        """Raises `OperationalError` while the database cannot be written."""
        with self.store.write() as db:
            db.execute(sa.update(identity).values(store=self.store.id))

    def _send(self, message: Outgoing) -> None:
        self.wire.send(message)

    def _tell(self, branch: str) -> None:
        for changed in self._listeners:
            changed(branch)
