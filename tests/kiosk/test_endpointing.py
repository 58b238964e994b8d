"""When the visitor began, spoke over her, and finished: from probabilities and times alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.audio.endpointing import BLOCK_MS, MS, Endpointer, EndpointSettings
from kiosk.audio.pauses import Pace, PauseBounds, Standing

pytestmark = pytest.mark.unit

PAUSES = PauseBounds(
    finished_ms=400, unknown_ms=700, unfinished_ms=1500, brisk_ms=600, shortest_ms=320, longest_ms=2200, elder_times=1.4
)
SETTINGS = EndpointSettings(
    voice_on=0.5,
    voice_off=0.35,
    min_speech_ms=160,
    look_ms=192,
    held_look_ms=128,
    barge_in_ms=420,
    died_ms=256,
    max_utterance_ms=10_000,
    pauses=PAUSES,
)


def run(
    *stretches: tuple[float, int],
    over_speech: bool = False,
    echo: bool = False,
    standing: Standing | None = None,
    endpointer: Endpointer | None = None,
) -> list[tuple[str, int, int]]:
    """(probability, milliseconds) stretches → (kind, decided at ms, voice ms). `standing` is told at each pause."""
    endpointer, now_ms, found = endpointer or Endpointer(SETTINGS), 0, []
    for probability, duration_ms in stretches:
        for _ in range(duration_ms // BLOCK_MS):
            now_ms += BLOCK_MS
            edges = list(endpointer.step(probability, now_ms * MS, over_speech=over_speech, echo=echo))
            found += [(edge.kind, now_ms, edge.voice_ns // MS) for edge in edges]
            for edge in edges:
                if edge.kind == "paused" and standing:
                    endpointer.stands(edge.voice_ns, standing)
    return found


def kinds(found: list[tuple[str, int, int]]) -> list[str]:
    return [kind for kind, _, _ in found]


def test_an_utterance_ends_one_pause_after_its_last_voiced_block() -> None:
    found = run((0, 320), (0.9, 1600), (0, 1600))
    assert kinds(found) == ["began", "paused", "ended"]
    _, decided_ms, voice_ms = found[2]
    assert voice_ms == 1920
    assert 700 <= decided_ms - voice_ms < 700 + BLOCK_MS


def test_a_click_is_not_speech() -> None:
    assert run((0.9, 96), (0, 2000)) == []


def test_a_pause_within_a_sentence_does_not_cut_it() -> None:
    assert kinds(run((0.9, 640), (0, 608), (0.9, 640), (0, 1280))) == ["began", "paused", "paused", "ended"]


def test_a_finished_sentence_is_answered_after_400_ms_and_an_open_one_is_waited_for_1500_ms() -> None:
    for standing, needed_ms in (("finished", 400), ("unknown", 700), ("unfinished", 1500)):
        found = run((0.9, 960), (0, 3200), standing=standing)  # type: ignore[arg-type]
        assert kinds(found) == ["began", "paused", "ended"]
        assert needed_ms <= found[2][1] - found[2][2] < needed_ms + BLOCK_MS


def test_a_slow_speaker_is_waited_for_longer_once_they_have_paused() -> None:
    endpointer = Endpointer(SETTINGS)
    run((0.9, 640), (0, 1216), (0.9, 640), (0, 3200), standing="unfinished", endpointer=endpointer)
    assert endpointer.pace.needed_ms("unknown") > 1.3 * 1200
    assert endpointer.pace.needed_ms("finished") > 1200
    endpointer.pace.forget()
    assert endpointer.pace.needed_ms("finished") == 400


def test_who_speaks_slowly_is_waited_for_longer_and_who_never_pauses_less_long() -> None:
    pace = Pace(PAUSES)
    assert pace.needed_ms("finished", 5.0) == 400
    assert pace.needed_ms("finished", 3.2) > 2 * 400
    for _ in range(2):
        pace.spoke(8, 1600, paused=False)
    assert pace.needed_ms("unknown") == 600
    pace.went_on_after(400)
    assert pace.needed_ms("unknown") == 700


def test_news_about_words_that_were_gone_on_from_changes_nothing() -> None:
    endpointer = Endpointer(SETTINGS)
    early = run((0.9, 640), (0, 256), endpointer=endpointer)[-1][2]
    list(endpointer.step(0.9, 928 * MS, over_speech=False))
    endpointer.stands(early * MS, "finished")
    for now_ms in range(960, 928 + 672, BLOCK_MS):
        assert "ended" not in [e.kind for e in endpointer.step(0.0, now_ms * MS, over_speech=False)]


@given(st.lists(st.floats(0, 20_000), max_size=12), st.sampled_from(["unknown", "finished", "unfinished"]))
def test_no_pace_leaves_the_stated_bounds(pauses_ms: list[float], standing: Standing) -> None:
    pace = Pace(PAUSES)
    for profile in ("standard", "elder"):
        pace.profile = profile  # type: ignore[assignment]
        for pause_ms in pauses_ms:
            pace.went_on_after(pause_ms)
        assert PAUSES.shortest_ms <= pace.needed_ms(standing) <= PAUSES.longest_ms


def test_a_voice_between_the_two_thresholds_keeps_an_utterance_alive_but_begins_none() -> None:
    assert run((0.4, 3200)) == []
    assert kinds(run((0.9, 320), (0.4, 3200))) == ["began"]


def test_mm_hm_over_her_speech_dies_without_an_utterance() -> None:
    found = run((0.9, 320), (0, 1280), over_speech=True)
    assert kinds(found) == ["began", "died"]
    assert found[1][1] - found[1][2] <= 256 + BLOCK_MS


def test_going_on_over_her_speech_is_a_barge_in_within_half_a_second() -> None:
    found = run((0.9, 1600), (0, 1280), over_speech=True)
    assert kinds(found) == ["began", "barged_in", "paused", "ended"]
    assert found[1][1] <= 500


def test_her_own_echo_is_no_barge_in_however_long_and_is_no_utterance() -> None:
    assert kinds(run((0.9, 4000), (0, 640), over_speech=True, echo=True)) == ["began", "died"]


def test_while_she_is_held_the_words_are_looked_at_sooner() -> None:
    held = {kind: at for kind, at, _ in run((0.9, 640), (0, 320), over_speech=True)}
    free = {kind: at for kind, at, _ in run((0.9, 640), (0, 320))}
    assert held["barged_in"] < held["paused"] <= 640 + SETTINGS.held_look_ms + BLOCK_MS
    assert free["paused"] >= 640 + SETTINGS.look_ms


def test_sound_that_was_lost_is_no_pause_of_the_visitor_and_ends_nothing() -> None:
    def speaks(hole_ms: int, *, told: bool) -> tuple[list[str], Endpointer]:
        """Half a sentence, so much sound that is not there, the other half."""
        endpointer, found, now_ms = Endpointer(SETTINGS), [], 0
        for stretch_ms in (640, 640):
            for _ in range(stretch_ms // BLOCK_MS):
                now_ms += BLOCK_MS
                found += [edge.kind for edge in endpointer.step(0.9, now_ms * MS, over_speech=False)]
            if told:
                endpointer.lost(hole_ms)
            now_ms += hole_ms + BLOCK_MS
            found += [edge.kind for edge in endpointer.step(0.0, now_ms * MS, over_speech=False)]
        return found, endpointer

    assert speaks(800, told=False)[0] == ["began", "ended", "began", "ended"]
    found, endpointer = speaks(800, told=True)
    assert found == ["began"] and endpointer.pace.needed_ms("finished") == PAUSES.finished_ms
    assert speaks(5000, told=True)[0] == ["began", "ended", "began", "ended"]  # that long nobody was connected


def test_a_voice_is_dropped_unless_it_went_on() -> None:
    endpointer = Endpointer(SETTINGS)
    found = run((0.9, 640), (0, 160), over_speech=True, endpointer=endpointer)
    assert not endpointer.drop(found[-1][2] * MS - BLOCK_MS * MS) and endpointer.in_speech
    assert endpointer.drop(found[-1][2] * MS) and not endpointer.in_speech
    assert not endpointer.drop(found[-1][2] * MS)


def test_sixty_seconds_of_noise_are_capped_not_endless() -> None:
    found = run((0.9, 60_000))
    assert set(kinds(found)) == {"began", "capped"}
    assert next(at for kind, at, _ in found if kind == "capped") <= 10_000 + 2 * BLOCK_MS


@given(st.lists(st.floats(0, 1), max_size=600), st.booleans())
def test_edges_always_alternate(probabilities: list[float], over_speech: bool) -> None:
    endpointer, in_speech = Endpointer(SETTINGS), False
    for number, probability in enumerate(probabilities, start=1):
        for edge in endpointer.step(probability, number * BLOCK_MS * MS, over_speech=over_speech):
            if edge.kind == "began":
                assert not in_speech
                in_speech = True
            elif edge.kind not in ("barged_in", "paused"):
                assert in_speech
                in_speech = False
            assert edge.start_ns <= edge.voice_ns <= number * BLOCK_MS * MS
