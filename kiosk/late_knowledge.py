"""The entries that answer free questions, made ready beside the start: a pack of hundreds takes seconds to be indexed.

Until then a free question finds nothing and is asked back about, as on a terminal without such entries.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from config.schema import Hours, Weekday
from contracts.screen import Language
from kiosk.dialogue.knowledge import ApprovedKnowledge, Found

log = logging.getLogger(__name__)


class LateKnowledge:
    """Makes a finder of entries on a thread of its own, which never holds up the end of the process."""

    def __init__(self, make: Callable[[], ApprovedKnowledge]) -> None:
        self._make = make
        self._ready: ApprovedKnowledge | None = None
        self._hours: Mapping[Weekday, Hours] | None = None
        threading.Thread(target=self._work, name="knowledge", daemon=True).start()

    def _work(self) -> None:
        made = self._make()
        self._ready = made
        if (hours := self._hours) is not None:  # set after `made` began and before it was there
            made.adopt(hours)
        log.info("approved entries are ready for free questions")

    def adopt(self, hours: Mapping[Weekday, Hours]) -> None:
        """Other opening hours in the next answer, also while the entries are being made ready."""
        self._hours = dict(hours)
        if self._ready is not None:
            self._ready.adopt(hours)

    def find(
        self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]], now: datetime
    ) -> Found | None:
        """As `ApprovedKnowledge.find`; None while the entries are not ready."""
        return self._ready.find(text, language, ranked_intents, now) if self._ready else None
