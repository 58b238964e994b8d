"""What a visitor picks from, as blocks: suggestions, answers, cards, keys, faces and figures, the microphone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from contracts.screen import Target, TargetKind
from kiosk.screen.blocks import BLOCK_GAP, TIGHT_GAP, Block, Room, in_columns
from kiosk.screen.boxes import Box
from kiosk.screen.parts import Part, View
from kiosk.screen.text import fit
from kiosk.screen.widgets.buttons import (
    CHIP_PAD,
    ICON_ROOM,
    button,
    chip,
    choice,
    microphone,
    score,
    smiley,
    status_row,
)
from kiosk.screen.widgets.dock import DOCK_IDS

CHOICES: Final[tuple[TargetKind, ...]] = ("chip", "primary", "quiet", "human", "card")  # what a visitor picks from
MAX_CHIPS: Final = 3
MAX_ANSWERS: Final = 2  # in large letters: one question a page, two answers
MAX_CHOICES: Final = 6
SMILEYS: Final = 5
SCORES: Final = 11
KEYS: Final = ("key_1", "key_2", "key_3", "key_4", "key_5", "key_6", "key_7", "key_8", "key_9", "key_back", "key_0",
               "key_ok")  # fmt: skip
FLAT_KEYS: Final = ("key_1", "key_2", "key_3", "key_4", "key_5", "key_back", "key_6", "key_7", "key_8", "key_9",
                    "key_0", "key_ok")  # fmt: skip
PLAIN_FROM: Final = 1.4  # from this size of letters on, answers stand below each other


def of_kind(view: View, *kinds: TargetKind) -> tuple[Target, ...]:
    """Return the offered targets of these kinds, dock left out, in the core's order."""
    return tuple(t for t in view.state.targets if t.kind in kinds and t.id not in DOCK_IDS)


def choices(room: Room) -> Block | None:
    """Up to three suggestions; in large letters the first two, below each other."""
    large = room.view.elder or room.theme.text >= PLAIN_FROM
    return picked(room, of_kind(room.view, *CHOICES)[: MAX_ANSWERS if large else MAX_CHIPS])


def many_choices(room: Room) -> Block | None:
    """Up to six, all of them equal."""
    columns = 3 if room.frame.lying else 2
    return picked(room, of_kind(room.view, *CHOICES)[:MAX_CHOICES], columns=columns, high=176, large=columns)


def side_by_side(room: Room) -> Block | None:
    """Two or three doors of the same size: the one that refuses is as near as the other."""
    return picked(room, of_kind(room.view, *CHOICES)[:MAX_CHIPS], high=144, large=2)


def picked(
    room: Room, targets: tuple[Target, ...], *, columns: int = MAX_CHIPS, high: float = 132.0, large: int = 1
) -> Block | None:
    """A grid of targets: as many columns as their words leave room for, `large` at most in large letters."""
    if not targets:
        return None
    if room.theme.text >= PLAIN_FROM and not room.frame.lying:
        columns = large
    across = min(columns, len(targets))
    while across > 1 and not all(_fits(room, target, across) for target in targets):
        across -= 1
    while across < columns and _high(room, targets, across) > room.frame.acts.height:
        across += 1  # a label that is cut is better than a target that no finger hits
    odd = across == 2 and len(targets) == 3  # the third takes the whole row
    rows = math.ceil(len(targets) / across)
    most = max(_lines(room, target, across) for target in targets)
    need = room.size("body") * 1.25 * most + 40
    detail = any(target.detail for target in targets)
    ideal = max(high * (1.0 if across > 1 else 0.92), need + (room.size("label") * 1.35 if detail else 0))
    least = max(room.frame.finger, need * 0.86)
    gap = BLOCK_GAP if rows <= 2 else TIGHT_GAP

    def make(box: Box) -> list[Part]:
        row = min(ideal * 1.25, (box.height - (rows - 1) * gap) / rows)
        boxes = in_columns(len(targets), across, box, gap, row)
        if odd:
            boxes[2] = Box(box.x, boxes[2].y, box.width, boxes[2].height)
        return [
            _drawn(room, target, one, first=i == 0) for i, (target, one) in enumerate(zip(targets, boxes, strict=True))
        ]

    return Block(rows * least + (rows - 1) * gap, rows * ideal + (rows - 1) * gap, make)


def _high(room: Room, targets: tuple[Target, ...], across: int) -> float:
    """How high the grid must be in so many columns, with room for the microphone's bar below."""
    need = room.size("body") * 1.25 * max(_lines(room, target, across) for target in targets) + 40
    row = max(room.frame.finger, need * 0.86) + TIGHT_GAP
    return math.ceil(len(targets) / across) * row + room.frame.finger


def _drawn(room: Room, target: Target, box: Box, *, first: bool) -> Part:
    """In large letters an answer is a button: filled, or outlined."""
    if room.view.elder and target.kind in ("chip", "card"):
        return button(room.view, target, box, 44, filled=first)
    return choice(room.view, target, box)


def _wide(room: Room, target: Target, columns: int) -> float:
    width = (room.width - (columns - 1) * BLOCK_GAP) / columns
    if target.kind in ("chip", "card") and not room.view.elder:
        return width - (ICON_ROOM if target.icon else CHIP_PAD) - 16
    return width - 40


def _fits(room: Room, target: Target, columns: int) -> bool:
    wide, measure = _wide(room, target, columns), room.measure(True)
    if fit(target.label, wide, room.size("small"), measure, max_lines=2).cut:
        return False
    longest = max(measure(word, room.size("small")) for word in target.label.split(" "))
    return longest <= wide and room.measure()(target.detail, room.size("label") * 0.8) <= wide


def _lines(room: Room, target: Target, columns: int) -> int:
    return len(
        fit(target.label, _wide(room, target, columns), room.size("body"), room.measure(True), max_lines=2).lines
    )


def hearing(room: Room) -> Block | None:
    """The microphone's bar, where the core offers it."""
    target = next(iter(of_kind(room.view, "microphone")), None)
    if target is None and room.view.state.page not in ("conversation", "document"):
        return None
    high = 116 * min(1.4, max(1.0, room.theme.text))
    least = max(room.frame.finger, room.size("body") * 1.35)
    drop = 0 if room.view.state.page in ("conversation", "call") else 5  # the head line shows the microphone, too
    return Block(least, max(least, high), lambda box: microphone(room.view, target, box, room), drop)


def keys(room: Room) -> Block | None:
    """Ten digits, delete and done, as on a telephone; where letters are typed, a way without them in place of the 0."""
    secret = room.view.state.entry is not None and room.view.state.entry.secret
    order: tuple[str, ...]
    order, columns = (KEYS, 3) if four_rows_fit(room) else (FLAT_KEYS, 6)
    without = of_kind(room.view, "quiet")[:1]
    if without and all(target.id != "key_0" for target in room.view.state.targets):
        order = tuple(without[0].id if name == "key_0" else name for name in order)
    return key_grid(room, order, columns, secret=secret)


def four_rows_fit(room: Room) -> bool:
    """Whether four rows of fingers fit; on small lying glass they do not."""
    return 4 * max(room.frame.finger, 62.0) + 3 * TIGHT_GAP <= room.frame.acts.height


def key_grid(room: Room, order: tuple[str, ...], columns: int, *, secret: bool, high: float = 148.0) -> Block | None:
    """Keys in their places; places of keys that are not offered stay empty."""
    offered = {target.id: target for target in of_kind(room.view, "key", "quiet")}
    if not any(name in offered for name in order):
        return None
    # a key that lights up tells who looks over a shoulder
    view = replace(room.view, pressed="") if secret else room.view
    rows = math.ceil(len(order) / columns)

    def make(box: Box) -> list[Part]:
        gap = TIGHT_GAP if box.height / rows < 120 else BLOCK_GAP
        boxes = in_columns(len(order), columns, box, gap)
        return [_key(view, offered[name], one) for name, one in zip(order, boxes, strict=True) if name in offered]

    least = rows * max(room.frame.finger, 62.0) + (rows - 1) * TIGHT_GAP
    return Block(least, rows * high + (rows - 1) * BLOCK_GAP, make)


def _key(view: View, target: Target, box: Box) -> Part:
    if target.kind == "key" and target.id not in ("key_ok", "key_back"):
        return score(view, target, box)
    return button(view, target, box, 40, filled=target.id == "key_ok")


def status_rows(room: Room) -> Block | None:
    """What still works, one below the other, each with its tick."""
    targets = of_kind(room.view, *CHOICES)[:MAX_CHIPS]
    least = max(room.frame.finger, room.size("lead") * 1.3 + 16)
    return rows_of(room, targets, partial(status_row, room.view), least, max(140.0, least), 20.0)


def rows_of(
    room: Room, targets: tuple[Target, ...], draw: Callable[[Target, Box], Part], least: float, ideal: float, gap: float
) -> Block | None:
    """Targets one below the other."""
    if not targets:
        return None
    count = len(targets)

    def make(box: Box) -> list[Part]:
        return [draw(target, one) for target, one in zip(targets, in_columns(count, 1, box, gap), strict=True)]

    return Block(count * least + (count - 1) * gap, count * ideal + (count - 1) * gap, make)


def smileys(room: Room) -> Block | None:
    """Five faces with their words; in large letters the words take two rows."""
    targets = of_kind(room.view, "smiley")[:SMILEYS]
    if not targets:
        return None
    cell = room.width / len(targets)
    measure = room.measure(True)
    longest = max(measure(target.label, room.size("small")) for target in targets)
    label = max(24.0, room.size("small") * min(1.0, (cell - 10) / longest))
    if label < room.size("small") * 0.7:
        return _smileys_in_rows(room, targets)
    ideal = min(168.0, cell - 28) + 24 + label * 1.5

    def make(box: Box) -> list[Part]:
        boxes = in_columns(len(targets), len(targets), box, 0.0)
        return [
            smiley(room.view, t, one, _level(t, i), label)
            for i, (t, one) in enumerate(zip(targets, boxes, strict=True))
        ]

    return Block(room.frame.finger + 24 + label * 1.5, ideal, make)


def _smileys_in_rows(room: Room, targets: tuple[Target, ...]) -> Block:
    """Large words need the width: three faces above, two below."""
    columns = len(targets) if room.frame.lying else 3
    cell = room.width / columns
    longest = max(room.measure(True)(target.label, room.size("small")) for target in targets)
    label = max(24.0, room.size("small") * min(1.0, (cell - 10) / longest))
    rows = math.ceil(len(targets) / columns)
    least = room.frame.finger + 24 + label * 1.5

    def make(box: Box) -> list[Part]:
        boxes = in_columns(len(targets), columns, box, 12.0)
        return [
            smiley(room.view, t, one, _level(t, i), label)
            for i, (t, one) in enumerate(zip(targets, boxes, strict=True))
        ]

    return Block(rows * least + 12 * (rows - 1), rows * (150 + label * 1.5) + 12 * (rows - 1), make)


def _level(target: Target, position: int) -> int:
    """Return 0 (worst) .. 4 from an id like 'rate_3', else from the position."""
    last = target.id.rpartition("_")[2]
    return min(4, max(0, int(last) - 1)) if last.isdecimal() else min(4, position)


def scores(room: Room) -> Block | None:
    """0 to 10: in one row where eleven fingers fit, in two otherwise."""
    targets = of_kind(room.view, "score")[:SCORES]
    if not targets:
        return None
    wide = max(room.frame.finger, room.size("body") * 1.5)
    columns = (
        len(targets) if (room.width + TIGHT_GAP) / len(targets) - TIGHT_GAP >= wide else math.ceil(len(targets) / 2)
    )
    rows = math.ceil(len(targets) / columns)

    def make(box: Box) -> list[Part]:
        boxes = in_columns(len(targets), columns, box, TIGHT_GAP)
        return [score(room.view, target, one) for target, one in zip(targets, boxes, strict=True)]

    least = rows * max(room.frame.finger, 64.0) + (rows - 1) * TIGHT_GAP
    return Block(least, rows * 108 + (rows - 1) * TIGHT_GAP, make)


def plain_buttons(room: Room) -> Block | None:
    """One to four buttons beside each other, or below each other where their words are long."""
    targets = of_kind(room.view, "quiet", "primary", "human")[:4]
    return buttons_of(room, targets)


def buttons_of(room: Room, targets: tuple[Target, ...], *, high: float = 132.0, size: float = 42.0) -> Block | None:
    """Buttons of one height: as many beside each other as their words allow."""
    if not targets:
        return None
    measure = room.measure(True)
    columns = len(targets)

    def fits(across: int) -> bool:
        wide = (room.width - (across - 1) * TIGHT_GAP) / across - 44
        if wide + 44 < room.frame.finger:
            return False
        return all(not fit(t.label, wide, room.px(34), measure, max_lines=2).cut for t in targets) and all(
            measure(word, room.px(27)) <= wide for t in targets for word in t.label.split(" ")
        )

    while columns > 1 and not fits(columns):
        columns -= 1
    rows = math.ceil(len(targets) / columns)
    least = max(room.frame.finger, room.px(34) * 1.25 * (2 if columns > 1 and room.theme.text > 1 else 1) + 8)

    def make(box: Box) -> list[Part]:
        boxes = in_columns(len(targets), columns, box, TIGHT_GAP)
        return [
            button(room.view, target, one, size, filled=target.kind == "primary")
            for target, one in zip(targets, boxes, strict=True)
        ]

    return Block(rows * least + (rows - 1) * TIGHT_GAP, rows * max(high, least) + (rows - 1) * TIGHT_GAP, make)


def selected_chips(room: Room, targets: tuple[Target, ...], *, high: float = 104.0) -> Block | None:
    """Chips of which one is chosen, beside each other."""
    if not targets:
        return None
    count = len(targets)

    def make(box: Box) -> list[Part]:
        return [
            chip(room.view, t, one) for t, one in zip(targets, in_columns(count, count, box, TIGHT_GAP), strict=True)
        ]

    return Block(max(room.frame.finger, 64.0), high, make)
