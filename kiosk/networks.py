"""Every network of a terminal, opened and warm: the composition root's list of models.

Beside `app.py`, because the preparation of her sentences needs the voice without the rest of the terminal.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from avatar.timeline import viseme_spans
from config.schema import Site
from kiosk.dialogue.voice import Character, Voice, VoiceCache
from kiosk.events import MIC_RATE_HZ
from kiosk.runtime.worker import ModelThread
from models.intent import IntentModel
from models.kokoro import Kokoro
from models.silero import SileroVad
from models.store import Store, cache_root
from models.whisper import Whisper
from models.yunet import YuNet


@dataclass(slots=True)
class Models:
    """Every network of the terminal, loaded; each on a thread of its own."""

    vad: SileroVad
    whisper: Whisper
    kokoro: Kokoro
    yunet: YuNet
    intent: IntentModel
    hearing: ModelThread = field(default_factory=lambda: ModelThread("recognise"))
    meaning: ModelThread = field(default_factory=lambda: ModelThread("understand"))
    speech: ModelThread = field(default_factory=lambda: ModelThread("speak"))
    seeing: ModelThread = field(default_factory=lambda: ModelThread("see"))

    @classmethod
    def load(cls) -> Models:
        """Open every model. Raises `StoreError` naming the model, the file and the command that mends it."""
        cv2.setNumThreads(1)
        store = Store()
        loaded = cls(
            vad=SileroVad(store.open("silero-vad")),
            whisper=Whisper(store.open("whisper-base")),
            kokoro=Kokoro(store.open("kokoro")),
            yunet=YuNet(store.open("yunet")),
            intent=IntentModel(),
        )
        loaded._warm_up()
        return loaded

    def _warm_up(self) -> None:
        """Use each once: dictionaries and first-time costs are paid now, not while the first visitor waits."""
        self.kokoro.phonemes("您好，共20000元，A037。", "zh")
        self.kokoro.phonemes("Hello, 20000 yuan.", "en")
        self.whisper.transcribe(np.zeros(MIC_RATE_HZ, np.int16), beams=1)
        self.intent.classify("取钱")
        self.yunet.detect(np.zeros((480, 640, 3), np.uint8))

    def close(self) -> None:
        for thread in (self.hearing, self.meaning, self.speech, self.seeing):
            thread.close()


def make_voice(site: Site, kokoro: Kokoro | None, thread: ModelThread) -> Voice:
    """The receptionist's voice with its cache, as the core and the preparation use it."""
    cache = VoiceCache(cache_root() / "speech", site.voice.cache_mib)
    character = Character(site.voice.zh_name, site.voice.en_name, site.voice.speed, identity=Store().open("kokoro").name)
    return Voice(kokoro, thread, viseme_spans, cache, character)
