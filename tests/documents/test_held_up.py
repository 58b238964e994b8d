"""A document that is held up: found, guided, told from its copies; and what a visit makes of it and forgets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bench.papers.camera import frame, hold
from bench.papers.drawn import draw
from bench.papers.people import TODAY, invent
from bench.papers.surface import paper
from bench.papers.tampered import copied
from contracts.handover import decode_handover, encode_handover
from kiosk.adapters.document_camera import PictureDocumentCamera, SharedDocumentCamera
from kiosk.events import CameraFrame, Picture
from kiosk.ports import DeviceLost
from kiosk.runtime.clock import SystemClock
from kiosk.session.handing import packet_of
from kiosk.session.papers import LOOKS_MOST, Papers
from kiosk.vision.documents import copies
from kiosk.vision.documents.checks import Finding, Reason
from kiosk.vision.documents.corners import Held, find, measured
from kiosk.vision.documents.guide import ADVICE, Advice, Guided, advise, step
from kiosk.vision.documents.layout import Seen
from kiosk.vision.documents.session import DocumentLook, DocumentRead
from kiosk.vision.documents.votes import Settled
from tests.dialogue.table import Stage

pytestmark = pytest.mark.unit
NUMBER = "11010519491231002X"


def picture(seed: int = 4, trick: str = "") -> tuple[Picture, Any]:
    rng = np.random.default_rng(seed)
    drawn = draw("id_front", invent(rng, "tune"), rng)
    flat = copied(trick, drawn.flat, rng) if trick else drawn.flat  # type: ignore[arg-type]
    shot = hold(rng, flat.shape[1] / flat.shape[0], easy=True)
    return frame(shot, flat, paper(rng), square=bool(trick)), shot


def test_a_card_is_found_to_a_hundredth_of_its_width_and_an_empty_lobby_has_none() -> None:
    seen, shot = picture()
    corners = find(seen)
    assert corners is not None
    assert np.abs(corners - shot.corners).max() < 0.02 * 1280
    assert find(shot.behind) is None or measured(shot.behind, find(shot.behind)).sharp < 99  # type: ignore[arg-type]
    assert find(np.zeros((480, 640, 3), np.uint8)) is None and find(np.full((120, 160, 3), 255, np.uint8)) is None


def held(**changed: float) -> Held:
    corners = np.array([[300, 150], [980, 150], [980, 570], [300, 570]], np.float32)
    usual = {"width_share": 0.6, "edge_px": 90.0, "slant": 1.05, "glare": 0.0, "light": 140.0, "sharp": 3.0}
    return Held(corners=corners, **{**usual, **changed})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, "reading"), ({"width_share": 0.2}, "closer"), ({"width_share": 0.99}, "farther"),
        ({"edge_px": -4.0}, "inside"), ({"slant": 1.8}, "flatter"), ({"glare": 0.2}, "glare"),
        ({"light": 12.0}, "light"), ({"sharp": 0.4}, "still"),
    ],
)  # fmt: skip
def test_each_fault_has_its_advice_in_both_languages(changed: dict[str, float], says: Advice) -> None:
    assert advise(held(**changed), None, 1280) == says
    zh, en = ADVICE[says]
    assert any("\u4e00" <= character <= "\u9fff" for character in zh) and en.isascii()


def test_the_first_advice_comes_at_once_and_a_single_odd_frame_changes_nothing() -> None:
    at = step(Guided(), held(width_share=0.2), 1280)
    assert at.advice == "closer"
    at = step(at, held(slant=1.8), 1280)
    assert at.advice == "closer"
    at = step(at, held(slant=1.8), 1280)
    assert at.advice == "flatter"
    moved = held()
    assert step(at, moved, 1280).advice in ("flatter", "reading") and step(step(at, moved, 1280), moved, 1280).ready


def test_a_grey_copy_has_no_colour_and_a_card_has() -> None:
    card, _ = picture()
    grey, _ = picture(trick="grey_print")
    corners = find(card), find(grey)
    assert corners[0] is not None and corners[1] is not None
    assert copies.traits(card, corners[0], "id_front").colour > copies.COLOUR_LEAST
    told = copies.suspicions([copies.traits(grey, corners[1], "id_front")])
    assert "black_and_white" in [reason.code for reason in told]


class NothingReads:
    """A reader that finds no line."""

    def find(self, bgr: Picture, /) -> list[Any]:
        return []

    def read(self, bgr: Picture, boxes: Any, /, only: str = "") -> list[Any]:
        return []


def test_what_is_no_document_ends_as_unknown_and_never_as_read() -> None:
    seen, _ = picture()
    look = DocumentLook(NothingReads(), lambda: TODAY)
    for _ in range(6):
        look.take(seen)
    assert look.unknown and look.result is None


# ------------------------------------------------------------------ in a visit
def read_card(outcome: str = "accepted", *codes: str, born: str = "1949-12-31") -> DocumentRead:
    values = {"name": "王小明", "sex": "女", "born": born, "number": NUMBER}
    fields = {name: Settled(Seen(value, 0.99), True, 2) for name, value in values.items()}
    finding = Finding(outcome, tuple(Reason(code) for code in codes))  # type: ignore[arg-type]
    return DocumentRead(kind="id_front", fields=fields, finding=finding, frames=2)


class HandHeld:
    """A camera with one frame, again and again, and an attempt that has read at the second."""

    def __init__(self, result: DocumentRead | None) -> None:
        self.will, self.result, self.unknown = result, None, False
        self.guided = Guided()
        self.stopped = 0
        self.frames_given = 0

    async def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        for _ in range(3):
            self.frames_given += 1
            yield CameraFrame(np.zeros((72, 128, 3), np.uint8), 0)

    def stop(self) -> None:
        self.stopped += 1

    async def see(self, bgr: Picture) -> Advice:
        self.guided = step(self.guided, held(), 1280)
        return self.guided.advice

    async def read(self, bgr: Picture) -> None:
        if self.guided.frames >= 2:
            self.result = self.will

    async def begin(self) -> HandHeld:
        return self


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    made = Stage(tmp_path)
    yield made
    made.close()


def show(stage: Stage, hand: HandHeld) -> list[Any]:
    views: list[Any] = []
    stage.scripted.actions.papers = Papers(
        lambda: hand, hand.begin, lambda: views.append(stage.visit.looking), lambda: date(2026, 11, 29)
    )  # type: ignore[arg-type, unused-ignore]
    return views


async def test_a_card_before_the_camera_is_known_to_the_bank_and_offers_large_letters(stage: Stage) -> None:
    views = show(stage, hand := HandHeld(read_card()))
    await stage.play([{"say": "挂失"}])
    assert stage.at == "identify:show"
    await stage.play([{"touch": "camera"}])
    assert stage.at == "identify:larger" and hand.frames_given == 2
    assert views[0].advice == ADVICE["show"][0] and views[0].advice_other == ADVICE["show"][1] and views[-1] is None
    assert all(NUMBER not in str(view) for view in views)
    await stage.play([{"touch": "yes"}])
    assert stage.at == "identify:phone_large" and stage.visit.mode == "elder"
    await stage.say("1234")
    assert [asked[1].document_no for asked in stage.bank.asked if asked[0] == "open_document"] == [NUMBER]


async def test_the_young_are_not_offered_large_letters(stage: Stage) -> None:
    show(stage, HandHeld(read_card(born="1999-12-31")))
    await stage.play([{"say": "挂失"}, {"touch": "camera"}])
    assert stage.at == "identify:phone"


@pytest.mark.parametrize(
    ("read", "at"),
    [
        (read_card("refused", "number_born"), "identify:odd"),
        (read_card("suspected", "screen"), "identify:odd"),
        (read_card("refused", "expired"), "identify:out_of_date"),
        (read_card("unsure"), "identify:look_again"),
        (None, "identify:look_again"),
    ],
)
async def test_a_document_that_is_not_good_is_no_identity(stage: Stage, read: DocumentRead | None, at: str) -> None:
    show(stage, HandHeld(read))
    await stage.play([{"say": "挂失"}, {"touch": "camera"}])
    assert stage.at == at and stage.visit.bank is None
    assert stage.scripted.actions.facts(stage.visit)["document"] == ""


async def test_after_a_few_looks_a_colleague_is_offered(stage: Stage) -> None:
    show(stage, HandHeld(None))
    await stage.play([{"say": "挂失"}, *[{"touch": "camera"}] * LOOKS_MOST])
    assert stage.at == "identify:look_again"
    await stage.play([{"touch": "camera"}])
    assert stage.at == "identify:odd"


async def test_who_takes_over_sees_what_was_read_with_numbers_masked_and_no_more(stage: Stage) -> None:
    show(stage, HandHeld(read_card("suspected", "print")))
    await stage.play([{"say": "挂失"}, {"touch": "camera"}])
    packet = decode_handover(encode_handover(packet_of(stage.visit, "card_loss_report", 1)))
    assert packet.document is not None
    assert (packet.document.outcome, packet.document.reasons) == ("suspected", ("print",))
    assert packet.document.fields["number"] == "****002X" and NUMBER not in str(packet)
    assert NUMBER not in repr(stage.visit) and "王小明" not in repr(stage.visit)


# ------------------------------------------------------------------ the cameras
async def given(camera: Any, feed: Any = None) -> list[CameraFrame]:
    """Frames until the second, after which the camera is told to stop."""
    got: list[CameraFrame] = []
    waiting = asyncio.create_task(_taken(camera, got))
    while not waiting.done():
        if feed is not None:
            feed()
        await asyncio.sleep(0.01)
    await waiting
    return got


async def _taken(camera: Any, got: list[CameraFrame]) -> None:
    async for frame_seen in camera.frames(20.0):
        got.append(frame_seen)
        if len(got) == 2:
            camera.stop()


@pytest.mark.contract
async def test_both_cameras_give_pictures_while_asked_and_none_after_they_are_stopped(tmp_path: Path) -> None:
    seen, _ = picture()
    cv2.imwrite(str(tmp_path / "1.png"), seen)
    shared, files = SharedDocumentCamera(SystemClock()), PictureDocumentCamera(tmp_path, SystemClock())
    shared.show(CameraFrame(seen, 1))  # nobody asked: it is let go
    assert not shared.wanted
    for got in (await given(shared, lambda: shared.show(CameraFrame(seen, 2))), await given(files)):
        assert len(got) == 2 and all(one.bgr.shape == seen.shape for one in got)
    assert not shared.wanted


@pytest.mark.contract
async def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "held.png").write_bytes(b"\x89PNG but not really")
    with pytest.raises(DeviceLost, match=r"held\.png: no picture"):
        await anext(PictureDocumentCamera(tmp_path / "held.png", SystemClock()).frames(1.0))


@pytest.mark.contract
async def test_a_folder_without_pictures_shows_nothing_and_ends_in_time(tmp_path: Path) -> None:
    assert [one async for one in PictureDocumentCamera(tmp_path, SystemClock()).frames(0.3)] == []
