"""Moods, idle life, gestures, and the mouth on the loudspeaker's clock. Virtual time throughout."""

from __future__ import annotations

import itertools
import math
from dataclasses import astuple

import pytest

from avatar.expression import BLEND_S, HEAD_SHARE, MOODS, Performer, mood_of, pointing_to
from avatar.gesture import AIMS, ENTER_S, HOLD_S, LEAVE_S, WAVE_AGAIN_S, GesturePlayer
from avatar.idle import BLINKS_A_MINUTE, SACCADE_SIZE, Blinks, Busy, Saccades, Weight, breath_at
from avatar.lipsync import EXTRAPOLATE_NS, LipSync
from avatar.pose import MouthPose, Pose
from avatar.spring import Springs
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


def test_a_new_expression_is_reached_in_time_and_never_in_one_frame() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0)
    at(performer, 0.0)
    at(performer, 1.0)
    wish(performer, 1.0, expression="concerned")
    worries = [at(performer, 1.0 + i * FRAME_S).mood.worry for i in range(20)]
    wanted = MOODS["concerned"].worry
    assert worries[0] == 0.0
    assert worries[int(BLEND_S / FRAME_S) + 1] == pytest.approx(wanted, abs=0.03 * wanted)
    assert max(b - a for a, b in itertools.pairwise(worries)) < 0.2 * wanted


def test_a_blend_that_is_interrupted_goes_on_from_where_it_is_and_as_fast_as_it_was() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0, expression="neutral")
    at(performer, 0.0)
    for step in range(30):
        at(performer, step * FRAME_S)
    wish(performer, 1.0, expression="glad")
    smiles = [at(performer, 1.0 + i * 0.01).mood.smile for i in range(13)]
    wish(performer, 1.12, expression="concerned")
    smiles += [at(performer, 1.13 + i * 0.01).mood.smile for i in range(60)]
    speeds = [b - a for a, b in itertools.pairwise(smiles)]
    assert max(abs(b - a) for a, b in itertools.pairwise(speeds)) < 0.02  # of a whole smile, each hundredth of a second
    assert smiles[-1] == pytest.approx(MOODS["concerned"].smile, abs=0.02)


def test_the_same_motion_comes_out_at_any_frame_rate() -> None:
    ends = []
    for rate in (12, 36, 60):
        springs = Springs(0.5, (0.0,))
        for _ in range(rate):
            springs.follow((1.0,), 0.3 / rate)
        ends.append(springs.values[0])
    assert max(ends) - min(ends) < 1e-9


@pytest.mark.parametrize("path", list(itertools.permutations(("neutral", "listening", "firm", "glad"), 3)))
def test_no_way_through_the_moods_has_a_jump(path: tuple[str, ...]) -> None:
    """An hour of faces would show it: each value of the pose moves a little from frame to frame, whatever is asked."""
    performer, before = Performer(seed=9), None
    for frame in range(3 * 15):
        now_s = frame / 36
        if frame % 15 == 0:
            wish(performer, now_s, expression=path[frame // 15], gaze=(math.sin(frame), 0.3))
        mood = at(performer, now_s).mood
        if before is not None:
            moved = {
                name: abs(getattr(mood, name) - getattr(before, name)) for name in ("smile", "brow", "frown", "turn")
            }
            assert max(moved.values()) < 0.22, moved
            assert abs(mood.tilt - before.tilt) < 1.2
        before = mood


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
    assert poses[-1].gaze_x + HEAD_SHARE * 0.45 > 0.6  # the eyes, and what the head has taken over
    assert poses[-1].gaze_y > 0.2


@pytest.mark.parametrize("busy", ["resting", "talking", "attending"])
def test_blinks_come_as_often_as_people_blink_with_gaps_skewed_to_the_short_side(busy: Busy) -> None:
    blinks, starts, shut_frames, was = Blinks(seed=11), [], 0, 0.0
    frames = 30 * 1800
    for i in range(frames):
        lid = blinks.lid_at(i * FRAME_S, busy)
        assert 0 <= lid <= 1
        if lid > 0 and was == 0:
            starts.append(i * FRAME_S)
        shut_frames += lid > 0.5
        was = lid
    gaps = sorted(b - a for a, b in itertools.pairwise(starts))
    assert 0.85 < len(starts) / 30 / BLINKS_A_MINUTE[busy] < 1.25
    assert gaps[len(gaps) // 2] < sum(gaps) / len(gaps)  # the median lies below the mean
    assert gaps[-1] > 1.8 * gaps[len(gaps) // 2]
    assert shut_frames / frames < 0.1


def test_small_eye_movements_stay_small_and_breath_stays_between_0_and_1() -> None:
    saccades = Saccades(seed=3)
    offsets = [saccades.offset_at(i * FRAME_S) for i in range(3000)]
    assert max(abs(v) for offset in offsets for v in offset) <= SACCADE_SIZE
    assert len(set(offsets)) > 100
    breaths = [breath_at(i * FRAME_S) for i in range(400)]
    assert min(breaths) >= 0
    assert max(breaths) <= 1
    assert max(abs(b - a) for a, b in itertools.pairwise(breaths)) < 0.05


def test_her_weight_shifts_now_and_then_and_slowly() -> None:
    weight = Weight(seed=4)
    leans = [weight.lean_at(i * FRAME_S) for i in range(30 * 120)]
    assert min(leans) < -0.3 < 0.3 < max(leans)
    assert max(abs(b - a) for a, b in itertools.pairwise(leans)) < 0.05


def test_she_nods_while_somebody_talks_to_her_and_not_otherwise() -> None:
    def nods(talked_to: bool) -> int:
        performer = Performer(seed=5)
        wish(performer, 0.0, listening="listening", expression="listening", talked_to=talked_to)
        down = [at(performer, i * FRAME_S).nod > 0.4 for i in range(30 * 20)]
        return sum(b and not a for a, b in itertools.pairwise(down))

    assert nods(False) == 0
    assert 4 <= nods(True) <= 16


def test_a_thinking_gaze_rests_in_several_places_and_never_at_the_visitor() -> None:
    performer = Performer(seed=8)
    wish(performer, 0.0, listening="thinking")
    poses = [at(performer, i * FRAME_S) for i in range(30 * 8)][20:]
    assert all(abs(pose.gaze_x) > 0.2 and pose.gaze_y < -0.3 for pose in poses)
    assert len({round(pose.mood.look_x, 1) for pose in poses}) >= 2


def test_her_eyes_go_where_her_hand_points_and_come_back() -> None:
    performer = Performer(seed=5)
    wish(performer, 0.0, gaze=(-0.4, 0.0))
    for i in range(60):
        at(performer, i * FRAME_S)
    wish(performer, 2.0, gesture="point", gaze=(-0.4, 0.0), pointing=pointing_to(400.0, 600.0))
    poses = [at(performer, 2.0 + i * FRAME_S) for i in range(100)]
    assert max(pose.gaze_y for pose in poses) > 0.35
    assert poses[-1].gaze_x < 0
    assert poses[30].gesture.name == "point"


@pytest.mark.parametrize(("place", "side"), [((420.0, 380.0), 1), ((-420.0, 380.0), -1), ((0.0, 900.0), 1)])
def test_a_pointing_hand_takes_the_near_arm_and_stays_within_what_a_wrist_can_do(
    place: tuple[float, float], side: int
) -> None:
    pointing = pointing_to(*place)
    player = GesturePlayer()
    player.ask("point", 0.0, aim=pointing.aim, side=pointing.side)
    pose = player.pose_at(2.0)
    assert pose.side == side
    assert AIMS[0] <= pose.aim <= AIMS[1]


def test_counting_raises_one_finger_after_the_other() -> None:
    player = GesturePlayer()
    player.ask("count", 0.0, count=3)
    counts = [player.pose_at(i * FRAME_S).count for i in range(90)]
    assert counts == sorted(counts)
    assert set(counts) == {1, 2, 3}


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


def test_a_mouth_stays_shut_where_the_sound_is_silent_and_opens_before_the_sound_comes() -> None:
    speech = LipSync()
    quiet_then_loud = bytes([0] * 25 + [220] * 25)  # half a second each
    speech.plan(SpeechPlan("u", 24_000, SPANS[:1], 0, quiet_then_loud))
    opened = []
    for i in range(95):  # every 10 ms
        speech.clock(SpeechClock("u", i * 240, i * 10 * MS))
        opened.append(speech.mouth(i * 10 * MS).open)
    assert max(opened[:38]) == 0
    assert opened[46] > 0.3  # 40 ms before it is heard
    assert min(opened[56:84]) > 0.85
    assert max(abs(b - a) for a, b in itertools.pairwise(opened[:90])) < 0.25


def test_levels_of_a_later_clause_do_not_open_or_close_the_first() -> None:
    speech = LipSync()
    speech.plan(SpeechPlan("u", 24_000, SPANS[:1], 0, bytes([220] * 50)))
    speech.plan(SpeechPlan("u", 24_000, SPANS[1:], 24_000, bytes([0] * 50)))
    speech.clock(SpeechClock("u", 0, 0))
    assert speech.mouth(500 * MS).open > 0.8
    speech.clock(SpeechClock("u", 30_000, 1_250 * MS))
    assert speech.mouth(1_300 * MS).open == 0
    speech.plan(SpeechPlan("u", 24_000, (), 10**12, b"xx"))  # nonsense is not taken
    assert speech.mouth(1_300 * MS).open == 0


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
    assert max(p.nod for p in talking) - min(p.nod for p in talking) > 0.25
    quiet = [performer.pose_at(3 + i * FRAME_S, SILENT, speaking=False) for i in range(90)]
    assert abs(quiet[-1].nod) < 0.05
    assert astuple(quiet[-1].mood)[:3] == pytest.approx(astuple(MOODS["warm"])[:3], abs=0.02)
