"""Sentences and buttons of a step: lines with what is known filled in, choices, keys. Pure; nothing is composed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from config.flows import Both, Choice, Line, Phrases
from config.intents import IntentRow
from config.schema import Service
from contracts.screen import Language, Target
from kiosk.dialogue.flows import all_hold
from kiosk.risk.indicators import QUESTIONS

WISH: Final = "wish_"  # targets that stand for a wish: wish_take_ticket
SERVICE: Final = "service_"
SCORE: Final = "score_"  # 0 to 10
KEY: Final = "key_"
KEY_OK: Final = "key_ok"
KEY_BACK: Final = "key_back"
ASKED: Final = "question_"  # values that stand for the questions that break a swindler's spell
DIGIT_KEYS: Final = tuple(f"{KEY}{digit}" for digit in "1234567890")
KEY_LETTERS: Final = {"1": "", "2": "ABC", "3": "DEF", "4": "GHI", "5": "JKL", "6": "MNO", "7": "PQRS", "8": "TUV",
                      "9": "WXYZ", "0": ""}  # fmt: skip  # ITU-T E.161
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS: Final = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
                  "November", "December")  # fmt: skip
_MONEY: Final = re.compile(r"-?\d+\.\d{2}")


class Wording:
    """Knows how values are said."""

    def __init__(self, phrases: Phrases) -> None:
        asked = {row.id: Both(zh=row.zh, en=row.en) for row in QUESTIONS.values()}
        self._values = {**{f"{ASKED}{name}": both for name, both in asked.items()}, **phrases.values}

    def line(self, lines: Sequence[Line], known: Mapping[str, str], language: Language) -> str:
        """The first line that fits what is known; the last one otherwise."""
        chosen = next(
            (line for line in lines if all(known.get(need) for need in line.needs) and all_hold(line.when, known)),
            lines[-1],
        )
        said = _Known({name: self.value(value, language) for name, value in known.items()})
        return (chosen.zh if language == "zh" else chosen.en).format_map(said)

    def value(self, value: str, language: Language) -> str:
        """A slot or a fact as it is said: days by their names, money without empty cents, ids by their words."""
        if both := self._values.get(value.lower()):
            return pick(both, language)
        if _DAY.fullmatch(value):
            day = date.fromisoformat(value)
            return f"{day.month}月{day.day}日" if language == "zh" else f"{day.day} {_MONTHS[day.month - 1]}"
        if _MONEY.fullmatch(value):
            return value.removesuffix(".00")
        return value


class _Known(dict[str, str]):
    """Slots that are not known are said as nothing; a line that needs one names it in `needs`."""

    def __missing__(self, key: str) -> str:
        return ""


def pick(both: Both, language: Language) -> str:
    return both.zh if language == "zh" else both.en


def joined(parts: Sequence[str], language: Language) -> str:
    """Sentences after each other."""
    return ("" if language == "zh" else " ").join(part for part in parts if part)


def filled(both: Both, zh: Mapping[str, str], en: Mapping[str, str]) -> Both:
    """A phrase with words put in, for each language its own."""
    return Both(zh=both.zh.format(**zh), en=both.en.format(**en))


def choice_target(choice: Choice, language: Language) -> Target:
    label = pick(choice.label, language)
    detail = pick(choice.detail, language) if choice.detail else ""
    return Target(id=choice.id, label=label, spoken_label=label, kind=choice.kind, detail=detail, icon=choice.icon)


def wish_target(row: IntentRow, language: Language) -> Target:
    name, other = (row.zh, row.en) if language == "zh" else (row.en, row.zh)
    icon = "ticket" if row.route == "ticket" else "person"
    return Target(id=WISH + row.id, label=name, spoken_label=name, kind="chip", detail=other, icon=icon)


def service_target(service: Service, language: Language) -> Target:
    name = service.name_zh if language == "zh" else service.name_en
    return Target(id=SERVICE + service.id, label=name, spoken_label=name, kind="chip", icon="ticket")


def score_targets() -> tuple[Target, ...]:
    """0 to 10."""
    return tuple(Target(id=f"{SCORE}{n}", label=str(n), spoken_label=str(n), kind="score") for n in range(11))


def key_targets(phrases: Phrases, language: Language, *, letters: bool = False) -> tuple[Target, ...]:
    """The keys of a keypad: ten digits, with the letters of a telephone where a name is typed; back, done."""
    back, done = pick(phrases.key_back, language), pick(phrases.key_ok, language)
    digits = [
        Target(id=key, label=key[-1], spoken_label=key[-1], kind="key", detail=KEY_LETTERS[key[-1]] if letters else "")
        for key in DIGIT_KEYS
        if not letters or KEY_LETTERS[key[-1]]
    ]
    return (
        *digits,
        Target(id=KEY_BACK, label=back, spoken_label=back, kind="key"),
        Target(id=KEY_OK, label=done, spoken_label=done, kind="key"),
    )
