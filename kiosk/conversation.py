"""Ears, voice and the turns between them, put together: what the terminal and the bench of hearing both run.

Beside `app.py`: names concrete classes of hearing and speaking as that does for the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from config.persona import Persona, load_persona
from config.schema import Site
from contracts.screen import Language
from kiosk.audio.addressee import Addressee
from kiosk.audio.ears import Ears
from kiosk.audio.echo import EchoCanceller, FarEnd
from kiosk.audio.her_own import HerOwn
from kiosk.audio.level import NoiseFloor
from kiosk.dialogue.brain import Brain, Decision
from kiosk.dialogue.manner import Manner, manner
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.dialogue.recognise import ModelRecogniser
from kiosk.dialogue.understand import ModelUnderstanding
from kiosk.dialogue.voice import Voice
from kiosk.networks import Models, said_here
from kiosk.ports import Clock
from kiosk.session.actions import Actions
from kiosk.session.ahead import Ahead, AheadPorts
from kiosk.session.habits import Habits
from kiosk.session.session import Session
from kiosk.session.turns import TurnPorts, Turns
from kiosk.session.visit import Visit
from kiosk.session.watching import Watching
from kiosk.session.weigh import Lips, Remembered, Weighing
from kiosk.vision.attendance import Attendance
from models.hotwords import HotWords, words_of
from models.intent import IntentModel
from models.inverse import written
from models.slots import read_slots

Parts = dict[str, float] | None
WHOLE: Final = frozenset(("addressee", "own_voice", "ahead"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a conversation needs of the terminal around it."""

    echo: EchoCanceller
    attendance: Attendance
    camera_works: Callable[[], bool]
    is_open: Callable[[], bool]  # False: nobody may be heard now
    far: FarEnd | None = None  # what the loudspeaker played
    lips: Lips | None = None
    parts: frozenset[str] = WHOLE  # a bench measures defences alone by leaving others out
    loud: Callable[[], bool] = lambda: False  # a teller's voice is played, and this canceller cannot take it out
    hot: HotWords | None = None  # a bench with many conversations makes them once; None: they are made


@dataclass(frozen=True, slots=True)
class Conversation:
    """The parts that others still talk to."""

    ears: Ears
    turns: Turns
    weighing: Weighing
    voice: Voice | None
    recogniser: ModelRecogniser
    understanding: ModelUnderstanding
    counted: Mapping[str, Callable[[], Mapping[str, int]]]  # what each part counts
    adopt_manner: Callable[[Site], None]  # pace and loudness as this site has them, from the next visit on

    def tallies(self) -> dict[str, int]:
        """How sounds and utterances ended since the start, by part and name; no words, nobody's voice."""
        return {
            f"{part}.{name}".replace(" ", "_"): count
            for part, counts in self.counted.items()
            for name, count in counts().items()
            if count
        }


class _Manner:
    """How she speaks to this visitor: follows the room's noise in small steps."""

    def __init__(self, site: Site, persona: Persona, noise_dbfs: Callable[[], float | None]) -> None:
        self._site = site
        self._persona = persona
        self._noise_dbfs = noise_dbfs
        self._before: tuple[str, Manner] | None = None

    def adopt(self, site: Site) -> None:
        self._site = site

    def of(self, visit: Visit) -> Manner:
        before = self._before[1] if self._before and self._before[0] == visit.id else None
        now = manner(self._site.voice, visit.mode, self._noise_dbfs(), before)
        self._before = visit.id, now
        # an elder's pace is the site's; others who want another one have the persona's
        style = self._persona.styles[visit.profile].speed if visit.profile != "elder" else 1.0
        return replace(now, speed=round(now.speed * visit.speed * style, 2), gain_db=now.gain_db + visit.gain_db)


def hot_words(site: Site) -> HotWords:
    """The words of this branch, with a network of their own: they are used on another thread."""
    return HotWords(words_of(zh for zh, language in said_here(site) if language == "zh"), IntentModel.open())


def converse(
    site: Site,
    models: Models,
    session: Session,
    brain: Brain,
    clock: Clock,
    ports: TurnPorts,
    actions: Actions,
    voice: Voice | None,
    around: Around,
    habits: Habits | None = None,
) -> Conversation:
    """Put hearing and speaking together and hand them to the session."""
    recogniser = ModelRecogniser(
        models.recogniser,
        models.hearing,
        hot=around.hot or hot_words(site),  # type: ignore[arg-type]  # gives back what it was given, reworded
        write=written,
    )
    understanding = ModelUnderstanding(models.intent, models.meaning, read_slots, models.listening.probability)

    def spoken() -> list[SpokenSpan]:
        return session.turns.playback.spoken() if session.turns and session.turns.playback else []

    own = HerOwn(around.far, spoken) if around.far and "own_voice" in around.parts else None
    embed = Remembered(models.speaker.embed)
    listens = site.addressing.enabled and "addressee" in around.parts
    addressee = Addressee(site.addressing, embed, models.nearness) if listens else None
    weighing = Weighing(
        addressee,
        embed if listens else None,
        models.weighing,
        around.attendance,
        around.camera_works,
        own,
        around.lips,
    )

    def speaking() -> bool:
        own = bool(session.turns and session.turns.playback and session.turns.playback.speaking)
        return own or around.loud()

    background = NoiseFloor()
    share = own.share if own else None
    ears = Ears(site.hearing, models.near_voice, around.echo, speaking, around.is_open, share, background)
    persona = load_persona()

    def understood(turn: int, intent: str, sure: float, decision: Decision, language: Language, parts: Parts) -> None:
        session.understood(turn, intent, sure, decision, language, parts)
        if habits and decision == "act":
            habits.asked(intent, ports.local_now(), ticket=bool(session.visit and session.visit.ticket))

    how = _Manner(site, persona, lambda: ears.background_dbfs)
    turns = Turns(
        replace(ports, manner=how.of, understood=understood),
        clock,
        brain,
        voice,
        None,
        recogniser,
        understanding,
        actions,
        weighing,
    )
    if "ahead" in around.parts:
        looks = AheadPorts(
            stands=ears.stands,
            captioned=turns.captioned,
            answers=turns.answers,
            foresee=turns.foresee,
            prepare=weighing.prepare,
            held=lambda: bool(turns.playback and turns.playback.held),
            let_go=session.let_go,
        )
        turns.ahead = Ahead(looks, recogniser, understanding, models.endings)
    turns.watching = actions.watching = Watching(
        models.meaning, persona, ports.local_now, judge=models.risk, reader=models.feeling
    )
    session.turns = turns
    session.listens_through(ears)
    session.forgetters += [ears.forget, weighing.forget, turns.forget]
    if voice:
        session.forgetters.append(voice.forget)
    counted: dict[str, Callable[[], Mapping[str, int]]] = {
        "ears": lambda: ears.tally,
        "echo": around.echo.tallies,
        "words": lambda: recogniser.tally,
        "ahead": lambda: turns.ahead.tally if turns.ahead else {},
        "whose": lambda: {str(why): count for why, count in addressee.tally.items()} if addressee else {},
        "own": own.tallies if own else dict,
        "ignored": lambda: turns.tally_against,
    }
    return Conversation(ears, turns, weighing, voice, recogniser, understanding, counted, how.adopt)
