"""A terminal that has joined: it speaks TLS under its certificate, renews it, and notices that it was revoked.

Dates of certificates count once the hub has told the time and the machine's own clock agrees with it to a day: OpenSSL
judges by that clock, and one that is years off must not lock a terminal out. A broker that refuses a certificate says
why in TLS itself, in a connection that the broker has proved to be ours; only 'revoked' ends the terminal.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from contracts import fleet as f
from kiosk.joining.identity import Identity, NotOurs, Pair
from kiosk.joining.trust import NO_CHECK_TIME, context
from kiosk.ports import BusDown, Clock

log = logging.getLogger(__name__)

LOOK_S: Final = 0.25
FIRST_PROBE_S: Final = 1.0
LONGEST_PROBE_S: Final = 30.0
PROBE_S: Final = 2.0
RENEW_EVERY_S: Final = 600.0  # asked again until it is answered
CLOCKS_AGREE: Final = timedelta(days=1)
REVOKED: Final = "CERTIFICATE_REVOKED"  # in OpenSSL's name of the TLS alert 44 (RFC 8446, section 6.2)


class Line(Protocol):
    """The connection to the broker."""

    @property
    def connected(self) -> bool: ...

    def anew(self) -> None:
        """Make the connection anew, because certificates or what is checked of them changed."""


class Member:
    """This terminal's certificate while it runs. `tls` is one object for ever: what it shows and checks changes."""

    def __init__(self, identity: Identity, host: str, port: int, clock: Clock) -> None:
        pair = identity.pair
        if pair is None:
            raise ValueError("a terminal that has not joined is no member")
        self._identity, self._host, self._port, self._clock = identity, host, port, clock
        self._pair: Pair = pair
        self._answers: asyncio.Queue[f.RenewAnswer] = asyncio.Queue(2)
        self._strict = False
        self._asked_ns: int | None = None
        self.tls = context(identity.authority, pair.path, time_known=False)
        self.revoked = False
        self.tally: Counter[str] = Counter()

    @property
    def orders_key(self) -> bytes | None:
        """What the hub's orders are signed with."""
        return self._identity.orders_key

    def renewed(self, answer: f.RenewAnswer) -> None:
        """An answer that came."""
        if not self._answers.full():
            self._answers.put_nowait(answer)

    async def run(
        self,
        line: Line,
        say: Callable[[f.RenewRequest], Awaitable[None]],
        hub_now: Callable[[], datetime | None],
        ended: Callable[[], None],
    ) -> None:
        """Until cancelled, or until the terminal was revoked: then `ended` is called."""
        pause_s, next_ns = FIRST_PROBE_S, 0
        while True:
            await self._clock.sleep(LOOK_S)
            if line.connected:
                pause_s, next_ns = FIRST_PROBE_S, 0
                self._check_dates(line, hub_now())
                await self._renew(say, hub_now())
                continue
            if self._clock.now_ns() < next_ns:
                continue
            if await asyncio.to_thread(refusal, self._host, self._port, self.tls) == "revoked":
                await asyncio.to_thread(self._identity.note_revoked)
                log.error("this terminal's certificate was revoked")
                self.revoked = True
                ended()
                return
            next_ns = self._clock.now_ns() + int(pause_s * 1e9)
            pause_s = min(pause_s * 2, LONGEST_PROBE_S)

    def _check_dates(self, line: Line, now: datetime | None) -> None:
        if self._strict or now is None or not clocks_agree(now):
            return
        check_dates(self.tls)
        self._strict = True
        line.anew()

    async def _renew(self, say: Callable[[f.RenewRequest], Awaitable[None]], now: datetime | None) -> None:
        while not self._answers.empty():
            try:
                self._pair = await asyncio.to_thread(self._identity.renewed, self._answers.get_nowait())
            except NotOurs as err:
                self.tally[f"not_ours_{err.code}"] += 1
                continue
            self.tls.load_cert_chain(self._pair.path)  # the next connection shows it
            self._asked_ns = None
            self.tally["renewed"] += 1
        if now is None or not self._pair.due(now):
            return
        if self._asked_ns is not None and self._clock.now_ns() - self._asked_ns < RENEW_EVERY_S * 1e9:
            return
        request = await asyncio.to_thread(self._identity.renewal)
        try:
            await say(request)
        except BusDown:
            return
        self._asked_ns = self._clock.now_ns()


def clocks_agree(now: datetime) -> bool:
    """Whether the machine's own clock says about the same as the hub."""
    return abs(now - datetime.now(UTC)) < CLOCKS_AGREE


def check_dates(tls: ssl.SSLContext) -> None:
    """From the next connection on, dates count."""
    tls.verify_flags &= ~ssl.VerifyFlags(NO_CHECK_TIME)


def refusal(host: str, port: int, tls: ssl.SSLContext) -> str:
    """Why the broker, once it has proved who it is, refuses our certificate: 'revoked', 'other'; empty: it does not, or
    is not there. Blocking, three seconds at most."""
    try:
        with (
            socket.create_connection((host, port), PROBE_S) as raw,
            tls.wrap_socket(raw, server_hostname=host) as line,
        ):
            line.settimeout(PROBE_S / 2)
            line.recv(1)  # with TLS 1.3 the verdict comes after the handshake
    except ssl.SSLError as err:
        return "revoked" if REVOKED in (err.reason or "") else "other"
    except OSError:
        return ""
    return ""
