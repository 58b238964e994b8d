"""How many attacks are taken for a living face, by species, and how many visitors are not.

    python -m bench liveness --json - [--portraits DIR] [--split test|dev|all] [--attacks 200] [--full] [--report FILE]

Clips are made from still portraits (see `bench.portraits`): synthetic, and named so in the result. The challenge, its
checks and the networks are the kiosk's own. One presentation is one try of the challenge. By default the portrait is
scikit-image's astronaut (public domain). `--portraits DIR` adds people of a folder; of them every second one chose the
thresholds (`dev`), the others are reported (`test`). A species that needs two people is not tried with one and says
so. Portraits that show a second person as near, or a face turned by more than 15 degrees, are not used, and are
counted. Clips of one portrait share frames: the intervals (Wilson, 95 %) count presentations, not people.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np

from bench.face import people_of, read_picture
from bench.portraits.bank import KINDS, Bank, Eyes, fill
from bench.portraits.clips import KIND, SPECIES, Follower, attacker, play
from bench.portraits.puppet import NoFace, Picture, Puppet
from bench.portraits.report import write_report
from kiosk.identity.liveness import Result, sequence
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store
from models.yunet import YuNet

SEED: Final = 7
Z95: Final = 1.959964
PORTRAITS_EACH: Final = 1  # of a person
STRAIGHT_DEG: Final = 15.0  # portraits that are turned further, or show a second person, are not used
Banks = dict[str, Bank]


def main(argv: Sequence[str]) -> dict[str, Any]:
    arguments = argparse.ArgumentParser(prog="python -m bench liveness", description=__doc__)
    arguments.add_argument("--portraits", type=Path, help="a folder of portraits, one sub-folder or prefix a person")
    arguments.add_argument("--split", choices=("test", "dev", "all"), default="test")
    arguments.add_argument("--attacks", type=int, default=200, help="presentations of each species")
    arguments.add_argument("--genuine", type=int, default=300)
    arguments.add_argument("--full", action="store_true", help="three times as many frames drawn of everything")
    arguments.add_argument("--report", type=Path, help="write the account as Markdown, with plots beside it")
    given = arguments.parse_args(argv)
    began = time.perf_counter()
    people = _people(given.portraits, given.split)
    banks, skipped = _banks(people, 3 if given.full else 1)
    if not banks:
        raise ValueError("in none of the portraits was a face found")
    found = measure(banks, given.attacks, given.genuine)
    found |= {
        "portraits": {"people": len({name for name, _ in people}), "used": len(banks), "not_usable": skipped,
                      "source": sorted({"astronaut (public domain)"} | ({given.portraits.name} if given.portraits else
                                                                         set())), "split": given.split},
        "clips": "synthetic: made from still portraits",
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip
    if given.report:
        write_report(given.report, found)
    return found


def _people(folder: Path | None, split: str) -> list[tuple[str, Picture]]:
    people: list[tuple[str, Picture]] = []
    if folder is not None:
        rows = people_of(folder, PORTRAITS_EACH)
        names = sorted({who for who, _ in rows})
        wanted = {"dev": names[::2], "test": names[1::2], "all": names}[split]
        people = [(who, read_picture(path)) for who, path in rows if who in wanted]
    if folder is None or split != "dev":
        people.append(("astronaut", astronaut()))
    return people


def astronaut() -> Picture:
    """scikit-image's portrait of Eileen Collins (NASA, public domain)."""
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1], np.uint8)  # type: ignore[no-untyped-call]


def open_eyes() -> Eyes:
    store = Store()
    mesh = FaceMesh(store.open("face-landmarks"), store.open("face-blendshapes"))
    return Eyes(YuNet(store.open("yunet"), long_side_px=320), mesh, SFace(store.open("sface")))


def _banks(people: Sequence[tuple[str, Picture]], times: int) -> tuple[list[tuple[str, Banks]], int]:
    """The frames of everybody, drawn by as many processes as there are cores; and portraits without a face."""
    work = [(number, who, picture, times) for number, (who, picture) in enumerate(people)]
    if len(work) == 1:
        made = [_bank_of(*work[0])]
    else:
        with ProcessPoolExecutor(min(len(work), os.cpu_count() or 1), get_context("spawn")) as pool:
            made = [task.result() for task in [pool.submit(_bank_of, *row) for row in work]]
    banks = [one for one in made if one is not None]
    return banks, len(made) - len(banks)


def _bank_of(number: int, who: str, picture: Picture, times: int) -> tuple[str, Banks] | None:
    """One portrait's frames of every kind; None: there is no face in it."""
    eyes, rng = open_eyes(), np.random.default_rng([SEED, number])
    try:
        puppet = Puppet(picture, eyes.detector, eyes.mesh)
    except NoFace:
        return None
    still = eyes.look(puppet.still)
    if still is None or still.others or abs(still.mesh.yaw_deg) > STRAIGHT_DEG:
        return None  # nobody stands so before a terminal that asks them to look at it
    return who, {kind: fill(puppet, kind, eyes, rng, times) for kind in KINDS}


# ------------------------------------------------------------------ presentations
def measure(banks: Sequence[tuple[str, Banks]], attacks: int, genuine: int) -> dict[str, Any]:
    """Rates of every species, with counts, intervals and reasons."""
    rng = random.Random(SEED)
    several = len({who for who, _ in banks}) > 1
    apcer: dict[str, float | None] = {}
    counts: dict[str, dict[str, int]] = {}
    between: dict[str, tuple[float, float]] = {}
    why: dict[str, dict[str, int]] = {}
    for species in SPECIES:
        if species == "second_person" and not several:
            apcer[species] = None
            continue
        results = [_attack(banks, species, number, rng) for number in range(attacks)]
        accepted = sum(result.outcome == "live" for result in results)
        apcer[species] = round(accepted / attacks, 4)
        counts[species] = {"tried": attacks, "accepted": accepted}
        between[species] = wilson(accepted, attacks)
        why[species] = _reasons(results)
    visits = [_visit(banks, number, rng) for number in range(genuine)]
    refused = sum(result.outcome != "live" for result in visits)
    return {
        "apcer": apcer,
        "bpcer": round(refused / genuine, 4),
        "numbers": {**counts, "genuine": {"tried": genuine, "refused": refused}},
        "confidence_95": {**between, "bpcer": wilson(refused, genuine)},
        "reasons": {**why, "genuine": _reasons(visits)},
        "not_tried": [] if several else ["second_person: needs portraits of two people"],
    }


def _attack(banks: Sequence[tuple[str, Banks]], species: str, number: int, rng: random.Random) -> Result:
    who, mine = banks[number % len(banks)]
    asked = sequence(rng)
    swap = None
    if species == "second_person":
        swap = rng.choice([bank for other, bank in banks if other != who])["live"]
    return play(attacker(species, asked, rng), mine[KIND[species]], rng, asked, swap)


def _visit(banks: Sequence[tuple[str, Banks]], number: int, rng: random.Random) -> Result:
    _, mine = banks[number % len(banks)]
    visitor = Follower(rng, most_deg=rng.choice((24, 29, 29)), step_deg=6)
    return play(visitor, mine["live"], rng, sequence(rng))


def _reasons(results: Sequence[Result]) -> dict[str, int]:
    return dict(Counter(result.reasons[0].code for result in results).most_common())


def wilson(hits: int, tried: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    if not tried:
        return 0.0, 1.0
    share, z2 = hits / tried, Z95**2
    middle = (share + z2 / (2 * tried)) / (1 + z2 / tried)
    half = Z95 * math.sqrt(share * (1 - share) / tried + z2 / (4 * tried**2)) / (1 + z2 / tried)
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)
