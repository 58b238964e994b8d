"""The desks in a real browser: a ticket from a terminal is called, shown and said; two clerks press at once."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Browser, Page, sync_playwright

from config.remote import digest, values
from config.schema import DEFAULT_SITE, load_site
from contracts import messages as m
from contracts import topics
from contracts.announcements import announcement
from contracts.handover import IdentityState, Mood, RiskFound, RiskReason
from contracts.queueing import Priority
from contracts.shadow import Setting, typed
from hub.accounts.tables import audit
from hub.store import Store
from kiosk.risk.handover import Known, build
from tests.hub.wirekit import BRANCH, DEVICE, ROOT, Running, Sender, start_broker, start_hub

pytestmark = pytest.mark.e2e
CHROMIUM = Path("/usr/bin/chromium")
OUT = ROOT / "out" / "desk"
PASSWORD = "correct horse battery"
WAIT_MS = 30_000
if not CHROMIUM.exists():
    pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium", allow_module_level=True)


@dataclass
class House:
    """A broker, a hub with accounts, a browser, and an ear on the branch's announcements."""

    broker: Running
    hub: Running
    database: str
    browser: Browser
    said: list[m.NumberCalled] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def page(self, *, width: int = 1440, height: int = 900, **more: Any) -> Page:
        page = self.browser.new_context(viewport={"width": width, "height": height}, **more).new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: self.problems.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        return page

    def signed_in(self, name: str, path: str) -> Page:
        page = self.page()
        page.goto(self.hub.ready["http"] + path, wait_until="commit")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("form button")
        page.wait_for_selector("header h1")
        page.goto(self.hub.ready["http"] + path, wait_until="commit")
        page.wait_for_selector(".frame header")
        return page

    def open(self, path: str, **size: Any) -> Page:
        page = self.page(**size)
        page.goto(self.hub.ready["http"] + path, wait_until="commit")
        return page


@dataclass
class Building:
    """What all tests share: a broker, a hub with accounts, what was said, what browsers complained of."""

    broker: Running
    hub: Running
    database: str
    said: list[m.NumberCalled] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def building(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Building]:
    folder = tmp_path_factory.mktemp("house")
    OUT.mkdir(parents=True, exist_ok=True)
    broker = start_broker(folder / "broker")
    database = f"sqlite:///{folder}/hub.db"
    made = Building(broker, start_hub(broker.ready["port"], database, "--sign-in"), database)
    for name, grants in (
        ("li", [f"clerk:{BRANCH}"]),
        ("wang", [f"clerk:{BRANCH}"]),
        ("zhou", ["branch-manager:*", "field-operator:*"]),
    ):
        add_account(database, name, *grants)
    yield made
    made.hub.stop()
    broker.stop()


@pytest.fixture
def house(building: Building) -> Iterator[House]:
    building.said.clear()
    ear = Client(CallbackAPIVersion.VERSION2)
    ear.on_message = lambda _client, _data, message: building.said.append(
        topics.ANNOUNCEMENTS.decode(bytes(message.payload))
    )
    ear.connect("127.0.0.1", building.broker.ready["port"])
    ear.subscribe(topics.ANNOUNCEMENTS.at(BRANCH), 1)
    ear.loop_start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield House(building.broker, building.hub, building.database, browser, building.said, building.problems)
        browser.close()
    ear.disconnect()
    ear.loop_stop()


def add_account(database: str, name: str, *grants: str) -> None:
    given = [part for grant in grants for part in ("--grant", grant)]
    command = [sys.executable, "-m", "hub", "account", "add", name, *given, "--database", database]
    subprocess.run(command, input=PASSWORD + "\n", text=True, cwd=ROOT, check=True, capture_output=True)


class Lobby:
    """A terminal of the branch, on the wire."""

    def __init__(self, house: House, device: str = DEVICE) -> None:
        self.sender = Sender(device=device)
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.connect("127.0.0.1", house.broker.ready["port"])
        self.client.loop_start()

    def take(self, number: str, service: str = "personal", minutes: int = 0, priority: str = "none") -> None:
        now = datetime.now(UTC)
        issued = m.TicketIssued(
            number=number, day=now.date().isoformat(), service=service, visit=f"visit-{number.lower()}", language="zh",
            priority=Priority(priority), clock=m.ClockReading(offset_ms=0, within_ms=5),
        )  # fmt: skip
        sent = self.sender.ticket(issued, at=now - timedelta(minutes=minutes))
        self.client.publish(sent.topic, sent.payload, 1).wait_for_publish(5)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def test_a_ticket_of_a_real_terminal_is_called_by_key_shown_on_the_board_and_said(house: House, tmp_path: Path) -> None:
    board = house.open(f"/board/{BRANCH}", width=1920, height=1080)
    board.wait_for_selector(".calling .quiet")
    clerk = house.signed_in("li", f"/desk/counter/{BRANCH}?counter=3&services=personal")
    clerk.wait_for_selector("[data-act=next]")
    # the terminal's own ticket desk, outbox and link, as a process
    command = [sys.executable, "-m", "tests.hub.kiosk_process", str(tmp_path / "kiosk.db")]
    taken = subprocess.run(
        [*command, str(house.broker.ready["port"]), "1"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    number = taken.stdout.strip()
    assert re.fullmatch(r"A\d{3}", number), taken.stderr
    clerk.wait_for_selector(f"#w-{number}")
    phone = house.open(f"/t/{BRANCH}/{datetime.now().astimezone().date().isoformat()}/{number}", width=390, height=844)
    phone.wait_for_selector("[data-state=waiting]")
    phone.screenshot(path=OUT / "phone_waiting.png")
    lobby = Lobby(house, "kiosk-7")
    for place in range(1, 4):
        lobby.take(f"A70{place}")
    clerk.wait_for_selector("#w-A703")
    lobby.close()
    clerk.keyboard.press("Space")
    clerk.wait_for_selector(f"#current:text-is('{number}')")
    board.wait_for_selector(f".calling .number:text-is('{number}')", timeout=5_000)
    assert board.inner_text(".calling .counter") == "3"
    mandarin, english = announcement(number, "3")
    board.wait_for_function("window.said && window.said.length >= 2", timeout=12_000)
    assert board.evaluate("window.said") == [mandarin, english]
    assert [(one.number, one.counter, one.again) for one in house.said] == [(number, "3", False)]
    phone.wait_for_selector("[data-state=called] .counter:text-is('3')")
    assert phone.evaluate("window.vibrated") == 1
    board.screenshot(path=OUT / "board.png")
    phone.screenshot(path=OUT / "phone_called.png")
    # the rest by keys alone, too
    clerk.keyboard.press("s")
    clerk.wait_for_selector(".mine .chip.serving")
    clerk.screenshot(path=OUT / "counter.png")
    clerk.keyboard.press("d")
    clerk.wait_for_selector(".mine .number.none")
    phone.wait_for_selector("[data-state=done]")


def test_the_clerk_sees_what_the_called_visitor_said_before_and_only_then(house: House) -> None:
    lobby = Lobby(house, "kiosk-6")
    clerk = house.signed_in("li", f"/desk/counter/{BRANCH}?counter=7&services=corporate")
    for number in ("B601", "B602"):
        lobby.take(number, "corporate")
    clerk.wait_for_selector("#w-B602")
    assert clerk.query_selector(".handover") is None
    clerk.keyboard.press("Space")
    clerk.wait_for_selector("#current:text-is('B601')")
    reason = RiskReason(
        id="safe_account", weight=30, zh="提到安全账户", en="A safe account was named", evidence="转到安全账户"
    )
    lines = [("receptionist", "您好，请问要办什么业务？"), ("visitor", "他让我把钱转到安全账户")] * 6
    known = Known(
        visit="visit-b601", language="zh", intent="transfer_domestic", confidence=0.9, transcript=lines,
        feeling=Mood(emotion="fear", intensity=0.8, rising=True), risk=RiskFound(level="high", reasons=(reason,)),
        identity=IdentityState(outcome="not_verified", method="verify_card"),
    )  # fmt: skip
    sent = lobby.sender.handover(build(known))
    lobby.client.publish(sent.topic, sent.payload, 1).wait_for_publish(5)
    clerk.wait_for_selector(".handover .said")
    shown = clerk.inner_text(".handover")
    for words in ("紧急", "疑似诈骗", "害怕", "提到安全账户", "他让我把钱转到安全账户", "身份未核实"):
        assert words in shown, words
    assert clerk.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    clerk.screenshot(path=OUT / "handover.png", full_page=True)
    clerk.click(".tongue")
    assert "Perhaps a fraud" in clerk.inner_text(".handover") and "疑似诈骗" not in clerk.inner_text(".handover")
    clerk.keyboard.press("s")
    clerk.wait_for_selector(".mine .chip.serving")
    assert clerk.query_selector(".handover") is not None
    clerk.keyboard.press("Space")  # done, the next one: nobody was called for that visitor
    clerk.wait_for_selector("#current:text-is('B602')")
    clerk.wait_for_selector(".handover", state="detached")
    lobby.close()
    store = Store(house.database)  # drawn many times, read once
    read = store.rows(sa.select(audit.c.person, audit.c.subject).where(audit.c.act == "handover_read"))
    store.close()
    assert [(row["person"], row["subject"].split()[1]) for row in read] == [("li", "B601")]


def test_the_field_operator_sees_which_terminal_is_not_set_as_it_should_be(house: House) -> None:
    lobby = Lobby(house, "kiosk-7")
    shown = values(load_site(DEFAULT_SITE))
    report = m.ShadowReported(
        id="1", at=datetime.now(UTC), mono_ns=1, since=datetime.now(UTC), version=0, in_force=0, state="local",
        hash=digest(shown), settings={name: Setting(value=one, origin="local") for name, one in typed(shown).items()},
    )  # fmt: skip
    row = topics.SHADOW_REPORTED
    lobby.client.publish(row.at(BRANCH, "kiosk-7"), row.encode(report), 1, retain=True).wait_for_publish(5)
    operator = house.signed_in("zhou", "/desk/region")
    line = f"#s-{BRANCH}-kiosk-7"
    operator.wait_for_selector(f"{line}:not(.astray)")
    wish = f"""async () => {{
        const me = await (await fetch('/api/v1/me')).json();
        const answer = await fetch('/api/v1/branches/{BRANCH}/devices/kiosk-7/shadow', {{method: 'POST',
            headers: {{'Content-Type': 'application/json', 'X-CSRF-Token': me.csrf}},
            body: JSON.stringify({{settings: {{'voice.gain_max_db': 3}}}})}});
        return answer.status;
    }}"""
    assert operator.evaluate(wish) == 202
    operator.wait_for_selector(f"{line}.astray")
    assert "voice.gain_max_db 3 ≠ 6" in operator.inner_text(line)
    assert operator.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    operator.screenshot(path=OUT / "shadows.png", full_page=True)
    lobby.close()


def test_two_clerks_who_press_next_at_the_same_instant_get_two_numbers_and_the_board_shows_both(house: House) -> None:
    lobby = Lobby(house, "kiosk-2")
    house.said.clear()
    clerks = [
        house.signed_in(name, f"/desk/counter/{BRANCH}?counter={counter}&services=wealth")
        for name, counter in (("li", "5"), ("wang", "6"))
    ]
    for number in ("C101", "C102", "C103"):
        lobby.take(number, "wealth")
    for clerk in clerks:
        clerk.wait_for_selector("#w-C103")
    board = house.open(f"/board/{BRANCH}", width=1920, height=1080)
    board.wait_for_selector("#board")
    for clerk in clerks:  # armed first, then both fire within the same millisecond, in the browsers themselves
        clerk.evaluate("at => setTimeout(() => document.querySelector('[data-act=next]').click(), at - Date.now())",
                       int(time.time() * 1000) + 1500)  # fmt: skip
    for clerk in clerks:
        clerk.wait_for_selector("#current")
    got = {clerk.inner_text("#current") for clerk in clerks}
    assert got == {"C101", "C102"}
    shown: list[str] = []
    deadline_s = time.monotonic() + 25
    while len(shown) < 2 and time.monotonic() < deadline_s:
        found = board.query_selector(".calling .number")
        if found is not None and (text := found.inner_text()) not in shown and text in got:
            shown.append(text)
        time.sleep(0.1)
    assert set(shown) == got
    first, second = sorted(house.said, key=lambda one: one.show_at)
    assert second.show_at >= first.show_at + timedelta(milliseconds=first.show_ms)
    lobby.close()


def test_every_act_of_a_clerk_works_by_its_key_and_by_its_button(house: House) -> None:
    lobby = Lobby(house, "kiosk-3")
    clerk = house.signed_in("li", f"/desk/counter/{BRANCH}?counter=8&services=corporate")
    for number in ("B201", "B202"):
        lobby.take(number, "corporate", priority="elder" if number == "B202" else "none")
    clerk.wait_for_selector("#w-B201")
    clerk.keyboard.press("n")
    clerk.wait_for_selector("#current")
    number = clerk.inner_text("#current")
    clerk.keyboard.press("r")
    clerk.wait_for_selector(".mine .chip.recalled")
    clerk.keyboard.press("m")
    clerk.wait_for_selector(f"[data-act=call-{number}]")
    clerk.wait_for_selector(".mine .number.none")
    clerk.click(f"[data-act=call-{number}]")
    clerk.wait_for_selector(f"#current:text-is('{number}')")
    clerk.click("[data-act=serving_began]")
    clerk.wait_for_selector(".mine .chip.serving")
    clerk.keyboard.press("p")
    clerk.wait_for_selector(".chip.parked")
    clerk.click(f"[data-act=call-{number}]")
    clerk.wait_for_selector(f"#current:text-is('{number}')")
    clerk.keyboard.press("t")
    clerk.wait_for_selector(".choose")
    clerk.screenshot(path=OUT / "transfer.png")
    clerk.keyboard.press("1")
    clerk.wait_for_selector(".mine .number.none")
    clerk.keyboard.press("Space")
    clerk.wait_for_selector("#current")
    assert clerk.inner_text("#current") != number  # it waits for the other service now
    lobby.close()


def test_the_managers_pages_show_the_branch_in_both_languages_and_nobody_elses(house: House) -> None:
    lobby = Lobby(house, "kiosk-4")
    for place in range(1, 6):
        lobby.take(f"A30{place}", minutes=48 - 8 * place, priority="pregnant" if place == 2 else "none")
    manager = house.signed_in("zhou", f"/desk/branch/{BRANCH}")
    manager.wait_for_selector("#w-A305")
    assert "等了 30 分钟以上" in manager.inner_text(".alarms")
    assert manager.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    manager.screenshot(path=OUT / "branch.png")
    manager.click(".tongue")
    assert "over 30 min" in manager.inner_text(".alarms")
    assert not re.search(r"[\u4e00-\u9fff]", manager.inner_text(".floor"))
    manager.screenshot(path=OUT / "branch_en.png")
    manager.goto(f"{house.hub.ready['http']}/desk/region", wait_until="commit")
    manager.wait_for_selector("td.rank")
    manager.screenshot(path=OUT / "region.png")
    clerk = house.signed_in("li", f"/desk/counter/{BRANCH}?counter=9")
    for path in ("/desk/region", f"/desk/branch/{BRANCH}", "/desk/knowledge", "/desk/counter/elsewhere"):
        answer = clerk.goto(house.hub.ready["http"] + path)
        assert answer is not None and answer.status == 403
    lobby.close()
    house.problems[:] = [one for one in house.problems if "403" not in one]


def test_a_session_that_is_over_changes_nothing_and_leads_to_the_sign_in(house: House) -> None:
    lobby = Lobby(house, "kiosk-5")
    clerk = house.signed_in("wang", f"/desk/counter/{BRANCH}?counter=12&services=personal")
    lobby.take("A501")
    clerk.wait_for_selector("#w-A501")
    command = [sys.executable, "-m", "hub", "account", "password", "wang", "--database", house.database]
    subprocess.run(command, input=PASSWORD + "\n", text=True, cwd=ROOT, check=True, capture_output=True)
    clerk.keyboard.press("Space")
    clerk.wait_for_selector("form [name=password]")
    clerk.screenshot(path=OUT / "sign_in.png")
    assert "why=over" in clerk.url
    lobby.close()


def test_a_pack_is_offered_reviewed_by_somebody_else_and_published(tmp_path: Path) -> None:
    """With a key of the test's own: the pack is built and signed by the terminal's program."""
    key = tmp_path / "key.pem"
    content = [sys.executable, "-m", "kiosk.content"]
    public = subprocess.run(
        [*content, "keygen", "--out", str(key)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    pack = tmp_path / "one.ybpack"
    source = ROOT / "config" / "content" / "qinghe"
    subprocess.run(
        [*content, "build", str(source), "--key", str(key), "--out", str(pack)], cwd=ROOT, check=True,
        capture_output=True,
    )  # fmt: skip
    database = f"sqlite:///{tmp_path}/hub.db"
    hub = start_hub(1, database, "--sign-in", "--pack-key", public.stdout.strip())
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            house = House(hub, hub, database, browser)
            add_account(database, "author", f"branch-manager:{BRANCH}")
            add_account(database, "reviewer", f"branch-manager:{BRANCH}", f"field-operator:{BRANCH}")
            author = house.signed_in("author", "/desk/knowledge")
            author.set_input_files("input[type=file]", str(pack))
            author.wait_for_selector(".pack .chip.offered", timeout=60_000)
            author.click("[data-act^=approve]")
            author.wait_for_selector(".q-notification:has-text('cannot approve')")
            reviewer = house.signed_in("reviewer", "/desk/knowledge")
            reviewer.click("[data-act^=approve]")
            reviewer.wait_for_selector(".pack .chip.approved")
            reviewer.click("[data-act^=publish]")
            reviewer.wait_for_selector(".pack .chip.published")
            reviewer.screenshot(path=OUT / "knowledge.png")
            (tmp_path / "bad.ybpack").write_bytes(pack.read_bytes()[:-3] + b"xyz")
            author.set_input_files("input[type=file]", str(tmp_path / "bad.ybpack"))
            author.wait_for_selector(".q-notification:has-text('不能用')", timeout=60_000)
            browser.close()
    finally:
        hub.stop()
    out = tmp_path / "published.ybpack"
    write = [sys.executable, "-m", "hub", "pack", "--branch", BRANCH, "--out", str(out), "--database", database]
    subprocess.run(write, cwd=ROOT, check=True, capture_output=True)
    assert out.read_bytes() == pack.read_bytes()


def test_no_page_complained_in_the_browsers_console(house: House) -> None:
    assert house.problems == []


def test_fifty_presses_at_once_over_the_api_call_fifty_different_numbers(house: House) -> None:
    lobby = Lobby(house, "kiosk-6")
    for number in range(1, 51):
        lobby.take(f"D6{number:02d}", "cash")
    with httpx.Client(base_url=house.hub.ready["http"], timeout=60) as web:
        web.post("/sign-in", data={"name": "li", "password": PASSWORD})
        headers = {"X-CSRF-Token": web.get("/api/v1/me").json()["csrf"]}
        got: list[str] = []

        def press(counter: int) -> None:
            wish = {"service": "cash", "counter": str(counter)}
            answer = web.post(f"/api/v1/branches/{BRANCH}/call", json=wish, headers=headers)
            got.append(answer.json()["number"] if answer.status_code == 200 else json.dumps(answer.json()))

        threads = [threading.Thread(target=press, args=(counter,)) for counter in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(got) == len(set(got)) == 50 and all(re.fullmatch(r"D6\d\d", one) for one in got)
    lobby.close()
