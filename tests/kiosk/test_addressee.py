"""Whose speech counts: the visitor's, a companion's once accepted, nobody else's."""

from __future__ import annotations

import numpy as np
import pytest

from config.schema import Addressing
from kiosk.audio.addressee import Addressee, Judgement, UtteranceFacts, lips_odds

pytestmark = pytest.mark.unit

ANNA, BERT, CARL = 1, 2, 3


class FakeListener:
    """Reads who spoke from where out of the samples: pcm[0] is the speaker, pcm[1] the nearness in tenths."""

    near_threshold = 0.0
    same_threshold = 0.0

    def measure(self, pcm: np.ndarray, background_dbfs: float) -> np.ndarray | None:
        return np.array([pcm[1] / 10], np.float32) if len(pcm) else None

    def near(self, sound: np.ndarray) -> float:
        return float(sound[0])

    def same(self, sound: np.ndarray, usual: np.ndarray, likeness: float, seconds: float) -> float:
        return 6 * likeness - 3 - abs(float(sound[0] - usual[0]))


def embed(pcm: np.ndarray) -> np.ndarray:
    vector = np.zeros(4, np.float32)
    vector[pcm[0]] = 1
    return vector


def facts(who: int, near: float, **more: object) -> UtteranceFacts:
    given: dict[str, object] = {"seconds": 1.5, "background_dbfs": -55.0, "face_here_share": 1.0, **more}
    return UtteranceFacts(pcm=np.array([who, round(near * 10)], np.int16), **given)  # type: ignore[arg-type]


@pytest.fixture
def addressee() -> Addressee:
    return Addressee(Addressing(), embed, FakeListener())


def say(addressee: Addressee, who: int, near: float, **more: object) -> Judgement:
    return addressee.judge(facts(who, near, **more))


def test_the_first_near_voice_begins_the_visit_and_is_known_from_then_on(addressee: Addressee) -> None:
    assert say(addressee, ANNA, 2).reason == "first_voice"
    again = say(addressee, ANNA, 2)
    assert again.for_us and again.reason == "visit_voice" and again.likeness == pytest.approx(1)


def test_a_far_voice_and_another_near_voice_are_ignored_and_tallied_by_reason(addressee: Addressee) -> None:
    assert say(addressee, BERT, -4).reason == "far"
    say(addressee, ANNA, 2)
    assert say(addressee, BERT, 1.5).reason == "other_voice"
    assert say(addressee, CARL, -3).reason == "far"
    assert addressee.tally == {"far": 2, "first_voice": 1, "other_voice": 1}


def test_the_first_words_count_from_farther_away_than_a_strangers_later_ones(addressee: Addressee) -> None:
    assert say(addressee, ANNA, -2).reason == "first_voice"
    assert not say(addressee, BERT, -2).for_us


def test_still_lips_of_a_masked_visitor_are_not_held_against_a_voice_that_is_surely_theirs(
    addressee: Addressee,
) -> None:
    assert say(addressee, ANNA, 4, lips_share=0.0).for_us
    for _ in range(3):
        say(addressee, ANNA, 4, lips_share=0.0)
    assert addressee._lips_hidden
    assert say(addressee, ANNA, 2, lips_share=0.0).for_us
    addressee.forget()
    assert not addressee._lips_hidden


def test_nobody_in_front_means_nothing_counts(addressee: Addressee) -> None:
    judged = say(addressee, ANNA, 3, face_here_share=0.0)
    assert not judged.for_us and judged.reason == "nobody_here"


def test_without_a_camera_sound_alone_decides_and_says_so(addressee: Addressee) -> None:
    for _ in range(2):
        judged = say(addressee, ANNA, 2, face_here_share=None)
        assert judged.for_us and judged.sound_only and judged.reason == "sound_only"
    assert not say(addressee, BERT, 1, face_here_share=None).for_us


def test_a_companion_is_heard_after_being_accepted_and_no_longer_after_the_visit(addressee: Addressee) -> None:
    assert addressee.accept_companion() is False
    say(addressee, ANNA, 2)
    assert not say(addressee, BERT, 1.5).for_us
    assert addressee.accept_companion()
    assert say(addressee, BERT, 1.5).reason == "companion"
    assert say(addressee, ANNA, 2).reason == "visit_voice"
    assert not say(addressee, CARL, 1.5).for_us
    addressee.forget()
    say(addressee, ANNA, 2)
    assert not say(addressee, BERT, 1.5).for_us


def test_a_far_voice_never_becomes_a_companion(addressee: Addressee) -> None:
    say(addressee, ANNA, 2)
    say(addressee, BERT, -2)
    assert addressee.accept_companion() is False


def test_moving_lips_rescue_an_unsure_utterance_and_still_lips_sink_one(addressee: Addressee) -> None:
    say(addressee, ANNA, 2)
    assert not say(addressee, ANNA, -2).for_us  # turned away: 4 apart from usual
    rescued = say(addressee, ANNA, -2, lips_share=0.9)
    assert rescued.for_us and rescued.reason == "lips"
    addressee.forget()
    say(addressee, ANNA, 2)
    assert say(addressee, ANNA, 1).for_us
    assert not say(addressee, ANNA, 0.5, lips_share=0.0).for_us


def test_lips_that_were_not_seen_say_nothing_and_moving_ones_say_more_the_more_they_move() -> None:
    assert lips_odds(None) == 0
    odds = [lips_odds(share) for share in (0.0, 0.1, 0.2, 0.3, 0.5, 1.0)]
    assert odds == sorted(odds) and odds[0] < -2 and odds[-1] >= 3


def test_a_bystander_who_was_first_loses_the_visit_to_the_one_who_is_much_nearer(addressee: Addressee) -> None:
    say(addressee, BERT, 0.2)
    taken_over = say(addressee, ANNA, 2.5)
    assert taken_over.for_us and taken_over.reason == "near_voice"
    assert not say(addressee, BERT, 0.2).for_us
    assert say(addressee, ANNA, 2.5).for_us


def test_a_settled_visit_is_not_taken_over_by_a_nearer_voice(addressee: Addressee) -> None:
    for _ in range(3):
        say(addressee, ANNA, 1)
    assert not say(addressee, BERT, 4).for_us


def test_a_short_word_is_judged_leniently_and_shapes_no_voice(addressee: Addressee) -> None:
    say(addressee, ANNA, 2, seconds=0.4)
    assert say(addressee, BERT, 2).reason == "first_voice"  # the short word did not begin the visit's voice
    say(addressee, BERT, 2)
    assert not say(addressee, BERT, -1.5).for_us
    assert say(addressee, BERT, -1.5, seconds=0.5).for_us


def test_less_than_a_fifth_of_a_second_is_too_short_and_so_is_no_sound_at_all(addressee: Addressee) -> None:
    assert say(addressee, ANNA, 2, seconds=0.1).reason == "too_short"
    empty = UtteranceFacts(pcm=np.zeros(0, np.int16), seconds=1, background_dbfs=-50, face_here_share=1.0)
    assert addressee.judge(empty).reason == "too_short"


def test_without_the_network_for_voices_nearness_decides() -> None:
    addressee = Addressee(Addressing(), None, FakeListener())
    assert say(addressee, ANNA, 2).for_us and say(addressee, BERT, 2).for_us
    assert say(addressee, BERT, -2).reason == "far"


def test_nothing_of_sound_or_voice_is_in_a_repr(addressee: Addressee) -> None:
    say(addressee, ANNA, 2)
    assert "array" not in repr(facts(ANNA, 2)) and "array" not in repr(addressee._visitor)
