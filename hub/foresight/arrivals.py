"""How many will come, by service and quarter of an hour: profile × weekday × what is known of the day × level.

A small model of its own: a day's rate follows a smooth profile; the morning and the afternoon are each stretched by
weekday and by known events (log-linear, drawn towards 1 while little was seen); the days' level is followed by
exponential smoothing and believed less the further ahead; today's own arrivals correct the rest of today
(Gamma-Poisson). It needs numpy only: statsforecast would bring numba and pandas for what these sums do.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
QUARTERS: Final = 96
NOON: Final = 48  # quarters before it are the morning
SMOOTH: Final = 1.6  # quarters, standard deviation of the profile's kernel
RIDGE: Final = 2.0  # days that an event's effect is drawn towards 1 with
LEVEL_STEP: Final = 0.25  # of exponential smoothing over days
LEVEL_FADES: Final = 0.75  # what a day's distance leaves of the level
LEAST_VARIANCE, MOST_VARIANCE = 0.0025, 0.06  # of a day's log level beside chance: 5 to 25 per cent
CARRY_FADES: Final = 0.5  # what a further quarter leaves of the last one's surprise
LEAST_DAYS: Final = 5  # open days before anything is said
MOST_FACTOR: Final = 4.0
GAP: Final = 5  # quarters without anybody inside the opening hours that are no closed hours yet
OPEN_SHARE: Final = 0.2  # of a weekday's days on which anybody came in a quarter: else it is closed then


@dataclass(frozen=True, slots=True)
class Arrivals:
    """One day's arrivals of one service: (96,) counts; `kinds` is what was known of it beforehand."""

    day: date
    counts: Floats
    kinds: frozenset[str] = frozenset()


@dataclass(slots=True)
class Forecast:
    """A fitted service. `expected` and `today` give (96,) arrivals."""

    profile: Floats
    open_share: Floats  # (7, 96): whether the branch is open then
    effects: dict[tuple[str, int], float]  # (weekday or kind, half of the day) → log factor
    level: float
    last: date
    days: int
    variance: float = LEAST_VARIANCE  # of the days' log level, beside chance
    carry: float = 0.0  # how much of a quarter's surprise the next one brings
    kinds_seen: dict[str, int] = field(default_factory=dict)

    def expected(self, day: date, kinds: frozenset[str] = frozenset()) -> Floats:
        """Arrivals of a day, by quarter of an hour."""
        if "holiday" in kinds:
            return np.zeros(QUARTERS)
        ahead = max((day - self.last).days, 1)
        factors = np.array([self._log_factor(day.weekday(), kinds, half) for half in (0, 1)])
        factors = np.exp(np.clip(factors + self.level * LEVEL_FADES ** (ahead - 1), -np.log(6.0), np.log(6.0)))
        by_quarter = np.where(np.arange(QUARTERS) < NOON, factors[0], factors[1])
        return np.asarray(self.profile * by_quarter * self.open_share[day.weekday()])

    def today(self, day: date, kinds: frozenset[str], so_far: Floats, now_quarter: int) -> Floats:
        """The same for a day of which `so_far`, (96,) counts, is known before `now_quarter`."""
        plain = self.expected(day, kinds)
        if now_quarter <= 0:
            return plain
        came, meant = float(so_far[:now_quarter].sum()), float(plain[:now_quarter].sum())
        weight = 1.0 / self.variance  # expected arrivals that today's own are weighed against
        level = (came + weight) / (meant + weight)
        surprise = float(so_far[now_quarter - 1]) - float(plain[now_quarter - 1]) * level
        further = np.maximum(np.arange(QUARTERS) - now_quarter, 0)
        carried = self.carry * surprise * CARRY_FADES**further
        later = np.arange(QUARTERS) >= now_quarter
        return np.asarray(np.maximum(plain * level + np.where(later & (plain > 0), carried, 0.0), 0.0))

    def _log_factor(self, weekday: int, kinds: frozenset[str], half: int) -> float:
        found = self.effects.get((f"weekday-{weekday}", half), 0.0)
        return found + sum(self.effects.get((kind, half), 0.0) for kind in sorted(kinds))


def fit(history: Sequence[Arrivals], open_share: Floats | None = None) -> Forecast | None:
    """A forecast from whole days, oldest first; None below `LEAST_DAYS` open days with anybody in them.

    `open_share`: (7, 96) when the branch is open, of `open_hours` over all its services; else of this service alone.
    """
    days = [one for one in history if one.counts.sum() > 0 and "holiday" not in one.kinds]
    if len(days) < LEAST_DAYS:
        return None
    counts = np.stack([one.counts for one in days])
    open_share = open_hours(days) if open_share is None else open_share
    exposed = open_share[[one.day.weekday() for one in days]]
    profile = _profile(counts, exposed)
    halves = (slice(0, NOON), slice(NOON, QUARTERS))
    effects: dict[tuple[str, int], float] = {}
    residual = np.zeros(len(days))
    for _ in range(2):  # the profile is made again once the days' factors are known
        factor = np.ones_like(counts)
        weights = np.zeros((len(days), 2))
        logs = np.zeros((len(days), 2))
        for half, part in enumerate(halves):
            meant = (profile[part] * exposed[:, part]).sum(axis=1)
            logs[:, half] = np.log((counts[:, part].sum(axis=1) + 1.0) / (meant + 1.0))
            weights[:, half] = meant
            fitted = _effects(days, logs[:, half], meant)
            effects |= {(name, half): value for name, value in fitted.items()}
        for at, one in enumerate(days):
            for half, part in enumerate(halves):
                names = [f"weekday-{one.day.weekday()}", *sorted(one.kinds)]
                factor[at, part] = np.exp(sum(effects.get((name, half), 0.0) for name in names))
        meant_day = (profile * exposed * factor).sum(axis=1)
        residual = np.log((counts.sum(axis=1) + 1.0) / (meant_day + 1.0))
        profile = _profile(counts / (factor * np.exp(residual)[:, None]), exposed)
    level = 0.0
    for value in residual:
        level += LEVEL_STEP * (value - level)
    seen: dict[str, int] = {}
    for one in days:
        for kind in one.kinds:
            seen[kind] = seen.get(kind, 0) + 1
    chance = float((1.0 / (meant_day + 1.0)).mean())  # what Poisson alone would spread
    variance = float(np.clip(np.var(residual) - chance, LEAST_VARIANCE, MOST_VARIANCE))
    surprises = (counts - profile * exposed * factor * np.exp(residual)[:, None]) * exposed
    before, after = surprises[:, :-1], surprises[:, 1:]
    carry = float(np.clip((before * after).sum() / max(float((before**2).sum()), 1e-9), 0.0, 0.5))
    return Forecast(profile, open_share, effects, float(level), days[-1].day, len(days), variance, carry, seen)


def open_hours(days: Sequence[Arrivals]) -> Floats:
    """(7, 96): 1 where a branch is open on that weekday, by when anybody ever came; short gaps are no closed hours."""
    found = np.zeros((7, QUARTERS))
    for weekday in range(7):
        mine = [one.counts > 0 for one in days if one.day.weekday() == weekday and one.counts.sum() > 0]
        if not mine:
            continue
        share = np.stack(mine).mean(axis=0)
        came = np.flatnonzero(share >= min(OPEN_SHARE, 1 / len(mine)))
        for before, after in itertools.pairwise(came):
            if after - before <= GAP:
                found[weekday, before : after + 1] = 1.0
        found[weekday, came] = 1.0
    return found


def _profile(counts: Floats, exposed: Floats) -> Floats:
    """(96,) arrivals a quarter on an ordinary day, smoothed over neighbours that are open."""
    came, open_days = (counts * (exposed > 0)).sum(axis=0), exposed.sum(axis=0)
    at = np.arange(QUARTERS)
    kernel = np.exp(-0.5 * ((at[:, None] - at[None, :]) / SMOOTH) ** 2)
    return np.asarray((kernel @ came) / np.maximum(kernel @ open_days, 1e-9))


def _effects(days: Sequence[Arrivals], logs: Floats, meant: Floats) -> dict[str, float]:
    """Log factors of weekdays and kinds by weighted ridge regression; the more came, the more a day counts."""
    names = sorted({f"weekday-{one.day.weekday()}" for one in days} | {kind for one in days for kind in one.kinds})
    column = {name: at for at, name in enumerate(names)}
    design = np.zeros((len(days), len(names)))
    for at, one in enumerate(days):
        design[at, column[f"weekday-{one.day.weekday()}"]] = 1.0
        for kind in one.kinds:
            design[at, column[kind]] = 1.0
    weight = meant / (1.0 + 0.02 * meant)  # Poisson noise and the days' own level: large days do not drown small ones
    weight = weight / max(float(weight.mean()), 1e-9)
    left = design.T @ (design * weight[:, None]) + RIDGE * np.eye(len(names))
    found = np.linalg.solve(left, design.T @ (weight * logs))
    bound = np.log(MOST_FACTOR)
    return {name: float(np.clip(found[at], -bound, bound)) for name, at in column.items()}


def naive(history: Mapping[date, Floats], day: date) -> Floats:
    """Seasonal naive: the same quarter a week before (two where that day was closed, up to four)."""
    for weeks in range(1, 5):
        found = history.get(day - timedelta(weeks=weeks))
        if found is not None and found.sum() > 0:
            return found
    return np.zeros(QUARTERS)
