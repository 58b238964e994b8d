"""A new look at document or face in the middle of a talk with a teller, by the terminal's own eyes; beside `app.py`.

No picture and no field goes to the teller: only what the look came to, by code. The visitor said yes before; for the
face that yes is the consent on record, and a no is on record too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from kiosk.identity.acts import FaceActs
from kiosk.session.papers import Papers
from kiosk.session.visit import Visit
from kiosk.together.ports import Looked

What = Literal["document", "face"]
NOT_HERE: Final = Looked("not_available")
_DOCUMENT: Final = {
    "done": Looked("done", "sound"),
    "suspected": Looked("done", "doubtful"),
    "refused": Looked("done", "refused"),
    "expired": Looked("done", "expired"),
    "unsure": Looked("done", "unreadable"),
    "other_document": Looked("done", "other_document"),
    "not_seen": Looked("failed", "unreadable"),
    "too_often": Looked("failed", "unreadable"),
    "no_camera": NOT_HERE,
}
_FACE: Final = {
    "done": Looked("done", "same_person"),
    "differs": Looked("done", "another_person"),
    "unclear": Looked("done", "unclear"),
    "guardian": Looked("not_available", "guardian"),
    "no_photo": Looked("not_available", "no_document"),
    "nothing_there": Looked("not_available", "no_document"),
}


class SiteFreshLook:
    """`visit`: who is served now. `faces` gives None where the site compares no faces."""

    def __init__(self, visit: Callable[[], Visit | None], papers: Papers, faces: Callable[[], FaceActs | None]) -> None:
        self._visit, self._papers, self._faces = visit, papers, faces

    def hindered(self, what: What) -> Looked | None:
        if self._visit() is None:
            return NOT_HERE
        if what == "document":
            return None if self._papers.sees else NOT_HERE
        faces = self._faces()
        if faces is None or not faces.sees():
            return NOT_HERE
        hindrance = faces.hindrance()
        return _FACE[hindrance] if hindrance else None

    async def look(self, what: What) -> Looked:
        visit = self._visit()
        if visit is None:
            return NOT_HERE
        if what == "document":
            return _DOCUMENT[(await self._papers.look(visit)).outcome]
        faces = self._faces()
        if faces is None:
            return NOT_HERE
        agreed = (await faces.do(visit, "agree_face")).outcome
        if agreed != "done":  # 'failed': without a record of the consent nothing is looked at
            return _FACE.get(agreed, Looked("failed"))
        return _FACE.get((await faces.do(visit, "verify_face")).outcome, Looked("failed"))

    def stop(self, what: What) -> None:
        if what == "document":
            self._papers.stop()
        elif (faces := self._faces()) is not None:
            faces.ends()

    def refused(self, what: What) -> None:
        visit, faces = self._visit(), self._faces()
        if what == "face" and visit is not None and faces is not None:
            faces.refuse(visit)
