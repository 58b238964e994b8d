"""What is owed survives, keeps its order, and is bounded by a stated policy."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts import messages as m
from contracts import topics
from contracts import video_messages as v
from kiosk.risk.handover import Known, build
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox, OutboxFull

pytestmark = pytest.mark.contract


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path / "kiosk.db")
    yield made
    made.close()


def touched(outbox: Outbox, count: int = 1) -> list[int]:
    return [outbox.append(topics.EVENTS, m.Touched(visit="v", target="chip_1")) for _ in range(count)]


def opinion(outbox: Outbox) -> int:
    return outbox.append(topics.EVENTS, m.OpinionGiven(visit="v", score=5))


def chain(outbox: Outbox, after: int = 0) -> list[tuple[int, int]]:
    """(number, number it follows) of what would be sent."""
    decoded = [owed.topic.decode(owed.payload) for owed in outbox.pending(after, 10_000)]
    return [(message.seq, message.follows) for message in decoded]


def test_numbers_have_no_gaps_and_each_message_names_the_one_before(outbox: Outbox) -> None:
    assert touched(outbox, 4) == [1, 2, 3, 4]
    assert chain(outbox) == [(1, 0), (2, 1), (3, 2), (4, 3)]
    assert chain(outbox, after=2) == [(3, 2), (4, 3)]


def test_what_the_hub_has_is_forgotten_and_the_rest_stays(outbox: Outbox) -> None:
    touched(outbox, 5)
    assert outbox.acknowledged(3) == 3
    assert outbox.acknowledged(2) == 3  # a late one
    assert chain(outbox) == [(4, 3), (5, 4)]


def test_a_restart_keeps_log_numbers_and_bytes(outbox: Outbox, tmp_path: Path) -> None:
    touched(outbox, 3)
    outbox.acknowledged(1)
    before, log = outbox.pending(), outbox.log
    outbox.close()
    again = Outbox(tmp_path / "kiosk.db")
    assert (again.pending(), again.log, touched(again)) == (before, log, [4])
    again.close()


def test_numbers_are_not_used_again_after_everything_was_acknowledged(outbox: Outbox, tmp_path: Path) -> None:
    touched(outbox, 3)
    outbox.acknowledged(3)
    outbox.close()
    again = Outbox(tmp_path / "kiosk.db")
    assert touched(again) == [4]
    assert chain(again) == [(4, 3)]
    again.close()


def test_beyond_the_bound_the_oldest_moments_go_and_tickets_and_opinions_stay(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db", max_droppable_rows=10)
    kept = opinion(outbox)
    touched(outbox, 20)
    kept_too = opinion(outbox)
    outbox.prune()
    assert outbox.tallies().dropped == 10
    numbers = [seq for seq, _ in chain(outbox)]
    assert numbers == [kept, *range(12, 22), kept_too]
    assert chain(outbox)[1] == (12, 1)  # the hub is told what it need not wait for
    outbox.close()


def test_moments_older_than_the_bound_go_and_are_counted(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db", max_droppable_age_s=-1)
    touched(outbox, 5)
    opinion(outbox)
    assert outbox.prune() == 5
    assert chain(outbox) == [(6, 0)]
    outbox.close()


def test_a_message_that_follows_dropped_ones_after_an_acknowledgement_names_the_mark(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db", max_droppable_age_s=-1)
    touched(outbox, 5)
    outbox.acknowledged(2)
    opinion(outbox)
    outbox.prune()
    assert chain(outbox) == [(6, 2)]
    outbox.close()


def test_what_is_never_dropped_has_a_bound_too_and_says_so(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db", max_rows=3)
    for _ in range(3):
        opinion(outbox)
    with pytest.raises(OutboxFull):
        opinion(outbox)
    outbox.acknowledged(1)
    assert opinion(outbox) == 4
    outbox.close()


def test_a_disk_put_back_to_an_older_state_begins_a_new_log_and_loses_nothing(tmp_path: Path) -> None:
    path, old = tmp_path / "kiosk.db", tmp_path / "old.db"
    first = Outbox(path)
    touched(first, 2)
    first.close()
    shutil.copy(path, old)
    first = Outbox(path)
    touched(first, 8)
    log = first.log
    first.close()
    restored = Outbox(old)
    touched(restored, 1)  # number 3 again, but another message
    assert restored.log == log
    restored.acknowledged(10)  # the hub knows ten of this log
    assert restored.log != log
    assert chain(restored) == [(1, 0), (2, 1), (3, 2)]
    opinion(restored)
    restored.acknowledged(3)
    assert chain(restored) == [(4, 3)]
    restored.close()


def test_a_body_that_does_not_fit_its_topic_is_refused_before_it_is_kept(outbox: Outbox) -> None:
    with pytest.raises(topics.WireError):
        outbox.append(topics.EVENTS, m.Touched(visit="v", target="自由文字"))
    with pytest.raises(topics.WireError):
        outbox.append(topics.EVENTS, m.TicketGivenBack(number="A001", day="2026-11-21"))
    assert (outbox.tallies().pending, touched(outbox)) == (0, [1])


def test_an_error_inside_a_transaction_keeps_nothing_and_tells_nobody(outbox: Outbox) -> None:
    told: list[int] = []
    outbox.listen(lambda: told.append(1))
    with pytest.raises(RuntimeError), outbox.transaction():
        touched(outbox, 2)
        raise RuntimeError
    assert (chain(outbox), told) == ([], [])
    with outbox.transaction():
        touched(outbox, 2)
        assert told == []  # not before it is on disk
    assert (len(chain(outbox)), told) == (2, [1])


def test_many_threads_append_without_a_gap(outbox: Outbox) -> None:
    threads = [threading.Thread(target=touched, args=(outbox, 25)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seq for seq, _ in chain(outbox)] == list(range(1, 101))


def test_appending_takes_less_than_ten_milliseconds_in_the_median(outbox: Outbox) -> None:
    taken = []
    for _ in range(60):
        began = time.perf_counter()
        touched(outbox)
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[30] < 0.010


def test_a_packet_that_nobody_got_within_the_hour_is_dropped_and_what_follows_still_goes(tmp_path: Path) -> None:
    now = began = datetime.now(UTC)
    outbox = Outbox(tmp_path / "kiosk.db", keeper=Timekeeper(wall=lambda: now))
    touched(outbox)
    outbox.append(topics.HANDOVER, build(Known(visit="v", language="zh", transcript=[("visitor", "我要取钱")])))
    opinion(outbox)
    now = began + timedelta(seconds=m.HANDOVER_UNSENT_S - 5)
    assert outbox.prune() == 0
    now = began + timedelta(seconds=m.HANDOVER_UNSENT_S + 5)
    assert outbox.prune() == 1
    assert chain(outbox) == [(1, 0), (3, 1)] and outbox.tallies().dropped == 1
    outbox.close()


def test_the_largest_packet_fits_the_wire(outbox: Outbox) -> None:
    lines = [("visitor", "钱" * 400)] * 60
    outbox.append(topics.HANDOVER, build(Known(visit="v", language="zh", transcript=lines)))
    assert len(outbox.pending(0, 1)[0].payload) <= topics.HANDOVER.limit_bytes


def test_a_promised_call_back_is_never_dropped_and_a_wish_for_now_may_be(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "kiosk.db", max_droppable_rows=0)
    need = v.Need(service="personal", language="zh")
    at = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    asked = v.TellerAsked(case="case-0001", visit="v", packet=None, need=need)
    later = v.CallBackAsked(case=None, visit="v", at=at, code="012345", need=need)
    outbox.append(topics.CASE_OP, asked)
    outbox.append(topics.CASE_OP, later)
    assert outbox.prune() == 1
    (owed,) = outbox.pending()
    assert topics.CASE_OP.decode(owed.payload).body == later
    outbox.close()
