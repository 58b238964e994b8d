"""A terminal's end of its shadow: whole or not at all, between two visits, watched, and taken back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from config.remote import digest, values
from contracts.shadow import ShadowReason
from kiosk.shadow import health
from kiosk.shadow.files import GOOD, WANTED
from kiosk.shadow.records import MOST_AHEAD
from tests.shadow.kit import DEVICE, HERE, SITE, Terminal, desired

pytestmark = pytest.mark.contract
LOUD = {"voice.gain_max_db": 3, "talking.prompt_after_s": 20}
Make = Callable[..., Terminal]


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[Terminal] = []

    def start(**more: Any) -> Terminal:
        terminal = Terminal(tmp_path, **more)
        terminal.begin()
        made.append(terminal)
        return terminal

    yield start
    for terminal in made:
        await terminal.end()


async def test_without_a_word_from_the_hub_the_local_file_counts(make: Make) -> None:
    now = make().now
    assert (now.version, now.in_force, now.state, now.on_trial) == (0, 0, "local", False)
    assert {one.origin for one in now.settings.values()} == {"local"}
    assert now.hash == digest(values(SITE))


async def test_a_version_is_in_force_at_once_and_says_what_is_whose(make: Make) -> None:
    terminal = make()
    terminal.hear(7, LOUD)
    now = await terminal.until(lambda said: said.in_force == 7)
    assert (now.version, now.state, now.on_trial, now.waits) == (7, "applied", True, ())
    assert (terminal.has("voice.gain_max_db"), terminal.has("talking.prompt_after_s")) == (3, 20)
    assert {name for name, one in now.settings.items() if one.origin == "remote"} == set(LOUD)
    assert [part for part, _ in terminal.taken] == ["manner", "talking"]
    assert now.hash == digest(values(terminal.shadow.site)) != digest(values(SITE))
    await terminal.until(lambda _: bool(terminal.said))
    assert terminal.said[-1].version == 7


async def test_a_setting_that_the_next_version_leaves_out_is_the_files_again(make: Make) -> None:
    terminal = make()
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)
    terminal.hear(2, {"voice.gain_max_db": 4})
    now = await terminal.until(lambda said: said.in_force == 2)
    assert (terminal.has("voice.gain_max_db"), terminal.has("talking.prompt_after_s")) == (4, 15)
    assert now.settings["talking.prompt_after_s"].origin == "local"
    terminal.hear(3, {})
    await terminal.until(lambda said: said.in_force == 3)
    assert terminal.shadow.site == SITE


async def test_nothing_changes_in_the_middle_of_a_visit(make: Make) -> None:
    terminal = make()
    terminal.visited = True
    terminal.hear(1, LOUD)
    await terminal.until(lambda _: terminal.shadow._kept.decided == 1)
    await asyncio.sleep(0.1)  # looks go by
    assert (terminal.now.in_force, terminal.taken, terminal.shadow.site) == (0, [], SITE)
    terminal.visited = False
    await terminal.until(lambda said: said.in_force == 1)


async def test_a_version_kept_in_a_visit_that_ends_with_the_terminal_is_in_force_after_its_start(make: Make) -> None:
    terminal = make()
    terminal.visited = True
    terminal.hear(1, LOUD)
    await terminal.until(lambda _: terminal.shadow._kept.decided == 1)
    await terminal.end()
    now = make().now
    assert (now.in_force, now.state, now.on_trial) == (1, "applied", True)


async def test_after_its_trial_it_has_proved_itself_also_for_the_next_start(make: Make) -> None:
    terminal = make(trial_s=0.1)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1 and not said.on_trial)
    await terminal.end()
    again = make()
    assert (again.now.version, again.now.state, again.now.on_trial) == (1, "applied", False)
    assert again.has("voice.gain_max_db") == 3


async def test_what_needs_a_start_waits_for_one_and_is_on_trial_then(make: Make) -> None:
    terminal = make(trial_s=0.1)
    terminal.hear(1, {**LOUD, "voice.persona": "xiaohe"})
    now = await terminal.until(lambda said: said.in_force == 1 and not said.on_trial)
    assert (now.state, now.waits) == ("applied_after_restart", ("voice.persona",))
    assert (terminal.has("voice.persona"), terminal.has("voice.gain_max_db")) == ("xiaoying", 3)
    assert now.settings["voice.persona"].origin == "local"
    await terminal.end()
    again = make()
    assert (again.now.state, again.now.on_trial, again.now.waits) == ("applied", True, ())
    assert again.has("voice.persona") == "xiaohe"
    assert again.now.settings["voice.persona"].origin == "remote"


# --- refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "why"), [(4, "repeated"), (3, "older"), (1, "older"), (4 + MOST_AHEAD + 1, "too_far_ahead")]
)
async def test_a_version_that_is_not_newer_or_absurdly_new_is_refused_and_counted(
    make: Make, version: int, why: str
) -> None:
    terminal = make()
    terminal.hear(4, LOUD)
    await terminal.until(lambda said: said.in_force == 4)
    terminal.hear(version, {"voice.gain_max_db": 9})
    assert terminal.now.refused == {why: 1}
    await asyncio.sleep(0.05)
    assert (terminal.now.version, terminal.now.state, terminal.has("voice.gain_max_db")) == (4, "applied", 3)
    terminal.hear(5, {"voice.gain_max_db": 9})  # and the next real one is taken
    await terminal.until(lambda said: said.in_force == 5)


@pytest.mark.parametrize(
    "wrong", [{"branch": "jiefang"}, {"device": "kiosk-9"}, {"branch": "jiefang", "device": "kiosk-9"}]
)
async def test_what_is_addressed_to_another_terminal_is_refused_and_counted(make: Make, wrong: dict[str, str]) -> None:
    terminal = make()
    terminal.shadow.hear(HERE, desired(1, LOUD, **wrong))
    await asyncio.sleep(0.05)
    now = terminal.now
    assert (now.version, now.state, now.refused, terminal.taken) == (0, "local", {"addressee": 1}, [])


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"hub.host": 1}, ShadowReason(why="unknown", what="hub.host")),
        ({"voice.nonsense": 1}, ShadowReason(why="unknown", what="voice.nonsense")),
        ({"voice.gain_max_db": 99}, ShadowReason(why="out_of_range", what="voice.gain_max_db")),
        ({"voice.gain_max_db": "xiaohe"}, ShadowReason(why="wrong_type", what="voice.gain_max_db")),
    ],
)
async def test_one_wrong_setting_refuses_the_whole_version_and_says_which(
    make: Make, settings: dict[str, Any], why: ShadowReason
) -> None:
    terminal = make()
    terminal.hear(1, {**LOUD, **settings})
    now = await terminal.until(lambda said: said.state == "refused")
    assert (now.version, now.in_force, now.reasons, now.refused) == (1, 0, (why,), {"invalid": 1})
    assert (terminal.taken, terminal.shadow.site) == ([], SITE)
    terminal.hear(1, LOUD)  # the same number mended is not a new version
    assert terminal.now.refused["repeated"] == 1
    await terminal.end()
    assert (make().now.state, make().now.version) == ("refused", 1)


async def test_two_settings_that_do_not_go_with_the_local_file_are_refused_there(make: Make) -> None:
    hearing = SITE.hearing.model_copy(update={"pause_longest_ms": 900, "pause_unfinished_ms": 900})
    terminal = make(local=SITE.model_copy(update={"hearing": hearing}))
    terminal.hear(1, {"hearing.pause_shortest_ms": 1000})
    now = await terminal.until(lambda said: said.state == "refused")
    assert now.reasons == (ShadowReason(why="conflict", what="hearing.pause_shortest_ms"),)


async def test_a_refused_version_leaves_the_one_on_trial_alone(make: Make) -> None:
    terminal = make(trial_s=0.3)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)
    terminal.hear(2, {"voice.gain_max_db": 99})
    now = await terminal.until(lambda said: said.state == "refused")
    assert (now.version, now.in_force) == (2, 1)
    await terminal.until(lambda said: not said.on_trial)
    assert (terminal.now.in_force, terminal.has("voice.gain_max_db")) == (1, 3)


async def test_a_part_that_does_not_take_it_leaves_every_part_as_it_was(make: Make) -> None:
    terminal = make()
    terminal.broken = "talking"
    terminal.hear(1, LOUD)
    now = await terminal.until(lambda said: said.state == "refused")
    assert (now.in_force, now.reasons) == (0, (ShadowReason(why="not_applied", what="talking"),))
    assert terminal.taken[-1][1] is terminal.opened.site and terminal.shadow.site == SITE


async def test_where_the_disk_is_full_nothing_is_taken_and_the_hubs_next_try_is(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = make()
    write = terminal.opened.files.write

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(terminal.opened.files, "write", full)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.refused.get("disk") == 1)
    assert (terminal.now.version, terminal.taken) == (0, [])
    monkeypatch.setattr(terminal.opened.files, "write", write)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)


# --- watched -------------------------------------------------------------------------------------


def turn(answer_ms: float, endpoint_ms: float = 500) -> dict[str, float]:
    return {"endpoint": endpoint_ms, "total": endpoint_ms + answer_ms}


async def test_a_device_that_goes_missing_for_long_takes_it_back(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "DEVICE_GONE_S", 0.1)
    terminal = make()
    terminal.missing = {"camera"}  # was missing before
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)
    await asyncio.sleep(0.3)
    assert terminal.now.on_trial
    terminal.missing = {"camera", "microphone"}
    now = await terminal.until(lambda said: said.state == "rolled_back" and said.in_force == 0)
    assert (now.version, now.reasons) == (1, (ShadowReason(why="device_missing", what="microphone"),))
    assert terminal.shadow.site == SITE
    await terminal.until(lambda _: bool(terminal.said) and terminal.said[-1].in_force == 0)


async def test_turns_that_fail_or_answers_that_take_longer_take_it_back_to_the_last_good(make: Make) -> None:
    terminal = make(trial_s=0.05)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1 and not said.on_trial)
    for _ in range(10):
        terminal.health.answered(turn(800))
    terminal.shadow._pace = type(terminal.shadow._pace)(trial_s=60, look_s=0.01)
    terminal.hear(2, {"voice.gain_max_db": 9})
    await terminal.until(lambda said: said.in_force == 2)
    for _ in range(3):
        terminal.health.broke()
    now = await terminal.until(lambda said: said.state == "rolled_back" and said.in_force == 1)
    assert now.reasons == (ShadowReason(why="turns_failed"),) and terminal.has("voice.gain_max_db") == 3
    terminal.health.begin()
    for _ in range(10):
        terminal.health.answered(turn(800))
    terminal.hear(3, {"voice.gain_max_db": 9})
    await terminal.until(lambda said: said.in_force == 3)
    for _ in range(10):
        terminal.health.answered(turn(1_900))
    now = await terminal.until(lambda said: said.state == "rolled_back" and said.in_force == 1)
    assert (now.version, now.reasons) == (3, (ShadowReason(why="slow_answers"),))


async def test_it_is_taken_back_between_two_visits_too(make: Make) -> None:
    terminal = make()
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)
    terminal.visited = True
    for _ in range(3):
        terminal.health.broke()
    await terminal.until(lambda said: said.state == "rolled_back")
    await asyncio.sleep(0.05)
    assert (terminal.now.in_force, terminal.has("voice.gain_max_db")) == (1, 3)
    terminal.visited = False
    await terminal.until(lambda said: said.in_force == 0)


async def test_longer_pauses_are_what_was_wanted_and_do_not_count_as_slower(make: Make) -> None:
    terminal = make(trial_s=0.5)
    for _ in range(10):
        terminal.health.answered(turn(800, endpoint_ms=400))
    terminal.hear(1, {"hearing.pause_ms": 2000})
    await terminal.until(lambda said: said.in_force == 1)
    for _ in range(10):
        terminal.health.answered(turn(820, endpoint_ms=2_000))
    now = await terminal.until(lambda said: not said.on_trial)
    assert now.state == "applied"


async def test_a_terminal_that_ends_out_of_order_twice_starts_with_the_last_good(make: Make, tmp_path: Path) -> None:
    terminal = make()
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1)
    await terminal.until(lambda _: b"trial" in (tmp_path / "shadow" / WANTED).read_bytes())
    crashed = (tmp_path / "shadow" / WANTED).read_bytes()
    await terminal.end()
    (tmp_path / "shadow" / WANTED).write_bytes(crashed)  # what a kill leaves
    assert Terminal(tmp_path).now.in_force == 1  # ended out of order once: still on trial
    last = Terminal(tmp_path)
    assert (last.now.state, last.now.in_force) == ("rolled_back", 0)
    assert last.now.reasons == (ShadowReason(why="restarts"),) and last.shadow.site == SITE


async def test_a_terminal_that_is_stopped_in_order_five_times_is_not_blamed(make: Make) -> None:
    terminal = make()
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.on_trial)
    for _ in range(5):
        await terminal.end()
        terminal = make()
        assert (terminal.now.in_force, terminal.now.on_trial) == (1, True)
        await asyncio.sleep(0.02)  # it runs


# --- damaged -------------------------------------------------------------------------------------


async def proved(make: Make) -> None:
    terminal = make(trial_s=0.05)
    terminal.hear(1, LOUD)
    await terminal.until(lambda said: said.in_force == 1 and not said.on_trial)
    await terminal.end()


@pytest.mark.parametrize("harm", [b"", b"{", b"\xff" * 100, b'{"sha256":"00","body":{}}', b"[" * 100_000])
async def test_a_damaged_file_gives_way_to_the_last_good_and_both_to_the_local_one(
    make: Make, tmp_path: Path, harm: bytes
) -> None:
    await proved(make)
    terminal = make()
    terminal.hear(2, {"voice.gain_max_db": 9})
    await terminal.until(lambda said: said.in_force == 2)
    await terminal.end()
    (tmp_path / "shadow" / WANTED).write_bytes(harm)
    again = make()
    assert (again.now.in_force, again.has("voice.gain_max_db")) == (1, 3)
    assert again.now.reasons == (ShadowReason(why="file_damaged", what="wanted"),)
    again.hear(2, {"voice.gain_max_db": 9})  # the hub sees that it knows 1 only, and sends the newest again
    await again.until(lambda said: said.in_force == 2)
    await again.end()
    for name in (WANTED, GOOD):
        (tmp_path / "shadow" / name).write_bytes(harm)
    last = make()
    assert (last.now.version, last.now.in_force, last.shadow.site) == (0, 0, SITE)
    assert {one.what for one in last.now.reasons} == {"wanted", "good"}
    assert len(list((tmp_path / "shadow").glob("*.damaged"))) == 2
    last.hear(2, LOUD)
    await last.until(lambda said: said.in_force == 2)


async def test_when_only_the_good_one_is_damaged_the_hub_can_send_it_again(make: Make, tmp_path: Path) -> None:
    await proved(make)
    (tmp_path / "shadow" / GOOD).write_bytes(b"x")
    again = make()
    assert (again.now.version, again.now.in_force, again.now.state) == (0, 0, "local")
    again.hear(1, LOUD)
    await again.until(lambda said: said.in_force == 1)


async def test_what_the_local_file_no_longer_allows_gives_way_to_it(make: Make) -> None:
    terminal = make(trial_s=0.05)
    terminal.hear(1, {"hearing.pause_shortest_ms": 1000})
    await terminal.until(lambda said: said.in_force == 1 and not said.on_trial)
    await terminal.end()
    hearing = SITE.hearing.model_copy(update={"pause_longest_ms": 900, "pause_unfinished_ms": 900})
    changed = SITE.model_copy(update={"hearing": hearing})
    again = make(local=changed)
    assert (again.now.in_force, again.shadow.site) == (0, changed)
    assert again.now.reasons == (ShadowReason(why="no_longer_valid", what="hearing.pause_shortest_ms"),)
    await asyncio.sleep(0.05)
    assert again.now.refused == {} and again.now.state == "local"


def test_the_tests_speak_of_the_terminal_of_the_example_site() -> None:
    assert (HERE.device, SITE.device.id) == (DEVICE, DEVICE)
