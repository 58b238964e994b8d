"""One visit: everything the terminal knows about the person in front of it, in one place, so that it can be
forgotten in one place.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Final, Literal

from contracts.screen import Caption, Language, Mode, TicketView
from kiosk.dialogue.flows import Place
from kiosk.dialogue.reply import Reply
from kiosk.queueing.desk import Ticket

CAPTIONS_KEPT = 2  # what the visitor said and what is answered; the page shows no more
COMPANION: Final = "companion"  # the target by which a visitor says that the other voice is theirs
Outcome = Literal["answered", "ticket", "handed_over", "cancelled", "left", "unknown"]


@dataclass(slots=True)
class Visit:
    """Private: never logged, never sent; gone when the visit ends."""

    started_ns: int
    noticed_by: Literal["camera", "touch", "voice"]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    language: Language = "zh"
    mode: Mode = "standard"
    place: Place | None = None
    last: Reply | None = None
    heard: str = ""
    heard_final: bool = True
    caption: Caption | None = None  # the receptionist's
    ticket: Ticket | None = None
    ticket_view: TicketView | None = None
    printed: bool = False
    opinion: int | None = None
    turns: int = 0
    misunderstood: int = 0
    prompts: int = 0
    companion_offered: bool = False  # another near voice was ignored: it may belong to this visitor
    outcome: Outcome = "unknown"

    def captions(self) -> tuple[Caption, ...]:
        """The visitor's last words above the receptionist's, as the page shows them."""
        heard = Caption("visitor", self.heard, final=self.heard_final) if self.heard else None
        return tuple(caption for caption in (heard, self.caption) if caption)
