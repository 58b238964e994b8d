"""What goes ahead of a backlog."""

from __future__ import annotations

from dataclasses import dataclass

from contracts import messages as m


@dataclass(frozen=True, slots=True)
class LiveTickets:
    """This terminal's tickets of today about which something is owed (the latest), and how many there are."""

    day: str
    tickets: tuple[m.LiveTicket, ...]
    owed: int
