"""One document, from the first frame to what follows from it: guided, read, checked, tilted. Blocking steps.

`DocumentLook` is given frame after frame on a model's thread; it says what to advise, and in the end what was read.
Nothing is accepted that did not change as it was tilted. It holds no picture: of each frame only fields, measures,
corners and a few hundred blocks of colour stay, and those go with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from kiosk.vision.documents import copies, guide
from kiosk.vision.documents.checks import NEEDED, Finding, check, unproven
from kiosk.vision.documents.corners import Held, Picture, find, measured
from kiosk.vision.documents.layout import Fields, Kind
from kiosk.vision.documents.marks import MARKED, Watched
from kiosk.vision.documents.reading import Reader, look
from kiosk.vision.documents.votes import Settled, settle

MOST_READINGS: Final = 3  # frames that are read; then what is not sure stays so
MOST_UNKNOWN: Final = 3  # of them that show no known document
TRAITS_FROM: Final = 2  # frames whose making is measured
TILTS_MOST: Final = 48  # frames while it is tilted: 4 to 6 seconds
GONE_MOST: Final = 2  # of them in a row in which it may not be found


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
    tilts: int = 0  # frames while it was tilted
    reading_ms: list[float] = field(default_factory=list)


class DocumentLook:
    """One attempt at one document. `tilts_most`: frames in which it may be tilted, before that was in vain."""

    def __init__(self, reader: Reader, today: Callable[[], date], *, tilts_most: int = TILTS_MOST) -> None:
        self._reader = reader
        self._today = today
        self._tilts_most = tilts_most
        self._watched: Watched | None = None  # once it was read, and is to be tilted
        self._read: DocumentRead | None = None  # what will be accepted then
        self._gone = 0
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
    def tilting(self) -> bool:
        """Whether it was read, and is to be tilted now."""
        return self._watched is not None and self.result is None

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
        self._gone = self._gone + 1 if held is None else 0
        if held is None and self.result is None and (not self.tilting or self._gone > GONE_MOST):
            self._anew()  # it left the picture: what comes next may be another one
        self.guided = guide.step(self.guided, held, picture.shape[1], tilting=self.tilting)
        if self.tilting and held is not None:
            self._tilted(picture, held)
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
        self._watched = self._read = None

    def _tilted(self, picture: Picture, held: Held) -> None:
        """One frame of a document that is being tilted: `result` is there once a mark was seen, or it was in vain."""
        watched, read = self._watched, self._read
        if watched is None or read is None:
            return
        self.spent.tilts += 1
        if self.guided.advice == "tilt":
            watched.add(picture, held.corners, read.kind, turned=self._turned)
        if watched.marked:
            self.result = read
        elif self.spent.tilts >= self._tilts_most:
            self.result = replace(read, finding=unproven("no_mark" if watched.tilted else "untilted"))

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
        if not enough and self._readings < MOST_READINGS:
            return
        read = DocumentRead(kind=self._kind, fields=fields, finding=finding, frames=len(self._looks))
        if finding.outcome != "accepted":
            self.result = read
        elif self._kind in MARKED:
            self._watched, self._read = Watched(), read
            self.guided = replace(self.guided, advice="tilt", good=0)
        else:
            self.result = replace(read, finding=unproven("no_mark_side"))
