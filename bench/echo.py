"""Each echo canceller alone: how much of her voice it takes out, and what it does to the visitor's words.

    python -m bench echo --json - [--split dev] [--tail-ms N] [--condition NAME …]

She speaks without a pause in a simulated lobby while visitors speak over her, one after the other. Everything is
synthetic speech by the product's own synthesiser, with other voices for the visitors. `delay_ms` is what the
loudspeaker does not tell of its own delay. Figures for the sound as it came ('none') stand beside each.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, cast

import numpy as np
import numpy.typing as npt

from bench.lobby.rooms import RoomPlan, room
from bench.lobby.scoring import total
from contracts.screen import Language
from kiosk.adapters.speex_audio import TAIL_MS, SpeexCanceller
from kiosk.adapters.webrtc_audio import WebRtcCanceller
from kiosk.audio.drift import DeviceClock
from kiosk.audio.echo import FarEnd, Taker, To16k, TwoCancellers
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm
from models.kokoro import Kokoro
from models.store import Store
from models.whisper import Whisper

DATA: Final = Path(__file__).parent / "data" / "echo.tsv"
HER_VOICE: Final = {"zh": "zf_xiaoxiao", "en": "af_heart"}
VISITORS: Final = {"zh": ("zm_yunxi", "zf_xiaobei", "zm_yunjian"), "en": ("am_michael",)}
VISITOR_RMS: Final = 0.05  # of full scale, at the microphone, while speaking
WARM_UP_S: Final = 5.0
RUNNING_S: Final = 120  # the devices, before she begins
BETWEEN_S: Final = 2.0  # from one visitor's end to the next one's beginning
BLOCK: Final = SPEECH_RATE_HZ // 50
NS: Final = 1_000_000_000
FRAME_NS: Final = 20_000_000
Signal = npt.NDArray[np.float32]
Split = Literal["dev", "test"]


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


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench echo", description=__doc__)
    arguments.add_argument("--split", choices=("dev", "test"), default="test")
    arguments.add_argument("--tail-ms", type=int, default=TAIL_MS, help="length of speex's filter")
    arguments.add_argument("--condition", action="append", choices=[c.name for c in CONDITIONS])
    given = arguments.parse_args(argv)
    store = Store()
    speech = Speech(Kokoro(store.open("kokoro")))
    whisper = Whisper(store.open("whisper-base"))
    lines = read_lines(DATA)
    wanted = [c for c in CONDITIONS if not given.condition or c.name in given.condition]
    found: dict[str, Any] = {"split": given.split, "tail_ms": given.tail_ms, "sentences": len(lines[given.split])}
    for condition in wanted:
        scene = stage(condition, speech, lines["far"], lines[given.split])
        found[condition.name] = measure(scene, condition, whisper, given.tail_ms)
    return found


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
    condition: Condition, speech: Speech, far: list[tuple[Language, str]], visitors: list[tuple[Language, str]]
) -> Scene:
    """She speaks all the time, each visitor over her."""
    place = room(RoomPlan(rt60_s=condition.rt60_s, distance_m=0.8, seed=5))
    parts: list[Signal] = [np.zeros(int(WARM_UP_S * MIC_RATE_HZ), np.float32)]
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
    played, echo = _echo(condition, speech, far, place.loudspeaker, len(visitor))
    noise = np.random.default_rng(11).standard_normal(len(visitor)) * VISITOR_RMS * 10 ** (-40 / 20)
    mic = np.clip((visitor + echo + noise) * 32768, -32768, 32767).astype(np.int16)
    return Scene(mic, visitor, played, tuple(said))


def _echo(
    condition: Condition, speech: Speech, lines: list[tuple[Language, str]], response: Signal, samples: int
) -> tuple[Pcm, Signal]:
    """What she plays (24 kHz) and what of it comes to the microphone (16 kHz, `samples` long)."""
    blocks = samples // FRAME_SAMPLES + 50
    if condition.echo_db is None:
        return np.zeros(blocks * BLOCK, np.int16), np.zeros(samples, np.float32)
    sentences = [speech.at_24k(text, language, HER_VOICE[language]) for language, text in lines]
    pause = np.zeros(SPEECH_RATE_HZ // 4, np.int16)
    round_ = np.concatenate([part for sentence in sentences for part in (sentence, pause)])
    played = np.resize(round_, blocks * BLOCK)
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
    return played, np.asarray(echo * (level / active_rms(echo)), np.float32)


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


# ------------------------------------------------------------------ measuring
def measure(scene: Scene, condition: Condition, whisper: Whisper, tail_ms: int) -> dict[str, Any]:
    """Figures of each canceller alone, and of none."""
    found: dict[str, Any] = {"none": figures(scene.mic, scene, whisper, 0.0)}
    takers: dict[str, Taker] = {"webrtc": WebRtcCanceller(), "speex": SpeexCanceller(tail_ms)}
    for name, taker in takers.items():
        began = time.process_time()
        out = through(taker, scene, condition)
        spent_ms = (time.process_time() - began) * 1e3 / (len(scene.mic) / FRAME_SAMPLES)
        found[name] = figures(out, scene, whisper, spent_ms)
    return found


def through(taker: Taker, scene: Scene, condition: Condition) -> Pcm:
    """The microphone's sound after one canceller, its far end aligned as in the terminal.

    Both devices have run for a while when she begins, and their callbacks come late by chance.
    """
    far, microphone, late = FarEnd(), DeviceClock(MIC_RATE_HZ), Late(condition.late_ms)
    ears = TwoCancellers(far, taker, None)
    block_ns = FRAME_NS / (1 + condition.drift_ppm * 1e-6)
    before = RUNNING_S * 50
    played = np.concatenate((np.zeros(before * BLOCK, np.int16), scene.far))
    mic = np.concatenate((np.zeros(before * FRAME_SAMPLES, np.int16), scene.mic))
    out, written = [], 0
    shift = before * (FRAME_NS - block_ns)  # both begin to speak at the same time, whatever their clocks did before
    for frame in range(len(mic) // FRAME_SAMPLES):
        end_ns = NS + (frame + 1) * FRAME_NS
        while NS + shift + (written - 1) * block_ns <= end_ns:  # a loudspeaker holds two blocks
            audible_ns = NS + shift + (written + 1) * block_ns
            far.played(played[written * BLOCK : (written + 1) * BLOCK], late(audible_ns))
            written += 1
        seen_ns = microphone.seen((frame + 1) * FRAME_SAMPLES, late(end_ns))
        if frame >= before:
            out.append(ears.clean(mic[frame * FRAME_SAMPLES : (frame + 1) * FRAME_SAMPLES], seen_ns).detect)
    return np.concatenate(out)


class Late:
    """Time stamps as callbacks have them: later than the truth, by chance, seeded."""

    def __init__(self, mean_ms: float) -> None:
        self._mean_ns = mean_ms * 1e6
        self._rng = np.random.default_rng(23)

    def __call__(self, at_ns: float) -> int:
        return round(at_ns + self._rng.exponential(self._mean_ns))


def figures(out: Pcm, scene: Scene, whisper: Whisper, spent_ms: float) -> dict[str, float]:
    """`erle_db`: her echo taken out while she speaks alone; `lift_db`: a visitor over her against her alone;
    `correlation`: with the visitor's clean words while both speak; `cer`: of these words as recognised.
    """
    signal, mic = (np.asarray(pcm / 32768, np.float32) for pcm in (out, scene.mic))
    alone = np.ones(len(signal), bool)
    alone[: int(WARM_UP_S * MIC_RATE_HZ)] = False
    for said in scene.said:
        alone[said.start : said.end + MIC_RATE_HZ // 5] = False
    left, echo = power(signal[alone]), power(mic[alone])
    over = power(np.concatenate([signal[said.start : said.end] for said in scene.said]))
    alike = [_alike(signal[said.start : said.end], scene.visitor[said.start : said.end]) for said in scene.said]
    heard = [_recognised(out, said, whisper) for said in scene.said]
    errors = total((said.text, text) for said, text in zip(scene.said, heard, strict=True))
    return {
        "erle_db": round(decibel(echo / left), 1),
        "lift_db": round(decibel(over / left), 1),
        "correlation": round(float(np.mean(alike)), 3),
        "cer": round(errors.rate, 4),
        "ms_per_20_ms": round(spent_ms, 3),
    }


def _recognised(out: Pcm, said: Said, whisper: Whisper) -> str:
    around = out[max(0, said.start - MIC_RATE_HZ // 3) : said.end + MIC_RATE_HZ // 5]
    return whisper.transcribe(around, language=said.language).text


def _alike(out: Signal, visitor: Signal) -> float:
    """The largest normalised correlation within 30 ms: a canceller may delay a little."""
    size = 1 << (len(out) * 2 - 1).bit_length()
    cross = np.fft.irfft(np.fft.rfft(out, size) * np.conj(np.fft.rfft(visitor, size)), size)
    best = float(np.max(cross[: MIC_RATE_HZ * 30 // 1000]))
    return best / float(np.sqrt(np.sum(np.square(out)) * np.sum(np.square(visitor))) + 1e-9)


def power(signal: npt.NDArray[Any]) -> float:
    return float(np.mean(np.square(signal, dtype=np.float64))) + 1e-12


def decibel(ratio: float) -> float:
    return float(10 * np.log10(ratio))
