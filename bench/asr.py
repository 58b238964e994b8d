"""How well and how fast every recogniser that is installed hears: recordings of yours, or synthetic speech.

    python -m bench asr [--manifest FILE] [--engine NAME …] [--most N] [--threads N] --json -

A manifest holds lines `file<TAB>text[<TAB>zh|en]`, files relative to it, of any rate and any number of channels.
Without one the receptionist's own synthesiser speaks the lobby's sentences, which flatters: `speech` says which it
was. `cer` counts characters with numbers read out; `rtf` is time over length of sound; `latency_3s_ms` the median
for the first three seconds of sound; `language_accuracy` the share heard in the language of the reference. The
figures at the top are the product's own recogniser's.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import soundfile
from scipy.signal import resample_poly

from bench.lobby.scoring import Errors, errors, part
from bench.lobby.sentences import language_of, load, spread
from bench.lobby.voices import VISITORS, Voices
from contracts.screen import Language
from kiosk.events import MIC_RATE_HZ, Pcm
from models.engines import DEFAULT, SHERPA, installed_engines, open_recogniser
from models.recognition import SpeechModel
from models.sherpa import EngineError
from models.store import Store

LATENCY_S: Final = 3.0
LATENCY_RUNS: Final = 9
LONGEST_S: Final = 600.0
LEAST_HZ: Final = 4000
MOST_LINES: Final = 20_000


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what is said in it: `pcm` (n,) int16 at 16 kHz."""

    name: str
    text: str
    language: Language
    pcm: Pcm


def read_sound(path: Path) -> Pcm:
    """A sound file as (n,) int16 mono at 16 kHz: channels are averaged, other rates resampled.

    Raises `ValueError` naming the file when it is missing, damaged, empty, or longer than `LONGEST_S`.
    """
    try:
        with soundfile.SoundFile(str(path)) as sound:
            rate_hz, frames = sound.samplerate, sound.frames
            if frames > LONGEST_S * rate_hz:
                raise ValueError(f"{path}: longer than {LONGEST_S:.0f} s")
            wave = sound.read(dtype="float32", always_2d=True).mean(axis=1)
    except soundfile.LibsndfileError as err:
        raise ValueError(f"{path}: {err.error_string.strip().rstrip('.')}") from err
    except OSError as err:
        raise ValueError(f"{path}: {err.strerror}") from err
    if len(wave) == 0:
        raise ValueError(f"{path}: holds no sound")
    if rate_hz < LEAST_HZ:
        raise ValueError(f"{path}: {rate_hz} Hz is no rate for speech")
    if rate_hz != MIC_RATE_HZ:
        common = gcd(rate_hz, MIC_RATE_HZ)
        wave = resample_poly(wave, MIC_RATE_HZ // common, rate_hz // common)
    return np.asarray(np.clip(np.rint(wave * 32768), -32768, 32767), np.int16)


def load_clips(path: Path, most: int | None = None) -> list[Clip]:
    """The recordings of a manifest. Raises `ValueError` naming manifest and line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as err:
        raise ValueError(f"{path}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise ValueError(f"{path}: not UTF-8 text ({err.reason} at byte {err.start})") from err
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        cells = line.split("\t")
        is_known = len(cells) == 2 or (len(cells) == 3 and cells[2].strip() in ("zh", "en"))
        if not is_known or not cells[0].strip() or not cells[1].strip():
            raise ValueError(f"{path}:{number}: wants 'file<TAB>text[<TAB>zh|en]'")
        rows.append((number, cells))
    if not rows:
        raise ValueError(f"{path}: names no recording")
    if len(rows) > MOST_LINES:
        raise ValueError(f"{path}: more than {MOST_LINES} recordings")
    return [_clip(path, number, cells) for number, cells in (spread(rows, most) if most else rows)]


def _clip(path: Path, number: int, cells: Sequence[str]) -> Clip:
    try:
        pcm = read_sound(path.parent / cells[0].strip())
    except ValueError as err:
        raise ValueError(f"{path}:{number}: {err}") from err
    text = cells[1].strip()
    language = cast(Language, cells[2].strip()) if len(cells) == 3 else language_of(text)
    return Clip(cells[0].strip(), text, language, pcm)


def synthetic(store: Store, most: int | None) -> list[Clip]:
    """The lobby's test sentences, spoken by the product's voices: two in three Mandarin."""
    voices, found = Voices(store), []
    for language, share in (("zh", 2 / 3), ("en", 1 / 3)):
        lines = load("sentences", "test", cast(Language, language))
        for number, line in enumerate(spread(lines, max(1, round(most * share))) if most else lines):
            talkers = VISITORS[cast(Language, language)]
            talker = talkers[number % len(talkers)]
            found.append(
                Clip(f"{talker.name} {number}", line.plain, cast(Language, language), voices.say(line, talker))
            )
    return found


def measure(model: SpeechModel, clips: Sequence[Clip], now: Callable[[], float] = time.perf_counter) -> dict[str, Any]:
    """One engine's figures over `clips`, the language left to it."""
    model.transcribe(clips[0].pcm)  # the first run pays for what is loaded late
    total, right, took_s, sound_s = Errors(0, 0), 0, 0.0, 0.0
    for clip in clips:
        began = now()
        found = model.transcribe(clip.pcm)
        took_s += now() - began
        sound_s += len(clip.pcm) / MIC_RATE_HZ
        total += errors(clip.text, found.text)
        right += found.language == clip.language
    return {
        "cer": round(total.rate, 4),
        "rtf": round(took_s / sound_s, 4),
        "latency_3s_ms": _latency_ms(model, clips, now),
        "language_accuracy": part(right, len(clips)),
        "n": len(clips),
    }


def _latency_ms(model: SpeechModel, clips: Sequence[Clip], now: Callable[[], float]) -> float:
    """Median time for three seconds of sound: of clips that long, cut; of shorter ones, joined."""
    samples = int(LATENCY_S * MIC_RATE_HZ)
    joined = np.concatenate([clip.pcm for clip in clips])
    sounds = [clip.pcm[:samples] for clip in clips if len(clip.pcm) >= samples] or [np.resize(joined, samples)]
    took = []
    for run in range(LATENCY_RUNS):
        began = now()
        model.transcribe(sounds[run % len(sounds)])
        took.append((now() - began) * 1000)
    return round(statistics.median(took), 1)


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Measure. Raises `ValueError` naming file and line for a bad manifest, or an engine that is not there."""
    parser = argparse.ArgumentParser(prog="python -m bench asr", description=__doc__)
    parser.add_argument("--manifest", type=Path, help="recordings; without it, synthetic speech")
    parser.add_argument("--engine", action="append", help="only this one, by name or by its configuration")
    parser.add_argument("--most", type=int, help="so many recordings at most, evenly from all")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(argv)
    if (given.most is not None and given.most < 1) or not 1 <= given.threads <= 64:
        raise ValueError("--most and --threads want at least 1")
    store = Store()
    engines = _chosen(installed_engines(store), given.engine)
    clips = load_clips(given.manifest, given.most) if given.manifest else synthetic(store, given.most)
    found: dict[str, dict[str, Any]] = {}
    for name, spec in engines.items():
        try:
            model = open_recogniser(spec, store, given.threads)
        except EngineError as err:
            raise ValueError(str(err)) from err
        found[name] = measure(model, clips)
        del model  # one in memory at a time
    shown = found.get(DEFAULT) or next(iter(found.values()))
    return {
        **{key: shown[key] for key in ("cer", "rtf", "latency_3s_ms", "language_accuracy")},
        "n": len(clips),
        "speech": given.manifest.name if given.manifest else "synthetic: the product's own voices",
        "threads": given.threads,
        "engines": found,
    }


def _chosen(installed: dict[str, str], wanted: Sequence[str] | None) -> dict[str, str]:
    if not installed:
        raise ValueError("no recogniser is installed: python -m models fetch")
    if not wanted:
        return installed
    unknown = [name for name in wanted if name not in installed and not name.startswith(SHERPA)]
    if unknown:
        raise ValueError(f"no engine {unknown[0]!r}; installed: {', '.join(installed)}; or {SHERPA}/path/to/folder")
    return {name: installed.get(name, name) for name in wanted}
