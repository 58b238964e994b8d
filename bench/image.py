"""What the machine makes of the units: `python -m bench image --json -` (`make image-check`).

Every unit of `systemd/`, or of what `systemd/install` put below a folder (`--root DIR`), goes through
`systemd-analyze verify`, whose output must be empty (it returns 0 also for keys that it does not know), and through
`systemd-analyze security`, whose exposure (0 good, 10 bad) must stay below the bound. Nothing is started.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

UNITS: Final = Path(__file__).parents[1] / "systemd"
MOST_EXPOSED: Final = 2.0
TIMEOUT_S: Final = 60.0
INSTALLED: Final = (
    "/opt/yingbin/.venv/bin/python", "/var/lib/yingbin-updater/proved/software/.venv/bin/python",
    "/usr/lib/xorg/Xorg", "/usr/bin/unclutter", "/usr/bin/cage",
)  # fmt: skip
_SCORE: Final = re.compile(r"exposure level for \S+: ([0-9.]+)")


def check(units_at: Path = UNITS) -> dict[str, Any]:
    """What each unit got. Raises OSError where systemd's own checker is missing."""
    if shutil.which("systemd-analyze") is None:
        raise OSError("systemd-analyze is not installed: apt-get install systemd")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="yingbin-units-") as name:
        folder = Path(name)
        for unit in sorted(units_at.glob("yingbin-*.*")):  # the program is looked for where it will be installed
            for file in sorted(unit.glob("*.conf")) if unit.is_dir() else [unit]:  # a unit, or what is added to one
                text = file.read_text("utf-8")
                for program in INSTALLED:
                    text = text.replace(program, sys.executable)
                copy = folder / file.relative_to(units_at)
                copy.parent.mkdir(exist_ok=True)
                copy.write_text(text, "utf-8")
        units = sorted(folder.glob("*.service"))
        if not units:
            raise ValueError(f"there are no units in {units_at}")
        said = _run("verify", *(str(path) for path in sorted(folder.iterdir()) if path.is_file()))
        for path in units:
            score = _SCORE.search(_run("security", "--offline=true", "--no-pager", str(path)))
            found[path.stem] = float(score.group(1)) if score else None
    good = not said and all(score is not None and score <= MOST_EXPOSED for score in found.values())
    return {"units": len(found), "complaints": said.splitlines(), "exposure": found, "exposure_bound": MOST_EXPOSED,
            "good": good}  # fmt: skip


def _run(*words: str) -> str:
    done = subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=TIMEOUT_S)
    return (done.stdout + done.stderr).strip()


def main(argv: list[str]) -> dict[str, Any]:
    """Check; raises ValueError where a unit is not good enough."""
    options = argparse.ArgumentParser(prog="python -m bench image")
    options.add_argument("--root", type=Path, default=None, help="what systemd/install put below this folder")
    root = options.parse_args(argv).root
    found = check(root / "etc" / "systemd" / "system" if root else UNITS)
    if not found["good"]:
        raise ValueError(f"the units are not good: {found}")
    return found
