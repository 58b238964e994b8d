"""Whatever a recogniser does, something stated comes of it within the deadline, and is counted."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from kiosk.dialogue.meaning import RecognitionError
from kiosk.dialogue.recognise import FOREIGN, ModelRecogniser
from kiosk.runtime.worker import ModelThread
from models.recognition import UnwantedError

pytestmark = pytest.mark.unit

SOUND = np.ones(3 * 16000, np.int16)


@dataclass(frozen=True)
class Reading:
    text: str
    log_probability: float


@dataclass(frozen=True)
class Found:
    text: str = "我想取两万五"
    language: str = "zh"
    no_speech_probability: float = 0.0
    mean_log_probability: float = -0.3
    foreign_probability: float = 0.0
    spared: bool = False
    alternatives: tuple[Reading, ...] = (Reading("我想取两万五", -0.3), Reading("我想去两万五", -0.5))


class Scripted:
    """A model whose next answer is what `answer` gives."""

    def __init__(self, answer: Callable[[], Found]) -> None:
        self.answer, self.beams, self.looks = answer, [0], [(False, False)]

    def transcribe(
        self, pcm: np.ndarray, *, beams: int = 5, hasty: bool = False, again: bool = False, wanted: Any = None
    ) -> Found:
        self.beams.append(beams)
        self.looks.append((hasty, again))
        if wanted is not None and not wanted():
            raise UnwantedError
        return self.answer()


class OneWord:
    """Puts 去 where 取 is; keeps what it was told to expect."""

    def __init__(self) -> None:
        self.expected: list[str] = []

    def expect(self, words: list[str]) -> None:
        self.expected = list(words)

    def improve(self, heard: Found) -> tuple[Found, tuple[str, ...]]:
        return Found(text=heard.text.replace("取", "存")), ("存",)


@pytest.fixture
async def thread() -> AsyncIterator[ModelThread]:
    thread = ModelThread("recognise")
    yield thread
    thread.close()


@pytest.mark.parametrize(
    ("found", "counted", "clear"),
    [
        (Found(), "words", True),
        (Found(text=""), "nothing", True),
        (Found(no_speech_probability=0.9, mean_log_probability=-2.0), "nothing", False),
        (Found(mean_log_probability=-1.2), "unclear", False),
        (Found(text="字幕" * 40), "unclear", False),
        (Found(foreign_probability=FOREIGN + 0.1, mean_log_probability=-0.8), "foreign", False),
        (Found(foreign_probability=0.9), "words", True),  # noise over words that are read surely
    ],
)
async def test_each_outcome_is_stated_and_counted(thread: ModelThread, found: Found, counted: str, clear: bool) -> None:
    recogniser = ModelRecogniser(Scripted(lambda: found), thread)
    words = await recogniser.recognise(SOUND)
    assert words.clear is clear and words.foreign is (counted == "foreign")
    assert recogniser.tally == {counted: 1}


async def test_a_single_word_is_never_called_foreign(thread: ModelThread) -> None:
    recogniser = ModelRecogniser(Scripted(lambda: Found(foreign_probability=0.9, mean_log_probability=-0.8)), thread)
    assert (await recogniser.recognise(SOUND[:16000])).clear


async def test_readings_hot_words_and_the_caption_are_handed_on_and_kept_out_of_repr(thread: ModelThread) -> None:
    hot = OneWord()
    recogniser = ModelRecogniser(Scripted(Found), thread, hot=hot, write=lambda text, language: f"{language}:{text}")
    recogniser.expect(["存款"])
    words = await recogniser.recognise(SOUND)
    assert (words.text, words.caption, words.hot) == ("我想存两万五", "zh:我想存两万五", ("存",))
    assert words.alternatives == (("我想去两万五", -0.5),)
    assert hot.expected == ["存款"] and recogniser.tally["hot words"] == 1
    assert "两万" not in repr(words) and "存" not in repr(words)


async def test_a_glance_is_greedy_and_a_recognition_is_not(thread: ModelThread) -> None:
    model = Scripted(lambda: Found(spared=True))
    recogniser = ModelRecogniser(model, thread)
    await recogniser.glance(SOUND)
    await recogniser.recognise(SOUND)
    assert (await recogniser.recognise(SOUND, hasty=True)).spared
    await recogniser.recognise(SOUND, again=True)
    assert model.beams[1:] == [1, 5, 5, 5]
    assert model.looks[1:] == [(False, False), (False, False), (True, False), (False, True)]


async def test_a_model_that_never_answers_is_slow_after_the_deadline(thread: ModelThread) -> None:
    released = threading.Event()

    def wait() -> Found:
        released.wait(5)
        return Found()

    recogniser = ModelRecogniser(Scripted(wait), thread, deadline_s=0.02)
    with pytest.raises(RecognitionError, match=r"^slow$"):
        await recogniser.recognise(SOUND)
    released.set()
    assert recogniser.tally == {"slow": 1}


async def test_what_nobody_wants_any_more_is_given_up_and_counted_apart(thread: ModelThread) -> None:
    model = Scripted(Found)
    recogniser = ModelRecogniser(model, thread)
    wants = iter([True, False])
    assert (await recogniser.glance(SOUND, wanted=lambda: next(wants))).text == "我想取两万五"
    with pytest.raises(RecognitionError, match=r"^unwanted$"):
        await recogniser.recognise(SOUND, wanted=lambda: next(wants))
    assert recogniser.tally == {"words": 1, "unwanted": 1}


async def test_a_model_that_breaks_is_a_reason_and_the_next_sound_is_heard(thread: ModelThread) -> None:
    answers = iter([RuntimeError("the network broke"), Found()])

    def answer() -> Found:
        following = next(answers)
        if isinstance(following, RuntimeError):
            raise following
        return following

    recogniser = ModelRecogniser(Scripted(answer), thread)
    with pytest.raises(RecognitionError, match=r"^failed$"):
        await recogniser.recognise(SOUND)
    assert (await recogniser.recognise(SOUND)).text == "我想取两万五"
    assert recogniser.tally == {"failed": 1, "words": 1}
