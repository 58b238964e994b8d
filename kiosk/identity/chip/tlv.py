"""Tag, length, value as in ISO/IEC 7816-4 and DER: where each piece of a chip's file lies. Pure; every length is held
against what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_PIECES = 512  # of one level: a certificate has dozens


class BadData(ValueError):
    """It is not built as it should be; the message says where."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One element. `whole`: with its tag and length."""

    tag: int
    value: bytes = field(repr=False)
    whole: bytes = field(repr=False)


def piece_at(data: bytes, at: int = 0) -> tuple[Piece, int]:
    """The element at `at`, and where the next begins. Raises `BadData`."""
    start, tag, at = at, _byte(data, at), at + 1
    if tag & 0x1F == 0x1F:
        more = _byte(data, at)
        tag, at = tag << 8 | more, at + 1
        if more & 0x80:
            raise BadData("a tag of three bytes")
    length, at = length_at(data, at)
    if at + length > len(data):
        raise BadData(f"{length} bytes are announced, {len(data) - at} are there")
    return Piece(tag, data[at : at + length], data[start : at + length]), at + length


def length_at(data: bytes, at: int) -> tuple[int, int]:
    """A length, and where the value begins. Raises `BadData`."""
    first = _byte(data, at)
    if first < 0x80:
        return first, at + 1
    count = first & 0x7F
    if not 1 <= count <= 3:
        raise BadData("a length of no definite size")
    if at + 1 + count > len(data):
        raise BadData("a length that is cut off")
    return int.from_bytes(data[at + 1 : at + 1 + count], "big"), at + 1 + count


def pieces(data: bytes) -> Iterator[Piece]:
    """The elements of one level. Raises `BadData`."""
    at = 0
    for _ in range(MOST_PIECES):
        if at >= len(data):
            return
        piece, at = piece_at(data, at)
        yield piece
    raise BadData("too many elements")


def inside(data: bytes, *tags: int) -> bytes:
    """The value that these tags lead to, one within the other. Raises `BadData`."""
    for tag in tags:
        found = next((piece for piece in pieces(data) if piece.tag == tag), None)
        if found is None:
            raise BadData(f"no element {tag:X}")
        data = found.value
    return data


def made(tag: int, value: bytes) -> bytes:
    """One element, written."""
    size = len(value)
    if size < 0x80:
        length = bytes([size])
    else:
        raw = size.to_bytes((size.bit_length() + 7) // 8, "big")
        length = bytes([0x80 | len(raw)]) + raw
    return tag.to_bytes((tag.bit_length() + 7) // 8 or 1, "big") + length + value


def _byte(data: bytes, at: int) -> int:
    if at >= len(data):
        raise BadData("it ends in the middle of an element")
    return data[at]
