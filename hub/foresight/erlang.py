"""Counters by queueing theory: Erlang A, which knows that people leave (Palm 1957; Garnett, Mandelbaum, Reiman 2002).

One service, arrivals and visits as exponential as theory wants them: good for a first number in a microsecond, and as
a check of the rehearsal (`rehearse.py`), which knows priorities, skills and lunches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

MOST_COUNTERS: Final = 60
MOST_STATES: Final = 400  # waiting; what lies beyond has no weight with people who leave
WEIGHTLESS: Final = 1e-7  # states less likely are left out


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of counters makes of a load. Shares of arrivals; seconds."""

    counters: int
    waits_share: float  # who does not go straight to a counter
    leaves_share: float
    mean_wait_s: float
    late_share: float  # who still waits after the goal
    busy_share: float  # of the counters


def erlang_a(per_s: float, visit_s: float, patience_s: float, counters: int, goal_s: float) -> Load:
    """M/M/c+M in its steady state. `per_s` arrivals a second; means of a visit and of patience in seconds.

    Raises ValueError for what is not positive, or no counter.
    """
    if per_s < 0 or visit_s <= 0 or patience_s <= 0 or not 1 <= counters <= MOST_COUNTERS or goal_s < 0:
        raise ValueError(f"no load of {per_s} a second, {visit_s} s, {patience_s} s at {counters} counters")
    if per_s == 0:
        return Load(counters, 0.0, 0.0, 0.0, 0.0, 0.0)
    serve, leave = 1 / visit_s, 1 / patience_s
    logs = [0.0]
    for state in range(1, counters + MOST_STATES):
        out = min(state, counters) * serve + max(state - counters, 0) * leave
        logs.append(logs[-1] + math.log(per_s / out))
    weights = np.exp(np.array(logs) - max(logs))
    chance = weights / weights.sum()
    waiting = np.maximum(np.arange(len(chance)) - counters, 0)
    in_line = float((chance * waiting).sum())
    before = chance[counters:]  # who comes finds so many counters' worth and k in line
    likely = int(np.flatnonzero(before > WEIGHTLESS).max(initial=0)) + 1
    late = float((before[:likely] * (1 - _called_by(counters * serve, leave, likely, goal_s))).sum())
    busy = float((chance * np.minimum(np.arange(len(chance)), counters)).sum()) / counters
    return Load(counters, float(before.sum()), min(1.0, in_line * leave / per_s), in_line / per_s, min(1.0, late), busy)


def _called_by(serve: float, leave: float, states: int, goal_s: float) -> np.ndarray:
    """(states,) chance of being called within the goal with k in line before oneself.

    The wait is a sum of k + 1 exponentials with rates `serve + j·leave`; taken as a gamma of the same mean and variance
    (Wilson and Hilferty 1931 for its distribution: within 0.02 for one, better for more).
    """
    if goal_s <= 0:
        return np.zeros(states)
    rates = serve + np.arange(states) * leave
    mean, variance = np.cumsum(1 / rates), np.cumsum(1 / rates**2)
    shape = mean**2 / variance
    normal = ((goal_s / mean) ** (1 / 3) - (1 - 1 / (9 * shape))) * 3 * np.sqrt(shape)
    return np.array([0.5 * (1 + math.erf(value / math.sqrt(2))) for value in normal])


def counters_for(per_s: float, visit_s: float, patience_s: float, goal_s: float, late_share: float = 0.1) -> Load:
    """The fewest counters with which at most `late_share` still wait after the goal. Raises ValueError as above."""
    least = max(1, math.ceil(per_s * visit_s * 0.5))
    load = erlang_a(per_s, visit_s, patience_s, min(least, MOST_COUNTERS), goal_s)
    while load.late_share > late_share and load.counters < MOST_COUNTERS:
        load = erlang_a(per_s, visit_s, patience_s, load.counters + 1, goal_s)
    return load
