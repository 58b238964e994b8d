"""The terminal's list of appointments: found by what the visitor has, used once, replaced by a newer list only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts import messages as m
from contracts import topics
from contracts.appointments import MOST, arrives, hashed
from contracts.queueing import EARLY, LATE, keeps
from kiosk.queueing.desk import AppointmentUsed, ServiceView, TicketDesk
from kiosk.sync.hub_clock import Timekeeper
from kiosk.sync.outbox import Outbox

pytestmark = pytest.mark.contract

NOON = datetime.fromisoformat("2026-11-20T13:00:00+08:00")
SALT = "0123456789abcdef" * 2


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TicketDesk]:
    made = open_desk(tmp_path)
    yield made
    made._outbox.close()


def open_desk(folder: Path) -> TicketDesk:
    outbox = Outbox(folder / "outbox.sqlite", keeper=Timekeeper(wall=lambda: NOON.astimezone(UTC)))
    return TicketDesk(outbox, [ServiceView("personal", "A"), ServiceView("wealth", "C")], kiosk_digit=0)


def listed(*rows: tuple[str, str, str, int], revision: int = 1) -> m.Appointments:
    return m.Appointments(
        id="1", at=NOON, mono_ns=0, branch="binjiang", revision=revision, salt=SALT,
        appointments=tuple(
            m.Appointment(
                ref=ref, code=hashed("code", code, SALT), tail=hashed("tail", tail, SALT) if tail else "",
                service="personal", due=(NOON + timedelta(minutes=minutes)).astimezone(UTC),
            )
            for ref, code, tail, minutes in rows
        ),
    )  # fmt: skip


def test_an_appointment_is_found_by_its_code_or_by_the_end_of_the_document_and_by_nothing_else(
    desk: TicketDesk,
) -> None:
    table = desk.appointments
    assert not table.known and table.find("code", "482913") == []
    assert table.keep(listed(("a", "482913", "4417", 10), ("b", "108664", "4417", 5), ("c", "000000", "", 20)))
    assert table.known
    assert [found.ref for found in table.find("code", "482913")] == ["a"]
    assert [found.ref for found in table.find("tail", "4417")] == ["b", "a"]
    assert table.find("code", "4417") == [] and table.find("tail", "482913") == []
    assert table.find("tail", "") == []  # who gave no document is not found by giving none


def test_neither_codes_nor_ends_can_be_read_from_the_disk_or_the_wire(desk: TicketDesk, tmp_path: Path) -> None:
    told = listed(("a", "482913", "4417", 10))
    desk.appointments.keep(told)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("outbox.sqlite*"))
    for text in (b"482913", b"4417"):
        assert text not in kept and text not in topics.APPOINTMENTS.encode(told)
    assert hashed("code", "4417", SALT) != hashed("tail", "4417", SALT)


def test_it_gives_one_ticket_with_its_time_also_after_a_restart_and_a_newer_list(tmp_path: Path) -> None:
    desk = open_desk(tmp_path)
    told = (("a", "482913", "4417", 10),)
    desk.appointments.keep(listed(*told))
    booked = desk.appointments.find("code", "482913")[0]
    ticket = desk.issue("personal", visit="v", language="zh", at=NOON, booked=booked)
    with pytest.raises(AppointmentUsed):
        desk.issue("personal", visit="w", language="zh", at=NOON, booked=booked)
    issued = [topics.TICKETS_OP.decode(owed.payload).body for owed in desk._outbox.pending()]
    assert [(body.number, body.due) for body in issued if isinstance(body, m.TicketIssued)] == [
        (ticket.number, booked.due)
    ]
    desk._outbox.close()
    again = open_desk(tmp_path)
    again.appointments.keep(listed(*told, revision=2))
    assert again.appointments.find("code", "482913")[0].number == ticket.number
    assert again.issue("personal", visit="x", language="zh", at=NOON).number == "A002"  # the refused one took no number
    again._outbox.close()


def test_what_another_terminal_gave_a_ticket_for_is_used_here_too(desk: TicketDesk) -> None:
    desk.appointments.keep(listed(("a", "482913", "", 10), ("b", "108664", "", 10)))
    booked = desk.appointments.find("code", "482913")[0]
    state = m.TicketsState(
        id="1", at=NOON, mono_ns=0, branch="binjiang", store="s", revision=1, day="2026-11-20", services=(), tickets=(),
        open_tickets=1, issued={"A1": 3}, arrived={"a": "A103", "not-ours": "A104"},
    )  # fmt: skip
    desk.catch_up(topics.TICKETS_STATE.decode(topics.TICKETS_STATE.encode(state)))
    assert desk.appointments.find("code", "482913")[0].number == "A103"
    assert desk.appointments.find("code", "108664")[0].number == ""
    with pytest.raises(AppointmentUsed):
        desk.issue("personal", visit="v", language="zh", at=NOON, booked=booked)


def test_only_a_newer_list_replaces_what_is_kept_and_what_is_over_is_forgotten(desk: TicketDesk) -> None:
    table = desk.appointments
    assert table.keep(listed(("a", "482913", "", 10), revision=5))
    assert not table.keep(listed(("b", "108664", "", 10), revision=5))
    assert not table.keep(listed(revision=4))
    assert table.keep(listed(("b", "108664", "", 10), ("old", "111111", "", -25 * 60), revision=6))
    assert table.find("code", "482913") == [] and table.find("code", "111111") == []
    assert [found.ref for found in table.find("code", "108664")] == ["b"]


def test_somebody_is_expected_around_the_time_and_not_once_they_came(desk: TicketDesk) -> None:
    table = desk.appointments
    table.keep(listed(("a", "482913", "", 60)))
    due = NOON + timedelta(minutes=60)
    times = {NOON: False, due - EARLY: True, due: True, due + LATE: True, due + LATE + timedelta(seconds=1): False}
    assert {at: table.expected(at) for at in times} == times
    table.use("a", "A001")
    assert not table.expected(due)


@pytest.mark.parametrize(
    ("minutes", "stands"),
    [(-31, "early"), (-30, "kept"), (0, "kept"), (15, "kept"), (16, "late"), (-24 * 60, "other_day")],
)
def test_who_keeps_the_appointment_is_who_has_the_queue_s_head_start(minutes: int, stands: str) -> None:
    came = NOON + timedelta(minutes=minutes)
    assert arrives(came, NOON) == stands
    assert (stands == "kept") == keeps(came, NOON)


def test_a_full_list_fits_its_row() -> None:
    rows = tuple((f"{'r' * 32}-{at:06d}", f"{at:06d}", f"{at % 10_000:04d}", 10) for at in range(12))
    few = topics.APPOINTMENTS.encode(listed(*rows))
    assert len(few) / 12 * MOST < topics.APPOINTMENTS.limit_bytes
