"""Sentences that nobody answered: heaped by what they want, and what an editor accepted becomes a source that loads."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from config.intents import load_intents
from config.load import ConfigError
from kiosk.content.check import check
from kiosk.content.learn import ASKS_MOST, KEPT_LINES, Heard, Lesson, heaps, plain, teach
from kiosk.content.pack import Pack
from kiosk.content.retrieval import Floats, Index
from kiosk.content.source import CONTENT_DIR, load_source

pytestmark = pytest.mark.unit
SOURCE = CONTENT_DIR / "qinghe"
TODAY = date(2026, 11, 30)


class ByTopic:
    """A stand-in for the sentence encoder: near when the same thing is named."""

    THINGS = ("充", "纸币", "学费", "charge")

    def embed(self, text: str) -> Floats:
        row = np.full(len(self.THINGS) + 1, 0.1, np.float32)
        for at, thing in enumerate(self.THINGS):
            row[at] += thing in text
        return np.asarray(row / np.linalg.norm(row), np.float32)


class FirstEntry:
    """A stand-in for the index: whatever is asked, the first entry is nearest."""

    def rank(self, text: str, wishes: object) -> Any:
        return SimpleNamespace(order=np.array([0, 1, 2]), ways=np.full((3, 8), 0.5))


@cache
def pack() -> Pack:
    return load_source(SOURCE, load_intents())


def heaped(*texts: str) -> list[tuple[int, ...]]:
    heard = [Heard(at, text, "en" if text.isascii() else "zh") for at, text in enumerate(texts)]
    return [heap.ids for heap in heaps(heard, pack(), ByTopic(), cast(Index, FirstEntry()))]


def test_sentences_that_want_the_same_lie_together_and_the_largest_heap_comes_first() -> None:
    assert heaped("哪里充电", "纸币破了", "手机没电了想充", "学费怎么汇", "充电宝在哪") == [(0, 2, 4), (1,), (3,)]


def test_each_language_is_heaped_for_itself_and_nothing_gives_nothing() -> None:
    assert heaped("where can I charge", "哪里充电") == [(0,), (1,)] and heaped() == []


def test_a_heap_shows_different_sentences_and_no_more_than_a_few() -> None:
    heard = [Heard(at, f"充电{'呀' * (at % 20)}", "zh") for at in range(60)]
    (heap,) = heaps(heard, pack(), ByTopic(), cast(Index, FirstEntry()))
    assert len(heap.ids) == 60 and len(heap.lines) == len(set(heap.lines)) == KEPT_LINES and len(heap.near) == 3


def test_what_was_accepted_is_in_a_source_that_loads_and_can_be_shipped(tmp_path: Path) -> None:
    lessons = [
        Lesson(
            kind="asks",
            entry="card_loss_holds",
            language="zh",
            lines=("给〔name〕重新弄一张卡得掏多少", "重新弄一张卡得掏多少"),
        ),
        Lesson(
            kind="entry",
            entry="branch_charging",
            language="zh",
            lines=("充电宝在哪里借呀",),
            zh="服务台可以给手机充电。",
            en="You can charge your phone at the service desk.",
            asks_zh="哪里可以给手机充电呀",
            asks_en="where may I charge a phone",
        ),
    ]
    told = teach(SOURCE, tmp_path / "out", lessons, pack(), TODAY, 9)
    new = load_source(tmp_path / "out", load_intents())
    assert (new.version, new.issued, told.lines, told.entries) == (9, TODAY, 2, 1)
    made, taught = new.entry("branch_charging"), new.entry("card_loss_holds")
    assert made is not None and made.zh == "服务台可以给手机充电。" and "充电宝在哪里借呀" in made.expected("zh")
    assert taught is not None and "给 重新弄一张卡得掏多少" in taught.expected("zh")
    assert not [one for one in check(new, TODAY) if one.kind in ("contradictory", "missing_translation")]


def test_what_stands_there_already_is_passed_over(tmp_path: Path) -> None:
    known = pack().entries[0].expected("zh")[0]
    lessons = [Lesson(kind="asks", entry=pack().entries[0].id, language="zh", lines=(known, "〔name〕"))]
    told = teach(SOURCE, tmp_path / "out", lessons, pack(), TODAY, 9)
    assert told.lines == 0 and len(told.passed_over) == 2


def test_an_entry_that_is_full_takes_no_more(tmp_path: Path) -> None:
    entry = max(pack().entries, key=lambda one: len(one.expected("zh")))
    room = ASKS_MOST - len(entry.expected("zh"))
    lessons = [
        Lesson(
            kind="asks",
            entry=entry.id,
            language="zh",
            lines=tuple(f"全新的问法{'呀' * n}{'哦' * at}" for n in range(1, 11)),
        )
        for at in range(1, 6)
    ]
    told = teach(SOURCE, tmp_path / "out", lessons, pack(), TODAY, 9)
    assert told.lines == min(room, 50)
    load_source(tmp_path / "out", load_intents())


@pytest.mark.parametrize(
    ("lesson", "why"),
    [
        (Lesson(kind="asks", entry="no_such_entry", language="zh", lines=("什么",)), "no such entry"),
        (
            Lesson(
                kind="entry",
                entry="card_loss_holds",
                language="zh",
                lines=("什么呀",),
                zh="a",
                en="a",
                asks_zh="a",
                asks_en="a",
            ),
            "already",
        ),
        (Lesson(kind="entry", entry="brand_new", language="zh", lines=("什么呀",)), "both languages"),
    ],
)
def test_a_lesson_that_cannot_be_used_is_named(tmp_path: Path, lesson: Lesson, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        teach(SOURCE, tmp_path / "out", [lesson], pack(), TODAY, 9)


def test_a_figure_in_an_editors_answer_is_refused_when_the_source_is_read(tmp_path: Path) -> None:
    lesson = Lesson(
        kind="entry",
        entry="brand_new",
        language="zh",
        lines=("什么呀",),
        zh="收费50元。",
        en="It costs fifty yuan.",
        asks_zh="新的收费是多少呀",
        asks_en="what is the brand new fee",
    )
    teach(SOURCE, tmp_path / "out", [lesson], pack(), TODAY, 9)
    with pytest.raises(ConfigError, match="looks like a figure"):
        load_source(tmp_path / "out", load_intents())


def test_a_name_of_an_entry_is_a_name() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"kind":"asks","entry":"../x","language":"zh","lines":[]}', type=Lesson)
    assert plain("给〔name〕转〔amount〕") == "给 转"
