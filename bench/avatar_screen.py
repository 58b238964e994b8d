"""The real screen process with a stop-watch: `python -m bench.avatar_screen OUT.json [options of kiosk.screen]`.

Nothing of the screen is replaced; its pacer and its mouth are listened to. At the end OUT.json holds one row a look
(monotonic nanoseconds, milliseconds of drawing or null where nothing had moved), the processor's
milliseconds from each look to the next, and one row a picture with a mouth
(monotonic nanoseconds at which it was on the glass, the utterance, the sample it was made for).
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Final

import kiosk.screen.process as screen
import kiosk.screen.stage as stage
from avatar.lipsync import LipSync
from avatar.pose import MouthPose
from contracts.screen import Pace
from kiosk.screen.pace import Pacer

MOST: Final = 36 * 3_700  # pictures: an hour and a little
_LOOKS: Final[list[tuple[int, float | None]]] = []
_WORK_MS: Final[list[float]] = []  # processor time from one look to the next
_MOUTHS: Final[list[tuple[int, str, int]]] = []


class WatchedPacer(Pacer):
    """Keeps each look."""

    _used_s = 0.0

    def drew(self, took_ms: float | None, now_ns: int) -> Pace | None:
        used_s, self._used_s = time.process_time() - self._used_s, time.process_time()
        if len(_LOOKS) < MOST:
            _LOOKS.append((now_ns, took_ms))
            _WORK_MS.append(round(used_s * 1e3, 2))
        if took_ms is not None and _MOUTHS and _MOUTHS[-1][0] == now_ns:  # on the glass only now
            _MOUTHS[-1] = (now_ns + int(took_ms * 1e6), *_MOUTHS[-1][1:])
        return super().drew(took_ms, now_ns)


class WatchedLipSync(LipSync):
    """Keeps for which sample each mouth was made."""

    def mouth(self, now_ns: int) -> MouthPose:
        sample = self.position(now_ns)
        if sample is not None and len(_MOUTHS) < MOST:
            _MOUTHS.append((now_ns, self._utterance, sample))
        return super().mouth(now_ns)


def main(arguments: list[str]) -> int:
    setattr(screen, "Pacer", WatchedPacer)  # noqa: B010  # the names that these modules look up
    setattr(stage, "LipSync", WatchedLipSync)  # noqa: B010
    status = screen.main(arguments[1:])
    Path(arguments[0]).write_text(json.dumps({"looks": _LOOKS, "mouths": _MOUTHS, "work_ms": _WORK_MS}), "utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
