"""What was said so far is recognised while the visitor may still go on: when they have finished, the words are there.

Two uses: captions that grow while somebody speaks, and, at every pause, the words, their meaning, and whether it was
a whole sentence. Nothing here acts; the turn does, once the end is decided.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np

from kiosk.audio.pauses import Standing
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.dialogue.standing import Endings, standing
from kiosk.dialogue.syllables import syllables
from kiosk.events import MIC_RATE_HZ, Pcm, SpeechSoFar, UtteranceEnded
from kiosk.session.visit import Visit

CAPTION_SAMPLES: Final = 8 * MIC_RATE_HZ  # of long speech the end is shown: looking at all of it costs ever more
NOD_MOST_NS: Final = 1_200_000_000  # of sound; what is longer is recognised with all care at once
UNWANTED: Final = "unwanted"  # the recogniser's word for what it gave up
Key = tuple[int, int, int]  # start and last voice of the utterance, samples kept from before it


class Recogniser(Protocol):
    async def recognise(
        self, pcm: Pcm, *, hasty: bool = False, again: bool = False, wanted: Callable[[], bool] | None = None
    ) -> Words:
        """`hasty`: words that it does not believe itself are not looked at a second time; `again`: they are now,
        without the first time. Where `wanted` says no, it is given up: RecognitionError 'unwanted'."""

    async def glance(self, pcm: Pcm, *, wanted: Callable[[], bool] | None = None) -> Words:
        """Quicker and less sure: for captions."""

    def expect(self, words: Sequence[str]) -> None:
        """What would answer the question that is open now."""


class Understanding(Protocol):
    async def understand(self, words: Words) -> Meaning: ...


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What is known of an utterance before its end was decided."""

    words: Words
    meaning: Meaning


class LetsGo(Protocol):
    """Lets her go on if she was silenced by a nod, and says whether. `hasty`: it is known from a first look only."""

    def __call__(self, so_far: SpeechSoFar, known: Foreseen, *, hasty: bool) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AheadPorts:
    """What looking ahead calls outside itself."""

    stands: Callable[[int, Standing, int], None]  # to the endpointer, with the syllables said
    captioned: Callable[[Visit, Words], None]
    answers: Callable[[Visit, Meaning], bool]  # whether it answers an open question
    foresee: Callable[[Visit, Words, Meaning], Awaitable[None]]  # prepare the answer's first sound
    prepare: Callable[[Pcm], Coroutine[Any, Any, None]]  # whose voice it is
    held: Callable[[], bool]  # she was silenced by what is being said
    let_go: LetsGo  # and that is over already, if it was but a nod


class Ahead:
    """One look at a time; the newest pause waits, older ones that were not begun are dropped and counted.

    What is in progress is given up for a pause that waits: a caption takes half a second on a slow machine, and who
    went on after a pause has said more than was looked at. Not where the turn waits for it.
    """

    def __init__(
        self, ports: AheadPorts, recogniser: Recogniser, understanding: Understanding, endings: Endings | None
    ) -> None:
        self._ports = ports
        self._recogniser = recogniser
        self._understanding = understanding
        self._endings = endings
        self._found: tuple[Key, Foreseen] | None = None
        self._busy: tuple[Key | None, asyncio.Task[None]] | None = None
        self._next: tuple[Visit, SpeechSoFar, Pcm] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._waited_for: Key | None = None  # the utterance that a turn wants to know now
        self.tally: Counter[str] = Counter()

    def look(self, visit: Visit, so_far: SpeechSoFar, prefix: Pcm) -> None:
        """Take what was said so far; returns at once."""
        if self._busy:
            if not so_far.paused:
                self.tally["captions skipped"] += 1
                return
            if self._next:
                self.tally["pauses skipped"] += 1
            self._next = (visit, so_far, prefix)
            return
        self._begin(visit, so_far, prefix)

    def _begin(self, visit: Visit, so_far: SpeechSoFar, prefix: Pcm) -> None:
        key = _key(so_far.start_ns, so_far.voice_ns, prefix) if so_far.paused else None
        self._busy = key, asyncio.create_task(self._look(visit, so_far, prefix), name="ahead")

    async def _look(self, visit: Visit, so_far: SpeechSoFar, prefix: Pcm) -> None:
        pcm = np.concatenate((prefix, so_far.pcm)) if len(prefix) else so_far.pcm
        try:
            if so_far.paused:
                await self._pause(visit, so_far, pcm, _key(so_far.start_ns, so_far.voice_ns, prefix))
            else:
                words = await self._recogniser.glance(pcm[-CAPTION_SAMPLES:], wanted=self._wanted)
                self.tally["captions"] += 1
                self._ports.captioned(visit, words)
        except RecognitionError as err:
            # what failed the turn recognises again, and says what is wrong
            self.tally["given up" if str(err) == UNWANTED else "failed"] += 1
        finally:
            following, self._next = self._next, None
            self._busy = None
            if following:
                self._begin(*following)
            self._news.set()

    def _wanted(self) -> bool:
        """Whether what is being recognised is still of use. Called on the recogniser's thread."""
        busy = self._busy
        return self._next is None or (busy is not None and busy[0] is not None and busy[0] == self._waited_for)

    async def _pause(self, visit: Visit, so_far: SpeechSoFar, pcm: Pcm, key: Key) -> None:
        hasty = self._may_be_a_nod(so_far, pcm)
        if not hasty:  # whose voice it is takes a tenth of a second: it is known when the words are, not after them
            self._prepare(self._ports.prepare(so_far.pcm))
        words = await self._recogniser.recognise(pcm, hasty=hasty, wanted=self._wanted)
        meaning = await self._understanding.understand(words)
        if hasty and not words.clear:
            if self._ports.let_go(so_far, Foreseen(words, meaning), hasty=True):
                self.tally["nods at first"] += 1
                return
            if self._next:  # they went on meanwhile: what waits holds more
                self.tally["second looks spared"] += 1
                return
            if words.spared:  # else it would only find the same
                words = await self._recogniser.recognise(pcm, again=True, wanted=self._wanted)
                meaning = await self._understanding.understand(words)
        answers = self._ports.answers(visit, meaning)
        over_her = self._ports.held()
        how = standing(words, meaning, self._endings, answers_question=answers, over_her=over_her)
        self._ports.stands(so_far.voice_ns, how, syllables(words.text, words.language))
        self.tally[how] += 1
        self._found = key, Foreseen(words, meaning)
        if over_her and not len(pcm) > len(so_far.pcm):
            self._ports.let_go(so_far, Foreseen(words, meaning), hasty=False)
        self._ports.captioned(visit, words)
        before = self._preparing

        async def work() -> None:
            if hasty:
                await self._ports.prepare(so_far.pcm)
            elif before:
                await before
            if how != "unfinished":
                await self._ports.foresee(visit, words, meaning)

        self._prepare(work(), drop=False)

    def _may_be_a_nod(self, so_far: SpeechSoFar, pcm: Pcm) -> bool:
        """Whether she is silenced by a sound so short that it may be no more than a sign of listening."""
        short = so_far.voice_ns - so_far.start_ns < NOD_MOST_NS
        return short and self._ports.held() and not len(pcm) > len(so_far.pcm)

    def _prepare(self, work: Coroutine[Any, Any, None], *, drop: bool = True) -> None:
        """Get ready what the turn will want. `drop`: what was begun for a pause that was none."""
        if drop and self._preparing:
            self._preparing.cancel()
        self._preparing = asyncio.create_task(work, name="prepare")

    async def take(self, heard: UtteranceEnded) -> Foreseen | None:
        """What is known of exactly this utterance; waits for a look at it that is in progress. None: nothing."""
        key = heard.start_ns, heard.end_ns, heard.kept
        self._waited_for = key
        while self._found is None or self._found[0] != key:
            waiting = self._next and _key(self._next[1].start_ns, self._next[1].voice_ns, self._next[2]) == key
            if self._busy is None or (self._busy[0] != key and not waiting):
                self.tally["not foreseen"] += 1
                return None
            self._news.clear()
            await self._news.wait()
        self.tally["foreseen"] += 1
        return self._found[1]

    def forget(self) -> None:
        """Hold nothing of what was said."""
        self._found = self._next = self._waited_for = None
        for task in (self._busy and self._busy[1], self._preparing):
            if task:
                task.cancel()
        self._busy = self._preparing = None


def _key(start_ns: int, voice_ns: int, prefix: Pcm) -> Key:
    return start_ns, voice_ns, len(prefix)
