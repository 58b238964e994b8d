"""Many voices saying short things, to learn from: `python -m models.train.sayings`.

Speaks the lines of `data/sayings.tsv` with every voice that is packaged beside the terminal's own. The
voices of the terminal itself, and a few more, are kept for the test: no model trained here ever hears
them. Needs the fetched synthesiser; what was spoken once is kept in the cache.
"""

from __future__ import annotations

import hashlib
import io
import random
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from scipy.signal import resample_poly

from models.convert.kokoro import VOICES as TERMINALS_VOICES
from models.download import fetch_artefact
from models.kokoro import Kokoro, Language
from models.loudness import RATE_HZ as SPOKEN_HZ
from models.store import Store

Pcm = npt.NDArray[np.int16]
Kind = Literal["backchannel", "words", "sentence", "announcement", "chat"]
Split = Literal["train", "test"]

LINES: Final = Path(__file__).parent / "data" / "sayings.tsv"
RATE_HZ: Final = 16_000
# Beside the terminal's own: one of another language each, and one that no site uses.
TEST_VOICES: Final = (*TERMINALS_VOICES, "zm_yunyang", "bf_emma", "if_sara", "jf_gongitsune")
PER_VOICE: Final[dict[tuple[Kind, Split], int]] = {
    ("backchannel", "train"): 14, ("words", "train"): 16, ("sentence", "train"): 4, ("chat", "train"): 1,
    ("announcement", "train"): 1, ("backchannel", "test"): 20, ("words", "test"): 24, ("sentence", "test"): 7,
    ("chat", "test"): 3, ("announcement", "test"): 2,
}  # fmt: skip
SPEEDS: Final[dict[Kind, tuple[float, ...]]] = {
    "backchannel": (1.1, 1.4, 1.7),  # said alone, the synthesiser draws them out
    "words": (0.85, 1.0, 1.2),
    "sentence": (0.9, 1.05, 1.2),
    "announcement": (1.0,),
    "chat": (1.0, 1.15),
}


class SayingsError(ValueError):
    """A line that cannot be used; the text names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """One thing to be said."""

    kind: Kind
    language: Language
    split: Literal["train", "test", "both"]
    text: str  # or '/symbols/'


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One thing said by one voice: (n,) int16 at RATE_HZ, without silence around it beyond 60 ms."""

    saying: Saying
    voice: str
    speed: float
    pcm: Pcm


class _AnySymbols(Kokoro):
    """Says text, or symbols given as '/…/': a hum has no spelling that is read as one."""

    def phonemes(self, text: str, language: Language) -> str:
        return text[1:-1] if text.startswith("/") else super().phonemes(text, language)


def load_sayings(path: Path = LINES) -> list[Saying]:
    """Every line of the file. Raises SayingsError."""
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        parts = line.split("\t")
        if len(parts) != 4 or parts[0] not in get_args(Kind) or parts[2] not in ("train", "test", "both"):
            raise SayingsError(f"{path}:{number}: needs kind, language, split and text")
        language: Language = "zh" if parts[1] == "zh" else "en"
        found.append(Saying(kind=parts[0], language=language, split=parts[2], text=parts[3]))  # type: ignore[arg-type]
    return found


def prepare_voices(store: Store) -> Path:
    """A folder like the synthesiser's, with every voice of the package. Downloads the package once."""
    model, own = store.model("kokoro"), store.open("kokoro")
    folder = store.root / "training" / own.name
    if (folder / "whole").exists():
        return folder
    (folder / "voices").mkdir(parents=True, exist_ok=True)
    source = next(source for source in model.sources if source.package == "kokoro-js")
    archive_path = fetch_artefact(source, folder, lambda have_bytes: None)
    with tarfile.open(archive_path) as archive:
        for member in archive:
            name = Path(member.name)
            stream = archive.extractfile(member) if name.parent.name == "voices" and name.suffix == ".bin" else None
            if stream is not None:
                (folder / "voices" / name.name).write_bytes(stream.read())
    for path in own.iterdir():
        if path.is_file() and not (folder / path.name).exists():
            (folder / path.name).symlink_to(path)
    archive_path.unlink()
    (folder / "whole").touch()
    return folder


class Speakers:
    """Every voice; keeps what it said on disk. Bounded by the lines and voices there are."""

    def __init__(self, store: Store, threads: int = 2) -> None:
        self._folder = prepare_voices(store)
        self._threads = threads
        self._kokoro: _AnySymbols | None = None
        self._clips = self._folder / "clips"
        self._clips.mkdir(exist_ok=True)
        self.names = tuple(sorted(path.stem for path in (self._folder / "voices").glob("*.bin")))

    def of(self, split: Split) -> tuple[str, ...]:
        """Voices of the training, or those held out of it."""
        return tuple(name for name in self.names if (name in TEST_VOICES) == (split == "test"))

    def say(self, saying: Saying, voice: str, speed: float) -> Clip:
        """One line by one voice, from the disk where it was said before."""
        key = hashlib.sha256(f"{saying.language}|{saying.text}|{voice}|{speed}".encode()).hexdigest()[:24]
        path = self._clips / f"{key}.npy"
        if path.exists():
            return Clip(saying=saying, voice=voice, speed=speed, pcm=np.load(path))
        if self._kokoro is None:
            self._kokoro = _AnySymbols(self._folder, self._threads)
        said = self._kokoro.synthesise(saying.text, saying.language, voice, speed).pcm.astype(np.float64)
        sound = resample_poly(said, RATE_HZ, SPOKEN_HZ) if len(said) else said
        pcm = np.clip(np.rint(sound), -32768, 32767).astype(np.int16)
        with io.BytesIO() as whole:
            np.save(whole, pcm)
            partial = path.with_suffix(".partial")
            partial.write_bytes(whole.getvalue())
        partial.replace(path)
        return Clip(saying=saying, voice=voice, speed=speed, pcm=pcm)


def clips(speakers: Speakers, split: Split, kinds: tuple[Kind, ...], seed: int = 3) -> Iterator[Clip]:
    """So many lines of each kind by each voice of `split`, drawn with `seed`; the test has lines of its own too."""
    sayings = load_sayings()
    for voice in speakers.of(split):
        rng = random.Random(f"{seed} {voice}")
        for kind, here in PER_VOICE:
            if here != split:
                continue
            # the test's voices also say the lines of the training: real visitors use common words
            allowed = ("train", "both") if split == "train" else ("train", "test", "both")
            lines = [s for s in sayings if s.kind == kind and s.split in allowed]
            own = [s for s in lines if s.split == "test"]
            wanted = PER_VOICE[kind, here]
            drawn = rng.sample(own, min(len(own), wanted // 2))
            drawn += rng.sample([s for s in lines if s.split != "test"], wanted - len(drawn))
            for saying in drawn:
                speed = rng.choice(SPEEDS[kind])
                if kind in kinds:
                    yield speakers.say(saying, voice, speed)


def main(
    threads: Annotated[int, typer.Option(min=1, max=64, help="For the synthesiser.")] = 2,
) -> None:
    """Say everything once, so that training finds it on disk."""
    console = Console(stderr=True)
    speakers = Speakers(Store(), threads)
    for split in get_args(Split):
        said, seconds = 0, 0.0
        for clip in clips(speakers, split, get_args(Kind)):
            said, seconds = said + 1, seconds + len(clip.pcm) / RATE_HZ
        console.print(f"{split}: {len(speakers.of(split))} voices, {said} clips, {seconds:.0f} s")


if __name__ == "__main__":
    typer.run(main)
