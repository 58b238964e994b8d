"""What a terminal tells of itself: which devices are missing and why, and what each of its parts has counted.

Codes and figures of ours alone; nothing about who is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from contracts import messages as m
from contracts.screen import Pace
from kiosk.ports import Microphone, PrinterNotice
from kiosk.session.session import Session
from kiosk.shadow.shadow import Shadow
from kiosk.sync.link import Condition
from kiosk.sync.outbox import Outbox

DEVICES: Final[tuple[m.DeviceKind, ...]] = ("microphone", "speaker", "camera")  # visits cannot do well without

Counts = Callable[[], Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Counted:
    prefix: str
    counts: Counts
    zeros: bool


class Standing:
    """Gathers it from the parts, which `count` names one by one."""

    def __init__(
        self, session: Session, outbox: Outbox, shadow: Shadow, models: Callable[[], Mapping[str, m.ModelTiming]]
    ) -> None:
        """`models`: how long the models took since it was called last."""
        self._session, self._outbox, self._shadow, self._models = session, outbox, shadow, models
        self._counted: list[_Counted] = []
        self.pace: Pace | None = None
        self.paper: PrinterNotice = ""
        self.microphone: Microphone | None = None
        self.count("device.", self._lost, zeros=False)
        self.count("turn.", lambda: session.health.tally)
        self.count("", session.tallies)

    def count(self, prefix: str, counts: Counts, *, zeros: bool = True) -> None:
        """Name a part's tallies from now on, each with `prefix`; without `zeros` only those that counted something."""
        self._counted.append(_Counted(prefix, counts, zeros))

    def missing(self) -> tuple[m.DeviceKind, ...]:
        return tuple(kind for kind in DEVICES if not self._session.works.get(kind, False))

    def condition(self) -> Condition:
        """For telemetry."""
        missing = self.missing()
        if not self._session.works.get("printer", True):
            missing = (*missing, "printer")
        troubles = [f"{device}.{why}" for device, why in sorted(self._session.why.items()) if device in missing]
        troubles += [f"printer.{self.paper}"] if self.paper else []
        pace_ms = self.pace.frame_p95_ms if self.pace else None
        return Condition(missing, tuple(troubles), pace_ms, self._tallies(), models=self._models)

    def facts(self) -> dict[str, object]:
        """For a bundle: what works, what was counted, what it is set to."""
        condition, owed = self.condition(), self._outbox.tallies()
        return {
            "works": self._session.works, "tallies": dict(condition.hearing), "frame_p95_ms": condition.frame_p95_ms,
            "owed": owed.pending, "dropped": owed.dropped,
            "settings": msgspec.to_builtins(self._shadow.report()), "out_of_service": self._session.closed,
        }  # fmt: skip

    def _tallies(self) -> dict[str, int]:
        return {
            f"{one.prefix}{name}": count
            for one in self._counted
            for name, count in one.counts().items()
            if count or one.zeros
        }

    def _lost(self) -> dict[str, int]:
        """Of microphone and speaker together, as the one that counts a thing counts it."""
        devices = [device.tallies() for device in (self.microphone, self._session.speaker) if device]
        return {name: count for tallies in devices for name, count in tallies.items()}
