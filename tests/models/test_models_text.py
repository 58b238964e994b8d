"""Written text becomes words, and words the synthesiser's phonemes."""

from __future__ import annotations

import pytest

from models import g2p_en, g2p_zh
from models.normalise import spoken
from models.spelling_en import sound_out

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("请拿好您的号A037", "请拿好您的号A 零三七"),
        ("请A110号到2号窗口", "请A 一一零号到二号窗口"),
        ("余额为12,345.67元", "余额为一万二千三百四十五点六七元"),
        ("取款2万元", "取款两万元"),
        ("¥500", "五百元"),
        ("电话13812345678", "电话幺三八幺二三四五六七八"),
        ("客服热线95588", "客服热线九五五八八"),
        ("400-800-1234", "四零零八零零幺二三四"),
        ("010-12345678", "零幺零幺二三四五六七八"),
        ("尾号1789的卡", "尾号幺七八九的卡"),
        ("卡号6222 0212 3456 7890 123", "卡号六二二二零二幺二三四五六七八九零幺二三"),
        ("11010819880312123X", "幺幺零幺零八幺九八八零三幺二幺二三 X"),
        ("2024年5月6日上午9:30", "二零二四年五月六日上午九点三十分"),
        ("2026-11-21", "二零二六年十一月二十一日"),
        ("营业时间9:00-17:00", "营业时间九点到十七点"),
        ("利率是1.75%", "利率是百分之一点七五"),
        ("约15-20分钟", "约十五到二十分钟"),
        ("ATM和U盾", "ATM和U盾"),
        ("Ａ０３７", "A 零三七"),
        ("请稍等......", "请稍等…"),
        ("", ""),
        (" \t\n", ""),
    ],
)
def test_mandarin_figures_are_spoken_as_in_a_lobby(written: str, said: str) -> None:
    assert spoken(written, "zh") == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Your number is A037", "Your number is A zero three seven"),
        ("Please go to counter 3.", "Please go to counter three."),
        ("open from 9:00 to 17:00", "open from nine A M to five P M"),
        ("at 9:05", "at nine oh five A M"),
        ("at 12:30", "at twelve thirty P M"),
        ("call 95588", "call nine five five eight eight"),
        ("card ending in 6789", "card ending in six seven eight nine"),
        ("¥5,000", "five thousand yuan"),
        ("RMB 5,000", "five thousand yuan"),
        ("$12.50", "twelve dollars fifty cents"),
        ("1.75% a year", "one point seven five percent a year"),
        ("about 10-15 minutes", "about ten to fifteen minutes"),
        ("on 1 May", "on the first of May"),
        ("on 22 May", "on the twenty second of May"),
        ("the 3rd floor", "the third floor"),
    ],
)
def test_english_figures_are_spoken_as_in_a_lobby(written: str, said: str) -> None:
    assert spoken(written, "en") == said


def test_control_characters_never_reach_the_voice() -> None:
    assert spoken("您\x00好\x1b\u200b", "zh") == "您好"


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("您好，请问", "ni↗nxau↓, ʨʰi↓ŋwə↘n"),
        ("我行", "wo↓xa↗ŋ"),  # our bank, not 'I go'
        ("跨行", "kʰwa↘xa↗ŋ"),
        ("重置密码", "ꭧʰʊ↗ŋꭧɨ↘ mi↘ma↓"),
        ("还款", "xwa↗nkʰwa↓n"),
        ("U盾", "jˈu twə↘n"),
        ("ATM机", "ˈA tˈi ˈɛm ʨi→"),
        ("用WiFi吗", "jʊ↘ŋ wˈIfˌI ma"),
        ("", ""),
        ("😀", ""),
    ],
)
def test_mandarin_phonemes_with_the_banks_readings(text: str, phonemes: str) -> None:
    assert g2p_zh.phonemes(text) == phonemes


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("Hello!", "həlˈO!"),
        ("I open", "ˌI ˈOpᵊn"),  # the pronoun keeps a stress
        ("the bank", "ðə bˈæŋk"),
        ("the account", "ði əkˈWnt"),
        ("a card", "ɐ kˈɑɹd"),
        ("number A three", "nˈʌmbəɹ ˈA θɹˈi"),
        ("A three", "ˈA θɹˈi"),
        ("A teller", "ɐ tˈɛləɹ"),
        ("five P M", "fˈIv pˈi ˈɛm"),
        ("banks", "bˈæŋks"),
        ("mortgages", "mˈɔɹɡɪʤᵻz"),
        ("Qinghe", "ʧˌɪŋhˈʌ"),
        ("USB", "jˌuˌɛsbˈi"),
        ("SMS", "ˌɛsˌɛmˈɛs"),
        ("...", "..."),
    ],
)
def test_english_phonemes_in_context(text: str, phonemes: str) -> None:
    assert g2p_en.phonemes(text) == phonemes


@pytest.mark.parametrize("word", ["blorptastic", "zhongguancun", "xqz", "a", "phlighte", "yybtle"])
def test_any_word_is_sounded_out_with_at_most_one_stress(word: str) -> None:
    sounds = sound_out(word)
    assert sounds and sounds.count("ˈ") <= 1


def test_a_silent_e_lengthens_the_vowel_before_it() -> None:
    assert sound_out("blate") == "blˈAt"
    assert sound_out("blat") == "blˈæt"
