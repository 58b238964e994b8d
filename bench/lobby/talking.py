"""Turn-taking in the lobby: slow speakers, barge-in, backchannels, other people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from bench.lobby import mixing
from bench.lobby.driver import Account, HearingUnderTest, interrupted
from bench.lobby.kept import Found, Kept
from bench.lobby.rooms import RoomPlan
from bench.lobby.scenes import Scene, Stretch, Who, over_her, visitor_scene, with_others
from bench.lobby.scoring import part, percentile
from bench.lobby.sentences import Sentence, Split, load, spread
from bench.lobby.voices import SLOW, VISITORS, Talker, Voices
from bench.lobby.words import ADAPTED_S, HER_ENGLISH, HER_MANDARIN
from kiosk.events import MIC_RATE_HZ, Interrupted, ReplyBegan, SpeechStarted

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
def measure_slow(test: HearingUnderTest, voices: Voices, split: Split, most: int | None, kept: Kept) -> Found:
    """How often the end was decided, or she began to answer, before a slow sentence was over."""
    lines = _some("slow", split, most)
    found = [
        kept.scene("slow", number, partial(_slow, test, voices, sentence, number))
        for number, sentence in enumerate(lines)
    ]
    return {
        "early_cut_rate": part(sum(one["cut"] for one in found), len(lines)),
        "early_answer_rate": part(sum(one["answered"] for one in found), len(lines)),
        "slow_endpoint_delay_p50_ms": percentile(_known(found, "delay_ms"), 0.5),
        "slow_sentences": len(lines),
    }


def _slow(test: HearingUnderTest, voices: Voices, sentence: Sentence, number: int) -> Found:
    group = SLOW[sentence.language]
    dry = mixing.signal_of(voices.say(sentence, group[number % len(group)]))
    scene = visitor_scene("slow", [(sentence.plain, dry)], ROOMS[number % len(ROOMS)], seed=number)
    account, (start, over) = test.hear(scene), (scene.stretches[0].start, scene.stretches[0].end)
    began = (seen.at for seen in account.noticed if seen.kind == ReplyBegan.__name__)
    return {
        "cut": any(heard.decided < over for heard in account.heard),
        "answered": any(start < at < over for at in began),
        "delay_ms": ms(account.heard[-1].decided - over) if account.heard else None,
    }


def _known(found: Iterable[Found], name: str) -> list[float]:
    """The times that there are."""
    return [one[name] for one in found if one[name] is not None]


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


def measure_barge_in(test: HearingUnderTest, voices: Voices, split: Split, most: int | None, kept: Kept) -> Found:
    """How soon she is silent when a visitor speaks over her."""
    scenes = _over_her(voices, "barge_ins", split, most, talkers=2 if most is None else 1)
    found = [kept.scene("barge_in", number, partial(_barge_in, test, scene)) for number, scene in enumerate(scenes)]
    stopped = [one for one in found if not one["missed"]]
    started_ms, onset_ms = _known(stopped, "started_ms"), _known(stopped, "onset_ms")
    return {
        "barge_in_stop_p50_ms": percentile(started_ms, 0.5),
        "barge_in_stop_p95_ms": percentile(started_ms, 0.95),
        "barge_in_onset_p50_ms": percentile(onset_ms, 0.5),
        "barge_in_onset_p95_ms": percentile(onset_ms, 0.95),
        "barge_in_missed": part(len(found) - len(stopped), len(found)),
        "barge_in_not_a_turn": part(sum(one["lost"] for one in stopped), len(stopped)),
        "barge_in_resumed_meanwhile": part(sum(one["resumed"] for one in stopped), len(stopped)),
        "stopped_before_anybody_spoke": part(sum(one["before"] for one in found), len(found)),
        "barge_ins": len(found),
    }


def _barge_in(test: HearingUnderTest, scene: Scene) -> Found:
    account, said = test.hear(scene), scene.stretches[0]
    before = any(stop.at < said.start for stop in account.stops)
    stop = _stop_for(account, said)
    if stop is None:
        return {"missed": True, "before": before}
    started = [seen.at for seen in account.noticed if seen.kind == SpeechStarted.__name__ and seen.at <= stop.at]
    taken = next((heard.decided for heard in account.during(said) if heard.is_turn), None)
    given_up = account.first(Interrupted.__name__, stop.at)  # also for what was doubted, and never ended as a whole
    if given_up and (taken is None or given_up.at < taken):
        taken = given_up.at
    return {
        "missed": False,
        "before": before,
        "lost": taken is None,
        "resumed": any(stop.at <= at and (taken is None or at < taken) for at in account.resumed),
        "onset_ms": ms(stop.silent - said.start),
        "started_ms": ms(stop.silent - started[-1]) if started else None,
    }


def measure_backchannels(test: HearingUnderTest, voices: Voices, split: Split, most: int | None, kept: Kept) -> Found:
    """How often 'mm-hm' makes her give up what she was saying, and how often she holds for a moment and goes on.

    A hold is no stop if she is heard again, at the word where she was silenced, within HOLD_S, or, after a nod that
    itself takes nearly as long, within PATIENCE_S of its end: nobody talks on while the other does.
    """
    scenes = _over_her(voices, "backchannels", split, most, talkers=2)
    found = [
        kept.scene("backchannels", number, partial(_backchannel, test, scene, split))
        for number, scene in enumerate(scenes)
    ]
    held = [one["hold_ms"] for one in found if one["hold_ms"] is not None and not one["turn"]]
    by_text = Counter(one["text"] for one in found if one["false"])
    return {
        "backchannel_false_stops": part(sum(one["false"] for one in found), len(found)),
        "backchannel_holds": part(len(held), len(found)),
        "backchannel_hold_p50_ms": percentile(held, 0.5),
        "backchannel_hold_p95_ms": percentile(held, 0.95),
        "backchannel_silent_over_1_s": part(sum(one["long"] for one in found), len(found)),
        "backchannel_became_a_turn": part(sum(one["turn"] for one in found), len(found)),
        "backchannel_recognised_p50_ms": percentile(_known(found, "recognise_ms"), 0.5),
        "backchannel_recognised_p95_ms": percentile(_known(found, "recognise_ms"), 0.95),
        "backchannels_that_stopped": dict(by_text.most_common(8)) if split == "dev" else {},
        "backchannels": len(found),
    }


def _backchannel(test: HearingUnderTest, scene: Scene, split: Split) -> Found:
    account, said = test.hear(scene), scene.stretches[0]
    turn = any(heard.is_turn for heard in account.heard) or interrupted(account)
    stop = _stop_for(account, said)
    again = next((at for at in account.resumed if stop and at >= stop.at), None)
    hold_ms = ms(again - stop.at) if stop and again is not None else None
    patience_ms = max(HOLD_S * 1000, ms(said.end - stop.at) + PATIENCE_S * 1000) if stop else 0.0
    return {
        "turn": turn,
        "hold_ms": hold_ms,
        "long": stop is not None and (hold_ms is None or hold_ms > HOLD_S * 1000),
        "false": turn or (stop is not None and (hold_ms is None or hold_ms > patience_ms)),
        "recognise_ms": max(account.recognise_ms, default=None),
        # of the test split nobody may see which: rules would be made for them
        "text": said.text if split == "dev" else "",
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


def measure_others(test: HearingUnderTest, voices: Voices, split: Split, times: int, kept: Kept) -> Found:
    """What of other people's talk became a turn, and what of the visitor's did not."""
    said: Counter[str] = Counter()
    turned: Counter[str] = Counter()
    why: Counter[str] = Counter()
    for number, scene in enumerate(_lobbies(voices, split, times)):
        for who, fate in kept.scene("others", number, partial(_fates, test, scene))["fates"]:
            said[who] += 1
            turned[who] += fate == "turn"
            if who == "visitor" and fate != "turn":
                why[fate] += 1
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


def _fates(test: HearingUnderTest, scene: Scene) -> Found:
    """Who said each stretch, and what became of it: 'turn', or the last reason why not."""
    account, fates = test.hear(scene), []
    for stretch in scene.stretches:
        heard = account.during(stretch)
        last = heard[-1].fate if heard else "not heard"
        fates.append([stretch.who, "turn" if any(one.is_turn for one in heard) else last])
    return {"fates": fates}
