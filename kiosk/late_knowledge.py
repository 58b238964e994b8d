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
from kiosk.runtime.memory import settle

log = logging.getLogger(__name__)


class LateKnowledge:
    """Makes a finder of entries on a thread of its own, which never holds up the end of the process."""

    def __init__(self, make: Callable[[], ApprovedKnowledge]) -> None:
        self._make = make
        self._ready: ApprovedKnowledge | None = None
        self._hours: Mapping[Weekday, Hours] | None = None
        self._last: tuple[tuple[object, ...], Found | None] | None = None  # of this visit, until the next question
        threading.Thread(target=self._work, name="knowledge", daemon=True).start()

    def _work(self) -> None:
        made = self._make()
        settle()
        self._ready = made
        if (hours := self._hours) is not None:  # set after `made` began and before it was there
            made.adopt(hours)
        log.info("approved entries are ready for free questions")

    def adopt(self, hours: Mapping[Weekday, Hours]) -> None:
        """Other opening hours in the next answer, also while the entries are being made ready."""
        self._hours = dict(hours)
        self._last = None
        if self._ready is not None:
            self._ready.adopt(hours)

    def find(
        self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]], now: datetime
    ) -> Found | None:
        """As `ApprovedKnowledge.find`; None while the entries are not ready.

        A question is looked up when its words are there and again when it is sure that they were all: what was found
        for the same words in the same minute is kept for the second time.
        """
        if self._ready is None:
            return None
        asked = (text, language, tuple(ranked_intents), now.replace(second=0, microsecond=0), self._ready.pack)
        if self._last is None or self._last[0] != asked:
            self._last = asked, self._ready.find(text, language, ranked_intents, now)
        return self._last[1]

    def forget(self) -> None:
        """The visit is over: its last question is not kept."""
        self._last = None
