"""Feelings from words, voice and the turns before; and how she speaks then."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from config.load import ConfigError
from config.persona import DEFAULT, load_persona
from contracts.screen import Language
from kiosk.feeling.feeling import (
    EMOTIONS,
    Feeling,
    Feelings,
    FeelingWordsError,
    VoiceMeasure,
    arousal,
    from_words,
    load_words,
    measure_voice,
)
from kiosk.feeling.tone import apply, tone_for

pytestmark = pytest.mark.unit
RATE_HZ = 16_000


def _voice(pitch_hz: float, level: float, seconds: float = 2.0) -> npt.NDArray[np.int16]:
    """A voice made of harmonics, with syllables four times a second; simulated."""
    t = np.arange(int(RATE_HZ * seconds)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * t) / k for k in range(1, 8))
    syllables = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 4 * t))
    return np.asarray(tone / 3 * syllables * level * 32767, np.int16)


@pytest.mark.parametrize(
    ("text", "language", "emotion"),
    [
        ("太好了，我孙子考上了", "zh", "joy"),
        ("那我放心交给你", "zh", "trust"),
        ("我心里好慌，会不会被骗", "zh", "fear"),
        ("天哪，怎么会这样", "zh", "surprise"),
        ("我老伴去世了", "zh", "sadness"),
        ("真恶心，我受不了", "zh", "disgust"),
        ("太不像话了，我要投诉", "zh", "anger"),
        ("我就等着这一天", "zh", "anticipation"),
        ("that is wonderful, I'm so happy", "en", "joy"),
        ("I trust you", "en", "trust"),
        ("I'm really scared", "en", "fear"),
        ("oh my, I didn't expect that", "en", "surprise"),
        ("my husband passed away", "en", "sadness"),
        ("this is disgusting", "en", "disgust"),
        ("this is ridiculous, I'm furious", "en", "anger"),
        ("I'm looking forward to it", "en", "anticipation"),
    ],
)
def test_plain_words_show_each_of_the_eight(text: str, language: Language, emotion: str) -> None:
    felt = Feelings().heard(text, language)
    assert felt.strongest == emotion and 0.2 <= felt.intensity <= 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("我想取两万块钱", "zh"),
        ("厕所在哪里", "zh"),
        ("我不害怕", "zh"),
        ("I'm not angry", "en"),
        ("the exit", "en"),
        ("", "en"),
    ],
)
def test_an_ordinary_wish_and_a_denied_feeling_show_none(text: str, language: Language) -> None:
    assert Feelings().heard(text, language).strongest is None


def test_a_feeling_fades_and_what_grows_is_called_rising() -> None:
    feelings = Feelings()
    first = feelings.heard("怎么还没到我", "zh")
    second = feelings.heard("太不像话了，我要投诉", "zh")
    assert second.rising and second.intensities["anger"] > first.intensities["anger"] > 0
    later = [feelings.heard("好的", "zh").intensities["anger"] for _ in range(3)]
    assert later == sorted(later, reverse=True) and later[-1] < 0.2
    feelings.forget()
    assert feelings.heard("好的", "zh").intensity == 0


@pytest.mark.parametrize("pitch_hz", [110.0, 180.0, 260.0])
def test_the_pitch_of_a_voice_is_measured_within_three_in_a_hundred(pitch_hz: float) -> None:
    found = measure_voice(_voice(pitch_hz, 0.3))
    assert found.pitch_hz == pytest.approx(pitch_hz, rel=0.03) and found.energy > 0.05 and found.rate_hz > 1


@pytest.mark.parametrize("count", [0, 1, 639, 640])
def test_silence_and_scraps_have_no_pitch(count: int) -> None:
    assert measure_voice(np.zeros(count, np.int16)).pitch_hz == 0


def test_a_raised_voice_is_stirred_against_its_own_usual_and_not_against_others() -> None:
    low, high = measure_voice(_voice(120, 0.1)), measure_voice(_voice(160, 0.35))
    assert arousal(high, low) > 0.4 and arousal(low, high) < -0.4 and abs(arousal(low, low)) < 0.01
    assert arousal(high, VoiceMeasure(0, 0, 0)) == 0


def test_the_voice_strengthens_what_the_words_say_and_is_no_feeling_by_itself() -> None:
    calm, loud = Feelings(), Feelings()
    for feelings in (calm, loud):
        feelings.heard("我想问一下", "zh", _voice(120, 0.1))
    quiet = calm.heard("到底行不行", "zh", _voice(120, 0.1)).intensities["anger"]
    assert loud.heard("到底行不行", "zh", _voice(170, 0.4)).intensities["anger"] > quiet
    assert loud.heard("我想取钱", "zh", _voice(170, 0.4)).intensities["fear"] == 0


def _felt(emotion: str, intensity: float, rising: bool = False) -> Feeling:
    return Feeling(dict.fromkeys(EMOTIONS, 0.0), emotion, intensity, rising)  # type: ignore[arg-type]


def test_the_angry_and_the_frightened_get_calm_words_and_a_person_the_bereaved_condolence() -> None:
    persona = load_persona()
    angry = tone_for(_felt("anger", 0.8), persona, "zh")
    frightened = tone_for(_felt("fear", 0.7), persona, "en")
    assert angry.person and frightened.person and angry.opening and frightened.opening
    assert not tone_for(_felt("anger", 0.45), persona, "zh").person
    assert tone_for(_felt("anger", 0.45, rising=True), persona, "zh").person
    bereaved = tone_for(_felt("anger", 0.8), persona, "zh", intent="inheritance")
    assert bereaved.opening == persona.openings["condolence"].zh and not bereaved.person
    assert tone_for(_felt("joy", 0.8), persona, "zh").opening == ""


def test_an_elder_hears_less_and_slower_and_the_brisk_more_quickly() -> None:
    persona = load_persona()
    calm = _felt("joy", 0.0)
    elder, brisk = (tone_for(calm, persona, "zh", profile=profile) for profile in ("elder", "brisk"))
    assert elder.speed < 1 < brisk.speed and elder.sentences < tone_for(calm, persona, "zh").sentences


def test_the_persona_replaces_and_leaves_out_words() -> None:
    persona = load_persona()
    assert apply("亲亲你好，老年人先办", persona, "zh") == "您好，长者先办"
    assert apply("It is a guaranteed profit , old people first", persona, "en") == "It is a, elders first"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("manner: warm", "manner: rude", "manner"),
        ("speed: 0.85", "speed: 5", "speed"),
        ("  comfort:", "  consolation:", "comfort"),
        ("name:", "nickname: x\nname:", "unknown key"),
        ("老年人: 长者", "老年人: 亲亲", "forbidden"),
    ],
)
def test_a_damaged_persona_is_refused_by_file_and_key(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = tmp_path / "persona.yaml"
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        load_persona(path)


@pytest.mark.parametrize("line", ["0.5\tx", "[rage]", "[joy]\nmuch\tx", "[joy]\n0.5\t(", "[joy]\n2\tx"])
def test_a_damaged_list_of_words_is_refused_by_file_and_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "zh.txt").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(FeelingWordsError, match=r"zh\.txt:[12]: "):
        load_words("zh", tmp_path)


def test_ten_thousand_characters_are_read_without_an_exception() -> None:
    assert set(from_words("气死我了" * 2500, "zh")) == set(EMOTIONS)


def test_of_sentences_written_apart_a_part_is_recognised_and_none_as_another_feeling() -> None:
    """The lists miss what is said without a word of feeling; they may not invent one. docs/risk.md has the figures."""
    rows = [line.split("\t") for line in (Path(__file__).parent / "utterances.tsv").read_text("utf-8").splitlines()]
    shown = [
        Feelings().heard(text, "zh" if language == "zh" else "en").strongest or "neutral" for _, language, text in rows
    ]
    right = sum(found == row[0] for found, row in zip(shown, rows, strict=True))
    other = sum(found not in (row[0], "neutral") for found, row in zip(shown, rows, strict=True))
    assert right / len(rows) >= 0.58 and other / len(rows) <= 0.03
