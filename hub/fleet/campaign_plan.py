"""What an operator states before a roll-out begins: which terminals, in which waves, and when it stops by itself.

A plan never changes once it runs. It decides nothing: how it is carried out stands in `campaign_rule.py`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from contracts.fleet import Version
from contracts.messages import Code, Name

MOST_TERMINALS: Final = 50_000
MOST_WAVES: Final = 40
MOST_NAMED: Final = 200
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1, le=MOST_TERMINALS)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=30 * 86_400)]
Names = Annotated[tuple[Name, ...], msgspec.Meta(max_length=MOST_NAMED)]
Codes = Annotated[tuple[Code, ...], msgspec.Meta(max_length=MOST_NAMED)]
Figure = Literal["unsure", "ask_backs", "poor_opinions", "staff_called", "liveness_rejects", "devices_lost", "restarts"]


class PlanProblem(ValueError):
    """Why a plan cannot be carried out; `str()` says it to the person."""


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which terminals: all conditions hold; of a list, one of it does. `tags`: a terminal must carry every one."""

    branches: Names = ()
    devices: Names = ()
    regions: Codes = ()
    hardware: Codes = ()
    versions: Annotated[tuple[Version, ...], msgspec.Meta(max_length=MOST_NAMED)] = ()
    tags: Codes = ()
    without_tags: Codes = ()

    def matches(self, terminal: dict[str, Any]) -> bool:
        """Whether a terminal (`branch`, `device`, `region`, `hardware`, `version`, `tags`) is meant."""
        listed = (
            (self.branches, terminal["branch"]), (self.devices, terminal["device"]), (self.regions, terminal["region"]),
            (self.hardware, terminal["hardware"]), (self.versions, terminal["version"]),
        )  # fmt: skip
        carried = set(terminal["tags"])
        return (
            all(not wanted or one in wanted for wanted, one in listed)
            and carried.issuperset(self.tags)
            and carried.isdisjoint(self.without_tags)
        )


class Wave(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the terminals: a `number`, or a `share` of all of them (rounded up). `approve`: when it is over, a
    person decides whether the next begins."""

    number: Count | None = None
    share: Share | None = None
    approve: bool = False
    soak_s: Seconds = 0.0  # from its last outcome until its figures are judged


class Growth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Waves that grow: `first` terminals, then `factor` times as many each time, up to all."""

    first: Count = 1
    factor: Annotated[float, msgspec.Meta(ge=1, le=100)] = 3.0
    approve_first: bool = True
    soak_s: Seconds = 0.0


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When it stops by itself. Looked at after every single outcome, over the whole roll-out.

    With D done and F failed (all attempts used up) it stops at once when F >= `failed`, or when D + F >= `judged_from`
    and F > `failed_share` * (D + F). When a wave is over it stops when D < `done_share` * (D + F) of that wave.
    """

    failed: Count | None = None
    failed_share: Share | None = None
    judged_from: Count = 1
    done_share: Share = 0.0


class Pace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many at once, how long each may take, how often it is tried."""

    at_once: Count = 500
    answer_s: Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)] = (
        3_600.0  # then it is absent, and waited for no more
    )
    deadline_s: Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)] = 7 * 86_400.0  # from its answer to its outcome
    attempts: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    retry_pause_s: Seconds = 600.0
    return_s: Annotated[float, msgspec.Meta(ge=1, le=30 * 86_400)] = 86_400.0  # for going back


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A figure that must not be worse than on terminals without the release; the test stands in `gates.py`."""

    figure: Figure
    factor: Annotated[float, msgspec.Meta(ge=1, le=100)] = 1.2  # worse than this many times theirs, and
    alpha: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.01  # less likely than this by chance
    least: Annotated[float, msgspec.Meta(ge=1, le=1_000_000)] = 30.0  # exposure in each group; less: a person decides


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A roll-out as it is stated. `waves` or `growth`; terminals beyond the last wave are one more wave.

    `late`: what a terminal gets that first matches the query after the beginning: it goes with the last wave (or at
    once, when that is over), or is left out. `on_stop`: whether those that are done go back when it stops.
    """

    version: Version
    query: Query = Query()
    waves: Annotated[tuple[Wave, ...], msgspec.Meta(max_length=MOST_WAVES)] = ()
    growth: Growth | None = None
    limits: Limits = Limits()
    pace: Pace = Pace()
    gates: Annotated[tuple[Gate, ...], msgspec.Meta(max_length=6)] = ()
    late: Literal["join", "ignore"] = "join"
    on_stop: Literal["return", "stay"] = "return"


def read_plan(stated: Any) -> Plan:
    """A plan from plain values. Raises `PlanProblem` that names what is wrong."""
    try:
        plan = msgspec.convert(stated, Plan)
    except msgspec.ValidationError as err:
        raise PlanProblem(str(err)) from err
    if plan.waves and plan.growth is not None:
        raise PlanProblem("waves or growth, not both")
    for at, wave in enumerate(plan.waves, 1):
        if (wave.number is None) == (wave.share is None):
            raise PlanProblem(f"wave {at}: a number or a share, one of them")
    return plan


def waves_of(plan: Plan, terminals: int) -> tuple[list[int], list[Wave]]:
    """How many terminals each wave has (their sum is `terminals`, none is empty), and how each is treated."""
    stated = plan.waves if plan.growth is None else _grown(plan.growth, terminals)
    sizes: list[int] = []
    kept: list[Wave] = []
    left = terminals
    for wave in stated:
        size = wave.number if wave.number is not None else math.ceil(terminals * (wave.share or 0) - 1e-9)
        size = min(size, left)
        if size > 0:
            sizes.append(size)
            kept.append(wave)
            left -= size
    if left or not sizes:
        sizes.append(left)
        kept.append(Wave(share=1.0, soak_s=kept[-1].soak_s if kept else 0.0))
    return sizes, kept


def _grown(growth: Growth, terminals: int) -> Sequence[Wave]:
    waves: list[Wave] = []
    size, total = float(growth.first), 0
    while total < terminals and len(waves) < MOST_WAVES - 1:
        number = max(int(size), 1)
        waves.append(Wave(number=number, approve=growth.approve_first and not waves, soak_s=growth.soak_s))
        total += number
        size *= growth.factor
    return waves
