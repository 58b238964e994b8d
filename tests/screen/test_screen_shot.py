"""The picture that leaves the terminal has nothing of a visitor: no words, numbers, values, lines or faces."""

from __future__ import annotations

import cv2
import msgspec
import numpy as np
import pytest
from msgspec.structs import replace

from bench.page_samples import LANGUAGES, PAGES, sample
from contracts.screen import (
    PICTURE_PART_BYTES,
    CalledView,
    Caption,
    ConfirmRow,
    ConfirmView,
    Language,
    Page,
    ReadingView,
)
from kiosk.screen.notice import notice
from kiosk.screen.shot import masked, parts, picture
from kiosk.screen.stage import Stage

pytestmark = pytest.mark.contract
SECRETS = ("张伟", "6222021001123456", "转五万块", "A037")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("attract", "outage", "join")])
def test_what_a_visitor_said_typed_or_signed_is_not_in_the_snapshot_that_is_drawn(
    page: Page, language: Language
) -> None:
    state = sample(page, language)
    told = replace(
        state, captions=(Caption("visitor", SECRETS[2]),), headline=SECRETS[0], note=SECRETS[0],
        ticket=state.ticket and replace(state.ticket, number=SECRETS[3], qr=SECRETS[1]),
        entry=state.entry and replace(state.entry, text=SECRETS[1]),
        form=state.form and replace(state.form, rows=tuple(replace(row, shown=SECRETS[1]) for row in state.form.rows)),
        pad=state.pad and replace(state.pad, lines=SECRETS[:2]),
        reading=state.reading and ReadingView(state.reading.title, SECRETS[0]),
        confirm=state.confirm and ConfirmView((ConfirmRow("卡号", SECRETS[1], private=True),), open=True),
        called=state.called and CalledView(SECRETS[3], "3"), mirror_pictures="/run/pictures",
        targets=tuple(replace(one, detail=SECRETS[0]) for one in state.targets), teller_pictures="/run/pictures",
    )  # fmt: skip
    kept = msgspec.json.encode(masked(told)).decode()
    assert not [secret for secret in (*SECRETS, "/run/pictures") if secret in kept]


def test_what_everybody_may_see_stays() -> None:
    state = replace(sample("attract", "zh"), called=CalledView("A037", "3"))
    assert masked(state) == replace(state, gaze=(0.0, 0.0))


def test_it_is_drawn_beside_the_glass_and_goes_through_the_socket_in_parts() -> None:
    stage = Stage(0.5, notice(None))
    stage.take(sample("conversation", "zh"), 0)
    stage.draw(0)
    before = stage.composer.frame.get_buffer().raw
    body = picture(stage.state, stage.composer)
    assert stage.composer.frame.get_buffer().raw == before
    drawn = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (960, 540, 3) and drawn.std() > 20
    large = body + bytes(PICTURE_PART_BYTES)
    cut = list(parts(3, large))
    assert b"".join(part.body for part in cut) == large and {part.parts for part in cut} == {len(cut)}
    assert len(cut) >= 2 and all(len(part.body) <= PICTURE_PART_BYTES for part in cut)
