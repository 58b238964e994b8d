"""Being at a step: what it does, or what it says and offers, and what follows when a wish is dealt with. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from config.flows import NAME_KIND, Both, Line, Phrases
from config.intents import IntentRow
from config.schema import Site
from contracts.screen import Language, Target
from kiosk.dialogue.answers import typed_most
from kiosk.dialogue.flows import FlowBook, Place, all_hold
from kiosk.dialogue.reply import Context, Do, Keypad, Reply
from kiosk.dialogue.wording import (
    Wording,
    choice_target,
    filled,
    joined,
    key_targets,
    pick,
    score_targets,
    service_target,
)

ANYTHING_ELSE: Final = ("farewell", "anything_else")
RESUME: Final = ("farewell", "resume")
OPINION: Final = ("farewell", "opinion")
GOODBYE: Final = ("farewell", "goodbye")


class Approved(Protocol):
    @property
    def text(self) -> str: ...

    @property
    def translation(self) -> str: ...


Approve = Callable[[str, Language, Mapping[str, str], datetime], Approved | None]


class Arrivals:
    """Turns places into answers."""

    def __init__(
        self, site: Site, book: FlowBook, phrases: Phrases, intents: Mapping[str, IntentRow], approve: Approve
    ) -> None:
        self._site = site
        self._book = book
        self._phrases = phrases
        self._intents = intents
        self._approve = approve
        self._wording = Wording(phrases)

    def arrive(self, context: Context, place: Place, now: datetime | None, before: Sequence[Both] = ()) -> Reply | Do:
        """Be at a step: do what it does, or say what it says. `before`: said first."""
        place = self._book.settle(place, context.facts)
        step = self._book.step(place)
        if step.do:
            return Do(step.do, place)
        if self.is_open(place):
            place = self._book.asked(place)
        told = self._told(context, place, now) if step.tells else ()
        return self.shown(context, place, [*before, *told])

    def _told(self, context: Context, place: Place, now: datetime | None) -> tuple[Both, ...]:
        found = self._approve(place.wish, context.language, place.slots, now) if now else None
        if found is None:
            return ()
        zh, en = (found.text, found.translation) if context.language == "zh" else (found.translation, found.text)
        return (Both(zh=zh, en=en),) if zh and en else ()

    def shown(self, context: Context, place: Place, before: Sequence[Both] = ()) -> Reply:
        """What a step says and offers, with what follows it."""
        step = self._book.step(place)
        said = [*before, self._lines(context, place, step.say)]
        there = place
        if (step.ends or (place.flow, place.step) == OPINION) and (left := self._left_in_reader(context)):
            said.insert(0, left)
        if step.settled and place.later:
            there, question = self._next(context, place)
            said.append(question)
        elif step.settled and not step.choices:
            said.append(self._phrases.anything_else)
        other: Language = "en" if context.language == "zh" else "zh"
        keypad = self._keypad(place)
        return Reply(
            text=joined([pick(both, context.language) for both in said], context.language),
            translation=joined([pick(both, other) for both in said], other),
            language=context.language,
            page="keypad" if keypad else step.page,
            mode=step.mode,
            expression=step.expression,
            gesture=step.gesture,
            targets=self.targets(context, there),
            place=None if step.ends else there,
            ends=step.ends,
            keypad=keypad,
        )

    def informed(self, context: Context, text: str, translation: str, place: Place) -> Reply:
        """An approved answer outside any question; a wish that waits is offered after it."""
        if not place.later:
            return Reply(
                text=text,
                translation=translation,
                keep=True,
                language=context.language,
                targets=self.targets(context, place),
                place=place,
            )
        there, question = self._next(context, place)
        asked = pick(question, context.language)
        return Reply(
            text=joined([text, asked], context.language),
            language=context.language,
            targets=self.targets(context, there),
            place=there,
        )

    def again(self, context: Context, place: Place) -> Reply | None:
        """The open question once more, in other words; None where a step has none for this."""
        step = self._book.step(place)
        if not step.again:
            return None
        shown = self.shown(context, place)
        said = self._lines(context, place, step.again)
        other: Language = "en" if context.language == "zh" else "zh"
        text, translation = pick(said, context.language), pick(said, other)
        return replace(shown, text=text, translation=translation, expression="listening", misunderstood=True)

    def leave(self, context: Context) -> Reply:
        """Nobody answered, twice: say so and end."""
        reply = self.shown(context, Place(*GOODBYE, ""))
        leaving = self._phrases.leaving
        left = self._left_in_reader(context)
        said = [both for both in (left, leaving) if both]
        other: Language = "en" if context.language == "zh" else "zh"
        return replace(
            reply,
            text=joined([pick(both, context.language) for both in said], context.language),
            translation=joined([pick(both, other) for both in said], other),
            gesture="rest",
        )

    def finish(self, context: Context) -> Reply:
        """Nobody answered the question after the visit: that is an answer."""
        return self.shown(context, Place(*GOODBYE, ""))

    def is_open(self, place: Place) -> bool:
        """Whether something was asked here that is not answered yet."""
        step = self._book.step(place)
        asks = bool(step.choices or step.ask or step.choices_from or step.to)
        return asks and not step.settled and place.flow != "farewell"

    def targets(self, context: Context, place: Place) -> tuple[Target, ...]:
        """What can be touched at a place."""
        step = self._book.step(place)
        if step.choices_from == "services":
            return tuple(service_target(service, context.language) for service in self._site.services)
        scores = score_targets() if step.choices_from == "scores" else ()
        keypad = self._keypad(place)
        keys = key_targets(self._phrases, context.language, letters=keypad.letters) if keypad else ()
        known = {**place.slots, **context.facts}
        shown = [choice for choice in self._book.choices(place) if all_hold(choice.when, known)]
        return (*scores, *(choice_target(choice, context.language) for choice in shown), *keys)

    def dropped(self, context: Context, place: Place) -> Reply:
        """A wish is given up; what waits is offered."""
        there = Place(*ANYTHING_ELSE, "", later=place.later)
        words = self._named(self._phrases.dropped, place.wish)
        if place.later:
            return self.informed(context, pick(words, context.language), "", there)
        return self.shown(context, there, [words])

    def instead(self, wish: str) -> Both:
        return self._named(self._phrases.instead, wish)

    def and_then(self, first: str, second: str) -> Both:
        a, b = self._intents.get(first), self._intents.get(second)
        zh = {"first": a.zh if a else "", "second": b.zh if b else ""}
        en = {"first": a.en.lower() if a else "", "second": b.en.lower() if b else ""}
        return filled(self._phrases.and_then, zh, en)

    # ------------------------------------------------------------ words
    def _named(self, phrase: Both, wish: str) -> Both:
        row = self._intents.get(wish)
        return filled(phrase, {"wish": row.zh if row else ""}, {"wish": row.en.lower() if row else ""})

    def _next(self, context: Context, place: Place) -> tuple[Place, Both]:
        """Where the next wish is offered, and the words for it."""
        there = Place(*RESUME, place.wish, later=place.later)
        return there, self._lines(context, there, self._book.step(there).say)

    def _lines(self, context: Context, place: Place, lines: Sequence[Line]) -> Both:
        row = self._intents.get(place.wish)
        said = {}
        for language in ("zh", "en"):
            known = {**place.slots, **context.facts}
            if row:
                known["wish"] = row.zh if language == "zh" else row.en
            if place.later and (following := self._intents.get(place.later[0].wish)):
                known["next"] = following.zh if language == "zh" else following.en.lower()
            said[language] = self._wording.line(lines, known, "zh" if language == "zh" else "en")
        return Both(**said)

    def _keypad(self, place: Place) -> Keypad | None:
        step = self._book.step(place)
        slot = self._book.slots(place).get(step.ask or "")
        if slot is None or not slot.keypad or step.ask is None:
            return None
        return Keypad(step.ask, typed_most(slot), secret=slot.secret, money=slot.kind == "amount",
                      private=slot.private, letters=slot.kind == NAME_KIND)  # fmt: skip

    def _left_in_reader(self, context: Context) -> Both | None:
        match context.facts.get("in_reader"):
            case "card":
                return self._phrases.take_card
            case "document":
                return self._phrases.take_document
        return None
