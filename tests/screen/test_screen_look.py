"""The pages still look as they did when somebody last looked at them: coarse pictures, coarse differences.

After a wanted change: `python tests/screen/test_screen_look.py` writes the pictures anew. Look at them before you
keep them.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import pytest

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).parent)]

from bench.page_samples import LANGUAGES, PAGES, sample
from kiosk.screen.notice import notice
from kiosk.screen.stage import Stage

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parent / "looks"
SIZE = (135, 240)
AT_NS = 900_000_000  # gestures have arrived, nobody blinks
CLOCK = time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0))


def picture(page: str, language: str) -> npt.NDArray[np.uint8]:
    """Return the page as a small BGR picture, shape (240, 135, 3)."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    stage = Stage(0.5, notice(None), lambda: CLOCK)
    stage.take(sample(page, language), 0)  # type: ignore[arg-type]
    stage.draw(0)
    stage.draw(AT_NS)
    frame = stage.composer.frame
    pixels = np.frombuffer(frame.get_buffer().raw, np.uint8).reshape(*frame.get_size()[::-1], 4)
    return cv2.resize(np.ascontiguousarray(pixels[..., :3]), SIZE, interpolation=cv2.INTER_AREA)


def path_of(page: str, language: str) -> Path:
    return FOLDER / f"{page}_{language}.png"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_differs_nowhere_by_more_than_a_font_s_version_would(page: str, language: str) -> None:
    kept = cv2.imread(str(path_of(page, language)))
    assert kept is not None
    difference = np.abs(picture(page, language).astype(np.int16) - kept)
    blocks = difference[:240, :135].reshape(24, 10, 9, 15, 3).mean(axis=(1, 3, 4))  # 10 x 15 pixels each
    assert blocks.max() < 14.0, f"block {np.unravel_index(blocks.argmax(), blocks.shape)} differs by {blocks.max():.1f}"


def test_the_comparison_notices_a_missing_button() -> None:
    kept = cv2.imread(str(path_of("conversation", "zh")))
    changed = kept.copy()
    changed[217:233, 70:128] = kept[5, 5]
    blocks = np.abs(changed.astype(np.int16) - kept).reshape(24, 10, 9, 15, 3).mean(axis=(1, 3, 4))
    assert blocks.max() > 14.0


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for page_name in PAGES:
        for language_name in LANGUAGES:
            cv2.imwrite(str(path_of(page_name, language_name)), picture(page_name, language_name))
