"""The film of a recorded visit: what the screen drew and what the room sounded like, and a sheet of its moments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
import numpy.typing as npt
import skia
import soundfile

AUDIO_FRAME: Final = 1024
TILE_W_PX: Final = 300
COLUMNS: Final = 4
LABEL_PX: Final = 44
GAP_PX: Final = 14
Frame = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Still:
    """A moment for the sheet: seconds into the film, and what it shows."""

    at_s: float
    label: str


def make_film(screen: Path, screen_began_ns: int, sound: Path, sound_began_ns: int, out: Path) -> None:
    """Join the recorded frames and the recorded sound by their clocks into one MP4."""
    part = out.with_suffix(".part.mp4")
    pcm, rate_hz = soundfile.read(str(sound), dtype="int16")
    shift = int((sound_began_ns - screen_began_ns) / 1e9 * rate_hz)
    pcm = np.concatenate((np.zeros(shift, np.int16), pcm)) if shift > 0 else pcm[-shift:]
    with av.open(str(screen)) as source, av.open(str(part), "w") as film:
        video_in = source.streams.video[0]
        video = film.add_stream_from_template(video_in)
        audio = film.add_stream("aac", rate=rate_hz, layout="mono")
        for packet in source.demux(video_in):
            if packet.dts is None:
                continue
            packet.stream = video
            film.mux(packet)
        for start in range(0, len(pcm), AUDIO_FRAME):
            block = np.ascontiguousarray(pcm[start : start + AUDIO_FRAME])
            frame = av.AudioFrame.from_ndarray(block[None, :], format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            film.mux(audio.encode(frame))
        film.mux(audio.encode(None))
    part.replace(out)


def screen_began_ns(folder: Path) -> int:
    """When frame zero of the screen's recording was shown (monotonic)."""
    return int(json.loads((folder / "screen.json").read_text("utf-8"))["zero_monotonic_ns"])


def contact_sheet(film: Path, stills: Sequence[Still], out: Path) -> None:
    """One picture of the whole visit: the frame that was shown at each moment, with its time and name."""
    frames = _frames_at(film, [still.at_s for still in stills])
    if not frames:
        return
    height_px = round(frames[0].shape[0] * TILE_W_PX / frames[0].shape[1])
    rows = -(-len(frames) // COLUMNS)
    width = COLUMNS * (TILE_W_PX + GAP_PX) + GAP_PX
    sheet = np.full((rows * (height_px + LABEL_PX + GAP_PX) + GAP_PX, width, 4), 255, np.uint8)
    sheet[:, :, :3] = (236, 244, 247)
    labels: list[tuple[str, int, int]] = []
    for index, (still, frame) in enumerate(zip(stills, frames, strict=False)):
        x = GAP_PX + index % COLUMNS * (TILE_W_PX + GAP_PX)
        y = GAP_PX + index // COLUMNS * (height_px + LABEL_PX + GAP_PX)
        tile = cv2.resize(frame, (TILE_W_PX, height_px), interpolation=cv2.INTER_AREA)
        sheet[y : y + height_px, x : x + TILE_W_PX, :3] = tile
        labels.append((f"{still.at_s:.1f} s  {still.label}", x, y + height_px + 30))
    surface = skia.Surface.MakeRasterDirect(
        skia.ImageInfo.Make(sheet.shape[1], sheet.shape[0], skia.kBGRA_8888_ColorType, skia.kPremul_AlphaType), sheet
    )
    font = skia.Font(skia.Typeface("Noto Sans CJK SC"), 19)
    ink = skia.Paint(AntiAlias=True, Color=0xFF12272B)
    for text, x, y in labels:
        surface.getCanvas().drawString(text, x, y, font, ink)
    surface.flushAndSubmit()
    part = out.with_suffix(".part.png")
    cv2.imwrite(str(part), sheet[:, :, :3])
    part.replace(out)


def _frames_at(film: Path, at_s: Sequence[float]) -> list[Frame]:
    """The last frame not later than each time; times ascending."""
    wanted = list(at_s)
    found: list[Frame] = []
    last: Frame | None = None
    with av.open(str(film)) as source:
        for frame in source.decode(video=0):
            while wanted and frame.time > wanted[0] and last is not None:
                found.append(last)
                wanted.pop(0)
            if not wanted:
                return found
            last = np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    return found + [last] * len(wanted) if last is not None else found
