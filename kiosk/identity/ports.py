"""What checking a face needs of the world: keys, the photo on a document, frames, and a voice to instruct with."""

from __future__ import annotations

from typing import Protocol

from config.flows import Both
from kiosk.banking.ports import Held
from kiosk.events import CameraFrame
from kiosk.identity.quality import Picture


class KeystoreLocked(RuntimeError):
    """The machine's keystore gives no key; without it nothing enrolled can be read or written."""


class Keystore(Protocol):
    """Keys that never leave the machine: a TPM or the system's keystore."""

    def key(self, name: str) -> bytes:
        """32 bytes, the same for the same name until destroyed. Raises `KeystoreLocked`."""

    def destroy(self, name: str) -> None:
        """Everything that was encrypted with it is unreadable from now on."""


class DocumentPhotos(Protocol):
    """The photo of the document that lies in the reader, by its chip or by the camera over the glass."""

    def photo(self, held: Held) -> Picture | None:
        """(h, w, 3) blue first; None: there is none that can be read."""


class Frames(Protocol):
    """Frames of the visitor's camera, while they are asked for and never otherwise."""

    async def newer(self, than_ns: int, within_s: float) -> CameraFrame | None:
        """The first frame taken after `than_ns`; None: none came within that time."""


class Prompter(Protocol):
    """Says and shows one instruction. A newer one replaces it."""

    async def tell(self, said: Both, done: int, steps: int) -> None:
        """`done` of `steps` are behind."""


class Flash(Protocol):
    """Colours the screen for a moment, where it is bright enough to light a face."""

    async def show(self, rgb: tuple[int, int, int] | None, within_s: float) -> int | None:
        """Monotonic ns since when the colour is on the glass; None for the usual page again (nobody waits for that),
        and None where the screen did not say so in time."""
