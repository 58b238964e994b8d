"""The receptionist's voice: an answer becomes clauses of sound and mouth shapes, each made while the one before plays.

What was said before comes from the cache, which holds her own fixed and approved sentences only: a sentence that
carries something of the visitor (an amount, a ticket number) is made anew each time and is not kept. An answer that
would begin too late, or stand still in its middle, is spoken by the small voice, all of it, so that nobody's voice
changes within a sentence; where that voice has no sounds for it, a word like 'one moment' comes first.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np

from contracts.screen import Language
from contracts.speech import VisemeSpan
from kiosk.audio.playback import SpeechChunk
from kiosk.dialogue.clauses import clauses, opening
from kiosk.dialogue.manner import Manner, louder
from kiosk.dialogue.rendering import FORESEEN, GAUGE, Phone, Renderer, Spoken, Synthesiser, Wanted, make
from kiosk.dialogue.speech_cache import Sound, VoiceCache
from kiosk.events import SPEECH_RATE_HZ
from kiosk.runtime.worker import ModelThread

__all__ = ["Character", "Phone", "SmallVoice", "Spoken", "Synthesiser", "Voice", "VoiceCache", "Waits"]

GAP_SAMPLES: Final = {"zh": SPEECH_RATE_HZ * 16 // 100, "en": SPEECH_RATE_HZ * 18 // 100}
BREATH_SAMPLES: Final = SPEECH_RATE_HZ * 4 // 100  # before a number, where no mark stands
ONSET_SAMPLES: Final = SPEECH_RATE_HZ * 20 // 1000  # a word is taken up so much before its first phone, in the pause
AHEAD: Final = 2  # clauses that are ready while one plays; one more is being made
_STOPS: Final = frozenset("，。！？；：、,.!?;:…—")

Mouth = Callable[[Sequence[tuple[str, int, int]], int], tuple[VisemeSpan, ...]]


class SmallVoice(Synthesiser, Protocol):
    """A quicker, less fine synthesiser that stands in for some voices."""

    @property
    def voices(self) -> tuple[str, ...]: ...

    def can_say(self, text: str, language: Language) -> bool: ...


@dataclass(frozen=True, slots=True)
class Character:
    """How she sounds: a voice for each language, and her pace."""

    zh: str
    en: str
    speed: float = 1.0
    identity: str = ""  # of the synthesiser's files: another model makes another cache


@dataclass(frozen=True, slots=True)
class Waits:
    """Predicted seconds of waiting from which something is done about it; `silence_s`: between two clauses."""

    small_s: float = 0.7
    silence_s: float = 1.0
    filler_s: float = 0.8


@dataclass(frozen=True, slots=True)
class Quick:
    """The small voice on its own thread, so that it never waits for the other; `identity`: of its files."""

    synthesiser: SmallVoice
    thread: ModelThread
    identity: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    """A clause with its sound; `more`: another follows."""

    part: Wanted
    sound: Sound
    more: bool
    was_there: bool


class Voice:
    """Speaks answers. Tallies count utterances spoken by the small voice, and fillers."""

    def __init__(
        self,
        synthesiser: Synthesiser | None,  # None: nothing but what is in the cache can be said
        thread: ModelThread,
        mouth: Mouth,
        cache: VoiceCache,
        character: Character,
        *,
        quick: Quick | None = None,
        fillers: Sequence[tuple[str, Language]] = (),
        waits: Waits | None = None,
    ) -> None:
        self._renderer = Renderer(synthesiser, thread, cache)
        self._mouth = mouth
        self._cache = cache
        self._character = character
        self._quick = quick if quick and character.zh in quick.synthesiser.voices else None
        self._fillers = tuple(fillers)
        self._waits = waits or Waits()
        self._filled_last = False
        self._small_ahead: OrderedDict[str, Sound] = OrderedDict()  # of this visit
        self._visit = 0
        self.tally_small = 0
        self.tally_fillers = 0

    # ------------------------------------------------------------ speaking
    async def speak(
        self,
        text: str,
        language: Language,
        *,
        keep: bool,
        manner: Manner | None = None,
        leisurely: bool = False,
    ) -> AsyncIterator[SpeechChunk]:
        """Yield the answer clause by clause. `keep`: nothing of the visitor is in it, so it may be cached.

        `leisurely`: nobody waits for it, so it is spoken in her own voice and nothing is said before it.

        Closing the iterator ends the making of the next clause, or leaves the one in progress unused.
        """
        manner = manner or Manner()
        parts = self._parts(text, language, manner)
        if not parts:
            return
        small = not leisurely and await self._takes_small(text, parts)
        filler = None if small or leisurely else self._filler(parts[0], manner)
        self._filled_last = filler is not None
        self.tally_small += small
        self.tally_fillers += filler is not None
        if small:
            parts = [self._wanted(clause, language, manner) for clause in clauses(text, language)]
        ready: asyncio.Queue[_Made] = asyncio.Queue(maxsize=AHEAD)
        making = asyncio.create_task(self._make_all(parts, ready, keep=keep, small=small), name="speech-making")
        try:
            if filler:
                sound, _ = await self._renderer.get(filler, keep=True)
                yield self._chunk(_Made(filler, sound, more=True, was_there=True), manner, filler=True)
            while made := await _next(ready, making):
                yield self._chunk(made, manner)
        finally:
            making.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([making])

    async def _make_all(self, parts: Sequence[Wanted], ready: asyncio.Queue[_Made], *, keep: bool, small: bool) -> None:
        """Make the clauses in order, some ahead of the one that plays."""
        pending = deque(parts)
        began_s, sound_s = 0.0, 0.0
        while pending:
            # what could not be made before the sound so far has ended is begun with its first phrase
            left_s = max(0.0, sound_s - (time.monotonic() - began_s))
            if sound_s and not small and self._renderer.wait_s(pending[0]) > left_s:
                pending.extendleft(reversed(self._opened(pending.popleft())))
            part = pending.popleft()
            sound, was_there = await self._made(part, keep=keep, small=small)
            began_s = began_s if sound_s else time.monotonic()
            sound_s += len(sound.pcm) / SPEECH_RATE_HZ
            await ready.put(_Made(part, sound, more=bool(pending), was_there=was_there))

    def _parts(self, text: str, language: Language, manner: Manner) -> list[Wanted]:
        """The clauses; the first in parts where it has to be made."""
        whole = [self._wanted(clause, language, manner) for clause in clauses(text, language)]
        if not whole or self._renderer.wait_s(whole[0]) == 0.0:
            return whole
        return [*self._opened(whole[0]), *whole[1:]]

    def _opened(self, clause: Wanted) -> list[Wanted]:
        return [replace(clause, text=part) for part in opening(clause.text, clause.language)]

    async def _made(self, part: Wanted, *, keep: bool, small: bool) -> tuple[Sound, bool]:
        if small and self._quick:
            return await self._made_small(self._quick, part)
        return await self._renderer.get(part, keep=keep)

    async def _made_small(self, quick: Quick, part: Wanted) -> tuple[Sound, bool]:
        """By the small voice. What is kept of her own is a fixed sentence, so this voice's sound of it is kept too."""
        key = _small(quick, part).key
        if ahead := self._small_ahead.get(key):
            return ahead, True
        if self._cache.has(key) and (held := await asyncio.to_thread(self._cache.load, key)):
            return held, True
        sound = await quick.thread.call(make, quick.synthesiser, part)
        if self._cache.has(part.key):
            await asyncio.to_thread(self._cache.store, key, sound)
        return sound, False

    async def _takes_small(self, text: str, parts: Sequence[Wanted]) -> bool:
        """Whether the small voice should speak: a wait is too long, and it can say all of `text`."""
        if self._quick is None:
            return False
        too_late = self._renderer.wait_s(parts[0]) > self._waits.small_s
        if not too_late and self._silence_s(parts) <= self._waits.silence_s:
            return False
        return await self._quick.thread.call(self._quick.synthesiser.can_say, text, parts[0].language)

    def _silence_s(self, parts: Sequence[Wanted]) -> float:
        """The longest that she would probably be silent between two clauses, made as `_make_all` makes them."""
        pending = deque(parts)
        made_s = self._renderer.wait_s(pending[0])
        heard_s = made_s + pending.popleft().sounds_s  # the sound so far ends then
        longest_s = 0.0
        while pending:
            if not self._renderer.ready(pending[0]) and made_s + self._renderer.expected_s(pending[0]) > heard_s:
                pending.extendleft(reversed(self._opened(pending.popleft())))
            part = pending.popleft()
            made_s += 0.0 if self._renderer.ready(part) else self._renderer.expected_s(part)
            longest_s = max(longest_s, made_s - heard_s)
            heard_s = max(heard_s, made_s) + part.sounds_s
        return longest_s

    def _filler(self, first: Wanted, manner: Manner) -> Wanted | None:
        """A rendered 'one moment', if the wait is long and the answer before this had none."""
        if self._filled_last or self._renderer.wait_s(first) <= self._waits.filler_s:
            return None
        said = [self._wanted(text, language, manner) for text, language in self._fillers if language == first.language]
        rendered = [wanted for wanted in said if self._renderer.ready(wanted)]
        return rendered[self.tally_fillers % len(rendered)] if rendered else None

    def _wanted(self, text: str, language: Language, manner: Manner | None = None) -> Wanted:
        who = self._character.zh if language == "zh" else self._character.en
        speed = self._character.speed * (manner.speed if manner else 1.0)
        return Wanted(text, language, who, round(speed, 2), self._character.identity)

    def _chunk(self, made: _Made, manner: Manner, *, filler: bool = False) -> SpeechChunk:
        gap = GAP_SAMPLES[made.part.language] if made.part.text[-1] in _STOPS else BREATH_SAMPLES
        pcm = louder(made.sound.pcm, manner.gain_db)
        return SpeechChunk(
            text=made.part.text,
            pcm=np.concatenate((pcm, np.zeros(gap if made.more else 0, np.int16))),
            visemes=self._mouth(made.sound.phones, SPEECH_RATE_HZ),
            cached=made.was_there,
            filler=filler,
            word_starts=word_starts(made.sound.phones),
        )

    # ------------------------------------------------------------ ahead of time
    def predicted_wait_s(self, text: str, language: Language, manner: Manner | None = None) -> float:
        """Seconds until the first sound of `text` in her own voice; 0 if it is there."""
        parts = self._parts(text, language, manner or Manner())
        return self._renderer.wait_s(parts[0]) if parts else 0.0

    async def foresee(self, text: str, language: Language, *, keep: bool, manner: Manner | None = None) -> None:
        """Make the first clause of an answer that is probably coming; it is forgotten with the visit.

        Only while nothing is spoken that has to be made: it never delays that by more than one clause.
        """
        manner = manner or Manner()
        whole = clauses(text, language)
        if not whole:
            return
        if self._quick and await self._takes_small(text, self._parts(text, language, manner)):
            first, visit = self._wanted(whole[0], language, manner), self._visit
            sound, _ = await self._made_small(self._quick, first)
            if visit != self._visit:  # it was for somebody who is gone
                return
            self._small_ahead[_small(self._quick, first).key] = sound
            while len(self._small_ahead) > FORESEEN:
                self._small_ahead.popitem(last=False)
            return
        parts = self._parts(whole[0], language, manner)
        if missing := next((part for part in parts if not self._renderer.ready(part)), None):
            await self._renderer.foresee(missing, keep=keep)

    async def gauge(self) -> None:
        """See how long this machine takes for a short clause of either language, as long as nobody waits for speech."""
        for language, text in GAUGE.items():
            await self._renderer.gauge(self._wanted(text, language))

    def forget(self) -> None:
        """The visit is over."""
        self._renderer.forget()
        self._small_ahead.clear()
        self._visit += 1
        self._filled_last = False

    async def fill(
        self, wanted: Iterable[tuple[str, Language]], idle: Callable[[], bool], manner: Manner | None = None
    ) -> int:
        """Render missing fixed clauses into the cache, one at a time, as long as `idle()` holds. How many it made.

        Call it again when it is quiet once more; it ends at the first clause that cannot be made now.
        """
        made = 0
        for text, language in self.missing(wanted, manner):
            if not idle() or not await self._renderer.foresee(self._wanted(text, language, manner), keep=True):
                break
            made += 1
        return made

    async def fill_small(self, wanted: Iterable[tuple[str, Language]], idle: Callable[[], bool]) -> int:
        """The same for the small voice, in the usual manner; it takes a sixth of the time."""
        made = 0
        if (quick := self._quick) is None:
            return made
        for text, language in self.missing_small(wanted):
            if not idle():
                break
            await quick.thread.call(self.prepare_small, text, language)
            made += 1
        return made

    def missing(
        self, wanted: Iterable[tuple[str, Language]], manner: Manner | None = None
    ) -> list[tuple[str, Language]]:
        """Those of these clauses that are not rendered yet."""
        return [
            (text, language)
            for text, language in wanted
            if not self._cache.has(self._wanted(text, language, manner).key)
        ]

    def missing_small(self, wanted: Iterable[tuple[str, Language]]) -> list[tuple[str, Language]]:
        """Those of these clauses that the small voice can say and that are not rendered by it yet."""
        if (quick := self._quick) is None:
            return []
        return [
            (text, language)
            for text, language in wanted
            if not self._cache.has(_small(quick, self._wanted(text, language)).key)
            and quick.synthesiser.can_say(text, language)
        ]

    def prepare_small(self, clause: str, language: Language) -> None:
        """Render one clause into the cache by the small voice. Blocking. Raises LookupError where there is none."""
        if self._quick is None:
            raise LookupError("there is no small voice")
        part = self._wanted(clause, language)
        self._cache.store(_small(self._quick, part).key, make(self._quick.synthesiser, part))

    def prepare(self, clause: str, language: Language, manner: Manner | None = None) -> None:
        """Render one clause into the cache. Blocking."""
        self._renderer.prepare(self._wanted(clause, language, manner))


def _small(quick: Quick, part: Wanted) -> Wanted:
    """The same clause as the small voice's, for the cache."""
    return replace(part, identity=f"small {quick.identity}")


async def _next(ready: asyncio.Queue[_Made], making: asyncio.Task[None]) -> _Made | None:
    """The next clause; None after the last. Raises what the making raised."""
    if ready.empty() and not making.done():
        getting = asyncio.ensure_future(ready.get())
        try:
            await asyncio.wait({getting, making}, return_when=asyncio.FIRST_COMPLETED)
            if getting.done():
                return getting.result()
        finally:
            getting.cancel()
    if not ready.empty():
        return ready.get_nowait()
    making.result()
    return None


def word_starts(phones: Sequence[tuple[str, int, int]]) -> tuple[int, ...]:
    """Samples where words begin: after a pause or the space that both alphabets have between words."""
    starts: list[int] = []
    pause_at: int | None = 0  # where the pause before the next word began
    for symbol, start, end in phones:
        if symbol == " " or symbol in _STOPS:
            pause_at = start if pause_at is None else pause_at
        elif pause_at is not None and end > start:
            starts.append(max(pause_at, start - ONSET_SAMPLES))
            pause_at = None
    return tuple(starts)
