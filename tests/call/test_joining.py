"""A case and its call are in step: opened and ended by the hub's word, and the hub is told what became of the media."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from contracts import call as c
from contracts import media
from contracts import video_messages as v
from contracts.video import CaseState
from kiosk.call.calls import CallNews, Calls
from kiosk.call.joining import Joining
from kiosk.call.line import BEAT_S, TellerLine
from kiosk.runtime.clock import LoopClock
from tests.call.test_calls import CASE, ScriptedProcess, settle

pytestmark = pytest.mark.unit

NEED = v.Need(service="personal", language="zh")


class Desk:
    """The line and the call of one terminal, joined as `kiosk.app` joins them; what they say is kept."""

    def __init__(self) -> None:
        self.process = ScriptedProcess()
        self.ops: list[v.CaseOperation] = []
        self.here: list[v.Media] = []
        self.said: list[c.CallUp] = []
        self.revision = 0
        self.line = TellerLine(self, LoopClock(), reachable=lambda: True, here=self._here, changed=lambda: None)
        self.calls = Calls(self.process, self._say, self._news, lambda: None)
        self.joining = Joining(self.line, self.calls)

    async def case_op(self, body: v.CaseOperation) -> None:
        self.ops.append(body)
        if isinstance(body, v.TellerAsked):
            self.stands(CaseState.WAITING)

    def post_case_op(self, body: v.CaseOperation) -> None:
        self.ops.append(body)

    def stands(self, state: CaseState, case: str = CASE) -> None:
        self.revision += 1
        self.joining.hears(
            v.CaseStanding(
                id="1", at=datetime.now(UTC), mono_ns=1, branch="b", case=case, store="s", revision=self.revision,
                state=state, outcome="place",
            )
        )  # fmt: skip

    async def _here(self, case: str, told: v.Media) -> None:
        self.here.append(told)

    async def _say(self, message: c.CallUp) -> None:
        self.said.append(message)

    def _news(self, news: CallNews) -> None:
        self.joining.news(news)

    @property
    def endings(self) -> list[str]:
        return [one.body.reason for one in self.said if isinstance(one.body, c.HungUp)]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    made = Desk()
    running = [asyncio.create_task(made.calls.run()), asyncio.create_task(made.line.run())]
    await made.line.ask(v.TellerAsked(case=CASE, visit="v1", packet=1, need=NEED))
    yield made
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def test_the_call_process_is_made_ready_in_line_and_answers_once_a_teller_accepted(
    desk: Desk,
) -> None:
    desk.stands(CaseState.OFFERED)
    assert desk.process.of(media.Prepare) and not desk.calls.active
    desk.stands(CaseState.CONNECTING)
    assert desk.calls.case == CASE
    desk.stands(CaseState.TALKING)
    assert desk.calls.case == CASE and not desk.endings


async def test_another_terminals_case_opens_nothing(desk: Desk) -> None:
    desk.stands(CaseState.CONNECTING, case="case-0002")
    assert not desk.calls.active


@pytest.mark.parametrize(
    ("state", "reason"),
    [(CaseState.WRAPPING_UP, "done"), (CaseState.ENDED, "done"), (CaseState.WAITING, "transferred")],
)
async def test_a_case_that_is_over_or_passed_on_ends_the_call(desk: Desk, state: CaseState, reason: str) -> None:
    desk.stands(CaseState.TALKING)
    desk.stands(state)
    await settle()
    assert not desk.calls.active and desk.endings == [reason]


async def test_the_hub_hears_at_once_that_pictures_flow_and_that_they_were_lost(desk: Desk) -> None:
    desk.stands(CaseState.CONNECTING)
    before_s = asyncio.get_running_loop().time()
    for standing in ("connecting", "up", "lost"):
        desk.process.says(media.Standing(CASE, 1, standing))
        await settle()
    assert desk.here == ["up", "lost"] and asyncio.get_running_loop().time() - before_s < BEAT_S / 2


async def test_a_call_that_ends_by_itself_is_told_as_lost_and_one_that_never_began_as_none(desk: Desk) -> None:
    desk.stands(CaseState.CONNECTING)
    desk.calls.hang_up("failed")
    assert desk.line.media == "none"
    desk.stands(CaseState.TALKING)
    assert not desk.calls.active  # the hub did not know yet
    desk.stands(CaseState.WAITING)
    desk.stands(CaseState.CONNECTING)
    desk.process.says(media.Standing(CASE, 1, "up"))
    await settle()
    desk.calls.hang_up("lost")
    assert desk.line.media == "lost"


async def test_a_case_from_before_a_killed_core_is_told_as_lost_once_and_one_that_is_over_is_not(desk: Desk) -> None:
    for state in (CaseState.TALKING, CaseState.RECONNECTING):
        desk.stands(state, "case-from-before")
    for state in (CaseState.WRAPPING_UP, CaseState.ENDED):
        desk.stands(state, "case-that-is-over")
    await settle()
    left = [one for one in desk.ops if isinstance(one, v.CaseLeft)]
    assert [(one.case, one.why) for one in left] == [("case-from-before", "lost")]
    assert desk.line.case == CASE and desk.calls.case == ""
