"""How a visitor finds a teller: every weight and limit of the routing, with unit, range, default and reason."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, model_validator

from config.load import load_toml
from config.schema import CONFIG_DIR, Hours, Section, Weekday

ROUTING_FILE: Final = CONFIG_DIR / "routing.toml"
ROUTING_VARIABLE: Final = "YINGBIN_ROUTING"


class Weights(Section):
    """What each term of the score counts; a term is between 0 and 1 (known: between -1 and 1)."""

    waited: float = Field(default=3.0, ge=0, le=100, description="how long the visitor has waited")
    priority: float = Field(default=3.0, ge=0, le=100, description="head start: ticket priority, urgency, risk")
    known: float = Field(default=2.0, ge=0, le=100, description="served this customer before, and how it was rated")
    dialect: float = Field(default=2.0, ge=0, le=100, description="speaks the visitor's dialect")
    calm: float = Field(default=2.0, ge=0, le=100, description="good with the angry and afraid, where it is needed")
    level: float = Field(default=1.0, ge=0, le=100, description="no more senior than the matter needs")
    spare: float = Field(default=2.5, ge=0, le=100, description="keeps rare skills free for who needs them")
    idle: float = Field(default=0.5, ge=0, le=100, description="how long the teller has been free")
    load: float = Field(default=0.5, ge=0, le=100, description="how little the teller talked in the last hour")
    short: float = Field(default=2.0, ge=0, le=100, description="matters that are usually soon done")


class Limits(Section):
    """What bounds the rule, and when the hub stops waiting for somebody."""

    head_start_most_min: float = Field(default=20, ge=0, le=120, description="no sum of reasons puts a place earlier")
    window_s: float = Field(default=180, ge=0, le=3600, description="places so close together count as one for fit")
    passes: int = Field(default=5, ge=0, le=50, description="times that one may be passed over by who came later")
    waiting_most: int = Field(default=500, ge=1, le=5000, description="more are told 'full' at once")
    offer_s: float = Field(default=20, ge=5, le=300, description="an offer that nobody answers goes on to the next")
    connect_s: float = Field(default=30, ge=5, le=300, description="accepted, and no picture yet: back in line")
    reconnect_s: float = Field(default=60, ge=5, le=600, description="one side lost: how long it may come back")
    after_work_s: float = Field(default=180, ge=10, le=3600, description="for the account; then the teller is free")
    teller_heard_s: float = Field(default=20, ge=5, le=300, description="a desk not heard for so long is gone")
    terminal_heard_s: float = Field(default=20, ge=6, le=300, description="not heard for so long: nobody is offered it")
    terminal_lost_s: float = Field(default=90, ge=10, le=3600, description="not heard for so long: the visitor is gone")
    refused_rest_s: float = Field(
        default=600, ge=0, le=86_400, description="who refused is not offered it again so soon"
    )
    talk_most_s: float = Field(default=7200, ge=60, le=86_400, description="a talk that nobody ends is ended")
    too_long_min: int = Field(default=15, ge=1, le=600, description="estimated wait from which other ways are offered")

    @model_validator(mode="after")
    def _in_order(self) -> Limits:
        if self.terminal_lost_s < self.terminal_heard_s:
            raise ValueError("terminal_lost_s must not be less than terminal_heard_s")
        return self


class HeadStarts(Section):
    """How much earlier a place is, minutes; a ticket's own priority counts as in the queue."""

    trouble_min: float = Field(default=5, ge=0, le=120)
    urgent_min: float = Field(default=15, ge=0, le=120)
    risk_medium_min: float = Field(default=5, ge=0, le=120)
    risk_high_min: float = Field(default=20, ge=0, le=120, description="while a swindler waits on the telephone")
    waited_most_min: float = Field(default=10, ge=0, le=120, description="of the waiting before the wish for a teller")


class Levels(Section):
    """The least level (1–5) of a teller by class of risk: more than this may take it, less may not."""

    low: int = Field(default=1, ge=1, le=5)
    medium: int = Field(default=2, ge=1, le=5)
    high: int = Field(default=3, ge=1, le=5)
    emergency: int = Field(default=3, ge=1, le=5)


class CallBacks(Section):
    """Times that a visitor may choose to come back at."""

    every_min: int = Field(default=15, ge=5, le=120)
    per_time: int = Field(default=2, ge=1, le=100, description="promised for one time, of the whole pool")
    shown: int = Field(default=3, ge=1, le=6)
    days: int = Field(default=3, ge=1, le=14, description="how far ahead")
    early_min: float = Field(default=15, ge=0, le=120, description="a code counts from so long before its time")
    late_min: float = Field(default=120, ge=0, le=1440, description="and until so long after it")


class Routing(Section):
    """The routing of one hub: all its remote tellers are one pool."""

    weights: Weights = Weights()
    limits: Limits = Limits()
    head_starts: HeadStarts = HeadStarts()
    levels: Levels = Levels()
    call_backs: CallBacks = CallBacks()
    hours: dict[Weekday, Hours] = Field(default_factory=dict, description="of the tellers; none at all: always")
    zone_min: int = Field(default=480, ge=-720, le=840, description="minutes that the tellers' clock is ahead of UTC")
    minutes: dict[str, tuple[int, int]] = Field(
        default_factory=dict, description="a talk by service: usual, seldom longer; 'other' for the rest"
    )
    licence_for: tuple[str, ...] = Field(default=("wealth",), description="services that need the licence for wealth")

    @model_validator(mode="after")
    def _minutes_in_order(self) -> Routing:
        for service, (usual, seldom) in self.minutes.items():
            if not 1 <= usual <= seldom <= 240:
                raise ValueError(f"minutes.{service} must be [usual, seldom longer], between 1 and 240, in this order")
        return self

    def talk_min(self, service: str) -> tuple[int, int]:
        """Minutes of one talk: usual, seldom longer."""
        return self.minutes.get(service) or self.minutes.get("other") or (6, 15)

    def least_level(self, risk: Literal["low", "medium", "high", "emergency"]) -> int:
        """The least level that may serve this class of risk."""
        found: int = getattr(self.levels, risk)
        return found


def load_routing(path: Path | None = None) -> Routing:
    """`path`, else `$YINGBIN_ROUTING`, else `config/routing.toml`. Raises `ConfigError` with file, line and key."""
    chosen = os.environ.get(ROUTING_VARIABLE)
    return load_toml(path or (Path(chosen) if chosen else ROUTING_FILE), Routing)
