"""The receptionist's voice: clauses become sound and mouth shapes, from the cache where they were said before.

The cache holds her own fixed and approved sentences only. A sentence that carries something of the visitor (an
amount, a ticket number) is made anew each time and is not kept.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from contracts.screen import Language
from contracts.speech import VisemeSpan
from kiosk.audio.playback import SpeechChunk
from kiosk.dialogue.clauses import clauses
from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.runtime.worker import ModelThread

FORMAT: Final = "1"  # of the cache's files
GAP_SAMPLES: Final = {"zh": SPEECH_RATE_HZ * 16 // 100, "en": SPEECH_RATE_HZ * 18 // 100}


class Phone(Protocol):
    """One phoneme over samples `[start, end)`."""

    @property
    def symbol(self) -> str: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Spoken(Protocol):
    """(n,) int16 at 24 kHz and its phonemes."""

    @property
    def pcm(self) -> Pcm: ...
    @property
    def phones(self) -> Sequence[Phone]: ...


class Synthesiser(Protocol):
    def synthesise(self, text: str, language: Language, voice: str, speed: float = 1.0) -> Spoken: ...


Mouth = Callable[[Sequence[tuple[str, int, int]], int], tuple[VisemeSpan, ...]]


@dataclass(frozen=True, slots=True)
class Character:
    """How she sounds: a voice for each language, and her pace."""

    zh: str
    en: str
    speed: float = 1.0
    identity: str = ""  # of the synthesiser's files: another model makes another cache


class VoiceCache:
    """Rendered clauses on disk, the least recently used removed first. Files appear whole or not at all."""

    def __init__(self, folder: Path, limit_mib: int) -> None:
        self._folder = folder
        self._limit_bytes = limit_mib * 1024 * 1024
        folder.mkdir(parents=True, exist_ok=True)
        self.tally_hits = 0
        self.tally_misses = 0

    def _file(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.npz"

    def has(self, key: str) -> bool:
        return self._file(key).exists()

    def load(self, key: str) -> tuple[Pcm, list[tuple[str, int, int]]] | None:
        path = self._file(key)
        try:
            with np.load(path, allow_pickle=False) as held:
                pcm = held["pcm"]
                phones = [(str(s), int(a), int(b)) for s, (a, b) in zip(held["symbols"], held["spans"], strict=True)]
            os.utime(path)
        except (OSError, ValueError, KeyError):  # missing, or cut off by a full disk: it is made again
            self.tally_misses += 1
            return None
        self.tally_hits += 1
        return pcm, phones

    def store(self, key: str, pcm: Pcm, phones: Sequence[tuple[str, int, int]]) -> None:
        with tempfile.NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as file:
            np.savez(
                file,
                pcm=pcm,
                symbols=np.array([p[0] for p in phones] or [""][:0], dtype="U8"),
                spans=np.array([p[1:] for p in phones], np.int64).reshape(-1, 2),
            )
        Path(file.name).replace(self._file(key))
        self._trim()

    def _trim(self) -> None:
        files = sorted(self._folder.glob("*.npz"), key=lambda path: path.stat().st_mtime)
        total = sum(path.stat().st_size for path in files)
        for path in files:
            if total <= self._limit_bytes:
                return
            total -= path.stat().st_size
            path.unlink(missing_ok=True)


class Voice:
    """Speaks answers. One synthesiser, one thread."""

    def __init__(
        self,
        synthesiser: Synthesiser | None,  # None: nothing but what is in the cache can be said
        thread: ModelThread,
        mouth: Mouth,
        cache: VoiceCache,
        character: Character,
    ) -> None:
        self._synthesiser = synthesiser
        self._thread = thread
        self._mouth = mouth
        self._cache = cache
        self._character = character

    def _key(self, clause: str, language: Language) -> str:
        who = self._character.zh if language == "zh" else self._character.en
        return "\n".join((FORMAT, self._character.identity, who, f"{self._character.speed:.2f}", language, clause))

    async def speak(self, text: str, language: Language, *, keep: bool) -> AsyncIterator[SpeechChunk]:
        """Yield the answer clause by clause. `keep`: nothing of the visitor is in it, so it may be cached."""
        parts = clauses(text, language)
        for index, clause in enumerate(parts):
            yield await self._thread.call(self._chunk, clause, language, keep, index + 1 < len(parts))

    def _chunk(self, clause: str, language: Language, keep: bool, more: bool) -> SpeechChunk:
        key = self._key(clause, language)
        held = self._cache.load(key)
        cached = held is not None
        if held is None:
            spoken = self._render(clause, language)
            held = spoken.pcm, [(p.symbol, p.start, p.end) for p in spoken.phones]
            if keep:
                self._cache.store(key, *held)
        pcm, phones = held
        gap = np.zeros(GAP_SAMPLES[language] if more else 0, np.int16)
        return SpeechChunk(
            text=clause,
            pcm=np.concatenate((pcm, gap)),
            visemes=self._mouth(phones, SPEECH_RATE_HZ),
            cached=cached,
        )

    def _render(self, clause: str, language: Language) -> Spoken:
        if self._synthesiser is None:
            raise LookupError("this clause was not rendered, and there is no synthesiser")
        who = self._character.zh if language == "zh" else self._character.en
        return self._synthesiser.synthesise(clause, language, who, self._character.speed)

    def missing(self, wanted: Iterable[tuple[str, Language]]) -> list[tuple[str, Language]]:
        """Those of these clauses that are not rendered yet."""
        return [(clause, language) for clause, language in wanted if not self._cache.has(self._key(clause, language))]

    def prepare(self, clause: str, language: Language) -> None:
        """Render one clause into the cache. Blocking."""
        spoken = self._render(clause, language)
        self._cache.store(self._key(clause, language), spoken.pcm, [(p.symbol, p.start, p.end) for p in spoken.phones])
