"""Every printer prints the same picture; one that cannot says why, within its time."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from kiosk.adapters import printer as adapter
from kiosk.adapters.printer import FilePrinter, open_printer
from kiosk.ports import Bitmap, Printer, PrinterFault
from kiosk.queueing.paper import PaperTicket, draw_ticket

pytestmark = pytest.mark.contract

PAPER = draw_ticket(
    PaperTicket(
        bank=("青禾银行", "Qinghe Bank"), branch=("滨江路支行", ""), service=("个人业务", "Personal banking"),
        number="A037", issued_at=datetime(2026, 11, 21, 10, 26),
    )
)  # fmt: skip


def unpacked(commands: bytes) -> tuple[Bitmap, bool]:
    """What a printer would put on paper from ESC/POS bytes, and whether it would cut."""
    assert commands.startswith(b"\x1b@")
    rows: list[Bitmap] = []
    at = commands.find(b"\x1dv0")
    while at >= 0:
        width_bytes = commands[at + 4] + 256 * commands[at + 5]
        height = commands[at + 6] + 256 * commands[at + 7]
        begin, end = at + 8, at + 8 + width_bytes * height
        bits = np.unpackbits(np.frombuffer(commands[begin:end], np.uint8).reshape(height, width_bytes), axis=1)
        rows.append(bits.astype(np.bool_))
        at = commands.find(b"\x1dv0", end)
    return np.vstack(rows), b"\x1dV" in commands[end:]


@dataclass
class NetworkPrinter:
    """A printer on the network: it swallows what it is sent and answers when it is asked how it is."""

    listening: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    received: bytearray = field(default_factory=bytearray)
    offline_cause: int = 0x12
    error_cause: int = 0x12
    paper: int = 0x12
    answers: bool = True

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        while True:
            try:
                part = connection.recv(65536)
            except OSError:
                return
            if not part:
                return
            if part[:2] == b"\x10\x04":
                if self.answers:
                    connection.sendall(bytes([{2: self.offline_cause, 3: self.error_cause, 4: self.paper}[part[2]]]))
            else:
                self.received += part

    def close(self) -> None:
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        self._thread.join(5)


@pytest.fixture
def network() -> Iterator[NetworkPrinter]:
    made = NetworkPrinter()
    yield made
    made.close()


@dataclass
class Case:
    """A printer, and how to read what came out of it."""

    printer: Printer
    output: Callable[[], bytes]


@pytest.fixture(params=["folder", "file", "network", "silent network"])
async def case(request: pytest.FixtureRequest, tmp_path: Path, network: NetworkPrinter) -> AsyncIterator[Case]:
    match request.param:
        case "folder":
            made = Case(open_printer(f"folder:{tmp_path}/out"), (tmp_path / "out/ticket-A037.escpos").read_bytes)
        case "file":
            made = Case(open_printer(f"file:{tmp_path}/lp0"), (tmp_path / "lp0").read_bytes)
        case _:
            network.answers = request.param == "network"
            made = Case(open_printer(f"network:127.0.0.1:{network.port}"), lambda: bytes(network.received))
    yield made
    await made.printer.close()


async def test_what_is_printed_is_the_paper_dot_by_dot_and_cut(case: Case) -> None:
    await case.printer.check()
    await case.printer.print("A037", PAPER)
    for _ in range(100):  # a network printer reads after we have written
        if b"\x1dV" in case.output()[-8:]:
            break
        await asyncio.sleep(0.02)
    picture, cut = unpacked(case.output())
    assert np.array_equal(picture, PAPER)
    assert cut


async def test_two_tickets_come_out_one_after_the_other(case: Case) -> None:
    for _ in range(2):
        await case.printer.print("A037", PAPER)


@pytest.mark.parametrize(
    ("offline_cause", "error_cause", "paper", "reason"),
    [
        (0x12, 0x12, 0x72, "no_paper"), (0x16, 0x12, 0x12, "cover_open"), (0x52, 0x12, 0x12, "offline"),
        (0x52, 0x1A, 0x12, "jammed"),
    ],
)  # fmt: skip
async def test_a_printer_that_says_what_is_wrong_prints_nothing(
    network: NetworkPrinter, offline_cause: int, error_cause: int, paper: int, reason: str
) -> None:
    network.offline_cause, network.error_cause, network.paper = offline_cause, error_cause, paper
    printer = open_printer(f"network:127.0.0.1:{network.port}")
    for act in (printer.check(), printer.print("A037", PAPER)):
        with pytest.raises(PrinterFault) as caught:
            await act
        assert caught.value.reason == reason
    assert not network.received
    network.offline_cause, network.paper = 0x12, 0x12  # paper was put in, the cover closed
    await printer.print("A037", PAPER)


async def test_paper_that_is_nearly_used_up_is_said_and_prints_all_the_same(network: NetworkPrinter) -> None:
    printer = open_printer(f"network:127.0.0.1:{network.port}")
    assert await printer.check() == ""
    network.paper = 0x1E
    assert await printer.check() == "paper_low"
    await printer.print("A037", PAPER)
    network.answers = False
    assert await printer.check() == ""  # it is there; more is not known


@pytest.mark.parametrize("address", ["file:/dev/usb/lp97", "network:127.0.0.1:9"])
async def test_a_printer_that_is_not_there_is_missing_at_once(address: str) -> None:
    began = time.monotonic()
    with pytest.raises(PrinterFault) as caught:
        await open_printer(address).print("A037", PAPER)
    assert caught.value.reason == "missing"
    assert time.monotonic() - began < 2


async def test_a_printer_that_hangs_is_given_up_and_a_second_ticket_does_not_pile_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(adapter, "PRINT_S", 0.3)
    pipe = tmp_path / "lp0"
    os.mkfifo(pipe)  # opening it for writing waits until somebody reads: as a driver that hangs
    printer = open_printer(f"file:{pipe}")
    for _ in range(2):
        with pytest.raises(PrinterFault) as caught:
            await printer.print("A037", PAPER)
        assert caught.value.reason == "timeout"
    for _ in range(50):
        hanging = sum(thread.name == "printer" for thread in threading.enumerate())
        if hanging == 1:
            break
        await asyncio.sleep(0.02)
    assert hanging == 1
    reading = os.open(pipe, os.O_RDONLY)  # the driver comes to itself
    while os.read(reading, 65536):
        pass
    os.close(reading)


async def test_a_folder_that_cannot_be_made_is_missing(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(PrinterFault) as caught:
        await FilePrinter(tmp_path / "taken" / "out").check()
    assert caught.value.reason == "missing"


async def test_a_name_with_a_path_in_it_stays_in_the_folder(tmp_path: Path) -> None:
    await FilePrinter(tmp_path / "out").print("../../A037", PAPER)
    assert not list(tmp_path.glob("*.png"))
    assert len(list((tmp_path / "out").glob("*.png"))) == 1


async def test_the_folder_keeps_a_bounded_number_of_tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "KEEP_TICKETS", 3)
    printer = FilePrinter(tmp_path)
    for running in range(6):
        await printer.print(f"A00{running}", PAPER)
    assert sorted(path.name for path in tmp_path.glob("*.png")) == [f"ticket-A00{n}.png" for n in (3, 4, 5)]


@pytest.mark.parametrize("address", ["", "lp0", "network:", "network:host:port", "usb:1:2", "folder:"])
def test_an_address_that_is_no_printer_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="no printer"):
        open_printer(address)
