"""Decides what to answer: pure, from what was understood and where the conversation stands.

It acts, asks back, or hands over; it never guesses. Figures come from approved text or from the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, Literal, Protocol

from config.flows import Both, Choice, Phrases, Step
from config.intents import IntentRow
from config.schema import Service, Site
from contracts.screen import Language, Target
from kiosk.dialogue.flows import FlowBook, Place
from kiosk.dialogue.reply import Context, Do, Reply

Decision = Literal["act", "ask", "unsure"]
WISH: Final = "wish_"  # targets that stand for a wish: wish_take_ticket
SERVICE: Final = "service_"
HARMLESS: Final = ("self", "ticket", "act")  # a ticket flow asks before it issues
STANDS_OUT: Final = 0.5
STANDS_OUT_TIMES: Final = 3.0
ANYTHING_ELSE: Final = ("farewell", "anything_else")
OFFER_PERSON: Final = ("person", "offer")
OFFER_AFTER_TROUBLE: Final = ("person", "offer_after_trouble")
MORNING: Final = range(5, 12)
AFTERNOON: Final = range(12, 18)


class Answer(Protocol):
    """An approved answer."""

    @property
    def text(self) -> str: ...

    @property
    def translation(self) -> str: ...


class Knowledge(Protocol):
    """Approved text. None: nothing approved answers this."""

    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> Answer | None: ...


class Brain:
    def __init__(
        self,
        site: Site,
        book: FlowBook,
        phrases: Phrases,
        knowledge: Knowledge,
        intents: Mapping[str, IntentRow],
    ) -> None:
        self._site = site
        self._book = book
        self._phrases = phrases
        self._knowledge = knowledge
        self._intents = intents

    # ------------------------------------------------------------ outside any wish
    def greet(self, context: Context, now: datetime) -> Reply:
        """The first sentence of a visit."""
        phrase = self._phrases.greeting
        if now.hour in MORNING:
            phrase = self._phrases.greeting_morning
        elif now.hour in AFTERNOON:
            phrase = self._phrases.greeting_afternoon
        return self._say(phrase, context, targets=self.invitations(context.language), gesture="wave")

    def prompt(self, context: Context) -> Reply:
        """Nobody spoke for a while."""
        kept = context.last
        return self._say(self._phrases.still_there, context, targets=kept.targets if kept else (), place=context.place)

    def welcome_companion(self, context: Context) -> Reply:
        """Somebody else may speak too; what was asked stays asked."""
        targets = self._choices(context) or self.invitations(context.language)
        return self._say(self._phrases.companion_welcome, context, targets=targets, place=context.place)

    def sorry(self, context: Context) -> Reply:
        """A stage failed: say so, offer touch."""
        targets = self._choices(context) or self.invitations(context.language)
        return self._say(self._phrases.sorry, context, targets=targets, place=context.place)

    def invitations(self, language: Language) -> tuple[Target, ...]:
        """Three things most visitors come for, as sentences one could say."""
        p = self._phrases
        rows = (
            ("take_ticket", p.invite_ticket, p.invite_ticket_detail, "ticket"),
            ("card_loss_report", p.invite_card, p.invite_card_detail, "cardlock"),
            ("business_hours", p.invite_way, p.invite_way_detail, "clock"),
        )
        return tuple(
            Target(
                id=WISH + intent,
                label=_in(label, language),
                spoken_label=_in(label, language),
                kind="chip",
                detail=_in(detail, language),
                icon=icon,
            )
            for intent, label, detail, icon in rows
        )

    # ------------------------------------------------------------ a wish
    def understood(
        self,
        context: Context,
        ranked: Sequence[tuple[str, float]],
        decision: Decision,
        slots: Mapping[str, str],
        now: datetime,
    ) -> Reply | Do:
        """Answer words. `ranked`: intents with probabilities, best first."""
        if context.place and (choice := self._book.answered(context.place, ranked)):
            return self._go(context, context.place, choice, slots)
        if decision == "unsure" or not ranked:
            return self._not_understood(context)
        if decision == "ask" and len(ranked) > 1 and not self._safe_to_act(ranked):
            return self._clarify(context, ranked[0][0], ranked[1][0])
        return self._wish(context, ranked[0][0], slots, now)

    def touched(self, context: Context, target: str, now: datetime) -> Reply | Do | None:
        """Answer a touch; None when the target means nothing here."""
        match target:
            case "human":
                return self._wish(context, "call_lobby_staff", {}, now)
            case "language":
                return self._wish(context, "change_language", {}, now)
            case "text_size":
                return self._wish(context, "elder_mode", {}, now)
            case "end":
                return self._wish(context, "goodbye", {}, now)
        if target.startswith(WISH):
            return self._wish(context, target.removeprefix(WISH), {}, now)
        if context.place is None:
            return None
        if target.startswith(SERVICE):
            return self._arrive(
                context,
                self._book.move(
                    context.place, self._book.step(context.place).to or "", {"service": target.removeprefix(SERVICE)}
                ),
            )
        for choice in self._book.step(context.place).choices:
            if choice.id == target:
                return self._go(context, context.place, choice, {})
        return None

    def answers_question(self, context: Context, ranked: Sequence[tuple[str, float]]) -> bool:
        """Whether these wishes answer what was just asked."""
        return bool(context.place and self._book.answered(context.place, ranked))

    def after(self, context: Context, done: Do, *, succeeded: bool) -> Reply | Do:
        """Answer once something was done, or could not be."""
        step = self._book.step(done.place)
        way = step.done if succeeded else step.failed
        return self._arrive(context, self._book.move(done.place, way or ""))

    def _wish(self, context: Context, intent: str, slots: Mapping[str, str], now: datetime) -> Reply | Do:
        if (reply := self._act(context, intent)) is not None:
            return reply
        if begun := self._book.begin(intent, self._with_service(intent, slots)):
            return self._arrive(context, begun)
        if answer := self._knowledge.answer(intent, context.language, slots, now):
            return self._informed(context, answer)
        row = self._intents.get(intent)
        if row is None or row.route == "act" or intent == "other":
            return self._not_understood(context)
        return self._arrive(context, Place(*OFFER_PERSON, intent, dict(slots)))

    def _act(self, context: Context, intent: str) -> Reply | None:
        """Wishes about the conversation itself."""
        match intent:
            case "change_language":
                other: Language = "en" if context.language == "zh" else "zh"
                switched = Context(language=other, mode=context.mode, place=context.place, facts=context.facts)
                targets = self._choices(switched) or self.invitations(other)
                return self._say(self._phrases.language_switched, switched, targets=targets, place=context.place)
            case "elder_mode" if context.last:
                last = context.last
                mode: Literal["standard", "elder"] = "standard" if context.mode == "elder" else "elder"
                return _again(last, context, mode)
            case "repeat" if context.last:
                return _again(context.last, context, None)
            case "greet" if context.last is None or context.place is None:
                return self._say(
                    self._phrases.greeting, context, targets=self.invitations(context.language), place=None
                )
        return None

    def _with_service(self, intent: str, slots: Mapping[str, str]) -> dict[str, str]:
        service = self._site.service_for(intent)
        return {**slots, **({"service": service.id} if service and intent != "take_ticket" else {})}

    def _informed(self, context: Context, answer: Answer) -> Reply:
        """An approved answer; a question that was open is asked again after it."""
        open_question = ""
        place = context.place
        if place is not None and self._book.step(place).choices and place.flow != "farewell":
            open_question = self._line(self._book.step(place), place, context, context.language)
        else:
            place = Place(*ANYTHING_ELSE, "")
        there = Context(language=context.language, mode=context.mode, place=place, facts=context.facts)
        join = " " if open_question and context.language == "en" else ""
        return Reply(
            text=f"{answer.text}{join}{open_question}",
            translation="" if open_question else answer.translation,
            keep=not open_question,
            language=context.language,
            targets=self._choices(there),
            place=place,
        )

    # ------------------------------------------------------------ not sure
    def _not_understood(self, context: Context) -> Reply | Do:
        if context.misunderstood + 1 >= self._site.talking.misunderstood_limit:
            return self._arrive(context, Place(*OFFER_AFTER_TROUBLE, "other"))
        targets = self._choices(context) or self.invitations(context.language)
        return self._say(
            self._phrases.did_not_catch,
            context,
            targets=targets,
            place=context.place,
            expression="listening",
            misunderstood=True,
        )

    def _safe_to_act(self, ranked: Sequence[tuple[str, float]]) -> bool:
        """One wish stands out, and acting on it does no harm: it only informs, or asks again by itself."""
        (first, p), (_, q) = ranked[0], ranked[1]
        row = self._intents.get(first)
        return row is not None and row.route in HARMLESS and p >= STANDS_OUT and p >= STANDS_OUT_TIMES * q

    def _clarify(self, context: Context, first: str, second: str) -> Reply | Do:
        rows = [
            row for row in map(self._intents.get, (first, second)) if row and row.route != "act" and row.id != "other"
        ]
        if len(rows) < 2:
            return self._confirm(context, rows[0]) if rows else self._not_understood(context)
        a, b = rows
        targets = (_wish_target(a, context.language), _wish_target(b, context.language))
        phrase = self._phrases.clarify
        return self._say(
            Both(
                zh=phrase.zh.format(first=a.zh, second=b.zh),
                en=phrase.en.format(first=a.en.lower(), second=b.en.lower()),
            ),
            context,
            targets=targets,
            place=context.place,
            expression="listening",
        )

    def _confirm(self, context: Context, row: IntentRow) -> Reply:
        """Only one wish comes to mind, not surely: ask whether it is that."""
        phrase = self._phrases.confirm
        return self._say(
            Both(zh=phrase.zh.format(first=row.zh), en=phrase.en.format(first=row.en.lower())),
            context,
            targets=(_wish_target(row, context.language), *self.invitations(context.language)[:2]),
            place=context.place,
            expression="listening",
        )

    # ------------------------------------------------------------ steps
    def _go(self, context: Context, place: Place, choice: Choice, slots: Mapping[str, str]) -> Reply | Do:
        return self._arrive(context, self._book.move(place, choice.to, {**slots, **choice.sets}))

    def _arrive(self, context: Context, place: Place) -> Reply | Do:
        """Be at a step: do what it does, or say what it says."""
        step = self._book.step(place)
        if step.do:
            return Do(step.do, place)
        other: Language = "en" if context.language == "zh" else "zh"
        there = Context(language=context.language, mode=context.mode, place=place, facts=context.facts)
        return Reply(
            text=self._line(step, place, context, context.language),
            translation=self._line(step, place, context, other),
            language=context.language,
            page=step.page,
            expression=step.expression,
            gesture=step.gesture,
            targets=self._choices(there),
            place=None if step.ends else place,
            ends=step.ends,
        )

    def _line(self, step: Step, place: Place, context: Context, language: Language) -> str:
        row = self._intents.get(place.wish)
        known = {**place.slots, **context.facts}
        if row:
            known["wish"] = row.zh if language == "zh" else row.en
        for line in step.say:
            if all(known.get(need) for need in line.needs):
                return (line.zh if language == "zh" else line.en).format_map(_Known(known))
        last = step.say[-1]
        return (last.zh if language == "zh" else last.en).format_map(_Known(known))

    def _choices(self, context: Context) -> tuple[Target, ...]:
        if context.place is None:
            return ()
        step = self._book.step(context.place)
        if step.choices_from == "services":
            return tuple(_service_target(service, context.language) for service in self._site.services)
        return tuple(_choice_target(choice, context.language) for choice in step.choices)

    def _say(self, phrase: Both, context: Context, **shown: object) -> Reply:
        other: Language = "en" if context.language == "zh" else "zh"
        return Reply(
            text=_in(phrase, context.language),
            translation=_in(phrase, other),
            language=context.language,
            **shown,  # type: ignore[arg-type]  # names of Reply's fields, checked by its constructor
        )


class _Known(dict[str, str]):
    """Slots that are not known are said as nothing; a line that needs one names it in `needs`."""

    def __missing__(self, key: str) -> str:
        return ""


def _in(both: Both, language: Language) -> str:
    return both.zh if language == "zh" else both.en


def _again(last: Reply, context: Context, mode: Literal["standard", "elder"] | None) -> Reply:
    return Reply(
        text=last.text,
        translation=last.translation,
        language=last.language,
        page=last.page,
        expression=last.expression,
        targets=last.targets,
        place=context.place,
        mode=mode,
        ends=last.ends,
    )


def _choice_target(choice: Choice, language: Language) -> Target:
    return Target(
        id=choice.id,
        label=_in(choice.label, language),
        spoken_label=_in(choice.label, language),
        kind=choice.kind,
        detail=_in(choice.detail, language) if choice.detail else "",
        icon=choice.icon,
    )


def _wish_target(row: IntentRow, language: Language) -> Target:
    name, other = (row.zh, row.en) if language == "zh" else (row.en, row.zh)
    icon = "ticket" if row.route == "ticket" else "person"
    return Target(id=WISH + row.id, label=name, spoken_label=name, kind="chip", detail=other, icon=icon)


def _service_target(service: Service, language: Language) -> Target:
    name = service.name_zh if language == "zh" else service.name_en
    return Target(id=SERVICE + service.id, label=name, spoken_label=name, kind="chip", icon="ticket")
