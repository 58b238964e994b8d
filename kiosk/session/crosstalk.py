"""Two people speak at once, or one goes on who seemed to have finished: what is kept, held, weighed and resumed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Final, Protocol

import numpy as np

from contracts.screen import Mode
from kiosk.events import MIC_RATE_HZ, BargeInConfirmed, FalseAlarm, Pcm, SpeechSoFar, TurnId, UtteranceEnded
from kiosk.ports import Clock
from kiosk.session.ahead import Foreseen
from kiosk.session.turns import Turns
from kiosk.session.visit import Visit

LONGEST_SAMPLES: Final = 28 * MIC_RATE_HZ  # of one utterance with what was kept: the recogniser's window is 30 s
CONTINUES_NS: Final = 1_800_000_000  # who speaks again so soon after the end that was decided had not finished
HELD_S: Final = 40.0  # longer than the longest utterance and its recognition: then she goes on whatever happened
_NOTHING: Final = np.zeros(0, np.int16)


class Ears(Protocol):
    """The ears, as far as the session tells them how to listen."""

    @property
    def in_speech(self) -> bool:
        """Somebody is speaking just now."""

    def profile(self, profile: Mode) -> None: ...

    def went_on_after(self, pause_ms: float) -> None: ...

    def drop(self, voice_ns: int) -> bool:
        """Forget the voice whose last sample was at `voice_ns`; False: it went on meanwhile."""


class CrossTalk:
    """Private: holds the last utterance's sound until the next one or the end of the visit."""

    def __init__(self, clock: Clock, tell: Callable[[FalseAlarm], None]) -> None:
        self._clock = clock
        self._tell = tell
        self.ears: Ears | None = None
        self.kept: Pcm = _NOTHING
        self._utterance: UtteranceEnded | None = None
        self._weighing: asyncio.Task[None] | None = None
        self._held: asyncio.Task[None] | None = None

    @property
    def remembers(self) -> bool:
        return self._utterance is not None or len(self.kept) > 0

    # ------------------------------------------------------------ one who goes on
    def took(self, heard: UtteranceEnded) -> None:
        """This utterance is being answered."""
        self.drop_kept()
        self._utterance = heard

    def goes_on(self, begun_ns: int) -> None:
        """They had not finished: what they said belongs to what comes, and their pauses are longer than thought."""
        if self._weighing:
            self._weighing.cancel()
            self._weighing = None
        before = self._utterance
        if before is None or before.capped:
            return
        self.kept = before.pcm
        if self.ears:
            self.ears.went_on_after((begun_ns - before.end_ns) / 1e6)

    def talks_on(self, begun_ns: int) -> bool:
        """The cap cut off who never paused and still speaks: what was said until then is answered nevertheless."""
        before = self._utterance
        return before is not None and before.capped and begun_ns - before.end_ns < CONTINUES_NS

    def joined(self, heard: UtteranceEnded) -> UtteranceEnded:
        """With what was kept from before, if the visitor was cut off and went on."""
        kept = len(self.kept) if len(self.kept) + len(heard.pcm) <= LONGEST_SAMPLES else 0
        return replace(heard, pcm=np.concatenate((self.kept, heard.pcm)), kept=kept) if kept else heard

    def drop_kept(self) -> None:
        self.kept = _NOTHING

    # ------------------------------------------------------------ one who speaks over her
    def hold(self, event: BargeInConfirmed, turn: TurnId, turns: Turns | None) -> None:
        """Silence her; her sentence is not given up."""
        if turns and turns.playback:
            turns.playback.hold()
        if self._utterance and event.start_ns - self._utterance.end_ns < CONTINUES_NS:
            self.goes_on(event.start_ns)
        self._held = asyncio.create_task(self._after_hold(turn), name="held")

    async def _after_hold(self, turn: TurnId) -> None:
        """Nobody may be left in silence: a microphone that went away ends no utterance."""
        await self._clock.sleep(HELD_S)
        self._tell(FalseAlarm(turn))

    def was_nod(self, turns: Turns | None, visit: Visit, so_far: SpeechSoFar, known: Foreseen, *, hasty: bool) -> bool:
        """Whether what silenced her is over and was but 'mm-hm'; then the ears have forgotten it."""
        if turns is None or self.ears is None or len(self.kept):
            return False
        lasted_ns = so_far.voice_ns - so_far.start_ns
        return turns.only_nods(visit, lasted_ns, known, hasty=hasty) and self.ears.drop(so_far.voice_ns)

    def weigh(self, heard: UtteranceEnded, work: Coroutine[None, None, None], *, keep: bool = True) -> None:
        """Find out whether what was said over her was for us. `keep`: who goes on begins with it."""
        if self._weighing:
            self._weighing.cancel()
        if keep:
            self._utterance = heard
        self._weighing = asyncio.create_task(work, name="weigh")

    def resume(self, turns: Turns | None) -> None:
        """It was not: she goes on."""
        self.let_go()
        self.drop_kept()
        if turns and turns.playback:
            turns.playback.resume()

    def let_go(self) -> None:
        """Stop weighing and holding; what was found is of no use any more."""
        for task in (self._weighing, self._held):
            if task:
                task.cancel()
        self._weighing = self._held = None

    def forget(self) -> None:
        """The visit is over."""
        self.let_go()
        self.drop_kept()
        self._utterance = None


class BesideAnnouncement:
    """While nobody is served: what is heard beside a called number is weighed before it begins a visit.

    Her own voice comes back from the hall; somebody who speaks to her at that moment is heard all the same.
    """

    def __init__(self, tell: Callable[[UtteranceEnded], None]) -> None:
        self._tell = tell
        self._weighing: asyncio.Task[None] | None = None
        self._wish: UtteranceEnded | None = None  # was weighed, and is somebody's
        self.tally: Counter[str] = Counter()

    def holds_back(self, heard: UtteranceEnded, turns: Turns | None) -> bool:
        """Whether it may not begin a visit now; if it is somebody's wish it is told again, once."""
        wish, self._wish = self._wish, None
        if heard is wish or turns is None or not turns.near_her_words(heard):
            return False
        if self._weighing and not self._weighing.done():
            self.tally["dropped"] += 1
        else:
            self._weighing = asyncio.create_task(self._weigh(turns, heard), name="beside-announcement")
        return True

    async def _weigh(self, turns: Turns, heard: UtteranceEnded) -> None:
        if not await turns.begins_a_visit(heard):
            self.tally["not_for_us"] += 1
            return
        self._wish = heard
        self._tell(heard)

    def stop(self) -> None:
        """The terminal stops."""
        if self._weighing:
            self._weighing.cancel()
