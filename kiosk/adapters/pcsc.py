"""A card reader through PC/SC: pcscd's own library, called directly.

pyscard, the usual Python face of it, has no wheel for Linux and wants a compiler, swig and headers at every terminal;
of the library (libpcsclite, BSD) six functions are enough. Constants and structures: pcsclite.h and winscard.h 1.9.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

from kiosk.ports import DeviceLost

LIBRARY: Final = "libpcsclite.so.1"
SCOPE_SYSTEM: Final = 2
SHARE_EXCLUSIVE: Final = 1
PROTOCOLS: Final = 3  # T=0 and T=1
UNPOWER: Final = 2
MOST_ANSWER: Final = 65_538
MOST_NAMES: Final = 4096
SUCCESS: Final = 0
NO_CARD: Final = frozenset({0x8010000C, 0x80100069, 0x80100066})  # none, taken out, does not answer
Long = ctypes.c_long
Dword = ctypes.c_ulong


class _Header(ctypes.Structure):
    """SCARD_IO_REQUEST."""

    _fields_ = [("protocol", Dword), ("length", Dword)]  # ctypes reads it so


class PcscSlot:
    """One reader, by the beginning of its name; '' is the first there is."""

    def __init__(self, name: str = "") -> None:
        self._name = name
        self._library: Any = None
        self._context = Long()
        self._card = Long()
        self._protocol = Dword()

    def connect(self) -> bool:
        """Whether a card lies there; it is powered then. Raises `DeviceLost` where there is no reader."""
        library = self._opened()
        self.disconnect()
        said = library.SCardConnect(
            self._context, self._reader().encode(), Dword(SHARE_EXCLUSIVE), Dword(PROTOCOLS),
            ctypes.byref(self._card), ctypes.byref(self._protocol),
        )  # fmt: skip
        if _code(said) in NO_CARD:
            return False
        if _code(said) != SUCCESS:
            self.close()
            raise DeviceLost(f"card reader: {_code(said):08X}")
        return True

    def transmit(self, apdu: bytes) -> bytes:
        """Raises `DeviceLost` where the card or the reader is gone."""
        if not self._card.value:
            raise DeviceLost("card reader: no card")
        answer, length = ctypes.create_string_buffer(MOST_ANSWER), Dword(MOST_ANSWER)
        header = _Header(self._protocol.value, ctypes.sizeof(_Header))
        said = self._library.SCardTransmit(
            self._card, ctypes.byref(header), apdu, Dword(len(apdu)), None, answer, ctypes.byref(length)
        )
        if _code(said) != SUCCESS:
            raise DeviceLost(f"card reader: {_code(said):08X}")
        return answer.raw[: length.value]

    def present(self) -> bool:
        """Whether the card that was connected still answers."""
        if not self._card.value:
            return False
        state, protocol, length = Dword(), Dword(), Dword(0)
        said = self._library.SCardStatus(
            self._card, None, ctypes.byref(length), ctypes.byref(state), ctypes.byref(protocol), None, None
        )
        return _code(said) == SUCCESS

    def disconnect(self) -> None:
        if self._card.value:
            self._library.SCardDisconnect(self._card, Dword(UNPOWER))
            self._card = Long()

    def close(self) -> None:
        self.disconnect()
        if self._context.value:
            self._library.SCardReleaseContext(self._context)
            self._context = Long()

    def _opened(self) -> Any:
        if self._library is None:
            try:
                self._library = ctypes.CDLL(LIBRARY)
            except OSError:
                raise DeviceLost(f"{LIBRARY} is not installed: apt-get install pcscd libpcsclite1") from None
        if not self._context.value:
            said = self._library.SCardEstablishContext(Dword(SCOPE_SYSTEM), None, None, ctypes.byref(self._context))
            if _code(said) != SUCCESS:
                self._context = Long()
                raise DeviceLost(f"pcscd does not answer: {_code(said):08X}")
        return self._library

    def _reader(self) -> str:
        names, length = ctypes.create_string_buffer(MOST_NAMES), Dword(MOST_NAMES)
        said = self._library.SCardListReaders(self._context, None, names, ctypes.byref(length))
        found = names.raw[: length.value].decode(errors="replace").split("\0") if _code(said) == SUCCESS else []
        for name in found:
            if name and name.startswith(self._name):
                return name
        self.close()
        raise DeviceLost(f"no card reader '{self._name}'")


def _code(said: int) -> int:
    """The library gives signed longs for codes of 32 bits."""
    return int(said) & 0xFFFFFFFF
