"""An editor's decisions and the pack that is made of them; the terminal's programs are stood in for by one that answers
as they do, so that what they say can be chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import sqlalchemy as sa

from contracts.opinions import NotUnderstood
from hub.accounts.rights import OPERATOR, Grant, Person, Refused, Role
from hub.accounts.tables import audit
from hub.desk.acts import Acts
from hub.desk.lesson_page import made_html
from hub.knowledge import Knowledge
from hub.opinions import lessons as program
from hub.opinions.keep import MAX_UNHEARD, NoVisit, _keep_unheard, forget
from hub.opinions.lessons import LessonActs, LessonProblem, Teaching, Wish
from hub.opinions.tables import candidates, lessons, unheard
from hub.service import Hub
from hub.store import Store
from tests.hub.wirekit import BRANCH

pytestmark = pytest.mark.contract
GOOD = {"top1": 0.95, "answered_right": 0.44, "answered_wrong": 0.005, "answered_anyway": 0.01, "wrong_figures": 0,
        "questions": 208, "unanswerable": 548, "entries": 547}  # fmt: skip


class Programs:
    """`python -m …` as the hub sees it: what was asked, and the answers that were chosen."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.after = dict(GOOD)

    def run(self, command: Sequence[str], given: str, seconds: float) -> str:
        self.asked.append(list(command))
        match command[:2]:
            case ["kiosk.content", "group"]:
                rows = json.loads(given)
                near = [{"entry": "cash_damaged_full", "score": 0.8, "zh": "可以换。", "en": "It can be changed."}]
                heaps: dict[str, list[Any]] = {}
                for row in rows:
                    heaps.setdefault(row["text"][:2], []).append(row)
                made = [
                    {"ids": [row["id"] for row in heap], "lines": [row["text"] for row in heap]}
                    for heap in heaps.values()
                ]
                return json.dumps([heap | {"language": "zh", "near": near} for heap in made])
            case ["kiosk.content", "teach"]:
                return json.dumps({"version": 3, "lines": 2, "entries": 0, "passed_over": []})
            case ["bench", "knowledge"]:
                return json.dumps(GOOD if "/source" not in command[3] else self.after)
            case ["kiosk.content", "build"]:
                Path(command[command.index("--out") + 1]).write_bytes(b"no pack at all")
        return ""


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> Programs:
    made = Programs()
    monkeypatch.setattr(program, "_run", made.run)
    return made


@pytest.fixture
def acts(tmp_path: Path, programs: Programs) -> Iterator[LessonActs]:
    store = Store(f"sqlite:///{tmp_path}/hub.db")
    hub = cast(Hub, type("JustAStore", (), {"store": store})())
    with store.write() as db:
        for text in ("纸币破了还能换吗", "纸币缺个角怎么办", "纸币烂了一半", "充电在哪里", "只有一句"):
            _keep_unheard(db, BRANCH, NotUnderstood(text=text, language="zh"), datetime.now(UTC))
    teaching = Teaching(tmp_path / "qinghe", tmp_path / "content.key")
    yield LessonActs(hub, Acts(hub, None), Knowledge(store, ("0" * 64,)), teaching)
    store.close()


def rows(acts: LessonActs, table: sa.Table) -> list[dict[str, Any]]:
    return acts._hub.store.rows(sa.select(table))


def test_sentences_alone_are_no_proposal_and_are_heaped_again_with_what_comes_later(acts: LessonActs) -> None:
    assert acts.propose(OPERATOR, BRANCH) == 1
    view = acts.look(OPERATOR, BRANCH)
    assert (len(view["proposed"]), view["alone"], view["proposed"][0]["count"]) == (1, 2, 3)
    with acts._hub.store.write() as db:
        _keep_unheard(db, BRANCH, NotUnderstood(text="充电宝哪里借", language="zh"), datetime.now(UTC))
    assert acts.propose(OPERATOR, BRANCH) == 2 and acts.look(OPERATOR, BRANCH)["alone"] == 1


def test_what_was_decided_is_not_proposed_again(acts: LessonActs) -> None:
    acts.propose(OPERATOR, BRANCH)
    (row,) = rows(acts, lessons)
    acts.decide(OPERATOR, BRANCH, row["id"], None)
    assert acts.propose(OPERATOR, BRANCH) == 0
    with pytest.raises(LessonProblem, match="decided already"):
        acts.decide(OPERATOR, BRANCH, row["id"], Wish(kind="asks", entry="cash_damaged_full"))
    with pytest.raises(LessonProblem, match="no name of an entry"):
        acts.decide(OPERATOR, BRANCH, row["id"], Wish(kind="asks", entry="../Pack"))
    with pytest.raises(LessonProblem, match="both languages"):
        acts.decide(OPERATOR, BRANCH, row["id"], Wish(kind="entry", entry="new_one", zh="只有中文"))


def test_what_was_accepted_can_be_taken_back_and_then_nothing_is_made_of_it(acts: LessonActs) -> None:
    accept(acts)
    acts.decide(OPERATOR, BRANCH, rows(acts, lessons)[0]["id"], None)
    with pytest.raises(LessonProblem, match="nothing was accepted"):
        acts.make(OPERATOR, BRANCH)


def test_refused_sentences_go_with_the_other_words_and_accepted_ones_stay(acts: LessonActs) -> None:
    accept(acts)
    soon = datetime.now(UTC) + timedelta(days=1)
    with acts._hub.store.write() as db:
        forget(db, soon, soon, soon - timedelta(days=400))
    assert [row["state"] for row in rows(acts, lessons)] == ["accepted"] and rows(acts, unheard) == []
    acts.decide(OPERATOR, BRANCH, rows(acts, lessons)[0]["id"], None)
    with acts._hub.store.write() as db:
        forget(db, soon, soon, soon - timedelta(days=400))
    assert rows(acts, lessons) == []


def accept(acts: LessonActs) -> None:
    acts.propose(OPERATOR, BRANCH)
    acts.decide(OPERATOR, BRANCH, rows(acts, lessons)[0]["id"], Wish(kind="asks", entry="cash_damaged_full"))


def test_a_pack_that_answers_worse_is_not_built_and_says_in_what(acts: LessonActs, programs: Programs) -> None:
    accept(acts)
    programs.after |= {"top1": 0.94}
    made = acts.make(OPERATOR, BRANCH)
    assert made["state"] == "refused" and "top1 0.9500 → 0.9400" in made["reason"]
    assert not any(command[:2] == ["kiosk.content", "build"] for command in programs.asked)
    kept = rows(acts, candidates)[0]
    assert kept["figures"]["before"]["top1"] == 0.95 and "0.940" in made_html(kept)
    assert "taught_pack_refused" in [row["act"] for row in rows(acts, audit)]


def test_a_pack_that_is_no_worse_goes_the_way_of_every_pack(acts: LessonActs, programs: Programs) -> None:
    accept(acts)
    made = acts.make(OPERATOR, BRANCH)  # what was 'built' here is no pack, and the way of every pack finds that out
    assert any(command[:2] == ["kiosk.content", "build"] for command in programs.asked)
    assert made["state"] == "refused" and "not a pack that terminals would take" in made["reason"]


def test_nothing_accepted_nothing_to_make_and_no_source_is_said(acts: LessonActs) -> None:
    with pytest.raises(LessonProblem, match="nothing was accepted"):
        acts.make(OPERATOR, BRANCH)
    acts.teaching = None
    for act in (acts.make, acts.propose):
        with pytest.raises(LessonProblem, match="--teach-source"):
            act(OPERATOR, BRANCH)


def test_a_clerk_teaches_nothing(acts: LessonActs) -> None:
    clerk = Person("li", frozenset({Grant(Role.CLERK, BRANCH)}))
    acts._acts.still = lambda person: person  # type: ignore[method-assign]  # as signed in
    with pytest.raises(Refused):
        acts.look(clerk, BRANCH)
    with pytest.raises(Refused):
        acts.decide(clerk, BRANCH, 1, None)


def test_who_never_looks_keeps_no_more_than_a_bound(acts: LessonActs) -> None:
    with acts._hub.store.write() as db:
        row = {"branch": BRANCH, "at": datetime.now(UTC), "text": "x", "language": "zh", "why": "unsure"}
        db.execute(sa.insert(unheard), [row] * (MAX_UNHEARD - 5))
    with pytest.raises(NoVisit, match="full"), acts._hub.store.write() as db:
        _keep_unheard(db, BRANCH, NotUnderstood(text="一句", language="zh"), datetime.now(UTC))
