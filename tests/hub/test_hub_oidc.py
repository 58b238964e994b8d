"""The bank's own sign-in, against a simulated provider that speaks the real protocol in its own process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hub.simulated_oidc import CLIENT, SECRET
from tests.hub.wirekit import BRANCH, Running, start, start_hub

pytestmark = pytest.mark.e2e
NO_REUSE = httpx.Limits(max_keepalive_connections=0)  # a loaded machine outlasts the server's patience


@pytest.fixture
def who(tmp_path: Path) -> Path:
    return tmp_path / "who.json"


@pytest.fixture
def hub(tmp_path: Path, who: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    monkeypatch.setenv("YINGBIN_OIDC_SECRET", SECRET)
    provider = start("tests.hub.simulated_oidc", str(who))
    hub = start_hub(
        1, tmp_path / "hub.db", "--sign-in", "--oidc-issuer", provider.ready["issuer"], "--oidc-client", CLIENT
    )
    yield hub
    hub.stop()
    provider.kill()


def visit(hub: Running, who: Path, **told: object) -> httpx.Client:
    """Sign in as the file says; the browser afterwards."""
    who.write_text(json.dumps(told))
    browser = httpx.Client(base_url=hub.ready["http"], follow_redirects=True, timeout=20, limits=NO_REUSE)
    browser.get("/sign-in/oidc", headers={"Accept": "application/json"})
    return browser


def test_somebody_of_the_bank_signs_in_with_the_rights_that_the_banks_groups_say(hub: Running, who: Path) -> None:
    page = httpx.get(f"{hub.ready['http']}/sign-in", timeout=20)
    assert "/sign-in/oidc" in page.text
    browser = visit(hub, who, name="li", groups=["staff", f"yingbin:clerk:{BRANCH}", "yingbin:king:all"])
    me = browser.get("/api/v1/me").json()
    assert (me["name"], me["grants"]) == ("li@oidc", [f"clerk:{BRANCH}"])
    assert browser.get(f"/api/v1/branches/{BRANCH}").status_code == 403
    # what the bank takes away is gone at the next sign-in
    again = visit(hub, who, name="li", groups=[]).get("/api/v1/me")
    assert again.status_code == 403


@pytest.mark.parametrize(
    "told",
    [
        {"forged": True},
        {"claims": {"nonce": "another"}},
        {"claims": {"aud": "another-hub"}},
        {"claims": {"exp": 1_000_000}},
        {"claims": {"iss": "http://evil.example"}},
        {"claims": {"preferred_username": "<script>"}},
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(hub: Running, who: Path, told: dict[str, object]) -> None:
    browser = visit(hub, who, name="li", groups=["yingbin:auditor:*"], **told)
    assert browser.get("/api/v1/me").status_code == 401


def test_a_code_without_its_beginning_is_refused(hub: Running, who: Path) -> None:
    who.write_text(json.dumps({"name": "li", "groups": []}))
    browser = httpx.Client(base_url=hub.ready["http"], timeout=20)
    answer = browser.get("/sign-in/oidc/back", params={"code": "x", "state": "y"})
    assert (answer.status_code, "why=elsewhere" in answer.headers["location"]) == (303, True)
    assert browser.get("/api/v1/me").status_code == 401
