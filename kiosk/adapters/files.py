"""File-backed twins of the camera, and of a microphone and a loudspeaker that are nothing but files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import soundfile

from kiosk.events import MIC_RATE_HZ, CameraFrame, Pcm, Picture
from kiosk.ports import Clock

CAMERA_W_PX: Final = 640
CAMERA_H_PX: Final = 480
CAMERA_HZ: Final = 15
MAX_WAV_S: Final = 120
# Where a mouth is in a detector's box, and how it opens when somebody speaks.
MOUTH_X, MOUTH_Y, MOUTH_W = 0.5, 0.79, 0.46  # of the box: middle, middle, width
MOUTHS: Final = 6  # drawn ahead, from closed to wide open
MOUTH_OPEN: Final = 0.18  # of the box's height, at its widest
SYLLABLES_HZ: Final = 3.6


class SoundFileError(ValueError):
    """A sound file is missing, empty, corrupt or of the wrong kind; the message names it."""


def read_wav_16k(path: Path) -> Pcm:
    """Read a mono 16 kHz sound file as (n,) int16. Raises `SoundFileError` naming file and fault."""
    try:
        info = soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as err:
        raise SoundFileError(f"{path}: not a sound file that can be read ({err})") from err
    if info.samplerate != MIC_RATE_HZ:
        raise SoundFileError(f"{path}: {info.samplerate} Hz, needs {MIC_RATE_HZ} Hz")
    if info.channels != 1:
        raise SoundFileError(f"{path}: {info.channels} channels, needs 1")
    if info.frames == 0:
        raise SoundFileError(f"{path}: holds no sound")
    if info.duration > MAX_WAV_S:
        raise SoundFileError(f"{path}: {info.duration:.0f} s long, at most {MAX_WAV_S} s")
    try:
        pcm, _ = soundfile.read(str(path), dtype="int16")
    except soundfile.LibsndfileError as err:
        raise SoundFileError(f"{path}: damaged ({err})") from err
    if len(pcm) != info.frames:
        raise SoundFileError(f"{path}: cut off, {len(pcm)} of {info.frames} samples")
    return np.asarray(pcm, np.int16)


class PortraitCamera:
    """A camera picture of a lobby into which a portrait walks: moved and scaled as an approaching face.

    `face_share` is the face's width over the picture's width, what distance looks like to a camera.
    The mouth opens and closes while `speaking()`.
    """

    def __init__(
        self,
        clock: Clock,
        portrait: Picture,
        face_box: tuple[int, int, int, int],
        speaking: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._speaking = speaking
        self._mouths = [open_mouth(portrait, face_box, step / (MOUTHS - 1)) for step in range(MOUTHS)]
        x, y, w, h = face_box
        self._face_centre = (x + w / 2, y + h / 2)
        self._face_w_px = w
        self._share = 0.0  # nobody
        self._from = self._to = 0.0
        self._x_from = self._x_to = 0.5
        self._began_ns = self._ends_ns = 0
        self._lobby = _lobby()
        self._noise = sensor_noise(CAMERA_W_PX, CAMERA_H_PX)
        self._open = True
        self.wanted_hz: Callable[[], float] = lambda: float(CAMERA_HZ)

    def walk(self, *, to_share: float, seconds: float, to_x: float = 0.5) -> None:
        """Move so that the face fills `to_share` of the width after `seconds`; 0 walks out of the picture."""
        now = self._clock.now_ns()
        share, x = self._place(now)
        self._from, self._to = share or 0.03, to_share
        self._x_from, self._x_to = (x if share else 0.15), to_x
        self._began_ns, self._ends_ns = now, now + int(seconds * 1e9)

    def _place(self, now_ns: int) -> tuple[float, float]:
        if now_ns >= self._ends_ns:
            return self._to, self._x_to
        done = (now_ns - self._began_ns) / max(1, self._ends_ns - self._began_ns)
        return self._from + (self._to - self._from) * done, self._x_from + (self._x_to - self._x_from) * done

    async def frames(self) -> AsyncIterator[CameraFrame]:
        while self._open:
            yield CameraFrame(self.picture(), self._clock.now_ns())
            await self._clock.sleep(1 / max(1.0, min(float(CAMERA_HZ), self.wanted_hz())))

    def picture(self) -> Picture:
        """What such a camera would see now: (CAMERA_H_PX, CAMERA_W_PX, 3)."""
        now = self._clock.now_ns()
        share, x = self._place(now)
        return noisy(self._draw(share, x, now), self._noise, now // 1_000_000)

    def _draw(self, share: float, x: float, now_ns: int) -> Picture:
        picture = self._lobby.copy()
        if share <= 0.01:
            return picture
        scale = share * CAMERA_W_PX / self._face_w_px
        sway = 5.0 * np.sin(now_ns / 1.1e9)  # nobody stands as still as a picture on a wall
        matrix = np.array(
            [
                [scale, 0, x * CAMERA_W_PX - scale * self._face_centre[0] + sway],
                [0, scale, 0.42 * CAMERA_H_PX - scale * self._face_centre[1]],
            ],
            np.float32,
        )
        cv2.warpAffine(
            self._mouths[self._mouth(now_ns)],
            matrix,
            (CAMERA_W_PX, CAMERA_H_PX),
            dst=picture,
            borderMode=cv2.BORDER_TRANSPARENT,
        )
        return picture

    def _mouth(self, now_ns: int) -> int:
        """Which of the mouths: syllables of changing size while there is speech, closed otherwise."""
        if not self._speaking():
            return 0
        syllable = np.sin(np.pi * SYLLABLES_HZ * now_ns / 1e9) ** 2
        stress = 0.8 + 0.2 * np.sin(now_ns / 0.37e9)
        return round(float(syllable * stress) * (MOUTHS - 1))

    async def close(self) -> None:
        self._open = False


def open_mouth(portrait: Picture, face_box: tuple[int, int, int, int], how_far: float) -> Picture:
    """`portrait` (h, w, 3) with the mouth of the face in `face_box` (x, y, w, h) opened, `how_far` 0 to 1.

    Everything below the lips' line is moved down, fading towards cheeks and throat; what opens is dark.
    """
    if how_far <= 0:
        return portrait
    x, y, w, h = face_box
    mouth_x, mouth_y = x + MOUTH_X * w, y + MOUTH_Y * h
    drop_px = MOUTH_OPEN * h * how_far
    columns, rows = np.meshgrid(
        np.arange(portrait.shape[1], dtype=np.float32), np.arange(portrait.shape[0], dtype=np.float32)
    )
    across = np.clip(1 - ((columns - mouth_x) / (MOUTH_W * w)) ** 2, 0, 1)
    reach_px = 0.55 * h  # below the mouth; there the picture is at rest again
    below = rows - mouth_y
    fade = np.clip(1 - below / reach_px, 0, 1)
    # a pixel below the line comes from above it; none comes from across the line
    shift = np.where(below > 0, np.minimum(drop_px * across * fade, below), 0).astype(np.float32)
    moved = cv2.remap(portrait, columns, rows - shift, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    opening = drop_px * np.sqrt(np.clip(1 - ((columns - mouth_x) / (0.5 * MOUTH_W * w)) ** 2, 0, 1))
    inside = cv2.GaussianBlur(((below > 0) & (below < opening)).astype(np.float32), (0, 0), 0.8)[:, :, None]
    dark = np.array([28, 22, 52], np.float32)  # blue, green, red: the inside of a mouth
    return np.asarray(moved * (1 - inside) + dark * inside, np.uint8)


def sensor_noise(width_px: int, height_px: int) -> Picture:
    """(2h, 2w, 3): a sheet of what a sensor adds to each picture, from which each takes another part."""
    rng = np.random.default_rng(5)
    return rng.integers(0, 7, (2 * height_px, 2 * width_px, 3)).astype(np.uint8)


def noisy(picture: Picture, sheet: Picture, number: int) -> Picture:
    """`picture` with noise, another one for each `number`."""
    height, width = picture.shape[:2]
    y, x = (number * 37) % height, (number * 101) % width
    return np.asarray(cv2.add(picture, sheet[y : y + height, x : x + width]), np.uint8)


def _lobby() -> Picture:
    """An empty, softly lit wall: no face in it."""
    shade = np.linspace(205, 150, CAMERA_H_PX)[:, None, None] * np.array([0.95, 1.0, 0.98])
    return np.broadcast_to(shade, (CAMERA_H_PX, CAMERA_W_PX, 3)).astype(np.uint8).copy()
