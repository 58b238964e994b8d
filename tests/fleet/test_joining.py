"""A terminal joins over a real broker with TLS, speaks under its own name alone, renews, and is out when revoked."""

from __future__ import annotations

import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from contracts import fleet as f
from contracts import topics
from hub.accounts.rights import OPERATOR, Grant, Person, Refused, Role
from hub.broker import find_mosquitto
from hub.fleet.authority import Authority
from hub.fleet.joining import WRONG_CODES, Joining, JoinProblem
from hub.fleet.tables import fleet_claims, fleet_reported
from hub.store import Store
from kiosk.joining.identity import Identity, NotOurs
from kiosk.joining.trust import context
from tests.hub.wirekit import Running, start, until

pytestmark = pytest.mark.e2e
WAIT_S = 60.0
OUT_WITHIN_S = 5.0


@dataclass
class Fleet:
    """A broker behind certificates, a worker, their database, and what terminals need."""

    folder: Path
    broker: Running
    worker: Running
    store: Store
    joining: Joining

    def identity(self, name: str) -> Identity:
        return Identity(self.folder / "terminals" / name, self.folder / "trust" / "ca.pem")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    folder = tmp_path_factory.mktemp("fleet")
    url, trust = f"sqlite:///{folder}/hub.db", str(folder / "trust")
    broker = start("hub", "broker", "--dir", str(folder / "broker"), "--authority", trust, "--database", url)
    worker = start(
        "hub", "worker", "--broker", f"127.0.0.1:{broker.ready['hub_port']}", "--database", url, "--no-share",
        "--authority", trust,
    )  # fmt: skip
    store = Store(url)
    yield Fleet(folder, broker, worker, store, Joining(store, Authority(folder / "trust")))
    store.close()
    worker.stop()
    broker.stop()


@dataclass
class Ear:
    """A client of the broker: what it heard, whether it was let in and put out."""

    client: Client
    heard: list[tuple[str, bytes]]
    connected: threading.Event
    out: threading.Event
    granted: threading.Event

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def connect(port: int, tls: Any, *subscribe: str, client_id: str = "") -> Ear:
    name = client_id or f"t-{uuid.uuid4().hex[:8]}"
    client = Client(CallbackAPIVersion.VERSION2, client_id=name, reconnect_on_failure=False)
    ear = Ear(client, [], threading.Event(), threading.Event(), threading.Event())

    granted: list[bool] = []

    def on_connect(client: Client, _data: object, _flags: object, code: Any, _more: object) -> None:
        if not code.is_failure:
            for topic in subscribe:
                client.subscribe(topic, 1)
            ear.connected.set()

    def on_message(_client: Client, _data: object, message: MQTTMessage) -> None:
        ear.heard.append((message.topic, bytes(message.payload)))

    client.on_connect, client.on_message = on_connect, on_message

    def on_subscribe(_client: Client, _data: object, _mid: int, codes: list[Any], _more: object) -> None:
        granted.append(not codes[0].is_failure)
        if len(granted) > len(subscribe) - 1 and all(granted):
            ear.granted.set()

    client.on_subscribe = on_subscribe
    client.on_disconnect = lambda *_: ear.out.set()
    client.tls_set_context(tls)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return ear


def envelope() -> dict[str, Any]:
    return {"id": uuid.uuid4().hex, "at": datetime.now(UTC), "mono_ns": time.monotonic_ns()}


def join(fleet: Fleet, name: str, branch: str, device: str, **more: Any) -> Identity:
    """A new terminal shows its code; an operator claims it; it takes its certificate."""
    me = fleet.identity(name)
    tls = context(me.authority, None, time_known=False)
    ear = connect(fleet.broker.ready["join_port"], tls, topics.JOIN_ANSWER.at("", me.fingerprint))
    try:
        assert ear.connected.wait(WAIT_S)
        row = topics.JOIN_REQUEST
        ear.client.publish(row.at("", me.fingerprint), row.encode(me.request("box-1")), 1)
        asked = sa.select(fleet_claims.c.code).where(fleet_claims.c.fingerprint == me.fingerprint)
        until(lambda: fleet.store.rows(asked) != [], WAIT_S, "the request did not arrive")
        fleet.joining.claim(OPERATOR, me.code, branch, device, region="east", **more)
        deadline = time.monotonic() + WAIT_S
        while not ear.heard:  # it asks again until it is answered, once the brokers know it
            assert time.monotonic() < deadline, "no answer came"
            ear.client.publish(row.at("", me.fingerprint), row.encode(me.request("box-1")), 1)
            time.sleep(0.5)
        me.joined(topics.JOIN_ANSWER.decode(ear.heard[0][1]))
    finally:
        ear.close()
    return me


def enter(fleet: Fleet, me: Identity, *subscribe: str) -> Ear:
    """Connect under one's own name."""
    pair = me.pair
    assert pair is not None
    tls = context(me.authority, pair.path, time_known=True)
    branch, device = pair.name.split("/")
    name, _ = topics.client_ids(branch, device)
    return connect(fleet.broker.ready["port"], tls, *subscribe, topics.ACK.at(branch, device), client_id=name)


def report(ear: Ear, branch: str, device: str, version: str) -> None:
    row = topics.ROLLOUT_REPORT
    said = f.RolloutReport(**envelope(), since=datetime.now(UTC), generation=0, version=version, state="idle")
    ear.client.publish(row.at(branch, device), row.encode(said), 1, retain=True)


def reported(fleet: Fleet, branch: str, device: str) -> str:
    query = sa.select(fleet_reported.c.version).where(
        fleet_reported.c.branch == branch, fleet_reported.c.device == device
    )
    rows = fleet.store.rows(query)
    return rows[0]["version"] if rows else ""


def test_a_terminal_joins_speaks_for_itself_alone_and_is_out_within_5_s_of_its_revocation(fleet: Fleet) -> None:
    me = join(fleet, "one", "binjiang", "kiosk-1")
    other = join(fleet, "other", "binjiang", "kiosk-2")
    ear = enter(fleet, me, topics.ACK.at("binjiang", "kiosk-1"), topics.COMMAND.at("binjiang", "kiosk-2"))
    beside = enter(fleet, other)
    try:
        assert ear.granted.wait(WAIT_S) and beside.granted.wait(WAIT_S), "a terminal was not let in"
        report(ear, "binjiang", "kiosk-1", "1.0.0")
        report(ear, "binjiang", "kiosk-9", "9.9.9")  # somebody else's name
        until(lambda: reported(fleet, "binjiang", "kiosk-1") == "1.0.0", WAIT_S, "its own report did not arrive")
        assert reported(fleet, "binjiang", "kiosk-9") == ""
        fleet.joining.revoke(OPERATOR, "binjiang", "kiosk-1", "stolen")
        began = time.monotonic()
        assert ear.out.wait(WAIT_S), "it was never put out"
        took_s = time.monotonic() - began
        again = enter(fleet, me)
        assert not again.connected.wait(2), "it came in again"
        again.close()
        assert not beside.out.is_set(), "a terminal that did nothing was put out, too"
        assert took_s < OUT_WITHIN_S
    finally:
        ear.close()
        beside.close()


def test_whoever_has_no_certificate_can_do_nothing_but_ask(fleet: Fleet) -> None:
    me = fleet.identity("nobody")
    tls = context(me.authority, None, time_known=True)
    port = fleet.broker.ready["join_port"]
    spying = [topics.JOIN_REQUEST.everywhere, topics.ROLLOUT_REPORT.everywhere, "#"]
    ear = connect(port, tls, *spying)
    try:
        assert ear.connected.wait(WAIT_S)
        report(ear, "binjiang", "kiosk-8", "6.6.6")
        asked = me.request()
        row = topics.JOIN_REQUEST
        ear.client.publish(row.at("", "0" * 40), row.encode(asked), 1)  # under a fingerprint that is not its key's
        ear.client.publish(row.at("", me.fingerprint), row.encode(asked), 1)
        here = sa.select(fleet_claims.c.fingerprint).where(fleet_claims.c.code == me.code)
        until(lambda: fleet.store.rows(here) != [], WAIT_S, "the request did not arrive")
        assert [row["fingerprint"] for row in fleet.store.rows(here)] == [me.fingerprint]
        assert reported(fleet, "binjiang", "kiosk-8") == ""
        assert [topic for topic, _ in ear.heard if "request" in topic or "report" in topic] == []
    finally:
        ear.close()
    refused = connect(fleet.broker.ready["port"], context(me.authority, None, time_known=True))
    assert not refused.connected.wait(1)
    refused.close()


def test_a_certificate_is_renewed_for_a_new_key_and_the_same_name(fleet: Fleet) -> None:
    me = join(fleet, "renewing", "jiefang", "kiosk-1")
    before = me.pair
    assert (
        before is not None and not before.due(datetime.now(UTC)) and before.due(before.not_after - timedelta(days=20))
    )
    ear = enter(fleet, me, topics.RENEW_ANSWER.at("jiefang", "kiosk-1"))
    try:
        assert ear.granted.wait(WAIT_S)
        row = topics.RENEW_REQUEST
        for _ in range(2):  # the first answer may be lost: the same key is answered the same
            ear.client.publish(row.at("jiefang", "kiosk-1"), row.encode(me.renewal()), 1)
        until(lambda: len(ear.heard) >= 2, WAIT_S, "no answer came")
        answers = {topics.RENEW_ANSWER.decode(one).certificate for _, one in ear.heard}
        assert len(answers) == 1
        after = me.renewed(topics.RENEW_ANSWER.decode(ear.heard[0][1]))
        assert after.name == before.name == "jiefang/kiosk-1"
    finally:
        ear.close()
    renewed = enter(fleet, me)
    assert renewed.connected.wait(WAIT_S)
    renewed.close()


def test_a_replacement_takes_name_and_settings_and_ends_the_old_certificate(fleet: Fleet) -> None:
    old = join(fleet, "old", "xihu", "kiosk-3")
    with pytest.raises(JoinProblem, match="replaces"):
        join(fleet, "new", "xihu", "kiosk-3")
    new = join(fleet, "newer", "xihu", "kiosk-3", replaces=True)
    ear = enter(fleet, new)
    assert ear.connected.wait(WAIT_S)
    ear.close()
    # the broker learns of it within the watch's look
    deadline = time.monotonic() + OUT_WITHIN_S
    let_in = True
    while let_in and time.monotonic() < deadline:
        gone = enter(fleet, old)
        let_in = gone.connected.wait(1)
        gone.close()
    assert not let_in


def test_codes_are_good_once_for_those_who_may_and_guessing_ends(fleet: Fleet) -> None:
    clerk = Person("li", frozenset({Grant(Role.CLERK, "*")}))
    with pytest.raises(Refused):
        fleet.joining.claim(clerk, "AAAAAAAA", "binjiang", "kiosk-7")
    operator = Person("zhou", frozenset({Grant(Role.FIELD_OPERATOR, "binjiang")}))
    with pytest.raises(Refused):
        fleet.joining.claim(operator, "AAAAAAAA", "jiefang", "kiosk-7")
    for _ in range(WRONG_CODES):
        with pytest.raises(JoinProblem, match="no terminal shows"):
            fleet.joining.claim(operator, "AAAAAAAA", "binjiang", "kiosk-7")
    with pytest.raises(JoinProblem, match="too many"):
        fleet.joining.claim(operator, "AAAAAAAA", "binjiang", "kiosk-7")


def test_a_certificate_of_another_authority_key_or_name_is_not_taken(fleet: Fleet, tmp_path: Path) -> None:
    me, theirs, now = fleet.identity("careful"), Authority(tmp_path / "trust"), datetime.now(UTC)
    ours = Authority(fleet.folder / "trust")
    key = ours.orders_key
    for authority, csr, code in (
        (theirs, me.request().csr, "authority"),
        (ours, fleet.identity("somebody").request().csr, "key"),
    ):
        made = authority.issue(csr, "b", "k", now)
        answer = f.JoinAnswer(
            **envelope(), branch="b", device="k", certificate=made.pem, authority=authority.pem, command_key=key
        )
        with pytest.raises(NotOurs, match=code):
            me.joined(answer)
    assert me.pair is None


def test_a_wrong_clock_is_tolerated_only_until_the_time_is_known(tmp_path: Path) -> None:
    """A broker whose certificate has ended, as it looks to a terminal whose clock is years ahead."""
    trust = Authority(tmp_path / "trust")
    long_ago = datetime.now(UTC) - timedelta(days=3 * 365)
    trust.service("broker", ("127.0.0.1",), long_ago)
    assert handshake(tmp_path / "trust", time_known=False)
    assert not handshake(tmp_path / "trust", time_known=True)
    stranger = Authority(tmp_path / "stranger")
    stranger.service("broker", ("127.0.0.1",), long_ago)
    assert not handshake(tmp_path / "stranger", time_known=False, believe=tmp_path / "trust" / "ca.pem")


def handshake(folder: Path, *, time_known: bool, believe: Path | None = None) -> bool:
    """Whether a terminal's TLS takes the broker of `folder`, in memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "broker.pem", folder / "broker.key")
    client = context(believe or folder / "ca.pem", None, time_known=time_known)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends: list[Callable[[], None]] = [
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1").do_handshake,
        server.wrap_bio(to_server, to_client, server_side=True).do_handshake,
    ]
    done = [False, False]
    for _ in range(10):
        for at, end in enumerate(ends):
            if not done[at]:
                try:
                    end()
                    done[at] = True
                except ssl.SSLWantReadError:
                    continue
                except ssl.SSLError:
                    return False
    return all(done)
