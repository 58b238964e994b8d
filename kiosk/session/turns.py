"""One turn: words or a touch become an answer, the answer is done, shown and spoken. A turn is one task.

Cancelling the task ends the turn at once: the sound stops, and what was heard of it is what is remembered.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

from contracts.screen import CORNERS, SPOKEN_GESTURE, Caption, Language
from kiosk.audio.playback import Playback, Progress, SpeechChunk
from kiosk.dialogue.backchannel import NOD_NS, asks_to_stop, may_ask_to_stop, nods, wishes
from kiosk.dialogue.brain import Brain, Decision
from kiosk.dialogue.companion import brings_companion
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.dialogue.reply import Context, Do, Done, Reply
from kiosk.dialogue.voice import Voice
from kiosk.dialogue.wording import DIGIT_KEYS, KEY, KEY_BACK, WISH
from kiosk.events import (
    FalseAlarm,
    FarewellSpoken,
    Interrupted,
    NothingHeard,
    PlaybackFinished,
    ReplyBegan,
    StageFailed,
    TurnId,
    UtteranceEnded,
)
from kiosk.ports import Clock, DeviceLost
from kiosk.session.actions import Actions, adapt
from kiosk.session.ahead import Ahead, Foreseen, Recogniser, Understanding
from kiosk.session.visit import COMPANION, Visit
from kiosk.session.watching import Watching

_PARTS: Final = re.compile(r"[^\w]+")
MIN_WORDS = 1
NO_SPEECH = 0.8  # the recogniser's own estimate that there were no words
NO_WORDS: Final = "no_words"
HIDDEN_WORDS: Final = "a name"  # in an account of a recorded visit
WORDLESS: Final = 2  # a cough is passed over; a voice without words again, and touch is offered, once
AFTER_HER_NS: Final = 2_000_000_000  # a large hall gives her voice back for so long
QUESTION_HEARD: Final = 0.8  # so much of a question was audible that an answer to it can be one


class Weighing(Protocol):
    """Is what was heard meant for us?"""

    async def reason_against(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None:
        """Why it is not: 'other_voice', 'own_words', 'backchannel', …; None: it is."""

    def accept_companion(self) -> bool:
        """The voice that was ignored last is heard from now on. False: there was none."""


@dataclass(slots=True)
class Stopwatch:
    """When each part of a turn was done, monotonic ns. `parts()` are milliseconds, none may be missing."""

    speech_end: int
    endpoint: int
    recognised: int = 0
    understood: int = 0
    answered: int = 0
    first_sample: int = 0

    def parts(self) -> dict[str, float]:
        marks = (self.speech_end, self.endpoint, self.recognised, self.understood, self.answered, self.first_sample)
        names = ("endpoint", "recognise", "understand", "answer", "first_sample")
        steps = {name: round(max(0, b - a) / 1e6, 1) for name, a, b in zip(names, marks, marks[1:], strict=False)}
        return {**steps, "total": round((self.first_sample - self.speech_end) / 1e6, 1)}


TurnEvent = NothingHeard | FalseAlarm | Interrupted | ReplyBegan | PlaybackFinished | FarewellSpoken | StageFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnPorts:
    """What a turn calls outside itself."""

    tell: Callable[[TurnEvent], None]  # to the session
    show: Callable[[], None]  # a new snapshot
    note: Callable[..., None]  # to the trace of a recorded visit
    understood: Callable[[int, str, float, Decision, Language, dict[str, float] | None], None]  # to the hub
    facts: Callable[[Visit], Mapping[str, str]]  # ticket and queue, as the brain may say them
    local_now: Callable[[], datetime]
    manner: Callable[[Visit], Manner | None] = lambda visit: None  # how to speak to this visitor in this noise


class Turns:
    """Carries out turns, one at a time."""

    def __init__(
        self,
        ports: TurnPorts,
        clock: Clock,
        brain: Brain,
        voice: Voice | None,
        playback: Playback | None,
        recogniser: Recogniser,
        understanding: Understanding,
        actions: Actions,
        weighing: Weighing | None = None,
        ahead: Ahead | None = None,
    ) -> None:
        self._ports = ports
        self._clock = clock
        self._brain = brain
        self.voice = voice
        self.playback = playback
        self._recogniser = recogniser
        self._understanding = understanding
        self._actions = actions
        self._weighing = weighing
        self.ahead = ahead
        self.watching: Watching | None = None
        self.floor = asyncio.Lock()  # whoever speaks holds it: a called number is not spoken over
        self._weighed: tuple[UtteranceEnded, Foreseen] | None = None
        self.tally_against: Counter[str] = Counter()

    def _context(self, visit: Visit) -> Context:
        return Context(
            language=visit.language,
            mode=visit.mode,
            place=visit.place,
            last=visit.last,
            misunderstood=visit.misunderstood,
            prompts=visit.prompts,
            typed=visit.typed,
            facts={**self._ports.facts(visit), **self._actions.facts(visit)},
            concern=visit.concern,
            now=self._ports.local_now(),
        )

    # ------------------------------------------------------------ what begins a turn
    async def greet(self, visit: Visit, turn: TurnId) -> None:
        await self._speak(visit, turn, self._brain.greet(self._context(visit), self._ports.local_now()))

    async def prompt(self, visit: Visit, turn: TurnId) -> None:
        await self._speak(visit, turn, self._brain.prompt(self._context(visit)))

    async def sorry(self, visit: Visit, turn: TurnId) -> None:
        await self._speak(visit, turn, self._brain.sorry(self._context(visit)))

    async def news(self, visit: Visit, turn: TurnId) -> None:
        """Where the visitor stands with the remote tellers: told in its flow, and outside it where it cannot wait."""
        there = self._actions.teller_place(visit)
        if there is None:
            self._ports.tell(NothingHeard(turn))
            return
        await self._speak(visit, turn, await self._resolve(visit, Do("look_at_teller", there)))

    async def touched(self, visit: Visit, turn: TurnId, target: str) -> None:
        if target == COMPANION and visit.companion_offered:
            await self.companion(visit, turn)
            return
        if target == SPOKEN_GESTURE:
            adapt(visit, "spoken")
            await self._speak(visit, turn, self._brain.spoken_on(self._context(visit)))
            return
        if "spoken" in visit.needs and target not in CORNERS and target != visit.pointed:
            visit.pointed = target  # the first touch reads, the second one chooses
            await self._speak(visit, turn, self._brain.reads(self._context(visit), target), listing=False)
            return
        visit.pointed = ""
        label = next((t.label for t in (visit.last.targets if visit.last else ()) if t.id == target), "")
        if label:
            visit.heard, visit.heard_final = label, True
        if self.watching:
            self.watching.touched(visit, target.removeprefix(WISH) if target.startswith(WISH) else "")
        now = self._ports.local_now()
        if target in CORNERS:
            decided = self._brain.corner(self._context(visit), target, now)
        else:
            decided = self._brain.touched(self._context(visit), target, now)
        visit.typed = ""
        if decided is None:
            self._ports.tell(NothingHeard(turn))
            return
        visit.turns += 1
        self._ports.note("touched", target=target)
        await self._speak(visit, turn, await self._resolve(visit, decided))

    async def utterance(self, visit: Visit, turn: TurnId, heard: UtteranceEnded) -> None:
        """Recognise, understand, answer, speak. Tells NothingHeard, or StageFailed with a stable reason."""
        watch = Stopwatch(speech_end=heard.end_ns, endpoint=heard.decided_ns)
        weighed, self._weighed = self._weighed, None
        try:
            known = weighed[1] if weighed and weighed[0].end_ns == heard.end_ns else await self._heard(heard, watch)
        except RecognitionError as err:
            self._ports.tell(StageFailed(turn, "recognise", str(err)))
            return
        words, meaning = known.words, known.meaning
        against = None if weighed else await self._against(visit, heard, words)
        if against:
            visit.heard = ""
            self._ports.note("ignored" if against != NO_WORDS else "nothing_heard", why=against)
            self._ports.show()
            visit.wordless += against == NO_WORDS
            if against == NO_WORDS and visit.wordless == WORDLESS:
                self.tally_against["touch offered"] += 1
                reply = await self._resolve(visit, self._understood(self._context(visit), Meaning([], "unsure")))
                await self._speak(visit, turn, reply)
                return
            self._ports.tell(NothingHeard(turn))
            return
        visit.wordless = 0
        private = visit.private
        if words.clear:
            visit.language, visit.heard, visit.heard_final = words.language, words.caption or words.text, True
            visit.heard = "" if private else visit.heard
        else:  # neither what it wrote down nor its language is believed
            visit.heard = ""
        self._ports.show()
        watch.understood = self._clock.now_ns()
        watch.recognised = watch.recognised or watch.understood
        if visit.companion_offered and brings_companion(words.text):
            await self.companion(visit, turn)
            return
        if self.watching:
            await self.watching.heard(visit, words, meaning, heard.pcm)
        visit.said(words, meaning)
        decided = self._understood(self._context(visit), meaning)
        visit.turns += 1
        reply = await self._resolve(visit, decided)
        visit.missed(words, meaning, reply)
        watch.answered = self._clock.now_ns()
        noted = replace(words, text=HIDDEN_WORDS) if private else words
        await self._speak(visit, turn, reply, watch=watch, words=noted, meaning=meaning)

    def keyed(self, visit: Visit, target: str) -> bool:
        """A key of the keypad, other than 'done'. False: there is no keypad now."""
        keypad = visit.last.keypad if visit.last else None
        if keypad is None:
            return False
        if target == KEY_BACK:
            visit.typed = visit.typed[:-1]
        elif target in DIGIT_KEYS and len(visit.typed) < keypad.most:
            visit.typed += target.removeprefix(KEY)
        return True

    async def companion(self, visit: Visit, turn: TurnId) -> None:
        """The other voice belongs to the visitor: from now on it is heard too."""
        visit.companion_offered = False
        accepted = bool(self._weighing and self._weighing.accept_companion())
        self._ports.note("companion", accepted=accepted)
        await self._speak(visit, turn, self._brain.welcome_companion(self._context(visit)))

    async def weigh(self, visit: Visit, turn: TurnId, heard: UtteranceEnded) -> None:
        """She was stopped by this: tells Interrupted if it was for us, FalseAlarm if it was not."""
        try:
            known = await self._heard(heard, Stopwatch(heard.end_ns, heard.decided_ns))
        except RecognitionError:  # she goes on, and can be stopped again
            self.tally_against["failed"] += 1
            self._ports.tell(FalseAlarm(turn))
            return
        against = await self._against(visit, heard, known.words)
        lasted_ns = NOD_NS if heard.kept else heard.end_ns - heard.start_ns  # what was kept makes it longer
        if against is None and self.only_nods(visit, lasted_ns, known):
            against = "backchannel"
        if against:
            visit.heard = ""
            self._ports.note("false_alarm", why=against)
            self._ports.tell(FalseAlarm(turn))
            return
        self._weighed = heard, known
        self._ports.tell(Interrupted(turn=turn, utterance=heard))

    async def consider(self, visit: Visit, turn: TurnId, heard: UtteranceEnded, *, doubted: bool = False) -> None:
        """Said over her, and she speaks on. Too short to hold her: tells Interrupted if it asks her to stop. `doubted`,
        held her and was not believed at first: if, looked at with care, it is more than a sign of listening."""
        with suppress(RecognitionError):
            known = await self._heard(heard, Stopwatch(heard.end_ns, heard.decided_ns))
            lasted_ns = heard.end_ns - heard.start_ns
            if doubted:
                stops = not self.only_nods(visit, lasted_ns, known)
            else:
                stops = asks_to_stop(known.words, visit.spoken, lasted_ns)
            if stops and not await self._against(visit, heard, known.words):
                self._weighed = heard, known
                self._ports.tell(Interrupted(turn=turn, utterance=heard))

    async def begins_a_visit(self, heard: UtteranceEnded) -> bool:
        """Whether what was heard while a number was announced is somebody's wish, and not her own voice come back."""
        nobody = Visit(heard.start_ns, "voice")
        with suppress(RecognitionError):
            known = await self._heard(heard, Stopwatch(heard.end_ns, heard.decided_ns))
            if await self._against(nobody, heard, known.words) is None:
                self._weighed = heard, known
                return True
        return False

    def near_her_words(self, heard: UtteranceEnded) -> bool:
        """Whether she was audible while this was said, or shortly before."""
        said = self.playback.spoken() if self.playback else []
        return heard.over_speech or any(span.end_ns > heard.start_ns - AFTER_HER_NS for span in said)

    async def _heard(self, heard: UtteranceEnded, watch: Stopwatch) -> Foreseen:
        """Words and meaning: recognised while the visitor was silent for a moment, or now."""
        known = await self.ahead.take(heard) if self.ahead else None
        if known is None:
            words = await self._recogniser.recognise(heard.pcm)
            watch.recognised = self._clock.now_ns()
            known = Foreseen(words, await self._understanding.understand(words))
        watch.recognised = watch.recognised or self._clock.now_ns()
        return known

    async def _against(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None:
        """Why this is no turn; None: it is one. Counted by reason."""
        against = None
        if len(words.text.strip()) < MIN_WORDS or words.no_speech > NO_SPEECH:
            against = NO_WORDS
        elif self._weighing:
            against = await self._weighing.reason_against(visit, heard, words)
        if against:
            self.tally_against[against] += 1
        return against

    def wants_answer(self, visit: Visit) -> bool:
        """Whether enough of a question was audible for an answer to it."""
        caption = visit.caption
        said = caption.spoken / max(1, len(caption.text)) if caption and caption.spoken is not None else 0.0
        return bool(visit.last and visit.last.targets) and said >= QUESTION_HEARD

    def lets_go_on(self, visit: Visit, words: Words) -> bool:
        """Whether she may go on over a sound whose words are but guessed at, until it was looked at with care."""
        return not self.wants_answer(visit) and not may_ask_to_stop(words)

    def only_nods(self, visit: Visit, lasted_ns: int, known: Foreseen) -> bool:
        """'Mm-hm' in the middle of an explanation. Near the end of a question it is an answer."""
        if self.wants_answer(visit):
            return False
        acts, listening = wishes(known.words, known.meaning), known.meaning.listening
        return nods(known.words, visit.spoken, lasted_ns, acts=acts, listening=listening)

    # ------------------------------------------------------------ while the visitor speaks
    def captioned(self, visit: Visit, words: Words) -> None:
        """Show the words so far."""
        if words.clear and words.text.strip() and words.no_speech <= NO_SPEECH and not visit.private:
            visit.heard, visit.heard_final = words.caption or words.text, False
            self._ports.show()

    def answers(self, visit: Visit, meaning: Meaning) -> bool:
        """Whether this is one of the answers to the question that is open."""
        return self._brain.answers_question(self._context(visit), meaning.ranked)

    async def foresee(self, visit: Visit, words: Words, meaning: Meaning) -> None:
        """Make the beginning of the likely answer ahead. Nothing is done or shown: the visitor may still go on."""
        async with asyncio.TaskGroup() as both:
            if self.watching:
                both.create_task(self.watching.foresee(visit, words, meaning))
            if self.voice:
                context = replace(self._context(visit), language=words.language)
                reply = self._understood(context, meaning)
                if isinstance(reply, Reply):
                    manner = self._ports.manner(visit)
                    both.create_task(self.voice.foresee(reply.text, reply.language, keep=reply.keep, manner=manner))

    def _understood(self, context: Context, meaning: Meaning) -> Reply | Do:
        now, m = self._ports.local_now(), meaning
        return self._brain.understood(
            context, m.ranked, m.decision, m.slots, now, text=m.text, then=m.then, others=m.others, readings=m.readings
        )

    async def _resolve(self, visit: Visit, decided: Reply | Do) -> Reply:
        """Do what has to be done before there is an answer. Bounded: a flow that only does things is a mistake."""
        decided = self._brain.guarded(self._context(visit), decided, self._ports.local_now())
        visit.concern = visit.concern.taken()
        for _ in range(8):
            if isinstance(decided, Reply):
                return decided
            # a number that was taken is not half taken: what was begun is finished even if the turn is cut
            try:
                result: Done = await asyncio.shield(self._actions.do(visit, decided.action, decided.place))
            except asyncio.CancelledError:
                self._actions.cut()  # what only waits for the visitor need not be finished
                raise
            self._ports.note("did", action=decided.action, succeeded=result.succeeded, outcome=result.outcome)
            visit.story.tried.append(f"{decided.action}_{result.outcome}"[:40])
            decided = self._brain.after(self._context(visit), decided, result, self._ports.local_now())
        return self._brain.sorry(self._context(visit))

    # ------------------------------------------------------------ what ends it
    async def _speak(
        self,
        visit: Visit,
        turn: TurnId,
        reply: Reply,
        *,
        watch: Stopwatch | None = None,
        words: Words | None = None,
        meaning: Meaning | None = None,
        listing: bool = True,
    ) -> None:
        reply = self._brain.worded(self._context(visit), reply)
        if listing and "spoken" in visit.needs:
            reply = self._brain.with_choices(reply)
        if reply.page == "opinion":
            await self._actions.opinion_asked(visit)
        visit.concern = visit.concern.quiet()
        visit.answered(reply)
        visit.last, visit.place, visit.language = reply, reply.place, reply.language
        self._recogniser.expect(expected_words(reply))
        visit.mode = reply.mode or visit.mode
        visit.adjust(reply.pace)
        visit.typed, visit.revealed, visit.offset = "", False, 0
        visit.misunderstood = visit.misunderstood + 1 if reply.misunderstood else 0
        if reply.place and reply.place.step == "offer_after_trouble":
            visit.misunderstood = 0
        if visit.outcome == "unknown" and words and not reply.misunderstood:
            visit.outcome = "answered"
        visit.caption = Caption("receptionist", reply.text, reply.translation, final=False, spoken=0)
        self._ports.show()
        began = False

        def progressed(progress: Progress) -> None:
            nonlocal began
            if progress.first_sample_ns is not None and not began:
                began = True
                self._began(visit, turn, reply, progress.first_sample_ns, watch, words, meaning, progress)
            self._spoken(visit, reply, progress.spoken)

        progress = await self._play(visit, turn, reply, progressed)
        if not began:  # no loudspeaker: the answer is on the screen, which is when it began
            self._began(visit, turn, reply, self._clock.now_ns(), watch, words, meaning)
            await self._clock.sleep(reading_s(reply.text))
        visit.caption = Caption("receptionist", reply.text, reply.translation)
        self._ports.note(
            "said",
            text=reply.text,
            page=reply.page,
            spoken=progress.spoken if progress else 0,
            silence_ms=progress.silence_ns // 1_000_000 if progress else 0,
        )
        self._ports.tell(FarewellSpoken(turn) if reply.ends else PlaybackFinished(turn))

    async def _play(
        self, visit: Visit, turn: TurnId, reply: Reply, progressed: Callable[[Progress], None]
    ) -> Progress | None:
        if self.voice is None or self.playback is None:
            return None
        text = self._brain.said_at_a_go(reply, visit.profile)
        async with self.floor:
            if self.playback is None:  # the loudspeaker went away meanwhile
                return None
            chunks = self.voice.speak(text, reply.language, keep=reply.keep, manner=self._ports.manner(visit))
            try:
                return await self.playback.play(f"u{turn}", _closing(chunks), progressed)
            except DeviceLost:
                self._ports.note("speaker_lost")
                return None

    def _began(
        self,
        visit: Visit,
        turn: TurnId,
        reply: Reply,
        first_sample_ns: int,
        watch: Stopwatch | None,
        words: Words | None,
        meaning: Meaning | None,
        progress: Progress | None = None,
    ) -> None:
        self._ports.tell(ReplyBegan(turn))
        if watch is None or words is None or meaning is None:
            return
        watch.first_sample = first_sample_ns
        parts = watch.parts()
        intent, confidence = meaning.ranked[0] if meaning.ranked else ("other", 0.0)
        self._ports.understood(visit.turns, intent, confidence, meaning.decision, words.language, parts)
        self._ports.note(
            "turn",
            heard=words.text,
            language=words.language,
            intent=intent,
            confidence=round(float(confidence), 3),
            decision=meaning.decision,
            answer=reply.text,
            latency_ms=parts,
            first_sample_ns=first_sample_ns,
            cached=bool(progress and progress.cached),
            filler=bool(progress and progress.filler_ns is not None),
        )

    def _spoken(self, visit: Visit, reply: Reply, characters: int) -> None:
        caption = visit.caption
        if caption is None or caption.spoken == characters:
            return
        visit.caption = Caption("receptionist", reply.text, reply.translation, final=False, spoken=characters)
        self._ports.show()

    def forget(self) -> None:
        """The visit is over."""
        self._weighed = None
        self._recogniser.expect(())
        if self.watching:
            self.watching.forget()
        if self.playback:
            self.playback.forget()

    def interrupted(self, visit: Visit) -> None:
        """She was cut off: the transcript keeps what was audible."""
        caption = visit.caption
        if caption and not caption.final and caption.spoken is not None:
            visit.caption = Caption(
                "receptionist", caption.text[: caption.spoken], spoken=caption.spoken, interrupted=True
            )


def expected_words(reply: Reply) -> list[str]:
    """What an answer to this will probably sound like: the parts of what is offered."""
    return [part for target in reply.targets if target.kind != "key" for part in _PARTS.split(target.label) if part]


def reading_s(text: str) -> float:
    """How long a sentence stays before the next thing happens, when nobody speaks it: 6 characters a second."""
    return min(8.0, max(1.5, len(text) / 6))


async def _closing(chunks: AsyncIterator[SpeechChunk]) -> AsyncIterator[SpeechChunk]:
    """Pass chunks on and close their generator when the turn is cancelled."""
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        with suppress(AttributeError):
            await asyncio.shield(chunks.aclose())  # type: ignore[attr-defined]  # generators have it, iterators may not
