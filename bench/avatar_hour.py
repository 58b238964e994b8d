"""An hour of speech in virtual time: does the mouth stay with the sound?

The loudspeaker's clock runs wrong by PPM, as cheap sound cards do; utterances of ten to fourteen seconds follow each
other; what was played is reported ten times a second, from 20 to 60 ms after it was true, now and then a report is
missing; a picture is made 36 times a second, late by up to 12 ms, and stands on the glass DRAW_MS later. The screen's
own `LipSync` says for which sample each mouth is made. Beside it the same mouth without reports, which knows only when
the hour began: what a player that trusts its own clock would show.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

from avatar.lipsync import LipSync
from avatar.timeline import LEAD_MS, viseme_spans
from contracts.screen import SpeechClock, SpeechPlan, SpeechStopped

RATE_HZ: Final = 24_000
PPM: Final = 300.0  # the loudspeaker is so much faster than it says
FPS: Final = 36
DRAW_MS: Final = 12.0
REPORT_S: Final = 0.1
LOST_SHARE: Final = 0.05  # of the reports
AGES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)  # of a picture on the glass, in pictures, when it is looked at
EDGE_S: Final = 300.0  # 'the end of the hour', and its beginning
SYMBOLS: Final = "nixauʂəiwtaməntʰjɛnɕpo"


@dataclass(slots=True)
class Hour:
    """Signed milliseconds by which mouths were late: in the first and last EDGE_S, and without reports at the end."""

    first_ms: list[float] = field(default_factory=list)
    last_ms: list[float] = field(default_factory=list)
    free_ms: list[float] = field(default_factory=list)
    pictures: int = 0


def hour(seconds: float = 3600.0, seed: int = 20261130) -> Hour:
    """Speak for `seconds` and return the skew."""
    chance, found = random.Random(seed), Hour()
    now_s, number, said_s = 0.0, 0, 0.0
    while now_s < seconds:
        length = int(chance.uniform(10.0, 14.0) * RATE_HZ)
        real_s = length / RATE_HZ / (1 + PPM / 1e6)
        _utterance(found, chance, f"u{number}", length, now_s, said_s, seconds)
        now_s, number, said_s = now_s + real_s + 0.3, number + 1, said_s + length / RATE_HZ + 0.3
    return found


def _utterance(
    found: Hour, chance: random.Random, name: str, length: int, begins_s: float, free_begins_s: float, whole_s: float
) -> None:
    """One utterance of `length` samples; by its own clock a free-running mouth thinks it begins at `free_begins_s`."""
    lips, step = LipSync(), RATE_HZ // 12
    phones = [(SYMBOLS[i % len(SYMBOLS)], i * step, min(length, (i + 1) * step)) for i in range(-(-length // step))]
    lips.plan(SpeechPlan(name, RATE_HZ, viseme_spans(phones, RATE_HZ)))
    pace = RATE_HZ * (1 + PPM / 1e6)  # samples a real second
    ends_s = begins_s + length / pace
    report_s = begins_s
    due: list[tuple[float, SpeechClock]] = []
    frame_s = begins_s
    while frame_s < ends_s:
        while report_s <= frame_s:
            if chance.random() >= LOST_SHARE:
                clock = SpeechClock(name, int((report_s - begins_s) * pace), int(report_s * 1e9))
                due.append((report_s + chance.uniform(0.020, 0.060), clock))
            report_s += REPORT_S
        while due and due[0][0] <= frame_s:
            lips.clock(due.pop(0)[1])
        made_s = frame_s + chance.uniform(0.0, 0.012)
        sample = lips.position(int(made_s * 1e9))
        seen_s = made_s + DRAW_MS / 1e3
        if sample is not None:
            found.pictures += 1
            for age in AGES:
                at_s = seen_s + age / FPS
                if at_s < ends_s:
                    _keep(found, at_s, whole_s, (at_s - begins_s) * pace, sample, (made_s - free_begins_s) * RATE_HZ)
        frame_s += 1 / FPS
    lips.stopped(SpeechStopped(name))


def _keep(found: Hour, at_s: float, whole_s: float, audible: float, sample: int, free: float) -> None:
    """One look at the glass."""
    late = (audible - sample) * 1e3 / RATE_HZ - LEAD_MS
    if at_s < EDGE_S:
        found.first_ms.append(late)
    if at_s > whole_s - EDGE_S:
        found.last_ms.append(late)
        found.free_ms.append((audible - free) * 1e3 / RATE_HZ - LEAD_MS)
