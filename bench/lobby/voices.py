"""The people of the lobby: synthetic speech of many speakers, made with the product's own synthesiser.

Speakers are blends of Kokoro's voices, faster or slower, their pitch moved by resampling. The receptionist's own
voices are in none of them. Sound is kept in the cache folder by the content of the request, so that a second run
makes nothing.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.lobby.sentences import PAUSE, Sentence
from contracts.screen import Language
from kiosk.events import MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm
from models.kokoro import Kokoro, Spoken
from models.store import Store, cache_root

RECIPE: Final = "1"  # another makes every sound anew
PAUSE_S: Final = 1.2
QUIET_DB: Final = -30.0  # of the voiced level: below it a slow speaker's pause has begun
EDGE_SAMPLES: Final = MIC_RATE_HZ // 100
SHORTEST_PART: Final = MIC_RATE_HZ // 20
COMMA: Final = {"zh": "，", "en": ", "}
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Talker:
    """One speaker. `blend`: Kokoro voices and their weights; `pitch` 1.05 is five per cent higher."""

    name: str
    blend: tuple[tuple[str, float], ...]
    speed: float = 1.0
    pitch: float = 1.0


def _talker(name: str, speed: float, pitch: float, **blend: float) -> Talker:
    return Talker(name=name, blend=tuple(sorted(blend.items())), speed=speed, pitch=pitch)


VISITORS: Final[dict[Language, tuple[Talker, ...]]] = {
    "zh": (
        _talker("xiaobei", 1.0, 1.0, zf_xiaobei=1.0),
        _talker("yunxi", 1.0, 1.0, zm_yunxi=1.0),
        _talker("yunjian", 1.0, 1.0, zm_yunjian=1.0),
        _talker("low", 0.9, 0.95, zf_xiaobei=0.6, zm_yunjian=0.4),
        _talker("high", 1.1, 1.05, zf_xiaobei=0.7, zm_yunxi=0.3),
        _talker("brisk", 1.15, 1.0, zm_yunxi=0.5, zm_yunjian=0.5),
    ),
    "en": (
        _talker("michael", 1.0, 1.0, am_michael=1.0),
        _talker("low", 0.9, 0.94, am_michael=0.8, zm_yunjian=0.2),
        _talker("high", 1.05, 1.06, am_michael=0.6, zf_xiaobei=0.4),
        _talker("brisk", 1.15, 1.0, am_michael=0.7, zm_yunxi=0.3),
    ),
}
SLOW: Final[dict[Language, tuple[Talker, ...]]] = {
    "zh": (
        _talker("old man", 0.8, 0.96, zm_yunjian=0.8, zm_yunxi=0.2),
        _talker("old woman", 0.82, 0.97, zf_xiaobei=0.8, zm_yunjian=0.2),
        _talker("unhurried", 0.88, 1.0, zm_yunxi=1.0),
    ),
    "en": (
        _talker("old man", 0.82, 0.95, am_michael=1.0),
        _talker("old woman", 0.85, 1.05, am_michael=0.6, zf_xiaobei=0.4),
    ),
}
BYSTANDERS: Final[dict[Language, tuple[Talker, ...]]] = {
    "zh": (
        _talker("man", 1.05, 0.97, zm_yunjian=0.6, zm_yunxi=0.4),
        _talker("woman", 1.05, 1.03, zf_xiaobei=0.9, am_michael=0.1),
        _talker("boy", 1.1, 1.1, zm_yunxi=0.8, zf_xiaobei=0.2),
        _talker("tired", 0.9, 0.93, zm_yunxi=0.4, zm_yunjian=0.6),
    ),
    "en": (
        _talker("man", 1.0, 0.97, am_michael=0.9, zm_yunxi=0.1),
        _talker("woman", 1.05, 1.08, am_michael=0.5, zf_xiaobei=0.5),
    ),
}
ANNOUNCER: Final = _talker("announcer", 0.95, 1.0, zf_xiaobei=0.5, zm_yunjian=0.5)
RECEPTIONIST: Final[dict[Language, Talker]] = {
    "zh": _talker("xiaoxiao", 1.0, 1.0, zf_xiaoxiao=1.0),
    "en": _talker("heart", 1.0, 1.0, af_heart=1.0),
}


def resampled(signal: Signal, ratio: float) -> Signal:
    """`ratio` times as many samples, by the spectrum: (n,) float32 → (round(n · ratio),) float32."""
    target = round(len(signal) * ratio)
    spectrum = np.fft.rfft(signal.astype(np.float64))
    keep = min(len(spectrum), target // 2 + 1)
    wanted = np.zeros(target // 2 + 1, np.complex128)
    wanted[:keep] = spectrum[:keep]
    return np.asarray(np.fft.irfft(wanted, target) * target / len(signal), np.float32)


class Voices:
    """Speech by talker and text, from the cache where it was made before. `tally_made`: what was not there."""

    def __init__(self, store: Store | None = None) -> None:
        self._store = store or Store()
        self._identity = self._store.folder("kokoro").name
        self._folder = cache_root() / "bench" / "voices"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._kokoro: Kokoro | None = None
        self._blends: tuple[tuple[tuple[str, float], ...], ...] = ()
        self.tally_made = 0

    def say(self, sentence: Sentence, talker: Talker) -> Pcm:
        """(n,) int16 at 16 kHz, without silence around; PAUSE_S of silence at every PAUSE in the text."""
        path = self._path("16k", sentence, talker)
        held = _loaded(path)
        if held is None:
            held = self._made(sentence, talker)
            _store(path, held)
            self.tally_made += 1
        return held

    def receptionist(self, sentence: Sentence) -> Pcm:
        """(n,) int16 at 24 kHz, as she is played."""
        talker = RECEPTIONIST[sentence.language]
        path = self._path("24k", sentence, talker)
        held = _loaded(path)
        if held is None:
            held = np.asarray(self._synthesised(sentence.plain, sentence.language, talker).pcm, np.int16)
            _store(path, held)
            self.tally_made += 1
        return held

    def _path(self, kind: str, sentence: Sentence, talker: Talker) -> Path:
        wanted = "\n".join((RECIPE, kind, self._identity, repr(talker), sentence.language, sentence.text))
        return self._folder / f"{hashlib.sha256(wanted.encode()).hexdigest()[:32]}.npy"

    def _made(self, sentence: Sentence, talker: Talker) -> Pcm:
        text = sentence.text.replace(PAUSE, COMMA[sentence.language])
        spoken = self._synthesised(text, sentence.language, talker)
        ratio = MIC_RATE_HZ / SPEECH_RATE_HZ / talker.pitch
        sound = resampled(spoken.pcm.astype(np.float32), ratio)
        commas = [(phone.start * ratio, phone.end * ratio) for phone in spoken.phones if phone.symbol in ",，"]
        wanted = sentence.text.count(PAUSE)
        if len(commas) != wanted:
            raise ValueError(f"{sentence.text}: {len(commas)} pauses in the speech, wants {wanted}")
        parts, done = [], 0
        for start, end in commas:
            first, last = _quiet_around(sound, int(start), int(end))
            if first - done < SHORTEST_PART:
                raise ValueError(f"{sentence.text}: nothing is said between two pauses")
            parts += [_faded(sound[done:first]), np.zeros(int(PAUSE_S * MIC_RATE_HZ), np.float32)]
            done = last
        parts.append(_faded(sound[done:]) if commas else sound)
        return np.clip(np.rint(np.concatenate(parts)), -32768, 32767).astype(np.int16)

    def _synthesised(self, text: str, language: Language, talker: Talker) -> Spoken:
        # the pitch is moved by playing faster or slower, so the synthesiser speaks slower or faster before
        return self._opened(talker).synthesise(text, language, _blend_name(talker.blend), talker.speed / talker.pitch)

    def _opened(self, talker: Talker) -> Kokoro:
        """The synthesiser with every blend as a voice file beside its own network."""
        if self._kokoro is None:
            everybody = (*VISITORS.values(), *SLOW.values(), *BYSTANDERS.values(), (ANNOUNCER,))
            blends = {who.blend for group in everybody for who in group}
            blends |= {who.blend for who in RECEPTIONIST.values()}
            with tempfile.TemporaryDirectory() as temporary:
                self._kokoro = Kokoro(_folder_of_blends(self._store.open("kokoro"), Path(temporary), sorted(blends)))
        return self._kokoro


def _blend_name(blend: Sequence[tuple[str, float]]) -> str:
    return "+".join(f"{name}{round(weight * 100)}" for name, weight in blend)


def _folder_of_blends(kokoro: Path, folder: Path, blends: Sequence[tuple[tuple[str, float], ...]]) -> Path:
    """A model folder of links to the real one, with blended voices."""
    for path in kokoro.iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    (folder / "voices").mkdir()
    for blend in blends:
        mixed = sum(np.fromfile(kokoro / "voices" / f"{name}.bin", np.float32) * weight for name, weight in blend)
        np.asarray(mixed, np.float32).tofile(folder / "voices" / f"{_blend_name(blend)}.bin")
    return folder


def _quiet_around(sound: Signal, start: int, end: int) -> tuple[int, int]:
    """The silence of a comma spoken over samples `[start, end)`: where the voice stopped, where it begins again.

    Empty, at the quietest place, where there is no silence.
    """
    block = MIC_RATE_HZ // 200
    count = len(sound) // block
    rms = np.sqrt(np.mean(np.square(sound[: count * block].reshape(count, block)), axis=1))
    voiced = float(np.sqrt(np.mean(np.square(rms[rms > 0.1 * rms.max()]))))
    low, high = max(1, start // block - 8), min(count - 1, end // block + 8)  # the network is 40 ms off at most
    quietest = low + int(np.argmin(rms[low:high]))
    limit = voiced * 10 ** (QUIET_DB / 20)
    first = last = quietest
    while first > 0 and rms[first - 1] < limit:
        first -= 1
    while last < count and rms[last] < limit:
        last += 1
    return first * block, last * block


def _faded(sound: Signal) -> Signal:
    """Without clicks at its ends: 10 ms of raised cosine."""
    n = min(EDGE_SAMPLES, len(sound) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(1, n))).astype(np.float32)
    faded = sound.copy()
    faded[:n] *= ramp
    faded[len(faded) - n :] *= ramp[::-1]
    return faded


def _loaded(path: Path) -> Pcm | None:
    try:
        return np.asarray(np.load(path, allow_pickle=False), np.int16)
    except (OSError, ValueError, EOFError):  # missing or cut off: it is made again
        return None


def _store(path: Path, pcm: Pcm) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
        np.save(file, pcm)
    Path(file.name).replace(path)
