"""The network of the near voice: its arithmetic, its bad input, and whether it knows a visitor from her echo."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

from models.near_voice import (
    BANDS,
    BLOCK_SAMPLES,
    COLUMNS,
    HEARD,
    INPUTS,
    QUIETEST,
    RATE_HZ,
    SIGNALS,
    Bands,
    Echo,
    NearVoice,
    Weights,
)

pytestmark = pytest.mark.unit


class Says:
    """An opinion that is always the same, or one of a row."""

    def __init__(self, *chances: float) -> None:
        self._chances = itertools.cycle(chances)

    def probability(self, samples: np.ndarray) -> float:
        assert samples.shape == (BLOCK_SAMPLES,) and samples.dtype == np.int16
        return next(self._chances)

    def reset(self) -> None: ...


@pytest.fixture(scope="module")
def weights() -> Weights:
    return Weights.load()


def test_the_running_network_gives_what_training_fitted(weights: Weights) -> None:
    train = pytest.importorskip("models.train.near_voice", reason="needs the extra 'train'")
    rng = np.random.default_rng(1)
    blocks = (rng.standard_normal((40, SIGNALS, BLOCK_SAMPLES)) * 800).astype(np.int16)
    opinions = rng.random((40, 2))
    network, bands = NearVoice(weights, Says(*opinions[:, 0]), Says(*opinions[:, 1])), Bands()
    found = [network.probability(block) for block in blocks]
    heard = np.stack([np.concatenate((bands.of(b), o)) for b, o in zip(blocks, opinions, strict=True)])
    rows = train.with_echo(heard[None].astype(np.float32))
    parameters = {name: getattr(weights, name) for name in Weights.__slots__}
    wanted = 1 / (1 + np.exp(-np.asarray(train.logits(parameters, rows))[0]))
    assert found == pytest.approx(list(wanted), abs=0.01)


def signals(far: float, others: float) -> np.ndarray:
    """(1, HEARD) logarithms: the loudspeaker's bands and all others'."""
    heard = np.full((1, HEARD), others, np.float32)
    heard[:, (SIGNALS - 1) * COLUMNS * BANDS : SIGNALS * COLUMNS * BANDS] = far
    return heard


def test_what_was_played_fades_by_60_db_within_a_second() -> None:
    echo, silence = Echo(), np.log10(QUIETEST)
    assert echo.of(signals(-1.0, silence))[0, :BANDS] == pytest.approx(np.full(BANDS, -1.0))
    for _ in range(RATE_HZ // BLOCK_SAMPLES):
        faded = echo.of(signals(silence, silence))[0, :BANDS]
    assert np.all(faded <= -7.0) and np.all(faded >= silence - 1e-6)


def test_how_much_of_her_comes_through_is_learnt_within_two_seconds_and_a_visitor_is_more_than_that() -> None:
    echo = Echo()
    for _ in range(2 * RATE_HZ // BLOCK_SAMPLES):
        usual = echo.of(signals(-2.0, -1.5))[0, BANDS:]
    assert np.abs(usual).max() <= 0.1
    louder = [echo.of(signals(-2.0, -0.5))[0, BANDS:].min() for _ in range(8)]  # 10 dB, for a quarter of a second
    assert min(louder) > 0.5


def test_after_a_reset_nothing_of_the_visit_before_is_left(weights: Weights) -> None:
    rng = np.random.default_rng(2)
    blocks = (rng.standard_normal((60, SIGNALS, BLOCK_SAMPLES)) * 500).astype(np.int16)
    blocks[:, -1] = 0  # how she comes through belongs to the terminal: that is kept
    network = NearVoice(weights, Says(0.5), Says(0.5))
    first = [network.probability(block) for block in blocks]
    again = [network.probability(block) for block in blocks]
    network.reset()
    assert [network.probability(block) for block in blocks] == first != again


def test_a_block_of_another_shape_is_refused(weights: Weights) -> None:
    with pytest.raises(ValueError, match=r"a block is \(4, 512\), not \(4, 500\)"):
        NearVoice(weights, Says(0.0), Says(0.0)).probability(np.zeros((SIGNALS, 500), np.int16))


def test_weights_that_are_missing_corrupt_or_of_another_shape_are_named(weights: Weights, tmp_path: Path) -> None:
    path = tmp_path / "near.npz"
    with pytest.raises(ValueError, match=r"near\.npz"):
        Weights.load(path)
    path.write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"near\.npz"):
        Weights.load(path)
    parts = {name: getattr(weights, name) for name in Weights.__slots__}
    np.savez(path, **{**parts, "inner": np.zeros((INPUTS - 1, 8), np.float32)})
    with pytest.raises(ValueError, match="another shape"):
        Weights.load(path)


def test_silence_and_noise_are_nobody(weights: Weights) -> None:
    rng = np.random.default_rng(3)
    for level in (0, 8, 200):
        network = NearVoice(weights, Says(0.02), Says(0.02))
        hiss = rng.standard_normal((120, BLOCK_SAMPLES)) * level
        chances = [
            network.probability(np.stack((pcm, pcm, pcm, np.zeros(BLOCK_SAMPLES))).astype(np.int16)) for pcm in hiss
        ]
        assert max(chances[30:]) < 0.3, f"noise of {level} is taken for somebody"
