"""What the bench of presence counts: greetings that belong to somebody, to nobody, and those that never came."""

from __future__ import annotations

import pytest

from bench.presence import _scored, main, matched
from bench.presence_runs import Told, _actor, still_scene
from kiosk.scenario.scenes import make_scene, passers

pytestmark = pytest.mark.unit


def test_a_greeting_belongs_to_the_moment_before_it_and_only_once() -> None:
    assert matched([2.0, 8.0], [2.7, 8.9]) == ([pytest.approx(0.7), pytest.approx(0.9)], 0, 0)
    assert matched([2.0], []) == ([], 0, 1)
    assert matched([], [3.0]) == ([], 1, 0)
    assert matched([2.0], [2.7, 2.9]) == ([pytest.approx(0.7)], 1, 0)
    assert matched([2.0], [1.0]) == ([], 1, 1)  # before anybody stood there


def test_false_greetings_are_told_by_the_hour_of_passers_and_wrong_persons_by_visit() -> None:
    scene = make_scene("swap", 1, 5)
    wrong = Told(greeted_s=[scene.greet_s[0] + 0.6], wrong=1, longest_other_s=5.0)
    passing = [(passers(1800, seed, 5), Told(greeted_s=[10.0] if seed == 1 else [])) for seed in (1, 2)]
    told = _scored([(scene, wrong)], passing)
    assert told["wrong_person_continuations"] == 1 and told["missed_greetings"] == 1
    assert told["false_greetings_per_hour"] == 1.0 and told["false_greetings"] == 1
    assert told["greeting_delay_p95_s"] == pytest.approx(0.6, abs=0.01)


def test_whose_face_is_served_is_found_by_its_place_and_size() -> None:
    scene = still_scene("serving", 10)
    visitor = scene.actors[0]
    place = visitor.at(6.0)
    assert place is not None and _actor(scene, 6.0, place[0], place[2]) is visitor
    assert _actor(scene, 6.0, 0.5, 0.04) is None  # nobody is there at that distance


def test_a_bench_that_is_called_wrongly_says_so() -> None:
    with pytest.raises(ValueError, match="--scenes"):
        main(["--scenes", "0"])
