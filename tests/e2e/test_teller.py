"""A visitor asks for a person by voice and sees one: terminal, hub and a teller's real browser, nothing between them.

The visitor is recorded; everything else is what runs in a branch: core, screen and call process, broker, hub, Chromium.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from config.scenario import load_scenario
from config.schema import SITE_VARIABLE
from hub.calls.relay import standing
from hub.store import Store
from kiosk.scenario.prepare import recording_folder
from tests.hub.test_video_desk import CHROMIUM, OUT, PASSWORD, RULES, WAIT_MS, House, run_hub
from tests.hub.wirekit import BRANCH, ROOT, SITE, start_broker, start_hub, until

pytestmark = pytest.mark.e2e

SCENARIO = """
id: teller_zh
title: 视频柜员 (asks for a person on video)
lobby: {distance_m: 0.6, echo_gain: 0.1}
steps:
  - approach: {seconds: 2, face_share: 0.26}
  - expect: {moment: greeted, within_s: 30}
  - wait: 4
  - say: {text: "请帮我接一个视频柜员，我要跟真人说话。"}
  - expect: {moment: did, facts: {action: ask_teller}, within_s: 60}
  - wait: 60
  - wait: 60
  - wait: 60
  - wait: 60
  - wait: 60
"""
FAKE_MEDIA = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
SEES = "document.querySelector('[data-call] video.remote')?.videoWidth > 0"


@contextmanager
def staffed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scenario: str, *people: tuple[str, str]
) -> Iterator[tuple[House, Path]]:
    """A terminal with a recorded visitor, a hub with one teller and more people, a browser with a camera."""
    (tmp_path / "routing.toml").write_text(RULES)
    (tmp_path / "site.toml").write_text(SITE.read_text("utf-8") + "\n[tellers]\nenabled = true\n", "utf-8")
    (tmp_path / "visitor.yaml").write_text(scenario, "utf-8")
    monkeypatch.setenv("YINGBIN_ROUTING", str(tmp_path / "routing.toml"))
    monkeypatch.setenv(SITE_VARIABLE, str(tmp_path / "site.toml"))
    recorded = str(tmp_path / "visitor.yaml")
    subprocess.run([sys.executable, "-m", "kiosk", "record", "--scenario", recorded], cwd=ROOT, check=True)
    broker = start_broker(tmp_path / "broker")
    database = f"sqlite:///{tmp_path}/hub.db"
    hub = start_hub(broker.ready["port"], database, "--sign-in")
    for name, grant in (("li", f"teller:{BRANCH}"), *people):
        run_hub("account", "add", name, "--grant", grant, "--database", database, said=PASSWORD + "\n")
    run_hub("teller", "li", "--service", "personal", "--language", "zh", "--level", "3", "--database", database)
    parts: dict[str, tuple[str, ...]] = {
        "core": (
            "kiosk", "core", "--hub", f"127.0.0.1:{broker.ready['port']}", "--state", str(tmp_path), "--socket",
            str(tmp_path / "screen.sock"), "--tickets", str(tmp_path / "tickets"), "--scenario", recorded,
            "--recording", str(recording_folder(load_scenario(Path(recorded)))), "--report",
            str(tmp_path / "account.json"), "--sound", str(tmp_path / "visit.wav"),
        ),
        "screen": ("kiosk.screen", "--socket", str(tmp_path / "screen.sock"), "--size", "540x960", "--headless"),
        "call": ("kiosk.call", "--socket", str(tmp_path / "call.sock")),
    }  # fmt: skip
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FAKE_MEDIA))
        made = House(broker, hub, browser)
        running = []
        for name in ("screen", "call", "core"):
            with (tmp_path / f"{name}.log").open("wb") as log:
                argv = [sys.executable, "-m", *parts[name]]
                running.append(subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log))
        yield made, tmp_path
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)
        browser.close()
    hub.stop()
    broker.stop()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, Path]]:
    OUT.mkdir(parents=True, exist_ok=True)
    with staffed(tmp_path, monkeypatch, SCENARIO) as made:
        yield made


def test_a_visitor_asks_by_voice_is_accepted_seen_and_put_on_the_account(place: tuple[House, Path]) -> None:
    house, folder = place
    teller = house.signed_in("li", "/desk/teller")
    teller.wait_for_selector("[data-act=ready]")
    teller.click("[data-act=ready]")
    teller.wait_for_selector("[data-act=accept]", timeout=2 * WAIT_MS)
    assert "真人" in teller.inner_text(".handover")  # what was said, before anybody is seen
    assert teller.query_selector("[data-call]") is None
    case = teller.get_attribute("#case", "data-case") or ""
    teller.click("[data-act=accept]")
    teller.wait_for_function(SEES, timeout=WAIT_MS)
    teller.wait_for_selector("#video.talking")  # the terminal said that pictures flow
    teller.wait_for_timeout(2_000)  # the picture of the page: somebody is in it
    teller.screenshot(path=OUT / "teller_call.png", full_page=True)
    teller.click("[data-act=hang_up]")
    teller.wait_for_selector(".wrap-up textarea")
    assert teller.query_selector("[data-call]") is None
    teller.click("[data-act=file]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    store = Store(f"sqlite:///{folder}/hub.db")

    def media() -> str:
        with store.read() as db:
            found = standing(db, BRANCH, case)
        return found.media if found else ""

    until(lambda: media() == "over", WAIT_MS / 1000, "the terminal's call is still open")
    store.close()
    assert not house.problems
