"""Which part of the terminal takes a setting while it runs. What is not in the table waits for the next start."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final, Literal, TypeAlias

from config.schema import Site

Part = Literal["hours", "pauses", "presence", "talking", "manner", "looks"]
Appliers: TypeAlias = Mapping[Part, Callable[[Site], None]]

LIVE: Final[Mapping[str, Part]] = {
    "addressing.looks_hz": "looks",
    "branch.hours": "hours",
    "hearing.elder_times": "pauses",
    "hearing.pause_brisk_ms": "pauses",
    "hearing.pause_finished_ms": "pauses",
    "hearing.pause_longest_ms": "pauses",
    "hearing.pause_ms": "pauses",
    "hearing.pause_shortest_ms": "pauses",
    "hearing.pause_unfinished_ms": "pauses",
    "hearing.speech_without_camera": "looks",
    "seeing.arrive_ms": "presence",
    "seeing.leave_ms": "presence",
    "seeing.looks_hz": "looks",
    "talking.forget_after_s": "talking",
    "talking.misunderstood_limit": "talking",
    "talking.prompt_after_s": "talking",
    "voice.elder_gain_db": "manner",
    "voice.elder_times": "manner",
    "voice.gain_max_db": "manner",
    "voice.quiet_dbfs": "manner",
}


class NotApplied(RuntimeError):
    """A part did not take its settings; every part has those of before again. `part`: which."""

    def __init__(self, part: Part) -> None:
        super().__init__(part)
        self.part = part


def apply(appliers: Appliers, before: Site, after: Site, changed: Collection[str]) -> None:
    """Hand `after` to the parts that `changed` settings belong to, all or none. Raises `NotApplied`."""
    parts = sorted({LIVE[name] for name in changed})
    for at, part in enumerate(parts):
        try:
            appliers[part](after)
        except Exception as err:  # whatever it is: half of a configuration is worse than none
            for touched in parts[: at + 1]:
                appliers[touched](before)
            raise NotApplied(part) from err
