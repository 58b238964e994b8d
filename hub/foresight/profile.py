"""What a branch's own history says about visits, pauses, missed calls and leaving. No shape is assumed: draws are of
what happened, and where little has happened yet, of the site's own figures.

A profile is made of `Visit`s in a second and drawn from in microseconds. It knows durations and times, never people.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from hub.foresight.waiting import NEVER_S, Floats

ENOUGH: Final = 40  # visits of a kind before its own figures count alone
PRIOR_WEIGHT: Final = 25.0  # visits that a counter's speed is weighed against
LONGEST_PAUSE_S: Final = 900.0  # with somebody waiting; longer, and the counter is not there
BEYOND: Final = 2.5  # times the longest visit seen: whoever forgot to press 'done'
AGES_S: Final = np.array([0.0, 600, 1_200, 1_800, 2_700, 3_600, 5_400, 7_200])
Z90: Final = 1.2816
PRIOR_MISSED_S: Final = 90.0
PRIOR_PAUSE_S: Final = 25.0
PRIOR_MISS: Final = (1.0, 40.0)  # missed, of calls: what a branch without history begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One ticket's way, as the hub recorded it. Seconds of its day; negative: did not happen.

    `pause_s`: from its end to the counter's next call, if somebody waited meanwhile, else -1.
    """

    day: str
    service: str
    priority: str
    elder: bool
    head_start_s: float
    came_s: float
    called_s: float
    ended_s: float
    left_s: float
    missed: bool
    counter: str
    pause_s: float = -1.0


@dataclass(frozen=True, slots=True)
class Prior:
    """The site's own figures of a service: minutes at a counter, usual and seldom longer."""

    usual_min: float
    seldom_min: float
    counters: int = 1  # that normally serve it

    def draw(self, count: int) -> Floats:
        """`count` evenly spread values of a log-normal with that median and 90th percentile, in seconds."""
        spread = math.log(max(self.seldom_min / self.usual_min, 1.05)) / Z90
        # quantiles of the standard normal at even steps (Acklam's approximation is not needed: drawn once, sorted)
        normal = np.sort(np.random.default_rng(1).standard_normal(4_000))
        at = ((np.arange(count) + 0.5) / count * len(normal)).astype(np.intp)
        return 60 * self.usual_min * np.exp(spread * normal[at])


@dataclass(slots=True)
class Profile:
    """Draws from history. `days` says how much there is."""

    days: int
    visits: dict[tuple[str, bool], Floats]
    missed: Floats
    pauses: Floats
    speeds: dict[str, float]
    miss_by_age: Floats
    leave_by_age: Floats  # cumulative hazard at `AGES_S`
    coming: dict[str, dict[tuple[float, bool], Floats]] = field(default_factory=dict)  # by quarter of an hour, a second

    def visit_s(self, service: str, elder: bool, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        pause = self.pauses[draw.integers(0, len(self.pauses), shape)]
        own = self._own(service, elder)
        return own[draw.integers(0, len(own), shape)] + pause

    def missed_s(self, shape: tuple[int, ...], draw: np.random.Generator) -> Floats:
        pause = self.pauses[draw.integers(0, len(self.pauses), shape)]
        return self.missed[draw.integers(0, len(self.missed), shape)] + pause

    def rest_s(self, service: str, elder: bool, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        own = self._own(service, elder)
        beyond = own[np.searchsorted(own, spent_s, "right") :]
        if len(beyond) < 5:
            if spent_s > BEYOND * float(own[-1]):
                return None
            return draw.exponential(0.35 * spent_s, plays)  # the tail beyond what was seen
        pause = self.pauses[draw.integers(0, len(self.pauses), plays)]
        return np.asarray(beyond[draw.integers(0, len(beyond), plays)] - spent_s + pause)

    def pause_left_s(self, spent_s: float, plays: int, draw: np.random.Generator) -> Floats | None:
        beyond = self.pauses[np.searchsorted(self.pauses, spent_s, "right") :]
        if len(beyond) >= 3:
            return np.asarray(beyond[draw.integers(0, len(beyond), plays)] - spent_s)
        return draw.exponential(0.35 * spent_s + 5.0, plays) if spent_s < LONGEST_PAUSE_S else None

    def speed(self, counter: str) -> float:
        return self.speeds.get(counter, 1.0)

    def miss_chance(self, waited_s: Floats) -> Floats:
        return np.interp(waited_s, AGES_S, self.miss_by_age)

    def leaves_s(self, waited_s: float, plays: int, draw: np.random.Generator) -> Floats:
        hazard = float(np.interp(waited_s, AGES_S, self.leave_by_age)) + draw.exponential(1.0, plays)
        return np.where(hazard >= self.leave_by_age[-1], NEVER_S, np.interp(hazard, self.leave_by_age, AGES_S))

    def head_starts(self, service: str, now_s: float) -> Mapping[tuple[float, bool], float]:
        quarter = min(int(now_s // 900), 95)
        return {kind: float(rates[quarter]) for kind, rates in self.coming.get(service, {}).items()}

    def knows(self, service: str) -> bool:
        """Whether there is anything to say about this service at all."""
        return (service, False) in self.visits

    def _own(self, service: str, elder: bool) -> Floats:
        found = self.visits.get((service, elder))
        return found if found is not None else self.visits[(service, False)]


def make_profile(visits: Sequence[Visit], priors: Mapping[str, Prior] | None = None) -> Profile | None:
    """A profile of some days' visits; None where neither they nor the site say anything.

    A branch without history draws from the site's own figures; the first days' visits are mixed with them.
    """
    priors = priors or {}
    days = len({one.day for one in visits})
    called = [one for one in visits if one.called_s >= 0]
    served = [one for one in called if not one.missed and one.ended_s > one.called_s]
    services = {one.service for one in served} | set(priors)
    if not services:
        return None
    took: dict[tuple[str, bool], list[float]] = {}
    for one in served:
        took.setdefault((one.service, one.elder), []).append(one.ended_s - one.called_s)
    durations: dict[tuple[str, bool], Floats] = {}
    for service in services:
        durations |= _durations(service, took, priors.get(service))
    missed = np.array([one.ended_s - one.called_s for one in called if one.missed and one.ended_s > one.called_s])
    pauses = np.sort(np.array([one.pause_s for one in visits if 0 <= one.pause_s <= LONGEST_PAUSE_S]))
    return Profile(
        days=days,
        visits=durations,
        missed=missed if len(missed) >= 5 else np.array([PRIOR_MISSED_S]),
        pauses=pauses if len(pauses) >= 20 else np.array([PRIOR_PAUSE_S]),
        speeds=_speeds(served, durations),
        miss_by_age=_misses(called),
        leave_by_age=_leaving(visits),
        coming=_coming(visits, days),
    )


def _durations(
    service: str, took: Mapping[tuple[str, bool], Sequence[float]], prior: Prior | None
) -> dict[tuple[str, bool], Floats]:
    plain, elder = list(took.get((service, False), ())), list(took.get((service, True), ()))
    if prior is not None and len(plain) < ENOUGH:
        plain += list(prior.draw(ENOUGH - len(plain)))
    if not plain and not elder:
        return {}
    if len(elder) < ENOUGH:
        return {(service, False): np.sort(np.array([*plain, *elder]))}
    if len(plain) < ENOUGH:
        return {(service, False): np.sort(np.array([*plain, *elder]))}
    return {(service, False): np.sort(np.array(plain)), (service, True): np.sort(np.array(elder))}


def _speeds(served: Sequence[Visit], durations: Mapping[tuple[str, bool], Floats]) -> dict[str, float]:
    """Each counter's visits against the branch's of the same kind, drawn towards 1 while there are few."""
    usual = {kind: float(np.log(own).mean()) for kind, own in durations.items()}
    found: dict[str, list[float]] = {}
    for one in served:
        of_kind = usual.get((one.service, one.elder), usual.get((one.service, False)))
        if of_kind is not None:
            found.setdefault(one.counter, []).append(math.log(one.ended_s - one.called_s) - of_kind)
    return {counter: math.exp(sum(logs) / (len(logs) + PRIOR_WEIGHT)) for counter, logs in found.items() if counter}


def _misses(called: Sequence[Visit]) -> Floats:
    """The share of missed calls by how long they waited, (ages,), weighed with a little of what is usual."""
    waited = np.array([one.called_s - one.came_s for one in called])
    missed = np.array([one.missed for one in called], dtype=bool)
    whole = (missed.sum() + PRIOR_MISS[0]) / (len(called) + PRIOR_MISS[1])
    shares = []
    for at, age in enumerate(AGES_S):
        low = (AGES_S[at - 1] + age) / 2 if at else -1.0
        high = (age + AGES_S[at + 1]) / 2 if at + 1 < len(AGES_S) else np.inf
        some = (waited >= low) & (waited < high) if len(called) else np.zeros(0, dtype=bool)
        shares.append((missed[some].sum() + 20 * whole) / (some.sum() + 20))
    return np.array(shares)


def _leaving(visits: Sequence[Visit]) -> Floats:
    """The cumulative hazard of giving the number back at each age, (ages,): leavers over those at risk."""
    ends = np.array([(one.left_s if one.left_s >= 0 else one.called_s) - one.came_s for one in visits
                     if one.left_s >= 0 or one.called_s >= 0])  # fmt: skip
    left = np.array([one.left_s >= 0 for one in visits if one.left_s >= 0 or one.called_s >= 0], dtype=bool)
    cumulative = [0.0]
    for low, high in itertools.pairwise(AGES_S):
        at_risk = float(np.clip(ends - low, 0, high - low).sum()) if len(ends) else 0.0
        leavers = float((left & (ends >= low) & (ends < high)).sum()) if len(ends) else 0.0
        cumulative.append(cumulative[-1] + (high - low) * (leavers + 0.05) / (at_risk + 4_000))
    return np.array(cumulative)


def _coming(visits: Sequence[Visit], days: int) -> dict[str, dict[tuple[float, bool], Floats]]:
    """Arrivals with a head start: by service and kind (96,) a second, smoothed over an hour and a half."""
    counts: dict[str, dict[tuple[float, bool], Floats]] = {}
    for one in visits:
        if one.head_start_s > 0 and one.came_s >= 0:
            of_service = counts.setdefault(one.service, {})
            kind = of_service.setdefault((one.head_start_s, one.elder), np.zeros(96))
            kind[min(int(one.came_s // 900), 95)] += 1
    window = np.ones(7) / 7
    smooth: dict[str, dict[tuple[float, bool], Floats]] = {}
    for service, kinds in counts.items():
        smooth[service] = {
            kind: np.convolve(count, window, "same") / (900.0 * max(days, 1)) for kind, count in kinds.items()
        }
    return smooth


def with_pauses(visits: Sequence[Visit], skills: Mapping[str, npt.NDArray[np.bool_] | set[str]]) -> list[Visit]:
    """The visits of one day with `pause_s`: after each visit at a counter, how long until its next call, where
    somebody it may call waited all the while."""
    from dataclasses import replace

    by_counter: dict[str, list[Visit]] = {}
    for one in visits:
        if one.counter and one.called_s >= 0 and one.ended_s >= one.called_s:
            by_counter.setdefault(one.counter, []).append(one)
    pauses: dict[int, float] = {}
    for counter, mine in by_counter.items():
        mine.sort(key=lambda one: one.called_s)
        may_call = skills.get(counter, set())
        came = np.array([one.came_s for one in visits if one.service in may_call])
        gone = np.array([_gone(one) for one in visits if one.service in may_call])
        for one, after in itertools.pairwise(mine):
            pause = after.called_s - one.ended_s
            if 0 <= pause <= LONGEST_PAUSE_S and bool(((came < one.ended_s) & (gone >= after.called_s)).any()):
                pauses[id(one)] = pause
    return [replace(one, pause_s=pauses.get(id(one), -1.0)) for one in visits]


def _gone(one: Visit) -> float:
    ends = [at for at in (one.called_s, one.left_s) if at >= 0]
    return min(ends, default=NEVER_S)
