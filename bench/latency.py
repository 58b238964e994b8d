"""How long a visitor waits: from the last sample of their speech to the first sample of the answer.

    python -m bench latency [--scenario FILE …] --json -

The whole running kiosk at real pace: hub and broker, core with every model, screen with the moving face; file-backed
microphone and loudspeaker in a simulated room; recorded synthetic visitors ask questions in both languages
(bench/data/latency). The end of speech is the true one, of the recording before the room's reverberation, not the one
that was detected. Her approved sentences are rendered ahead first, as on a terminal after a quiet half hour, for eight
minutes at most: run it again, or `python -m kiosk prepare --all` before, if it then says that some were missing
(`--as-it-is` leaves that out); that is not measured. A filler ('one moment') is not an answer and is not counted as
one.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.visit import spread
from config.scenario import load_scenario
from config.schema import load_site
from kiosk.dialogue.manner import Manner
from kiosk.rendered import missing_sentences, render
from kiosk.scenario.demo import DemoOptions, run_demo
from kiosk.scenario.report import LATENCY_PARTS
from models.sessions import has_vnni

AHEAD_S: Final = 8 * 60  # the visits take eleven minutes more
SCENARIOS: Final = Path(__file__).parent / "data" / "latency"
PARTS: Final = tuple(part for part in LATENCY_PARTS if part != "total")
TRUE_PARTS: Final = ("detect", *PARTS)


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench latency", description=__doc__)
    arguments.add_argument(
        "--scenario", action="append", type=Path, help="a scenario file; the bench's own when absent"
    )
    arguments.add_argument("--as-it-is", action="store_true", help="render nothing ahead that is not there")
    given = arguments.parse_args(argv)
    rendered, unrendered = (0, None) if given.as_it_is else render_ahead()
    paths = given.scenario or sorted(SCENARIOS.glob("*.yaml"))
    accounts = [_visit(path) for path in paths]
    turns = [turn for account in accounts for turn in measured(account["moments"])]
    if not turns:
        raise ValueError("no turn was answered; the logs of the visits say why")
    totals = [turn["total"] for turn in turns]
    cached = [turn["answer"] + turn["first_sample"] for turn in turns if turn["cached"]]
    frames = [m["frame_p95_ms"] for account in accounts for m in account["moments"] if m["kind"] == "pace"]
    whole = spread(totals)
    return {
        "p50_ms": whole["p50"],
        "p95_ms": whole["p95"],
        "max_ms": whole["max"],
        "cached_p50_ms": spread(cached)["p50"],
        "missing_parts": sum(turn["missing"] for turn in turns),
        "filler_share": round(sum(turn["filler"] for turn in turns) / len(turns), 3),
        "turns": len(turns),
        "turns_expected": sum(len(load_scenario(path).sayings()) for path in paths),
        "by_language": {
            language: spread([turn["total"] for turn in turns if turn["language"] == language])
            for language in sorted({turn["language"] for turn in turns})
        },
        "share": {part: round(sum(turn[part] for turn in turns) / sum(totals), 3) for part in TRUE_PARTS},
        "parts_ms": {part: spread([turn[part] for turn in turns]) for part in TRUE_PARTS},
        "silence_within_ms": spread([one for account in accounts for one in silences(account["moments"])]),
        "room_late": sum(account["tallies"]["room_late"] for account in accounts),
        "processor_has_vnni": has_vnni(),
        "cached_turns": len(cached),
        "rendered_ahead_now": rendered,
        "not_rendered_ahead": unrendered,
        "failures": [failure for account in accounts for failure in account["failures"]],
        "screen_frame_p95_ms": spread(frames)["p50"],
        "condition": "whole kiosk, face at 30 frames a second off-screen at 1080x1920, recorded synthetic visitors "
        "0.8 to 1.0 m, RT60 0.4 to 0.5 s, pink noise 20 dB below, all processes on this machine",
    }


def render_ahead() -> tuple[int, int]:
    """Make approved sentences that are missing, as a terminal does while nobody is there, until AHEAD_S are over.

    How many were made, and how many are still missing, of what is needed least.
    """
    site = load_site()
    missing = [sentence for sentence in missing_sentences(site, everything=True) if sentence.manner == Manner()]
    made = 0
    for made in render(site, missing, within_s=AHEAD_S):
        print(f"rendering her sentences ahead: {made} of {len(missing)}", end="\r", file=sys.stderr)
    return made, len(missing) - made


def _visit(path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        options = DemoOptions(
            scenario=load_scenario(path), site=load_site(), out=Path(folder), headless=True, film=False
        )
        return asyncio.run(run_demo(options, lambda line: print(f"{path.stem}: {line}", file=sys.stderr)))


def measured(moments: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each answered turn with its parts from the true end of speech; the detector's lag is the part `detect`."""
    turns: list[dict[str, Any]] = []
    for moment in moments:
        if moment["kind"] != "turn":
            continue
        parts = dict(moment["latency_ms"] or {})
        missing = sum(part not in parts for part in PARTS)
        end_ns = _voice_end_ns(moments, moment)
        if missing or end_ns is None:
            turns.append({"missing": max(1, missing), "total": 0.0, **dict.fromkeys(TRUE_PARTS, 0.0), **_marks(moment)})
            continue
        total = (moment["first_sample_ns"] - end_ns) / 1e6
        detected = sum(parts[part] for part in PARTS)
        turns.append({**parts, "missing": 0, "total": total, "detect": total - detected, **_marks(moment)})
    return turns


def silences(moments: Sequence[dict[str, Any]]) -> list[float]:
    """For each answer to a turn, the longest that she was silent within it because the next clause was not made yet."""
    longest = []
    for i, moment in enumerate(moments):
        if moment["kind"] == "turn":
            after = next((later for later in moments[i + 1 :] if later["kind"] in ("said", "turn")), None)
            longest += [float(after["silence_ms"])] if after and after["kind"] == "said" else []  # else it was cut
    return longest


def _marks(turn: dict[str, Any]) -> dict[str, Any]:
    return {name: turn[name] for name in ("cached", "filler", "language")}


def _voice_end_ns(moments: Sequence[dict[str, Any]], turn: dict[str, Any]) -> int | None:
    """The end of the sentence nearest to this turn's first sample; its recording may still be ringing out then."""
    ends = [m["voice_end_ns"] for m in moments if m["kind"] == "visitor_finished"]
    return min(ends, key=lambda end: abs(turn["first_sample_ns"] - end), default=None)
