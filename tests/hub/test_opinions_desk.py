"""The manager's pages of simulated days in a real browser: seen, looked at, and a task closed by a click."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from playwright.sync_api import sync_playwright

from bench.opinions_days import build
from bench.opinions_terminal import BRANCH, UNHEARD
from hub.opinions.tables import lessons, opinion_tasks, unheard
from hub.store import Store
from tests.hub.wirekit import ROOT, Running, start_hub

pytestmark = pytest.mark.e2e
CHROMIUM = Path("/usr/bin/chromium")
OUT = ROOT / "out" / "desk"
WAIT_MS = 60_000
NOBODY = 1  # no broker answers there: pages are read from the database alone
A_DAY = 14
if not CHROMIUM.exists():
    pytest.skip(f"{CHROMIUM} is not installed: apt-get install chromium", allow_module_level=True)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    file = tmp_path_factory.mktemp("opinions") / "hub.db"
    OUT.mkdir(parents=True, exist_ok=True)
    build(file, A_DAY, datetime.now().astimezone())
    url = f"sqlite:///{file}"
    _lessons(url)
    running = start_hub(NOBODY, url)
    yield running, url
    running.kill()  # how it stops is another test


def _lessons(url: str) -> None:
    """Heaps as `kiosk.content group` makes them (its own test is in tests/content), to be decided on."""
    store, now = Store(url), datetime.now().astimezone()
    near = [
        {
            "entry": "cash_damaged_full",
            "score": 0.78,
            "zh": "缺得不多的，全额换。",
            "en": "A little missing: changed in full.",
        }
    ]
    told = {"branch": BRANCH, "at": now, "state": "proposed", "language": "zh", "near": near}
    told |= dict.fromkeys(("kind", "entry", "zh", "en", "asks_zh", "asks_en", "decided_by"), "")
    with store.write() as db:
        for lines in ([text for text, _ in UNHEARD[:4]], [text for text, _ in UNHEARD[4:8]]):
            db.execute(sa.insert(lessons).values(**told, lines=lines, count=len(lines) + 2))
        db.execute(sa.update(unheard).values(lesson=None))
    store.close()


def test_the_manager_sees_figures_with_their_doubt_and_closes_a_task(hub: tuple[Running, str]) -> None:
    running, url = hub
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 1300})
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{running.ready['http']}/desk/opinions/{BRANCH}", wait_until="commit")
        page.wait_for_selector(".tiles .tile b")
        page.click("[data-act=days-30]")
        page.wait_for_selector(".funnel li[data-step=opinion]")
        assert page.locator(".groups table").count() == 4 and "–" in page.inner_text(".tiles")
        assert "王建国" not in page.content() and "13812345678" not in page.content()
        page.screenshot(path=OUT / "opinions.png", full_page=True)
        page.locator("#tasks").screenshot(path=OUT / "opinion_tasks.png")
        page.locator(".funnel").screenshot(path=OUT / "funnel.png")
        task = page.locator("[data-task]").first.get_attribute("data-task")
        page.click(f"[data-act=mended-{task}]")
        page.wait_for_selector(f"[data-task='{task}'] .chip.done")
        page.goto(f"{running.ready['http']}/desk/voice/{BRANCH}", wait_until="commit")
        page.wait_for_selector(".weekly .lead")
        page.screenshot(path=OUT / "voice.png", full_page=True)
        page.goto(f"{running.ready['http']}/desk/lessons/{BRANCH}", wait_until="commit")
        page.wait_for_selector("[data-lesson]")
        page.screenshot(path=OUT / "lessons.png", full_page=True)
        heap = page.locator("[data-lesson]").first.get_attribute("data-lesson")
        page.click(f"[data-act='asks-{heap}-0']")
        page.wait_for_selector(".lessons-page aside code:text-is('cash_damaged_full')")
        page.screenshot(path=OUT / "lessons_decided.png", full_page=True)
        browser.close()
    assert problems == []
    store = Store(url)
    closed = store.rows(sa.select(opinion_tasks).where(opinion_tasks.c.id == int(task or 0)))
    accepted = store.rows(sa.select(lessons).where(lessons.c.state == "accepted"))
    store.close()
    assert (closed[0]["outcome"], closed[0]["closed_by"]) == ("mended", "local")
    assert [(row["entry"], row["kind"]) for row in accepted] == [("cash_damaged_full", "asks")]


def test_programs_read_the_same_and_cannot_close_twice(hub: tuple[Running, str]) -> None:
    running, _ = hub
    base = f"{running.ready['http']}/api/v1/branches/{BRANCH}"
    view = httpx.get(f"{base}/opinions?days=30", timeout=60).json()
    assert view["all"]["asked"] > 100 and view["all"]["content"]["low"] < view["all"]["content"]["high"]
    assert httpx.get(f"{base}/voice", timeout=60).json()["lines"]
    task = next(row["id"] for row in view["tasks"] if row["closed_at"] is None)
    answers = [
        httpx.post(f"{base}/opinions/tasks/{task}", json={"outcome": outcome}, timeout=60).status_code
        for outcome in ("ignored", "spoke", "mended")
    ]
    assert answers == [422, 200, 409]
    assert httpx.get(f"{base}/opinions?days=0", timeout=60).status_code == 422
