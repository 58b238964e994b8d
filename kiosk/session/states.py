"""What the terminal is doing, and what each event makes of it: one table, no other rules.

A pair that is not in the table changes nothing; the session counts it.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from kiosk.events import (
    AttentionLost,
    BargeInConfirmed,
    Event,
    FalseAlarm,
    FarewellSpoken,
    Interrupted,
    NothingHeard,
    PersonArrived,
    PersonLeft,
    PlaybackFinished,
    ReplyBegan,
    SilenceLasted,
    SpeechDied,
    SpeechStarted,
    StageFailed,
    TellerNews,
    Touched,
    UtteranceEnded,
)


class State(Enum):
    IDLE = auto()  # nobody is served; the attract page invites
    LISTENING = auto()  # the visitor's turn
    THINKING = auto()  # words are being recognised, understood, answered
    SPEAKING = auto()  # the receptionist's turn
    HELD = auto()  # somebody spoke over her: she is silent until it is clear whether it was for her


class Effect(Enum):
    BEGIN_VISIT = auto()
    GREET = auto()
    RECOGNISE = auto()  # begin a turn with the utterance of the event
    ANSWER_TOUCH = auto()  # begin a turn with the target of the event
    PROMPT = auto()  # 'are you still there?'
    TELL_NEWS = auto()  # where the visitor stands with the remote tellers
    SAY_SORRY = auto()  # a stage failed: say so and offer touch or a person
    DUCK = auto()  # maybe the visitor wants to speak: softer
    UNDUCK = auto()
    CANCEL_TURN = auto()  # drop the turn and what is still to be said
    KEEP_UTTERANCE = auto()  # the visitor goes on: the words so far belong to the next utterance
    LISTEN = auto()
    HOLD = auto()  # silence at once; her sentence is not given up yet
    WEIGH = auto()  # was what stopped her for us?
    CONSIDER = auto()  # a voice too short to hold her: did it ask her to stop?
    RESUME = auto()  # it was not: go on at the word where she was stopped
    END_VISIT = auto()  # forget everything about the visitor


_L, _T, _S, _H, _I = State.LISTENING, State.THINKING, State.SPEAKING, State.HELD, State.IDLE
_E = Effect

TABLE: Final[dict[tuple[State, type[Event]], tuple[State, tuple[Effect, ...]]]] = {
    (_I, PersonArrived): (_S, (_E.BEGIN_VISIT, _E.GREET)),
    (_I, Touched): (_T, (_E.BEGIN_VISIT, _E.ANSWER_TOUCH)),
    (_I, UtteranceEnded): (_T, (_E.BEGIN_VISIT, _E.RECOGNISE)),
    (_L, UtteranceEnded): (_T, (_E.RECOGNISE,)),
    (_L, Touched): (_T, (_E.ANSWER_TOUCH,)),
    (_L, SilenceLasted): (_S, (_E.PROMPT,)),
    (_L, AttentionLost): (_S, (_E.PROMPT,)),
    (_L, TellerNews): (_T, (_E.TELL_NEWS,)),
    (_T, ReplyBegan): (_S, ()),
    (_T, NothingHeard): (_L, (_E.LISTEN,)),
    (_T, StageFailed): (_S, (_E.SAY_SORRY,)),
    (_T, SpeechStarted): (_L, (_E.CANCEL_TURN, _E.KEEP_UTTERANCE)),
    (_T, Touched): (_T, (_E.CANCEL_TURN, _E.ANSWER_TOUCH)),
    (_S, SpeechStarted): (_S, (_E.DUCK,)),  # maybe 'mm-hm'
    (_S, SpeechDied): (_S, (_E.UNDUCK, _E.CONSIDER)),
    (_S, Interrupted): (_T, (_E.CANCEL_TURN, _E.RECOGNISE)),
    (_S, BargeInConfirmed): (_H, (_E.HOLD,)),
    (_H, UtteranceEnded): (_H, (_E.WEIGH,)),
    (_H, SpeechStarted): (_H, (_E.KEEP_UTTERANCE,)),
    (_H, SpeechDied): (_S, (_E.RESUME,)),
    (_H, FalseAlarm): (_S, (_E.RESUME,)),
    (_H, Interrupted): (_T, (_E.CANCEL_TURN, _E.RECOGNISE)),
    (_H, Touched): (_T, (_E.CANCEL_TURN, _E.ANSWER_TOUCH)),
    (_H, PlaybackFinished): (_L, (_E.LISTEN,)),  # the loudspeaker went away meanwhile
    (_H, StageFailed): (_S, (_E.RESUME,)),
    (_L, Interrupted): (_T, (_E.RECOGNISE,)),
    (_S, Touched): (_T, (_E.CANCEL_TURN, _E.ANSWER_TOUCH)),
    (_S, PlaybackFinished): (_L, (_E.LISTEN,)),
    (_S, StageFailed): (_L, (_E.LISTEN,)),  # her voice failed: what she wanted to say is on the screen
    (_S, FarewellSpoken): (_I, (_E.END_VISIT,)),
    (_L, FarewellSpoken): (_I, (_E.END_VISIT,)),
    (_L, PersonLeft): (_I, (_E.CANCEL_TURN, _E.END_VISIT)),
    (_T, PersonLeft): (_I, (_E.CANCEL_TURN, _E.END_VISIT)),
    (_S, PersonLeft): (_I, (_E.CANCEL_TURN, _E.END_VISIT)),
    (_H, PersonLeft): (_I, (_E.CANCEL_TURN, _E.END_VISIT)),
}  # fmt: skip


def step(state: State, event: Event) -> tuple[State, tuple[Effect, ...]]:
    """Pure. A pair that is not in the table changes nothing."""
    lasted = isinstance(event, SilenceLasted | AttentionLost) and event.level >= 2
    if state is State.LISTENING and lasted:
        return State.IDLE, (Effect.CANCEL_TURN, Effect.END_VISIT)
    return TABLE.get((state, type(event)), (state, ()))
