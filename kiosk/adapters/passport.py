"""Electronic passports in a contact or field reader: who it says, with the portrait, once a state's signature held.

The printed lines open the chip, so a passport is first shown to the document camera. Everything of it is dropped when
it is taken away. Resident ID cards of the PRC are not read: theirs needs a certified security module (SAM).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

import cv2
import numpy as np
from cryptography import x509

from kiosk.banking.ports import Held
from kiosk.identity.chip.access import ChipRefused, Lines, read_file, unlock
from kiosk.identity.chip.files import DG1, DG2, SOD, holder_of, portrait_of
from kiosk.identity.chip.passive import authentic
from kiosk.identity.chip.tlv import BadData
from kiosk.identity.quality import Picture
from kiosk.ports import Clock, DeviceLost

log = logging.getLogger(__name__)
LOOKS_EVERY_S: Final = 0.5
TRIES_MOST: Final = 3  # of one passport with the same lines


class Slot(Protocol):
    """Where a card is laid or put in."""

    def connect(self) -> bool: ...
    def transmit(self, apdu: bytes) -> bytes: ...
    def present(self) -> bool: ...
    def disconnect(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Read:
    """A passport whose chip was read and found signed."""

    held: Held
    portrait: bytes = field(repr=False)


class PassportReader:
    """A `CardReader` and its `DocumentPhotos`. `lines`: of the passport that was shown, None while none was."""

    def __init__(
        self,
        slot: Slot,
        lines: Callable[[], Lines | None],
        states: Sequence[x509.Certificate],
        now: Callable[[], datetime],
    ) -> None:
        self._slot, self._lines, self._states, self._now = slot, lines, states, now
        self._read: Read | None = None
        self._tried: tuple[Lines, int] | None = None
        self.tally: Counter[str] = Counter()

    def holding(self) -> Held | None:
        read = self._read
        return read.held if read else None

    def photo(self, held: Held) -> Picture | None:
        read = self._read
        if read is None or read.held != held:
            return None
        picture = cv2.imdecode(np.frombuffer(read.portrait, np.uint8), cv2.IMREAD_COLOR)
        return None if picture is None else np.asarray(picture, np.uint8)

    def forget(self) -> None:
        """The visit is over."""
        self._read, self._tried = None, None

    async def run(self, clock: Clock) -> None:
        """Look every half second, on a thread: a chip takes seconds."""
        while True:
            await asyncio.to_thread(self.look)
            await clock.sleep(LOOKS_EVERY_S)

    def look(self) -> None:
        """One look at the slot. Blocks while a chip is read."""
        try:
            if self._read is not None:
                if not self._slot.present():
                    self.forget()
                return
            lines = self._lines()
            if lines is None or self._spent(lines) or not self._slot.connect():
                return
            self._tried = (lines, self._tried[1] + 1 if self._tried and self._tried[0] == lines else 1)
            self._read = self._opened(lines)
        except DeviceLost as err:
            self._read = None
            self._count("lost", err)
        except (ChipRefused, BadData) as err:
            self._count(err.code if isinstance(err, ChipRefused) else "broken", err)
        if self._read is None:
            self._slot.disconnect()

    def _opened(self, lines: Lines) -> Read | None:
        session = unlock(self._slot, lines)
        files = {name: read_file(self._slot, session, name) for name in (DG1, DG2, SOD)}
        finding = authentic(files[SOD], _groups(files), self._states, self._now())
        if finding != "authentic":
            self._count(finding)
            return None
        holder = holder_of(files[DG1], self._now().date())
        if holder.number != lines.number.rstrip("<"):
            self._count("other_number")
            return None
        self.tally["read"] += 1
        return Read(Held("document", holder.number, holder.name, holder.born), portrait_of(files[DG2]))

    def _spent(self, lines: Lines) -> bool:
        return self._tried is not None and self._tried[0] == lines and self._tried[1] >= TRIES_MOST

    def _count(self, code: str, err: Exception | None = None) -> None:
        self.tally[code] += 1
        log.warning("a passport's chip: %s%s", code, f" ({type(err).__name__})" if err else "")


def _groups(files: Mapping[int, bytes]) -> dict[int, bytes]:
    """By the number under which they are signed."""
    return {1: files[DG1], 2: files[DG2]}
