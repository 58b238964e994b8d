"""The receptionist's voice: Mandarin or English text to sound, with the place of every phoneme in it.

One clause at a time is best: sound comes only when the whole of what was asked for is ready.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from models import g2p_en, g2p_zh
from models.loudness import RATE_HZ, level, speech_bounds
from models.normalise import spoken
from models.sessions import has_vnni, open_session

Language = Literal["zh", "en"]
Floats = npt.NDArray[np.float32]

# The sound comes before its durations say: by 52 to 63 ms (medians of 30 to 38 frictions s, ʂ, ɕ, ʃ in each of four
# voices, found in the sound by their high frequencies; standard deviation 12 to 15 ms in Mandarin).
SOUND_LEADS_SAMPLES: Final = 1320
SAMPLES_PER_UNIT: Final = 600  # of the network's durations
LONGEST_SYMBOLS: Final = 400  # of one run; the network's own bound is 510 with its two ends
SLOWEST, FASTEST = 0.5, 2.0
READERS: Final = (
    "kokoro.py",
    "normalise.py",
    "numbers_en.py",
    "g2p_zh.py",
    "g2p_en.py",
    "spelling_en.py",
    "loudness.py",
)
_STYLE_WIDTH: Final = 256
_CLAUSE = re.compile(r"[^,.!?;:…—]*[,.!?;:…—]*\s*")


@dataclass(frozen=True, slots=True)
class Phone:
    """One of the network's symbols over samples `[start, end)`; tone and stress marks are symbols too."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """Speech, from just before its first to just after its last sound. No phone covers a pause at the ends."""

    pcm: npt.NDArray[np.int16]  # (n,), mono
    rate_hz: int
    phones: tuple[Phone, ...]  # in order, without overlap, inside the samples


def reading_version() -> str:
    """Changes with the rules by which text is read aloud and levelled: what was rendered by others is made again."""
    digest = hashlib.sha256()
    for name in READERS:
        digest.update((Path(__file__).parent / name).read_bytes())
    return digest.hexdigest()[:12]


class VoiceUnknown(Exception):
    """No such voice among the model's files; the message lists those there are."""


class Kokoro:
    """One synthesiser with all its voices; one thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        self._session = open_session(folder / ("kokoro_vnni.onnx" if has_vnni() else "kokoro.onnx"), threads)
        self._symbols: dict[str, int] = json.loads((folder / "symbols.json").read_text("utf-8"))
        self._styles: dict[str, Floats] = {
            path.stem: np.fromfile(path, np.float32).reshape(-1, 1, _STYLE_WIDTH)
            for path in sorted((folder / "voices").glob("*.bin"))
        }

    @property
    def voices(self) -> tuple[str, ...]:
        """Names that `synthesise` takes: z… speak Mandarin, a… English; f female, m male."""
        return tuple(self._styles)

    def synthesise(self, text: str, language: Language, voice: str, speed: float = 1.0) -> Spoken:
        """`text` as speech at `speed` (SLOWEST to FASTEST). Text without a sound gives empty speech.

        Raises VoiceUnknown; ValueError for a speed out of range.
        """
        if voice not in self._styles:
            raise VoiceUnknown(f"no voice {voice!r}; there are: {', '.join(self._styles)}")
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed {speed} is not within {SLOWEST} to {FASTEST}")
        parts = [self._run(part, voice, speed) for part in _parts(self.phonemes(text, language))]
        if not parts:
            return Spoken(pcm=np.zeros(0, np.int16), rate_hz=RATE_HZ, phones=())
        return _join(parts)

    def phonemes(self, text: str, language: Language) -> str:
        """The symbols that would be spoken for `text`."""
        said = spoken(text, language)
        raw = g2p_zh.phonemes(said) if language == "zh" else g2p_en.phonemes(said)
        return "".join(symbol for symbol in raw if symbol in self._symbols)

    def _run(self, symbols: str, voice: str, speed: float) -> tuple[Floats, tuple[Phone, ...]]:
        """One run of the network: sound (n,) float32 at RATE_HZ, trimmed, and its phones."""
        styles = self._styles[voice]
        feeds = {
            "tokens": np.array([[0, *(self._symbols[symbol] for symbol in symbols), 0]], np.int64),
            "style": styles[min(len(symbols), len(styles) - 1)],
            "speed": np.array([speed], np.float32),
        }
        audio, durations = self._session.run(["audio", "durations"], feeds)
        sound = np.asarray(audio, np.float32).ravel()
        ends = np.cumsum(np.rint(durations.ravel())).astype(np.int64) * SAMPLES_PER_UNIT - SOUND_LEADS_SAMPLES
        first, last = speech_bounds(sound)
        phones = _place(symbols, ends, first, last)
        return sound[first:last], phones


def _place(symbols: Sequence[str], ends: npt.NDArray[np.int64], first: int, last: int) -> tuple[Phone, ...]:
    """Phones in the samples `[first, last)`; those wholly in the silence around are left out.

    `ends` (n + 2,) holds the end of the opening silence, of each symbol, of the closing silence.
    """
    phones = []
    for i, symbol in enumerate(symbols):
        start, end = max(int(ends[i]), first), min(int(ends[i + 1]), last)
        if end > start:
            phones.append(Phone(symbol, start - first, end - first))
    return tuple(phones)


def _parts(symbols: str) -> list[str]:
    """`symbols` cut after clauses, and in clauses too long for one run, so that none exceeds LONGEST_SYMBOLS."""
    parts: list[str] = []
    for clause in _CLAUSE.findall(symbols):
        while len(clause) > LONGEST_SYMBOLS:
            cut = clause.rfind(" ", 1, LONGEST_SYMBOLS)
            cut = cut if cut > 0 else LONGEST_SYMBOLS
            parts.append(clause[:cut])
            clause = clause[cut:]
        if parts and len(parts[-1]) + len(clause) <= LONGEST_SYMBOLS:
            parts[-1] += clause
        elif clause:
            parts.append(clause)
    return [part.strip() for part in parts if any(symbol.isalpha() for symbol in part)]


def _join(parts: list[tuple[Floats, tuple[Phone, ...]]]) -> Spoken:
    phones: list[Phone] = []
    at = 0
    for sound, placed in parts:
        phones += [Phone(phone.symbol, phone.start + at, phone.end + at) for phone in placed]
        at += len(sound)
    return Spoken(pcm=level(np.concatenate([sound for sound, _ in parts])), rate_hz=RATE_HZ, phones=tuple(phones))
