"""The converted Whisper computes what the checkpoint says, and conversion repeats to the byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy_whisper as reference
import onnx
import pytest

from models.convert.ctranslate2 import CheckpointError, read_checkpoint
from models.convert.graph import LARGEST_WEIGHT, quantize
from models.convert.whisper import Shape, build_decoder, build_encoder, shape_of
from models.sessions import open_session

pytestmark = pytest.mark.contract

TOKENS = [3, 17, 99, 4, 55, 8]
FRAMES = 40  # of the encoder's output


@pytest.fixture(scope="module")
def weights() -> reference.Weights:
    made = reference.random_weights(seed=7)
    return made | {"decoder/projection/weight": made["decoder/embeddings/weight"]}


@pytest.fixture(scope="module")
def mel() -> np.ndarray:
    return np.random.default_rng(3).normal(0, 1, (reference.MELS, 2 * FRAMES)).astype(np.float32)


def run(weights: reference.Weights, mel: np.ndarray, folder: Path, tokens: list[list[int]], *, is_8_bit: bool):
    """Cross keys and values, and the last logits after each group of tokens, through the converted graphs."""
    shape = shape_of(weights)
    onnx.save(build_encoder(weights, shape, is_8_bit=is_8_bit), folder / "encoder.onnx")
    onnx.save(build_decoder(weights, shape, is_8_bit=is_8_bit), folder / "decoder.onnx")
    encoder, decoder = open_session(folder / "encoder.onnx"), open_session(folder / "decoder.onnx")
    names = [output.name for output in encoder.get_outputs()]
    cross = dict(zip(names, encoder.run(None, {"mel": mel[None]}), strict=True))
    each = reference.WIDTH // reference.HEADS
    empty = np.zeros((1, reference.HEADS, 0, each), np.float32)
    order = [f"{part}_{i}" for i in range(reference.LAYERS) for part in "kv"]
    cache = {f"past_{name}": empty for name in order}
    logits = []
    for group in tokens:
        last, *present = decoder.run(None, {"tokens": np.array([group], np.int64), **cache, **cross})
        logits.append(last[0])
        cache = {f"past_{name}": value for name, value in zip(order, present, strict=True)}
    return cross, np.array(logits)


def test_the_checkpoint_is_read_back_as_written(tmp_path: Path, weights: reference.Weights) -> None:
    reference.write_checkpoint(tmp_path / "model.bin", reference.random_weights(seed=7))
    found = read_checkpoint(tmp_path / "model.bin", "WhisperSpec")
    assert found.keys() == weights.keys()
    for name, value in weights.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)
    assert shape_of(found) == Shape(
        width=64, vocabulary=120, mels=80, encoder_layers=2, decoder_layers=2, encoder_heads=2, decoder_heads=2
    )


@pytest.mark.parametrize("cut", [3, 20, 5000, -1])
def test_a_checkpoint_broken_off_anywhere_is_refused_by_name(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "model.bin"
    reference.write_checkpoint(path, reference.random_weights(seed=7))
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match=r"model\.bin"):
        read_checkpoint(path, "WhisperSpec")


def test_a_checkpoint_of_another_network_or_with_more_behind_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    reference.write_checkpoint(path, reference.random_weights(seed=7), kind="TransformerSpec")
    with pytest.raises(CheckpointError, match="TransformerSpec"):
        read_checkpoint(path, "WhisperSpec")
    reference.write_checkpoint(path, reference.random_weights(seed=7))
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(CheckpointError, match="4 bytes too many"):
        read_checkpoint(path, "WhisperSpec")


def test_the_encoder_equals_the_reference_within_1e_4(
    tmp_path: Path, weights: reference.Weights, mel: np.ndarray
) -> None:
    cross, _ = run(weights, mel, tmp_path, [TOKENS], is_8_bit=False)
    hidden = reference.encode(weights, mel.astype(np.float64))
    for layer in range(reference.LAYERS):
        both = reference.linear(weights, f"decoder/layer_{layer}/attention/linear_1", hidden)
        k, v = (part.reshape(FRAMES, reference.HEADS, -1) for part in np.split(both, 2, axis=1))
        np.testing.assert_allclose(cross[f"cross_k_{layer}"][0], k.transpose(1, 2, 0), atol=1e-4)
        np.testing.assert_allclose(cross[f"cross_v_{layer}"][0], v.transpose(1, 0, 2), atol=1e-4)


@pytest.mark.parametrize(
    "groups",
    [[TOKENS], [[token] for token in TOKENS], [TOKENS[:2], TOKENS[2:5], TOKENS[5:]]],
    ids=["all", "one", "some"],
)
def test_the_decoder_equals_the_reference_however_the_tokens_are_handed_over(
    tmp_path: Path, weights: reference.Weights, mel: np.ndarray, groups: list[list[int]]
) -> None:
    _, logits = run(weights, mel, tmp_path, groups, is_8_bit=False)
    expected = reference.decode(weights, TOKENS, reference.encode(weights, mel.astype(np.float64)))
    ends = np.cumsum([len(group) for group in groups]) - 1
    np.testing.assert_allclose(logits, expected[ends], atol=5e-4)


def test_8_bit_logits_stay_within_a_cosine_of_0_999_of_the_reference(
    tmp_path: Path, weights: reference.Weights, mel: np.ndarray
) -> None:
    _, logits = run(weights, mel, tmp_path, [[token] for token in TOKENS], is_8_bit=True)
    expected = reference.decode(weights, TOKENS, reference.encode(weights, mel.astype(np.float64)))
    cosines = (logits * expected).sum(1) / np.linalg.norm(logits, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.999
    np.testing.assert_array_equal(logits.argmax(1), expected.argmax(1))


def test_converting_twice_gives_the_same_bytes(weights: reference.Weights) -> None:
    shape = shape_of(weights)
    for build in (build_encoder, build_decoder):
        assert build(weights, shape).SerializeToString() == build(weights, shape).SerializeToString()


def test_weights_are_rounded_by_at_most_half_a_step_within_seven_bits() -> None:
    weight = np.random.default_rng(1).normal(0, 3, (50, 20)).astype(np.float32)
    weight[:, 4] = 0
    quantized, scale = quantize(weight)
    assert np.abs(quantized).max() == LARGEST_WEIGHT
    assert not quantized[:, 4].any()
    assert (np.abs(quantized * scale - weight) <= scale * 0.5001).all()
