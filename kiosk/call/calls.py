"""The core's side of a call: which case may be called, what goes to the call process, what comes of it.

A picture or a sound leaves the core only between `expect`, which says that this visitor accepted a teller, and the end
of that call. Messages about any other call are refused and counted.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Protocol

import cv2
import numpy as np

from contracts import call as c
from contracts import media
from kiosk.call.board import Board
from kiosk.call.loudly import TellersVoice
from kiosk.events import CameraFrame, Pcm, Picture
from kiosk.ports import BusDown, Speaker

log = logging.getLogger(__name__)

WIDTH_PX: Final = 640
UNSENT: Final = 16
EARLY: Final = 8  # messages about a case that is not expected yet, and how long they are kept
EARLY_S: Final = 10.0
AGAIN_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class CallChanged:
    """How the media of a call is. `picture` False: sound only, the line is too weak."""

    case: str
    media: c.MediaStanding
    picture: bool


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over; nothing of it is held any more."""

    case: str
    reason: c.Reason


@dataclass(frozen=True, slots=True)
class TellerWrote:
    """A line for the visitor."""

    case: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TellerAway:
    """The teller's page is gone for the moment."""

    case: str


CallNews = CallChanged | CallEnded | TellerWrote | TellerAway


class CallLine(Protocol):
    """The call process, as the core sees it."""

    @property
    def connected(self) -> bool: ...
    def send(self, message: media.ToCall) -> bool: ...
    def messages(self) -> AsyncIterator[media.FromCall | None]: ...


Pictures = Callable[[], AsyncIterator[CameraFrame]]


@dataclass(slots=True)
class _Call:
    """One call from `expect` to its end."""

    case: str
    face: Board
    second: Board
    teller: Board
    leg: int = 1
    said: int = 0
    heard: dict[int, int] = field(default_factory=dict)  # leg → highest number of the page's side
    offer: media.Offer | None = None
    media: c.MediaStanding = "none"
    picture: bool = True
    shows: c.Source = "none"
    tallies: dict[str, int] = field(default_factory=dict)


class Calls:
    """One call at a time. `say` hands a message to the bus (raises `BusDown`); `tell` gives the session news.

    `hub_now`: the hub's time as far as this terminal knows it. `second`: where pictures for a second view come from.
    `tallies` counts what was refused, dropped or late.
    """

    def __init__(
        self,
        line: CallLine,
        say: Callable[[c.CallUp], Awaitable[None]],
        tell: Callable[[CallNews], None],
        speaker: Callable[[], Speaker | None],
        *,
        hub_now: Callable[[], datetime | None] = lambda: None,
        second: Mapping[c.Source, Pictures] | None = None,
    ) -> None:
        self._line, self._say, self._tell = line, say, tell
        self._hub_now, self._second = hub_now, dict(second or {})
        self._call: _Call | None = None
        self._voice = TellersVoice(speaker)
        self._unsent: deque[c.CallUp] = deque(maxlen=UNSENT)
        self._early: deque[tuple[float, c.CallDown]] = deque(maxlen=EARLY)
        self._showing: asyncio.Task[None] | None = None
        self._working: dict[str, bool] = {"camera": True, "microphone": True, "speaker": True}
        self._in_order = asyncio.Lock()
        self._flushing: asyncio.Task[None] | None = None
        self.tallies: Counter[str] = Counter()

    @property
    def active(self) -> bool:
        """Whether a visitor is being put through or talks to a teller: she neither listens nor speaks then."""
        return self._call is not None

    @property
    def standing(self) -> c.MediaStanding:
        return self._call.media if self._call else "none"

    @property
    def case(self) -> str:
        return self._call.case if self._call else ""

    @property
    def teller_pictures(self) -> str:
        """Where the screen finds the teller's pictures; empty: there are none."""
        return self._call.teller.address if self._call and self._call.media in ("up", "lost") else ""

    # ------------------------------------------------------------ from the session
    def prepare(self) -> None:
        """A teller was asked for: the process loads what it needs."""
        self._line.send(media.Prepare())

    def expect(self, case: str) -> None:
        """The visitor's case was accepted by a teller: its offers are answered from now on. Another call ends."""
        if self._call is not None:
            if self._call.case == case:
                return
            self.hang_up("replaced")
        self._call = _Call(case, Board.make(), Board.make(), Board.make())
        self._begin(self._call)
        early, now_s = list(self._early), time.monotonic()
        self._early.clear()
        for at_s, message in early:  # the page's offer may overtake the word that the case was accepted
            if message.case == case and now_s - at_s < EARLY_S:
                self.take(message)

    def hang_up(self, reason: c.Reason) -> None:
        """End the call, if any; the teller is told."""
        call = self._call
        if call is not None:
            self._utter(call, c.HungUp(reason=reason))
            self._over(call, reason)

    def works(self, device: str, works: bool) -> None:
        """A device of the terminal came or went: the teller is told."""
        if device in self._working and self._working[device] != works:
            self._working[device] = works
            if self._call is not None:
                self._having(self._call)
                self._say_media(self._call)

    def heard(self, pcm: Pcm, at_ns: int) -> None:
        """20 ms of the microphone without echo, (320,) int16 at 16 kHz."""
        if self._call is not None and self._call.media in ("connecting", "up"):
            self._line.send(media.Heard(pcm.tobytes(), at_ns))

    def saw(self, frame: CameraFrame) -> None:
        """A picture of the camera."""
        if self._call is not None and self._call.media in ("connecting", "up"):
            self._call.face.put(planes(frame.bgr), frame.at_ns)
            self._line.send(media.Seen("face", frame.at_ns))

    # ------------------------------------------------------------ from the hub
    def take(self, message: c.CallDown) -> None:
        """One message of the teller's side. What is not of this call, or old, or a repetition is counted, not done."""
        call = self._call
        now = self._hub_now()
        if call is None or message.case != call.case:
            self.tallies["refused_case"] += 1
            self._early.append((time.monotonic(), message))
        elif now is not None and message.expires < now:
            self.tallies["refused_expired"] += 1
            if isinstance(message.body, c.Offered):
                self._utter(call, c.ResumeAsked())
        elif message.said <= call.heard.get(message.leg, 0):
            self.tallies["refused_repeated"] += 1
        else:
            call.heard[message.leg] = message.said
            self._do(call, message)

    def _do(self, call: _Call, message: c.CallDown) -> None:
        match message.body:
            case c.Offered(sdp=sdp, ice=ice):
                if message.leg < max(call.leg, 1) or (call.offer is not None and message.leg <= call.offer.leg):
                    self.tallies["refused_repeated"] += 1
                    return
                call.offer = media.Offer(call.case, message.leg, sdp, ice)
                if call.leg != message.leg:
                    call.leg, call.said = message.leg, 0
                if not self._line.send(call.offer):
                    self.tallies["no_process"] += 1
            case c.CandidateFound(candidate=text, mid=mid, line=line):
                self._line.send(media.Candidate(call.case, message.leg, text, mid, line))
            case c.HungUp(reason=reason):
                self._over(call, reason)
            case c.PageAway():
                self._tell(TellerAway(call.case))

    # ------------------------------------------------------------ from the process
    async def run(self) -> None:
        """Listen to the process until cancelled; then hang up."""
        voice = asyncio.create_task(self._voice.run(), name="call-voice")
        sending = asyncio.create_task(self._send_again(), name="call-unsent")
        try:
            async for message in self._line.messages():
                self._hear_process(message)
        finally:
            self.hang_up("terminal_stopped")
            await self._flush()
            voice.cancel()
            sending.cancel()
            await asyncio.gather(voice, sending, return_exceptions=True)

    def _hear_process(self, message: media.FromCall | None) -> None:
        call = self._call
        match message:
            case None if call is not None:  # it died: its successor cannot take the connection over
                self.tallies["process_lost"] += 1
                call.offer = None
                self._stands(call, "lost" if call.media in ("up", "lost") else "none", call.picture)
            case media.Up() if call is not None:
                self._begin(call)
                self._utter(call, c.ResumeAsked())
            case media.Answer(case=case, leg=leg, sdp=sdp) if call is not None and case == call.case:
                if leg == call.leg:
                    self._utter(call, c.Answered(sdp=sdp))
            case media.Standing(case=case) if call is not None and case == call.case:
                self._stands(call, message.media, message.picture)
            case media.Spoken(pcm=pcm) if call is not None:
                self._voice.offer(np.frombuffer(pcm, np.int16))
            case media.Wanted(case=case, source=source) if call is not None and case == call.case:
                self._show(call, source)
            case media.Wrote(case=case, text=text) if call is not None and case == call.case:
                self._tell(TellerWrote(case, text))
            case media.Ended(case=case, reason=reason) if call is not None and case == call.case:
                self._utter(call, c.HungUp(reason=reason))
                self._over(call, reason)
            case media.Counted(tallies=tallies) if call is not None:
                call.tallies = tallies

    # ------------------------------------------------------------ parts of it
    def _begin(self, call: _Call) -> None:
        begin = media.Begin(call.case, call.face.address, call.second.address, call.teller.address)
        if self._line.send(begin):
            self._having(call)

    def _having(self, call: _Call) -> None:
        here = self._working
        self._line.send(media.Having(here["camera"], here["microphone"], here["speaker"], call.shows))

    def _stands(self, call: _Call, standing: c.MediaStanding, picture: bool) -> None:
        if (standing, picture) == (call.media, call.picture):
            return
        lost = standing == "lost" and call.media != "lost"
        call.media, call.picture = standing, picture
        self._say_media(call)
        if lost:
            self._utter(call, c.ResumeAsked())
        self._tell(CallChanged(call.case, standing, picture))

    def _say_media(self, call: _Call) -> None:
        here = self._working
        self._utter(
            call,
            c.MediaTold(standing=call.media, camera=here["camera"], microphone=here["microphone"],
                        speaker=here["speaker"], picture=call.picture, shows=call.shows),
        )  # fmt: skip

    def _show(self, call: _Call, source: c.Source) -> None:
        """Begin or end the second picture; a source that this terminal does not have is said to be none."""
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        pictures = self._second.get(source)
        call.shows = source if pictures is not None else "none"
        if pictures is not None:
            self._showing = asyncio.create_task(self._feed(call, pictures), name="call-second")
        self._having(call)
        self._say_media(call)

    async def _feed(self, call: _Call, pictures: Pictures) -> None:
        async for frame in pictures():
            call.second.put(planes(frame.bgr), frame.at_ns)
            self._line.send(media.Seen("second", frame.at_ns))

    def _over(self, call: _Call, reason: c.Reason) -> None:
        if self._call is not call:
            return
        self._call = None
        if self._showing is not None:
            self._showing.cancel()
            self._showing = None
        self._line.send(media.End(call.case, reason))
        self._voice.clear()
        for board in (call.face, call.second, call.teller):
            board.wipe()
            board.close()
        self.tallies["voice_dropped"] += self._voice.take_dropped()
        log.info("call over: %s", reason)
        self._tell(CallEnded(call.case, reason))

    # ------------------------------------------------------------ to the hub
    def _utter(self, call: _Call, body: c.FromTerminal) -> None:
        if call.said >= c.MAX_SAID:
            self.tallies["too_much_said"] += 1
            return
        call.said += 1
        self._unsent.append(
            c.CallUp(id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), case=call.case,
                     leg=call.leg, said=call.said, body=body)
        )  # fmt: skip
        self._flushing = asyncio.get_running_loop().create_task(self._flush(), name="call-say")

    async def _flush(self) -> None:
        """What waits goes out in order; what the bus does not take waits on."""
        async with self._in_order:
            while self._unsent:
                message = self._unsent[0]
                try:
                    await self._say(message)
                except BusDown:
                    return
                if self._unsent and self._unsent[0] is message:  # a full queue may have let it go meanwhile
                    self._unsent.popleft()

    async def _send_again(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_S)
            await self._flush()


def planes(bgr: Picture) -> Picture:
    """(h, w, 3) to (h * 3 / 2, w) planes Y, U, V; no wider than `WIDTH_PX`, sides even."""
    height, width = bgr.shape[:2]
    scale = min(1.0, WIDTH_PX / width)
    wide, high = int(width * scale) & ~1, int(height * scale) & ~1
    if (wide, high) != (width, height):
        bgr = np.asarray(cv2.resize(bgr, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420), np.uint8)
