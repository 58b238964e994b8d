"""The lobby of `python -m bench echo`: she speaks without a pause, and visitors speak over her."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt

from bench.lobby.rooms import RoomPlan, room
from contracts.screen import Language
from kiosk.audio.echo import To16k
from kiosk.dialogue.own_words import SpokenSpan
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm
from models.kokoro import Kokoro

HER_VOICE: Final = {"zh": "zf_xiaoxiao", "en": "af_heart"}
VISITORS: Final = {"zh": ("zm_yunxi", "zf_xiaobei", "zm_yunjian"), "en": ("am_michael",)}
VISITOR_RMS: Final = 0.05  # of full scale, at the microphone, while speaking
WARM_UP_S: Final = 5.0
BETWEEN_S: Final = 2.0  # from one visitor's end to the next one's beginning
BLOCK: Final = SPEECH_RATE_HZ // 50
NS: Final = 1_000_000_000
Signal = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How she is heard by the microphone."""

    name: str
    echo_db: float | None  # her voice over the visitor's at the microphone; None: she is silent
    delay_ms: int = 40
    rt60_s: float = 0.4
    clipped: bool = False  # the loudspeaker's own distortion, which no linear filter follows
    drift_ppm: float = 0.0  # the loudspeaker's clock against the microphone's
    late_ms: float = 0.5  # how late callbacks come, on average


CONDITIONS: Final = (
    Condition(name="silent", echo_db=None),
    Condition(name="echo_-10_db", echo_db=-10),
    Condition(name="echo_0_db", echo_db=0),
    Condition(name="echo_10_db", echo_db=10),
    Condition(name="late_150_ms", echo_db=0, delay_ms=150),
    Condition(name="reverberant", echo_db=0, rt60_s=0.8),
    Condition(name="clipped", echo_db=0, clipped=True),
    Condition(name="drift_200_ppm", echo_db=0, drift_ppm=200, late_ms=2.0),
)


@dataclass(frozen=True, slots=True)
class Said:
    text: str
    language: Language
    start: int  # samples of the microphone
    end: int


@dataclass(frozen=True, slots=True)
class Scene:
    """Sound at the microphone, 16 kHz, and what it is made of."""

    mic: Pcm
    visitor: Signal
    far: Pcm  # 24 kHz, as written to the loudspeaker
    said: tuple[Said, ...]
    spoken: tuple[SpokenSpan, ...]  # by her, from the first sample of the microphone


def read_lines(path: Path) -> dict[str, list[tuple[Language, str]]]:
    """Sentences by their first column."""
    found: dict[str, list[tuple[Language, str]]] = {}
    with path.open(encoding="utf-8") as file:
        for row in csv.reader((line for line in file if not line.startswith("#")), delimiter="\t"):
            found.setdefault(row[0], []).append((cast(Language, row[1]), row[2]))
    return found


class Speech:
    """Sentences as sound, each made once."""

    def __init__(self, kokoro: Kokoro) -> None:
        self._kokoro = kokoro
        self._made: dict[tuple[str, str], Pcm] = {}

    def at_24k(self, text: str, language: Language, voice: str) -> Pcm:
        key = (text, voice)
        if key not in self._made:
            self._made[key] = self._kokoro.synthesise(text, language, voice).pcm
        return self._made[key]

    def at_16k(self, text: str, language: Language, voice: str) -> Signal:
        pcm = self.at_24k(text, language, voice)
        whole = np.concatenate((pcm, np.zeros(-len(pcm) % 3 + 96, np.int16)))
        return np.asarray(To16k().convert(whole) / 32768, np.float32)


def stage(
    condition: Condition,
    speech: Speech,
    far: list[tuple[Language, str]],
    visitors: list[tuple[Language, str]],
    alone_s: float = WARM_UP_S,
) -> Scene:
    """She speaks all the time, first alone, then each visitor over her."""
    place = room(RoomPlan(rt60_s=condition.rt60_s, distance_m=0.8, seed=5))
    parts: list[Signal] = [np.zeros(int(alone_s * MIC_RATE_HZ), np.float32)]
    said: list[Said] = []
    at = len(parts[0])
    for number, (language, text) in enumerate(visitors):
        voices = VISITORS[language]
        wet = np.convolve(speech.at_16k(text, language, voices[number % len(voices)]), place.visitor)
        wet = np.asarray(wet * (VISITOR_RMS / active_rms(wet)), np.float32)
        said.append(Said(text, language, at, at + len(wet)))
        parts += [wet, np.zeros(int(BETWEEN_S * MIC_RATE_HZ), np.float32)]
        at += len(wet) + len(parts[-1])
    visitor = np.concatenate(parts)
    visitor = visitor[: len(visitor) // FRAME_SAMPLES * FRAME_SAMPLES]
    played, spoken, echo = _echo(condition, speech, far, place.loudspeaker, len(visitor))
    noise = np.random.default_rng(11).standard_normal(len(visitor)) * VISITOR_RMS * 10 ** (-40 / 20)
    mic = np.clip((visitor + echo + noise) * 32768, -32768, 32767).astype(np.int16)
    return Scene(mic, visitor, played, tuple(said), spoken)


def _echo(
    condition: Condition, speech: Speech, lines: list[tuple[Language, str]], response: Signal, samples: int
) -> tuple[Pcm, tuple[SpokenSpan, ...], Signal]:
    """What she plays (24 kHz), which words when, and what of it comes to the microphone (16 kHz, `samples` long)."""
    blocks = samples // FRAME_SAMPLES + 50
    if condition.echo_db is None:
        return np.zeros(blocks * BLOCK, np.int16), (), np.zeros(samples, np.float32)
    played, spoken = _monologue(speech, lines, blocks * BLOCK)
    heard = To16k().convert(played).astype(np.float32) / 32768
    if condition.clipped:
        most = float(np.abs(heard).max())
        heard = np.asarray(np.tanh(2.5 * heard / most) * most / 2.5, np.float32)
    echo = np.convolve(heard, response)
    echo = np.concatenate((np.zeros(condition.delay_ms * MIC_RATE_HZ // 1000), echo))
    if condition.drift_ppm:
        places = np.arange(samples, dtype=np.float64) * (1 + condition.drift_ppm * 1e-6)
        echo = resampled_at(echo, places)
    echo = echo[:samples]
    level = VISITOR_RMS * 10 ** (condition.echo_db / 20)
    return played, spoken, np.asarray(echo * (level / active_rms(echo)), np.float32)


def _monologue(speech: Speech, lines: list[tuple[Language, str]], samples: int) -> tuple[Pcm, tuple[SpokenSpan, ...]]:
    """All her sentences, over and over."""
    parts: list[Pcm] = []
    spoken: list[SpokenSpan] = []
    at = 0
    for language, text in cycle(lines):
        sentence = speech.at_24k(text, language, HER_VOICE[language])
        spoken.append(SpokenSpan(text, at * NS // SPEECH_RATE_HZ, (at + len(sentence)) * NS // SPEECH_RATE_HZ))
        parts += [sentence, np.zeros(SPEECH_RATE_HZ // 4, np.int16)]
        at += len(sentence) + len(parts[-1])
        if at >= samples:
            break
    return np.concatenate(parts)[:samples], tuple(spoken)


def resampled_at(signal: npt.NDArray[Any], places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Values between samples by a windowed sinc of 32 taps."""
    whole = np.floor(places).astype(np.int64)
    out = np.zeros(len(places))
    padded = np.concatenate((np.zeros(16), signal, np.zeros(17)))
    for tap in range(-15, 17):
        distance = places - whole - tap
        out += padded[whole + tap + 16] * np.sinc(distance) * np.cos(np.pi * distance / 34) ** 2
    return out


def active_rms(signal: npt.NDArray[Any]) -> float:
    loud = signal[np.abs(signal) > 0.1 * np.abs(signal).max()]
    return float(np.sqrt(np.mean(np.square(loud)))) if len(loud) else 1e-9
