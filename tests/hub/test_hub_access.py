"""A broker with the access rules of the contract: a forged device and another branch's topic get nowhere."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.hub_servers import free_port
from contracts import messages as m
from contracts import topics
from hub.broker import find_mosquitto
from hub.bus import Arrived
from tests.hub.wirekit import BRANCH, DEVICE, Sender, until

pytestmark = pytest.mark.contract
PASSWORD = "of this test only"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Mosquitto with two devices that have passwords, the contract's rules for each, and the hub."""
    program = find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    rules = ["user hub", "topic readwrite #", *topics.access_rules(BRANCH, DEVICE)]
    rules += topics.access_rules("jiefang", "kiosk-9")
    (tmp_path / "acl").write_text("\n".join(rules) + "\n")
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    passwords.chmod(0o600)
    for name in ("hub", DEVICE, "kiosk-9"):
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), name, PASSWORD], check=True, capture_output=True)
    chosen = free_port()
    as_root = "user root\n" if os.geteuid() == 0 else ""
    (tmp_path / "conf").write_text(
        f"listener {chosen} 127.0.0.1\nallow_anonymous false\nacl_file {tmp_path}/acl\n"
        f"password_file {passwords}\nmax_packet_size 262144\n{as_root}"
    )
    broker = subprocess.Popen([program, "-c", str(tmp_path / "conf")], stderr=subprocess.DEVNULL)
    until(lambda: answers(chosen), 20, "mosquitto did not start")
    yield chosen
    broker.terminate()
    broker.wait()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Device:
    """Somebody who speaks to the broker under a name."""

    def __init__(self, port: int, name: str, password: str, *listens: str) -> None:
        self.heard: list[str] = []
        self.refused = False
        self.ready = False
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.username_pw_set(name, password)
        self.client.on_connect = self._connected
        self.client.on_message = self._hear
        self.listens = listens
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(lambda: self.ready or self.refused, 10, "the broker did not answer")

    def _connected(self, client: Client, _data: object, _flags: object, code: object, _properties: object) -> None:
        self.refused = bool(getattr(code, "is_failure", False))
        for topic in self.listens:
            client.subscribe(topic, 1)
        self.ready = not self.refused

    def _hear(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        self.heard.append(message.topic)

    def say(self, *sent: Arrived) -> None:
        for one in sent:
            self.client.publish(one.topic, one.payload, 1)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.mark.parametrize(("name", "password"), [(DEVICE, "guess"), ("kiosk-7", PASSWORD), ("hub", ""), ("", "")])
def test_a_forged_identity_is_not_let_in(port: int, name: str, password: str) -> None:
    forged = Device(port, name, password)
    assert forged.refused
    forged.close()


def test_a_device_writes_its_own_topics_and_nobody_elses(port: int) -> None:
    hub = Device(port, "hub", PASSWORD, "#")
    kiosk = Device(port, DEVICE, PASSWORD)
    own, other_device, other_branch = Sender(), Sender(device="kiosk-2"), Sender(branch="jiefang", device="kiosk-9")
    touched = m.Touched(visit="v", target="chip_1")
    kiosk.say(other_device.event(touched), other_branch.event(touched), other_branch.issued("A001"))
    for row in topics.CONTRACT:
        if row.sender == "hub":  # nor may it speak as the hub
            kiosk.say(Arrived(row.at(BRANCH, DEVICE), b"{}"))
    kiosk.say(own.event(touched))
    until(lambda: own.event(touched).topic in hub.heard, 10, "its own message did not come")
    assert hub.heard == [topics.EVENTS.at(BRANCH, DEVICE)]
    kiosk.close()
    hub.close()


def test_a_device_hears_the_hub_and_its_own_branch_only(port: int) -> None:
    kiosk = Device(port, DEVICE, PASSWORD, "#", topics.TICKETS_STATE.at("jiefang"))
    for topic, _ in topics.kiosk_subscriptions(BRANCH, DEVICE):
        kiosk.client.subscribe(topic, 1)
    time.sleep(0.5)
    hub = Device(port, "hub", PASSWORD)
    for branch, device in (("jiefang", "kiosk-9"), (BRANCH, DEVICE)):
        hub.say(*(Arrived(row.at(branch, device), b"{}") for row in topics.CONTRACT if row.sender == "hub"))
        hub.say(Arrived(topics.EVENTS.at(branch, device), b"{}"))
    last = topics.HUB_PRESENCE.at()
    until(lambda: kiosk.heard.count(last) >= 1, 10, "it does not hear the hub")
    time.sleep(0.5)
    assert not [topic for topic in kiosk.heard if "jiefang" in topic or topic.endswith("events")]
    assert topics.TICKETS_STATE.at(BRANCH) in kiosk.heard
    hub.close()
    kiosk.close()


def test_ten_million_bytes_end_that_connection_and_nobody_elses(port: int) -> None:
    hub = Device(port, "hub", PASSWORD, "#")
    greedy, kiosk = Device(port, "kiosk-9", PASSWORD), Device(port, DEVICE, PASSWORD)
    greedy.say(Arrived(topics.EVENTS.at("jiefang", "kiosk-9"), b"x" * 10_000_000))
    sent = Sender().event(m.Touched(visit="v", target="chip_1"))
    kiosk.say(sent)
    until(lambda: sent.topic in hub.heard, 10, "the other kiosk's message did not come")
    assert topics.EVENTS.at("jiefang", "kiosk-9") not in hub.heard
    for one in (greedy, kiosk, hub):
        one.close()
