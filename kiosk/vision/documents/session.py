"""One document, from the first frame to what follows from it: guided, read, checked. Blocking steps.

`DocumentLook` is given frame after frame on a model's thread; it says what to advise, and in the end what was read.
It holds no picture: of each frame only fields, measures and corners stay, and those go with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from kiosk.vision.documents import copies, guide
from kiosk.vision.documents.checks import NEEDED, Finding, check
from kiosk.vision.documents.corners import Picture, find, measured
from kiosk.vision.documents.layout import Fields, Kind
from kiosk.vision.documents.reading import Reader, look
from kiosk.vision.documents.votes import Settled, settle

MOST_READINGS: Final = 3  # frames that are read; then what is not sure stays so
MOST_UNKNOWN: Final = 3  # of them that show no known document
TRAITS_FROM: Final = 2  # frames whose making is measured


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRead:
    """A document that was read. Private: it belongs to the visit, and goes with it."""

    kind: Kind
    fields: dict[str, Settled] = field(repr=False)
    finding: Finding
    frames: int

    @property
    def values(self) -> dict[str, str]:
        """Fields that were read surely, by name."""
        return {name: one.seen.value for name, one in self.fields.items() if one.sure}


@dataclass(slots=True)
class Spent:
    """Milliseconds of wall time by part, for the figures."""

    advice_ms: list[float] = field(default_factory=list)
    advice_cpu_ms: list[float] = field(default_factory=list)  # of the thread: what a busy machine does not stretch
    reading_ms: list[float] = field(default_factory=list)


class DocumentLook:
    """One attempt at one document. `wanted`: the kinds that are asked for; another is told, not refused."""

    def __init__(self, reader: Reader, today: Callable[[], date]) -> None:
        self._reader = reader
        self._today = today
        self._looks: list[Fields] = []
        self._traits: list[copies.Traits] = []
        self._kind: Kind | None = None
        self._turned = False
        self._passed: frozenset[str] = frozenset()  # fields that are not read again
        self._unknown = 0
        self._readings = 0
        self.guided = guide.Guided()
        self.spent = Spent()
        self.result: DocumentRead | None = None

    @property
    def unknown(self) -> bool:
        """Whether what is held up is none of the documents that can be read."""
        return self._unknown >= MOST_UNKNOWN

    def take(self, picture: Picture) -> guide.Advice:
        """Look at one frame (h, w, 3), advise, and read it when it is good enough. `result` is there when done."""
        advice = self.see(picture)
        if self.guided.ready and self.result is None:
            self.read(picture)
        return advice

    def see(self, picture: Picture) -> guide.Advice:
        """What the hand should do, after this frame. 20 to 40 ms."""
        began, busy = time.perf_counter(), time.thread_time()
        corners = find(picture)
        held = None if corners is None else measured(picture, corners)
        if held is None and self.result is None:
            self._anew()  # it left the picture: what comes next may be another one
        self.guided = guide.step(self.guided, held, picture.shape[1])
        self.spent.advice_ms.append((time.perf_counter() - began) * 1e3)
        self.spent.advice_cpu_ms.append((time.thread_time() - busy) * 1e3)
        return self.guided.advice

    def read(self, picture: Picture) -> None:
        """Read the frame that was seen last, and decide when enough is known."""
        held = self.guided.last
        if held is None or self.result is not None:
            return
        began = time.perf_counter()
        today = self._today()
        seen = look(
            picture, held.corners, self._reader, today, turned=self._turned, kind=self._kind, known=self._passed
        )
        self._readings += 1
        if seen.kind is None or (self._kind is not None and seen.kind != self._kind):
            self._unknown += seen.kind is None
            if seen.kind is not None:  # another document: begin anew
                self._anew()
        if seen.kind is not None:
            self._kind, self._turned = seen.kind, seen.turned
            self._looks.append(seen.fields)
            if len(self._traits) < TRAITS_FROM:
                self._traits.append(copies.traits(picture, held.corners, seen.kind, turned=seen.turned))
        self._decide(today)
        self.spent.reading_ms.append((time.perf_counter() - began) * 1e3)

    def _anew(self) -> None:
        self._looks, self._traits, self._kind, self._passed = [], [], None, frozenset()

    def _decide(self, today: date) -> None:
        if self._kind is None:
            return
        fields = settle(self._kind, self._looks, today)
        sure = frozenset(name for name, one in fields.items() if one.sure)
        values = {name: one.seen.value for name, one in fields.items()}
        finding = check(self._kind, values, sure, copies.suspicions(self._traits), today)
        self._passed = frozenset() if finding.outcome == "refused" else sure  # a contradiction is looked at twice
        known = all(name in sure for name in NEEDED[self._kind])
        contradicted = finding.outcome == "refused" and len(self._looks) >= 2
        enough = (known and finding.outcome == "accepted") or contradicted
        enough |= known and finding.outcome in ("suspected", "refused") and len(self._traits) >= TRAITS_FROM
        if enough or self._readings >= MOST_READINGS:
            self.result = DocumentRead(kind=self._kind, fields=fields, finding=finding, frames=len(self._looks))
