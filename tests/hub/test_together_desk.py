"""The form at a teller's desk in a real browser, against the terminal's own form over the wire; no voice, no video."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Page

from config.forms import load_forms
from contracts import together as t
from contracts import topics
from contracts.screen import ScreenState
from kiosk.events import Event, Stroked, Touched
from kiosk.runtime.clock import SystemClock
from kiosk.together.ports import ApprovedText, NoFreshLook
from kiosk.together.together import Around, Together
from tests.hub.test_video_desk import OUT, WAIT_S, House, Kiosk, house
from tests.hub.wirekit import BRANCH, DEVICE, until

__all__ = ["house"]  # the fixture
pytestmark = pytest.mark.e2e
CARD, PIN = "6222020000000000000", "246810"
SCRAWL = tuple((20 + 12 * i, 250 + (40 if i % 2 else -40), 16 * i) for i in range(40))


class Terminal:
    """The terminal's side of a form in a loop of its own, on the real broker; the visitor's hand is this test's."""

    def __init__(self, port: int, kiosk: Kiosk) -> None:
        self.kiosk, self.papers, self.heard = kiosk, list[t.SignedPaper](), b""
        self.screen = ScreenState(revision=0, page="conversation", language="zh", bank="", branch="")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="terminal")
        self._thread.start()
        around = Around(
            case=lambda: kiosk.case, say=self._say, keeps=self, library=self, fresh=NoFreshLook(), receipts=self,
            changed=self._draw, hub_now=lambda: datetime.now(UTC),
        )  # fmt: skip
        self.together = self._do(self._made(around))
        self._running = asyncio.run_coroutine_threadsafe(self.together.run(), self._loop)
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _client, _data, said: self._hear(said.topic, bytes(said.payload))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", 1)
        self._client.loop_start()
        self._loop.call_soon_threadsafe(self._draw)

    async def _made(self, around: Around) -> Together:
        return Together(load_forms(), around, SystemClock())

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    def _hear(self, topic: str, payload: bytes) -> None:
        self.heard += topic.encode() + b" " + payload + b"\n"
        if topic == topics.TOGETHER_ASKED.at(BRANCH, DEVICE):
            self._loop.call_soon_threadsafe(self.together.hear, topics.TOGETHER_ASKED.decode(payload))

    async def _say(self, message: t.TogetherStands) -> None:
        row = topics.TOGETHER_STANDS
        self._client.publish(row.at(BRANCH, DEVICE), row.encode(message), 1)

    def _draw(self) -> None:
        base = ScreenState(revision=0, page="conversation", language="zh", bank="", branch="")
        self.screen = self.together.dressed(base)

    async def signed(self, paper: t.SignedPaper) -> None:
        self.papers.append(paper)

    def entry(self, name: str, language: Any) -> ApprovedText | None:
        return ApprovedText(title="一类户是什么意思", text="一类户什么都能办。", source="演示第8条")

    async def print(self, title: str, lines: tuple[str, ...]) -> Any:
        return "no_paper"

    def touch(self, *targets: str) -> None:
        for target in targets:
            self.act(Touched(target, 0))

    def act(self, event: Event) -> None:
        assert self.together.takes(event), event
        self._do(self.together.take(event))

    def in_teller_s_hand(self) -> list[str]:
        return [row.shown for row in (self.screen.form.rows if self.screen.form else ()) if row.teller]

    def types(self, text: str) -> None:
        self.touch(*(f"key_{character}" for character in text))

    def until_page(self, page: str, step: str = "") -> None:
        until(
            lambda: self.screen.page == page and (not step or (self.screen.form or self.screen).step == step),  # type: ignore[union-attr]
            WAIT_S, f"the page {page} {step} never came",
        )  # fmt: skip

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._running.cancel()
        self._do(asyncio.sleep(0.05))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)
        self._loop.close()


def test_a_form_is_filled_by_both_approved_by_another_signed_and_its_pin_is_nowhere(house: House) -> None:
    teller, manager = house.signed_in("li", "/desk/teller"), house.signed_in("zhou", "/desk/tellers")
    teller.wait_for_selector("[data-act=ready]")
    teller.click("[data-act=ready]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    kiosk = Kiosk(house)
    case = kiosk.ask()
    teller.wait_for_selector("[data-act=accept]")
    assert not teller.is_visible(".together")  # nothing to do together before there is a talk
    kiosk.here()
    teller.click("[data-act=accept]")
    teller.click("[data-act=begin]")
    teller.wait_for_selector("#video.talking")
    with closing(Terminal(house.broker.ready["port"], kiosk)) as terminal:
        together_with(terminal, teller, manager, case)
    kiosk.close()
    assert len(terminal.papers) == 1 and "50000" in terminal.papers[0].document
    assert CARD.encode() in terminal.heard and PIN.encode() not in terminal.heard


def together_with(terminal: Terminal, teller: Page, manager: Page, case: str) -> None:
    teller.click("[data-act=form-limits]")
    terminal.until_page("form")
    teller.wait_for_selector(".glass[data-page=form]")
    teller.fill("[data-row=name] input", "王小明")
    teller.fill("[data-row=card] input", CARD)
    terminal.touch("form_next", "form_choice_1", "form_next")
    terminal.types("50000")
    teller.wait_for_function("document.querySelector('[data-row=limit] input').value === '50000'")
    teller.wait_for_selector(f".glass:has-text('{CARD}')")
    until(lambda: terminal.in_teller_s_hand() == ["6222 0200 0000 0000 000"], WAIT_S, "nothing marks the teller's hand")
    teller.screenshot(path=OUT / "together_form.png", full_page=True)

    teller.click("[data-act=step-secret]")
    terminal.until_page("form", "输入密码")
    terminal.types(PIN)
    terminal.touch("form_next")
    terminal.types(PIN)
    teller.wait_for_selector("[data-row=pin_again]:has-text('已输入')")
    assert PIN not in teller.content()
    teller.click("[data-act=step-sign]")  # nobody else has approved it
    teller.wait_for_selector(".q-notification")
    teller.click("[data-act=second-sign]")
    manager.wait_for_selector(f".second-row[data-case='{case}']:has-text('50,000')")
    manager.screenshot(path=OUT / "together_second.png", full_page=True)
    manager.click("[data-act=second-yes]")
    teller.wait_for_selector("[data-second=approved]")
    teller.click("[data-act=step-sign]")
    terminal.until_page("sign")
    teller.wait_for_selector("[data-form=signing]")
    terminal.act(Stroked(SCRAWL))
    terminal.touch("pad_done")
    teller.wait_for_selector("[data-form=signed]")
    teller.click("[data-act=errand-print]")
    teller.wait_for_selector("[data-errand=print][data-outcome=no_paper]")
    terminal.until_page("reading")
    terminal.touch("form_seen")
    terminal.until_page("conversation")
    teller.click("[data-act=push]")
    assert "一类户是什么" in teller.inner_text("[data-act=read-acct_class_one]")  # by its title, not its id
    teller.click("[data-act=read-acct_class_one]")
    terminal.until_page("reading")
    terminal.touch("errand_yes")
    teller.wait_for_selector("[data-errand=read][data-outcome=read]")
    teller.screenshot(path=OUT / "together_signed.png", full_page=True)
    assert teller.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    teller.click("[data-act=hang_up]")
    teller.wait_for_selector(".wrap-up textarea")
    teller.wait_for_selector(".together", state="hidden")
