"""One connection to a teller's browser (a leg of a call), by aiortc. The only importer of it, with its neighbours.

The browser offers: sound, a picture each way, a second picture each way (the terminal's document camera or screen, what
the teller shares), a data channel. VP8, because both sides have it and it costs least here. aiortc cannot restart ICE,
so a call that was cut is taken up by a new connection; see `kiosk/call/room.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final, get_args

import av
import numpy as np
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.exceptions import InvalidAccessError, InvalidStateError, OperationError
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

from contracts.call import IceServer, Reason, Source
from contracts.media import HEARD_RATE_HZ, NOTE_CHARS, SPOKEN_RATE_HZ
from kiosk.adapters.turn_choice import choose_servers
from kiosk.adapters.webrtc_order import order_sound
from kiosk.call.board import MOST_PIXELS, Board
from kiosk.call.sources import Due, PictureSource, SoundSource, SourceClosed, next_sound
from kiosk.events import Pcm

log = logging.getLogger(__name__)

CLOSE_S: Final = 1.2  # for the goodbye on a line that may be dead
CHANNEL_CHARS: Final = 1_000
SPOKEN_BLOCK: Final = SPOKEN_RATE_HZ // 50
VIDEO_CLOCK: Final = Fraction(1, 90_000)
SOUND_CLOCK: Final = Fraction(1, HEARD_RATE_HZ)
SHARED_S: Final = 1.0  # what the teller shares covers the face while it comes
VP8: Final = "video/VP8"
UNREADABLE: Final = (  # what aiortc raises where it cannot make sense of what came, or is closed already
    ValueError, KeyError, IndexError, AttributeError, AssertionError, TypeError,
    InvalidAccessError, InvalidStateError, OperationError,
)  # fmt: skip


class BadDescription(ValueError):
    """What the other side sent cannot be understood; the leg is not begun."""


class _Picture(MediaStreamTrack):
    kind = "video"

    def __init__(self, source: PictureSource) -> None:
        super().__init__()
        self._source, self._due = source, Due()
        self._number = 0
        self._began_ns: int | None = None
        self.tally_sent = 0

    async def recv(self) -> Any:
        source = self._source
        try:
            shown = await source.after(self._number, self._due.earliest_ns(source.fps))
        except SourceClosed as err:
            raise MediaStreamError from err
        self._number = shown.number
        self._due.took(shown.at_ns, source.fps)
        self._began_ns = shown.at_ns if self._began_ns is None else self._began_ns
        frame = av.VideoFrame.from_ndarray(shown.planes, format="yuv420p")
        frame.pts = (shown.at_ns - self._began_ns) * 9 // 100_000
        frame.time_base = VIDEO_CLOCK
        self.tally_sent += 1
        return frame


class _Sound(MediaStreamTrack):
    kind = "audio"

    def __init__(self, source: SoundSource) -> None:
        super().__init__()
        self._source, self._ear = source, source.ear()
        self._samples = 0

    async def recv(self) -> Any:
        try:
            pcm = await next_sound(self._ear)
        except SourceClosed as err:
            raise MediaStreamError from err
        frame = av.AudioFrame.from_ndarray(pcm.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = HEARD_RATE_HZ
        frame.pts, frame.time_base = self._samples, SOUND_CLOCK
        self._samples += len(pcm)
        return frame

    def stop(self) -> None:
        super().stop()
        self._source.leave(self._ear)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What a connection is given and where it puts what comes."""

    sound: SoundSource
    face: PictureSource
    second: PictureSource
    teller: Board
    spoken: Callable[[Pcm], None]  # (480,) int16 at 24 kHz
    changed: Callable[[str], None]  # aiortc's connection state
    wanted: Callable[[Source], None]
    wrote: Callable[[str], None]
    goodbye: Callable[[Reason], None]  # the page hung up over the channel
    tallies: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Flow:
    """How much went so far: bytes that came, pictures that went, the share of our packets lost lately."""

    received: int
    sent_pictures: int
    loss: float


class Peer:
    """One leg. `answer` once, then candidates as they come, then `close`; nothing outlives `close`."""

    def __init__(self, ends: Ends) -> None:
        self._ends = ends
        self._connection: Any = None
        self._channel: Any = None
        self._sinks: set[asyncio.Task[None]] = set()
        self._face: _Picture | None = None
        self._shared_s = -SHARED_S

    @property
    def state(self) -> str:
        return "new" if self._connection is None else str(self._connection.connectionState)

    async def answer(self, sdp: str, servers: Sequence[IceServer]) -> str:
        """Our description for the page's. Raises `BadDescription`."""
        config = RTCConfiguration(iceServers=await choose_servers(servers))
        connection = self._connection = RTCPeerConnection(config)
        connection.on("connectionstatechange", lambda: self._ends.changed(self.state))
        connection.on("track", self._track)
        connection.on("datachannel", self._take_channel)
        try:
            await connection.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
            self._send_ours()
            await connection.setLocalDescription(await connection.createAnswer())
        except UNREADABLE as err:
            raise BadDescription(type(err).__name__) from err
        return connection.localDescription.sdp

    def _send_ours(self) -> None:
        """Sound into the first of sound, face and second picture into the first two of pictures."""
        self._face = _Picture(self._ends.face)
        ours: dict[str, list[Any]] = {
            "audio": [_Sound(self._ends.sound)],
            "video": [self._face, _Picture(self._ends.second)],
        }
        vp8 = [one for one in RTCRtpSender.getCapabilities("video").codecs if one.mimeType == VP8]
        for transceiver in self._connection.getTransceivers():
            if transceiver.kind == "video":
                transceiver.setCodecPreferences(vp8)
            if ours[transceiver.kind]:
                transceiver.sender.replaceTrack(ours[transceiver.kind].pop(0))
                transceiver.direction = "sendrecv"

    async def candidate(self, text: str, mid: str, line: int) -> None:
        """One more address of the page; nonsense is counted."""
        if self._connection is None:
            return
        try:
            if not text:
                return
            found = candidate_from_sdp(text.removeprefix("candidate:"))
            found.sdpMid, found.sdpMLineIndex = mid, line
            await self._connection.addIceCandidate(found)
        except UNREADABLE:
            self._ends.tallies["bad_candidates"] += 1

    # ------------------------------------------------------------ what comes
    def _track(self, track: Any) -> None:
        if track.kind == "audio":
            for one in self._connection.getTransceivers():
                if one.kind == "audio" and not order_sound(one.receiver):
                    self._ends.tallies["sound_unordered"] += 1
        pictures = sum(1 for one in self._connection.getTransceivers() if one.kind == "video" and one.receiver.track)
        first = pictures == 1 or track is self._first_picture()
        work = self._hear(track) if track.kind == "audio" else self._see(track, shared=not first)
        task = asyncio.get_running_loop().create_task(work, name=f"call-{track.kind}")
        self._sinks.add(task)
        task.add_done_callback(self._sinks.discard)

    def _first_picture(self) -> Any:
        ours = [one for one in self._connection.getTransceivers() if one.kind == "video"]
        return ours[0].receiver.track if ours else None

    async def _hear(self, track: Any) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=SPOKEN_RATE_HZ)
        rest = np.zeros(0, np.int16)
        with contextlib.suppress(MediaStreamError):
            while True:
                for part in resampler.resample(await track.recv()):
                    rest = np.concatenate((rest, part.to_ndarray().reshape(-1)))
                while len(rest) >= SPOKEN_BLOCK:
                    self._ends.spoken(rest[:SPOKEN_BLOCK])
                    rest = rest[SPOKEN_BLOCK:]

    async def _see(self, track: Any, *, shared: bool) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                if shared:
                    self._shared_s = loop.time()
                elif loop.time() - self._shared_s < SHARED_S:
                    continue
                width, height = frame.width & ~1, frame.height & ~1
                if width * height > MOST_PIXELS:
                    scale = (MOST_PIXELS / (width * height)) ** 0.5
                    width, height = int(width * scale) & ~1, int(height * scale) & ~1
                if (width, height) != (frame.width, frame.height) or frame.format.name != "yuv420p":
                    frame = frame.reformat(width, height, "yuv420p")
                self._ends.teller.put(frame.to_ndarray(), asyncio_ns(loop))

    def _take_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.on("message", self._take_word)

    def _take_word(self, text: object) -> None:
        """A word of the page over the data channel; nonsense is counted, never quoted."""
        try:
            if not isinstance(text, str) or len(text) > CHANNEL_CHARS:
                raise ValueError
            word = json.loads(text)
            match word.get("kind"):
                case "bye" if word.get("reason", "done") in get_args(Reason):
                    self._ends.goodbye(word.get("reason", "done"))
                case "show" if word.get("source") in ("none", "document", "screen"):
                    self._ends.wanted(word["source"])
                case "write" if isinstance(word.get("text"), str) and len(word["text"]) <= NOTE_CHARS:
                    self._ends.wrote(word["text"])
                case _:
                    raise ValueError
        except (ValueError, AttributeError, RecursionError):
            self._ends.tallies["bad_words"] += 1

    # ------------------------------------------------------------ how it goes, and its end
    async def flow(self) -> Flow:
        """What the connection counted so far."""
        if self._connection is None or self._face is None:
            return Flow(0, 0, 0.0)
        report = await self._connection.getStats()
        received, loss = 0, 0.0
        for one in report.values():
            if one.type == "transport":
                received += one.bytesReceived
            elif one.type == "remote-inbound-rtp":
                loss = max(loss, one.fractionLost / 256)
        return Flow(received, self._face.tally_sent, loss)

    def say(self, word: dict[str, object]) -> None:
        """Tell the page something over the channel, when there is one."""
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(json.dumps(word))

    async def close(self) -> None:
        """Say goodbye and end, within `CLOSE_S` whatever the line does."""
        connection = self._connection
        if connection is not None:
            connection.remove_all_listeners()
            closing = asyncio.ensure_future(connection.close())
            done, _ = await asyncio.wait({closing}, timeout=CLOSE_S)
            if not done:
                self._ends.tallies["unclosed"] += 1
                closing.cancel()
            elif closing.exception() is not None:
                log.warning("closing a connection: %s", type(closing.exception()).__name__)
        for task in tuple(self._sinks):
            task.cancel()
        await asyncio.gather(*self._sinks, return_exceptions=True)


def asyncio_ns(loop: asyncio.AbstractEventLoop) -> int:
    """The loop's clock is the monotonic one."""
    return round(loop.time() * 1e9)
