"""Tells systemd that the terminal is up and that its event loop turns; says nothing where there is no systemd."""

from __future__ import annotations

import os
from typing import Final

import sdnotify

from kiosk.ports import Clock

DEFAULT_S: Final = 10.0


async def keep_alive(clock: Clock) -> None:
    """Run for ever: READY once, then a sign of life twice in each watchdog interval."""
    notifier = sdnotify.SystemdNotifier()
    notifier.notify("READY=1")
    interval_us = int(os.environ.get("WATCHDOG_USEC", "0") or 0)
    pause_s = interval_us / 2e6 if interval_us else DEFAULT_S
    while True:
        notifier.notify("WATCHDOG=1")
        await clock.sleep(pause_s)
