"""Ears, voice and the turns between them, put together: what the terminal and the bench of hearing both run.

Beside `app.py`: names concrete classes of hearing and speaking as that does for the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from config.schema import Site
from kiosk.audio.addressee import Addressee
from kiosk.audio.ears import Ears
from kiosk.audio.echo import EchoCanceller, FarEnd
from kiosk.audio.her_own import HerOwn
from kiosk.audio.level import NoiseFloor
from kiosk.audio.onset import OverSpeech
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.manner import Manner, manner
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.dialogue.recognise import ModelRecogniser
from kiosk.dialogue.understand import ModelUnderstanding
from kiosk.dialogue.voice import Voice
from kiosk.networks import Models, said_here
from kiosk.ports import Clock
from kiosk.session.actions import Actions
from kiosk.session.ahead import Ahead, AheadPorts
from kiosk.session.session import Session
from kiosk.session.turns import TurnPorts, Turns
from kiosk.session.visit import Visit
from kiosk.session.weigh import Lips, Remembered, Weighing
from kiosk.vision.attendance import Attendance
from models.hotwords import HotWords, words_of
from models.intent import IntentModel
from models.inverse import written
from models.slots import read_slots

WHOLE: Final = frozenset(("addressee", "own_voice", "onset", "ahead"))


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


@dataclass(frozen=True, slots=True)
class Conversation:
    """The parts that others still talk to."""

    ears: Ears
    turns: Turns
    weighing: Weighing
    voice: Voice | None


class _Manner:
    """How she speaks to this visitor: follows the room's noise in small steps."""

    def __init__(self, site: Site, noise_dbfs: Callable[[], float | None]) -> None:
        self._site = site
        self._noise_dbfs = noise_dbfs
        self._before: tuple[str, Manner] | None = None

    def of(self, visit: Visit) -> Manner:
        before = self._before[1] if self._before and self._before[0] == visit.id else None
        now = manner(self._site.voice, visit.mode, self._noise_dbfs(), before)
        self._before = visit.id, now
        return now


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
) -> Conversation:
    """Put hearing and speaking together and hand them to the session."""
    hot = HotWords(
        words_of(zh for zh, language in said_here(site) if language == "zh"), IntentModel()
    )  # of its own: another thread
    recogniser = ModelRecogniser(
        models.recogniser,
        models.hearing,
        hot=hot,  # type: ignore[arg-type]  # gives back what it was given, reworded
        write=written,
    )
    understanding = ModelUnderstanding(models.intent, models.meaning, read_slots)

    def spoken() -> list[SpokenSpan]:
        return session.turns.playback.spoken() if session.turns and session.turns.playback else []

    own = HerOwn(around.far, spoken) if around.far and "own_voice" in around.parts else None
    embed = Remembered(models.speaker.embed)
    listens = site.addressing.enabled and "addressee" in around.parts
    weighing = Weighing(
        Addressee(site.addressing, embed, models.nearness) if listens else None,
        embed if listens else None,
        models.weighing,
        around.attendance,
        around.camera_works,
        own,
        around.lips,
    )

    def speaking() -> bool:
        return bool(session.turns and session.turns.playback and session.turns.playback.speaking)

    onset = OverSpeech(None, own.share if own else None)
    background = NoiseFloor()
    ears = Ears(site.hearing, models.vad, around.echo, speaking, around.is_open, onset, background, models.vad_over_her)
    how = _Manner(site, lambda: ears.background_dbfs)
    turns = Turns(
        replace(ports, manner=how.of), clock, brain, voice, None, recogniser, understanding, actions, weighing
    )
    if "ahead" in around.parts:
        looks = AheadPorts(
            stands=ears.stands,
            captioned=turns.captioned,
            answers=turns.answers,
            foresee=turns.foresee,
            prepare=weighing.prepare,
            held=lambda: bool(turns.playback and turns.playback.held),
        )
        turns.ahead = Ahead(looks, recogniser, understanding, models.endings)
    session.turns = turns
    session.listens_through(ears)
    session.forgetters += [ears.forget, weighing.forget, turns.forget]
    if voice:
        session.forgetters.append(voice.forget)
    return Conversation(ears, turns, weighing, voice)
