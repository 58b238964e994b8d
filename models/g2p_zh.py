"""Mandarin text to Kokoro's phonemes, with the English inside it.

Kokoro-82M v1.0 learned misaki's first notation of Mandarin (IPA with arrows for the tones, words set
apart by spaces), not the later one; pinyin comes from pypinyin, words from jieba.
"""

from __future__ import annotations

import logging
import re
from functools import cache
from typing import Final

import jieba
from misaki.transcription import pinyin_to_ipa
from pypinyin import Style, lazy_pinyin, load_phrases_dict

from models import g2p_en

# Words of the lobby that the general dictionaries cut or read otherwise.
_WORDS: Final = ("取号", "叫号", "柜员", "理财", "网银", "手机银行", "存折", "销户", "开户", "挂失", "青禾", "尾号")
_READINGS: Final = {"取号": [["qǔ"], ["hào"]], "叫号": [["jiào"], ["hào"]], "还款": [["huán"], ["kuǎn"]],
                    "还贷": [["huán"], ["dài"]], "重置": [["chóng"], ["zhì"]], "重新": [["chóng"], ["xīn"]],
                    "行长": [["háng"], ["zhǎng"]], "我行": [["wǒ"], ["háng"]], "本行": [["běn"], ["háng"]],
                    "他行": [["tā"], ["háng"]], "跨行": [["kuà"], ["háng"]]}  # fmt: skip
_PIECE = re.compile(r"([\u4e00-\u9fff]+)|([A-Za-z]+(?:[ '’-][A-Za-z]+)*)|([^\u4e00-\u9fffA-Za-z]+)")
_PAUSES: Final = {
    "、": ", ", "，": ", ", ",": ", ", "。": ". ", "．": ". ", ".": ". ", "！": "! ", "!": "! ", "：": ": ",
    ":": ": ", "；": "; ", ";": "; ", "？": "? ", "?": "? ", "（": ", ", "）": ", ", "(": ", ", ")": ", ",
    "…": "… ", "—": "—", "-": " ",
}  # fmt: skip
# misaki writes tones as IPA contours; Kokoro's symbols are arrows. The order matters: the third tone
# contains the mark of the first.
_TONES: Final = (("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"))
_SYLLABIC: Final = "\u0329"
_EXTRA_STRESS: Final = "\u032f"


def phonemes(text: str) -> str:
    """Kokoro's symbols for normalised Mandarin `text` (no digits); other signs than pauses are passed over."""
    said: list[str] = []
    for hanzi, latin, other in _PIECE.findall(text):
        if hanzi:
            said.append(" ".join(_word(word) for word in words(hanzi)))
        elif latin:
            said.append(f" {_latin(latin)} ")
        else:
            said.append("".join(_PAUSES.get(sign, " " if sign.isspace() else "") for sign in other))
    return re.sub(r" +([,.!?;:…])", r"\1", re.sub(r" {2,}", " ", "".join(said))).strip()


def words(hanzi: str) -> list[str]:
    """Characters cut into words, with the lobby's own words and readings in force."""
    return [str(word) for word in _segmenter().lcut(hanzi, cut_all=False)]


def _latin(text: str) -> str:
    """Capitals are spelled as Chinese speakers spell them; anything else is read as English."""
    letters = text.replace(" ", "")
    if letters.isupper() and len(letters) <= 5:
        return " ".join(g2p_en.spell(letter) for letter in letters)
    return g2p_en.phonemes(text)


@cache
def _segmenter() -> jieba.Tokenizer:
    jieba.setLogLevel(logging.WARNING)
    load_phrases_dict(_READINGS)
    segmenter = jieba.Tokenizer()
    segmenter.initialize()
    for word in (*_WORDS, *_READINGS):
        segmenter.add_word(word)
    return segmenter


@cache
def _syllable(pinyin: str) -> str:
    """One syllable such as 'hao3' ('5' being the neutral tone)."""
    parts = pinyin_to_ipa(pinyin)[0]
    sounds = "".join(parts)
    for contour, arrow in _TONES:
        sounds = sounds.replace(contour, arrow)
    sounds = sounds.replace("ɻ" + _SYLLABIC, "ɨ").replace("ɹ" + _SYLLABIC, "ɨ")
    return sounds.replace(_SYLLABIC, "").replace(_EXTRA_STRESS, "")


def _word(word: str) -> str:
    return "".join(_syllable(one) for one in lazy_pinyin(word, style=Style.TONE3, neutral_tone_with_five=True))
