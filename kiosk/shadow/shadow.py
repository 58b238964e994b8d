"""The terminal's end of its shadow: a version from the hub is judged, kept, taken between two visits, watched.

One version at a time. It is valid by the schema of the local file or refused whole; on disk before anything changes;
in force only while nobody is served; given up by itself when the terminal got worse within the trial. What the hub
learns is `report`.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from config.remote import REMOTE, RemoteRefused, digest, normal, overlay, values
from contracts import messages as m
from contracts.shadow import REASONS_LIMIT, Origin, Setting, ShadowReason, ShadowState, typed
from contracts.topics import Address
from kiosk.shadow import records
from kiosk.shadow.appliers import LIVE, Appliers, NotApplied, apply
from kiosk.shadow.files import GOOD, WANTED
from kiosk.shadow.health import Health
from kiosk.shadow.opening import Opened, plain, reasons_of
from kiosk.shadow.records import Candidate, Kept

log = logging.getLogger(__name__)

RESTART: Final = REMOTE.keys() - LIVE.keys()


@dataclass(frozen=True, slots=True)
class ShadowPace:
    """How long a candidate is watched, and how often the terminal is looked at meanwhile."""

    trial_s: float = 1_800.0
    look_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the shadow asks of the terminal: whether a visit may begin otherwise set, what is missing, how it fares."""

    idle: Callable[[], bool]
    missing: Callable[[], Collection[str]]
    health: Health
    appliers: Appliers


class Shadow:
    """`hear` and `misheard` are called in the loop, by the link; `run` does the rest. Counts what it refuses."""

    def __init__(self, opened: Opened, pace: ShadowPace | None = None) -> None:
        self._files, self._local = opened.files, opened.local
        self._kept, self._good, self._in_force = opened.kept, opened.good, opened.in_force
        self._notes = tuple(opened.notes)
        self._pace = pace or ShadowPace()
        self._origins: dict[str, Origin] = {name: "remote" if name in opened.settings else "local" for name in REMOTE}
        self._since = datetime.now(UTC)
        self._trial_ends_s = time.monotonic() + self._pace.trial_s
        self._inbox: m.ShadowDesired | None = None
        self._news = asyncio.Event()
        self._changed = False
        self.site = opened.site
        self.refused: Counter[str] = Counter()

    # --- from the link ----------------------------------------------------------------------------

    def hear(self, address: Address, desired: m.ShadowDesired) -> None:
        """A version that came on the topic of `address`. Of several that wait, the newest counts."""
        here = (self._local.branch.id, self._local.device.id)
        if (desired.branch, desired.device) != here or (address.branch, address.device) != here:
            self._refuse("addressee")
        elif (why := records.refusal_of(self._kept, desired.version)) is not None:
            self._refuse(why)
        elif self._inbox is not None and self._inbox.version >= desired.version:
            self._refuse("older")
        else:
            self._inbox = desired
            self._news.set()

    def misheard(self, code: str) -> None:
        """Something on the shadow's topic that was no message of the contract, by `WireError.code`."""
        self._refuse(code)

    def _refuse(self, why: str) -> None:
        self.refused[why] += 1
        log.warning("shadow: refused: %s", why)

    def report(self) -> m.ShadowReported:
        """What this terminal is set to, as of now."""
        shown, verdict, waits = values(self.site), self._kept.verdict, self._waits()
        candidate = self._kept.candidate
        state: ShadowState = "applied_after_restart" if waits else "applied" if self._in_force else "local"
        return m.ShadowReported(
            id=uuid.uuid4().hex,
            at=datetime.now(UTC),
            mono_ns=time.monotonic_ns(),
            since=self._since,
            version=verdict.version if verdict else self._in_force,
            in_force=self._in_force,
            state=verdict.state if verdict else state,
            hash=digest(shown),
            settings={name: Setting(value=value, origin=self._origins[name]) for name, value in typed(shown).items()},
            on_trial=candidate is not None and candidate.stage == "trial",
            waits=tuple(sorted(waits)),
            reasons=((verdict.reasons if verdict else ()) + self._notes)[:REASONS_LIMIT],
            refused=dict(self.refused.most_common(REASONS_LIMIT)),
        )

    # --- its own work -----------------------------------------------------------------------------

    async def run(self, around: Surroundings, say: Callable[[], Awaitable[None]]) -> None:
        """Until cancelled. `say` tells the hub what `report` has become."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._pace.look_s):
                        await self._news.wait()
                self._news.clear()
                await self._look(around)
                if self._changed:
                    self._changed = False
                    await say()
        finally:
            if (orderly := records.ended(self._kept)) != self._kept:
                with suppress(OSError):  # it will count as one crash, of which two are needed
                    self._files.write(WANTED, orderly)

    async def _look(self, around: Surroundings) -> None:
        desired, self._inbox = self._inbox, None
        if desired is not None:
            await self._judge(desired, around)
        candidate = self._kept.candidate
        if candidate is not None and candidate.stage == "trial":
            await self._watch(candidate, around)
        await self._take_up(around)

    async def _judge(self, desired: m.ShadowDesired, around: Surroundings) -> None:
        settings = plain(desired.settings)
        try:
            settings = normal(self._local, settings)
        except RemoteRefused as err:
            self._refuse("invalid")
            if await self._keep(records.refused(self._kept, desired.version, reasons_of(err))):
                self._changed = True
            return
        on_trial = self._kept.candidate
        before = on_trial.before if on_trial else around.health.baseline(around.missing())
        await self._keep(records.accepted(self._kept, desired.version, settings, before))

    async def _take_up(self, around: Surroundings) -> None:
        """Bring what is in force to what is wanted; only between two visits. In one step of the loop, so that no visit
        can begin in the middle of it."""
        candidate = self._kept.candidate
        version = candidate.version if candidate else self._good.version
        if version == self._in_force and not (candidate and candidate.stage == "accepted"):
            return
        if not around.idle():
            return
        wanted = plain(candidate.settings if candidate else self._good.settings)
        try:
            self._apply(wanted, around.appliers)
        except (RemoteRefused, NotApplied) as err:
            reasons = reasons_of(err) if isinstance(err, RemoteRefused) else (_not_applied(err),)
            if candidate is None:  # what had proved itself: tried again at the next look
                self._refuse("not_applied")
            else:
                await self._give_up(reasons, "refused")
            return
        self._in_force, self._changed = version, True
        log.warning("shadow: version %d is in force", version)
        if candidate is not None and self._kept.candidate == candidate:
            around.health.begin()
            self._trial_ends_s = time.monotonic() + self._pace.trial_s
            await self._keep(records.in_trial(self._kept))

    def _apply(self, wanted: dict[str, Any], appliers: Appliers) -> None:
        now, then = values(self.site), values(overlay(self._local, wanted))
        after = overlay(self._local, {**now, **{name: then[name] for name in LIVE}})
        apply(appliers, self.site, after, [name for name in LIVE if now[name] != then[name]])
        self.site = after
        self._origins |= {name: "remote" if name in wanted else "local" for name in LIVE}

    def _waits(self) -> list[str]:
        """What the next start would change."""
        candidate = self._kept.candidate
        if candidate is not None and candidate.stage == "accepted":
            return []  # nothing of it is in force yet
        wanted = plain(candidate.settings if candidate else self._good.settings)
        try:
            then = values(overlay(self._local, wanted))
        except RemoteRefused:  # no longer valid: said at the start
            return []
        now = values(self.site)
        return [name for name in RESTART if now[name] != then[name]]

    async def _watch(self, candidate: Candidate, around: Surroundings) -> None:
        if candidate.version != self._in_force:
            return
        now_s = time.monotonic()
        worse = around.health.worse(candidate.before, around.missing(), now_s)
        if worse:
            await self._give_up(worse, "rolled_back")
        elif now_s >= self._trial_ends_s:
            await self._prove()

    async def _give_up(self, reasons: tuple[ShadowReason, ...], state: Literal["refused", "rolled_back"]) -> None:
        log.error("shadow: version given up: %s", ", ".join(f"{one.why} {one.what}" for one in reasons))
        if await self._keep(records.rolled_back(self._kept, reasons, state)):
            self._changed = True

    async def _prove(self) -> None:
        if self._waits():
            self._changed |= await self._keep(records.waiting(self._kept))
            return
        kept, good = records.proved(self._kept)
        try:
            await self._write(GOOD, good)
        except OSError as err:
            self._unwritable(err)  # looked at again soon
            return
        self._good = good
        self._changed |= await self._keep(kept)

    async def _keep(self, kept: Kept) -> bool:
        """Put it on disk; False, and nothing has changed: it could not be."""
        before, self._kept = self._kept, kept  # first, so that whoever cancels this writes the newer one again
        try:
            await self._write(WANTED, kept)
        except OSError as err:
            self._kept = before
            self._unwritable(err)
            return False
        return True

    async def _write(self, name: str, record: msgspec.Struct) -> None:
        """Off the loop. Who cancels this waits for the disk: nothing may be written behind what is written next."""
        writing = asyncio.create_task(asyncio.to_thread(self._files.write, name, record), name="shadow-write")
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            await asyncio.wait({writing})
            raise

    def _unwritable(self, err: OSError) -> None:
        self.refused["disk"] += 1
        log.error("shadow: cannot be kept: %s", err.strerror)


def _not_applied(err: NotApplied) -> ShadowReason:
    return ShadowReason(why="not_applied", what=err.part)
