"""One suite for both buses: what a worker may expect of Mosquitto and of NATS JetStream, both really running."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from bench.hub_servers import ServerMissing, find_nats, nats
from contracts import messages as m
from contracts import topics
from hub.bus import MAX_KIOSK_BYTES, Arrived, Bus, Outgoing
from hub.bus_mqtt import MqttBus
from hub.bus_nats import NatsBus
from tests.hub.wirekit import BRANCH, DEVICE, Sender, start_broker, until

pytestmark = pytest.mark.contract
READY_S = 15.0


@dataclass
class World:
    """A bus's server that can go down and come back; `worker` makes one more worker on it."""

    name: str
    port: int  # where kiosks speak MQTT
    worker: Callable[[], Bus]
    down: Callable[[], None]
    up: Callable[[], None]


@pytest.fixture(params=["mosquitto", "nats"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    made: list[Bus] = []

    def keep(bus: Bus) -> Bus:
        made.append(bus)
        bus.start()
        return bus

    if request.param == "mosquitto":
        broker = start_broker(tmp_path / "broker", 0, "mosquitto")
        port = broker.ready["port"]

        def down() -> None:
            os.kill(broker.ready["pid"], signal.SIGKILL)
            broker.process.wait()

        def up() -> None:
            nonlocal broker
            assert broker.process.stdout is not None
            broker.process.stdout.close()
            broker = start_broker(tmp_path / "broker", port, "mosquitto")

        yield World(
            "mosquitto", port, lambda: keep(MqttBus([("127.0.0.1", port)], version="0", shared_by="hub")), down, up
        )
        for bus in made:
            bus.stop()
        broker.stop()
        return
    try:
        find_nats()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with nats() as nodes:
        node = nodes[0]
        yield World(
            "nats",
            node.mqtt_port,
            lambda: keep(NatsBus([node.url], [("127.0.0.1", node.mqtt_port)], version="0")),
            node.kill,
            node.start,
        )
        for bus in made:
            bus.stop()


class Kiosk:
    """A kiosk's end of the wire, in threads of paho."""

    def __init__(self, port: int, *listens: str) -> None:
        self.heard: list[MQTTMessage] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _client, _data, message: self.heard.append(message)
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_connect = lambda client, *_: client.subscribe([(one, 1) for one in listens or ("nothing",)])
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(READY_S)

    def say(self, *sent: Arrived) -> None:
        for one in sent:
            self.client.publish(one.topic, one.payload, 1).wait_for_publish(READY_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def drain(bus: Bus, quiet_s: float = 1.5, *, most: int = 50) -> list[Arrived]:
    """Everything that comes until nothing came for a while, each told done."""
    got: list[Arrived] = []
    last_s = time.monotonic()
    while time.monotonic() - last_s < quiet_s:
        batch = bus.take(most, 0.1)
        if batch:
            last_s = time.monotonic()
            bus.done(batch)
            got += batch
    return got


def ready(*buses: Bus) -> None:
    until(lambda: all(bus.is_connected for bus in buses), READY_S, "the worker did not reach the bus")
    time.sleep(0.3)  # its subscription is on its way


def seqs(got: list[Arrived]) -> list[int]:
    return [json.loads(one.payload)["seq"] for one in got]


def moments(sender: Sender, count: int) -> list[Arrived]:
    return [sender.event(m.Touched(visit="v", target=f"chip_{number}")) for number in range(count)]


def test_two_workers_share_what_comes_and_together_have_each_message(world: World) -> None:
    one, other = world.worker(), world.worker()
    ready(one, other)
    kiosk = Kiosk(world.port)
    got: dict[str, list[Arrived]] = {}
    threads = [
        threading.Thread(target=lambda name, bus: got.update({name: drain(bus)}), args=pair)
        for pair in (("one", one), ("other", other))
    ]
    for thread in threads:
        thread.start()
    kiosk.say(*moments(Sender(), 300))
    for thread in threads:
        thread.join()
    kiosk.close()
    assert sorted(seqs(got["one"] + got["other"])) == list(range(1, 301))
    assert min(len(part) for part in got.values()) > 30


def test_a_message_comes_with_the_topic_it_was_sent_to(world: World) -> None:
    bus = world.worker()
    ready(bus)
    kiosk = Kiosk(world.port)
    sent = Sender().issued("A001")
    kiosk.say(sent)
    (got,) = drain(bus, 1.0)
    kiosk.close()
    assert (got.topic, got.payload) == (sent.topic, sent.payload)


def test_what_could_not_be_applied_comes_again_and_what_is_done_does_not(world: World) -> None:
    bus = world.worker()
    ready(bus)
    kiosk = Kiosk(world.port)
    kiosk.say(*moments(Sender(), 5))
    first: list[Arrived] = []
    deadline_s = time.monotonic() + 10
    while len(first) < 5 and time.monotonic() < deadline_s:
        first += bus.take(50, 0.2)
    bus.done(first[:3])
    bus.again(first[3:])
    again = drain(bus, 3.0)
    kiosk.close()
    assert sorted(seqs(again)) == sorted(seqs(first[3:]))


def test_kept_state_reaches_kiosks_that_come_later_and_a_passing_one_does_not(world: World) -> None:
    bus = world.worker()
    ready(bus)
    row = topics.TICKETS_STATE
    for body in (b"old", b"new"):
        bus.send(Outgoing(row.at(BRANCH), body, row.qos, row.retain))
    bus.send(Outgoing(topics.ACK.at(BRANCH, DEVICE), b"passing", 1, False))
    time.sleep(0.5)
    kiosk = Kiosk(world.port, row.at(BRANCH), topics.ACK.at(BRANCH, DEVICE))
    until(lambda: bool(kiosk.heard), READY_S, "no kept state")
    time.sleep(0.3)
    kiosk.close()
    assert [(one.topic, one.payload) for one in kiosk.heard] == [(row.at(BRANCH), b"new")]


def test_the_shadow_goes_both_ways_each_to_its_own_end_and_the_newest_is_kept_for_who_comes_later(world: World) -> None:
    bus = world.worker()
    ready(bus)
    row = topics.SHADOW_DESIRED
    for body in (b"old", b"new"):
        bus.send(Outgoing(row.at(BRANCH, DEVICE), body, row.qos, row.retain))
    bus.send(Outgoing(row.at("jiefang", DEVICE), b"another branch's", row.qos, row.retain))
    time.sleep(0.5)
    kiosk = Kiosk(world.port, row.at(BRANCH, DEVICE))
    until(lambda: bool(kiosk.heard), READY_S, "the terminal does not hear what it should be set to")
    said = topics.SHADOW_REPORTED.at(BRANCH, DEVICE)
    kiosk.client.publish(said, b"so it is", 1, retain=True).wait_for_publish(READY_S)
    (got,) = drain(bus, 1.0)
    kiosk.close()
    assert (got.topic, got.payload) == (said, b"so it is")
    assert [(one.topic, one.payload) for one in kiosk.heard] == [(row.at(BRANCH, DEVICE), b"new")]


def presence(kiosk: Kiosk) -> list[bool]:
    return [topics.HUB_PRESENCE.decode(one.payload).online for one in kiosk.heard]


def test_kiosks_know_whether_somebody_applies_what_they_send(world: World) -> None:
    bus = world.worker()
    ready(bus)
    kiosk = Kiosk(world.port, topics.HUB_PRESENCE.at())
    until(lambda: presence(kiosk)[-1:] == [True], READY_S, "not said to be there")
    bus.present(False)
    until(lambda: presence(kiosk)[-1:] == [False], READY_S, "not said to be away")
    before = topics.HUB_PRESENCE.decode(kiosk.heard[0].payload).since
    bus.present(True)
    until(lambda: presence(kiosk)[-1:] == [True], READY_S, "not said to be back")
    assert topics.HUB_PRESENCE.decode(kiosk.heard[-1].payload).since > before  # kiosks begin again
    bus.stop()
    until(lambda: presence(kiosk)[-1:] == [False], READY_S, "no goodbye")
    kiosk.close()


def test_one_workers_end_does_not_take_the_others_off(world: World) -> None:
    one, other = world.worker(), world.worker()
    ready(one, other)
    kiosk = Kiosk(world.port, topics.HUB_PRESENCE.at())
    until(lambda: presence(kiosk)[-1:] == [True], READY_S, "not said to be there")
    one.stop()
    until(lambda: False in presence(kiosk) and presence(kiosk)[-1], READY_S, "the other one did not say it is there")
    kiosk.close()


def test_what_is_too_large_is_counted_and_the_next_one_comes(world: World) -> None:
    bus = world.worker()
    ready(bus)
    kiosk = Kiosk(world.port)
    topic = topics.EVENTS.at(BRANCH, DEVICE)
    kiosk.say(Arrived(topic, b"x" * (MAX_KIOSK_BYTES + 1)), *moments(Sender(), 1))
    got = drain(bus, 1.0)
    kiosk.close()
    assert seqs(got) == [1]
    assert bus.tallies.oversized == 1


def test_it_comes_back_after_its_server_was_killed(world: World) -> None:
    bus = world.worker()
    ready(bus)
    bus.connected_again()
    world.down()
    until(lambda: not bus.is_connected, READY_S, "it did not notice")
    bus.send(Outgoing(topics.ACK.at(BRANCH, DEVICE), b"lost", 1, False))
    assert bus.tallies.unsent == 1
    world.up()
    until(lambda: bus.is_connected, 30, "it did not come back")
    assert bus.connected_again() and not bus.connected_again()
    time.sleep(0.5)
    kiosk = Kiosk(world.port)
    kiosk.say(*moments(Sender(), 1))
    assert seqs(drain(bus, 2.0)) == [1]
    kiosk.close()


def test_it_may_be_started_before_its_server(world: World) -> None:
    world.down()
    bus = world.worker()
    time.sleep(0.3)
    world.up()
    ready(bus)
    kiosk = Kiosk(world.port)
    kiosk.say(*moments(Sender(), 1))
    assert seqs(drain(bus, 2.0)) == [1]
    kiosk.close()
