"""What the terminal needs of the world, as Protocols. Real adapters and their file-backed twins are in
`adapters/`; both pass one contract suite each.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from contracts.messages import ShadowDesired, ShadowReported
from contracts.screen import ToCore, ToScreen
from contracts.topics import Address
from kiosk.events import AudioFrame, CameraFrame, Pcm


class DeviceLost(OSError):
    """A device is not there or stopped working. `str()` names it and says what to do."""


class Clock(Protocol):
    """Monotonic time. Real: the system's; in tests: virtual, exact, instant."""

    def now_ns(self) -> int: ...

    async def sleep(self, seconds: float) -> None: ...


class Microphone(Protocol):
    """16 kHz mono; frames of (320,) int16, 20 ms apart, in order. Iterating raises `DeviceLost`."""

    def frames(self) -> AsyncIterator[AudioFrame]: ...

    def tallies(self) -> dict[str, int]:
        """What went wrong since it was opened, by name: sound that was lost, clocks that stepped."""

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Played:
    """How far the loudspeaker is: `samples` of all that was ever written were audible at `at_ns`."""

    samples: int
    at_ns: int


class Speaker(Protocol):
    """24 kHz mono int16. What is written is played in order; silence in between is not counted."""

    async def write(self, pcm: Pcm) -> None:
        """Queue samples; returns when less than a quarter of a second is waiting. Raises `DeviceLost`."""

    def flush(self) -> int:
        """Drop what is queued and silence the device within 50 ms; return the samples dropped."""

    def played(self) -> Played: ...

    async def lost(self) -> None:
        """Return when the device stopped working; never, while it works."""

    def on_played(self, listener: Callable[[Pcm, int], None]) -> None:
        """Call `listener(pcm, end_ns)` with every 20 ms on its way out, silence too: the echo's reference."""

    def set_gain(self, gain: float) -> None:
        """0..1, effective within 50 ms: ducking while the visitor may want to speak."""

    def tallies(self) -> dict[str, int]:
        """What went wrong since it was opened, by name."""

    async def close(self) -> None: ...


class Camera(Protocol):
    """Pictures as they come; only the latest is kept. Iterating raises `DeviceLost`."""

    wanted_hz: Callable[[], float]  # how many pictures a second are worth having, now; set by whoever looks

    def frames(self) -> AsyncIterator[CameraFrame]: ...

    async def close(self) -> None: ...


class Screen(Protocol):
    """The other process. Sending never blocks: a screen that is away gets the newest snapshot when it is back."""

    def send(self, message: ToScreen) -> None: ...

    def messages(self) -> AsyncIterator[ToCore | None]:
        """What the screen says; None when it went away."""

    async def close(self) -> None: ...


# ------------------------------------------------------------------ the wire to the hub
class BusDown(ConnectionError):
    """The message could not be handed to a broker: not connected, or too much is already on its way."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message that arrived on a subscribed topic."""

    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class Connected:
    """The broker answered; subscriptions of before are in force again."""


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker is gone or was never there; the bus goes on trying. `reason` is for the log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker publishes, retained, when this client vanishes without saying goodbye."""

    topic: str
    payload: bytes


BusNews = Delivered | Connected | Disconnected


class Bus(Protocol):
    """MQTT 3.1.1 as the terminal needs it: at least once, retained state, a last will, reconnecting by itself."""

    @property
    def connected(self) -> bool: ...

    async def open(self, will: Will | None) -> None:
        """Begin connecting and return; `Connected` comes with the news when a broker answers. None: no last will."""

    async def subscribe(self, pattern: str, qos: int) -> None:
        """Wanted from now on, renewed after each reconnection. Works before there is a connection."""

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool = False) -> None:
        """Hand a message to the broker's connection. Raises `BusDown`; then the message is the caller's again."""

    def news(self) -> AsyncIterator[BusNews]:
        """Messages and changes of the connection, in order, until closed. One reader."""

    def hurry(self, hurried: bool) -> None:
        """True: try again every second at most while there is no connection, not with growing pauses."""

    async def close(self) -> None:
        """Send what is on its way (half a second at most) and say goodbye, so that the will is not published."""


class ShadowEnd(Protocol):
    """What the link brings versions of the configuration to, and what it tells the hub from."""

    def hear(self, address: Address, desired: ShadowDesired) -> None:
        """A version that arrived on the topic of `address`."""

    def misheard(self, code: str) -> None:
        """Something that was no such message arrived there, by `WireError.code`."""

    def report(self) -> ShadowReported:
        """What the terminal is set to, as of now."""


# ------------------------------------------------------------------ a code that a visitor shows
class CodeReader(Protocol):
    """Reads a QR code that somebody holds up. It looks only while it is asked to, never otherwise."""

    async def read(self, within_s: float) -> str | None:
        """The text of the first code that is seen within that time, 300 characters at most; None: none was.

        Raises `DeviceLost` where there is nothing to see with.
        """


# ------------------------------------------------------------------ a document that a visitor shows
class DocumentCamera(Protocol):
    """Pictures of the place where documents are held, while one is asked for; it sees nothing otherwise."""

    def frames(self, within_s: float) -> AsyncIterator[CameraFrame]:
        """Pictures as they come, only the latest kept, for so long or until `stop`. Raises `DeviceLost`."""

    def stop(self) -> None:
        """End the frames that are being given, if any."""


# ------------------------------------------------------------------ paper
Bitmap = npt.NDArray[np.bool_]  # (height, 576), True is black
PrinterReason = Literal["missing", "no_paper", "jammed", "cover_open", "offline", "timeout", "unknown"]
PrinterNotice = Literal["", "paper_low"]


class PrinterFault(OSError):
    """The ticket is not on paper. `reason` is stable; show the number on the screen instead."""

    def __init__(self, reason: PrinterReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


class Printer(Protocol):
    """80 mm paper, 576 dots wide, 8 dots a millimetre."""

    async def check(self) -> PrinterNotice:
        """What somebody should see to soon. Raises `PrinterFault` when a ticket could not be printed now.

        Both as far as the printer tells: many never answer.
        """

    async def print(self, name: str, paper: Bitmap) -> None:
        """Print one ticket and cut. `name` is for files and logs. Raises `PrinterFault` within 10 s."""

    async def close(self) -> None: ...
