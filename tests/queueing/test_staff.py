"""Staff at a terminal without a hub: beside the running terminal, on its own tickets only."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.schema import load_site
from contracts import messages as m
from contracts import topics
from kiosk.__main__ import app
from kiosk.queueing.desk import ServiceView, TicketDesk
from kiosk.sync.outbox import Outbox

pytestmark = pytest.mark.contract


def staff(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    ran = CliRunner().invoke(app, ["staff", *arguments, "--state", str(folder)])
    return ran.exit_code, ran.output.split()


@pytest.fixture
def terminal(tmp_path: Path) -> TicketDesk:
    site = load_site(None)
    services = [ServiceView(service.id, service.letter) for service in site.services]
    desk = TicketDesk(
        Outbox(tmp_path / "outbox.sqlite"), services, kiosk_digit=site.device.kiosk_digit, device=site.device.id
    )
    for service in ("personal", "wealth", "personal"):
        desk.issue(service, visit="v", language="zh", at=datetime.now().astimezone())
    return desk


def test_a_visitor_is_called_recalled_served_and_finished_and_the_hub_is_owed_each_step(
    terminal: TicketDesk, tmp_path: Path
) -> None:
    assert staff(tmp_path, "call", "--service", "personal", "--counter", "2") == (0, ["A001"])
    assert staff(tmp_path, "recall", "A001") == (0, ["recalled"])
    assert staff(tmp_path, "serve", "A001") == (0, ["serving"])
    assert staff(tmp_path, "finish", "A001") == (0, ["done"])
    assert staff(tmp_path, "list")[1][:3] == ["C001", "waiting", "wealth"]
    outbox = Outbox(tmp_path / "outbox.sqlite")
    bodies = [topics.TICKETS_OP.decode(owed.payload).body for owed in outbox.pending()]
    outbox.close()
    assert [body.event for body in bodies if isinstance(body, m.TicketHandled)] == [
        "called", "recalled", "serving_began", "finished",
    ]  # fmt: skip


def test_while_the_hub_is_there_the_terminal_does_not_call(terminal: TicketDesk, tmp_path: Path) -> None:
    terminal.line.hub_is(True)
    status, said = staff(tmp_path, "call")
    assert status == 2 and "desk" in said
    terminal.line.hub_is(False)
    assert staff(tmp_path, "call") == (0, ["A001"])


def test_what_cannot_be_is_said(terminal: TicketDesk, tmp_path: Path) -> None:
    assert staff(tmp_path, "finish", "A001")[0] == 2  # nobody called it
    assert staff(tmp_path, "call", "--service", "corporate")[1][:1] == ["nobody"]
    assert staff(tmp_path, "finish", "A999")[0] == 2
    assert staff(tmp_path, "dance", "A001")[0] == 2
    assert staff(tmp_path / "elsewhere", "list")[0] == 2
