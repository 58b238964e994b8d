"""The account of a recorded visit: moments, turns with their delays, the ticket, what was expected."""

from __future__ import annotations

from typing import Final

from config.scenario import Scenario
from kiosk.scenario.runner import Outcome
from kiosk.session.trace import Trace

LATENCY_PARTS: Final = ("endpoint", "recognise", "understand", "answer", "first_sample", "total")


def report(scenario: Scenario, outcome: Outcome, trace: Trace, tallies: dict[str, int]) -> dict[str, object]:
    """One JSON object. A spoken turn that lacks a latency part is a failure of its own."""
    turns: list[dict[str, object]] = []
    failures = list(outcome.failures)
    ticket: dict[str, object] | None = None
    for index, noted in enumerate(trace.moments):
        if noted.kind == "turn":
            before = [text for at, text in outcome.said if at <= index]
            turns.append({"at_s": noted.at_s, "reference": before[-1] if before else "", **noted.facts})
        elif noted.kind == "ticket":
            ticket = {"at_s": noted.at_s, **noted.facts}
    for number, turn in enumerate(turns, start=1):
        parts = turn.get("latency_ms")
        missing = [part for part in LATENCY_PARTS if not isinstance(parts, dict) or part not in parts]
        if missing:
            failures.append(f"turn {number}: no latency for {', '.join(missing)}")
    return {
        "scenario": scenario.id,
        "title": scenario.title,
        "ok": not failures,
        "failures": failures,
        "moments": [{"at_s": noted.at_s, "kind": noted.kind, **noted.facts} for noted in trace.moments],
        "turns": turns,
        "ticket": ticket,
        "tallies": tallies,
    }
