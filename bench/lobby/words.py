"""How well words are recognised in each condition of the lobby, through the whole hearing of the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.lobby import mixing
from bench.lobby.driver import Account, HearingUnderTest
from bench.lobby.mixing import Signal
from bench.lobby.rooms import RoomPlan
from bench.lobby.scenes import Scene, crowd, over_her, visitor_scene
from bench.lobby.scoring import Errors, errors, part, percentile
from bench.lobby.sentences import Recording, Sentence, load, spread
from bench.lobby.voices import VISITORS, Voices
from kiosk.events import MIC_RATE_HZ

MARGIN: Final = MIC_RATE_HZ // 5  # of sound around the words that the recogniser alone is given
# About 14 s each. Who speaks over her does so after some seconds: the canceller has heard her before, as it has in a
# visit. What it does in its first second is measured where she talks alone.
HER_MANDARIN: Final = Sentence(
    "zh",
    "您要办的业务在二号柜台。请您先取一个号，然后在座位上等候。轮到您的时候，屏幕上会显示号码。"
    "如果您要取的钱比较多，请先把身份证准备好。有什么不清楚的，可以随时问我。",
)
HER_ENGLISH: Final = Sentence(
    "en",
    "You can do this at counter two. Please take a number first. It is shown on the screen when it is your turn. "
    "If you want to withdraw a large amount, please have your identity card ready. You can ask me at any time.",
)
ADAPTED_S: Final = 4.0
AGAIN: Final = 0.4  # of its characters differ: the same words, recognised once more


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One kind of lobby. `over_her`: the visitor speaks while she does."""

    name: str
    rt60_s: float
    distance_m: float
    snr_db: float | None = None
    over_her: bool = False


CONDITIONS: Final = (
    Condition(name="near_rt60_0.3_at_0.5_m", rt60_s=0.3, distance_m=0.5),
    Condition(name="room_rt60_0.5_at_1.0_m", rt60_s=0.5, distance_m=1.0),
    Condition(name="live_rt60_0.8_at_1.5_m", rt60_s=0.8, distance_m=1.5),
    Condition(name="babble_20_db_at_0.8_m", rt60_s=0.5, distance_m=0.8, snr_db=20),
    Condition(name="babble_10_db_at_0.8_m", rt60_s=0.5, distance_m=0.8, snr_db=10),
    Condition(name="babble_5_db_at_0.8_m", rt60_s=0.5, distance_m=0.8, snr_db=5),
    Condition(name="over_her_at_0.8_m", rt60_s=0.4, distance_m=0.8, over_her=True),
)
QUIET: Final = ("near_rt60_0.3_at_0.5_m", "room_rt60_0.5_at_1.0_m")  # endpoint delays are measured in these


def spoken(voices: Voices, split: Any, most: int | None) -> list[Recording]:
    """The sentences of a split as recordings: two in three Mandarin, speakers taking turns."""
    found = []
    for language, share in (("zh", 2 / 3), ("en", 1 / 3)):
        lines = load("sentences", split, language)  # type: ignore[arg-type]
        lines = lines if most is None else spread(lines, round(most * share))
        group = VISITORS[language]  # type: ignore[index]
        for number, sentence in enumerate(lines):
            talker = group[number % len(group)]
            found.append(Recording(f"{talker.name} {number}", sentence.plain, voices.say(sentence, talker)))
    return found


def scene_of(condition: Condition, said: Recording, people: Sequence[Signal], seed: int) -> Scene:
    """This recording as a visitor's only sentence."""
    plan = RoomPlan(rt60_s=condition.rt60_s, distance_m=condition.distance_m, seed=seed % 4)
    dry = mixing.signal_of(said.pcm)
    if condition.over_her:
        seconds = ADAPTED_S + len(dry) / MIC_RATE_HZ + 4.0
        hers = HER_MANDARIN if said.language == "zh" else HER_ENGLISH
        return over_her(
            said.name, said.text, dry, hers, plan, at_s=ADAPTED_S, seconds=seconds, delay_ms=40, drive=1.0, seed=seed
        )
    return visitor_scene(said.name, [(said.text, dry)], plan, snr_db=condition.snr_db, people=people, seed=seed)


def words_of(account: Account) -> str:
    """All that became turns. Who was cut off and went on is recognised from the beginning again: not counted twice."""
    kept: list[str] = []
    for heard in account.heard:
        if heard.is_turn:
            again = bool(kept) and errors(kept[-1], heard.text[: len(kept[-1])]).rate <= AGAIN
            kept = [*(kept[:-1] if again else kept), heard.text]
    return " ".join(kept)


def recogniser_alone(test: HearingUnderTest, scene: Scene) -> str:
    """The same model on the same sound, cut by who knows where the words are."""
    stretch = scene.stretches[0]
    cut = scene.sound[max(0, stretch.start - MARGIN) : stretch.end + MARGIN]
    return test.recognise(np.ascontiguousarray(cut))


def measure_words(
    test: HearingUnderTest, voices: Voices, said: Sequence[Recording], *, synthetic: bool
) -> dict[str, Any]:
    """Character errors by condition, and how soon the end of a sentence was decided where it is quiet."""
    people = crowd(voices)
    clean = [errors(one.text, test.recognise(one.pcm)) for one in said]
    found: dict[str, Any] = {}
    delays_ms: list[float] = []
    for condition in CONDITIONS:
        if condition.over_her and not synthetic:
            continue
        total, alone, unheard = Errors(0, 0), Errors(0, 0), 0
        for number, one in enumerate(said):
            scene = scene_of(condition, one, people, number)
            account = test.hear(scene)
            heard = words_of(account)
            unheard += not heard
            total += errors(one.text, heard)
            alone += errors(one.text, recogniser_alone(test, scene)) if not condition.over_her else Errors(0, 0)
            if condition.name in QUIET and account.heard:
                delays_ms.append((account.heard[-1].decided - scene.stretches[0].end) * 1000 / MIC_RATE_HZ)
        found[condition.name] = {
            "cer": round(total.rate, 4),
            "clean_cer": round(sum(clean, Errors(0, 0)).rate, 4),
            "recogniser_alone_cer": None if condition.over_her else round(alone.rate, 4),
            "unheard": part(unheard, len(said)),
            "n": len(said),
        }
    return {
        "cer": found,
        "endpoint_delay_p50_ms": percentile(delays_ms, 0.5),
        "endpoint_delay_p95_ms": percentile(delays_ms, 0.95),
        "endpoint_delays": len(delays_ms),
    }
