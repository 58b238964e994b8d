"""The updater: takes the wished-for release when it may, tries it, keeps it only when it proved itself.

One thing at a time, and every step of it may be cut by the power: what is on disk decides where it goes on. It never
switches while somebody stands at the terminal, nor outside the branch's hours for it, and a terminal that runs is worth
more to it than any new release.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Final

from contracts.fleet import RolloutState
from contracts.release import ReleaseRefused
from contracts.trust import Untrusted
from kiosk.ports import Clock
from kiosk.rollout import records
from kiosk.rollout.disk import Disk
from kiosk.rollout.ports import Source, SourceLost, Terminal
from kiosk.rollout.records import Candidate, Kept, Slot
from kiosk.rollout.slots import Place, seal_of
from kiosk.rollout.taking import Taking
from kiosk.rollout.trial import Trial, TrialLimits
from kiosk.runtime.sealed import Damaged

log = logging.getLogger(__name__)

PAUSE_S: Final = 5.0  # the first, after something went wrong that may pass
LONGEST_PAUSE_S: Final = 1_800.0
IDLE_S: Final = 2.0
QUIET_S: Final = 60.0  # nobody was at the terminal for so long: the next visitor is not just coming back


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """When it may switch (local time; the end may be after midnight), how a trial goes, how long quiet is."""

    begins: time = time(1, 0)
    ends: time = time(5, 0)
    quiet_s: float = QUIET_S
    trial: TrialLimits = field(default_factory=TrialLimits)

    def may_switch(self, now: time) -> bool:
        if self.begins <= self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What the hub is to know. `release`: what is in force now."""

    generation: int
    release: str
    state: RolloutState
    reason: str = ""
    share: float = 0.0


class Update:
    """Runs until cancelled. `root`: the root that this terminal was installed with. `said` is told every change."""

    def __init__(
        self,
        place: Place,
        disk: Disk,
        source: Source,
        terminal: Terminal,
        *,
        root: bytes,
        clock: Clock,
        rules: Rules,
        said: Callable[[Said], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
    ) -> None:
        self._place, self._disk, self._terminal = place, disk, terminal
        self._clock, self._rules, self._said, self._now = clock, rules, said, now
        self._taking = Taking(place, disk, source, root=root, now=now, told=self._fetched)
        self._kept = Kept()
        self._wish: tuple[str, int] | None = None
        self._news = asyncio.Event()
        self._reason = ""
        self._share = 0.0
        self._pause_s = PAUSE_S
        self._visit_s: float | None = None
        self.tally: Counter[str] = Counter()

    @property
    def kept(self) -> Kept:
        return self._kept

    @property
    def tallies(self) -> Counter[str]:
        """What was fetched and what went wrong, since the start."""
        return self.tally + self._taking.tally

    def wish(self, release: str, generation: int) -> None:
        """What the hub wants. May be called before `run`."""
        self._wish = (release, generation)
        self._news.set()

    # --- at a start -----------------------------------------------------------------------------

    def recover(self) -> None:
        """Mend what a cut left: the link says what the record says, halves are gone. Before the terminal starts."""
        place, disk = self._place, self._disk
        disk.folder(place.slots)
        try:
            self._kept = disk.read(place.record, Kept) or Kept(slot=self._standing())
        except Damaged as err:
            log.error("record: %s", err)
            self.tally["record_damaged"] += 1
            slot = self._standing()
            index = seal_of(place.slot(slot))
            self._kept = Kept(slot=slot, release=index.version if index else records.INSTALLED)
            disk.keep(place.record, self._kept)
        self._sweep()
        if self._kept.candidate is not None and self._kept.candidate.stage == "trial":
            self._keep(records.trial_began(self._kept))  # counted before it is started: a machine that hangs counts too
        self._point()
        self._tell()

    def _standing(self) -> Slot:
        return "b" if self._place.pointed(self._place.link) == "b" else "a"

    def _sweep(self) -> None:
        for folder in (self._place.root, self._place.slots, self._place.chunks):
            if folder.is_dir():
                for leftover in sorted(folder.glob("*.part")):
                    self._disk.remove(leftover)
        if self._place.reserve.exists():
            self._disk.remove(self._place.reserve)
        if self._kept.candidate is None and self._place.chunks.exists():
            self._taking.forget()

    def _point(self) -> None:
        place, kept = self._place, self._kept
        if place.pointed(place.proved) != kept.slot:
            self._disk.point(place.proved, f"slots/{kept.slot}")
        if place.pointed(place.link) != kept.points_to:
            self._disk.point(place.link, f"slots/{kept.points_to}")

    def _keep(self, kept: Kept) -> None:
        if kept != self._kept:
            self._disk.keep(self._place.record, kept)
            self._kept = kept

    # --- the loop -------------------------------------------------------------------------------

    async def run(self) -> None:
        """`recover` must have been called. Starts nothing but trials: the terminal's processes are others' to start."""
        while True:
            await self.turn()

    async def turn(self) -> None:
        """One step, and the pause that it asks for."""
        self._news.clear()
        if self._wish is not None:
            await asyncio.to_thread(self._keep, records.wanted(self._kept, *self._wish))
        self._tell()
        candidate = self._kept.candidate
        if candidate is None:
            await self._wait(IDLE_S if self._wish is None else LONGEST_PAUSE_S)
            return
        try:
            if candidate.stage == "fetching":
                await self._fetch_or_news(candidate)
            elif candidate.stage == "ready":
                await self._switch_when_possible()
            else:
                await self._try()  # a cut, or an end of this process, interrupted it
        except ReleaseRefused as err:
            # it is signed, and is not what a release may be: no use in asking again
            log.error("release refused: %s", err)
            self.tally[f"refused_{err.reason}"] += 1
            await asyncio.to_thread(self._give_up, f"release_{err.reason}")
            self._tell()
        except Untrusted as err:
            self.tally[f"untrusted_{err.reason}"] += 1
            await self._later(f"untrusted_{err.reason}", str(err))
        except SourceLost as err:
            await self._later("source", str(err))
        except OSError as err:
            await self._later("disk", str(err))

    async def _later(self, reason: str, detail: str) -> None:
        log.warning("update waits: %s (%s)", reason, detail[:200])
        self._reason = reason
        self._tell()
        await self._wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    async def _wait(self, seconds: float) -> None:
        """Until then, or until something is new."""
        waiting = asyncio.ensure_future(self._clock.sleep(seconds))
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait((waiting, news), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (waiting, news):
                task.cancel()
            await asyncio.gather(waiting, news, return_exceptions=True)

    def _give_up(self, reason: str) -> None:
        self._keep(records.failed(self._kept, reason))
        self._taking.forget()

    def _tell(self) -> None:
        kept, candidate = self._kept, self._kept.candidate
        if candidate is not None:
            generation = candidate.generation
            self._said(Said(generation=generation, release=kept.release, state="working", reason=self._reason,
                            share=self._share))  # fmt: skip
        elif kept.verdict is not None:
            told = kept.verdict
            self._said(Said(generation=told.generation, release=kept.release, state=told.state, reason=told.reason,
                            share=1.0 if told.state == "done" else 0.0))  # fmt: skip
        else:
            self._said(Said(generation=0, release=kept.release, state="idle"))

    # --- fetching -------------------------------------------------------------------------------

    async def _fetch_or_news(self, candidate: Candidate) -> None:
        """Fetch; given up at once where the hub wishes something else meanwhile. What is here stays."""
        fetching = asyncio.ensure_future(self._fetch(candidate))
        news = asyncio.ensure_future(self._other_wish(candidate))
        try:
            await asyncio.wait((fetching, news), return_when=asyncio.FIRST_COMPLETED)
            if fetching.done():
                fetching.result()
        finally:
            fetching.cancel()
            news.cancel()
            await asyncio.gather(fetching, news, return_exceptions=True)

    async def _other_wish(self, candidate: Candidate) -> None:
        while True:
            await self._news.wait()
            if self._wish is not None and self._wish[1] > candidate.generation and self._wish[0] != candidate.release:
                return
            self._news.clear()

    async def _fetch(self, candidate: Candidate) -> None:
        self._reason = self._reason or "fetching"
        if await self._taking.take(candidate.release, self._kept.slot, candidate.slot):
            self._share = 1.0
            await asyncio.to_thread(self._keep, records.whole(self._kept))

    def _fetched(self, share: float) -> None:
        self._share, self._reason, self._pause_s = share, "fetching", PAUSE_S
        self._tell()

    # --- switching and trying -------------------------------------------------------------------

    async def _switch_when_possible(self) -> None:
        look = await self._terminal.look()
        now_s = self._clock.now_ns() / 1e9
        if look.visit:
            self._visit_s = now_s
        quiet = self._visit_s is None or now_s - self._visit_s >= self._rules.quiet_s
        if look.visit or not quiet:
            self._reason = "waits_for_visitor"
        elif not self._rules.may_switch(self._now().time()):
            self._reason = "waits_for_hours"
        else:
            await self._switch()
            return
        self._tell()
        await self._wait(IDLE_S)

    async def _switch(self) -> None:
        candidate = self._kept.candidate
        assert candidate is not None
        if not await self._taking.is_whole(candidate.slot):
            await asyncio.to_thread(self._keep, records.torn(self._kept))
            return
        self._reason = "on_trial"
        await asyncio.to_thread(self._begin_trial)
        self._tell()
        await self._try()

    def _begin_trial(self) -> None:
        self._keep(records.trial_began(records.on_trial(self._kept)))
        self._point()

    async def _try(self) -> None:
        """Start the candidate, watch it, and keep it or go back."""
        judgement = await self._watched()
        if judgement == "stays":
            await asyncio.to_thread(self._keep, records.proved(self._kept))
            self.tally["proved"] += 1
        else:
            log.error("release %s goes back: %s", self._kept.candidate and self._kept.candidate.release, judgement)
            await asyncio.to_thread(self._keep, records.failed(self._kept, judgement))
            self.tally["returned"] += 1
        await asyncio.to_thread(self._point)
        if judgement != "stays":
            await self._restart_old()
        await asyncio.to_thread(self._taking.forget)
        self._reason = ""
        self._tell()

    async def _restart_old(self) -> None:
        """What was in force runs again; tried until it can be: without it there is no terminal."""
        while True:
            try:
                await self._terminal.restart()
                return
            except OSError as err:
                log.error("the terminal cannot be started: %s", err)
                await self._clock.sleep(PAUSE_S)

    async def _watched(self) -> str:
        limits = self._rules.trial
        trial = Trial(limits, self._now_s())
        try:
            await self._terminal.restart()
        except OSError as err:
            log.error("the release on trial cannot be started: %s", err)
            return "did_not_start"
        while True:
            trial.looked(await self._terminal.look(), self._now_s())
            judgement = trial.judge(self._now_s())
            if judgement:
                return judgement
            if trial.wants_test:
                trial.tested(await self._self_tested(limits.test_s), self._now_s())
                continue
            await self._clock.sleep(limits.look_s)

    async def _self_tested(self, within_s: float) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(within_s):
                return await self._terminal.self_test(within_s)
        except TimeoutError:
            return ("took_too_long",)
        except OSError as err:
            log.error("self-test: %s", err)
            return ("could_not_run",)

    def _now_s(self) -> float:
        return self._clock.now_ns() / 1e9
