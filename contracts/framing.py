"""Typed messages over a local stream socket: four bytes of length, then JSON. Bounded in size."""

from __future__ import annotations

import struct
from typing import Final, Generic, TypeVar

import msgspec

HEADER: Final = struct.Struct(">I")
M = TypeVar("M")


class FramingError(ValueError):
    """The peer sent something that is not one of the agreed messages. Close the connection."""


class Framing(Generic[M]):
    """Encodes messages and splits received bytes into messages of the given union.

    Raises `FramingError` for a message over `limit` bytes or of the wrong type.
    """

    def __init__(self, kinds: object, limit: int) -> None:
        self._encoder = msgspec.json.Encoder()
        self._decoder: msgspec.json.Decoder[M] = msgspec.json.Decoder(kinds)
        self._limit = limit
        self._buffer = bytearray()

    def encode(self, message: object) -> bytes:
        body = self._encoder.encode(message)
        if len(body) > self._limit:
            raise FramingError(f"{type(message).__name__} of {len(body)} bytes exceeds {self._limit}")
        return HEADER.pack(len(body)) + body

    def feed(self, received: bytes) -> list[M]:
        """Return the messages completed by `received`; keep the rest for the next call."""
        self._buffer += received
        done: list[M] = []
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > self._limit:
                raise FramingError(f"announced {length} bytes, limit {self._limit}")
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            try:
                done.append(self._decoder.decode(body))
            except msgspec.DecodeError as err:
                raise FramingError(str(err)) from err
        return done
