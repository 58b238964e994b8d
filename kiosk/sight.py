"""What the terminal does with its camera's pictures: who looks at each, how often, and whom it takes for near.

Beside `app.py`: names concrete classes as that does for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from config.schema import Site
from kiosk.adapters.identity import LatestFrame
from kiosk.adapters.screen_light import ScreenLight
from kiosk.call.calls import Calls
from kiosk.call.taps import tapped
from kiosk.document_eye import DocumentEye
from kiosk.events import CameraFrame, DeviceChanged
from kiosk.face_system import LOOKS_HZ
from kiosk.hall import CodeEye
from kiosk.networks import Models
from kiosk.ports import Camera, Clock
from kiosk.session.session import Session
from kiosk.vision.attendance import Attendance
from kiosk.vision.eye import Eye, watch
from kiosk.vision.lips import LipWatch
from kiosk.vision.mirror import Mirror
from kiosk.vision.picture import Trouble
from kiosk.vision.presence import Presence

PICTURES_OF_CALL_HZ: Final = 30.0
COVERED_AFTER_NS: Final = 800_000_000  # nobody near for so long: what is private is covered


class Sight:
    """Everything that looks. `in_speech`: whether somebody is being heard just now."""

    def __init__(
        self, site: Site, models: Models, session: Session, calls: Calls, clock: Clock, today: Callable[[], date],
        *, in_speech: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._site, self._session, self._calls, self._in_speech = site, session, calls, in_speech
        self.codes = CodeEye(site, clock, self.works)
        self.documents = DocumentEye(site, clock, self.works, today)
        self.latest = LatestFrame()
        self.screen_light = ScreenLight()
        self.attendance = Attendance()
        self.lips = LipWatch()
        self.presence = Presence(site.seeing)
        self.eye = Eye(
            models.seeing, models.yunet, models.landmarks, models.sface, self.presence, self.lips, self.attendance,
            self._trouble,
        )  # fmt: skip
        self.watchers: list[Callable[[CameraFrame], None]] = []
        """Who else wants a look at the newest picture; none of them keeps it."""
        self._mirror = Mirror(self._mirror_wanted)
        self._far_since_ns: int | None = None
        session.attended = self.presence.attends
        session.forgetters += [self.eye.forget, self._wipe_mirror]

    def adopt(self, site: Site) -> None:
        self._site = site

    def works(self) -> bool:
        """Whether the camera does, as far as is known."""
        return self._session.works.get("camera", False)

    async def see(self, camera: Camera) -> None:
        """Look through it until it is lost."""
        camera.wanted_hz = self._pictures_hz
        self.eye.blinked()
        frames = tapped(camera.frames(), self._calls.saw)
        async for event in watch(frames, self.eye, self._looks_hz, self._show):
            await self._session.events.put(event)

    def mirror(self, page: str) -> str:
        """Where the screen finds the visitor's own picture, if that page has a place for it; empty: nowhere."""
        return self._mirror.address if page in ("document", "face") or self._calls.teller_pictures else ""

    def changed(self, change: DeviceChanged) -> None:
        """A device works, or does not: the visit and a call want to know."""
        self._session.tell(change)
        self._calls.works(change.device, change.works)

    def _show(self, frame: CameraFrame) -> None:
        self.codes.show(frame)
        self.documents.show(frame)
        self.latest.show(frame)
        if self._mirror.show(frame):
            self._session.show_again()
        for watcher in self.watchers:
            watcher(frame)
        self._watch_nearness(frame.at_ns)

    def _watch_nearness(self, at_ns: int) -> None:
        """Whoever steps back has what is private covered before the visit is given up."""
        if self._session.visit is None or self.presence.near:
            self._far_since_ns = None
            if self._session.visit is not None:
                self._session.glimpsed(True)
            return
        self._far_since_ns = self._far_since_ns or at_ns
        if at_ns - self._far_since_ns >= COVERED_AFTER_NS and not self._mirror_wanted():
            self._session.glimpsed(False)

    def _looks_hz(self) -> float:
        """Often while somebody is near or served; as codes and a face check need it while one is wanted."""
        if self.latest.wanted:
            return LOOKS_HZ
        often = self._in_speech() or self.codes.wanted or self.documents.wanted
        least_hz = self._site.addressing.looks_hz if often else 0.0
        if self._session.visit is not None and self._in_speech() and not (self.codes.wanted or self.documents.wanted):
            # the lips need no more, and the recogniser needs the core: of two, seeing would take a fifth of one
            return least_hz
        return self.eye.wanted_hz(self._site.seeing, least_hz=least_hz)

    def _pictures_hz(self) -> float:
        """On the camera's thread: a call takes all that there are."""
        return PICTURES_OF_CALL_HZ if self._calls.active else self._looks_hz()

    def _trouble(self, trouble: Trouble | None) -> None:
        """The pictures are no good, or good again: the visitor is told to touch, the hub why."""
        works = trouble is None or not trouble.useless
        reason = trouble.code if trouble else ""
        self.changed(DeviceChanged("camera", works, reason, reason=reason or "not_found"))

    def _mirror_wanted(self) -> bool:
        visit = self._session.visit
        return visit is not None and bool(visit.looking or visit.checking or self._calls.teller_pictures)

    def _wipe_mirror(self) -> None:
        self._mirror.wipe()
