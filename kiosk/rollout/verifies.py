"""Whether this release still tells faces: one person against themselves, and against somebody else.

Serves the self-test of a release, with the portrait that lies beside the recorded visitor and a made-up face of it
(`kiosk/scenario/people.py`). It says that the networks, their files and the thresholds belong together, and nothing
about how well faces are told; that is measured by `bench face`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.identity.faces import FaceReader, Seen, says
from kiosk.scenario.people import Look, make_person
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store, StoreError
from models.yunet import YuNet

OTHER_SEED: Final = 51  # of the made-up faces, one that is least like the portrait they are made from
STANDS_DEG, STANDS_SCALE, STANDS_LIGHT = 6.0, 0.8, 0.75  # at a terminal nobody stands as for a portrait
FLOOR: Final = 60  # grey of what is behind a made-up head


def tells_faces(portrait: Path) -> bool:
    """Whether the same is 'same' and somebody else is not.

    Raises `StoreError` where a network is missing, OSError where the portrait cannot be read.
    """
    read = cv2.imread(str(portrait))
    if read is None:
        raise OSError(f"{portrait} cannot be read")
    picture = np.asarray(read, np.uint8)
    store = Store()
    detector = YuNet(store.open("yunet"))
    mesh = FaceMesh(store.open("face-landmarks"), store.open("face-blendshapes"))
    reader = FaceReader(detector, mesh, SFace(store.open("sface")))
    known = _template(reader, picture)
    if known is None:
        return False
    again = _template(reader, _standing(picture))
    other = _template(reader, _somebody_else(picture, detector))
    if again is None or other is None:
        return False
    return says(float(known @ again), good=True) == "same" and says(float(known @ other), good=True) != "same"


def _template(reader: FaceReader, picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32] | None:
    seen = reader.see(picture, anywhere=True)
    return reader.template(seen) if isinstance(seen, Seen) else None


def _standing(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), STANDS_DEG, STANDS_SCALE)
    darker = picture.astype(np.float32) * STANDS_LIGHT
    return np.asarray(cv2.warpAffine(darker, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def _somebody_else(picture: npt.NDArray[np.uint8], detector: YuNet) -> npt.NDArray[np.uint8]:
    face = max(detector.detect(picture), key=lambda found: found.score)
    head = make_person("other", "synthetic", picture, face, Look.drawn(OTHER_SEED)).head(0.0)
    assert head is not None  # straight ahead there always is one
    alpha = head[:, :, 3:].astype(np.float32) / 255
    return np.asarray(head[:, :, :3] * alpha + FLOOR * (1 - alpha), np.uint8)


if __name__ == "__main__":
    try:
        sys.exit(0 if tells_faces(Path(sys.argv[1])) else 1)
    except (StoreError, OSError) as err:
        sys.exit(f"faces: {err}")
