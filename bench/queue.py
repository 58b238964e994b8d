"""The queue under everything that can go wrong: numbers, losses, order, waiting, double calls.

    python -m bench queue --json - [--operations 200000] [--callers 50] [--tickets 10000]

First a random walk over a branch in small (`bench.queue_world`), then 50 clerks at once who call 10,000 tickets
away, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from bench.queue_callers import run_callers
from bench.queue_world import BEGAN, BRANCH, Terminal, World
from contracts.queueing import MAX_HEAD_START, MAX_PASSED, Priority

TERMINALS: Final = 4
WORKERS: Final = 2
COUNTERS: Final = 6
PROCESSES: Final = 2  # each walks its own branch
SEED: Final = 20261121
CUT_OFF_H: Final = 72
STEP_S: Final = 3.0  # mean time between two operations: 200,000 are a week
OPEN_H: Final = (1, 9)  # UTC hours in which the branch is open: nine to five o'clock there

Act = Callable[[World, Terminal], Any]


def _issue(world: World, terminal: Terminal) -> Any:
    chance = world.chance
    priority = chance.choice([Priority.NONE] * 12 + [p for p in Priority if p is not Priority.CARRIED])
    due = world.now + timedelta(minutes=chance.randint(-40, 40)) if chance.random() < 0.1 else None
    return terminal.issue(chance.choice(("personal", "personal", "corporate", "wealth")), priority, due)


def _staff(_world: World, terminal: Terminal) -> Any:
    return terminal.staff() if terminal.cut_off else None


def _cut(world: World, terminal: Terminal) -> Any:
    terminal.cut_off = world.chance.random() < 0.4
    return True


def _kill(world: World, terminal: Terminal) -> Any:
    terminal.kill(machine=world.chance.random() < 0.3)
    return True


def _clock(_world: World, terminal: Terminal) -> Any:
    terminal.step_clock()
    return True


ACTS: Final[tuple[tuple[str, float, Act], ...]] = (
    ("ticket taken", 22.0, _issue),
    ("ticket given back", 1.0, lambda _world, terminal: terminal.give_back()),
    ("window sent", 9.0, lambda _world, terminal: terminal.send()),
    ("live state sent", 2.0, lambda _world, terminal: terminal.send_live()),
    ("batch delivered", 14.0, lambda world, terminal: world.deliver(terminal, die=0.02)),
    ("acknowledgement heard", 12.0, lambda _world, terminal: terminal.hear()),
    ("called at a counter", 18.0, lambda world, _terminal: world.call(str(world.chance.randint(1, COUNTERS)))),
    ("changed at a counter", 16.0, lambda world, _terminal: world.desk()),
    ("done by staff at a terminal", 4.0, _staff),
    ("queue published", 0.6, lambda world, _terminal: world.publish()),
    ("network cut or healed", 0.05, _cut),
    ("terminal killed", 0.25, _kill),
    ("clock set", 0.1, _clock),
)


def walk(folder: Path, operations: int, seed: int = SEED) -> dict[str, Any]:
    """`operations` random steps, then everything heals and is counted."""
    world = World(folder, terminals=TERMINALS, workers=WORKERS, seed=seed)
    chance, done = world.chance, world.findings.done
    names, weights, acts = zip(*ACTS, strict=True)
    cut_until = None  # after a quarter two terminals are cut off, for 72 hours of the branch's time
    step = 0
    while step < operations:
        world.pass_time(chance.expovariate(1 / STEP_S))
        if not OPEN_H[0] <= world.now.hour < OPEN_H[1]:
            world.close()
            world.now = world.now.replace(hour=OPEN_H[0], minute=0, second=0) + timedelta(days=1)
            done["days closed"] += 1
        if step == operations // 4 and cut_until is None and not done["cut off for 72 hours"]:
            cut_until = world.now + timedelta(hours=CUT_OFF_H)
        which = chance.choices(range(len(acts)), weights)[0]
        terminal = chance.choice(world.terminals)
        if cut_until is not None:
            if world.now < cut_until:
                for cut in world.terminals[:2]:
                    cut.cut_off = True
            else:
                cut_until = None
                done["cut off for 72 hours"] += 2
        if acts[which](world, terminal):
            done[names[which]] += 1
            step += 1
    healed = world.heal()
    order = world.order_of_coming()
    losses = world.losses()
    found = world.findings
    world.end()
    conflicts = losses.pop("merge_conflicts")
    return {
        "operations": operations,
        "tickets": len(world.taken),
        "duplicate_numbers": found.duplicate_numbers,
        "lost": sum(losses.values()) + (not healed),
        "losses": losses,
        "order_violations": found.order_violations + order["within_a_terminal"] + order["between_terminals"],
        "order": order | {"calls_against_the_rule": found.order_violations},
        "max_starvation_min": round(found.max_starvation_s / 60, 3),
        "max_starvation_bound_min": MAX_HEAD_START.total_seconds() / 60,
        "max_passed_in_a_row": found.max_passed_in_a_row,
        "max_passed_in_a_row_bound": MAX_PASSED,
        "merge_conflicts": conflicts,
        "simulated_days": (world.now - BEGAN).days,
        "done": dict(sorted(done.items())),
    }


def _walk_alone(operations: int, seed: int) -> dict[str, Any]:
    """In a process of its own. The walk loses objects, not power: a memory disk spares a real one its flushes."""
    logging.getLogger("hub").setLevel(logging.ERROR)
    shared = Path("/dev/shm")  # noqa: S108  # a folder of our own is made in it
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        return walk(Path(folder), operations, seed)


def together(walks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several walks as one: tallies add up, of what is largest or bounded the largest counts."""
    whole: dict[str, Any] = {}
    for name in dict.fromkeys(key for one in walks for key in one):
        values = [one[name] for one in walks if name in one]
        if isinstance(values[0], dict):
            whole[name] = together(values)
        else:
            whole[name] = max(values) if name.startswith("max_") else sum(values)
    return whole


def main(argv: Sequence[str]) -> dict[str, Any]:
    """The random walk and the callers. Keys as `docs/queue.md` explains them."""
    arguments = argparse.ArgumentParser(prog="bench queue", description=__doc__)
    arguments.add_argument("--operations", type=int, default=200_000)
    arguments.add_argument("--callers", type=int, default=50)
    arguments.add_argument("--tickets", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=SEED)
    given = arguments.parse_args(argv)
    logging.getLogger("hub").setLevel(logging.ERROR)
    began = time.monotonic()
    share = -(-given.operations // PROCESSES)
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        walks = list(pool.map(_walk_alone, [share] * PROCESSES, range(given.seed, given.seed + PROCESSES)))
    result = together(walks)
    result["walk_s"] = round(time.monotonic() - began, 1)
    result["double_calls"] = {}
    result["callers"] = {}
    for engine in ("sqlite", "postgresql"):
        calls = run_callers(engine, callers=given.callers, tickets=given.tickets, branch=BRANCH)
        result["double_calls"][engine] = calls.pop("double_calls")
        result["callers"][engine] = calls
    result["condition"] = (
        f"{PROCESSES} branches with {TERMINALS} terminals, {WORKERS} hub workers, {COUNTERS} counters each; virtual"
        f" time, simulated network and kills; clocks wrong by up to a day; seed {given.seed}; callers: real threads and"
        " databases"
    )
    return result
