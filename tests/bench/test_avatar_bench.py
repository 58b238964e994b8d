"""The counting of the face's bench, on runs made up for it; the film's cut."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from avatar.timeline import LEAD_MS
from bench.avatar import SETTLE_S, Watched, fps_of, late_ms, page
from bench.clip import cut, first_word_s, sound_of

pytestmark = pytest.mark.unit

S = 1_000_000_000


def test_pictures_are_counted_by_the_second_and_looks_without_a_picture_are_not() -> None:
    looks: list[tuple[int, float | None]] = [(i * S // 30, 2.0) for i in range(30 * 8)]
    looks += [(i * S // 30 + 1, None) for i in range(30 * 8)]
    counts = fps_of(sorted(looks))
    assert len(counts) == 8 - int(SETTLE_S) - 1
    assert set(counts) <= {29, 30, 31}
    assert fps_of([]) == []


def test_a_second_without_pictures_counts_as_nought() -> None:
    looks: list[tuple[int, float | None]] = [(i * S // 10, 1.0) for i in range(100) if not 50 <= i < 60]
    assert 0 in fps_of(looks)


@pytest.mark.parametrize("late", [0.0, 30.0, -20.0])
def test_a_mouth_that_is_late_is_found_to_be_late_by_as_much(late: float) -> None:
    heard = [(i * S // 50, i * 480) for i in range(200)]
    mouths = [(i * S // 1000, "u0", int((i - late - LEAD_MS) * 24)) for i in range(3900)]
    found = late_ms(Watched(heard={"u0": heard}, mouths=mouths))
    assert np.mean(found) == pytest.approx(late, abs=1.0)


def test_every_mood_and_gesture_is_asked_for() -> None:
    pages = [page(number, "xiaohe") for number in range(200)]
    assert len({one.expression for one in pages}) == 7
    assert len({one.gesture for one in pages}) == 8
    assert {one.persona for one in pages} == {"xiaohe"}


def test_the_first_word_is_found_in_a_noisy_room() -> None:
    noise = np.random.default_rng(1).normal(0, 60, 16_000 * 6)
    noise[16_000 * 3 : 16_000 * 5] += 6_000 * np.sin(np.arange(32_000))
    assert first_word_s(noise.astype(np.int16), 16_000) == pytest.approx(3.0, abs=0.15)
    assert first_word_s(np.zeros(100, np.int16), 16_000) == 0.0


def test_a_clip_is_as_long_as_asked_for_with_the_sound_of_that_moment(tmp_path: Path) -> None:
    film, clip = tmp_path / "film.mp4", tmp_path / "clip.mp4"
    with av.open(str(film), "w") as out:
        video, audio = out.add_stream("libx264", rate=15), out.add_stream("aac", rate=16_000, layout="mono")
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        for i in range(15 * 6):
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.full((64, 64, 3), 2 * i, np.uint8), format="rgb24")))
        out.mux(video.encode(None))
        tone = np.zeros(16_000 * 6, np.int16)
        tone[16_000 * 3 :] = (8_000 * np.sin(np.arange(16_000 * 3) / 4)).astype(np.int16)
        for start in range(0, len(tone), 1024):
            block = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="s16", layout="mono")
            block.sample_rate, block.pts = 16_000, start
            out.mux(audio.encode(block))
        out.mux(audio.encode(None))
    assert cut(film, clip, 2.0, 3.0)["seconds"] == pytest.approx(3.0, abs=0.1)
    pcm, rate_hz = sound_of(clip)
    assert first_word_s(pcm, rate_hz) == pytest.approx(1.0, abs=0.2)
    assert clip.with_suffix(".jpg").exists()


def test_a_film_without_sound_is_named(tmp_path: Path) -> None:
    film = tmp_path / "mute.mp4"
    with av.open(str(film), "w") as out:
        video = out.add_stream("libx264", rate=15)
        video.width, video.height, video.pix_fmt = 64, 64, "yuv420p"
        out.mux(video.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
        out.mux(video.encode(None))
    with pytest.raises(ValueError, match=r"mute\.mp4"):
        sound_of(film)
