"""Consent in the conversation: asked before anything is looked at, refused as easily, and never the only way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.identity import Reason
from kiosk.banking.ports import Held
from kiosk.identity.acts import FaceActs
from kiosk.identity.consent import ConsentLedger
from kiosk.identity.faces import Match, Seen
from kiosk.identity.liveness import Result
from kiosk.identity.verdict import FaceFinding
from kiosk.session.handing import packet_of
from tests.dialogue.table import MEANT, Stage

pytestmark = pytest.mark.unit
UNLOCK = "解锁密码"


class Looks:
    """A check that was scripted; counts how often a face was looked at."""

    def __init__(self) -> None:
        self.finding = finding("same", "live")
        self.looked = self.gathered = 0
        self.template_kept: np.ndarray | None = np.full(128, 128**-0.5, np.float32)
        self.reader, self.thread = self, self

    def see(self, picture: Any, *, anywhere: bool = False) -> Seen:
        return Seen(*[None] * 5)  # type: ignore[arg-type]

    def template(self, seen: Seen) -> np.ndarray:
        return np.ones(128, np.float32)

    async def call(self, work: Any, *args: Any) -> Any:
        return work(*args)

    async def run(self, reference: np.ndarray | None, kept: np.ndarray | None = None) -> FaceFinding:
        self.looked += 1
        by = "document" if kept is None else "template" if reference is None else "both"
        return replace(self.finding, by=by)  # type: ignore[arg-type]

    async def gather(self, reference: np.ndarray) -> np.ndarray | None:
        self.gathered += 1
        return None if self.template_kept is None else self.template_kept.copy()


def finding(match: str, live: str) -> FaceFinding:
    reason = Reason(part="liveness", code="challenge_done" if live == "live" else "no_blink")
    return FaceFinding(
        consent=True,
        match=Match(match, 0.6, (), 4),  # type: ignore[arg-type]
        liveness=Result(outcome=live, reasons=(reason,)),  # type: ignore[arg-type]
    )


class Photos:
    picture: Any = np.zeros((10, 10, 3), np.uint8)

    def photo(self, held: Held) -> Any:
        return self.picture


class FaceStage(Stage):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.looks, self.photos, self.ledger = Looks(), Photos(), ConsentLedger(folder / "consents")
        self.today = datetime(2026, 11, 29, 10)
        self.camera = True
        self.scripted.actions.faces = FaceActs(
            check=self.looks,  # type: ignore[arg-type]
            photos=self.photos,
            ledger=self.ledger,
            holding=lambda: self.scripted._reader.holding(),
            sees=lambda: self.camera,
            local_now=lambda: self.today,
        )

    @property
    def acts(self) -> list[str]:
        return [entry.act for entry in self.ledger.entries()]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaceStage]:
    monkeypatch.setitem(MEANT, UNLOCK, "pin_unlock")
    made = FaceStage(tmp_path)
    yield made
    made.close()


async def test_nothing_is_looked_at_before_consent_and_all_ways_are_as_large(stage: FaceStage) -> None:
    await stage.play([{"document": 0}, {"say": UNLOCK}])
    assert stage.at == "identify:consent" and stage.looks.looked == 0 and stage.acts == []
    ways = {target.id: target for target in stage.visit.last.targets}
    assert set(ways) == {"agree", "without_face", "by_person"} and len({way.kind for way in ways.values()}) == 1
    assert all(way.detail for way in ways.values()), "each says how long it takes"
    assert "删" in stage.text and "不刷脸也能办" in stage.text


async def test_who_agrees_is_looked_at_once_and_the_number_still_has_to_agree(stage: FaceStage) -> None:
    await stage.play([{"document": 0}, {"say": UNLOCK}, {"say": "好"}])
    assert stage.at == "identify:phone_after_face" and stage.looks.looked == 1 and stage.acts == ["granted"]
    assert stage.visit.identity is None
    await stage.play([{"type": "0000"}])
    assert stage.visit.identity.outcome == "verified" and stage.visit.identity.method == "face_document"
    told = packet_of(stage.visit, "pin_unlock", 0).identity
    assert told is not None and "face_same" in told.reasons and "phone_agrees" in told.reasons


@pytest.mark.parametrize("how", [{"say": "不"}, {"touch": "without_face"}])
async def test_who_refuses_goes_on_by_number_with_one_touch_or_word(stage: FaceStage, how: dict[str, str]) -> None:
    await stage.play([{"document": 0}, {"say": UNLOCK}, how])
    assert stage.at == "identify:phone" and stage.looks.looked == 0 and stage.acts == ["refused"]
    await stage.play([{"type": "0000"}])
    assert stage.visit.identity.outcome == "verified" and stage.visit.identity.method == "document_phone"
    assert stage.visit.identity.codes(against=True) == ()


async def test_a_face_that_was_not_seen_well_leads_to_the_other_way(stage: FaceStage) -> None:
    stage.looks.finding = finding("unsure", "unclear")
    await stage.play([{"document": 0}, {"say": UNLOCK}, {"touch": "agree"}])
    assert stage.at == "identify:phone_instead"
    await stage.play([{"type": "0000"}])
    assert stage.visit.identity.outcome == "verified" and stage.visit.identity.method == "document_phone"


async def test_a_face_that_differs_leads_to_a_person(stage: FaceStage) -> None:
    stage.looks.finding = finding("other", "live")
    await stage.play([{"document": 0}, {"say": UNLOCK}, {"touch": "agree"}])
    assert stage.at == "identify:differs"


async def test_a_child_s_face_is_not_offered(stage: FaceStage) -> None:
    number = stage.scripted._reader
    number.insert(Held("document", "110101201501010017"))
    await stage.play([{"say": UNLOCK}])
    assert stage.at == "identify:phone" and stage.looks.looked == 0


async def test_without_a_camera_it_is_not_offered_and_without_a_photo_it_ends_in_the_other_way(
    stage: FaceStage,
) -> None:
    stage.photos.picture = None
    await stage.play([{"document": 0}, {"say": UNLOCK}, {"touch": "agree"}])
    assert stage.at == "identify:phone_instead" and stage.looks.looked == 0
    stage.camera = False
    assert stage.scripted.actions.facts(stage.visit)["face"] == ""


async def test_without_a_record_nothing_is_looked_at(stage: FaceStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.identity.consent.MOST_BYTES", 1)
    (stage.ledger._folder / "consents-2026-11.jsonl").write_bytes(b"")
    await stage.play([{"document": 0}, {"say": UNLOCK}, {"touch": "agree"}])
    assert stage.at == "identify:phone" and stage.looks.looked == 0


async def test_where_the_site_offers_no_face_the_number_is_asked_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MEANT, UNLOCK, "pin_unlock")
    plain = Stage(tmp_path)
    await plain.play([{"document": 0}, {"say": UNLOCK}])
    assert plain.at == "identify:phone"
    await plain.play([{"type": "0000"}])
    assert plain.visit.identity.method == "document_phone"
    plain.close()
