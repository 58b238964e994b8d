"""Is anything of a visitor's face still there? Counts what can be reached in memory, and looks into files.

The proof after each visit, not the wiping. It knows a template, the points of a face and an aligned face by their
shapes, and the kinds of our own that hold them; a whole frame belongs to the camera, which keeps one for the mirror.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np

from kiosk.identity.faces import Comparison, Seen
from kiosk.identity.liveness import Challenge, Look
from models.mesh import POINTS, Mesh
from models.sface import SIDE_PX

SHAPES: Final[dict[tuple[int, ...], str]] = {
    (128,): "template",
    (POINTS, 3): "points",
    (SIDE_PX, SIDE_PX, 3): "aligned face",
}
HOLD: Final = (Seen, Look, Mesh, Challenge, Comparison)
PICTURES: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"\x93NUMPY", b"PK\x03\x04")
OURS: Final = frozenset({"tickets"})  # folders of pictures that are no faces: paper
DEEP: Final = 4  # untracked containers within each other
MOST_FILES: Final = 50_000


def in_memory() -> Counter[str]:
    """What can be reached, by kind. Empty: nothing of a face."""
    gc.collect()
    found: Counter[str] = Counter()
    arrays: dict[int, str] = {}
    looked: set[int] = set()
    for thing in (*gc.get_objects(), *_locals()):
        if isinstance(thing, HOLD) and not (isinstance(thing, Comparison) and thing.template() is None):
            found[type(thing).__name__] += 1
        _look_into(thing, arrays, looked, DEEP)
    found.update(arrays.values())
    return found


def _look_into(thing: Any, arrays: dict[int, str], looked: set[int], deep: int) -> None:
    """Note arrays that `thing` refers to. They are not tracked themselves, nor are dictionaries and tuples of them."""
    for part in gc.get_referents(thing):
        if isinstance(part, np.ndarray):
            if part.shape in SHAPES and part.any() and not _a_weight(part):
                arrays[id(part)] = SHAPES[part.shape]
        elif deep and isinstance(part, dict | tuple) and not gc.is_tracked(part) and id(part) not in looked:
            looked.add(id(part))
            _look_into(part, arrays, looked, deep - 1)


def _locals() -> list[dict[str, Any]]:
    """The variables of every call that is going on, in every thread."""
    found = []
    for frame in sys._current_frames().values():
        at: FrameType | None = frame
        while at is not None:
            if at.f_code.co_filename != __file__:
                found.append(dict(at.f_locals))
            at = at.f_back
    return found


def _a_weight(array: np.ndarray) -> bool:
    """Whether it belongs to a network, which may have rows of 128 too: a template has length one."""
    return array.shape == (128,) and (
        array.dtype != np.float32 or abs(float(np.linalg.norm(array.astype(np.float64))) - 1) > 1e-3
    )


def in_files(folder: Path) -> tuple[Path, ...]:
    """Files under `folder` that could hold a picture or an array. Templates that were enrolled are encrypted, and are
    not among them."""
    suspect = []
    for number, path in enumerate(sorted(folder.rglob("*"))):
        if number >= MOST_FILES:
            break
        if not path.is_file() or OURS & set(path.relative_to(folder).parts):
            continue
        with path.open("rb") as file:
            if file.read(8).startswith(PICTURES):
                suspect.append(path)
    return tuple(suspect)
