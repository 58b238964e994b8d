"""Printers: ESC/POS over a device file or the network, and the twin that prints into a folder.

The ticket arrives as a picture and leaves as a raster, so no printer needs a Chinese font.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import socket
import stat
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from PIL import Image

from kiosk.ports import Bitmap, Printer, PrinterFault, PrinterNotice
from kiosk.queueing.paper import png

# the library leaves a cache of its printers' list in a new temporary folder at each start: take it away again
with tempfile.TemporaryDirectory() as _cache:
    os.environ["ESCPOS_CAPABILITIES_PICKLE_DIR"] = _cache
    from escpos.exceptions import DeviceNotFoundError
    from escpos.printer import Dummy, File, Network

PRINT_S: Final = 10.0
NETWORK_S: Final = 3.0
STATUS_S: Final = 1.0  # many printers never answer a status query: then we only know that they are there
FEED_LINES: Final = 4  # to bring the last line past the cutter
_LPGETSTATUS: Final = 0x060B  # linux/lp.h; the answer's bits as on a parallel port:
_LP_PAPER_OUT, _LP_SELECTED, _LP_NO_ERROR = 0x20, 0x10, 0x08
# DLE EOT n (real-time status), Epson ESC/POS reference: n=2 offline cause, n=3 error cause, n=4 paper sensor
_ASK_OFFLINE, _ASK_ERROR, _ASK_PAPER = b"\x10\x04\x02", b"\x10\x04\x03", b"\x10\x04\x04"
_COVER_OPEN, _PAPER_END, _PAPER_NEAR_END, _OFFLINE_ERROR = 0x04, 0x60, 0x0C, 0x40
_CUTTER_ERROR: Final = 0x08  # the cutter did not come through: paper is in its way
_FIXED_BITS, _FIXED_VALUE = 0x93, 0x12  # an answer to DLE EOT has bits 1 and 4 set and 0 and 7 clear
_SAFE_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
KEEP_TICKETS: Final = 500  # files of the folder printer; the oldest go


def open_printer(address: str) -> Printer:
    """The printer at `address`: `file:/dev/usb/lp0`, `network:HOST[:9100]`, `folder:PATH`, or `auto`.

    Opens nothing yet: a printer that is missing is found missing when it is asked. Raises ValueError for
    an address that is none of these.
    """
    kind, _, rest = address.partition(":")
    if kind == "folder" and rest:
        return FilePrinter(Path(rest))
    if kind == "file" and rest:
        return EscposPrinter(DevicePath(lambda: Path(rest)))
    if address == "auto":
        return EscposPrinter(DevicePath(_first_usb_printer))
    if kind == "network" and rest:
        host, _, port = rest.partition(":")
        if host and (not port or port.isdecimal()):
            return EscposPrinter(NetworkPath(host, int(port or 9100)))
    raise ValueError(f"{address!r} is no printer: file:/dev/usb/lp0, network:HOST:9100, folder:PATH or auto")


def raster(paper: Bitmap) -> bytes:
    """The ESC/POS commands that print the paper, feed it and cut it."""
    dummy = Dummy(profile="TM-T20II")  # 80 mm paper, 576 dots: only its width is used
    dummy.hw("INIT")
    dummy.image(Image.fromarray(~paper), impl="bitImageRaster")
    dummy.ln(FEED_LINES)
    dummy.cut(feed=False)
    commands: bytes = dummy.output
    return commands


class DevicePath:
    """A printer as a device file of the kernel's usblp (or a plain file)."""

    def __init__(self, find: Callable[[], Path]) -> None:
        self._find = find

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        path = self._find()
        if not path.exists():
            if str(path).startswith("/dev/"):  # else a typing error would make a plain file in /dev
                raise PrinterFault("missing", f"{path} is not there: is the printer on and plugged in?")
            path.parent.mkdir(parents=True, exist_ok=True)
        printer = File(devfile=str(path), auto_flush=True)
        printer.open()
        try:
            yield printer
        finally:
            printer.close()

    def ask(self, _printer: Any) -> PrinterNotice:
        path = self._find()
        if not (path.exists() and stat.S_ISCHR(path.stat().st_mode)):
            return ""
        answer = bytearray(struct.calcsize("i"))
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            fcntl.ioctl(handle, _LPGETSTATUS, answer)
        except OSError:
            return ""  # not a printer that can be asked
        finally:
            os.close(handle)
        (bits,) = struct.unpack("i", answer)
        if bits & _LP_PAPER_OUT:
            raise PrinterFault("no_paper")
        if not bits & _LP_NO_ERROR or not bits & _LP_SELECTED:
            raise PrinterFault("offline")
        return ""  # the kernel's answer has no bit for paper that is nearly used up


class NetworkPath:
    """A printer that listens on the network, usually on port 9100."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    @contextlib.contextmanager
    def open(self) -> Iterator[Any]:
        printer = Network(self._host, self._port, timeout=NETWORK_S)
        printer.open()
        try:
            yield printer
        finally:
            printer.close()

    def ask(self, printer: Any) -> PrinterNotice:
        connection: socket.socket = printer.device
        connection.settimeout(STATUS_S)
        try:
            offline = self._answer(connection, _ASK_OFFLINE)
            if offline is None:
                return ""
            if offline & _COVER_OPEN:
                raise PrinterFault("cover_open")
            if offline & _OFFLINE_ERROR:
                error = self._answer(connection, _ASK_ERROR) or 0
                raise PrinterFault("jammed" if error & _CUTTER_ERROR else "offline")
            paper = self._answer(connection, _ASK_PAPER) or 0
            if paper & _PAPER_END:
                raise PrinterFault("no_paper")
            return "paper_low" if paper & _PAPER_NEAR_END else ""
        finally:
            connection.settimeout(NETWORK_S)

    @staticmethod
    def _answer(connection: socket.socket, question: bytes) -> int | None:
        """The answer's bits; None where the printer says nothing, or something else than was asked."""
        connection.sendall(question)
        try:
            answer = connection.recv(1)
        except TimeoutError:
            return None
        return answer[0] if answer and answer[0] & _FIXED_BITS == _FIXED_VALUE else None


class EscposPrinter:
    """A real printer. It is opened for each ticket, so that one that was switched off works again by itself."""

    def __init__(self, path: DevicePath | NetworkPath) -> None:
        self._path = path
        self._busy = threading.Lock()

    async def check(self) -> PrinterNotice:
        return await self._within_time(lambda: self._talk(b""))

    async def print(self, name: str, paper: Bitmap) -> None:
        commands = raster(paper)
        await self._within_time(lambda: self._talk(commands))

    async def close(self) -> None:
        return None  # nothing stays open between two tickets

    async def _within_time(self, work: Callable[[], PrinterNotice]) -> PrinterNotice:
        # a thread of its own, not one of the pool: a driver that hangs must not take a worker with it
        loop = asyncio.get_running_loop()
        done: asyncio.Future[PrinterNotice] = loop.create_future()

        def settle(notice: PrinterNotice, fault: BaseException | None) -> None:
            if not done.done():
                done.set_result(notice) if fault is None else done.set_exception(fault)

        def run() -> None:
            notice: PrinterNotice = ""
            fault: BaseException | None = None
            try:
                notice = work()
            except PrinterFault as err:
                fault = err
            except DeviceNotFoundError as err:
                fault = PrinterFault("missing", " ".join(str(err).split()))
            except OSError as err:
                fault = PrinterFault("offline", err.strerror or type(err).__name__)
            except Exception as err:  # the printer library's own errors share no base class
                fault = PrinterFault("unknown", type(err).__name__)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, notice, fault)

        threading.Thread(target=run, name="printer", daemon=True).start()
        try:
            async with asyncio.timeout(PRINT_S):
                return await done
        except TimeoutError as err:
            raise PrinterFault("timeout", f"no end after {PRINT_S:.0f} s") from err

    def _talk(self, commands: bytes) -> PrinterNotice:
        if not self._busy.acquire(blocking=False):
            raise PrinterFault("timeout", "the ticket before is still being printed")
        try:
            with self._path.open() as printer:
                notice = self._path.ask(printer)
                if commands:
                    printer._raw(commands)
                return notice
        finally:
            self._busy.release()


class FilePrinter:
    """Prints into a folder: the bytes a printer would get, and the paper as a PNG. For demo and tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def check(self) -> PrinterNotice:
        await asyncio.to_thread(self._check)
        return ""

    async def print(self, name: str, paper: Bitmap) -> None:
        await asyncio.to_thread(self._print, _SAFE_NAME.sub("_", name), paper)

    async def close(self) -> None:
        return None

    def path_of(self, name: str) -> Path:
        """Where the PNG of a ticket lies."""
        return self._folder / f"ticket-{_SAFE_NAME.sub('_', name)}.png"

    def _check(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as err:
            raise PrinterFault("missing", f"{self._folder}: {err.strerror}") from err
        if not os.access(self._folder, os.W_OK):
            raise PrinterFault("missing", f"{self._folder} cannot be written")

    def _print(self, name: str, paper: Bitmap) -> None:
        self._check()
        for suffix, content in ((".escpos", raster(paper)), (".png", png(paper))):
            final = self._folder / f"ticket-{name}{suffix}"
            part = final.with_suffix(suffix + ".part")  # a half-written ticket is never seen under its name
            try:
                part.write_bytes(content)
                part.replace(final)
            except OSError as err:
                part.unlink(missing_ok=True)
                raise PrinterFault("unknown", f"{final.name}: {err.strerror}") from err
        printed = sorted(self._folder.glob("ticket-*.*"), key=lambda path: path.stat().st_mtime_ns)
        for old in printed[: -2 * KEEP_TICKETS]:
            old.unlink(missing_ok=True)


def _first_usb_printer() -> Path:
    found = sorted(Path("/dev/usb").glob("lp*"))
    return found[0] if found else Path("/dev/usb/lp0")
