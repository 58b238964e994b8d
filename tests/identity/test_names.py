"""A name by its sound and by its letters: the recogniser's spelling, order and tone do not matter, another name does;
and a name that was misheard accuses nobody and stands in no account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.names import drawn, english
from config.flows import Slot
from contracts.handover import encode_handover
from kiosk.adapters.card_reader import SimulatedCardReader
from kiosk.banking.ports import Held
from kiosk.dialogue.answers import fits, read_whole, typed_most
from kiosk.identity.names import Found, best, compare, compare_typed, sounds_of_name
from kiosk.identity.naming import NameActs
from kiosk.identity.verdict import DocumentFinding, FaceFinding, NameFinding, NumberFinding, agree
from kiosk.session.handing import packet_of
from tests.dialogue.table import MEANT, Stage
from tests.identity.test_verdict import seen

pytestmark = pytest.mark.unit
NAME = "王小明"
UNLOCK = "解锁密码"
NUMBER = "11010519491231002X"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("我叫王小明。", "agrees"),
        ("我的名字是汪晓鸣", "agrees"),  # other characters of the same sound
        ("嗯，王萧明啊", "agrees"),
        ("小明王", "agrees"),  # given name first
        ("my name is Xiao Ming Wang", "agrees"),
        ("我姓王", "surname"),
        ("王先生", "surname"),
        ("王小", "close"),
        ("我叫李建国", "differs"),
        ("约翰", "differs"),
        ("", "unheard"),
        ("嗯……", "unheard"),
    ],
)
def test_a_name_is_held_against_the_document_s_by_its_sound(said: str, found: Found) -> None:
    assert compare(said, NAME) == found


@pytest.mark.parametrize(
    ("said", "name", "found"),
    [
        ("单雄信", "单雄信", "agrees"),
        ("善雄新", "单雄信", "agrees"),  # as a surname it is read shan
        ("我叫欧阳峰", "欧阳锋", "agrees"),
        ("欧阳", "欧阳锋", "surname"),
        ("王小明", "WANG<<XIAOMING<<<", "agrees"),  # as a passport spells it
        ("my name is John Smith", "SMITH<<JOHN", "agrees"),
        ("Smith", "SMITH<<JOHN", "surname"),
        ("Peter Brown", "SMITH<<JOHN", "differs"),
        ("王小明", "", "unheard"),
    ],
)
def test_surnames_of_two_characters_of_other_readings_and_in_letters(said: str, name: str, found: Found) -> None:
    assert compare(said, name) == found


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("926494266464", "agrees"),
        ("942664649264", "agrees"),
        ("92649426646", "agrees"),  # one key short of a long name
        ("9264", "surname"),
        ("546462648", "differs"),
        ("12ab", "unheard"),
    ],
)
def test_letters_typed_on_telephone_keys_are_held_against_it_too(typed: str, found: Found) -> None:
    assert compare_typed(typed, NAME) == found


def test_the_kindest_reading_counts_and_no_reading_is_none() -> None:
    assert best(["黎建国", "王晓明"], NAME) == "agrees"
    assert best([], NAME) == "unheard"


def test_names_of_a_crowd_are_rarely_taken_for_each_other() -> None:
    names = drawn("report", 80)
    taken = [(one, other) for one in names for other in names if one != other and compare(one, other) == "agrees"]
    assert len(taken) <= 0.01 * len(names) * (len(names) - 1), taken
    assert all(compare(name, name) == "agrees" for name in (*names, *english("report", 20)))
    assert set("".join(names)).isdisjoint("".join(drawn("tune", 80))), "what chose the bounds reports nothing"


@pytest.mark.parametrize(
    "text", ["\n" * 500, "王" * 5000, "my name is " * 900, "\ud83d\ude00", "ａｂｃ ﷽ 123", "叫是我"]
)
def test_whatever_a_recogniser_writes_is_some_finding(text: str) -> None:
    assert compare(text, NAME) in ("agrees", "surname", "close", "differs", "unheard")
    assert compare(NAME, text) in ("agrees", "surname", "close", "differs", "unheard")
    assert compare_typed("9264", text) in ("agrees", "surname", "close", "differs", "unheard")
    assert len(sounds_of_name(text[:40])[0]) <= 40


# ------------------------------------------------------------------ what follows
READ, RIGHT = DocumentFinding(says="for", by_chip=True), NumberFinding(says="for")


@pytest.mark.parametrize(
    ("face", "number", "name", "outcome"),
    [
        (None, RIGHT, NameFinding(found="agrees"), "verified"),
        (None, None, NameFinding(found="agrees"), "unsure"),  # it stands on the document: it is no second thing
        (None, RIGHT, NameFinding(found="surname", tries=2), "verified"),
        (None, RIGHT, NameFinding(found="close", tries=2), "verified"),
        (None, RIGHT, NameFinding(found="refused"), "verified"),
        (None, RIGHT, NameFinding(found="differs"), "verified"),  # once heard otherwise is nothing
        (None, RIGHT, NameFinding(found="differs", tries=2), "unsure"),
        (seen(), RIGHT, NameFinding(found="differs", tries=2), "verified"),  # the face knows better than the ear
        (seen(), RIGHT, NameFinding(found="differs", typed=True, tries=1), "verified"),
        (seen(), RIGHT, NameFinding(found="differs", typed=True, tries=2), "not_verified"),
        (FaceFinding(consent=False), RIGHT, NameFinding(found="differs", typed=True, tries=2), "not_verified"),
    ],
)
def test_what_follows_from_a_name(
    face: FaceFinding | None, number: NumberFinding | None, name: NameFinding, outcome: str
) -> None:
    verdict = agree(face, READ, number, name)
    assert verdict.outcome == outcome
    assert any(reason.part == "name" for reason in verdict.reasons)


def test_a_misheard_name_speaks_against_nobody() -> None:
    verdict = agree(None, READ, RIGHT, NameFinding(found="differs", tries=2))
    assert verdict.codes(against=True) == () and "name_differs_heard" in verdict.codes()


def test_a_name_slot_takes_words_or_keys_and_nothing_else() -> None:
    slot = Slot(kind="name", keypad=True)
    assert slot.private and not slot.secret
    assert fits(slot, "王小明") and fits(slot, "9264") and not fits(slot, "92") and not fits(slot, "9" * 40)
    assert read_whole("name", "我叫王小明", ["黄小明"] * 9)["name"].count("\n") == 2
    assert read_whole("name", "。。。") == {} and typed_most(slot) >= 20


# ------------------------------------------------------------------ in the conversation
class NameStage(Stage):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.noted: list[tuple[str, dict[str, Any]]] = []
        reader = SimulatedCardReader(folder / "reader.json")
        reader.insert(Held("document", NUMBER, NAME))
        self.scripted.actions.names = NameActs(reader.holding)
        self.scripted._turns._ports = self.scripted._turns._ports.__class__(
            **{field: getattr(self.scripted._turns._ports, field) for field in
               ("tell", "show", "understood", "facts", "local_now", "manner")},
            note=lambda kind, **facts: self.noted.append((kind, facts)),
        )  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameStage]:
    monkeypatch.setitem(MEANT, UNLOCK, "pin_unlock")
    made = NameStage(tmp_path)
    yield made
    made.close()


def opened(stage: NameStage) -> int:
    return sum(operation == "open_document" for operation, _ in stage.bank.asked)


async def test_a_name_that_sounds_right_is_asked_after_the_number_and_leaves_no_trace(stage: NameStage) -> None:
    await stage.play([{"say": UNLOCK}, {"type": "0000"}])
    assert stage.at == "name:ask" and opened(stage) == 0
    keys = {target.id: target.detail for target in stage.visit.last.targets}
    assert keys["key_9"] == "WXYZ" and "key_1" not in keys
    await stage.say("我叫汪晓鸣")
    assert stage.visit.identity.outcome == "verified" and "name_agrees" in stage.visit.identity.codes()
    assert stage.visit.name.says == "for" and opened(stage) == 1
    packet = encode_handover(packet_of(stage.visit, "pin_unlock", 0))
    account = json.dumps(stage.noted, ensure_ascii=False, default=str)
    for text in (packet.decode(), account, repr(stage.visit), stage.visit.heard, str(stage.visit.story.lines)):
        assert "汪晓鸣" not in text and NAME not in text
    assert "name_told" not in (stage.visit.place.slots if stage.visit.place else {})


async def test_heard_otherwise_twice_leads_to_the_keys_and_the_keys_settle_it(stage: NameStage) -> None:
    await stage.play([{"say": UNLOCK}, {"type": "0000"}])
    await stage.say("李建国")
    assert stage.at == "name:ask_again"
    await stage.say("李建国")
    assert stage.at == "name:doubt" and opened(stage) == 0
    told = packet_of(stage.visit, "pin_unlock", 0).identity
    assert told is not None and told.outcome == "unsure" and "name_differs_heard" in told.reasons
    await stage.play([{"type": "926494266464"}])
    assert stage.visit.identity.outcome == "verified" and opened(stage) == 1


async def test_typed_otherwise_twice_ends_with_a_person_and_no_session(stage: NameStage) -> None:
    await stage.play([{"say": UNLOCK}, {"type": "0000"}, {"type": "546526"}])
    assert stage.at == "name:type_again"
    await stage.play([{"type": "546526"}])
    assert stage.at == "name:differs" and opened(stage) == 0
    assert stage.visit.identity.outcome == "not_verified"


@pytest.mark.parametrize("how", [{"touch": "name_no"}, {"say": "不想说"}])
async def test_who_tells_no_name_goes_on_by_number(stage: NameStage, how: dict[str, str]) -> None:
    await stage.play([{"say": UNLOCK}, {"type": "0000"}, how])
    assert stage.visit.identity.outcome == "verified" and "name_refused" in stage.visit.identity.codes()


async def test_a_document_that_tells_no_name_is_not_asked_about(stage: NameStage, tmp_path: Path) -> None:
    SimulatedCardReader(tmp_path / "reader.json").insert(Held("document", NUMBER))
    await stage.play([{"say": UNLOCK}, {"type": "0000"}])
    assert stage.visit.identity.outcome == "verified" and stage.visit.name is None
