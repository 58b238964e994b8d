"""What whoever sets a terminal up tries on the spot, one thing after the other: touch, camera, voice, sound, paper.

Each works or does not, and it goes on: a terminal without a camera is a terminal, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from contracts.screen import JoinTrial, JoinTry

TRIALS: Final[tuple[JoinTrial, ...]] = ("touch", "camera", "speak", "sound", "paper")
LASTS_S: Final = 60.0  # one trial
HERE, YES, NO, AGAIN = "join_here", "join_yes", "join_no", "join_again"
Trial = Callable[["Wizard"], Awaitable[bool]]
"""Tries one thing; whether it works. It may wait for `Wizard.answer`."""


class Wizard:
    """`trials`: touch is not among them, its touch is the answer. `changed` draws."""

    def __init__(
        self, trials: Mapping[JoinTrial, Trial], changed: Callable[[], None], lasts_s: float = LASTS_S
    ) -> None:
        self._trials, self._changed, self._lasts_s = dict(trials), changed, lasts_s
        self._touches: asyncio.Queue[str] = asyncio.Queue(8)
        self.tries = self._fresh()
        self.over = False

    @property
    def here(self) -> JoinTrial | None:
        """What is being tried now."""
        return next((one.trial for one in self.tries if one.state == "here"), None)

    @property
    def begun(self) -> bool:
        """Whether somebody is at it: the first touch was made and the last trial is not over."""
        return not self.over and self.here not in (None, "touch")

    def touched(self, target: str) -> None:
        if not self._touches.full():
            self._touches.put_nowait(target)

    async def answer(self) -> bool:
        """What whoever stands there says: it works, or not."""
        while (said := await self._touches.get()) not in (YES, NO):
            pass
        return said == YES

    async def run(self) -> None:
        """Until cancelled: after the last trial it can be begun again."""
        while True:
            self.tries, self.over = self._fresh(), False
            for trial in TRIALS:
                self._note(trial, "here")
                works = await self._touch() if trial == "touch" else await self._try(trial)
                self._note(trial, "works" if works else "fails")
            self.over = True
            self._changed()
            while await self._touches.get() != AGAIN:
                pass

    async def _touch(self) -> bool:
        """Somebody comes when they come: without an end."""
        while await self._touches.get() != HERE:
            pass
        return True

    async def _try(self, trial: JoinTrial) -> bool:
        while not self._touches.empty():  # a second finger on the button before
            self._touches.get_nowait()
        trying = asyncio.ensure_future(self._trials[trial](self))
        given_up = asyncio.ensure_future(self._given_up()) if trial in ("camera", "speak") else None
        waited = {trying, given_up} if given_up else {trying}
        try:
            await asyncio.wait(waited, timeout=self._lasts_s, return_when=asyncio.FIRST_COMPLETED)
            return trying.done() and trying.result()
        finally:
            for task in waited:
                task.cancel()
            await asyncio.gather(*waited, return_exceptions=True)

    async def _given_up(self) -> None:
        while await self._touches.get() != NO:
            pass

    def _note(self, trial: JoinTrial, state: str) -> None:
        self.tries = tuple(JoinTry(one.trial, state) if one.trial == trial else one for one in self.tries)  # type: ignore[arg-type]
        self._changed()

    @staticmethod
    def _fresh() -> tuple[JoinTry, ...]:
        return tuple(JoinTry(trial) for trial in TRIALS)
