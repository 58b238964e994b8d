"""Visitors and remote tellers under everything that can go wrong, and the rule beside a plain one.

    python -m bench routing --json - [--events 100000] [--seed N] [--days 20] [--keep FOLDER]

First random walks over a pool in small (`bench.routing_world`), then the same arrivals under the hub's rule and under
'the longest idle teller for whoever came first' (`bench.routing_compare`). One process, one core.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from bench.routing_compare import DAYS, TELLERS, compare
from bench.routing_world import RoutingWorld, Terminal
from config.routing import load_routing

SEED: Final = 20261129
PART: Final = 4_000  # events of one world; the next begins with an empty database
TERMINALS: Final = 10
WORKERS: Final = 2
TEAM_SIZE: Final = 6
STEP_S: Final = (0.5, 14.0)

Act = Callable[[RoutingWorld, Terminal, str], Any]


def _time(world: RoutingWorld, _terminal: Terminal, _teller: str) -> bool:
    world.pass_time(world.chance.uniform(*STEP_S) * world.chance.choice((1, 1, 1, 1, 1, 1, 1, 1, 1, 8)))
    return True


ACTS: Final[tuple[tuple[str, float, Act], ...]] = (
    ("a visitor asked", 14.0, lambda world, terminal, _: not terminal.case and world.ask(terminal)),
    ("a visitor asked anew", 0.4, lambda world, terminal, _: bool(terminal.case) and world.ask(terminal)),
    ("a visitor left or chose another way", 1.6, lambda world, terminal, _: world.leave(terminal)),
    ("a visitor put it off", 0.8, lambda world, terminal, _: world.put_off(terminal)),
    ("a terminal vanished or returned", 0.5, lambda world, terminal, _: world.vanish(terminal)),
    ("the call came up or was lost", 5.0, lambda world, terminal, _: world.media(terminal)),
    ("a teller was ready", 8.0, lambda world, _, teller: world.come(teller)),
    ("a teller went, or the desk died", 1.5, lambda world, _, teller: world.go(teller)),
    ("a teller went on", 46.0, lambda world, _, teller: world.work(teller)),
    ("a supervisor stepped in", 0.6, lambda world, *_: world.supervise()),
    ("terminals were told", 1.0, lambda world, *_: world.tell() >= 0),
    ("time passed", 7.0, _time),
)


def walk(folder: Path, events: int, seed: int) -> dict[str, Any]:
    """`events` random events that happened, then everybody does their work, and what is left is counted."""
    world = RoutingWorld(folder, terminals=TERMINALS, workers=WORKERS, seed=seed, tellers=TEAM_SIZE)
    names, weights, acts = zip(*ACTS, strict=True)
    done, chance = world.findings.done, world.chance
    step = 0
    while step < events:
        which = chance.choices(range(len(acts)), weights)[0]
        if acts[which](world, chance.choice(world.terminals), chance.choice(world.tellers)):
            done[names[which]] += 1
            step += 1
        for terminal in world.terminals:  # a visitor whose case is over is gone
            if terminal.case and step % 20 == 0 and world.is_over(terminal.case):
                terminal.case = ""
    never_over = world.heal()
    found = world.findings
    world.end()
    return {
        "stuck": found.stuck + never_over,
        "double_assigned": found.double_assigned,
        "against_the_rule": found.against_the_rule,
        "decisions": found.decisions,
        "decisions_passing_somebody": found.inversions,
        "max_passed": found.max_passed,
        "max_later_s": found.max_later_s,
        "visitors": world.asked,
        "done": dict(found.done),
    }


def _walked(number: int, events: int, seed: int, keep: Path | None) -> dict[str, Any]:
    """One walk; with `keep` it is done once, and an interrupted bench goes on with the next."""
    kept = keep / f"walk-{seed}-{number}-{events}.json" if keep else None
    if kept and kept.exists():
        found: dict[str, Any] = json.loads(kept.read_text("utf-8"))
        return found
    shared, began_s = Path("/dev/shm"), time.monotonic()  # noqa: S108  # kills here lose objects, not power
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        found = {**walk(Path(folder), events, seed + number), "walk_s": round(time.monotonic() - began_s, 1)}
    if kept:
        part = kept.with_suffix(".part")
        part.write_text(json.dumps(found), "utf-8")
        part.replace(kept)
    return found


def together(walks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Several walks as one: tallies add up, of what is largest the largest counts."""
    whole: dict[str, Any] = {}
    for name in walks[0]:
        values = [one[name] for one in walks]
        if isinstance(values[0], dict):
            keys = sorted({key for one in values for key in one})
            whole[name] = {key: sum(one.get(key, 0) for one in values) for key in keys}
        else:
            whole[name] = max(values) if name.startswith("max_") else sum(values)
    return whole


def main(argv: Sequence[str]) -> dict[str, Any]:
    """The walks and the comparison. Keys as `docs/tellers.md` explains them."""
    parser = argparse.ArgumentParser(prog="bench routing", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--keep", type=Path, default=None, help="walks that are done are kept here, and not done again")
    given = parser.parse_args(list(argv))
    logging.getLogger("hub").setLevel(logging.ERROR)
    rules, began = load_routing(), time.monotonic()
    if given.keep:
        given.keep.mkdir(parents=True, exist_ok=True)
    parts = [min(PART, given.events - start) for start in range(0, given.events, PART)]
    found = together([_walked(number, events, given.seed, given.keep) for number, events in enumerate(parts)])
    limits = rules.limits
    return {
        "events": given.events,
        "stuck": found["stuck"],
        "double_assigned": found["double_assigned"],
        "priority_inversions": found["max_passed"],
        "priority_inversions_bound": limits.passes,
        "later_comer_preferred_by_s": round(found["max_later_s"], 1),
        "later_comer_preferred_bound_s": limits.head_start_most_min * 60 + limits.window_s,
        "against_the_rule": found["against_the_rule"],
        "decisions": found["decisions"],
        "decisions_passing_somebody": found["decisions_passing_somebody"],
        "visitors": found["visitors"],
        "walk_s": round(found["walk_s"], 1),
        **compare(rules, given.seed, given.days),
        "took_s": round(time.monotonic() - began, 1),  # without walks that were kept
        "done": found["done"],
        "condition": (
            f"worlds of {PART} events: {TERMINALS} terminals, {TEAM_SIZE} tellers, {WORKERS} hub workers, SQLite,"
            f" virtual time, 2 % of the transactions die before and 2 % after their commit; comparison: {given.days}"
            f" days with {TELLERS} tellers; seed {given.seed}"
        ),
    }
