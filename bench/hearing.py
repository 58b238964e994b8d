"""Hearing in a lobby: what is recognised in noise, who is interrupted, who is heard, and whether she hears herself.

    python -m bench hearing [--full] [--split dev|test] [--only PART …] [--manifest FILE]
                           [--kept FILE] --json -

The terminal's own ears, session, turns and playback run in simulated rooms (`bench/lobby`), in virtual time. A
manifest holds lines `file<TAB>text` of mono recordings at 16 kHz, relative to it: twelve of them, evenly from all
(`--full`: every one), are measured clean and in each condition, and then nothing synthetic is unless `--only` names
it: 72 scenes instead of some 340. Nothing is tuned here: `--split dev` is for that.

What a part found is told on standard error as soon as it is there. With `--kept FILE` what each scene of turn-taking
showed is kept in that file as soon as it is known, and the same command goes on where it was ended.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.lobby.alone import measure_alone
from bench.lobby.driver import HearingUnderTest
from bench.lobby.kept import Kept
from bench.lobby.sentences import load_manifest
from bench.lobby.talking import measure_backchannels, measure_barge_in, measure_others, measure_slow
from bench.lobby.voices import Voices
from bench.lobby.words import measure_words, spoken

PARTS: Final = ("alone", "slow", "barge_in", "backchannels", "others", "words", "manifest")
CONDITION: Final = (
    "synthetic speakers (blends of the product's own synthesiser, the receptionist's voices in none), simulated "
    "shoebox rooms, visitor -26 dBFS at 1 m, loudspeaker 0.35 m from the microphone at -6 to +3 dB of a visitor's "
    "effort with 20 to 120 ms unreported delay and soft clipping, simulated looks (the visitor in front, lips "
    "moving with the visitor's words, one utterance in four unseen; none where she is alone); virtual time, in "
    "which each network takes what it took on this machine, or the processors' time for it on a busy one; seeds "
    "fixed; 40 ms of sound in the loudspeaker's device"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much is measured. None: all there is."""

    sentences: int | None
    recordings: int | None
    slow: int | None
    barge_ins: int | None
    backchannels: int | None
    lobbies: int
    minutes: int = 30
    minutes_each_alone: int = 5


USUAL: Final = Amount(
    sentences=18, recordings=12, slow=36, barge_ins=None, backchannels=None, lobbies=20, minutes_each_alone=3
)
FULL: Final = Amount(
    sentences=None,
    recordings=None,
    slow=None,
    barge_ins=None,
    backchannels=None,
    lobbies=30,
    minutes=60,
    minutes_each_alone=30,
)


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Measure. Raises `ValueError` naming file and line for a bad manifest."""
    parser = argparse.ArgumentParser(prog="python -m bench hearing", description=__doc__)
    parser.add_argument("--full", action="store_true", help="everything there is: about an hour")
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    parser.add_argument("--only", choices=PARTS, action="append", help="parts to measure; all when absent")
    parser.add_argument("--manifest", type=Path, help="recordings to recognise, instead of synthetic speech")
    parser.add_argument("--slower", type=float, default=1.0, help="take this machine for one so many times slower")
    parser.add_argument("--kept", type=Path, help="scenes heard so far, of slow, barge_in, backchannels and others")
    given = parser.parse_args(argv)
    if not 0.1 <= given.slower <= 100:
        raise ValueError(f"--slower {given.slower}: from 0.1 to 100")
    amount = FULL if given.full else USUAL
    if "manifest" in (given.only or ()) and not given.manifest:
        raise ValueError("--only manifest wants --manifest FILE")
    recordings = load_manifest(given.manifest, amount.recordings) if given.manifest else []  # before the long work
    split = given.split
    kept = Kept(given.kept, {"split": split, "slower": given.slower, "full": given.full})
    test, voices = HearingUnderTest.load(given.slower), Voices()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "alone": lambda: measure_alone(test, amount.minutes, amount.minutes_each_alone),
        "slow": lambda: measure_slow(test, voices, split, amount.slow, kept),
        "barge_in": lambda: measure_barge_in(test, voices, split, amount.barge_ins, kept),
        "backchannels": lambda: measure_backchannels(test, voices, split, amount.backchannels, kept),
        "others": lambda: measure_others(test, voices, split, amount.lobbies, kept),
        "words": lambda: measure_words(test, voices, spoken(voices, split, amount.sentences), synthetic=True),
    }
    found: dict[str, Any] = {}
    took_s: dict[str, float] = {}
    if recordings:
        parts["manifest"] = lambda: {
            "manifest": {"file": given.manifest.name, **measure_words(test, voices, recordings, synthetic=False)}
        }
    for name in given.only or (["manifest"] if recordings else parts):
        found |= _timed(name, parts[name], took_s)
    return {
        **found,
        "split": split,
        "made_sounds": voices.tally_made,
        "kept_scenes": kept.tally_again,
        "took_s": took_s,
        "condition": CONDITION,
    }


def _timed(name: str, work: Callable[[], dict[str, Any]], took_s: dict[str, float]) -> dict[str, Any]:
    began = time.perf_counter()
    found = work()
    took_s[name] = round(time.perf_counter() - began, 1)
    print(f"bench hearing: {name} in {took_s[name]} s: {json.dumps(found, ensure_ascii=False)}", file=sys.stderr)
    return found
