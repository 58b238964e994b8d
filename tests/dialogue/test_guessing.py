"""Three likely wishes: by the hour, the ticket, and what is asked here; learnt without learning of anybody."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from config.guesses import load_guesses
from config.intents import load_intents
from config.load import ConfigError
from config.schema import load_site
from kiosk.dialogue.guessing import Guessing
from kiosk.session.habits import COUNT_MOST, FILE_MOST_BYTES, Habits

pytestmark = pytest.mark.unit

TEN = datetime.fromisoformat("2026-11-20T10:30:00+08:00")  # a Friday
NIGHT = datetime.fromisoformat("2026-11-20T22:00:00+08:00")
WISHES = [row.wish for row in load_guesses()]


def likely(now: datetime, *, ticket: bool = False, habits: Habits | None = None) -> list[str]:
    return [row.wish for row in Guessing(load_guesses(), habits).likely(load_site(), now, ticket=ticket)]


def test_every_guess_is_a_wish_that_exists_and_none_is_one_that_nobody_wants_to_see() -> None:
    intents = load_intents()
    assert set(WISHES) <= set(intents)
    assert not set(WISHES) & {"inheritance", "fraud_report", "complaint", "abusive", "loan_overdue", "unknown_debit"}


def test_three_are_shown_and_they_follow_hour_and_ticket() -> None:
    assert likely(TEN)[0] == "take_ticket"
    assert likely(NIGHT)[0] == "business_hours"
    assert "take_ticket" in likely(NIGHT), "a ticket is one touch away on a Sunday too: a recorded visitor takes one"
    assert likely(TEN, ticket=True)[:2] == ["ticket_status", "cancel_ticket"]
    assert all(len(likely(now, ticket=ticket)) == 3 for now in (TEN, NIGHT) for ticket in (True, False))


def test_what_is_asked_here_at_this_hour_comes_forward(tmp_path: Path) -> None:
    habits = Habits(tmp_path / "habits.json", WISHES)
    for _ in range(60):
        habits.asked("pension", TEN, ticket=False)
    assert likely(TEN, habits=habits)[0] == "pension"
    assert "pension" not in likely(TEN.replace(hour=14), habits=habits)


def test_a_wish_of_one_visitor_is_not_shown_to_the_next(tmp_path: Path) -> None:
    habits = Habits(tmp_path / "habits.json", WISHES)
    habits.asked("pension", TEN, ticket=False)
    habits.asked("inheritance", TEN, ticket=False)
    assert habits.counts(TEN, ticket=False) == {}


def test_counts_are_kept_over_a_restart_and_fade(tmp_path: Path) -> None:
    path = tmp_path / "habits.json"
    habits = Habits(path, WISHES)
    for _ in range(20):
        habits.asked("pension", TEN, ticket=False)
    again = Habits(path, WISHES)
    assert again.counts(TEN, ticket=False) == {"pension": 20.0}
    assert again.counts(TEN + timedelta(days=14), ticket=False)["pension"] == pytest.approx(10.0)
    assert again.counts(TEN + timedelta(days=400), ticket=False) == {}


def test_the_file_holds_counts_alone_and_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "habits.json"
    habits = Habits(path, WISHES)
    for hour in range(24):
        for wish in WISHES:
            for ticket in (True, False):
                for _ in range(3):
                    habits.asked(wish, TEN.replace(hour=hour), ticket=ticket)
    habits.write()
    assert path.stat().st_size < FILE_MOST_BYTES
    kept = json.loads(path.read_text("utf-8"))
    assert set(kept) == {"v", "day", "counts"} and len(kept["counts"]) == 24


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"v":2}', '{"v":1,"day":"x","counts":{}}',
     '{"v":1,"day":"2026-11-20","counts":{"05-":{"pension":"9"}}}',
     '{"v":1,"day":"2026-11-20","counts":{"05-":{"pension":1e99}}}', "x" * (FILE_MOST_BYTES + 1)],
)  # fmt: skip
def test_a_damaged_file_begins_anew(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "habits.json"
    path.write_text(text, "utf-8")
    habits = Habits(path, WISHES)
    assert habits.counts(TEN, ticket=False) == {} and "learnt anew" in caplog.text
    for _ in range(5):
        habits.asked("pension", TEN, ticket=False)
    assert habits.counts(TEN, ticket=False) == {"pension": 5.0}


def test_a_disk_that_takes_nothing_is_counted_and_a_count_has_an_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    habits = Habits(tmp_path / "file" / "habits.json", WISHES)
    for _ in range(int(COUNT_MOST) + 7):
        habits.asked("pension", TEN, ticket=False)
    assert habits.tally_failed > 0 and habits.counts(TEN, ticket=False) == {"pension": COUNT_MOST}


def test_a_clock_that_was_put_back_changes_nothing(tmp_path: Path) -> None:
    habits = Habits(None, WISHES)
    for _ in range(4):
        habits.asked("pension", TEN, ticket=False)
    assert habits.counts(TEN - timedelta(days=900), ticket=False) == {"pension": 4.0}


def test_a_table_with_too_few_guesses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "guesses.yaml"
    path.write_text("guesses: []\n", "utf-8")
    with pytest.raises(ConfigError, match="guesses"):
        load_guesses(path)
