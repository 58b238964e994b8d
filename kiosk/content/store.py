"""The packs that a terminal took: which one is in force, and the ones before it to go back to.

A pack is taken whole or not at all; whatever is refused, the one in force stays. A power cut leaves the old one or
the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from config.intents import IntentRow
from kiosk.content.sealed import FILE_MOST_BYTES, SUFFIX, PackRefused, Sealed, last_moment, unseal

KEPT: Final = 5  # packs one can go back through
_POINTER: Final = "active.json"


class PackStore:
    """One folder, for one bank and branch. Several processes may use it."""

    def __init__(
        self, folder: Path, bank: str, branch: str, public_keys: Sequence[str], intents: Mapping[str, IntentRow]
    ) -> None:
        self._folder = folder
        self._bank, self._branch = bank, branch
        self._keys = tuple(public_keys)
        self._intents = intents

    def active(self) -> Sealed | None:
        """The pack in force, checked anew; None before the first. Raises `PackRefused` if it was damaged meanwhile.

        A pack past its last day is still the one in force: nothing of it is said.
        """
        taken = self._taken()
        return self._open(self._folder / taken[-1]) if taken else None

    def latest_whole(self) -> Sealed | None:
        """The newest pack of those kept that is still whole: what is left when the one in force was damaged."""
        for name in reversed(self._taken()):
            try:
                return self._open(self._folder / name)
            except PackRefused:
                continue
        return None

    def marker(self) -> str:
        """Changes whenever another pack comes into force; cheap to ask for."""
        taken = self._taken()
        return taken[-1] if taken else ""

    def activate(self, path: Path, now: datetime) -> Sealed:
        """Take a pack. Raises `PackRefused`; then the one in force stays."""
        data = _bytes(path)
        new = unseal(data, self._keys, self._intents)
        self._belongs(new)
        last_moment(new.pack, now.date())
        with self._alone():
            self._follows(new)
            name = f"{new.pack.version:07d}-{new.hash[:16]}{SUFFIX}"
            _write(self._folder / name, data)
            taken = [*self._taken(), name][-KEPT:]
            self._point(taken)
            for old in self._folder.glob(f"*{SUFFIX}"):
                if old.name not in taken:
                    old.unlink(missing_ok=True)
        return new

    def rollback(self) -> Sealed:
        """Go back to the pack before. Raises `PackRefused` when there is none, or it is no longer whole."""
        with self._alone():
            taken = self._taken()
            if len(taken) < 2:
                raise PackRefused("no_previous", "there is no pack to go back to")
            before = self._open(self._folder / taken[-2])
            self._point(taken[:-1])
        return before

    # ------------------------------------------------------------ what is judged
    def _open(self, path: Path) -> Sealed:
        sealed = unseal(_bytes(path), self._keys, self._intents)
        self._belongs(sealed)
        return sealed

    def _belongs(self, new: Sealed) -> None:
        if new.pack.bank != self._bank:
            raise PackRefused("other_bank", f"made for bank '{new.pack.bank}'; this is '{self._bank}'")
        if new.pack.branch != self._branch:
            raise PackRefused("other_branch", f"made for branch '{new.pack.branch}'; this is '{self._branch}'")

    def _follows(self, new: Sealed) -> None:
        current = self.latest_whole()
        if current is None:
            return
        if new.pack.version < current.pack.version:
            raise PackRefused("older", f"version {new.pack.version}; version {current.pack.version} is in force")
        if new.pack.version == current.pack.version:
            raise PackRefused("equal", f"version {new.pack.version} is in force already")
        if new.previous and new.previous[0] == current.pack.version and new.previous[1] != current.hash:
            raise PackRefused("history", f"it was built after another version {current.pack.version} than ours")

    # ------------------------------------------------------------ on disk
    def _taken(self) -> list[str]:
        """Names of the packs taken, the one in force last."""
        try:
            names = json.loads((self._folder / _POINTER).read_text("utf-8"))["taken"]
        except (OSError, ValueError, KeyError, TypeError):
            return []
        return [name for name in names if isinstance(name, str) and name == Path(name).name]

    def _point(self, taken: Sequence[str]) -> None:
        _write(self._folder / _POINTER, json.dumps({"taken": list(taken)}).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the store meanwhile."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_MOST_BYTES:
            raise PackRefused("too_large", f"{path}: more than {FILE_MOST_BYTES} bytes")
        return path.read_bytes()
    except OSError as err:
        raise PackRefused("missing", f"{path}: {err.strerror}") from err


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, also across a power cut."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
