"""A mistake in a configuration file is refused with file, line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.load import ConfigError
from config.scenario import SCENARIOS_DIR, find_scenario, load_scenario
from config.schema import DEFAULT_SITE, load_site

pytestmark = pytest.mark.unit

SITE = DEFAULT_SITE.read_text("utf-8")


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "site.toml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError) as told:
        load_site(file)
    return str(told.value)


def test_the_example_site_its_flows_and_every_scenario_are_valid() -> None:
    site = load_site(DEFAULT_SITE)
    flows, intents = load_flows(), load_intents()
    load_phrases()
    for path in SCENARIOS_DIR.glob("*.yaml"):
        assert load_scenario(path).id == path.stem
    known = set(intents)
    for service in site.services:
        assert set(service.intents) <= known
    for flow in flows:
        for begin in flow.begins:
            assert set(begin.intents) <= known
        for step in flow.steps.values():
            for choice in step.choices:
                assert set(choice.means) <= known


def test_an_unknown_key_is_refused_with_its_line_and_the_keys_there_are(tmp_path: Path) -> None:
    told = refused(tmp_path, SITE + "\n[hearing]\npause = 5\n")
    line = (SITE + "\n[hearing]\npause = 5\n").splitlines().index("pause = 5") + 1
    assert f"site.toml:{line}: hearing.pause: unknown key" in told
    assert "pause_ms" in told


def test_a_value_out_of_range_is_refused_with_the_range(tmp_path: Path) -> None:
    told = refused(tmp_path, SITE + "\n[hearing]\npause_ms = 50\n")
    assert "hearing.pause_ms" in told and "between 200 and 3000" in told and "got 50" in told


def test_a_value_of_the_wrong_type_is_refused_with_its_line(tmp_path: Path) -> None:
    told = refused(tmp_path, SITE.replace("kiosk_digit = 0", 'kiosk_digit = "zero"'))
    line = SITE.splitlines().index("kiosk_digit = 0") + 1
    assert f"site.toml:{line}: device.kiosk_digit" in told and "between 0 and 9" in told


def test_two_services_with_one_letter_are_refused(tmp_path: Path) -> None:
    assert "share the letter A" in refused(tmp_path, SITE.replace('letter = "B"', 'letter = "A"'))


def test_broken_toml_is_refused_with_the_parsers_line(tmp_path: Path) -> None:
    assert "line 2" in refused(tmp_path, "[bank]\nid = = 3\n")


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "no such file"), (b"", "bank"), (b"\xff\xfe\x00", "not UTF-8")],
    ids=["missing", "empty", "not text"],
)
def test_a_file_that_is_no_configuration_is_named(tmp_path: Path, content: bytes | None, told: str) -> None:
    file = tmp_path / "site.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=told):
        load_site(file)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("id: x\ntitle: y\nsteps: []\n", "steps"),
        ("id: x\ntitle: y\nsteps:\n  - say: {text: a}\n    touch: b\n", "exactly one thing, here: say, touch"),
        ("id: x\ntitle: y\nsteps:\n  - jump: 3\n", r"x\.yaml:4: steps\.0\.jump: unknown key"),
        ("id: x\n  title: y\n", r"x\.yaml:2"),
        ("id: x\ntitle: y\nlobby: {snr_db: 900}\nsteps: [{wait: 1}]\n", "between -5.* and 60"),
    ],
    ids=["empty", "no steps", "two things", "unknown step", "not YAML", "out of range"],
)
def test_a_broken_scenario_is_refused_by_name_and_line(tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=told) as err:
        load_scenario(file)
    assert "x.yaml" in str(err.value)


def test_a_scenario_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(ConfigError, match="withdraw_zh"):
        find_scenario("no_such_visit")
