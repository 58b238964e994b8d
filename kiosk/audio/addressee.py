"""Is this meant for us? Each finished utterance is judged: the visitor's, a companion's, or not ours.

While no voice is known, somebody must stand in front and the sound must be near. The first utterances
that count become the voice of the visit; from then on an utterance has to be that voice at that place.
Moving lips speak for it, still lips against it. Pure but for the two listeners that it is given; what it
holds is forgotten with the visit and is in no log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from config.schema import Addressing
from kiosk.events import Pcm

Floats = npt.NDArray[np.float32]
Reason = Literal[
    "near_voice", "lips", "visit_voice", "companion", "first_voice", "sound_only",
    "too_short", "far", "other_voice", "nobody_here",
]  # fmt: skip

LIPS_MOVING: Final = 0.5  # of the utterance, and more: as strong as it gets
LIPS_STILL: Final = 0.1
# Log odds, if one utterance in twenty is seen wrongly either way, and a visitor's lips seen still in one of fifty.
LIPS_FOR: Final = 3.0
LIPS_AGAINST: Final = -3.9
LIPS_AGAINST_FIRST: Final = -2.0  # a mask hides the mouth, and before the voice is known nothing else could tell
SHORT_S: Final = 0.8  # less says little about a voice: judged leniently, and nothing is learnt from it
# Nearness alone tells little in a live or noisy room, and a visitor who is never heard is worse off than a bystander
# who is answered once: the first words count unless they are clearly far. The voice of the visit decides from then on.
FIRST_LENIENT: Final = 3.0
LENIENT: Final = 0.7  # log odds given to short ones
LEARN_MARGIN: Final = 0.5  # log odds above the threshold before an utterance shapes the visit's voice
HIDDEN_MARGIN: Final = 3.0  # so surely the visitor's voice that it is the lips that are not seen
MEMORY: Final = 6  # utterances that a voice is the mean of; older ones fade
COMPANIONS: Final = 3
SURE_AFTER: Final = 2  # utterances; before, a voice that is much nearer takes the visit over
MUCH_NEARER: Final = 2.0  # log odds of being near


class Listener(Protocol):
    """How near something sounds, and whether it sounds as the visitor does. Log odds; thresholds are its own."""

    near_threshold: float
    same_threshold: float

    def measure(self, pcm: Pcm, background_dbfs: float) -> Floats | None: ...

    def near(self, sound: Floats) -> float: ...

    def same(self, sound: Floats, usual: Floats, likeness: float, seconds: float) -> float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UtteranceFacts:
    """What is known of one finished utterance."""

    pcm: Pcm = field(repr=False, compare=False)  # (n,) at 16 kHz, the words' signal; never in a log
    seconds: float  # from the first to the last voiced sample
    background_dbfs: float  # the room while nobody spoke
    face_here_share: float | None = None  # of the utterance, somebody stood in front; None: no camera
    lips_share: float | None = None  # of it, that face's lips moved; None: the mouth was not to be seen
    faces_near: int = 1
    over_speech: bool = False  # the receptionist was talking


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """For us or not, and why; the odds are natural logarithms, above the threshold is for us."""

    for_us: bool
    reason: Reason
    odds: float = 0.0
    threshold: float = 0.0
    near_odds: float = 0.0
    likeness: float | None = None  # cosine with the nearest known voice
    sound_only: bool = False  # no camera: judged by sound alone


@dataclass(slots=True)
class _Voice:
    """One person of this visit: what the voice is like and how it usually arrives. Never printed."""

    vector: Floats = field(repr=False)  # of length one
    usual: Floats = field(repr=False)
    near_odds: float
    heard: int = 1

    def learn(self, vector: Floats, sound: Floats, near_odds: float) -> None:
        share = 1 / (min(self.heard, MEMORY - 1) + 1)
        mixed = self.vector * (1 - share) + vector * share
        self.vector = np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-9), np.float32)
        self.usual = np.asarray(self.usual * (1 - share) + sound * share, np.float32)
        self.near_odds = self.near_odds * (1 - share) + near_odds * share
        self.heard += 1


@dataclass(frozen=True, slots=True)
class _Heard:
    """One utterance, listened to."""

    sound: Floats
    vector: Floats | None  # None: too short, or no network for it
    near_odds: float
    lips_odds: float


class Addressee:
    """Judges the utterances of one visit, in order. Blocking: called on a model's thread.

    `embed` gives (d,) of length one for an utterance, zeros where there is no voice; None: no such network,
    and nearness decides alone. `listener` None: presence alone decides. `tally` counts the reasons.
    """

    def __init__(self, settings: Addressing, embed: Callable[[Pcm], Floats] | None, listener: Listener | None) -> None:
        self._set = settings
        self._embed = embed
        self._listener = listener
        self.tally: Counter[Reason] = Counter()
        self.forget()

    def forget(self) -> None:
        """End of the visit: no voice is known any more. The tally stays."""
        self._visitor: _Voice | None = None
        self._companions: list[_Voice] = []
        self._ignored_near: _Voice | None = None
        self._lips_hidden = False  # the visitor was heard with lips that seemed still: a mask, a beard, a scarf

    def accept_companion(self) -> bool:
        """The last near voice that was ignored belongs to the visitor. False: there was none, or there are enough."""
        if self._ignored_near is None or len(self._companions) >= COMPANIONS:
            return False
        self._companions.append(self._ignored_near)
        self._ignored_near = None
        return True

    def judge(self, utterance: UtteranceFacts) -> Judgement:
        """Whether the utterance is for us; about 0.1 s with the networks."""
        judgement = self._judge(utterance)
        self.tally[judgement.reason] += 1
        return judgement

    def _judge(self, utterance: UtteranceFacts) -> Judgement:
        blind = utterance.face_here_share is None
        if utterance.face_here_share is not None and utterance.face_here_share < self._set.presence_share:
            return Judgement(for_us=False, reason="nobody_here")
        if self._listener is None:
            return Judgement(for_us=True, reason="sound_only" if blind else "near_voice", sound_only=blind)
        heard = self._listen(utterance, self._listener)
        if heard is None:
            return Judgement(for_us=False, reason="too_short", sound_only=blind)
        if self._visitor is None or heard.vector is None:
            return self._unknown(utterance, heard, self._listener, blind=blind)
        return self._known(utterance, heard, self._listener, blind=blind)

    def _listen(self, utterance: UtteranceFacts, listener: Listener) -> _Heard | None:
        sound = listener.measure(utterance.pcm, utterance.background_dbfs)
        if sound is None or utterance.seconds < self._set.shortest_s:
            return None
        vector = self._embed(utterance.pcm) if self._embed is not None else None
        if vector is not None and not vector.any():
            vector = None
        lips = lips_odds(utterance.lips_share)
        return _Heard(sound, vector, listener.near(sound), max(0.0, lips) if self._lips_hidden else lips)

    def _unknown(self, utterance: UtteranceFacts, heard: _Heard, listener: Listener, *, blind: bool) -> Judgement:
        """No voice to compare with: near enough, with the lips' word."""
        odds = heard.near_odds + max(LIPS_AGAINST_FIRST, heard.lips_odds)
        first = self._visitor is None and heard.vector is not None
        threshold = listener.near_threshold - self._set.leniency - (FIRST_LENIENT if first else 0.0)
        for_us = odds >= threshold
        reason: Reason = "first_voice" if self._visitor is None else "near_voice"
        if for_us:
            if blind:
                reason = "sound_only"
            elif heard.near_odds < threshold:
                reason = "lips"
            if heard.vector is not None and self._visitor is None and utterance.seconds >= SHORT_S:
                self._visitor = _Voice(heard.vector, heard.sound, heard.near_odds)
        return Judgement(
            for_us=for_us, reason=reason if for_us else "far", odds=odds, threshold=threshold,
            near_odds=heard.near_odds, sound_only=blind,
        )  # fmt: skip

    def _known(self, utterance: UtteranceFacts, heard: _Heard, listener: Listener, *, blind: bool) -> Judgement:
        assert self._visitor is not None and heard.vector is not None
        vector = heard.vector
        odds_of = [
            (listener.same(heard.sound, voice.usual, float(vector @ voice.vector), utterance.seconds), voice)
            for voice in (self._visitor, *self._companions)
        ]
        alone, best = max(odds_of, key=lambda pair: pair[0])
        short = utterance.seconds < SHORT_S
        threshold = listener.same_threshold - self._set.leniency - (LENIENT if short else 0.0)
        # the lips are the visitor's: a companion may stand beside the picture
        odds = alone + (heard.lips_odds if best is self._visitor else max(0.0, heard.lips_odds))
        for_us = odds >= threshold
        if (
            best is self._visitor
            and not short
            and alone >= threshold + HIDDEN_MARGIN
            and heard.lips_odds <= LIPS_AGAINST
        ):
            self._lips_hidden = True
        if for_us and not short and odds >= threshold + LEARN_MARGIN:
            best.learn(vector, heard.sound, heard.near_odds)
        near = heard.near_odds >= listener.near_threshold
        if not for_us and near and not short:
            stranger = _Voice(vector, heard.sound, heard.near_odds)
            if self._first_was_mistaken(heard):
                self._visitor = stranger
                return Judgement(
                    for_us=True, reason="sound_only" if blind else "near_voice", odds=heard.near_odds,
                    threshold=listener.near_threshold, near_odds=heard.near_odds, sound_only=blind,
                )  # fmt: skip
            self._ignored_near = stranger
        return Judgement(
            for_us=for_us, reason=self._why(best, for_us=for_us, by_sound=alone >= threshold, near=near, blind=blind),
            odds=odds, threshold=threshold, near_odds=heard.near_odds, likeness=float(vector @ best.vector),
            sound_only=blind,
        )  # fmt: skip

    def _first_was_mistaken(self, heard: _Heard) -> bool:
        """A bystander spoke first and was taken for the visitor, who is much nearer than that."""
        assert self._visitor is not None
        unsure = self._visitor.heard < SURE_AFTER and not self._companions
        return unsure and heard.lips_odds >= 0 and heard.near_odds >= self._visitor.near_odds + MUCH_NEARER

    def _why(self, best: _Voice, *, for_us: bool, by_sound: bool, near: bool, blind: bool) -> Reason:
        if not for_us:
            return "other_voice" if near else "far"
        if best is not self._visitor:
            return "companion"
        if blind:
            return "sound_only"
        return "visit_voice" if by_sound else "lips"


def lips_odds(share: float | None) -> float:
    """What moving (share near 1) or still lips (near 0) say, as log odds; nothing where the mouth was not seen."""
    if share is None:
        return 0.0
    between = (share - LIPS_STILL) / (LIPS_MOVING - LIPS_STILL)
    return LIPS_AGAINST + (LIPS_FOR - LIPS_AGAINST) * min(1.0, max(0.0, between))
