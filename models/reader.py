"""How much a whole conversation sounds like a swindle, read word by word in its context: a second reading beside
`models/risk.py`, by a network that follows who tells whom what.

The network is fetched (`reader` of the catalogue); what it was taught here are narrow matrices of its upper layers
(`python -m bench.risk_training`). It refuses to decide: a logit comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.sessions import NETWORK_ERRORS, SessionError, open_session

WEIGHTS: Final = Path(__file__).parent / "weights"
NAME_WEIGHTS: Final = "risk_reader.npz"
WIDTH: Final = 384
PIECES_LIMIT: Final = 192  # of what was said last; of 16,000 written conversations the longest has 179
BEGIN, END = 0, 2
OPENING: Final = "query: "  # what the network was made to read (Wang et al. 2024)

Floats = npt.NDArray[np.float32]
Pieces = npt.NDArray[np.int64]


class ReaderError(ValueError):
    """The weights are missing or do not fit the network; the text names the file and the command that makes it."""


class Cutter:
    """Turns of a conversation as the network's pieces."""

    def __init__(self, folder: Path) -> None:
        """Raises `SessionError` naming the file that cannot be read."""
        path = folder / "tokenizer.json"
        try:
            self._cutter = Tokenizer.from_file(str(path))
        except Exception as err:  # the library raises bare Exception
            raise SessionError(f"{path}: {err}") from err

    def pieces(self, turns: Sequence[str]) -> Pieces:
        """`(n,)`, n at most PIECES_LIMIT: the turns, tidied, each with an end; the oldest words are left out."""
        found: list[int] = []
        for text in turns:
            found += [*self._cutter.encode(text, add_special_tokens=False).ids, END]
        opening = [BEGIN, *self._cutter.encode(OPENING, add_special_tokens=False).ids]
        return np.array(opening + found[-(PIECES_LIMIT - len(opening)) :], np.int64)


class Reader:
    """Reads conversations. One thread calls it at a time."""

    def __init__(self, folder: Path, weights: Path = WEIGHTS) -> None:
        """Raises `ReaderError`, and `SessionError` for a network that cannot be opened."""
        self._cutter = Cutter(folder)
        self._session = open_session(folder / "reader.onnx", shapes="some")
        path = weights / NAME_WEIGHTS
        try:
            with np.load(path) as held:
                arrays = {name: np.asarray(held[name], np.float32) for name in held.files}
            self._attend, self._head, self._bias = arrays.pop("attend"), arrays.pop("head"), float(arrays.pop("bias"))
        except (OSError, KeyError, ValueError) as err:
            raise ReaderError(f"{path}: {err}: run `python -m bench.risk_training`") from err
        known = {one.name: one.shape for one in self._session.get_inputs() if one.name != "pieces"}
        fits = known.keys() == arrays.keys() and all(_fits(arrays[name].shape, known[name]) for name in known)
        if not fits or self._attend.shape != (WIDTH,) or self._head.shape != (2 * WIDTH,):
            raise ReaderError(f"{path}: of another shape: run `python -m bench.risk_training`")
        self._narrow = arrays

    def logit(self, turns: Sequence[str]) -> float:
        """That the turns so far, tidied, belong to a swindle. Raises RuntimeError when the network breaks."""
        try:
            (states,) = self._session.run(None, {"pieces": self._cutter.pieces(turns), **self._narrow})
        except NETWORK_ERRORS as err:
            raise RuntimeError(f"the reader's network failed: {type(err).__name__}") from err
        return float(self._head @ pooled(np.asarray(states), self._attend)) + self._bias


def pooled(states: Floats, attend: Floats) -> Floats:
    """`states (n, 384)` as one row `(768,)`: their mean, and their mean by what `attend (384,)` looks for."""
    shares = np.exp((scores := states @ attend) - scores.max())
    return np.concatenate([states.mean(axis=0), shares @ states / shares.sum()])


def _fits(shape: tuple[int, ...], known: Sequence[int | str]) -> bool:
    """Whether an array fits an input of the network; a name stands for any size."""
    return len(shape) == len(known) and all(
        isinstance(there, str) or size == there for size, there in zip(shape, known, strict=True)
    )
