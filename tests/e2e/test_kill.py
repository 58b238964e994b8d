"""Hub and broker killed in mid-visit: the visit goes on, and nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections import Counter
from pathlib import Path

import pytest

from config.scenario import find_scenario, load_scenario
from config.schema import SITE_VARIABLE, load_site, site_path
from kiosk.runtime.supervisor import Supervisor
from kiosk.scenario.demo import DemoOptions, run_demo

pytestmark = pytest.mark.e2e


def always_open(folder: Path) -> Path:
    """The site in force, whose day never ends: that it ended is owed to the hub too, and is no row that it lists."""
    hours = r"\1 = { opens = 00:00:00, closes = 23:59:59 }"
    text, changed = re.subn(r"(?m)^(\w+day) = \{ opens = .*\}$", hours, site_path().read_text("utf-8"))
    assert changed == 6
    (folder / "site.toml").write_text(text, "utf-8")
    return folder / "site.toml"


async def test_killing_hub_and_broker_in_mid_visit_loses_no_ticket_and_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SITE_VARIABLE, str(always_open(tmp_path)))
    killed: list[str] = []

    async def disturb(supervisor: Supervisor) -> None:
        """While the visitor talks: the hub at 12 s, the broker at 18 s, the hub again at 26 s."""
        for after_s, name in ((12, "hub"), (6, "broker"), (8, "hub")):
            await asyncio.sleep(after_s)
            os.kill(supervisor.pid(name), signal.SIGKILL)
            killed.append(name)

    options = DemoOptions(
        scenario=load_scenario(find_scenario("withdraw_zh")),
        site=load_site(),
        out=tmp_path,
        headless=True,
        film=False,
    )
    account = await run_demo(options, lambda line: None, disturb)
    assert killed == ["hub", "broker", "hub"] and account["restarts"] >= 3
    assert account["failures"] == []
    assert account["ticket_at_hub"] is True
    assert account["tallies"]["owed_to_hub"] == 0
    kinds = Counter(row["kind"] for row in account["hub_rows"])
    for once in ("visit_started", "greeted", "ticket_taken", "opinion_given", "visit_ended", "ticket", "opinion"):
        assert kinds[once] == 1, kinds
    assert kinds["understood"] == len(account["turns"])
    seqs = [row["seq"] for row in account["hub_rows"] if row["kind"] != "opinion"]
    assert sorted(seqs) == list(range(1, len(seqs) + 1))
