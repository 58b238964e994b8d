"""A new look at document or face in the middle of a talk: consent on record, findings by code, never a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kiosk.banking.ports import Held
from kiosk.dialogue.reply import Done
from kiosk.face_system import _Working
from kiosk.fresh_look import SiteFreshLook
from kiosk.identity.acts import FaceActs
from kiosk.identity.consent import ConsentLedger
from kiosk.session.visit import Visit
from kiosk.together.ports import Looked
from tests.identity.test_conversation import Looks, Photos, finding

pytestmark = pytest.mark.unit
GROWN, CHILD = Held("document", "11010519491231002X"), Held("document", "110105201912310029")


@dataclass
class Documents:
    """What would be seen of a document."""

    sees: bool = True
    outcome: str = "done"
    stopped: int = 0

    async def look(self, visit: Visit) -> Done:
        return Done(self.outcome)

    def stop(self) -> None:
        self.stopped += 1


@dataclass
class Place:
    """One terminal in a talk."""

    folder: Path
    papers: Documents = field(default_factory=Documents)
    looks: Looks = field(default_factory=Looks)
    photos: Photos = field(default_factory=Photos)
    held: Held | None = GROWN
    camera: bool = True
    ended: int = 0
    visit: Visit | None = field(default_factory=lambda: Visit(0, "camera"))

    def __post_init__(self) -> None:
        self.ledger = ConsentLedger(self.folder / "consents")
        self.faces: FaceActs | None = FaceActs(
            check=self.looks, photos=self.photos, ledger=self.ledger, holding=lambda: self.held,  # type: ignore[arg-type]
            sees=lambda: self.camera, local_now=lambda: datetime(2026, 11, 30, 10), ends=self._end,
        )  # fmt: skip
        self.fresh = SiteFreshLook(lambda: self.visit, self.papers, lambda: self.faces)  # type: ignore[arg-type]

    def _end(self) -> None:
        self.ended += 1

    def look(self, what: Any) -> Looked:
        return asyncio.run(self.fresh.look(what))

    @property
    def consents(self) -> list[str]:
        return [entry.act for entry in self.ledger.entries()]


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        ("done", Looked("done", "sound")), ("suspected", Looked("done", "doubtful")),
        ("refused", Looked("done", "refused")), ("expired", Looked("done", "expired")),
        ("unsure", Looked("done", "unreadable")), ("other_document", Looked("done", "other_document")),
        ("not_seen", Looked("failed", "unreadable")), ("too_often", Looked("failed", "unreadable")),
        ("no_camera", Looked("not_available")),
    ],
)  # fmt: skip
def test_every_end_of_a_look_at_a_document_is_told_by_code(tmp_path: Path, outcome: str, told: Looked) -> None:
    place = Place(tmp_path)
    place.papers.outcome = outcome
    assert place.fresh.hindered("document") is None and place.look("document") == told


def test_a_face_is_compared_after_a_yes_that_is_on_record_and_again_as_often_as_it_is_asked(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place.fresh.hindered("face") is None
    assert place.look("face") == Looked("done", "same_person") and place.consents == ["granted"]
    place.looks.finding = finding("other", "live")
    assert place.look("face") == Looked("done", "another_person")
    place.looks.finding = finding("unsure", "live")
    assert place.look("face") == Looked("done", "unclear") and place.looks.looked == 3


def test_a_no_is_on_record_and_nobody_is_looked_at(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.fresh.refused("face")
    place.fresh.refused("document")
    assert place.consents == ["refused"] and place.looks.looked == 0
    assert place.visit is not None and place.visit.face is not None and not place.visit.face.consent


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda place: setattr(place, "held", None), Looked("not_available", "no_document")),
        (lambda place: setattr(place, "held", CHILD), Looked("not_available", "guardian")),
        (lambda place: setattr(place, "camera", False), Looked("not_available")),
        (lambda place: setattr(place, "faces", None), Looked("not_available")),
        (lambda place: setattr(place, "visit", None), Looked("not_available")),
    ],
)
def test_who_cannot_be_compared_is_not_asked(tmp_path: Path, spoil: Callable[[Place], None], told: Looked) -> None:
    place = Place(tmp_path)
    spoil(place)
    assert place.fresh.hindered("face") == told and place.looks.looked == 0


def test_without_a_photo_or_a_ledger_nothing_is_looked_at(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.photos.picture = None
    assert place.look("face") == Looked("not_available", "no_document")
    broken = Place(tmp_path / "full")
    broken.ledger.note = lambda entry: (_ for _ in ()).throw(OSError("disk full"))  # type: ignore[method-assign]
    assert broken.look("face") == Looked("failed") and broken.looks.looked == 0


def test_what_the_visitor_ends_is_ended_where_it_is_done(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.fresh.stop("face")
    place.fresh.stop("document")
    assert (place.ended, place.papers.stopped) == (1, 1)


def test_a_check_within_a_call_goes_on_with_the_call_and_ends_with_it() -> None:
    class Talk:
        at_work, visit = None, Visit(0, "camera")
        called = True

        def in_call(self) -> bool:
            return self.called

    talk: Any = Talk()
    working = _Working(talk)
    working.begin()
    assert working.still()
    working.end()
    assert not working.still()
    working.begin()
    talk.called = False
    assert not working.still()
    talk.called, talk.visit = True, Visit(1, "camera")
    assert not working.still()
