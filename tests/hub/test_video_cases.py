"""A wish for a teller from the asking to the account, on SQLite and on PostgreSQL, and what is in its way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from config.routing import Limits, Routing, load_routing
from contracts import messages as m
from contracts import video_messages as v
from hub.store import Store, refused
from hub.video import acts, asking, sweep
from hub.video.pool import NotNow, Pool
from hub.video.tables import call_backs, cases, left_messages, tellers
from tests.hub.videokit import BEGAN, NEED, House, Terminal
from tests.hub.wirekit import BRANCH, DEVICE, Sender

pytestmark = pytest.mark.contract


@pytest.fixture
def house(database: str) -> Iterator[House]:
    made = House(database)
    yield made
    made.close()


def talking(house: House, case: str = "case-0001", teller: str = "li") -> Terminal:
    """A visitor who talks with a teller."""
    house.teller(teller)
    kiosk = Terminal(house)
    kiosk.ask(case)
    house.act(acts.accept, teller, case)
    kiosk.here(case, "up")
    assert house.state(case) == "talking"
    return kiosk


def test_a_free_teller_is_offered_the_visitor_at_once_and_the_whole_way_is_written_down(house: House) -> None:
    kiosk = talking(house)
    house.now += timedelta(seconds=90)
    house.act(acts.hang_up, "li", "case-0001")
    assert (house.state("case-0001"), house.doing("li")) == ("wrapping_up", "after_work")
    house.act(acts.file, "li", "case-0001", "solved", "限额已调整")
    assert (house.state("case-0001"), house.doing("li")) == ("wrapped_up", "ready")
    kept = house.case("case-0001")
    assert (kept["talk_s"], kept["wrap_code"], kept["summary"], kept["teller"]) == (90, "solved", "限额已调整", "li")
    assert house.history("case-0001") == ["offered", "accepted", "connected", "hung_up", "filed"]
    (why,) = house.reasons("case-0001")
    assert why["teller"] == "li" and why["how"] == "score" and why["terms"]["spare"] > 0
    assert "case-0001" in house.told
    house.act(asking_rate, kiosk.branch, "visit-case-0001", 5)
    assert house.case("case-0001")["score"] == 5


def asking_rate(pool: Pool, branch: str, visit: str, score: int) -> None:
    asking.rate(pool.db, branch, visit, score)


def test_a_teller_who_becomes_free_is_matched_in_the_same_moment(house: House) -> None:
    Terminal(house).ask("case-0001")
    assert house.state("case-0001") == "waiting"
    house.teller("li")
    assert (house.state("case-0001"), house.doing("li")) == ("offered", "offered")


def test_a_refusal_goes_to_the_next_teller_and_keeps_the_old_place(house: House) -> None:
    house.teller("li")
    Terminal(house).ask("case-0001", waited_s=120)
    before = house.case("case-0001")
    house.teller("wang")
    house.act(acts.refuse, "li", "case-0001", "knows_visitor")
    after = house.case("case-0001")
    assert (after["teller"], after["state"], house.doing("li")) == ("wang", "offered", "ready")
    assert (after["came"], after["place_at"]) == (before["came"], before["place_at"])
    house.act(acts.refuse, "wang", "case-0001", "other")
    assert house.state("case-0001") == "waiting"  # both have refused: neither is asked again so soon
    house.now += timedelta(seconds=house.rules.limits.refused_rest_s)
    Terminal(house, DEVICE).here("case-0001")
    for name in ("li", "wang"):
        house.act(acts.heard, name)
    sweep.sweep(house.store, house.rules, house.now)
    assert house.state("case-0001") == "offered"


def test_an_offer_that_nobody_answers_ends_and_that_teller_is_taken_for_away(house: House) -> None:
    house.teller("li")
    Terminal(house).ask("case-0001")
    house.pass_time(house.rules.limits.offer_s - 1)
    assert house.state("case-0001") == "offered"
    Terminal(house).here("case-0001")
    house.act(acts.heard, "li")
    house.pass_time(1)
    assert (house.state("case-0001"), house.doing("li")) == ("waiting", "break")
    with pytest.raises(NotNow):
        house.act(acts.accept, "li", "case-0001")


def test_a_desk_that_is_not_heard_is_offline_and_its_visitor_goes_to_somebody_else(house: House) -> None:
    house.teller("li")
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    house.act(acts.accept, "li", "case-0001")
    house.now += timedelta(seconds=house.rules.limits.teller_heard_s + 1)
    kiosk.here("case-0001")
    house.teller("wang")
    sweep.sweep(house.store, house.rules, house.now)
    assert (house.doing("li"), house.case("case-0001")["teller"], house.state("case-0001")) == (
        "offline", "wang", "offered",
    )  # fmt: skip


def test_a_desk_lost_in_a_talk_may_come_back_for_a_while_and_then_the_visitor_waits_at_the_old_place(
    house: House,
) -> None:
    kiosk = talking(house)
    limits = house.rules.limits
    came = house.case("case-0001")["came"]
    house.now += timedelta(seconds=limits.teller_heard_s + 1)
    kiosk.here("case-0001", "up")
    house.pass_time(0)
    assert (house.state("case-0001"), house.doing("li")) == ("paused_reconnecting", "busy")
    house.act(acts.heard, "li")
    assert house.state("case-0001") == "talking"
    house.now += timedelta(seconds=limits.teller_heard_s + 1)
    kiosk.here("case-0001", "up")
    house.pass_time(0)
    house.now += timedelta(seconds=limits.reconnect_s)
    kiosk.here("case-0001")
    house.pass_time(0)
    assert (house.state("case-0001"), house.doing("li")) == ("waiting", "offline")
    assert house.case("case-0001")["came"] == came


def test_a_terminal_lost_in_a_talk_pauses_it_and_its_teller_writes_the_account(house: House) -> None:
    talking(house)
    limits = house.rules.limits
    house.now += timedelta(seconds=limits.terminal_heard_s + 1)
    house.act(acts.heard, "li")
    house.pass_time(0)
    assert house.state("case-0001") == "paused_reconnecting"
    house.now += timedelta(seconds=limits.reconnect_s + 1)
    house.act(acts.heard, "li")
    house.pass_time(0)
    assert (house.state("case-0001"), house.doing("li")) == ("wrapping_up", "after_work")
    house.now += timedelta(seconds=limits.after_work_s + 1)
    house.act(acts.heard, "li")
    house.pass_time(0)
    assert (house.state("case-0001"), house.doing("li")) == ("wrapped_up", "ready")
    assert house.case("case-0001")["wrap_code"] == "not_filed"


def test_a_visitor_whose_terminal_is_silent_is_offered_to_nobody_and_given_up_in_the_end(house: House) -> None:
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    house.now += timedelta(seconds=house.rules.limits.terminal_heard_s + 1)
    house.teller("li")
    assert house.state("case-0001") == "waiting"
    kiosk.here("case-0001")
    assert house.state("case-0001") == "offered"
    house.act(acts.off, "li")
    house.pass_time(house.rules.limits.terminal_lost_s + 1)
    assert (house.state("case-0001"), house.case("case-0001")["reason"]) == ("abandoned", "lost")


def test_a_call_that_does_not_come_up_goes_back_in_line_for_somebody_else(house: House) -> None:
    house.teller("li")
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    house.act(acts.accept, "li", "case-0001")
    house.now += timedelta(seconds=house.rules.limits.connect_s)
    kiosk.here("case-0001")
    house.act(acts.heard, "li")
    house.pass_time(0)
    assert (house.state("case-0001"), house.doing("li")) == ("waiting", "ready")


def test_a_transfer_needs_the_other_skill_carries_its_note_and_keeps_the_place(house: House) -> None:
    talking(house)
    came = house.case("case-0001")["came"]
    house.teller("zhao", services=["wealth"], licence=True)
    need = v.Need(service="wealth", language="zh")
    house.act(acts.transfer, "li", "case-0001", need, "想了解国债，已核实身份")
    after = house.case("case-0001")
    assert (after["state"], after["teller"], after["licence"], after["came"]) == ("offered", "zhao", True, came)
    assert after["note"] == "想了解国债，已核实身份"
    assert house.doing("li") == "ready"


def test_a_break_is_taken_at_once_or_after_the_visitor_who_is_there(house: House) -> None:
    talking(house)
    house.act(acts.rest, "li")
    assert house.doing("li") == "busy"
    house.act(acts.hang_up, "li", "case-0001")
    house.act(acts.file, "li", "case-0001", "solved", "")
    assert house.doing("li") == "break"
    house.act(acts.ready, "li", [BRANCH])
    house.act(acts.rest, "li")
    assert house.doing("li") == "break"
    with pytest.raises(NotNow):
        house.act(acts.accept, "li", "case-0001")


def test_walking_away_frees_whoever_was_offered_and_a_new_wish_replaces_the_one_before(house: House) -> None:
    house.teller("li")
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    kiosk.leave("case-0001")
    assert (house.state("case-0001"), house.doing("li")) == ("abandoned", "ready")
    kiosk.ask("case-0002")
    kiosk.ask("case-0003")
    assert (house.state("case-0002"), house.case("case-0002")["reason"]) == ("abandoned", "replaced")
    assert house.state("case-0003") == "offered"
    kiosk.leave("case-0003", "ticket")
    assert (house.state("case-0003"), house.case("case-0003")["reason"]) == ("ended", "ticket")


def test_what_comes_twice_is_applied_once_and_another_terminals_case_is_not_touched(house: House) -> None:
    kiosk = Terminal(house)
    sent = kiosk.op(v.TellerAsked(case="case-0001", visit="v", packet=None, need=NEED))
    house.take(sent, sent)
    house.take(sent)
    assert len(house.store.rows(sa.select(cases))) == 1
    Terminal(house, "kiosk-2").leave("case-0001")
    assert house.state("case-0001") == "waiting"
    assert [row["reason"] for row in house.store.rows(sa.select(refused))] == ["foreign"]


def test_place_and_estimate_are_of_those_who_could_serve_and_long_waits_offer_other_ways(house: House) -> None:
    house.teller("zhao", services=["wealth"], languages=["zh"], licence=True)  # cannot serve the others
    for number in range(6):
        Terminal(house, f"kiosk-{number}").ask(f"case-000{number}")
        house.now += timedelta(seconds=1)
    assert house.standing("case-0000").outcome == "nobody"
    house.teller("li")
    told = [house.standing(f"case-000{number}") for number in range(6)]
    assert [one.state for one in told] == ["offered", *["waiting"] * 5]
    assert [one.ahead for one in told[1:]] == [0, 1, 2, 3, 4]
    assert all(one.wait_min and one.wait_min[0] <= one.wait_min[1] for one in told[1:])
    assert told[1].choices == ("wait",)
    assert told[5].choices == ("wait", "ticket", "call_back", "message", "self_service")


def test_nobody_on_duty_and_out_of_hours_are_told_with_times_to_come_back(house: House) -> None:
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    told = house.standing("case-0001")
    assert (told.outcome, told.ahead, told.wait_min) == ("nobody", None, None)
    assert told.choices == ("wait", "ticket", "call_back", "message", "self_service")
    assert told.call_back_at == tuple(BEGAN + timedelta(minutes=15 * step) for step in (1, 2, 3))
    house.now = datetime.fromisoformat("2026-11-23T19:00:00+08:00")
    told = house.standing("case-0001")
    assert told.outcome == "closed" and "wait" not in told.choices
    assert told.call_back_at[0] == datetime.fromisoformat("2026-11-24T08:30:00+08:00")


def test_a_time_that_was_promised_often_enough_is_not_offered_again(house: House) -> None:
    at = BEGAN + timedelta(minutes=15)
    for number in range(house.rules.call_backs.per_time):
        kiosk = Terminal(house, f"kiosk-{number}")
        body = v.CallBackAsked(case=None, visit="v", at=at, code=f"00000{number}", need=NEED)
        house.take(kiosk.op(body))
    Terminal(house, "kiosk-9").ask("case-0001")
    assert at not in house.standing("case-0001").call_back_at


def test_a_full_line_says_so_at_once(database: str) -> None:
    house = House(database, load_routing().model_copy(update={"limits": Limits(waiting_most=1)}))
    Terminal(house, "kiosk-1").ask("case-0001")
    Terminal(house, "kiosk-2").ask("case-0002")
    told = house.standing("case-0002")
    assert (told.state, told.outcome, told.choices[0]) == ("ended", "full", "ticket")
    house.close()


def test_a_code_that_comes_back_in_its_time_has_its_old_place_once(house: House) -> None:
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    at = house.standing("case-0001").call_back_at[0]
    asked = v.CallBackAsked(case="case-0001", visit="v", at=at, code="012345", need=NEED)
    house.take(kiosk.op(asked))
    assert house.state("case-0001") == "called_back"
    house.now = at
    Terminal(house, "kiosk-2").ask("case-0002")
    Terminal(house, "kiosk-3").ask("case-0003", code="012345")
    Terminal(house, "kiosk-4").ask("case-0004", code="012345")
    assert house.case("case-0003")["came"] == BEGAN  # when it was asked
    assert house.case("case-0004")["came"] == house.now == house.case("case-0002")["came"]
    assert [row["taken_by"] for row in house.store.rows(sa.select(call_backs))] == ["case-0003"]


def test_a_request_from_a_terminal_that_was_cut_off_is_kept_with_its_time(house: House) -> None:
    at = BEGAN + timedelta(hours=3)
    asked = v.CallBackAsked(case=None, visit="v", at=at, code="098765", need=NEED, level="urgent")
    house.take(Terminal(house).op(asked))
    (kept,) = house.store.rows(sa.select(call_backs))
    assert (kept["at"], kept["code"], kept["taken_by"]) == (at, "098765", "")


def test_a_message_is_kept_for_tellers_for_three_days_and_ends_the_wait(house: House) -> None:
    kiosk = Terminal(house)
    kiosk.ask("case-0001")
    house.take(kiosk.op(v.MessageLeft(case="case-0001", visit="v", text="请告诉我额度批了没有", need=NEED)))
    assert (house.state("case-0001"), house.case("case-0001")["reason"]) == ("ended", "message")
    (kept,) = house.store.rows(sa.select(left_messages))
    assert kept["text"] == "请告诉我额度批了没有"
    with house.store.write() as db:
        sweep.forget(db, house.now + timedelta(days=3, seconds=1), BEGAN - timedelta(days=400))
    assert house.store.rows(sa.select(left_messages)) == []


def test_who_served_a_customer_well_before_is_chosen_again(house: House) -> None:
    for name in ("li", "wang"):
        house.teller(name)
    alias = "a" * 32
    kiosk = Terminal(house)
    kiosk.ask("case-0001", alias=alias)
    first = house.case("case-0001")["teller"]
    other = {"li": "wang", "wang": "li"}[first]
    house.act(acts.refuse, first, "case-0001", "other")
    house.act(acts.accept, other, "case-0001")
    house.act(acts.connected_by_desk, other, "case-0001")
    house.now += timedelta(seconds=60)
    house.act(acts.hang_up, other, "case-0001")
    house.act(acts.file, other, "case-0001", "solved", "")
    sender = Sender()
    sender.log = "opinions"
    house.take(sender.event(m.OpinionGiven(visit="visit-case-0001", score=5)))
    house.act(acts.heard, first)
    kiosk.ask("case-0002", alias=alias)
    assert house.case("case-0002")["teller"] == other
    assert house.reasons("case-0002")[0]["terms"]["known"] == house.rules.weights.known


def test_a_supervisor_gives_a_visitor_to_somebody_who_can_and_to_nobody_else(house: House) -> None:
    house.teller("li")
    Terminal(house).ask("case-0001")
    house.teller("wang")
    house.teller("zhao", services=["wealth"])
    with pytest.raises(NotNow, match="cannot"):
        house.act(acts.assign, "boss", "case-0001", "zhao")
    assert house.case("case-0001")["teller"] == "li"  # nothing of what did not work has happened
    house.act(acts.assign, "boss", "case-0001", "wang")
    assert (house.case("case-0001")["teller"], house.doing("li")) == ("wang", "ready")
    assert [why["how"] for why in house.reasons("case-0001")] == ["score", "assigned"]


def test_many_workers_at_the_same_moment_give_each_visitor_one_teller(database: str) -> None:
    house = House(database)
    count = 12
    for number in range(count):
        Terminal(house, f"kiosk-{number}").ask(f"case-00{number:02d}")
        house.teller(f"teller-{number}", ready=False)
    stores = [Store(database) for _ in range(3)]
    start = threading.Barrier(count)
    failed: list[str] = []

    def come(number: int) -> None:
        name, store = f"teller-{number}", stores[number % len(stores)]
        start.wait()
        try:
            store.apply(lambda db: acts.ready(Pool(db, house.rules, house.now), name, [BRANCH]))
            sweep.sweep(store, house.rules, house.now)
        except (sa.exc.SQLAlchemyError, NotNow) as err:
            failed.append(type(err).__name__)

    threads = [threading.Thread(target=come, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    held = house.store.rows(sa.select(cases.c.teller, cases.c.state))
    assert {row["state"] for row in held} == {"offered"}
    assert len({row["teller"] for row in held}) == count
    assert {row["state"] for row in house.store.rows(sa.select(tellers.c.state))} == {"offered"}
    for store in stores:
        store.close()
    house.close()


def test_a_wish_that_nobody_could_read_is_refused_and_the_next_is_not(house: House) -> None:
    kiosk = Terminal(house)
    spoiled = kiosk.op(v.TellerAsked(case="case-0001", visit="v", packet=None, need=NEED))
    house.take(type(spoiled)(spoiled.topic, spoiled.payload.replace(b'"zh"', b'"xx"')))
    kiosk.ask("case-0002")
    assert [row["video_case"] for row in house.store.rows(sa.select(cases.c.video_case))] == ["case-0002"]


def test_the_rules_file_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ValueError, match="terminal_lost_s"):
        Routing(limits=Limits.model_construct(terminal_heard_s=100, terminal_lost_s=10).model_dump())  # type: ignore[arg-type]
