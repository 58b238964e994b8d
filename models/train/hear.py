"""What the recogniser makes of sentences when they are spoken: `python -m models.train.hear --out FILE`.

Speaks labelled lines with several voices at several speeds, with white noise under them, and writes
what was recognised: `intent language group text`. Of the corpus the result is training text
(`data/heard.tsv`); of the unseen file (`--data`) it is a test. Needs the fetched models.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from contracts.screen import Language
from models.kokoro import Kokoro
from models.loudness import RATE_HZ as SPOKEN_HZ
from models.mel import RATE_HZ as HEARD_HZ
from models.store import Store
from models.train.corpus import Example, load_corpus, load_labelled
from models.whisper import Whisper

NOISE_DB: Final = (30.0, 20.0, 12.0)  # speech over noise: a quiet hall to a busy one
SPEEDS: Final = (0.9, 1.0, 1.15)
LONGEST_CHARS: Final = 60


def resampled(pcm: npt.NDArray[np.int16], noise_db: float, rng: np.random.Generator) -> npt.NDArray[np.int16]:
    """`pcm (n,)` at the voice's rate as `(m,)` at the recogniser's, with white noise `noise_db` below the speech."""
    wanted = len(pcm) * HEARD_HZ // SPOKEN_HZ
    # A moving mean over 1.5 samples before the look-up keeps the folded band 20 dB down: enough for speech.
    smooth = np.convolve(pcm.astype(np.float32), np.array([0.25, 0.5, 0.25], np.float32), mode="same")
    sound = np.interp(np.arange(wanted) * SPOKEN_HZ / HEARD_HZ, np.arange(len(pcm)), smooth)
    loudness = float(np.sqrt((sound**2).mean())) or 1.0
    sound = sound + rng.standard_normal(wanted) * loudness / 10 ** (noise_db / 20)
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def heard(examples: Sequence[Example], kokoro: Kokoro, whisper: Whisper, seed: int) -> list[Example]:
    """Each sentence as it was recognised; those of which nothing was heard are left out."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    voices = {
        language: [voice for voice in kokoro.voices if voice.startswith(letter)]
        for language, letter in (("zh", "z"), ("en", "a"))
    }
    found = []
    for example in examples:
        language: Language = "zh" if example.language == "zh" else "en"
        said = kokoro.synthesise(example.text, language, rng.choice(voices[language]), rng.choice(SPEEDS))
        if len(said.pcm) == 0:
            continue
        quiet = np.zeros(SPOKEN_HZ // 4, np.int16)
        sound = resampled(np.concatenate([quiet, said.pcm, quiet]), rng.choice(NOISE_DB), noise)
        text = whisper.transcribe(sound).text
        if text:
            found.append(Example(intent=example.intent, language=example.language, group=example.group, text=text))
    return found


def main(
    out: Annotated[Path, typer.Option(help="Where the lines are written.")],
    data: Annotated[Path | None, typer.Option(help="A labelled file; without it, the corpus.")] = None,
    count: Annotated[int, typer.Option(min=1, max=20_000, help="So many sentences, drawn evenly.")] = 400,
    seed: Annotated[int, typer.Option(help="Same seed, same sentences and noise.")] = 20,
) -> None:
    """Speak, recognise, write."""
    console, started = Console(stderr=True), time.monotonic()
    rng = random.Random(seed)
    examples = [e for e in (load_labelled(data) if data else load_corpus()) if len(e.text) <= LONGEST_CHARS]
    chosen = rng.sample(examples, min(count, len(examples)))
    store = Store()
    rows = heard(chosen, Kokoro(store.open("kokoro")), Whisper(store.open("whisper-base")), seed)
    lines = ["\t".join([row.intent, row.language, *([] if data else [row.group]), row.text]) for row in rows]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    console.print(
        f"{len(rows)} of {len(chosen)} sentences heard, written to {out} in {time.monotonic() - started:.0f} s"
    )


if __name__ == "__main__":
    typer.run(main)
