"""Documents held up to the camera: what is read, what is believed, what is told in time.

    python -m bench documents [--cards N] [--forged N] [--split report|tune] [--seed N] --json -

Invented documents, drawn and photographed by `bench/papers` (everything about them is simulated), go frame by frame
through the terminal's own finding, guiding, reading and checking; who is asked to tilt theirs does so. Thresholds were
chosen on split 'tune', whose seeds and rare characters differ from those of 'report', which is the default here.

`field_accuracy_when_sure`: of the fields that count as sure, how many are exactly right; `share_sure`: how many of all
fields that stand on the documents are sure. `forged_accepted`: share of forged and copied documents whose outcome is
'accepted'. `genuine_with_a_mark_accepted`: of the kinds that carry one; an ID card's emblem side carries none and is
never accepted by itself. `first_advice_ms`: from the first frame that shows something to the first advice.
`reading_ms`: all reading of one document, its frames together, until the outcome. Both are the longest
there was, and wall time; `_spread_ms` is how they are spread, `_cpu_ms` the processors' time for the same, which a busy
machine does not stretch.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import cv2
import numpy as np

from bench.papers.camera import FRAME_H, FRAME_W, Picture, frame, hold, tilting, worn
from bench.papers.drawn import Drawn, Kind, draw
from bench.papers.people import TODAY, Split, invent, with_passport
from bench.papers.surface import Surface, card_of
from bench.papers.tampered import COPIED, FORGED, Trick, copied, forge, made_of, square_corners
from bench.visit import spread
from kiosk.vision.documents.session import DocumentLook
from models.printed import PrintReader
from models.store import Store

KINDS: Final[tuple[Kind, ...]] = ("id_front", "id_front", "id_back", "passport", "bank_card")
TRICKS: Final[tuple[Trick, ...]] = (*FORGED, *COPIED)
FRAMES_MOST: Final = 8  # of one document; a visitor holds it longer
TILTS_MOST: Final = 16  # more, while it is tilted
TILT_HZ: Final = 8  # pictures a second, of which
TILT_EVERY: Final = 3  # one in so many is looked at
SEEDS: Final[dict[Split, int]] = {"tune": 1_000, "report": 20_000}
CONDITION: Final = (
    "synthetic documents of invented people, drawn with Noto and DejaVu fonts instead of the official ones, without "
    "seals; simulated camera of 1280 x 720 (perspective, tremor, lamps, gloss, glare, blur, Bayer mosaic, noise, JPEG) "
    "and wear; films, gratings and chips by a physical model (bench/papers/light.py); copies by halftone, strewn "
    "drops, photo paper, sleeves, grey and stripes; three pictures a second while it is tilted; no real document was "
    "seen; networks on 2 threads"
)


@dataclass(slots=True)
class Told:
    """What one run over documents showed."""

    fields: int = 0
    sure: int = 0
    right: int = 0
    by_field: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    rare: list[int] = field(default_factory=lambda: [0, 0, 0])  # names with rare characters: all, sure, right
    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    first_advice_ms: list[float] = field(default_factory=list)
    advice_ms: list[float] = field(default_factory=list)
    first_advice_cpu_ms: list[float] = field(default_factory=list)
    reading_ms: list[float] = field(default_factory=list)
    reading_cpu_ms: list[float] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    tilts: list[float] = field(default_factory=list)  # seconds of those who were asked to tilt it


def main(argv: Sequence[str]) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m bench documents", description=__doc__)
    parser.add_argument("--cards", type=int, default=200, help="genuine documents")
    parser.add_argument("--forged", type=int, default=100, help="forged and copied ones")
    parser.add_argument("--split", choices=("tune", "report"), default="report")
    parser.add_argument("--seed", type=int, default=0, help="added to the split's own")
    given = parser.parse_args(argv)
    if not 0 <= given.cards <= 10_000 or not 0 <= given.forged <= 10_000:
        raise ValueError("--cards and --forged: from 0 to 10000")
    began = time.perf_counter()
    cv2.setNumThreads(1)
    reader = PrintReader(Store().open("print"))
    _warm_up(reader)
    genuine, forged = Told(), Told()
    for number in range(given.cards):
        rng = np.random.default_rng((SEEDS[given.split] + given.seed, 0, number))
        drawn = _genuine(KINDS[number % len(KINDS)], rng, given.split)
        made = card_of(drawn.kind, drawn.flat.shape[1], drawn.flat.shape[0], rng)
        _show(drawn, worn(rng, drawn.flat), made, rng, reader, genuine, drawn.kind)
    for number in range(given.forged):
        rng = np.random.default_rng((SEEDS[given.split] + given.seed, 1, number))
        trick = TRICKS[number % len(TRICKS)]
        drawn = forge(trick, rng, given.split)
        made, square = made_of(trick, drawn, rng), square_corners(trick, rng)
        flat = worn(rng, drawn.flat)
        if trick in COPIED:
            flat = copied(trick, flat, rng, bare=not square)
        _show(drawn, flat, made, rng, reader, forged, trick, square=square)
    return {**_figures(genuine, forged, given), "took_s": round(time.perf_counter() - began, 1), "condition": CONDITION}


def _genuine(kind: Kind, rng: np.random.Generator, split: Split) -> Drawn:
    person = invent(rng, split)
    return draw(kind, with_passport(person, rng) if kind == "passport" else person, rng)


def _show(
    drawn: Drawn, flat: Picture, made: Surface, rng: np.random.Generator, reader: PrintReader, told: Told,
    name: str, *, square: bool = False,
) -> None:  # fmt: skip
    """Hold one document up until it is read, tilt it when asked, or give up."""
    shot, tilt = hold(rng, flat.shape[1] / flat.shape[0]), tilting(rng)
    attempt = DocumentLook(reader, lambda: TODAY, tilts_most=TILTS_MOST)
    cpu_ms = 0.0
    looked = asked = 0
    for _ in range(FRAMES_MOST + TILTS_MOST):
        if attempt.tilting:
            asked += 1
        elif looked == FRAMES_MOST:
            break
        else:
            looked += 1
        picture = frame(shot, flat, made, square=square, angle=tilt.angle(asked * TILT_EVERY), aside=tilt.aside)
        attempt.see(picture)
        if attempt.guided.ready:
            began = time.process_time()
            attempt.read(picture)
            cpu_ms += (time.process_time() - began) * 1e3
        if attempt.result is not None or attempt.unknown:
            break
    told.first_advice_ms.append(attempt.spent.advice_ms[0])
    told.first_advice_cpu_ms.append(attempt.spent.advice_cpu_ms[0])
    told.advice_ms += attempt.spent.advice_ms
    if attempt.spent.tilts:
        told.tilts.append(attempt.spent.tilts * TILT_EVERY / TILT_HZ)
    result = attempt.result
    outcome = result.finding.outcome if result else "unknown" if attempt.unknown else "not_read"
    told.outcomes[name][outcome] += 1
    if attempt.spent.reading_ms:
        told.reading_ms.append(sum(attempt.spent.reading_ms))
        told.reading_cpu_ms.append(cpu_ms)
        told.frames.append(len(attempt.spent.reading_ms))
    for reason in result.finding.reasons if result else ():
        told.reasons[name][reason.code] += 1
    values = result.values if result else {}
    for key, truth in drawn.truth.items():
        row = told.by_field[f"{drawn.kind}.{key}"]
        sure, right = key in values, values.get(key) == truth
        for tally in (row, told.rare) if key == "name" and drawn.rare else (row,):
            tally[0] += 1
            tally[1] += sure
            tally[2] += sure and right
        told.fields += 1
        told.sure += sure
        told.right += sure and right


def _figures(genuine: Told, forged: Told, given: argparse.Namespace) -> dict[str, Any]:
    sure, right = genuine.sure + forged.sure, genuine.right + forged.right
    fields = genuine.fields + forged.fields
    outcomes = sum(genuine.outcomes.values(), Counter())
    against = sum(forged.outcomes.values(), Counter())
    accepted = against["accepted"]
    return {
        "cards": given.cards,
        "forged": given.forged,
        "split": given.split,
        "field_accuracy_when_sure": _share(right, sure),
        "share_sure": _share(sure, fields),
        "fields": fields,
        "sure_and_wrong": sure - right,
        "forged_accepted": _share(accepted, given.forged),
        "forged_accepted_count": accepted,
        "genuine_accepted": _share(outcomes["accepted"], given.cards),
        "genuine_accused": _share(outcomes["refused"] + outcomes["suspected"], given.cards),
        "genuine_outcomes": dict(outcomes),
        "first_advice_ms": max([*genuine.first_advice_ms, *forged.first_advice_ms], default=0.0),
        "first_advice_spread_ms": spread([*genuine.first_advice_ms, *forged.first_advice_ms]),
        "first_advice_cpu_ms": spread([*genuine.first_advice_cpu_ms, *forged.first_advice_cpu_ms]),
        "advice_ms": spread([*genuine.advice_ms, *forged.advice_ms]),
        "reading_ms": max([*genuine.reading_ms, *forged.reading_ms], default=0.0),
        "reading_spread_ms": spread([*genuine.reading_ms, *forged.reading_ms]),
        "reading_cpu_ms": spread([*genuine.reading_cpu_ms, *forged.reading_cpu_ms]),
        "frames_read": spread([*genuine.frames, *forged.frames]),
        "genuine_tilted_s": spread(genuine.tilts),
        "genuine_with_a_mark_accepted": _share(outcomes["accepted"], given.cards - genuine.outcomes["id_back"].total()),
        "names_with_rare_characters": _row(genuine.rare),
        "by_kind": {name: dict(found) for name, found in genuine.outcomes.items()},
        "genuine_reasons": {name: dict(found) for name, found in genuine.reasons.items() if found},
        "by_trick": {
            name: {"outcomes": dict(found), "reasons": dict(forged.reasons[name])}
            for name, found in forged.outcomes.items()
        },
        "by_field": {name: _row(row) for name, row in sorted(genuine.by_field.items())},
    }


def _row(row: list[int]) -> dict[str, float]:
    return {"n": row[0], "share_sure": _share(row[1], row[0]), "right_when_sure": _share(row[2], row[1])}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _warm_up(reader: PrintReader) -> None:
    """Each network once, and the finder: first calls take longer."""
    picture = np.full((FRAME_H, FRAME_W, 3), 128, np.uint8)
    attempt = DocumentLook(reader, lambda: TODAY)
    attempt.see(picture)
    box = np.array([[0, 0], [400, 0], [400, 40], [0, 40]], np.float32)
    reader.find(picture)
    reader.read(picture, [box])
