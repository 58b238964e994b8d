"""200 MB over a bad line in virtual time: the terminal's own window, a simulated line, a power cut every day.

The line is simulated: its rate, its loss (a lost packet is sent again, and holds up what comes after it for a round
trip), its hours, its interruptions. What the terminal asks for and when is `kiosk.rollout.window`, as in the product;
what it has kept is remembered over a power cut, what was on its way is not.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from hub.release.cutting import cut
from kiosk.rollout.window import Window

DAY_S: Final = 86_400.0
PACKET_BYTES: Final = 1_400
ENVELOPE_BYTES: Final = 260  # of a chunk's message, topic and JSON
CONNECT_S: Final = 3.0
TICK_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Bits a second, share of packets lost, round trip; open so long a day; interrupted about so often while open."""

    rate_bits_s: float = 1_000_000
    loss: float = 0.02
    round_trip_s: float = 0.2
    open_s_a_day: float = 900
    interrupted_every_s: float = 300
    interrupted_s: float = 20


@dataclass(slots=True)
class _Transfer:
    chance: random.Random
    line: Line
    sizes: dict[str, int]
    kept: set[str] = field(default_factory=set)
    crossed_bytes: int = 0  # of chunks, as far as they came
    again_packets: int = 0
    cuts: int = 0
    power_cuts: int = 0

    def day(self, begins_s: float) -> float:
        """One opening of the line; when it ended (the line closed, or everything is there)."""
        closes_s = begins_s + self.line.open_s_a_day
        power_s = begins_s + self.chance.uniform(0.1, 0.9) * self.line.open_s_a_day
        now_s = begins_s
        window = self._window()
        while now_s < closes_s and len(self.kept) < len(self.sizes):
            up_s = min(closes_s, now_s + self.chance.expovariate(1 / self.line.interrupted_every_s))
            if now_s < power_s <= up_s:
                self._connected(window, now_s, power_s)
                self.power_cuts += 1
                window = self._window()  # a new process: it knows what is on disk
                now_s = power_s + 60
                continue
            ended_s = self._connected(window, now_s, up_s)
            if len(self.kept) == len(self.sizes):
                return ended_s
            self.cuts += 1
            window.lost()
            now_s = up_s + self.line.interrupted_s
        return now_s

    def _window(self) -> Window:
        return Window(name for name in self.sizes if name not in self.kept)

    def _connected(self, window: Window, now_s: float, until_s: float) -> float:
        """Until the connection ends. What is half over then has crossed the line for nothing."""
        now_s += CONNECT_S
        coming: deque[str] = deque()
        while now_s < until_s:
            asked = window.ask(now_s)
            if asked:
                now_s += 0.0 if coming else self.line.round_trip_s
                coming.extend(asked)
            if not coming:
                if window.done:
                    return now_s
                now_s += TICK_S
                continue
            name = coming.popleft()
            takes_s = self._takes(self.sizes[name])
            if now_s + takes_s > until_s:
                self.crossed_bytes += int(self.sizes[name] * max(0.0, until_s - now_s) / takes_s)
                return until_s
            now_s += takes_s
            self.crossed_bytes += self.sizes[name]
            self.kept.add(name)
            window.arrived(name, now_s)
        return now_s

    def _takes(self, size: int) -> float:
        packets = -(-(size + ENVELOPE_BYTES) // PACKET_BYTES)
        sent = again = 0
        while sent < packets:
            sent += 1
            while self.chance.random() < self.line.loss:
                again += 1
        self.again_packets += again
        seconds = (size + ENVELOPE_BYTES + again * PACKET_BYTES) * 8 / self.line.rate_bits_s
        return seconds + (self.line.round_trip_s if again else 0.0)


def over_the_line(total_bytes: int, seed: int, line: Line | None = None) -> dict[str, Any]:
    """Until everything has arrived; days, bytes and cuts."""
    chance, line = random.Random(seed), line or Line()
    like = [len(chunk) for chunk in cut([chance.randbytes(6_000_000)])]  # sizes as they come of real cutting
    sizes: dict[str, int] = {}
    left = total_bytes
    while left > 0:
        sizes[f"{len(sizes):064x}"] = size = min(left, chance.choice(like))
        left -= size
    transfer = _Transfer(chance, line, sizes)
    days, began_s, ended_s = 0, 0.0, 0.0
    while len(transfer.kept) < len(sizes) and days < 60:
        ended_s = transfer.day(began_s + days * DAY_S)
        days += 1
    return {
        "arrived": len(transfer.kept) == len(sizes),
        "bytes": total_bytes,
        "chunks": len(sizes),
        "days": days,
        "hours_until_whole": round(ended_s / 3600, 2),
        "line_open_hours": round((days - 1) * line.open_s_a_day / 3600 + (ended_s % DAY_S) / 3600, 2),
        "connection_cuts": transfer.cuts,
        "power_cuts": transfer.power_cuts,
        "fetched_over_needed": round(transfer.crossed_bytes / total_bytes, 4),
        "packets_sent_again": transfer.again_packets,
        "condition": f"simulated line: {line.rate_bits_s / 1e6:g} Mbit/s, {line.loss:.0%} loss, round trip "
        f"{line.round_trip_s * 1000:.0f} ms, open {line.open_s_a_day / 60:g} min a day, interrupted about every "
        f"{line.interrupted_every_s / 60:g} min, one power cut a day; virtual time",
    }
