"""The page as it is drawn now, for whoever looks after the terminal from afar: without anything of a visitor.

It is not a picture of the glass. The page is drawn once more from a snapshot out of which words, numbers, values,
lines and a teller's pictures were taken, so that what is left out was never in it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Final

import cv2
import numpy as np
import pygame
from msgspec.structs import replace

from contracts.screen import PICTURE_MOST_BYTES, PICTURE_PART_BYTES, PicturePart, ScreenState, Target
from kiosk.screen.clock import clock_text
from kiosk.screen.composer import Composer
from kiosk.screen.pages import frame_for, lay_out
from kiosk.screen.parts import View

WIDTH_PX: Final = 540  # wide enough to read the buttons
HIDDEN: Final = "•"
INVITES: Final = ("attract", "outage", "join")  # nobody is served: what stands there is everybody's
_DIGIT: Final = re.compile(r"\d")


def masked(state: ScreenState) -> ScreenState:
    """The snapshot without captions, fields, numbers, texts, lines and pictures of a visitor or a teller."""
    public = state.page in INVITES
    ticket, form, pad, reading = state.ticket, state.form, state.pad, state.reading
    return replace(
        state,
        captions=(),
        headline=state.headline if public else "",
        headline_translation=state.headline_translation if public else "",
        note=state.note if public else "",
        targets=state.targets if public else tuple(_nameless(target) for target in state.targets),
        ticket=ticket and replace(ticket, number=HIDDEN * 4, qr="", ahead=None, wait_min=None, issued_at=""),
        entry=state.entry and replace(state.entry, text=""),
        form=form and replace(form, rows=tuple(replace(row, shown="", trouble="") for row in form.rows), hint=""),
        pad=pad and replace(pad, lines=(), strokes=(), code="", declares=""),
        reading=reading and replace(reading, text=""),
        staff=state.staff and replace(state.staff, rows=(), now=None),
        confirm=state.confirm and replace(state.confirm, rows=tuple(replace(r, shown="") for r in state.confirm.rows)),
        map=state.map and replace(state.map, route=(), places=tuple(replace(p, goal=False) for p in state.map.places)),
        called=state.called if public or state.called is None else replace(state.called, number=HIDDEN * 4),
        mirror_pictures="",
        teller_pictures="",
        gaze=(0.0, 0.0),
    )


def picture(state: ScreenState, composer: Composer) -> bytes:
    """PNG, 540 pixels wide, of the masked page. Raises ValueError where it would be too large to send."""
    shown = masked(state)
    layout = lay_out(View(shown, clock_text(time.localtime()), frame=frame_for(shown, composer.glass)))
    whole = composer.still(layout)
    width, height = whole.get_size()
    small = pygame.transform.smoothscale(whole, (WIDTH_PX, round(height * WIDTH_PX / width)))
    pixels = np.ascontiguousarray(pygame.surfarray.pixels3d(small).swapaxes(0, 1)[:, :, ::-1])
    done, encoded = cv2.imencode(".png", pixels)
    body = encoded.tobytes()
    if not done or len(body) > PICTURE_MOST_BYTES:
        raise ValueError(f"a picture of {len(body)} bytes, at most {PICTURE_MOST_BYTES} are sent")
    return body


def parts(number: int, body: bytes) -> Iterator[PicturePart]:
    """The picture in messages that fit the socket."""
    cut = [body[at : at + PICTURE_PART_BYTES] for at in range(0, len(body), PICTURE_PART_BYTES)]
    for place, part in enumerate(cut):
        yield PicturePart(number=number, part=place, parts=len(cut), body=part)


def _nameless(target: Target) -> Target:
    """A button may name an account or an amount; keys are everybody's."""
    label = target.label if target.kind == "key" else _DIGIT.sub(HIDDEN, target.label)
    return replace(target, label=label, detail="")
