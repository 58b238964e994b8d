"""A shadow without a terminal around it: what its tests share."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config.remote import values
from config.schema import DEFAULT_SITE, Site, load_site
from contracts import messages as m
from contracts import topics
from contracts.shadow import typed
from kiosk.shadow.appliers import Appliers, Part
from kiosk.shadow.health import Health
from kiosk.shadow.opening import open_shadow
from kiosk.shadow.shadow import Shadow, ShadowPace, Surroundings

SITE = load_site(DEFAULT_SITE)
BRANCH, DEVICE = SITE.branch.id, SITE.device.id
HERE = topics.Address(BRANCH, DEVICE)
PARTS: tuple[Part, ...] = ("hours", "pauses", "presence", "talking", "manner", "looks")


def desired(version: int, settings: dict[str, Any], *, branch: str = BRANCH, device: str = DEVICE) -> m.ShadowDesired:
    return m.ShadowDesired(
        id=uuid.uuid4().hex, at=datetime.now(UTC), mono_ns=time.monotonic_ns(), branch=branch, device=device,
        version=version, settings=typed(settings),
    )  # fmt: skip


class Terminal:
    """A shadow that runs in a loop; visits, devices and turns are what the test says."""

    def __init__(self, folder: Path, *, trial_s: float = 60.0, local: Site = SITE, **more: Any) -> None:
        self.opened = open_shadow(folder / "shadow", local, **more)
        self.shadow = Shadow(self.opened, ShadowPace(trial_s=trial_s, look_s=0.01))
        self.visited, self.missing = False, set[str]()
        self.health = Health()
        self.taken: list[tuple[Part, Site]] = []
        self.said: list[m.ShadowReported] = []
        self.broken: Part | None = None
        self._running: asyncio.Task[None] | None = None

    def appliers(self) -> Appliers:
        def applier(part: Part) -> Callable[[Site], None]:
            def take(site: Site) -> None:
                assert not self.visited, "changed in the middle of a visit"
                if part == self.broken and site is not self.opened.site:
                    raise RuntimeError("this part does not take it")
                self.taken.append((part, site))

            return take

        return {part: applier(part) for part in PARTS}

    def around(self) -> Surroundings:
        return Surroundings(lambda: not self.visited, lambda: self.missing, self.health, self.appliers())

    def begin(self) -> None:
        async def say() -> None:
            self.said.append(self.shadow.report())

        self._running = asyncio.create_task(self.shadow.run(self.around(), say), name="shadow")

    async def end(self) -> None:
        """As a terminal that is told to stop."""
        if self._running is not None:
            self._running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._running
            self._running = None

    def hear(self, version: int, settings: dict[str, Any]) -> None:
        self.shadow.hear(HERE, desired(version, settings))

    @property
    def now(self) -> m.ShadowReported:
        return self.shadow.report()

    def has(self, setting: str) -> Any:
        return values(self.shadow.site)[setting]

    async def until(self, what: Callable[[m.ShadowReported], bool], seconds: float = 20.0) -> m.ShadowReported:
        """Wait for what is reported to become so; fails beyond `seconds`."""
        deadline_s = time.monotonic() + seconds
        while not what(self.now):
            assert time.monotonic() < deadline_s, f"not in time: {self.now}"
            await asyncio.sleep(0.005)
        return self.now
