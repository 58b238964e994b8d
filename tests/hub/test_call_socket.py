"""The websocket of a teller's page: only signed in, from the hub's own pages, for one's own case; bounded."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets

from contracts import call as c
from hub.calls.page import MOST_A_SECOND
from hub.calls.relay import open_call
from hub.store import Store
from tests.hub.wirekit import BRANCH, DEVICE, ROOT, Running, start_broker, start_hub

pytestmark = pytest.mark.e2e
PASSWORD = "correct horse battery"
CASE = "case-0001"
OFFER = {"leg": 1, "said": 1, "body": {"kind": "offer", "sdp": "v=0\r\n"}}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("hub")
    broker = start_broker(folder / "broker")
    database = folder / "hub.db"
    for name, grant in (("chen", f"teller:{BRANCH}"), ("li", f"teller:{BRANCH}"), ("sun", "teller:jiangbei")):
        subprocess.run(
            [sys.executable, "-m", "hub", "account", "add", name, "--grant", grant, "--database", f"sqlite:///{database}"],
            input=f"{PASSWORD}\n", text=True, check=True, cwd=ROOT, capture_output=True,
        )  # fmt: skip
    running = start_hub(broker.ready["port"], database, "--sign-in")
    running.ready["database"] = str(database)
    yield running
    running.stop()
    broker.stop()


@pytest.fixture
def opened(hub: Running) -> None:
    store = Store(f"sqlite:///{hub.ready['database']}")
    with store.write() as db:
        open_call(db, BRANCH, CASE, DEVICE, "chen", now=datetime.now(UTC))
    store.close()


def cookie(hub: Running, name: str) -> str:
    answer = httpx.post(f"{hub.ready['http']}/sign-in", data={"name": name, "password": PASSWORD})
    return f"yb_session={answer.cookies['yb_session']}"


def line(hub: Running, session: str = "", *, case: str = CASE, branch: str = BRANCH, origin: str = "") -> Any:
    http = hub.ready["http"]
    url = f"{http.replace('http', 'ws', 1)}/api/v1/branches/{branch}/calls/{case}/media"
    headers = {"Cookie": session} if session else {}
    return websockets.connect(url, additional_headers=headers, origin=origin or http)  # type: ignore[arg-type]


async def told(socket: Any) -> dict[str, Any]:
    async with asyncio.timeout(20):
        body: dict[str, Any] = json.loads(await socket.recv())["body"]
    return body


async def test_the_teller_of_the_case_is_welcomed_and_the_terminal_gets_the_offer(hub: Running, opened: None) -> None:
    async with line(hub, cookie(hub, "chen")) as socket:
        welcome = await told(socket)
        assert (welcome["kind"], welcome["case"]) == ("welcome", CASE)
        await socket.send(json.dumps(OFFER))
        await socket.send(json.dumps(OFFER))  # a repetition
        assert await told(socket) == {"kind": "refused", "code": "leg"}


@pytest.mark.parametrize(
    ("name", "how"),
    [("", {}), ("chen", {"origin": "http://elsewhere.example"}), ("sun", {}), ("li", {"branch": "jiangbei"})],
)
async def test_who_has_no_right_there_gets_no_line(hub: Running, opened: None, name: str, how: dict[str, str]) -> None:
    session = cookie(hub, name) if name else ""
    with pytest.raises(websockets.exceptions.InvalidStatus):
        async with line(hub, session, **how):
            pass


@pytest.mark.parametrize(("name", "case", "code"), [("li", CASE, "teller"), ("chen", "case-none", "case")])
async def test_another_tellers_case_and_an_unknown_one_are_refused_and_the_line_ends(
    hub: Running, opened: None, name: str, case: str, code: str
) -> None:
    async with line(hub, cookie(hub, name), case=case) as socket:
        assert await told(socket) == {"kind": "refused", "code": code}
        with pytest.raises(websockets.exceptions.ConnectionClosed):
            await socket.recv()
        assert socket.close_code == 4404


async def test_nonsense_too_much_and_too_often_are_refused_and_the_line_stays(hub: Running, opened: None) -> None:
    async with line(hub, cookie(hub, "chen")) as socket:
        await told(socket)
        for text, code in (("{", "type"), (json.dumps({"leg": 1}), "type"), ("x" * (c.MESSAGE_BYTES + 1), "size")):
            await socket.send(text)
            assert await told(socket) == {"kind": "refused", "code": code}
        for _ in range(2 * MOST_A_SECOND + 2):
            await socket.send("{")
        codes = {(await told(socket))["code"] for _ in range(2 * MOST_A_SECOND + 2)}
        assert "too_often" in codes
        await asyncio.sleep(1.1)  # the second is over
        await socket.send(json.dumps(OFFER | {"leg": 5}))
        await socket.send(json.dumps({"leg": 5, "said": 2, "body": {"kind": "hang_up", "reason": "done"}}))
        with pytest.raises(websockets.exceptions.ConnectionClosedOK):
            await told(socket)
    health = await asyncio.to_thread(httpx.get, f"{hub.ready['http']}/healthz")
    counted = health.json()["refused"]
    assert counted["refused_too_often"] > 0 and counted["refused_size"] >= 1 and counted["refused_type"] >= 2


async def test_a_second_page_takes_the_seat_of_the_first(hub: Running, opened: None) -> None:
    session = cookie(hub, "chen")
    async with line(hub, session) as first:
        await told(first)
        async with line(hub, session) as second:
            assert (await told(second))["kind"] == "welcome"
            with pytest.raises(websockets.exceptions.ConnectionClosed):
                await told(first)
            assert first.close_code == 4409


def test_the_page_itself_is_for_tellers_of_the_branch(hub: Running) -> None:
    for name, status in (("chen", 200), ("sun", 403)):
        path = f"/desk/call/{BRANCH}/{CASE}"
        page = httpx.get(hub.ready["http"] + path, headers={"Cookie": cookie(hub, name)})
        assert page.status_code == status
        assert "camera=(self)" in page.headers["permissions-policy"]
    assert Path(ROOT / "hub" / "static" / "call.js").exists()
