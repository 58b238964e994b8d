"""A document is tilted before it counts: what changes on a genuine one does not on a print, under the same lamps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.papers.camera import Shot, Tilt, frame, hold
from bench.papers.drawn import Drawn, draw
from bench.papers.light import Grating, Lamps, gloss, irradiance, lamps, sent_on
from bench.papers.people import TODAY, invent
from bench.papers.surface import Surface, card_of, paper, photo_paper
from contracts.papers import REASONS
from kiosk.aloud import Aloud
from kiosk.events import CameraFrame, Picture
from kiosk.ports import DeviceLost
from kiosk.session.papers import Papers
from kiosk.vision.documents.corners import Held
from kiosk.vision.documents.guide import ADVICE, Advice, Guided, advise, step
from kiosk.vision.documents.marks import COLUMNS, ROWS, change
from kiosk.vision.documents.session import DocumentLook
from tests.dialogue.table import Stage

pytestmark = pytest.mark.unit
TILT = Tilt(most=0.33, aside=0.1, period=16.0, begins=0)
WHITE = np.array([1.0, 1.0, 1.0])
FACING = np.array([0.0, 0.0, -1.0])


# ------------------------------------------------------------------ the light that it is measured with
def one_lamp(at: tuple[float, float, float]) -> Lamps:
    towards = np.array([at], np.float64)
    return Lamps(towards / np.linalg.norm(towards), np.array([0.05]), WHITE[None] * 20, WHITE * 0.0)


def test_paper_that_faces_the_camera_is_white_and_darker_turned_away() -> None:
    room = lamps(np.random.default_rng(3))
    facing = irradiance(room, FACING)
    away = irradiance(one_lamp((0, 0, -1)), np.array([0.0, 0.6, -0.8]))
    assert 0.6 < facing.mean() < 1.4
    assert np.allclose(away, 0.8 * irradiance(one_lamp((0, 0, -1)), FACING))


def test_gloss_shows_a_lamp_where_a_mirror_would_and_nowhere_else() -> None:
    out = np.array([0.0, 0.6, -0.8])  # the camera stands below the normal, so the lamp has to stand above it
    seen = gloss(one_lamp((0, -0.6, -0.8)), FACING, out, 0.02)
    assert seen.mean() > 0.5 > 100 * gloss(one_lamp((0, 0.6, -0.8)), FACING, out, 0.02).mean()


def test_a_grating_sends_each_colour_to_where_its_equation_says() -> None:
    period = 1000.0
    grating = Grating(kind="first_order", period_nm=period, azimuth=0.0, strength=1.0, rough=0.01)
    red = 610 / period  # sine of the angle at which a lamp has to stand for red to come straight out
    room = one_lamp((red, 0.0, -float(np.sqrt(1 - red**2))))
    across, down = np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])
    blue, green, sent_red = sent_on(room, FACING, across, down, FACING[None], grating)[0]
    assert sent_red > 1.0 and sent_red > 3 * green > 9 * blue


# ------------------------------------------------------------------ what is seen of it
def blocks(flicker: bool, everywhere: bool = False) -> list[Any]:
    """A pale card with something dark on it, scaled and overlaid from frame to frame; and a mark where the wall is."""
    rng = np.random.default_rng(5)
    card = np.full((ROWS, COLUMNS, 3), 0.7, np.float32)
    card[8:16, 20:28] = (0.2, 0.25, 0.3)
    seen = []
    for number in range(12):
        overlay = np.linspace(0, 0.1 * np.sin(number), COLUMNS)[None, :, None]
        one = card * (1 + 0.1 * np.cos(number)) + overlay + rng.normal(0, 0.001, card.shape)
        if flicker:
            one[5:7, 4:13] += 0.05 * np.array([np.sin(number), np.sin(number + 2), np.sin(number + 4)])
        if everywhere:
            one += rng.normal(0, 0.03, card.shape)
        seen.append(one.astype(np.float32))
    return seen


def test_scaling_and_overlay_are_explained_and_a_mark_is_not() -> None:
    none_burnt = [np.zeros((ROWS, COLUMNS), np.float32)] * 12
    assert change(blocks(True), none_burnt, "id_front") > 3.0
    assert change(blocks(False), none_burnt, "id_front") < 1.5
    assert change(blocks(False, everywhere=True), none_burnt, "id_front") < 1.5  # what flickers all over is no mark
    assert change(blocks(True)[:3], none_burnt[:3], "id_front") == 0.0
    all_burnt = [np.ones((ROWS, COLUMNS), np.float32)] * 12
    assert change(blocks(True), all_burnt, "id_front") == 0.0


# ------------------------------------------------------------------ from the first frame to the outcome
@dataclass(frozen=True)
class Line:
    text: str
    sure: tuple[float, ...]


class KnowsIt:
    """A reader that reads what stands on one ID card, where it stands."""

    def __init__(self, drawn: Drawn) -> None:
        born = date.fromisoformat(drawn.truth["born"])
        self.rows = (
            (0.12, f"姓名{drawn.truth['name']}"), (0.26, f"性别{drawn.truth['sex']}民族{drawn.truth['nation']}"),
            (0.38, f"出生{born.year}年{born.month}月{born.day}日"), (0.5, "住址" + drawn.truth["address"]),
            (0.88, f"公民身份号码{drawn.truth['number']}"),
        )  # fmt: skip

    def find(self, bgr: Picture, /) -> list[Any]:
        height, width = bgr.shape[:2]
        return [
            np.array([(0.08, y - 0.03), (0.5, y - 0.03), (0.5, y + 0.03), (0.08, y + 0.03)], np.float32)
            * (width, height)
            for y, _ in self.rows
        ]

    def read(self, bgr: Picture, boxes: Any, /, only: str = "") -> list[Line]:
        tops = [float(box[:, 1].mean()) / bgr.shape[0] for box in boxes]
        texts = [min(self.rows, key=lambda row: abs(row[0] - top))[1] for top in tops]
        return [Line(text, (0.999,) * len(text)) for text in texts]


def held_up(made: str) -> tuple[DocumentLook, Shot, Drawn, Surface]:
    rng = np.random.default_rng(12)
    drawn = draw("id_front", invent(rng, "tune"), rng)
    shot = hold(rng, drawn.flat.shape[1] / drawn.flat.shape[0], easy=True)
    kinds = {
        "card": lambda: card_of("id_front", drawn.flat.shape[1], drawn.flat.shape[0], np.random.default_rng(2)),
        "photo": lambda: photo_paper(np.random.default_rng(2)),
        "paper": lambda: paper(np.random.default_rng(2)),
    }
    return DocumentLook(KnowsIt(drawn), lambda: TODAY, tilts_most=14), shot, drawn, kinds[made]()


def shown(made: str, tilt: Tilt | None) -> DocumentLook:
    look, shot, drawn, surface = held_up(made)
    asked = 0
    for _ in range(24):
        asked += look.tilting
        angle = tilt.angle(asked * 2) if tilt is not None else 0.0
        look.take(frame(shot, drawn.flat, surface, angle=angle, aside=tilt.aside if tilt else 0.0))
        if look.result is not None:
            break
    return look


def test_a_card_is_accepted_once_it_was_tilted_and_changed() -> None:
    look = shown("card", TILT)
    assert look.result is not None and look.result.finding.outcome == "accepted" and look.spent.tilts >= 6
    assert look.guided.advice == "tilt" and not look.tilting


@pytest.mark.parametrize("made", ["photo", "paper"])
def test_a_print_that_is_read_without_fault_is_never_accepted(made: str) -> None:
    look = shown(made, TILT)
    assert look.result is not None and look.result.finding.outcome == "unsure"
    assert [reason.code for reason in look.result.finding.reasons] == ["no_mark"]


def test_who_does_not_tilt_it_is_told_so_and_not_accepted() -> None:
    look = shown("card", None)
    assert look.result is not None and look.result.finding.outcome == "unsure"
    (reason,) = look.result.finding.reasons
    assert reason.code == "untilted" and all(REASONS[reason.code])


def test_another_document_that_comes_instead_is_read_anew_before_it_counts() -> None:
    look, shot, drawn, surface = held_up("card")
    while not look.tilting:
        look.take(frame(shot, drawn.flat, surface))
    for _ in range(3):
        look.take(shot.behind)
    assert not look.tilting and look.result is None


# ------------------------------------------------------------------ what the hand is told
def held(**changed: float) -> Held:
    corners = np.array([[300, 150], [980, 150], [980, 570], [300, 570]], np.float32)
    usual = {"width_share": 0.6, "edge_px": 90.0, "slant": 1.6, "glare": 0.2, "light": 140.0, "sharp": 0.5}
    return Held(corners=corners, **{**usual, **changed})


def test_tilting_is_asked_for_at_once_and_slant_and_glare_are_right_then() -> None:
    assert advise(held(), None, 1280, tilting=True) == "tilt" and advise(held(), None, 1280) == "flatter"
    assert advise(held(edge_px=-2.0), None, 1280, tilting=True) == "inside"
    assert step(Guided(advice="reading", frames=3), held(), 1280, tilting=True).advice == "tilt"
    zh, en = ADVICE["tilt"]
    assert "斜" in zh and "tilt" in en


class Asks:
    """A camera whose document was read, and is to be tilted until its third frame."""

    result = None
    unknown = False

    def __init__(self) -> None:
        self.guided = Guided(advice="tilt", frames=1)

    async def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield CameraFrame(np.zeros((72, 128, 3), np.uint8), 0)

    def stop(self) -> None:
        return None

    async def see(self, picture: Picture) -> Advice:
        return "tilt"

    async def read(self, picture: Picture) -> None:
        raise AssertionError("nothing is read while it is tilted")

    async def begin(self) -> Asks:
        return self


async def test_the_tilt_is_asked_for_aloud_once_and_falls_silent_with_the_look(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    said: list[tuple[str, str]] = []
    silenced: list[bool] = []

    async def say(visit: Any, zh: str, en: str) -> None:
        said.append((zh, en))
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            silenced.append(True)
            raise

    try:
        asks = Asks()
        papers = Papers(lambda: asks, asks.begin, lambda: None, lambda: TODAY)  # type: ignore[arg-type, return-value]
        papers.say = say
        stage.scripted.actions.papers = papers
        await stage.play([{"say": "挂失"}, {"touch": "camera"}])
        assert said == [ADVICE["tilt"]] and silenced == [True]
    finally:
        stage.close()


class Speaks:
    """A voice that gives the words themselves, and a loudspeaker that notes them or is gone."""

    def __init__(self, *, gone: bool = False) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.gone = gone
        self.turns = self.playback = self

    def speak(self, text: str, language: str, *, keep: bool) -> tuple[str, str]:
        return text, language

    async def play(self, name: str, chunks: Any, progressed: Any) -> None:
        if self.gone:
            raise DeviceLost("unplugged")
        self.heard.append((name, chunks))


@dataclass
class English:
    language: str = "en"


async def test_what_is_said_aloud_is_in_the_visits_language_and_a_lost_loudspeaker_stops_nothing() -> None:
    both = Speaks()
    aloud = Aloud(both, both, "document")  # type: ignore[arg-type]
    await aloud.say(English(), *ADVICE["tilt"])  # type: ignore[arg-type]
    assert both.heard == [("document1", (ADVICE["tilt"][1], "en"))]
    lost = Speaks(gone=True)
    await Aloud(lost, lost, "document").say(English(), *ADVICE["tilt"])  # type: ignore[arg-type]
    assert lost.heard == []
