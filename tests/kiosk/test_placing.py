"""Which page a visit is on, what is masked on it, and how a visitor gets to the pages that were made for them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.plan import load_plan
from config.schema import load_site
from contracts import messages as m
from contracts.screen import CORNERS, SPOKEN_GESTURE, CalledView, Caption, ScreenState, Target
from kiosk.dialogue.brain import Brain
from kiosk.dialogue.flows import FlowBook, Place
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.dialogue.reply import Context, Reply
from kiosk.queueing.desk import Ticket
from kiosk.session.placing import MORE, STAY, placed
from kiosk.session.private import REVEAL, SHOWN_S, masked
from kiosk.session.states import State
from kiosk.session.visit import Visit
from tests.kiosk.fake_kiosk import NOON, FakeKiosk

pytestmark = pytest.mark.unit
PHRASES = load_phrases()
PLAN = load_plan("qinghe-binjiang")
Script = Callable[[FakeKiosk], Coroutine[Any, Any, None]]


def state(page: str = "conversation", *targets: Target, **views: Any) -> ScreenState:
    return ScreenState(1, page, "zh", "", "", targets=targets, **views)  # type: ignore[arg-type]


def visit_at(flow: str = "", step: str = "", **slots: str) -> Visit:
    visit = Visit(0, "touch")
    place = Place(flow, step, "x", slots) if flow else None
    visit.place, visit.last = place, Reply(text="", language="zh", place=place)
    return visit


def on_page(shown: ScreenState, visit: Visit, called: CalledView | None = None) -> ScreenState:
    return placed(shown, PHRASES, visit, called=called, plan=PLAN)


def chip(name: str) -> Target:
    return Target(name, name, name, "chip")


@pytest.mark.parametrize(
    ("plain", "hidden"),
    [
        ("卡里有20,000.50元。", "卡里有••,•••.••元。"),
        ("尾号1234", "尾号••••"),
        ("3号窗口", "3号窗口"),
        ("11月21日", "11月21日"),
        ("13800001111", "•••••••••••"),
    ],
)
def test_amounts_and_numbers_are_hidden_digit_by_digit(plain: str, hidden: str) -> None:
    assert masked(plain) == hidden and len(hidden) == len(plain)


def test_a_balance_is_masked_until_the_visitor_asks_and_other_talk_is_not() -> None:
    caption = Caption("receptionist", "卡里有20000元。")
    private, public = visit_at("balance", "told"), visit_at("ticket", "offer")
    private.caption = public.caption = caption
    shown = on_page(state(captions=(caption,)), private)
    assert shown.captions[0].text == "卡里有•••••元。"
    assert REVEAL in {target.id for target in shown.targets}
    assert on_page(state(captions=(caption,)), public).captions == (caption,)
    private.revealed = True
    assert on_page(state(captions=(caption,)), private).captions == (caption,)


def test_who_steps_away_leaves_nothing_readable_and_no_digit_leaves_the_core() -> None:
    visit = visit_at("transfer", "confirm", amount="20000", payee_tail="1234")
    visit.away = True
    shown = on_page(state("confirm", captions=(Caption("receptionist", "转20000元"),)), visit)
    assert shown.veiled and not shown.captions and shown.confirm is None and shown.headline
    assert "20000" not in repr(shown) and "1234" not in repr(shown)


def test_what_was_understood_is_looked_over_masked_first() -> None:
    visit = visit_at("transfer", "confirm", amount="20000", payee_tail="1234", date="2026-11-21")
    shown = on_page(state("confirm"), visit)
    assert shown.confirm is not None
    assert [row.shown for row in shown.confirm.rows] == ["••,••• 元", "••••", "11月21日"]
    visit.revealed = True
    opened = on_page(state("confirm"), visit).confirm
    assert opened is not None and opened.rows[0].shown == "20,000 元" and opened.open


def test_a_long_list_has_a_page_and_every_choice_of_it_can_be_reached() -> None:
    visit, names = visit_at(), [f"service_{i}" for i in range(14)]
    seen: set[str] = set()
    for _ in range(6):
        shown = on_page(state("conversation", *map(chip, names)), visit)
        assert shown.page == "choices" and len(shown.targets) <= 6
        seen |= {target.id for target in shown.targets}
        visit.offset += 1
    assert seen == {*names, MORE}


def test_the_visitors_own_number_has_a_page_and_a_strangers_does_not() -> None:
    visit = visit_at()
    visit.ticket = Ticket(
        number="A001", service="personal", day="2026-11-20",
        issued_at=datetime.fromisoformat("2026-11-20T13:00:00+08:00"), seq=1,
    )  # fmt: skip
    assert on_page(state(), visit, CalledView("A001", "3")).page == "called"
    assert on_page(state(), visit, CalledView("A002", "3")).page == "conversation"


def test_the_way_is_drawn_where_the_plan_knows_the_place_and_said_otherwise() -> None:
    assert PLAN is not None
    for goal, page in (("toilet", "map"), ("moon", "conversation")):
        visit = visit_at()
        visit.last = Reply(text="", language="zh", page="map", goal=goal)
        shown = on_page(state("map"), visit)
        assert shown.page == page
    route = PLAN.route("toilet")
    assert route[0] == PLAN.nodes["here"] and route[-1] == PLAN.nodes["t"]
    assert PLAN.metres(route) == pytest.approx(22.4, abs=0.1)


def test_asking_for_a_place_shows_the_way_to_it() -> None:
    site, intents = load_site(), load_intents()
    knowledge = ApprovedKnowledge.for_site(site, intents)
    brain = Brain(site, FlowBook(load_flows()), PHRASES, knowledge, intents)
    meant = [("wayfinding", 0.97)]
    reply = brain.understood(Context(language="zh", now=NOON), meant, "act", {"place": "toilet"}, NOON)
    assert isinstance(reply, Reply) and (reply.page, reply.goal) == ("map", "toilet")
    asked = brain.understood(Context(language="zh", now=NOON), meant, "act", {}, NOON)
    assert isinstance(asked, Reply) and asked.page == "conversation"


def test_who_reads_instead_of_hearing_sees_the_turns_before() -> None:
    visit = visit_at()
    visit.needs = ("captions",)
    visit.story.lines.extend([("visitor", "a"), ("receptionist", "b"), ("visitor", "c"), ("receptionist", "d")])
    visit.heard, visit.caption = "c", Caption("receptionist", "d")
    shown = on_page(state(captions=visit.captions()), visit)
    assert [caption.text for caption in shown.captions] == ["a", "b", "c", "d"]


# ---------------------------------------------------------------------- the whole session
@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Callable[[Script], FakeKiosk]:
    def run(script: Script) -> FakeKiosk:
        async def whole() -> FakeKiosk:
            async with FakeKiosk(tmp_path) as kiosk:
                await script(kiosk)
            return kiosk

        return virtual.run_until_complete(whole())  # type: ignore[no-any-return]

    return run


def offered(kiosk: FakeKiosk) -> set[str]:
    return {target.id for target in kiosk.screen.targets}


def test_large_letters_are_one_touch_away_and_every_other_way_two(play: Callable[[Script], FakeKiosk]) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.touch("text_size")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.mode == "elder"
        await kiosk.touch("text_size")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.page == "ways" and len(offered(kiosk) - {"microphone"}) == 8  # three, more, and the dock
        await kiosk.touch("way_contrast")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.needs == ("contrast",) and kiosk.screen.page == "conversation"
        await kiosk.say("我耳朵不好，听不见", decision="unsure", words="我耳朵不好，听不见")  # by a word, on any page
        await kiosk.until(State.LISTENING)
        assert set(kiosk.screen.needs) == {"contrast", "captions"}
        await kiosk.touch("text_size")
        await kiosk.until(State.LISTENING)
        await kiosk.touch("way_usual")
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.mode == "standard" and kiosk.screen.needs == () and kiosk.screen.text_percent == 100

    play(script)


def test_who_cannot_see_begins_with_a_corner_and_a_second_touch_chooses(play: Callable[[Script], FakeKiosk]) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.touch(SPOKEN_GESTURE)
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.needs == ("spoken",)
        first = next(target for target in kiosk.screen.targets if target.id.startswith("wish_"))
        await kiosk.touch(first.id)
        await kiosk.until(State.LISTENING)
        assert kiosk.said()[-1] == first.spoken_label and kiosk.session.visit.turns == 0
        await kiosk.touch(first.id)
        await kiosk.until(State.LISTENING)
        assert kiosk.session.visit.turns == 1
        await kiosk.touch("corner_repeat")
        await kiosk.until(State.LISTENING)
        await kiosk.touch("corner_human")
        await kiosk.until(State.LISTENING)

    kiosk = play(script)
    assert kiosk.said()[0].startswith("好的，我都念给您听")
    assert "可以选" in kiosk.said()[2]
    assert set(CORNERS) == {"corner_repeat", "corner_back", "corner_louder", "corner_human"}


def test_silence_is_counted_down_in_print_and_a_touch_on_i_am_here_keeps_the_visit(
    play: Callable[[Script], FakeKiosk],
) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        for _ in range(2):
            await kiosk.until(State.SPEAKING)
            await kiosk.until(State.LISTENING)
        assert STAY in offered(kiosk)
        before = kiosk.screen.ends_in_s
        await asyncio.sleep(2.5)
        assert 0 < kiosk.screen.ends_in_s < before
        await kiosk.touch(STAY)
        assert kiosk.screen.ends_in_s == 0 and kiosk.session.state is State.LISTENING
        await asyncio.sleep(kiosk.site.talking.forget_after_s)
        assert kiosk.session.visit is not None

    play(script)


def test_what_was_shown_on_a_touch_is_gone_after_seconds(play: Callable[[Script], FakeKiosk]) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        visit = kiosk.session.visit
        assert visit is not None
        visit.place = Place("balance", "told", "account_balance")
        visit.caption = Caption("receptionist", "卡里有20000元。")
        kiosk.session.show()
        assert "20000" not in repr(kiosk.screen)
        await kiosk.touch(REVEAL)
        assert "20000" in repr(kiosk.screen)
        await asyncio.sleep(SHOWN_S + 0.1)
        assert "20000" not in repr(kiosk.screen)
        await kiosk.touch(REVEAL)
        kiosk.session.glimpsed(near=False)
        assert "20000" not in repr(kiosk.screen) and kiosk.screen.veiled
        kiosk.session.glimpsed(near=True)
        assert not kiosk.screen.veiled and "20000" not in repr(kiosk.screen)

    play(script)


def test_a_number_that_is_asked_after_and_one_that_is_called_have_their_pages(
    play: Callable[[Script], FakeKiosk],
) -> None:
    async def script(kiosk: FakeKiosk) -> None:
        await kiosk.arrive()
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await kiosk.until(State.LISTENING)
        await kiosk.say("好的", ("affirm", 0.9))
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.page == "ticket" and kiosk.screen.ticket is not None
        kiosk.queue = m.TicketsState(
            id="1", at=NOON, mono_ns=0, branch="binjiang", store="s", revision=1, day="2026-11-20",
            services=(m.ServiceQueue(service="personal", waiting=2),), tickets=(), open_tickets=2, issued={},
        )  # fmt: skip
        await kiosk.say("要等多久", ("wait_time", 0.95))
        await kiosk.until(State.LISTENING)
        assert kiosk.screen.page == "waiting" and kiosk.screen.ticket is not None
        assert kiosk.screen.ticket.ahead == 2  # as it is now, not as it was printed

    play(script)
