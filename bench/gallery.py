"""Every page and every face as pictures, with an index to look through: `make gallery` writes `out/gallery/`.

Pages × ways of seeing × upright and lying × both languages, as `bench.pages` checks them; personas × expressions ×
mouth shapes. Her figure is drawn at one moment, the clock stands still: two galleries of one version are the same.
"""

from __future__ import annotations

import argparse
import html
import importlib
import importlib.util
import os
import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, get_args

import cv2
import numpy as np
import numpy.typing as npt
import pygame
import skia

from avatar import personas
from avatar.expression import MOODS, Performer
from avatar.pose import Pose
from avatar.rig import draw_figure
from avatar.visemes import SHAPES
from bench.page_samples import LANGUAGES, PAGES, sample
from bench.pages import WAYS, Way
from contracts.screen import Expression, Language, Page, ScreenState
from kiosk.screen.frame import Frame
from kiosk.screen.notice import notice
from kiosk.screen.stage import Stage

OUT: Final = Path("out/gallery")
FACTOR: Final = 0.4  # pixels a design unit: what stands on a page can be read
AT_NS: Final = 900_000_000  # gestures have arrived, nobody blinks
STILL: Final = time.struct_time((2026, 11, 21, 10, 24, 0, 5, 325, 0))
FACE: Final = (150, 200)
COLUMNS: Final = 8
Picture = npt.NDArray[np.uint8]
Sheet = Callable[[str, str, str, tuple[int, int]], skia.Image]


@lru_cache(maxsize=4)
def _stage(lying: bool, factor: float) -> Stage:
    """Return a stage of this shape; its face is drawn once for all pages."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    pygame.display.init()
    return Stage(factor, notice(None), lambda: STILL, Frame(lying=lying))


def shot(state: ScreenState, *, lying: bool = False, factor: float = FACTOR) -> Picture:
    """Return the page as it stands on the glass, BGR, shape (height, width, 3)."""
    stage = _stage(lying, factor)
    stage.take(notice(None), 0)  # whatever stood there before, she comes from the same place
    stage.performer = Performer()
    stage.take(state, 0)
    for at_ns in (0, AT_NS // 2, AT_NS):
        stage.draw(at_ns)
    frame = stage.composer.frame
    pixels = np.frombuffer(frame.get_buffer().raw, np.uint8).reshape(*frame.get_size()[::-1], 4)
    return np.ascontiguousarray(pixels[..., :3])


def figures() -> tuple[tuple[str, ...], Sheet]:
    """Who can be drawn, and how: the avatar's own sheet where it has one, its rig otherwise."""
    if importlib.util.find_spec("avatar.sheet") is not None:
        names: Any = getattr(personas, "persona_names", tuple)
        return tuple(names()), importlib.import_module("avatar.sheet").sheet
    known: dict[str, Any] = {
        name.lower(): who for name, who in vars(personas).items() if name in ("XIAOYING", "TELLER", "VISITOR")
    }

    def sheet(persona: str, expression: str, viseme: str, size: tuple[int, int]) -> skia.Image:
        surface = skia.Surface(*size)
        canvas = surface.getCanvas()
        canvas.clear(0xFFCFE2DA)
        mood, mouth = MOODS[expression], SHAPES[viseme]  # type: ignore[index]
        scale = min(size[0] / 600, size[1] / 800)
        pose = Pose(mood=mood, mouth=mouth, gaze_x=mood.look_x, gaze_y=mood.look_y)
        draw_figure(canvas, size[0] / 2, 276 * scale, scale, known[persona], pose)
        return surface.makeImageSnapshot()

    return tuple(known), sheet


def face_sheet(persona: str, expression: str, sheet: Sheet) -> Picture:
    """One persona in one mood with each of the 16 mouth shapes, BGR."""
    cells = []
    for viseme in SHAPES:
        image = sheet(persona, expression, viseme, FACE)
        pixels = image.toarray(colorType=skia.kBGRA_8888_ColorType)[..., :3]
        cells.append(np.ascontiguousarray(pixels))
    rows = [np.hstack(cells[i : i + COLUMNS]) for i in range(0, len(cells), COLUMNS)]
    return np.vstack(rows)


def page_path(page: Page, way: Way, language: Language, *, lying: bool) -> str:
    return (
        f"pages/{page}_{way.name.replace(' ', '').replace('%', 'pc')}_{'lying' if lying else 'upright'}_{language}.png"
    )


def index(pages: dict[str, list[str]], faces: dict[str, list[str]]) -> str:
    """The pictures to look through: a page of HTML that needs nothing else."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Gallery</title>",
        "<style>body{font:16px sans-serif;margin:2em;background:#f7f4ec}figure{display:inline-block;margin:8px;"
        "vertical-align:top}img{height:420px;border:1px solid #6e8781}figcaption{font-size:13px;max-width:420px}"
        ".face img{height:300px}nav a{margin-right:1em}</style><h1>Gallery</h1><nav>",
    ]
    parts += [f'<a href="#{html.escape(name)}">{html.escape(name)}</a>' for name in (*pages, *faces)]
    parts.append("</nav>")
    for kind, groups in (("page", pages), ("face", faces)):
        for name, paths in groups.items():
            parts.append(f'<h2 id="{html.escape(name)}">{html.escape(name)}</h2>')
            parts += [
                f'<figure class={kind}><a href="{p}"><img loading=lazy src="{p}" alt="{html.escape(p)}"></a>'
                f"<figcaption>{html.escape(Path(p).stem)}</figcaption></figure>"
                for p in paths
            ]
    return "\n".join(parts)


def write(out: Path, chosen: tuple[Page, ...], *, faces: bool = True) -> dict[str, Any]:
    """Write all pictures and the index. Raises OSError where they cannot be written."""
    (out / "pages").mkdir(parents=True, exist_ok=True)
    (out / "faces").mkdir(exist_ok=True)
    pages: dict[str, list[str]] = {}
    for page in chosen:
        pages[page] = []
        for way in WAYS:
            for lying in (False, True):
                for language in LANGUAGES:
                    path = page_path(page, way, language, lying=lying)
                    _save(out / path, shot(way.of(sample(page, language)), lying=lying))
                    pages[page].append(path)
    shown: dict[str, list[str]] = {}
    if faces:
        names, sheet = figures()
        for name in names:
            shown[name] = []
            for expression in get_args(Expression):
                path = f"faces/{name}_{expression}.png"
                _save(out / path, face_sheet(name, expression, sheet))
                shown[name].append(path)
    (out / "index.html").write_text(index(pages, shown), "utf-8")
    return {
        "pages": sum(map(len, pages.values())),
        "faces": sum(map(len, shown.values())) * len(SHAPES),
        "personas": len(shown),
        "index": str(out / "index.html"),
    }


def _save(path: Path, picture: Picture) -> None:
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 6]):
        raise OSError(f"{path}: not written")


def main(argv: list[str]) -> dict[str, Any]:
    """Write the gallery. Raises ValueError for a page that does not exist."""
    parser = argparse.ArgumentParser(prog="python -m bench gallery")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--page", default="", help="this page only")
    options = parser.parse_args(argv)
    if options.page and options.page not in PAGES:
        raise ValueError(f"no page {options.page}; there are: {', '.join(PAGES)}")
    began = time.perf_counter()
    done = write(options.out, (options.page,) if options.page else PAGES)
    return {**done, "seconds": round(time.perf_counter() - began, 1)}
