"""The branch's plan: its rooms, and the ways between them. A site without one says the way in words alone."""

from __future__ import annotations

import heapq
import math
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, model_validator

from config.flows import Both, Id
from config.load import load_yaml
from config.schema import CONFIG_DIR, Section

PLANS_DIR: Final = CONFIG_DIR / "plans"
START: Final = "here"
Share = Annotated[float, Field(ge=0, le=1)]


class Place(Section):
    """A room or a machine, and the node at its door."""

    label: Both
    box: tuple[Share, Share, Share, Share] = Field(description="x, y, width, height: shares of the plan")
    door: Id


class Plan(Section):
    shape: float = Field(gt=0.3, le=4, description="width / height")
    metres_wide: float = Field(gt=2, le=200)
    you: tuple[Share, Share]
    places: dict[Id, Place] = Field(min_length=1, max_length=30, description="by what the question calls them")
    nodes: dict[Id, tuple[Share, Share]] = Field(min_length=1, max_length=120)
    ways: tuple[tuple[Id, Id], ...] = Field(min_length=1, max_length=240)

    @model_validator(mode="after")
    def _hangs_together(self) -> Plan:
        named = {place.door for place in self.places.values()} | {end for way in self.ways for end in way} | {START}
        if missing := sorted(named - self.nodes.keys()):
            raise ValueError(f"nodes that do not exist: {', '.join(missing)}")
        if lost := sorted(name for name in self.places if not self.route(name)):
            raise ValueError(f"places that nobody can walk to: {', '.join(lost)}")
        return self

    def route(self, place: str) -> tuple[tuple[float, float], ...]:
        """The shortest way from the terminal to a place's door (Dijkstra, 1959); () where there is none."""
        if place not in self.places:
            return ()
        goal = self.places[place].door
        far, came = {START: 0.0}, {START: ""}
        waiting = [(0.0, START)]
        while waiting:
            walked, node = heapq.heappop(waiting)
            if node == goal:
                break
            for a, b in self.ways:
                for there in (b,) if a == node else (a,) if b == node else ():
                    total = walked + self.metres((self.nodes[node], self.nodes[there]))
                    if total < far.get(there, math.inf):
                        far[there], came[there] = total, node
                        heapq.heappush(waiting, (total, there))
        if goal not in far:
            return ()
        names = [goal]
        while came[names[-1]]:
            names.append(came[names[-1]])
        return tuple(self.nodes[name] for name in reversed(names))

    def metres(self, route: tuple[tuple[float, float], ...]) -> float:
        """How long a way is."""
        wide, high = self.metres_wide, self.metres_wide / self.shape
        return sum(math.hypot((b[0] - a[0]) * wide, (b[1] - a[1]) * high) for a, b in pairwise(route))


def load_plan(name: str, folder: Path = PLANS_DIR) -> Plan | None:
    """Read the plan of that name; None for none. Raises `ConfigError`."""
    if not name:
        return None
    path = folder / f"{name}.yaml"
    return _read_plan(path, path.stat().st_mtime_ns if path.exists() else 0)


@lru_cache(maxsize=4)
def _read_plan(path: Path, changed_ns: int) -> Plan:
    """A file that did not change is read once."""
    return load_yaml(path, Plan)
