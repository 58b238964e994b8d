"""Opinions from the touch to the hub's figures: nothing lost, doubled or put to the wrong visit; figures that hold.

`python -m bench opinions [--visits N] [--json -]`. Simulated visitors at terminals whose dialogue, actions, tickets
and outbox are the real ones, as processes that are killed (SIGKILL) in the middle of visits; two of four clocks are off
by hours. What they owe goes over a wire that loses, repeats and reorders (in this process, encoded and decoded by the
contract) into the real ingest over SQLite, whose transactions are broken off at random and begun anew. Files lie in
memory where there is such a file system: killed processes are what is measured here, power cuts are not.

Intervals are held against truths that are known because answers are drawn from them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import sqlalchemy as sa

from bench import opinions_scrub
from bench.opinions_terminal import BRANCH, OFF, START, World, plan, play
from contracts import messages as m
from contracts import topics
from hub.bus import Arrived, Outgoing
from hub.ingest import Ingest
from hub.opinions.figures import measured, opinions_of
from hub.opinions.intervals import Estimate, difference, nps_of, wilson
from hub.opinions.tables import comments, opinion_tasks, unheard, visit_opinions
from hub.store import Store, opinions, refused
from kiosk.opinion.remark import remark
from kiosk.sync.outbox import Outbox

DEVICES: Final = ("kiosk-1", "kiosk-2", "kiosk-3", "kiosk-4")
VISITS: Final = 2_000
KILLS: Final = 6  # of each terminal
WINDOW: Final = 64  # messages that a link has under way
LOST: Final = 0.08
TWICE: Final = 0.15
ACK_LOST: Final = 0.2
BROKEN: Final = 0.05  # of transactions
ROUNDS_MOST: Final = 20_000
STRAYS: Final = 20  # opinions of visits that never were
BOUNDS: Final = (0.93, 0.97)
DRAWS: Final = 4_000
SHARES: Final = (0.3, 0.5, 0.7, 0.85, 0.95)
SIZES: Final = (10, 20, 50, 200, 1_000)
MIXES: Final = ((0.5, 0.3), (0.6, 0.1), (0.3, 0.3), (0.75, 0.15), (0.2, 0.5))  # promoters, detractors
SEED: Final = 17
_FORK: Final = multiprocessing.get_context("fork")  # before any thread is there; a start anew would cost two seconds
T = TypeVar("T")


class BrokenOff(RuntimeError):
    """The hub's worker was killed within a transaction: simulated."""


# ------------------------------------------------------------ terminals that are killed
class Killed:
    """One terminal's processes: what was on disk when each of them ended."""

    def __init__(self, folder: Path, device: str, visits: int) -> None:
        self._folder, self._device, self._visits = folder, device, visits
        self.told: list[tuple[str, str]] = []
        self.began: set[int] = set()
        self.kills = 0

    def run(self) -> None:
        """Play every visit; the process is killed `KILLS` times while it plays, and begun anew at the next visit."""
        chance = random.Random(f"kill {self._device}")
        marks = sorted(chance.sample(range(5, max(6 + KILLS, self._visits - 5)), KILLS))
        first = 0
        while first < self._visits:
            mark = next((mark for mark in marks if mark > first), None)
            first = self._one(first, mark, chance)

    def _one(self, first: int, mark: int | None, chance: random.Random) -> int:
        """One process of it; the number of the visit to go on with."""
        near, far = _FORK.Pipe()

        def say(line: str) -> None:
            far.send(line)
            if line.startswith("begins"):
                far.recv()  # the terminal does not run ahead of whoever kills it

        process = _FORK.Process(target=play, args=(self._folder, self._device, first, self._visits, say))
        process.start()
        far.close()
        last, lines = first, 0
        after = chance.randint(0, 3)  # lines of that visit, before it ends
        while True:
            try:
                what, _, which = near.recv().partition(" ")
            except (EOFError, ConnectionResetError):
                break
            if what == "begins":
                last, lines = int(which), 0
                self.began.add(last)
                with suppress(BrokenPipeError):
                    near.send("go on")
            else:
                self.told.append((what, which))
                lines += 1
            if mark is not None and last == mark and lines >= after:
                process.kill()
                mark = None
        process.join()
        near.close()
        self.kills += process.exitcode == -signal.SIGKILL
        if process.exitcode not in (0, -signal.SIGKILL):
            raise ChildProcessError(f"{self._device} ended with {process.exitcode}")
        return self._visits if process.exitcode == 0 else last + 1


# ------------------------------------------------------------ the wire and the hub
class Hub:
    """The real ingest; now and then its transaction is broken off and a new one has to begin."""

    def __init__(self, url: str, chance: random.Random) -> None:
        self._url, self._chance = url, chance
        self.broken = 0
        self.acks: list[Outgoing] = []
        self._start()

    def _start(self) -> None:
        self.store = Store(self._url)
        whole: Callable[[Callable[[sa.Connection], Any]], Any] = self.store.apply

        def apply(work: Callable[[sa.Connection], T]) -> T:
            def breaking(db: sa.Connection) -> T:
                done = work(db)
                if self._chance.random() < BROKEN:
                    raise BrokenOff  # everything was written and nothing committed
                return done

            found: T = whole(breaking)
            return found

        self.store.apply = apply  # type: ignore[method-assign]
        self.ingest = Ingest(
            self.store, acknowledge=self.acks.append, queue_moved=lambda _: None, changed=lambda _: None, now=_now
        )

    def take(self, batch: Sequence[Arrived]) -> None:
        """What arrived; nothing of it where the worker is killed."""
        try:
            self.ingest.take(batch)
        except BrokenOff:
            self.broken += 1
            self.acks.clear()
            self.store.close()
            self._start()


def _now() -> datetime:
    """The hub's clock: after the days that are told."""
    return START + timedelta(days=28)


def deliver(boxes: dict[str, Outbox], hub: Hub, chance: random.Random) -> Counter[str]:
    """Until nothing is owed: windows of each outbox, lost, repeated, reordered."""
    tally: Counter[str] = Counter()
    for _ in range(ROUNDS_MOST):
        batch: list[Arrived] = []
        for device, box in boxes.items():
            for owed in box.pending(limit=WINDOW):
                copies = 0 if chance.random() < LOST else 2 if chance.random() < TWICE else 1
                tally["lost"] += copies == 0
                tally["repeated"] += copies == 2
                batch += [Arrived(owed.topic.at(BRANCH, device), owed.payload)] * copies
        if not batch and not any(box.tallies().pending for box in boxes.values()):
            return tally
        chance.shuffle(batch)
        for at in range(0, len(batch), 50):
            hub.take(batch[at : at + 50])
            tally["batches"] += 1
        for ack in hub.acks:
            row, address = topics.find(ack.topic)
            told = row.decode(ack.payload)
            if isinstance(told, m.Ack) and told.log == boxes[address.device].log and chance.random() >= ACK_LOST:
                boxes[address.device].acknowledged(told.applied)
        hub.acks.clear()
    raise TimeoutError("still owed")


# ------------------------------------------------------------ what stands at the hub
def compared(store: Store, terminals: dict[str, Killed], world: World) -> dict[str, Any]:
    """Every row against what that visit's plan says, and everything that was on a terminal's disk against the rows."""
    rows = {row["visit"]: row for row in store.rows(sa.select(visit_opinions).where(visit_opinions.c.known))}
    words = {row["visit"]: row for row in store.rows(sa.select(comments))}
    said = Counter(what for one in terminals.values() for what, _ in one.told)
    wanted = {
        "OpinionAsked": lambda visit: visit in rows,
        "scored": lambda visit: visit in rows and rows[visit]["score"] is not None,
        "Recommended": lambda visit: visit in rows and rows[visit]["recommend"] is not None,
        "CommentGiven": lambda visit: visit in words,
    }  # fmt: skip
    lost = sum(not wanted[what](visit) for one in terminals.values() for what, visit in one.told if what in wanted)
    heaps = store.rows(sa.select(sa.func.count().label("n")).select_from(unheard))[0]["n"]
    # a sentence that was on disk a moment before its terminal was killed may be there without having been told
    extra = sum(one.kills for one in terminals.values())
    lost += max(0, said["NotUnderstood"] - heaps)
    scores = Counter(row["visit"] for row in store.rows(sa.select(opinions.c.visit)))
    tasks = Counter(row["visit"] for row in store.rows(sa.select(opinion_tasks.c.visit)))
    doubled = sum(count - 1 for heap in (scores, tasks) for count in heap.values())
    doubled += max(0, heaps - said["NotUnderstood"] - extra)
    wrong = [visit for visit, row in rows.items() if not _is_planned(row, words.get(visit), world, terminals)]
    wrong += [visit for visit in words if visit not in rows]
    low = {visit for visit, row in rows.items() if row["score"] is not None and row["score"] <= 2}
    return {
        "lost": int(lost),
        "doubled": int(doubled),
        "misattached": len(wrong),
        "tasks_missing": len(low - tasks.keys()),
        "tasks_too_many": len(tasks.keys() - low),
        "asked": len(rows),
        "scored": sum(row["score"] is not None for row in rows.values()),
        "recommended": sum(row["recommend"] is not None for row in rows.values()),
        "comments": len(words),
        "kept_for_learning": int(heaps),
    }


def _is_planned(row: dict[str, Any], word: dict[str, Any] | None, world: World, terminals: dict[str, Killed]) -> bool:
    device, _, number = row["visit"].rpartition("-")
    if row["device"] != device or int(number) not in terminals[device].began:
        return False
    wanted = plan(device, int(number), world)
    service = wanted.ticket or None
    kept = remark(wanted.comment, wanted.language) if word is not None else None
    return (
        row["score"] in (None, wanted.score)
        and row["service"] == service
        and row["recommend"] in (None, wanted.recommend)
        and (word is None or (kept is not None and word["text"] == kept.text and word["device"] == device))
    )


# ------------------------------------------------------------ intervals
def coverage() -> dict[str, Any]:
    """How often 95 % intervals hold the truth, over shares, mixes and sizes; and the worst single condition."""
    draw = np.random.default_rng(SEED)
    found: dict[str, list[float]] = {"wilson": [], "nps": [], "difference": []}
    for n in SIZES:
        for share in SHARES:
            hits = draw.binomial(n, share, DRAWS)
            found["wilson"].append(_held([wilson(int(k), n) for k in hits], share))
            other = draw.binomial(n, 0.8, DRAWS)
            pairs = [(wilson(int(a), n), wilson(int(b), n)) for a, b in zip(hits, other, strict=True)]
            found["difference"].append(_held([difference(a, b) for a, b in pairs if a and b], share - 0.8))
        for promoters, detractors in MIXES:
            told = draw.multinomial(n, (promoters, detractors, 1 - promoters - detractors), DRAWS)
            estimates = [nps_of(int(up), int(down), n) for up, down, _ in told]
            found["nps"].append(_held(estimates, 100 * (promoters - detractors)))
    every = [share for name in ("wilson", "nps") for share in found[name]]
    return {
        "coverage": round(float(np.mean(every)), 4),
        "coverage_bounds": list(BOUNDS),
        "coverage_n": len(every) * DRAWS,
        "coverage_by": {name: round(float(np.mean(shares)), 4) for name, shares in found.items()},
        "coverage_worst": {name: round(min(shares), 4) for name, shares in found.items()},
        "coverage_sizes": list(SIZES),
    }


def _held(estimates: Sequence[Estimate | None], truth: float) -> float:
    return sum(one is not None and one.low <= truth <= one.high for one in estimates) / len(estimates)


def through_the_hub(store: Store, world: World) -> dict[str, Any]:
    """The same for figures that went the whole way: how content visitors of each terminal and day were."""
    held = tried = 0
    rows = [row for row in opinions_of(store, [BRANCH], START - timedelta(days=2), _now()) if row["known"]]
    heaps: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        heaps.setdefault((row["device"], row["at"].date().isoformat()), []).append(row)
    for heap in heaps.values():
        content = measured(heap)["content"]
        if content is None:
            continue
        tried += 1
        held += content["low"] <= world.content <= content["high"]
    return {"coverage_through_hub": round(held / tried, 4) if tried else None, "coverage_through_hub_n": tried}


# ------------------------------------------------------------ the bench
def main(argv: Sequence[str]) -> dict[str, Any]:
    """Every figure as one JSON-ready object."""
    parser = argparse.ArgumentParser(prog="python -m bench opinions", description=__doc__)
    parser.add_argument("--visits", type=int, default=VISITS)
    options = parser.parse_args(argv)
    if options.visits < len(DEVICES) * 20:
        raise ValueError(f"--visits: at least {len(DEVICES) * 20}")
    began_s = time.monotonic()
    world, memory = World(), Path("/dev/shm")  # noqa: S108  # a folder of our own within it
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None, prefix="yingbin-opinions-") as folder:
        found = _whole(Path(folder), options.visits // len(DEVICES), world)
    by_hand = opinions_scrub.load()
    scrubbed = opinions_scrub.judge([*by_hand, *opinions_scrub.made()])
    halves = {half: opinions_scrub.judge([line for line in by_hand if line.half == half]) for half in ("dev", "test")}
    return {
        **found,
        **coverage(),
        **scrubbed,
        "scrubber_by_hand": halves,
        "took_s": round(time.monotonic() - began_s, 1),
        "condition": "simulated visitors at real terminal code, as killed processes; a lossy wire in this process; "
        "the real ingest over SQLite, transactions broken off",
    }


def _whole(folder: Path, each: int, world: World) -> dict[str, Any]:
    chance = random.Random(SEED)
    terminals = {device: Killed(folder, device, each) for device in DEVICES}
    for terminal in terminals.values():
        terminal.run()
    hub = Hub(f"sqlite:///{folder}/hub.db", chance)
    boxes = {device: Outbox(folder / f"{device}.sqlite") for device in DEVICES}
    for number in range(STRAYS):  # a terminal that tells opinions of visits that never were
        boxes[DEVICES[number % 4]].append(topics.EVENTS, m.OpinionGiven(visit=f"never-{number}", score=1))
    tally = deliver(boxes, hub, chance)
    for box in boxes.values():
        box.close()
    every = measured(opinions_of(hub.store, [BRANCH], START - timedelta(days=2), _now() + timedelta(days=1)))
    count = hub.store.rows(sa.select(sa.func.count().label("n")).select_from(refused))[0]["n"]
    result = {
        "visits": sum(len(one.began) for one in terminals.values()),
        **compared(hub.store, terminals, world),
        "of_no_visit": every["of_no_visit"],
        "of_no_visit_told": STRAYS,
        "terminal_kills": sum(one.kills for one in terminals.values()),
        "hub_transactions_broken_off": hub.broken,
        "wire": dict(tally),
        "refused": int(count),
        "clocks_off_h": {device: off.total_seconds() / 3600 for device, off in OFF.items()},
        **through_the_hub(hub.store, world),
    }
    hub.store.close()
    return result
