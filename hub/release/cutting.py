"""Where a stream of bytes is cut: at places that its content chooses, so that what is inserted moves no later cut.

A gear hash over the last 32 bytes (Xia et al., "FastCDC", USENIX ATC 2016, without its two masks), computed for a whole
block at once. The same bytes are cut the same way on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from contracts.release import CHUNK_LEAST_BYTES, CHUNK_MOST_BYTES

MASK: Final = np.uint32(0x7FFF << 17)  # 15 bits: a cut every 32 KiB after the least, 48 KiB on average
REACH: Final = 31  # bytes before a place that its hash depends on
BLOCK_BYTES: Final = 4 * 1024**2


def _gear() -> npt.NDArray[np.uint32]:
    """256 numbers that nobody chose."""
    raw = b"".join(hashlib.sha256(b"yingbin-gear" + bytes([at])).digest()[:4] for at in range(256))
    return np.frombuffer(raw, np.dtype(">u4")).astype(np.uint32)


GEAR: Final = _gear()


def places(block: bytes) -> npt.NDArray[np.int64]:
    """Where the content would like a cut: places after which one may be made. Sorted."""
    if not block:
        return np.zeros(0, np.int64)
    hashes = GEAR[np.frombuffer(block, np.uint8)]
    reach = 1
    while reach <= REACH:  # h[i] = sum of gear[b[i-k]] << k for k < 32, by doubling
        shifted = np.zeros_like(hashes)
        shifted[reach:] = hashes[:-reach] << np.uint32(reach)
        hashes = hashes + shifted
        reach *= 2
    found: npt.NDArray[np.int64] = np.flatnonzero((hashes & MASK) == 0).astype(np.int64) + 1
    return found


def cut(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes as `pieces`, in chunks between the least (but for the last) and the most."""
    held = b""
    source = iter(pieces)
    ended = False
    while not ended or held:
        while not ended and len(held) < BLOCK_BYTES:
            piece = next(source, None)
            if piece is None:
                ended = True
            else:
                held += piece
        used = 0
        likes = places(held)
        while len(held) - used >= (1 if ended else 2 * CHUNK_MOST_BYTES):
            end = _end(likes, used, len(held))
            yield held[used:end]
            used = end
        held = held[used:]


def _end(likes: npt.NDArray[np.int64], begin: int, size: int) -> int:
    least, most = begin + CHUNK_LEAST_BYTES, begin + CHUNK_MOST_BYTES
    at = int(np.searchsorted(likes, least))
    if at < len(likes) and likes[at] <= most:
        return int(likes[at])
    return min(most, size)
