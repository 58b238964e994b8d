"""The lobby's pages and the API without signing in: true, live, harmless to what comes from outside."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from config.schema import DEFAULT_SITE, load_site
from contracts import messages as m
from contracts import topics
from hub.bus import Arrived
from hub.bus_mqtt import MqttBus
from hub.changes import MAX_STREAMS, Changes
from hub.desk.floor import look
from hub.desk.floor_page import floor_html, region_html
from hub.labels import load_labels
from hub.service import Hub
from hub.store import Store
from hub.views import branch_view, region_view
from hub.web import build_app
from tests.hub.wirekit import BRANCH, DEVICE, Sender

pytestmark = pytest.mark.e2e

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
LABELS = load_labels(load_site(DEFAULT_SITE))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    bus = MqttBus([("127.0.0.1", 1)], version="0")  # never started: no broker is needed
    made = Hub(Store(f"sqlite:///{tmp_path}/hub.db"), bus)
    yield made
    made.store.close()


@pytest.fixture
async def web(hub: Hub) -> AsyncIterator[httpx.AsyncClient]:
    app = build_app(hub, LABELS, Changes(), loopback=True, desk=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8600") as client:
        yield client


def fill(hub: Hub) -> Sender:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.issued("A002"), sender.issued("B001", service="corporate")])
    hub.ingest.take([sender.event(moment) for moment in EVERY_MOMENT])
    return sender


def floor(hub: Hub) -> str:
    return floor_html(look(hub.store, BRANCH, LABELS), branch_view(hub.store, BRANCH), LABELS)


def test_a_branch_that_nobody_has_been_to_shows_its_services_and_no_figure_but_nought(hub: Hub) -> None:
    page = floor(hub)
    assert "个人业务" in page and "没有人等" in page
    assert set(re.findall(r"<strong>(.*?)</strong>", page)) == {"0", "—"}


def test_the_floor_shows_tickets_services_moments_and_opinions_in_both_languages(hub: Hub) -> None:
    fill(hub)
    page = floor(hub)
    for words in ("A001", "B001", "个人业务", "Corporate banking", "取款", "Withdraw cash", "93%", "●●●●○", "请同事来"):
        assert words in page, words
    assert page.count('lang="en"') > 30


def test_every_kind_of_moment_has_words_of_its_own(hub: Hub) -> None:
    fill(hub)
    page = floor(hub)
    for moment in EVERY_MOMENT:
        kind = type(moment).__struct_config__.tag
        assert f'<li class="{kind}">' in page
        assert f">{kind}<" not in page  # the fallback for moments of a newer kiosk


HOSTILE = "<b onclick=alert(1)>x</b>"


async def test_nothing_from_outside_becomes_markup(hub: Hub, web: httpx.AsyncClient) -> None:
    now = datetime.now(UTC)
    said = m.Availability(
        id="1", at=now, mono_ns=0, online=True, since=now, versions={"<script>": "<img src=x onerror=alert(1)>"}
    )
    hub.ingest.take([Arrived(topics.AVAILABILITY.at(BRANCH, DEVICE), topics.AVAILABILITY.encode(said))])
    fill(hub)
    called = await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "3"})
    assert called.status_code == 200
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    with hub.store.write() as db:  # as if every check before it had failed
        db.exec_driver_sql(f"UPDATE tickets SET service = '{HOSTILE}', counter = '{HOSTILE}', priority = 'none'")
        db.exec_driver_sql(f"UPDATE ticket_changes SET counter = '{HOSTILE}'")
        db.exec_driver_sql(f"UPDATE devices SET device = '{HOSTILE}'")
    pages = [
        floor(hub),
        region_html(region_view(hub.store, [BRANCH, HOSTILE]), LABELS),
        (await web.get(f"/t/{BRANCH}/{day}/A001")).text,
        (await web.get(f"/t/{BRANCH}/{day}/A002")).text,
    ]
    for page in pages:
        assert HOSTILE not in page and "<img" not in page and "onclick=alert(1)>" not in page.replace("&gt;", "")
    assert (await web.get("/board/%3Csvg%3E")).status_code == 422
    assert (await web.get("/board/nowhere")).status_code == 404


SQL = ("' OR 1=1 --", "x'; DROP TABLE tickets; --", '"; SELECT 1', "1 UNION SELECT password FROM people")


async def test_sql_in_any_field_of_the_api_is_refused_or_only_a_text(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    for text in SQL:
        for field in ("service", "counter"):
            wish = {"service": "personal", "counter": "1", field: text}
            assert (await web.post(f"/api/v1/branches/{BRANCH}/call", json=wish)).status_code == 422
        assert (await web.get(f"/api/v1/branches/{BRANCH}/tickets/A001", params={"day": text})).status_code == 404
        assert (await web.get(f"/board/{text}/state")).status_code in (404, 422)
        wish = {"day": text, "event": "finished"}
        assert (await web.post(f"/api/v1/branches/{BRANCH}/tickets/A001/events", json=wish)).status_code == 422
    assert len((await web.get(f"/api/v1/branches/{BRANCH}")).json()["tickets"]) == 3


async def test_malformed_and_oversized_wishes_are_refused_without_being_read(web: httpx.AsyncClient) -> None:
    path = f"/api/v1/branches/{BRANCH}/call"
    for body in (b"{", b"\xff\xfe", b"[" * 3000, b"null", b'{"service": {"$gt": ""}}'):
        answer = await web.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 422)
    assert (await web.post(path, content=b"x" * 10_000_000)).status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 65_536

    assert (await web.post(path, content=endless())).status_code == 413  # no length was declared
    for length in ("-1", "1e3", "99999999999999999999"):
        assert (await web.post(path, content=b"", headers={"Content-Length": length})).status_code == 413


async def test_the_api_gives_the_branch_the_ticket_with_its_history_and_a_devices_rows(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    branch = (await web.get(f"/api/v1/branches/{BRANCH}")).json()
    assert {line["service"]: line["waiting"] for line in branch["services"]} == {"personal": 2, "corporate": 1}
    ticket = (await web.get(f"/api/v1/branches/{BRANCH}/tickets/A001")).json()
    assert (ticket["state"], [change["event"] for change in ticket["history"]]) == ("waiting", ["accepted"])
    rows = (await web.get(f"/api/v1/branches/{BRANCH}/devices/{DEVICE}/rows")).json()
    assert (len(rows["tickets"]), len(rows["events"]), len(rows["opinions"])) == (3, len(EVERY_MOMENT), 1)
    assert (await web.get("/api/v1/branches/nowhere")).status_code == 404
    assert (await web.get(f"/api/v1/branches/{BRANCH}/tickets/Z999")).status_code == 404


async def test_openapi_and_asyncapi_describe_what_is_there(web: httpx.AsyncClient) -> None:
    described = (await web.get("/api/openapi.json")).json()
    assert "/api/v1/branches/{branch}/call" in described["paths"]
    wire = (await web.get("/api/asyncapi.json")).json()
    assert {channel["address"] for channel in wire["channels"].values()} == {row.path for row in topics.CONTRACT}
    for channel in wire["channels"].values():
        for message in channel["messages"].values():
            assert message["$ref"].split("/")[-1] in wire["components"]["messages"]
    assert "TicketIssued" in wire["components"]["schemas"]


async def test_what_is_coming_can_be_read_and_an_offer_is_taken_only_while_it_is_made(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    found = (await web.get(f"/api/v1/branches/{BRANCH}/foresight")).json()
    low, high = found["tickets_min"]["A002"]
    assert 1 <= low <= high and found["waits_min"]["personal"] is not None
    assert found["promises"] is None and found["expected_today"] == {} and found["dispatch"] == []
    state = (await web.get(f"/t/{BRANCH}/{found['day']}/A002/state")).json()
    assert state["offers"] == [] and state["minutes"] == [low, high]
    refused = await web.post(f"/t/{BRANCH}/{found['day']}/A002/to-video")
    assert refused.status_code == 409


async def test_a_phone_sees_how_many_are_ahead_then_the_counter_and_nothing_of_other_tickets(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    fill(hub)
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    waiting = (await web.get(f"/t/{BRANCH}/{day}/A002")).text
    assert re.findall(r"<strong>(.*?)</strong>", waiting) == ["1"] and "A001" not in waiting
    assert "还要等大约" in waiting
    await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "3"})
    called = (await web.get(f"/t/{BRANCH}/{day}/A001")).text
    assert 'data-state="called"' in called and '<p class="counter">3</p>' in called and "<strong>" not in called
    assert (await web.get(f"/t/{BRANCH}/{day}/A999")).status_code == 404


async def test_a_phone_gives_its_ticket_back_once(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    answers = [(await web.post(f"/t/{BRANCH}/{day}/A002/give-back")).status_code for _ in range(2)]
    assert answers == [200, 409]
    page = (await web.get(f"/t/{BRANCH}/{day}/A002")).text
    assert "已退号" in page and "give-back" not in page
    assert (await web.post(f"/t/{BRANCH}/{day}/A077/give-back")).status_code == 404


async def test_a_clerk_calls_serves_and_finishes_and_cannot_do_it_twice(hub: Hub, web: httpx.AsyncClient) -> None:
    fill(hub)
    called = await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "3"})
    assert called.json()["number"] == "A001"
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    path, answers = f"/api/v1/branches/{BRANCH}/tickets/A001/events", []
    for event in ("serving_began", "finished", "finished"):
        answer = await web.post(path, json={"day": day, "event": event, "counter": "3"})
        answers.append(answer.status_code)
    assert answers == [200, 200, 409]
    assert (await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "wealth"})).status_code == 409
    for event in ("accepted", "day_ended", "given_back", "nonsense"):
        assert (await web.post(path, json={"day": day, "event": event})).status_code == 422


async def test_calls_at_one_moment_are_shown_one_after_the_other_each_for_its_time(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued(f"A{number:03d}") for number in range(1, 13)])
    calls = [
        web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": str(counter)})
        for counter in range(1, 13)
    ]
    numbers = {answer.json()["number"] for answer in await asyncio.gather(*calls)}
    assert len(numbers) == 12
    with hub.store.read() as db:
        rows = db.exec_driver_sql("SELECT number, show_at, show_until FROM announcements ORDER BY show_at").all()
    assert {row[0] for row in rows} == numbers
    times = [(datetime.fromisoformat(row[1]), datetime.fromisoformat(row[2])) for row in rows]
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times))
    assert min((until - at).total_seconds() for at, until in times) >= 5
    board = (await web.get(f"/board/{BRANCH}/state")).json()
    assert board["now"]["number"] == rows[0][0] and 0 < board["next_change_ms"] <= 8000
    assert "号窗口" in board["now"]["say"]["zh"] and "counter" in board["now"]["say"]["en"]


async def test_calling_again_while_a_number_waits_to_be_shown_does_not_show_it_twice(
    hub: Hub, web: httpx.AsyncClient
) -> None:
    sender = Sender()
    hub.ingest.take([sender.issued("A001"), sender.issued("A002")])
    for counter in ("1", "2"):
        await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": counter})
    day = (await web.get(f"/api/v1/branches/{BRANCH}")).json()["day"]
    for _ in range(3):
        wish = {"day": day, "event": "recalled", "counter": "2"}
        await web.post(f"/api/v1/branches/{BRANCH}/tickets/A002/events", json=wish)
    with hub.store.read() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM announcements").scalar() == 2


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
    assert (await web.get("/healthz", headers={"Host": "evil.example"})).status_code == 421
    own = {"Origin": "http://127.0.0.1:8600", "Sec-Fetch-Site": "same-origin"}
    assert (await web.post(path, json=wish, headers=own)).status_code == 200


async def test_every_answer_carries_the_headers_that_keep_a_browser_safe(web: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/theme.css", f"/board/{BRANCH}", "/static/hub.css", "/nowhere"):
        headers = (await web.get(path)).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["x-frame-options"] == "DENY"


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


async def test_what_another_process_wrote_is_noticed_by_those_who_watch(hub: Hub) -> None:
    fill(hub)
    changes = Changes()
    changes.bind(asyncio.get_running_loop())
    watching = asyncio.create_task(changes.watch(hub.store))
    before = changes.version(BRANCH)
    await asyncio.sleep(1.2)
    assert changes.version(BRANCH) == before
    other = Store(str(hub.store._engine.url))
    Hub(other, MqttBus([("127.0.0.1", 1)], version="0")).ingest.take([Sender(device="kiosk-2").issued("A101")])
    async with asyncio.timeout(5):
        while changes.version(BRANCH) == before:
            await asyncio.sleep(0.1)
    watching.cancel()
    other.close()


async def test_the_number_of_open_pages_is_bounded() -> None:
    changes = Changes()
    streams = [changes.stream("here") for _ in range(MAX_STREAMS)]
    for stream in streams:
        await anext(stream)
    assert changes.is_full
    for stream in streams:
        await stream.aclose()
    assert not changes.is_full
