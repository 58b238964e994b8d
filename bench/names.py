"""Names that are said: spoken by the product's voices, recognised by its recogniser, held against the right and the
wrong name.

`python -m bench names [--split report|tune] [--count 60] [--json -]`. Names are drawn by a seed from two lists of
common syllables that share none; bounds in `kiosk/identity/names.py` are moved on `tune` alone, `report` tells.
"""

from __future__ import annotations

import argparse
import random
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from bench.intent_spoken import heard_lines
from config.schema import load_site
from kiosk.identity.names import best, compare
from models.train.corpus import Example

CARRIERS: Final = ("{}", "我叫{}。", "我是{}。", "我的名字是{}。")
ENGLISH: Final = ("My name is {}.", "I'm {}.", "{}.")
OTHERS: Final = 40  # wrong names that each is held against
# Common surnames and characters of given names; every other one belongs to the other split.
SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾萧田董潘袁蔡蒋余"
GIVEN: Final = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉萍红鹏飞建文辉力晨欣悦佳宇浩然梅琳雪婷博思雨子轩"
FIRST: Final = ("Peter", "Mary", "Alan", "Susan", "Robert", "Helen", "George", "Linda", "Frank", "Carol", "Simon",
                "Julia", "Martin", "Emma", "Victor", "Nora")  # fmt: skip
LAST: Final = ("Brown", "Miller", "Carter", "Hughes", "Fisher", "Baker", "Turner", "Walsh", "Barker", "Dawson",
               "Norton", "Porter", "Reeves", "Slater")  # fmt: skip
SPLITS: Final = ("tune", "report")


def drawn(split: str, count: int, seed: int = 11) -> list[str]:
    """So many Mandarin names, three in four of three characters."""
    rng, offset = random.Random(seed), SPLITS.index(split)
    surnames, given = SURNAMES[offset::2], GIVEN[offset::2]
    found: dict[str, None] = {}
    while len(found) < count:
        found[rng.choice(surnames) + "".join(rng.sample(given, 2 if rng.random() < 0.75 else 1))] = None
    return list(found)


def english(split: str, count: int, seed: int = 12) -> list[str]:
    rng, offset = random.Random(seed), SPLITS.index(split)
    every = [f"{first} {last}" for first in FIRST[offset::2] for last in LAST[offset::2]]
    return rng.sample(every, min(count, len(every)))


def rates(names: Sequence[str], carriers: Sequence[str], language: str, seed: int) -> dict[str, Any]:
    """Shares of what each name was found to be, by its own and by others."""
    rng = random.Random(seed)
    said = [
        Example(intent="other", language=language, group=name, text=rng.choice(carriers).format(name)) for name in names
    ]
    own: Counter[str] = Counter()
    other: Counter[str] = Counter()
    unclear = 0
    for name, heard in zip(names, heard_lines(said, load_site(), seed), strict=True):
        unclear += not heard.clear
        readings = [heard.text, *(text for text, _ in heard.alternatives[:2])] if heard.clear else []
        own[best(readings, name)] += 1
        for wrong in rng.sample([one for one in names if one != name], min(OTHERS, len(names) - 1)):
            other[best(readings, wrong)] += 1
    return {
        "names": len(names), "not_clear": unclear,
        "own": {found: own[found] for found in sorted(own)},
        "others": {found: other[found] for found in sorted(other)},
    }  # fmt: skip


def alike(names: Sequence[str]) -> dict[str, int]:
    """How often one name would be taken for another if everything were heard and written without a mistake."""
    said = Counter(compare(one, other) for one in names for other in names if one != other)
    return dict(sorted(said.items()))


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Raises ValueError for a bad option."""
    parser = argparse.ArgumentParser(prog="python -m bench names", exit_on_error=False)
    parser.add_argument("--split", choices=SPLITS, default="report")
    parser.add_argument("--count", type=int, default=60)
    told = parser.parse_args(list(argv))
    names = drawn(told.split, told.count)
    if not names:
        raise ValueError("--count is at least 1")
    return {
        "split": told.split,
        "mandarin": rates(names, CARRIERS, "zh", 21),
        "english": rates(english(told.split, told.count // 2), ENGLISH, "en", 22),
        "without_a_recogniser": alike(names),
    }
