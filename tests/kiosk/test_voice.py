"""The voice: what is spoken from where, in which order, and what is kept and forgotten."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from avatar.timeline import viseme_spans
from kiosk.audio.playback import SpeechChunk
from kiosk.dialogue.manner import Manner
from kiosk.dialogue.voice import Character, Quick, Voice, VoiceCache, Waits, word_starts
from kiosk.runtime.worker import ModelThread
from models.kokoro import Phone, Spoken

pytestmark = pytest.mark.unit

SAMPLES = 2400  # of one spoken character: 0.1 s
LOUD = 9000
SMALL = 500  # the small one's samples, so that it can be told


class Slow:
    """A synthesiser that takes its time a character; phones are the characters."""

    def __init__(self, character_s: float = 0.0, level: int = LOUD) -> None:
        self.character_s = character_s
        self.level = level
        self.rendered: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    def synthesise(self, text: str, language: str, voice: str, speed: float = 1.0) -> Spoken:
        self.gate.wait(5)
        self.rendered.append(text)
        sounding = [character for character in text if character.isalnum()]
        time.sleep(self.character_s * len(sounding))
        phones = tuple(Phone("a", i * SAMPLES, (i + 1) * SAMPLES) for i in range(len(sounding)))
        return Spoken(pcm=np.full(len(sounding) * SAMPLES, self.level, np.int16), rate_hz=24_000, phones=phones)


class Quicker(Slow):
    voices = ("zf",)

    def can_say(self, text: str, language: str) -> bool:
        return language == "zh" and "WiFi" not in text


@pytest.fixture
async def threads() -> AsyncIterator[list[ModelThread]]:
    made = [ModelThread("speak"), ModelThread("speak-small")]
    yield made
    for thread in made:
        thread.close()


def a_voice(folder: Path, threads: list[ModelThread], slow: Slow | None, **given: Any) -> Voice:
    character = given.pop("character", Character("zf", "af", identity="m1"))
    quick = given.pop("quick", None)
    return Voice(
        slow,
        threads[0],
        viseme_spans,
        VoiceCache(folder, 16),
        character,
        quick=Quick(quick, threads[1]) if quick else None,
        **given,
    )


async def said(voice: Voice, text: str, language: Any = "zh", *, keep: bool = True, **given: Any) -> list[SpeechChunk]:
    return [chunk async for chunk in voice.speak(text, language, keep=keep, **given)]


async def test_what_was_kept_is_spoken_from_the_cache_and_what_was_not_is_made_again(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow()
    voice = a_voice(tmp_path, threads, slow)
    assert [chunk.cached for chunk in await said(voice, "请坐。")] == [False]
    assert [chunk.cached for chunk in await said(voice, "请坐。")] == [True]
    await said(voice, "三号。", keep=False)
    assert [chunk.cached for chunk in await said(voice, "三号。", keep=False)] == [False]
    assert slow.rendered == ["请坐。", "三号。", "三号。"]


@pytest.mark.parametrize(
    "other",
    [
        Character("zm", "af", identity="m1"),
        Character("zf", "af", identity="m2"),
        Character("zf", "af", speed=0.9, identity="m1"),
    ],
)
async def test_another_voice_another_model_and_another_pace_make_another_cache(
    tmp_path: Path, threads: list[ModelThread], other: Character
) -> None:
    await said(a_voice(tmp_path, threads, Slow()), "请坐。")
    assert a_voice(tmp_path, threads, None).missing([("请坐。", "zh"), ("请坐！", "zh")]) == [("请坐！", "zh")]
    assert a_voice(tmp_path, threads, None, character=other).missing([("请坐。", "zh")]) == [("请坐。", "zh")]


async def test_a_cached_file_cut_off_by_a_full_disk_is_made_again(tmp_path: Path, threads: list[ModelThread]) -> None:
    voice = a_voice(tmp_path, threads, Slow())
    await said(voice, "请坐。")
    (file,) = tmp_path.glob("*.npz")
    file.write_bytes(file.read_bytes()[:100])
    assert [chunk.cached for chunk in await said(voice, "请坐。")] == [False]
    assert [chunk.cached for chunk in await said(voice, "请坐。")] == [True]


async def test_a_cached_clause_does_not_wait_for_one_that_is_being_made(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow()
    voice = a_voice(tmp_path, threads, slow)
    voice.prepare("请坐。", "zh")
    slow.gate.clear()
    ahead = asyncio.create_task(voice.foresee("马上来。", "zh", keep=True))
    await asyncio.sleep(0.02)
    (chunk,) = await asyncio.wait_for(said(voice, "请坐。"), 1)
    assert chunk.cached and not ahead.done()
    slow.gate.set()
    await ahead


async def test_the_next_clause_is_made_while_the_one_before_plays(tmp_path: Path, threads: list[ModelThread]) -> None:
    voice = a_voice(tmp_path, threads, Slow(0.02))
    chunks = voice.speak("您好您好。请坐请坐。", "zh", keep=True)
    await anext(chunks)
    await asyncio.sleep(0.15)  # the first is playing; the second takes 80 ms
    began = time.monotonic()
    await anext(chunks)
    assert time.monotonic() - began < 0.03
    await chunks.aclose()


async def test_a_long_first_clause_that_has_to_be_made_begins_with_its_first_phrase(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    voice = a_voice(tmp_path, threads, Slow(0.001))
    text = "您的号是A037，前面还有3位。请坐。"
    chunks = await said(voice, text, keep=False)
    assert [chunk.text for chunk in chunks] == ["您的号是", "A037，", "前面还有3位。", "请坐。"]
    voice.prepare("您的号是A037，前面还有3位。", "zh")
    first, *_ = await said(voice, text)
    assert first.text == "您的号是A037，前面还有3位。"


async def test_a_rendered_clause_is_spoken_whole_even_after_the_loudspeaker_ran_dry(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    voice = a_voice(tmp_path, threads, Slow(0.15))
    voice.prepare("请拿好票，坐一会儿。", "zh")
    chunks = await said(voice, "甲乙。丙丁戊。请拿好票，坐一会儿。", keep=False)  # slower than it plays
    assert chunks[-1].text == "请拿好票，坐一会儿。" and chunks[-1].cached


async def test_a_clause_that_is_cut_before_a_figure_does_not_fall_at_its_end(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow(0.001)
    await said(a_voice(tmp_path, threads, slow), "您的号是A037。", keep=False)
    assert slow.rendered == ["您的号是，", "A037。"]


async def test_what_was_foreseen_is_spoken_at_once_and_gone_with_the_visit(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow(0.01)
    voice = a_voice(tmp_path, threads, slow)
    assert voice.predicted_wait_s("取两万元。", "zh") > 0
    await voice.foresee("取两万元。请坐。", "zh", keep=False)
    assert voice.predicted_wait_s("取两万元。", "zh") == 0
    chunks = await said(voice, "取两万元。", keep=False)
    assert [chunk.cached for chunk in chunks] == [True] and slow.rendered == ["取两万元。"]
    voice.forget()
    assert voice.predicted_wait_s("取两万元。", "zh") > 0
    assert list(tmp_path.glob("*.npz")) == []


async def test_at_most_four_clauses_are_kept_ahead(tmp_path: Path, threads: list[ModelThread]) -> None:
    voice = a_voice(tmp_path, threads, Slow())
    texts = [f"{name}请坐。" for name in "甲乙丙丁戊"]
    for text in texts:
        await voice.foresee(text, "zh", keep=False)
    assert [voice.predicted_wait_s(text, "zh") == 0 for text in texts] == [False, True, True, True, True]


async def test_what_is_being_made_when_the_visit_ends_is_not_kept(tmp_path: Path, threads: list[ModelThread]) -> None:
    slow = Slow()
    slow.gate.clear()
    voice = a_voice(tmp_path, threads, slow)
    ahead = asyncio.create_task(voice.foresee("取两万元。", "zh", keep=False))
    await asyncio.sleep(0.02)
    voice.forget()
    slow.gate.set()
    await ahead
    assert slow.rendered == ["取两万元。"] and voice.predicted_wait_s("取两万元。", "zh") > 0


async def test_speech_that_is_being_foreseen_is_waited_for_and_not_made_twice(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow(0.02)
    voice = a_voice(tmp_path, threads, slow)
    ahead = asyncio.create_task(voice.foresee("取两万元。", "zh", keep=False))
    await asyncio.sleep(0.02)
    await said(voice, "取两万元。", keep=False)
    await ahead
    assert slow.rendered == ["取两万元。"]


async def test_what_may_wait_delays_what_is_wanted_by_one_clause_at_most(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow()
    slow.gate.clear()
    voice = a_voice(tmp_path, threads, slow)
    filling = asyncio.create_task(voice.fill([(f"{name}。", "zh") for name in "甲乙丙丁"], lambda: True))
    ahead = [asyncio.create_task(voice.foresee(f"{name}请坐。", "zh", keep=False)) for name in "戊己"]
    await asyncio.sleep(0.02)
    speaking = asyncio.create_task(said(voice, "您好。"))
    await asyncio.sleep(0.02)
    slow.gate.set()
    await speaking
    assert slow.rendered[:2] == ["甲。", "您好。"]
    await asyncio.gather(filling, *ahead)


async def test_filling_goes_on_where_it_stopped_and_only_while_it_is_idle(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow()
    voice = a_voice(tmp_path, threads, slow)
    wanted: list[Any] = [(f"{name}。", "zh") for name in "甲乙丙丁"]
    assert await voice.fill(wanted, lambda: len(slow.rendered) < 2) == 2
    assert await voice.fill(wanted, lambda: True) == 2
    assert slow.rendered == ["甲。", "乙。", "丙。", "丁。"] and voice.missing(wanted) == []


async def test_a_whole_answer_is_spoken_by_the_small_voice_where_the_wait_is_too_long(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    small = Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, Slow(), quick=small, waits=Waits(small_s=0.2))
    voice.prepare("请坐一会儿。", "zh")
    chunks = await said(voice, "金额是两万三千四百元。请坐一会儿。", keep=True)
    assert [int(chunk.pcm[0]) for chunk in chunks] == [SMALL, SMALL]
    assert voice.tally_small == 1
    assert voice.missing([("金额是两万三千四百元。", "zh")]) != []  # the small voice's sound is not kept
    assert int((await said(voice, "请坐一会儿。"))[0].pcm[0]) == LOUD
    again = await said(voice, "金额是两万三千四百元。请坐一会儿。", keep=False)
    assert [chunk.cached for chunk in again] == [False, True]  # but that of a sentence which is always the same
    assert small.rendered == ["金额是两万三千四百元。", "请坐一会儿。", "金额是两万三千四百元。"]


@pytest.mark.parametrize(
    ("text", "language", "character"),
    [
        ("WiFi在那边墙上写着呢。", "zh", Character("zf", "af")),
        ("Please have a seat over there.", "en", Character("zf", "af")),
        ("金额是两万三千四百元。", "zh", Character("zm", "am")),
    ],
)
async def test_what_the_small_voice_cannot_say_is_said_by_her_own(
    tmp_path: Path, threads: list[ModelThread], text: str, language: str, character: Character
) -> None:
    quick = Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, Slow(), quick=quick, waits=Waits(small_s=0.0), character=character)
    assert {int(chunk.pcm[0]) for chunk in await said(voice, text, language, keep=False)} == {LOUD}


async def test_a_filler_comes_first_where_the_wait_is_long_and_never_in_two_answers_running(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow(0.001)
    voice = a_voice(
        tmp_path, threads, slow, fillers=[("One moment.", "en"), ("Let me see.", "en")], waits=Waits(filler_s=0.0001)
    )
    answer = "Please have a seat over there."
    assert [chunk.filler for chunk in await said(voice, answer, "en", keep=False)] == [False]  # not rendered yet
    voice.prepare("One moment.", "en")
    voice.prepare("Let me see.", "en")
    fillers = []
    for _ in range(4):
        chunks = await said(voice, answer, "en", keep=False)
        fillers.append([chunk.text for chunk in chunks if chunk.filler])
        assert chunks[-1].text == answer and not chunks[-1].filler
    assert fillers == [["One moment."], [], ["Let me see."], []]
    assert voice.tally_fillers == 2


async def test_no_filler_where_the_answer_is_there(tmp_path: Path, threads: list[ModelThread]) -> None:
    voice = a_voice(tmp_path, threads, Slow(), fillers=[("您稍等。", "zh")], waits=Waits(filler_s=0.0))
    voice.prepare("您稍等。", "zh")
    voice.prepare("请坐。", "zh")
    assert [chunk.text for chunk in await said(voice, "请坐。")] == ["请坐。"]


async def test_the_prediction_follows_what_this_machine_takes(tmp_path: Path, threads: list[ModelThread]) -> None:
    voice = a_voice(tmp_path, threads, Slow(0.01))
    for name in "甲乙丙":
        await said(voice, f"{name}请坐一会儿等着叫号。")
    predicted_s = voice.predicted_wait_s("丁请坐一会儿等着叫号。", "zh")
    assert 0.08 <= predicted_s <= 0.2  # ten characters of ten milliseconds


async def test_an_answer_that_would_stand_still_in_its_middle_is_spoken_by_the_small_voice(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    small = Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, Slow(0.25), quick=small, waits=Waits(small_s=60.0, silence_s=1.0))
    voice.prepare("取款要到柜台办。", "zh")  # sounds 1.5 s
    answer = "取款要到柜台办。金额两万元给您取个号好吗？"
    assert {int(chunk.pcm[0]) for chunk in await said(voice, answer, keep=False)} == {LOUD}  # not known to be slow yet
    assert {int(chunk.pcm[0]) for chunk in await said(voice, answer, keep=False)} == {SMALL}
    voice.prepare("金额两万元给您取个号好吗？", "zh")
    assert {int(chunk.pcm[0]) for chunk in await said(voice, answer, keep=False)} == {LOUD}


async def test_where_the_small_voice_will_speak_it_makes_the_likely_beginning_and_her_own_makes_nothing(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow, small = Slow(), Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, slow, quick=small, waits=Waits(small_s=0.2))
    await voice.foresee("金额是两万三千四百元。请坐。", "zh", keep=False)
    assert small.rendered == ["金额是两万三千四百元。"] and slow.rendered == []
    chunks = await said(voice, "金额是两万三千四百元。请坐。", keep=False)
    assert [chunk.cached for chunk in chunks] == [True, False]
    voice.forget()
    chunks = await said(voice, "金额是两万三千四百元。请坐。", keep=False)
    assert [chunk.cached for chunk in chunks] == [False, False]


async def test_what_the_small_voice_is_making_when_the_visit_ends_is_not_kept(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    small = Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, Slow(), quick=small, waits=Waits(small_s=0.2))
    small.gate.clear()
    making = asyncio.create_task(voice.foresee("金额是两万三千四百元。", "zh", keep=False))
    await asyncio.sleep(0.1)
    voice.forget()
    small.gate.set()
    await making
    (chunk,) = await said(voice, "金额是两万三千四百元。", keep=False)
    assert not chunk.cached and len(small.rendered) == 2


async def test_what_the_small_voice_can_say_is_made_by_it_ahead(tmp_path: Path, threads: list[ModelThread]) -> None:
    small = Quicker(level=SMALL)
    voice = a_voice(tmp_path, threads, Slow(), quick=small)
    wanted: list[tuple[str, Any]] = [("甲。", "zh"), ("A.", "en"), ("WiFi。", "zh"), ("乙。", "zh")]
    assert await voice.fill_small(wanted, lambda: len(small.rendered) < 1) == 1
    assert voice.missing_small(wanted) == [("乙。", "zh")]
    assert await voice.fill_small(wanted, lambda: True) == 1
    assert small.rendered == ["甲。", "乙。"] and voice.missing_small(wanted) == []
    assert voice.missing(wanted) == wanted  # her own is another
    assert a_voice(tmp_path, threads, Slow()).missing_small(wanted) == []


async def test_how_long_it_takes_is_known_before_anything_is_said_and_nothing_of_it_is_kept(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow(0.05)
    voice = a_voice(tmp_path, threads, slow)
    usual_s = voice.predicted_wait_s("金额是两万三千四百元。", "zh")
    await voice.gauge()
    assert voice.predicted_wait_s("金额是两万三千四百元。", "zh") < usual_s  # 6 characters took 0.3 s, and not 0.6
    assert [voice.missing([(text, "zh")]) != [] for text in slow.rendered] == [True] * 4


async def test_what_somebody_waits_for_is_not_kept_waiting_by_a_gauge(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    slow = Slow()
    voice = a_voice(tmp_path, threads, slow)
    slow.gate.clear()
    wanted = asyncio.create_task(said(voice, "请坐。"))
    await asyncio.sleep(0.05)
    await voice.gauge()
    slow.gate.set()
    await wanted
    assert slow.rendered == ["请坐。"]


async def test_a_turn_that_is_cut_leaves_nothing_behind(tmp_path: Path, threads: list[ModelThread]) -> None:
    slow = Slow(0.02)
    voice = a_voice(tmp_path, threads, slow)
    speaking = asyncio.create_task(said(voice, "甲乙丙丁。戊己庚辛。壬癸子丑。"))
    await asyncio.sleep(0.03)
    speaking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await speaking
    assert [chunk.text for chunk in await said(voice, "请坐。")] == ["请坐。"]
    assert len(slow.rendered) <= 3


async def test_without_a_synthesiser_only_what_is_rendered_is_said(tmp_path: Path, threads: list[ModelThread]) -> None:
    a_voice(tmp_path, threads, Slow()).prepare("请坐。", "zh")
    voice = a_voice(tmp_path, threads, None)
    assert len(await said(voice, "请坐。")) == 1
    with pytest.raises(LookupError):
        await said(voice, "您好。")


async def test_an_elder_hears_it_slower_and_louder_from_a_cache_of_its_own(
    tmp_path: Path, threads: list[ModelThread]
) -> None:
    voice = a_voice(tmp_path, threads, Slow())
    elder = Manner(speed=0.85, gain_db=6.0)
    voice.prepare("请坐。", "zh", elder)
    assert voice.missing([("请坐。", "zh")]) and not voice.missing([("请坐。", "zh")], elder)
    (chunk,) = await said(voice, "请坐。", manner=elder)
    assert chunk.cached and 1.9 < float(chunk.pcm[0]) / LOUD < 2.05


@pytest.mark.parametrize("text", ["", "  ", "\n"])
async def test_nothing_to_say_is_silence(tmp_path: Path, threads: list[ModelThread], text: str) -> None:
    voice = a_voice(tmp_path, threads, Slow())
    assert await said(voice, text) == [] and voice.predicted_wait_s(text, "zh") == 0


def test_words_begin_after_spaces_and_stops_in_the_last_20_ms_of_the_pause() -> None:
    phones = [("n", 0, 900), ("i", 900, 2000), (",", 2000, 2100), (" ", 2100, 5000), ("x", 5000, 6000),
              (" ", 6000, 6100), ("a", 6100, 7000), (".", 7000, 9000)]  # fmt: skip
    assert word_starts(phones) == (0, 4520, 6000)
    assert word_starts([]) == ()
