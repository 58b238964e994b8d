"""Every command of the README is run, and does what the README says."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
# as typed at a prompt: make that runs these tests would make every make under it say where it is
AS_A_PERSON = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.strip().splitlines()]


def run(command: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command), cwd=ROOT, env=AS_A_PERSON, capture_output=True, text=True, timeout=timeout_s
    )


def test_the_readme_has_commands_and_each_is_covered_below() -> None:
    assigned = [node for node in ast.walk(ast.parse(Path(__file__).read_text("utf-8"))) if isinstance(node, ast.Assign)]
    covered = {
        node.value.value
        for node in assigned
        if isinstance(node.value, ast.Constant) and getattr(node.targets[0], "id", "") == "README_COMMAND"
    }
    assert covered == set(COMMANDS)


def test_make_demo_ends_well_and_leaves_film_and_sheet(tmp_path: Path) -> None:
    README_COMMAND = "make demo"
    ran = run(f'{README_COMMAND} ARGS="--headless --scenario barge_in_zh --out {tmp_path}"')
    assert ran.returncode == 0, ran.stdout[-1500:] + ran.stderr[-1500:]
    assert "Everything the scenario expects happened" in ran.stdout
    assert (tmp_path / "visit.mp4").stat().st_size > 100_000 and (tmp_path / "visit.png").exists()


def test_make_test_is_what_is_running_now() -> None:
    README_COMMAND = "make test"
    planned = run(f"{README_COMMAND} -n")
    assert planned.returncode == 0 and "pytest" in planned.stdout and "check" in planned.stdout


def test_make_check_checks_lint_types_layers_and_documents() -> None:
    README_COMMAND = "make check"  # carried out by `make test` a moment ago
    planned = run(f"{README_COMMAND} -n").stdout
    for checker in ("ruff check", "mypy", "lint-imports", "contracts.document --check"):
        assert checker in planned


def test_make_run_starts_and_ends_on_ctrl_c(tmp_path: Path) -> None:
    README_COMMAND = "make run"
    site = (ROOT / "config/sites/qinghe-binjiang.toml").read_text("utf-8") + "\n[hub]\nport = 18932\n"
    (tmp_path / "site.toml").write_text(site, "utf-8")
    arguments = f"--headless --state {tmp_path} --site {tmp_path / 'site.toml'}"
    live = subprocess.Popen(
        [*README_COMMAND.split(), f"ARGS={arguments}"], cwd=ROOT, env=AS_A_PERSON, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert live.stderr is not None
    try:
        for line in live.stderr:  # until it runs, or has ended
            if "running; logs" in line:
                break
        else:
            raise AssertionError(f"it ended with {live.wait()} before it ran")
        time.sleep(5)
        assert live.poll() is None
        os.killpg(live.pid, signal.SIGINT)
        live.communicate(timeout=60)
    finally:
        if live.poll() is None:
            os.killpg(live.pid, signal.SIGKILL)


def test_make_doctor_looks_at_everything() -> None:
    README_COMMAND = "make doctor"
    ran = run(README_COMMAND)
    for what in ("models", "microphone", "loudspeaker", "camera", "printer", "display", "broker"):
        assert what in ran.stdout


def test_a_scenario_prints_one_json_object(tmp_path: Path) -> None:
    README_COMMAND = ".venv/bin/python -m kiosk demo --headless --scenario hours_en --json -"
    ran = run(f"{README_COMMAND} --out {tmp_path} --no-film")
    told = json.loads(ran.stdout)
    assert told["ok"] is True and told["turns"][0]["language"] == "en"


def test_a_visitor_who_does_not_exist_is_answered_with_those_who_do() -> None:
    ran = run(".venv/bin/python -m kiosk demo --headless --scenario no_such_visit --json -", 60)
    assert ran.returncode == 2 and "withdraw_zh" in ran.stderr and ran.stdout == ""


def test_the_models_are_listed_and_whole() -> None:
    README_COMMAND = ".venv/bin/python -m models list"
    assert "whisper-base" in run(README_COMMAND, 60).stdout
    README_COMMAND = ".venv/bin/python -m models verify"
    assert run(README_COMMAND, 60).returncode == 0


def test_the_bench_prints_one_json_object() -> None:
    README_COMMAND = 'make bench ARGS="visit --scenario walks_away_zh --json -"'
    ran = run(README_COMMAND, 120)
    told = json.loads(ran.stdout)
    assert told["visits"] == told["ok"] == 1 and told["missing_parts"] == 0
