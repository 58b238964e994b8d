"""A question is looked up once, though it is asked twice in a turn; nothing of it outlives the visit."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import pytest

from kiosk.late_knowledge import LateKnowledge

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 30, 10, 15, 20)
RANKED = [("fees_inquiry", 0.9)]


class Entries:
    """Counts what it is asked; every answer is another one."""

    def __init__(self) -> None:
        self.pack = object()
        self.asked: list[str] = []

    def find(self, text: str, language: str, ranked: Any, now: datetime) -> Any:
        self.asked.append(text)
        return f"answer {len(self.asked)}"

    def adopt(self, hours: Any) -> None:
        pass


@pytest.fixture
def late() -> tuple[LateKnowledge, Entries]:
    entries = Entries()
    made = LateKnowledge(lambda: entries)  # type: ignore[arg-type, return-value]
    deadline_s = time.monotonic() + 10
    while made.find("ready?", "zh", RANKED, NOW) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.005)
    entries.asked.clear()
    return made, entries


def test_the_same_question_is_looked_up_once(late: tuple[LateKnowledge, Entries]) -> None:
    made, entries = late
    first = made.find("多少钱", "zh", RANKED, NOW)
    assert made.find("多少钱", "zh", list(RANKED), NOW + timedelta(seconds=2)) == first
    assert entries.asked == ["多少钱"]


@pytest.mark.parametrize("what", ["text", "language", "ranked", "time", "pack", "hours", "visit"])
def test_whatever_else_changed_it_is_looked_up_anew(what: str, late: tuple[LateKnowledge, Entries]) -> None:
    made, entries = late
    asked: dict[str, Any] = {"text": "多少钱", "language": "zh", "ranked": RANKED, "time": NOW}
    first = made.find(*asked.values())
    others = {
        "text": "几点开门",
        "language": "en",
        "ranked": [("fees_inquiry", 0.8)],
        "time": NOW + timedelta(minutes=1),
    }
    if what == "pack":
        entries.pack = object()
    elif what == "hours":
        made.adopt({})
    elif what == "visit":
        made.forget()
    else:
        asked[what] = others[what]
    assert made.find(*asked.values()) != first
    assert len(entries.asked) == 2
