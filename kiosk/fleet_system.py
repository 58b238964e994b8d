"""What a terminal does for whoever looks after it from afar, put together: its orders.

Beside `app.py`: names concrete classes as that does for the rest.
"""

from __future__ import annotations

import asyncio
import logging
import platform
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from config.schema import Site
from contracts import fleet as f
from contracts.screen import DrawPicture, PicturePart
from kiosk.adapters.call_socket import SocketCall
from kiosk.adapters.screen_socket import SocketScreen
from kiosk.ports import Clock
from kiosk.remote.acts import Acts, PartLost, Reach, keep_saying
from kiosk.remote.closed import OutOfServiceMark
from kiosk.remote.lines import LogLines
from kiosk.remote.orders import Orders
from kiosk.remote.restarting import RestartDesk
from kiosk.remote.testing import Arrivals, DevicesTried, self_test
from kiosk.session.session import Session
from kiosk.sync.link import Link, envelope
from kiosk.version import VERSION

log = logging.getLogger(__name__)

WAITING_MOST: Final = 8  # orders not yet looked at
DRAWN_WITHIN_S: Final = 10.0
TESTED: Final = ("microphone", "camera", "speaker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What the orders need of the terminal. `facts`: versions, tallies and settings for a bundle."""

    site: Site
    session: Session
    link: Link
    screen: SocketScreen
    call: SocketCall | None  # None: there are no calls here
    busy: Callable[[], bool]  # something besides a visit goes on that may not be disturbed
    printer: Callable[[], Awaitable[bool]]
    hub_now: Callable[[], datetime | None]
    facts: Callable[[], Mapping[str, object]]


class Remote:
    """The orders of a running terminal. `hear` is called with what comes; `run` carries out one after the other."""

    def __init__(
        self, around: Around, key: bytes | None, *, state: Path, run: Path, logs: Path | None, clock: Clock
    ) -> None:
        self._around, self._clock, self._logs = around, clock, logs
        self.arrivals = Arrivals()
        self._lines = LogLines()
        self._mark = OutOfServiceMark(state / "out-of-service")
        self._restarts = RestartDesk(run / "restart", state / "restarting", clock)
        self._waiting: asyncio.Queue[f.Command] = asyncio.Queue(WAITING_MOST)
        self._pictures = 0
        self._parts: dict[int, bytes] = {}
        self._picture: asyncio.Future[bytes] | None = None
        self.tally: Counter[str] = Counter()
        site, session = around.site, around.session
        reach = Reach(
            idle=lambda: session.visit is None and not around.busy(),
            connected={"screen": lambda: around.screen.connected}
            | ({"call": lambda: self._call_is_there} if around.call else {}),
            self_test=lambda: self_test(self._tested(), clock),
            closed=self._close,
            picture=self._draw,
            facts=self._facts,
            logs=self._log_files,
            send=around.link.say_fleet,
        )
        acts = Acts(reach, self._mark, self._restarts, self._lines, clock)
        self._orders = (
            Orders(key, site.branch.id, site.device.id, state / "orders", around.hub_now, acts.table()) if key else None
        )
        session.closed = self._mark.on

    @property
    def starts_again(self) -> bool:
        """This core ends only to be started again: the screen stays."""
        return self._restarts.own

    def hear(self, command: f.Command) -> None:
        """An order that came; checked and carried out in its turn."""
        if self._orders is None:
            self.tally["no_key"] += 1
            log.warning("order refused: no key to check it with")
        elif self._waiting.full():
            self.tally["crowded_out"] += 1
        else:
            self._waiting.put_nowait(command)

    async def run(self) -> None:
        """Until cancelled."""
        root = logging.getLogger()
        root.addHandler(self._lines)
        try:
            number = await asyncio.to_thread(self._restarts.came_back)
            if number:
                await self._say(number, "done", ())
            while True:
                command = await self._waiting.get()
                if self._orders is None:
                    continue
                try:
                    await self._orders.take(command, self._say)
                except OSError as err:  # what was done cannot be read: nothing is done
                    self.tally["disk"] += 1
                    log.error("an order was not looked at: %s", type(err).__name__)
        finally:
            root.removeHandler(self._lines)

    async def _say(self, number: int, state: f.CommandState, codes: tuple[str, ...]) -> None:
        if state == "taken" and codes == () and self._restarts.own:
            return  # said before; what comes of it is said by the next core
        reply = f.CommandReply(**envelope(), number=number, state=state, codes=codes)
        if not await keep_saying(lambda: self._around.link.say_fleet(reply), self._clock):
            self.tally["unsaid"] += 1

    def _close(self, on: bool) -> None:
        self._around.session.closed = on
        self._around.session.show()

    # ------------------------------------------------------------ the screen's picture
    def picture_came(self, part: PicturePart) -> None:
        """A part from the screen; one of an older picture is forgotten."""
        if part.number != self._pictures or self._picture is None or self._picture.done():
            self.tally["picture_late"] += 1
            return
        self._parts[part.part] = part.body
        if len(self._parts) == part.parts:
            self._picture.set_result(b"".join(self._parts[place] for place in sorted(self._parts)))

    async def _draw(self) -> bytes:
        if not self._around.screen.connected:
            raise PartLost("the screen is away")
        self._pictures += 1
        self._parts.clear()
        self._picture = asyncio.get_running_loop().create_future()
        self._around.screen.send(DrawPicture(self._pictures))
        try:
            async with asyncio.timeout(DRAWN_WITHIN_S):
                return await self._picture
        except TimeoutError as err:
            raise PartLost("the screen does not draw") from err
        finally:
            self._picture = None
            self._parts.clear()

    # ------------------------------------------------------------ devices, facts
    @property
    def _call_is_there(self) -> bool:
        return self._around.call is not None and self._around.call.connected

    def _tested(self) -> DevicesTried:
        session, call = self._around.session, self._around.call
        return DevicesTried(
            works=lambda: {name: session.works[name] for name in TESTED if name in session.works},
            arrivals=self.arrivals,
            speaker=lambda: session.speaker,
            printer=self._around.printer,
            screen=self._screen_draws,
            call=(lambda: call.connected) if call else None,
        )

    async def _screen_draws(self) -> bool:
        try:
            return bool(await self._draw())
        except PartLost:
            return False

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {
            "kiosk": VERSION,
            "python": platform.python_version(),
            "system": platform.platform(),
        }
        told = {f"order.{code}": count for code, count in (self._orders.refused if self._orders else {}).items()}
        return facts | dict(self._around.facts()) | {"remote": {**self.tally, **told}}

    def _log_files(self) -> Sequence[Path]:
        """What the other processes wrote, where there is a folder of it."""
        found = sorted(self._logs.glob("*.log")) if self._logs else []
        return [path for path in found if path.is_file()]

    def tallies(self) -> dict[str, Any]:
        """For telemetry: what was refused, and whether the terminal is out of service."""
        told: dict[str, Any] = {f"remote.{name}": count for name, count in self.tally.items()}
        if self._orders is not None:
            told |= {f"remote.{code}": count for code, count in self._orders.refused.items()}
        return told | {"remote.out_of_service": int(self._around.session.closed)}
