"""Which visitor goes to which teller: pure, the same sum for every decision, each term kept to be read.

What a teller must be able to do is a condition; what would be good is a term of a score. Two bounds hold whatever the
weights are, proved in docs/tellers.md and tested. *Could serve you* means: fulfils the conditions, and did not refuse.

* no teller who could serve you is given to somebody who came more than H + W after you (H the largest head start,
  W the window);
* at most K such tellers (K = `passes`) are given to anybody who came after you; the next ones are yours, or go to who
  came before you.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from config.routing import Routing
from contracts.queueing import HEAD_START, Priority
from contracts.video_messages import Need, Risk

EVERYWHERE: Final = "*"
WAITED_FULL_S: Final = 900.0  # a wait or an idle time of this counts whole
SHORT_FULL_MIN: Final = 30.0
LEVELS: Final = 5

How = Literal["score", "first", "assigned"]
"""Why this pair: the best score; somebody was passed over often enough and the first comer goes; a supervisor's act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A visitor in line. `came` and `place` are of the hub's clock; `before`: known tellers and how they were rated."""

    case: str
    branch: str
    need: Need
    came: datetime
    place: datetime  # `came` less the head start
    least_level: int = 1
    passed: int = 0  # times that a teller who could serve this one was given to somebody who came later
    talk_min: float = 6.0
    refused: Mapping[str, datetime] = field(default_factory=dict)  # who refused, until when that counts
    before: Mapping[str, float] = field(default_factory=dict)  # teller → -1 (rated poor) … 1 (very good)

    @property
    def order(self) -> tuple[datetime, str]:
        """Who came first; ties by the case's own name."""
        return self.came, self.case


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """A teller, and what this one can do. `load`: share of the last hour spent talking."""

    teller: str
    branches: frozenset[str]
    services: frozenset[str]
    languages: frozenset[str]
    dialects: frozenset[str] = frozenset()
    sign: bool = False
    calm: bool = False
    licence: bool = False
    level: int = 1
    idle_since: datetime | None = None
    load: float = 0.0

    @property
    def abilities(self) -> frozenset[str]:
        """Everything that not everybody can."""
        flags = (("sign", self.sign), ("calm", self.calm), ("licence", self.licence))
        return frozenset(
            [f"service:{one}" for one in self.services]
            + [f"language:{one}" for one in self.languages]
            + [f"dialect:{one}" for one in self.dialects]
            + [name for name, there in flags if there]
        )


@dataclass(frozen=True, slots=True)
class Decision:
    """One pair. `terms` are weighted: their sum is the score. `over`: who was passed over, each counted once more."""

    case: str
    teller: str
    how: How
    terms: Mapping[str, float]
    over: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        return sum(self.terms.values())


def head_start(rules: Routing, *, priority: Priority, level: str, risk: Risk, waited_s: float = 0.0) -> timedelta:
    """How much earlier than the asking the place is: the largest reason, and the waiting before, at most H."""
    given = rules.head_starts
    urgency = {"trouble": given.trouble_min, "urgent": given.urgent_min}.get(level, 0.0)
    danger = {"medium": given.risk_medium_min, "high": given.risk_high_min, "emergency": given.risk_high_min}
    most = max(HEAD_START[priority].total_seconds() / 60, urgency, danger.get(risk, 0.0))
    waited = min(max(waited_s, 0.0) / 60, given.waited_most_min)
    return timedelta(minutes=min(most + waited, rules.limits.head_start_most_min))


def lacks(teller: Free, case: Waiting, now: datetime) -> str:
    """What keeps this teller from this case; empty: nothing does."""
    need = case.need
    wanted = (
        ("branch", case.branch in teller.branches or EVERYWHERE in teller.branches),
        ("service", need.service in teller.services or EVERYWHERE in teller.services),
        ("language", need.language in teller.languages),
        ("sign", teller.sign or not need.sign),
        ("licence", teller.licence or not need.licence),
        ("level", teller.level >= case.least_level),
        ("refused", case.refused.get(teller.teller, now) <= now),
    )
    return next((name for name, there in wanted if not there), "")


def could(teller: Free, case: Waiting, now: datetime) -> bool:
    """Whether this teller could serve this case."""
    return not lacks(teller, case, now)


def rarity(tellers: Sequence[Free]) -> dict[str, float]:
    """How rare each ability is among those on duty: 0 everybody has it, near 1 hardly anybody."""
    count: dict[str, int] = {}
    for teller in tellers:
        for ability in teller.abilities:
            count[ability] = count.get(ability, 0) + 1
    return {ability: 1 - each / len(tellers) for ability, each in count.items()}


def terms(case: Waiting, teller: Free, rules: Routing, now: datetime, rare: Mapping[str, float]) -> dict[str, float]:
    """The weighted terms of a pair."""
    weights, need = rules.weights, case.need
    head = (case.came - case.place).total_seconds() / 60
    idle_s = (now - teller.idle_since).total_seconds() if teller.idle_since else 0.0
    wanted = {f"service:{need.service}", f"language:{need.language}", f"dialect:{need.dialect}"}
    wanted |= {name for name in ("sign", "calm", "licence") if getattr(need, name)}
    spared = max((rare.get(ability, 0.0) for ability in teller.abilities - wanted), default=0.0)
    values = {
        "waited": min(1.0, max(0.0, (now - case.came).total_seconds() / WAITED_FULL_S)),
        "priority": head / max(rules.limits.head_start_most_min, 1.0),
        "known": case.before.get(teller.teller, 0.0),
        "dialect": float(bool(need.dialect) and need.dialect in teller.dialects),
        "calm": float(need.calm and teller.calm),
        "level": 1 - (teller.level - case.least_level) / LEVELS,
        "spare": 1 - spared,
        "idle": min(1.0, max(0.0, idle_s / WAITED_FULL_S)),
        "load": 1 - min(1.0, max(0.0, teller.load)),
        "short": 1 - min(1.0, case.talk_min / SHORT_FULL_MIN),
    }
    return {name: round(getattr(weights, name) * value, 4) for name, value in values.items()}


def choose(
    line: Sequence[Waiting],
    free: Sequence[Free],
    rules: Routing,
    now: datetime,
    rare: Mapping[str, float] | None = None,
) -> Decision | None:
    """The next pair; None: nobody who is free could serve anybody who waits. `rare`: of all on duty, not only the
    free ones."""
    rare = rarity(free) if rare is None else rare
    fits = {case.case: [teller for teller in free if could(teller, case, now)] for case in line}
    reachable = [case for case in line if fits[case.case]]
    if not reachable:
        return None

    def best(pairs: Iterable[tuple[Waiting, Free]], how: How) -> Decision:
        scored = [(terms(case, teller, rules, now, rare), case, teller) for case, teller in pairs]
        told, case, teller = max(scored, key=lambda one: (sum(one[0].values()), _before(one[1]), one[2].teller))
        return _decided(case, teller, how, told, reachable, now)

    due = [case for case in reachable if case.passed >= rules.limits.passes]
    if due:
        for_whom = fits[min(due, key=lambda case: case.order).case]
        firsts = [(_first(teller, reachable, now), teller) for teller in for_whom]
        return best(firsts, "first")
    lowest = min(reachable, key=lambda case: (case.place, case.case))
    until = lowest.place + timedelta(seconds=rules.limits.window_s)
    near = [case for case in reachable if case.place <= until]
    return best(((case, teller) for case in near for teller in fits[case.case]), "score")


def match(
    line: Sequence[Waiting], free: Sequence[Free], rules: Routing, now: datetime, on_duty: Sequence[Free] = ()
) -> list[Decision]:
    """All pairs that are possible now, in their order. `on_duty`: all who work, by which rare skills are judged."""
    waiting, tellers = {case.case: case for case in line}, {teller.teller: teller for teller in free}
    rare = rarity(on_duty or free)
    made: list[Decision] = []
    while waiting and tellers:
        found = choose(list(waiting.values()), list(tellers.values()), rules, now, rare)
        if found is None:
            break
        made.append(found)
        del waiting[found.case], tellers[found.teller]
        for passed in found.over:
            waiting[passed] = replace(waiting[passed], passed=waiting[passed].passed + 1)
    return made


def _first(teller: Free, line: Sequence[Waiting], now: datetime) -> Waiting:
    return min((case for case in line if could(teller, case, now)), key=lambda case: case.order)


def _before(case: Waiting) -> tuple[float, str]:
    return -case.came.timestamp(), case.case


def _decided(
    case: Waiting, teller: Free, how: How, told: Mapping[str, float], line: Sequence[Waiting], now: datetime
) -> Decision:
    over = tuple(
        other.case
        for other in sorted(line, key=lambda one: one.order)
        if other.order < case.order and other.case != case.case and could(teller, other, now)
    )
    return Decision(case.case, teller.teller, how, told, over)
