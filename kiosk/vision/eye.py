"""From pictures to presence, in two gears: few looks while nobody is near, more and finer ones while somebody is.

Runs the networks on their thread and hands numbers on; every decision is `Presence`'s. It keeps no picture. A template
of a face lives from the call that makes it to the one that compares it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Final, ParamSpec, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from config.schema import Seeing
from kiosk.events import CameraFrame, Picture
from kiosk.vision.attendance import Attendance
from kiosk.vision.faces import Pose, pose_of, seen
from kiosk.vision.lips import LipWatch
from kiosk.vision.picture import PictureWatch, Trouble
from kiosk.vision.presence import Presence, PresenceEvent
from kiosk.vision.tracks import Track
from models.landmarks import Landmarks
from models.yunet import Face

SEARCH_EVERY: Final = 2  # looks while somebody is served: the others only follow the visitor's points
DOUBTED_SHARE: Final = 0.07  # of the picture's width: smaller faces are never sure, and tell nothing of the camera
EARLY_NS: Final = 20_000_000  # a camera's pictures come when they come


P = ParamSpec("P")
R = TypeVar("R")


class Worker(Protocol):
    """Where the networks run: a thread of their own, or at once."""

    async def call(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R: ...


class Detector(Protocol):
    def detect(self, bgr: npt.NDArray[np.uint8]) -> tuple[Face, ...]: ...


class Points(Protocol):
    def look(self, bgr: npt.NDArray[np.uint8], face: Face) -> Landmarks | None: ...


class Templates(Protocol):
    def template(self, bgr: npt.NDArray[np.uint8], face: Face) -> npt.NDArray[np.float32]: ...


class Eye:
    """Looks at frames. `found` is told the trouble with the pictures, None when there is none (again)."""

    def __init__(
        self,
        thread: Worker,
        detector: Detector,
        points: Points,
        templates: Templates,
        presence: Presence,
        lips: LipWatch,
        attendance: Attendance | None = None,
        found: Callable[[Trouble | None], None] = lambda trouble: None,
    ) -> None:
        self._thread = thread
        self._detector, self._points, self._templates = detector, points, templates
        self.presence = presence
        self._lips = lips
        self._attendance = attendance
        self._found = found
        self.pictures = PictureWatch()
        self._at: dict[int, Face] = {}  # the detector's box of each track, at the last search
        self._looks = 0
        self._told: Trouble | None = None

    def wanted_hz(self, seeing: Seeing, *, least_hz: float = 0.0) -> float:
        """Pictures a second that are worth having now."""
        return max(seeing.near_looks_hz if self.presence.hurried else seeing.looks_hz, least_hz)

    def blinked(self) -> None:
        """The camera was opened (again): nobody in view was seen to come."""
        self.pictures.blinked()
        self.presence.blinked()
        self._told = None

    def tallies(self) -> dict[str, int]:
        """What became of faces and pictures since the start, by name."""
        counted = {**self.presence.tally, **self.pictures.tally, "faces_beyond": self.presence.tracks.tally_beyond}
        return {name.replace(" ", "_"): count for name, count in counted.items() if count}

    def _tell(self, trouble: Trouble | None) -> None:
        if trouble != self._told:
            self._told = trouble
            self._found(trouble)

    async def look(self, frame: CameraFrame) -> list[PresenceEvent]:
        """One picture; what changed. One that is none is counted and passed over."""
        trouble = self.pictures.look(frame.bgr, frame.at_ns)
        if trouble is not None and trouble.blind:  # whoever is served is as little gone as seen
            self._tell(self.pictures.trouble)
            return []
        self._looks += 1
        followed = self.presence.followed
        search = not self.presence.here or followed is None or self._looks % SEARCH_EVERY == 0
        events = await self._search(frame) if search else []
        await self._follow(frame)
        await self._compare(frame.at_ns, frame.bgr)
        self._tell(self.pictures.trouble)
        self._note(frame.at_ns)
        return events

    async def _search(self, frame: CameraFrame) -> list[PresenceEvent]:
        height_px, width_px = frame.bgr.shape[:2]
        faces = await self._thread.call(self._detector.detect, frame.bgr)
        surest = max((face.score for face in faces if face.w >= DOUBTED_SHARE * width_px), default=0.0)
        if self.pictures.doubts_upright(surest, frame.at_ns):
            turned = await self._thread.call(self._detector.detect, np.ascontiguousarray(frame.bgr[::-1, ::-1]))
            self.pictures.upright(faces, turned)
        self.pictures.colours(frame.bgr, faces)
        rows = {(face.x + face.w / 2) / width_px: face for face in faces}
        events = list(self.presence.step([seen(face, width_px, height_px) for face in faces], frame.at_ns))
        self._at = {
            track.id: rows[track.face.x]
            for track in self.presence.tracks.all.values()
            if track.seen_ns == frame.at_ns and track.face.x in rows
        }
        return events

    async def _follow(self, frame: CameraFrame) -> None:
        """The points of the visitor's face, or of whoever may become one."""
        track = self.presence.followed
        face = self._at.get(track.id) if track else None
        if track is None or face is None:
            if self.presence.here:
                self._lips.saw(frame.at_ns, None)
            return
        found = await self._thread.call(self._points.look, frame.bgr, face)
        pose: Pose | None = pose_of(found) if found else None
        self.presence.posed(track.id, pose, frame.at_ns)
        if self.presence.here and track.id == self.presence.served:
            if found:
                self._lips.saw(frame.at_ns, found.lip_gap, found.yaw_deg, found.pitch_deg)
            else:
                self._lips.saw(frame.at_ns, None)

    async def _compare(self, at_ns: int, bgr: Picture) -> None:
        track: Track | None = self.presence.wants(at_ns)
        face = self._at.get(track.id) if track else None
        if track is None or face is None:
            return
        vector = await self._thread.call(self._templates.template, bgr, face)
        self.presence.compared(track.id, vector, at_ns)
        vector.fill(0)

    def _note(self, at_ns: int) -> None:
        if self._attendance:
            self._attendance.note(at_ns, here=self.presence.here, near=self.presence.near)

    def forget(self) -> None:
        """The visit is over: boxes and templates are let go; who stands there is still seen to stand there."""
        self._lips.forget()


async def watch(
    frames: AsyncIterator[CameraFrame],
    eye: Eye,
    looks_hz: Callable[[], float],
    shown: Callable[[CameraFrame], None] = lambda frame: None,
) -> AsyncIterator[PresenceEvent]:
    """Look at as many pictures a second as are wanted and yield who came and went. The others are not looked at."""
    last_ns: int | None = None
    async for frame in frames:
        period_ns = int(1e9 / looks_hz())
        if last_ns is not None and frame.at_ns - last_ns < period_ns - EARLY_NS:
            continue
        last_ns = frame.at_ns
        shown(frame)
        for event in await eye.look(frame):
            yield event
