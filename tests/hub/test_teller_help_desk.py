"""A teller's help and day in a real browser: captions as they come, ticks, promises held back, devices, the bell."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Page, sync_playwright

from config.teller_help import load_teller_help
from contracts import call_help as h
from contracts import topics
from contracts.handover import Mood, RiskFound, RiskReason
from hub.bus import Arrived
from tests.hub.test_video_desk import CHROMIUM, OUT, PASSWORD, RULES, WAIT_S, House, Kiosk, run_hub
from tests.hub.wirekit import BRANCH, start_broker, start_hub, until

pytestmark = pytest.mark.e2e
FAKE_MEDIA = ("--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
REASON = RiskReason(id="safe_account", weight=30, zh="提到安全账户", en="A safe account was named")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A hub with one teller and one editor, a browser with a camera and a microphone."""
    OUT.mkdir(parents=True, exist_ok=True)
    (tmp_path / "routing.toml").write_text(RULES)
    monkeypatch.setenv("YINGBIN_ROUTING", str(tmp_path / "routing.toml"))
    broker = start_broker(tmp_path / "broker")
    database = f"sqlite:///{tmp_path}/hub.db"
    hub = start_hub(broker.ready["port"], database, "--sign-in")
    for name, grant in (("li", f"teller:{BRANCH}"), ("zhou", "branch-manager:*")):
        run_hub("account", "add", name, "--grant", grant, "--database", database, said=PASSWORD + "\n")
    run_hub("teller", "li", "--service", "personal", "--level", "3", "--database", database)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FAKE_MEDIA))
        made = House(broker, hub, browser)
        yield made
        browser.close()
    hub.stop()
    broker.stop()
    assert not made.problems


def caption(kiosk: Kiosk, number: int, text: str, **more: Any) -> None:
    row = topics.CASE_HEARD
    said = h.CaseHeard(
        id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=0, case=kiosk.case, number=number, text=text,
        language="zh", **more,
    )  # fmt: skip
    kiosk.say(Arrived(row.at(BRANCH, kiosk.sender.device), row.encode(said)))


def test_devices_and_bell_the_help_of_a_talk_and_what_was_missing_reaches_the_editor(house: House) -> None:
    """One house for all of it: a hub and a browser start slowly."""
    teller = house.signed_in("li", "/desk/teller")
    teller.context.grant_permissions(["notifications"])
    devices_are_tested(teller)
    the_promises_are_read_alike(teller)
    a_hidden_page_is_told(house, teller)
    a_talk_is_helped(house, teller)
    proposals_reach_the_editor(house)


def begin(teller: Page) -> None:
    """A click while the page still does what was clicked before is passed over, as a second click is."""

    def talks() -> bool:
        if teller.query_selector("#video.talking"):
            return True
        if button := teller.query_selector("[data-act=begin]"):
            with suppress(Error):  # it was drawn anew just now
                button.click(timeout=2_000)
        return False

    until(talks, WAIT_S, "the talk did not begin")


def a_talk_is_helped(house: House, teller: Page) -> None:
    teller.evaluate("Object.defineProperty(document, 'hidden', {value: false}); window.YingbinDay.rings = 0;")
    kiosk = Kiosk(house)
    kiosk.ask()
    teller.wait_for_selector("[data-act=accept]")
    teller.wait_for_selector("#devices", state="hidden")
    assert teller.query_selector("#talk") is None
    teller.wait_for_function("window.YingbinDay.rings === 1")  # who looks at the page is rung for once
    teller.click("[data-act=accept]")
    teller.wait_for_selector("#talk")
    assert not teller.title().startswith("●")
    kiosk.here()
    begin(teller)
    fee = h.Suggested(entry="transfer_fee", text="跨行转账每笔两元。", source="收费标准 2026-07", score=0.92)
    mood = Mood(emotion="fear", intensity=0.8, rising=True)
    caption(kiosk, 1, "外籍配偶怎么开户？")
    caption(kiosk, 2, "转账手续费是多少？", suggested=(fee,))
    caption(kiosk, 3, "他让我转到安全账户", feeling=mood, risk=RiskFound(level="high", reasons=(REASON,)))
    caption(kiosk, 4, "快点转啊", whose="other", sure=False)
    teller.wait_for_selector("#captions li:nth-child(4)")
    said = teller.inner_text("#captions")
    for words in ("转账手续费是多少？", "旁人", "听不准", "您说的话不会被识别"):
        assert words in said, words
    teller.wait_for_selector(".meter[data-risk=high]")
    teller.wait_for_selector(".meter[data-feeling=fear]")
    teller.wait_for_selector("[data-step=stop_payment]")
    teller.wait_for_selector("[data-suggest]")
    answer = teller.inner_text("#suggested")
    assert fee.text in answer and fee.source in answer
    teller.wait_for_selector("[data-question=payee_known]")  # asked at this risk only
    teller.click("[data-question=identity]")
    teller.wait_for_selector("[data-question=identity][aria-checked=true]")

    line = "[data-call] form.write input"
    teller.click("[data-suggest]")
    teller.wait_for_function(f"document.querySelector('{line}').value === '{fee.text}'")
    assert teller.query_selector(".promised") is None
    teller.fill(line, "这个产品保本，稳赚")
    teller.wait_for_selector(".promised[data-promise=guaranteed_return]")
    teller.press(line, "Enter")
    assert teller.input_value(line) == "这个产品保本，稳赚"  # held: nothing was sent
    teller.wait_for_selector(".promised:has-text('再按一次')")
    teller.screenshot(path=OUT / "teller_help.png", full_page=True)
    assert teller.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    teller.press(line, "Enter")  # the teller insists
    teller.wait_for_function(f"document.querySelector('{line}').value === ''")

    kiosk.here()
    teller.click("[data-act=hang_up]")
    teller.wait_for_selector(".wrap-up textarea")
    drafted = teller.input_value(".wrap-up textarea")
    for words in ("答复依据：收费标准 2026-07", "已问：核对本人身份", "没问：", "提到安全账户", "害怕"):
        assert words in drafted, words
    assert "拦下诈骗" in teller.inner_text(".wrap-up") + str(teller.eval_on_selector_all(
        ".wrap-up input", "all => all.map((one) => one.value)"))  # fmt: skip
    teller.click("#captions li:nth-child(2) [data-quote]")
    teller.wait_for_function("document.querySelector('.wrap-up textarea').value.endsWith('“转账手续费是多少？”')")
    assert teller.input_value("[data-field=proposed-question]") == "外籍配偶怎么开户？"
    teller.fill("[data-field=proposed-answer]", "请带护照和居留证明到柜台。")
    teller.screenshot(path=OUT / "teller_after.png", full_page=True)
    teller.click("[data-act=propose]")
    teller.wait_for_selector("text=已交给编辑")
    teller.click("[data-act=file]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    until(lambda: kiosk.state() == "wrapped_up", WAIT_S, "the terminal was not told of the end")
    teller.wait_for_selector("#talk", state="detached")
    kiosk.close()


def proposals_reach_the_editor(house: House) -> None:
    editor = house.signed_in("zhou", "/desk/knowledge")
    editor.wait_for_selector("#proposals")
    assert "外籍配偶怎么开户？" in editor.inner_text("#proposals")
    editor.screenshot(path=OUT / "proposals.png", full_page=True)
    editor.click("[data-act^=taken-]")
    editor.wait_for_selector("#proposals", state="detached")


def devices_are_tested(page: Page) -> None:
    page.wait_for_selector("#devices")
    page.click("[data-act=test-devices]")
    page.wait_for_selector("[data-device=camera][data-works=yes]")
    page.wait_for_selector("[data-device=microphone][data-works=yes]")  # the browser's own device beeps
    page.screenshot(path=OUT / "teller_devices.png", full_page=True)
    page.click("[data-act=heard-yes]")
    page.wait_for_selector("#tested[data-well=yes]")
    page.evaluate(
        "window.before = navigator.mediaDevices.getUserMedia;"
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); }; 0"
    )
    page.click("[data-act=test-devices]")
    page.wait_for_selector("[data-device=camera][data-word=none]")
    page.wait_for_selector("[data-device=microphone][data-word=none]")
    page.click("[data-act=heard-no]")
    page.wait_for_selector("#tested[data-well=no]")
    page.evaluate("navigator.mediaDevices.getUserMedia = window.before; 0")


def a_hidden_page_is_told(house: House, page: Page) -> None:
    page.evaluate(
        "Object.defineProperty(document, 'hidden', {value: true, configurable: true}); window.YingbinDay.rings = 0;"
    )
    page.click("[data-act=ready]")
    page.wait_for_selector("#doing:has-text('空闲')")
    kiosk = Kiosk(house)
    kiosk.ask()
    page.wait_for_selector("[data-act=accept]")
    page.wait_for_function("window.YingbinDay.notices === 1 && window.YingbinDay.rings >= 2")  # it goes on ringing
    assert page.title().startswith("●")
    kiosk.left("left")
    page.wait_for_function("!document.title.startsWith('●')")
    kiosk.close()


def the_promises_are_read_alike(page: Page) -> None:
    help_ = load_teller_help()
    for text in (
        "稳赚",
        "贷款一定能批",
        "We cannot guarantee a return",
        "guaranteed return",
        "手续费每笔两元",
        "no fees",
    ):
        found = page.evaluate("(text) => window.YingbinHelp.promised(text).map(({ id }) => id)", text)
        assert found == [row.id for row in help_.promised(text)], text
