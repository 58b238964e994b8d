"""A release over https, where a branch's network allows it. The same folder and the same trust as from a stick.

Certificates are checked by the system's authorities or one of the bank's; http and redirects are not followed, answers
are read up to their bound.
"""

from __future__ import annotations

import asyncio
import http.client
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import urlsplit

from contracts.release import Chunk, ReleaseRefused, open_chunk, target_of
from contracts.repository import chunk_path, metadata_for
from kiosk.rollout.ports import SourceLost

ANSWER_S: Final = 30.0


class HttpsSource:
    """A published repository below `url`. `authority`: the certificate to trust instead of the system's. Raises
    ValueError for anything but https."""

    def __init__(self, url: str, authority: Path | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.query or parts.username:
            raise ValueError(f"{url!r} is not https://HOST[:PORT]/PATH")
        self._host, self._port, self._path = parts.hostname, parts.port or 443, PurePosixPath(parts.path or "/")
        self._context = ssl.create_default_context(cafile=None if authority is None else str(authority))
        self.tally_bytes = 0

    async def metadata(self, release: str, root: int) -> Mapping[str, bytes]:
        try:
            return await asyncio.to_thread(metadata_for, Path(), target_of(release), root, self._get)
        except OSError as err:
            raise SourceLost(f"{self._host}: {err}") from err

    async def chunks(self, wanted: Sequence[Chunk]) -> AsyncIterator[tuple[Chunk, bytes]]:
        for chunk in wanted:
            try:
                stored = await asyncio.to_thread(self._get, Path(chunk_path(chunk.sha)), chunk.stored)
                await asyncio.to_thread(open_chunk, stored, chunk)
            except (OSError, ReleaseRefused) as err:
                raise SourceLost(f"{self._host}: {err}") from err
            self.tally_bytes += len(stored)
            yield chunk, stored

    def _get(self, path: Path, most: int) -> bytes:
        """Raises FileNotFoundError where the server has none, OSError for every other trouble."""
        connection = http.client.HTTPSConnection(self._host, self._port, timeout=ANSWER_S, context=self._context)
        try:
            connection.request("GET", str(self._path / path.as_posix()))
            answer = connection.getresponse()
            if answer.status in (403, 404):
                raise FileNotFoundError(f"{path.name}: {answer.status}")
            if answer.status != 200:
                raise OSError(f"{path.name}: {answer.status}")
            data = answer.read(most + 1)
        except http.client.HTTPException as err:
            raise OSError(type(err).__name__) from err
        finally:
            connection.close()
        if len(data) > most:
            raise OSError(f"{path.name} is larger than {most} bytes")
        return data
