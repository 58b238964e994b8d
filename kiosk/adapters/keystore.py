"""The keystore's file-backed twin: keys in a folder that only the terminal's user may read. Named so everywhere.

A machine with a TPM has `tpm.py` behind the same port; which of them is the site's choice.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from config.schema import Identity
from kiosk.adapters.tpm import TpmKeystore
from kiosk.identity.ports import Keystore, KeystoreLocked

KEY_BYTES: Final = 32


class FileKeystore:
    """Makes each key at its first use."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def key(self, name: str) -> bytes:
        path = self._folder / f"{name}.key"
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        except OSError as err:
            raise KeystoreLocked(f"{path}: {err.strerror}") from err
        else:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
        try:
            read = path.read_bytes()
        except OSError as err:
            raise KeystoreLocked(f"{path}: {err.strerror}") from err
        if len(read) != KEY_BYTES:
            raise KeystoreLocked(f"{path}: {len(read)} bytes instead of {KEY_BYTES}")
        return read

    def destroy(self, name: str) -> None:
        path = self._folder / f"{name}.key"
        if path.exists():
            path.write_bytes(secrets.token_bytes(KEY_BYTES))
            path.unlink()


def open_keystore(told: Identity, folder: Path) -> Keystore:
    """The one that the site names; never another in its place. `folder`: where everything about faces is kept."""
    return TpmKeystore(folder / "tpm", told.tpm) if told.keystore == "tpm" else FileKeystore(folder / "keys")
