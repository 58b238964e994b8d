"""What is said when a number is called, in both languages: one wording for the board, the terminal and the tests.

A number is read digit by digit (A037: 'A 零 三 七', 'A, oh, three, seven'), because that is how people hold it
against the paper in their hand.
"""

from __future__ import annotations

from typing import Final

from contracts.tickets import parse_number

MANDARIN: Final = "零一二三四五六七八九"
ENGLISH: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def spoken_number(number: str) -> tuple[str, str]:
    """The number as it is read, Mandarin and English. Raises ValueError for what is no ticket number."""
    parse_number(number)
    digits = [int(digit) for digit in number[1:]]
    mandarin = " ".join([number[0], *(MANDARIN[digit] for digit in digits)])
    english = ", ".join([number[0], *(ENGLISH[digit] for digit in digits)])
    return mandarin, english


def announcement(number: str, counter: str, *, again: bool = False) -> tuple[str, str]:
    """The sentences for the hall, Mandarin and English."""
    mandarin, english = spoken_number(number)
    once_more = ("再次请" if again else "请", "Again, number" if again else "Number")
    if not counter:
        return f"{once_more[0]} {mandarin} 号到窗口。", f"{once_more[1]} {english}, please come to the counter."
    return (
        f"{once_more[0]} {mandarin} 号到 {counter} 号窗口。",
        f"{once_more[1]} {english}, please go to counter {counter}.",
    )


def delay(service: tuple[str, str], wait_min: tuple[int, int]) -> tuple[str, str]:
    """What is said in the hall when a service is slower than its visitors were told, Mandarin and English.

    `service`: its names; `wait_min`: of whoever comes now, half of all and nine of ten, in minutes.
    """
    usual, _ = wait_min
    return (
        f"{service[0]}比预计慢，大约要等{usual}分钟，请谅解。",
        f"{service[1] or service[0]}: slower than expected, about {usual} minutes.",
    )
