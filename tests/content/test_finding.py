"""Questions find their entry by words, sound and meaning; what nothing surely answers is not answered."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from config.intents import load_intents
from config.schema import Content, load_site
from kiosk.content.check import check, check_meaning
from kiosk.content.chosen import pack_for, store_for
from kiosk.content.decision import FEATURES, Weights, WeightsError, features
from kiosk.content.figures import Figure
from kiosk.content.finder import FinderMaker, Remembering
from kiosk.content.pack import Asks, Entry, Pack, Variant, figure_in_prose
from kiosk.content.retrieval import Floats
from kiosk.content.source import CONTENT_DIR, load_source
from kiosk.content.words import elsewhere, kinds, tokens, wants_advice
from kiosk.dialogue.knowledge import ApprovedKnowledge
from models.intent_features import feature_names

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 22, 10)
WISHES = (("fees_inquiry", 0.9),)
ROWS: tuple[tuple[str, str, tuple[str, str], tuple[str, str], str], ...] = (
    ("card_cost", "fees_inquiry", ("补卡要多少钱", "换张新卡收费吗"),
     ("what does a new card cost", "card fee"), "补卡{fee}。"),
    ("parking", "branch_info", ("车停在哪里", "有停车场吗"),
     ("where can I park", "is there a car park"), "停车在楼后面。"),
    ("umbrella", "facility_request", ("能借伞吗", "下雨没带伞"),
     ("may I borrow an umbrella", "it rains"), "请到服务台借伞。"),
    ("gold", "precious_metal", ("卖金条吗", "想买黄金"), ("do you sell gold bars", "buy gold"), "金条在理财室。"),
)  # fmt: skip


class Hashed:
    """A stand-in for the sentence encoder: near when letters are shared."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def embed(self, text: str) -> Floats:
        self.read.append(text)
        row = np.zeros(512, np.float32)
        for size in (1, 2, 3):
            for at in range(len(text) - size + 1):
                row[zlib.crc32(text[at : at + size].encode()) % 512] += 1
        return row / max(1e-6, float(np.linalg.norm(row)))


def small(**changed: object) -> Pack:
    entries = tuple(
        Entry(
            id=name,
            intents=(intent,),
            asks=Asks(zh=zh, en=en),
            zh=answer,
            en="{fee} for a card." if "{fee}" in answer else "Please see the desk.",
            source="演示",
            valid_until=date(2026, 12, 31),
        )
        for name, intent, zh, en, answer in ROWS
    )
    known: dict[str, object] = {
        "bank": "qinghe", "branch": "binjiang", "version": 1, "issued": date(2026, 11, 1),
        "valid_until": date(2027, 12, 31), "source": "demonstration", "approved_by": "demonstration",
        "figures": {"fee": Figure(unit="yuan", value=5)},
        "answers": {"fees_inquiry": (Variant(zh="看价目表。", en="See the list."),)},
        "entries": entries,
    }  # fmt: skip
    return Pack.model_validate({**known, **changed})


def maker(encoder: Hashed, memory: Path | None = None) -> FinderMaker:
    """Decides by even odds: the shipped threshold is set for a pack of hundreds and an encoder that knows languages."""
    even = replace(Weights.load(), threshold={"zh": 0.5, "en": 0.5})
    return FinderMaker(encoder, feature_names, name="hashed", memory=memory, weights=even)


@cache
def shipped() -> Pack:
    return load_source(CONTENT_DIR / "qinghe", load_intents())


@pytest.fixture
def knowledge() -> ApprovedKnowledge:
    return ApprovedKnowledge(small(), load_site().branch.hours, maker(Hashed()))


@pytest.mark.parametrize(
    ("question", "entry"),
    [
        ("补卡要多少钱", "card_cost"),
        ("补咖要多少钱", "card_cost"),  # misheard: the same sound
        ("where can I park my car", "parking"),
        ("有没有停车场", "parking"),
        ("can I borrow an umbrella", "umbrella"),
    ],
)
def test_a_question_ranks_its_entry_first_however_it_was_heard(question: str, entry: str) -> None:
    hit = maker(Hashed())(small()).best(question, "zh", ())
    assert hit is not None and hit.entry.id == entry and 0 <= hit.score <= 1


def test_what_is_sure_is_said_in_both_languages_with_its_source_and_last_day(knowledge: ApprovedKnowledge) -> None:
    found = knowledge.find("补卡要多少钱", "zh", WISHES, NOW)
    assert found is not None and (found.text, found.translation) == ("补卡5元。", "5 yuan for a card.")
    assert (found.entry, found.source, found.valid_until) == ("card_cost", "演示", date(2026, 12, 31))
    other = knowledge.find("补卡要多少钱", "en", WISHES, NOW)
    assert other is not None and other.text == "5 yuan for a card."


def test_an_expired_entry_is_not_said(knowledge: ApprovedKnowledge) -> None:
    assert knowledge.find("补卡要多少钱", "zh", WISHES, datetime(2027, 1, 1)) is None
    assert knowledge.tallies.expired == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "！？…",
        "\x00\x1b[31m",
        "😀😀",
        "1234567890",
        "'; DROP TABLE entries; --",
        "a" * 10_000,
        "补" * 10_000,
    ],
)
def test_any_text_is_survived_and_not_answered(knowledge: ApprovedKnowledge, text: str) -> None:
    assert knowledge.find(text, "zh", (), NOW) is None


def test_another_bank_and_advice_are_noticed() -> None:
    assert elsewhere("工商银行补卡多少钱") and not elsewhere("补卡多少钱")
    assert wants_advice("should I buy gold now") and not wants_advice("do you sell gold")


def test_a_pack_is_swapped_between_questions(knowledge: ApprovedKnowledge) -> None:
    knowledge.swap(small(version=2, figures={"fee": Figure(unit="yuan", value=8)}))
    found = knowledge.find("补卡要多少钱", "zh", WISHES, NOW)
    assert found is not None and found.text == "补卡8元。" and knowledge.tallies.swapped == 1


def test_the_pack_s_sentences_are_read_once_and_a_visitor_s_are_never_kept(tmp_path: Path) -> None:
    memory = tmp_path / "content.npz"
    first = maker(Hashed(), memory)(small())
    first.best("我的秘密问题", "zh", ())
    assert set(np.load(memory)["keys"].tolist()) and "秘密" not in memory.read_bytes().decode("latin-1")
    again = Hashed()
    maker(again, memory)(small())
    assert again.read == []
    other = Hashed()
    assert Remembering(other, "another encoder", memory).embed("补卡要多少钱").shape == (512,)
    assert other.read == ["补卡要多少钱"]


def test_a_damaged_memory_is_read_anew(tmp_path: Path) -> None:
    memory = tmp_path / "content.npz"
    memory.write_bytes(b"PK\x03\x04 no archive")
    encoder = Hashed()
    maker(encoder, memory)(small())
    assert encoder.read


def test_the_shipped_weights_fit_their_features_and_others_are_refused(tmp_path: Path) -> None:
    weights = Weights.load()
    hit = maker(Hashed())(small()).best("补卡", "zh", WISHES)
    assert hit is not None and features(hit.ranking, WISHES).shape == (len(FEATURES),) == weights.decide.shape
    damaged = tmp_path / "weights.json"
    damaged.write_text("{}", encoding="utf-8")
    with pytest.raises(WeightsError, match="damaged"):
        Weights.load(damaged)


def test_words_make_numbers_and_stems_one() -> None:
    assert tokens("三年", "zh") == tokens("3年", "zh")
    assert tokens("cards", "en") == tokens("card", "en") and tokens("three", "en") == tokens("3", "en")
    assert kinds("what papers do I bring", "en")[0] == 1 and kinds("要带什么", "zh")[0] == 1


@pytest.mark.parametrize("prose", ["收5元。", "costs fifty yuan", "利率百分之三", "大约二十分钟", "three hundred"])
def test_a_figure_in_prose_is_noticed(prose: str) -> None:
    assert figure_in_prose(prose) is not None and figure_in_prose("一号窗口，收{fee}。") is None


def test_the_check_names_what_is_expired_unused_alike_and_unfindable() -> None:
    pack = small(figures={"fee": Figure(unit="yuan", value=5), "idle": Figure(unit="yuan", value=1)})
    kinds_found = {(found.kind, found.where) for found in check(pack, date(2026, 12, 20))}
    assert ("unused_figure", "idle") in kinds_found and ("expires_soon", "gold") in kinds_found
    assert ("expired", "gold") in {(found.kind, found.where) for found in check(pack, date(2027, 1, 1))}
    twin = pack.entries[0].model_copy(update={"id": "twin", "zh": "补卡{idle}。", "en": "{idle} for a card."})
    doubled = pack.model_copy(update={"entries": (*pack.entries, twin)})
    encoder = Hashed()
    found = {(row.kind, row.where) for row in check_meaning(doubled, encoder, maker(encoder)(doubled).index)}
    assert ("contradictory", "card_cost") in found and ("unanswerable", "twin") in found


def test_the_shipped_pack_is_large_clean_and_knows_what_services_need() -> None:
    pack = shipped()
    assert len(pack.entries) >= 250
    assert [row for row in check(pack, date(2026, 11, 22)) if row.kind != "expires_soon"] == []
    services = {service.id for service in load_site().services}
    assert {product.done_at for product in pack.products.values() if product.done_at} <= services
    needs = ApprovedKnowledge(pack, {}).needs("card_replace", "en", NOW)
    assert needs is not None and needs.fees == ("5 yuan",) and "ID card" in needs.documents
    assert needs.done_at == "personal"


def test_a_site_that_trusts_a_key_takes_no_source(tmp_path: Path) -> None:
    site = load_site()
    signed = site.model_copy(update={"content": Content(pack=str(tmp_path), public_keys=("0" * 64,))})
    assert store_for(site, load_intents()) is None and pack_for(site, load_intents()).bank == "qinghe"
    with pytest.raises(ValueError, match="no signed content pack"):
        pack_for(signed, load_intents())
