"""Utterance in, words out: the recogniser on its own thread, with a deadline.

Whatever comes in, something stated comes out: words, words that nobody believes, none, or a reason. Each is counted.
"""

from __future__ import annotations

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from contracts.screen import Language
from kiosk.dialogue.meaning import RecognitionError, Words
from kiosk.events import MIC_RATE_HZ, Pcm
from kiosk.runtime.worker import ModelThread
from models.recognition import UnwantedError

# Whisper's own marks of a failed decoding (Radford et al. 2022, section 4.5): mean log probability, gzip ratio.
BELIEVED: Final = -1.0
REPETITIVE: Final = 2.4
LONG_ENOUGH_BYTES: Final = 24  # shorter texts do not pack whatever they say
NO_SPEECH: Final = 0.6  # Whisper's own mark of sound without words
# Of 114 clips in the two languages none was above 0.13, of 14 in five others none below 0.46; one word tells little.
FOREIGN: Final = 0.4
# Noise raises it too: of 24 copies of two English sentences under white noise six were above, all of the louder noise,
# nearly right, with a certainty of -0.33 to -0.79. Chosen by these few; other languages were not measured against it.
SURELY_READ: Final = -0.5
FOREIGN_LEAST_S: Final = 2.0
DEADLINE_S: Final = 12.0  # longer than any utterance takes; a machine that needs more is said to be slow


class Alternative(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def log_probability(self) -> float: ...


class Recognition(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def language(self) -> Language: ...
    @property
    def alternatives(self) -> Sequence[Alternative]: ...
    @property
    def no_speech_probability(self) -> float: ...
    @property
    def mean_log_probability(self) -> float: ...
    @property
    def foreign_probability(self) -> float: ...
    @property
    def spared(self) -> bool: ...


R = TypeVar("R", bound=Recognition)
Write = Callable[[str, Language], str]
Wanted = Callable[[], bool]
"""Whether somebody still waits for the words; asked on the recogniser's thread."""


class Hot(Protocol):
    """Words of this bank, put where others of their sound were written."""

    def expect(self, words: Sequence[str]) -> None: ...
    def improve(self, heard: R) -> tuple[R, tuple[str, ...]]: ...


class SpeechModel(Protocol):
    def transcribe(
        self, pcm: Pcm, *, beams: int = 5, hasty: bool = False, again: bool = False, wanted: Wanted | None = None
    ) -> Recognition: ...


class ModelRecogniser:
    """A `Recogniser` over a blocking model. `tally` counts how each sound ended; it holds no words."""

    def __init__(
        self,
        model: SpeechModel,
        thread: ModelThread,
        *,
        hot: Hot | None = None,
        write: Write | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """`write` gives captions their figures."""
        self._deadline_s = deadline_s
        self._model = model
        self._thread = thread
        self._hot = hot
        self._write = write
        self.tally: Counter[str] = Counter()

    def expect(self, words: Sequence[str]) -> None:
        """What would answer the open question, until the next call; without hot words it means nothing."""
        if self._hot:
            self._hot.expect(words)

    async def recognise(
        self, pcm: Pcm, *, hasty: bool = False, again: bool = False, wanted: Wanted | None = None
    ) -> Words:
        """`hasty`: words that are not believed are not looked at a second time, which takes twice as long as the first;
        `again`: they are now, without the first time.

        Raises `RecognitionError` 'slow' after the deadline, 'failed' when the model breaks, 'unwanted' soon after
        `wanted` says no.
        """
        return await self._words(pcm, beams=5, hasty=hasty, again=again, wanted=wanted)

    async def glance(self, pcm: Pcm, *, wanted: Wanted | None = None) -> Words:
        """The same, quicker and without second readings: for captions while the visitor speaks."""
        return await self._words(pcm, beams=1, wanted=wanted)

    async def _words(
        self, pcm: Pcm, *, beams: int, hasty: bool = False, again: bool = False, wanted: Wanted | None = None
    ) -> Words:
        try:
            async with asyncio.timeout(self._deadline_s):
                words = await self._thread.call(self.heard, pcm, beams, hasty, again, wanted=wanted)
        except TimeoutError as err:
            self.tally["slow"] += 1
            raise RecognitionError("slow") from err
        except UnwantedError as err:
            self.tally["unwanted"] += 1
            raise RecognitionError("unwanted") from err
        except RuntimeError as err:
            self.tally["failed"] += 1
            raise RecognitionError("failed") from err
        self.tally[outcome(words)] += 1
        if words.hot:
            self.tally["hot words"] += len(words.hot)
        return words

    def heard(
        self, pcm: Pcm, beams: int = 5, hasty: bool = False, again: bool = False, wanted: Wanted | None = None
    ) -> Words:
        """The words in `pcm`, on the calling thread and without a deadline."""
        found = self._model.transcribe(pcm, beams=beams, hasty=hasty, again=again, wanted=wanted)
        hot: tuple[str, ...] = ()
        if self._hot:
            found, hot = self._hot.improve(found)
        foreign = (
            len(pcm) >= FOREIGN_LEAST_S * MIC_RATE_HZ
            and found.foreign_probability > FOREIGN
            and found.mean_log_probability < SURELY_READ
        )
        believed = found.mean_log_probability >= BELIEVED and compression(found.text) <= REPETITIVE
        return Words(
            text=found.text,
            language=found.language,
            alternatives=tuple((other.text, other.log_probability) for other in found.alternatives[1:]),
            no_speech=found.no_speech_probability,
            certainty=found.mean_log_probability,
            clear=believed and not foreign,
            foreign=foreign,
            caption=self._write(found.text, found.language) if self._write else "",
            spared=found.spared,
            hot=hot,
        )


def outcome(words: Words) -> str:
    """What came of a sound: 'words', 'foreign', 'unclear' or 'nothing'."""
    if not words.text.strip() or words.no_speech > NO_SPEECH:
        return "nothing"
    return "words" if words.clear else "foreign" if words.foreign else "unclear"


def compression(text: str) -> float:
    """How much smaller the text becomes when packed: a recogniser that loops repeats itself."""
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if len(raw) >= LONG_ENOUGH_BYTES else 1.0
