"""Her sentences, made once for all scenes, as a terminal renders them ahead: the scenes are about hearing."""

from __future__ import annotations

from typing import Final

from contracts.screen import Language
from models.kokoro import Kokoro, Spoken
from models.zhtts import SmallVoice

SENTENCES: Final = 200  # a part has a handful of them, in a few clauses each
Asked = tuple[str, Language, str, float]


class _Kept:
    """What was made, bounded: the oldest goes."""

    def __init__(self) -> None:
        self._made: dict[Asked, Spoken] = {}

    def get(self, asked: Asked) -> Spoken | None:
        return self._made.get(asked)

    def keep(self, asked: Asked, made: Spoken) -> Spoken:
        while len(self._made) >= SENTENCES:
            del self._made[next(iter(self._made))]
        self._made[asked] = made
        return made


class KokoroOnce(Kokoro):
    """The synthesiser; the same words in the same voice are not made again."""

    def __init__(self, made_by: Kokoro) -> None:
        self.__dict__.update(made_by.__dict__)
        self._kept = _Kept()

    def synthesise(self, text: str, language: Language, voice: str, speed: float = 1.0) -> Spoken:
        asked = text, language, voice, speed
        return self._kept.get(asked) or self._kept.keep(asked, super().synthesise(*asked))


class SmallVoiceOnce(SmallVoice):
    """The small voice, in the same way."""

    def __init__(self, made_by: SmallVoice) -> None:
        self.__dict__.update(made_by.__dict__)
        self._kept = _Kept()

    def synthesise(self, text: str, language: Language, voice: str, speed: float = 1.0) -> Spoken:
        asked = text, language, voice, speed
        return self._kept.get(asked) or self._kept.keep(asked, super().synthesise(*asked))
