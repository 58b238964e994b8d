"""Many sentences made at once, with the real voice: what is there afterwards, and what stops it."""

from __future__ import annotations

import multiprocessing
import time
from datetime import datetime
from pathlib import Path

import pytest

from config.intents import load_intents
from config.schema import Site, load_site
from kiosk.dialogue.clauses import clauses, opening
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.dialogue.manner import Manner
from kiosk.networks import make_voice, quick_of
from kiosk.rendered import RenderingError, Sentence, missing_sentences, render
from kiosk.runtime.worker import ModelThread
from models.store import Store, cache_root, models_root

pytestmark = pytest.mark.e2e

WANTED: list[Sentence] = [
    Sentence("您好。", "zh"), Sentence("Hello.", "en"), Sentence("好。", "zh"), Sentence("Yes.", "en"),
]  # fmt: skip
SMALL = Sentence("您好。", "zh", small=True)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """With an empty cache and the models that were fetched."""
    monkeypatch.setenv("YINGBIN_MODELS", str(models_root()))
    monkeypatch.setenv("YINGBIN_CACHE", str(tmp_path))
    return load_site()


def missing(site: Site) -> int:
    voice = make_voice(site, None, ModelThread("speak"))
    return sum(len(voice.missing([(one.text, one.language)], one.manner)) for one in WANTED)


def test_all_are_there_afterwards_and_no_process_is_left(site: Site) -> None:
    assert missing(site) == len(WANTED)
    counts = list(render(site, [SMALL, *WANTED]))
    assert counts == sorted(counts) and counts[-1] == len(WANTED) + 1
    assert missing(site) == 0
    assert make_voice(site, None, ModelThread("speak"), quick_of(Store())).missing_small([("您好。", "zh")]) == []
    assert list(render(site, [])) == [0]
    assert not multiprocessing.active_children()


def test_it_stops_when_its_time_is_up(site: Site) -> None:
    began_s = time.monotonic()
    assert list(render(site, WANTED, within_s=0.0))[-1] == 0
    assert time.monotonic() - began_s < 60
    assert missing(site) == len(WANTED)


def test_a_process_that_ends_early_is_told_and_what_is_whole_stays(site: Site) -> None:
    with pytest.raises(RenderingError, match="ended early"):
        list(render(site, [*WANTED[:3], Sentence("Hello.", "en", Manner(speed=9.0))]))  # faster than any voice speaks
    assert missing(site) == 1
    assert not list((cache_root() / "speech").glob("*.part"))
    assert not multiprocessing.active_children()


def test_the_first_words_of_every_answer_are_among_what_is_made_last(site: Site) -> None:
    found = missing_sentences(site, everything=True)
    few = missing_sentences(site, everything=False)
    assert len(found) > 2 * len(few) > 1000 and set(few) <= set(found)
    knowledge = ApprovedKnowledge.for_site(site, load_intents())
    answers = list(knowledge.answers(datetime.now()))
    begun = {one.text for one in found if not one.small}
    small = {one.text for one in found if one.small}
    assert len(small) > 500 and all(one.language == "zh" for one in found if one.small)
    assert len(answers) > 500
    assert all(opening(clauses(zh, "zh")[0], "zh")[0] in begun for zh, _ in answers)
    assert all(opening(clauses(en, "en")[0], "en")[0] in begun for _, en in answers)
