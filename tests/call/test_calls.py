"""The core's side of a call: only the visitor's own case, each message once, nothing left open, the teller told."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from contracts import call as c
from contracts import media
from kiosk.call.board import boards_of
from kiosk.call.calls import CallChanged, CallEnded, CallNews, Calls, TellerAway
from kiosk.events import CameraFrame
from kiosk.ports import BusDown
from kiosk.runtime.buffer import Buffer

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 21, 10, 26, tzinfo=UTC)
CASE = "case-0001"


class ScriptedProcess:
    """A call process as the core sees it: takes what is sent, says what a test wants."""

    def __init__(self) -> None:
        self.connected = True
        self.got: list[media.ToCall] = []
        self._says: Buffer[media.FromCall | None] = Buffer(64, "drop_oldest")

    def send(self, message: media.ToCall) -> bool:
        if self.connected:
            self.got.append(message)
        return self.connected

    def says(self, message: media.FromCall | None) -> None:
        self._says.offer(message)

    async def messages(self) -> AsyncIterator[media.FromCall | None]:
        async for message in self._says:
            yield message

    def of(self, kind: type) -> list[Any]:
        return [one for one in self.got if isinstance(one, kind)]


class Terminal:
    def __init__(self) -> None:
        self.process = ScriptedProcess()
        self.said: list[c.CallUp] = []
        self.news: list[CallNews] = []
        self.line = True
        self.calls = Calls(self.process, self._say, self.news.append, lambda: None, hub_now=lambda: NOW)

    async def _say(self, message: c.CallUp) -> None:
        if not self.line:
            raise BusDown("cut")
        self.said.append(message)

    def down(self, body: c.ToTerminal, *, leg: int = 1, said: int = 1, case: str = CASE, late_s: float = 0) -> None:
        expires = NOW + timedelta(seconds=30 - late_s)
        head: dict[str, Any] = {"id": "1", "at": NOW, "mono_ns": 1, "expires": expires}
        self.calls.take(c.CallDown(**head, case=case, leg=leg, said=said, body=body))

    def bodies(self, kind: type) -> list[Any]:
        return [one.body for one in self.said if isinstance(one.body, kind)]


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    made = Terminal()
    running = asyncio.create_task(made.calls.run())
    await asyncio.sleep(0)
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def frame() -> CameraFrame:
    return CameraFrame(np.full((480, 640, 3), 90, np.uint8), 7)


async def test_no_picture_and_no_sound_leave_the_core_before_the_visitor_accepted_nor_after(terminal: Terminal) -> None:
    def show() -> None:
        terminal.calls.saw(frame())
        terminal.calls.heard(np.ones(320, np.int16), 1)

    show()
    assert terminal.process.got == []
    terminal.calls.expect(CASE)
    show()  # nobody is on the line yet
    assert not terminal.process.of(media.Seen) and not terminal.process.of(media.Heard)
    terminal.process.says(media.Standing(CASE, 1, "connecting"))
    await settle()
    show()
    assert len(terminal.process.of(media.Seen)) == len(terminal.process.of(media.Heard)) == 1
    terminal.calls.hang_up("done")
    show()
    assert len(terminal.process.of(media.Seen)) == len(terminal.process.of(media.Heard)) == 1
    assert not boards_of(os.getpid()) and not terminal.calls.active


@pytest.mark.parametrize(
    ("how", "tally"),
    [({"case": "case-0002"}, "refused_case"), ({"late_s": 60}, "refused_expired"), ({"said": 0}, "refused_repeated")],
)
async def test_a_message_of_another_call_or_too_late_or_repeated_is_refused_and_counted(
    terminal: Terminal, how: dict[str, Any], tally: str
) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.Offered(sdp="v=0"), **how)
    assert not terminal.process.of(media.Offer)
    assert terminal.calls.tallies[tally] == 1


async def test_an_offer_is_taken_once_and_an_older_leg_never(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.Offered(sdp="v=0"), leg=2)
    terminal.down(c.Offered(sdp="v=0"), leg=2)
    terminal.down(c.Offered(sdp="v=0"), leg=2, said=2)
    terminal.down(c.Offered(sdp="v=0"), leg=1, said=9)
    assert [offer.leg for offer in terminal.process.of(media.Offer)] == [2]
    assert terminal.calls.tallies["refused_repeated"] == 3


async def test_an_offer_that_came_too_late_is_asked_for_anew(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.Offered(sdp="v=0"), late_s=100)
    await settle()
    assert terminal.bodies(c.ResumeAsked)


async def test_what_is_said_while_the_line_is_cut_goes_out_in_order_when_it_is_back(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.Offered(sdp="v=0"))
    terminal.line = False
    terminal.process.says(media.Answer(CASE, 1, "v=0 answer"))
    terminal.process.says(media.Standing(CASE, 1, "up"))
    await settle()
    assert not terminal.said
    terminal.line = True
    terminal.process.says(media.Standing(CASE, 1, "lost"))
    await settle()
    assert [type(one.body) for one in terminal.said] == [c.Answered, c.MediaTold, c.MediaTold, c.ResumeAsked]
    assert [one.said for one in terminal.said] == [1, 2, 3, 4]


async def test_the_teller_is_told_when_the_visitor_leaves_and_the_process_ends_the_media(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.calls.hang_up("left")
    await settle()
    assert terminal.bodies(c.HungUp)[0].reason == "left"
    assert terminal.process.of(media.End)[0].reason == "left"
    assert terminal.news[-1] == CallEnded(CASE, "left")


async def test_the_terminal_forgets_the_call_when_the_teller_hangs_up(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.HungUp(reason="abuse"))
    await settle()
    assert terminal.news[-1] == CallEnded(CASE, "abuse") and not terminal.bodies(c.HungUp)
    terminal.down(c.Offered(sdp="v=0"), leg=3)
    assert terminal.calls.tallies["refused_case"] == 1


async def test_a_process_that_died_is_given_the_call_anew_and_a_new_leg_is_asked_for(
    terminal: Terminal,
) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.Offered(sdp="v=0"))
    terminal.process.says(media.Standing(CASE, 1, "up"))
    terminal.process.says(None)
    terminal.process.says(media.Up(1, True))
    await settle()
    assert CallChanged(CASE, "lost", True) in terminal.news
    assert terminal.bodies(c.ResumeAsked) and len(terminal.process.of(media.Begin)) == 2
    terminal.down(c.Offered(sdp="v=0"), leg=2)
    assert terminal.process.of(media.Offer)[-1].leg == 2


async def test_a_missing_camera_is_told_to_the_teller(terminal: Terminal) -> None:
    terminal.calls.works("camera", False)
    terminal.calls.expect(CASE)
    terminal.process.says(media.Standing(CASE, 1, "up"))
    await settle()
    assert terminal.process.of(media.Having)[0].camera is False
    assert terminal.bodies(c.MediaTold)[-1].camera is False
    terminal.calls.works("camera", True)
    await settle()
    assert terminal.bodies(c.MediaTold)[-1].camera is True


async def test_a_source_that_is_not_there_is_not_shown(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.process.says(media.Wanted(CASE, "document"))
    await settle()
    assert terminal.bodies(c.MediaTold)[-1].shows == "none"


async def test_a_page_that_went_away_is_told_to_the_session(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    terminal.down(c.PageAway())
    assert terminal.news[-1] == TellerAway(CASE)


async def test_nothing_is_said_beyond_the_bound(terminal: Terminal) -> None:
    terminal.calls.expect(CASE)
    for at in range(c.MAX_SAID + 50):
        terminal.calls.works("speaker", bool(at % 2))
    await settle()
    assert terminal.calls.tallies["too_much_said"] > 0
    assert max((one.said for one in terminal.said), default=0) <= c.MAX_SAID


async def test_an_offer_that_overtook_the_word_of_acceptance_is_taken_when_that_comes(terminal: Terminal) -> None:
    terminal.down(c.Offered(sdp="v=0"))
    terminal.down(c.CandidateFound(candidate="candidate:1", mid="0"), said=2)
    terminal.down(c.Offered(sdp="v=0 other"), case="case-0002")
    assert not terminal.process.got and terminal.calls.tallies["refused_case"] == 3
    terminal.calls.expect(CASE)
    assert [offer.sdp for offer in terminal.process.of(media.Offer)] == ["v=0"]
    assert len(terminal.process.of(media.Candidate)) == 1


async def test_the_document_camera_is_shown_while_the_teller_asks_for_it() -> None:
    async def document() -> AsyncIterator[CameraFrame]:
        while True:
            yield frame()
            await asyncio.sleep(0)

    made = Terminal()
    calls = Calls(made.process, made._say, made.news.append, lambda: None, second={"document": document})
    running = asyncio.create_task(calls.run())
    calls.expect(CASE)
    for source in ("document", "none"):
        made.process.says(media.Wanted(CASE, source))  # type: ignore[arg-type]
        await settle()
    told = [one.body.shows for one in made.said if isinstance(one.body, c.MediaTold)]
    shown = made.process.of(media.Seen)
    assert told == ["document", "none"] and shown and {one.camera for one in shown} == {"second"}
    await settle()
    assert len(made.process.of(media.Seen)) == len(shown)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
