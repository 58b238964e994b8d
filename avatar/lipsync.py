"""Keeps the mouth on the loudspeaker's clock: plans of clauses come in, positions are reported now and then."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Final

from avatar.pose import MouthPose
from avatar.timeline import LEAD_MS, mouth_at
from contracts.screen import LEVEL_FLOOR_DB, LEVEL_MS, SpeechClock, SpeechPlan, SpeechStopped
from contracts.speech import VisemeSpan

GATE_DB: Final = (-52.0, -42.0)  # below the first the mouth is shut, above the second it is as planned
AHEAD_MS: Final = 110  # a mouth opens before its sound: what is heard soon keeps it open
BEHIND_MS: Final = 80
MAX_LEVELS: Final = 90_000  # half an hour
EXTRAPOLATE_NS: Final = 600_000_000  # three missed reports: the core is gone or stuck, the mouth closes
MAX_SPANS: Final = 20_000  # about half an hour of speech in one utterance
_CLOSED: Final = MouthPose()


class LipSync:
    """The mouth of the utterance being heard. `refused` counts spans that did not fit or came out of order."""

    def __init__(self) -> None:
        self.refused = 0
        self._utterance = ""
        self._rate_hz = 24_000
        self._spans: list[VisemeSpan] = []
        self._levels = bytearray()  # from sample 0 on, LEVEL_MS each; 255 where nothing is known
        self._clock: SpeechClock | None = None
        self._ended: deque[str] = deque(maxlen=16)  # late messages of a stopped utterance are ignored

    def plan(self, plan: SpeechPlan) -> None:
        """Take over the next clause; a new utterance replaces the old one."""
        if plan.utterance in self._ended:
            return
        if plan.utterance != self._utterance:
            self._begin(plan.utterance)
        self._rate_hz = max(1, plan.rate_hz)
        at = self._spans[-1].end if self._spans else 0
        for span in plan.visemes:
            if span.end <= span.start or span.start < at or len(self._spans) >= MAX_SPANS:
                self.refused += 1
                continue
            self._spans.append(span)
            at = span.end
        self._add_levels(plan)

    def clock(self, clock: SpeechClock) -> None:
        if clock.utterance in self._ended:
            return
        if clock.utterance != self._utterance:  # the plan is still on its way
            self._begin(clock.utterance)
        if self._clock is None or clock.at_ns >= self._clock.at_ns:
            self._clock = clock

    def stopped(self, stopped: SpeechStopped) -> None:
        self._ended.append(stopped.utterance)
        if stopped.utterance == self._utterance:
            self._begin("")

    def position(self, now_ns: int) -> int | None:
        """Return the sample being heard at `now_ns`, or None when nothing is."""
        if self._clock is None or not self._spans:
            return None
        elapsed_ns = now_ns - self._clock.at_ns
        if elapsed_ns > EXTRAPOLATE_NS:
            return None
        sample = self._clock.samples_played + max(0, elapsed_ns) * self._rate_hz // 1_000_000_000
        return min(sample, self._spans[-1].end)

    def mouth(self, now_ns: int) -> MouthPose:
        sample = self.position(now_ns)
        if sample is None or sample >= self._spans[-1].end:
            return _CLOSED
        mouth, share = mouth_at(self._spans, sample, self._rate_hz), self._gate_at(sample)
        return mouth if share >= 1 else replace(mouth, open=mouth.open * share)

    def _add_levels(self, plan: SpeechPlan) -> None:
        first = plan.levels_from * 1000 // (self._rate_hz * LEVEL_MS)
        if not plan.levels or not 0 <= first <= MAX_LEVELS - len(plan.levels):
            return
        unknown = first - len(self._levels)
        if unknown > 0:
            self._levels += b"\xff" * unknown
        self._levels[first : first + len(plan.levels)] = plan.levels

    def _gate_at(self, sample: int) -> float:
        """Return how far the sound lets the mouth open, 0..1: by the loudest moment around, less if far."""
        if not self._levels:
            return 1.0
        at = sample * 1000 / (self._rate_hz * LEVEL_MS)
        first, last = math.floor(at - BEHIND_MS / LEVEL_MS), math.ceil(at + AHEAD_MS / LEVEL_MS)
        return max(self._opened_by(i) * _near((i + 0.5 - at) * LEVEL_MS) for i in range(max(0, first), last))

    def _opened_by(self, i: int) -> float:
        level = self._levels[i] if i < len(self._levels) else 255
        decibels = LEVEL_FLOOR_DB * (1 - level / 255)
        return min(1.0, max(0.0, (decibels - GATE_DB[0]) / (GATE_DB[1] - GATE_DB[0])))

    def heard_share(self, now_ns: int) -> float | None:
        """Return how much of the planned speech has been heard, 0..1, or None when nothing is spoken."""
        sample = self.position(now_ns)
        return None if sample is None else min(1.0, sample / self._spans[-1].end)

    def _begin(self, utterance: str) -> None:
        self._utterance = utterance
        self._spans = []
        self._levels = bytearray()
        self._clock = None


def _near(off_ms: float) -> float:
    """Return how much a sound counts that lies `off_ms` ahead (or behind, below 0): all at once, nothing far off."""
    reach, full = (AHEAD_MS, LEAD_MS) if off_ms > 0 else (-BEHIND_MS, 0.0)
    share = min(1.0, max(0.0, (reach - off_ms) / (reach - full)))
    return share * share * (3 - 2 * share)
