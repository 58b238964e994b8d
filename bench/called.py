"""Called numbers in the hall: does her own announcement begin a visit, and is a visitor heard who speaks beside it?

    python -m bench called [--rooms N] [--wishes N] --json -

The terminal's own announcer, ears, session and turns, blind, in the simulated rooms of the bench of hearing, in
virtual time.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from bench.lobby import mixing
from bench.lobby.alone import DELAYS_MS, DRIVES, EFFORTS_DB, PLANS
from bench.lobby.driver import HearingUnderTest
from bench.lobby.hall import call_in
from bench.lobby.rooms import room
from bench.lobby.scenes import Scene, loudspeaker, over_her
from bench.lobby.sentences import Sentence
from bench.lobby.voices import VISITORS, Voices
from kiosk.events import MIC_RATE_HZ

NUMBERS: Final = (("A037", "3"), ("B012", "1"), ("A118", "2"), ("C005", "5"))
SCENE_S: Final = 80.0
BESIDE_S: Final = 1.2  # into the announcement the visitor begins
WISHES: Final = (
    Sentence("zh", "我想取一张号。"),
    Sentence("zh", "我的银行卡丢了，怎么办？"),
    Sentence("en", "I would like a ticket, please."),
    Sentence("zh", "请问你们几点关门？"),
    Sentence("en", "I lost my bank card."),
    Sentence("zh", "我要查一下余额。"),
)


def empty_halls(rooms: int) -> Iterator[Scene]:
    """Nobody but her: rooms, delays, loudness and clipping in turn."""
    for number in range(rooms):
        lobby = room(PLANS[number % len(PLANS)])
        echo = loudspeaker(
            lobby,
            effort_db=EFFORTS_DB[number // 3 % len(EFFORTS_DB)],
            delay_ms=DELAYS_MS[number % len(DELAYS_MS)],
            drive=DRIVES[number // 2 % len(DRIVES)],
        )
        canvas = mixing.noise_floor(int(SCENE_S * MIC_RATE_HZ), np.random.default_rng(number))
        yield Scene(name=f"hall {number}", sound=mixing.to_pcm(canvas), echo=echo, waits=False)


def wishes_beside(wishes: int, voices: Voices) -> Iterator[Scene]:
    """Somebody speaks to her while a number is announced."""
    for number in range(wishes):
        said = WISHES[number % len(WISHES)]
        talkers = VISITORS[said.language]
        dry = mixing.signal_of(voices.say(said, talkers[number % len(talkers)]))
        plan = PLANS[number % len(PLANS)]
        yield over_her(
            f"wish {number}", said.text, dry, said, plan, at_s=BESIDE_S, seconds=20.0, delay_ms=40, seed=number
        )


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Measure. Raises `StoreError` where a model is not fetched."""
    parser = argparse.ArgumentParser(prog="python -m bench called", exit_on_error=False)
    parser.add_argument("--rooms", type=int, default=6, help="scenes of four announcements, nobody there")
    parser.add_argument("--wishes", type=int, default=6, help="scenes in which somebody speaks beside one")
    told = parser.parse_args(list(argv))
    test = HearingUnderTest.load()
    alone = [call_in(test, scene, NUMBERS) for scene in empty_halls(told.rooms)]
    heard = [call_in(test, scene, NUMBERS[:1]) for scene in wishes_beside(told.wishes, Voices())]
    return {
        "alone": {
            "announcements": sum(one.said for one in alone),
            "visits_begun": sum(one.visits for one in alone),
            "voices_made_out": sum(one.voices for one in alone),
            "held_back": sum(one.held_back for one in alone),
            "not_said": sum(one.calls - one.said for one in alone),
        },
        "beside": {
            "wishes": len(heard),
            "visits_begun": sum(bool(one.visits) for one in heard),
            "announcements_said_whole": sum(one.said for one in heard),
            "held_back": sum(one.held_back for one in heard),
        },
        "condition": "blind terminal, ears always open; rooms and loudspeaker of `bench hearing`; virtual time",
    }
