"""Simulated days: one seed one day, the wire as the rules, and a hub that looks ahead over them."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.branches.arrivals import HOUR_S, days
from bench.branches.foreseen import Foreseen
from bench.branches.house import RuleHouse
from bench.branches.looks import visits
from bench.branches.parameters import load
from bench.branches.wire import WireHouse
from bench.branches.world import Ended, World
from config.routing import load_routing
from hub import queue
from hub.foresight.dispatch_rule import Kind, Rules
from hub.foresight.profile import Prior
from hub.foresight.records import visits_of
from hub.foresight.tables import dispatch_acts, promises
from hub.store import Store

FIRST = date(2026, 3, 2)
BRANCH = load().branches["luosi"]


def trace(ended: list[Ended]) -> list[tuple[str, float, str]]:
    return [(one.number, round(one.wait_s, 3), one.way) for one in ended]


@pytest.mark.unit
def test_one_seed_is_one_day_and_another_is_another() -> None:
    found = []
    for seed in (1, 1, 2):
        day = next(days(load(), BRANCH, FIRST, seed))
        found.append(trace(World(load(), BRANCH, RuleHouse(), seed=seed).run(day)))
    assert found[0] == found[1] != found[2] and len(found[0]) > 50


@pytest.mark.unit
def test_a_bank_holiday_has_no_visitors() -> None:
    lived = [day.date for day in itertools.islice(days(load(), BRANCH, date(2026, 9, 30), 1), 3)]
    assert lived == [date(2026, 9, 30), date(2026, 10, 3), date(2026, 10, 8)]


@pytest.mark.contract
def test_the_real_wire_and_hub_call_the_same_people_at_the_same_moments_as_the_rules(tmp_path: Path) -> None:
    day = next(days(load(), BRANCH, FIRST, 1))
    alone = World(load(), BRANCH, RuleHouse(), seed=1)
    store = Store(f"sqlite:///{tmp_path}/hub.db")
    house = WireHouse(store, tmp_path, BRANCH.name, BRANCH.kiosks)
    over_the_wire = World(load(), BRANCH, house, seed=1)
    assert trace(over_the_wire.run(day)) == trace(alone.run(day))
    # and what the hub's record says of it is what happened
    recorded = {(round(one.called_s), one.counter): one.missed for one in visits_of(store, BRANCH.name, "", 480)}
    lived = {(round(one.called_s), one.counter): one.missed for one in visits(alone) if one.called_s >= 0}
    assert len(set(recorded) & set(lived)) > 0.9 * len(lived)
    house.close()
    store.close()


@pytest.mark.contract
def test_a_hub_that_looks_ahead_promises_acts_and_keeps_what_came(tmp_path: Path) -> None:
    day = next(days(load(), BRANCH, FIRST, 3))
    store = Store(f"sqlite:///{tmp_path}/hub.db")
    house = WireHouse(store, tmp_path, BRANCH.name, BRANCH.kiosks)
    lived = Foreseen(load(), BRANCH, house, load_routing(), 3)
    lived.foresight.priors |= {"personal": Prior(4, 8), "corporate": Prior(9, 18), "wealth": Prior(12, 25)}
    lived.plan(day)
    lived.allow(Rules(True, frozenset({Kind.MIX}), 5))
    lived.run(day, looks=True, until_s=10.4 * HOUR_S)
    # the wire: each ticket in line and each newcomer has figures in order, or none
    state = lived.foresight.told(queue.state_of(store, BRANCH.name, house.wall()))
    told = [line.wait_min for line in state.tickets if line.wait_min is not None]
    told += [line.wait_min for line in state.services if line.wait_min is not None]
    assert told and all(1 <= low <= high <= 240 for low, high in told)
    assert all(line.foreseen for line in state.services)
    # promises are settled by calls, and scored
    lived.foresight.look(BRANCH.name)
    kept = store.rows(sa.select(promises).where(promises.c.waited_s.is_not(None)))
    assert len(kept) > 3 and lived.foresight.at_hand(BRANCH.name) is not None
    # what dispatch did stands there with its reasons, and ends when it is switched off
    acts = store.rows(sa.select(dispatch_acts))
    assert acts and all(act["why"]["limit_min"] == 5 for act in acts if act["done"])
    lived.allow(Rules(False, frozenset(), 5))
    lived.dispatcher.step(BRANCH.name, house.wall())
    ended = store.rows(sa.select(dispatch_acts).where(dispatch_acts.c.ended_at.is_(None)))
    assert ended == [] and lived.dispatcher.offers(BRANCH.name) == {}
    assert all(act["effect"] is not None for act in store.rows(sa.select(dispatch_acts)))
    house.close()
    store.close()


@pytest.mark.contract
def test_a_branch_that_nobody_knows_is_told_that_nothing_can_be_said(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/hub.db")
    house = WireHouse(store, tmp_path, BRANCH.name, 1)
    lived = Foreseen(load(), BRANCH, house, load_routing(), 1)
    known = lived.foresight.look("nowhere")
    assert known.profile is None and known.shown.newcomers == {}
    assert lived.forecaster.day("nowhere", FIRST, house.wall()) == []
    assert lived.dispatcher.step("nowhere", house.wall()) is False
    house.close()
    store.close()
