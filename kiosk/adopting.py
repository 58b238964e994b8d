"""Which objects of a terminal take which part of a changed configuration while it runs. Beside `app.py`, as it names
concrete classes; which setting belongs to which part stands in `kiosk/shadow/appliers.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from config.schema import Site
from kiosk.audio.ears import Ears
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.late_knowledge import LateKnowledge
from kiosk.queueing.day import BusinessDay
from kiosk.session.session import Session
from kiosk.shadow.appliers import Appliers
from kiosk.vision.presence import Presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopters:
    """`terminal`: whoever holds the site itself. Each part may be handed the same site again."""

    terminal: Callable[[Site], None]
    session: Session
    brain: Brain
    ears: Ears
    manner: Callable[[Site], None]
    presence: Presence
    day: BusinessDay
    knowledge: ApprovedKnowledge
    entries: LateKnowledge

    def table(self) -> Appliers:
        return {
            "hours": self._hours,
            "looks": self._everybody,
            "manner": self._manner,
            "pauses": self._pauses,
            "presence": self._presence,
            "talking": self._everybody,
        }

    def _everybody(self, site: Site) -> None:
        self.terminal(site)
        self.brain.adopt(site)
        self.session.adopt(site)

    def _hours(self, site: Site) -> None:
        for part in (self.day, self.knowledge, self.entries):
            part.adopt(site.branch.hours)
        self._everybody(site)

    def _manner(self, site: Site) -> None:
        self.manner(site)
        self.terminal(site)

    def _pauses(self, site: Site) -> None:
        self.ears.adopt(site.hearing)
        self.terminal(site)

    def _presence(self, site: Site) -> None:
        self.presence.adopt(site.seeing)
        self.terminal(site)
