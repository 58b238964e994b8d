"""Whole recorded visits, one after the other: what they took and whether what had to happen happened.

    python -m bench visit [--scenario ID …] [--times N] --json -

Real models, broker, hub and screen on this machine; the visitor is recorded, the room simulated (condition of each:
config/scenarios). Times are at real pace, from the last sample of the visitor's speech to the first of the answer.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from config.scenario import SCENARIOS_DIR, find_scenario, load_scenario
from config.schema import load_site
from kiosk.scenario.demo import DemoOptions, run_demo
from kiosk.scenario.report import LATENCY_PARTS


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench visit", description=__doc__)
    arguments.add_argument("--scenario", action="append", help="id or file; all there are when absent")
    arguments.add_argument("--times", type=int, default=1)
    given = arguments.parse_args(argv)
    names = given.scenario or sorted(path.stem for path in SCENARIOS_DIR.glob("*.yaml"))
    accounts = [account for _ in range(given.times) for account in _visits(names)]
    turns = [turn["latency_ms"] for account in accounts for turn in account["turns"]]
    frames = [m["frame_p95_ms"] for account in accounts for m in account["moments"] if m["kind"] == "pace"]
    return {
        "visits": len(accounts),
        "ok": sum(account["ok"] for account in accounts),
        "failures": [f"{a['scenario']}: {failure}" for a in accounts for failure in a["failures"]],
        "turns": len(turns),
        "missing_parts": sum(part not in turn for turn in turns for part in LATENCY_PARTS),
        "latency_ms": {part: spread([turn[part] for turn in turns]) for part in LATENCY_PARTS},
        "screen_frame_p95_ms": spread(frames),
        "condition": "film on, screen off-screen at 1080x1920, all processes on this machine",
    }


def _visits(names: Sequence[str]) -> list[dict[str, Any]]:
    site = load_site()
    accounts = []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            options = DemoOptions(
                scenario=load_scenario(find_scenario(name)), site=site, out=Path(folder), headless=True
            )
            accounts.append(asyncio.run(run_demo(options, lambda line: print(line, file=sys.stderr))))
    return accounts


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile, largest, count; zeros when there is nothing."""
    if not values:
        return {"p50": 0.0, "p95": 0.0, "max": 0.0, "n": 0}
    ordered = sorted(values)
    return {
        "p50": round(statistics.median(ordered), 1),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "max": round(ordered[-1], 1),
        "n": len(ordered),
    }
