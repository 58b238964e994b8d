"""Somebody came, somebody left: faces in, presence out. Pure; keeps no picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from config.schema import Seeing
from kiosk.events import CameraFrame, FaceMoved, PersonArrived, PersonLeft
from kiosk.vision.attendance import Attendance

MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face in fractions of the picture: centre 0..1, width as share of the picture's width."""

    x: float
    y: float
    share: float


PresenceEvent = PersonArrived | PersonLeft | FaceMoved


class Presence:
    """Near for a while means arrived; gone for a while means left. Between the two distances nothing changes."""

    def __init__(self, seeing: Seeing) -> None:
        self._set = seeing
        self._near_since_ns: int | None = None
        self._seen_ns = 0
        self.here = False
        self.near = 0  # faces that are near, at the last look

    def adopt(self, seeing: Seeing) -> None:
        """Other times and distances from the next picture on."""
        self._set = seeing

    def step(self, faces: Sequence[SeenFace], at_ns: int) -> Iterator[PresenceEvent]:
        """Take the faces of one picture; yield what changed."""
        self.near = sum(face.share >= self._set.far_face_share for face in faces)
        nearest = max(faces, key=lambda face: face.share, default=None)
        near = nearest is not None and nearest.share >= (
            self._set.far_face_share if self.here else self._set.near_face_share
        )
        if not near or nearest is None:
            self._near_since_ns = None
            if self.here and at_ns - self._seen_ns >= self._set.leave_ms * MS:
                self.here = False
                yield PersonLeft(at_ns)
            return
        self._seen_ns = at_ns
        if self._near_since_ns is None:
            self._near_since_ns = at_ns
        if not self.here and at_ns - self._near_since_ns >= self._set.arrive_ms * MS:
            self.here = True
            yield PersonArrived(at_ns)
        if self.here:
            yield FaceMoved(nearest.x * 2 - 1, nearest.y * 2 - 1, at_ns)


async def watch(
    frames: AsyncIterator[CameraFrame],
    detect: Callable[[CameraFrame], Awaitable[Sequence[SeenFace]]],
    presence: Presence,
    looks_hz: Callable[[], float],
    attendance: Attendance | None = None,
) -> AsyncIterator[PresenceEvent]:
    """Look at a few pictures a second and yield who came and went. The others are not looked at."""
    next_ns = 0
    async for frame in frames:
        if frame.at_ns < next_ns:
            continue
        next_ns = frame.at_ns + int(1e9 / looks_hz())
        events = list(presence.step(await detect(frame), frame.at_ns))
        if attendance:
            attendance.note(frame.at_ns, here=presence.here, near=presence.near)
        for event in events:
            yield event
