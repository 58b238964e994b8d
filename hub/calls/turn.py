"""The way round firewalls: coturn's configuration, and credentials that are good for one call's length only.

coturn's REST scheme (draft-uberti-behave-turn-rest-00): the name is the time at which it ends and whose it is, the
password the HMAC-SHA1 of the name under a secret that the hub and coturn share. Nothing is stored; who holds a name
that is over is refused. The secret stands in the environment, never on a command line.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from contracts.call import IceServer

SECRET: Final = "YINGBIN_TURN_SECRET"  # noqa: S105  # the name of the variable, not the secret
GOOD_FOR_S: Final = 2 * 3_600  # the longest call; an allocation that stands is renewed with the same name
LEAST_SECRET: Final = 16
MOST_BPS: Final = 400_000  # bytes a second of one allocation: two pictures and sound, and room


class TurnProblem(ValueError):
    """The settings for TURN cannot be right; the message names what is wrong."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the servers are, UDP first. No servers: calls go directly, within one network."""

    urls: tuple[str, ...] = ()
    secret: str = ""

    def servers(self, whose: str, now: datetime | None = None) -> tuple[IceServer, ...]:
        """For one side of one call."""
        if not self.urls:
            return ()
        name, password = credentials(self.secret, whose, now or datetime.now(UTC))
        return (IceServer(urls=self.urls, username=name, credential=password),)


def read_turn(urls: str) -> Turn:
    """`urls`: 'turn:HOST:PORT?transport=udp,turn:HOST:PORT?transport=tcp'. Raises TurnProblem."""
    wanted = tuple(url.strip() for url in urls.split(",") if url.strip())
    secret = os.environ.get(SECRET, "")
    if wanted and len(secret) < LEAST_SECRET:
        raise TurnProblem(f"{SECRET} must hold the secret of the TURN server, at least {LEAST_SECRET} characters")
    bad = [url for url in wanted if not url.startswith(("turn:", "turns:", "stun:"))]
    if bad:
        raise TurnProblem(f"{bad[0][:60]!r} is no address of a TURN server (turn:HOST:PORT?transport=udp)")
    return Turn(wanted, secret)


def credentials(secret: str, whose: str, now: datetime, good_for_s: int = GOOD_FOR_S) -> tuple[str, str]:
    """Name and password, good until `now` + `good_for_s`."""
    name = f"{int(now.timestamp()) + good_for_s}:{whose}"
    digest = hmac.new(secret.encode(), name.encode(), hashlib.sha1).digest()
    return name, base64.b64encode(digest).decode()


def coturn_configuration(
    *, listen: str, port: int, realm: str, secret: str, external: str = "",
    relay_ports: tuple[int, int] = (49152, 65535), udp: bool = True, private_peers: bool = False, calls: int = 500,
) -> str:  # fmt: skip
    """coturn's configuration file. `private_peers`: terminals sit in the bank's own network, reached by the relay.

    `udp` False: clients come over TCP only. Contains the secret: the file is for coturn's user alone.
    """
    lines = [
        f"listening-ip={listen}", f"relay-ip={listen}", f"listening-port={port}", f"realm={realm}",
        "fingerprint", "use-auth-secret", f"static-auth-secret={secret}", "stale-nonce=600", "no-multicast-peers",
        "no-cli", "no-tls", "no-dtls", "no-rfc5780", "no-software-attribute", "no-stdout-log", "simple-log",
        f"min-port={relay_ports[0]}", f"max-port={relay_ports[1]}",
        "user-quota=8", f"total-quota={calls * 4}", f"max-bps={MOST_BPS}", f"max-allocate-lifetime={GOOD_FOR_S}",
    ]  # fmt: skip
    if external:
        lines.append(f"external-ip={external}")
    if not udp:
        lines.append("no-udp")
    if private_peers and listen.startswith("127."):
        lines.append("allow-loopback-peers")
    if not private_peers:
        lines += [f"denied-peer-ip={span}" for span in PRIVATE]
    return "\n".join(lines) + "\n"


PRIVATE: Final = (
    "0.0.0.0-0.255.255.255", "10.0.0.0-10.255.255.255", "100.64.0.0-100.127.255.255", "127.0.0.0-127.255.255.255",
    "169.254.0.0-169.254.255.255", "172.16.0.0-172.31.255.255", "192.168.0.0-192.168.255.255",
)  # fmt: skip
"""Networks into which a stranger with a name must not send through the relay."""
