"""Deciding that the visitor began to speak, speaks over the receptionist, and has finished.

Pure: takes the probability of voice of each block and the time of its end, nothing else; no clock, no sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kiosk.audio.pauses import BRISK_SYLLABLES, Pace, PauseBounds, Standing

BLOCK_MS = 32  # silero's window: 512 samples at 16 kHz
MS = 1_000_000
INNER_PAUSE_MS: Final = 250  # shorter silences belong to speaking: stops between words
FORGIVEN_MS: Final = 1000.0  # of sound that was lost within one silence; what is longer is one


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    voice_on: float
    voice_off: float
    min_speech_ms: int
    look_ms: int  # silence after which the words so far are looked at
    held_look_ms: int  # the same while she is silenced by them, and waits for nothing else
    barge_in_ms: int  # voice over her, from which on she is silent until it is clear what it was
    died_ms: int  # silence after which a voice over her that was no barge-in is over
    max_utterance_ms: int
    pauses: PauseBounds


@dataclass(frozen=True, slots=True)
class Edge:
    """Something the voice did. `voice_ns`: first voiced sample for `began`, last one for the others."""

    kind: Literal["began", "paused", "barged_in", "died", "ended", "capped"]
    voice_ns: int
    start_ns: int


class Endpointer:
    """A voice that is on, off, or being waited for.

        probability  __--~~~~~~~~--____--~~~~~~~--__________
                       |began      |paused      |paused |ended

    After `paused` somebody may say how the words stand (`stands`); the silence that is needed follows from it and
    from the speaker's pace. While the receptionist speaks, a voice that was not confirmed dies without having been
    an utterance.
    """

    def __init__(self, settings: EndpointSettings, pace: Pace | None = None) -> None:
        self._set = settings
        self.pace = pace or Pace(settings.pauses)
        self.reset()

    def reset(self) -> None:
        """Wait for a voice anew."""
        self._start_ns: int | None = None
        self._last_ns = 0
        self._lost_ms = 0.0
        self._run_ms = 0.0
        self._began = False
        self._confirmed = False
        self._looked = False
        self._standing: Standing = "unknown"
        self._voiced_over_ms = 0.0
        self._syllables = 0
        self._paused = False
        self._voiced_now = False

    @property
    def voiced(self) -> bool:
        """Whether the last block was voice."""
        return self._voiced_now

    @property
    def in_speech(self) -> bool:
        return self._began

    @property
    def start_ns(self) -> int | None:
        """The first voiced block's beginning, while there is a voice."""
        return self._start_ns

    @property
    def unconfirmed_over_ms(self) -> float:
        """Voice over her so far that is not yet a barge-in; 0 when there is none, or it is one already."""
        return 0.0 if self._confirmed or not self._began else self._voiced_over_ms

    @property
    def _rate(self) -> float | None:
        """Syllables a second of this utterance, its pauses left out; None: not known, or too short to say."""
        enough = self._syllables >= BRISK_SYLLABLES and self._run_ms > 0
        return self._syllables * 1000 / self._run_ms if enough else None

    def stands(self, voice_ns: int, standing: Standing, syllables: int = 0) -> None:
        """What was said until the last voiced sample at `voice_ns` stands like this; late news is of no use."""
        if self._began and voice_ns == self._last_ns:
            self._standing, self._syllables = standing, syllables

    def lost(self, hole_ms: float) -> None:
        """So much of the microphone's sound before the next block was lost: nobody knows whether it was silence.

        A starved machine would otherwise take it for the visitor's pause, end their sentence in its middle, and wait
        long after each of their sentences from then on.
        """
        if self._start_ns is not None:
            self._lost_ms = min(FORGIVEN_MS, self._lost_ms + hole_ms)

    def drop(self, voice_ns: int) -> bool:
        """End an utterance without a word; False: there is none, or it went on after `voice_ns`."""
        if not self._began or voice_ns != self._last_ns:
            return False
        self.reset()
        return True

    def step(self, probability: float, end_ns: int, *, over_speech: bool, echo: bool = False) -> Iterator[Edge]:
        """Take one block that ended at `end_ns`; yields what happened.

        `over_speech`: the receptionist is talking. `echo`: what is heard over her is rather her own voice.
        """
        voiced = self._voiced_now = probability >= (self._set.voice_off if self._began else self._set.voice_on)
        if self._start_ns is None:
            if not voiced:
                return
            self._start_ns = end_ns - BLOCK_MS * MS
        if voiced:
            self._voiced(end_ns, over_speech=over_speech)
        if not self._began:
            yield from self._waiting(end_ns)
            return
        yield from self._speaking(end_ns, over_speech=over_speech, echo=echo)

    def _voiced(self, end_ns: int, *, over_speech: bool) -> None:
        pause_ms = (end_ns - self._last_ns) / MS - BLOCK_MS - self._lost_ms if self._last_ns else 0.0
        if self._began and pause_ms >= INNER_PAUSE_MS:
            self.pace.went_on_after(pause_ms)
            self._paused = True
        self._last_ns = end_ns
        self._lost_ms = 0.0
        self._run_ms += BLOCK_MS
        self._looked = False
        self._standing, self._syllables = "unknown", 0
        if over_speech:
            self._voiced_over_ms += BLOCK_MS

    def _waiting(self, end_ns: int) -> Iterator[Edge]:
        assert self._start_ns is not None
        if self._run_ms >= self._set.min_speech_ms:
            self._began = True
            yield Edge("began", self._start_ns, self._start_ns)
        elif end_ns - self._last_ns >= (4 * BLOCK_MS + self._lost_ms) * MS:  # voice for a moment only: a click
            self.reset()

    def _speaking(self, end_ns: int, *, over_speech: bool, echo: bool) -> Iterator[Edge]:
        assert self._start_ns is not None
        start_ns, last_ns = self._start_ns, self._last_ns
        silence_ms = (end_ns - last_ns) / MS - self._lost_ms
        long = self._voiced_over_ms >= self._set.barge_in_ms
        if over_speech and not self._confirmed and long and not echo:
            self._confirmed = True
            yield Edge("barged_in", last_ns, start_ns)
        unwanted = over_speech and not self._confirmed
        if end_ns - start_ns >= self._set.max_utterance_ms * MS:
            self.reset()
            yield Edge("died" if unwanted else "capped", last_ns, start_ns)
        elif unwanted:
            if silence_ms >= self._set.died_ms:
                self.reset()
                yield Edge("died", last_ns, start_ns)
        elif silence_ms >= self.pace.needed_ms(self._standing, self._rate):
            self.pace.spoke(self._syllables, self._run_ms, paused=self._paused)
            self.reset()
            yield Edge("ended", last_ns, start_ns)
        elif not self._looked and silence_ms >= (self._set.held_look_ms if self._confirmed else self._set.look_ms):
            self._looked = True
            yield Edge("paused", last_ns, start_ns)
