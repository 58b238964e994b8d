"""Called numbers at the terminal: one after the other, in both languages, and never over a conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from config.schema import Calling
from contracts import messages as m
from contracts.announcements import announcement
from contracts.screen import CalledView
from kiosk.audio.playback import Playback
from kiosk.dialogue.meaning import Words
from kiosk.dialogue.own_words import own_words
from kiosk.events import BargeInConfirmed, PersonArrived, SpeechStarted, UtteranceEnded
from kiosk.session.announcer import WAITING_LIMIT, Announcer, AnnouncerPorts
from kiosk.session.states import State
from tests.kiosk.fake_kiosk import NOON, FakeKiosk

pytestmark = pytest.mark.unit

Script = Callable[["Hall"], Awaitable[None]]
Play = Callable[..., "Hall"]


class Hall:
    """The fake kiosk with an announcer, and an account of who spoke when."""

    def __init__(self, kiosk: FakeKiosk, told: Calling) -> None:
        self.kiosk = kiosk
        turns = kiosk.session.turns
        assert turns is not None
        self.turns = turns
        self.spoken: list[tuple[str, float, float]] = []  # utterance, from, to; seconds
        self.texts: list[str] = []
        assert turns.playback is not None
        self._wrap(turns.playback)
        self.calls = Announcer(
            told,
            AnnouncerPorts(
                voice=lambda: turns.voice, playback=lambda: turns.playback, floor=turns.floor,
                conversing=lambda: kiosk.session.visit is not None, hub_now=self.now, changed=kiosk.session.show,
                note=kiosk.trace.note,
            ),
            kiosk.clock,
        )  # fmt: skip
        kiosk.session.calls = self.calls
        self._order = 0

    def _wrap(self, playback: Playback) -> None:
        play = playback.play

        async def noting(name: str, chunks: Any, progressed: Any, **given: Any) -> Any:
            began_s = self.kiosk.clock.now_ns() / 1e9

            async def told() -> Any:
                async for chunk in chunks:
                    self.texts.append(chunk.text)
                    yield chunk

            try:
                return await play(name, told(), progressed, **given)
            finally:
                self.spoken.append((name, began_s, self.kiosk.clock.now_ns() / 1e9))

        playback.play = noting  # type: ignore[method-assign]

    def now(self) -> datetime:
        return NOON + timedelta(microseconds=self.kiosk.clock.now_ns() // 1000)

    def called(self, number: str, counter: str = "3", *, in_s: float = 0.0, **given: Any) -> m.NumberCalled:
        self._order += 1
        return m.NumberCalled(
            id=str(self._order), at=self.now(), mono_ns=0, branch="binjiang", order=self._order, day="2026-11-20",
            number=number, counter=counter, again=given.get("again", False),
            show_at=self.now() + timedelta(seconds=in_s), show_ms=8000,
        )  # fmt: skip

    def shown(self) -> list[str]:
        """Numbers as the page showed them, one after the other."""
        found: list[str] = []
        for state in self.kiosk.shown:
            number = state.called.number if state.called and state.page == "attract" else ""
            if number != (found[-1] if found else ""):
                found.append(number)
        return [number for number in found if number]

    async def until(self, holds: Callable[[], bool], within_s: float = 120) -> None:
        for _ in range(int(within_s / 0.05)):
            if holds():
                return
            await asyncio.sleep(0.05)
        raise AssertionError(f"not within {within_s} s; {dict(self.calls.tally)}")


@pytest.fixture
def play(virtual: Any, tmp_path: Path) -> Play:
    def run(script: Script, **told: Any) -> Hall:
        async def whole() -> Hall:
            async with FakeKiosk(tmp_path) as kiosk:
                hall = Hall(kiosk, Calling(**{"announces": True, **told}))
                running = asyncio.create_task(hall.calls.run())
                try:
                    await script(hall)
                finally:
                    running.cancel()
                    with suppress(asyncio.CancelledError):
                        await running
            return hall

        return virtual.run_until_complete(whole())

    return run


def overlap(spoken: list[tuple[str, float, float]]) -> bool:
    ordered = sorted(spoken, key=lambda row: row[1])
    return any(b[1] < a[2] - 0.001 for a, b in pairwise(ordered))


def test_numbers_are_shown_and_said_one_after_the_other_in_both_languages_and_none_twice(play: Play) -> None:
    async def script(hall: Hall) -> None:
        first, second = hall.called("A037"), hall.called("B002", "5", in_s=8)
        for called in (first, second, first, second):  # QoS 1 repeats
            hall.calls.heard(called)
        await hall.until(lambda: hall.calls.tally["said"] == 2 and hall.calls.now is None)

    hall = play(script)
    assert hall.shown() == ["A037", "B002"]
    for number, counter in (("A037", "3"), ("B002", "5")):
        for text in announcement(number, counter):
            assert text.replace(" ", "") in "".join(hall.texts).replace(" ", "")
    assert len(hall.spoken) == 2 and not overlap(hall.spoken)
    assert hall.calls.tally["copies"] == 2


def test_each_is_shown_for_its_time_at_least_and_stands_as_the_last_one_then(play: Play) -> None:
    times: list[float] = []

    async def script(hall: Hall) -> None:
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.calls.now is not None)
        times.append(hall.kiosk.clock.now_ns() / 1e9)
        await hall.until(lambda: hall.calls.now is None)
        times.append(hall.kiosk.clock.now_ns() / 1e9)
        assert hall.kiosk.screen.called is None
        last = hall.calls.last
        assert last is not None and last.number == "A037"
        await asyncio.sleep(200)
        assert hall.calls.last is None

    play(script, announces=False)
    assert 7.9 <= times[1] - times[0] <= 8.2


def test_a_late_one_is_shown_and_not_said(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.calls.heard(hall.called("A037", in_s=-31))
        hall.calls.heard(hall.called("A038", in_s=-29))
        await hall.until(lambda: hall.calls.tally["shown"] == 2 and hall.calls.now is None)

    hall = play(script, late_s=35)
    assert hall.shown() == ["A037", "A038"]
    # the first one kept its time on the page, so that the second was too old when it came to it
    assert hall.calls.tally["said"] == 1 and hall.calls.tally["late"] == 1


def test_it_waits_for_the_end_of_a_conversation(play: Play) -> None:
    async def script(hall: Hall) -> None:
        await hall.kiosk.arrive()
        hall.calls.heard(hall.called("A037"))
        await asyncio.sleep(10)
        assert hall.calls.tally["said"] == 0 and hall.calls.tally["waited"] == 1
        hall.kiosk.leave()
        await hall.until(lambda: hall.calls.tally["said"] == 1)

    hall = play(script)
    assert not overlap(hall.spoken)
    assert hall.shown() == ["A037"]


def test_a_conversation_that_goes_on_lets_it_be_shown_only(play: Play) -> None:
    async def script(hall: Hall) -> None:
        await hall.kiosk.arrive()
        hall.calls.heard(hall.called("A037"))
        await asyncio.sleep(12)
        await hall.kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await hall.until(lambda: hall.calls.tally["conversation"] == 1)
        hall.kiosk.leave()
        await hall.kiosk.until(State.IDLE)
        await asyncio.sleep(30)

    hall = play(script, waits_s=20, late_s=60)
    assert hall.calls.tally["said"] == 0


def test_who_walks_up_meanwhile_sees_the_greeting_at_once_and_hears_it_after(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.turns.playback is not None and hall.turns.playback.speaking)
        hall.kiosk.session.tell(PersonArrived(hall.kiosk.clock.now_ns()))
        await asyncio.sleep(0.1)
        assert hall.kiosk.screen.page == "conversation" and hall.kiosk.screen.captions
        await hall.kiosk.until(State.LISTENING)

    hall = play(script)
    assert [name[:1] for name, _, _ in hall.spoken] == ["c", "u"] and not overlap(hall.spoken)
    assert hall.calls.tally["said"] == 1


def test_a_visitor_who_speaks_over_it_does_not_stop_it_and_is_answered_after_it(play: Play) -> None:
    async def script(hall: Hall) -> None:
        kiosk = hall.kiosk
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.turns.playback is not None and hall.turns.playback.speaking)
        kiosk.session.tell(PersonArrived(kiosk.clock.now_ns()))
        began_ns = kiosk.clock.now_ns()
        kiosk.session.tell(SpeechStarted(began_ns))
        kiosk.session.tell(BargeInConfirmed(began_ns, began_ns))
        await asyncio.sleep(0.1)
        assert hall.turns.playback is not None and hall.turns.playback.speaking
        await kiosk.say("我想取钱", ("withdraw_cash", 0.95))
        await kiosk.until(State.LISTENING)
        assert kiosk.session.visit is not None and kiosk.session.visit.place is not None
        assert kiosk.session.visit.place.flow == "ticket"

    hall = play(script)
    assert hall.calls.tally["said"] == 1 and not overlap(hall.spoken)


class OwnWordsOnly:
    """Tells her own words by the real judge of words."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    async def reason_against(self, visit: Any, heard: UtteranceEnded, words: Words) -> str | None:
        playback = self._hall.turns.playback
        assert playback is not None
        return "own_words" if own_words(words.text, playback.spoken(), heard.start_ns, heard.end_ns) > 0.6 else None

    def accept_companion(self) -> bool:
        return False


@pytest.mark.parametrize(("text", "begins"), [("请A零三七号到三号窗口", False), ("我想取钱", True)])
def test_her_own_announcement_heard_in_the_hall_begins_no_visit_a_visitor_s_wish_does(
    play: Play, text: str, begins: bool
) -> None:
    async def script(hall: Hall) -> None:
        hall.turns._weighing = OwnWordsOnly(hall)
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.turns.playback is not None and hall.turns.playback.speaking)
        await hall.kiosk.say(text, ("withdraw_cash", 0.95), seconds=2.5)
        await asyncio.sleep(1)
        assert (hall.kiosk.session.visit is not None) == begins
        await hall.until(lambda: hall.calls.tally["said"] == 1)

    hall = play(script)
    assert ("VisitStarted" in hall.kiosk.moments()) == begins
    assert hall.kiosk.session._beside.tally["not_for_us"] == (not begins)


def test_where_only_the_loudspeaker_is_wanted_the_page_stays_as_it_is(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.calls.tally["said"] == 1)
        await asyncio.sleep(10)

    hall = play(script, shows=False)
    assert hall.shown() == [] and hall.calls.last is None


def test_a_flood_is_bounded_and_counted(play: Play) -> None:
    async def script(hall: Hall) -> None:
        for running in range(1, WAITING_LIMIT + 20):
            hall.calls.heard(hall.called(f"A{running:03d}"))
        await asyncio.sleep(1)

    assert play(script).calls.tally["dropped"] == 19


def test_a_voice_that_breaks_silences_one_announcement_and_not_the_next(play: Play) -> None:
    async def script(hall: Hall) -> None:
        voice = hall.turns.voice
        speak = voice.speak  # type: ignore[union-attr]

        def breaks(text: str, language: str, **given: Any) -> Any:
            if "eight" in text:
                raise RuntimeError("no such sound")
            return speak(text, language, **given)

        voice.speak = breaks  # type: ignore[union-attr, method-assign, assignment]
        hall.calls.heard(hall.called("A038"))
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.calls.tally["said"] == 1)

    hall = play(script)
    assert hall.calls.tally["failed"] == 1 and not hall.turns.floor.locked()
    assert hall.shown() == ["A038", "A037"]


def test_without_a_loudspeaker_it_is_shown(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.turns.playback = None
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.calls.tally["no_voice"] == 1 and hall.calls.now is None)

    assert play(script).shown() == ["A037"]


def test_a_time_that_another_clock_has_set_keeps_nobody_waiting_for_a_day(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.calls.heard(hall.called("A037", in_s=86_400))
        await hall.until(lambda: hall.calls.tally["shown"] == 1, within_s=130)

    assert play(script).calls.tally["far_ahead"] == 1


def test_what_staff_call_at_the_terminal_is_announced_there(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.calls.called_here("A037", "2", True)
        await hall.until(lambda: hall.calls.tally["said"] == 1)

    hall = play(script)
    assert announcement("A037", "2", again=True)[1].split(",")[0] in "".join(hall.texts)


def test_the_page_that_invites_shows_the_number_and_names_it_afterwards(play: Play) -> None:
    async def script(hall: Hall) -> None:
        hall.kiosk.queue = m.TicketsState(
            id="1", at=NOON, mono_ns=0, branch="binjiang", store="s", revision=1, day="2026-11-20",
            services=(m.ServiceQueue(service="personal", waiting=2),), tickets=(), open_tickets=2, issued={},
        )  # fmt: skip
        hall.calls.heard(hall.called("A037"))
        await hall.until(lambda: hall.calls.now is not None)
        assert hall.kiosk.screen.page == "attract" and hall.kiosk.screen.called == CalledView("A037", "3")
        await hall.until(lambda: hall.calls.now is None)
        assert "A037" in hall.kiosk.screen.note and "3" in hall.kiosk.screen.note

    play(script)


def test_a_service_that_becomes_slower_is_said_once_until_it_has_caught_up(play: Play) -> None:
    names = {"personal": ("个人业务", "Personal banking")}

    def queue(delayed: bool) -> m.TicketsState:
        line = m.ServiceQueue(service="personal", waiting=9, foreseen=True, wait_min=(25, 40), delayed=delayed)
        return m.TicketsState(
            id="q", at=NOON, mono_ns=0, branch="binjiang", store="s", revision=1, day="2026-11-20", services=(line,),
            tickets=(), open_tickets=0, issued={},
        )  # fmt: skip

    async def script(hall: Hall) -> None:
        hall.calls.queue_moved(queue(True), names)
        hall.calls.queue_moved(queue(True), names)
        await hall.until(lambda: hall.calls.tally["said"] == 1)
        hall.calls.queue_moved(queue(False), names)
        hall.calls.queue_moved(queue(True), names)
        await hall.until(lambda: hall.calls.tally["said"] == 2)

    hall = play(script)
    assert hall.calls.tally["delays"] == 2
    assert any("25" in text and "个人业务" in text for text in hall.texts)
    assert hall.shown() == []  # it has no number
