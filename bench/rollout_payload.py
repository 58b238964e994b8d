"""What the bench's releases consist of: a simulated terminal, one small program with a behaviour, and its ballast.

It stands for the terminal's processes as far as the updater sees them: it starts or does not, says that it lives, keeps
its size or grows, and passes its self-test or does not. It hears nobody; the real self-test is
`kiosk.rollout.self_test`.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final, Literal

Behaviour = Literal["good", "does_not_start", "does_not_recognise", "leaks"]
PROGRAM: Final = "software/terminal.py"
SOURCE: Final = '''"""A simulated terminal: see bench/rollout_payload.py."""
import json, sys, time
VERSION, BEHAVIOUR = {version!r}, {behaviour!r}
if "--self-test" in sys.argv:
    understood = "transfer" if BEHAVIOUR == "does_not_recognise" else "withdraw"
    print(json.dumps({{"failed": [] if understood == "withdraw" else ["understands"]}}))
    sys.exit(0)
if BEHAVIOUR == "does_not_start":
    sys.exit(3)
with open(sys.argv[sys.argv.index("--alive") + 1], "w") as alive:
    alive.write(VERSION)
held = []
while True:
    time.sleep(0.02)
    if BEHAVIOUR == "leaks":
        held.append(bytes([1]) * 2**20)
'''


def write_payload(
    folder: Path, version: str, behaviour: Behaviour, *, seed: int, ballast_bytes: int, shared: int
) -> None:
    """The sources of one release below `folder`. `shared` of `ballast_bytes` are the same in every version."""
    software, models = folder / "software", folder / "models"
    software.mkdir(parents=True)
    models.mkdir()
    (software / "terminal.py").write_text(SOURCE.format(version=version, behaviour=behaviour), "utf-8")
    always, fresh = random.Random(seed), random.Random(f"{seed}-{version}")
    (models / "shared.bin").write_bytes(always.randbytes(shared))
    left = ballast_bytes - shared
    (models / "fresh.bin").write_bytes(fresh.randbytes(left * 3 // 4))
    for number in range(6):
        (software / f"part_{number}.bin").write_bytes(fresh.randbytes(left // 24))
    (software / "run.sh").write_text("#!/bin/sh\n", "utf-8")
    (software / "run.sh").chmod(0o755)
