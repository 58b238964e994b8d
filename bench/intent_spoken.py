"""Labelled lines spoken by the product's voices and recognised by its recogniser, as the terminal hears them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from config.schema import Site
from contracts.screen import Language
from kiosk.dialogue.recognise import ModelRecogniser
from kiosk.dialogue.understand import weighted
from kiosk.networks import said_here
from kiosk.runtime.worker import ModelThread
from models.engines import DEFAULT, open_recogniser
from models.hotwords import HotWords, words_of
from models.intent import IntentModel
from models.kokoro import Kokoro
from models.loudness import RATE_HZ as SPOKEN_HZ
from models.store import Store
from models.train.corpus import Example
from models.train.hear import NOISE_DB, SPEEDS, resampled

PAUSE: Final = SPOKEN_HZ // 4


@dataclass(frozen=True, slots=True)
class Heard:
    """A line and what was recognised: its first reading, whether the recogniser believes it, and the other readings."""

    example: Example
    language: Language
    text: str = field(repr=False)
    clear: bool
    alternatives: tuple[tuple[str, float], ...] = field(repr=False)


def heard_lines(examples: Sequence[Example], site: Site, seed: int) -> Iterator[Heard]:
    """Each line by a voice, a speed and a noise drawn by `seed` (white, 12 to 30 dB below), recognised with 5 beams."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    store = Store()
    kokoro = Kokoro(store.open("kokoro"))
    thread = ModelThread("recognise")
    # the terminal's own: words of this bank and branch in place of others of their sound
    hot = HotWords(words_of(zh for zh, language in said_here(site) if language == "zh"), IntentModel.open(store))
    recogniser = ModelRecogniser(open_recogniser(DEFAULT, store), thread, hot=hot)  # type: ignore[arg-type]  # gives back what it was given, reworded
    voices = {
        language: [voice for voice in kokoro.voices if voice.startswith(letters)]
        for language, letters in (("zh", ("z",)), ("en", ("a", "b")))
    }
    try:
        for example in examples:
            language: Language = "zh" if example.language == "zh" else "en"
            said = kokoro.synthesise(example.text, language, rng.choice(voices[language]), rng.choice(SPEEDS))
            quiet = np.zeros(PAUSE, np.int16)
            sound = resampled(np.concatenate([quiet, said.pcm, quiet]), rng.choice(NOISE_DB), noise)
            words = recogniser.heard(sound)
            yield Heard(example, words.language, words.text, words.clear, tuple(weighted(words.alternatives)))
    finally:
        thread.close()
