"""Keeps the mouth on the loudspeaker's clock: plans of clauses come in, positions are reported now and then."""

from __future__ import annotations

from collections import deque
from typing import Final

from avatar.pose import MouthPose
from avatar.timeline import mouth_at
from contracts.screen import SpeechClock, SpeechPlan, SpeechStopped
from contracts.speech import VisemeSpan

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
        return mouth_at(self._spans, sample, self._rate_hz)

    def heard_share(self, now_ns: int) -> float | None:
        """Return how much of the planned speech has been heard, 0..1, or None when nothing is spoken."""
        sample = self.position(now_ns)
        return None if sample is None else min(1.0, sample / self._spans[-1].end)

    def _begin(self, utterance: str) -> None:
        self._utterance = utterance
        self._spans = []
        self._clock = None
