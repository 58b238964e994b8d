"""The branch's page and the API: true, live, harmless to what comes from outside, closed to other origins."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import sync_playwright

from config.schema import DEFAULT_SITE, load_site
from contracts import messages as m
from contracts import topics
from hub.ingest import Arrived
from hub.labels import load_labels
from hub.service import Hub
from hub.store import Store
from hub.web import MAX_STREAMS, Changes, build_app
from tests.hub.wirekit import BRANCH, DEVICE, Running, Sender, start_broker, start_hub

pytestmark = pytest.mark.e2e
CHROMIUM = Path("/usr/bin/chromium")

EVERY_MOMENT: tuple[m.Moment, ...] = (
    m.VisitStarted(visit="v", noticed_by="camera"),
    m.Greeted(visit="v", language="zh"),
    m.Understood(visit="v", turn=1, intent="withdraw_cash", confidence=0.93, decision="act", language="zh"),
    m.Touched(visit="v", target="chip_1"),
    m.TicketTaken(visit="v", number="A001", service="personal"),
    m.OpinionGiven(visit="v", score=4),
    m.StaffCalled(visit="v", reason="complaint"),
    m.VisitEnded(visit="v", outcome="ticket", duration_s=41.0),
    m.DeviceMissing(device="printer", reason="no_paper"),
    m.DeviceFound(device="printer"),
)


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    made = Hub(Store(f"sqlite:///{tmp_path}/hub.db"), broker=("127.0.0.1", 1))  # never started: no broker is needed
    yield made
    made.store.close()


@pytest.fixture
async def web(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(hub, load_labels(load_site(DEFAULT_SITE)), Changes(), loopback=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8600") as client:
        yield client


def fill(hub: Hub) -> Sender:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.issued("A002"), sender.issued("B001", service="corporate")])
    hub.ingest.take([sender.event(moment) for moment in EVERY_MOMENT])
    return sender


async def test_a_hub_that_nobody_has_spoken_to_shows_its_site_and_no_figure_but_nought(web: httpx.AsyncClient) -> None:
    page = (await web.get("/")).text
    assert "滨江路支行" in page and "今天还没有人取号" in page
    assert set(re.findall(r"<strong>(.*?)</strong>", page)) == {"0", "—"}


async def test_the_page_shows_tickets_services_moments_and_opinions_in_both_languages(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    page = (await web.get("/")).text
    for words in (
        "A001",
        "B001",
        "个人业务",
        "Corporate banking",
        "取款",
        "Withdraw cash",
        "93%",
        "●●●●○",
        "请同事来",
        "打印机",
    ):
        assert words in page, words
    assert page.count('lang="en"') > 30


async def test_every_kind_of_moment_has_words_of_its_own(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    board = (await web.get("/board", params={"branch": BRANCH})).text
    for moment in EVERY_MOMENT:
        kind = type(moment).__struct_config__.tag
        assert f'<li class="{kind}">' in board
        assert f">{kind}<" not in board  # the fallback for moments of a newer kiosk


async def test_nothing_from_outside_becomes_markup(hub: Hub, web: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    said = m.Availability(
        id="1", at=now, mono_ns=0, online=True, since=now, versions={"<script>": "<img src=x onerror=alert(1)>"}
    )
    hub.ingest.take([Arrived(topics.AVAILABILITY.at(BRANCH, DEVICE), topics.AVAILABILITY.encode(said))])
    with hub.store.write() as db:
        hub.ingest._take_one(db, Sender().issued("A001"), {}, set(), set())
        db.exec_driver_sql("UPDATE tickets SET service = '<b>x</b>', counter = '<i>'")
    page = (await web.get("/")).text
    assert "<script>alert" not in page and "<img" not in page and "<b>x</b>" not in page
    assert (await web.get("/", params={"branch": "<svg>"})).status_code == 422
    assert (await web.get("/", params={"branch": "nowhere"})).status_code == 404


async def test_the_api_gives_the_branch_the_ticket_with_its_history_and_a_devices_rows(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    branch = (await web.get(f"/api/v1/branches/{BRANCH}")).json()
    assert {line["service"]: line["waiting"] for line in branch["services"]} == {"personal": 2, "corporate": 1}
    ticket = (await web.get("/api/v1/tickets/A001", params={"branch": BRANCH})).json()
    assert (ticket["state"], [change["event"] for change in ticket["history"]]) == ("waiting", ["accepted"])
    rows = (await web.get(f"/api/v1/devices/{DEVICE}/rows", params={"branch": BRANCH})).json()
    assert (len(rows["tickets"]), len(rows["events"]), len(rows["opinions"])) == (3, len(EVERY_MOMENT), 1)
    assert (await web.get("/api/v1/branches/nowhere")).status_code == 404
    assert (await web.get("/api/v1/tickets/Z999", params={"branch": BRANCH})).status_code == 404


async def test_a_phone_sees_how_many_are_ahead_then_the_counter_and_nothing_of_other_tickets(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    day = (await web.get("/api/v1/tickets/A002", params={"branch": BRANCH})).json()["day"]
    waiting = (await web.get(f"/t/{BRANCH}/{day}/A002")).text
    assert re.findall(r"<strong>(.*?)</strong>", waiting) == ["1"] and "A001" not in waiting
    await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "3"})
    called = (await web.get(f"/t/{BRANCH}/{day}/A001")).text
    assert "已叫号" in called and "3" in called and "<strong>" not in called
    assert (await web.get(f"/t/{BRANCH}/{day}/A999")).status_code == 404


async def test_a_clerk_calls_serves_and_finishes_and_cannot_do_it_twice(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    called = await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "3"})
    assert called.json()["number"] == "A001"
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    answers = []
    for event in ("serving_began", "finished", "finished"):
        answer = await web.post(
            "/api/v1/tickets/A001/events", json={"branch": BRANCH, "day": day, "event": event, "counter": "3"}
        )
        answers.append(answer.status_code)
    assert answers == [200, 200, 409]
    nobody = await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "wealth"})
    assert nobody.status_code == 409
    for event in ("accepted", "day_ended", "nonsense"):
        wish = {"branch": BRANCH, "day": day, "event": event}
        assert (await web.post("/api/v1/tickets/A002/events", json=wish)).status_code == 422


async def test_only_its_own_page_may_change_anything(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    path, wish = f"/api/v1/branches/{BRANCH}/call", {"service": "personal"}
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert (await web.post(path, json=wish, headers=headers)).status_code == 403
    assert (await web.get("/", headers={"Host": "evil.example"})).status_code == 421
    own = {"Origin": "http://127.0.0.1:8600", "Sec-Fetch-Site": "same-origin"}
    assert (await web.post(path, json=wish, headers=own)).status_code == 200


async def test_health_is_not_well_without_a_broker_and_says_which_part(web: httpx.AsyncClient) -> None:
    answer = await web.get("/healthz")
    assert answer.status_code == 503
    assert (answer.json()["broker"], answer.json()["database"]) == (False, True)


async def test_open_pages_are_told_once_for_many_changes_and_only_of_their_branch() -> None:
    changes = Changes()
    changes.bind(asyncio.get_running_loop())
    stream = changes.stream("here")
    assert (await anext(stream)).startswith(b"retry")
    told = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    for branch in ("there", "here", "here", "here"):
        changes.tell(branch)
    assert b"event: changed" in await asyncio.wait_for(told, 2)
    again = asyncio.ensure_future(anext(stream, None))
    await asyncio.sleep(0.05)
    assert not again.done()
    changes.close()
    assert await asyncio.wait_for(again, 2) is None


async def test_the_number_of_open_pages_is_bounded() -> None:
    changes = Changes()
    streams = [changes.stream("here") for _ in range(MAX_STREAMS)]
    for stream in streams:
        await anext(stream)
    assert changes.is_full
    for stream in streams:
        await stream.aclose()
    assert not changes.is_full


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Running, Running]]:
    broker = start_broker(tmp_path / "broker")
    hub = start_hub(broker.ready["port"], tmp_path / "hub.db")
    yield broker, hub
    hub.stop()
    broker.stop()


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed: apt-get install chromium")
def test_a_browser_sees_a_new_ticket_without_reloading_and_calls_it_by_its_button(
    running: tuple[Running, Running], tmp_path: Path
) -> None:
    broker, hub = running
    kiosk = Client(CallbackAPIVersion.VERSION2, client_id=DEVICE)
    kiosk.connect("127.0.0.1", broker.ready["port"])
    kiosk.loop_start()
    sender = Sender()
    first, second = sender.issued("A001"), sender.issued("A002")
    kiosk.publish(first.topic, first.payload, 1).wait_for_publish(5)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1000})
        problems: list[str] = []
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{hub.ready['http']}/?branch={BRANCH}", wait_until="commit")
        page.wait_for_selector("#t-A001")
        kiosk.publish(second.topic, second.payload, 1).wait_for_publish(5)
        page.wait_for_selector("#t-A002", timeout=5000)
        page.click('button[data-call="personal"]')
        page.wait_for_selector("#t-A001 .chip.called", timeout=5000)
        assert page.inner_text(".service .called b") == "A001"
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / "hub.png")
        browser.close()
    kiosk.disconnect()
    kiosk.loop_stop()
    assert problems == []
