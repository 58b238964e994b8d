"""How the terminal is: memory, processor, disk. Read from /proc; the numbers of telemetry, nothing else."""

from __future__ import annotations

import os
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SENSORS: Final = Path("/sys/class/thermal")
MAX_SENSORS: Final = 16


@dataclass(frozen=True, slots=True)
class Vitals:
    """One look: resident bytes of this process, its share of one core since the last look, free disk bytes."""

    rss_bytes: int
    cpu_share: float
    free_disk_bytes: int
    uptime_s: float
    temperature_c: float | None = None  # the warmest sensor; None: the machine has none


class VitalsProbe:
    """Looks at this process and the disk that holds `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._began_s = time.monotonic()
        self._looked_s = self._began_s
        self._cpu_s = self._cpu_used_s()

    def look(self) -> Vitals:
        now_s, cpu_s = time.monotonic(), self._cpu_used_s()
        share = (cpu_s - self._cpu_s) / max(now_s - self._looked_s, 1e-3)
        self._looked_s, self._cpu_s = now_s, cpu_s
        return Vitals(
            rss_bytes=self._rss_bytes(),
            cpu_share=round(max(share, 0.0), 4),
            free_disk_bytes=shutil.disk_usage(self._folder).free,
            uptime_s=round(now_s - self._began_s, 1),
            temperature_c=self._temperature_c(),
        )

    @staticmethod
    def _cpu_used_s() -> float:
        own = resource.getrusage(resource.RUSAGE_SELF)
        return own.ru_utime + own.ru_stime

    @staticmethod
    def _temperature_c() -> float | None:
        """Thousandths of a degree, one file a zone (Linux, Documentation/driver-api/thermal/sysfs-api)."""
        found: list[float] = []
        for zone in sorted(SENSORS.glob("thermal_zone*/temp"))[:MAX_SENSORS]:
            try:
                found.append(int(zone.read_text("ascii")) / 1000)
            except (OSError, ValueError):  # a zone that is switched off
                continue
        believable = [degrees for degrees in found if -60 <= degrees <= 200]
        return round(max(believable), 1) if believable else None

    @staticmethod
    def _rss_bytes() -> int:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
