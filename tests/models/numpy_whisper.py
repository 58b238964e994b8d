"""Whisper written down once more, in plain numpy over the checkpoint's variables: what the converted graphs must equal.

After the paper (Radford et al. 2022) and CTranslate2's names of the variables; no graph, no cache,
no 8-bit numbers, 64-bit arithmetic. With it a checkpoint of random weights, small enough for a test.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Weights = dict[str, npt.NDArray]

WIDTH, HEADS, LAYERS, VOCABULARY, MELS = 64, 2, 2, 120, 80
_CODES = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def random_weights(seed: int) -> Weights:
    """Every variable of a small Whisper, under CTranslate2's names, in its types."""
    rng = np.random.default_rng(seed)
    weights: Weights = {}

    def matrix(scope: str, rows: int, columns: int) -> None:
        weights[f"{scope}/weight"] = rng.normal(0, columns**-0.5, (rows, columns)).astype(np.float16)
        weights[f"{scope}/bias"] = rng.normal(0, 0.1, rows).astype(np.float16)

    def norm(scope: str) -> None:
        weights[f"{scope}/gamma"] = rng.normal(1, 0.1, WIDTH).astype(np.float16)
        weights[f"{scope}/beta"] = rng.normal(0, 0.1, WIDTH).astype(np.float16)

    for name, channels in (("conv1", MELS), ("conv2", WIDTH)):
        shape = (WIDTH, channels, 3)
        weights[f"encoder/{name}/weight"] = rng.normal(0, (3 * channels) ** -0.5, shape).astype(np.float16)
        weights[f"encoder/{name}/bias"] = rng.normal(0, 0.1, WIDTH).astype(np.float16)
    for side, length in (("encoder", 100), ("decoder", 50)):
        table = rng.normal(0, 0.3, (length, WIDTH)).astype(np.float16)
        weights[f"{side}/position_encodings/encodings"] = table
        weights[f"{side}/num_heads"] = np.array(HEADS, np.int16)
        norm(f"{side}/layer_norm")
        for layer in range(LAYERS):
            scope = f"{side}/layer_{layer}"
            norm(f"{scope}/self_attention/layer_norm")
            matrix(f"{scope}/self_attention/linear_0", 3 * WIDTH, WIDTH)
            matrix(f"{scope}/self_attention/linear_1", WIDTH, WIDTH)
            norm(f"{scope}/ffn/layer_norm")
            matrix(f"{scope}/ffn/linear_0", 4 * WIDTH, WIDTH)
            matrix(f"{scope}/ffn/linear_1", WIDTH, 4 * WIDTH)
            if side == "decoder":
                norm(f"{scope}/attention/layer_norm")
                matrix(f"{scope}/attention/linear_0", WIDTH, WIDTH)
                matrix(f"{scope}/attention/linear_1", 2 * WIDTH, WIDTH)
                matrix(f"{scope}/attention/linear_2", WIDTH, WIDTH)
    weights["decoder/embeddings/weight"] = rng.normal(0, 1, (VOCABULARY, WIDTH)).astype(np.float16)
    weights["decoder/scale_embeddings"] = np.array(0, np.int8)
    weights["decoder/pre_norm"] = np.array(1, np.int8)
    return weights


def write_checkpoint(path: Path, weights: Weights, kind: str = "WhisperSpec") -> None:
    """The variables as CTranslate2's binary version 6, the projection an alias of the embeddings."""

    def string(text: str) -> bytes:
        raw = text.encode() + b"\0"
        return struct.pack("<H", len(raw)) + raw

    parts = [struct.pack("<I", 6), string(kind), struct.pack("<I", 3), struct.pack("<I", len(weights))]
    for name, value in weights.items():
        parts += [string(name), struct.pack("<B", value.ndim), *(struct.pack("<I", side) for side in value.shape)]
        parts += [struct.pack("<BI", _CODES[str(value.dtype)], value.nbytes), value.tobytes()]
    parts += [struct.pack("<I", 1), string("decoder/projection/weight"), string("decoder/embeddings/weight")]
    path.write_bytes(b"".join(parts))


def encode(weights: Weights, mel: Array) -> Array:
    """(frames, WIDTH) of mel (MELS, 2 * frames)."""
    x = _gelu(_convolve(weights, "encoder/conv1", mel, 1))
    x = _gelu(_convolve(weights, "encoder/conv2", x, 2)).T
    x = x + _get(weights, "encoder/position_encodings/encodings")[: len(x)]
    for layer in range(LAYERS):
        scope = f"encoder/layer_{layer}"
        x = x + _self_attention(weights, f"{scope}/self_attention", x, is_causal=False)
        x = x + _feed_forward(weights, f"{scope}/ffn", x)
    return _norm(weights, "encoder/layer_norm", x)


def decode(weights: Weights, tokens: list[int], hidden: Array) -> Array:
    """(len(tokens), VOCABULARY) logits after each token."""
    x = _get(weights, "decoder/embeddings/weight")[tokens]
    x = x + _get(weights, "decoder/position_encodings/encodings")[: len(tokens)]
    for layer in range(LAYERS):
        scope = f"decoder/layer_{layer}"
        x = x + _self_attention(weights, f"{scope}/self_attention", x, is_causal=True)
        h = _norm(weights, f"{scope}/attention/layer_norm", x)
        q = linear(weights, f"{scope}/attention/linear_0", h)
        k, v = np.split(linear(weights, f"{scope}/attention/linear_1", hidden), 2, axis=1)
        x = x + linear(weights, f"{scope}/attention/linear_2", _attend(q, k, v, is_causal=False))
        x = x + _feed_forward(weights, f"{scope}/ffn", x)
    return _norm(weights, "decoder/layer_norm", x) @ _get(weights, "decoder/embeddings/weight").T


def _get(weights: Weights, name: str) -> Array:
    return weights[name].astype(np.float64)


def linear(weights: Weights, scope: str, x: Array) -> Array:
    return x @ _get(weights, f"{scope}/weight").T + _get(weights, f"{scope}/bias")


def _norm(weights: Weights, scope: str, x: Array) -> Array:
    centred = x - x.mean(axis=1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-5)
    return scaled * _get(weights, f"{scope}/gamma") + _get(weights, f"{scope}/beta")


def _gelu(x: Array) -> Array:
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def _feed_forward(weights: Weights, scope: str, x: Array) -> Array:
    return linear(
        weights,
        f"{scope}/linear_1",
        _gelu(linear(weights, f"{scope}/linear_0", _norm(weights, f"{scope}/layer_norm", x))),
    )


def _self_attention(weights: Weights, scope: str, x: Array, *, is_causal: bool) -> Array:
    q, k, v = np.split(linear(weights, f"{scope}/linear_0", _norm(weights, f"{scope}/layer_norm", x)), 3, axis=1)
    return linear(weights, f"{scope}/linear_1", _attend(q, k, v, is_causal=is_causal))


def _attend(q: Array, k: Array, v: Array, *, is_causal: bool) -> Array:
    each = WIDTH // HEADS
    mixed = []
    for head in range(HEADS):
        part = slice(head * each, (head + 1) * each)
        scores = q[:, part] @ k[:, part].T / math.sqrt(each)
        if is_causal:
            scores[np.triu_indices(len(q), 1)] = -np.inf
        raised = np.exp(scores - scores.max(axis=1, keepdims=True))
        mixed.append(raised / raised.sum(axis=1, keepdims=True) @ v[:, part])
    return np.concatenate(mixed, axis=1)


def _convolve(weights: Weights, scope: str, x: Array, stride: int) -> Array:
    """(channels out, length / stride) of x (channels in, length), three taps, padded by one."""
    kernel = _get(weights, f"{scope}/weight")
    padded = np.pad(x, ((0, 0), (1, 1)))
    taps = [np.einsum("oi,il->ol", kernel[:, :, tap], padded[:, tap : tap + x.shape[1]]) for tap in range(3)]
    return sum(taps)[:, ::stride] + _get(weights, f"{scope}/bias")[:, None]
