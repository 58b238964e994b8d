"""The hub as one thing: the store, the ingest and the wire, and who is told when a branch changes."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import sqlalchemy as sa

from contracts import topics
from contracts.tickets import TicketEvent, TicketState
from hub import queue
from hub.ingest import Ingest, Outgoing
from hub.store import Store, branches, devices
from hub.wire import HubWire

log = logging.getLogger(__name__)

VERSION: Final = "0.1.0"
HOUSEKEEPING_S: Final = 3_600.0
KEEP: Final = timedelta(days=400)  # a year of records and a month to compare


class Hub:
    """Applies what kiosks send and what clerks do, and publishes each branch's queue."""

    def __init__(self, store: Store, *, broker: tuple[str, int]) -> None:
        self.store = store
        self._listeners: list[Callable[[str], None]] = []
        # computing and sending a state is one step: an older state must not overtake a newer one
        self._publishing = threading.Lock()
        self._kept_house_s = 0.0
        self._moved: set[str] = set()  # branches whose queue is newer than what was published; the worker's own
        self.ingest = Ingest(store, acknowledge=self._send, queue_moved=self._moved.add, changed=self._tell)
        self.wire = HubWire(
            *broker,
            version=VERSION,
            take=self.ingest.take,
            connected=self._publish_every_queue,
            settled=self._settle,
        )

    def start(self) -> None:
        """Begin to listen to the broker."""
        self._keep_house()
        self.wire.start()

    def stop(self) -> None:
        """End within about two seconds; everything acknowledged is on disk."""
        self.wire.stop()
        self.store.close()

    def listen(self, changed: Callable[[str], None]) -> None:
        """Call `changed` with a branch, from any thread, when something about it is new."""
        self._listeners.append(changed)

    def branches(self) -> list[str]:
        """Every branch that the hub has heard of."""
        known = sa.union(sa.select(devices.c.branch), sa.select(branches.c.branch)).subquery()
        return [row["branch"] for row in self.store.rows(sa.select(known.c.branch).order_by(known.c.branch))]

    def publish_queue(self, branch: str) -> None:
        """Give the broker the branch's queue to keep."""
        row = topics.TICKETS_STATE
        with self._publishing:
            state = queue.state_of(self.store, branch)
            self._send(Outgoing(row.at(branch), row.encode(state), row.qos, row.retain))

    def call_next(self, branch: str, service: str, counter: str) -> str | None:
        """A clerk calls the first in line; returns the number, or None when nobody waits."""
        with self.store.write() as db:
            number = queue.call_next(db, branch, service, counter)
        if number is not None:
            self.publish_queue(branch)
            self._tell(branch)
        return number

    def change_ticket(
        self,
        branch: str,
        day: str,
        number: str,
        event: TicketEvent,
        *,
        counter: str | None = None,
        service: str | None = None,
    ) -> TicketState:
        """Something happens to a ticket at a counter. Raises `queue.NotPossible`."""
        with self.store.write() as db:
            state = queue.change(db, branch, day, number, event, counter=counter, service=service)
        self.publish_queue(branch)
        self._tell(branch)
        return state

    def _publish_every_queue(self) -> None:
        for branch in self.branches():
            self.publish_queue(branch)

    def _keep_house(self) -> None:
        """End days that are over, forget what is too old. Now and then, in the worker's thread."""
        self._kept_house_s = time.monotonic()
        self._moved |= queue.expire(self.store)
        forgotten = self.store.forget_before(datetime.now(UTC) - KEEP)
        if forgotten:
            log.info("%d rows older than %d days were deleted", forgotten, KEEP.days)

    def _settle(self) -> None:
        if time.monotonic() - self._kept_house_s > HOUSEKEEPING_S:
            self._keep_house()
        while self._moved:
            branch = min(self._moved)
            self.publish_queue(branch)
            self._moved.discard(branch)  # after it worked: a database that failed is asked again

    def _send(self, message: Outgoing) -> None:
        self.wire.send(message)

    def _tell(self, branch: str) -> None:
        for changed in self._listeners:
            changed(branch)
