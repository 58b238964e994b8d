"""Two utterances of one voice are more alike than those of two; and nearness is heard in level, falls and pulses."""

from __future__ import annotations

import numpy as np
import pytest

from models.nearness import FEATURES, Nearness, WeightsError, level_dbfs, measure
from models.speaker import WIDTH, SpeakerModel, likeness
from models.store import Store

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def speaker(store: Store) -> SpeakerModel:
    return SpeakerModel(store.open("speaker"))


@pytest.fixture(scope="module")
def said(store: Store) -> dict[tuple[str, int], np.ndarray]:
    """Three sentences by three voices at 16 kHz."""
    from scipy.signal import resample_poly

    from models.kokoro import Kokoro

    kokoro = Kokoro(store.open("kokoro"))
    lines = ("我想取两万块钱，要排队吗？", "请问开户需要带什么证件？", "我的银行卡找不到了。")
    return {
        (voice, i): resample_poly(kokoro.synthesise(line, "zh", voice).pcm.astype(float), 2, 3).astype(np.int16)
        for voice in ("zf_xiaoxiao", "zm_yunxi", "zm_yunjian")
        for i, line in enumerate(lines)
    }


def test_every_pair_of_one_voice_is_more_alike_than_any_pair_of_two(
    speaker: SpeakerModel, said: dict[tuple[str, int], np.ndarray]
) -> None:
    vectors = {key: speaker.embed(pcm) for key, pcm in said.items()}
    keys = sorted(vectors)
    pairs = [(a, b) for i, a in enumerate(keys) for b in keys[i + 1 :]]
    same = [likeness(vectors[a], vectors[b]) for a, b in pairs if a[0] == b[0]]
    other = [likeness(vectors[a], vectors[b]) for a, b in pairs if a[0] != b[0]]
    assert min(same) > max(other)


def test_loudness_and_silence_around_it_change_a_voice_little(
    speaker: SpeakerModel, said: dict[tuple[str, int], np.ndarray]
) -> None:
    pcm = said["zm_yunxi", 0]
    padded = np.concatenate((np.zeros(8000, np.int16), pcm // 5, np.zeros(8000, np.int16)))
    assert likeness(speaker.embed(pcm), speaker.embed(padded)) > 0.95


def test_a_vector_has_length_one_and_sound_without_voice_has_none(
    speaker: SpeakerModel, said: dict[tuple[str, int], np.ndarray]
) -> None:
    short = speaker.embed(said["zf_xiaoxiao", 0][4000:9000])
    assert short.shape == (WIDTH,) and np.linalg.norm(short) == pytest.approx(1, abs=1e-4)
    for nothing in (np.zeros(0, np.int16), np.zeros(100, np.int16), np.zeros(32_000, np.int16)):
        assert not speaker.embed(nothing).any()


def test_echoes_make_a_voice_sound_far(said: dict[tuple[str, int], np.ndarray]) -> None:
    """The same sentence dry and through half a second of decaying echoes, at the same level and background."""
    rng = np.random.default_rng(5)
    dry = said["zf_xiaoxiao", 1].astype(float)
    tail = rng.standard_normal(8000) * np.exp(-np.arange(8000) / 1200) * 0.12
    tail[0] = 1.0
    wet = np.convolve(dry, tail)[: len(dry)]
    wet *= np.sqrt(np.mean(dry**2) / np.mean(wet**2))
    hiss = rng.standard_normal(len(dry)) * 20
    nearness = Nearness()
    odds = []
    for sound in (dry, wet):
        features = measure(np.clip(sound + hiss, -32768, 32767).astype(np.int16), level_dbfs(hiss.astype(np.int16)))
        assert features is not None and features.shape == (len(FEATURES),) and np.all(np.isfinite(features))
        odds.append(nearness.near(features))
    assert odds[0] > odds[1] + 1


@pytest.mark.parametrize("kind", ["tone", "noise", "clipped", "click"])
def test_odd_sounds_have_finite_features(kind: str) -> None:
    rng = np.random.default_rng(1)
    n = np.arange(16_000)
    sound = {
        "tone": 8000 * np.sin(n / 5),
        "noise": rng.standard_normal(16_000) * 3000,
        "clipped": np.sign(np.sin(n / 40)) * 32767,
        "click": np.where(n == 8000, 30_000, 0),
    }[kind].astype(np.int16)
    features = measure(sound, -60.0)
    assert features is not None and np.all(np.isfinite(features))


def test_too_little_or_silent_sound_is_not_measured() -> None:
    assert measure(np.ones(1000, np.int16), -60.0) is None
    assert measure(np.zeros(16_000, np.int16), -60.0) is None


def test_weights_of_another_version_are_refused_with_the_command(tmp_path: object) -> None:
    path = tmp_path / "addressee.toml"  # type: ignore[operator]
    path.write_text("[first]\nweights = [1.0]\nbias = 0.0\n", "utf-8")
    with pytest.raises(WeightsError, match=r"models\.train\.addressee"):
        Nearness(path)
