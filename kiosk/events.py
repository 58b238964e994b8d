"""What happens at the terminal, as values. Past tense; each knows its turn where it belongs to one.

Sound and words are kept out of every `repr`, so that no log can carry them by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NewType

import numpy as np
import numpy.typing as npt

TurnId = NewType("TurnId", int)
Pcm = npt.NDArray[np.int16]
Picture = npt.NDArray[np.uint8]

MIC_RATE_HZ = 16_000
FRAME_SAMPLES = 320  # 20 ms
SPEECH_RATE_HZ = 24_000


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """20 ms of the microphone: (320,) int16 mono at 16 kHz, captured at `at_ns` (monotonic, last sample)."""

    pcm: Pcm = field(repr=False, compare=False)
    at_ns: int


@dataclass(frozen=True, slots=True)
class CameraFrame:
    """One picture: (h, w, 3) uint8, blue green red, taken at `at_ns` (monotonic)."""

    bgr: Picture = field(repr=False, compare=False)
    at_ns: int


# ------------------------------------------------------------------ who is here
@dataclass(frozen=True, slots=True)
class PersonArrived:
    """Somebody stands in front of the terminal, long enough not to be passing by."""

    at_ns: int


@dataclass(frozen=True, slots=True)
class PersonLeft:
    at_ns: int


@dataclass(frozen=True, slots=True)
class AttentionLost:
    """The visitor stands there and has looked elsewhere for a while. `level` 1 warns; from 2 on the visit may end."""

    level: int
    at_ns: int


@dataclass(frozen=True, slots=True)
class FaceMoved:
    """Where the visitor's face is, -1..1 from the middle of the picture, x to the right of the picture, y down."""

    x: float
    y: float
    at_ns: int


# ------------------------------------------------------------------ what is heard
@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Voice for longer than a click. `at_ns`: its first voiced sample."""

    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSoFar:
    """What was said until now, while the visitor may still go on: to be recognised ahead, and shown."""

    pcm: Pcm = field(repr=False, compare=False)  # (n,) mono 16 kHz; never in a log
    start_ns: int  # first voiced sample
    voice_ns: int  # last voiced sample
    at_ns: int
    paused: bool  # they are silent just now: this may be all
    background_dbfs: float | None = None  # level of the room while nobody spoke; None: not known yet

    def as_utterance(self) -> UtteranceEnded:
        """As if it had been decided now that this was all; it was said over her."""
        return UtteranceEnded(
            pcm=self.pcm,
            start_ns=self.start_ns,
            end_ns=self.voice_ns,
            decided_ns=self.at_ns,
            over_speech=True,
            background_dbfs=self.background_dbfs,
        )


@dataclass(frozen=True, slots=True)
class BargeInConfirmed:
    """What is said over the receptionist is more than 'mm-hm': the visitor wants to speak. `start_ns`: since when."""

    at_ns: int
    start_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceEnded:
    """One endpointed stretch of visitor speech, ready for recognition."""

    pcm: Pcm = field(repr=False, compare=False)  # (n,) mono 16 kHz; never in a log
    start_ns: int  # first voiced sample
    end_ns: int  # last voiced sample
    decided_ns: int  # when the endpoint was decided
    capped: bool = False  # the hard cap ended it, not a pause
    kept: int = 0  # samples at the front that are from before: the visitor was cut off and went on
    over_speech: bool = False  # begun while the receptionist was talking
    background_dbfs: float | None = None  # level of the room while nobody spoke; None: not known yet


@dataclass(frozen=True, slots=True)
class SpeechDied:
    """The voice over the receptionist stopped before it held her: a cough, 'mm-hm', or a quick 'stop'."""

    at_ns: int
    said: UtteranceEnded | None = None


# ------------------------------------------------------------------ one turn
@dataclass(frozen=True, slots=True)
class NothingHeard:
    """Sound without words."""

    turn: TurnId


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """What stopped her was nothing for us: a cough, 'mm-hm', her own voice, somebody else. She goes on.

    `doubt`: it was but guessed at; with more care it may turn out to have been words for us.
    """

    turn: TurnId
    doubt: UtteranceEnded | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """What stopped her were words for us: her sentence is dropped, they are answered."""

    turn: TurnId
    utterance: UtteranceEnded = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplyBegan:
    """The first sample of the answer is on its way to the loudspeaker."""

    turn: TurnId


@dataclass(frozen=True, slots=True)
class PlaybackFinished:
    """The answer was played to its end."""

    turn: TurnId


@dataclass(frozen=True, slots=True)
class FarewellSpoken:
    """The last sentence of a visit was played."""

    turn: TurnId


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A stage could not do its part of a turn. `reason` is a stable code."""

    turn: TurnId
    stage: str
    reason: str


# ------------------------------------------------------------------ touches, silence, devices
@dataclass(frozen=True, slots=True)
class Touched:
    """A target of the current snapshot was pressed."""

    target: str
    at_ns: int


@dataclass(frozen=True, slots=True)
class Stroked:
    """A line was drawn on the pad: x and y in the pad's units, milliseconds. A visitor's hand: in no log."""

    points: tuple[tuple[int, int, int], ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class SilenceLasted:
    """Nobody spoke or touched for the time of level 1 (ask) or 2 (forget)."""

    level: Literal[1, 2]
    at_ns: int


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """A device went away or came back. `detail` says which and why, without private data."""

    device: Literal["microphone", "speaker", "camera", "printer", "screen", "hub"]
    works: bool
    detail: str = ""
    reason: str = "not_found"  # as the hub is told: a word of the contract's kind


@dataclass(frozen=True, slots=True)
class QueueChanged:
    """The hub's view of the branch's queue is new, or was lost."""


@dataclass(frozen=True, slots=True)
class TellerNews:
    """Where the visitor stands in the line for a remote teller is new."""


Event = (
    PersonArrived
    | PersonLeft
    | AttentionLost
    | FaceMoved
    | SpeechStarted
    | SpeechSoFar
    | BargeInConfirmed
    | SpeechDied
    | UtteranceEnded
    | NothingHeard
    | FalseAlarm
    | Interrupted
    | ReplyBegan
    | PlaybackFinished
    | FarewellSpoken
    | StageFailed
    | Touched
    | Stroked
    | SilenceLasted
    | DeviceChanged
    | QueueChanged
    | TellerNews
)
