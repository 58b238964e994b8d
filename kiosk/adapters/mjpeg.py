"""A recorded or made-up camera: JPEG pictures over HTTP on the loopback, as many network cameras deliver them.

Whoever reads it goes through OpenCV as with a real camera. For the demonstration, tests and benches; it listens on
127.0.0.1 only, serves pictures that are made and none that are taken, and asks nobody who they are.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import cv2

from kiosk.events import Picture

BOUNDARY: Final = "frame"
QUALITY: Final = 88
MOST_VIEWERS: Final = 4
STOP_S: Final = 2.0


class MjpegServer:
    """Serves `pictures()`, begun anew for each viewer, as fast as `pace(stop)` lets it: True goes on.

    A picture given as bytes is sent as it is, so that a damaged one can be. `address` is what a camera is opened by.
    """

    def __init__(
        self, pictures: Callable[[], Iterator[Picture | bytes]], pace: Callable[[threading.Event], bool]
    ) -> None:
        self._pictures, self._pace = pictures, pace
        self._stop = threading.Event()
        self.tally_refused = 0  # viewers beyond MOST_VIEWERS
        self._viewers = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer._serve(self)

            def log_message(self, format: str, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mjpeg", daemon=True)
        self._thread.start()

    def _serve(self, viewer: BaseHTTPRequestHandler) -> None:
        with self._lock:
            if self._viewers >= MOST_VIEWERS:
                self.tally_refused += 1
                viewer.send_error(503)
                return
            self._viewers += 1
        try:
            viewer.send_response(200)
            viewer.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            viewer.end_headers()
            for picture in self._pictures():
                if self._stop.is_set():
                    break
                body = picture if isinstance(picture, bytes) else encoded(picture)
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
                viewer.wfile.write(head.encode() + body + b"\r\n")
                if not self._pace(self._stop):
                    break
        except OSError:  # the viewer went away
            pass
        finally:
            with self._lock:
                self._viewers -= 1

    def close(self) -> None:
        """Every viewer's stream ends."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(STOP_S)


def at_rate(rate_hz: float) -> Callable[[threading.Event], bool]:
    """A pace in real time: `rate_hz` pictures a second, for one viewer at a time; what is late is not made up for."""
    due_s = time.monotonic()

    def pace(stop: threading.Event) -> bool:
        nonlocal due_s
        due_s = max(due_s + 1 / rate_hz, time.monotonic())
        return not stop.wait(due_s - time.monotonic())

    return pace


def at_once(stop: threading.Event) -> bool:
    """As fast as the viewer reads: for a bench that keeps its own time."""
    return not stop.is_set()


def encoded(picture: Picture) -> bytes:
    """The picture as JPEG."""
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes())
