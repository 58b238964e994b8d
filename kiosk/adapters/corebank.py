"""The core bank over HTTP: bounded waits, a bounded number of tries, and a tally of everything that went wrong.

A write carries its key, so that sending it again cannot carry it out twice. What is sent and answered is never logged.
"""

from __future__ import annotations

import asyncio
import http.client
import logging
from collections import Counter
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from contracts.corebank import Refusal, Request
from kiosk.banking.ports import BankTrouble

log = logging.getLogger(__name__)

A = TypeVar("A", bound=msgspec.Struct)
TRIES: Final = 2
ANSWER_MOST_BYTES: Final = 256 * 1024
BUSY: Final = frozenset((500, 502, 503, 504))


class HttpCoreBank:
    """A `CoreBank` at a URL. `timeout_s` bounds one try: connecting, and each wait for the answer."""

    def __init__(self, url: str, timeout_s: float = 3.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not an address of a core bank: http(s)://HOST:PORT")
        self._parts = parts
        self._timeout_s = timeout_s
        self.tally: Counter[str] = Counter()

    async def call(self, operation: str, request: Request, answer: type[A]) -> A:
        """Ask or order one thing. Raises `BankTrouble`: 'slow', 'down', 'strange', or why it was refused."""
        body = msgspec.json.encode(request)
        trouble = BankTrouble("down")
        for _ in range(TRIES):
            try:
                status, text = await asyncio.to_thread(self._post, operation, body)
            except TimeoutError:
                trouble = BankTrouble("slow")
            except (OSError, http.client.HTTPException):
                trouble = BankTrouble("down")
            else:
                if status not in BUSY:
                    return self._read(status, text, answer)
                trouble = BankTrouble("down")
            self.tally[f"{operation} {trouble.code}"] += 1
        log.warning("core bank: %s %s", operation, trouble.code)
        raise trouble

    def _post(self, operation: str, body: bytes) -> tuple[int, bytes]:
        """Blocking; one connection a request: seldom, and nothing is kept open between visitors."""
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=self._timeout_s)
        try:
            connection.request("POST", f"{self._parts.path}/v1/{operation}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read(ANSWER_MOST_BYTES)
        except TimeoutError as err:
            raise TimeoutError from err
        finally:
            connection.close()

    def _read(self, status: int, text: bytes, answer: type[A]) -> A:
        try:
            if status == 200:
                found = msgspec.json.decode(text, type=answer)
                self.tally["served"] += 1
                return found
            if status == 409:
                refusal = msgspec.json.decode(text, type=Refusal)
                self.tally[f"refused {refusal.error}"] += 1
                raise BankTrouble(refusal.error, refusal.left)
        except msgspec.DecodeError:
            pass
        self.tally["strange"] += 1
        raise BankTrouble("strange")
