"""Numbers that are called, shown and said at this terminal: one after the other, each for its time, none twice.

Nothing is said over a conversation: the announcement waits for its end for a stated time, and is only shown then.
What comes late is shown and not said. What has been begun is said to its end, in both languages; whoever walks up
meanwhile sees their greeting at once and hears it after.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from config.schema import Calling
from contracts import messages as m
from contracts.announcements import announcement, delay
from contracts.screen import CalledView, Language
from kiosk.audio.playback import Playback, SpeechChunk
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Voice
from kiosk.ports import Clock, DeviceLost
from kiosk.runtime.buffer import Buffer

log = logging.getLogger(__name__)

WAITING_LIMIT: Final = 64  # announcements that have not had their time; a hall calls a few in a minute
REMEMBERED: Final = 256  # announcements by which a second copy is known
FURTHEST_S: Final = 120.0  # a time further ahead is another clock's: it is shown after this
LONGEST_SPEECH_S: Final = 20.0
POLL_S: Final = 0.2
RECENT_S: Final = 180.0  # so long 'called last' stands on the page


@dataclass(frozen=True, slots=True)
class Call:
    """One announcement, on the hub's clock."""

    number: str
    counter: str
    again: bool
    show_at: datetime
    show_s: float
    words: tuple[str, str] | None = None  # said instead of the number's own: of a delay, which has no number to show


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncerPorts:
    """What an announcement needs of the terminal. `playback` and `voice` are None where there is no loudspeaker."""

    voice: Callable[[], Voice | None]
    playback: Callable[[], Playback | None]
    floor: asyncio.Lock  # whoever speaks holds it
    conversing: Callable[[], bool]
    hub_now: Callable[[], datetime]
    changed: Callable[[], None]
    note: Callable[..., None]


class Announcer:
    """`now` is what is shown at this moment, `last` what was shown before; both may be None."""

    def __init__(self, told: Calling, ports: AnnouncerPorts, clock: Clock) -> None:
        self._told, self._ports, self._clock = told, ports, clock
        self._due: Buffer[Call] = Buffer(WAITING_LIMIT, "drop_oldest")
        self._known: OrderedDict[tuple[str, int, str, str], None] = OrderedDict()
        self._recent: tuple[int, CalledView] | None = None
        self._begun = 0
        self._late: frozenset[str] = frozenset()  # services whose delay was said
        self.now: CalledView | None = None
        self.tally: Counter[str] = Counter()

    # ------------------------------------------------------------ what comes
    def heard(self, called: m.NumberCalled) -> None:
        """The hub's word, as it came over the wire: a second copy of it is dropped and counted."""
        key = (called.day, called.order, called.number, called.counter)
        if key in self._known:
            self.tally["copies"] += 1
            return
        self._known[key] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        self._take(Call(called.number, called.counter, called.again, called.show_at, called.show_ms / 1000))

    def called_here(self, number: str, counter: str, again: bool) -> None:
        """Staff called it at this terminal while the hub is away."""
        self._take(Call(number, counter, again, self._ports.hub_now(), self._told.shows_s))

    def queue_moved(self, queue: m.TicketsState, names: Mapping[str, tuple[str, str]]) -> None:
        """Services that became slower than those in line were told are said once, until they have caught up.

        `names`: of the services, Chinese and English. Nothing is said of a service whose wait cannot be said.
        """
        late = {line.service: line.wait_min for line in queue.services if line.delayed}
        for service in late.keys() - self._late:
            wait, pair = late[service], names.get(service)
            if wait is not None and pair is not None:
                words = delay(pair, wait)
                self._take(Call("", "", False, self._ports.hub_now(), self._told.shows_s, words))
                self.tally["delays"] += 1
        self._late = frozenset(late)

    def _take(self, call: Call) -> None:
        before = self._due.tally_dropped
        self._due.offer(call)
        self.tally["dropped"] += self._due.tally_dropped - before

    @property
    def last(self) -> CalledView | None:
        """Called before, for a while."""
        if self._recent is None or (self._clock.now_ns() - self._recent[0]) / 1e9 > RECENT_S:
            return None
        return self._recent[1]

    def tallies(self) -> dict[str, int]:
        return {f"called.{name}": count for name, count in self.tally.items() if count}

    # ------------------------------------------------------------ one after the other
    async def run(self) -> None:
        """Show and say what comes, until cancelled."""
        async for call in self._due:
            await self._until(call)
            try:
                await self._present(call)
            except Exception as err:  # one that cannot be said must not silence those after it
                self.tally["failed"] += 1
                log.error("a called number was not announced: %s", type(err).__name__)

    def _age_s(self, call: Call) -> float:
        """Seconds since it should have been shown; negative: it is not time yet."""
        return (self._ports.hub_now() - call.show_at) / timedelta(seconds=1)

    def _is_late(self, call: Call) -> bool:
        return self._age_s(call) > self._told.late_s

    async def _until(self, call: Call) -> None:
        early_s = -self._age_s(call)
        if early_s > FURTHEST_S:
            self.tally["far_ahead"] += 1
        if early_s > 0:
            await self._clock.sleep(min(early_s, FURTHEST_S))

    async def _present(self, call: Call) -> None:
        """Show it for its time at least, and say it meanwhile if it may be said."""
        began_ns = self._clock.now_ns()
        view = CalledView(call.number, call.counter, call.again) if self._told.shows and call.number else None
        self.now = view
        self.tally["shown"] += view is not None
        self._ports.changed()
        try:
            if self._told.announces:
                await self._say(call)
            shown_s = (self._clock.now_ns() - began_ns) / 1e9
            # a backlog is worked off at the shortest time, so that the page catches up
            least_s = self._told.shows_s if self._age_s(call) > call.show_s else max(self._told.shows_s, call.show_s)
            await self._clock.sleep(max(0.0, least_s - shown_s))
        finally:
            self._recent = (self._clock.now_ns(), view) if view else self._recent if call.words else None
            self.now = None
            self._ports.changed()

    async def _say(self, call: Call) -> None:
        """Say it, or count why it is not said."""
        until_ns = self._clock.now_ns() + int(self._told.waits_s * 1e9)
        late = self._is_late(call)
        if not late and not await self._quiet(until_ns):
            self.tally["conversation"] += 1
            return
        if late or self._is_late(call):  # also by waiting
            self.tally["late"] += 1
            return
        voice = self._ports.voice()
        if voice is None or self._ports.playback() is None:
            self.tally["no_voice"] += 1
            return
        mandarin, english = call.words or announcement(call.number, call.counter, again=call.again)
        first = await self._made(voice, mandarin, "zh")
        # the second language is made while the first is heard; within a language there is no gap
        rest = asyncio.create_task(self._made(voice, english, "en"), name="announcement")
        try:
            outcome = await self._spoken(first, rest, until_ns)
        finally:
            rest.cancel()
            await asyncio.wait([rest])
        self.tally[outcome] += 1
        if outcome == "said":
            self._ports.note("announced", number=call.number, counter=call.counter)

    async def _made(self, voice: Voice, text: str, language: Language) -> list[SpeechChunk]:
        made = voice.speak(text, language, keep=False, manner=Manner(gain_db=self._told.gain_db), leisurely=True)
        return [chunk async for chunk in made]

    async def _spoken(self, first: list[SpeechChunk], rest: asyncio.Task[list[SpeechChunk]], until_ns: int) -> str:
        """Take the word and say it; what became of it."""
        if not await self._floor(until_ns):
            return "conversation"
        playback = self._ports.playback()
        self._begun += 1
        try:
            if playback is None:
                return "no_voice"
            async with asyncio.timeout(LONGEST_SPEECH_S):
                await playback.play(f"called{self._begun}", _both(first, rest), lambda progress: None, unbroken=True)
        except TimeoutError:
            log.warning("an announcement took too long and was cut")
            return "cut"
        except DeviceLost:
            return "no_voice"
        finally:
            self._ports.floor.release()
        return "said"

    async def _quiet(self, until_ns: int) -> bool:
        """Wait for the end of a conversation. False: it went on for too long."""
        waited = False
        while self._ports.conversing() or self._ports.floor.locked():
            if self._clock.now_ns() >= until_ns:
                return False
            self.tally["waited"] += not waited
            waited = True
            await self._clock.sleep(POLL_S)
        return True

    async def _floor(self, until_ns: int) -> bool:
        """Take the word. False: a conversation went on for too long; nothing is held then."""
        while await self._quiet(until_ns):
            await self._ports.floor.acquire()
            if not self._ports.conversing():
                return True
            self._ports.floor.release()
        return False


async def _both(first: list[SpeechChunk], rest: asyncio.Task[list[SpeechChunk]]) -> AsyncIterator[SpeechChunk]:
    for chunk in first:
        yield chunk
    for chunk in await rest:
        yield chunk
