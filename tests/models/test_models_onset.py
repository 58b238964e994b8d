"""A hum lets her go on, words stop her: the onset model on voices that its training never heard."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from models.kokoro import Kokoro
from models.onset import EARLIEST_MS, LATEST_MS, LEAD_MS, RATE_HZ, STEP_MS, OnsetModel, OnsetWeightsError
from models.silero import FRAME_SAMPLES, SileroVad
from models.store import Store

pytestmark = pytest.mark.e2e

BLOCK_MS = 32


@pytest.fixture(scope="module")
def model(store: Store) -> OnsetModel:
    return OnsetModel(store.open("whisper-base"))


@pytest.fixture(scope="module")
def vad(store: Store) -> SileroVad:
    return SileroVad(store.open("silero-vad"))


def stopped_after_ms(model: OnsetModel, vad: SileroVad, pcm: np.ndarray) -> int | None:
    """Milliseconds of voice until the rule stops her, asked as the ears ask; None: it does not."""
    vad.reset()
    sound = np.concatenate((np.zeros(12 * FRAME_SAMPLES, np.int16), pcm, np.zeros(10 * FRAME_SAMPLES, np.int16)))
    start, voiced_ms = -1, 0
    for block in range(len(sound) // FRAME_SAMPLES):
        end = (block + 1) * FRAME_SAMPLES
        if vad.probability(sound[end - FRAME_SAMPLES : end]) < (0.35 if start >= 0 else 0.5):
            continue
        start = block if start < 0 else start
        voiced_ms += BLOCK_MS
        due = voiced_ms >= EARLIEST_MS and (voiced_ms - EARLIEST_MS) % STEP_MS == 0
        if due and model.stops(sound[(start - LEAD_MS // BLOCK_MS) * FRAME_SAMPLES : end], voiced_ms):
            return voiced_ms
    return None


@pytest.fixture(scope="module")
def spoken(store: Store) -> dict[str, list[np.ndarray]]:
    """Hums and openings by three of the terminal's own voices, which are held out of the training."""
    from scipy.signal import resample_poly

    kokoro = Kokoro(store.open("kokoro"))

    def say(text: str, voice: str, speed: float) -> np.ndarray:
        return resample_poly(kokoro.synthesise(text, "zh", voice, speed).pcm.astype(float), 2, 3).astype(np.int16)

    voices = ("zf_xiaoxiao", "zm_yunxi", "zm_yunjian")
    return {
        "hum": [say("恩", voice, 1.6) for voice in voices],
        "words": [say(text, voice, 1.0) for voice in voices for text in ("我要找人工服务", "别说了，我问的是贷款")],
    }


def test_words_stop_her_and_sooner_than_the_longest_wait(
    model: OnsetModel, vad: SileroVad, spoken: dict[str, list[np.ndarray]]
) -> None:
    waits = [stopped_after_ms(model, vad, pcm) for pcm in spoken["words"]]
    assert all(wait is not None for wait in waits)
    assert float(np.median([wait for wait in waits if wait is not None])) < LATEST_MS


def test_a_hum_does_not_stop_her(model: OnsetModel, vad: SileroVad, spoken: dict[str, list[np.ndarray]]) -> None:
    assert [stopped_after_ms(model, vad, pcm) for pcm in spoken["hum"]] == [None] * 3


def test_before_the_earliest_moment_nothing_stops_her_and_from_the_latest_on_everything(model: OnsetModel) -> None:
    pcm = (np.random.default_rng(1).standard_normal(8000) * 2000).astype(np.int16)
    assert model.interrupts(pcm, EARLIEST_MS - BLOCK_MS) == 0 and not model.stops(pcm, EARLIEST_MS - BLOCK_MS)
    assert model.interrupts(pcm, LATEST_MS) == 1 and model.stops(pcm, LATEST_MS)


@pytest.mark.parametrize("length", [0, 100, 2000, 60_000])
def test_sound_of_any_length_gives_a_probability(model: OnsetModel, length: int) -> None:
    assert 0 <= model.interrupts(np.zeros(length, np.int16), 256) <= 1


def test_a_question_takes_less_than_a_tenth_of_a_second_even_on_a_busy_machine(model: OnsetModel) -> None:
    pcm = (np.random.default_rng(2).standard_normal(RATE_HZ // 2) * 1000).astype(np.int16)
    model.interrupts(pcm, 256)
    took = []
    for _ in range(7):
        began = time.perf_counter()
        model.interrupts(pcm, 256)
        took.append(time.perf_counter() - began)
    assert float(np.median(took)) < 0.1


def test_weights_of_another_network_are_refused_with_the_command(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "onset.npz"
    np.savez(path, weight0=np.zeros((3, 1)), bias0=np.zeros(1), thresholds=np.zeros(2))
    with pytest.raises(OnsetWeightsError, match=r"models\.train\.onset"):
        OnsetModel(store.open("whisper-base"), path)
