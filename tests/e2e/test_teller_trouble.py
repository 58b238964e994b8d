"""When it goes wrong with a teller: nobody free, the browser gone, the terminal's core killed. Nobody is stuck.

A real core and call process without camera, microphone or loudspeaker, driven by touch; broker, hub, Chromium.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, sync_playwright

from config.schema import SITE_VARIABLE
from contracts.framing import Framing
from contracts.screen import MAX_MESSAGE_BYTES, Ready, ScreenState, ToScreen, Touch
from hub.store import Store
from hub.video.tables import call_backs, case_changes, cases
from tests.e2e.test_missing_devices import BARE
from tests.hub.test_teller_help_desk import begin
from tests.hub.test_video_desk import CHROMIUM, OUT, PASSWORD, WAIT_MS, House, Kiosk, run_hub
from tests.hub.wirekit import BRANCH, ROOT, SITE, start_broker, start_hub, until

pytestmark = pytest.mark.e2e
FAKE_MEDIA = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
WAIT_S = 180.0
START_S = 420.0  # a busy machine loads its models slowly
# Who was lost is waited for only a moment; the one teller may have the same visitor again at once.
RULES = """
[limits]
offer_s = 300
connect_s = 300
after_work_s = 3600
reconnect_s = 8
teller_heard_s = 120
terminal_heard_s = 120
terminal_lost_s = 3600
refused_rest_s = 0
too_long_min = 1
"""
ASK = "wish_call_remote_teller"


class Glass:
    """A screen that only looks and touches: it keeps what is shown, and everything that she said."""

    def __init__(self, path: Path) -> None:
        self.state: ScreenState | None = None
        self.said: list[str] = []
        self._framing: Framing[ToScreen] = Framing(ToScreen, MAX_MESSAGE_BYTES)
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(path))
        self._line.sendall(self._framing.encode(Ready(1080, 1920, "dummy", os.getpid())))
        self._reading = threading.Thread(target=self._read, name="glass", daemon=True)
        self._reading.start()

    def _read(self) -> None:
        with suppress(OSError):
            while received := self._line.recv(65536):
                for message in self._framing.feed(received):
                    if isinstance(message, ScreenState):
                        self.said += [one.text for one in message.captions if one.speaker == "receptionist"]
                        self.state = message

    def touch(self, target: str) -> None:
        """Once it is there; what is not shown may still be wished for."""
        if not target.startswith("wish_"):
            until(lambda: target in self.targets, WAIT_S, f"{target} is not shown: {self.targets}")
        assert self.state is not None
        self._line.sendall(self._framing.encode(Touch(self.state.revision, target, 0)))

    @property
    def targets(self) -> set[str]:
        return {one.id for one in self.state.targets} if self.state else set()

    def hears(self, words: str, since: int = 0) -> None:
        """Wait until she has said it."""
        until(lambda: any(re.search(words, one) for one in self.said[since:]), WAIT_S, f"{words}: {self.said[-3:]}")

    def close(self) -> None:
        with suppress(OSError):
            self._line.shutdown(socket.SHUT_RDWR)
        self._line.close()
        self._reading.join(5)


@dataclass
class Lobby:
    """One terminal of a branch, its hub, and a browser for its teller."""

    house: House
    folder: Path
    store: Store
    glass: Glass | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start the core or the call process; a core is looked at through a new glass."""
        parts = {
            "core": ("kiosk", "core", "--hub", f"127.0.0.1:{self.house.broker.ready['port']}", "--state",
                     str(self.folder / "state"), "--socket", str(self.folder / "screen.sock"), "--tickets",
                     str(self.folder / "tickets")),
            "call": ("kiosk.call", "--socket", str(self.folder / "call.sock")),
        }  # fmt: skip
        with (self.folder / f"{name}.log").open("ab") as log:
            argv = [sys.executable, "-m", *parts[name]]
            self.running[name] = subprocess.Popen(
                argv, cwd=ROOT, env={**os.environ, **BARE}, stdout=subprocess.DEVNULL, stderr=log
            )
        if name == "core":
            until(self._looks, START_S, "the terminal did not open its screen's socket")

    def _looks(self) -> bool:
        with suppress(FileNotFoundError, ConnectionRefusedError):
            self.glass = Glass(self.folder / "screen.sock")
            return True
        return False

    def kill_core(self) -> None:
        assert self.glass is not None
        self.running["core"].kill()
        self.running["core"].wait(30)
        self.glass.close()

    def idle(self) -> Glass:
        """The terminal is ready for a visitor, and the hub is there."""
        glass = self.glass
        assert glass is not None

        def ready() -> bool:
            return glass.state is not None and glass.state.page in ("attract", "outage") and "hub" not in (
                glass.state.lights.missing
            )  # fmt: skip

        until(ready, START_S, "the terminal is not ready")
        return glass

    def case(self, device: str = "kiosk-1") -> dict[str, object]:
        """The newest case of a terminal."""
        found = self.store.rows(sa.select(cases).where(cases.c.device == device).order_by(cases.c.came.desc()).limit(1))
        return found[0] if found else {"state": ""}

    def comes_to(self, *states: str, what: Callable[[], None] = lambda: None) -> None:
        def there() -> bool:
            what()
            return self.case()["state"] in states

        until(there, WAIT_S, f"the case is {self.case()['state']}, not {states}")

    def history(self, case: object) -> list[tuple[str, str]]:
        mine = sa.select(case_changes).where(case_changes.c.video_case == case).order_by(case_changes.c.id)
        return [(row["event"], row["reason"]) for row in self.store.rows(mine)]


@pytest.fixture
def lobby(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lobby]:
    OUT.mkdir(parents=True, exist_ok=True)
    (tmp_path / "routing.toml").write_text(RULES)
    site = SITE.read_text("utf-8") + '\n[tellers]\nenabled = true\n[ports]\ncamera = "/dev/no-camera"\n'
    (tmp_path / "site.toml").write_text(site, "utf-8")
    monkeypatch.setenv("YINGBIN_ROUTING", str(tmp_path / "routing.toml"))
    monkeypatch.setenv(SITE_VARIABLE, str(tmp_path / "site.toml"))
    broker = start_broker(tmp_path / "broker")
    database = f"sqlite:///{tmp_path}/hub.db"
    hub = start_hub(broker.ready["port"], database, "--sign-in")
    run_hub("account", "add", "li", "--grant", f"teller:{BRANCH}", "--database", database, said=PASSWORD + "\n")
    run_hub("teller", "li", "--service", "personal", "--level", "3", "--database", database)
    store = Store(database)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FAKE_MEDIA))
        made = Lobby(House(broker, hub, browser), tmp_path, store)
        try:
            made.start("call")
            made.start("core")
            yield made
        finally:
            for process in made.running.values():
                process.terminate()
            for process in made.running.values():
                process.wait(30)
            if made.glass is not None:
                made.glass.close()
            browser.close()
    store.close()
    hub.stop()
    broker.stop()
    assert not made.house.problems


def ready(lobby: Lobby, *, devices: bool = True) -> Page:
    """The teller signs in and is ready; without `devices` the browser has neither camera nor microphone."""
    page = lobby.house.signed_in("li", "/desk/teller")
    if not devices:
        page.evaluate(
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }; 0"
        )
    page.wait_for_function("document.querySelector('[data-act=ready], [data-act=accept], #doing.teller-ready')")
    if page.query_selector("[data-act=ready]"):
        page.click("[data-act=ready]")
    return page


def accept(page: Page) -> None:
    page.wait_for_selector("[data-act=accept]")
    page.click("[data-act=accept]")
    page.wait_for_selector("#video.talking", timeout=WAIT_MS)


def stays(page: Page) -> None:
    """Where neither side has anything to send the line is not taken for a cut one, which would be seen in 4 s."""
    page.wait_for_selector(".yb-call[data-standing=up]")
    page.evaluate(
        "window.fell = false;"
        "document.addEventListener('call', ({ detail }) => { window.fell ||= detail.standing === 'lost'; })"
    )
    page.wait_for_timeout(5_000)
    assert not page.evaluate("window.fell")


def test_with_every_teller_busy_a_visitor_is_told_how_long_and_comes_back_with_a_code(lobby: Lobby) -> None:
    glass = lobby.idle()
    page = ready(lobby)
    page.wait_for_selector("#doing:has-text('空闲')")
    other = Kiosk(lobby.house, "kiosk-2")  # somebody at another terminal has the only teller
    other.ask()
    page.wait_for_selector("[data-act=accept]")
    page.click("[data-act=accept]")
    begin(page)
    glass.touch(ASK)
    glass.hears(r"您是下一位。大约等\d+分钟，很少超过\d+分钟")
    assert {"wait", "other"} <= glass.targets
    glass.touch("other")
    until(lambda: {"ticket", "call_back", "message", "self"} <= glass.targets, WAIT_S, "no other ways are shown")
    glass.touch("call_back")
    glass.touch("book")
    glass.hears(r"约好了")
    told = next(re.search(r"输入((?:\d ?){6})", one) for one in glass.said if "约好了" in one)
    assert told is not None
    code = told[1].replace(" ", "")
    until(lambda: bool(lobby.store.rows(sa.select(call_backs))), WAIT_S, "the hub was not told of the call-back")
    (row,) = lobby.store.rows(sa.select(call_backs))
    assert (row["code"], row["device"]) == (code, "kiosk-1")
    lobby.comes_to("called_back")
    page.screenshot(path=OUT / "teller_busy.png", full_page=True)
    page.context.close()
    other.close()


def test_a_browser_that_closes_and_a_core_that_is_killed_end_in_something_stated(lobby: Lobby) -> None:
    glass = lobby.idle()
    page = ready(lobby)
    page.wait_for_selector("#doing:has-text('空闲')")
    glass.touch(ASK)
    accept(page)
    case = lobby.case()["video_case"]
    page.wait_for_selector(".yb-call .hint:has-text('没有麦克风')")  # the terminal has none, nor a camera
    assert "没有摄像头" in page.inner_text(".yb-call .hint")
    stays(page)
    page.screenshot(path=OUT / "teller_no_devices.png", full_page=True)
    mark = len(glass.said)
    page.context.close()  # in mid-call
    lobby.comes_to("paused_reconnecting")
    glass.hears("画面断了，正在重新接通", since=mark)
    lobby.comes_to("waiting", "offered")  # nobody came back in time: at the old place, for whoever is there
    assert ("not_connected", "not_resumed") in lobby.history(case)
    mark = len(glass.said)

    page = ready(lobby, devices=False)  # the teller is back, without camera and microphone
    accept(page)
    assert lobby.case()["video_case"] == case
    assert "没有找到您的摄像头或麦克风" in page.inner_text(".yb-call .hint")
    stays(page)
    lobby.kill_core()
    page.wait_for_selector(".yb-call[data-standing=over], .wrap-up")  # told by the call process itself
    page.screenshot(path=OUT / "teller_core_killed.png", full_page=True)
    lobby.start("core")
    lobby.idle()  # the terminal is back for the next visitor
    page.wait_for_selector(".wrap-up textarea")  # the new core told the hub that nobody is there any more
    assert lobby.case()["state"] == "wrapping_up"
    assert ("left", "lost") in lobby.history(case)
    page.click("[data-act=file]")
    page.wait_for_selector("#doing:has-text('空闲')")
    lobby.comes_to("wrapped_up")
    assert lobby.glass is not None and lobby.glass.state is not None and not lobby.glass.state.captions
    page.context.close()
