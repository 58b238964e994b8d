"""The one list of what may be changed from afar: nothing secret is on it, nothing wrong gets through it."""

from __future__ import annotations

from typing import Any, get_args

import msgspec
import pytest

from config.load import ConfigError, load_toml
from config.remote import REMOTE, RemoteRefused, described, digest, normal, overlay, values
from config.schema import DEFAULT_SITE, PERSONAS, Site, load_site
from contracts.shadow import SETTINGS_LIMIT, Persona, typed
from kiosk.shadow.appliers import LIVE

pytestmark = pytest.mark.unit
SITE = load_site(DEFAULT_SITE)
MONDAY = {"monday": {"opens": "08:30", "closes": "18:00"}}


def test_nothing_secret_no_path_no_address_and_no_device_is_on_the_list() -> None:
    sections = {name.partition(".")[0] for name in REMOTE}
    assert not sections & {"bank", "bank_system", "content", "device", "hub", "ports", "services"}
    texts = [name for name, value in values(SITE).items() if isinstance(value, str)]
    assert texts == ["voice.persona"]
    assert set(get_args(Persona)) == set(PERSONAS)  # and that is one of these words
    assert len(REMOTE) <= SETTINGS_LIMIT


def test_every_setting_is_taken_by_a_part_of_the_terminal_or_at_its_next_start() -> None:
    assert {name for name, takes in REMOTE.items() if takes == "live"} == set(LIVE)


def test_what_a_site_has_fits_the_wire_and_may_be_laid_over_it_again() -> None:
    shown = values(SITE)
    assert msgspec.to_builtins(typed(shown)) == shown
    assert overlay(SITE, shown) == SITE
    assert digest(shown) == digest(dict(reversed(shown.items())))


def test_a_setting_changes_itself_and_nothing_else() -> None:
    made = overlay(SITE, {"voice.gain_max_db": 3, "branch.hours": MONDAY})
    changed = {name for name, value in values(made).items() if value != values(SITE)[name]}
    assert changed == {"voice.gain_max_db", "branch.hours"}
    assert made.voice.model_copy(update={"gain_max_db": 6}) == SITE.voice
    assert [f"{made.branch.hours['monday'].opens:%H:%M}", len(made.branch.hours)] == ["08:30", 1]


def test_the_same_value_written_otherwise_has_the_same_form_and_hash() -> None:
    one = normal(SITE, {"voice.gain_max_db": 3.0, "branch.hours": MONDAY})
    other = normal(
        SITE, {"branch.hours": {"monday": {"opens": "08:30:00", "closes": "18:00:00"}}, "voice.gain_max_db": 3}
    )
    assert one == other and digest(one) == digest(other)


@pytest.mark.parametrize(
    ("settings", "wrong"),
    [
        ({"hub.host": "evil.example"}, {"hub.host": "unknown"}),
        ({"content.public_keys": ["00"]}, {"content.public_keys": "unknown"}),
        ({"bank_system.url": "http://x"}, {"bank_system.url": "unknown"}),
        ({"voice": {"speed": 1.0}}, {"voice": "unknown"}),
        ({"": 1}, {"": "unknown"}),
        ({"voice.gain_max_db": 99}, {"voice.gain_max_db": "out_of_range"}),
        ({"voice.speed": 0.59}, {"voice.speed": "out_of_range"}),
        ({"voice.persona": "somebody"}, {"voice.persona": "out_of_range"}),
        ({"voice.gain_max_db": "3"}, {"voice.gain_max_db": "wrong_type"}),
        ({"voice.small": 1}, {"voice.small": "wrong_type"}),
        ({"talking.misunderstood_limit": True}, {"talking.misunderstood_limit": "wrong_type"}),
        ({"hearing.pause_ms": 700.5}, {"hearing.pause_ms": "wrong_type"}),
        ({"hearing.pause_ms": None}, {"hearing.pause_ms": "wrong_type"}),
        ({"branch.hours": {"monday": {"opens": "18:00", "closes": "09:00"}}}, {"branch.hours": "out_of_range"}),
        ({"branch.hours": {"someday": {"opens": "09:00", "closes": "18:00"}}}, {"branch.hours": "out_of_range"}),
        ({"branch.hours": {"monday": {"opens": "09:00", "closes": "25:00"}}}, {"branch.hours": "wrong_type"}),
        ({"hearing.pause_shortest_ms": 3000, "voice.speed": 1.1}, {"hearing.pause_shortest_ms": "conflict"}),
        ({"voice.speed": float("nan")}, {"voice.speed": "wrong_type"}),
        ({"voice.speed": float("inf")}, {"voice.speed": "wrong_type"}),
    ],
)
def test_what_is_wrong_is_named_and_refused_whole(settings: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(RemoteRefused) as caught:
        overlay(SITE, {"talking.prompt_after_s": 20, **settings})
    assert {one.setting: one.why for one in caught.value.problems} == wrong
    assert all(one.setting in str(caught.value) and one.text for one in caught.value.problems)


def test_the_list_for_people_has_every_setting_with_its_range_and_reason() -> None:
    rows = {row["setting"]: row for row in described()}
    assert set(rows) == set(REMOTE)
    assert (rows["voice.gain_max_db"]["schema"]["minimum"], rows["voice.gain_max_db"]["schema"]["maximum"]) == (0, 9)
    assert "$ref" not in str(rows) and "closed" in rows["branch.hours"]["schema"]["description"]


def test_a_local_file_with_such_a_mistake_is_refused_like_a_remote_setting(tmp_path: Any) -> None:
    file = tmp_path / "site.toml"
    text = DEFAULT_SITE.read_text("utf-8")
    for wrong in ("[hearing]\npause_shortest_ms = 2500\n", "[voice]\nspeed = nan\n"):
        file.write_text(text + "\n" + wrong)
        with pytest.raises(ConfigError, match=r"pause_longest_ms|finite"):
            load_toml(file, Site)
