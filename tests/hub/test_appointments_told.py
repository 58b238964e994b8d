"""From the bank's list to a terminal's table, over a real broker; and what is refused with a reason."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts import messages as m
from contracts import topics
from contracts.appointments import MOST
from hub.__main__ import app
from hub.appointments import ListProblem, message, read_list
from kiosk.adapters.mqtt import PahoBus
from kiosk.queueing.appointments import AppointmentTable
from kiosk.sync.link import Link, LinkPace
from kiosk.sync.outbox import Outbox
from tests.hub.wirekit import BRANCH, DEVICE, start_broker

pytestmark = pytest.mark.contract

NOW = datetime.now(UTC)
DUE = (NOW + timedelta(minutes=20)).isoformat()
HEAD = "ref,code,tail,service,due"


def write(folder: Path, *rows: str, head: str = HEAD) -> Path:
    path = folder / "list.csv"
    path.write_text("\n".join((head, *rows)) + "\n", "utf-8")
    return path


async def test_a_list_that_was_told_before_the_terminal_came_is_found_in_its_table(tmp_path: Path) -> None:
    broker = await asyncio.to_thread(start_broker, tmp_path / "broker", 0, "mosquitto")
    try:
        port = int(broker.ready["port"])
        path = write(tmp_path, f"b-1,482913,441X,personal,{DUE}", f"b-2,108664,,wealth,{DUE}")
        arguments = ["appointments", "--branch", BRANCH, "--file", str(path), "--broker", f"127.0.0.1:{port}"]
        ran = await asyncio.to_thread(CliRunner().invoke, app, arguments)
        assert ran.exit_code == 0 and "2 appointments" in ran.output and "482913" not in ran.output
        outbox, came = Outbox(tmp_path / "outbox.sqlite"), asyncio.Event()
        table = AppointmentTable(outbox)

        def keep(told: m.Appointments) -> None:
            table.keep(told)
            came.set()

        link = Link(
            PahoBus("127.0.0.1", port, client_id="kiosk", keepalive_s=20), outbox, branch=BRANCH, device=DEVICE,
            versions={}, pace=LinkPace(tick_s=0.05), on_appointments=keep,
        )  # fmt: skip
        running = asyncio.create_task(link.run())
        try:
            async with asyncio.timeout(30):
                await came.wait()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running
        assert [found.ref for found in table.find("tail", "4410")] == ["b-1"]
        assert [found.service for found in table.find("code", "108664")] == ["wealth"]
        outbox.close()
    finally:
        await asyncio.to_thread(broker.stop)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("b-1,48291,4417,personal,{due}", "code must have 6 digits"),
        ("b-1,482913,44171,personal,{due}", "tail must be"),
        ("b-1,482913,4417,personal,tomorrow", "due must be a time"),
        ("b-1,482913,4417,personal,2026-11-20T13:10:00", "no time zone"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_without_what_is_private(tmp_path: Path, row: str, says: str) -> None:
    path = write(tmp_path, row.format(due=DUE))
    with pytest.raises(ListProblem, match=says) as found:
        read_list(path, NOW)
    assert ":2:" in str(found.value) and "48291" not in str(found.value) and "4417" not in str(found.value)


def test_a_whole_list_is_refused_for_columns_doubles_length_and_names(tmp_path: Path) -> None:
    with pytest.raises(ListProblem, match="column due is missing"):
        read_list(write(tmp_path, head="ref,code,tail,service"), NOW)
    with pytest.raises(ListProblem, match="share a code"):
        read_list(write(tmp_path, f"b-1,482913,,personal,{DUE}", f"b-2,482913,,personal,{DUE}"), NOW)
    many = (f"b-{at},{at:06d},,personal,{DUE}" for at in range(MOST + 1))
    with pytest.raises(ListProblem, match=f"at most {MOST}"):
        read_list(write(tmp_path, *many), NOW)
    rows = read_list(write(tmp_path, f"b-1,482913,,Personal Banking,{DUE}"), NOW)
    with pytest.raises(ListProblem, match="Personal Banking"):
        message(BRANCH, rows, NOW)


def test_what_is_over_is_left_out_and_a_list_may_be_empty(tmp_path: Path) -> None:
    old = (NOW - timedelta(days=2)).isoformat()
    assert read_list(write(tmp_path, f"b-1,482913,,personal,{old}"), NOW) == []
    told = topics.APPOINTMENTS.decode(message(BRANCH, [], NOW))
    assert told.appointments == () and told.branch == BRANCH


def test_without_a_broker_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, f"b-1,482913,,personal,{DUE}")
    ran = CliRunner().invoke(app, ["appointments", "--branch", BRANCH, "--file", str(path), "--broker", "127.0.0.1:9"])
    assert ran.exit_code == 1
