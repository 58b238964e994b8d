"""Each echo canceller alone: how much of her voice it takes out, and what it does to the visitor's words.

    python -m bench echo --json - [--split dev] [--tail-ms N] [--condition NAME …]

She speaks without a pause in a simulated lobby while visitors speak over her, one after the other. Everything is
synthetic speech by the product's own synthesiser, with other voices for the visitors. `delay_ms` is what the
loudspeaker does not tell of its own delay. Figures for the sound as it came ('none') stand beside each.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from bench.echo_own import defences
from bench.echo_scene import BLOCK, CONDITIONS, NS, WARM_UP_S, Condition, Said, Scene, Signal, Speech, read_lines, stage
from bench.lobby.scoring import total
from contracts.screen import Language
from kiosk.adapters.speex_audio import TAIL_MS, SpeexCanceller
from kiosk.adapters.webrtc_audio import WebRtcCanceller
from kiosk.audio.drift import DeviceClock
from kiosk.audio.echo import FarEnd, Taker, TwoCancellers
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, Pcm
from models.kokoro import Kokoro
from models.store import Store
from models.whisper import Whisper

DATA: Final = Path(__file__).parent / "data" / "echo.tsv"
ALONE_S: Final = 45.0
RUNNING_S: Final = 120  # the devices, before she begins
FRAME_NS: Final = 20_000_000


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
        if condition.echo_db is not None:
            hers = lines[f"far_{given.split}"]
            alone = stage(condition, speech, hers, [], alone_s=ALONE_S)
            found[condition.name]["own_voice"] = own_voice(scene, alone, condition, whisper, given.tail_ms)
    return found


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


def own_voice(scene: Scene, alone: Scene, condition: Condition, whisper: Whisper, tail_ms: int) -> dict[str, Any]:
    """Figures of the two comparisons with what she said."""
    texts: dict[tuple[bytes, Language], str] = {}

    def hears(pcm: Pcm, language: Language) -> str:
        key = (pcm.tobytes(), language)
        if key not in texts:
            texts[key] = whisper.transcribe(pcm, language=language).text
        return texts[key]

    cleaned, left_of_her = (through(SpeexCanceller(tail_ms), s, condition) for s in (scene, alone))
    return defences(scene, cleaned, alone, left_of_her, hears)


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
