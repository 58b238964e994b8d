"""What a hub knows of a simulated branch: the floor at a moment, and afterwards the day's visits.

Nothing else of the simulator reaches an estimate: not who a clerk is, not what was drawn for a visitor.
"""

from __future__ import annotations

from typing import Final

from bench.branches.arrivals import HOUR_S
from bench.branches.house import Seen
from bench.branches.world import NEVER_S, Clerk, World
from contracts.queueing import HEAD_START, Lane, Priority
from hub.foresight.floor_now import FloorNow, Person, Post
from hub.foresight.profile import Visit, with_pauses
from hub.foresight.roster import Roster, Seat

COMES_LATE_S: Final = 180.0  # what the hub believes of a counter that is not open yet in the morning


def floor_now(world: World, lane: Lane = Lane.COUNTER) -> FloorNow:
    """The line and the counters as the hub has them, with the planned lunches of the roster."""
    waiting = tuple(
        Person(
            number=seen.number, service=seen.service, came_s=seen.came_s,
            head_start_s=HEAD_START[seen.priority].total_seconds(), elder=seen.priority is Priority.ELDER,
        )
        for seen in world.house.tickets.values()
        if seen.waiting and seen.known_s >= 0 and seen.lane is lane
    )  # fmt: skip
    posts = tuple(
        post for clerk in world.clerks.values() if clerk.lane is lane and (post := _post(world, clerk)) is not None
    )
    return FloorNow(
        now_s=world.now_s, services=tuple(world.world.services), waiting=waiting,
        posts=posts,
    )  # fmt: skip


def _post(world: World, clerk: Clerk) -> Post | None:
    if clerk.absent or clerk.doing == "home":
        return None
    planned = next((one.lunch for one in world.branch.counters if one.name == clerk.counter), (23.0, 0.0))
    lunch = (HOUR_S * world.lunches.get(clerk.counter, planned[0]), HOUR_S * planned[1])
    breaks = (lunch,) if clerk.lunch_s < NEVER_S and lunch[1] else ()
    if clerk.doing == "away":
        return Post(
            counter=clerk.counter, services=clerk.calls, doing="away", since_s=0.0,
            back_s=world.day.opens_s + COMES_LATE_S, breaks=breaks,
        )  # fmt: skip
    if clerk.doing == "lunch":
        back = clerk.since_s + lunch[1]
        return Post(counter=clerk.counter, services=clerk.calls, doing="away", since_s=clerk.since_s, back_s=back)
    if clerk.serves:
        seen = world.house.tickets[clerk.serves]
        return Post(
            counter=clerk.counter, services=clerk.calls, doing="busy", since_s=seen.called_s, service=seen.service,
            elder=seen.priority is Priority.ELDER, breaks=breaks,
        )  # fmt: skip
    return Post(
        counter=clerk.counter, services=clerk.calls, doing="idle", since_s=_last_end(world, clerk), breaks=breaks
    )


def _last_end(world: World, clerk: Clerk) -> float:
    """When the counter ended its last visit: a pause and a short break look the same from outside."""
    return clerk.ended_s if clerk.ended_s >= 0 else clerk.starts_s


def visits(world: World) -> list[Visit]:
    """The day's tickets as the hub's record has them, oldest first."""
    day = world.day.date.isoformat()
    found = []
    for seen in world.house.tickets.values():
        if seen.lane is not Lane.COUNTER:
            continue
        for service, called, ended, counter in seen.before:
            found.append(_visit(day, seen, service, seen.came_s, called, ended, counter))
        came = seen.joined_s if seen.before else seen.came_s
        left = seen.ended_s if seen.outcome == "given_back" else -1.0
        ended = -1.0 if seen.outcome == "given_back" else seen.ended_s
        found.append(_visit(day, seen, seen.service, came, seen.called_s, ended, seen.counter, left, seen.outcome))
    skills = {clerk.counter: set(clerk.calls) for clerk in world.clerks.values()}
    return with_pauses(found, skills)


def _visit(
    day: str, seen: Seen, service: str, came: float, called: float, ended: float, counter: str, left: float = -1.0,
    outcome: str = "done",
) -> Visit:  # fmt: skip
    return Visit(
        day=day, service=service, priority=str(seen.priority), elder=seen.priority is Priority.ELDER,
        head_start_s=HEAD_START[seen.priority].total_seconds(), came_s=came, called_s=called, ended_s=ended,
        left_s=left, missed=outcome == "no_show", counter=counter,
    )  # fmt: skip


def roster(world: World) -> Roster:
    """The plan that the branch's manager would have written."""
    hours = world.world.hours(world.day.date)
    assert hours is not None, "a closed day has no plan"
    seats = tuple(
        Seat(
            one.name, one.services, hours[0] * HOUR_S, hours[1] * HOUR_S,
            world.lunches.get(one.name, one.lunch[0]) * HOUR_S, one.lunch[1] * HOUR_S,
        )
        for one in world.branch.counters
    )  # fmt: skip
    return Roster(seats)
