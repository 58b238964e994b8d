"""What terminals should be set to: who may want it, what is wanted, what they say, where the two differ."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from config.remote import digest, overlay, values
from config.schema import DEFAULT_SITE, load_site
from contracts import messages as m
from contracts import topics
from contracts.shadow import Setting, ShadowReason, ShadowState, typed
from hub.accounts import record
from hub.accounts.accounts import Accounts
from hub.accounts.rights import OPERATOR, VISITOR, Refused, read_grant
from hub.accounts.tables import audit
from hub.bus import Arrived, Outgoing
from hub.bus_mqtt import MqttBus
from hub.changes import Changes
from hub.desk.shadow_panel import shadows_html
from hub.labels import load_labels
from hub.service import Hub
from hub.shadow import KEPT_VERSIONS, RESEND_S, ShadowProblem, Shadows, overdue
from hub.store import Store, devices, shadow_desired, shadow_reported
from hub.web import build_app
from tests.hub.wirekit import BRANCH, DEVICE, Sender

pytestmark = pytest.mark.contract
SITE = load_site(DEFAULT_SITE)
LABELS = load_labels(SITE)
PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
LOUD = {"voice.gain_max_db": 3}
SINCE = datetime(2026, 11, 29, 8, 0, tzinfo=UTC)


class Kiosk:
    """A terminal's end: what it would report."""

    def __init__(self, device: str = DEVICE, branch: str = BRANCH) -> None:
        self.branch, self.device, self.mono_ns = branch, device, 0

    def reports(
        self, version: int, state: ShadowState = "applied", *, remote: dict[str, Any] | None = None, **more: Any
    ) -> Arrived:
        self.mono_ns += 1
        shown = values(overlay(SITE, remote or {}))
        settings = {
            name: Setting(value=value, origin="remote" if name in (remote or {}) else "local")
            for name, value in typed(shown).items()
        }
        said: dict[str, Any] = {"in_force": version, "hash": digest(shown), "since": SINCE, **more}
        report = m.ShadowReported(
            id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=more.pop("mono_ns", self.mono_ns), version=version,
            state=state, settings=settings, **{name: value for name, value in said.items() if name != "mono_ns"},
        )  # fmt: skip
        row = topics.SHADOW_REPORTED
        return Arrived(row.at(self.branch, self.device), row.encode(report))


@pytest.fixture
def hub(database: str) -> Iterator[Hub]:
    made = Hub(Store(database), MqttBus([("127.0.0.1", 1)], version="0"))
    yield made
    made.ingest.close()
    made.store.close()


@pytest.fixture
def sent(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> list[Outgoing]:
    """What would go over the bus."""
    found: list[Outgoing] = []
    monkeypatch.setattr(hub.bus, "send", found.append)
    return found


@pytest.fixture
def shadows(hub: Hub) -> Shadows:
    hub.ingest.take([Sender().event(m.Touched(visit="v", target="chip_1"))])  # it has spoken
    return Shadows(hub.store)


def want(shadows: Shadows, settings: dict[str, Any], **more: Any) -> m.ShadowDesired:
    _, message = shadows.set(OPERATOR, BRANCH, DEVICE, settings, **more)
    assert message.topic == topics.SHADOW_DESIRED.at(BRANCH, DEVICE) and message.retain
    return topics.SHADOW_DESIRED.decode(message.payload)


def look(shadows: Shadows) -> dict[str, Any]:
    (found,) = shadows.look([BRANCH])
    json.dumps(found)
    return found


def acts(hub: Hub) -> list[tuple[str, str, str, str]]:
    rows = hub.store.rows(sa.select(audit).where(audit.c.branch == BRANCH).order_by(audit.c.n))
    return [(row["person"], row["act"], row["subject"], row["outcome"]) for row in rows]


# --- wanted ----------------------------------------------------------------------------------------


def test_each_wish_is_a_new_version_addressed_to_one_terminal_and_recorded(hub: Hub, shadows: Shadows) -> None:
    one = want(shadows, LOUD)
    other = want(shadows, {"branch.hours": {"monday": {"opens": "08:30", "closes": "18:00"}}})
    assert (one.version, other.version, one.branch, one.device) == (1, 2, BRANCH, DEVICE)
    assert look(shadows)["desired"]["settings"] == {
        "branch.hours": {"monday": {"opens": "08:30:00", "closes": "18:00:00"}}
    }
    assert acts(hub) == [
        ("local", "configuration_set", f"{DEVICE} version 1", "done"),
        ("local", "configuration_set", f"{DEVICE} version 2", "done"),
    ]
    assert record.verify(hub.store) == []
    assert [row["version"] for row in shadows.history(BRANCH, DEVICE)] == [2, 1]


def test_versions_go_on_where_a_terminal_knows_more_than_this_database(hub: Hub, shadows: Shadows) -> None:
    hub.ingest.take([Kiosk().reports(41, remote=LOUD)])
    assert want(shadows, LOUD).version == 42


def test_wishes_at_the_same_moment_get_a_version_each(hub: Hub, shadows: Shadows) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(want(shadows, LOUD).version)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [1, 2, 3, 4, 5, 6]


def test_only_the_last_versions_are_kept(hub: Hub, shadows: Shadows) -> None:
    for _ in range(KEPT_VERSIONS + 5):
        want(shadows, LOUD)
    assert [row["version"] for row in shadows.history(BRANCH, DEVICE)] == list(range(KEPT_VERSIONS + 5, 5, -1))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"hub.host": "evil"}, "hub.host"),
        ({"voice.gain_max_db": 99}, "less than or equal to 9"),
        ({"voice.gain_max_db": "3"}, "a number"),
        ({"voice.persona": "free text"}, "xiaoying"),
        ({"hearing.pause_shortest_ms": 2500}, "pause_longest_ms"),
    ],
)
def test_what_a_terminal_would_refuse_is_refused_here_with_a_sentence(
    hub: Hub, shadows: Shadows, settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(ShadowProblem, match=says) as caught:
        want(shadows, {**LOUD, **settings})
    assert caught.value.status == 422
    assert (hub.store.rows(sa.select(shadow_desired)), acts(hub)) == ([], [])


def test_a_wish_is_judged_by_the_terminals_own_values_where_it_has_told_them(hub: Hub, shadows: Shadows) -> None:
    short = {"hearing.pause_longest_ms": 900, "hearing.pause_unfinished_ms": 900}
    local = Kiosk().reports(0, "local")
    body = json.loads(local.payload)
    for name, value in short.items():
        body["settings"][name]["value"] = value
    body["hash"] = digest({name: one["value"] for name, one in body["settings"].items()})
    hub.ingest.take([Arrived(local.topic, json.dumps(body).encode())])
    with pytest.raises(ShadowProblem, match="pause_longest_ms"):
        want(shadows, {"hearing.pause_shortest_ms": 1000})


def test_a_terminal_that_never_spoke_and_a_page_that_is_out_of_date_are_told_so(hub: Hub, shadows: Shadows) -> None:
    with pytest.raises(ShadowProblem) as unknown:
        shadows.set(OPERATOR, BRANCH, "kiosk-9", LOUD)
    want(shadows, LOUD, based_on=0)
    with pytest.raises(ShadowProblem, match="version 1") as late:
        want(shadows, LOUD, based_on=0)
    assert (unknown.value.status, late.value.status) == (404, 409)
    assert want(shadows, LOUD, based_on=1).version == 2


def test_who_may_not_set_it_sets_nothing(hub: Hub, shadows: Shadows) -> None:
    with pytest.raises(Refused):
        shadows.set(VISITOR, BRANCH, DEVICE, LOUD)
    assert hub.store.rows(sa.select(shadow_desired)) == []


# --- reported --------------------------------------------------------------------------------------


def test_what_a_terminal_says_is_compared_with_what_is_wanted(hub: Hub, shadows: Shadows) -> None:
    kiosk = Kiosk()
    assert (look(shadows)["desired"], look(shadows)["reported"], look(shadows)["in_step"]) == (None, None, True)
    want(shadows, LOUD)
    assert look(shadows)["in_step"] is False
    hub.ingest.take([kiosk.reports(0, "local")])
    found = look(shadows)
    assert found["differing"] == [{"setting": "voice.gain_max_db", "desired": 3, "reported": 6}]
    assert (found["reported"]["state"], found["in_step"]) == ("local", False)
    hub.ingest.take([kiosk.reports(1, remote=LOUD, on_trial=True)])
    assert (look(shadows)["differing"], look(shadows)["in_step"]) == ([], True)
    hub.ingest.take([kiosk.reports(1, "rolled_back", in_force=0, reasons=(ShadowReason(why="slow_answers"),))])
    found = look(shadows)
    assert (found["reported"]["version"], found["reported"]["in_force"], found["in_step"]) == (1, 0, False)
    assert found["reported"]["reasons"] == [{"why": "slow_answers", "what": ""}]
    assert acts(hub)[1:] == [
        ("", "configuration_applied", f"{DEVICE} version 1", "done"),
        ("", "configuration_rolled_back", f"{DEVICE} version 1", "slow_answers"),
    ]
    assert record.verify(hub.store) == []


def test_a_setting_from_the_hub_that_is_no_longer_wanted_differs(hub: Hub, shadows: Shadows) -> None:
    want(shadows, LOUD)
    want(shadows, {})
    hub.ingest.take([Kiosk().reports(1, remote=LOUD)])
    assert look(shadows)["differing"] == [{"setting": "voice.gain_max_db", "desired": None, "reported": 3}]


def test_a_report_that_was_overtaken_on_the_way_changes_nothing_and_one_of_a_new_start_does(
    hub: Hub, shadows: Shadows
) -> None:
    kiosk = Kiosk()
    first, second = kiosk.reports(1, remote=LOUD), kiosk.reports(2, "refused", in_force=1)
    hub.ingest.take([second])
    hub.ingest.take([first])
    assert look(shadows)["reported"]["version"] == 2
    kiosk.mono_ns = 0
    hub.ingest.take([kiosk.reports(3, remote=LOUD, since=SINCE + timedelta(hours=1))])
    assert look(shadows)["reported"]["version"] == 3


def test_a_report_whose_hash_is_not_that_of_its_settings_is_refused_and_counted(hub: Hub, shadows: Shadows) -> None:
    hub.ingest.take([Kiosk().reports(1, remote=LOUD, hash="0" * 64)])
    assert (look(shadows)["reported"], hub.ingest.tallies.refused["hash"]) == (None, 1)


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"x" * 10_000_000, b'{"v": 2}', b'{"id": "1"}'])
def test_what_is_no_report_is_refused_and_counted_and_the_next_one_is_kept(
    hub: Hub, shadows: Shadows, payload: bytes
) -> None:
    good = Kiosk().reports(1, remote=LOUD)
    hub.ingest.take([Arrived(good.topic, payload), good])
    assert sum(hub.ingest.tallies.refused.values()) == 1
    assert look(shadows)["reported"]["version"] == 1


def test_a_report_on_another_branchs_topic_is_that_branchs(hub: Hub, shadows: Shadows) -> None:
    want(shadows, LOUD)
    hub.ingest.take([Kiosk(branch="jiefang").reports(1, remote=LOUD)])
    assert look(shadows)["reported"] is None  # the broker lets each device write its own only: `test_hub_access`


# --- sent again ------------------------------------------------------------------------------------


def test_a_terminal_that_reports_an_older_version_is_sent_the_newest_and_another_is_not(
    hub: Hub, shadows: Shadows, sent: list[Outgoing]
) -> None:
    want(shadows, LOUD)
    want(shadows, {"voice.gain_max_db": 4})
    kiosk = Kiosk()
    hub.ingest.take([kiosk.reports(1, remote=LOUD)])
    (again,) = sent
    desired = topics.SHADOW_DESIRED.decode(again.payload)
    assert (desired.version, desired.settings, again.retain) == (2, {"voice.gain_max_db": 4}, True)
    sent.clear()
    hub.ingest.take([kiosk.reports(2, remote={"voice.gain_max_db": 4})])
    hub.ingest.take([kiosk.reports(2, "refused", in_force=1)])  # it decided: no reason to send it again
    assert sent == []


def test_one_that_is_online_and_says_nothing_is_sent_it_now_and_then_with_growing_pauses(
    hub: Hub, shadows: Shadows
) -> None:
    want(shadows, LOUD)
    now = datetime.now(UTC)
    later = now + timedelta(seconds=RESEND_S + 1)
    assert overdue(hub.store, later) == []  # not online
    with hub.store.write() as db:
        db.execute(sa.update(devices).values(online=True))
    assert overdue(hub.store, now) == []
    (again,) = overdue(hub.store, later)
    assert topics.SHADOW_DESIRED.decode(again.payload).version == 1
    assert overdue(hub.store, later + timedelta(seconds=RESEND_S + 1)) == []
    assert len(overdue(hub.store, later + timedelta(seconds=2 * RESEND_S + 1))) == 1
    hub.ingest.take([Kiosk().reports(1, remote=LOUD)])
    assert overdue(hub.store, later + timedelta(days=1)) == []


# --- who may, over HTTP ------------------------------------------------------------------------------


@pytest.fixture
async def web(hub: Hub, shadows: Shadows, sent: list[Outgoing]) -> AsyncIterator[httpx.AsyncClient]:
    accounts = Accounts(hub.store, hasher=QUICK)
    for name, granted in (
        ("chen", f"field-operator:{BRANCH}"), ("wang", f"branch-manager:{BRANCH}"), ("zhao", "branch-manager:jiefang"),
        ("li", f"clerk:{BRANCH}"), ("sun", "auditor:*"),
    ):  # fmt: skip
        accounts.add(name, PASSWORD, [read_grant(granted)], by="test")
    app = build_app(hub, LABELS, Changes(), loopback=True, accounts=accounts, desk=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8600") as client:
        yield client


async def sign_in(web: httpx.AsyncClient, name: str) -> dict[str, str]:
    web.cookies.clear()
    await web.post("/sign-in", data={"name": name, "password": PASSWORD})
    return {"X-CSRF-Token": (await web.get("/api/v1/me")).json()["csrf"]}


HERE = f"/api/v1/branches/{BRANCH}/devices/{DEVICE}/shadow"


async def test_the_field_operator_sets_the_manager_reads_and_nobody_else_either(
    web: httpx.AsyncClient, sent: list[Outgoing], hub: Hub
) -> None:
    expected = {"chen": (200, 202), "wang": (200, 403), "zhao": (403, 403), "li": (403, 403), "sun": (403, 403)}
    for name, (reads, sets) in expected.items():
        headers = await sign_in(web, name)
        assert (await web.get(HERE)).status_code == reads, name
        assert (await web.get(f"/api/v1/branches/{BRANCH}/shadows")).status_code == reads, name
        assert (await web.post(HERE, json={"settings": LOUD}, headers=headers)).status_code == sets, name
    assert [topics.SHADOW_DESIRED.decode(one.payload).version for one in sent] == [1]
    assert [row[:2] for row in acts(hub)] == [("chen", "configuration_set")]
    await sign_in(web, "chen")
    found = (await web.get(HERE)).json()
    assert (found["desired"]["by"], found["history"][0]["settings"]) == ("chen", LOUD)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (b"[" * 10_000, 400),
        (b'{"settings": {"voice.speed": NaN}}', 422),
        (b'{"settings": {"voice.speed": 1e999}}', 422),
        (b'{"settings": {"voice.speed": 9}}', 422),
        (b'{"settings": {"hub.host": "evil"}}', 422),
        (b'{"settings": {}, "version": 7}', 422),
        (b'{"settings": {}, "based_on": 5}', 409),
        (b'{"settings": {}, "based_on": -1}', 422),
        (json.dumps({"settings": {f"a.b{at}": 1 for at in range(61)}}).encode(), 422),
        (b" " * 10_000_000, 413),
    ],
)
async def test_a_bad_wish_is_refused_with_a_reason_and_nothing_is_wanted(
    web: httpx.AsyncClient, sent: list[Outgoing], body: bytes, status: int
) -> None:
    headers = await sign_in(web, "chen") | {"Content-Type": "application/json"}
    answer = await web.post(HERE, content=body, headers=headers)
    assert (answer.status_code, bool(answer.json()["detail"])) == (status, True)
    assert ((await web.get(HERE)).json()["desired"], sent) == (None, [])


async def test_what_may_be_set_is_described_and_the_api_is_in_openapi(web: httpx.AsyncClient) -> None:
    await sign_in(web, "wang")
    rows = {row["setting"]: row for row in (await web.get("/api/v1/settings")).json()["settings"]}
    assert (rows["voice.gain_max_db"]["takes"], rows["voice.persona"]["takes"]) == ("live", "restart")
    paths = (await web.get("/api/openapi.json")).json()["paths"]
    assert set(paths["/api/v1/branches/{branch}/devices/{device}/shadow"]) == {"get", "post"}
    assert "shadow_desired" in (await web.get("/api/asyncapi.json")).json()["channels"]


# --- the page --------------------------------------------------------------------------------------


def test_the_page_shows_versions_state_and_what_differs_those_out_of_step_first(hub: Hub, shadows: Shadows) -> None:
    hub.ingest.take([Kiosk("a-calm-one").reports(0, "local"), Kiosk().reports(0, "local")])
    want(shadows, LOUD | {"branch.hours": {}})
    wrong = (ShadowReason(why="unknown", what="voice.speed"),)
    hub.ingest.take([Kiosk().reports(1, "refused", in_force=0, reasons=wrong, since=SINCE + timedelta(hours=1))])
    page = shadows_html(shadows.look([BRANCH]), LABELS)
    for words in (
        "滨江路支行",
        DEVICE,
        "拒绝",
        "Refused",
        "voice.gain_max_db",
        "3 ≠ 6",
        "unknown voice.speed",
        "1 台不一致",
    ):
        assert words in page, words
    assert page.index(f's-{BRANCH}-{DEVICE}"') < page.index("a-calm-one")
    assert shadows_html([], LABELS) == ""


def test_a_code_of_a_newer_terminal_is_text_and_never_part_of_the_page(hub: Hub, shadows: Shadows) -> None:
    (row,) = shadows.look([BRANCH])
    evil = {"setting": "<script>", "desired": "<script>", "reported": None}
    assert "<script>" not in shadows_html([row | {"differing": [evil], "in_step": False}], LABELS)


def test_many_terminals_are_looked_at_in_a_bounded_time(hub: Hub, shadows: Shadows) -> None:
    hub.ingest.take([Kiosk(f"kiosk-{at}").reports(1, remote=LOUD) for at in range(600)])
    began = time.monotonic()
    rows = shadows.look([BRANCH])
    assert len(rows) == 500 and time.monotonic() - began < 30
    assert len(hub.store.rows(sa.select(shadow_reported))) == 600
