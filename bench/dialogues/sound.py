"""A visitor's line as the terminal hears it: spoken by the synthesiser, in a room, recognised by the real recogniser.

What was recognised is kept beside the models: the same line by the same voice is heard once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from config.scenario import Lobby, Visitor
from config.schema import load_site
from contracts.screen import Language
from kiosk.dialogue.meaning import Words
from kiosk.dialogue.recognise import ModelRecogniser
from kiosk.events import MIC_RATE_HZ
from kiosk.networks import said_here
from kiosk.runtime.worker import ModelThread
from kiosk.scenario.prepare import in_room, resampled
from models.engines import DEFAULT, open_recogniser
from models.hotwords import HotWords, words_of
from models.intent import IntentModel
from models.kokoro import Kokoro
from models.store import Store, cache_root

FIELDS: Final = ("text", "language", "alternatives", "no_speech", "certainty", "clear", "hot")
ROOM: Final = Lobby(distance_m=0.5, reverberation_s=0.15)  # a quiet place near the microphone: this is no hearing test
PACES: Final = (1.0, 0.85, 0.75)  # who is asked again speaks more slowly
PAUSE_SAMPLES: Final = MIC_RATE_HZ * 3 // 10
KEPT: Final = "dialogue-sound"
VERSION: Final = "5"  # of this way of speaking and hearing


class Spoken:
    """Speaks and recognises lines. Raises `StoreError` where a model is not fetched."""

    def __init__(self) -> None:
        store = Store()
        self._kokoro = Kokoro(store.open("kokoro"))
        self._thread = ModelThread("recognise")
        hot = HotWords(words_of(zh for zh, language in said_here(load_site()) if language == "zh"), IntentModel.open())
        self._recogniser = ModelRecogniser(
            open_recogniser(DEFAULT, store),
            self._thread,
            hot=hot,  # type: ignore[arg-type]  # gives back what it was given, reworded
            deadline_s=60,
        )
        self._expected: tuple[str, ...] = ()
        self._folder = cache_root() / KEPT
        self._folder.mkdir(parents=True, exist_ok=True)
        self._identity = f"{VERSION} {store.folder('kokoro').name} {DEFAULT}"
        self.tally_made = self.tally_lines = 0

    def expect(self, words: Sequence[str]) -> None:
        """What would answer the open question: the terminal listens for it."""
        self._expected = tuple(words)
        self._recogniser.expect(self._expected)

    async def hear(self, text: str, language: Language, times: int = 0) -> Words:
        """The words that were made of `text` on its way through the air; said again (`times`) more slowly."""
        voice = Visitor().voice_zh if language == "zh" else Visitor().voice_en
        pace = PACES[min(times, len(PACES) - 1)]
        key = hashlib.sha256(f"{self._identity}\n{voice}\n{pace}\n{text}\n{self._expected}".encode()).hexdigest()[:24]
        path = self._folder / f"{key}.json"
        self.tally_lines += 1
        if path.exists():
            return _read(path)
        dry = self._kokoro.synthesise(text, language, voice, pace).pcm
        words = await self._recogniser.recognise(in_room(np.pad(resampled(dry), PAUSE_SAMPLES), ROOM))
        self.tally_made += 1
        kept = {name: getattr(words, name) for name in FIELDS}
        part = path.with_suffix(".part")
        part.write_text(json.dumps(kept, ensure_ascii=False), "utf-8")
        part.replace(path)
        return words

    def close(self) -> None:
        self._thread.close()


def _read(path: Path) -> Words:
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    alternatives = tuple((str(text), float(weight)) for text, weight in kept.pop("alternatives"))
    hot = tuple(str(word) for word in kept.pop("hot", ()))
    return Words(alternatives=alternatives, hot=hot, **kept)
