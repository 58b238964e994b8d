"""Many clerks press 'next' at the same moment, on a real database: nobody is called twice, nobody is forgotten."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import sqlalchemy as sa

from bench.hub_servers import postgres
from contracts import messages as m
from contracts.queueing import Priority
from contracts.tickets import NumberParts, TicketEvent, format_number
from hub import queue
from hub.store import Store, ticket_changes

STORES: Final = 2  # hub processes would have one each; here each has its own connections
SERVICE: Final = "personal"


@contextlib.contextmanager
def _database(engine: str) -> Iterator[str]:
    if engine == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/hub.db"
    else:
        with postgres() as server:
            yield server.database("callers")


def fill(store: Store, branch: str, count: int) -> None:
    """`count` tickets of ten terminals in line, an hour's worth apart."""
    now = datetime.now(UTC)
    with store.write() as db:
        for at in range(count):
            digit, running = at % 10, at // 10 + 1
            came = now - timedelta(seconds=(count - at) * 0.36)
            issued = m.TicketIssued(
                number=format_number(NumberParts("A", digit, running)), day=now.date().isoformat(), service=SERVICE,
                visit="v", language="zh", priority=Priority.ELDER if at % 9 == 0 else Priority.NONE,
            )  # fmt: skip
            op = m.TicketOp(
                id="1", at=came, mono_ns=0, log=f"log-{digit}", seq=running, follows=running - 1, body=issued
            )
            queue.admit(db, branch, f"kiosk-{digit}", op, issued, now=now)


def run_callers(engine: str, *, callers: int, tickets: int, branch: str) -> dict[str, Any]:
    """Every ticket is called away by `callers` threads over two stores; what they were told, counted."""
    with _database(engine) as url:
        stores = [Store(url) for _ in range(STORES)]
        fill(stores[0], branch, tickets)
        told: list[list[str]] = [[] for _ in range(callers)]
        took: list[list[float]] = [[] for _ in range(callers)]
        failed: Counter[str] = Counter()
        start = threading.Barrier(callers + 1)

        def clerk(which: int) -> None:
            store = stores[which % STORES]
            start.wait()
            while True:
                began = time.perf_counter()
                try:
                    number = store.apply(lambda db: queue.call_next(db, branch, SERVICE, f"{which}"))
                except sa.exc.SQLAlchemyError as err:
                    failed[type(err).__name__] += 1
                    continue
                took[which].append(time.perf_counter() - began)
                if number is None:
                    return
                told[which].append(number)

        threads = [threading.Thread(target=clerk, args=(which,)) for which in range(callers)]
        for thread in threads:
            thread.start()
        start.wait()
        began = time.perf_counter()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        numbers = [number for mine in told for number in mine]
        recorded = stores[0].rows(
            sa.select(ticket_changes.c.number).where(ticket_changes.c.event == TicketEvent.CALLED)
        )
        for store in stores:
            store.close()
    times_ms = np.array([each for mine in took for each in mine]) * 1000
    return {
        "double_calls": len(numbers) - len(set(numbers)) + len(recorded) - len({row["number"] for row in recorded}),
        "tickets": tickets,
        "callers": callers,
        "called": len(numbers),
        "never_called": tickets - len(set(numbers)),
        "failed_and_tried_again": dict(failed),
        "calls_per_s": round(len(numbers) / seconds, 1),
        "call_ms_p50": round(float(np.percentile(times_ms, 50)), 1),
        "call_ms_p99": round(float(np.percentile(times_ms, 99)), 1),
        "fewest_and_most_calls_of_a_clerk": [min(map(len, told)), max(map(len, told))],
    }
