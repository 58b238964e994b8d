"""One call within the call process: its legs, how the media is, when it is over.

The newest leg that carries media is the one that counts; earlier ones are closed then. A call ends in every case: the
page hangs up, the core does, nothing ever connected, or what was lost did not come back within `RESUME_S`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

import numpy as np

from contracts import media
from contracts.call import RESUME_S, IceServer, MediaStanding, Reason, Source
from kiosk.call.adapt import Adaptation, Second
from kiosk.call.board import Board
from kiosk.call.sources import PictureSource, SoundSource
from kiosk.events import Pcm

log = logging.getLogger(__name__)

CONNECT_S: Final = 20.0  # from the beginning to the first media; slow networks take three
LOOK_S: Final = 1.0
SILENT_S: Final = 4.0  # not a byte for so long: the line is cut. A browser sends fifty packets a second
SECOND_FPS: Final = 10
MAX_LEGS_OPEN: Final = 3
GOODBYE_S: Final = 0.05


class FlowLike(Protocol):
    @property
    def received(self) -> int: ...
    @property
    def sent_pictures(self) -> int: ...
    @property
    def loss(self) -> float: ...


class Connection(Protocol):
    """What a leg needs; `kiosk/adapters/webrtc.py` has the one there is."""

    @property
    def state(self) -> str: ...
    async def answer(self, sdp: str, servers: tuple[IceServer, ...]) -> str: ...
    async def candidate(self, text: str, mid: str, line: int) -> None: ...
    async def flow(self) -> FlowLike: ...
    def say(self, word: dict[str, object]) -> None: ...
    async def close(self) -> None: ...


class Room:
    """One call. `tell` gives the core a message; `connect` makes a leg's connection for a room's ends."""

    def __init__(
        self,
        begin: media.Begin,
        connect: Callable[[Room, int], Connection],
        tell: Callable[[media.FromCall], None],
        tallies: Counter[str],
        most_fps: int,
    ) -> None:
        self.case = begin.case
        self._connect, self._tell, self.tallies = connect, tell, tallies
        boards: list[Board] = []
        try:
            boards.extend(Board.open(address) for address in (begin.face, begin.second, begin.teller))
        except OSError:
            for board in boards:
                board.close()
            raise
        face, second, self.teller = boards
        self.adaptation = Adaptation(most_fps)
        self.sound = SoundSource()
        self.face = PictureSource(face, self.adaptation.fps)
        self.second = PictureSource(second, SECOND_FPS)
        self.legs: dict[int, Connection] = {}
        self.media: MediaStanding = "none"
        self.leg = 0  # the one that carries media, or the newest that may
        self.over = False
        self._highest = 0
        self._last: tuple[object, ...] = ()
        self._bytes: dict[int, int] = {}
        self._quiet_since_s = self._down_since_s = time.monotonic()
        self._closing: set[asyncio.Task[None]] = set()
        self._watching = asyncio.get_running_loop().create_task(self._watch(), name="call-watch")
        self._watching.add_done_callback(self._watched)

    # ------------------------------------------------------------ from the core
    async def offer(self, offer: media.Offer) -> None:
        """A new leg. A leg that is not newer is a repetition: counted, not begun."""
        if offer.leg <= self._highest or self.over:
            self.tallies["repeated_offers"] += 1
            return
        self._highest = offer.leg
        for leg in sorted(self.legs)[: len(self.legs) - MAX_LEGS_OPEN + 1]:
            self._drop(leg)
        connection = self.legs[offer.leg] = self._connect(self, offer.leg)
        try:
            answer = await connection.answer(offer.sdp, offer.ice)
        except ValueError as err:
            log.warning("leg %d was not begun: %s", offer.leg, err)
            self.tallies["bad_offers"] += 1
            self._drop(offer.leg)
            return
        if self.media in ("none", "connecting"):
            self.leg = offer.leg
            self._stands("connecting")
        self._tell(media.Answer(self.case, offer.leg, answer))

    async def candidate(self, found: media.Candidate) -> None:
        connection = self.legs.get(found.leg)
        if connection is None:
            self.tallies["late_candidates"] += 1
        else:
            await connection.candidate(found.candidate, found.mid, found.line)

    def heard(self, pcm: bytes) -> None:
        self.sound.offer(np.frombuffer(pcm, np.int16))

    # ------------------------------------------------------------ from the connections
    def changed(self, leg: int, state: str) -> None:
        """aiortc's word on one leg."""
        if self.over or leg not in self.legs:
            return
        if state == "connected" and leg >= self.leg:
            self.leg = leg
            self._quiet_since_s = time.monotonic()
            for older in [one for one in self.legs if one < leg]:
                self._drop(older)
            self._stands("up")
        elif state in ("failed", "closed"):
            self._drop(leg)
            if leg == self.leg:
                self._stands("lost" if self.media in ("up", "lost") else "connecting")

    def goodbye(self, reason: Reason) -> None:
        self._end(reason)

    def wanted(self, source: Source) -> None:
        self._tell(media.Wanted(self.case, source))

    def wrote(self, text: str) -> None:
        self._tell(media.Wrote(self.case, text))

    def spoken(self, leg: int, pcm: Pcm) -> None:
        if leg == self.leg:
            self._tell(media.Spoken(pcm.tobytes()))

    # ------------------------------------------------------------ how it stands
    def _stands(self, standing: MediaStanding, loss: float = 0.0) -> None:
        if standing != self.media:
            if standing in ("lost", "connecting") and self.media in ("up", "none"):
                self._down_since_s = time.monotonic()
            self.media = standing
        fps = self.adaptation.fps
        told = (self.leg, standing, fps > 0)
        if told != self._last:
            self._last = told
            self._tell(media.Standing(self.case, self.leg, standing, fps > 0, fps, round(loss, 3)))
            current = self.legs.get(self.leg)
            if current is not None and standing == "up":
                current.say({"kind": "media", "picture": fps > 0})

    async def _watch(self) -> None:
        """Once a second: is it alive, how many pictures, is it over?"""
        cpu_s, came, sent = time.process_time(), 0, 0
        while not self.over:
            await asyncio.sleep(LOOK_S)
            now_s, connection = time.monotonic(), self.legs.get(self.leg)
            loss = 0.0
            if connection is not None:
                flow = await connection.flow()
                if flow.received != self._bytes.get(self.leg):
                    self._bytes = {self.leg: flow.received}
                    self._quiet_since_s = now_s
                    if self.media == "lost" and connection.state == "connected":
                        self._stands("up")
                cpu, cpu_s = time.process_time() - cpu_s, time.process_time()
                due = min(self.face.tally_came - came, self.adaptation.fps)
                done = max(flow.sent_pictures - sent, 0)
                came, sent, loss = self.face.tally_came, flow.sent_pictures, flow.loss
                if self.media == "up":
                    late = 1 - done / due if due > 0 else 0.0
                    self.face.pace(self.adaptation.look(Second(loss, cpu / LOOK_S, max(late, 0.0))))
            if self.media == "up" and now_s - self._quiet_since_s > SILENT_S:
                self._stands("lost")
            elif self.media == "up":
                self._stands("up", loss)
            down_s = now_s - self._down_since_s
            if self.media in ("none", "connecting") and down_s > CONNECT_S:
                self._end("failed")
            elif self.media == "lost" and down_s > RESUME_S:
                self._end("lost")

    def _watched(self, watching: asyncio.Task[None]) -> None:
        """Without the watch a call might never end: its failure is the end."""
        if not watching.cancelled() and watching.exception() is not None:
            log.error("a call's watch failed: %s", type(watching.exception()).__name__)
            self.tallies["watch_failed"] += 1
            self._end("failed")

    def _end(self, reason: Reason) -> None:
        if not self.over:
            self.over = True
            self._tell(media.Ended(self.case, reason))

    def _drop(self, leg: int) -> None:
        connection = self.legs.pop(leg, None)
        if connection is not None:
            task = asyncio.get_running_loop().create_task(connection.close(), name=f"call-close-{leg}")
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def close(self, reason: Reason = "done") -> None:
        """Say goodbye over the channel, close everything; within two seconds."""
        self.over = True
        self._watching.cancel()
        for connection in self.legs.values():
            with contextlib.suppress(Exception):  # a goodbye that cannot be said must not keep anything open
                connection.say({"kind": "bye", "reason": reason})
        await asyncio.sleep(GOODBYE_S)  # the channel hands the goodbye to the transport in tasks of its own
        for source in (self.face, self.second, self.sound):
            source.close()
        for leg in tuple(self.legs):
            self._drop(leg)
        await asyncio.gather(self._watching, *self._closing, return_exceptions=True)
        for board in (self.face.board, self.second.board, self.teller):
            board.close()
