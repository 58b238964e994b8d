"""Whether terminals with a release do worse than those without: two exact one-sided tests, and nothing else.

A figure is worse when its rate among the updated is more than `factor` times that of the others **and** a difference
like it or greater has a probability below `alpha` if there were none. Events out of trials (ask-backs out of
understood turns): Fisher's exact test (Fisher 1935). Events over time (restarts an hour): the conditional test of two
Poisson rates, in which the updated group's share of all events is binomial (Przyborowski and Wilenski, Biometrika 31,
1940). Both take events as independent; terminals that differ much make them too ready to stop, never too slow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from hub.fleet.campaign_plan import Gate


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was counted in one group: events, and out of how much (trials, or hours)."""

    events: int
    exposure: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a gate says. `p`: how likely such a difference is by chance; None where nothing was tested."""

    figure: str
    verdict: Literal["good", "worse", "too_little"]
    updated: Seen
    others: Seen
    p: float | None = None


def judge(gate: Gate, updated: Seen, others: Seen, *, trials: bool) -> Judged:
    """Hold one figure of the updated terminals against that of the others. `trials`: events out of trials."""
    if min(updated.exposure, others.exposure) < gate.least:
        return Judged(figure=gate.figure, verdict="too_little", updated=updated, others=others)
    p = fisher(updated, others) if trials else poisson(updated, others)
    worse = updated.events / updated.exposure > gate.factor * others.events / others.exposure and p < gate.alpha
    return Judged(figure=gate.figure, verdict="worse" if worse else "good", updated=updated, others=others, p=p)


def fisher(updated: Seen, others: Seen) -> float:
    """P(at least so many of the events fall to the updated), all margins given."""
    trials, other_trials = int(updated.exposure), int(others.exposure)
    events = updated.events + others.events
    whole = _log_choose(trials + other_trials, events)
    terms = [
        math.exp(_log_choose(trials, k) + _log_choose(other_trials, events - k) - whole)
        for k in range(updated.events, min(trials, events) + 1)
        if events - k <= other_trials
    ]
    return min(math.fsum(terms), 1.0)


def poisson(updated: Seen, others: Seen) -> float:
    """P(at least so many of the events fall to the updated) if both groups' rates were the same."""
    events = updated.events + others.events
    share = updated.exposure / (updated.exposure + others.exposure)
    terms = [
        math.exp(_log_choose(events, k) + k * math.log(share) + (events - k) * math.log1p(-share))
        for k in range(updated.events, events + 1)
    ]
    return min(math.fsum(terms), 1.0)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
