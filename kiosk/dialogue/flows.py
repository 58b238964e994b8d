"""Walks through a flow: from a step and what was answered to the next step. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from config.flows import LATER_MOST, Choice, Condition, Flow, Slot, Step
from kiosk.dialogue.by_sound import sounds_in

EXPECTED_ENOUGH = 0.2  # an answer that was asked for needs less evidence than a wish out of the blue
STEPS_MOST: Final = 40  # without a word in between: more is a circle in the data
TRAIL_MOST: Final = 8  # questions that one can go back to
CALLS_MOST: Final = 3
_PIECE: Final = re.compile(r"[\u4e00-\u9fff]{2,}")
_DENIED: Final = re.compile(r"没|不|别|\b(?:not|no|don't|isn't|haven't|can't)\b")


class FlowCircle(RuntimeError):
    """A flow's data leads round without ever saying or doing something; the text names the step."""


@dataclass(frozen=True, slots=True)
class Later:
    """A wish that waits: one that was left for another, or the second of two in one sentence."""

    wish: str
    place: Place | None = field(default=None, repr=False)  # where it was left; None: not begun
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the conversation stands: a step of a flow, and what is known."""

    flow: str
    step: str
    wish: str  # the intent that began it
    slots: Mapping[str, str] = field(default_factory=dict, repr=False)
    callers: tuple[str, ...] = ()  # 'flow:step' that called the present flow
    trail: tuple[tuple[str, tuple[str, ...]], ...] = ()  # questions before this one: 'flow:step', its callers
    later: tuple[Later, ...] = ()
    last_slot: str = ""  # the one that was filled last: what 'no, …' most likely means

    @property
    def way(self) -> str:
        return f"{self.flow}:{self.step}"

    def without(self, names: Iterable[str]) -> Place:
        """With these slots not known."""
        gone = set(names)
        return replace(self, slots={name: value for name, value in self.slots.items() if name not in gone})

    def also(self, *waiting: Later) -> Place:
        """With more wishes waiting; each wish waits once, and no more than a few do."""
        later = list(self.later)
        for one in waiting:
            if one.wish != self.wish and all(one.wish != other.wish for other in later):
                later.append(one)
        return replace(self, later=tuple(later[:LATER_MOST]))


def holds(condition: Condition, known: Mapping[str, str]) -> bool:
    """Whether a condition holds of slots and facts; what is not a number is below and above nothing."""
    value = known.get(condition.name, "")
    if condition.known is not None and bool(value) != condition.known:
        return False
    if condition.equals and value not in condition.equals:
        return False
    if condition.at_least is None and condition.below is None:
        return True
    try:
        number = float(value)
    except ValueError:
        return False
    return (condition.at_least is None or number >= condition.at_least) and (
        condition.below is None or number < condition.below
    )


def all_hold(conditions: Iterable[Condition], known: Mapping[str, str]) -> bool:
    return all(holds(condition, known) for condition in conditions)


def _without(word: str, said: str) -> str | None:
    """`said` without `word`; None where it is not in it, in English as a whole word."""
    if not word.isascii():
        return said.replace(word, "") if word in said else None
    rest, found = re.subn(rf"\b{re.escape(word)}\b", "", said)
    return rest if found else None


class FlowBook:
    """All flows of a terminal, looked up by wish and by place."""

    def __init__(self, flows: Sequence[Flow]) -> None:
        self._flows = {flow.id: flow for flow in flows}
        self._begins = {
            intent: (flow.id, begin.at) for flow in flows for begin in flow.begins for intent in begin.intents
        }

        self._alone = {intent for flow in flows for begin in flow.begins if begin.alone for intent in begin.intents}

    def begin(self, intent: str, slots: Mapping[str, str]) -> Place | None:
        """The place where a wish begins, or None when no flow serves it."""
        found = self._begins.get(intent)
        return Place(found[0], found[1], intent, dict(slots)) if found else None

    def knows(self, flow: str) -> bool:
        """Whether there is a flow of that name."""
        return flow in self._flows

    def stands_alone(self, intent: str) -> bool:
        """Whether this wish ends all others."""
        return intent in self._alone

    def begins_with(self, intent: str) -> str | None:
        """The flow that serves a wish."""
        found = self._begins.get(intent)
        return found[0] if found else None

    def flow(self, place: Place) -> Flow:
        return self._flows[place.flow]

    def step(self, place: Place) -> Step:
        return self._flows[place.flow].steps[place.step]

    def slots(self, place: Place) -> dict[str, Slot]:
        """What may be told at this place: the slots of its flow, and of those that called it."""
        found: dict[str, Slot] = {}
        for caller in place.callers:
            found |= self._flows[caller.partition(":")[0]].slots
        return found | self.flow(place).slots

    def secrets(self, place: Place) -> list[str]:
        """Slots that are never kept longer than they are needed."""
        return [name for name, slot in self.slots(place).items() if slot.secret or slot.private]

    def move(self, place: Place, way: str, sets: Mapping[str, str] | None = None) -> Place:
        """Follow a way: a step of this flow, or `flow:step`."""
        flow, _, step = way.rpartition(":")
        return replace(place, flow=flow or place.flow, step=step, slots={**place.slots, **(sets or {})})

    def settle(self, place: Place, facts: Mapping[str, str]) -> Place:
        """Go on until something is said or done: over branches, known slots, calls and returns.

        Raises `FlowCircle`.
        """
        for _ in range(STEPS_MOST):
            step = self.step(place)
            if step.forget:
                place = place.without(step.forget)
            if step.alone or step.as_wish:
                place = replace(place, later=() if step.alone else place.later, wish=step.as_wish or place.wish)
            known = {**place.slots, **facts, "wish": place.wish}
            if step.branches:
                place = self.move(place, next(row.to for row in step.branches if all_hold(row.when, known)))
            elif step.call:
                if len(place.callers) >= CALLS_MOST:
                    break
                place = self.move(replace(place, callers=(*place.callers, place.way)), step.call)
            elif step.returns:
                place = self._returned(place, step.returns)
            elif step.ask and place.slots.get(step.ask):
                place = self.move(place, step.to or "")
            else:
                return place
        raise FlowCircle(f"{place.way} never says or does anything")

    def _returned(self, place: Place, how: str) -> Place:
        if not place.callers:
            raise FlowCircle(f"{place.way} returns to nobody")
        caller = self.move(replace(place, callers=place.callers[:-1]), place.callers[-1])
        step = self.step(caller)
        inside = place.callers
        trail = tuple(row for row in place.trail if row[1][: len(inside)] != inside)
        return self.move(replace(caller, trail=trail), (step.done if how == "done" else step.failed) or "")

    def asked(self, place: Place) -> Place:
        """The same place, remembered as a question that one can come back to."""
        here = (place.way, place.callers)
        return place if place.trail[-1:] == (here,) else replace(place, trail=(*place.trail, here)[-TRAIL_MOST:])

    def back(self, place: Place) -> Place | None:
        """The question before this one, with its answer forgotten; None at the beginning."""
        trail = place.trail
        if trail[-1:] == ((place.way, place.callers),):
            trail = trail[:-1]
        if not trail:
            return None
        way, callers = trail[-1]
        there = self.move(replace(place, callers=callers, trail=trail[:-1], last_slot=""), way)
        return there.without(name for name in (self.step(place).ask, self.step(there).ask) if name)

    def answered(self, place: Place, ranked: Sequence[tuple[str, float]]) -> Choice | None:
        """The choice of this step that the visitor's words mean.

        `ranked`: intents with probabilities, best first. What the step asks for is preferred: the best expected
        intent counts from a probability of 0.2, unless another wish is clearly meant (over twice as probable).
        """
        best_probability = ranked[0][1] if ranked else 0.0
        for intent, probability in ranked:
            for choice in self.choices(place):
                if intent in choice.means and probability >= EXPECTED_ENOUGH and probability * 2 >= best_probability:
                    return choice
        return None

    def named(self, place: Place, text: str) -> Choice | None:
        """The choice whose own words these are; none where they are denied ('not in yet')."""
        said = text.lower()
        words = [(word, choice) for choice in self.choices(place) for word in choice.words]
        for word, choice in sorted(words, key=lambda pair: -len(pair[0])):  # '很满意' before '满意'
            rest = _without(word, said)
            if rest is not None and not _DENIED.search(rest):
                return choice
        return None

    def sounding(self, place: Place, text: str) -> Choice | None:
        """The choice whose words or label a short answer sounds like."""
        for choice in self.choices(place):
            for word in (*choice.words, *_PIECE.findall(choice.label.zh)):
                rest = sounds_in(word, text)
                if rest is not None and not _DENIED.search(rest):
                    return choice
        return None

    def choices(self, place: Place) -> tuple[Choice, ...]:
        """What is offered at a place; where a wish is settled and nothing else is offered, how to finish."""
        step = self.step(place)
        if step.settled and not step.choices and "farewell" in self._flows:
            return self._flows["farewell"].steps["anything_else"].choices
        return step.choices
