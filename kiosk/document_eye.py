"""What looks at documents that visitors hold up, put together: the camera as the site says, and the reader's network.

Beside `app.py`: names concrete classes as that does for the rest. The network is opened with the first document, which
takes half a second while the hand is still on its way; a terminal that is never shown one does without its memory.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Final

from config.schema import Site
from kiosk.adapters.document_camera import OwnDocumentCamera, PictureDocumentCamera, SharedDocumentCamera
from kiosk.events import CameraFrame, Picture
from kiosk.ports import Clock, DocumentCamera
from kiosk.runtime.worker import ModelThread
from kiosk.session.papers import Attempt
from kiosk.vision.documents.guide import Advice, Guided
from kiosk.vision.documents.session import DocumentLook, DocumentRead
from models.printed import PrintReader
from models.sessions import SessionError
from models.store import Store, StoreError

log = logging.getLogger(__name__)

DEVICE: Final = "device:"
PICTURE: Final = "picture:"


class DocumentEye:
    """The terminal's eye for documents. `close` it."""

    def __init__(
        self, site: Site, clock: Clock, camera_works: Callable[[], bool], today: Callable[[], date]
    ) -> None:  # fmt: skip
        told = site.ports.document_camera
        self._shared = SharedDocumentCamera(clock) if told == "camera" else None
        self._own: DocumentCamera | None = None
        if told.startswith(DEVICE):
            self._own = OwnDocumentCamera(told.removeprefix(DEVICE), clock)
        elif told.startswith(PICTURE):
            self._own = PictureDocumentCamera(Path(told.removeprefix(PICTURE)), clock)
        self._camera_works, self._today = camera_works, today
        self._thread = ModelThread("read-print")
        self._reader: PrintReader | None = None
        self._works = True

    @property
    def wanted(self) -> bool:
        """Whether the camera's pictures are looked at for a document just now."""
        return self._shared is not None and self._shared.wanted

    def show(self, frame: CameraFrame) -> None:
        """A picture of the camera that sees visitors; let go unless somebody holds up a document."""
        if self._shared is not None:
            self._shared.show(frame)

    def camera(self) -> DocumentCamera | None:
        """What can see a document now; None: nothing can."""
        if not self._works:
            return None
        return self._own or (self._shared if self._camera_works() else None)

    async def begin(self) -> Attempt | None:
        """A new attempt; None where the reader's network is not there, which is said in the log once."""
        try:
            if self._reader is None:
                self._reader = await self._thread.call(_opened)
        except (StoreError, SessionError) as err:
            log.error("documents cannot be read: %s", err)
            self._works = False
            return None
        return _OnThread(DocumentLook(self._reader, self._today), self._thread)

    def close(self) -> None:
        self._thread.close()


def _opened() -> PrintReader:
    return PrintReader(Store().open("print"))


class _OnThread:
    """An attempt whose work is done on the network's thread."""

    def __init__(self, look: DocumentLook, thread: ModelThread) -> None:
        self._look, self._thread = look, thread

    @property
    def guided(self) -> Guided:
        return self._look.guided

    @property
    def result(self) -> DocumentRead | None:
        return self._look.result

    @property
    def unknown(self) -> bool:
        return self._look.unknown

    async def see(self, picture: Picture) -> Advice:
        return await self._thread.call(self._look.see, picture)

    async def read(self, picture: Picture) -> None:
        await self._thread.call(self._look.read, picture)
