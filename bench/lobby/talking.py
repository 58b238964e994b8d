"""Turn-taking in the lobby: slow speakers, barge-in, backchannels, other people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from bench.lobby import mixing
from bench.lobby.driver import Account, HearingUnderTest
from bench.lobby.rooms import RoomPlan
from bench.lobby.scenes import Scene, Stretch, Who, over_her, visitor_scene, with_others
from bench.lobby.scoring import part, percentile
from bench.lobby.sentences import Sentence, Split, load, spread
from bench.lobby.voices import SLOW, VISITORS, Talker, Voices
from bench.lobby.words import ADAPTED_S, HER_ENGLISH, HER_MANDARIN
from kiosk.events import MIC_RATE_HZ, ReplyBegan, SpeechStarted

AFTER_S: Final = 2.5  # of a scene, after something was said over her
LATE_S: Final = 0.8  # a stop so long after a sound was for that sound
HOLD_S: Final = 1.0
PATIENCE_S: Final = 0.6
GAP_S: Final = 3.0
ROOMS: Final = (
    RoomPlan(rt60_s=0.3, distance_m=0.5, seed=0),
    RoomPlan(rt60_s=0.4, distance_m=0.8, seed=1),
    RoomPlan(rt60_s=0.5, distance_m=1.0, seed=2),
    RoomPlan(rt60_s=0.6, distance_m=0.7, seed=3),
)
ECHOES: Final = ((20, 0.0, 0.0), (40, 0.0, 1.0), (80, 3.0, 1.0), (120, -6.0, 3.0))  # delay ms, effort dB, drive


def ms(samples: int) -> float:
    return samples * 1000 / MIC_RATE_HZ


def _some(kind: str, split: Split, most: int | None) -> list[Sentence]:
    """Lines of a kind, two in three of them Mandarin where only some are wanted."""
    if most is None:
        return load(kind, split)
    return [
        *spread(load(kind, split, "zh"), round(most * 2 / 3)),
        *spread(load(kind, split, "en"), most - round(most * 2 / 3)),
    ]


# ------------------------------------------------------------------ slow speakers
def measure_slow(test: HearingUnderTest, voices: Voices, split: Split, most: int | None) -> dict[str, Any]:
    """How often the end was decided, or she began to answer, before a slow sentence was over."""
    cut = answered = 0
    delays_ms = []
    lines = _some("slow", split, most)
    for number, sentence in enumerate(lines):
        group = SLOW[sentence.language]
        dry = mixing.signal_of(voices.say(sentence, group[number % len(group)]))
        scene = visitor_scene("slow", [(sentence.plain, dry)], ROOMS[number % len(ROOMS)], seed=number)
        account, over = test.hear(scene), scene.stretches[0].end
        cut += any(heard.decided < over for heard in account.heard)
        answered += any(
            seen.kind == ReplyBegan.__name__ and scene.stretches[0].start < seen.at < over for seen in account.noticed
        )
        if account.heard:
            delays_ms.append(ms(account.heard[-1].decided - over))
    return {
        "early_cut_rate": part(cut, len(lines)),
        "early_answer_rate": part(answered, len(lines)),
        "slow_endpoint_delay_p50_ms": percentile(delays_ms, 0.5),
        "slow_sentences": len(lines),
    }


# ------------------------------------------------------------------ over her
def _over_her(voices: Voices, kind: str, split: Split, most: int | None, talkers: int) -> Iterator[Scene]:
    """Every line of a kind by `talkers` visitors each, at different moments, in different rooms."""
    rng = np.random.default_rng(5)
    for number, sentence in enumerate(_some(kind, split, most)):
        group = VISITORS[sentence.language]
        for other in range(talkers):
            dry = mixing.signal_of(voices.say(sentence, group[(number + other) % len(group)]))
            delay_ms, effort_db, drive = ECHOES[(number + other) % len(ECHOES)]
            at_s = ADAPTED_S + float(rng.uniform(0.0, 2.5))
            yield over_her(
                kind,
                sentence.plain,
                dry,
                HER_MANDARIN if sentence.language == "zh" else HER_ENGLISH,
                ROOMS[(number + 2 * other) % len(ROOMS)],
                at_s=at_s,
                seconds=at_s + len(dry) / MIC_RATE_HZ + AFTER_S,
                effort_db=effort_db,
                delay_ms=delay_ms,
                drive=drive,
                seed=number,
            )


def measure_barge_in(test: HearingUnderTest, voices: Voices, split: Split, most: int | None) -> dict[str, Any]:
    """How soon she is silent when a visitor speaks over her."""
    from_started_ms, from_onset_ms = [], []
    scenes = missed = before = lost = 0
    for scene in _over_her(voices, "barge_ins", split, most, talkers=2 if most is None else 1):
        account, said = test.hear(scene), scene.stretches[0]
        scenes += 1
        before += any(stop.at < said.start for stop in account.stops)
        stop = _stop_for(account, said)
        if stop is None:
            missed += 1
            continue
        lost += not any(heard.is_turn for heard in account.during(said))
        from_onset_ms.append(ms(stop.silent - said.start))
        started = [seen.at for seen in account.noticed if seen.kind == SpeechStarted.__name__ and seen.at <= stop.at]
        if started:
            from_started_ms.append(ms(stop.silent - started[-1]))
    return {
        "barge_in_stop_p50_ms": percentile(from_started_ms, 0.5),
        "barge_in_stop_p95_ms": percentile(from_started_ms, 0.95),
        "barge_in_onset_p50_ms": percentile(from_onset_ms, 0.5),
        "barge_in_onset_p95_ms": percentile(from_onset_ms, 0.95),
        "barge_in_missed": part(missed, scenes),
        "barge_in_not_a_turn": part(lost, scenes - missed),
        "stopped_before_anybody_spoke": part(before, scenes),
        "barge_ins": scenes,
    }


def measure_backchannels(test: HearingUnderTest, voices: Voices, split: Split, most: int | None) -> dict[str, Any]:
    """How often 'mm-hm' makes her give up what she was saying, and how often she holds for a moment and goes on.

    A hold is no stop if she is heard again, at the word where she was silenced, within HOLD_S, or, after a nod that
    itself takes nearly as long, within PATIENCE_S of its end: nobody talks on while the other does.
    """
    scenes = stopped = gave_up = long_silent = 0
    holds_ms: list[float] = []
    by_text: Counter[str] = Counter()
    for scene in _over_her(voices, "backchannels", split, most, talkers=2):
        account, said = test.hear(scene), scene.stretches[0]
        scenes += 1
        turn = any(heard.is_turn for heard in account.heard)
        gave_up += turn
        stop = _stop_for(account, said)
        if stop is None:
            stopped += turn
            continue
        again = next((at for at in account.resumed if at >= stop.at), None)
        if again is None or ms(again - stop.at) > HOLD_S * 1000:
            long_silent += 1
        patience_ms = max(HOLD_S * 1000, ms(said.end - stop.at) + PATIENCE_S * 1000)
        if turn or again is None or ms(again - stop.at) > patience_ms:
            stopped += 1
            by_text[said.text] += 1
        if again is not None and not turn:
            holds_ms.append(ms(again - stop.at))
    return {
        "backchannel_false_stops": part(stopped, scenes),
        "backchannel_holds": part(len(holds_ms), scenes),
        "backchannel_hold_p50_ms": percentile(holds_ms, 0.5),
        "backchannel_hold_p95_ms": percentile(holds_ms, 0.95),
        "backchannel_silent_over_1_s": part(long_silent, scenes),
        "backchannel_became_a_turn": part(gave_up, scenes),
        # of the test split nobody may see which: rules would be made for them
        "backchannels_that_stopped": dict(by_text.most_common(8)) if split == "dev" else {},
        "backchannels": scenes,
    }


def _stop_for(account: Account, said: Stretch) -> Any:
    late = int(LATE_S * MIC_RATE_HZ)
    return next((stop for stop in account.stops if said.start <= stop.at <= said.end + late), None)


# ------------------------------------------------------------------ other people
def _lobbies(voices: Voices, split: Split, times: int) -> Iterator[Scene]:
    """Visitors whose sentences alternate with what others say."""
    others = list(_others(split))
    visits: list[tuple[Talker, list[Sentence]]] = []
    for language in ("zh", "en"):
        for number, talker in enumerate(VISITORS[language]):
            lines = load("sentences", split, language)
            visits.append((talker, lines[number :: len(VISITORS[language])][:4]))
    for number in range(times):
        talker, lines = visits[number % len(visits)]
        three = [others[(number * 3 + place) % len(others)] for place in range(3)]
        plan = ROOMS[number % len(ROOMS)]
        yield with_others("lobby", talker, lines, three, voices, plan, gap_s=GAP_S, seed=number)


def _others(split: Split) -> Iterable[tuple[Who, Sentence]]:
    """Bystanders, announcements and calls of numbers, each kind spread over the list."""
    bystanders: list[tuple[Who, Sentence]] = [("bystander", one) for one in load("bystanders", split)]
    said = load("announcements", split)
    calls: list[tuple[Who, Sentence]] = [
        ("number" if any(c.isdigit() for c in one.text) or "counter" in one.text else "announcement", one)
        for one in said
    ]
    for number, call in enumerate(calls):
        yield from bystanders[number * 2 : number * 2 + 2]
        yield call


def measure_others(test: HearingUnderTest, voices: Voices, split: Split, times: int) -> dict[str, Any]:
    """What of other people's talk became a turn, and what of the visitor's did not."""
    said: Counter[str] = Counter()
    turned: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for scene in _lobbies(voices, split, times):
        account = test.hear(scene)
        for stretch in scene.stretches:
            heard = account.during(stretch)
            said[stretch.who] += 1
            turned[stretch.who] += any(one.is_turn for one in heard)
            if stretch.who == "visitor" and not any(one.is_turn for one in heard):
                why[heard[-1].fate if heard else "not heard"] += 1
    kinds = [kind for kind in said if kind != "visitor"]
    all_others, all_turned = sum(said[kind] for kind in kinds), sum(turned[kind] for kind in kinds)
    return {
        "bystander_turns_ignored": part(all_others - all_turned, all_others),
        "ignored_by_kind": {kind: part(said[kind] - turned[kind], said[kind]) for kind in sorted(kinds)},
        "visitor_turns_lost": part(said["visitor"] - turned["visitor"], said["visitor"]),
        "visitor_turns_lost_why": dict(why),
        "others_said": all_others,
        "visitor_said": said["visitor"],
    }
