"""Inside a flow: answers to the open question, and the ways in which people repair a conversation. Pure.

Correction, one step back, from the start, giving up, another wish in the middle, two wishes in one sentence, taking up
again what was left. What none of these explains goes back to the brain.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from config.flows import NAME_KIND, Both, Choice, Phrases, Slot
from config.intents import IntentRow
from kiosk.dialogue.answers import fits, given, read_whole
from kiosk.dialogue.arrive import ANYTHING_ELSE, RESUME, Arrivals
from kiosk.dialogue.by_sound import mended
from kiosk.dialogue.cues import Cues, read_cues
from kiosk.dialogue.flows import FlowBook, Later, Place
from kiosk.dialogue.meaning import Meaning
from kiosk.dialogue.reply import Context, Do, Reply

NEXT: Final = "next"  # ways of `farewell:resume`
REST: Final = "rest"
SURE: Final = 0.5
SPOKEN_PIN: Final = 4  # digits said where a PIN is asked for
READINGS: Final = frozenset(("digits", "tail"))  # raw: they only mean something where they are asked for
SHORT_ZH: Final = 8  # characters of an answer that is no question
SHORT_EN: Final = 24
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")

_YES: Final = re.compile(
    r"\W*(?:对[的啊]?(?!不)|是的|好[的吧啊]?(?!像|久|多|几)|行[啊吧]?(?!不)|可以|没错|嗯)(?!.*(?:不|没|别))|\W*(?:yes|yeah|yep|sure|right|ok|okay)\b(?!.*\b(?:not|no|don't)\b)",
    re.IGNORECASE,
)  # a short answer that begins so says yes, whatever the recogniser made of the rest


def _short(text: str) -> int:
    """So many characters make an answer that is no question."""
    return SHORT_ZH if _CHINESE.search(text) else SHORT_EN


TakeUp = Callable[[Context, str, Mapping[str, str], datetime], Reply | Do]


class Within:
    """Answers at a place."""

    def __init__(
        self,
        book: FlowBook,
        phrases: Phrases,
        intents: Mapping[str, IntentRow],
        arrivals: Arrivals,
        take_up: TakeUp,
    ) -> None:
        self._book = book
        self._phrases = phrases
        self._intents = intents
        self._arrivals = arrivals
        self._take_up = take_up

    def answer(self, context: Context, place: Place, heard: Meaning, now: datetime) -> Reply | Do | None:
        """What these words do here; None: they belong to no flow, or to another."""
        is_open = self._arrivals.is_open(place)
        cues = read_cues(mended(heard.text) if is_open else heard.text)
        if place.later and (taken := self._resumed(context, place, heard, cues, now)):
            return taken
        step = self._book.step(place)
        slots = self._book.slots(place)
        secret = bool(step.ask and slots[step.ask].secret)
        if secret and len(heard.slots.get("digits", "")) >= SPOKEN_PIN:
            return self._arrivals.arrive(context, place, now, [self._phrases.not_aloud])
        if is_open and (repaired := self._repaired(context, place, heard, cues, now)):
            return repaired
        kind = slots[step.ask].kind if step.ask else ""
        if (
            kind == "words"
            and len(heard.text) <= _short(heard.text)
            and (way_on := self._book.answered(place, heard.ranked))
        ):
            return self.go(context, place, way_on, {}, now)  # '不用了' is no message
        if kind == NAME_KIND and (way_on := self._book.named(place, heard.text)):
            return self.go(context, place, way_on, {}, now)  # nobody is called 'a colleague'
        said = {**heard.slots, **read_whole(kind, heard.text, heard.readings)}
        told = given(slots, step.ask, said) if is_open else {}
        if is_open and step.ask and step.ask not in told and not cues.corrects:
            told = self._told_otherwise(slots, step.ask, heard) or told
        changed = {name: value for name, value in told.items() if place.slots.get(name) != value}
        if changed and (cues.corrects or step.ask in changed) and not self._elsewhere(place, heard, changed):
            return self._told(context, place, changed, now)
        if choice := self._choice(place, heard):
            return self.go(context, place, choice, changed, now)
        if changed and not self._elsewhere(place, heard, changed):
            return self._told(context, place, changed, now)
        if is_open and step.again and self._means(heard, "affirm"):
            return self._arrivals.again(context, place)  # 'yes' is no answer to 'how much?'
        if is_open and step.ask and self._means(heard, "deny"):
            return self._arrivals.dropped(context, place)
        return None

    def _choice(self, place: Place, heard: Meaning) -> Choice | None:
        """What was chosen: by its words, by the wish, by its words in another reading, by the sound of its words."""
        book = self._book
        if choice := book.named(place, heard.text) or book.answered(place, heard.ranked):
            return choice
        if self._is_wish(heard) or len(heard.text) > SHORT_EN:
            return None
        others = (book.named(place, reading) for reading in heard.readings)
        if choice := next((choice for choice in others if choice), None) or book.sounding(place, heard.text):
            return choice
        yes = _YES.match(heard.text)
        return book.answered(place, [("affirm", 1.0)]) if yes else None

    def _is_wish(self, heard: Meaning) -> bool:
        """Whether these words are surely a wish of their own."""
        intent, probability = heard.ranked[0] if heard.ranked else ("other", 0.0)
        row = self._intents.get(intent)
        return row is not None and row.route != "act" and (heard.decision == "act" or probability >= SURE)

    @staticmethod
    def _told_otherwise(slots: Mapping[str, Slot], asked: str, heard: Meaning) -> dict[str, str]:
        """The answer to the question in another reading of the same sound, where the first has none that fits."""
        if not slots[asked].keypad or slots[asked].secret:
            return {}
        for readings in heard.others:
            if value := given({asked: slots[asked]}, asked, readings).get(asked):
                return {asked: value}
        return {}

    def typed(self, context: Context, place: Place, now: datetime) -> Reply | Do | None:
        """'Done' was pressed on the keypad."""
        step = self._book.step(place)
        slot = self._book.slots(place).get(step.ask or "")
        if step.ask is None or slot is None or not slot.keypad:
            return None
        if not fits(slot, context.typed):
            return self._arrivals.again(context, place) or self._arrivals.shown(context, place)
        return self._told(context, place, {step.ask: context.typed}, now)

    def go(self, context: Context, place: Place, choice: Choice, told: Mapping[str, str], now: datetime) -> Reply | Do:
        """Follow a choice."""
        return self.follow(context, place, choice.to, {**told, **choice.sets}, now)

    def follow(
        self,
        context: Context,
        place: Place,
        way: str,
        told: Mapping[str, str],
        now: datetime,
        before: Sequence[Both] = (),
    ) -> Reply | Do:
        """Go a way: a step, or the wish that waits, or past it. `before`: said first."""
        if way == NEXT and place.later:
            return self._taken_up(context, place, now, before)
        if way in (NEXT, REST):
            rest = Place(*ANYTHING_ELSE, "", later=place.later[1:])
            if rest.later:
                return self._arrivals.arrive(context, replace(rest, flow=RESUME[0], step=RESUME[1]), now, before)
            return self._arrivals.arrive(context, rest, now, before)
        return self._arrivals.arrive(context, self._book.move(place, way, told), now, before)

    def begin(self, context: Context, place: Place, heard: Meaning | None, now: datetime) -> Reply | Do:
        """Begin a wish. One that was open waits for it, unless it was a mistake or cannot be taken up again."""
        before: list[Both] = []
        old = context.place
        flow = self._book.flow(place)
        raw = {name: value for name, value in place.slots.items() if name not in READINGS and name not in flow.slots}
        filled = given(flow.slots, None, place.slots)
        then = place.later
        place = replace(place, slots={**raw, **filled}, later=())
        if self._book.stands_alone(place.wish):
            old, then = None, ()
        if old is not None and flow.id != "farewell":
            corrects = heard is not None and read_cues(heard.text).corrects
            if self._arrivals.is_open(old) and old.wish != place.wish:
                before.append(self._arrivals.instead(place.wish))
                if self._book.flow(old).resumable and not corrects:
                    left = replace(old, later=()).without(self._book.secrets(old))
                    place = place.also(Later(old.wish, left))
            place = place.also(*old.later)
        if then:
            before = [self._arrivals.and_then(place.wish, then[0].wish)]
            place = replace(place, later=()).also(*then, *place.later)
        return self._arrivals.arrive(context, place, now, before)

    # ------------------------------------------------------------ repairs
    def _repaired(self, context: Context, place: Place, heard: Meaning, cues: Cues, now: datetime) -> Reply | Do | None:
        """Back, from the start, given up; None: nothing of this was asked for."""
        if cues.back and self._about_talk(heard):
            there = self._book.back(place)
            if there is None:
                return self._arrivals.arrive(context, place, now, [self._phrases.no_way_back])
            return self._arrivals.arrive(context, there, now)
        if cues.restart and self._about_talk(heard):
            begun = self._book.begin(place.wish, {})
            if begun:
                service = {"service": place.slots["service"]} if "service" in place.slots else {}
                begun = replace(begun, slots=service, later=place.later)
                return self._arrivals.arrive(context, begun, now, [self._phrases.from_the_start])
        nothing_to_cancel = self._means(heard, "cancel_ticket") and not context.facts.get("ticket")
        if nothing_to_cancel or self._means(heard, "cancel"):
            return self._given_up(context, place)
        return None

    def _given_up(self, context: Context, place: Place) -> Reply | None:
        """None: the step has a choice of its own for this."""
        if not any("cancel" in choice.means for choice in self._book.choices(place)):
            return self._arrivals.dropped(context, place)
        return None

    def _told(self, context: Context, place: Place, changed: Mapping[str, str], now: datetime) -> Reply | Do:
        """Something was told: go on with it; what was told before is corrected."""
        step = self._book.step(place)
        again = any(place.slots.get(name) for name in changed)
        way = step.to if step.to and not step.choices_from and (not step.ask or step.ask in changed) else place.step
        there = self._book.move(place, way or place.step, changed)
        there = replace(there, last_slot=next(iter(changed)))
        return self._arrivals.arrive(context, there, now, [self._phrases.corrected] if again else [])

    def _elsewhere(self, place: Place, heard: Meaning, told: Mapping[str, str]) -> bool:
        """Whether these words, though they name something this flow knows, are a wish of another flow."""
        if not heard.ranked or heard.decision != "act":
            return False
        step = self._book.step(place)
        short = _short(heard.text) + len(told.get(step.ask or "", ""))
        if (step.ask in told or (step.to and not step.ask)) and len(heard.text) <= short:
            return False  # '周日' after 'on which day?' is the answer
        intent, probability = heard.ranked[0]
        row = self._intents.get(intent)
        if row is None or row.route == "act" or intent == place.wish:
            return False
        if "amount" in told and self._book.begins_with(intent) == place.flow:
            return False  # '取三万' where '取款' was begun another way
        return probability >= SURE

    def _about_talk(self, heard: Meaning) -> bool:
        """Whether these words are no clear wish for something else."""
        row = self._intents.get(heard.ranked[0][0]) if heard.ranked else None
        return heard.decision != "act" or row is None or row.route == "act"

    def _means(self, heard: Meaning, intent: str) -> bool:
        return bool(heard.ranked) and heard.ranked[0][0] == intent and heard.ranked[0][1] >= SURE

    # ------------------------------------------------------------ wishes that wait
    def _resumed(self, context: Context, place: Place, heard: Meaning, cues: Cues, now: datetime) -> Reply | Do | None:
        """What waits is named again, or 'go on'."""
        if self._arrivals.is_open(place):
            return None
        named = bool(heard.ranked) and heard.ranked[0][0] == place.later[0].wish and heard.decision != "unsure"
        return self._taken_up(context, place, now) if named or cues.resumes else None

    def _taken_up(self, context: Context, place: Place, now: datetime, before: Sequence[Both] = ()) -> Reply | Do:
        """The next wish: where it was left, or from its beginning."""
        following, rest = place.later[0], place.later[1:]
        if following.place is not None:
            return self._arrivals.arrive(context, replace(following.place, later=rest), now, before)
        there = replace(context, place=Place(*ANYTHING_ELSE, "", later=rest))
        return self._take_up(there, following.wish, following.slots, now)
