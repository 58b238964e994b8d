"""Makes clauses sound: one at a time on the model's thread, what a visitor waits for before what may wait.

What is wanted now never waits for more than the one clause that is being made. What was made ahead for this visit is
kept in memory only, a few clauses, and forgotten with the visit.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Protocol

from contracts.screen import Language
from kiosk.dialogue.speech_cache import FORMAT, Sound, VoiceCache
from kiosk.events import Pcm
from kiosk.runtime.worker import ModelThread

FORESEEN: Final = 4  # clauses made ahead that are kept
MEASURED: Final = 31  # renderings that the prediction remembers
# A clause of one word takes as long as if it had so many characters more: the network makes silence around it too.
AROUND: Final[dict[Language, int]] = {"zh": 7, "en": 20}
# Seconds a character until this machine's own are known: Kokoro, 8 bits with VNNI, two threads of a shared machine.
USUAL_S: Final[dict[Language, float]] = {"zh": 0.045, "en": 0.019}
# How long a character sounds, without the pause at a clause's end.
SOUNDS_S: Final[dict[Language, float]] = {"zh": 0.21, "en": 0.07}
GAUGE: Final[dict[Language, str]] = {"zh": "您好，请稍等。", "en": "Hello, one moment."}
_STOPS: Final = frozenset("，。！？；：、,.!?;:…—")


class Phone(Protocol):
    """One phoneme over samples `[start, end)`."""

    @property
    def symbol(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Spoken(Protocol):
    """(n,) int16 at 24 kHz and its phonemes."""

    @property
    def pcm(self) -> Pcm: ...
    @property
    def phones(self) -> Sequence[Phone]: ...


class Synthesiser(Protocol):
    def synthesise(self, text: str, language: Language, voice: str, speed: float = 1.0) -> Spoken: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A clause in a voice. The key of the cache holds everything that changes its sound."""

    text: str = field(repr=False)
    language: Language
    voice: str
    speed: float
    identity: str  # of the synthesiser's files: another model makes another sound

    @property
    def key(self) -> str:
        return "\n".join((FORMAT, self.identity, self.voice, f"{self.speed:.2f}", self.language, self.text))

    @property
    def length(self) -> float:
        """Characters that sound, at the usual speed."""
        return max(1, sum(character.isalnum() for character in self.text)) / self.speed

    @property
    def work(self) -> float:
        """What it takes to make it, in characters of a long clause."""
        return AROUND[self.language] + self.length

    @property
    def sounds_s(self) -> float:
        """How long it will probably sound."""
        return self.length * SOUNDS_S[self.language]


def make(synthesiser: Synthesiser, wanted: Wanted) -> Sound:
    """Render. A clause cut before a number has no stop of its own; with a comma the voice does not fall."""
    text = wanted.text
    if text and text[-1] not in _STOPS:
        text += "，" if wanted.language == "zh" else ","
    spoken = synthesiser.synthesise(text, wanted.language, wanted.voice, wanted.speed)
    return Sound(spoken.pcm, tuple((p.symbol, p.start, p.end) for p in spoken.phones))


class Renderer:
    """One synthesiser on its thread, before it the cache. Use it from one event loop."""

    def __init__(
        self,
        synthesiser: Synthesiser | None,  # None: nothing but what is in the cache can be said
        thread: ModelThread,
        cache: VoiceCache,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._synthesiser = synthesiser
        self._thread = thread
        self._cache = cache
        self._now_s = now_s
        self._rates_s: dict[Language, deque[float]] = defaultdict(lambda: deque(maxlen=MEASURED))
        self._foreseen: OrderedDict[str, Sound] = OrderedDict()
        self._coming: dict[str, asyncio.Future[None]] = {}
        self._ahead = asyncio.Lock()  # what may wait is made one at a time
        self._urgent = 0  # clauses that a visitor waits for
        self._visit = 0
        self._idle_at_s = 0.0  # when the clause in progress will probably be done
        self.tally_foreseen = 0  # made ahead and then spoken

    # ------------------------------------------------------------ how long it would take
    def ready(self, wanted: Wanted) -> bool:
        return wanted.key in self._foreseen or self._cache.has(wanted.key)

    def wait_s(self, wanted: Wanted) -> float:
        """Predicted seconds until this clause is there; 0 if it is."""
        if self.ready(wanted):
            return 0.0
        left_s = max(0.0, self._idle_at_s - self._now_s())
        return left_s if wanted.key in self._coming else left_s + self.expected_s(wanted)

    def expected_s(self, wanted: Wanted) -> float:
        """Predicted seconds of rendering alone, from the median of this machine's own renderings."""
        measured = self._rates_s[wanted.language]
        return wanted.work * (median(measured) if measured else USUAL_S[wanted.language])

    # ------------------------------------------------------------ now
    async def get(self, wanted: Wanted, *, keep: bool) -> tuple[Sound, bool]:
        """The clause's sound, and whether it was there without waiting. `keep`: it may go to the cache.

        Raises LookupError where it has to be made and there is no synthesiser.
        """
        self._urgent += 1
        try:
            if coming := self._coming.get(wanted.key):
                await asyncio.shield(coming)
            if held := self._foreseen.get(wanted.key):
                self.tally_foreseen += 1
                return held, coming is None
            if self._cache.has(wanted.key) and (held := await asyncio.to_thread(self._cache.load, wanted.key)):
                return held, coming is None
            return await self._made(wanted, keep=keep), False
        finally:
            self._urgent -= 1

    async def _made(self, wanted: Wanted, *, keep: bool) -> Sound:
        if self._synthesiser is None:
            raise LookupError("this clause was not rendered, and there is no synthesiser")
        began_s = max(self._now_s(), self._idle_at_s)
        self._idle_at_s = began_s + self.expected_s(wanted)
        sound, took_s = await self._thread.call(self._timed, self._synthesiser, wanted)
        self._idle_at_s = self._now_s()
        if len(sound.pcm):
            self._rates_s[wanted.language].append(took_s / wanted.work)
        if keep:
            await asyncio.to_thread(self._cache.store, wanted.key, sound)
        return sound

    def _timed(self, synthesiser: Synthesiser, wanted: Wanted) -> tuple[Sound, float]:
        began_s = self._now_s()
        sound = make(synthesiser, wanted)
        return sound, self._now_s() - began_s

    async def gauge(self, like: Wanted) -> None:
        """See how long this machine takes in the language of `like`, if nobody waits; the sound is thrown away.

        Twice: the first run of a network takes longer than any other.
        """
        if self._synthesiser is None:
            return
        for _ in range(2):
            async with self._ahead:
                if self._urgent:
                    return
                _, took_s = await self._thread.call(self._timed, self._synthesiser, like)
        self._rates_s[like.language].append(took_s / like.work)

    # ------------------------------------------------------------ ahead
    async def foresee(self, wanted: Wanted, *, keep: bool) -> bool:
        """Make a clause that will probably be wanted, if nothing is wanted now. Whether it is there afterwards."""
        if not self.ready(wanted) and wanted.key not in self._coming:
            await self._make_ahead(wanted, keep=keep)
        return self.ready(wanted)

    async def _make_ahead(self, wanted: Wanted, *, keep: bool) -> None:
        visit = self._visit
        async with self._ahead:
            if self._urgent or visit != self._visit or self.ready(wanted):
                return
            done = self._coming[wanted.key] = asyncio.get_running_loop().create_future()
            try:
                sound = await self._made(wanted, keep=keep)
                if not keep and visit == self._visit:
                    self._foreseen[wanted.key] = sound
                    while len(self._foreseen) > FORESEEN:
                        self._foreseen.popitem(last=False)
            finally:
                del self._coming[wanted.key]
                if not done.done():
                    done.set_result(None)

    def forget(self) -> None:
        """The visit is over: what was made ahead for it is gone, and what is being made will not be kept."""
        self._visit += 1
        self._foreseen.clear()

    def prepare(self, wanted: Wanted) -> None:
        """Render into the cache. Blocking. Raises LookupError without a synthesiser."""
        if self._synthesiser is None:
            raise LookupError("there is no synthesiser")
        self._cache.store(wanted.key, make(self._synthesiser, wanted))
