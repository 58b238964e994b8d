"""An angry visitor asks for a person by voice; teller and visitor fill a form together, a second person approves, the
visitor signs, the account is saved, an opinion is asked. Every byte of the bus is looked at for what is masked.

The visitor is recorded; everything else is what runs in a branch: core, screen and call process, broker, hub, Chromium.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from hub.accounts import record
from hub.store import Store
from hub.together import signed
from hub.together.tables import signed_documents, together
from hub.video.tables import cases
from tests.e2e.test_teller import SEES, staffed
from tests.hub.test_video_desk import OUT, WAIT_MS, House
from tests.hub.wirekit import BRANCH, until

pytestmark = pytest.mark.e2e

PIN = "246810"
CARD = "6222020000000000000"
LIMIT = "50000"


def keys(text: str) -> str:
    return "".join(f"  - touch: key_{character}\n" for character in text)


SCENARIO = f"""
id: together_zh
title: 一起填表签字 (an angry visitor fills a form with a teller and signs it)
lobby: {{distance_m: 0.6, echo_gain: 0.1}}
steps:
  - approach: {{seconds: 2, face_share: 0.26}}
  - expect: {{moment: greeted, within_s: 30}}
  - wait: 4
  - say: {{text: "太不像话了，等了半天没人管！我要跟真人说话，接视频柜员。"}}
  - expect: {{moment: did, facts: {{action: ask_teller}}, within_s: 60}}
  - expect: {{moment: form, facts: {{step: fill}}, within_s: 120}}
  - touch: form_next
  - touch: form_choice_1
  - touch: form_next
{keys(LIMIT)}
  - expect: {{moment: form, facts: {{step: secret}}, within_s: 120}}
{keys(PIN)}
  - touch: form_next
{keys(PIN)}
  - expect: {{moment: form, facts: {{step: sign}}, within_s: 120}}
  - sign: true
  - touch: pad_done
  - expect: {{moment: signed, within_s: 30}}
  - touch: form_seen
  - expect: {{moment: said, facts: {{text: "和柜员的通话结束了。还要办别的吗？"}}, within_s: 120}}
  - touch: end
  - expect: {{moment: page, facts: {{page: opinion}}, within_s: 60}}
"""


class Ear:
    """Somebody who reads everything that the broker carries."""

    def __init__(self, port: int) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _client, _data, said: self.heard.append((said.topic, bytes(said.payload)))
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("#", 1)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def of(self, topic: str) -> bytes:
        return b"\n".join(payload for name, payload in list(self.heard) if topic in name)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, Path]]:
    OUT.mkdir(parents=True, exist_ok=True)
    with staffed(tmp_path, monkeypatch, SCENARIO, ("zhou", f"branch-manager:{BRANCH}")) as made:
        yield made


def test_an_angry_visitor_is_understood_before_the_first_word_fills_and_signs_and_is_asked_how_it_was(
    place: tuple[House, Path],
) -> None:
    house, folder = place
    ear = Ear(house.broker.ready["port"])
    teller, manager = house.signed_in("li", "/desk/teller"), house.signed_in("zhou", "/desk/tellers")
    teller.wait_for_selector("[data-act=ready]")
    teller.click("[data-act=ready]")
    teller.wait_for_selector("[data-act=accept]", timeout=2 * WAIT_MS)
    packet = teller.inner_text(".handover")
    assert "真人" in packet and "生气" in packet  # what was said and felt, before anybody is seen
    case = teller.get_attribute("#case", "data-case") or ""
    teller.click("[data-act=accept]")
    teller.wait_for_function(SEES, timeout=WAIT_MS)

    teller.click("[data-act=form-limits]")
    teller.wait_for_selector("[data-row=name] input")
    teller.fill("[data-row=name] input", "王小明")
    teller.fill("[data-row=card] input", CARD)
    for words in ("王小明", CARD):  # on the visitor's screen by now
        teller.wait_for_selector(f".glass[data-page=form]:has-text('{words}')")
    teller.wait_for_function(f"document.querySelector('[data-row=limit] input').value === '{LIMIT}'")  # as it is typed
    teller.screenshot(path=OUT / "together_form.png", full_page=True)
    teller.click("[data-act=step-secret]")
    teller.wait_for_selector("[data-row=pin_again]:has-text('已输入')")
    assert teller.query_selector("[data-row=pin] input") is None and PIN not in teller.content()

    teller.click("[data-act=step-sign]")  # nobody else has approved it
    teller.wait_for_selector(".q-notification")
    teller.click("[data-act=second-sign]")
    manager.wait_for_selector(f".second-row[data-case='{case}']:has-text('50,000')")
    manager.screenshot(path=OUT / "together_second.png", full_page=True)
    manager.click("[data-act=second-yes]")
    teller.wait_for_selector("[data-second=approved]")
    teller.click("[data-act=step-sign]")
    teller.wait_for_selector("[data-signed]")
    teller.screenshot(path=OUT / "together_signed.png", full_page=True)
    teller.click("[data-act=errand-face]")
    teller.wait_for_selector("[data-errand=face][data-outcome=not_available]")

    teller.click("[data-act=hang_up]")
    teller.wait_for_selector(".wrap-up textarea")
    teller.click("[data-act=file]")
    teller.wait_for_selector("#doing:has-text('空闲')")
    account = folder / "account.json"
    until(account.exists, 3 * WAIT_MS / 1000, "the visit did not end")
    failures = json.loads(account.read_text("utf-8"))["failures"]
    assert not failures

    store = Store(f"sqlite:///{folder}/hub.db")
    with store.read() as db:
        row = db.execute(sa.select(signed_documents)).mappings().one()
        filed = db.execute(sa.select(cases).where(cases.c.video_case == case)).mappings().one()
        assert db.execute(sa.select(together)).all() == []
    assert (row["teller"], row["video_case"]) == ("li", case) and LIMIT in row["document"]
    assert "已签字" in filed["summary"] and filed["wrap_code"] == "solved"
    assert signed.verify(store) == (1, []) and record.verify(store) == []
    store.close()
    ear.close()
    assert LIMIT.encode() in ear.of("together/stands") and CARD.encode() in ear.of("together/asked")  # it does hear
    everything = b"\n".join(payload for _, payload in ear.heard)
    assert re.search(rb"(?<![0-9a-f.])" + PIN.encode() + rb"(?![0-9a-f])", everything) is None
    assert not house.problems
