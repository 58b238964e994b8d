"""Asking for a remote teller under virtual time: the place, other ways, being put through; both languages."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import topics
from contracts import video_messages as v
from contracts.video import CaseState, Choice
from kiosk.banking.ports import Identified
from kiosk.events import DeviceChanged
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import NOON, FakeKiosk

pytestmark = pytest.mark.unit

Play = Callable[[Callable[[FakeKiosk], Awaitable[None]]], FakeKiosk]
INSTEAD: tuple[Choice, ...] = ("ticket", "call_back", "message", "self_service")
ASK = ("call_remote_teller", 0.95)


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Callable[[FakeKiosk], Awaitable[None]]) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            async with FakeKiosk(tmp_path).with_tellers() as kiosk:
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())

    return run


_revisions = itertools.count(1)


def operations(kiosk: FakeKiosk) -> list[Any]:
    """What of cases lies in the outbox, in order."""
    owed = kiosk.ledger.outbox.pending(limit=1000)
    return [row.topic.decode(row.payload).body for row in owed if row.topic is topics.CASE_OP]


def says(
    kiosk: FakeKiosk,
    state: CaseState = CaseState.WAITING,
    *,
    ahead: int | None = None,
    minutes: tuple[int, int] | None = None,
    **more: Any,
) -> None:
    """The hub says where the case stands that this terminal asked for last."""
    kiosk.line.hears(
        v.CaseStanding(
            id="1", at=datetime.now(UTC), mono_ns=1, branch="binjiang", case=kiosk.line.case, store="s",
            revision=next(_revisions), state=state, ahead=ahead, wait_min=minutes, **{"outcome": "place", **more},
        )
    )  # fmt: skip


async def ask(kiosk: FakeKiosk, *, language: Any = "zh", **told: Any) -> None:
    """Ask by voice; the hub answers as told."""
    await kiosk.arrive()
    words = "我要视频柜员" if language == "zh" else "a teller on video please"
    await kiosk.say(words, ASK, language=language)
    for _ in range(100):
        if kiosk.line.case:
            break
        await asyncio.sleep(0.02)
    says(kiosk, **told)
    await kiosk.until(State.LISTENING)


def test_the_place_is_said_and_the_packet_went_ahead(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=2, minutes=(5, 12), choices=("wait",))

    kiosk = play(script)
    assert kiosk.said()[-1].startswith("前面有2位。大约等5分钟，很少超过12分钟。轮到时我叫您。")
    (asked,) = operations(kiosk)
    assert isinstance(asked, v.TellerAsked) and asked.need.language == "zh" and asked.need.service == "personal"
    owed = {row.seq: row for row in kiosk.ledger.outbox.pending(limit=1000)}
    assert asked.packet is not None and owed[asked.packet].topic is topics.HANDOVER


def test_english_is_told_in_english_and_a_long_wait_names_other_ways(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, language="en", ahead=4, minutes=(20, 35), choices=("wait", *INSTEAD))
        await kiosk.touch("other")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    first, second = kiosk.said()[-2:]
    assert first.startswith("4 ahead of you. About 20 minutes, seldom over 35. There are other ways")
    assert second.startswith("A ticket for the counter, a time to come back")
    chips = {target.id for target in kiosk.screen.targets}
    assert {"wait", "ticket", "call_back", "message", "self", "call"} <= chips
    assert operations(kiosk)[0].need.language == "en"


def test_news_of_the_place_are_told_now_and_then_and_a_teller_who_comes_at_once(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=3, minutes=(9, 20), choices=("wait",))
        before = len(kiosk.said())
        says(kiosk, ahead=2, minutes=(6, 15), choices=("wait",))
        await asyncio.sleep(0.2)
        assert len(kiosk.said()) == before  # too soon after the last word about it
        await asyncio.sleep(25)
        says(kiosk, ahead=0, minutes=(2, 6), choices=("wait",))
        await asyncio.sleep(0.2)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("您是下一位。大约等2分钟")
        says(kiosk, CaseState.OFFERED)
        says(kiosk, CaseState.CONNECTING)
        await asyncio.sleep(0.2)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("轮到您了")
        says(kiosk, CaseState.TALKING)
        await asyncio.sleep(0.2)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1] == "柜员来了。"
        says(kiosk, CaseState.RECONNECTING)
        await asyncio.sleep(0.2)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("画面断了")
        says(kiosk, CaseState.WRAPPED_UP)
        await asyncio.sleep(0.2)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("和柜员的通话结束了")
        assert kiosk.session.visit is not None and not kiosk.session.visit.case

    kiosk = play(script)
    assert len(set(kiosk.heartbeats)) == 1 and len(kiosk.heartbeats) >= 4


def test_who_waits_is_not_asked_whether_they_are_there_and_who_leaves_frees_the_place(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=1, minutes=(5, 12), choices=("wait",))
        before = len(kiosk.said())
        await asyncio.sleep(60)  # twice asked, and then goodbye, were nobody waited for
        assert len(kiosk.said()) == before and kiosk.session.state is State.LISTENING
        kiosk.leave()
        await kiosk.until(State.IDLE)

    kiosk = play(script)
    asked, left = operations(kiosk)
    assert isinstance(left, v.CaseLeft) and (left.case, left.why) == (asked.case, "left")
    assert not kiosk.line.case and not kiosk.session.remembers


def test_a_teller_who_comes_interrupts_another_wish_which_is_offered_again(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=1, minutes=(5, 12), choices=("wait",))
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await kiosk.until(State.LISTENING)
        says(kiosk, ahead=0, minutes=(1, 2), choices=("wait",))
        await asyncio.sleep(0.3)
        assert "取个号" in kiosk.said()[-1]  # a better place can wait
        says(kiosk, CaseState.CONNECTING)
        await asyncio.sleep(0.3)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("轮到您了")
        visit = kiosk.session.visit
        assert visit is not None and visit.place is not None
        assert [later.wish for later in visit.place.later] == ["withdraw_cash"]

    play(script)


@pytest.mark.parametrize(
    ("outcome", "zh", "en"),
    [
        ("nobody", "现在没有能办这件事的视频柜员", "No teller who can do this is there now"),
        ("closed", "视频柜员下班了", "The tellers have gone home"),
        ("full", "现在等视频柜员的人太多了", "Too many are waiting"),
    ],
)
def test_nobody_free_is_said_with_what_may_be_done_instead(play: Play, outcome: Any, zh: str, en: str) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        state = CaseState.ENDED if outcome == "full" else CaseState.WAITING
        await ask(kiosk, state=state, outcome=outcome, choices=INSTEAD)
        assert kiosk.said()[-1].startswith(zh)
        await kiosk.touch("language")
        await kiosk.until(State.LISTENING)
        caption = kiosk.screen.captions[-1]
        await kiosk.touch("ticket")
        await kiosk.until(State.LISTENING)
        assert caption.text

    kiosk = play(script)
    assert any(en in (state.captions[-1].translation or "") for state in kiosk.shown if state.captions)
    left = [one for one in operations(kiosk) if isinstance(one, v.CaseLeft)]
    assert [one.why for one in left] == ([] if outcome == "full" else ["ticket"])
    assert kiosk.session.visit is None or "service_personal" in {target.id for target in kiosk.screen.targets}


def test_a_time_of_the_hubs_is_agreed_with_a_code_that_is_on_disk_before_it_is_said(play: Play) -> None:
    times = tuple(NOON.astimezone(UTC) + timedelta(hours=hours) for hours in (1, 2, 3))

    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, outcome="nobody", choices=("wait", *INSTEAD), call_back_at=times)
        await kiosk.touch("call_back")
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1] == "11月20日14:00，可以吗？"
        await kiosk.say("晚一点吧", ("deny", 0.9))
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1] == "11月20日15:00，可以吗？"
        await kiosk.say("好的", ("affirm", 0.95))
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    asked, later = operations(kiosk)
    assert isinstance(later, v.CallBackAsked)
    assert (later.case, later.at) == (asked.case, times[1])
    assert later.code[0] == str(kiosk.site.device.kiosk_digit)
    assert " ".join(later.code) in kiosk.said()[-1]
    assert not kiosk.line.case


def test_without_a_hub_a_call_back_lies_on_this_disk_until_the_hub_can_be_reached(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        kiosk.hub = False
        await kiosk.arrive()
        await kiosk.say("我要视频柜员", ASK)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("这会儿连不上视频柜员")
        await kiosk.touch("call_back")
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1] == "11月20日13:30，可以吗？"  # a quarter of an hour within the opening hours
        await kiosk.say("可以", ("affirm", 0.95))
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    (later,) = operations(kiosk)
    assert isinstance(later, v.CallBackAsked) and later.case is None
    assert later.at == datetime.fromisoformat("2026-11-20T13:30:00+08:00")
    assert later.packet is not None


def test_a_hub_that_does_not_answer_counts_as_away_and_keeps_nobody_in_line(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("我要视频柜员", ASK)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1].startswith("这会儿连不上视频柜员")

    kiosk = play(script)
    asked, left = operations(kiosk)
    assert isinstance(left, v.CaseLeft) and (left.case, left.why) == (asked.case, "lost")


def test_a_message_is_kept_with_long_figures_masked(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, outcome="nobody", choices=("wait", *INSTEAD))
        await kiosk.touch("message")
        await kiosk.until(State.LISTENING)
        said = "我的卡6222021001122334额度批了吗"
        await kiosk.say(said, ("credit_card_limit", 0.4), decision="unsure", words=said)
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    said = operations(kiosk)[-1]
    assert isinstance(said, v.MessageLeft) and said.case == operations(kiosk)[0].case
    assert "2334" in said.text and "6222" not in said.text and "额度批了吗" in said.text
    assert kiosk.said()[-1].startswith("记下了")


def test_a_code_is_typed_and_goes_with_the_new_wish(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=3, minutes=(9, 20), choices=("wait",))
        await kiosk.touch("code")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.page == "keypad"
        for digit in "012345":
            await kiosk.touch(f"key_{digit}")
        await kiosk.touch("key_ok")
        await asyncio.sleep(0.3)
        says(kiosk, ahead=0, minutes=(1, 3), choices=("wait",))
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    first, left, second = operations(kiosk)
    assert isinstance(left, v.CaseLeft) and left.case == first.case
    assert isinstance(second, v.TellerAsked) and second.code == "012345"


def test_wishes_for_a_teller_are_offered_one_and_somebody_here_comes_where_there_are_none(
    play: Play, virtual: Any, tmp_path: Path
) -> None:
    async def offered(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("我的账户被冻结了", ("account_frozen", 0.95))
        await kiosk.until(State.LISTENING)
        assert {"teller", "call", "later"} <= {target.id for target in kiosk.screen.targets}

    play(offered)

    async def none() -> FakeKiosk:
        async with FakeKiosk(tmp_path / "other") as kiosk:
            await kiosk.arrive()
            await kiosk.say("我要视频柜员", ASK)
            await kiosk.until(State.LISTENING)
        return kiosk

    kiosk = virtual.run_until_complete(none())
    assert kiosk.said()[-1].startswith("我已经喊同事了") and not operations(kiosk)


def test_a_checked_customers_alias_goes_with_the_wish_and_nothing_else_of_them(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        assert kiosk.session.visit is not None
        kiosk.session.visit.bank = Identified("card", "card_and_pin", "s" * 32, "2334", 10**18, alias="a" * 32)
        await kiosk.say("我要视频柜员", ASK)
        await asyncio.sleep(1)
        says(kiosk, ahead=0, minutes=(1, 3), choices=("wait",))
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    (asked,) = operations(kiosk)
    assert asked.alias == "a" * 32
    owed = kiosk.ledger.outbox.pending(limit=1000)
    assert not any(b"s" * 32 in row.payload or b"2334" in row.payload for row in owed)


def test_without_a_camera_who_talks_to_a_teller_is_not_taken_for_gone(play: Play) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await ask(kiosk, ahead=0, minutes=(1, 2), choices=("wait",))
        kiosk.session.tell(DeviceChanged("camera", False, "pulled"))
        kiosk.session.in_call = lambda: True
        says(kiosk, CaseState.TALKING)
        await asyncio.sleep(20)  # that the teller is there is said
        said = len(kiosk.said())
        await asyncio.sleep(600)
        assert kiosk.session.visit is not None and len(kiosk.said()) == said
        kiosk.session.in_call = lambda: False
        says(kiosk, CaseState.WRAPPING_UP)
        await asyncio.sleep(600)
        assert kiosk.session.visit is None  # after the talk as ever

    play(script)
