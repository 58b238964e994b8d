"""Microphone frames in, what the visitor's voice did out.

Frames pass the echo canceller, the voice activity model and the endpointer. What was said is kept in a ring
until the utterance ends; nothing is kept of sound that was not speech.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, Protocol

import numpy as np

from config.schema import Hearing
from kiosk.audio.echo import Cleaned, EchoCanceller
from kiosk.audio.endpointing import BLOCK_MS, Edge, Endpointer, EndpointSettings
from kiosk.audio.pauses import PauseBounds, Profile, Standing
from kiosk.audio.standout import Residue, StandOut
from kiosk.events import (
    MIC_RATE_HZ,
    AudioFrame,
    BargeInConfirmed,
    Pcm,
    SpeechDied,
    SpeechSoFar,
    SpeechStarted,
    UtteranceEnded,
)

BLOCK_SAMPLES = 512
NS_PER_SAMPLE = 1e9 / MIC_RATE_HZ
ONSET_LEAD_MS: Final = 96  # sound from before the first voiced block: the hiss of a first consonant is not voice
ONSET_MOST_MS: Final = 600  # of it; a voice that begins in what was taken for her echo is noticed
AFTER_ROLL_NS: Final = 200_000_000  # silence kept behind the last voiced block


class VoiceActivity(Protocol):
    """Probability of voice in (512,) int16 at 16 kHz; keeps state between calls."""

    def probability(self, samples: Pcm) -> float: ...

    def reset(self) -> None: ...


class Onset(Protocol):
    """Whether what is said over the receptionist is more than a backchannel or her echo."""

    def insists(self, heard: Cleaned, end_ns: int, voiced_ms: int, *, settled: bool) -> bool | None:
        """`heard` (n,) int16: her voice taken out, from ONSET_LEAD_MS before the first voiced block until now.
        `settled`: the cancellers have had some seconds of her to learn the room from.

        True: stop her. False: it is her own echo. None: nothing yet; its length decides in the end.
        """


class Background(Protocol):
    """The level of the room while nobody speaks."""

    @property
    def dbfs(self) -> float: ...

    @property
    def known(self) -> bool: ...

    def hear(self, pcm: Pcm, *, far_active: bool, voice: bool) -> None: ...


VoiceEvent = SpeechStarted | SpeechSoFar | BargeInConfirmed | SpeechDied | UtteranceEnded


def pause_bounds(hearing: Hearing) -> PauseBounds:
    return PauseBounds(
        finished_ms=hearing.pause_finished_ms,
        unknown_ms=hearing.pause_ms,
        unfinished_ms=hearing.pause_unfinished_ms,
        brisk_ms=hearing.pause_brisk_ms,
        shortest_ms=hearing.pause_shortest_ms,
        longest_ms=hearing.pause_longest_ms,
        elder_times=hearing.elder_times,
    )


def endpoint_settings(hearing: Hearing) -> EndpointSettings:
    return EndpointSettings(
        voice_on=hearing.voice_on,
        voice_off=hearing.voice_off,
        min_speech_ms=hearing.min_speech_ms,
        look_ms=hearing.look_ms,
        barge_in_ms=hearing.barge_in_ms,
        died_ms=hearing.died_ms,
        max_utterance_ms=int(hearing.max_utterance_s * 1000),
        pauses=pause_bounds(hearing),
    )


class _Tape:
    """The last seconds of both signals, addressed by time. Bounded: the longest utterance and its pre-roll."""

    def __init__(self, seconds: float) -> None:
        self._limit = int(seconds * MIC_RATE_HZ)
        self._blocks: deque[tuple[int, Cleaned]] = deque()
        self._samples = 0

    def add(self, block: Cleaned, end_ns: int) -> None:
        self._blocks.append((end_ns, block))
        self._samples += len(block.words)
        while self._samples > self._limit:
            self._samples -= len(self._blocks.popleft()[1].words)

    def clear(self) -> None:
        self._blocks.clear()
        self._samples = 0

    def words(self, start_ns: int, end_ns: int) -> Pcm:
        """The recogniser's signal from `start_ns` to `end_ns`, as whole blocks."""
        return _joined([block.words for at, block in self._blocks if start_ns < at <= end_ns])

    def cleaned(self, start_ns: int, end_ns: int) -> Cleaned:
        blocks = [block for at, block in self._blocks if start_ns < at <= end_ns]
        return Cleaned(_joined([block.detect for block in blocks]), _joined([block.words for block in blocks]))


def _joined(parts: list[Pcm]) -> Pcm:
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class Ears:
    """One visitor-facing microphone. `receptionist_speaking` is asked for every block."""

    def __init__(
        self,
        hearing: Hearing,
        voice: VoiceActivity,
        echo: EchoCanceller,
        receptionist_speaking: Callable[[], bool],
        is_open: Callable[[], bool],
        onset: Onset | None = None,
        background: Background | None = None,
        voice_over_her: VoiceActivity | None = None,
    ) -> None:
        self._endpointer = Endpointer(endpoint_settings(hearing))
        self._voice = voice
        self._echo = echo
        self._speaking = receptionist_speaking
        self._pre_roll_ns = hearing.pre_roll_ms * 1_000_000
        self._partial_ns = hearing.partial_ms * 1_000_000
        self._tape = _Tape(hearing.max_utterance_s + 2)
        self._pending = np.zeros((2, 0), np.int16)  # detect, words
        self._is_open = is_open  # False: muted by the visitor, or nobody is here
        self._onset = onset
        self._background = background
        self._stand_out = StandOut()
        self._over_her = voice_over_her  # a second one: it hears the other signal, and each keeps a state
        self._residue = Residue()
        self._told_ns = 0  # when what was said so far was last handed on
        self._over = False  # the utterance began while she was talking
        self.tally: Counter[str] = Counter()

    @property
    def in_speech(self) -> bool:
        return self._endpointer.in_speech

    @property
    def background_dbfs(self) -> float | None:
        return self._background.dbfs if self._background and self._background.known else None

    def forget(self) -> None:
        """Hold nothing of what was heard so far, nor of how the visitor speaks."""
        self._drop()
        self._endpointer.pace.forget()

    def profile(self, profile: Profile) -> None:
        """How patient to be with this visitor."""
        self._endpointer.pace.profile = profile

    def stands(self, voice_ns: int, standing: Standing, syllables: int) -> None:
        """What was said until the last voiced sample at `voice_ns` is finished, or is not."""
        self._endpointer.stands(voice_ns, standing, syllables)

    def went_on_after(self, pause_ms: float) -> None:
        """They were cut off and went on: that silence was a pause of theirs."""
        self._endpointer.pace.went_on_after(pause_ms)

    async def hear(self, frames: AsyncIterator[AudioFrame]) -> AsyncIterator[VoiceEvent]:
        """Yield what the voice does, in order."""
        async for frame in frames:
            speaking = self._speaking()
            clean = self._echo.clean(frame.pcm, frame.at_ns)
            self._pending = np.concatenate((self._pending, (clean.detect, clean.words)), axis=1)
            while self._pending.shape[1] >= BLOCK_SAMPLES:
                block, self._pending = self._pending[:, :BLOCK_SAMPLES], self._pending[:, BLOCK_SAMPLES:]
                end_ns = frame.at_ns - int(self._pending.shape[1] * NS_PER_SAMPLE)
                for event in self._block(Cleaned(block[0], block[1]), end_ns, speaking=speaking):
                    self.tally[type(event).__name__] += 1
                    yield event

    def _drop(self) -> None:
        self._tape.clear()
        self._endpointer.reset()
        self._voice.reset()

    def _block(self, block: Cleaned, end_ns: int, *, speaking: bool) -> Iterator[VoiceEvent]:
        self._stand_out.hear(block.detect, far_active=speaking)
        if not self._is_open():
            self._drop()
            return
        if speaking and not self._echo.full_duplex:
            self._voice.reset()
            probability = 0.0
        else:
            probability = self._probability(block, speaking=speaking)
        self._tape.add(block, end_ns)
        insists = self._insists(end_ns, speaking=speaking)
        for edge in self._endpointer.step(probability, end_ns, over_speech=speaking, insists=insists):
            yield self._event(edge, end_ns, speaking=speaking)
        if self._background:
            voice = self._endpointer.start_ns is not None
            self._background.hear(block.detect, far_active=speaking, voice=voice)
        if self.in_speech and not speaking and end_ns - self._told_ns >= self._partial_ns:
            yield self._so_far(self._endpointer.start_ns or end_ns, end_ns, end_ns, paused=False)

    def _probability(self, block: Cleaned, *, speaking: bool) -> float:
        """Of voice that is not hers and not the room's."""
        probability = self._voice.probability(block.detect)
        if not self._stand_out.passes(speaking=self.in_speech):
            self.tally["voice that did not stand out"] += probability >= 0.5
            probability = 0.0
        if self._over_her is None:
            return probability
        if not speaking:
            self._over_her.reset()
            return probability
        # The canceller that decides swallows a visitor who speaks while she is loud; the gentle one does not, and
        # leaves so little of her that somebody near the microphone is far louder.
        louder = self._residue.hear(block.words, visitor=self._endpointer.start_ns is not None)
        return max(probability, self._over_her.probability(block.words) if louder else 0.0)

    def _insists(self, end_ns: int, *, speaking: bool) -> bool | None:
        voiced_ms, start_ns = self._endpointer.unconfirmed_over_ms, self._endpointer.start_ns
        if not speaking or not voiced_ms or self._onset is None or start_ns is None:
            return None
        since_ns = max(start_ns - ONSET_LEAD_MS * 1_000_000, end_ns - ONSET_MOST_MS * 1_000_000)
        heard = self._tape.cleaned(since_ns, end_ns)
        voiced = round(voiced_ms / BLOCK_MS) * BLOCK_MS
        return self._onset.insists(heard, end_ns, voiced, settled=self._residue.settled)

    def _event(self, edge: Edge, decided_ns: int, *, speaking: bool) -> VoiceEvent:
        match edge.kind:
            case "began":
                self._told_ns, self._over = decided_ns, speaking
                return SpeechStarted(edge.start_ns)
            case "paused":
                return self._so_far(edge.start_ns, edge.voice_ns, decided_ns, paused=True)
            case "barged_in":
                self._over = True
                return BargeInConfirmed(edge.voice_ns, edge.start_ns)
            case "died":
                return SpeechDied(edge.voice_ns)
        return UtteranceEnded(
            pcm=self._cut(edge.start_ns, edge.voice_ns),
            start_ns=edge.start_ns,
            end_ns=edge.voice_ns,
            decided_ns=decided_ns,
            capped=edge.kind == "capped",
            over_speech=self._over,
            background_dbfs=self.background_dbfs,
        )

    def _so_far(self, start_ns: int, voice_ns: int, at_ns: int, *, paused: bool) -> SpeechSoFar:
        self._told_ns = at_ns
        pcm = self._cut(start_ns, voice_ns)
        return SpeechSoFar(pcm=pcm, start_ns=start_ns, voice_ns=voice_ns, at_ns=at_ns, paused=paused)

    def _cut(self, start_ns: int, voice_ns: int) -> Pcm:
        """A little of the silence around the words helps the recogniser with first and last sounds."""
        return self._tape.words(start_ns - self._pre_roll_ns, voice_ns + AFTER_ROLL_NS)
