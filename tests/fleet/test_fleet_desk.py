"""yingbinctl and the page on a real broker and hub: a canary fails and goes back, the mended release goes through.

The terminals are simulated (`bench/fleet_kiosks.py`): they hear, pause, and say what came of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright
from typer.testing import CliRunner

from bench.fleet_kiosks import Fleet
from hub import ctl
from tests.hub.wirekit import ROOT, Running, start_broker, start_hub, until

pytestmark = pytest.mark.e2e
CHROMIUM = Path("/usr/bin/chromium")
OUT = ROOT / "out" / "desk"
PASSWORD = "correct horse battery"
WAIT_S, WAIT_MS = 120.0, 60_000
if not CHROMIUM.exists():
    pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium", allow_module_level=True)
TERMINALS = 12
PLAN: dict[str, Any] = {
    "version": "2.0.0", "waves": [{"number": 2, "approve": True}, {"share": 0.5}],
    "limits": {"failed": 1}, "pace": {"at_once": 4}, "on_stop": "return",
}  # fmt: skip


@dataclass
class House:
    """A broker, a hub with two operators, and simulated terminals."""

    address: str
    fleet: Fleet

    def ctl(self, *words: str, status: int = 0, text: str | None = None) -> Any:
        """Run yingbinctl as the person who signed in last; its JSON."""
        done = CliRunner().invoke(ctl.app, ["--hub", self.address, "--json", *words], input=text)
        assert done.exit_code == status, f"{words}: {done.output}"
        return json.loads(done.stdout) if done.stdout.strip().startswith("{") else done.output

    def login(self, name: str) -> None:
        self.ctl("login", name, text=PASSWORD + "\n")

    def page(self, browser: Any, name: str, path: str) -> Page:
        page: Page = browser.new_context(viewport={"width": 1440, "height": 1100}).new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{self.address}{path}", wait_until="commit")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("form button")
        page.wait_for_selector(".frame header")
        page.goto(f"{self.address}{path}", wait_until="commit")
        return page


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("fleet")
    OUT.mkdir(parents=True, exist_ok=True)
    before, ctl.SESSION = ctl.SESSION, folder / "ctl.json"
    broker = start_broker(folder / "broker")
    database = f"sqlite:///{folder}/hub.db"
    hub: Running = start_hub(broker.ready["port"], database, "--sign-in")
    for name in ("zhou", "chen"):
        command = [sys.executable, "-m", "hub", "account", "add", name, "--grant", "field-operator:*"]
        subprocess.run([*command, "--database", database], input=PASSWORD, text=True, check=True, cwd=ROOT)
    bad = [(number, "2.0.0") for number in range(TERMINALS)]
    fleet = Fleet(broker.ready["port"], TERMINALS, "1.0.0", bad, 3)
    fleet.appear()
    yield House(hub.ready["http"], fleet)
    fleet.close()
    hub.stop()
    broker.stop()
    ctl.SESSION = before


def known(house: House) -> list[dict[str, Any]]:
    return [one for one in house.ctl("list")["terminals"] if one["version"]]


def test_a_canary_fails_and_goes_back_the_mended_release_goes_through_and_both_are_seen(house: House) -> None:
    house.login("zhou")
    until(lambda: len(known(house)) == TERMINALS, WAIT_S, "the hub did not hear of every terminal")
    house.ctl("note", "branch-0/kiosk-1", "--region", "east", "--tag", "canary")
    assert [one["device"] for one in house.ctl("list", "canary")["terminals"]] == ["kiosk-1"]

    first = house.ctl("rollout", "create", "-", "--name", "autumn", text=json.dumps(PLAN))["campaign"]
    failed = house.ctl("rollout", "watch", first, "--most-s", str(WAIT_S), status=ctl.OVER)
    assert (failed["status"], failed["reason"]) == ("returned", "failed")
    assert house.fleet.running("1.0.0") == TERMINALS

    mended = PLAN | {"version": "2.0.1"}
    second = house.ctl("rollout", "create", "-", "--name", "autumn, mended", text=json.dumps(mended))["campaign"]

    def status() -> str:
        return str(house.ctl("rollout", "show", second)["status"])

    until(lambda: status() == "waiting", WAIT_S, "the canary did not come to its end")
    house.ctl("rollout", "approve", second, status=1)  # whoever made the plan does not approve it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = house.page(browser, "chen", "/desk/fleet")
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.wait_for_selector(f"[data-rollout='{second}'] [data-act=approve]")
        page.screenshot(path=str(OUT / "fleet.png"), full_page=True)
        page.click(f"[data-rollout='{second}'] [data-act=approve]")
        until(lambda: status() == "finished", WAIT_S, "the roll-out did not come to its end")
        page.wait_for_selector(f"[data-rollout='{second}'] .chip.ro-finished")
        page.fill(".search input", "east")
        page.wait_for_function("document.querySelectorAll('tr[data-terminal]').length === 1")
        page.screenshot(path=str(OUT / "fleet-finished.png"), full_page=True)
        page.goto(f"{house.address}/desk/fleet/branch-0/kiosk-1", wait_until="commit")
        page.wait_for_selector(".facts dd")
        page.click("[data-act=restart_core]")
        page.fill(".why input", "hangs after the update")
        page.click("[data-act=order]")
        page.wait_for_selector(".history li")
        page.screenshot(path=str(OUT / "fleet-terminal.png"), full_page=True)
        assert problems == []
        browser.close()
    assert house.fleet.running("2.0.1") == TERMINALS
    assert [one["act"]["kind"] for one in house.ctl("orders")["orders"]] == ["restart_part"]
    assert any(one["status"] == "returned" for one in house.ctl("rollout", "list")["rollouts"])


def test_who_has_not_the_right_is_told_so(house: House) -> None:
    house.login("zhou")
    house.ctl("show", "branch-9/kiosk-9", status=1)
    house.ctl("order", "branch-0/kiosk-1", "format_disk", "--reason", "because", status=2)
    house.ctl("order", "branch-0/kiosk-1", "self_test", "--reason", "x", status=1)  # no reason
    house.ctl("join", "branch-0/kiosk-9", "--code", "AAAAAAAA", status=1)  # this hub has no authority
    done = CliRunner().invoke(ctl.app, ["--hub", house.address, "list"])
    assert done.exit_code == 0 and "branch-0" in done.stdout
