"""Whether an order is carried out: signed by the hub, for this terminal, in time, never before; and what became of it.

The number of the newest order is on disk before anything is done: a power cut in the middle leaves an order undone,
never done twice. Without a time that is known nothing is carried out, because nothing can be said to be in time.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts import fleet as f

log = logging.getLogger(__name__)

LONGEST_LIFE: Final = timedelta(minutes=15)  # an order that claims to be good for longer is none of ours
CLOCKS_DIFFER: Final = timedelta(seconds=30)
LONGEST_S: Final = 330.0  # for carrying one out
MOST_CODES: Final = 20
_ORDERS: Final = msgspec.json.Decoder(f.Order)
Done = tuple[f.CommandState, tuple[str, ...]]
Performer = Callable[[int, f.Act], Awaitable[Done]]
"""Carries an act out under its number; what became of it, by codes."""


class OrderRefused(ValueError):
    """Why an order is not carried out; `number` is 0 where it could not be read."""

    def __init__(self, code: str, number: int = 0) -> None:
        super().__init__(code)
        self.code, self.number = code, number


class Orders:
    """The orders of one terminal. `now`: the hub's time as the terminal knows it, None while it does not."""

    def __init__(
        self,
        key: bytes,
        branch: str,
        device: str,
        folder: Path,
        now: Callable[[], datetime | None],
        performers: Mapping[type[f.Act], Performer],
    ) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(key)
        self._branch, self._device, self._now = branch, device, now
        self._path = folder / "order.number"
        folder.mkdir(parents=True, exist_ok=True)
        self._performers = dict(performers)
        self._busy = asyncio.Lock()  # one after the other
        self.refused: Counter[str] = Counter()

    async def take(
        self, command: f.Command, say: Callable[[int, f.CommandState, tuple[str, ...]], Awaitable[None]]
    ) -> None:
        """Check, carry out, and say what became of it. Nothing that comes from the wire is raised."""
        async with self._busy:
            try:
                order = await asyncio.to_thread(self._accept, command)
            except OrderRefused as err:
                self.refused[err.code] += 1
                log.warning("order refused: %s", err.code)
                if err.number and err.code != "again":  # what came twice was answered the first time
                    await say(err.number, "refused", (err.code,))
                return
            await say(order.number, "taken", ())
            state, codes = await self._perform(order)
            await say(order.number, state, codes[:MOST_CODES])

    def _accept(self, command: f.Command) -> f.Order:
        """The order, when it is to be carried out now; its number is on disk then. Raises `OrderRefused`."""
        try:
            body = base64.b64decode(command.order, validate=True)
            signature = base64.b64decode(command.signature, validate=True)
            self._key.verify(signature, body)
        except (binascii.Error, ValueError, InvalidSignature) as err:
            raise OrderRefused("signature") from err
        try:
            order = _ORDERS.decode(body)
        except msgspec.DecodeError as err:  # signed by the hub, but not on this terminal's list
            raise OrderRefused("unknown") from err
        if (order.branch, order.device) != (self._branch, self._device):
            raise OrderRefused("not_for_me")  # no answer: the number is another terminal's
        now = self._now()
        if now is None:
            raise OrderRefused("clock", order.number)
        if order.expires <= now:
            raise OrderRefused("expired", order.number)
        if order.issued > now + CLOCKS_DIFFER or order.expires - order.issued > LONGEST_LIFE:
            raise OrderRefused("not_yet", order.number)
        if order.number <= self._newest():
            raise OrderRefused("again", order.number)
        if type(order.act) not in self._performers:
            raise OrderRefused("cannot", order.number)
        try:
            self._keep(order.number)
        except OSError as err:  # what cannot be remembered might be done twice
            raise OrderRefused("disk", order.number) from err
        return order

    async def _perform(self, order: f.Order) -> Done:
        try:
            async with asyncio.timeout(LONGEST_S):
                return await self._performers[type(order.act)](order.number, order.act)
        except TimeoutError:
            return "failed", ("too_long",)
        except (OSError, ValueError, RuntimeError) as err:
            log.error("order %d failed: %s", order.number, type(err).__name__)
            return "failed", ("error",)

    def _newest(self) -> int:
        try:
            return int(self._path.read_text("ascii"))
        except FileNotFoundError:
            return 0
        except ValueError as err:  # damaged: what was done is not known, so nothing may be done until it is mended
            raise OrderRefused("disk") from err

    def _keep(self, number: int) -> None:
        beside = self._path.with_suffix(".part")
        with beside.open("w", encoding="ascii") as file:
            file.write(str(number))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
