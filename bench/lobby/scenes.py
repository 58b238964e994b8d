"""Scenes: what a microphone in the lobby hears, who says what when, and what the receptionist says meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from bench.lobby import mixing
from bench.lobby.mixing import VISITOR_DBFS, Signal
from bench.lobby.rooms import LobbyRoom, Response, RoomPlan, room
from bench.lobby.sentences import Sentence, load
from bench.lobby.voices import ANNOUNCER, BYSTANDERS, Talker, Voices
from kiosk.events import MIC_RATE_HZ, Pcm

Who = Literal["visitor", "bystander", "announcement", "number"]

HER_DBFS: Final = -20.0  # of what she says, before the loudspeaker: models.loudness
ANNOUNCED_DBFS: Final = -20.0  # at 1 m of the ceiling's loudspeaker: 6 dB louder than a person
LEAD_S: Final = 0.6
TAIL_S: Final = 3.2  # longer than any pause that may be waited for


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Somebody's words: samples `[start, end)` from first to last voiced sample, at the microphone."""

    who: Who
    start: int
    end: int
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EchoPath:
    """From what the device says is audible to the microphone."""

    response: Response
    gain: float
    delay_ms: int = 0  # beyond what the device reports, in steps of whole samples
    drive: float = 0.0  # of the loudspeaker's soft clipping


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """(n,) int16 at 16 kHz, everything but her own voice; `stretches` in order of time.

    The sound begins when her first words do, or when she has finished them (`waits`).
    """

    name: str
    sound: Pcm = field(repr=False)
    stretches: tuple[Stretch, ...] = ()
    hers: Sentence | None = None  # what she says when the scene begins; None: a word of welcome
    echo: EchoPath | None = None
    waits: bool = True
    before: Pcm | None = field(default=None, repr=False)  # of the lobby, again and again until the scene begins

    @property
    def seconds(self) -> float:
        return len(self.sound) / MIC_RATE_HZ


# ------------------------------------------------------------------ what scenes are made of
def loudspeaker(lobby: LobbyRoom, *, effort_db: float = 0.0, delay_ms: int = 40, drive: float = 0.0) -> EchoPath:
    """The terminal's loudspeaker. `effort_db`: how much louder at 1 m than a visitor."""
    gain = 10 ** ((VISITOR_DBFS + effort_db - HER_DBFS) / 20)
    return EchoPath(response=lobby.loudspeaker, gain=gain, delay_ms=delay_ms, drive=drive)


def crowd(voices: Voices) -> list[Signal]:
    """Dry speech of many people, for babble: the development sentences, so that no measured one is in it."""
    said = []
    for number, sentence in enumerate(load("bystanders", "dev")):
        group = BYSTANDERS[sentence.language]
        said.append(mixing.signal_of(voices.say(sentence, group[number % len(group)])))
    return said


def _at_microphone(dry: Signal, response: Response, dbfs: float = VISITOR_DBFS) -> tuple[Signal, int, int]:
    """Speech at `dbfs` at 1 m through the room; first and last+1 voiced sample there."""
    first, last = mixing.voice_bounds(dry)
    arrival = int(np.argmax(np.abs(response)))
    return mixing.in_room(mixing.at_level(dry, dbfs), response), first + arrival, last + arrival


# ------------------------------------------------------------------ a visitor alone
def visitor_scene(
    name: str,
    said: Sequence[tuple[str, Signal]],
    plan: RoomPlan,
    *,
    snr_db: float | None = None,
    people: Sequence[Signal] = (),
    gap_s: float = TAIL_S,
    seed: int = 0,
) -> Scene:
    """A visitor says (text, dry speech) one after the other, `gap_s` apart, babble `snr_db` below if wanted."""
    lobby = room(plan)
    rng = np.random.default_rng(seed)
    at = int(LEAD_S * MIC_RATE_HZ)
    total = at + sum(len(dry) + int(gap_s * MIC_RATE_HZ) for _, dry in said)
    canvas = mixing.noise_floor(total, rng)
    voice_only = np.zeros(total, np.float32)
    stretches = []
    for text, dry in said:
        wet, first, last = _at_microphone(dry, lobby.visitor)
        mixing.add(voice_only, wet, at)
        stretches.append(Stretch(who="visitor", start=at + first, end=at + last, text=text))
        at += len(dry) + int(gap_s * MIC_RATE_HZ)
    before = None
    if snr_db is not None:  # people talk there all day, not from this visitor's arrival on
        bed = mixing.at_snr(mixing.babble(people, lobby.talkers, total, seed), voice_only, snr_db)
        canvas += bed
        before = mixing.to_pcm(bed)
    return Scene(name=name, sound=mixing.to_pcm(canvas + voice_only), stretches=tuple(stretches), before=before)


# ------------------------------------------------------------------ she speaks
def over_her(
    name: str,
    text: str,
    dry: Signal,
    hers: Sentence,
    plan: RoomPlan,
    *,
    at_s: float,
    seconds: float,
    effort_db: float = 0.0,
    delay_ms: int = 40,
    drive: float = 0.0,
    seed: int = 0,
) -> Scene:
    """A visitor says something at `at_s` while she says `hers`."""
    lobby = room(plan)
    canvas = mixing.noise_floor(int(seconds * MIC_RATE_HZ), np.random.default_rng(seed))
    wet, first, last = _at_microphone(dry, lobby.visitor)
    at = int(at_s * MIC_RATE_HZ)
    mixing.add(canvas, wet, at)
    return Scene(
        name=name,
        sound=mixing.to_pcm(canvas),
        stretches=(Stretch(who="visitor", start=at + first, end=at + last, text=text),),
        hers=hers,
        waits=False,
        echo=loudspeaker(lobby, effort_db=effort_db, delay_ms=delay_ms, drive=drive),
    )


def she_alone(name: str, hers: Sentence, seconds: float, echo: EchoPath, seed: int) -> Scene:
    """Nobody but her."""
    canvas = mixing.noise_floor(int(seconds * MIC_RATE_HZ), np.random.default_rng(seed))
    return Scene(name=name, sound=mixing.to_pcm(canvas), hers=hers, echo=echo, waits=False)


# ------------------------------------------------------------------ others
def with_others(
    name: str,
    talker: Talker,
    visitor: Sequence[Sentence],
    others: Sequence[tuple[Who, Sentence]],
    voices: Voices,
    plan: RoomPlan,
    *,
    gap_s: float = 1.8,
    seed: int = 0,
) -> Scene:
    """A visitor's sentences with somebody else's in between: visitor, other, visitor, other, …"""
    lobby = room(plan)
    rng = np.random.default_rng(seed)
    turns: list[tuple[Who, Sentence]] = []
    for number, sentence in enumerate(visitor):
        turns.append(("visitor", sentence))
        turns += others[number : number + 1]
    sounds: list[tuple[int, Signal, Stretch]] = []
    at = int(LEAD_S * MIC_RATE_HZ)
    for who, sentence in turns:
        dry, response, dbfs = _somebody(who, sentence, talker, voices, lobby, rng)
        wet, first, last = _at_microphone(dry, response, dbfs)
        sounds.append((at, wet, Stretch(who=who, start=at + first, end=at + last, text=sentence.plain)))
        at += len(dry) + int(gap_s * MIC_RATE_HZ)
    canvas = mixing.noise_floor(at + int((TAIL_S - gap_s) * MIC_RATE_HZ), rng)
    for begun, wet, _ in sounds:
        mixing.add(canvas, wet, begun)
    return Scene(name=name, sound=mixing.to_pcm(canvas), stretches=tuple(stretch for *_, stretch in sounds))


def _somebody(
    who: Who, sentence: Sentence, talker: Talker, voices: Voices, lobby: LobbyRoom, rng: np.random.Generator
) -> tuple[Signal, Response, float]:
    """Dry speech, the way to the microphone, the level at 1 m."""
    if who == "visitor":
        return mixing.signal_of(voices.say(sentence, talker)), lobby.visitor, VISITOR_DBFS
    if who == "bystander":
        group = BYSTANDERS[sentence.language]
        other = group[int(rng.integers(len(group)))]
        place = lobby.bystanders[int(rng.integers(len(lobby.bystanders)))]
        return mixing.signal_of(voices.say(sentence, other)), place, VISITOR_DBFS
    dry = mixing.telephone_band(mixing.signal_of(voices.say(sentence, ANNOUNCER)))
    return dry, lobby.ceiling, ANNOUNCED_DBFS


# ------------------------------------------------------------------ what no visitor says
def silence(seconds: float = 20.0) -> Scene:
    """A room at night: the microphone's own noise."""
    floor = mixing.noise_floor(int(seconds * MIC_RATE_HZ), np.random.default_rng(1))
    return Scene(name="silence", sound=mixing.to_pcm(floor))


def zeros(seconds: float = 20.0) -> Scene:
    """A device that returns nothing but zeros."""
    return Scene(name="zeros", sound=np.zeros(int(seconds * MIC_RATE_HZ), np.int16))


def tone(hertz: float = 440.0, seconds: float = 20.0) -> Scene:
    """A constant tone at a voice's level."""
    n = np.arange(int(seconds * MIC_RATE_HZ))
    sine = np.sqrt(2) * 10 ** (VISITOR_DBFS / 20) * np.sin(2 * np.pi * hertz * n / MIC_RATE_HZ)
    return Scene(name="tone", sound=mixing.to_pcm(sine))


def white_noise(dbfs: float = -20.0, seconds: float = 20.0) -> Scene:
    """Louder than a voice."""
    rng = np.random.default_rng(2)
    return Scene(
        name="white noise", sound=mixing.to_pcm(rng.standard_normal(int(seconds * MIC_RATE_HZ)) * 10 ** (dbfs / 20))
    )


def clipped(voices: Voices, sentence: Sentence, talker: Talker) -> Scene:
    """A visitor's sentence 30 dB too loud: square at full scale."""
    scene = visitor_scene(
        "clipped",
        [(sentence.plain, mixing.signal_of(voices.say(sentence, talker)))],
        RoomPlan(rt60_s=0.4, distance_m=0.8),
    )
    return Scene(name="clipped", sound=mixing.to_pcm(mixing.signal_of(scene.sound) * 32), stretches=scene.stretches)


def without_a_pause(voices: Voices, talker: Talker, seconds: float = 60.0) -> Scene:
    """Somebody who talks for a minute and never stops for breath."""
    said = [mixing.signal_of(voices.say(sentence, talker)) for sentence in load("bystanders", "dev", "zh")]
    parts: list[Signal] = []
    while sum(map(len, parts)) < seconds * MIC_RATE_HZ:
        dry = said[len(parts) % len(said)]
        first, last = mixing.voice_bounds(dry)
        parts.append(dry[first:last])
    whole = np.concatenate(parts)[: int(seconds * MIC_RATE_HZ)]
    plan = RoomPlan(rt60_s=0.4, distance_m=0.8)
    scene = visitor_scene("without a pause", [("", whole)], plan)
    return Scene(name=scene.name, sound=scene.sound, stretches=scene.stretches)


def neither_language(voices: Voices, talker: Talker) -> Scene:
    """Speech played backwards: a voice, and no word of a language that is known."""
    said = [
        ("", np.ascontiguousarray(mixing.signal_of(voices.say(sentence, talker))[::-1]))
        for sentence in load("sentences", "dev", "zh")[:3]
    ]
    return visitor_scene("neither language", said, RoomPlan(rt60_s=0.4, distance_m=0.8))


def bad_input(voices: Voices) -> list[Scene]:
    """All of them."""
    from bench.lobby.voices import VISITORS

    talker = VISITORS["zh"][0]
    return [
        silence(),
        zeros(),
        tone(),
        white_noise(),
        clipped(voices, load("sentences", "dev", "zh")[0], talker),
        without_a_pause(voices, talker),
        neither_language(voices, talker),
    ]
