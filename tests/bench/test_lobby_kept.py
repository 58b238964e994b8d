"""A long measurement that is ended and called again goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.lobby.kept import MOST_BYTES, Kept

pytestmark = pytest.mark.unit

ABOUT = {"split": "dev", "slower": 1.0}


def hear(kept: Kept, scenes: int, part: str = "slow") -> tuple[list[dict[str, Any]], list[int]]:
    """What is found in so many scenes, and which of them were heard for it."""
    heard: list[int] = []

    def one(number: int) -> dict[str, Any]:
        heard.append(number)
        return {"cut": number % 2 == 0, "delay_ms": None if number == 1 else number * 1.5}

    return [kept.scene(part, number, lambda n=number: one(n)) for number in range(scenes)], heard  # type: ignore[misc]


def test_the_second_call_hears_only_what_is_missing_and_finds_the_same(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    first, heard = hear(Kept(path, ABOUT), 2)
    assert heard == [0, 1]
    again = Kept(path, ABOUT)
    found, heard = hear(again, 4)
    assert heard == [2, 3] and found[:2] == first and again.tally_again == 2
    assert hear(again, 1, "others")[1] == [0]  # another part has scenes of its own


def test_a_line_that_was_cut_off_is_heard_again_and_the_file_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    hear(Kept(path, ABOUT), 3)
    path.write_bytes(path.read_bytes()[:-7])
    assert hear(Kept(path, ABOUT), 3)[1] == [2]
    assert hear(Kept(path, ABOUT), 3)[1] == []


def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    hear(Kept(path, ABOUT), 1)
    with pytest.raises(ValueError, match=r"kept: begun for something else"):
        Kept(path, {**ABOUT, "split": "test"})
    path.write_text(path.read_text("utf-8") + "{}\n", "utf-8")
    with pytest.raises(ValueError, match=r"kept:3: no scene"):
        Kept(path, ABOUT)
    path.write_bytes(b" " * (MOST_BYTES + 1))
    with pytest.raises(ValueError, match="larger than"):
        Kept(path, ABOUT)


def test_without_a_file_everything_is_heard() -> None:
    kept = Kept()
    assert hear(kept, 2)[1] == hear(kept, 2)[1] == [0, 1]
