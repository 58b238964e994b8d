"""Makes the snapshot that the screen draws, from what the session knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from config.flows import Both, Phrases
from config.plan import load_plan
from config.schema import Site, Weekday
from contracts.messages import TicketsState
from contracts.screen import (
    CalledView,
    DeviceLights,
    Entry,
    Expression,
    Language,
    Listening,
    QueueLine,
    ScreenState,
    Target,
)
from kiosk.dialogue.brain import WISH
from kiosk.queueing.waiting import wait_of
from kiosk.session.placing import placed
from kiosk.session.states import State
from kiosk.session.visit import COMPANION, Visit

WEEKDAYS: Final[tuple[Weekday, ...]] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
CHIPS: Final = 3
HIDDEN: Final = "•"
_LISTENING: Final[dict[State, Listening]] = {
    State.IDLE: "off",
    State.LISTENING: "listening",
    State.THINKING: "thinking",
    State.SPEAKING: "speaking",
    State.HELD: "listening",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Backstage:
    """What the snapshot needs besides the visit."""

    state: State
    revision: int
    works: Mapping[str, bool]
    muted: bool
    gaze: tuple[float, float]
    queue: TicketsState | None
    now: datetime
    invitations: tuple[Target, ...]
    language: Language = "zh"  # while nobody is served
    called: CalledView | None = None  # the number that is announced now
    called_last: CalledView | None = None
    closed: bool = False  # out of service


def snapshot(site: Site, phrases: Phrases, visit: Visit | None, back: Backstage) -> ScreenState:
    """Everything on the screen at this moment."""
    language = visit.language if visit else back.language
    lights = DeviceLights(
        microphone=back.works.get("microphone", True) and not back.muted,
        camera=back.works.get("camera", True),
        missing=tuple(sorted(device for device, works in back.works.items() if not works)),
    )
    state = ScreenState(
        revision=back.revision,
        page="attract",
        language=language,
        bank=site.bank.name_zh if language == "zh" else site.bank.name_en,
        branch=site.branch.name_zh if language == "zh" else site.branch.name_en,
        gaze=back.gaze,
        persona=site.voice.persona,
        open_until=_open_until(site, back.now),
        queue=queue_lines(site, back.queue, language),
        lights=lights,
        text_percent=site.glass.text_percent,
    )
    if visit is None or visit.last is None:
        return _idle(state, phrases, back, language)
    reply = visit.last
    bar = _LISTENING[back.state]
    shown = replace(
        state,
        page="document" if visit.looking else reply.page,
        document=visit.looking,
        mode=visit.mode,
        headline=reply.text if reply.page in ("opinion", "goodbye") else "",
        headline_translation=reply.translation if reply.page in ("opinion", "goodbye") else "",
        note=_ticket_note(phrases, visit, language) if reply.page == "ticket" else "",
        captions=visit.captions(),
        targets=(
            *_chips(phrases, visit, reply.targets, language),
            _microphone(phrases, bar, back, language, looking=visit.looking is not None),
            *_dock(phrases, visit, language),
        ),
        listening=_bar(bar, back),
        expression=_expression(back.state, reply.expression),
        gesture=reply.gesture if back.state is State.SPEAKING else "rest",
        ticket=visit.ticket_view,
        entry=_entry(visit),
    )
    return placed(shown, phrases, visit, called=back.called, plan=load_plan(site.branch.plan))


def _entry(visit: Visit) -> Entry | None:
    """What was typed so far; what is secret does not leave the core."""
    keypad = visit.last.keypad if visit.last else None
    if keypad is None:
        return None
    shown = HIDDEN * len(visit.typed) if keypad.secret else visit.typed
    return Entry(shown, keypad.most, money=keypad.money, secret=keypad.secret)


def _idle(state: ScreenState, phrases: Phrases, back: Backstage, language: Language) -> ScreenState:
    if back.closed:
        return _out_of_service(state, phrases, back, language)
    deaf = not back.works.get("microphone", True)
    blind = not back.works.get("camera", True)
    headline = phrases.cannot_hear if deaf else phrases.attract_blind if blind else phrases.attract
    cards = tuple(replace(target, kind="card") for target in back.invitations)
    return replace(
        state,
        page="outage" if deaf else "attract",
        headline=_in(headline, language),
        headline_translation=_in(headline, "en" if language == "zh" else "zh"),
        targets=(*cards, *_dock(phrases, None, language)),
        note=(_missing_words(phrases, back, language) or _last_words(phrases, back, language)) if state.queue else "",
        called=back.called,
        gesture="rest" if deaf else "wave",
        expression="concerned" if deaf else "glad",
        listening="unavailable" if deaf else "off",
    )


def _out_of_service(state: ScreenState, phrases: Phrases, back: Backstage, language: Language) -> ScreenState:
    """Nobody is served: where help is, and what still works, which is that numbers are called."""
    dock = tuple(replace(target, enabled=target.id == "language") for target in _dock(phrases, None, language))
    return replace(
        state,
        page="outage",
        headline=_in(phrases.out_of_service, language),
        headline_translation=_in(phrases.out_of_service, "en" if language == "zh" else "zh"),
        note=_in(phrases.out_of_service_note, language),
        targets=dock,
        called=back.called,
        lights=replace(state.lights, microphone=False, missing=()),
        gesture="rest",
        expression="concerned",
        listening="unavailable",
    )


def _missing_words(phrases: Phrases, back: Backstage, language: Language) -> str:
    """The first device that is away, in words; nothing when all work."""
    away = [name for name, works in sorted(back.works.items()) if not works and name in phrases.missing]
    return _in(phrases.missing[away[0]], language) if away else ""


def _last_words(phrases: Phrases, back: Backstage, language: Language) -> str:
    """Which number was called last, and whereto; nothing when that is long ago."""
    last = back.called_last
    if last is None:
        return ""
    both = phrases.called_last if last.counter else phrases.called_last_anywhere
    return _in(both, language).format(number=last.number, counter=last.counter)


def _chips(phrases: Phrases, visit: Visit, targets: tuple[Target, ...], language: Language) -> tuple[Target, ...]:
    """What the answer offers, and after another voice was ignored a way to say that it belongs here.

    No choice of a flow gives way to it, an invitation does: a page shows three.
    """
    if not visit.companion_offered:
        return targets
    label, detail = _in(phrases.companion, language), _in(phrases.companion_detail, language)
    chip = Target(id=COMPANION, label=label, spoken_label=label, kind="chip", detail=detail, icon="person")
    full = len(targets) >= CHIPS and targets[-1].id.startswith(WISH)
    return (*(targets[:-1] if full else targets), chip)


def _bar(bar: Listening, back: Backstage) -> Listening:
    if not back.works.get("microphone", True):
        return "unavailable"
    return "muted" if back.muted else bar


def _bar_words(phrases: Phrases, bar: Listening, back: Backstage, language: Language) -> str:
    words = {
        "listening": phrases.listening,
        "thinking": phrases.thinking,
        "speaking": phrases.speaking,
        "muted": phrases.muted,
        "unavailable": phrases.cannot_hear,
    }.get(_bar(bar, back), phrases.listening)
    return _in(words, language)


def _ticket_note(phrases: Phrases, visit: Visit, language: Language) -> str:
    """Under 'here is your ticket': how many are before the visitor, where that is known."""
    view = visit.ticket_view
    if view is None or view.ahead is None:
        return _in(phrases.ticket_note, language)
    return _in(phrases.ticket_note_ahead, language).format(ahead=view.ahead)


def _microphone(
    phrases: Phrases, bar: Listening, back: Backstage, language: Language, *, looking: bool = False
) -> Target:
    label = _in(phrases.looking, language) if looking else _bar_words(phrases, bar, back, language)
    return Target(
        id="microphone",
        label=label,
        spoken_label=label,
        kind="microphone",
        enabled=back.works.get("microphone", True),
    )


def _dock(phrases: Phrases, visit: Visit | None, language: Language) -> tuple[Target, ...]:
    """The four that never move: language, text size, end, and a person."""
    bigger = phrases.dock_text_back if visit and visit.mode == "elder" else phrases.dock_text
    rows = (
        ("language", phrases.dock_language, "globe"),
        ("text_size", bigger, "text"),
        ("end", phrases.dock_end, "exit"),
    )
    tiles = tuple(
        Target(
            id=name,
            label=_in(label, language),
            spoken_label=_in(label, language),
            kind="dock",
            icon=icon,
            enabled=visit is not None or name == "language",
        )
        for name, label, icon in rows
    )
    human = _in(phrases.dock_human, language)
    return (*tiles, Target(id="human", label=human, spoken_label=human, kind="human", icon="human"))


def _expression(state: State, said: Expression) -> Expression:
    if state is State.LISTENING:
        return "listening"
    return "thinking" if state is State.THINKING else said


def queue_lines(site: Site, queue: TicketsState | None, language: Language) -> tuple[QueueLine, ...]:
    """How many wait for each service, as the hub last said; nothing when it said nothing."""
    if queue is None:
        return ()
    waiting = {line.service: line.waiting for line in queue.services}
    delayed = {line.service for line in queue.services if line.delayed}
    return tuple(
        QueueLine(
            name=service.name_zh if language == "zh" else service.name_en,
            waiting=waiting.get(service.id, 0),
            wait_min=wait_of(service, queue, waiting[service.id]) if waiting.get(service.id, 0) else None,
            slower=service.id in delayed,
        )
        for service in site.services[:3]
    )


def _open_until(site: Site, now: datetime) -> str:
    hours = site.branch.hours.get(WEEKDAYS[now.weekday()])
    return hours.closes.strftime("%H:%M") if hours and hours.opens <= now.time() < hours.closes else ""


def _in(both: Both, language: Language) -> str:
    return both.zh if language == "zh" else both.en
