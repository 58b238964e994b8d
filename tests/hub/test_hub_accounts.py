"""Signing in, and who may do what: denied unless allowed, in one place, recorded, and slow for those who guess."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from starlette.routing import WebSocketRoute

from config.schema import DEFAULT_SITE, load_site
from hub.accounts import record
from hub.accounts.accounts import FREE_GUESSES, IDLE, LONGEST, Accounts, SignInFailed, check_password
from hub.accounts.guard import Guard, unguarded
from hub.accounts.rights import RIGHTS, Grant, Person, Right, Role, may, read_grant
from hub.accounts.routes import ROUTES, find
from hub.accounts.tables import audit, guesses, people, sessions
from hub.bus_mqtt import MqttBus
from hub.changes import Changes
from hub.labels import load_labels
from hub.service import Hub
from hub.store import Store
from hub.web import build_app
from tests.hub.wirekit import BRANCH, ROOT, Sender

pytestmark = pytest.mark.contract
PASSWORD = "correct horse battery"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)  # the tests are about who, not about how dear


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    made = Store(database)
    yield made
    made.close()


@pytest.fixture
def accounts(store: Store) -> Accounts:
    made = Accounts(store, hasher=QUICK)
    for name, granted in (
        ("li", ["clerk:binjiang"]),
        ("wang", ["branch-manager:binjiang"]),
        ("zhao", ["clerk:jiefang"]),
        ("chen", ["field-operator:*"]),
        ("sun", ["auditor:*"]),
        ("qian", ["teller:binjiang"]),
        ("nobody", []),
    ):
        made.add(name, PASSWORD, [read_grant(one) for one in granted], by="test")
    return made


@pytest.fixture
def hub(store: Store) -> Hub:
    made = Hub(store, MqttBus([("127.0.0.1", 1)], version="0"))
    sender = Sender()
    made.ingest.take([sender.issued("A001"), sender.issued("A002")])
    return made


@pytest.fixture
async def web(hub: Hub, accounts: Accounts) -> AsyncIterator[httpx.AsyncClient]:
    labels = load_labels(load_site(DEFAULT_SITE))
    app = build_app(hub, labels, Changes(), loopback=True, accounts=accounts, desk=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:8600") as client:
        yield client


async def sign_in(web: httpx.AsyncClient, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Sign in; the headers that this session's changes need."""
    web.cookies.clear()
    answer = await web.post("/sign-in", data={"name": name, "password": password})
    assert answer.status_code == 303, answer.text
    return {"X-CSRF-Token": (await web.get("/api/v1/me")).json()["csrf"]}


# --- the one place -------------------------------------------------------------------------------


def test_a_right_is_held_only_in_the_branches_it_was_granted_for() -> None:
    clerk = Person("li", frozenset({Grant(Role.CLERK, "binjiang")}))
    assert may(clerk, Right.SERVE, "binjiang") and not may(clerk, Right.SERVE, "jiefang")
    assert may(clerk, Right.SERVE) and not may(clerk, Right.SEE_FLOOR, "binjiang")
    assert not may(Person("x", frozenset()), Right.SEE_BOARD, "binjiang")


def test_every_role_of_the_bank_is_there_and_none_has_everything() -> None:
    assert {role.value for role in Role} == {
        "visitor-page", "clerk", "teller", "branch-manager", "field-operator", "auditor",
    }  # fmt: skip
    assert all(set(RIGHTS[role]) != set(Right) for role in Role)
    assert not RIGHTS[Role.AUDITOR] & {Right.SERVE, Right.APPROVE_KNOWLEDGE, Right.PUBLISH_KNOWLEDGE}


@pytest.mark.parametrize("text", ["", "clerk", "clerk:", "king:binjiang", "clerk:Binjiang", "clerk:a/b", "clerk:**"])
def test_a_grant_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_grant(text)


# --- every route ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guard]:
    """The whole application, desks included: NiceGUI allows one a process."""
    made = Hub(Store(f"sqlite:///{tmp_path_factory.mktemp('hub')}/hub.db"), MqttBus([("127.0.0.1", 1)], version="0"))
    accounts = Accounts(made.store, hasher=QUICK)
    yield build_app(made, load_labels(load_site(DEFAULT_SITE)), Changes(), loopback=True, accounts=accounts)
    made.store.close()


def routes_of(app: object, prefix: str = "") -> list[tuple[str, str]]:
    """Every (method, path) below an application, mounted ones included."""
    found: list[tuple[str, str]] = []
    for route in getattr(app, "routes", ()):
        path = prefix + getattr(route, "path", "").rstrip("/") if prefix else getattr(route, "path", "")
        inner = getattr(route, "app", None)
        if isinstance(route, WebSocketRoute):
            found.append(("WEBSOCKET", path))
        elif hasattr(route, "methods") and route.methods:
            found += [(method, path) for method in route.methods if method != "HEAD"]
        elif hasattr(inner, "routes") and inner.routes:
            found += routes_of(inner, path.rstrip("/"))
        else:
            found.append(("GET", f"{path}/x"))  # files
    return found


def example(path: str) -> str:
    for part, value in (("{branch}", BRANCH), ("{day}", "2026-11-29"), ("{number}", "A001"), ("{device}", "kiosk-1")):
        path = path.replace(part, value)
    return re.sub(r"{[a-z_:]+}", "1", path)


def test_every_route_of_the_application_has_a_rule_and_every_rule_names_a_right(everything: Guard) -> None:
    routes = [(method, example(path)) for method, path in routes_of(everything._app)]
    assert len(routes) > 35
    own = [route for route in routes if not route[1].startswith("/_nicegui")]
    assert unguarded(own) == []
    assert all(rule.right in Right for rule in ROUTES)
    # and whatever NiceGUI has besides is closed, unless it is one of its scripts or its socket
    for method, path in set(routes) - set(own):
        found = find(method, path)
        assert found is None or found[0].right in (Right.SIGN_IN, Right.BE_SIGNED_IN, Right.OFFER_KNOWLEDGE)


async def test_whoever_has_not_signed_in_gets_only_the_visitors_pages(everything: Guard) -> None:
    public = {Right.SIGN_IN, Right.SEE_TICKET, Right.SEE_BOARD}
    transport = httpx.ASGITransport(everything)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8600") as web:
        for method, path in routes_of(everything._app):
            found = find(method, example(path))
            if found is None or found[0].right not in public:
                assert (await web.request(method, example(path))).status_code == 401, (method, path)
        assert (await web.get("/somewhere/else")).status_code == 401  # not even said to be missing
        page = await web.get(f"/desk/branch/{BRANCH}", headers={"Accept": "text/html"})
        assert (page.status_code, page.headers["location"]) == (303, f"/sign-in?next=/desk/branch/{BRANCH}")


async def test_each_role_gets_what_its_rights_say_on_every_route_and_nothing_of_another_branch(
    web: httpx.AsyncClient, accounts: Accounts
) -> None:
    for name in ("li", "wang", "zhao", "chen", "sun", "qian", "nobody"):
        headers = await sign_in(web, name) if name != "nobody" else {}
        if name == "nobody":
            web.cookies.clear()
            await web.post("/sign-in", data={"name": name, "password": PASSWORD})
        person = accounts.find(web.cookies["yb_session"])
        assert person is not None
        for rule in ROUTES:
            if "*" in rule.path or rule.path in ("/sign-out", "/sign-in") or rule.path.endswith("/live"):
                continue
            method, path = rule.methods[0], example(rule.path)
            allowed = may(person, rule.right, BRANCH if "{branch}" in rule.path else None)
            answer = await web.request(method, path, headers=headers)
            assert (answer.status_code == 403) is not allowed, (name, method, path, answer.status_code)


async def test_a_clerk_acts_in_the_own_branch_only(web: httpx.AsyncClient) -> None:
    headers = await sign_in(web, "li")
    wish = {"service": "personal", "counter": "1"}
    assert (await web.post(f"/api/v1/branches/{BRANCH}/call", json=wish, headers=headers)).status_code == 200
    assert (await web.post("/api/v1/branches/jiefang/call", json=wish, headers=headers)).status_code == 403
    assert (await web.get("/api/v1/branches")).json() == {"branches": [BRANCH]}


# --- sessions ------------------------------------------------------------------------------------


async def test_a_change_needs_the_sessions_token_as_well_as_its_cookie(web: httpx.AsyncClient) -> None:
    headers = await sign_in(web, "li")
    path, wish = f"/api/v1/branches/{BRANCH}/call", {"service": "personal"}
    assert (await web.post(path, json=wish)).status_code == 403
    assert (await web.post(path, json=wish, headers={"X-CSRF-Token": "guess"})).status_code == 403
    assert (await web.post(path, json=wish, headers=headers | {"Origin": "http://evil.example"})).status_code == 403
    assert (await web.post(path, json=wish, headers=headers)).status_code == 200


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(web: httpx.AsyncClient) -> None:
    answer = await web.post("/sign-in", data={"name": "li", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie


async def test_signing_in_leads_back_to_a_page_of_this_hub_only(web: httpx.AsyncClient) -> None:
    for wish, leads in (
        ("/desk/region", "/desk/region"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil", "/"),
    ):
        answer = await web.post("/sign-in", data={"name": "li", "password": PASSWORD, "next": wish})
        assert answer.headers["location"] == leads


@pytest.mark.parametrize(("column", "age"), [("seen", IDLE), ("since", LONGEST)])
async def test_a_session_ends_by_itself(web: httpx.AsyncClient, store: Store, column: str, age: timedelta) -> None:
    headers = await sign_in(web, "li")
    with store.write() as db:
        db.execute(sa.update(sessions).values({column: datetime.now(UTC) - age - timedelta(seconds=1)}))
    assert (await web.get("/api/v1/me")).status_code == 401
    assert (await web.post(f"/api/v1/branches/{BRANCH}/call", json={}, headers=headers)).status_code == 401


async def test_signing_out_and_disabling_end_what_is_open(web: httpx.AsyncClient, accounts: Accounts) -> None:
    headers = await sign_in(web, "li")
    token = web.cookies["yb_session"]
    assert (await web.post("/sign-out", headers=headers)).status_code == 303
    assert accounts.find(token) is None
    await sign_in(web, "wang")
    accounts.disable("wang", by="test")
    assert (await web.get("/api/v1/me")).status_code == 401
    assert (await web.post("/sign-in", data={"name": "wang", "password": PASSWORD})).status_code == 401


async def test_what_is_taken_from_somebody_is_gone_in_the_open_session(
    web: httpx.AsyncClient, accounts: Accounts
) -> None:
    await sign_in(web, "wang")
    assert (await web.get(f"/api/v1/branches/{BRANCH}")).status_code == 200
    accounts.set_grants("wang", [], by="test")
    assert (await web.get(f"/api/v1/branches/{BRANCH}")).status_code == 403


def test_neither_passwords_nor_tokens_stand_in_the_database(store: Store, accounts: Accounts) -> None:
    token = accounts.sign_in("li", PASSWORD, "here")
    everything = str([store.rows(sa.select(table)) for table in (people, sessions, audit, guesses)])
    assert PASSWORD not in everything and token not in everything and "$argon2id$" in everything


@pytest.mark.parametrize("token", ["", "x", "' OR 1=1 --", "é" * 50, "a" * 5000])
async def test_a_made_up_cookie_is_nobody(web: httpx.AsyncClient, token: str) -> None:
    headers = [(b"cookie", b"yb_session=" + token.encode())]
    assert (await web.get("/api/v1/me", headers=headers)).status_code == 401


# --- guessing ------------------------------------------------------------------------------------


async def test_guessing_is_slowed_down_for_the_account_and_nobody_else(web: httpx.AsyncClient, store: Store) -> None:
    for _ in range(FREE_GUESSES):
        assert (await web.post("/sign-in", data={"name": "li", "password": "wrong" * 4})).status_code == 401
    answer = await web.post("/sign-in", data={"name": "li", "password": PASSWORD})
    assert (answer.status_code, 0 < int(answer.headers["retry-after"]) <= 31) == (429, True)
    await sign_in(web, "wang")
    with store.write() as db:
        db.execute(sa.update(guesses).values(since=datetime.now(UTC) - timedelta(minutes=1)))
    await sign_in(web, "li")


def test_guessing_from_one_address_is_slowed_down_over_many_names(accounts: Accounts) -> None:
    codes = []
    for number in range(25):
        with pytest.raises(SignInFailed) as caught:
            accounts.sign_in(f"guess{number}", "wrong password", "10.0.0.9")
        codes.append(caught.value.code)
    assert codes[:20] == ["wrong"] * 20 and set(codes[20:]) == {"wait"}
    assert accounts.sign_in("li", PASSWORD, "10.0.0.10")


def test_a_name_that_is_not_there_is_refused_like_a_wrong_password(accounts: Accounts) -> None:
    for name in ("li", "not-there", "' OR 1=1 --", ""):
        with pytest.raises(SignInFailed) as caught:
            accounts.sign_in(name, "wrong password", name)
        assert caught.value.code == "wrong"


@pytest.mark.parametrize("password", ["", "short", "x" * 201])
def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(ValueError, match="12 to 200"):
        check_password(password)


# --- the record ----------------------------------------------------------------------------------


async def test_what_people_do_is_recorded_in_chains_that_hold(web: httpx.AsyncClient, store: Store) -> None:
    headers = await sign_in(web, "li")
    await web.post(f"/api/v1/branches/{BRANCH}/call", json={"service": "personal", "counter": "1"}, headers=headers)
    await sign_in(web, "sun")
    rows = (await web.get(f"/api/v1/branches/{BRANCH}/record")).json()["rows"]
    assert [(row["person"], row["act"], row["subject"]) for row in rows] == [("li", "called", "A001")]
    assert record.verify(store) == []


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        ("UPDATE audit SET person = 'wang' WHERE branch = '' AND n = 3", "changed"),
        ("DELETE FROM audit WHERE branch = '' AND n = 3", "missing"),
        ("UPDATE audit SET n = n + 100 WHERE branch = '' AND n >= 3", "missing"),
    ],
)
def test_a_changed_or_missing_row_is_found(store: Store, accounts: Accounts, harm: str, why: str) -> None:
    assert record.verify(store) == []
    with store.write() as db:
        db.execute(sa.text(harm))
    (broken,) = record.verify(store)
    assert (broken.branch, broken.n, broken.why) == ("", 3, why)


def test_a_chain_that_was_cut_off_is_found_against_what_was_kept_elsewhere(store: Store, accounts: Accounts) -> None:
    kept = record.heads(store)
    with store.write() as db:
        db.execute(sa.text("DELETE FROM audit WHERE branch = '' AND n > 5"))
    assert record.verify(store) == []
    assert [broken.why for broken in record.verify(store, kept)] == ["not what was kept elsewhere"]


def test_a_record_written_from_several_threads_at_once_still_holds(store: Store) -> None:
    def write() -> None:
        for number in range(10):
            store.apply(partial(record.note, person="li", act="called", branch=BRANCH, subject=f"A{number:03d}"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (record.verify(store), record.heads(store)[BRANCH][0]) == ([], 40)


def test_accounts_and_the_record_from_the_command_line(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/hub.db"

    def run(*arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "hub", *arguments, "--database", url]
        return subprocess.run(command, input=typed, capture_output=True, text=True, cwd=ROOT, timeout=60)

    assert run("account", "add", "li", "--grant", "clerk:binjiang", typed=PASSWORD + "\n").returncode == 0
    again = run("account", "add", "li", typed=PASSWORD + "\n")
    assert again.returncode == 1 and "already" in again.stderr and PASSWORD not in again.stderr
    assert "king" in run("account", "add", "wu", "--grant", "king:x", typed=PASSWORD + "\n").stderr
    assert "12 to 200" in run("account", "add", "wu", typed="short\n").stderr
    assert run("account", "list").stdout == "li\tclerk:binjiang\n"
    heads = run("record", "heads")
    (tmp_path / "heads.json").write_text(heads.stdout)
    assert run("record", "verify", "--heads", str(tmp_path / "heads.json")).returncode == 0
    store = Store(url)
    with store.write() as db:
        db.execute(sa.text("UPDATE audit SET person = 'x'"))
    store.close()
    broken = run("record", "verify")
    assert broken.returncode == 1 and "changed" in broken.stdout
