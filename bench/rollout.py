"""Updates whose power is cut at every step, bad releases that must come back, forged ones that must be refused.

    python -m bench rollout --json - [--every 1] [--torn 60] [--seed N]

The updater, its trust, its slots, the publisher and (for the live part) the broker are real; the terminal that is
switched is a simulated program, and the slow line is simulated (`bench/rollout_payload.py`, `rollout_line.py`).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.rollout_attacks import attack_all
from bench.rollout_cuts import cut_all
from bench.rollout_line import over_the_line
from bench.rollout_live import over_the_broker
from bench.rollout_payload import Behaviour
from bench.rollout_world import NEW, OLD, STEADY, Order, Shared, World, live, make_world, standing

SEED: Final = 20261129
BALLAST_BYTES: Final = 1_200_000
LIVE_BYTES: Final = 12_000_000
LINE_BYTES: Final = 200_000_000
BAD: Final[dict[str, Behaviour]] = {
    "2.0.0": "does_not_start",
    "2.0.1": "does_not_recognise",
    "2.0.2": "leaks",
}


def bad_releases(world: World, shared: Shared) -> dict[str, Any]:
    """Each on a terminal of its own: it must be back where it was, by itself, and say why."""
    came: dict[str, str] = {}
    returned = 0
    for release, behaviour in BAD.items():
        place = world.fresh("bad")
        life = live(
            Order(place=place, repository=world.repository, root=world.root, release=release, limits=STEADY), shared
        )
        verdict = life.verdict
        back = verdict is not None and verdict.state == "failed" and standing(place) == OLD
        returned += back
        came[behaviour] = verdict.reason if verdict is not None else life.error[-80:] or "no verdict"
    return {"releases": len(BAD), "returned": returned, "reasons": came}


def main(argv: Sequence[str]) -> dict[str, Any]:
    """All of it. `bricked`, `wrong_version`, `resumed_share`, `fetched_over_needed` are of the cuts."""
    told = argparse.ArgumentParser(prog="bench rollout", description=__doc__)
    told.add_argument("--every", type=int, default=1, help="a cut before each so many steps")
    told.add_argument("--torn", type=int, default=60, help="cuts with some of the unsynced on the disk all the same")
    told.add_argument("--kills", type=int, default=3, help="of broker, desk and updater in the live part")
    told.add_argument("--seed", type=int, default=SEED)
    given = told.parse_args(list(argv))
    if given.every < 1 or given.torn < 0:
        raise ValueError("--every is at least 1, --torn at least 0")
    began_s = time.monotonic()
    shared = Shared()
    with tempfile.TemporaryDirectory(dir=_memory(), prefix="yingbin-rollout-") as folder:
        world = make_world(Path(folder), {NEW: "good", **BAD}, seed=given.seed, ballast_bytes=BALLAST_BYTES)
        cuts = cut_all(world, every=given.every, torn=given.torn, seed=given.seed, shared=shared)
        bad = bad_releases(world, shared)
        attacks = attack_all(world)
    with tempfile.TemporaryDirectory(dir=_memory(), prefix="yingbin-rollout-") as folder:
        world = make_world(Path(folder), {NEW: "good"}, seed=given.seed, ballast_bytes=LIVE_BYTES)
        over_mqtt = over_the_broker(world, kills=given.kills, seed=given.seed)
    return {
        "cuts": cuts["cuts"],
        "bricked": cuts["bricked"],
        "wrong_version": cuts["wrong_version"],
        "resumed_share": cuts["resumed_share"],
        "fetched_over_needed": cuts["fetched_over_needed"],
        "bad_releases": bad["releases"],
        "bad_releases_returned": bad["returned"],
        "attacks": attacks["attacks"],
        "attacks_refused": attacks["refused"],
        "cut": cuts,
        "bad": bad,
        "attacked": attacks,
        "line_200_mb": over_the_line(LINE_BYTES, given.seed),
        "over_mqtt": over_mqtt,
        "seconds": round(time.monotonic() - began_s, 1),
        "condition": f"real updater, publisher and TUF; simulated terminal program; releases of {BALLAST_BYTES} "
        f"bytes, a third shared; SIGKILL before each {given.every}. recorded step, replays of the recorded writes "
        f"without what was not synced, {given.torn} with some of it; seed {given.seed}",
    }


def _memory() -> str | None:
    """Thousands of syncs need no real disk: what a sync is worth is in the replay."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - a folder of our own is made there
