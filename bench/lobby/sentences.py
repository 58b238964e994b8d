"""What is said in the lobby, as data: files of `split<TAB>language<TAB>text`, and manifests of recordings.

The split `dev` is for choosing anything; `test` is only ever measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar, cast

import numpy as np

from contracts.screen import Language
from kiosk.adapters.files import SoundFileError, read_wav_16k
from kiosk.events import Pcm

DATA: Final = Path(__file__).parent.parent / "data"
PAUSE: Final = "|"
LONGEST_MANIFEST: Final = 20_000

T = TypeVar("T")
Split = Literal["dev", "test"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line of a data file. `text` may hold PAUSE where a slow speaker pauses."""

    language: Language
    text: str

    @property
    def plain(self) -> str:
        """The words without the pauses."""
        return self.text.replace(PAUSE, " " if self.language == "en" else "")


@dataclass(frozen=True, slots=True)
class Recording:
    """One line of a manifest: (n,) int16 at 16 kHz and what is said in it."""

    name: str
    text: str
    pcm: Pcm

    @property
    def language(self) -> Language:
        return language_of(self.text)


def language_of(text: str) -> Language:
    """Mandarin if there is a Chinese character in it."""
    return "zh" if any("\u4e00" <= character <= "\u9fff" for character in text) else "en"


def load(kind: str, split: Split, language: Language | None = None) -> list[Sentence]:
    """The lines of `bench/data/KIND.tsv` of one split. Raises `ValueError` naming file and line."""
    path = DATA / f"{kind}.tsv"
    found = []
    for number, cells in _rows(path):
        if len(cells) != 3 or cells[0] not in ("dev", "test") or cells[1] not in ("zh", "en") or not cells[2]:
            raise ValueError(f"{path}:{number}: wants 'dev|test<TAB>zh|en<TAB>text'")
        if cells[0] == split and language in (None, cells[1]):
            found.append(Sentence(cast(Language, cells[1]), cells[2]))
    return found


def load_manifest(path: Path, most: int | None = None) -> list[Recording]:
    """Recordings named by lines `file<TAB>text`, files relative to the manifest.

    Raises `ValueError` naming manifest and line for a malformed line, or a file that is missing, empty, damaged or
    not mono at 16 kHz.
    """
    found: list[Recording] = []
    for number, cells in _rows(path):
        if len(cells) != 2 or not cells[0] or not cells[1].strip():
            raise ValueError(f"{path}:{number}: wants 'file<TAB>text'")
        if len(found) >= LONGEST_MANIFEST:
            raise ValueError(f"{path}:{number}: more than {LONGEST_MANIFEST} recordings")
        try:
            pcm = read_wav_16k(path.parent / cells[0])
        except SoundFileError as err:
            raise ValueError(f"{path}:{number}: {err}") from err
        found.append(Recording(cells[0], cells[1].strip(), pcm))
    if not found:
        raise ValueError(f"{path}: names no recording")
    return found if most is None else spread(found, most)


def spread(rows: Sequence[T], most: int) -> list[T]:
    """At most `most` rows, evenly from the whole list."""
    if len(rows) <= most:
        return list(rows)
    return [rows[int(place)] for place in np.linspace(0, len(rows) - 1, most)]


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text("utf-8")
    except OSError as err:
        raise ValueError(f"{path}: {err.strerror}") from err
    except UnicodeDecodeError as err:
        raise ValueError(f"{path}: not UTF-8 text ({err.reason} at byte {err.start})") from err
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.split("\t")
