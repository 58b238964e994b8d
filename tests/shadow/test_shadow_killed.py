"""SIGKILL at every step of every write: what a start finds is one version, whole, and the next ones are taken."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hub.wirekit import ROOT
from tests.shadow.killed import BAD, VERSIONS

pytestmark = pytest.mark.contract


def test_killed_at_every_step_it_has_one_version_whole_and_goes_on(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.shadow.killed", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(rows) > 40 and {row["signal"] for row in rows} == {9}
    before = 0
    seen = set()
    for row in rows:
        left, after = row["left"], row["after"]
        assert left["notes"] == [], row  # nothing half written was ever taken for a file
        assert left["remote"] == VERSIONS.get(left["in_force"], {}), row  # one version, all of it
        assert left["decided"] >= left["in_force"]
        assert left["decided"] >= before, row  # later in its life it never knows less
        before = left["decided"]
        seen.add((left["in_force"], left["state"]))
        # and on that disk the terminal lives on to the same end: the bad version is given up, the one before stands
        assert (after["version"], after["state"], after["in_force"]) == (BAD, "rolled_back", after["in_force"]), row
        assert after["in_force"] in (1, 2) and after["remote"] == VERSIONS[after["in_force"]], row
    assert {in_force for in_force, _ in seen} == {0, 1, 2, 3}
