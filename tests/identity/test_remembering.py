"""Known again next time: asked once after everything agreed, refused with one word, kept encrypted for a year,
forgotten on a word, and only ever a second look beside document and number."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from kiosk.adapters.keystore import FileKeystore
from kiosk.banking.ports import Held
from kiosk.identity.consent import ConsentLedger
from kiosk.identity.faces import Match
from kiosk.identity.ports import KeystoreLocked
from kiosk.identity.remembering import Remembering
from kiosk.identity.templates import KEPT_DAYS, TemplateStore
from kiosk.identity.verdict import together
from tests.dialogue.table import MEANT
from tests.identity.test_conversation import UNLOCK, FaceStage, finding

pytestmark = pytest.mark.unit
NUMBER = "11010519491231002X"
VERIFIED = [{"say": UNLOCK}, {"touch": "agree"}, {"type": "0000"}, {"say": "对"}]
BYE = {"say": "再见"}


class KeepingStage(FaceStage):
    def __init__(self, folder: Path, number: str = NUMBER) -> None:
        super().__init__(folder)
        faces = self.scripted.actions.faces
        assert faces is not None
        self.store = TemplateStore(folder / "templates", FileKeystore(folder / "keys"))
        self.kept = faces.remembering = Remembering(self.store, self.ledger, faces.holding, lambda: self.today)
        self.reader = self.scripted._reader
        self.reader.insert(Held("document", number))

    def again(self) -> None:
        """The next visitor, or the same one."""
        self.scripted.visit = type(self.visit)(0, "touch")

    @property
    def purposes(self) -> list[tuple[str, str]]:
        return [(entry.act, entry.purpose) for entry in self.ledger.entries()]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeepingStage]:
    monkeypatch.setitem(MEANT, UNLOCK, "pin_unlock")
    made = KeepingStage(tmp_path)
    yield made
    made.close()


async def test_it_is_asked_once_at_the_end_and_nothing_is_kept_before_the_yes(stage: KeepingStage) -> None:
    await stage.play([*VERIFIED, BYE])
    assert stage.at == "remember:offer" and stage.store.subjects() == () and stage.looks.gathered == 0
    ways = {target.id: target for target in stage.visit.last.targets}
    assert set(ways) == {"remember_yes", "remember_no"} and len({way.kind for way in ways.values()}) == 1
    assert "一年" in stage.text and "不记也一样办" in stage.text
    await stage.play([{"touch": "remember_yes"}])
    assert stage.at == "remember:kept" and stage.store.subjects() == (stage.store.subject(NUMBER),)
    assert stage.purposes[-2:] == [("granted", "keep_template"), ("enrolled", "keep_template")]
    await stage.play([{"touch": "finish"}])
    assert stage.at == "farewell:opinion"
    await stage.play([BYE])
    assert stage.at != "remember:offer"


@pytest.mark.parametrize("how", [{"say": "不"}, {"touch": "remember_no"}, BYE])
async def test_a_word_or_a_touch_refuses_and_is_on_record(stage: KeepingStage, how: dict[str, str]) -> None:
    await stage.play([*VERIFIED, BYE, how])
    assert stage.at == "farewell:opinion" and stage.store.subjects() == () and stage.looks.gathered == 0
    assert stage.purposes[-1] == ("refused", "keep_template")


@pytest.mark.parametrize("without", ["face", "match", "document", "other_document", "camera"])
async def test_it_is_not_offered_unless_all_agreed_and_the_document_still_lies_there(
    stage: KeepingStage, without: str
) -> None:
    if without == "match":
        stage.looks.finding = finding("unsure", "unclear")
    steps = [
        {"say": UNLOCK},
        {"touch": "without_face" if without == "face" else "agree"},
        {"type": "0000"},
        {"say": "对"},
    ]
    await stage.play(steps)
    if without == "document":
        stage.reader.remove()
    if without == "other_document":
        stage.reader.insert(Held("document", "110101199003078515"))
    stage.camera = without != "camera"
    await stage.play([BYE])
    assert stage.at == "farewell:opinion"


async def test_next_time_the_template_stands_beside_the_photo_and_the_number_is_still_needed(
    stage: KeepingStage,
) -> None:
    await stage.play([*VERIFIED, BYE, {"say": "好"}])
    stage.again()
    await stage.play([{"say": UNLOCK}])
    assert stage.at == "identify:consent" and "特征码" in stage.text
    assert "forget_face" in {target.id for target in stage.visit.last.targets}
    await stage.play([{"touch": "agree"}])
    assert stage.visit.face.by == "both" and stage.visit.identity is None
    assert stage.purposes[-1] == ("granted", "compare_with_kept")
    await stage.play([{"type": "0000"}, {"say": "对"}, BYE])
    assert stage.visit.identity.outcome == "verified" and "by_both" in stage.visit.identity.codes()
    assert stage.at == "farewell:opinion", "who is known already is not asked again"
    stage.again()
    stage.photos.picture = None
    await stage.play([{"say": UNLOCK}, {"touch": "agree"}, {"type": "0000"}])
    assert stage.visit.identity.method == "face_template"


@pytest.mark.parametrize("words", ["忘记我的脸", "请删除我的人脸", "please forget my face"])
async def test_forget_my_face_is_done_at_any_moment(stage: KeepingStage, words: str) -> None:
    await stage.play([*VERIFIED, BYE, {"say": "好"}])
    stage.again()
    await stage.play([{"say": UNLOCK}])
    await stage.say(words)
    assert stage.at == "remember:forgotten" and stage.store.subjects() == ()
    assert stage.purposes[-1] == ("erased", "keep_template")
    await stage.say(words)
    assert stage.at == "remember:nothing"


async def test_by_touch_too_and_nobody_is_looked_for_by_face(stage: KeepingStage) -> None:
    await stage.play([*VERIFIED, BYE, {"say": "好"}, {"touch": "forget_face"}])
    assert stage.at == "remember:forgotten" and stage.store.subjects() == ()
    stage.again()
    await stage.play([*VERIFIED, BYE, {"say": "好"}])
    stage.reader.remove()
    stage.again()
    await stage.say("忘记我的脸")
    assert stage.at == "remember:whose" and len(stage.store.subjects()) == 1
    stage.reader.insert(Held("document", NUMBER))
    await stage.play([{"touch": "inserted"}])
    assert stage.at == "remember:forgotten" and stage.store.subjects() == ()


async def test_where_nothing_is_kept_the_words_mean_nothing_special(tmp_path: Path) -> None:
    plain = FaceStage(tmp_path)
    await plain.say("忘记我的脸")
    assert not plain.at.startswith("remember")
    plain.close()


async def test_nobody_under_fourteen_is_kept_even_if_a_flow_asked_for_it(tmp_path: Path) -> None:
    child = KeepingStage(tmp_path, "110101201501010017")
    await child.play([{"say": "你好"}])
    child.visit.face, child.visit.checked_document = finding("same", "live"), "110101201501010017"
    child.visit.identity = type("V", (), {"outcome": "verified"})()
    done = await child.scripted.actions.faces.do(child.visit, "keep_face")  # type: ignore[union-attr]
    assert done.outcome == "nothing_there" and child.store.subjects() == () and child.acts == []
    child.close()


async def test_pictures_that_do_not_come_together_keep_nothing_and_end_as_politely(stage: KeepingStage) -> None:
    stage.looks.template_kept = None
    await stage.play([*VERIFIED, BYE, {"say": "好"}])
    assert stage.at == "remember:not_kept" and stage.store.subjects() == ()


async def test_what_cannot_be_recorded_or_locked_away_is_not_kept(
    stage: KeepingStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.play([*VERIFIED, BYE])
    monkeypatch.setattr("kiosk.identity.consent.MOST_BYTES", 1)
    await stage.play([{"say": "好"}])
    assert stage.at == "remember:not_kept" and stage.store.subjects() == () and stage.looks.gathered == 0
    monkeypatch.undo()

    def locked(name: str) -> bytes:
        raise KeystoreLocked("no TPM")

    monkeypatch.setattr(stage.store._keystore, "key", locked)
    assert stage.kept.keep(stage.visit, Held("document", NUMBER), np.ones(128, np.float32)) == "failed"
    assert not stage.kept.keeps(Held("document", NUMBER)) and stage.kept.find(Held("document", NUMBER)) is None
    assert stage.kept.forget(stage.visit) == "failed" and stage.store.subjects() == ()


async def test_a_keystore_that_gives_nothing_is_asked_once_and_not_while_somebody_waits(
    stage: KeepingStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def locked(name: str) -> bytes:
        asked.append(name)
        raise KeystoreLocked("no TPM")

    monkeypatch.setattr(stage.store._keystore, "key", locked)
    stage.kept.warm()
    await stage.play([*VERIFIED, BYE])
    assert stage.at == "farewell:opinion" and len(asked) == 1
    monkeypatch.undo()
    stage.kept.warm()
    assert stage.kept.ready


async def test_after_a_year_it_is_gone_and_the_ledger_says_so(stage: KeepingStage) -> None:
    await stage.play([*VERIFIED, BYE, {"say": "好"}])
    held = Held("document", NUMBER)
    stage.today = datetime(2026, 11, 29, 10) + timedelta(days=KEPT_DAYS)
    assert stage.kept.sweep() == 0 and stage.kept.keeps(held)
    stage.today += timedelta(days=1)
    assert not stage.kept.keeps(held), "not even before the sweep"
    assert stage.kept.sweep() == 1 and stage.store.subjects() == ()
    assert stage.purposes[-1] == ("expired", "keep_template")


def test_two_writers_of_the_ledger_keep_one_chain(tmp_path: Path) -> None:
    terminal, command = ConsentLedger(tmp_path), ConsentLedger(tmp_path)
    kept = Remembering(
        TemplateStore(tmp_path / "t", FileKeystore(tmp_path / "k")), terminal, lambda: None, datetime.now
    )
    visit = type("V", (), {"id": "v", "language": "zh", "remembering": ""})()
    for writer in (terminal, command, terminal, command):
        kept.ledger = writer
        assert kept.decline(visit) == "done"
    assert len(list(ConsentLedger(tmp_path).entries())) == 4


@pytest.mark.parametrize(
    ("photo", "kept", "says"),
    [
        ("same", "same", "same"),
        ("unsure", "same", "same"),  # an old photo
        ("same", "unsure", "same"),
        ("same", "other", "other"),  # a document with another photo in it
        ("other", "same", "unsure"),
        ("other", "unsure", "other"),
        ("unsure", "unsure", "unsure"),
        ("same", None, "same"),
        (None, "same", "same"),
        (None, "other", "other"),
    ],
)
def test_photo_and_template_together(photo: str | None, kept: str | None, says: str) -> None:
    a, b = (None if one is None else Match(one, 0.5, (), 3) for one in (photo, kept))  # type: ignore[arg-type]
    found = together(a, b)
    assert found is not None and found.says == says
