"""A passport's chip: opened by its printed lines as the standard's own example says, read, believed only when a state
of the site's folder signed it; one suite for the reader's twin, a chip in memory, and a chip behind a real pcscd."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import cv2
import numpy as np
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from config.schema import BankSystem
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.adapters.identity import FilePhoto
from kiosk.adapters.passport import TRIES_MOST, PassportReader
from kiosk.adapters.pcsc import PcscSlot
from kiosk.banking.ports import CardReader, Held
from kiosk.identity.chip.access import ChipRefused, Lines, Session, derived, mac, read_file, unlock
from kiosk.identity.chip.files import DG1, DG2, SOD, holder_of, portrait_of
from kiosk.identity.chip.passive import authentic, states_of
from kiosk.identity.chip.tlv import BadData, inside, made, pieces
from kiosk.identity.ports import DocumentPhotos
from kiosk.identity.verdict import needs_guardian
from kiosk.ports import DeviceLost
from tests.identity.simulated_passport import NOW, InMemorySlot, SimulatedPassport, State, serve

pytestmark = pytest.mark.contract
STARTS_S = 20.0


def portrait() -> bytes:
    rng = np.random.default_rng(1)
    picture = cv2.resize(rng.integers(0, 255, (24, 18, 3), np.uint8), (180, 240))
    return bytes(cv2.imencode(".jp2", picture)[1])


@pytest.fixture(scope="module")
def state() -> State:
    return State()


@pytest.fixture
def chip(state: State) -> SimulatedPassport:
    return SimulatedPassport(state, portrait())


# ------------------------------------------------------------------ the standard's own example
def test_the_worked_example_of_the_standard_comes_out_byte_for_byte() -> None:
    """ICAO Doc 9303-11, appendix D."""
    lines = Lines("L898902C", "690806", "940623")
    assert lines.seed.hex().upper() == "239AB9CB282DAF66231DC5A4DF6BFBAE"
    encrypts, signs = derived(lines.seed, 1), derived(lines.seed, 2)
    assert encrypts.hex().upper() == "AB94FDECF2674FDFB9B391F85D7F76F2"
    assert signs.hex().upper() == "7962D9ECE03D1ACD4C76089DCE131543"
    sealed = bytes.fromhex("72C29C2371CC9BDB65B779B8E8D37B29ECC154AA56A8799FAE2F498F76ED92F2")
    assert mac(signs, sealed).hex().upper() == "5F1448EEA8AD90A7"

    class Example:
        """Answers as the example's chip."""

        asked: list[str] = []  # noqa: RUF012

        def transmit(self, apdu: bytes) -> bytes:
            self.asked.append(apdu.hex().upper())
            said = {
                0xA4: "9000", 0x84: "4608F919887022129000",
                0x82: "46B9342A41396CD7386BF5803104D7CEDC122B9132139BAF2EEDC94EE178534F2F2D235D074D74499000",
            }  # fmt: skip
            return bytes.fromhex(said[apdu[1]])

    chance = {8: "781723860C06C226", 16: "0B795240CB7049B01C19B33E32804F0B"}
    session = unlock(Example(), lines, lambda count: bytes.fromhex(chance[count]))
    assert Example.asked[2] == f"0082000028{sealed.hex().upper()}5F1448EEA8AD90A728"
    assert session.encrypts.hex().upper() == "979EC13B1CBFE9DCD01AB0FED307EAE5"
    assert session.signs.hex().upper() == "F1CB1F1FB5ADF208806B89DC579DC1F8"
    assert f"{session.counter:016X}" == "887022120C06C226"
    asked = session.wrapped(0xA4, 0x02, 0x0C, bytes.fromhex("011E"))
    assert asked.hex().upper() == "0CA4020C158709016375432908C044F68E08BF8B92D635FF24F800"
    assert session.opened(bytes.fromhex("990290008E08FA855A5D4C50A8ED9000")) == (b"", 0x9000)
    asked = session.wrapped(0xB0, 0x00, 0x00, wants=4)
    assert asked.hex().upper() == "0CB000000D9701048E08ED6705417E96BA5500"
    said = session.opened(bytes.fromhex("8709019FF0EC34F9922651990290008E08AD55CC17140B2DED9000"))
    assert said == (bytes.fromhex("60145F01"), 0x9000)


# ------------------------------------------------------------------ reading
def test_who_it_says_and_the_portrait_come_out_as_they_were_put_in(chip: SimulatedPassport) -> None:
    session = unlock(chip, chip.lines)
    files = {name: read_file(chip, session, name) for name in (DG1, DG2, SOD)}
    assert files == chip.files and len(files[DG2]) > 3000
    holder = holder_of(files[DG1], NOW.date())
    assert (holder.number, holder.name, holder.born) == ("X12345678", "WANG XIAOMING", "1990-03-07")
    assert portrait_of(files[DG2]) == portrait()


def test_other_lines_open_nothing_and_a_changed_answer_is_found(chip: SimulatedPassport) -> None:
    with pytest.raises(ChipRefused) as refused:
        unlock(chip, Lines("X12345679", "900307", "310101"))
    assert refused.value.code == "wrong_lines"
    session = unlock(chip, chip.lines)
    answer = bytearray(chip.transmit(session.wrapped(0xA4, 0x02, 0x0C, b"\x01\x01")))
    answer[5] ^= 1
    with pytest.raises(ChipRefused, match="broken"):
        session.opened(bytes(answer))


@pytest.mark.parametrize("kind", ["ec", "rsa", "pss"])
def test_what_a_known_state_signed_is_believed_and_nothing_else(kind: str) -> None:
    state, other = State(kind), State()
    files = SimulatedPassport(state, portrait()).files
    groups = {1: files[DG1], 2: files[DG2]}
    assert authentic(files[SOD], groups, [other.root, state.root], NOW) == "authentic"
    assert authentic(files[SOD], groups, [other.root], NOW) == "unknown_issuer"
    assert authentic(files[SOD], groups, [], NOW) == "unknown_issuer"
    swapped = {1: files[DG1], 2: SimulatedPassport(state, b"\xff\xd8another").files[DG2]}
    assert authentic(files[SOD], swapped, [state.root], NOW) == "changed"
    assert authentic(files[SOD], {**groups, 3: b"x"}, [state.root], NOW) == "changed"
    assert authentic(files[SOD], {}, [state.root], NOW) == "changed"
    broken = bytearray(files[SOD])
    broken[-4] ^= 1
    assert authentic(bytes(broken), groups, [state.root], NOW) in ("bad_signature", "broken")


def test_a_signer_beyond_its_dates_is_not_believed() -> None:
    state = State(signer_years=0)
    files = SimulatedPassport(state, portrait()).files
    assert authentic(files[SOD], {1: files[DG1]}, [state.root], NOW) == "expired_signer"


def test_bytes_of_any_kind_are_refused_and_never_crash(chip: SimulatedPassport, state: State) -> None:
    rng = np.random.default_rng(3)
    for number in range(400):
        name = (DG1, DG2, SOD)[number % 3]
        data = bytearray(chip.files[name])
        if number % 2:
            data = data[: int(rng.integers(0, len(data)))]
        for _ in range(3):
            if data:
                data[int(rng.integers(0, min(len(data), 120)))] = int(rng.integers(0, 256))
        given = bytes(data)
        for read in (lambda one: holder_of(one, NOW.date()), portrait_of):
            with suppress(BadData):
                read(given)  # type: ignore[operator]
        groups = {1: chip.files[DG1], 2: chip.files[DG2]}
        assert authentic(given, groups, [state.root], NOW) in (
            "broken", "changed", "bad_signature", "unknown_issuer", "expired_signer", "authentic"
        )  # fmt: skip
    with pytest.raises(BadData):
        list(pieces(b"\x30\x00" * 600))
    assert inside(made(0x61, made(0x5F1F, b"abc")), 0x61, 0x5F1F) == b"abc"


def test_a_file_that_announces_too_much_is_not_read(chip: SimulatedPassport) -> None:
    chip.files[DG2] = bytes.fromhex("75 83 7F FF FF") + bytes(3000)
    with pytest.raises(ChipRefused, match="too_large"):
        read_file(chip, unlock(chip, chip.lines), DG2)
    chip.files[DG2] = bytes.fromhex("75 82 20 00") + bytes(20)
    with pytest.raises(ChipRefused, match="broken"):
        read_file(chip, unlock(chip, chip.lines), DG2)
    assert isinstance(unlock(chip, chip.lines), Session)


# ------------------------------------------------------------------ one suite for twin, memory and pcscd
class Pcscd:
    """A pcscd of the test's own with the virtual reader."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (folder / "readers").mkdir()
        library = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so"
        (folder / "readers" / "vpcd").write_text(
            f'FRIENDLYNAME "Virtual PCD"\nDEVICENAME /dev/null:{self.port}\nLIBPATH {library}\nCHANNELID {self.port}\n'
        )
        command = [str(shutil.which("pcscd")), "--foreground", "--config", str(folder / "readers")]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(command, stdout=said, stderr=said)
        ends_s = time.monotonic() + STARTS_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                assert self.process.poll() is None and time.monotonic() < ends_s, (folder / "said").read_text()
                time.sleep(0.05)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(STARTS_S)


class Bench:
    """A reader of one kind, and how something is laid in and taken out."""

    def __init__(self, kind: str, folder: Path, state: State, chip: SimulatedPassport) -> None:
        self.chip, self.kind, self.slot = chip, kind, InMemorySlot()
        self.line: socket.socket | None = None
        self.pcscd = Pcscd(folder) if kind == "pcscd" else None
        self.twin = SimulatedCardReader(folder / "in.json")
        self.picture = folder / "document.png"
        roots = folder / "states"
        roots.mkdir()
        (roots / "state.der").write_bytes(state.root.public_bytes(Encoding.DER))
        (roots / "notes.txt").write_text("no certificate")
        self.real = PassportReader(
            PcscSlot("Virtual") if self.pcscd else self.slot, lambda: chip.lines, states_of(roots), lambda: NOW
        )
        self.reader: CardReader = self.twin if kind == "file" else self.real
        self.photos: DocumentPhotos = FilePhoto(self.picture) if kind == "file" else self.real

    def lay(self) -> None:
        self.slot.chip = self.chip
        self.twin.insert(Held("document", "X12345678", "WANG XIAOMING", "1990-03-07"))
        cv2.imwrite(str(self.picture), np.zeros((240, 180, 3), np.uint8))
        if self.pcscd:
            self.line, _ = serve(self.chip, self.pcscd.port)
        self._look(lambda: self.reader.holding() is not None)

    def take(self) -> None:
        self.slot.chip = None
        self.twin.remove()
        if self.line:
            self.line.close()
        self._look(lambda: self.reader.holding() is None)

    def _look(self, until: Callable[[], bool]) -> None:
        ends_s = time.monotonic() + STARTS_S
        while time.monotonic() < ends_s:
            self.real.look()
            if until():
                return
            time.sleep(0.05)

    def close(self) -> None:
        self.take()
        if self.pcscd:
            self.real._slot.close()  # type: ignore[attr-defined]
            self.pcscd.close()


@pytest.fixture(params=["file", "memory", "pcscd"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, state: State, chip: SimulatedPassport) -> Iterator[Bench]:
    made_one = Bench(request.param, tmp_path, state, chip)
    yield made_one
    made_one.close()


def test_a_document_is_held_while_it_lies_there_with_its_photo_and_no_longer(bench: Bench) -> None:
    assert bench.reader.holding() is None
    bench.lay()
    held = bench.reader.holding()
    assert held is not None and held.kind == "document", bench.real.tally
    assert (held.number, held.name, held.born) == ("X12345678", "WANG XIAOMING", "1990-03-07")
    assert "X1234" not in repr(held)
    picture = bench.photos.photo(held)
    assert picture is not None and picture.shape == (240, 180, 3)
    assert bench.photos.photo(Held("card", "6222")) is None
    bench.take()
    assert bench.reader.holding() is None


# ------------------------------------------------------------------ the reader's own
def test_without_the_lines_nothing_is_asked_and_wrong_ones_are_tried_three_times(
    state: State, chip: SimulatedPassport
) -> None:
    slot = InMemorySlot()
    slot.chip = chip
    shown: list[Lines | None] = [None]
    reader = PassportReader(slot, lambda: shown[0], (state.root,), lambda: NOW)
    reader.look()
    assert chip.commands == 0 and reader.holding() is None
    shown[0] = Lines("X00000000", "900307", "310101")
    for _ in range(TRIES_MOST + 3):
        reader.look()
    assert reader.tally["wrong_lines"] == TRIES_MOST and reader.holding() is None
    shown[0] = chip.lines
    reader.look()
    assert reader.holding() is not None
    reader.forget()
    assert reader.holding() is None


def test_a_chip_that_no_known_state_signed_holds_nothing(chip: SimulatedPassport) -> None:
    slot = InMemorySlot()
    slot.chip = chip
    reader = PassportReader(slot, lambda: chip.lines, (State().root,), lambda: NOW)
    reader.look()
    assert reader.holding() is None and reader.tally["unknown_issuer"] == 1


def test_a_passport_that_is_pulled_out_while_it_is_read_is_no_document(state: State, chip: SimulatedPassport) -> None:
    class Pulled(InMemorySlot):
        def transmit(self, apdu: bytes) -> bytes:
            if chip.commands > 9:
                raise DeviceLost("pulled out")
            return super().transmit(apdu)

    slot = Pulled()
    slot.chip = chip
    reader = PassportReader(slot, lambda: chip.lines, (state.root,), lambda: NOW)
    reader.look()
    assert reader.holding() is None and reader.tally["lost"] == 1


def test_a_passport_tells_its_holder_s_age_and_a_site_must_trust_somebody() -> None:
    assert needs_guardian("X12345678", NOW.date(), "2014-01-01") and not needs_guardian("X1", NOW.date(), "1990-03-07")
    with pytest.raises(ValueError, match="states"):
        BankSystem(slot="any")


def test_without_pcscd_the_reader_is_lost_and_says_so() -> None:
    slot = PcscSlot("No such reader")
    with pytest.raises(DeviceLost):
        slot.connect()
    with pytest.raises(DeviceLost):
        slot.transmit(b"\0")
    slot.close()
