"""One visitor's place in the line for a remote teller: asked for, kept alive, told, left.

What must not be lost (the asking, the leaving, a call-back, a message) goes through the outbox; that the visitor is
still there is said every few seconds and may be lost. Nothing of it is promised to the visitor before the hub said so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol

from contracts import video_messages as v
from contracts.video import OVER, VISITOR_THERE, CaseState, EndReason
from kiosk.ports import BusDown, Clock
from kiosk.sync.outbox import OutboxFull

log = logging.getLogger(__name__)

ANSWER_S: Final = 5.0  # the hub says where the visitor stands within this, or counts as away
AGAIN_S: Final = 20.0  # a place that got better is told no oftener than this
DISOWNED: Final = 8  # cases that were told as lost, so that each is told once
BEAT_S: Final = v.CASE_HEARD_EVERY_S


class CaseOps(Protocol):
    """Durable: on disk before anything is said."""

    async def case_op(self, body: v.CaseOperation) -> None:
        """Raises `OutboxFull`."""

    def post_case_op(self, body: v.CaseOperation) -> None:
        """To disk soon, in order; a full disk is counted and logged."""


SayHere = Callable[[str, v.Media], Awaitable[None]]


class TellerLine:
    """At most one case at a time. `changed` is called in the loop when the visitor should be told something new."""

    def __init__(
        self, ops: CaseOps, clock: Clock, *, reachable: Callable[[], bool], here: SayHere, changed: Callable[[], None]
    ) -> None:
        self._ops, self._clock = ops, clock
        self._reachable, self._here, self._changed = reachable, here, changed
        self._answered = asyncio.Event()
        self._told_ns = 0
        self._told: tuple[object, ...] = ()
        self._disowned: deque[str] = deque(maxlen=DISOWNED)
        self.case = ""
        self.standing: v.CaseStanding | None = None
        self.media: v.Media = "none"
        self._media_changed = asyncio.Event()
        self.tally: Counter[str] = Counter()

    async def ask(self, asked: v.TellerAsked) -> v.CaseStanding | None:
        """Ask for a teller; where the visitor stands then. None: the hub is away, and nothing is left behind there.

        Raises `OutboxFull`.
        """
        if not self._reachable():
            self.tally["away"] += 1
            return None
        self.forget()
        self.case, self.standing, self.media = asked.case, None, "none"
        self._answered.clear()
        await self._ops.case_op(asked)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                await self._answered.wait()
        if self.standing is None:
            self.tally["no answer"] += 1
            await self.leave("lost")
            return None
        self.tally["asked"] += 1
        return self.looked()

    def looked(self) -> v.CaseStanding | None:
        """Where the visitor stands, as it is told now: only what is newer than this is news."""
        if self.standing is not None:
            self._told, self._told_ns = _gist(self.standing), self._clock.now_ns()
        return self.standing

    def hears(self, standing: v.CaseStanding) -> None:
        """The hub said where a case stands. Of other cases, and older than what is known, nothing is taken."""
        known = self.standing
        if standing.case != self.case:
            self._disown(standing)
        if standing.case != self.case or (
            known is not None and known.store == standing.store and standing.revision < known.revision
        ):
            self.tally["not ours"] += 1
            return
        self.standing = standing
        self._answered.set()
        if not self._told:
            return  # whoever asks is waiting for it
        gist = _gist(standing)
        if gist == self._told:
            return
        same_state = gist[:2] == self._told[:2]
        if same_state and self._clock.now_ns() - self._told_ns < AGAIN_S * 1e9:
            return
        self._changed()

    def _disown(self, standing: v.CaseStanding) -> None:
        """The hub still has a case of this terminal that nobody here knows: it is from before a core that was killed.

        The teller and the line need not wait until it is missed: it is told as lost, once.
        """
        if standing.state in VISITOR_THERE and standing.case not in self._disowned:
            self._disowned.append(standing.case)
            self.tally["disowned"] += 1
            self._ops.post_case_op(v.CaseLeft(case=standing.case, why="lost"))

    async def leave(self, why: EndReason) -> None:
        """The visitor goes another way. Raises `OutboxFull`."""
        case, over = self.case, self.is_over
        self._drop()
        if case and not over:
            await self._ops.case_op(v.CaseLeft(case=case, why=why))

    def forget(self) -> None:
        """The visit is over: whoever waited, left."""
        case, over = self.case, self.is_over
        self._drop()
        if case and not over:
            self._ops.post_case_op(v.CaseLeft(case=case, why="left"))

    def settled(self) -> None:
        """The case is over by an operation that says so itself (a call-back, a message)."""
        self._drop()

    @property
    def is_over(self) -> bool:
        """Whether the hub has ended the case."""
        return self.standing is not None and self.standing.state in OVER

    @property
    def is_pressing(self) -> bool:
        """Whether the visitor must hear it whatever is talked about: a teller comes, is there, or is gone."""
        return self.standing is not None and self.standing.state not in (CaseState.WAITING, CaseState.OFFERED)

    def tells_media(self, media: v.Media) -> None:
        """How the call is, from whoever carries it: the hub hears it at once, and with every beat."""
        if media != self.media:
            self.media = media
            self._media_changed.set()

    async def run(self) -> None:
        """Say that the visitor is still there, until cancelled."""
        while True:
            await self._beat()
            if self.case and not self.is_over and self._reachable():
                with suppress(BusDown):
                    await self._here(self.case, self.media)

    async def _beat(self) -> None:
        """Return when it is time to say something again, or there is something to say."""
        works = {
            asyncio.create_task(self._clock.sleep(BEAT_S), name="beat"),
            asyncio.create_task(self._media_changed.wait(), name="media"),
        }
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._media_changed.clear()
            for work in works:
                work.cancel()

    async def say_later(self, body: v.CallBackAsked | v.MessageLeft) -> bool:
        """Keep a wish for later on disk; False: there is no room."""
        try:
            await self._ops.case_op(body)
        except OutboxFull:
            log.error("outbox full: a wish for a teller was not kept")
            return False
        self.settled()
        return True

    def _drop(self) -> None:
        self.case, self.standing, self._told = "", None, ()


def _gist(standing: v.CaseStanding) -> tuple[object, ...]:
    """What of it a visitor would want to hear."""
    return standing.state, standing.outcome, standing.ahead
