"""Sentences of a page: its headline with the other language below, and its note."""

from __future__ import annotations

from kiosk.screen.blocks import Block, Room, Widget, pair, words

PLAIN_FROM = 1.4  # from this size of letters on the other language is left out


def headline(default: tuple[str, str], size: float = 60.0, most: int = 3) -> Widget:
    """The page's one sentence; the core's where it sent one."""

    def widget(room: Room) -> Block | None:
        view = room.view
        text = view.state.headline or view.say(*default)
        if not text:
            return None
        other = view.state.headline_translation or ("" if view.state.headline else default[1 if view.chinese else 0])
        main = words(room, "headline", text, room.px(size), bold=True, align="center", most=most)
        if not other or room.theme.text >= PLAIN_FROM:
            return main
        below = words(room, "headline:other", other, room.size("small"), ink="ink_2", align="center", most=2)

        return pair(main, below)

    return widget


def note(size: str = "small", most: int = 3, drop: int = 3) -> Widget:
    """The snapshot's note in the middle, if there is one."""

    def widget(room: Room) -> Block | None:
        text = room.view.state.note
        if not text:
            return None
        return words(room, "note", text, room.size(size), ink="ink_2", align="center", most=most, drop=drop)

    return widget


def fixed(name: str, zh: str, en: str, size: str = "small", ink: str = "ink_2", most: int = 2, drop: int = 3) -> Widget:
    """A sentence of the page itself."""

    def widget(room: Room) -> Block | None:
        text = room.view.say(zh, en)
        return words(room, name, text, room.size(size), ink=ink, align="center", most=most, drop=drop)

    return widget


def advice(room: Room) -> Block | None:
    """What a hand or a head should do now; on upright glass it stands above the mirror, nearer to the camera."""
    shown = room.view.state.document or room.view.state.face
    if shown is None or not room.frame.lying:
        return None
    main = words(room, "advice", shown.advice, room.px(56), bold=True, align="center", most=3)
    if not shown.advice_other or room.theme.text >= PLAIN_FROM:
        return main
    below = words(room, "advice:other", shown.advice_other, room.size("small"), ink="ink_2", align="center", most=2)

    return pair(main, below)


def ending(room: Room) -> Block | None:
    """The visit is about to end by itself: said in print as well as aloud, and what keeps it."""
    left_s = room.view.state.ends_in_s
    if left_s <= 0:
        return None
    zh, en = f"{left_s} 秒后结束。点一下或说一声就继续", f"Ends in {left_s} s. Touch or speak to go on"
    return words(
        room, "ending", room.view.say(zh, en), room.size("body"), bold=True, ink="warn", align="center", most=2
    )
