"""The ticket on paper: a person can read it, a telephone can scan it, and it says nothing that is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.queueing.paper import MARGIN, WIDTH_DOTS, PaperTicket, draw_ticket, png

pytestmark = pytest.mark.contract

TICKET = PaperTicket(
    bank=("青禾银行", "Qinghe Bank"),
    branch=("滨江路支行", "Binjiang Road Branch"),
    service=("个人业务", "Personal banking"),
    number="A037",
    issued_at=datetime(2026, 11, 21, 10, 26),
    ahead=8,
    wait_min=(12, 25),
    qr="https://qinghe.example/t/binjiang/2026-11-21/A037",
)


def test_the_code_is_read_back_from_the_printed_picture() -> None:
    picture = cv2.imdecode(np.frombuffer(png(draw_ticket(TICKET)), np.uint8), cv2.IMREAD_GRAYSCALE)
    text, _, _ = cv2.QRCodeDetector().detectAndDecode(picture)
    assert text == TICKET.qr


@settings(max_examples=20, deadline=None)
@given(
    service=st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=40),
    english=st.text(st.characters(codec="ascii", categories=["L", "Zs"]), max_size=120),
    number=st.sampled_from(["A001", "Z9999", "W99999"]),
    ahead=st.none() | st.integers(0, 9999),
    wait=st.none() | st.tuples(st.integers(1, 600), st.integers(600, 999)),
    qr=st.sampled_from(["", "x", "https://qinghe.example/" + "y" * 60]),
)
def test_nothing_is_cut_at_the_edges_however_long_the_words(
    service: str, english: str, number: str, ahead: int | None, wait: tuple[int, int] | None, qr: str
) -> None:
    paper = draw_ticket(replace(TICKET, service=(service, english), number=number, ahead=ahead, wait_min=wait, qr=qr))
    assert paper.shape[1] == WIDTH_DOTS
    assert not paper[:, : MARGIN - 8].any()
    assert not paper[:, WIDTH_DOTS - MARGIN + 8 :].any()
    assert not paper[-12:].any()
    assert paper.shape[0] < 1100  # under 14 cm of paper


def test_an_unknown_queue_prints_no_figure_even_if_a_wait_is_passed() -> None:
    unknown = draw_ticket(replace(TICKET, ahead=None, wait_min=None))
    assert np.array_equal(draw_ticket(replace(TICKET, ahead=None, wait_min=(1, 2))), unknown)
    assert not np.array_equal(draw_ticket(TICKET)[: len(unknown)], unknown[: len(draw_ticket(TICKET))])


def test_the_number_fills_the_paper_and_differs_by_a_digit() -> None:
    one, other = draw_ticket(TICKET), draw_ticket(replace(TICKET, number="A038"))
    columns = np.flatnonzero((one != other).any(axis=0))
    assert columns.size  # only the last digit's place differs
    assert columns.min() > WIDTH_DOTS * 0.7
    band = one[230:400]
    wide = np.flatnonzero(band.any(axis=0))
    assert wide.max() - wide.min() > 460
