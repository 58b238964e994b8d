"""The staff's page through the whole session: who gets in, what can be done, and when it ends."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.flows import load_phrases
from contracts import messages as m
from contracts import topics
from contracts.screen import STAFF_GESTURE
from kiosk.queueing.pin import StaffPin, hash_pin, wait_after
from kiosk.session.staff_page import PIN_UNTOUCHED_S, StaffPage
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import NOON, FakeKiosk

pytestmark = pytest.mark.unit

PIN = "730194"
HASH = hash_pin(PIN)
Play = Callable[[Callable[[FakeKiosk], Awaitable[None]]], FakeKiosk]


class DirectGate:
    """The real PIN, without a thread between."""

    def __init__(self, pin: StaffPin) -> None:
        self.pin = pin

    @property
    def wait_s(self) -> int:
        return self.pin.wait_s

    async def check(self, pin: str) -> bool:
        return self.pin.check(pin)


def staffed(kiosk: FakeKiosk) -> StaffPage:
    gate = DirectGate(StaffPin(kiosk.ledger.outbox, HASH, kiosk.clock.now_ns))
    page = StaffPage(kiosk.site, load_phrases(), kiosk.ledger, gate, kiosk.clock, lambda: NOON, kiosk.session.show)
    kiosk.session.staff = page
    return page


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Callable[[FakeKiosk], Awaitable[None]]) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            async with FakeKiosk(tmp_path) as kiosk:
                staffed(kiosk)
                for minute, service in enumerate(("personal", "wealth", "personal")):
                    at = NOON + timedelta(minutes=minute)
                    kiosk.ledger.desk.issue(service, visit="v", language="zh", at=at)
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())

    return run


async def type_in(kiosk: FakeKiosk, digits: str) -> None:
    for digit in digits:
        await kiosk.touch(f"key_{digit}")
    await kiosk.touch("key_ok")


async def get_in(kiosk: FakeKiosk) -> None:
    await kiosk.touch(STAFF_GESTURE)
    await type_in(kiosk, PIN)


def handled(kiosk: FakeKiosk) -> list[tuple[str, str, str]]:
    owed = [row.topic.decode(row.payload).body for row in kiosk.ledger.outbox.pending(limit=1000)
            if row.topic is topics.TICKETS_OP]  # fmt: skip
    return [(body.number, body.event, body.counter) for body in owed if isinstance(body, m.TicketHandled)]


def test_with_the_pin_staff_call_recall_serve_finish_and_miss_at_a_counter_of_their_own(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await get_in(kiosk)
        assert kiosk.screen.page == "staff" and kiosk.screen.staff is not None
        assert [row.number for row in kiosk.screen.staff.rows] == ["A001", "C001", "A002"]
        assert kiosk.screen.staff.owed == 3 and not kiosk.screen.staff.hub and kiosk.screen.staff.waiting == 3
        await kiosk.touch("staff_call")
        for act in ("recall", "serve", "finish"):
            await kiosk.touch(f"staff_{act}")
        await kiosk.touch("staff_counter_2")
        await kiosk.touch("staff_call")
        assert kiosk.screen.staff.now is not None and kiosk.screen.staff.now.number == "C001"
        await kiosk.touch("staff_call")  # not offered any more: somebody is at this counter
        await kiosk.touch("staff_miss")
        await kiosk.touch("staff_close")
        assert kiosk.screen.page == "attract" and kiosk.screen.staff is None

    kiosk = play(script)
    assert handled(kiosk) == [
        ("A001", "called", "1"), ("A001", "recalled", "1"), ("A001", "serving_began", "1"), ("A001", "finished", "1"),
        ("C001", "called", "2"), ("C001", "missed", "2"),
    ]  # fmt: skip
    assert "VisitStarted" not in kiosk.moments()


def test_only_what_the_ticket_s_table_allows_is_offered(play: Play) -> None:
    def offered(kiosk: FakeKiosk) -> set[str]:
        return {t.id for t in kiosk.screen.targets if t.enabled and t.id.startswith("staff_")} - {
            "staff_counter_1", "staff_counter_2", "staff_counter_3", "staff_close",
        }  # fmt: skip

    async def script(kiosk: FakeKiosk) -> None:
        await get_in(kiosk)
        assert offered(kiosk) == {"staff_call"}
        await kiosk.touch("staff_call")
        assert offered(kiosk) == {"staff_recall", "staff_serve", "staff_miss"}
        await kiosk.touch("staff_serve")
        assert offered(kiosk) == {"staff_finish"}

    play(script)


def test_while_the_hub_is_there_the_page_shows_and_does_not_call(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await get_in(kiosk)
        kiosk.ledger.desk.line.hub_is(True)  # it comes back while somebody looks at the page
        await kiosk.touch("staff_call")
        assert kiosk.screen.staff is not None and kiosk.screen.staff.hub
        assert kiosk.screen.staff.trouble == "hub_is_there"
        assert not any(t.enabled for t in kiosk.screen.targets if t.id in ("staff_call", "staff_recall"))

    assert handled(play(script)) == []


def test_nobody_gets_in_by_a_wrong_pin_and_the_waits_grow_over_a_restart(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.touch(STAFF_GESTURE)
        for _ in range(3):
            await type_in(kiosk, "000000")
            assert kiosk.screen.page == "keypad"
        assert not any(target.kind == "key" for target in kiosk.screen.targets)
        assert "30" in kiosk.screen.captions[0].text
        await type_in(kiosk, PIN)  # right, and too soon
        assert kiosk.screen.page == "keypad"
        kiosk.session.staff.close()  # type: ignore[union-attr]
        page = staffed(kiosk)  # the plug was pulled
        assert page._gate.wait_s == 30
        await kiosk.touch(STAFF_GESTURE)
        await kiosk.clock.sleep(31)
        await type_in(kiosk, "000000")
        assert page._gate.wait_s == 60 and page.tally["wrong_pin"] == 1
        await kiosk.clock.sleep(61)
        await type_in(kiosk, PIN)
        assert kiosk.screen.page == "staff"
        page.close()
        await kiosk.touch(STAFF_GESTURE)
        await type_in(kiosk, "000000")
        assert page._gate.wait_s == 0  # the right one began the count anew

    play(script)


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    assert [wait_after(wrong) for wrong in range(10)] == [0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
    assert wait_after(10_000) == 900


def test_no_snapshot_and_no_account_holds_a_digit_of_the_pin(play: Play) -> None:
    kiosk = play(get_in)
    entries = [state.entry for state in kiosk.shown if state.entry is not None]
    assert {len(entry.text) for entry in entries} == {0, 1, 2, 3, 4, 5, 6}
    assert all(set(entry.text) <= {"•"} and entry.secret for entry in entries)
    assert not any("key_" in str(noted.facts) for noted in kiosk.trace.moments)
    assert kiosk.moments() == ["TicketIssued"] * 3


def test_it_ends_untouched_at_the_stated_times_and_when_somebody_walks_away(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        page = kiosk.session.staff
        assert page is not None
        await kiosk.touch(STAFF_GESTURE)
        await kiosk.clock.sleep(PIN_UNTOUCHED_S + 2)
        assert kiosk.screen.page == "attract" and page.tally["timed_out"] == 1
        await get_in(kiosk)
        await kiosk.clock.sleep(kiosk.site.staff.untouched_s - 3)
        assert kiosk.screen.page == "staff"
        await kiosk.clock.sleep(5)
        assert kiosk.screen.page == "attract" and page.tally["timed_out"] == 2
        await get_in(kiosk)
        for _ in range(int(kiosk.site.staff.longest_s // 10) + 2):  # touched all the time
            await kiosk.touch("staff_counter_2")
            await kiosk.clock.sleep(10)
        assert not page.open
        await get_in(kiosk)
        kiosk.leave()
        await kiosk.clock.sleep(0.1)
        assert kiosk.screen.page == "attract" and page.tally["walked_away"] == 1

    play(script)


def test_in_a_visit_the_gesture_does_nothing_and_while_it_is_open_nobody_is_greeted(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.touch(STAFF_GESTURE)
        assert kiosk.screen.page == "conversation" and kiosk.session.state is State.LISTENING
        kiosk.leave()
        await kiosk.until(State.IDLE)
        await kiosk.touch(STAFF_GESTURE)
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        assert kiosk.session.state is State.IDLE and kiosk.screen.page == "keypad"

    kiosk = play(script)
    assert kiosk.session.staff is not None and kiosk.session.staff.tally["gesture_in_visit"] == 1
    assert kiosk.moments().count("VisitStarted") == 1


def test_a_disk_that_fails_is_said_and_ends_the_page_not_the_terminal(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await get_in(kiosk)
        page, work = kiosk.session.staff, kiosk.ledger.at_staff_desk
        assert page is not None

        async def fails(*_: Any) -> Any:
            raise sqlite3.OperationalError("database is locked")

        kiosk.ledger.at_staff_desk = fails  # type: ignore[method-assign]
        await kiosk.touch("staff_call")
        assert not page.open and page.tally["not_kept"] == 1
        kiosk.ledger.at_staff_desk = work  # type: ignore[method-assign]
        await get_in(kiosk)
        assert kiosk.screen.page == "staff"
        kiosk.ledger.at_staff_desk = fails  # type: ignore[method-assign]
        await kiosk.clock.sleep(6)  # the page looks by itself
        assert not page.open
        await kiosk.arrive()

    assert handled(play(script)) == []


def test_without_a_pin_in_the_configuration_there_is_no_page(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.session.staff = None
        await kiosk.touch(STAFF_GESTURE)
        assert kiosk.screen.page == "attract" and kiosk.session.state is State.IDLE

    play(script)
