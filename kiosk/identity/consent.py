"""Who agreed to what, when, in which words: a chained ledger on disk without anything biometric in it.

One line an act, each with the hash of the one before, so that a line that was taken out or changed is found. It holds
pseudonyms, never names, numbers or templates. A month a file; files older than the retention are removed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

KEPT_DAYS: Final = 3 * 366  # as long as a claim can be made
MOST_BYTES: Final = 32 * 1024 * 1024  # of a month: some 100,000 acts
FIRST: Final = "0" * 64
Act = Literal["granted", "refused", "withdrawn", "enrolled", "exported", "erased", "expired"]
Purpose = Literal["compare_with_document", "compare_with_kept", "keep_template"]
LAST_BYTES: Final = 4096  # of a file: its last line stands in them


class LedgerFull(OSError):
    """The month's file has reached its bound; without a record nothing is processed."""


class LedgerBroken(ValueError):
    """A line was changed or taken out; the message names file and line."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `subject`: a pseudonym of this terminal, or '' where nobody was known yet."""

    at: str
    act: Act
    purpose: Purpose
    text: Annotated[str, msgspec.Meta(max_length=20)]  # version of the words that were agreed to
    visit: Annotated[str, msgspec.Meta(max_length=40)] = ""
    subject: Annotated[str, msgspec.Meta(max_length=64)] = ""
    language: Literal["zh", "en"] = "zh"
    guardian: bool = False
    before: str = FIRST


class ConsentLedger:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def note(self, entry: Entry) -> None:
        """On disk when it returns. The command line may write beside the terminal: one at a time, each after the
        other's last line. Raises `LedgerFull`, `OSError`."""
        lock = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._append(entry)
        finally:
            os.close(lock)

    def _append(self, entry: Entry) -> None:
        chained = msgspec.structs.replace(entry, before=self._end())
        line = msgspec.json.encode(chained) + b"\n"
        path = self._folder / f"consents-{entry.at[:7]}.jsonl"
        if path.exists() and path.stat().st_size + len(line) > MOST_BYTES:
            raise LedgerFull(f"{path}: full")
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(handle, line)
            os.fsync(handle)
        finally:
            os.close(handle)

    def entries(self) -> Iterator[Entry]:
        """All of them, oldest first. Raises `LedgerBroken`."""
        before = None
        for path in sorted(self._folder.glob("consents-*.jsonl")):
            for number, line in enumerate(path.read_bytes().splitlines(keepends=True), start=1):
                try:
                    entry = msgspec.json.decode(line, type=Entry)
                except msgspec.DecodeError as err:
                    raise LedgerBroken(f"{path}, line {number}: {err}") from None
                if before is not None and entry.before != before:
                    raise LedgerBroken(f"{path}, line {number}: the line before it was changed or taken out")
                before = hashlib.sha256(line).hexdigest()
                yield entry

    def sweep(self, now: datetime) -> int:
        """Remove whole months beyond the retention; how many."""
        oldest = (now - timedelta(days=KEPT_DAYS)).strftime("%Y-%m")
        gone = [path for path in self._folder.glob("consents-*.jsonl") if path.stem.removeprefix("consents-") < oldest]
        for path in gone:
            path.unlink()
        return len(gone)

    def _end(self) -> str:
        """The hash of the last line, read from the end: a month may be large."""
        for path in sorted(self._folder.glob("consents-*.jsonl"), reverse=True):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LAST_BYTES))
                lines = file.read().splitlines(keepends=True)
            if lines:
                return hashlib.sha256(lines[-1]).hexdigest()
        return FIRST


def stamp(now: datetime) -> str:
    """UTC to the second."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
