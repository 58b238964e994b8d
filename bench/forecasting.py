"""The forecast of arrivals against seasonal naive, on simulated days that nothing was fitted to."""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import date, timedelta
from typing import Any, Final

import numpy as np

from bench.branches.arrivals import days
from bench.branches.parameters import load
from hub.foresight.arrivals import QUARTERS, Arrivals, Floats, fit, naive, open_hours

HORIZONS_MIN: Final = (15, 30, 60, 120, 240, 480, 1_440, 7 * 1_440, 30 * 1_440)
UP_TO_A_DAY: Final = 1_440
FIRST: Final = date(2025, 7, 1)


def counted(branch: str, seed: int, count: int) -> tuple[dict[str, dict[date, Floats]], dict[date, frozenset[str]]]:
    """Arrivals by service and day, and what was known of each day; closed days are 'holiday' or empty."""
    parameters = load()
    by_service: dict[str, dict[date, Floats]] = {service: {} for service in parameters.services}
    kinds: dict[date, frozenset[str]] = {}
    for day in itertools.islice(days(parameters, parameters.branches[branch], FIRST, seed), count):
        kinds[day.date] = frozenset(day.kinds)
        for found in by_service.values():
            found[day.date] = np.zeros(QUARTERS)
        for one in day.visitors:
            by_service[one.service][day.date][int(one.at_s // 900)] += 1
    return by_service, kinds


def judged(branch: str, seed: int, history: int, tested: int) -> dict[int, tuple[float, float, int]]:
    """Horizon in minutes → (sum of the model's absolute errors, of the naive's, quarters)."""
    by_service, kinds = counted(branch, seed, history + tested)
    dates = sorted(kinds)
    sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    whole = {one: sum((counts[one] for counts in by_service.values()), np.zeros(QUARTERS)) for one in dates}
    open_share = open_hours([Arrivals(one, whole[one]) for one in dates[:history]])
    for service in by_service:
        counts = by_service[service]
        fitted: dict[date, Any] = {}
        for day in dates[history:]:
            before = naive({one: counts[one] for one in dates if one < day}, day)
            open_now = np.flatnonzero((before + counts[day]) > 0)
            span = range(int(open_now.min()), int(open_now.max()) + 1) if len(open_now) else range(0)
            for horizon in HORIZONS_MIN:
                made = day - timedelta(days=-(-horizon // 1_440)) if horizon >= UP_TO_A_DAY else day
                last = [one for one in dates if one < made]
                if not last:
                    continue
                key = last[-1]
                if key not in fitted:
                    fitted[key] = fit([Arrivals(one, counts[one], kinds[one]) for one in last], open_share)
                model = fitted[key]
                if horizon >= UP_TO_A_DAY:
                    expected = model.expected(day, kinds[day])
                # what is known of a day is known beforehand; weather as its forecast would say
                for quarter in span:
                    if horizon < UP_TO_A_DAY:
                        known = quarter - horizon // 15 + 1  # quarters that have ended when the forecast is made
                        expected = model.today(day, kinds[day], counts[day], max(known - 1, 0))
                    one = sums[horizon]
                    one[0] += abs(float(expected[quarter]) - counts[day][quarter])
                    one[1] += abs(float(before[quarter]) - counts[day][quarter])
                    one[2] += 1
    return {horizon: (one[0], one[1], int(one[2])) for horizon, one in sums.items()}


def main(seed: int, history: int = 180, tested: int = 40) -> dict[str, Any]:
    """`mase_vs_naive`: the worst up to a day; by horizon all, in minutes."""
    totals: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for branch in load().branches:
        for horizon, one in judged(branch, seed, history, tested).items():
            for at in range(3):
                totals[horizon][at] += one[at]
    by_horizon = {str(horizon): round(one[0] / one[1], 4) for horizon, one in sorted(totals.items())}
    return {
        "mase_vs_naive": max(value for horizon, value in by_horizon.items() if int(horizon) <= UP_TO_A_DAY),
        "mase_by_horizon": by_horizon,
        "mae_by_horizon": {str(h): round(one[0] / one[2], 4) for h, one in sorted(totals.items())},
        "naive_mae": round(totals[UP_TO_A_DAY][1] / totals[UP_TO_A_DAY][2], 4),
        "forecast_quarters": int(totals[UP_TO_A_DAY][2]),
        "forecast_history_days": history,
        "forecast_days": tested,
    }
