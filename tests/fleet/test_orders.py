"""Orders: signed, in time, for this terminal, once; with two persons where it is dangerous; what comes back is kept."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from contracts import fleet as f
from contracts import topics
from hub.accounts.rights import Grant, Person, Refused, Role
from hub.accounts.tables import audit
from hub.bus import Arrived, Outgoing
from hub.fleet.authority import Authority
from hub.fleet.ingest import FleetIngest
from hub.fleet.orders import OrderProblem, Orders, carry_on
from hub.fleet.tables import fleet_orders
from hub.ingest import Ingest
from hub.store import Store, devices
from kiosk.remote.bundle import bundle, chunks, scrub
from kiosk.remote.orders import Orders as Terminal

pytestmark = pytest.mark.contract
ZHOU = Person("zhou", frozenset({Grant(Role.FIELD_OPERATOR, "*")}))
CHEN = Person("chen", frozenset({Grant(Role.FIELD_OPERATOR, "binjiang")}))
CLERK = Person("li", frozenset({Grant(Role.CLERK, "*")}))


class House:
    """A hub's orders and one terminal's, without a broker between them."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder}/hub.db")
        self.authority = Authority(folder / "trust")
        self.orders = Orders(self.store, self.authority)
        self.ingest = Ingest(
            self.store, acknowledge=lambda _: None, queue_moved=lambda _: None, changed=lambda _: None,
            fleet=FleetIngest(self.store),
        )  # fmt: skip
        self.now: datetime | None = datetime.now(UTC)
        self.done: list[int] = []
        self.folder = folder
        with self.store.write() as db:
            values = {"online": True, "seen": datetime.now(UTC), "versions": {}}
            db.execute(sa.insert(devices).values(branch="binjiang", device="kiosk-1", **values))

    def terminal(self, device: str = "kiosk-1") -> Terminal:
        async def tested(number: int, _act: f.Act) -> tuple[f.CommandState, tuple[str, ...]]:
            self.done.append(number)
            return "done", ("camera_dead",)

        key = bytes.fromhex(self.authority.orders_key)
        now = lambda: self.now  # noqa: E731
        performers = {f.SelfTest: tested, f.RestartPart: tested, f.Diagnostics: tested}
        return Terminal(key, "binjiang", device, self.folder / "kiosk", now, performers)

    def hears(self, terminal: Terminal, command: f.Command) -> list[tuple[int, str, tuple[str, ...]]]:
        said: list[tuple[int, str, tuple[str, ...]]] = []

        async def say(number: int, state: f.CommandState, codes: tuple[str, ...]) -> None:
            said.append((number, state, codes))

        asyncio.run(terminal.take(command, say))
        return said

    def told(self, number: int, state: f.CommandState, codes: tuple[str, ...] = (), device: str = "kiosk-1") -> None:
        row = topics.COMMAND_REPLY
        reply = f.CommandReply(id="x", at=datetime.now(UTC), mono_ns=1, number=number, state=state, codes=codes)
        self.ingest.take([Arrived(row.at("binjiang", device), row.encode(reply))])

    def rows(self) -> list[dict[str, object]]:
        return self.store.rows(sa.select(fleet_orders).order_by(fleet_orders.c.id))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.store.close()


def command_of(outgoing: list[Outgoing]) -> f.Command:
    return topics.COMMAND.decode(outgoing[0].payload)


def test_an_order_is_carried_out_once_and_answered_and_the_record_says_by_whom(house: House) -> None:
    _, outgoing = house.orders.ask(ZHOU, "binjiang", "kiosk-1", {"kind": "self_test"}, "visitor complained")
    terminal = house.terminal()
    said = house.hears(terminal, command_of(outgoing))
    assert [state for _, state, _ in said] == ["taken", "done"] and len(house.done) == 1
    assert house.hears(terminal, command_of(outgoing)) == []  # the broker brings it twice
    assert house.hears(house.terminal(), command_of(outgoing)) == []  # after a start, too
    assert len(house.done) == 1
    for number, state, codes in said:
        house.told(number, state, codes)
    assert house.rows()[0]["state"] == "done" and house.rows()[0]["codes"] == ["camera_dead"]
    acts = [row["act"] for row in house.store.rows(sa.select(audit.c.act).order_by(audit.c.n))]
    assert acts == ["order_self_test", "order_taken", "order_done"]


def test_what_is_dangerous_waits_for_another_person(house: House) -> None:
    restart = {"kind": "restart_part", "part": "core"}
    order, outgoing = house.orders.ask(ZHOU, "binjiang", "kiosk-1", restart, "hangs since noon")
    assert outgoing == []
    with pytest.raises(Refused):
        house.orders.agree(ZHOU, "binjiang", order)
    with pytest.raises(Refused):
        house.orders.agree(CLERK, "binjiang", order)
    with pytest.raises(OrderProblem):
        house.orders.agree(ZHOU, "jiefang", order)  # not an order of that branch
    said = house.hears(house.terminal(), command_of(house.orders.agree(CHEN, "binjiang", order)))
    assert [state for _, state, _ in said] == ["taken", "done"]
    with pytest.raises(OrderProblem, match="nobody waits"):
        house.orders.agree(CHEN, "binjiang", order)


def test_only_what_is_on_the_list_with_a_reason_by_who_may(house: House) -> None:
    for person, act, reason, error in (
        (CLERK, {"kind": "self_test"}, "because it is", Refused),
        (ZHOU, {"kind": "shell", "line": "rm -rf /"}, "because it is", OrderProblem),
        (ZHOU, {"kind": "restart_part", "part": "kernel"}, "because it is", OrderProblem),
        (ZHOU, {"kind": "self_test"}, " x ", OrderProblem),
    ):
        with pytest.raises(error):
            house.orders.ask(person, "binjiang", "kiosk-1", act, reason)
    with pytest.raises(OrderProblem, match="no such terminal"):
        house.orders.ask(ZHOU, "binjiang", "kiosk-9", {"kind": "self_test"}, "because it is")
    assert house.rows() == []


def forged(house: House, **changed: object) -> f.Command:
    """An order with the right signature and something that is not right."""
    now = house.now or datetime.now(UTC)
    values = {"branch": "binjiang", "device": "kiosk-1", "number": 7, "issued": now,
              "expires": now + timedelta(minutes=5), "act": {"kind": "self_test"}} | changed  # fmt: skip
    body = msgspec.json.encode(values)
    signature = base64.b64encode(house.authority.sign(body)).decode()
    return f.Command(id="x", at=now, mono_ns=1, order=base64.b64encode(body).decode(), signature=signature)


def test_everything_that_is_not_quite_an_order_is_refused_counted_and_not_done(house: House, tmp_path: Path) -> None:
    terminal, now = house.terminal(), house.now
    assert now is not None
    good = forged(house, number=5)
    stranger = Authority(tmp_path / "stranger")
    body = base64.b64decode(good.order)
    cases = {
        "signature": msgspec.structs.replace(good, signature=base64.b64encode(stranger.sign(body)).decode()),
        "not_for_me": forged(house, device="kiosk-2"),
        "expired": forged(house, issued=now - timedelta(minutes=9), expires=now - timedelta(seconds=1)),
        "not_yet": forged(house, issued=now + timedelta(minutes=2), expires=now + timedelta(minutes=4)),
        "unknown": forged(house, act={"kind": "shell"}),
        "cannot": forged(house, act={"kind": "screenshot"}),
    }
    for code, command in cases.items():
        house.hears(terminal, command)
        assert terminal.refused[code] == 1, code
    tampered = body.replace(b"self_test", b"screenshot")
    house.hears(terminal, msgspec.structs.replace(good, order=base64.b64encode(tampered).decode()))
    house.hears(terminal, forged(house, expires=now + timedelta(days=400)))
    assert terminal.refused["signature"] == 2 and terminal.refused["not_yet"] == 2
    house.now = None  # the clock is not known yet
    assert house.hears(terminal, forged(house, number=6)) == [(6, "refused", ("clock",))]
    assert house.done == []


def test_an_order_that_nobody_answers_is_sent_again_and_runs_out(house: House) -> None:
    house.orders.ask(ZHOU, "binjiang", "kiosk-1", {"kind": "self_test"}, "visitor complained")
    now = datetime.now(UTC)
    assert carry_on(house.store, now) == []
    assert len(carry_on(house.store, now + timedelta(seconds=30))) == 1
    assert carry_on(house.store, now + timedelta(minutes=6)) == []
    assert house.rows()[0]["state"] == "expired"
    house.told(12345, "done")  # an answer to nothing
    house.told(int(str(house.rows()[0]["number"])), "done", device="kiosk-2")  # to somebody else's
    assert house.rows()[0]["state"] == "expired" and house.ingest.tallies.refused["reply_unknown"] == 2


def test_a_bundle_comes_whole_in_any_order_for_its_order_alone(house: House) -> None:
    _, outgoing = house.orders.ask(ZHOU, "binjiang", "kiosk-1", {"kind": "diagnostics"}, "hangs since noon")
    number = int(str(house.rows()[0]["number"]))
    assert outgoing
    log = house.folder / "core.log"
    log.write_text('2026-05-04 10:00:00 INFO card 6222 0210 0112 3456 of 张伟 said "help me"\n' * 40_000, "utf-8")
    body = bundle([log, house.folder / "missing.log"], {"version": "1.0.0"})
    parts = list(chunks(number, "bundle", body + bytes(40_000)))
    row = topics.DIAG
    for part in [*reversed(parts), parts[0], msgspec.structs.replace(parts[0], number=number + 1)]:
        house.ingest.take([Arrived(row.at("binjiang", "kiosk-1"), row.encode(part))])
    what, whole = house.orders.result(ZHOU, "binjiang", "kiosk-1", number)
    assert what == "bundle" and whole == body + bytes(40_000)
    assert house.ingest.tallies.refused["chunk_unasked"] == 1
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        text = opened.read("0-core.log").decode()
    assert "6222" not in text and "张伟" not in text and "help" not in text and "2026-05-04 10:00:00" in text
    with pytest.raises(Refused):
        house.orders.result(CLERK, "binjiang", "kiosk-1", number)


@pytest.mark.parametrize(
    ("line", "scrubbed"),
    [
        ("2026-05-04 10:00:00 INFO ready in 12 ms", "2026-05-04 10:00:00 INFO ready in 12 ms"),
        ("id 110101199003078515", "id <figures>"),
        ("call 138 0013 8000 now", "call <figures> now"),
        ("我要取钱。 then", "<words> then"),
        ("mail zhang@example.com", "mail <address>"),
        ("heard 'where is the toilet'", "heard <quoted>"),
    ],
)
def test_nothing_that_could_be_a_visitors_leaves(line: str, scrubbed: str) -> None:
    assert scrub(line) == scrubbed
