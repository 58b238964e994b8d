"""Microphone frames in, what the visitor's voice did out.

Frames pass the echo canceller, the voice activity model and the endpointer. What was said is kept in a ring
until the utterance ends; nothing is kept of sound that was not speech.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Final, Protocol

import numpy as np

from config.schema import Hearing
from kiosk.audio.echo import Cleaned, EchoCanceller
from kiosk.audio.endpointing import Edge, Endpointer, EndpointSettings
from kiosk.audio.pauses import PauseBounds, Profile, Standing
from kiosk.events import (
    MIC_RATE_HZ,
    AudioFrame,
    BargeInConfirmed,
    DeviceChanged,
    Pcm,
    SpeechDied,
    SpeechSoFar,
    SpeechStarted,
    UtteranceEnded,
)

BLOCK_SAMPLES = 512
NS_PER_SAMPLE = 1e9 / MIC_RATE_HZ
ONSET_LEAD_NS: Final = 96_000_000  # from before the first voiced block: a first consonant's hiss is not voice
ONSET_MOST_NS: Final = 600_000_000
LEARNT_BLOCKS: Final = 94  # 3 s of her
# On such stretches, in simulated rooms: her echo 0.6 to 0.95, visitors over her 0.4 to 0.68.
OWN_SHARE_AT_FIRST: Final = 0.45
AFTER_ROLL_NS: Final = 200_000_000  # silence kept behind the last voiced block
HOLE_NS: Final = 60_000_000  # between two frames of the microphone: more than their times vary by


class NearVoice(Protocol):
    """Whether the person in front speaks: not the room, not the receptionist; keeps a memory between calls."""

    def probability(self, block: Pcm) -> float:
        """`block` (4, 512) int16 at 16 kHz: microphone, least echo, least distortion, loudspeaker."""

    def reset(self) -> None: ...


OwnShare = Callable[[Pcm, int], float]
"""How much the microphone's sound until that time follows what the loudspeaker played, 0 to 1."""


class Background(Protocol):
    """The level of the room while nobody speaks."""

    @property
    def dbfs(self) -> float: ...

    @property
    def known(self) -> bool: ...

    def hear(self, pcm: Pcm, *, far_active: bool, voice: bool) -> None: ...


VoiceEvent = SpeechStarted | SpeechSoFar | BargeInConfirmed | SpeechDied | UtteranceEnded | DeviceChanged


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
        held_look_ms=hearing.held_look_ms,
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


def _joined(parts: Sequence[Pcm]) -> Pcm:
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


class Ears:
    """One visitor-facing microphone. `receptionist_speaking` is asked for every block."""

    def __init__(
        self,
        hearing: Hearing,
        voice: NearVoice,
        echo: EchoCanceller,
        receptionist_speaking: Callable[[], bool],
        is_open: Callable[[], bool],
        own_share: OwnShare | None = None,
        background: Background | None = None,
    ) -> None:
        self._endpointer = Endpointer(endpoint_settings(hearing))
        self._voice = voice
        self._echo = echo
        self._speaking = receptionist_speaking
        self._pre_roll_ns = hearing.pre_roll_ms * 1_000_000
        self._partial_ns = hearing.partial_ms * 1_000_000
        self._tape = _Tape(hearing.max_utterance_s + 2)
        self._pending = np.zeros((4, 0), np.int16)  # microphone, and what is made of it
        self._is_open = is_open  # False: muted by the visitor, or nobody is here
        self._own_share = own_share
        self._background = background
        self._heard_her = 0  # blocks, since the start: the cancellers learn the room from them
        self._frame_ns = 0  # when the last frame's last sample was captured
        self._told_ns = 0  # when what was said so far was last handed on
        self._over = False  # the utterance began while she was talking
        self.tally: Counter[str] = Counter()
        voice.reset()

    @property
    def in_speech(self) -> bool:
        return self._endpointer.in_speech

    @property
    def background_dbfs(self) -> float | None:
        return self._background.dbfs if self._background and self._background.known else None

    def forget(self) -> None:
        """Hold nothing of what was heard so far, nor of how the visitor speaks."""
        self._drop()
        self._voice.reset()
        self._endpointer.pace.forget()

    def adopt(self, hearing: Hearing) -> None:
        """How long a silence must be from now on; everything else of `hearing` is of the start."""
        self._endpointer.pace.bounds = pause_bounds(hearing)

    def profile(self, profile: Profile) -> None:
        """How patient to be with this visitor."""
        self._endpointer.pace.profile = profile

    def stands(self, voice_ns: int, standing: Standing, syllables: int) -> None:
        """What was said until the last voiced sample at `voice_ns` is finished, or is not."""
        self._endpointer.stands(voice_ns, standing, syllables)

    def drop(self, voice_ns: int) -> bool:
        """Forget the voice whose last sample was at `voice_ns`; False: it went on meanwhile, and is kept."""
        return self._endpointer.drop(voice_ns)

    def went_on_after(self, pause_ms: float) -> None:
        """They were cut off and went on: that silence was a pause of theirs."""
        self._endpointer.pace.went_on_after(pause_ms)

    async def hear(self, frames: AsyncIterator[AudioFrame]) -> AsyncIterator[VoiceEvent]:
        """Yield what the voice does, in order; and when the microphone turns out to give nothing but zeros."""
        deaf = False  # said to be, of the microphone that these frames are from
        async for frame in frames:
            speaking = self._speaking()
            self._mind_hole(frame)
            clean = self._echo.clean(frame.pcm, frame.at_ns)
            if self._echo.deaf != deaf:
                deaf = self._echo.deaf
                self.tally["deaf"] += deaf
                yield DeviceChanged("microphone", not deaf, "it delivers only zeros" if deaf else "", "only_zeros")
            heard = (frame.pcm, clean.detect, clean.words, clean.far)
            self._pending = np.concatenate((self._pending, heard), axis=1)
            while self._pending.shape[1] >= BLOCK_SAMPLES:
                block, self._pending = self._pending[:, :BLOCK_SAMPLES], self._pending[:, BLOCK_SAMPLES:]
                end_ns = frame.at_ns - int(self._pending.shape[1] * NS_PER_SAMPLE)
                for event in self._block(np.ascontiguousarray(block), end_ns, speaking=speaking):
                    self.tally[type(event).__name__] += 1
                    self.tally["capped"] += isinstance(event, UtteranceEnded) and event.capped
                    yield event

    def _mind_hole(self, frame: AudioFrame) -> None:
        """Sound that a starved machine lost is no silence of the visitor's."""
        hole_ns = frame.at_ns - self._frame_ns - int(len(frame.pcm) * NS_PER_SAMPLE)
        if self._frame_ns and hole_ns >= HOLE_NS:
            self.tally["holes"] += 1
            self._endpointer.lost(hole_ns / 1e6)
        self._frame_ns = frame.at_ns

    def _drop(self) -> None:
        self._tape.clear()
        self._endpointer.reset()

    def _block(self, signals: Pcm, end_ns: int, *, speaking: bool) -> Iterator[VoiceEvent]:
        block = Cleaned(signals[1], signals[2], signals[3])
        self._heard_her = min(self._heard_her + speaking, LEARNT_BLOCKS)
        if speaking and not self._echo.full_duplex:
            self._voice.reset()
            probability = 0.0
        else:  # also while nobody is here: the room is known when somebody comes
            probability = self._voice.probability(signals)
        if not self._is_open():
            self._drop()
            return
        self._tape.add(block, end_ns)
        echo = speaking and self._is_echo(end_ns)
        for edge in self._endpointer.step(probability, end_ns, over_speech=speaking, echo=echo):
            yield self._event(edge, end_ns, speaking=speaking)
        if self._background:
            voice = self._endpointer.start_ns is not None
            self._background.hear(block.detect, far_active=speaking, voice=voice)
        # not in a silence: at the pause that it may become, a look at a caption would be in the way
        if self._endpointer.voiced and self.in_speech and not speaking and end_ns - self._told_ns >= self._partial_ns:
            yield self._so_far(self._endpointer.start_ns or end_ns, end_ns, end_ns, paused=False)

    def _is_echo(self, end_ns: int) -> bool:
        """Whether what is heard over her is rather her own echo: until the cancellers have learnt the room, which they
        do once after the start, it is the likelier cause."""
        start_ns = self._endpointer.start_ns
        unconfirmed = start_ns is not None and self._endpointer.unconfirmed_over_ms > 0
        if not unconfirmed or start_ns is None or self._own_share is None or self._heard_her >= LEARNT_BLOCKS:
            return False
        heard = self._tape.words(max(start_ns - ONSET_LEAD_NS, end_ns - ONSET_MOST_NS), end_ns)
        return self._own_share(heard, end_ns) >= OWN_SHARE_AT_FIRST

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
                return SpeechDied(edge.voice_ns, self._utterance(edge, decided_ns))
        return self._utterance(edge, decided_ns)

    def _utterance(self, edge: Edge, decided_ns: int) -> UtteranceEnded:
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
        return SpeechSoFar(
            pcm=pcm,
            start_ns=start_ns,
            voice_ns=voice_ns,
            at_ns=at_ns,
            paused=paused,
            background_dbfs=self.background_dbfs,
        )

    def _cut(self, start_ns: int, voice_ns: int) -> Pcm:
        """A little of the silence around the words helps the recogniser with first and last sounds."""
        return self._tape.words(start_ns - self._pre_roll_ns, voice_ns + AFTER_ROLL_NS)
