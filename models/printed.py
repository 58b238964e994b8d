"""What is printed there? Lines of Chinese, Latin and figures in a flat picture of a document, each with its certainty.

Networks: PP-OCRv6 small (PaddlePaddle); what the one that finds lines gives is turned into boxes by rapidocr (DBNet,
Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020). The sessions are ours, so that
nothing is downloaded at run time; rapidocr is kept from logging. Nothing that was read is kept here.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from models.sessions import open_session

Picture = npt.NDArray[np.uint8]
Box = npt.NDArray[np.float32]  # (4, 2) x, y: top left, top right, bottom right, bottom left

LONG_SIDE_PX: Final = 512  # of the picture in which lines are looked for; they are read at full size
LINE_PX: Final = 48  # height that the reading network takes
WIDTH_STEP_PX: Final = 32
WIDEST_PX: Final = 1280
MOST_LINES: Final = 32
TALL: Final = 1.8  # a box so much taller than wide is no line


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. `box` in pixels of the picture; `sure`: probability of each character of `text`."""

    box: Box = field(repr=False)
    text: str = field(repr=False)
    sure: tuple[float, ...]

    @property
    def least(self) -> float:
        """Probability of the least certain character; 0 for an empty line."""
        return min(self.sure, default=0.0)


class PrintReader:
    """Finds lines and reads them. Blocking: run it on a model's thread. 150 MB.

    A line is too little work for two threads: together on each in turn they take a fifth longer than beside each other.
    """

    def __init__(self, folder: Path, *, threads: int = 2) -> None:
        self._find = open_session(folder / "find.onnx", threads, shapes="some")
        self._read = open_session(folder / "read.onnx", 1, shapes="some")  # lines are read beside each other
        self._threads = threads
        named = self._read.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *named, " "]
        self._place = {character: place for place, character in enumerate(self._characters)}
        self._boxes = _boxes_of_heat()(thresh=0.3, box_thresh=0.45, max_candidates=200, unclip_ratio=1.7,
                                    score_mode="fast", use_dilation=True)  # fmt: skip

    def knows(self, character: str) -> bool:
        """Whether a character is among those that can be read at all."""
        return character in self._place

    def find(self, bgr: Picture, long_side_px: int = LONG_SIDE_PX) -> list[Box]:
        """Boxes of the lines in a picture (h, w, 3), from top to bottom; MOST_LINES at most."""
        height_px, width_px = bgr.shape[:2]
        scale = long_side_px / max(height_px, width_px)
        small_w, small_h = (max(32, round(side * scale / 32) * 32) for side in (width_px, height_px))
        small = cv2.resize(bgr, (small_w, small_h), interpolation=cv2.INTER_AREA)
        feed = np.ascontiguousarray((small.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[None])
        (heat,) = self._find.run(None, {"x": feed})
        boxes, _ = self._boxes(heat, (height_px, width_px))
        found = [np.asarray(box, np.float32) for box in boxes]
        found = [box for box in found if _size(box)[1] < TALL * _size(box)[0]]
        return sorted(found, key=lambda box: float(box[:, 1].mean()))[:MOST_LINES]

    def read(self, bgr: Picture, boxes: Sequence[Box], only: str = "") -> list[Line]:
        """What stands in each box. `only`: characters to which it is restricted, as figures; the certainty is then
        what they have of all, so that something else in their place shows."""
        longest_first = sorted(range(len(boxes)), key=lambda at: _size(boxes[at])[1] - _size(boxes[at])[0])
        with ThreadPoolExecutor(self._threads, thread_name_prefix="print") as pool:
            found = pool.map(lambda at: self._line(bgr, boxes[at], only), longest_first)
            lines = dict(zip(longest_first, found, strict=True))
        return [lines[at] for at in range(len(boxes))]

    def _line(self, bgr: Picture, box: Box, only: str) -> Line:
        width, height = _size(box)
        if width < 4 or height < 4:
            return Line(box, "", ())
        inside = int(np.clip(round(width * LINE_PX / height), LINE_PX // 2, WIDEST_PX))
        corners = np.array([[0, 0], [inside, 0], [inside, LINE_PX], [0, LINE_PX]], np.float32)
        crop = cv2.warpPerspective(
            bgr, cv2.getPerspectiveTransform(box.astype(np.float32), corners), (inside, LINE_PX),
            flags=cv2.INTER_AREA if height > 1.5 * LINE_PX else cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        padded = -(-inside // WIDTH_STEP_PX) * WIDTH_STEP_PX
        feed = np.zeros((1, 3, LINE_PX, padded), np.float32)
        feed[0, :, :, :inside] = (crop.astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
        (steps,) = self._read.run(None, {"x": feed})
        return Line(box, *self._decoded(steps[0], only))

    def _decoded(self, steps: npt.NDArray[np.float32], only: str) -> tuple[str, tuple[float, ...]]:
        """Best path of (t, characters) probabilities without blanks and repetitions (Graves et al., CTC, 2006)."""
        if only:
            kept = np.array([0, *(self._place[character] for character in only if character in self._place)])
            best = kept[steps[:, kept].argmax(axis=1)]
        else:
            best = steps.argmax(axis=1)
        text: list[str] = []
        sure: list[float] = []
        before = 0
        for step, place in enumerate(best):
            if place and place != before:
                text.append(self._characters[place])
                sure.append(float(steps[step, place]))
            elif place:
                sure[-1] = max(sure[-1], float(steps[step, place]))
            before = place
        return "".join(text), tuple(sure)


def _boxes_of_heat() -> Any:
    """rapidocr's way from heat to boxes. Imported when a document is first read: it brings a second of imports along,
    and has to come after `models.sessions`, since it imports onnxruntime."""
    from rapidocr.ch_ppocr_det.utils import DBPostProcess

    quiet = logging.getLogger("RapidOCR")
    quiet.setLevel(logging.CRITICAL)  # its warnings could quote what was read
    quiet.propagate = False
    return DBPostProcess


def _size(box: Box) -> tuple[float, float]:
    """Width and height of a box, pixels."""
    return float(np.linalg.norm(box[1] - box[0])), float(np.linalg.norm(box[3] - box[0]))
