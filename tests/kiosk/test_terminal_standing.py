"""What a terminal tells of itself: what is missing and why, and each part's tallies under its own name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from kiosk.standing import Standing
from kiosk.sync.outbox import Outbox


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path / "outbox.sqlite")
    yield opened
    opened.close()


def standing(outbox: Outbox, **session: Any) -> Standing:
    """Of a session that is as told, and otherwise whole."""
    there = {"microphone": True, "speaker": True, "camera": True, "printer": True}
    told = {"works": there, "why": {}, "closed": False, "speaker": None, "tallies": dict, **session}
    told["health"] = SimpleNamespace(tally={"answered": 3, "broken": 0})
    shadow = SimpleNamespace(report=lambda: {"revision": 4})
    return Standing(SimpleNamespace(**told), outbox, shadow, dict)  # type: ignore[arg-type]


def test_a_whole_terminal_misses_nothing(outbox: Outbox) -> None:
    found = standing(outbox).condition()
    assert (found.missing, found.troubles) == ((), ())
    assert found.hearing == {"turn.answered": 3, "turn.broken": 0}


def test_what_is_missing_is_told_with_its_reason_and_a_reason_of_the_past_is_not(outbox: Outbox) -> None:
    works = {"microphone": True, "speaker": True, "camera": False, "printer": False}
    why = {"camera": "covered", "printer": "paper_out", "microphone": "busy"}
    found = standing(outbox, works=works, why=why).condition()
    assert found.missing == ("camera", "printer")
    assert found.troubles == ("camera.covered", "printer.paper_out")


def test_a_device_of_which_nothing_is_known_yet_is_missing(outbox: Outbox) -> None:
    assert standing(outbox, works={"speaker": True}).missing() == ("microphone", "camera")


def test_paper_that_runs_low_is_a_trouble_of_a_printer_that_works(outbox: Outbox) -> None:
    of = standing(outbox)
    of.paper = "paper_low"
    found = of.condition()
    assert (found.missing, found.troubles) == ((), ("printer.paper_low",))


def test_each_part_counts_under_its_own_name_and_what_counted_nothing_may_stay_out(outbox: Outbox) -> None:
    of = standing(outbox)
    of.count("seeing.", lambda: {"faces": 0, "pictures": 7})
    of.count("caption.", lambda: {"made": 0, "late": 2}, zeros=False)
    counted = of.condition().hearing
    assert {name: count for name, count in counted.items() if not name.startswith("turn.")} == {
        "seeing.faces": 0, "seeing.pictures": 7, "caption.late": 2,
    }  # fmt: skip


def test_the_microphones_and_the_speakers_losses_are_told_together(outbox: Outbox) -> None:
    speaker = SimpleNamespace(tallies=lambda: {"underruns": 2})
    of = standing(outbox, speaker=speaker)
    of.microphone = SimpleNamespace(tallies=lambda: {"overruns": 1, "gaps": 0})
    counted = of.condition().hearing
    assert {name: count for name, count in counted.items() if name.startswith("device.")} == {
        "device.overruns": 1, "device.underruns": 2,
    }  # fmt: skip


def test_a_bundle_says_what_works_and_what_is_owed(outbox: Outbox) -> None:
    facts = standing(outbox, closed=True).facts()
    assert facts["out_of_service"] is True and facts["owed"] == 0 and facts["settings"] == {"revision": 4}
