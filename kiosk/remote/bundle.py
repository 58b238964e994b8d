"""What a terminal sends for a diagnosis: the ends of its logs and its versions, scrubbed, in bounded chunks.

Our logs carry nothing of a visitor. This is the second fence: long figures, addresses and anything in quotes or in
Chinese characters is masked before a line leaves the terminal, whatever wrote it.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import time
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from contracts import fleet as f

CHUNK_BYTES: Final = 16 * 1024
MOST_BYTES: Final = CHUNK_BYTES * f.MOST_CHUNKS
TAIL_BYTES: Final = 512 * 1024  # of one log
MOST_LOGS: Final = 12
LONGEST_LINE: Final = 400
_MASKS: Final = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+"), "<address>"),
    (re.compile(r"\b\d[\d -]{4,}\d\b"), "<figures>"),
    (re.compile(r"[\u3400-\u9fff][\u3400-\u9fff\uff0c\u3002\uff1f\uff01]*"), "<words>"),
    (re.compile(r"(['\"])(?:(?!\1).){3,}\1"), "<quoted>"),
)
_TIME: Final = re.compile(r"^\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?")


def scrub(line: str) -> str:
    """A line without anything that could be a visitor's; its own time at the beginning stays."""
    line = line[:LONGEST_LINE]
    found = _TIME.match(line)
    head, rest = (found.group(), line[found.end() :]) if found else ("", line)
    for pattern, mask in _MASKS:
        rest = pattern.sub(mask, rest)
    return head + rest


def bundle(
    logs: Sequence[Path], facts: Mapping[str, object], *, own: Sequence[str] = (), since: datetime | None = None
) -> bytes:
    """A zip of the scrubbed ends of `logs` and of `facts` (versions, tallies: codes and figures of ours).

    `own`: lines of this process's log, scrubbed already. `since`: local time; older lines are left out, as far as lines
    say when they were written. Raises ValueError where it would be too large to send.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as whole:
        whole.writestr("facts.json", json.dumps(facts, indent=1, sort_keys=True, default=str))
        if own:
            whole.writestr("core.log", "\n".join(_recent(own, since)) + "\n")
        for number, path in enumerate(logs[:MOST_LOGS]):
            lines = _recent(_tail(path), since)
            whole.writestr(f"{number}-{path.name}", "\n".join(scrub(line) for line in lines) + "\n")
    body = buffer.getvalue()
    if len(body) > MOST_BYTES:
        raise ValueError(f"the bundle has {len(body)} bytes, at most {MOST_BYTES} are sent")
    return body


def chunks(number: int, what: f.DiagKind, body: bytes) -> Iterator[f.DiagChunk]:
    """The parts of what an order asked for, in order."""
    parts = [body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES)] or [b""]
    digest = hashlib.sha256(body).hexdigest()
    for place, part in enumerate(parts):
        yield f.DiagChunk(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), number=number, what=what,
            part=place, parts=len(parts), sha256=digest, body=base64.b64encode(part).decode(),
        )  # fmt: skip


def tail_chunk(number: int, part: int, body: bytes) -> f.DiagChunk:
    """A part of a log that is told as it is written: whole in itself, and `parts` says how many there are so far."""
    return f.DiagChunk(
        id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), number=number, what="tail", part=part,
        parts=part + 1, sha256=hashlib.sha256(body).hexdigest(), body=base64.b64encode(body).decode(),
    )  # fmt: skip


def _recent(lines: Sequence[str], since: datetime | None) -> list[str]:
    """From the first line on that was written after `since`; a line without a time belongs to the one before it."""
    if since is None:
        return list(lines)
    begins = since.strftime("%Y-%m-%d %H:%M:%S")
    for at, line in enumerate(lines):
        found = _TIME.match(line)
        if found and found.group()[:19].replace("T", " ") >= begins:
            return list(lines[at:])
    return [] if any(_TIME.match(line) for line in lines) else list(lines)


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(0, io.SEEK_END)
            file.seek(max(file.tell() - TAIL_BYTES, 0))
            return file.read(TAIL_BYTES).decode("utf-8", "replace").splitlines()
    except OSError as err:
        return [f"cannot be read: {type(err).__name__}"]
