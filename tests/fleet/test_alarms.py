"""Alarms in the database: they stand while their rule holds, are grouped by branch, silent where somebody said so."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from hub.accounts.rights import OPERATOR, Grant, Person, Refused, Role
from hub.fleet import alarms
from hub.store import Store, devices, tickets

pytestmark = pytest.mark.contract


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    made = Store(database)
    yield made
    made.close()


def hears(
    store: Store, device: str, *, online: bool, seen: datetime, branch: str = "binjiang", waiting: int = 0
) -> None:
    with store.write() as db:
        here = sa.and_(devices.c.branch == branch, devices.c.device == device)
        db.execute(sa.delete(devices).where(here))
        row = {"branch": branch, "device": device, "online": online, "seen": seen, "versions": {},
               "telemetry": {"waiting": waiting}}  # fmt: skip
        db.execute(sa.insert(devices).values(**row))


def test_an_alarm_is_told_once_and_ends_with_its_cause(store: Store) -> None:
    now = datetime.now(UTC)
    hears(store, "kiosk-1", online=False, seen=now - timedelta(hours=1))
    assert [one["kind"] for one in alarms.look(store, now)] == ["offline"]
    assert alarms.look(store, now) == []
    assert [line["kind"] for line in alarms.shown(store, ["binjiang"], now)] == ["offline"]
    assert alarms.shown(store, ["xihu"], now) == []
    hears(store, "kiosk-1", online=True, seen=now)
    assert alarms.look(store, now) == [] and alarms.shown(store, ["binjiang"], now) == []


def test_a_whole_branch_is_one_line_and_silence_is_asked_for_with_a_reason(store: Store) -> None:
    now = datetime.now(UTC)
    for number in range(4):
        hears(store, f"kiosk-{number}", online=False, seen=now - timedelta(hours=1))
    hears(store, "kiosk-0", online=False, seen=now - timedelta(hours=1), branch="xihu")
    alarms.look(store, now)
    lines = alarms.shown(store, ["binjiang", "xihu"], now)
    assert [(line["branch"], len(line["devices"])) for line in lines] == [("binjiang", 4), ("xihu", 1)]
    clerk = Person("li", frozenset({Grant(Role.CLERK, "*")}))
    wish = {"branch": "binjiang", "device": "", "kind": "offline", "hours": 2.0, "reason": "power is cut today"}
    with pytest.raises(Refused):
        alarms.silence(store, clerk, **wish)
    for wrong in ({"hours": 1_000.0}, {"reason": ""}, {"kind": "moon"}):
        with pytest.raises(ValueError, match=r"say why|none of"):
            alarms.silence(store, OPERATOR, **(wish | wrong))
    alarms.silence(store, OPERATOR, **wish)
    silent = {line["branch"]: line["silent"] for line in alarms.shown(store, ["binjiang", "xihu"], now)}
    assert silent == {"binjiang": True, "xihu": False}
    hears(store, "kiosk-9", online=False, seen=now - timedelta(hours=1))
    assert alarms.look(store, now) == []  # new, but silent


@pytest.mark.parametrize("url", ["http://alarms.example.com/hook", "ftp://alarms.example.com", "alarms", "https:///x"])
def test_a_web_hook_is_never_plain_over_the_network(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        alarms.checked_hook(url)


class Bank(HTTPServer):
    """The bank's own alarm system: what it was told, and what it answers."""

    def __init__(self) -> None:
        told, self.answers = list[Any](), 200
        bank = self

        class Takes(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(bank.answers)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing to stderr."""

        self.told = told
        super().__init__(("127.0.0.1", 0), Takes)


def test_the_web_hook_is_told_each_alarm_once_and_again_while_it_does_not_take_it(store: Store) -> None:
    now = datetime.now(UTC)
    hears(store, "kiosk-1", online=False, seen=now - timedelta(hours=1))
    alarms.look(store, now)
    bank = Bank()
    url = f"http://127.0.0.1:{bank.server_port}/alarms"
    serving = threading.Thread(target=bank.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        bank.answers = 503
        assert alarms.tell_hook(store, url, now) == 0
        bank.answers = 200
        assert alarms.tell_hook(store, url, now) == 1 and alarms.tell_hook(store, url, now) == 0
        wish = {"branch": "binjiang", "device": "", "kind": "offline", "hours": 2.0, "reason": "power is cut today"}
        alarms.silence(store, OPERATOR, **wish)
        hears(store, "kiosk-2", online=False, seen=now - timedelta(hours=1))
        alarms.look(store, now)
        assert alarms.tell_hook(store, url, now) == 0  # new, but silent
    finally:
        bank.shutdown()
        serving.join()
        bank.server_close()
    assert len(bank.told) == 2
    (one,) = bank.told[-1]["alarms"]
    assert (one["branch"], one["device"], one["kind"]) == ("binjiang", "kiosk-1", "offline")
    assert alarms.tell_hook(store, url, now + timedelta(hours=3)) == 0  # nobody listens there any more


def takes(
    store: Store, number: str, came: datetime, *, state: str = "waiting", changed: datetime | None = None
) -> None:
    times = dict.fromkeys(("issued_at", "came", "stamped_at", "place_at"), came)
    row = {"branch": "binjiang", "day": came.date().isoformat(), "line_day": came.date().isoformat(), "number": number,
           "service": "personal", "state": state, "in_line": state == "waiting", "device": "kiosk-1", "log": "l",
           "seq": int(number[1:]), "visit": "v", "language": "zh", "changed_at": changed or came}  # fmt: skip
    with store.write() as db:
        db.execute(sa.insert(tickets).values(**row, **times))


@pytest.mark.parametrize(
    ("waited_min", "called_min", "alarmed"),
    [(31, None, True), (29, None, False), (90, 31, True), (90, 29, False), (None, 90, False)],
)
def test_a_line_in_which_nobody_is_called_is_an_alarm_of_the_branch(
    waited_min: int | None, called_min: int | None, alarmed: bool, store: Store
) -> None:
    now = datetime.now(UTC)
    hears(store, "kiosk-1", online=True, seen=now, waiting=1)
    if waited_min is not None:
        takes(store, "A001", now - timedelta(minutes=waited_min))
    if called_min is not None:
        called = now - timedelta(minutes=called_min)
        takes(store, "A002", called - timedelta(minutes=1), state="done", changed=called)
    stuck = [one for one in alarms.look(store, now) if one["kind"] == "queue_stuck"]
    assert [(one["branch"], one["device"]) for one in stuck] == ([("binjiang", "")] if alarmed else [])
    if alarmed:
        assert stuck[0]["detail"] == "31 min"
        assert alarms.shown(store, ["binjiang"], now)[0]["devices"] == [""]
