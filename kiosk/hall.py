"""What a terminal does for the hall and for the branch's staff, put together: calls, the staff's page, codes held up.

Beside `app.py`: names concrete classes as that does for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from config.flows import Phrases
from config.load import ConfigError
from config.schema import Site
from kiosk.adapters.code_reader import CameraCodeReader, PictureCodeReader
from kiosk.events import CameraFrame
from kiosk.ports import Clock, CodeReader
from kiosk.queueing.pin import PinGate, StaffPin
from kiosk.session.announcer import Announcer, AnnouncerPorts
from kiosk.session.session import Session
from kiosk.session.staff_page import StaffPage
from kiosk.session.turns import Turns
from kiosk.sync.ledger import DiskLedger
from kiosk.sync.outbox import Outbox

PICTURE: Final = "picture:"


def open_announcer(
    site: Site, session: Session, turns: Turns, outbox: Outbox, clock: Clock, note: Callable[..., None]
) -> Announcer:
    """Shows and says what is called, as far as the site wants either; the session shows it."""
    ports = AnnouncerPorts(
        voice=lambda: turns.voice,
        playback=lambda: turns.playback,
        floor=turns.floor,
        conversing=lambda: session.visit is not None,
        hub_now=outbox.hub_clock.now,
        changed=session.show,
        note=note,
    )
    session.calls = Announcer(site.queue, ports, clock)
    return session.calls


def open_staff_page(
    site: Site,
    phrases: Phrases,
    session: Session,
    ledger: DiskLedger,
    outbox: Outbox,
    clock: Clock,
    local_now: Callable[[], datetime],
    calls: Announcer,
) -> StaffPage | None:
    """The staff's page, where the site has a PIN for it. Raises `ConfigError` for a hash that is none."""
    if not site.staff.pin_hash:
        return None
    try:
        gate = PinGate(StaffPin(outbox, site.staff.pin_hash, clock.now_ns))
    except ValueError as err:
        raise ConfigError(str(err)) from err
    session.staff = StaffPage(site, phrases, ledger, gate, clock, local_now, session.show, calls.called_here)
    return session.staff


class CodeEye:
    """What reads codes that visitors hold up, as the site says and the camera allows."""

    def __init__(self, site: Site, clock: Clock, camera_works: Callable[[], bool]) -> None:
        told = site.ports.code_reader
        self._camera = CameraCodeReader(clock) if told == "camera" else None
        self._picture = PictureCodeReader(Path(told.removeprefix(PICTURE)), clock) if told.startswith(PICTURE) else None
        self._camera_works = camera_works

    @property
    def wanted(self) -> bool:
        """Whether the camera's pictures are looked at for a code just now."""
        return self._camera is not None and self._camera.wanted

    def show(self, frame: CameraFrame) -> None:
        """A picture of the camera; it is let go unless somebody holds up a code."""
        if self._camera is not None:
            self._camera.show(frame)

    def reader(self) -> CodeReader | None:
        """What can read a code now; None: nothing can."""
        return self._picture or (self._camera if self._camera_works() else None)
