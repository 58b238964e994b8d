"""Her mouth against her voice, in the terminal's own playback at real pace, and against the sound itself.

**What is shown against what is audible.** Rendered speech is played by `Playback` into a `RoomSpeaker`, whose clock
runs at real pace. Beside it a screen: 30 times a second it takes the messages that have come (`SpeechPlan`,
`SpeechClock`), asks the figure's own `LipSync` for the position, and shows that mouth until the next frame, DRAW_MS
after it began to draw. The truth is found without their help: each block of 20 ms that leaves the loudspeaker is
looked up in the speech, and gives the sample that is audible at its end. Every 5 ms the sample for which the shown
mouth was made, and by which the figure deliberately leads (`LEAD_MS`), is compared with the sample that is audible;
`viseme_skew_ms` is the absolute difference, `viseme_late_ms` the same with its sign (positive: the mouth is late).
The duration of a frame is thus part of the skew: a mouth is up to 33 ms old before the next is drawn.

**What is planned against the sound.** Whether the durations that a network gives belong to its sound is found in the
sound alone. `friction_late_ms`: for each s, ʂ, ɕ, ʃ, the middle of its planned time less the middle of the nearest
friction (at least 25 ms in which more power lies above 3.5 kHz than 0.6 times that below 3 kHz, within REACH_MS);
positive: the plan is late. `found_share`: how many of them had one. `closure_late_ms`: for each p and b between sounds,
the middle of its planned time less the quietest 5 ms nearby. `shuffled_ms`: p95 of the same for frictions when each
sentence is held against the sound of the next one; what a plan without any truth would give.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from avatar.lipsync import LipSync
from avatar.phonemes import PAUSES
from avatar.timeline import LEAD_MS, viseme_spans
from config.flows import load_flows, load_phrases
from config.intents import load_intents
from config.schema import load_site
from contracts.screen import Language, SpeechClock, SpeechPlan, SpeechStopped, ToScreen
from contracts.speech import VisemeSpan
from kiosk.adapters.room import Acoustics, Room, RoomSpeaker
from kiosk.audio.playback import Playback, SpeechChunk
from kiosk.dialogue.fixed import everything
from kiosk.dialogue.knowledge import ApprovedKnowledge
from kiosk.events import SPEECH_RATE_HZ, Pcm
from kiosk.runtime.clock import SystemClock

if TYPE_CHECKING:
    from bench.tts import Voices

FRAME_S: Final = 1 / 30
LOOK_MS: Final = 5.0  # how often the shown mouth is compared with what is audible
DRAW_MS: Final = 10.0  # from asking for the mouth to the picture on the glass: more than a frame's own time
REACH_MS: Final = 150
STEP_SAMPLES: Final = SPEECH_RATE_HZ * 5 // 1000
FRICTIONS: Final = frozenset("sʂɕʃ")
CLOSURES: Final = frozenset("pb")
FRICTION_SHARE: Final = 0.6
FRICTION_STEPS: Final = 5
Phone = tuple[str, int, int]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A clause to be played, and its phones."""

    chunk: SpeechChunk
    phones: tuple[Phone, ...]


@dataclass(slots=True)
class Watched:
    """One voice being played: what the loudspeaker let out and what the screen showed."""

    speech: Pcm  # (n,) all of it, no sample 0, so that a silent block is a loudspeaker without work
    heard: list[tuple[int, int]] = field(default_factory=list)  # (end_ns, samples audible by then)
    shown: list[tuple[int, int]] = field(default_factory=list)  # (from_ns, sample for which the mouth was made)
    lost_blocks: int = 0  # that are not the next of the speech
    _at: int = 0

    def played(self, block: Pcm, end_ns: int) -> None:
        """A listener of the loudspeaker."""
        sounding = int(np.count_nonzero(block))
        if not sounding:
            return
        following = self.speech[self._at : self._at + sounding]
        self.lost_blocks += not np.array_equal(following, block[:sounding])
        self._at += sounding
        self.heard.append((end_ns - (len(block) - sounding) * 1_000_000_000 // SPEECH_RATE_HZ, self._at))

    def late_ms(self) -> Floats:
        """Signed skew every LOOK_MS, between the first and the last frame with a mouth."""
        if not self.shown or not self.heard:
            return np.zeros(0)
        ends_ns, samples = (np.array(column, np.float64) for column in zip(*self.heard, strict=True))
        from_ns, made_for = (np.array(column, np.float64) for column in zip(*self.shown, strict=True))
        times = np.arange(max(from_ns[0], ends_ns[0]), min(from_ns[-1], ends_ns[-1]), LOOK_MS * 1e6)
        audible = np.interp(times, ends_ns, samples)
        seen = made_for[np.searchsorted(from_ns, times, side="right") - 1]
        return np.asarray((audible - seen) * 1e3 / SPEECH_RATE_HZ - LEAD_MS)


async def measure_mouth(voices: Voices, names: Sequence[str], seconds: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Skew over all voices and by voice, and the acoustic check by voice. The voices are played at the same time."""
    from bench.tts import languages, spread

    parts: dict[str, list[Rendered]] = {}
    for name in names:
        parts[name] = await _rendered(voices, name, languages(name)[0], seconds)
    watched = await asyncio.gather(*(_played([one.chunk for one in parts[name]]) for name in names))
    late = {name: one.late_ms() for name, one in zip(names, watched, strict=True)}
    together = np.concatenate(list(late.values()))
    skew = {
        "viseme_skew_ms": spread(np.abs(together).tolist()),
        "viseme_late_ms": {"p5": round(float(np.percentile(together, 5)), 1), **spread(together.tolist())},
        "viseme_skew_by_voice": {name: spread(np.abs(one).tolist()) for name, one in late.items()},
        "lost_blocks": sum(one.lost_blocks for one in watched),
        "speech_s": round(sum(len(one.speech) for one in watched) / SPEECH_RATE_HZ, 1),
    }
    return skew, {name: _acoustic(parts[name]) for name in names}


async def _rendered(voices: Voices, name: str, language: Language, seconds: float) -> list[Rendered]:
    """Approved sentences in one voice, `seconds` long or a little more, as the terminal's voice gives them."""
    phones: list[tuple[Phone, ...]] = []

    def mouth(said: Sequence[Phone], rate_hz: int) -> tuple[VisemeSpan, ...]:
        phones.append(tuple(said))
        return viseme_spans(said, rate_hz)

    voice = voices.voice(name, f"mouth-{name}", mouth=mouth)
    rendered: list[Rendered] = []
    for text in _sentences(language):
        if sum(len(one.chunk.pcm) for one in rendered) >= seconds * SPEECH_RATE_HZ:
            break
        async for chunk in voice.speak(text, language, keep=False):
            pcm = np.where(chunk.pcm == 0, np.int16(1), chunk.pcm).astype(np.int16)
            rendered.append(Rendered(replace(chunk, pcm=pcm), phones[-1]))
    return rendered


def _sentences(language: Language) -> Iterator[str]:
    """Everything that is rendered ahead for the site, from all over it."""
    intents, site = load_intents(), load_site()
    knowledge = ApprovedKnowledge.for_site(site, intents)
    ahead = everything(load_flows(), load_phrases(), intents, knowledge, datetime.now())
    said = [text for text, of in ahead if of == language]
    for first in range(7):
        yield from said[first::7]


async def _played(chunks: Sequence[SpeechChunk]) -> Watched:
    """Play at real pace through a loudspeaker of its own, with a screen that watches."""
    clock = SystemClock()
    room = Room(clock, Acoustics(noise=np.zeros(320, np.int16), echo_gain=0.0))
    speaker = RoomSpeaker(room, clock)
    watched = Watched(np.concatenate([chunk.pcm for chunk in chunks]))
    speaker.on_played(watched.played)
    messages: list[ToScreen] = []
    tasks = [asyncio.create_task(room.run()), asyncio.create_task(_screen(messages, watched, clock))]

    async def given() -> AsyncIterator[SpeechChunk]:
        for chunk in chunks:
            yield chunk

    try:
        await Playback(speaker, clock, messages.append).play("u1", given(), lambda progress: None)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    return watched


async def _screen(messages: list[ToScreen], watched: Watched, clock: SystemClock) -> None:
    """What the screen process does 30 times a second with the figure's mouth."""
    lips = LipSync()
    next_ns = clock.now_ns()
    while True:
        for message in messages:
            if isinstance(message, SpeechPlan):
                lips.plan(message)
            elif isinstance(message, SpeechClock):
                lips.clock(message)
            elif isinstance(message, SpeechStopped):
                lips.stopped(message)
        messages.clear()
        now_ns = clock.now_ns()
        if (sample := lips.position(now_ns)) is not None:
            watched.shown.append((now_ns + int(DRAW_MS * 1e6), sample))
        next_ns = max(next_ns + int(FRAME_S * 1e9), now_ns)
        await clock.sleep(max(0.0, (next_ns - clock.now_ns()) / 1e9))


# ------------------------------------------------------------------ the sound itself
def _acoustic(rendered: Sequence[Rendered]) -> dict[str, Any]:
    """Frictions and closures as planned, against the sound."""
    from bench.tts import spread

    frictions: list[float] = []
    closures: list[float] = []
    shuffled: list[float] = []
    wanted = 0
    for number, one in enumerate(rendered):
        planned = planned_middles(one.phones, FRICTIONS)
        wanted += len(planned)
        frictions += nearest_ms(planned, friction_middles(one.chunk.pcm))
        shuffled += nearest_ms(planned, friction_middles(rendered[(number + 1) % len(rendered)].chunk.pcm))
        closures += closures_late_ms(one.phones, loudness_db(one.chunk.pcm))
    return {
        "friction_late_ms": {**spread(frictions), "abs_p95": spread(np.abs(frictions).tolist())["p95"]},
        "found_share": round(len(frictions) / max(1, wanted), 3),
        "closure_late_ms": {**spread(closures), "abs_p95": spread(np.abs(closures).tolist())["p95"]},
        "shuffled_ms": spread(np.abs(shuffled).tolist())["p95"],
    }


def planned_middles(phones: Sequence[Phone], symbols: frozenset[str]) -> list[float]:
    """Milliseconds at the middle of each of these phones."""
    return [(start + end) / 2 * 1e3 / SPEECH_RATE_HZ for symbol, start, end in phones if symbol in symbols]


def friction_middles(pcm: Pcm) -> list[float]:
    """Milliseconds at the middle of each stretch of friction."""
    high, low = _powers(pcm)
    rubs = np.concatenate([[False], high > FRICTION_SHARE * low, [False]])
    edges = np.flatnonzero(np.diff(rubs.astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    return [float(a + b) / 2 * 5 for a, b in zip(starts, ends, strict=True) if b - a >= FRICTION_STEPS]


def _powers(pcm: Pcm) -> tuple[Floats, Floats]:
    """Power above 3.5 kHz and from 0.1 to 3 kHz, (n // STEP_SAMPLES,) each: 10 ms windows every 5 ms."""
    steps = len(pcm) // STEP_SAMPLES
    padded = np.pad(pcm / 32768.0, STEP_SAMPLES // 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * STEP_SAMPLES)[::STEP_SAMPLES][:steps]
    power = np.abs(np.fft.rfft(windows * np.hanning(2 * STEP_SAMPLES), axis=1)) ** 2  # 100 Hz a bin
    return np.asarray(power[:, 35:].sum(axis=1)), np.asarray(power[:, 1:30].sum(axis=1) + 1e-6)


def nearest_ms(planned: Sequence[float], heard: Sequence[float]) -> list[float]:
    """Planned less heard for each planned moment with a heard one within REACH_MS."""
    late = []
    for moment in planned:
        nearest = min(heard, key=lambda one: abs(one - moment), default=None)
        if nearest is not None and abs(nearest - moment) <= REACH_MS:
            late.append(moment - nearest)
    return late


def loudness_db(pcm: Pcm) -> Floats:
    """(n // STEP_SAMPLES,) level of each 5 ms, smoothed over its neighbours, in decibels, not below -60."""
    steps = len(pcm) // STEP_SAMPLES
    power = np.mean(np.square(pcm[: steps * STEP_SAMPLES].reshape(steps, -1) / 32768.0), axis=1)
    power = np.convolve(np.pad(power, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")
    return np.asarray(np.maximum(-60.0, 10 * np.log10(power + 1e-12)))


def closures_late_ms(phones: Sequence[Phone], envelope: Floats) -> list[float]:
    """For each p and b with sounds around it: its planned middle less the quietest moment within REACH_MS / 2."""
    late = []
    for before, phone, after in zip(phones, phones[1:], phones[2:], strict=False):
        if phone[0] not in CLOSURES or before[0] in PAUSES or after[0] in PAUSES:
            continue
        middle = (phone[1] + phone[2]) // 2
        reach = SPEECH_RATE_HZ * REACH_MS // 2000
        start = max(0, (middle - reach) // STEP_SAMPLES)
        nearby = envelope[start : (middle + reach) // STEP_SAMPLES]
        if len(nearby) >= 2 * reach // STEP_SAMPLES - 1:
            quietest = (start + int(np.argmin(nearby)) + 0.5) * 5
            late.append(middle * 1e3 / SPEECH_RATE_HZ - quietest)
    return late
