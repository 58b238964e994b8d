"""Made-up scenes: the same for the same seed, with faces that the networks find, and what is refused by name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.presence_runs import AtOnce
from config.schema import Seeing
from kiosk.events import CameraFrame
from kiosk.scenario.people import CAST, Person, PortraitError, cast, read_portraits
from kiosk.scenario.scenes import (
    HEIGHT_PX,
    KINDS,
    RATE_HZ,
    WIDTH_PX,
    Actor,
    Mark,
    Scene,
    Stage,
    make_scene,
    passers,
)
from kiosk.vision.eye import Eye
from kiosk.vision.lips import LipWatch
from kiosk.vision.presence import Presence
from models.landmarks import FaceLandmarks
from models.sface import SFace, similarity
from models.store import Store
from models.yunet import YuNet

pytestmark = pytest.mark.contract


@pytest.fixture(scope="module")
def detector() -> YuNet:
    return YuNet(Store().open("yunet"))


@pytest.fixture(scope="module")
def people(detector: YuNet) -> list[Person]:
    return cast(detector.detect)


def test_the_cast_are_people_whom_the_network_tells_apart(people: list[Person], detector: YuNet) -> None:
    sface, heads = SFace(Store().open("sface")), []
    for person in people:
        head = person.head(0)
        assert head is not None and person.source == "synthetic"
        bgr = np.ascontiguousarray(head[:, :, :3])
        heads.append(sface.template(bgr, detector.detect(bgr)[0]))
    assert len(heads) == len(CAST)
    assert max(similarity(a, b) for a, b in itertools.combinations(heads, 2)) < 0.42


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_is_the_same_for_the_same_seed_and_another_for_another(kind: str) -> None:
    one, again, other = (make_scene(kind, seed, 5) for seed in (3, 3, 4))  # type: ignore[arg-type]
    assert one == again and one.actors != other.actors
    assert one.kind == kind and 1.5 < one.seconds < 30 and all(0 < at_s < one.seconds for at_s in one.greet_s)


def test_who_stands_there_at_the_moment_to_greet_is_near_and_found(people: list[Person], detector: YuNet) -> None:
    stage = Stage(people)
    for kind in ("stops", "child", "swap"):
        scene = make_scene(kind, 5, len(people))  # type: ignore[arg-type]
        for at_s in scene.greet_s:
            picture = stage.picture(scene, round((at_s + 0.2) * RATE_HZ))
            assert picture.shape == (HEIGHT_PX, WIDTH_PX, 3)
            assert max(face.w for face in detector.detect(picture)) / WIDTH_PX > 0.12
    assert not np.array_equal(stage.empty(1), stage.empty(2))  # a sensor's noise


def test_people_who_pass_for_minutes_are_ten_a_minute_and_none_of_them_stays() -> None:
    scene = passers(300, 1, 5)
    assert 30 < len(scene.actors) < 70 and scene.greet_s == ()
    assert all(actor.marks[-1].at_s - actor.marks[0].at_s < 20 for actor in scene.actors)


def test_portraits_that_cannot_be_used_are_named(tmp_path: Path, detector: YuNet) -> None:
    with pytest.raises(PortraitError, match="no portraits"):
        read_portraits(tmp_path)
    (tmp_path / "broken_1.jpg").write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(PortraitError, match="broken_1"):
        read_portraits(tmp_path)
    (tmp_path / "broken_1.jpg").unlink()
    for name in ("a_1", "b_1", "c_1", "d_1"):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(PortraitError, match="a: no face"):
        cast(detector.detect, tmp_path)


@pytest.mark.parametrize(
    ("spoilt", "code"),
    [
        pytest.param(lambda bgr: bgr[::-1, ::-1], "upside_down", id="upside down"),
        pytest.param(lambda bgr: bgr[:, :, ::-1], "colours_swapped", id="red for blue"),
        pytest.param(lambda bgr: bgr, "", id="as it is"),
    ],
)
async def test_what_only_faces_show_of_a_camera_is_told_within_a_second_by_the_real_networks(
    spoilt: Callable[[np.ndarray], np.ndarray], code: str, people: list[Person], detector: YuNet
) -> None:
    store, found, stage = Store(), list[tuple[str, int]](), Stage(people)
    marks = tuple(Mark(at_s=at_s, x=0.5, metres=0.9) for at_s in (0.0, 9.0))
    scene = Scene(name="stands", kind="stops", seconds=9, actors=(Actor(person=1, marks=marks),))
    eye = Eye(
        AtOnce(), detector, FaceLandmarks(store.open("face-landmarks")), SFace(store.open("sface")),
        Presence(Seeing()), LipWatch(), found=lambda trouble: found.append((trouble.code if trouble else "", number)),
    )  # fmt: skip
    for number in range(0, 3 * RATE_HZ, 4):  # four looks a second
        bgr = stage.picture(scene, number)
        at_ns = round(number * 1e9 / RATE_HZ)
        await eye.look(CameraFrame(np.ascontiguousarray(spoilt(bgr) if number >= RATE_HZ else bgr), at_ns))
    assert [name for name, _ in found] == ([code] if code else [])
    assert [at for _, at in found if at - RATE_HZ > RATE_HZ] == []
