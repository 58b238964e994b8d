"""The hub's worker: takes batches from the bus, has them applied, tells the bus, says what changed.

One thread. While the database is full or gone it takes nothing new: the bus and the kiosks keep what they have,
the kiosks are told that nobody applies it, and every second it looks whether that is over.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, ParamSpec

import sqlalchemy as sa

from hub.bus import Arrived, Bus, Outgoing

log = logging.getLogger(__name__)
P = ParamSpec("P")

BATCH: Final = 256  # applied in one transaction
WAIT_S: Final = 0.1
DATABASE_PAUSE_S: Final = 1.0
STOP_S: Final = 2.0
SETTLE_S: Final = 0.25


@dataclass(slots=True)
class WireTallies:
    """How the worker fared."""

    batches: int = 0
    failed_batches: int = 0
    given_up: int = 0  # messages that failed alone, too: a bug, or a database that refuses just them


class HubWire:
    """`take` gets batches in the worker thread; `connected` is called there after each (re)connection.

    `settled` is called there when nothing more waits, or a quarter of a second after the last time: what
    depends on many messages (a branch's whole queue) is made once for all of them. `probe` raises while the
    database cannot be written.
    """

    def __init__(
        self,
        bus: Bus,
        *,
        take: Callable[[Sequence[Arrived]], None],
        connected: Callable[[], None],
        settled: Callable[[], None],
        probe: Callable[[], None],
    ) -> None:
        self._bus = bus
        self._take, self._connected, self._settled, self._probe = take, connected, settled, probe
        self._stop = threading.Event()
        self._greet = False
        self._database_ok = True
        self.tallies = WireTallies()
        self._worker = threading.Thread(target=self._work, name="hub-ingest")

    @property
    def is_connected(self) -> bool:
        """Whether the bus answers."""
        return self._bus.is_connected

    @property
    def database_ok(self) -> bool:
        """Whether the last batch, or the last look, found a database that takes it."""
        return self._database_ok

    def start(self) -> None:
        """Begin; a bus that is not there yet is waited for."""
        self._bus.start()
        self._worker.start()

    def send(self, message: Outgoing) -> None:
        """Give a message to the bus; while there is none it is dropped (state follows later)."""
        self._bus.send(message)

    def stop(self) -> None:
        """Finish the batch in hand, say goodbye, end."""
        self._stop.set()
        if self._worker.is_alive():
            self._worker.join(STOP_S)
        self._bus.stop()

    # --- the worker -----------------------------------------------------------------------------

    def _work(self) -> None:
        settled_s = time.monotonic()
        while not self._stop.is_set():
            self._greet |= self._bus.connected_again()
            if not self._database_ok and not self._try(self._probe):
                self._stop.wait(DATABASE_PAUSE_S)
                continue
            if self._greet and self._try(self._connected):
                self._greet = False
            batch = self._bus.take(BATCH, WAIT_S)
            if batch:
                self._apply(batch)
            pause_s = SETTLE_S if len(batch) == BATCH else SETTLE_S / 5
            if time.monotonic() - settled_s > pause_s:
                self._try(self._settled)
                settled_s = time.monotonic()

    def _apply(self, batch: Sequence[Arrived]) -> None:
        self.tallies.batches += 1
        if self._try(self._take, batch):
            self._bus.done(batch)
            return
        self.tallies.failed_batches += 1
        if not self._database_ok:
            self._bus.again(batch)
            return
        for arrived in batch:  # one bad message must not hold up the others
            if self._try(self._take, [arrived]):
                self._bus.done([arrived])
            elif not self._database_ok:
                self._bus.again([arrived])
            else:
                self.tallies.given_up += 1
                self._bus.done([arrived])

    def _try(self, work: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> bool:
        """Whether `work` ended well. A database that fails or a bug must not end the ingest: kiosks resend."""
        try:
            work(*args, **kwargs)
        except sa.exc.OperationalError as err:  # gone, full, locked: nothing that a message could be guilty of
            self._note_database(False, type(err.orig).__name__)
            return False
        except sa.exc.SQLAlchemyError as err:
            log.error("database: %s", type(err).__name__)
            return False
        except Exception:  # the message handler: log the traceback, count, go on
            log.exception("ingest failed")
            return False
        self._note_database(True, "")
        return True

    def _note_database(self, ok: bool, why: str) -> None:
        if ok != self._database_ok:
            self._database_ok = ok
            log.error("the database takes nothing: %s", why) if not ok else log.warning("the database is back")
            self._bus.present(ok)
