"""While a visitor talks with a teller: their words as captions for that teller, with what may help to answer.

The terminal's own recogniser goes on; what it hears goes to the hub as one bounded message an utterance, with long
figures masked. Nothing of it is kept here but the feeling and the risk, which belong to the visit anyway. It says
nothing to the visitor, and what was heard outside a call never comes here. The teller's own voice is not recognised:
what of it comes back from the loudspeaker is told by its sound and left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from contracts import call_help as h
from contracts.handover import MAX_LINE_CHARS
from contracts.screen import Language
from contracts.topics import WireError
from kiosk.dialogue.knowledge import Approved, Found
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.events import DeviceChanged, Event, Pcm, UtteranceEnded
from kiosk.ports import BusDown
from kiosk.risk.handover import masked, masked_risk
from kiosk.runtime.buffer import Buffer
from kiosk.session.visit import Visit

WAITING: Final = 3  # utterances not yet recognised; a caption that comes half a minute late helps nobody
NO_SPEECH: Final = 0.8  # the recogniser's own estimate that there were no words
MAX_NUMBER: Final = h.MAX_HEARD
REASONS: Final = 4  # of a risk, the weightiest first: a caption stays small
OWN: Final = frozenset({"own_words", "own_sound"})


class Recogniser(Protocol):
    async def recognise(self, pcm: Pcm, *, hasty: bool = False) -> Words: ...


class Understanding(Protocol):
    async def understand(self, words: Words) -> Meaning: ...


class Weighing(Protocol):
    async def reason_against(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None: ...


class Watching(Protocol):
    async def heard(self, visit: Visit, words: Words, meaning: Meaning, pcm: Pcm) -> None: ...


class Answers(Protocol):
    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> Approved | None: ...


class Finder(Protocol):
    def find(
        self, text: str, language: Language, ranked_intents: Sequence[tuple[str, float]], now: datetime
    ) -> Found | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionPorts:
    """What captions are made with. `say` hands one to the bus and may raise `BusDown`."""

    recogniser: Recogniser
    understanding: Understanding
    weighing: Weighing
    watching: Watching | None
    answers: Answers
    finder: Finder
    say: Callable[[h.CaseHeard], Awaitable[None]]
    envelope: Callable[[], dict[str, object]]
    local_now: Callable[[], datetime]


class Captions:
    """`case` is the case of the call that is up ('' : none); `visit` whoever talks. `tally` holds no words."""

    def __init__(self, ports: CaptionPorts, case: Callable[[], str], visit: Callable[[], Visit | None]) -> None:
        self._ports, self._case, self._visit = ports, case, visit
        self._waiting: Buffer[tuple[str, UtteranceEnded]] = Buffer(WAITING, "drop_oldest")
        self._numbered = ("", 0)  # the case, and how many captions it had
        self.tally: Counter[str] = Counter()

    def takes(self, event: Event) -> bool:
        """Whether what the voice did belongs to a call: then nobody else is told of it."""
        case = self._case()
        if not case or isinstance(event, DeviceChanged):  # a microphone that went deaf is everybody's business
            return False
        if isinstance(event, UtteranceEnded):
            self._waiting.offer((case, event))
        return True

    async def run(self) -> None:
        """Make captions, one after the other, until cancelled."""
        async for case, heard in self._waiting:
            visit = self._visit()
            if visit is not None and case == self._case():  # else the call is over: its words are forgotten
                await self._caption(case, visit, heard)

    def tallies(self) -> dict[str, int]:
        return {**self.tally, "late": self._waiting.tally_dropped}

    async def _caption(self, case: str, visit: Visit, heard: UtteranceEnded) -> None:
        try:
            words = await self._ports.recogniser.recognise(heard.pcm, hasty=True)
        except RecognitionError:
            self.tally["failed"] += 1
            return
        if not words.text.strip() or words.no_speech > NO_SPEECH:
            self.tally["nothing"] += 1
            return
        whose = await self._whose(visit, heard, words)
        if whose is None:
            self.tally["own"] += 1
            return
        try:
            meaning = await self._ports.understanding.understand(words)
            if whose == "visitor" and self._ports.watching is not None:
                await self._ports.watching.heard(visit, words, meaning, heard.pcm)
        except RuntimeError:  # a network broke: this caption is lost, the next one is not
            self.tally["failed"] += 1
            return
        await self._tell(case, visit, words, whose, self._suggested(words, meaning))

    async def _whose(self, visit: Visit, heard: UtteranceEnded, words: Words) -> str | None:
        """None: the teller's or the receptionist's own voice, come back from the loudspeaker."""
        offered = visit.companion_offered  # who stands beside is no matter of the receptionist's now
        against = await self._ports.weighing.reason_against(visit, heard, words)
        visit.companion_offered = offered
        if against in OWN:
            return None
        return "other" if against == "other_voice" else "visitor"

    def _suggested(self, words: Words, meaning: Meaning) -> tuple[h.Suggested, ...]:
        """Approved answers that fit surely enough for the receptionist to have said them herself."""
        if not words.clear:
            return ()
        now, found = self._ports.local_now(), []
        hit = self._ports.finder.find(words.text, words.language, meaning.ranked, now)
        if hit is not None:
            found.append((hit.entry, hit.text, hit.source, hit.score))
        if meaning.decision == "act" and meaning.ranked:
            intent, sure = meaning.ranked[0]
            by_wish = self._ports.answers.answer(intent, words.language, meaning.slots, now)
            if by_wish is not None and by_wish.text not in {text for _, text, _, _ in found}:
                found.append((intent, by_wish.text, by_wish.source, sure))
        return tuple(
            h.Suggested(entry=entry, text=text, source=source[: h.SOURCE_CHARS], score=min(1.0, max(0.0, score)))
            for entry, text, source, score in found[: h.MAX_SUGGESTED]
            if len(text) <= h.ANSWER_CHARS  # an approved text is given whole or not at all
        )

    async def _tell(
        self, case: str, visit: Visit, words: Words, whose: str, suggested: tuple[h.Suggested, ...]
    ) -> None:
        number = self._numbered[1] + 1 if self._numbered[0] == case else 1
        if case != self._case() or number > MAX_NUMBER:
            self.tally["over"] += 1
            return
        self._numbered = (case, number)
        text = masked(words.caption or words.text).strip()[:MAX_LINE_CHARS]
        message = h.CaseHeard(
            **self._ports.envelope(),  # type: ignore[arg-type]  # id, at, mono_ns
            case=case, number=number, text=text, language=words.language,
            whose="other" if whose == "other" else "visitor", sure=words.clear, feeling=visit.story.mood,
            risk=masked_risk(visit.story.risk, REASONS), suggested=suggested,
        )  # fmt: skip
        try:
            await self._ports.say(message)
        except (BusDown, WireError):  # a line that is away: what was said then stays unsaid, sound goes on
            self.tally["unsaid"] += 1
        else:
            self.tally["told"] += 1
