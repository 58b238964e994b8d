"""Films the glass: each presented picture, at half size, into an H.264 file with times from the monotonic clock.

Encoding runs in a thread of its own; when it cannot follow, pictures are dropped and counted, never waited for.
"""

from __future__ import annotations

import json
import queue
import threading
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt
import pygame

FPS: Final = 15
SIZE: Final = (540, 960)
WAITING: Final = 4  # pictures; 8 MB each on the reference screen
STILL_NS: Final = 1_000_000_000  # an unchanged picture is repeated this often, so that the film does not end early
_TIME_BASE: Final = Fraction(1, 90_000)
_FINISH_S: Final = 1.5
_Picture = tuple[bytes, tuple[int, int], int]  # BGRA rows, size, monotonic ns


class Recorder:
    """Writes DIR/screen.mp4, and DIR/screen.json with the monotonic time of picture zero and the tallies."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._zero_ns: int | None = None
        self._last_ns = 0
        self._last_pts = -1
        self._queue: queue.Queue[_Picture | None] = queue.Queue(WAITING)
        self._stop = threading.Event()
        self.written = self.dropped = 0
        self.failure = ""
        self._thread = threading.Thread(target=self._encode, name="recorder", daemon=True)
        self._thread.start()

    def offer(self, surface: pygame.Surface, now_ns: int, *, changed: bool) -> None:
        """Take the picture if it is due. Costs one copy of it."""
        due_ns = 1_000_000_000 // FPS if changed else STILL_NS
        # Ticks and pictures do not fall together: a quarter of a period early still counts as due.
        if self._zero_ns is not None and now_ns - self._last_ns < due_ns * 3 // 4:
            return
        if self._zero_ns is None:
            self._zero_ns = now_ns
            self._write_facts()
        self._last_ns = now_ns
        self._put(surface, now_ns)

    def _put(self, surface: pygame.Surface, now_ns: int) -> None:
        if self._queue.full():
            self.dropped += 1
            return
        self._queue.put_nowait((surface.get_buffer().raw, surface.get_size(), now_ns))

    def close(self, surface: pygame.Surface | None, now_ns: int) -> None:
        """Add the last picture and finish the file, within `_FINISH_S` seconds."""
        if surface is not None and self._zero_ns is not None:
            self._put(surface, now_ns)
        self._stop.set()
        self._thread.join(_FINISH_S)
        self._write_facts()

    def _write_facts(self) -> None:
        facts = {
            "zero_monotonic_ns": self._zero_ns,
            "frames": self.written,
            "dropped": self.dropped,
            "size_px": list(SIZE),
            "failure": self.failure,
        }
        (self._folder / "screen.json").write_text(json.dumps(facts) + "\n", "utf-8")

    def _encode(self) -> None:
        try:
            with av.open(str(self._folder / "screen.mp4"), "w", options=_MOVIE) as movie:
                stream = movie.add_stream("libx264", rate=FPS, options=_CODEC)
                stream.width, stream.height = SIZE
                stream.pix_fmt = "yuv420p"
                stream.codec_context.time_base = _TIME_BASE
                self._encode_all(movie, stream)
        except (av.error.FFmpegError, OSError) as err:
            self.failure = f"{type(err).__name__}: {err}"

    def _encode_all(self, movie: Any, stream: Any) -> None:
        while not (self._stop.is_set() and self._queue.empty()):
            try:
                picture = self._queue.get(timeout=0.2)
            except queue.Empty:
                continue
            if picture is not None:
                for packet in stream.encode(self._frame(picture)):
                    movie.mux(packet)
                self.written += 1
        for packet in stream.encode(None):
            movie.mux(packet)

    def _frame(self, picture: _Picture) -> Any:
        raw, (width, height), at_ns = picture
        pixels = np.frombuffer(raw, np.uint8).reshape(height, width, 4)
        # OpenCV halves a picture and changes its colours in a fifth of the time that swscale takes.
        small: npt.NDArray[Any] = cv2.cvtColor(
            cv2.resize(pixels, SIZE, interpolation=cv2.INTER_AREA), cv2.COLOR_BGRA2YUV_I420
        )
        frame = av.VideoFrame.from_ndarray(small, format="yuv420p")
        pts = (at_ns - (self._zero_ns or at_ns)) * 90_000 // 1_000_000_000
        self._last_pts = frame.pts = max(pts, self._last_pts + 1)
        frame.time_base = _TIME_BASE
        return frame


# Fragments: a film that is cut off by a crash can still be watched.
_MOVIE: Final = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
_CODEC: Final = {"preset": "ultrafast", "crf": "23", "g": "45", "threads": "1", "bf": "0"}
