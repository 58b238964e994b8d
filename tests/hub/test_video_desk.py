"""The teller's day in a real browser: the hand-over first, the talk, the account; and refused, the next teller."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Page, sync_playwright

from contracts import topics
from contracts import video_messages as v
from contracts.handover import IdentityState, Mood, RiskFound, RiskReason
from hub.bus import Arrived
from kiosk.risk.handover import Known, build
from tests.hub.wirekit import BRANCH, ROOT, Running, Sender, start_broker, start_hub, until

pytestmark = pytest.mark.e2e
CHROMIUM = Path("/usr/bin/chromium")
OUT = ROOT / "out" / "desk"
PASSWORD = "correct horse battery"
WAIT_MS = 60_000
if not CHROMIUM.exists():
    pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium", allow_module_level=True)


@dataclass
class House:
    """A broker, a hub with tellers, a browser."""

    broker: Running
    hub: Running
    browser: Browser
    problems: list[str] = field(default_factory=list)

    def signed_in(self, name: str, path: str) -> Page:
        page = self.browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.goto(self.hub.ready["http"] + path, wait_until="commit")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("form button")
        page.wait_for_selector("header h1")
        page.goto(self.hub.ready["http"] + path, wait_until="commit")
        page.wait_for_selector(".frame header")
        return page


def run_hub(*arguments: str, said: str = "") -> None:
    subprocess.run(
        [sys.executable, "-m", "hub", *arguments], input=said, text=True, cwd=ROOT, check=True, capture_output=True
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    OUT.mkdir(parents=True, exist_ok=True)
    broker = start_broker(tmp_path / "broker")
    database = f"sqlite:///{tmp_path}/hub.db"
    hub = start_hub(broker.ready["port"], database, "--sign-in")
    for name, grant in (("li", f"teller:{BRANCH}"), ("wang", f"teller:{BRANCH}"), ("zhou", "branch-manager:*")):
        run_hub("account", "add", name, "--grant", grant, "--database", database, said=PASSWORD + "\n")
    run_hub("teller", "li", "--service", "personal", "--language", "zh", "--level", "3", "--database", database)
    run_hub("teller", "wang", "--service", "personal", "--language", "zh", "--level", "4", "--database", database)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        made = House(broker, hub, browser)
        yield made
        browser.close()
    hub.stop()
    broker.stop()
    assert not made.problems


class Kiosk:
    """A terminal on the wire: its packet, its wish, and where it is told that it stands."""

    def __init__(self, house: House, device: str = "kiosk-1") -> None:
        self.sender = Sender(device=device)
        self.told: list[v.CaseStanding] = []
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = lambda _client, _data, message: self.told.append(
            topics.CASE_STANDING.decode(bytes(message.payload))
        )
        self.client.connect("127.0.0.1", house.broker.ready["port"])
        self.client.subscribe(topics.CASE_STANDING.at(BRANCH, device), 1)
        self.client.loop_start()
        self.case = ""

    def say(self, sent: Arrived) -> None:
        self.client.publish(sent.topic, sent.payload, 1).wait_for_publish(10)

    def ask(self) -> str:
        self.case = f"case-{uuid.uuid4().hex[:12]}"
        reason = RiskReason(id="safe_account", weight=30, zh="提到安全账户", en="A safe account was named")
        known = Known(
            visit=f"visit-{self.case}", language="zh", intent="account_limits", confidence=0.9,
            slots={"amount": "50000"},
            transcript=[("receptionist", "您好，请问要办什么业务？"), ("visitor", "我想把限额提高到五万")],
            feeling=Mood(emotion="anger", intensity=0.5), risk=RiskFound(level="medium", reasons=(reason,)),
            identity=IdentityState(outcome="verified", method="card"),
        )  # fmt: skip
        self.say(self.sender.handover(build(known)))
        need = v.Need(service="personal", language="zh")
        asked = v.TellerAsked(
            case=self.case, visit=known.visit, packet=self.sender.seq, need=need, level="trouble", risk="medium"
        )
        self._op(asked)
        return self.case

    def left(self, why: Any) -> None:
        self._op(v.CaseLeft(case=self.case, why=why))

    def here(self) -> None:
        said = v.CaseHere(id="h", at=datetime.now(UTC), mono_ns=0, case=self.case)
        row = topics.CASE_HERE
        self.say(Arrived(row.at(BRANCH, self.sender.device), row.encode(said)))

    def state(self) -> str:
        mine = [one.state for one in self.told if one.case == self.case]
        return mine[-1] if mine else ""

    def _op(self, body: v.CaseOperation) -> None:
        self.sender.seq += 1
        message = v.CaseOp(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), log=self.sender.log,
            seq=self.sender.seq, follows=self.sender.seq - 1, body=body,
        )  # fmt: skip
        row = topics.CASE_OP
        self.say(Arrived(row.at(BRANCH, self.sender.device), row.encode(message)))

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_the_offer_shows_the_hand_over_before_it_is_accepted_and_the_account_is_drafted(house: House) -> None:
    teller = house.signed_in("li", "/desk/teller")
    teller.wait_for_selector("[data-act=ready]")
    teller.click("[data-act=ready]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    kiosk = Kiosk(house)
    case = kiosk.ask()
    teller.wait_for_selector(f"#case[data-case='{case}']")
    teller.wait_for_selector("[data-act=accept]")
    shown = teller.inner_text(".handover")
    for words in ("调整限额", "我想把限额提高到五万", "提到安全账户", "身份已核实", "生气"):
        assert words in shown, words
    assert "合计" in teller.inner_text(".why")
    assert teller.query_selector("#video") is None  # nothing is seen of the visitor before
    teller.screenshot(path=OUT / "teller_offer.png", full_page=True)
    until(lambda: kiosk.state() == "offered", 30, "the terminal was not told of the offer")
    kiosk.here()
    teller.keyboard.press("a")
    teller.wait_for_selector(f"#video[data-case='{case}']")
    until(lambda: kiosk.state() == "connecting", 30, "the terminal was not told of the accepting")
    kiosk.here()
    teller.click("[data-act=begin]")
    teller.wait_for_selector("#video.talking")
    teller.screenshot(path=OUT / "teller_talking.png", full_page=True)
    assert teller.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    kiosk.here()
    teller.click("[data-act=hang_up]")
    teller.wait_for_selector(".wrap-up textarea")
    drafted = teller.input_value(".wrap-up textarea")
    for words in ("调整限额", "50000", "身份已核实", "提到安全账户", "分钟"):
        assert words in drafted, words
    teller.screenshot(path=OUT / "teller_account.png", full_page=True)
    teller.click("[data-act=draft-en]")
    teller.wait_for_function("document.querySelector('.wrap-up textarea').value.startsWith('Wish')")
    teller.click("[data-act=draft-zh]")
    teller.fill(".wrap-up textarea", drafted + "限额已提高。")
    teller.click("[data-act=file]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    until(lambda: kiosk.state() == "wrapped_up", 30, "the terminal was not told of the end")
    assert teller.inner_text("#figures dd") == "1"
    manager = house.signed_in("zhou", "/desk/tellers")
    manager.wait_for_selector(f".decisions [data-case='{case}']")
    decision = manager.inner_text(f".decisions [data-case='{case}']")
    assert "li" in decision and "按评分" in decision and "优先" in decision
    kiosk.close()


def test_who_is_refused_goes_to_the_next_teller_and_a_supervisor_sees_and_moves(house: House) -> None:
    pages = {name: house.signed_in(name, "/desk/teller") for name in ("li", "wang")}
    for page in pages.values():
        page.wait_for_selector("[data-act=ready]")
        page.click("[data-act=ready]")
        page.wait_for_selector("#doing:has-text('空闲')")
    kiosk = Kiosk(house)
    case = kiosk.ask()
    first = pages["li"]  # the less senior of two who can: the other is kept for what needs it
    second = pages["wang"]
    first.wait_for_selector(f"#case[data-case='{case}']")
    assert second.query_selector("#case") is None
    first.keyboard.press("r")
    first.wait_for_selector("[data-act=because-knows_visitor]")
    first.click("[data-act=because-knows_visitor]")
    second.wait_for_selector(f"#case[data-case='{case}']")
    assert "我想把限额提高到五万" in second.inner_text(".handover")
    first.wait_for_selector("#doing:has-text('空闲')")
    assert first.query_selector("#case") is None
    kiosk.here()
    manager = house.signed_in("zhou", "/desk/tellers")
    manager.wait_for_selector("[data-teller=wang] [data-act=reassign]")
    manager.screenshot(path=OUT / "tellers_board.png", full_page=True)
    manager.click("[data-teller=wang] [data-act=reassign]")
    manager.wait_for_selector("[data-act=to-li]")
    manager.click("[data-act=to-li]")
    first.wait_for_selector(f"#case[data-case='{case}']")
    second.wait_for_selector("#case", state="detached")
    manager.wait_for_selector(".decisions .chip:has-text('人工指派')")
    kiosk.left("left")
    first.wait_for_selector("#case", state="detached")
    until(lambda: kiosk.state() == "abandoned", 30, "the terminal was not told")
    answer = first.goto(house.hub.ready["http"] + "/desk/tellers")
    assert answer is not None and answer.status == 403
    house.problems[:] = [one for one in house.problems if "403" not in one]
    kiosk.close()
