"""The units for systemd: nothing that systemd would complain about, and they start what there is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.image import INSTALLED, check

pytestmark = pytest.mark.contract

FOLDER = Path(__file__).resolve().parents[2] / "systemd"
UNITS = sorted(FOLDER.glob("*.service"))
PYTHONS = ("/opt/yingbin/.venv/bin/python", "/var/lib/yingbin-updater/proved/software/.venv/bin/python")
OURS = [unit for unit in UNITS if any(f"ExecStart={python}" in unit.read_text("utf-8") for python in PYTHONS)]


def test_systemd_finds_nothing_to_complain_about(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    for unit in (*UNITS, *FOLDER.glob("*.path")):
        text = unit.read_text("utf-8")
        for program in INSTALLED:  # looked for where it will be installed
            text = text.replace(program, sys.executable)
        (tmp_path / unit.name).write_text(text, "utf-8")
    said = subprocess.run(
        ["systemd-analyze", "verify", *(str(path) for path in tmp_path.iterdir())],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.stdout + said.stderr == ""  # it returns 0 even for unknown keys


def test_every_unit_is_hardened_to_the_stated_bound() -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    found = check()
    assert found["complaints"] == [] and found["units"] == len(UNITS)
    assert {name: score for name, score in found["exposure"].items() if score > found["exposure_bound"]} == {}


def test_only_the_switch_a_restart_and_the_bare_display_start_something_else() -> None:
    others = ["yingbin-cursor.service", "yingbin-display.service", "yingbin-restart@.service", "yingbin-switch.service"]
    assert [unit.name for unit in UNITS if unit not in OURS] == others


@pytest.mark.parametrize("unit", OURS, ids=lambda unit: unit.stem)
def test_the_command_of_a_unit_is_one_of_ours(unit: Path) -> None:
    (line,) = [line for line in unit.read_text("utf-8").splitlines() if line.startswith("ExecStart=")]
    command = line.removeprefix("ExecStart=").split()
    arguments = command[2:]
    module = [*arguments[:1]]
    if arguments[0] in ("kiosk", "hub", "hub.release"):
        module.append(arguments[1])
    told = subprocess.run(
        [sys.executable, "-m", *module, "--help"], capture_output=True, text=True, timeout=60, cwd=unit.parents[1]
    )
    assert told.returncode == 0, told.stderr
    for option in (word for word in command if word.startswith("--")):
        assert option in told.stdout
