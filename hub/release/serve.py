"""Answers terminals that ask for metadata and chunks, from a folder of published releases. Keeps nothing of its own.

Any number of such processes may share the questions; one that is killed is not missed, because terminals ask again.
What waits is bounded for each terminal and altogether, terminals take turns, and no more is handed to the broker than
the line to it carries.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from contracts import rollout as r
from contracts import topics
from contracts.release import STORED_MOST_BYTES, target_of
from contracts.repository import chunk_path, metadata_for
from hub.bus import Arrived, Outgoing

log = logging.getLogger(__name__)

TERMINALS_MOST: Final = 4_000  # that wait at one moment; more are not heard, and ask again
QUESTIONS_MOST: Final = 2 * r.WINDOW_MOST  # of one terminal
MEMORY_CHUNKS: Final = 512  # a wave of terminals asks for the same ones


@dataclass(slots=True)
class ServeTallies:
    """What was asked and answered."""

    chunks: int = 0
    chunk_bytes: int = 0
    metadata: int = 0
    unknown: int = 0
    crowded_out: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def _envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


class ReleaseDesk:
    """`hear` takes questions, `next` gives one answer at a time, each terminal in its turn."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: OrderedDict[topics.Address, deque[str | r.RolloutWant]] = OrderedDict()
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self.tallies = ServeTallies()

    def hear(self, arrived: Sequence[Arrived]) -> None:
        """Note what is asked. A bad question is counted and forgotten."""
        for one in arrived:
            try:
                row, address = topics.find(one.topic)
                if row is not topics.ROLLOUT_WANT:
                    continue
                want = topics.ROLLOUT_WANT.decode(one.payload)
            except topics.WireError as err:
                self.tallies.refused[err.code] += 1
                continue
            self._note(address, want)

    def _note(self, address: topics.Address, want: r.RolloutWant) -> None:
        if address not in self._waiting and len(self._waiting) >= TERMINALS_MOST:
            self.tallies.crowded_out += 1
            return
        queue = self._waiting.setdefault(address, deque())
        asked: list[str | r.RolloutWant] = [want] if want.release else []
        for question in (*asked, *want.chunks):
            if len(queue) >= QUESTIONS_MOST:
                self.tallies.crowded_out += 1
                break
            if question not in queue:
                queue.append(question)
        if not queue:
            del self._waiting[address]

    @property
    def waits(self) -> bool:
        return bool(self._waiting)

    def next(self) -> Outgoing | None:
        """The next answer; None: nobody waits."""
        if not self._waiting:
            return None
        address, queue = self._waiting.popitem(last=False)
        question = queue.popleft()
        if queue:
            self._waiting[address] = queue  # behind the others
        if isinstance(question, str):
            return self._chunk(address, question)
        return self._metadata(address, question)

    def _chunk(self, address: topics.Address, sha: str) -> Outgoing:
        body = self._held.get(sha)
        if body is None:
            body = self._read(sha)
            self._held[sha] = body
            if len(self._held) > MEMORY_CHUNKS:
                self._held.popitem(last=False)
        else:
            self._held.move_to_end(sha)
        self.tallies.chunks += 1
        self.tallies.chunk_bytes += len(body)
        row = topics.ROLLOUT_CHUNK
        payload = row.encode(r.RolloutChunk(**_envelope(), sha=sha, body=body))
        return Outgoing(row.at(address.branch, address.device), payload, row.qos, row.retain)

    def _read(self, sha: str) -> bytes:
        try:
            return _bounded(self._folder / chunk_path(sha), STORED_MOST_BYTES)
        except OSError:
            self.tallies.unknown += 1
            return b""

    def _metadata(self, address: topics.Address, want: r.RolloutWant) -> Outgoing:
        release = want.release or ""
        try:
            files = dict(metadata_for(self._folder, target_of(release), want.root, _bounded))
        except OSError as err:
            log.error("metadata of %s cannot be read: %s", release, err)
            self.tallies.unknown += 1
            files = {}
        self.tallies.metadata += 1
        row = topics.ROLLOUT_METADATA
        payload = row.encode(r.RolloutMetadata(**_envelope(), release=release, files=files))
        return Outgoing(row.at(address.branch, address.device), payload, row.qos, row.retain)


def _bounded(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{path.name} is larger than {most} bytes")
    return data
