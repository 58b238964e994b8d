"""Moods, idle life, gestures, and the mouth on the loudspeaker's clock. Virtual time throughout."""

from __future__ import annotations

import itertools
from dataclasses import astuple

import pytest

from avatar.expression import BLEND_S, MOODS, Performer, mood_of
from avatar.gesture import ENTER_S, HOLD_S, LEAVE_S, WAVE_AGAIN_S, GesturePlayer
from avatar.idle import Blinks, Saccades, breath_at
from avatar.lipsync import EXTRAPOLATE_NS, LipSync
from avatar.pose import MouthPose, Pose
from contracts.screen import SpeechClock, SpeechPlan, SpeechStopped
from contracts.speech import VisemeSpan

pytestmark = pytest.mark.unit

MS = 1_000_000
FRAME_S = 1 / 30
SILENT = MouthPose()


def wish(performer: Performer, now_s: float, **changes: object) -> None:
    wishes = {"expression": "warm", "gesture": "rest", "gaze": (0.0, 0.0), "listening": "off", **changes}
    performer.wish(**wishes, now_s=now_s)  # type: ignore[arg-type]


def at(performer: Performer, now_s: float) -> Pose:
    return performer.pose_at(now_s, SILENT, speaking=False)


def test_a_new_expression_is_reached_within_250_ms_and_never_in_one_frame() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0)
    at(performer, 0.0)
    wish(performer, 1.0, expression="concerned")
    worries = [at(performer, 1.0 + i * FRAME_S).mood.worry for i in range(12)]
    assert worries[0] == 0.0
    assert worries[int(BLEND_S / FRAME_S) + 1] == pytest.approx(MOODS["concerned"].worry)
    assert max(b - a for a, b in itertools.pairwise(worries)) < 0.3


def test_a_blend_that_is_interrupted_goes_on_from_where_it_is() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0, expression="neutral")
    wish(performer, 1.0, expression="glad")
    halfway = at(performer, 1.12).mood.smile
    wish(performer, 1.12, expression="concerned")
    assert at(performer, 1.12).mood.smile == pytest.approx(halfway)


def test_thinking_looks_up_and_away_and_listening_tilts_the_head() -> None:
    assert mood_of("warm", "thinking").look_y < -0.5
    assert abs(mood_of("warm", "thinking").look_x) > 0.5
    assert mood_of("warm", "listening").tilt >= 3
    assert mood_of("firm", "listening") == MOODS["firm"]  # a warning stays a warning


def test_the_eyes_arrive_at_a_visitor_within_half_a_second() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0, gaze=(1.0, 0.4))
    poses = [at(performer, i * FRAME_S) for i in range(16)]
    assert poses[0].gaze_x < 0.2
    assert poses[-1].gaze_x > 0.6
    assert poses[-1].gaze_y > 0.2


def test_blinks_come_every_2_to_6_seconds_and_shut_the_lid_for_less_than_half_a_second() -> None:
    blinks, starts, shut_frames, was = Blinks(seed=11), [], 0, 0.0
    frames = 30 * 300
    for i in range(frames):
        lid = blinks.lid_at(i * FRAME_S)
        assert 0 <= lid <= 1
        if lid > 0 and was == 0:
            starts.append(i * FRAME_S)
        shut_frames += lid > 0.5
        was = lid
    gaps = [b - a for a, b in itertools.pairwise(starts)]
    single = [gap for gap in gaps if gap > 1]
    assert 45 <= len(starts) <= 120  # 9 to 24 a minute
    assert all(1.9 <= gap <= 6.6 for gap in single)
    assert len(single) > 0.7 * len(gaps)
    assert shut_frames / frames < 0.1


def test_small_eye_movements_stay_small_and_breath_stays_between_0_and_1() -> None:
    saccades = Saccades(seed=3)
    offsets = [saccades.offset_at(i * FRAME_S) for i in range(3000)]
    assert max(abs(v) for offset in offsets for v in offset) <= 0.1
    assert len(set(offsets)) > 100
    assert {round(breath_at(i / 10), 6) >= 0 for i in range(80)} == {True}
    assert max(breath_at(i / 10) for i in range(80)) <= 1


def test_one_gesture_a_turn_then_rest() -> None:
    player = GesturePlayer()
    player.ask("wave", 0.0)
    assert player.pose_at(ENTER_S).shown == pytest.approx(1.0)
    gone_s = ENTER_S + HOLD_S["wave"] + LEAVE_S
    player.pose_at(ENTER_S + HOLD_S["wave"] + 0.01)
    assert player.pose_at(gone_s + 0.05).name == "rest"
    player.ask("wave", gone_s + 0.1)  # the same snapshot again
    assert player.pose_at(gone_s + 1).name == "rest"
    assert player.pose_at(gone_s + WAVE_AGAIN_S, repeat_wave=True).name == "wave"


def test_a_gesture_asked_for_during_another_follows_it_without_a_jump() -> None:
    player = GesturePlayer()
    player.ask("wave", 0.0)
    player.pose_at(1.0)
    player.ask("present", 1.0)
    shown = [player.pose_at(1.0 + i * FRAME_S) for i in range(40)]
    assert shown[-1].name == "present"
    for a, b in itertools.pairwise(shown):
        assert a.name == b.name or (a.shown < 0.2 and b.shown < 0.2)


SPANS = (VisemeSpan("a", 0, 24_000), VisemeSpan("i", 24_000, 48_000))


def test_the_mouth_follows_the_reported_position_and_runs_on_between_reports() -> None:
    speech = LipSync()
    speech.plan(SpeechPlan("u", 24_000, SPANS))
    assert speech.position(0) is None  # nothing is heard before the loudspeaker says so
    speech.clock(SpeechClock("u", 6_000, 1_000 * MS))
    assert speech.position(1_100 * MS) == 8_400
    assert speech.mouth(1_100 * MS).open > 0.8


def test_the_mouth_never_runs_beyond_the_plan_and_closes_when_reports_stop_coming() -> None:
    speech = LipSync()
    speech.plan(SpeechPlan("u", 24_000, SPANS[:1]))
    speech.clock(SpeechClock("u", 23_000, 0))
    assert speech.position(500 * MS) == 24_000
    assert speech.mouth(500 * MS) == SILENT
    speech.clock(SpeechClock("u", 1_000, 600 * MS))
    assert speech.mouth(600 * MS + EXTRAPOLATE_NS + 1) == SILENT


def test_silence_closes_the_mouth_at_once_and_late_messages_do_not_open_it_again() -> None:
    speech = LipSync()
    speech.plan(SpeechPlan("u", 24_000, SPANS))
    speech.clock(SpeechClock("u", 6_000, 0))
    speech.stopped(SpeechStopped("u"))
    assert speech.mouth(10 * MS) == SILENT
    speech.plan(SpeechPlan("u", 24_000, SPANS))
    speech.clock(SpeechClock("u", 7_000, 20 * MS))
    assert speech.mouth(20 * MS) == SILENT


def test_clauses_follow_each_other_and_spans_out_of_order_are_refused_and_counted() -> None:
    speech = LipSync()
    speech.plan(SpeechPlan("u", 24_000, SPANS[:1]))
    speech.plan(SpeechPlan("u", 24_000, (VisemeSpan("o", 10, 20), SPANS[1])))
    speech.clock(SpeechClock("u", 36_000, 0))
    assert speech.refused == 1
    assert speech.mouth(0).width > 0.6  # in the 'i' of the second clause
    assert speech.heard_share(0) == pytest.approx(0.75)


def test_speech_moves_the_head_and_silence_calms_it() -> None:
    performer = Performer(seed=2)
    wish(performer, 0.0)
    talking = [performer.pose_at(i * FRAME_S, SILENT, speaking=True) for i in range(90)]
    assert max(abs(p.nod) for p in talking) > 0.2
    quiet = [performer.pose_at(3 + i * FRAME_S, SILENT, speaking=False) for i in range(90)]
    assert abs(quiet[-1].nod) < 0.01
    assert astuple(quiet[-1].mood)[:3] == astuple(MOODS["warm"])[:3]
