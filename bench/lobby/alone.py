"""The receptionist talks alone: whatever becomes a turn then is her own voice.

Her sentences are those that she really says. Each minute is another scene, begun with a canceller that has not
adapted yet; rooms, delays, loudness and clipping of the loudspeaker go through all their combinations in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any, Final

import numpy as np

from bench.lobby.driver import HearingUnderTest
from bench.lobby.rooms import RoomPlan, room
from bench.lobby.scenes import Scene, loudspeaker, she_alone
from bench.lobby.sentences import Sentence
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from contracts.screen import Language
from kiosk.audio.echo import Cleaned, FarEnd
from kiosk.dialogue.fixed import fixed_clauses
from kiosk.events import Pcm, SpeechStarted

SCENE_S: Final = 60.0
PLANS: Final = (
    RoomPlan(rt60_s=0.3, distance_m=0.8, seed=11),
    RoomPlan(rt60_s=0.5, distance_m=0.8, seed=12),
    RoomPlan(rt60_s=0.8, distance_m=0.8, seed=13),
)
DELAYS_MS: Final = (20, 60, 120)
EFFORTS_DB: Final = (0.0, 3.0, -6.0)
DRIVES: Final = (0.0, 1.0, 3.0)
TEXT_ALONE: Final = frozenset(("own_voice", "ahead"))
CLAUSES: Final = 30  # more than a minute of them
ECHO_ALONE: Final = frozenset(("ahead",))


class NoCanceller:
    """Takes nothing out, and hears while she speaks: what the second defence has to stop alone."""

    full_duplex = True
    deaf = False

    def __init__(self, far: FarEnd) -> None:
        self._far = far

    def clean(self, pcm: Pcm, at_ns: int) -> Cleaned:
        return Cleaned(pcm, pcm, np.zeros_like(pcm))

    def tallies(self) -> dict[str, int]:
        return {}


def her_lines(language: Language) -> list[str]:
    """Whole sentences that she says, as the product has them."""
    every = fixed_clauses(load_flows(), load_phrases(), load_intents())
    ends = "。！？" if language == "zh" else ".!?"
    return [clause for clause, spoken in every if spoken == language and clause.endswith(tuple(ends))]


def scenes(minutes: int) -> Iterator[Scene]:
    """A scene for each minute; every third in English."""
    ways = list(product(PLANS, DELAYS_MS, EFFORTS_DB, DRIVES))
    rng = np.random.default_rng(9)
    order = rng.permutation(len(ways))
    for minute in range(minutes):
        plan, delay_ms, effort_db, drive = ways[int(order[minute % len(ways)])]
        language: Language = "en" if minute % 3 == 2 else "zh"
        lines = her_lines(language)
        chosen = [lines[int(place)] for place in rng.permutation(len(lines))[:CLAUSES]]
        hers = Sentence(language, (" " if language == "en" else "").join(chosen))
        echo = loudspeaker(room(plan), effort_db=effort_db, delay_ms=delay_ms, drive=drive)
        yield she_alone(f"alone {minute}", hers, SCENE_S, echo, seed=minute)


def measure_alone(test: HearingUnderTest, minutes: int, minutes_each_alone: int) -> dict[str, Any]:
    """Turns that she made of her own voice: with both defences, with the canceller's only, with the text's only."""
    both = _count(replace(test, camera=False), minutes)
    echo = _count(replace(test, parts=ECHO_ALONE, camera=False), minutes_each_alone)
    text = _count(replace(test, canceller=NoCanceller, parts=TEXT_ALONE, camera=False), minutes_each_alone)
    return {
        "self_triggers": both["turns"],
        "self_triggers_minutes": minutes,
        "self_stops": both["stops"],
        "self_ducks": both["ducks"],
        "self_heard": both["utterances"],
        "self_fates": both["fates"],
        "echo_alone": _alone(echo, minutes_each_alone),
        "text_alone": _alone(text, minutes_each_alone),
    }


def _alone(counted: dict[str, Any], minutes: int) -> dict[str, Any]:
    kept = {key: counted[key] for key in ("stops", "ducks", "utterances", "fates")}
    return {"self_triggers": counted["turns"], **kept, "minutes": minutes}


def _count(test: HearingUnderTest, minutes: int) -> dict[str, Any]:
    fates: Counter[str] = Counter()
    stops = ducks = 0
    for scene in scenes(minutes):
        account = test.hear(scene)
        fates.update(heard.fate for heard in account.heard)
        stops += len(account.stops)
        ducks += sum(seen.kind == SpeechStarted.__name__ for seen in account.noticed)
    return {"turns": fates["turn"], "utterances": fates.total(), "stops": stops, "ducks": ducks, "fates": dict(fates)}
