"""The screen process: takes snapshots from the core, draws them, and reports touches. It decides nothing.

One thread: pygame wants the main one. The core may come and go; the screen stays up and says so kindly.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from collections import deque
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

import cv2
import pygame

from config.load import ConfigError
from config.schema import Glass, load_site
from contracts.screen import (
    PAD,
    Close,
    Drawn,
    DrawPicture,
    Fault,
    PicturePart,
    Press,
    Ready,
    ScreenState,
    Scribble,
    SpeechClock,
    SpeechPlan,
    SpeechStopped,
    Stroke,
    ToScreen,
    Touch,
)
from kiosk.runtime.memory import give_back
from kiosk.screen.corners import Corners
from kiosk.screen.fingers import WANTED_EVENTS, Fingers
from kiosk.screen.link import CoreLink
from kiosk.screen.notice import NOTICE_REVISION, notice
from kiosk.screen.pace import Pacer
from kiosk.screen.pad import Pad
from kiosk.screen.shot import parts, picture
from kiosk.screen.stage import Stage
from kiosk.screen.text import family
from kiosk.screen.theme import theme
from kiosk.screen.window import Window

if TYPE_CHECKING:
    from kiosk.screen.recorder import Recorder

EVENT_POLL_S: Final = 0.012  # a press is answered within 50 ms
FAULTS_KEPT: Final = 8
GONE_AFTER_S: Final = 0.4  # a core that restarts at once is not worth a notice
ATTRACT: Final = "attract"
ATTRACT_FPS: Final = 15  # nobody is there: half the pictures do
REOPEN_NS: Final = 2_000_000_000  # between two tries to get a lost display back
ATTRACT_NS: Final = 1_000_000_000 // ATTRACT_FPS
CUTS_TOLD: Final = 64  # kinds of pages whose lost words are reported, once each


class ScreenApp:
    """Window, stage and link, turned by one loop until told to stop."""

    def __init__(self, window: Window, link: CoreLink, recorder: Recorder | None, fps: int) -> None:
        self._window, self._link, self._recorder = window, link, recorder
        self._frame_ns = 1_000_000_000 // fps
        self._stage = Stage(window.factor, notice(None), glass=window.glass)
        self._fingers = Fingers(window.to_page, window.size, window.glass.act_y)
        self._pad = Pad(window.to_page, window.size)
        self._corners = Corners(window.glass)
        self._told: set[str] = set()  # faults of pages that were reported, once a connection
        self._reopen_ns = 0
        self._pacer = Pacer()
        self._last: ScreenState | None = None
        self._undrawn = False  # a snapshot is waiting to be reported as drawn
        self._gone_since_ns: int | None = time.monotonic_ns()
        self._stopping = False
        self._next_ns = 0
        self._faults: list[Fault] = []
        self._picture: deque[PicturePart] = deque()  # that is being sent

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        self._stopping = True

    def run(self) -> None:
        self._stage.prepare()
        self._check_font()
        while not self._stopping:
            self.turn()
            left_s = (self._next_ns - time.monotonic_ns()) / 1e9
            self._link.wait(min(left_s, EVENT_POLL_S))
        self.close()

    def turn(self, *, draw: bool = False) -> None:
        """Once round: hear the core, hear the visitor, and draw if it is time, if somebody touched, or if asked."""
        now_ns = time.monotonic_ns()
        self._talk(now_ns)
        touched = self._handle_events(now_ns)
        if not (draw or touched or now_ns >= self._next_ns):
            return
        self._draw(now_ns)
        calm = self._stage.state.page == ATTRACT and not self._stage.composer.changing
        self._next_ns = max(self._next_ns + (max(self._frame_ns, ATTRACT_NS) if calm else self._frame_ns), now_ns)
        if not self._stage.warm:
            self._stage.warm_up()

    def close(self) -> None:
        """Finish the film and hang up."""
        if self._recorder is not None:
            self._recorder.close(self._window.surface, time.monotonic_ns())
        self._link.close()

    # ------------------------------------------------------------------ the core
    def _talk(self, now_ns: int) -> None:
        if self._link.connect(now_ns / 1e9):
            width, height = self._window.size
            self._link.send(Ready(width=width, height=height, driver=self._window.driver, pid=os.getpid()))
            for fault in self._faults:
                self._link.send(fault)
            self._gone_since_ns = None
            self._told.clear()
        for message in self._link.receive():
            self.take(message)
        if self._picture and not self._link.busy:  # one at a time: touches go before them
            self._link.send(self._picture.popleft())
        if not self._link.connected:
            self._wait_for_core(now_ns)

    def _wait_for_core(self, now_ns: int) -> None:
        if self._gone_since_ns is None:
            self._gone_since_ns = now_ns
        alone = (now_ns - self._gone_since_ns) / 1e9 > GONE_AFTER_S
        if alone and self._last is not None and self._stage.state.revision != NOTICE_REVISION:
            self._stage.take(notice(self._last), now_ns)

    def take(self, message: ToScreen) -> None:
        """Act on one message of the core."""
        stage, now_ns = self._stage, time.monotonic_ns()
        if isinstance(message, ScreenState):
            if message.page == ATTRACT != stage.state.page:
                give_back()  # nobody looks at the picture that may come a few milliseconds late
            self._last, self._undrawn = message, True
            self._draw_over(message)
            stage.take(message, now_ns)
        elif isinstance(message, SpeechPlan):
            stage.speech.plan(message)
        elif isinstance(message, SpeechClock):
            stage.speech.clock(message)
        elif isinstance(message, SpeechStopped):
            stage.speech.stopped(message)
        elif isinstance(message, Press):
            self._press(message, now_ns)
        elif isinstance(message, Scribble):
            self._scribble(message, now_ns)
        elif isinstance(message, DrawPicture):
            self._send_picture(message.number)
        elif isinstance(message, Close):
            self.stop()

    def _send_picture(self, number: int) -> None:
        try:
            body = picture(self._stage.state, self._stage.composer)
        except Exception as err:  # as with a page that cannot be drawn: the screen goes on
            traceback.print_exc()
            self._link.send(Fault(code="picture_not_drawn", detail=type(err).__name__))
            return
        self._picture = deque(parts(number, body))

    def _press(self, message: Press, now_ns: int) -> None:
        if self._undrawn:  # a visitor presses what he sees
            self._draw(now_ns)
        hit = next((h for h in self._stage.hits() if h.target == message.target), None)
        if hit is None:
            self._link.send(Fault(code="press_target_not_drawn", detail=message.target))
            return
        self._fingers.press_like_a_visitor(hit, self._window.to_window, now_ns)

    def _scribble(self, message: Scribble, now_ns: int) -> None:
        if self._undrawn:
            self._draw(now_ns)
        hit = next((h for h in self._stage.hits() if h.target == message.target), None)
        if hit is None:
            self._link.send(Fault(code="press_target_not_drawn", detail=message.target))
            return
        self._fingers.write_like_a_visitor(hit, message.points, self._window.to_window)

    def _draw_over(self, state: ScreenState) -> None:
        """The core's picture of the pad has come: what was drawn ahead of it is in there, or wiped."""
        if state.pad is None:
            self._pad.drop()
        elif self._stage.state.pad is None or state.pad.strokes != self._stage.state.pad.strokes:
            self._pad.shown()
        self._stage.ink = self._pad.ink

    # ------------------------------------------------------------------ the visitor
    def _handle_events(self, now_ns: int) -> bool:
        """Return whether something must be drawn at once."""
        self._fingers.due(now_ns)
        before = self._stage.pressed
        for event in pygame.event.get():
            if event.type == pygame.WINDOWEXPOSED:
                self._window.expose()
            if event.type == pygame.WINDOWSIZECHANGED:
                self._turned((event.x, event.y), now_ns)
            if event.type == pygame.QUIT or self._asks_to_leave(event):
                self.stop()
            if gesture := self._gesture(event, now_ns):
                revision = self._stage.state.revision
                self._link.send(Touch(revision=revision, target=gesture, at_ns=time.monotonic_ns()))
            line = self._pad.handle(event, self._stage.hits(), time.monotonic_ns())
            if line is not None:
                self._link.send(Stroke(self._stage.state.revision, PAD, line))
            touched = self._fingers.handle(event, self._stage.hits())
            if touched is not None:
                revision = self._stage.state.revision
                self._link.send(Touch(revision=revision, target=touched, at_ns=time.monotonic_ns()))
        self._stage.pressed, self._stage.ink = self._fingers.pressed, self._pad.ink
        return self._stage.pressed != before

    def _gesture(self, event: pygame.event.Event, now_ns: int) -> str:
        found, state = self._fingers.point(event), self._stage.state
        if found is None:
            return ""
        return self._corners.handle(*found, now_ns, state.page, spoken="spoken" in state.needs)

    def _turned(self, size: tuple[int, int], now_ns: int) -> None:
        """The glass was turned, or is another one: everything is laid out anew on it."""
        if not self._window.turned(size):
            return
        window, state = self._window, self._stage.state
        self._stage = Stage(window.factor, state, glass=window.glass)
        self._stage.take(state, now_ns)
        self._fingers = Fingers(window.to_page, window.size, window.glass.act_y)
        self._pad, self._corners = Pad(window.to_page, window.size), Corners(window.glass)
        self._undrawn = True
        self._link.send(Ready(*window.size, driver=window.driver, pid=os.getpid()))
        self._link.send(Fault(code="glass_turned", detail=f"{size[0]}x{size[1]}"))

    def _asks_to_leave(self, event: pygame.event.Event) -> bool:
        """Escape and Q close a developer's window; in a kiosk nobody gets out."""
        in_window = not (self._window.surface.get_flags() & pygame.FULLSCREEN)
        return event.type == pygame.KEYDOWN and in_window and event.key in (pygame.K_ESCAPE, pygame.K_q)

    # ------------------------------------------------------------------ the glass
    def _draw(self, now_ns: int) -> None:
        started = time.perf_counter()
        changed = self._redrawn(now_ns)
        shown = self._presented(changed, now_ns)
        took_ms = (time.perf_counter() - started) * 1000
        while self._stage.faults:
            fault = Fault(code="persona_broken", detail=self._stage.faults.popleft())
            self._faults = [*self._faults[-FAULTS_KEPT:], fault]
            if self._link.connected:  # else it is told when the core answers
                self._link.send(fault)
        pace = self._pacer.drew(took_ms if shown else None, now_ns)
        if self._undrawn:
            self._undrawn = False
            if self._stage.composer.cut:  # which words is not for the log
                self._tell_once("words_cut", self._stage.state.page)
            if self._stage.composer.unknown:
                self._tell_once("signs_unknown", self._stage.state.page)
            targets = tuple(hit.target for hit in self._stage.hits() if hit.enabled)
            self._link.send(Drawn(self._stage.state.revision, time.monotonic_ns(), targets))
        if pace is not None:
            self._link.send(pace)
        if self._recorder is not None:
            self._recorder.offer(self._window.surface, now_ns, changed=shown)

    def _presented(self, changed: list[pygame.Rect], now_ns: int) -> bool:
        """Bring it onto the glass. A display that went away is reported, and looked for again."""
        if now_ns < self._reopen_ns:
            return False
        try:
            return self._window.present(self._stage.composer.frame, changed)
        except pygame.error as err:
            self._reopen_ns = now_ns + REOPEN_NS
            self._window.expose()
            self._tell_once("glass_lost", type(err).__name__)
            return False

    def _tell_once(self, code: str, detail: str) -> None:
        """Report a page's trouble once a connection: what is wrong stays wrong thirty times a second."""
        key = f"{code} {detail}"
        if key not in self._told and len(self._told) < CUTS_TOLD:
            self._told.add(key)
            self._link.send(Fault(code=code, detail=detail))

    def _redrawn(self, now_ns: int) -> list[pygame.Rect]:
        """Bring the page up to date. A snapshot that cannot be drawn is answered with a notice, not with the end."""
        try:
            return self._stage.draw(now_ns)
        except Exception as err:
            if self._stage.state.revision == NOTICE_REVISION:
                raise
            traceback.print_exc()
            self._undrawn = False
            self._link.send(Fault(code="page_not_drawn", detail=f"{self._stage.state.page}: {type(err).__name__}"))
            self._stage.take(notice(self._stage.state), now_ns)
            return self._stage.draw(now_ns)

    def _check_font(self) -> None:
        if self._window.wants_vsync and not self._window.in_step:
            self._faults.append(Fault(code="no_vsync", detail=self._window.driver))
        used = family(theme("light").family)
        if used.found != used.wanted:
            self._faults.append(Fault(code="font_missing", detail=f"{used.wanted} is missing, {used.found} is used"))


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    glass = _glass_of_site()
    try:
        window = Window(
            options.size,
            headless=options.headless,
            fullscreen=options.fullscreen,
            diagonal_in=options.diagonal or glass.diagonal_in,
            vsync=options.vsync or glass.vsync,
        )
    except pygame.error as err:
        print(f"screen: no window: {err}", file=sys.stderr)
        return 1
    recorder = None
    if options.record is not None:
        from kiosk.screen.recorder import Recorder  # PyAV is an extra: only who films needs it

        recorder = Recorder(options.record)
    pygame.event.set_blocked(None)
    pygame.event.set_allowed(WANTED_EVENTS)
    cv2.setNumThreads(1)  # the other core belongs to hearing
    app = ScreenApp(window, CoreLink(options.socket), recorder, options.fps)
    signal.signal(signal.SIGTERM, app.stop)
    signal.signal(signal.SIGINT, app.stop)
    app.run()
    window.close()
    return 0


def _glass_of_site() -> Glass:
    """The screen as the site's configuration describes it; a broken one is the core's to report."""
    try:
        return load_site().glass
    except ConfigError as err:
        print(f"screen: {err}", file=sys.stderr)
        return Glass()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kiosk.screen", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="the core's socket")
    parser.add_argument(
        "--size", type=_size, default=None, metavar="WxH", help="window, default 1080x1920 or what fits"
    )
    parser.add_argument("--headless", action="store_true", help="draw into memory even where there is a display")
    parser.add_argument("--fullscreen", action="store_true", help="the whole screen; keys do not close it")
    parser.add_argument(
        "--diagonal",
        type=_diagonal,
        default=None,
        metavar="INCHES",
        help="of the glass: targets are millimetres",
    )
    parser.add_argument("--vsync", action="store_true", help="draw in step with the glass, where there is a way")
    parser.add_argument("--record", type=Path, default=None, metavar="DIR", help="film the glass into DIR/screen.mp4")
    parser.add_argument("--fps", type=_fps, default=30, help="pictures a second, 1 to 60 (default 30)")
    return parser


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    size = int(width), int(height)
    if not all(160 <= length <= 8192 for length in size):
        raise ValueError(f"{text}: each side must be 160 to 8192 pixels")
    return size


def _diagonal(text: str) -> float:
    inches = float(text)
    if not 13 <= inches <= 110:
        raise ValueError(f"{text}: must be 13 to 110 inches")
    return inches


def _fps(text: str) -> int:
    fps = int(text)
    if not 1 <= fps <= 60:
        raise ValueError(f"{fps}: must be 1 to 60")
    return fps
