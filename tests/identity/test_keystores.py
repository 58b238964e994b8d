"""One suite for both keystores: the file-backed twin, and a TPM in software behind the command line of a real one."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.schema import Identity
from kiosk.adapters.keystore import FileKeystore, open_keystore
from kiosk.adapters.tpm import TpmKeystore
from kiosk.identity.ports import Keystore, KeystoreLocked

pytestmark = pytest.mark.contract
KINDS = ("file", "tpm")
STARTS_S = 20.0


def listens(path: Path) -> bool:
    """The file is there a moment before somebody listens."""
    with socket.socket(socket.AF_UNIX) as line:
        return line.connect_ex(str(path)) == 0


class SoftwareTpm:
    """swtpm, a TPM 2.0 of its own, with its seeds in a folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.socket = folder / "s"
        ask = ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--flags", "not-need-init,startup-clear"]
        ask += ["--server", f"type=unixio,path={self.socket}", "--ctrl", f"type=unixio,path={self.socket}.ctrl"]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(ask, stdout=said, stderr=said)
        ends_s = time.monotonic() + STARTS_S
        while not all(listens(path) for path in (self.socket, Path(f"{self.socket}.ctrl"))):
            assert self.process.poll() is None and time.monotonic() < ends_s, (folder / "said").read_text()
            time.sleep(0.02)

    @property
    def tcti(self) -> str:
        return f"swtpm:path={self.socket}"

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(STARTS_S)


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[SoftwareTpm]:
    made = SoftwareTpm(tmp_path / "t")
    yield made
    made.close()


def opened(kind: str, folder: Path, tpm: SoftwareTpm) -> Keystore:
    """As after a start: nothing of an earlier one is in memory."""
    return open_keystore(Identity(keystore=kind, tpm=tpm.tcti), folder)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_the_same_until_it_is_destroyed(kind: str, tmp_path: Path, tpm: SoftwareTpm) -> None:
    keys = opened(kind, tmp_path, tpm)
    first, other = keys.key("faces"), keys.key("subjects")
    assert len(first) == len(other) == 32 and first != other
    assert opened(kind, tmp_path, tpm).key("faces") == first
    keys.destroy("faces")
    keys.destroy("never made")
    running = opened(kind, tmp_path, tpm)
    old = running.key("faces")
    opened(kind, tmp_path, tpm).destroy("faces")  # by the command line, beside the terminal
    assert running.key("faces") != old
    assert keys.key("faces") != first and opened(kind, tmp_path, tpm).key("subjects") == other


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_else_may_read_what_lies_on_the_disk(kind: str, tmp_path: Path, tpm: SoftwareTpm) -> None:
    key = opened(kind, tmp_path, tpm).key("faces")
    files = [path for path in tmp_path.rglob("faces.*") if path.is_file()]
    assert files and all(path.stat().st_mode & 0o077 == 0 for path in files)
    assert kind == "file" or all(key not in path.read_bytes() for path in files)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_file_gives_no_key_and_says_so(kind: str, tmp_path: Path, tpm: SoftwareTpm) -> None:
    opened(kind, tmp_path, tpm).key("faces")
    for path in (path for path in tmp_path.rglob("faces.*") if path.is_file()):
        path.write_bytes(path.read_bytes()[:7])
    with pytest.raises(KeystoreLocked):
        opened(kind, tmp_path, tpm).key("faces")


def test_another_machine_s_tpm_opens_nothing(tmp_path: Path, tpm: SoftwareTpm) -> None:
    opened("tpm", tmp_path, tpm).key("faces")
    other = SoftwareTpm(tmp_path / "u")
    try:
        with pytest.raises(KeystoreLocked, match="tpm2_load"):
            TpmKeystore(tmp_path / "tpm", other.tcti).key("faces")
    finally:
        other.close()


def test_without_a_tpm_or_its_tools_no_file_is_used_instead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = open_keystore(Identity(keystore="tpm", tpm=f"swtpm:path={tmp_path}/nobody"), tmp_path)
    with pytest.raises(KeystoreLocked, match="tpm2_createprimary"):
        keys.key("faces")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KeystoreLocked, match="apt-get install tpm2-tools"):
        keys.key("faces")
    assert not list(tmp_path.rglob("*.key"))


def test_the_site_chooses_and_files_are_the_usual_choice(tmp_path: Path) -> None:
    assert isinstance(open_keystore(Identity(), tmp_path), FileKeystore)
    with pytest.raises(ValueError, match="remember"):
        Identity(remember=True)
