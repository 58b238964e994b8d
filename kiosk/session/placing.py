"""Which page a conversation is on, and what of it this visitor needs otherwise: over the snapshot. Pure.

A list that is too long for suggestions, a number that is called, a way to walk, figures to look over have pages of
their own; what is private is masked, and covered when the visitor steps away.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from config.flows import Both, Phrases
from config.plan import Plan
from contracts.screen import CalledView, Caption, Language, MapPlace, MapView, Page, ScreenState, Target, TargetKind
from kiosk.dialogue.wording import WISH, pick
from kiosk.session.private import REVEAL, confirm_view, has_numbers, is_private, masked
from kiosk.session.visit import Visit

CHIPS: Final = 3
A_PAGE: Final = 6
A_PAGE_LARGE: Final = 4
MORE: Final = "more_choices"
STAY: Final = "stay"
HISTORY: Final = 3  # turns before the present one, for who reads instead of hearing
PICKED: Final[tuple[TargetKind, ...]] = ("chip", "primary", "quiet", "human", "card")
DOCK: Final = frozenset({"language", "text_size", "end", "human"})


def placed(
    state: ScreenState, phrases: Phrases, visit: Visit, *, called: CalledView | None, plan: Plan | None
) -> ScreenState:
    """The snapshot on its page, as this visitor needs it."""
    state = replace(
        state,
        needs=visit.needs,
        text_percent=visit.text_percent or state.text_percent,
        ends_in_s=visit.ends_in_s,
        face=visit.checking,
        page="face" if visit.checking else state.page,
    )
    state = _on_its_page(state, phrases, visit, called, plan)
    if "captions" in visit.needs and state.page in ("conversation", "call"):
        state = replace(state, captions=(*_history(visit), *state.captions))
    state = _covered(state, phrases, visit) if visit.away and is_private(visit) else _masked(state, phrases, visit)
    if visit.prompts and state.page in ("conversation", "choices", "confirm", "waiting", "map"):
        stay = target(STAY, phrases.stay, state.language, "chip", icon="check")
        state = replace(state, targets=_instead_of_last(state, stay))
    return state


def target(name: str, label: Both, language: Language, kind: TargetKind, *, icon: str = "") -> Target:
    said = pick(label, language)
    return Target(id=name, label=said, spoken_label=said, kind=kind, icon=icon)


def _on_its_page(
    state: ScreenState, phrases: Phrases, visit: Visit, called: CalledView | None, plan: Plan | None
) -> ScreenState:
    if called and visit.ticket and called.number == visit.ticket.number:
        going = target(WISH + "goodbye", phrases.on_my_way, state.language, "primary", icon="check")
        return replace(state, page="called", called=called, targets=(going, *_kept(state)))
    page: Page = state.page
    if page == "waiting" and state.ticket is None:
        page = "conversation"
    if page == "map":
        found = _map(plan, visit, state.language)
        return replace(state, map=found) if found else replace(state, page="conversation")
    if page == "confirm":
        rows = confirm_view(phrases, visit, state.language)
        if rows is None:
            return replace(state, page="conversation")
        asked = Caption("receptionist", pick(phrases.look_over, state.language))
        state = replace(state, confirm=rows, captions=(asked,))
        hidden = any(row.private for row in rows.rows)
        shows = target(REVEAL, phrases.reveal, state.language, "quiet", icon="eye")
        return replace(state, targets=(*state.targets, shows)) if hidden else state
    offered = [one for one in state.targets if one.kind in PICKED and one.id not in DOCK]
    if (page == "conversation" and len(offered) > CHIPS) or page == "ways":
        most = A_PAGE_LARGE if visit.mode == "elder" or visit.text_percent > 140 else A_PAGE
        page = "choices" if page == "conversation" else page
        return replace(
            state, page=page, targets=(*_one_page(offered, phrases, visit, state.language, most), *_kept(state))
        )
    return replace(state, page=page)


def _kept(state: ScreenState) -> tuple[Target, ...]:
    """The microphone and the dock."""
    return tuple(one for one in state.targets if one.kind not in PICKED or one.id in DOCK)


def _one_page(
    offered: list[Target], phrases: Phrases, visit: Visit, language: Language, most: int
) -> tuple[Target, ...]:
    """So many of a long list that they fit, and a way to the others; after the last the first come again."""
    if len(offered) <= most:
        return tuple(offered)
    first = visit.offset * (most - 1) % len(offered)
    more = target(MORE, phrases.more, language, "chip", icon="right")
    return (*offered[first : first + most - 1], more)


def _instead_of_last(state: ScreenState, added: Target) -> tuple[Target, ...]:
    """Put a target before the offered ones; a page of suggestions shows three."""
    offered = [one for one in state.targets if one.kind in PICKED and one.id not in DOCK]
    most = CHIPS if state.page in ("conversation", "waiting", "map") else A_PAGE
    return (added, *offered[: most - 1], *_kept(state))


def _map(plan: Plan | None, visit: Visit, language: Language) -> MapView | None:
    goal = visit.last.goal if visit.last else ""
    if plan is None or goal not in plan.places:
        return None
    route = plan.route(goal)
    places = tuple(MapPlace(pick(one.label, language), one.box, goal=name == goal) for name, one in plan.places.items())
    return MapView(places, route, plan.shape, round(plan.metres(route)))


def _history(visit: Visit) -> tuple[Caption, ...]:
    """What was said before the present turn."""
    lines = list(visit.story.lines)
    current = (visit.caption is not None) + bool(visit.heard)
    return tuple(Caption(speaker, text) for speaker, text in lines[: len(lines) - current][-HISTORY:])


def _masked(state: ScreenState, phrases: Phrases, visit: Visit) -> ScreenState:
    """Amounts and numbers of the visitor's own business, until they ask to see them."""
    if not is_private(visit) or visit.revealed or state.page in ("confirm", "keypad"):
        return state
    captions = tuple(replace(c, text=masked(c.text), translation=masked(c.translation)) for c in state.captions)
    if not has_numbers(visit) or state.page != "conversation":
        return replace(state, captions=captions)
    shows = target(REVEAL, phrases.reveal, state.language, "chip", icon="eye")
    return replace(state, captions=captions, targets=_instead_of_last(state, shows))


def _covered(state: ScreenState, phrases: Phrases, visit: Visit) -> ScreenState:
    """The visitor stepped away: nothing of theirs is readable, and what to do is."""
    language = state.language
    first, other = pick(phrases.veiled, language), pick(phrases.veiled, "en" if language == "zh" else "zh")
    page: Page = "conversation" if state.page in ("confirm", "keypad") else state.page
    targets = tuple(one for one in _kept(state) if one.kind != "key")
    return replace(
        state, page=page, veiled=True, captions=(), confirm=None, entry=None, headline=first,
        headline_translation=other, targets=targets,
    )  # fmt: skip
