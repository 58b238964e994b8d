"""What a busy terminal does besides its face: it synthesises and recognises, without a pause, on a thread."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.signal import resample_poly

from avatar.timeline import viseme_spans
from config.schema import load_site
from contracts.screen import Language
from contracts.speech import VisemeSpan
from kiosk.events import MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm
from models.engines import DEFAULT, open_recogniser
from models.kokoro import Kokoro
from models.store import Store

STOP_S: Final = 60.0
SENTENCES: Final[tuple[tuple[str, Language], ...]] = (
    ("您好，欢迎光临青禾银行。请问您今天想办理什么业务？", "zh"),
    ("别着急，我先帮您挂失，卡里的钱就安全了，再补一张新卡，好吗？", "zh"),
    ("Please have a seat over there. Your number will be called in about ten minutes.", "en"),
    ("您的号码前面还有三位，大约需要等十分钟。", "zh"),
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to be spoken: (n,) int16 at 24 kHz without a sample 0, so that silence tells itself apart."""

    text: str = field(repr=False)
    pcm: Pcm = field(repr=False)
    visemes: tuple[VisemeSpan, ...]


class Work:
    """The networks, and `done`: how often they were used."""

    def __init__(self) -> None:
        store, voice = Store(), load_site().voice
        self.done = {"synthesised": 0, "recognised": 0}
        self._kokoro, self._ears = Kokoro(store.open("kokoro")), open_recogniser(DEFAULT, store)
        self._names: dict[Language, str] = {"zh": voice.zh_name, "en": voice.en_name}
        self._stopping = threading.Event()

    def sentences(self) -> tuple[Sentence, ...]:
        return tuple(self._say(text, language) for text, language in SENTENCES)

    def _say(self, text: str, language: Language) -> Sentence:
        said = self._kokoro.synthesise(text, language, self._names[language])
        pcm = np.where(said.pcm == 0, np.int16(1), said.pcm).astype(np.int16)
        return Sentence(text, pcm, viseme_spans([(p.symbol, p.start, p.end) for p in said.phones], said.rate_hz))

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Work until the block ends."""
        thread = threading.Thread(target=self._run, name="work", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join(STOP_S)

    def _run(self) -> None:
        for text, language in itertools.cycle(SENTENCES):
            if self._stopping.is_set():
                return
            said = self._say(text, language)
            self.done["synthesised"] += 1
            heard = resample_poly(said.pcm.astype(np.float32), MIC_RATE_HZ, SPEECH_RATE_HZ)
            if self._stopping.is_set():
                return
            self._ears.transcribe(np.asarray(np.clip(heard, -32768, 32767), np.int16))
            self.done["recognised"] += 1
