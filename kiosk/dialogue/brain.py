"""Decides what to answer: pure, from what was understood and where the conversation stands.

It acts, asks back, or hands over; it never guesses. Figures come from approved text, from the queue or from the core
bank. What happens inside a flow, and how a conversation is repaired, is in `within.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

from config.flows import Both, Phrases
from config.guesses import load_guesses
from config.intents import IntentRow
from config.persona import Persona, Profile
from config.schema import Site
from contracts.screen import Expression, Language, Target
from kiosk.dialogue.arrive import ANYTHING_ELSE, OPINION, Arrivals
from kiosk.dialogue.caution import FLOW, Caution
from kiosk.dialogue.days import dated
from kiosk.dialogue.flows import FlowBook, Later, Place
from kiosk.dialogue.guessing import Guessing, guess_target
from kiosk.dialogue.meaning import Decision as Decision
from kiosk.dialogue.meaning import Meaning
from kiosk.dialogue.reply import Context, Do, Done, Pace, Reply
from kiosk.dialogue.within import NEXT, Within
from kiosk.dialogue.wording import KEY_OK, SCORE, SERVICE, filled, joined, pick, wish_target
from kiosk.dialogue.wording import WISH as WISH
from kiosk.feeling.tone import apply, spoken_part

HARMLESS: Final = ("self", "ticket", "act", "verify", "video")  # their flows ask before they do anything
HELPS: Final = frozenset({"accessibility_help", "elder_mode", "other"})
# Who asks for somebody gets somebody: then what they see and hear badly is why, and no wish for another page.
ASKS_FOR_SOMEBODY: Final = ("帮", "有人", "来个人", "扶", "help", "somebody", "someone", "assist")
WAY_WORDS: Final = 40  # signs of a sentence about how one sees and hears; longer ones tell a story
FORGET: Final = ("remember", "spoken")
WAYFINDING: Final = "wayfinding"
WARY: Final = frozenset({"abusive"})  # what nobody understands often looks like it
STANDS_OUT: Final = 0.5
WORTH_NAMING: Final = 0.15  # of a wish that is named as one of two
WORTH_ASKING: Final = 0.35  # of a wish that is too unsure to act on: is it that?
STANDS_OUT_TIMES: Final = 3.0
OFFER_PERSON: Final = ("person", "offer")
OFFER_AFTER_TROUBLE: Final = ("person", "offer_after_trouble")
MORNING: Final = range(5, 12)
AFTERNOON: Final = range(12, 18)
MANNERS: Final[dict[str, Expression]] = {"warm": "warm", "formal": "neutral", "lively": "glad"}
SPOKEN_HOW: Final = ("slower", "faster", "louder", "quieter")


class Answer(Protocol):
    """An approved answer."""

    @property
    def text(self) -> str: ...

    @property
    def translation(self) -> str: ...


class Knowledge(Protocol):
    """Approved text. None: nothing approved answers this."""

    def answer(self, intent: str, language: Language, slots: Mapping[str, str], now: datetime) -> Answer | None: ...


class Finder(Protocol):
    """Approved text for a question in free words. None: nothing approved answers it."""

    def find(
        self, text: str, language: Language, ranked: Sequence[tuple[str, float]], now: datetime
    ) -> Answer | None: ...


class Brain:
    def __init__(
        self,
        site: Site,
        book: FlowBook,
        phrases: Phrases,
        knowledge: Knowledge,
        intents: Mapping[str, IntentRow],
        finder: Finder | None = None,
        persona: Persona | None = None,
        guessing: Guessing | None = None,
    ) -> None:
        self._site = site
        self._book = book
        self._phrases = phrases
        self._knowledge = knowledge
        self._intents = intents
        self._finder = finder
        self._arrivals = Arrivals(site, book, phrases, intents, knowledge.answer)
        self._caution = Caution(book, self._arrivals)
        self._persona = persona
        self._guessing = guessing or Guessing(load_guesses())
        self._within = Within(book, phrases, intents, self._arrivals, self._wish)

    def adopt(self, site: Site) -> None:
        """Other hours and patience from the next visit on; services are of the start."""
        self._site = site

    # ------------------------------------------------------------ outside any wish
    def greet(self, context: Context, now: datetime) -> Reply:
        """The first sentence of a visit."""
        phrase = self._phrases.greeting
        if now.hour in MORNING:
            phrase = self._phrases.greeting_morning
        elif now.hour in AFTERNOON:
            phrase = self._phrases.greeting_afternoon
        return self._say(phrase, context, targets=self._guesses(context), gesture="wave")

    def prompt(self, context: Context) -> Reply:
        """Nobody spoke for a while: first whether they are there, then that she will stop, then goodbye."""
        p = self._phrases
        if (context.place is not None and (context.place.flow, context.place.step) == OPINION) or (
            context.place is not None and context.place.flow == OPINION[1]
        ):
            return self._arrivals.finish(context)
        if context.prompts > 2:
            return self._arrivals.leave(context)
        kept, place = context.last, context.place
        waits = kept is not None and bool(kept.keypad or (place and self._arrivals.is_open(place)))
        phrase = p.still_there if context.prompts <= 1 else p.still_there_last
        return self._say(
            phrase,
            context,
            targets=kept.targets if kept and waits else self._guesses(context),  # nothing is asked: what may it be?
            place=context.place,
            keypad=kept.keypad if kept else None,
            page="keypad" if kept and kept.keypad else "conversation",
        )

    def welcome_companion(self, context: Context) -> Reply:
        """Somebody else may speak too; what was asked stays asked."""
        return self._say(self._phrases.companion_welcome, context, targets=self._open(context), place=context.place)

    def spoken_on(self, context: Context) -> Reply:
        """Everything is spoken from here on, and how to choose without looking."""
        return self._say(self._phrases.spoken_on, context, targets=self._open(context), place=context.place, whole=True)

    def reads(self, context: Context, target: str) -> Reply:
        """Say what is under the finger; what was asked stays asked."""
        last, p = context.last, self._phrases
        dock = {"human": p.dock_human, "language": p.dock_language, "text_size": p.dock_text, "end": p.dock_end}
        offered = last.targets if last else ()
        label = next((one.spoken_label for one in offered if one.id == target), "")
        if target in dock:
            label = pick(dock[target], context.language)
        if last is None:
            return Reply(text=label, language=context.language, place=context.place)
        bare = last.bare or last.text
        return replace(last, text=label or bare, bare=bare, translation="", place=context.place, mode=None,
                       misunderstood=False, keep=False, pace=None, whole=True)  # fmt: skip

    def with_choices(self, reply: Reply) -> Reply:
        """The answer with what can be chosen, for who does not see it."""
        labels = [target.spoken_label for target in reply.targets if target.kind != "key"]
        if not labels or reply.ends:
            return reply
        join = "，" if reply.language == "zh" else ", "
        said = pick(self._phrases.may_choose, reply.language).format(choices=join.join(labels))
        text = joined([reply.text, said], reply.language)
        return replace(reply, text=text, bare=reply.bare or reply.text, keep=False, whole=True)

    def corner(self, context: Context, corner: str, now: datetime) -> Reply | Do | None:
        """A corner of the lower half was held: again, back, louder, a person."""
        match corner:
            case "corner_human":
                return self._wish(context, "call_lobby_staff", {}, now)
            case "corner_louder":
                return self._wish(context, "adjust_speech", {"how": "louder"}, now)
            case "corner_back":
                heard = Meaning([("cancel", 1.0)], "act", {}, "返回" if context.language == "zh" else "go back")
                inside = self._within.answer(context, context.place, heard, now) if context.place else None
                return inside or self._wish(context, "repeat", {}, now)
        return self._wish(context, "repeat", {}, now)

    def sorry(self, context: Context) -> Reply:
        """A stage failed: say so, offer touch."""
        return self._say(self._phrases.sorry, context, targets=self._open(context), place=context.place)

    def invitations(self, language: Language, now: datetime, *, ticket: bool = False) -> tuple[Target, ...]:
        """Three things that a visitor probably came for, as sentences one could say."""
        likely = self._guessing.likely(self._site, now, ticket=ticket)
        return tuple(guess_target(row, language) for row in likely)

    def _guesses(self, context: Context) -> tuple[Target, ...]:
        return self.invitations(context.language, context.now, ticket=bool(context.facts.get("ticket")))

    # ------------------------------------------------------------ a wish
    def understood(
        self,
        context: Context,
        ranked: Sequence[tuple[str, float]],
        decision: Decision,
        slots: Mapping[str, str],
        now: datetime,
        *,
        text: str = "",
        then: Sequence[str] = (),
        others: Sequence[Mapping[str, str]] = (),
        readings: Sequence[str] = (),
    ) -> Reply | Do:
        """Answer words. `ranked`: intents with probabilities, best first; `text`: the words, where they are believed;
        `then`: further wishes of the same sentence; `readings`: other readings of it, and in `others` their slots."""
        if "date" in slots:
            slots = {**slots, "date": dated(slots["date"], now.date())}
        heard = Meaning(ranked, decision, slots, text, then=tuple(then), others=tuple(others), readings=tuple(readings))
        if (forgets := self._forgets(context, heard)) is not None:
            return self._arrivals.arrive(context, forgets, now)
        if context.place is not None:
            inside = self._within.answer(context, context.place, heard, now)
            if inside is not None:
                return inside
        if (way := self._way(context, heard)) is not None:
            return self._arrivals.arrive(context, way, now)
        if decision == "unsure" or not ranked:
            asked = self._found(context, heard, now) or self._not_understood(context, self._likely(ranked))
            return self._keeping(context, heard, asked)
        if decision == "ask" and len(ranked) > 1 and not self._safe_to_act(ranked) and not self._same(heard, context):
            likely = [intent for intent, p in ranked[:2] if p >= WORTH_NAMING]
            return self._keeping(context, heard, self._found(context, heard, now) or self._clarify(context, likely))
        return self._wish(context, ranked[0][0], {**self._named_before(context), **slots}, now, heard)

    @staticmethod
    def _wants_help(heard: Meaning) -> bool:
        """Whether these words may be about how one sees and hears: no wish stands in them, or one for help."""
        return heard.decision != "act" or not heard.ranked or heard.ranked[0][0] in HELPS

    def _way(self, context: Context, heard: Meaning) -> Place | None:
        """'I cannot hear', 'I sit in a wheelchair': the step that shows and speaks so, whatever else is open."""
        if not heard.text or len(heard.text) > WAY_WORDS or not self._book.knows("ways") or not self._wants_help(heard):
            return None
        text = heard.text.lower()
        if heard.decision == "act" and any(word in text for word in ASKS_FOR_SOMEBODY):
            return None
        for choice in self._book.choices(Place("ways", "ask", "elder_mode")):
            if any(word.lower() in text for word in choice.words):
                return Place("ways", "set", "elder_mode", dict(choice.sets))
        return None

    def _forgets(self, context: Context, heard: Meaning) -> Place | None:
        """'Forget my face', at any moment and before anything else, where the site keeps templates of faces."""
        if not context.facts.get("remember") or not heard.text or len(heard.text) > WAY_WORDS:
            return None
        asked = Place(*FORGET, context.place.wish if context.place else "")
        choice = self._book.named(asked, heard.text) if self._book.knows(FORGET[0]) else None
        return self._book.move(asked, choice.to) if choice else None

    @staticmethod
    def _named_before(context: Context) -> Mapping[str, str]:
        """What was named in the sentence about which she had to ask: it still holds."""
        return context.last.slots if context.last and context.last.asks_back else {}

    def _keeping(self, context: Context, heard: Meaning, reply: Reply | Do) -> Reply | Do:
        if isinstance(reply, Do) or not reply.asks_back:
            return reply
        return replace(reply, slots={**self._named_before(context), **heard.slots})

    def touched(self, context: Context, target: str, now: datetime) -> Reply | Do | None:
        """Answer a touch; None when the target means nothing here."""
        match target:
            case "human":
                return self._wish(context, "call_lobby_staff", {}, now)
            case "language":
                return self._wish(context, "change_language", {}, now)
            case "text_size" if context.mode == "elder":  # large letters are one touch away, all other ways two
                return self._arrivals.arrive(context, Place("ways", "ask", "elder_mode"), now)
            case "text_size":
                return self._wish(context, "elder_mode", {}, now)
            case "end":
                return self._wish(context, "goodbye", {}, now)
        if target.startswith(WISH):
            return self._wish(context, target.removeprefix(WISH), self._named_before(context), now)
        place = context.place
        if place is None:
            return None
        if target == KEY_OK:
            return self._within.typed(context, place, now)
        if target.startswith(SCORE) and (way := self._book.step(place).to):
            there = self._book.move(place, way, {self._book.step(place).ask or "": target.removeprefix(SCORE)})
            return self._arrivals.arrive(context, there, now)
        if target.startswith(SERVICE):
            way = self._book.step(place).to or ""
            there = self._book.move(place, way, {"service": target.removeprefix(SERVICE)})
            return self._arrivals.arrive(context, there, now)
        choice = next((choice for choice in self._book.choices(place) if choice.id == target), None)
        return self._within.go(context, place, choice, {}, now) if choice else None

    def answers_question(self, context: Context, ranked: Sequence[tuple[str, float]]) -> bool:
        """Whether these wishes answer what was just asked."""
        return bool(context.place and self._book.answered(context.place, ranked))

    def after(self, context: Context, done: Do, result: Done, now: datetime) -> Reply | Do:
        """Answer once something was done, or could not be."""
        step = self._book.step(done.place)
        way = step.outcomes.get(result.outcome) or (step.done if result.succeeded else step.failed) or ""
        kept = done.place.without(self._book.secrets(done.place))
        facts = {**result.facts, "trouble": "" if result.succeeded else result.outcome}
        if done.place.flow == FLOW and way == NEXT:  # a question that breaks the spell was answered well
            return self._within.follow(context, kept, way, facts, now, [self._phrases.told])
        return self._within.follow(context, kept, way, facts, now)

    # ------------------------------------------------------------ care, and her own words
    def guarded(self, context: Context, decided: Reply | Do, now: datetime) -> Reply | Do:
        """What was decided, or what the visitor's safety or feelings put before it."""
        return self._caution.guarded(context, decided, now)

    def worded(self, context: Context, reply: Reply) -> Reply:
        """The answer as the persona says it: with a calm word before it where one is due, without forbidden ones."""
        reply = self._caution.opened(context, reply)
        persona = self._persona
        if persona is None:
            return reply
        other: Language = "en" if reply.language == "zh" else "zh"
        text, translation = apply(reply.text, persona, reply.language), apply(reply.translation, persona, other)
        expression = MANNERS[persona.manner] if reply.expression == "warm" else reply.expression
        kept = reply.keep and text == reply.text  # what is rendered ahead was rendered as approved
        return replace(reply, text=text, translation=translation, keep=kept, expression=expression)

    def said_at_a_go(self, reply: Reply, profile: Profile) -> str:
        """So much of an answer as is spoken; the rest is read on the screen, or spoken when it is asked for again."""
        if self._persona is None or reply.whole:
            return reply.text
        return spoken_part(reply.text, self._persona.styles[profile].sentences)

    def _wish(
        self, context: Context, intent: str, slots: Mapping[str, str], now: datetime, heard: Meaning | None = None
    ) -> Reply | Do:
        if (reply := self._act(context, intent, slots)) is not None:
            return reply
        then = tuple(Later(wish) for wish in (heard.then if heard else ()) if wish in self._intents)
        if begun := self._book.begin(intent, self._with_service(intent, slots)):
            return self._within.begin(context, begun.also(*then), heard, now)
        if heard and (found := self._found(context, heard, now)):
            return found
        if answer := self._knowledge.answer(intent, context.language, slots, now):
            told = self._informed(context, answer, then)
            if intent == WAYFINDING and slots.get("place") and told.keypad is None:  # who is typing keeps the keys
                return replace(told, page="map", goal=slots["place"])
            return told
        row = self._intents.get(intent)
        if row is None or row.route == "act" or intent == "other":
            return self._not_understood(context)
        place = Place(*OFFER_PERSON, intent, dict(slots)).also(*then)
        return self._within.begin(context, place, heard, now)

    def _act(self, context: Context, intent: str, slots: Mapping[str, str]) -> Reply | None:
        """Wishes about the conversation itself."""
        last = context.last
        match intent:
            case "change_language":
                other: Language = "en" if context.language == "zh" else "zh"
                switched = replace(context, language=other)
                return self._say(
                    self._phrases.language_switched,
                    switched,
                    targets=self._open(switched),
                    place=context.place,
                    keypad=last.keypad if last else None,
                    page="keypad" if last and last.keypad else "conversation",
                )
            case "elder_mode" if last:
                return replace(last, place=context.place, mode="standard" if context.mode == "elder" else "elder")
            case "repeat" if last:
                bare = last.bare or last.text
                return replace(
                    last, text=bare, place=context.place, mode=None, misunderstood=False, pace=None, whole=True
                )
            case "adjust_speech" if last and slots.get("how") in SPOKEN_HOW:
                how: Pace = slots["how"]  # type: ignore[assignment]  # one of SPOKEN_HOW
                said: Both = getattr(self._phrases, how)
                again = replace(last, place=context.place, mode=None, misunderstood=False)
                words, bare = self._say(said, context), last.bare or last.text
                text = words.text if how == "faster" else joined([words.text, bare], context.language)
                return replace(again, text=text, bare=bare, translation="", keep=False, pace=how, whole=True)
            case "greet" if last is None or context.place is None:
                return self._say(self._phrases.greeting, context, targets=self._guesses(context), place=None)
        return None

    def _with_service(self, intent: str, slots: Mapping[str, str]) -> dict[str, str]:
        service = self._site.service_for(intent)
        return {**slots, **({"service": service.id} if service and intent != "take_ticket" else {})}

    def _found(self, context: Context, heard: Meaning, now: datetime) -> Reply | None:
        """Approved text for free words, where somebody can look it up."""
        if self._finder is None or not heard.text:
            return None
        answer = self._finder.find(heard.text, context.language, heard.ranked, now)
        then = tuple(Later(wish) for wish in heard.then if wish in self._intents)
        return self._informed(context, answer, then) if answer else None

    def _informed(self, context: Context, answer: Answer, then: Sequence[Later] = ()) -> Reply:
        """An approved answer; a question that was open is asked again after it."""
        place = context.place
        if place is not None and self._arrivals.is_open(place):
            place = place.also(*then)
            again = self._arrivals.shown(replace(context, place=place), place)
            join = " " if context.language == "en" else ""
            return replace(again, text=f"{answer.text}{join}{again.text}", translation="", keep=False)
        waiting = (place.later if place else ()) + tuple(then)
        there = Place(*ANYTHING_ELSE, "", later=())
        return self._arrivals.informed(context, answer.text, answer.translation, there.also(*waiting))

    # ------------------------------------------------------------ not sure
    def _likely(self, ranked: Sequence[tuple[str, float]]) -> IntentRow | None:
        """The wish that would be worth asking about, though nobody may act on it."""
        intent, probability = ranked[0] if ranked else ("other", 0.0)
        row = self._intents.get(intent)
        worth = row is not None and row.route != "act" and intent != "other" and probability >= WORTH_ASKING
        return row if worth else None

    def _not_understood(self, context: Context, likely: IntentRow | None = None) -> Reply | Do:
        if context.misunderstood + 1 >= self._site.talking.misunderstood_limit:
            place = Place(*OFFER_AFTER_TROUBLE, context.place.wish if context.place else "other")
            return self._arrivals.arrive(context, place.also(*(context.place.later if context.place else ())), None)
        place_now = context.place
        again = self._arrivals.again(context, place_now) if place_now else None
        if again is not None:
            return again
        if likely is not None:
            return replace(self._confirm(context, likely), misunderstood=True)
        return self._say(
            self._phrases.did_not_catch,
            context,
            targets=self._open(context),
            place=place_now,
            expression="listening",
            misunderstood=True,
        )

    def _safe_to_act(self, ranked: Sequence[tuple[str, float]]) -> bool:
        """One wish stands out, and acting on it does no harm: it only informs, or asks again by itself."""
        (first, p), (_, q) = ranked[0], ranked[1]
        row = self._intents.get(first)
        return (
            row is not None
            and first not in WARY
            and row.route in HARMLESS
            and p >= STANDS_OUT
            and p >= STANDS_OUT_TIMES * q
        )

    def _same(self, heard: Meaning, context: Context) -> bool:
        """Whether the two likeliest wishes lead to the same step: then there is nothing to ask."""
        begun = [self._book.begin(intent, heard.slots) for intent, _ in heard.ranked[:2]]
        ways = {self._book.settle(place, context.facts).way for place in begun if place}
        return all(begun) and len(ways) == 1

    def _clarify(self, context: Context, likely: Sequence[str]) -> Reply | Do:
        rows = [row for row in map(self._intents.get, likely) if row and row.route != "act" and row.id != "other"]
        if len(rows) < 2:
            return self._confirm(context, rows[0]) if rows else self._not_understood(context)
        a, b = rows
        asked = filled(
            self._phrases.clarify, {"first": a.zh, "second": b.zh}, {"first": a.en.lower(), "second": b.en.lower()}
        )
        targets = (wish_target(a, context.language), wish_target(b, context.language))
        return self._say(asked, context, targets=targets, place=context.place, expression="listening", asks_back=True)

    def _confirm(self, context: Context, row: IntentRow) -> Reply:
        """Only one wish comes to mind, not surely: ask whether it is that."""
        asked = filled(self._phrases.confirm, {"first": row.zh}, {"first": row.en.lower()})
        targets = (wish_target(row, context.language), *self._guesses(context)[:2])
        return self._say(asked, context, targets=targets, place=context.place, expression="listening", asks_back=True)

    # ------------------------------------------------------------ words
    def _open(self, context: Context) -> tuple[Target, ...]:
        """What can be touched now: the open question's choices, or the invitations."""
        place = context.place
        return (self._arrivals.targets(context, place) if place else ()) or self._guesses(context)

    def _say(self, phrase: Both, context: Context, **shown: object) -> Reply:
        other: Language = "en" if context.language == "zh" else "zh"
        return Reply(
            text=pick(phrase, context.language),
            translation=pick(phrase, other),
            language=context.language,
            **shown,  # type: ignore[arg-type]  # names of Reply's fields, checked by its constructor
        )
