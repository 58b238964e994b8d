"""What a terminal and the hub say about software: the fleet's messages.

A version is wanted of one terminal under a generation that only grows; the terminal works on each generation at most
once and says what came of it. No text of a visitor fits into any of these.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from contracts.messages import Message, Name, Sequence, Tally, Utc

VERSION_PATTERN: Final = r"^[a-z0-9][a-z0-9.+-]{0,39}$"

Version = Annotated[str, msgspec.Meta(pattern=VERSION_PATTERN)]
"""A release: software, models, content and persona as one set."""
RolloutState = Literal["idle", "working", "done", "failed"]


class RolloutWanted(Message, frozen=True, kw_only=True):
    """The release that one terminal should run. Retained; the newest generation replaces the ones before.

    The terminal works on a generation once: when it has decided `done` or `failed`, it says so until it hears a higher.
    """

    branch: Name
    device: Name
    generation: Sequence
    version: Version
    campaign: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_-]{0,40}$")] = ""


class RolloutReport(Message, frozen=True, kw_only=True):
    """What a terminal runs, and what came of the newest generation it knows. Retained; said after every change.

    `version`: the release that runs now. `done`: it runs the wanted one and has committed to it. `failed`: it tried,
    and runs what it ran before; `reason` says why. `since`, `mono_ns` order the reports of one start.
    """

    since: Utc
    generation: Tally
    version: Version
    state: RolloutState
    reason: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{0,40}$")] = ""
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0  # of the wanted release that is here
