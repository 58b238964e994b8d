"""What the hub needs of a bus, and nothing more: messages come to one of several workers, answers go out.

Two adapters fill it: a broker of MQTT (`hub/bus_mqtt.py`) and NATS JetStream (`hub/bus_nats.py`). Sharing the load
between workers belongs to the adapter. A bus may deliver twice, late and out of order, and may lose what it has not
been told is `done`: kiosks send again what the hub has not acknowledged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from contracts import topics

MAX_WAITING: Final = 4_096  # arrived in this process, not yet applied
MAX_KIOSK_BYTES: Final = max(row.limit_bytes for row in topics.CONTRACT if row.sender == "kiosk")
SHARED_BY: Final = "hub"  # the name under which workers share what comes

HostPort = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message as the bus delivered it. `token` is the adapter's own."""

    topic: str
    payload: bytes
    token: Any = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message for the bus."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(slots=True)
class BusTallies:
    """What the adapter did with what came and went."""

    connections: int = 0
    oversized: int = 0
    dropped: int = 0  # no room; the kiosk sends it again
    unsent: int = 0  # no connection at that moment; state follows later


class Bus(Protocol):
    """One worker's connection. Called from one worker thread; `send` from any."""

    tallies: BusTallies

    @property
    def is_connected(self) -> bool:
        """Whether messages can come and go now."""

    def start(self) -> None:
        """Begin; a server that is not there yet is waited for."""

    def connected_again(self) -> bool:
        """Whether the bus was (re)connected since this was last asked."""

    def take(self, most: int, wait_s: float) -> list[Arrived]:
        """Up to `most` messages; waits at most `wait_s` for the first."""

    def done(self, batch: Sequence[Arrived]) -> None:
        """These are in the database (or refused for good): the bus may forget them."""

    def again(self, batch: Sequence[Arrived]) -> None:
        """These could not be applied now: they come again, here or at another worker."""

    def send(self, message: Outgoing) -> None:
        """Give a message to the bus; without a connection it is dropped and counted."""

    def present(self, online: bool) -> None:
        """Tell the kiosks whether somebody applies what they send. Said again after each connection."""

    def stop(self) -> None:
        """End within about a second, saying goodbye."""
