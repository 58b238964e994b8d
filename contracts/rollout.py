"""The update's messages: what a terminal asks for of a release, and what it gets.

Nothing here is trusted for what it says: metadata carries its own signatures, chunks their own names. Which release
is wanted, and what came of it, stands in `contracts/fleet.py`; that wish only chooses among what is signed.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from contracts.messages import Message, Tally
from contracts.release import STORED_MOST_BYTES, Sha, Version

WINDOW_MOST: Final = 32  # chunks that one message asks for
METADATA_FILES_MOST: Final = 24
METADATA_FILE_BYTES: Final = 48 * 1024
CHUNK_MESSAGE_BYTES: Final = STORED_MOST_BYTES + 1_024


class RolloutWant(Message, frozen=True, kw_only=True):
    """The updater asks: for the metadata of `release` newer than root `root`, or for chunks. It asks again itself."""

    release: Version | None = None
    root: Tally = 0
    chunks: Annotated[tuple[Sha, ...], msgspec.Meta(max_length=WINDOW_MOST)] = ()


class RolloutMetadata(Message, frozen=True, kw_only=True):
    """Signed metadata, by file name, and the indexes that were asked for. Empty: there is no such release."""

    release: Version
    files: Annotated[
        dict[
            Annotated[str, msgspec.Meta(max_length=160)], Annotated[bytes, msgspec.Meta(max_length=METADATA_FILE_BYTES)]
        ],
        msgspec.Meta(max_length=METADATA_FILES_MOST),
    ]


class RolloutChunk(Message, frozen=True, kw_only=True):
    """One chunk as stored. Its bytes follow the JSON as they are. No bytes: nobody has it."""

    sha: Sha
    body: bytes = b""
