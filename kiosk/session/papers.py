"""A visitor holds up a document: frames are asked for, advice is shown, and what was read becomes known to the visit.

Serves the moment between 'please show me your ID card' and what follows. What was read hangs on the visit and goes with
it; pictures are let go frame by frame. Tallies count outcomes by code, never what was read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Final, Protocol

from contracts.screen import DocumentView
from kiosk.dialogue.reply import Done
from kiosk.events import CameraFrame, Picture
from kiosk.ports import DeviceLost, DocumentCamera
from kiosk.session.visit import Visit
from kiosk.vision.documents.guide import ADVICE, Advice, Guided
from kiosk.vision.documents.numbers import years_between
from kiosk.vision.documents.session import DocumentRead

LOOK_S: Final = 25.0  # then the visitor is asked whether to go on
LOOKS_MOST: Final = 4  # of one visit: then a colleague is better
WANTED: Final = "id_front"


class Attempt(Protocol):
    """One attempt at one document, off the event loop (`adapters` and `app` give it its thread)."""

    @property
    def guided(self) -> Guided: ...
    @property
    def result(self) -> DocumentRead | None: ...
    @property
    def unknown(self) -> bool: ...
    async def see(self, picture: Picture) -> Advice: ...
    async def read(self, picture: Picture) -> None: ...


class Papers:
    """Looks at documents. `changed`: the page is to be shown anew. `begin` opens a reader, or gives None."""

    def __init__(
        self,
        camera: Callable[[], DocumentCamera | None],
        begin: Callable[[], Awaitable[Attempt | None]],
        changed: Callable[[], None],
        today: Callable[[], date],
    ) -> None:
        self._camera, self._begin, self._changed, self._today = camera, begin, changed, today
        self._open: DocumentCamera | None = None
        self._one = asyncio.Lock()  # a look that was cut off ends before the next begins
        self.say: Callable[[Visit, str, str], Awaitable[None]] = _silently  # aloud, in the visit's language
        self.tally: Counter[str] = Counter()

    def facts(self, visit: Visit) -> dict[str, str]:
        """Whether there is something to see with, whether an ID card was read and found good, and its holder's age."""
        known = {"document_camera": "works" if self._camera() is not None else "", "mode": visit.mode, "document": ""}
        read = visit.document
        if read is not None and read.kind == WANTED and read.finding.outcome == "accepted":
            born = date.fromisoformat(read.values["born"])
            known |= {"document": "read", "age": str(years_between(born, self._today()))}
        return known

    @property
    def sees(self) -> bool:
        """Whether there is something to see documents with."""
        return self._camera() is not None

    def stop(self) -> None:
        """Nobody waits for a document any longer."""
        if self._open is not None:
            self._open.stop()

    async def look(self, visit: Visit) -> Done:
        """Until one is read, the visitor gives up, or time is up. Outcomes: 'done', 'refused', 'suspected', 'expired',
        'unsure', 'other_document', 'not_seen', 'no_camera', 'too_often'."""
        async with self._one:
            done = await self._looked(visit)
        self.tally[done.outcome] += 1
        return done

    async def _looked(self, visit: Visit) -> Done:
        camera = self._camera()
        if camera is None:
            return Done("no_camera")
        if visit.looks >= LOOKS_MOST:
            return Done("too_often")
        visit.looks += 1
        visit.looking = _view(visit, "show", None, None)
        self._changed()
        self._open = camera
        try:
            attempt = await self._begin()
            if attempt is None:
                return Done("no_camera")
            await self._follow(visit, camera, attempt)
        except DeviceLost:
            return Done("no_camera")
        finally:
            self._open = None
            visit.looking = None
            self._changed()
        return _outcome(visit, attempt)

    async def _follow(self, visit: Visit, camera: DocumentCamera, attempt: Attempt) -> None:
        frames = camera.frames(LOOK_S)
        spoken: asyncio.Task[None] | None = None
        try:
            async for frame in frames:
                advice = await attempt.see(frame.bgr)
                if advice == "tilt" and spoken is None:  # who tilts it looks at it, and not at the screen
                    spoken = asyncio.create_task(_aloud(self.say, visit, advice), name="document-advice")
                visit.looking = _view(visit, advice, attempt.guided, frame)
                self._changed()
                if attempt.guided.ready:
                    await attempt.read(frame.bgr)
                if attempt.result is not None or attempt.unknown:
                    return
        finally:
            if spoken is not None:
                spoken.cancel()
                await asyncio.wait([spoken])
            camera.stop()
            await asyncio.shield(frames.aclose())  # type: ignore[attr-defined]  # the ports' are generators


async def _silently(visit: Visit, zh: str, en: str) -> None:
    """The screen alone says it."""


async def _aloud(say: Callable[[Visit, str, str], Awaitable[None]], visit: Visit, advice: Advice) -> None:
    await say(visit, *ADVICE[advice])


def _outcome(visit: Visit, attempt: Attempt) -> Done:
    read = attempt.result
    if read is None:
        return Done("other_document" if attempt.unknown else "not_seen")
    visit.document = read
    if read.kind != WANTED:
        return Done("other_document")
    codes = [reason.code for reason in read.finding.reasons]
    outcome = read.finding.outcome
    if outcome == "accepted":
        return Done("done", {"document_tail": read.values["number"][-4:]})
    return Done("expired" if codes == ["expired"] else outcome)


def _view(visit: Visit, advice: Advice, guided: Guided | None, frame: CameraFrame | None) -> DocumentView:
    """What the page shows: as in a mirror, so that the hand goes where it wants."""
    zh, en = ADVICE[advice]
    first, second = (zh, en) if visit.language == "zh" else (en, zh)
    corners: tuple[float, ...] = ()
    shape = 16 / 9
    if frame is not None:
        height, width = frame.bgr.shape[:2]
        shape = width / height
        if guided is not None and guided.last is not None:
            corners = tuple(
                round(float(value), 3) for x, y in guided.last.corners for value in (1 - x / width, y / height)
            )
    state = "reading" if advice == "reading" else "looking"
    return DocumentView(first, second, corners, shape, state)  # type: ignore[arg-type]
