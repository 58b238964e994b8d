"""From bytes to rows: once, in order, whatever the network does to them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import messages as m
from contracts import topics
from contracts.handover import HandoverPacket
from hub.bus import Arrived, Outgoing
from hub.ingest import MAX_EARLY_PER_LOG, Ingest
from hub.store import Store, devices, early, events, handovers, logs, opinions, refused, tickets
from hub.views import branch_view, handover_packets
from kiosk.risk.handover import Known, build
from tests.hub.wirekit import BRANCH, DEVICE, ROOT, Sender

pytestmark = pytest.mark.contract


class Bench:
    """An ingest over a real database, and what it said."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        self.acks: list[Outgoing] = []
        self.moved: list[str] = []
        self.ingest = self.restarted()

    def restarted(self) -> Ingest:
        return Ingest(
            self.store, acknowledge=self.acks.append, queue_moved=self.moved.append, changed=lambda branch: None
        )

    def count(self, table: sa.Table) -> int:
        return len(self.store.rows(sa.select(table)))

    def seqs(self) -> list[int]:
        return [row["seq"] for row in self.store.rows(sa.select(events.c.seq).order_by(events.c.id))]

    def last_ack(self) -> int:
        return topics.ACK.decode(self.acks[-1].payload).applied


@pytest.fixture
def bench(database: str) -> Iterator[Bench]:
    made = Bench(database)
    yield made
    made.store.close()


def moment(number: int = 1) -> m.Touched:
    return m.Touched(visit="v", target=f"chip_{number}")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), count=st.integers(1, 60))
def test_any_loss_repetition_and_reordering_ends_in_each_message_once_and_in_order(seed: int, count: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(f"sqlite:///{folder}/hub.db")
        sender = Sender()
        sent = [sender.event(moment(number)) for number in range(count)]
        applied, rounds = 0, 0
        while applied < count:
            rounds += 1
            assert rounds < 200
            # what a kiosk sends again is everything above the last acknowledgement
            wave = [message for message in sent[applied:] if chance.random() < 0.7]
            wave += chance.sample(sent, min(count, 3))
            chance.shuffle(wave)
            if chance.random() < 0.1:
                bench.ingest = bench.restarted()  # another worker, or the same one after it was killed
            if wave:
                bench.ingest.take(wave)
                applied = max(applied, bench.last_ack())
        assert bench.seqs() == list(range(1, count + 1))
        bench.store.close()


def test_a_repeated_message_is_acknowledged_again_and_applied_once(bench: Bench) -> None:
    message = Sender().event(m.OpinionGiven(visit="v", score=5))
    bench.ingest.take([message])
    bench.ingest.take([message, message])
    assert (bench.count(events), bench.count(opinions), bench.last_ack()) == (1, 1, 1)
    assert bench.ingest.tallies.repeated == 2


def test_a_gap_is_not_acknowledged_until_it_is_filled(bench: Bench) -> None:
    sender = Sender()
    first, second, third = (sender.event(moment(number)) for number in range(3))
    bench.ingest.take([first, third])
    assert bench.last_ack() == 1
    bench.ingest.take([second])
    assert (bench.seqs(), bench.last_ack()) == ([1, 2, 3], 3)


def test_numbers_that_the_kiosk_dropped_are_passed_over_and_counted(bench: Bench) -> None:
    sender = Sender()
    bench.ingest.take([sender.event(moment())])
    sender.skip(40)
    bench.ingest.take([sender.event(moment(), follows=1)])
    assert bench.last_ack() == 42
    assert bench.store.rows(sa.select(logs.c.skipped)) == [{"skipped": 40}]


def test_what_comes_too_early_is_held_up_to_a_bound_only(bench: Bench) -> None:
    sender = Sender()
    first = sender.event(moment())
    early = [sender.event(moment()) for _ in range(MAX_EARLY_PER_LOG + 50)]
    for at in range(0, len(early), 64):
        bench.ingest.take(early[at : at + 64])
    assert bench.ingest.tallies.crowded_out == 50
    bench.ingest.take([first])
    assert bench.last_ack() == MAX_EARLY_PER_LOG + 1


def test_a_new_disk_of_the_same_device_counts_from_one_again(bench: Bench) -> None:
    bench.ingest.take([Sender().event(moment()), Sender().event(moment())])
    assert (bench.count(events), bench.count(logs)) == (2, 2)


def test_the_same_number_from_two_devices_is_refused_once_and_blocks_neither(bench: Bench) -> None:
    one, other = Sender(device="kiosk-1"), Sender(device="kiosk-2")
    bench.ingest.take([one.issued("A001"), other.issued("A001"), other.issued("A101")])
    assert {row["number"] for row in bench.store.rows(sa.select(tickets))} == {"A001", "A101"}
    assert [row["reason"] for row in bench.store.rows(sa.select(refused))] == ["collision"]
    assert bench.last_ack() == 2


EVENTS_TOPIC = topics.EVENTS.at(BRANCH, DEVICE)


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [
        (EVENTS_TOPIC, b"", "json"),
        (EVENTS_TOPIC, b"\xff\xfe\x00", "json"),
        (EVENTS_TOPIC, b"{" * 2000, "json"),
        (EVENTS_TOPIC, b"[" * 4000, "type"),
        (EVENTS_TOPIC, b'{"deep": ' + b"[" * 4000, "json"),
        (EVENTS_TOPIC, b"null", "type"),
        (EVENTS_TOPIC, b"{}", "type"),
        (EVENTS_TOPIC, b'{"v": "one"}', "type"),
        (EVENTS_TOPIC, b'{"v": 2, "new": "schema"}', "version"),
        (EVENTS_TOPIC, b'{"pad": "' + b"x" * 5000 + b'"}', "size"),
        ("yb/v1/binjiang/kiosk-1/nothing", b"{}", "topic"),
        ("yb/v1/Binjiang/kiosk-1/events", b"{}", "topic"),
        ("yb/v1/binjiang/all/events", b"{}", "topic"),
        ("", b"", "topic"),
    ],
)
def test_what_is_not_of_the_contract_is_counted_and_the_next_message_still_applied(
    bench: Bench, topic: str, payload: bytes, code: str
) -> None:
    bench.ingest.take([Arrived(topic, payload), Sender().event(moment())])
    assert bench.ingest.tallies.refused == {code: 1}
    assert bench.count(events) == 1


@settings(max_examples=150, deadline=None)
@given(payload=st.binary(max_size=200))
def test_no_bytes_stop_the_decoding(payload: bytes) -> None:
    for row in topics.CONTRACT:
        try:
            row.decode(payload)
        except topics.WireError as err:
            assert err.code in ("json", "type", "version")


def test_a_numbered_message_with_a_wrong_body_is_passed_over_and_recorded_without_content(bench: Bench) -> None:
    sender = Sender()
    spoilt = json.loads(sender.event(moment()).payload)
    spoilt["body"] = {"kind": "touched", "visit": "v", "target": "张三 6222 0000"}
    bench.ingest.take([Arrived(EVENTS_TOPIC, json.dumps(spoilt).encode()), sender.event(moment())])
    assert (bench.seqs(), bench.last_ack()) == ([2], 2)
    rows = bench.store.rows(sa.select(refused))
    assert [row["reason"] for row in rows] == ["type"]
    assert "张三" not in str(rows)


def test_a_message_of_a_newer_schema_waits_for_a_newer_hub(bench: Bench) -> None:
    newer = json.loads(Sender().event(moment()).payload) | {"v": 2}
    bench.ingest.take([Arrived(EVENTS_TOPIC, json.dumps(newer).encode())])
    assert bench.acks == []


def test_unknown_fields_are_ignored(bench: Bench) -> None:
    richer = json.loads(Sender().event(moment()).payload) | {"mood": "sunny"}
    bench.ingest.take([Arrived(EVENTS_TOPIC, json.dumps(richer).encode())])
    assert bench.count(events) == 1


def test_an_old_last_will_does_not_take_a_device_off_that_came_back(bench: Bench) -> None:
    began = datetime.now(UTC)

    def said(online: bool, since: datetime) -> Arrived:
        message = m.Availability(id="1", at=since, mono_ns=0, online=online, since=since, versions={})
        return Arrived(topics.AVAILABILITY.at(BRANCH, DEVICE), topics.AVAILABILITY.encode(message))

    bench.ingest.take([said(True, began), said(False, began - timedelta(hours=1))])
    assert bench.store.rows(sa.select(devices.c.online)) == [{"online": True}]
    bench.ingest.take([said(False, began)])
    assert bench.store.rows(sa.select(devices.c.online)) == [{"online": False}]


def test_a_batch_that_the_database_refuses_is_neither_applied_nor_acknowledged_and_then_comes_through(
    bench: Bench,
) -> None:
    sender = Sender()
    batch = [sender.event(moment()), sender.issued("A001")]
    with bench.store.write() as db:
        db.execute(sa.text("ALTER TABLE tickets RENAME TO elsewhere"))
    with pytest.raises(sa.exc.SQLAlchemyError):
        bench.ingest.take(batch)
    assert (bench.acks, bench.count(events), bench.moved) == ([], 0, [])
    with bench.store.write() as db:
        db.execute(sa.text("ALTER TABLE elsewhere RENAME TO tickets"))
    bench.ingest.take(batch)
    assert (bench.last_ack(), bench.count(tickets), bench.moved) == (2, 1, [BRANCH])


def packet(text: str = "我要取钱") -> HandoverPacket:
    return build(Known(visit="v", language="zh", intent="complaint", transcript=[("visitor", text)]))


def test_a_handover_is_kept_once_shown_to_who_serves_and_deleted_after_a_working_day(bench: Bench) -> None:
    sender = Sender()
    messages = [sender.handover(packet()), sender.event(moment())]
    bench.ingest.take(messages)
    bench.ingest.take(messages[:1])
    assert bench.count(handovers) == 1 and bench.last_ack() == 2
    shown = handover_packets(bench.store, BRANCH)
    assert shown[0]["packet"]["transcript"][0]["text"] == "我要取钱" and shown[0]["packet"]["level"] == "urgent"
    assert "我要取钱" not in json.dumps(branch_view(bench.store, BRANCH), ensure_ascii=False)
    now = datetime.now(UTC)
    assert bench.store.forget_handovers(now - timedelta(seconds=m.HANDOVER_KEPT_S)) == 0
    assert bench.store.forget_handovers(now + timedelta(seconds=1)) == 1
    assert handover_packets(bench.store, BRANCH) == []


@pytest.mark.parametrize("wrong", [timedelta(days=300), timedelta(days=-300)])
def test_a_terminals_wrong_clock_keeps_no_packet_for_longer_and_loses_none_at_once(
    bench: Bench, wrong: timedelta
) -> None:
    now = datetime.now(UTC)
    bench.ingest.take([Sender().handover(packet(), at=now + wrong)])
    assert len(handover_packets(bench.store, BRANCH)) == 1
    kept = timedelta(seconds=m.HANDOVER_KEPT_S)
    assert bench.store.forget_handovers(now - kept) == 0
    assert bench.store.forget_handovers(now + timedelta(minutes=1)) == 1


def test_a_packet_that_is_parked_before_its_time_is_forgotten_as_soon(bench: Bench) -> None:
    sender = Sender()
    sender.event(moment())  # never arrives
    bench.ingest.take([sender.handover(packet()), sender.event(moment())])
    assert bench.count(early) == 2 and bench.count(handovers) == 0
    assert bench.store.forget_handovers(datetime.now(UTC) + timedelta(seconds=1)) == 1
    assert [row["topic"] for row in bench.store.rows(sa.select(early.c.topic))] == ["events"]


FIRST_AT_ONCE = """
import sys, threading
sys.setswitchinterval(1e-6)
from contracts import topics
from tests.hub.wirekit import Sender
sent = Sender().issued("A001")
meet = threading.Barrier(8)
def decode():
    meet.wait()
    topics.find(sent.topic)[0].decode(sent.payload)
threads = [threading.Thread(target=decode) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def test_threads_that_are_the_first_to_read_a_message_at_once_do_not_crash_the_process() -> None:
    for _ in range(4):  # without decoders made beforehand about every second of these dies of a segmentation fault
        ended = subprocess.run([sys.executable, "-c", FIRST_AT_ONCE], cwd=ROOT, capture_output=True, timeout=60)
        assert ended.returncode == 0, ended.stderr.decode()
