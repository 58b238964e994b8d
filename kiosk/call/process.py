"""The call process: takes a call up when the core says so, carries its media, and ends it in bounded time.

Idle it holds nothing but a socket; aiortc is loaded when a call may come. The core may come and go: its end is the end
of the call, which is told to the teller, and the process waits for the core to come back.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import logging
import os
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Final

from contracts import media
from contracts.framing import Framing, FramingError
from kiosk.call.adapt import STEPS_FPS
from kiosk.call.room import Connection, Room
from kiosk.events import Pcm

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.1
LONGEST_RETRY_S: Final = 1.0
READ_BYTES: Final = 64 * 1024
UNSENT_BYTES: Final = 256 * 1024  # beyond it sound is dropped: the core is busy, and old words are of no use
COUNT_EVERY_S: Final = 2.0
STOP_S: Final = 2.0


class CallProcess:
    """The core's end of the socket is `path`. `run` until `stop`."""

    def __init__(self, path: Path, most_fps: int = STEPS_FPS[-1]) -> None:
        self._path, self._most_fps = path, most_fps
        self._writer: asyncio.StreamWriter | None = None
        self._framing: Framing[media.ToCall] = Framing(media.ToCall, media.MAX_MESSAGE_BYTES)
        self._room: Room | None = None
        self._stopping = asyncio.Event()
        self._works: set[asyncio.Task[None]] = set()
        self._able = importlib.util.find_spec("aiortc") is not None
        self.tallies: Counter[str] = Counter()

    def stop(self) -> None:
        self._stopping.set()

    def stray(self, _loop: asyncio.AbstractEventLoop, told: dict[str, object]) -> None:
        """An error in a task of the library that nobody waits for: a line that died is no news to us."""
        self.tallies["stray_errors"] += 1
        error = told.get("exception")
        if not isinstance(error, ConnectionError):
            log.warning("in a task of the library: %s", type(error).__name__)

    async def run(self) -> None:
        """Serve the core, again and again, until told to stop; then hang up."""
        stopped = asyncio.create_task(self._stopping.wait())
        counting = asyncio.create_task(self._count())
        pause_s = FIRST_RETRY_S
        while not self._stopping.is_set():
            try:
                reader, self._writer = await asyncio.open_unix_connection(str(self._path))
            except OSError:  # nobody listens yet
                await asyncio.wait({stopped}, timeout=pause_s)
                pause_s = min(2 * pause_s, LONGEST_RETRY_S)
                continue
            pause_s = FIRST_RETRY_S
            serving = asyncio.create_task(self._serve(reader))
            await asyncio.wait({stopped, serving}, return_when=asyncio.FIRST_COMPLETED)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await self._leave_room("terminal_stopped")
            self._writer.close()
            self._writer = None
        counting.cancel()

    async def _serve(self, reader: asyncio.StreamReader) -> None:
        self._framing = Framing(media.ToCall, media.MAX_MESSAGE_BYTES)
        self._tell(media.Up(os.getpid(), self._able))
        try:
            while received := await reader.read(READ_BYTES):
                for message in self._framing.feed(received):
                    await self._take(message)
        except (FramingError, ConnectionError):
            self.tallies["nonsense"] += 1

    async def _take(self, message: media.ToCall) -> None:
        room = self._room
        match message:
            case media.Heard(pcm=pcm):
                if room is not None:
                    room.heard(pcm)
            case media.Seen(camera=camera):
                if room is not None:
                    (room.face if camera == "face" else room.second).announce()
            case media.Prepare():
                if self._able:
                    await asyncio.to_thread(_load)
            case media.Begin():
                await self._begin(message)
            case media.Offer(case=case) if room is not None and case == room.case:
                self._spawn(room.offer(message))
            case media.Candidate(case=case) if room is not None and case == room.case:
                await room.candidate(message)
            case media.Having() if room is not None:
                for connection in room.legs.values():
                    connection.say({"kind": "having", "camera": message.camera, "microphone": message.microphone,
                                    "speaker": message.speaker, "shows": message.shows})  # fmt: skip
            case media.End(case=case, reason=reason) if room is not None and case == room.case:
                await self._leave_room(reason)
            case _:
                self.tallies["other_case"] += 1

    async def _begin(self, begin: media.Begin) -> None:
        await self._leave_room("replaced")
        if not self._able:
            self._tell(media.Ended(begin.case, "failed"))
            return
        try:
            self._room = Room(begin, self._connect, self._tell, self.tallies, self._most_fps)
        except OSError as err:
            log.warning("no pictures: %s", err.strerror or err)
            self._tell(media.Ended(begin.case, "failed"))

    def _connect(self, room: Room, leg: int) -> Connection:
        from kiosk.adapters.webrtc import Ends, Peer  # takes a second to import: only where there is a call

        def spoken(pcm: Pcm) -> None:
            room.spoken(leg, pcm)

        return Peer(
            Ends(
                sound=room.sound, face=room.face, second=room.second, teller=room.teller, spoken=spoken,
                changed=partial(room.changed, leg), wanted=room.wanted, wrote=room.wrote, goodbye=room.goodbye,
                tallies=self.tallies,
            )
        )  # fmt: skip

    def _spawn(self, work: object) -> None:
        task: asyncio.Task[None] = asyncio.create_task(work)  # type: ignore[arg-type]  # a coroutine of ours
        self._works.add(task)
        task.add_done_callback(self._works.discard)

    async def _leave_room(self, reason: object) -> None:
        room, self._room = self._room, None
        if room is None:
            return
        for task in tuple(self._works):
            task.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)
        await room.close(reason)  # type: ignore[arg-type]  # one of the contract's words
        self.tallies["late_sound"] += room.sound.tally_late

    def _tell(self, message: media.FromCall) -> None:
        writer = self._writer
        if writer is None or writer.transport.is_closing():
            return
        if isinstance(message, media.Spoken) and writer.transport.get_write_buffer_size() > UNSENT_BYTES:
            self.tallies["spoken_dropped"] += 1
            return
        writer.write(self._framing.encode(message))

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(COUNT_EVERY_S)
            if self._room is not None:
                self._tell(media.Counted(dict(self.tallies), time.process_time()))


def _load() -> None:
    import kiosk.adapters.webrtc  # noqa: F401  # loaded ahead, so that a call begins at once


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m kiosk.call", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="the core's socket for calls")
    parser.add_argument("--fps", type=int, choices=STEPS_FPS[1:], default=STEPS_FPS[-1], help="pictures a second, most")
    options = parser.parse_args(arguments)
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )

    async def run() -> None:
        process = CallProcess(options.socket, options.fps)
        asyncio.get_running_loop().set_exception_handler(process.stray)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, process.stop)
        await process.run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # decoder threads of the library may still wait; everything of ours is closed
