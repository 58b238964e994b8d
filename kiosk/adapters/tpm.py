"""Keys sealed by the machine's TPM, through the `tpm2-tools` command line: a disk that is taken out opens nothing.

Each key is random and made here, sealed under a primary key that the TPM derives from a seed of its own and that
leaves it never (TPM 2.0 Library, part 1, 14.5). The sealed blobs lie in a folder; another TPM cannot open them. Not
bound to the measured boot (PCRs): an update would lock the terminal out. Who runs as the terminal may ask as it does.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from kiosk.identity.ports import KeystoreLocked

KEY_BYTES: Final = 32
WITHIN_S: Final = 20.0  # a hardware TPM takes about a second to derive the primary key
TOOLS: Final = ("tpm2_createprimary", "tpm2_create", "tpm2_load", "tpm2_unseal", "tpm2_flushcontext")
PRIMARY: Final = ("-C", "o", "-g", "sha256", "-G", "ecc")  # the same template gives the same key


class TpmKeystore:
    """Makes each key at its first use; what was unsealed is kept in memory, since a TPM answers slowly."""

    def __init__(self, folder: Path, tcti: str) -> None:
        self._folder, self._tcti = folder, tcti
        self._open: dict[str, tuple[bytes, int]] = {}  # and when its blob was written
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def key(self, name: str) -> bytes:
        public, private = self._blobs(name)
        known = self._open.get(name)
        if known is not None and known[1] == _written_ns(private):  # the command line may have destroyed it
            return known[0]
        key = self._unseal(public, private) if public.exists() and private.exists() else self._make(name)
        self._open[name] = key, _written_ns(private)
        return key

    def destroy(self, name: str) -> None:
        self._open.pop(name, None)
        for path in self._blobs(name):
            if path.exists():
                path.write_bytes(secrets.token_bytes(path.stat().st_size))
                path.unlink()

    def _blobs(self, name: str) -> tuple[Path, Path]:
        return self._folder / f"{name}.tpm.pub", self._folder / f"{name}.tpm.priv"

    def _make(self, name: str) -> bytes:
        """Sealed, on disk, and read back before it is used."""
        made = secrets.token_bytes(KEY_BYTES)
        public, private = self._blobs(name)
        parts = public.with_suffix(".pub.part"), private.with_suffix(".priv.part")
        with tempfile.TemporaryDirectory(prefix="yingbin-tpm-") as room:
            primary = self._primary(Path(room))
            self._ask(
                "tpm2_create", "-C", primary, "-g", "sha256", "-i", "-", "-u", parts[0], "-r", parts[1], given=made
            )
        if self._unseal(*parts) != made:
            raise KeystoreLocked(f"the TPM at {self._tcti} gave back another key than it sealed")
        for part, path in zip(parts, (public, private), strict=True):
            _to_disk(part)
            part.replace(path)
        return made

    def _unseal(self, public: Path, private: Path) -> bytes:
        with tempfile.TemporaryDirectory(prefix="yingbin-tpm-") as room:
            primary, sealed = self._primary(Path(room)), Path(room) / "sealed.ctx"
            self._ask("tpm2_load", "-C", primary, "-u", public, "-r", private, "-c", sealed)
            self._flush()
            opened = self._ask("tpm2_unseal", "-c", sealed)
            self._flush()
        if len(opened) != KEY_BYTES:
            raise KeystoreLocked(f"{private}: {len(opened)} bytes instead of {KEY_BYTES}")
        return opened

    def _primary(self, room: Path) -> Path:
        context = room / "primary.ctx"
        self._ask("tpm2_createprimary", *PRIMARY, "-c", context)
        self._flush()
        return context

    def _flush(self) -> None:
        """A TPM without a resource manager has room for three objects; contexts are in files anyway."""
        self._ask("tpm2_flushcontext", "-t")

    def _ask(self, tool: str, *arguments: str | Path, given: bytes = b"") -> bytes:
        if shutil.which(tool) is None:
            raise KeystoreLocked(f"{tool} is not installed: apt-get install tpm2-tools")
        command = [tool, *map(str, arguments), *(() if tool in ("tpm2_unseal", "tpm2_flushcontext") else ("-Q",))]
        environment = {**os.environ, "TPM2TOOLS_TCTI": self._tcti}
        try:
            done = subprocess.run(command, input=given, capture_output=True, timeout=WITHIN_S, env=environment)
        except subprocess.TimeoutExpired:
            raise KeystoreLocked(f"{tool}: no answer of {self._tcti} within {WITHIN_S:.0f} s") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise KeystoreLocked(f"{tool} at {self._tcti}: {said[-1] if said else f'status {done.returncode}'}")
        return done.stdout


def _written_ns(path: Path) -> int:
    """0: it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _to_disk(path: Path) -> None:
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
