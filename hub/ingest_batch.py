"""What a batch of arrived messages is while it is applied."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from contracts import fleet as f
from contracts import messages as m
from contracts import topics
from hub.bus import Outgoing
from hub.queue_changes import Joined
from hub.video.pool import Pool

LogKey = tuple[str, str, str]  # branch, device, log


@dataclass(slots=True)
class IngestTallies:
    """What came and what became of it."""

    arrived: int = 0
    applied: int = 0
    repeated: int = 0
    held: int = 0  # came before their time
    crowded_out: int = 0  # came before their time, and too many of them
    refused: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a numbered message whose body is not what the contract says."""

    seq: int
    follows: int
    log: str


class _Head(msgspec.Struct):
    """What is left of a numbered message when its body is wrong."""

    log: m.VisitId
    seq: m.Sequence
    follows: m.Tally


_HEADS: Final = msgspec.json.Decoder(_Head)
Numbered = m.Numbered | Unreadable


@dataclass(frozen=True, slots=True)
class Owed:
    """A numbered message with the bytes it came as: what must wait is parked as it is."""

    message: Numbered
    topic: str  # the row of the contract
    payload: bytes


@dataclass(slots=True)
class Batch:
    """A batch sorted by what it needs, and what comes of it."""

    numbered: dict[LogKey, list[Owed]] = field(default_factory=lambda: defaultdict(list))
    others: list[tuple[topics.Address, m.Message]] = field(default_factory=list)
    heads: dict[LogKey, int] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)  # branches whose queue changed
    changed: set[str] = field(default_factory=set)
    progress: list[dict[str, Any]] = field(default_factory=list)  # how far each log was applied
    moments: list[dict[str, Any]] = field(default_factory=list)
    scores: list[dict[str, Any]] = field(default_factory=list)
    pool: Pool | None = None  # of the tellers, held where one is asked for
    cases: set[str] = field(default_factory=set)  # whose terminals want to be told
    packets: list[dict[str, Any]] = field(default_factory=list)  # for whoever takes a visitor over
    joined: Joined = field(default_factory=Joined)  # what tickets that joined add, written together
    refusals: list[dict[str, Any]] = field(default_factory=list)
    reports: dict[tuple[str, str], m.ShadowReported] = field(default_factory=dict)  # what terminals are set to
    releases: dict[tuple[str, str], f.RolloutReport] = field(default_factory=dict)  # what came of wanted releases
    again: list[Outgoing] = field(default_factory=list)  # what terminals should be set to, for those that lag behind
    heard: dict[tuple[str, str], dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    tallies: IngestTallies = field(default_factory=IngestTallies)  # counted only when the batch is on disk


def head_of(row: topics.Topic[Any], err: topics.WireError, payload: bytes) -> Unreadable | None:
    """The number of a message that is of our version, is numbered, and has a wrong body; else None."""
    if err.code != "type" or not issubclass(row.message, m.Numbered):
        return None
    try:
        head = _HEADS.decode(payload)
    except msgspec.DecodeError:
        return None
    return Unreadable(seq=head.seq, follows=head.follows, log=head.log)
