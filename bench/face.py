"""How surely two pictures of faces are told to be of one person or of two.

    python -m bench face --folder DIR --json - [--degrade blur motion dark roll] [--per-person N]
    python -m bench face --pairs FILE --json -

`--folder`: one sub-folder a person, or files named by person (`name_0001.jpg`); all pairs are compared. `--pairs`: a
CSV `file_x,file_y,same` with paths relative to it. Each picture goes the kiosk's own way: found, turned upright, lit,
judged by its gates, compared by SFace. `--degrade` compares each degraded picture (the live one) with the untouched
others (the document's photo). A pair of which a picture is refused with advice is no answer: it is counted under
`refused`, and `wrong_answers` are those that the kiosk would have given: 'somebody else' to a genuine pair, 'the same'
to two people. `tar_at_far_1e-3` and `eer` are over all pairs that have a cosine, gates ignored; `tar_with_gates` is
what the kiosk says yes to, at its own threshold.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from kiosk.identity.faces import FaceReader, Seen, Template, says
from kiosk.identity.quality import HARD, Advice, Picture
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store
from models.thresholds import load
from models.yunet import YuNet

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
FAR: Final = 1e-3
MOTION_PX: Final = 21
Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Looked:
    """One picture: who is in it, and what the kiosk makes of it."""

    who: str
    template: Template | None = field(repr=False)
    advice: tuple[Advice, ...]


class Timer:
    """Milliseconds of each stage."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}

    def time(self, stage: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        result = call()
        self.taken.setdefault(stage, []).append((time.perf_counter() - began) * 1e3)
        return result

    def medians(self) -> dict[str, float]:
        return {stage: round(float(np.median(rows)), 2) for stage, rows in self.taken.items()}


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench face", description=__doc__)
    arguments.add_argument("--folder", type=Path)
    arguments.add_argument("--pairs", type=Path)
    arguments.add_argument("--degrade", nargs="*", default=[], choices=sorted(DEGRADED))
    arguments.add_argument("--per-person", type=int, default=0, help="pictures of each person at most; 0: all")
    given = arguments.parse_args(argv)
    if (given.folder is None) == (given.pairs is None):
        raise ValueError("one of --folder and --pairs is needed")
    reader, timer = open_reader(), Timer()
    if given.pairs:
        return _of_pairs(reader, timer, given.pairs)
    paths = people_of(given.folder, given.per_person)
    plain = [look(reader, timer, who, read_picture(path)) for who, path in paths]
    found = figures(plain, plain, timer)
    for name in given.degrade:
        change = DEGRADED[name]
        other = [look(reader, timer, who, change(read_picture(path))) for who, path in paths]
        found.setdefault("degraded", {})[name] = figures(other, plain, Timer())
    return {"folder": str(given.folder.name), **found}


def open_reader() -> FaceReader:
    store = Store()
    mesh = FaceMesh(store.open("face-landmarks"), store.open("face-blendshapes"))
    return FaceReader(YuNet(store.open("yunet"), long_side_px=480), mesh, SFace(store.open("sface")))


def people_of(folder: Path, most: int = 0) -> list[tuple[str, Path]]:
    """(person, file), sorted. Raises `ValueError` where there are not two people."""
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder")
    found: list[tuple[str, Path]] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            who = path.parent.name if path.parent != folder else path.stem.rsplit("_", 1)[0]
            found.append((who, path))
    count: Counter[str] = Counter()
    kept = []
    for who, path in found:
        count[who] += 1
        if not most or count[who] <= most:
            kept.append((who, path))
    if len(count) < 2:
        raise ValueError(f"{folder}: pictures of at least two people are needed, found {len(count)}")
    return kept


def read_picture(path: Path) -> Picture:
    """(h, w, 3) blue first. Raises `ValueError` naming the file."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if picture is None:
        raise ValueError(f"{path}: not a picture that can be read")
    return np.asarray(picture, np.uint8)


def look(reader: FaceReader, timer: Timer, who: str, picture: Picture) -> Looked:
    """As the kiosk would; of several faces the one nearest to the middle, which is whom such pictures are of."""
    seen = timer.time("look", lambda: _middle(reader, picture))
    if not isinstance(seen, Seen):
        return Looked(who, None, seen)
    template = timer.time("template", lambda: reader.template(seen))
    return Looked(who, template, seen.advice)


def _middle(reader: FaceReader, picture: Picture) -> Seen | tuple[Advice, ...]:
    faces = reader._detector.detect(picture)
    if len(faces) < 2:
        return reader.see(picture, anywhere=True)
    height, width = picture.shape[:2]
    nearest = min(faces, key=lambda face: abs(face.x + face.w / 2 - width / 2) + abs(face.y + face.h / 2 - height / 2))
    return reader.look_at(picture, nearest)


# ------------------------------------------------------------------ figures
def figures(live: Sequence[Looked], known: Sequence[Looked], timer: Timer) -> dict[str, Any]:
    """Every live picture against every other known one."""
    same: list[float] = []
    other: list[float] = []
    answers: Counter[str] = Counter()
    for i, one in enumerate(live):
        for j, two in enumerate(known):
            if i == j or (live is known and j < i):
                continue
            genuine = one.who == two.who
            score = (
                float(one.template @ two.template) if one.template is not None and two.template is not None else None
            )
            if score is not None:
                (same if genuine else other).append(score)
            answers[_answer(one, two, score, genuine)] += 1
    gone = Counter(advice for one in live for advice in one.advice)
    return {**rates(np.asarray(same), np.asarray(other)), **_told(answers), "advice": dict(gone),
            "pictures": len(live), "unseen": sum(one.template is None for one in live),
            "ms": timer.medians()}  # fmt: skip


def _answer(one: Looked, two: Looked, score: float | None, genuine: bool) -> str:
    advice = {*one.advice, *two.advice}
    if score is None or advice & HARD:
        return f"{'genuine' if genuine else 'impostor'} refused"
    said = says(score, not advice)
    return f"{'genuine' if genuine else 'impostor'} {said if said != 'unsure' or not advice else 'refused'}"


def _told(answers: Counter[str]) -> dict[str, Any]:
    genuine = sum(count for name, count in answers.items() if name.startswith("genuine"))
    impostor = sum(answers.values()) - genuine
    return {
        "genuine_pairs": genuine,
        "impostor_pairs": impostor,
        "tar_with_gates": round(answers["genuine same"] / max(1, genuine), 4),
        "refused": round(answers["genuine refused"] / max(1, genuine), 4),
        "unsure": round(answers["genuine unsure"] / max(1, genuine), 4),
        "wrong_answers": {
            "genuine_told_other": answers["genuine other"],
            "impostor_told_same": answers["impostor same"],
        },
        "threshold": load("face")["same"].value,
    }


def rates(same: Floats, other: Floats) -> dict[str, Any]:
    """Equal error rate, and the share of genuine pairs above the threshold that lets one impostor in a thousand in."""
    if not len(same) or not len(other):
        return {"eer": None, "tar_at_far_1e-3": None, "threshold_at_far_1e-3": None, "far_at_threshold": None}
    every = np.unique(np.concatenate([same, other]))
    misses = np.searchsorted(np.sort(same), every, side="left") / len(same)
    alarms = 1 - np.searchsorted(np.sort(other), every, side="left") / len(other)
    place = int(np.argmin(np.abs(misses - alarms)))
    allowed = int(FAR * len(other))
    cut = float(np.sort(other)[::-1][allowed])  # at most `allowed` impostors lie above it
    fixed = load("face")["same"].value
    return {
        "eer": round(float((misses[place] + alarms[place]) / 2), 5),
        "tar_at_far_1e-3": round(float((same > cut).mean()), 4),
        "threshold_at_far_1e-3": round(cut, 3),
        "far_at_threshold": round(float((other >= fixed).mean()), 6),
        "tar_at_threshold": round(float((same >= fixed).mean()), 4),
    }


def _of_pairs(reader: FaceReader, timer: Timer, path: Path) -> dict[str, Any]:
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    if not rows or not {"file_x", "file_y", "same"} <= rows[0].keys():
        raise ValueError(f"{path}: needs the columns file_x, file_y, same")
    kept: dict[str, Looked] = {}
    same: list[float] = []
    other: list[float] = []
    answers: Counter[str] = Counter()
    for row in rows:
        for name in (row["file_x"], row["file_y"]):
            if name not in kept:
                kept[name] = look(reader, timer, name, read_picture(path.parent / name))
        one, two = kept[row["file_x"]], kept[row["file_y"]]
        genuine = row["same"].strip().lower() in ("1", "true", "yes")
        score = float(one.template @ two.template) if one.template is not None and two.template is not None else None
        if score is not None:
            (same if genuine else other).append(score)
        answers[_answer(one, two, score, genuine)] += 1
    return {"pairs": path.name, **rates(np.asarray(same), np.asarray(other)), **_told(answers),
            "pictures": len(kept), "ms": timer.medians()}  # fmt: skip


# ------------------------------------------------------------------ degradations
def _blur(picture: Picture) -> Picture:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), np.uint8)


def _motion(picture: Picture) -> Picture:
    kernel = np.zeros((MOTION_PX, MOTION_PX), np.float32)
    kernel[MOTION_PX // 2] = 1 / MOTION_PX
    return np.asarray(cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REFLECT), np.uint8)


def _roll(picture: Picture, degrees: float = 30.0) -> Picture:
    height, width = picture.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


DEGRADED: Final[dict[str, Callable[[Picture], Picture]]] = {
    "blur": _blur,  # Gaussian, sigma 4 px
    "motion": _motion,  # 21 px sideways
    "dark": lambda picture: np.asarray(picture * 0.3, np.uint8),
    "very_dark": lambda picture: np.asarray(picture * 0.1, np.uint8),
    "roll": _roll,  # 30 degrees
    "roll_45": lambda picture: _roll(picture, 45.0),
}
