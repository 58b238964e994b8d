"""How many attacks are taken for a living face, by species, and how many visitors are not.

    python -m bench liveness --json - [--portraits DIR] [--split test|dev|all] [--attacks 200] [--full] [--report FILE]

Clips are made from still portraits (see `bench.portraits`): synthetic, and named so in the result. The challenge, its
checks and the networks are the kiosk's own. One presentation is one try of the challenge. By default the portrait is
scikit-image's astronaut (public domain). `--portraits DIR` adds people of a folder; of them every second one chose the
thresholds (`dev`), the others are reported (`test`). Of each person the straightest portrait with open eyes is used;
none that shows a second person as near, shut eyes, or a face turned by more than 15 degrees: who is left without one is
counted.
Where there is one portrait only, the second person of `second_person` is of scikit-image's small grey faces, which is
said. Clips of one portrait share frames: the intervals (Wilson, 95 %)
count presentations, not people. `apcer` and `bpcer` are of a terminal as it is shipped, without the screen's light;
`with_screen_light` is of one whose display is known to light a face, by the model of `bench.portraits.lamp`.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from bench.face import people_of, read_picture
from bench.portraits.bank import KINDS, Bank, Eyes, fill
from bench.portraits.clips import KIND, SPECIES, attacker, play, visitor
from bench.portraits.puppet import NoFace, Picture, Puppet
from bench.portraits.report import write_report
from kiosk.identity.flash import order
from kiosk.identity.liveness import Look, Result, sequence
from kiosk.identity.parallax import openness
from models.mesh import FaceMesh
from models.sface import SFace
from models.store import Store
from models.yunet import YuNet

SEED: Final = 7
STRANGERS_LOOKED_AT: Final = 20
LIT: Final = "replay_right"  # the species that the screen's light is there for
SWAPS: Final = ("stranger 1", "stranger 2")  # frames of second people, where there is one portrait only
STRANGERS: Final = "two faces of scikit-image's lfw_subset, grey and 25 px small"
Z95: Final = 1.959964
PORTRAITS_EACH: Final = 10  # of a person; the straightest is used
STRAIGHT_DEG: Final = 15.0  # portraits that are turned further, or show a second person, are not used
ALONE: Final = 0.4  # of the face's width; the kiosk objects from 0.6 on
TURNED_DEG: Final = 10.0  # as bad as eyes that are shut
SHUT: Final = 0.12  # of the width: whose eyes are shut does not look at a screen
OPEN: Final = 0.3  # height of an open eye over its width
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


def _people(folder: Path | None, split: str) -> list[tuple[str, list[Picture]]]:
    """Everybody of this split with their portraits."""
    people: list[tuple[str, list[Picture]]] = []
    if folder is not None:
        rows = people_of(folder, PORTRAITS_EACH)
        names = sorted({who for who, _ in rows})
        wanted = {"dev": names[::2], "test": names[1::2], "all": names}[split]
        people = [(name, [read_picture(path) for who, path in rows if who == name]) for name in wanted]
    if folder is None or split != "dev":
        people.append(("astronaut", [astronaut()]))
    return people


def astronaut() -> Picture:
    """scikit-image's portrait of Eileen Collins (NASA, public domain)."""
    import skimage.data

    return np.ascontiguousarray(skimage.data.astronaut()[:, :, ::-1], np.uint8)  # type: ignore[no-untyped-call]


def open_eyes() -> Eyes:
    store = Store()
    mesh = FaceMesh(store.open("face-landmarks"), store.open("face-blendshapes"))
    return Eyes(YuNet(store.open("yunet"), long_side_px=320), mesh, SFace(store.open("sface")))


def _banks(people: Sequence[tuple[str, list[Picture]]], times: int) -> tuple[list[tuple[str, Banks]], int]:
    """The frames of everybody, drawn by as many processes as there are cores; and how many have no portrait for it."""
    alone = len(people) == 1
    work = [(number, who, pictures, times, alone) for number, (who, pictures) in enumerate(people)]
    if alone:
        made = [_bank_of(*work[0])]
    else:
        with ProcessPoolExecutor(min(len(work), os.cpu_count() or 1), get_context("spawn")) as pool:
            made = [task.result() for task in [pool.submit(_bank_of, *row) for row in work]]
    banks = [one for one in made if one is not None]
    return banks, len(made) - len(banks)


def _bank_of(number: int, who: str, pictures: Sequence[Picture], times: int, alone: bool) -> tuple[str, Banks] | None:
    """One person's frames of every kind, of the best portrait; None: no portrait of theirs will do."""
    eyes, rng = open_eyes(), np.random.default_rng([SEED, number])
    puppet = best_portrait(pictures, eyes)
    if puppet is None:
        return None
    banks = {kind: fill(puppet, kind, eyes, rng, times) for kind in KINDS}
    if alone:
        others = (best_portrait([picture], eyes) for picture in strangers())
        for name, other in zip(SWAPS, (other for other in others if other is not None), strict=False):
            banks[name] = fill(other, "live", eyes, rng, times)
    return who, banks


def strangers() -> Iterator[Picture]:
    """Small grey faces of others, of Labeled Faces in the Wild as scikit-image brings them."""
    import skimage.data

    for face in skimage.data.lfw_subset()[:STRANGERS_LOOKED_AT]:  # type: ignore[no-untyped-call]
        large = cv2.resize((face * 255).astype(np.uint8), (170, 170), interpolation=cv2.INTER_CUBIC)
        large = cv2.copyMakeBorder(large, 60, 60, 60, 60, cv2.BORDER_REPLICATE)
        yield np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2BGR), np.uint8)


def best_portrait(pictures: Sequence[Picture], eyes: Eyes) -> Puppet | None:
    """The straightest with open eyes. A puppet has the skin that its portrait shows: one that is turned already lacks a
    cheek when it turns on, and lids that are screwed up against the sun cannot be seen to close."""
    best: tuple[float, Puppet] | None = None
    for picture in pictures:
        try:
            puppet = Puppet(picture, eyes.detector, eyes.mesh)
        except NoFace:
            continue
        still = eyes.look(puppet.still)
        if not isinstance(still, Look) or abs(still.mesh.yaw_deg) > STRAIGHT_DEG or not _alone(puppet, eyes):
            continue
        opened = openness(still.mesh.points)
        if opened < SHUT:
            continue
        wrong = abs(still.mesh.yaw_deg) / TURNED_DEG + max(0.0, 1.0 - opened / OPEN)
        if best is None or wrong < best[0]:
            best = (wrong, puppet)
    return best[1] if best else None


def _alone(puppet: Puppet, eyes: Eyes) -> bool:
    """No second person nearly as near as the kiosk would object to."""
    widths = sorted(face.w for face in eyes.detector.detect(puppet.still))
    return len(widths) < 2 or widths[-2] < ALONE * widths[-1]


# ------------------------------------------------------------------ presentations
def measure(banks: Sequence[tuple[str, Banks]], attacks: int, genuine: int) -> dict[str, Any]:
    """Rates of every species, with counts, intervals and reasons."""
    rng = random.Random(SEED)
    rows = {species: [_attack(banks, species, number, rng) for number in range(attacks)] for species in SPECIES}
    rows["genuine"] = [_visit(banks, number, rng) for number in range(genuine)]
    lit = {LIT: [_attack(banks, LIT, number, rng, light=True) for number in range(attacks)],
           "genuine": [_visit(banks, number, rng, light=True) for number in range(genuine)]}  # fmt: skip
    by_person = Counter((banks[n % len(banks)][0], row.reasons[0].code) for n, row in enumerate(rows["genuine"]))
    return {
        **_rates(rows),
        "by_person": {who: {code: count for (one, code), count in sorted(by_person.items()) if one == who}
                      for who, _ in banks},
        "with_screen_light": _rates(lit),
        f"{LIT}_by_hold": _by_hold(rows[LIT], len(banks)),
        "second_person": STRANGERS if len(banks) == 1 else "another of the portraits",
    }  # fmt: skip


def _by_hold(results: Sequence[Result], people: int) -> dict[str, dict[str, int]]:
    found = {}
    for name, hand in (("in a hand", True), ("on a stand", False)):
        mine = [row.outcome == "live" for n, row in enumerate(results) if held(n, people) == hand]
        found[name] = {"tried": len(mine), "accepted": sum(mine)}
    return found


def _rates(rows: dict[str, list[Result]]) -> dict[str, Any]:
    """`rows`: results of attacks by species, and of visitors under 'genuine'."""
    attacks = {species: [row.outcome == "live" for row in found] for species, found in rows.items()}
    visits = [not live for live in attacks.pop("genuine")]
    return {
        "apcer": {species: round(sum(live) / len(live), 4) for species, live in attacks.items()},
        "bpcer": round(sum(visits) / len(visits), 4),
        "numbers": {
            **{species: {"tried": len(live), "accepted": sum(live)} for species, live in attacks.items()},
            "genuine": {"tried": len(visits), "refused": sum(visits)},
        },
        "confidence_95": {
            **{species: wilson(sum(live), len(live)) for species, live in attacks.items()},
            "bpcer": wilson(sum(visits), len(visits)),
        },
        "reasons": {species: _reasons(found) for species, found in rows.items()},
    }


def _attack(
    banks: Sequence[tuple[str, Banks]], species: str, number: int, rng: random.Random, *, light: bool = False
) -> Result:
    who, mine = banks[number % len(banks)]
    asked = sequence(rng)
    swap = None
    if species == "second_person":
        swap = rng.choice([bank["live"] for other, bank in banks if other != who] or [mine[name] for name in SWAPS])
    colours = order(rng) if light else ()
    kind = KIND[species] if species != LIT or held(number, len(banks)) else "stand"
    return play(attacker(species, asked, rng), mine[kind], rng, asked, swap, colours)


def held(number: int, people: int) -> bool:
    """Every second right film of a person is on a screen in somebody's hand, the others on a stand."""
    return number // people % 2 == 0


def _visit(banks: Sequence[tuple[str, Banks]], number: int, rng: random.Random, *, light: bool = False) -> Result:
    _, mine = banks[number % len(banks)]
    asked = sequence(rng)
    return play(visitor(rng), mine["live"], rng, asked, colours=order(rng) if light else ())


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
