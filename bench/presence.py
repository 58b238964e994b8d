"""Who comes, passes, takes another's place: made-up scenes through OpenCV and the terminal's own eye.

    python -m bench presence [--portraits DIR] [--scenes N] [--passers-min M] [--full] --json -

Each scene is drawn from portraits with its truth (`kiosk/scenario/scenes.py`), served as JPEG pictures over HTTP,
read by OpenCV, and looked at by the networks and decisions that the terminal runs, in the scene's own time: a picture
is 1/15 s later than the one before. `greeting_delay_*_s` counts from the moment that somebody has stopped and faces the
screen, with the processor's time of the look that found it. A greeting is false where nobody stands near and faces the
screen. `wrong_person_continuations`: visits in which somebody else than who was greeted was served for more than two
seconds. `core_share_*` is measured at real pace: processor time of the whole process (decoding too) over time.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.presence_runs import Networks, Told, played, shared
from config.schema import Seeing
from kiosk.scenario.people import cast
from kiosk.scenario.scenes import KINDS, Scene, Stage, make_scene, passers

SCENES: Final = 70
PASSERS_MIN: Final = 6.0
FULL_PASSERS_MIN: Final = 60.0
SHARE_S: Final = 15.0
EARLY_S: Final = 0.35  # a greeting may come so long before the scene's mark: people are there before their last step
LATE_S: Final = 4.0  # later than this it belongs to nothing
STEP_MIN: Final = 2.0


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench presence", description=__doc__)
    arguments.add_argument("--portraits", type=Path, help="a folder of portraits: person_number.jpg")
    arguments.add_argument("--scenes", type=int, default=SCENES)
    arguments.add_argument("--passers-min", type=float, default=PASSERS_MIN, help="minutes of people who only pass")
    arguments.add_argument("--full", action="store_true", help="an hour of them")
    arguments.add_argument("--only", choices=KINDS, help="scenes of one kind")
    arguments.add_argument("--seed", type=int, default=1)
    given = arguments.parse_args(argv)
    if given.scenes < 1:
        raise ValueError("--scenes must be at least 1")
    passers_min = FULL_PASSERS_MIN if given.full else given.passers_min
    return asyncio.run(_measured(given.portraits, given.scenes, passers_min, given.only, given.seed))


async def _measured(
    portraits: Path | None, count: int, passers_min: float, only: str | None, seed: int
) -> dict[str, Any]:
    networks, seeing = Networks.open(), Seeing()
    began = time.monotonic()
    people = cast(networks.detector.detect, portraits)
    stage = Stage(people)
    kinds = [kind for kind in KINDS if only in (None, kind)]
    found: list[tuple[Scene, Told]] = []
    for number in range(count):
        scene = make_scene(kinds[number % len(kinds)], seed * 1000 + number // len(kinds), len(people))
        found.append((scene, await played(scene, stage, networks, seeing)))
        told = found[-1][1]
        at = {name: [round(one, 2) for one in moments] for name, moments in (
            ("wanted", scene.greet_s), ("greeted", told.greeted_s), ("left", told.left_s),
        )}  # fmt: skip
        print(f"{scene.name}: {at}", file=sys.stderr)
    passing = await _passers(passers_min, seed, len(people), stage, networks, seeing)
    folder = str(portraits) if portraits else ""
    shares = {kind: await shared(kind, SHARE_S, networks, seeing, folder) for kind in ("idle", "serving")}
    return {
        **_scored(found, passing),
        "core_share_idle": round(shares["idle"]["share"], 4),
        "core_share_serving": round(shares["serving"]["share"], 4),
        "looks_hz": {kind: round(one["looks_hz"], 1) for kind, one in shares.items()},
        "source": people[0].source,
        "people": len(people),
        "took_s": round(time.monotonic() - began, 1),
        "condition": "640x480 JPEG over HTTP on the loopback, 15 pictures a second, OpenCV; networks on one thread; "
        + ("faces made from one public-domain portrait: synthetic" if portraits is None else f"portraits of {folder}"),
    }


async def _passers(
    minutes: float, seed: int, people: int, stage: Stage, networks: Networks, seeing: Seeing
) -> list[tuple[Scene, Told]]:
    found = []
    for part in range(math.ceil(minutes / STEP_MIN)):
        seconds = 60 * min(STEP_MIN, minutes - part * STEP_MIN)
        scene = passers(seconds, seed * 1000 + part, people)
        found.append((scene, await played(scene, stage, networks, seeing)))
        print(f"{scene.name}: greeted {found[-1][1].greeted_s}", file=sys.stderr)
    return found


def matched(wanted_s: Sequence[float], greeted_s: Sequence[float]) -> tuple[list[float], int, int]:
    """Delays of the greetings that belong to a wanted moment, how many belong to none, how many moments had none."""
    left, delays = list(greeted_s), []
    for wanted in wanted_s:
        mine = next((one for one in left if wanted - EARLY_S <= one <= wanted + LATE_S), None)
        if mine is not None:
            left.remove(mine)
            delays.append(max(0.0, mine - wanted))
    return delays, len(left), len(wanted_s) - len(delays)


def _scored(found: Sequence[tuple[Scene, Told]], passing: Sequence[tuple[Scene, Told]]) -> dict[str, Any]:
    delays: list[float] = []
    by_kind: dict[str, dict[str, Any]] = defaultdict(
        lambda: {"scenes": 0, "false": 0, "missed": 0, "wrong": 0, "delays_s": []}
    )
    for scene, told in found:
        mine, false, missed = matched(scene.greet_s, told.greeted_s)
        row = by_kind[scene.kind]
        row["scenes"] += 1
        row["false"] += false
        row["missed"] += missed
        row["wrong"] += told.wrong
        row["delays_s"] += [round(one, 2) for one in mine]
        delays += mine
    hours = sum(scene.seconds for scene, _ in passing) / 3600
    false_passing = sum(len(told.greeted_s) for _, told in passing)
    return {
        "scenes": len(found),
        "greeting_delay_p50_s": _percentile(delays, 50),
        "greeting_delay_p95_s": _percentile(delays, 95),
        "greeting_delay_max_s": _percentile(delays, 100),
        "greetings": len(delays),
        "missed_greetings": sum(row["missed"] for row in by_kind.values()),
        "false_greetings": sum(row["false"] for row in by_kind.values()) + false_passing,
        "false_greetings_per_hour": round(false_passing / hours, 2) if hours else None,
        "passers_hours": round(hours, 3),
        "passers": sum(len(scene.actors) for scene, _ in passing),
        "wrong_person_continuations": sum(told.wrong for _, told in found),
        "other_person_longest_s": round(max((told.longest_other_s for _, told in found), default=0.0), 2),
        "templates_left_over": sum(told.remembered for _, told in found),
        "by_kind": {kind: dict(row) for kind, row in by_kind.items()},
    }


def _percentile(values: Sequence[float], share: float) -> float | None:
    return round(float(np.percentile(values, share)), 3) if values else None
