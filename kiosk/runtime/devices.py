"""Keeps a device: opens it, uses it, and looks for it again when it is away. The terminal works on with the rest."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Literal, Protocol, TypeVar

from kiosk.events import DeviceChanged
from kiosk.ports import Clock, DeviceLost

log = logging.getLogger(__name__)

FIRST_RETRY_S: Final = 0.25

DeviceName = Literal["microphone", "speaker", "camera"]


class Closable(Protocol):
    async def close(self) -> None: ...


D = TypeVar("D", bound=Closable)


async def keep(
    name: DeviceName,
    open_device: Callable[[], Awaitable[D]],
    use: Callable[[D], Awaitable[None]],
    tell: Callable[[DeviceChanged], None],
    clock: Clock,
    retry_s: float,
) -> None:
    """Run for ever: open, use until it is lost, tell, wait, again. Logs loudly once, then quietly.

    The wait is short at first, for a plug that is put back at once, and grows to `retry_s`.
    """
    quiet = False
    wait_s = min(FIRST_RETRY_S, retry_s)
    while True:
        try:
            device = await open_device()
        except DeviceLost as err:
            log.log(logging.DEBUG if quiet else logging.WARNING, "%s: %s", name, err)
            tell(DeviceChanged(name, False, str(err)))
            quiet = True
            await clock.sleep(wait_s)
            wait_s = min(wait_s * 2, retry_s)
            continue
        quiet = False
        wait_s = min(FIRST_RETRY_S, retry_s)
        tell(DeviceChanged(name, True))
        try:
            await use(device)
            return  # it ended by itself: a file came to its end
        except DeviceLost as err:
            log.warning("%s: %s", name, err)
            tell(DeviceChanged(name, False, str(err)))
        finally:
            await asyncio.shield(device.close())
        await clock.sleep(wait_s)
