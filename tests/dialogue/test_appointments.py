"""Somebody comes for an appointment: every outcome has words and a way on, and nothing of the code is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from config.guesses import load_guesses
from config.schema import load_site
from contracts import messages as m
from contracts import topics
from kiosk.dialogue.guessing import Guessing
from tests.dialogue.table import Stage
from tests.kiosk.fake_kiosk import NOON

pytestmark = pytest.mark.contract

COME = {"touch": "wish_appointment_checkin"}
CODE = [COME, {"touch": "by_code", "expect": {"page": "keypad"}}]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def make(**given: Any) -> Stage:
        made.append(Stage(tmp_path, **given))
        return made[-1]

    yield make
    for one in made:
        one.close()


def at(way: str, **more: Any) -> dict[str, Any]:
    return {"expect": {"at": f"appointment:{way}", **more}}


@pytest.mark.parametrize(
    ("typed", "way", "says"),
    [
        ("482914", "none", ["没查到"]),
        ("730155", "early", ["15:00", "14:30"]),
        ("264801", "late", ["12:20"]),
        ("519372", "other_day", ["11月21日"]),
    ],
)
async def test_each_outcome_is_said_and_leaves_an_ordinary_ticket_and_a_person(
    stage: Callable[..., Stage], typed: str, way: str, says: list[str]
) -> None:
    told = stage()
    await told.play(
        [
            *CODE,
            {"type": typed, **at(way, says=says, targets=["ordinary", "person"], ticket=False, never=["{", typed])},
        ],
        appointments=True,
    )
    await told.play([{"touch": "ordinary"}])
    if told.at == "ticket:which":  # the appointment that was not found names no service
        await told.play([{"touch": "service_personal"}])
    assert told.at == "ticket:issued" and told.visit.ticket is not None
    issued = [topics.TICKETS_OP.decode(row.payload).body for row in told.scripted.ledger.outbox.pending()
              if row.topic is topics.TICKETS_OP]  # fmt: skip
    assert [body.due for body in issued if isinstance(body, m.TicketIssued)] == [None]


async def test_the_ticket_has_the_appointment_s_time_and_service(stage: Callable[..., Stage]) -> None:
    told = stage()
    await told.play(
        [*CODE, {"type": "977120", **at("issued", ticket=True, page="ticket", says=["C001", "13:15"])}],
        appointments=True,
    )
    issued = [topics.TICKETS_OP.decode(row.payload).body for row in told.scripted.ledger.outbox.pending()
              if row.topic is topics.TICKETS_OP]  # fmt: skip
    assert [(body.service, body.due is not None) for body in issued if isinstance(body, m.TicketIssued)] == [
        ("wealth", True)
    ]


async def test_a_code_that_is_held_up_and_one_that_is_not_ours(stage: Callable[..., Stage]) -> None:
    told = stage()
    await told.play(
        [
            COME,
            {"touch": "by_qr", **at("scan")},
            {"touch": "ready", **at("not_seen")},
            {"qr": "https://qinghe.example/elsewhere"},
            {"touch": "ready", **at("not_ours")},
            {"qr": "yingbin:a:482913"},
            {"touch": "ready", "expect": {"did": ["scan_code", "find_appointment", "issue_ticket"], "ticket": True}},
        ],
        appointments=True,
    )


async def test_ends_that_two_share_need_the_code(stage: Callable[..., Stage]) -> None:
    told = stage()
    await told.play(
        [
            COME,
            {"touch": "by_tail", "expect": {"page": "keypad"}},
            {"type": "5511", **at("several", page="keypad", ticket=False)},
            {"type": "108664", **at("issued", ticket=True)},
        ],
        appointments=True,
    )


async def test_nobody_tries_codes_for_ever(stage: Callable[..., Stage]) -> None:
    told = stage()
    turns: list[dict[str, Any]] = [COME]
    for typed in ("111111", "222222", "333333", "444444"):
        turns += [{"touch": "by_code"}, {"type": typed, **at("none")}, {"touch": "once_more"}]
    turns += [{"touch": "by_code"}, {"type": "482913", **at("too_often", targets=["ordinary", "person"], ticket=False)}]
    await told.play(turns, appointments=True)


async def test_who_has_a_ticket_already_changes_it_and_one_appointment_gives_one(stage: Callable[..., Stage]) -> None:
    told = stage()
    await told.play(
        [
            *CODE,
            {"type": "482913", **at("issued", ticket=True)},
            {**COME, **at("has_ticket", says=["A001"])},
            {"touch": "swap", "expect": {"did": ["give_ticket_back"], "ticket": False}},
            {"touch": "by_code"},
            {"type": "482913", **at("used", ticket=False, targets=["ordinary", "person"])},
        ],
        appointments=True,
    )


async def test_without_a_list_the_core_bank_is_asked_and_without_both_a_person_is_offered(
    stage: Callable[..., Stage],
) -> None:
    with_bank = stage()
    await with_bank.play([{**COME, "expect": {"at": "booking:come_phone"}}])
    with_bank.close()
    alone = stage(bank=False)
    await alone.play([{**COME, "expect": {"at": "person:offer"}}])


@pytest.mark.parametrize("expected", [True, False])
def test_i_have_an_appointment_is_offered_while_somebody_is_expected(expected: bool) -> None:
    guessing = Guessing(load_guesses(), expects=lambda: expected)
    shown = [row.wish for row in guessing.likely(load_site(), NOON, ticket=False)]
    assert ("appointment_checkin" in shown) == expected
