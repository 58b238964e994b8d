"""When the visitor began, spoke over her, and finished: from probabilities and times alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.audio.endpointing import BLOCK_MS, MS, Edge, Endpointer, EndpointSettings

pytestmark = pytest.mark.unit

SETTINGS = EndpointSettings(
    voice_on=0.5, voice_off=0.35, min_speech_ms=160, pause_ms=700, barge_in_ms=420, max_utterance_ms=10_000
)


def run(*stretches: tuple[float, int], over_speech: bool = False) -> list[tuple[str, int, int]]:
    """(probability, milliseconds) stretches → (kind, decided at ms, voice ms)."""
    endpointer, now_ms, found = Endpointer(SETTINGS), 0, []
    for probability, duration_ms in stretches:
        for _ in range(duration_ms // BLOCK_MS):
            now_ms += BLOCK_MS
            edges: list[Edge] = list(endpointer.step(probability, now_ms * MS, over_speech=over_speech))
            found += [(edge.kind, now_ms, edge.voice_ns // MS) for edge in edges]
    return found


def test_an_utterance_ends_one_pause_after_its_last_voiced_block() -> None:
    kinds = run((0, 320), (0.9, 1600), (0, 1600))
    assert [kind for kind, _, _ in kinds] == ["began", "ended"]
    _, decided_ms, voice_ms = kinds[1]
    assert voice_ms == 1920
    assert 700 <= decided_ms - voice_ms < 700 + BLOCK_MS


def test_a_click_is_not_speech() -> None:
    assert run((0.9, 96), (0, 2000)) == []


def test_a_pause_within_a_sentence_does_not_cut_it() -> None:
    assert [kind for kind, _, _ in run((0.9, 640), (0, 608), (0.9, 640), (0, 1280))] == ["began", "ended"]


def test_a_voice_between_the_two_thresholds_keeps_an_utterance_alive_but_begins_none() -> None:
    assert run((0.4, 3200)) == []
    assert [kind for kind, _, _ in run((0.9, 320), (0.4, 3200))] == ["began"]


def test_mm_hm_over_her_speech_dies_without_an_utterance() -> None:
    assert [kind for kind, _, _ in run((0.9, 320), (0, 1280), over_speech=True)] == ["began", "died"]


def test_going_on_over_her_speech_is_a_barge_in_within_half_a_second() -> None:
    kinds = run((0.9, 1600), (0, 1280), over_speech=True)
    assert [kind for kind, _, _ in kinds] == ["began", "barged_in", "ended"]
    assert kinds[1][1] <= 500


def test_sixty_seconds_of_noise_are_capped_not_endless() -> None:
    kinds = run((0.9, 60_000))
    assert all(kind in ("began", "capped") for kind, _, _ in kinds)
    assert next(at for kind, at, _ in kinds if kind == "capped") <= 10_000 + 2 * BLOCK_MS


@given(st.lists(st.floats(0, 1), max_size=600), st.booleans())
def test_edges_always_alternate(probabilities: list[float], over_speech: bool) -> None:
    endpointer, in_speech = Endpointer(SETTINGS), False
    for number, probability in enumerate(probabilities, start=1):
        for edge in endpointer.step(probability, number * BLOCK_MS * MS, over_speech=over_speech):
            if edge.kind == "began":
                assert not in_speech
                in_speech = True
            elif edge.kind != "barged_in":
                assert in_speech
                in_speech = False
            assert edge.start_ns <= edge.voice_ns <= number * BLOCK_MS * MS
