"""Walks through a flow: from a step and what was answered to the next step. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config.flows import Choice, Flow, Step

EXPECTED_ENOUGH = 0.2  # an answer that was asked for needs less evidence than a wish out of the blue


@dataclass(frozen=True, slots=True)
class Place:
    """Where the conversation stands: a step of a flow, and what is known."""

    flow: str
    step: str
    wish: str  # the intent that began it
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)


class FlowBook:
    """All flows of a terminal, looked up by wish and by place."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        self._flows = {flow.id: flow for flow in flows}
        self._begins = {
            intent: (flow.id, begin.at) for flow in flows for begin in flow.begins for intent in begin.intents
        }

    def begin(self, intent: str, slots: Mapping[str, str]) -> Place | None:
        """The place where a wish begins, or None when no flow serves it."""
        found = self._begins.get(intent)
        return Place(found[0], found[1], intent, dict(slots)) if found else None

    def step(self, place: Place) -> Step:
        return self._flows[place.flow].steps[place.step]

    def move(self, place: Place, way: str, sets: Mapping[str, str] | None = None) -> Place:
        """Follow a way: a step of this flow, or `flow:step`."""
        flow, _, step = way.rpartition(":")
        return Place(flow or place.flow, step, place.wish, {**place.slots, **(sets or {})})

    def answered(self, place: Place, ranked: Sequence[tuple[str, float]]) -> Choice | None:
        """The choice of this step that the visitor's words mean.

        `ranked`: intents with probabilities, best first. What the step asks for is preferred: the best expected
        intent counts from a probability of 0.2, unless another wish is clearly meant (over twice as probable).
        """
        best_probability = ranked[0][1] if ranked else 0.0
        for intent, probability in ranked:
            for choice in self.step(place).choices:
                if intent in choice.means and probability >= EXPECTED_ENOUGH and probability * 2 >= best_probability:
                    return choice
        return None
