"""Has the visitor finished, or only paused? From the words so far, before anybody dares to answer.

Serves the second after she hears silence: a finished sentence is answered soon, a trailing 'and' or half a
telephone number is waited for. It measures no silence and decides nothing: it gives a probability, and
the ear chooses the pause. The weights are this project's own (`python -m models.train.endings`).
"""

from __future__ import annotations

import json
import math
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from models.ending_features import Language, extract, plain

WEIGHTS: Final = Path(__file__).parent / "weights"
RULED: Final = 0.01  # what a rule says of a sentence that cannot be over
SURE: Final = 0.75  # from here on she has good reason to answer
OPEN: Final = 0.15  # down from here she has reason to wait
NOTHING: Final = 0.0  # no words: nothing was said that could be finished

# ---------------------------------------------------------------- sentences that go on
_ZH_HANGING: Final = re.compile(
    r"(?:^|.)(?:嗯|呃|唔|那个|这个嘛|就是|就是说|然后|因为|所以|但是|可是|而且|还有|以及|或者|如果|要是|假如|比如|比如说|关于"
    r"|我想|我想要|我要|我就想|我是想|想问一下|想问|请问|请问一下|问一下|麻烦|麻烦您|麻烦你|能不能|可不可以|是不是|有没有|怎么才能"
    r"|[和跟把被让])$"
)
_ZH_ANSWERS: Final = frozenset(("是不是", "有没有", "能不能", "可不可以"))
# A reason or a condition, and nothing yet that follows from it.
_ZH_CONDITION: Final = re.compile(
    r"(?:嗯|那个|就是|我)?(?:因为|如果|要是|假如|虽然)(?!.*(?:所以|就|那|怎么|吗|呢|能|可以|得|多少|什么|还是))"
)
_EN_CONDITION: Final = re.compile(r"(?:um |so |well )?(?:because|if|since|although)(?: \S+){0,6}")
_EN_HANGING: Final = re.compile(
    r"(?:^| )(?:um|uh|erm|er|hmm|and|or|but|because|cause|if|so|then|than|the|a|an|my|your|our|their|this is|"
    r"to|from|of|with|i|i'd|i'd like|i would like|i want|i need|i'm|can i|can you|could you|could i|"
    r"how do i|how can i|where can i|do you|is there|are there|what is|what's the|like to|want to|need to)$"
)
# A visitor who greets goes on; who does not is answered a little later.
_GREETING: Final = re.compile(
    r"(?:(?:你好|您好|你们好|喂|嗨|哈喽|哎|[早晚]上好|[上中下]午好|早|不好意思|打扰一下|小姑娘|师傅|小迎)[啊呀]? ?)+"
    r"|(?:(?:hello|hi|hey|good (?:morning|afternoon|evening)|excuse me|sorry|there|hi there|xiaoying) ?)+"
)

# ---------------------------------------------------------------- figures being dictated
_ZH_FIGURE: Final = dict(zip("零一二三四五六七八九〇幺", "012345678901", strict=True))
_EN_FIGURE: Final = {
    "zero": "0", "oh": "0", "o": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9",
}  # fmt: skip
_EN_TIMES: Final = {"double": 2, "triple": 3}
_RUN: Final = re.compile(r"(?:[0-9]|[零一二三四五六七八九〇幺]|\s)+[x]?$")
_DECIMAL: Final = re.compile(r"(?:百分之\S*点|\d\.|[零一二三四五六七八九十百]点|[百千万]零|\bpoint)$")
_TAIL: Final = re.compile(r"尾号|[后末最]后?[四4]位|last (?:four|4)|ending (?:in|with)")
_NUMBER: Final = re.compile(r"手机|电话|号码|卡号|账号|身份证|证件|phone|mobile|(?:card|id) number|number is|account")
_ANNOUNCED: Final = re.compile(r"(?:是|号|码|位|is|number|it's)$")
_MONEY: Final = re.compile(r"[取存转汇换借贷缴付]|withdraw|deposit|transfer|exchange|send|take out|pay")
_PHONE: Final = re.compile(r"1[3-9]\d{9}|0\d{9,11}|400\d{7}|95\d{3}")
_CARD: Final = re.compile(r"\d{16}|\d{19}")
_IDENTITY: Final = re.compile(r"\d{17}[\dx]|\d{15}")
TAIL_FIGURES: Final = 4
FEW_FIGURES: Final = 2  # up to so many, only what was said before can tell that a number has begun
AMOUNT_FIGURES: Final = 7


class EndingsError(RuntimeError):
    """The model's files are missing or do not belong together; the text names them."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A line over the logits of one language, so that its own measured thresholds become SURE and OPEN."""

    slope: float
    shift: float

    @classmethod
    def through(cls, sure: float, low: float) -> Scale:
        """The line that takes the probabilities `sure` and `low` to SURE and OPEN."""
        slope = (_logit(SURE) - _logit(OPEN)) / (_logit(sure) - _logit(low))
        return cls(slope, _logit(SURE) - slope * _logit(sure))


def _logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def trailing_figures(said: str) -> tuple[str, str]:
    """The figures that a plain text ends with, as digits, and what stands before them.

    '手机号一三八 零零' gives ('13800', '手机号'); without figures the first is ''.
    """
    if (found := _RUN.search(said)) and found[0].strip():
        return "".join(_ZH_FIGURE.get(c, c) for c in found[0] if not c.isspace()), said[: found.start()].rstrip()
    figures = ""
    words = said.split()
    while words and (words[-1] in _EN_FIGURE or words[-1].isdigit() or (figures and words[-1] in _EN_TIMES)):
        word = words.pop()
        figures = (
            figures[0] * (_EN_TIMES[word] - 1) + figures if word in _EN_TIMES else _EN_FIGURE.get(word, word) + figures
        )
    return figures, " ".join(words)


def dictating(text: str) -> bool:
    """Whether the text ends inside a number that is said figure by figure, or right after a decimal point.

    A whole mobile number (11), card (16 or 19), identity number (15 or 18), hotline, or the four figures of a
    card's tail end a dictation; an amount of money is none.
    """
    said = plain(text)
    if _DECIMAL.search(said):
        return True
    figures, before = trailing_figures(said)
    if not figures:
        return False
    if _TAIL.search(before):
        return len(figures) < TAIL_FIGURES
    if any(whole.fullmatch(figures) for whole in (_PHONE, _CARD, _IDENTITY)):
        return False
    if _NUMBER.search(before):
        return len(figures) > 1 or bool(_ANNOUNCED.search(before))
    is_ticket = bool(re.search(r"\b[a-z]$", before)) and len(figures) <= TAIL_FIGURES
    if len(figures) <= FEW_FIGURES or is_ticket:
        return False  # a window, an hour, a ticket's number
    if re.match("1[3-9]", figures) and len(figures) > AMOUNT_FIGURES // 2 and not _MONEY.search(before):
        return True
    spelled = not re.search(r"\d", said) or figures.startswith("0")
    return len(figures) > AMOUNT_FIGURES or (spelled and not _MONEY.search(before))


def hanging(text: str, language: Language) -> bool:
    """Whether the text ends in a word after which people go on, or is no more than a greeting or a filler."""
    said = plain(text)
    if _GREETING.fullmatch(said):
        return True
    if language == "en":
        return bool(_EN_HANGING.search(said) or _EN_CONDITION.fullmatch(said))
    return bool(_ZH_HANGING.search(said) or _ZH_CONDITION.match(said)) and said not in _ZH_ANSWERS


class Endings:
    """The trained judge; loads in milliseconds apart from jieba's dictionary, one thread calls it at a time."""

    def __init__(self, folder: Path = WEIGHTS) -> None:
        """Raise `EndingsError` if a file is missing or damaged."""
        self.sure, self.open = SURE, OPEN
        weights, card_path = folder / "endings.npz", folder / "endings.json"
        again = "run `python -m models.train.endings`"
        for path in (weights, card_path):
            if not path.is_file():
                raise EndingsError(f"{path} is missing: {again}")
        try:
            card = json.loads(card_path.read_text(encoding="utf-8"))
            self._scales_of: dict[str, Scale] = {
                language: Scale.through(*(float(card["thresholds"][language][name]) for name in ("sure", "open")))
                for language in ("zh", "en")
            }
            self._temperature = float(card["temperature"])
            with np.load(weights, allow_pickle=False) as arrays:
                self._embedding, self._scales = arrays["embedding"], arrays["scales"]
                self._hidden_bias, self._output, self._bias = arrays["hidden_bias"], arrays["output"], arrays["bias"]
        except (ValueError, KeyError, TypeError, OSError, zipfile.BadZipFile) as err:
            raise EndingsError(f"{weights} or {card_path} is damaged ({err!r}): {again}") from err
        extract("预热", "zh")  # reads jieba's dictionary now, not while the first visitor waits

    def finished(self, text: str, language: Language) -> float:
        """The probability that a speaker who paused after `text` has said what they wanted to say.

        `text` is a recogniser's: its punctuation means nothing, a few of its words may be wrong. Text without
        a word in it is not finished.
        """
        if not plain(text):
            return NOTHING
        if hanging(text, language) or dictating(text):
            return RULED
        return self.learnt(text, language)

    def learnt(self, text: str, language: Language) -> float:
        """The same without the rules."""
        buckets, shares = extract(text, language)
        if buckets.size == 0:
            return NOTHING
        hidden = np.maximum(shares @ (self._embedding[buckets] * self._scales) + self._hidden_bias, 0.0)
        going_on, over = (hidden @ self._output + self._bias) / self._temperature
        scale = self._scales_of[language]
        raised = scale.slope * float(over - going_on) + scale.shift
        return 1.0 / (1.0 + math.exp(min(60.0, max(-60.0, -raised))))
