"""Words are recognised while the visitor may still go on; the turn finds them there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from kiosk.audio.pauses import Standing
from kiosk.dialogue.meaning import Meaning, RecognitionError, Words
from kiosk.events import Pcm, SpeechSoFar, UtteranceEnded
from kiosk.session.ahead import NOD_MOST_NS, Ahead, AheadPorts, Foreseen
from kiosk.session.visit import Visit

pytestmark = pytest.mark.unit

MS = 1_000_000
NOTHING = np.zeros(0, np.int16)
Run = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


class Around:
    """The recogniser, the understanding and everybody who is told; recognition takes `seconds`."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.seconds = seconds
        self.recognised: list[int] = []
        self.glanced = 0
        self.stood: list[tuple[int, Standing, int]] = []
        self.captions: list[str] = []
        self.foreseen: list[str] = []
        self.prepared = 0
        self.fails = self.held = False
        self.let_go: list[tuple[int, str, bool]] = []
        self.nodded = ""  # words of a nod
        self.believed = True  # at the first look
        self.again_helps = True  # where it is not
        ports = AheadPorts(
            stands=lambda voice_ns, how, said: self.stood.append((voice_ns, how, said)),
            captioned=lambda visit, words: self.captions.append(words.text),
            answers=lambda visit, meaning: False,
            foresee=self.foresee,
            prepare=self.prepare,
            held=lambda: self.held,
            let_go=self.lets_go,
        )
        self.ahead = Ahead(ports, self, self, self)
        self.visit = Visit(0, "camera")
        self.sure, self.open = 0.75, 0.15

    def lets_go(self, so_far: SpeechSoFar, known: Foreseen, *, hasty: bool) -> bool:
        self.let_go.append((so_far.voice_ns, known.words.text, hasty))
        return known.words.text == self.nodded

    def finished(self, text: str, language: str) -> float:
        return 0.9 if text.endswith("钱") else 0.1

    async def works(self, wanted: Any) -> None:
        """As long as it takes, or until nobody wants it."""
        for _ in range(10):
            await asyncio.sleep(self.seconds / 10)
            if not wanted():
                raise RecognitionError("unwanted")

    async def recognise(self, pcm: Pcm, *, hasty: bool = False, again: bool = False, wanted: Any = None) -> Words:
        await self.works(wanted)
        if hasty and not self.believed:
            return Words("我想", "zh", clear=False, spared=self.again_helps)
        assert not (again and self.believed)
        if self.fails:
            raise RecognitionError("failed")
        self.recognised.append(len(pcm))
        return Words("我想取钱" if len(pcm) >= 200 else "我想取", "zh")

    async def glance(self, pcm: Pcm, *, wanted: Any = None) -> Words:
        await self.works(wanted)
        self.glanced += 1
        return Words("我想", "zh")

    def expect(self, words: Any) -> None:
        raise AssertionError("looking ahead asks nothing")

    async def understand(self, words: Words) -> Meaning:
        return Meaning([("withdraw_cash", 0.9)], "act")

    async def foresee(self, visit: Visit, words: Words, meaning: Meaning) -> None:
        await asyncio.sleep(1.0)
        self.foreseen.append(words.text)

    async def prepare(self, pcm: Pcm) -> None:
        self.prepared += 1

    def look(self, samples: int, voice_ms: int, *, paused: bool = True, kept: Pcm = NOTHING) -> None:
        pcm = np.ones(samples, np.int16)
        so_far = SpeechSoFar(pcm=pcm, start_ns=0, voice_ns=voice_ms * MS, at_ns=voice_ms * MS, paused=paused)
        self.ahead.look(self.visit, so_far, kept)

    def utterance(self, samples: int, voice_ms: int, kept: int = 0) -> UtteranceEnded:
        pcm = np.ones(samples + kept, np.int16)
        return UtteranceEnded(pcm=pcm, start_ns=0, end_ns=voice_ms * MS, decided_ns=0, kept=kept)


@pytest.fixture
def run(virtual: Any) -> Run:
    return lambda script: virtual.run_until_complete(script())


def test_what_was_recognised_at_the_pause_is_there_when_the_end_is_decided(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(200, 1500)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert around.prepared == 1 and not around.recognised  # whose voice it is: known when the words are
        await asyncio.sleep(0.3)
        before = asyncio.get_running_loop().time()
        known = await around.ahead.take(around.utterance(200, 1500))
        assert known is not None and known.words.text == "我想取钱"
        assert asyncio.get_running_loop().time() == before
        assert around.recognised == [200] and around.stood == [(1500 * MS, "brief", 4)]
        assert around.captions == ["我想取钱"] and around.prepared == 1
        await asyncio.sleep(1.1)
        assert around.foreseen == ["我想取钱"]
        around.ahead.forget()

    run(script)


def test_a_look_in_progress_is_waited_for_and_not_for_what_follows_it(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(200, 1500)
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        assert await around.ahead.take(around.utterance(200, 1500)) is not None
        assert asyncio.get_running_loop().time() - began == pytest.approx(0.15, abs=0.01)
        around.ahead.forget()

    run(script)


def test_words_that_were_gone_on_from_are_not_taken_for_the_whole(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(100, 800)
        await asyncio.sleep(0.3)
        assert await around.ahead.take(around.utterance(300, 2000)) is None
        assert await around.ahead.take(around.utterance(100, 800, kept=50)) is None
        assert around.stood[0][1] == "unfinished" and around.foreseen == []
        assert around.ahead.tally["not foreseen"] == 2
        around.ahead.forget()

    run(script)


def test_a_caption_is_given_up_for_a_pause_and_captions_are_skipped_while_it_is_busy(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(50, 400, paused=False)
        around.look(60, 500, paused=False)
        around.look(100, 800)
        around.look(200, 1500)
        assert (await around.ahead.take(around.utterance(200, 1500))) is not None
        assert around.glanced == 0 and around.recognised == [200]
        tally = around.ahead.tally
        assert (tally["captions skipped"], tally["pauses skipped"], tally["given up"], tally["failed"]) == (1, 1, 1, 0)
        around.ahead.forget()

    run(script)


def test_a_pause_that_was_gone_on_from_is_given_up_for_the_next_unless_the_turn_waits_for_it(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(100, 800)
        await asyncio.sleep(0.05)
        around.look(200, 1500)
        began = asyncio.get_running_loop().time()
        assert (await around.ahead.take(around.utterance(200, 1500))) is not None
        assert asyncio.get_running_loop().time() - began < 0.25  # and 0.35 if it was waited for
        assert around.recognised == [200] and around.ahead.tally["given up"] == 1
        around.look(300, 2500)
        taken = asyncio.create_task(around.ahead.take(around.utterance(300, 2500)))
        await asyncio.sleep(0.05)
        around.look(200, 3500)  # somebody speaks again while the turn wants to know what was said before
        assert (await taken) is not None and around.recognised == [200, 300]
        around.ahead.forget()

    run(script)


def test_a_recogniser_that_fails_ahead_leaves_it_to_the_turn(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.fails = True
        around.look(200, 1500)
        assert await around.ahead.take(around.utterance(200, 1500)) is None
        assert around.ahead.tally["failed"] == 1

    run(script)


def test_nothing_is_held_after_the_visit(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.look(200, 1500)
        await asyncio.sleep(0.3)
        around.look(300, 1900)
        around.ahead.forget()
        await asyncio.sleep(1.5)
        assert around.foreseen == [] and around.recognised == [200]
        assert await around.ahead.take(around.utterance(200, 1500)) is None

    run(script)


def test_while_she_is_held_a_pause_asks_at_once_whether_she_may_go_on(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.held = True
        around.look(200, 1500)
        await asyncio.sleep(0.3)
        assert around.let_go == [(1500 * MS, "我想取钱", False)]
        around.look(300, 1900, kept=np.ones(50, np.int16))  # what they began before is no nod
        await asyncio.sleep(0.3)
        assert len(around.let_go) == 1
        around.ahead.forget()

    run(script)


def test_a_short_sound_that_is_not_believed_and_a_nod_gets_no_second_look(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.held, around.believed, around.nodded = True, False, "我想"
        around.look(200, 500)
        await asyncio.sleep(0.5)
        assert around.recognised == [] and around.let_go == [(500 * MS, "我想", True)]
        assert around.ahead.tally["nods at first"] == 1 and around.captions == []
        around.ahead.forget()

    run(script)


def test_a_short_sound_that_is_not_believed_and_no_nod_gets_its_second_look(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.held, around.believed = True, False
        around.look(200, 500)
        known = await around.ahead.take(around.utterance(200, 500))
        assert known is not None and known.words.text == "我想取钱"
        assert around.let_go == [(500 * MS, "我想", True), (500 * MS, "我想取钱", False)]
        around.ahead.forget()

    run(script)


def test_a_second_look_that_would_find_the_same_is_none(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.held, around.believed, around.again_helps = True, False, False
        around.look(200, 500)
        known = await around.ahead.take(around.utterance(200, 500))
        assert known is not None and known.words.text == "我想" and around.recognised == []
        assert around.let_go == [(500 * MS, "我想", True), (500 * MS, "我想", False)]
        around.ahead.forget()

    run(script)


def test_a_short_sound_that_is_believed_at_first_is_recognised_once(run: Run) -> None:
    async def script() -> None:
        around = Around()
        around.held = True
        around.look(200, 500)
        await asyncio.sleep(0.5)
        assert around.recognised == [200] and around.let_go == [(500 * MS, "我想取钱", False)]
        around.ahead.forget()

    run(script)


@pytest.mark.parametrize(("held", "voice_ms", "kept"), [(False, 500, 0), (True, NOD_MOST_NS // MS, 0), (True, 500, 50)])
def test_what_is_long_or_holds_nobody_or_goes_on_is_looked_at_with_care_at_once(
    run: Run, held: bool, voice_ms: int, kept: int
) -> None:
    async def script() -> None:
        around = Around()
        around.held, around.believed, around.nodded = held, False, "我想"
        around.look(200, voice_ms, kept=np.ones(kept, np.int16))
        await asyncio.sleep(0.5)
        assert around.recognised == [200 + kept] and not any(hasty for *_, hasty in around.let_go)
        around.ahead.forget()

    run(script)
