"""The branch's appointments on their way to its terminals: read from the bank's list, told once, kept by the broker.

The bank's own system makes appointments; it writes a list, and a timer runs `python -m hub appointments` with it. The
list goes out as retained state, so that a terminal that comes later has it too; codes and ends of documents leave this
process as hashes only.
"""

from __future__ import annotations

import csv
import secrets
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from contracts import messages as m
from contracts import topics
from contracts.appointments import CODE_DIGITS, MOST, TAIL_DIGITS, hashed

MAX_FILE_BYTES: Final = 1024 * 1024
COLUMNS: Final = ("ref", "code", "tail", "service", "due")
KEEP_BEFORE: Final = timedelta(days=1)
CONNECT_S: Final = 10.0
CONFIRM_S: Final = 10.0


class ListProblem(ValueError):
    """The list cannot be used; the text names file, line and field, and none of its values but `ref` and `service`."""


class NotTold(OSError):
    """No broker took the list within the time."""


def read_list(path: Path, now: datetime) -> list[tuple[str, str, str, str, datetime]]:
    """Rows (ref, code, tail, service, due) of a CSV file with these columns; what is over is left out.

    `due` is ISO 8601 with its zone. Raises `ListProblem`, OSError.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ListProblem(f"{path}: larger than {MAX_FILE_BYTES} bytes")
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
            raise ListProblem(f"{path}: column {', '.join(missing)} is missing")
        rows = [_row(path, number, told) for number, told in enumerate(reader, start=2)]
    rows = [row for row in rows if row[4] >= now - KEEP_BEFORE]
    for place, what in ((0, "ref"), (1, "code")):
        values = [row[place] for row in rows]
        if len(set(values)) != len(values):
            raise ListProblem(f"{path}: two appointments share a {what}")
    if len(rows) > MOST:
        raise ListProblem(f"{path}: {len(rows)} appointments, at most {MOST}: shorten the days that it covers")
    return rows


def _row(path: Path, number: int, told: dict[str | None, str | None]) -> tuple[str, str, str, str, datetime]:
    where = f"{path}:{number}"
    ref, code, tail, service, due_text = ((told.get(name) or "").strip() for name in COLUMNS)
    tail = tail.upper().replace("X", "0")
    if not (code.isascii() and code.isdecimal() and len(code) == CODE_DIGITS):
        raise ListProblem(f"{where}: code must have {CODE_DIGITS} digits")
    if tail and not (tail.isascii() and tail.isdecimal() and len(tail) == TAIL_DIGITS):
        raise ListProblem(f"{where}: tail must be the last {TAIL_DIGITS} characters of the number, or empty")
    try:
        due = datetime.fromisoformat(due_text)
    except ValueError as err:
        raise ListProblem(f"{where}: due must be a time as 2026-11-20T13:10:00+08:00") from err
    if due.tzinfo is None:
        raise ListProblem(f"{where}: due has no time zone")
    return ref, code, tail, service, due.astimezone(UTC)


def message(branch: str, rows: list[tuple[str, str, str, str, datetime]], now: datetime) -> bytes:
    """The list as it goes out. Raises `ListProblem` for a ref or a service that no message can carry."""
    salt = secrets.token_hex(16)
    told = m.Appointments(
        id=uuid.uuid4().hex,
        at=now,
        mono_ns=time.monotonic_ns(),
        branch=branch,
        revision=int(now.timestamp() * 1000),
        salt=salt,
        appointments=tuple(
            m.Appointment(
                ref=ref, code=hashed("code", code, salt), tail=hashed("tail", tail, salt) if tail else "",
                service=service, due=due,
            )
            for ref, code, tail, service, due in rows
        ),
    )  # fmt: skip
    row = topics.APPOINTMENTS
    try:
        payload = row.encode(told)
        row.decode(payload)  # what a terminal would refuse is said here
    except topics.WireError as err:
        broken = next((one for one in rows if not (_is_code(one[0]) and _is_code(one[3]))), None)
        where = f": ref {broken[0]!r}, service {broken[3]!r}" if broken else ""
        raise ListProblem(f"{err}{where}; names are of a-z, 0-9, _ and -") from err
    return payload


def _is_code(name: str) -> bool:
    try:
        msgspec.convert(name, m.Code)
    except msgspec.ValidationError:
        return False
    return True


def publish(broker: tuple[str, int], branch: str, payload: bytes) -> None:
    """Give it to the broker, which keeps it; returns when it said so. Raises `NotTold`."""
    row = topics.APPOINTMENTS
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"appointments-{uuid.uuid4().hex[:12]}")
    client.connect_timeout = CONNECT_S
    try:
        client.connect(*broker, keepalive=20)
        client.loop_start()
        sent = client.publish(row.at(branch), payload, qos=row.qos, retain=row.retain)
        sent.wait_for_publish(CONFIRM_S)
        if not sent.is_published():
            raise NotTold(f"{broker[0]}:{broker[1]} did not take the list within {CONFIRM_S:.0f} s")
        client.disconnect()
    except NotTold:
        raise
    except (OSError, RuntimeError, ValueError) as err:
        raise NotTold(f"{broker[0]}:{broker[1]}: {err}") from err
    finally:
        client.loop_stop()


def tell(broker: tuple[str, int], branch: str, path: Path) -> int:
    """Read the list and tell it; how many appointments. Raises `ListProblem`, `NotTold`, OSError, `WireError`."""
    now = datetime.now(UTC)
    topics.check_name(branch)
    rows = read_list(path, now)
    publish(broker, branch, message(branch, rows, now))
    return len(rows)
