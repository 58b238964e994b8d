"""Faces are found where they are, and a face is like itself."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from conftest import PATH_CLIPS

from models.sface import SFace, similarity, similarity_transform
from models.store import Store
from models.yunet import Face, YuNet

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def yunet(store: Store) -> YuNet:
    return YuNet(store.open("yunet"))


@pytest.fixture(scope="module")
def sface(store: Store) -> SFace:
    return SFace(store.open("sface"))


def largest(faces: tuple[Face, ...]) -> Face:
    return max(faces, key=lambda face: face.w * face.h)


def test_the_one_face_of_a_portrait_is_found_with_landmarks_in_their_places(
    yunet: YuNet, astronaut: np.ndarray
) -> None:
    (face,) = yunet.detect(astronaut)
    assert face.score > 0.8
    # by eye in the picture: the face between 180 and 270 across, 60 and 190 down
    assert 165 < face.x < 200 and 45 < face.y < 90 and 70 < face.w < 115 and 95 < face.h < 150
    right_eye, left_eye, nose, right_mouth, left_mouth = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])


def test_a_face_moves_and_grows_with_the_picture(yunet: YuNet, astronaut: np.ndarray) -> None:
    (face,) = yunet.detect(astronaut)
    wide = np.zeros((600, 1100, 3), np.uint8)
    wide[50:562, 400:912] = astronaut
    moved = largest(yunet.detect(wide))
    assert abs(moved.x - face.x - 400) < 6 and abs(moved.y - face.y - 50) < 6 and abs(moved.w - face.w) < 8


@pytest.mark.parametrize("shape", [(480, 640), (1, 1), (33, 700), (31, 31)])
def test_pictures_of_any_size_without_a_face_give_none(yunet: YuNet, shape: tuple[int, int]) -> None:
    assert yunet.detect(np.full((*shape, 3), 90, np.uint8)) == ()


def test_a_face_is_like_itself_darker_moved_and_turned_by_10_degrees(
    yunet: YuNet, sface: SFace, astronaut: np.ndarray
) -> None:
    (face,) = yunet.detect(astronaut)
    first = sface.template(astronaut, face)
    assert first.shape == (128,) and first.dtype == np.float32
    assert abs(float(np.linalg.norm(first)) - 1) < 1e-5
    turn = cv2.getRotationMatrix2D((225, 120), 10, 0.8)
    other = (cv2.warpAffine(astronaut, turn, (512, 512)) * 0.6).astype(np.uint8)
    assert similarity(first, sface.template(other, largest(yunet.detect(other)))) > 0.7


def test_ten_people_of_ten_pictures_are_told_apart_at_0_42(yunet: YuNet, sface: SFace) -> None:
    folder = PATH_CLIPS / "faces" / "lfw10"
    if not folder.is_dir():
        pytest.skip(f"the measuring pictures are not at {folder}")
    templates: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("*_000[1-4].jpg")):
        picture = cv2.imread(str(path))
        found = yunet.detect(picture)
        centre = min(found, key=lambda face: abs(face.x + face.w / 2 - 125) + abs(face.y + face.h / 2 - 125))
        templates.setdefault(path.stem.rsplit("_", 1)[0], []).append(sface.template(picture, centre))
    same = [similarity(a, b) for one in templates.values() for i, a in enumerate(one) for b in one[:i]]
    names = sorted(templates)
    other = [
        similarity(a, b)
        for i, one in enumerate(names)
        for two in names[:i]
        for a in templates[one]
        for b in templates[two]
    ]
    assert max(other) < 0.42
    assert np.mean([value > 0.42 for value in same]) > 0.95


def test_the_transform_brings_turned_and_scaled_points_back_exactly() -> None:
    points = np.array([[0, 0], [10, 0], [5, 8], [2, 3], [7, 9]], np.float64)
    angle = 0.6
    turn = 1.7 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = points @ turn.T + [30, -4]
    back = similarity_transform(moved.astype(np.float32), points)
    np.testing.assert_allclose(moved @ back[:, :2].T + back[:, 2], points, atol=1e-5)
