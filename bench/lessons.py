"""What the network of the near voice learns from: `python -m bench.lessons OUT.npz [--scenes N] [--seed N]`.

Lobbies in which she speaks, visitors speak, also over her, and others babble, through the terminal's own cancellers;
written as the network's inputs and whether the visitor spoke, block by block. Voices are those of `models.train.
sayings` that no bench and no terminal uses, but for her own in the loudspeaker. Seeded.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve, resample_poly

from bench.lobby import mixing
from bench.lobby.mixing import Signal
from bench.lobby.rooms import LobbyRoom, RoomPlan, room
from kiosk.adapters.webrtc_audio import open_canceller
from kiosk.audio.echo import FarEnd
from kiosk.events import FRAME_SAMPLES, MIC_RATE_HZ, Pcm
from models.near_voice import BLOCK_SAMPLES, HEARD, SIGNALS, Bands
from models.silero import SileroVad
from models.store import Store
from models.train.coughs import body_noise
from models.train.sayings import Clip, Speakers, clips, load_sayings

SECONDS: Final = 24.0
ROOMS: Final = 40
FIRST_ROOM: Final = 1000  # the bench's own rooms have seeds below
HERS: Final = {"zh": "zf_xiaoxiao", "en": "af_heart"}
HERS_SHARE: Final = 0.6  # of what the loudspeaker says; the rest is said by others
REPORTED_NS: Final = 40_000_000  # of the loudspeaker's delay, known to the terminal
VOICED_DB: Final = -28.0  # below the clip's voiced level: no voice any more
BRIDGED_BLOCKS: Final = 3  # gaps within words
BABBLE_S: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who may speak."""

    visitors: tuple[Clip, ...]
    hers: tuple[Clip, ...]
    others: tuple[Clip, ...]


def cast(split: str) -> Cast:
    """The training's voices; for `dev` every fifth of them, for `train` the others."""
    speakers = Speakers(Store())
    said = list(clips(speakers, "train", ("backchannel", "words", "sentence", "chat")))
    names = sorted({clip.voice for clip in said})
    held = set(names[::5])
    visitors = tuple(clip for clip in said if (clip.voice in held) == (split == "dev"))
    lines = [one for one in load_sayings() if one.kind in ("sentence", "chat", "announcement")]
    hers = [speakers.say(one, HERS[one.language], 1.0) for one in lines[split == "dev" :: 2]]
    # personas change: other voices speak from the loudspeaker too
    others = [clip for clip in visitors if clip.saying.kind in ("sentence", "chat")]
    return Cast(visitors=visitors, hers=tuple(hers), others=tuple(others))


class Lesson:
    """One scene, (n,) float32 each at 16 kHz: visitor and others at the microphone, her sound as played."""

    def __init__(self, people: Cast, lobby: LobbyRoom, bed: Signal, rng: np.random.Generator) -> None:
        self._people, self._lobby, self._bed, self._rng = people, lobby, bed, rng
        self.samples = int(SECONDS * MIC_RATE_HZ)
        self.mic = mixing.noise_floor(self.samples, rng) * 10 ** (rng.uniform(-6, 6) / 20)
        self.played = np.zeros(self.samples, np.float32)
        self.near = np.zeros(self.samples // BLOCK_SAMPLES, np.uint8)
        self._level_dbfs = mixing.VISITOR_DBFS + rng.normal(0, 4)

    def compose(self) -> None:
        rng = self._rng
        talks = rng.random()
        if talks < 0.65:
            self._she_talks(busy=rng.uniform(0.6, 1.0))
        for _ in range(int(rng.integers(0, 3))):
            body = mixing.at_level(mixing.signal_of(body_noise(rng)), self._level_dbfs + rng.normal(-3, 4))
            mixing.add(self.mic, mixing.in_room(body, self._lobby.visitor), int(rng.integers(0, self.samples)))
        if rng.random() < 0.88:
            self._visitor_talks(every_s=rng.uniform(0.7, 4.0))
        self._echo()
        if rng.random() < 0.6:
            at = int(rng.integers(0, len(self._bed) - self.samples))
            snr_db = rng.uniform(2, 32)
            self.mic += self._bed[at : at + self.samples] * np.float32(10 ** ((self._level_dbfs - snr_db) / 20))
        self.mic *= np.float32(10 ** (rng.normal(0, 3) / 20))

    def _pick(self, group: Sequence[Clip], kinds: tuple[str, ...]) -> Signal:
        while True:
            clip = group[int(self._rng.integers(len(group)))]
            if clip.saying.kind in kinds:
                return mixing.signal_of(clip.pcm)

    def _she_talks(self, busy: float) -> None:
        at = int(self._rng.uniform(0, 3) * MIC_RATE_HZ)
        clips = self._people.hers if self._rng.random() < HERS_SHARE else self._people.others
        while at < self.samples:
            dry = mixing.at_level(self._pick(clips, ("sentence", "chat", "announcement")), -20.0)
            mixing.add(self.played, dry, at)
            pause_s = self._rng.uniform(0.05, 0.5) if self._rng.random() < busy else self._rng.uniform(1, 5)
            at += len(dry) + int(pause_s * MIC_RATE_HZ)

    def _visitor_talks(self, every_s: float) -> None:
        rng = self._rng
        voice = self._people.visitors[int(rng.integers(len(self._people.visitors)))].voice
        own = [clip for clip in self._people.visitors if clip.voice == voice]
        at = int(rng.uniform(0.5, 4) * MIC_RATE_HZ)
        while at < self.samples:
            kind = rng.choice(["backchannel", "words", "words", "sentence"])
            dry = self._pick(own, (str(kind),))
            if rng.random() < 0.5:  # a longer or shorter throat: a voice between those there are
                dry = np.asarray(resample_poly(dry, int(rng.integers(86, 118)), 100), np.float32)
            dry = mixing.at_level(dry, self._level_dbfs + rng.normal(0, 2))
            self._label(dry, at)
            wet = mixing.in_room(dry, self._lobby.visitor)
            mixing.add(self.mic, wet, at)
            self._she_yields(at, len(dry))
            at += len(dry) + int(rng.exponential(every_s) * MIC_RATE_HZ + 0.1 * MIC_RATE_HZ)

    def _she_yields(self, at: int, samples: int) -> None:
        """Mostly she is softer soon after the visitor begins, and silent a little later."""
        if self._rng.random() < 0.3:
            return
        soft = at + int(self._rng.uniform(0.12, 0.35) * MIC_RATE_HZ)
        still = soft + int(self._rng.uniform(0.06, 0.3) * MIC_RATE_HZ)
        again = at + samples + int(self._rng.uniform(0.2, 1.5) * MIC_RATE_HZ)
        self.played[soft:still] *= np.float32(0.35)
        self.played[still:again] = 0.0

    def _label(self, dry: Signal, at: int) -> None:
        late = int(np.argmax(np.abs(self._lobby.visitor)))
        block = BLOCK_SAMPLES
        aligned = np.concatenate((np.zeros((at + late) % block, np.float32), dry))
        count = len(aligned) // block
        rms = np.sqrt(np.mean(np.square(aligned[: count * block].reshape(count, block)), axis=1))
        voiced = rms > 10 ** ((mixing.voiced_dbfs(dry) + VOICED_DB) / 20)
        where = np.flatnonzero(voiced)
        for one, other in itertools.pairwise(where):
            if 1 < other - one <= BRIDGED_BLOCKS + 1:
                voiced[one:other] = True
        first = (at + late) // block
        fits = max(0, min(count, len(self.near) - first))
        self.near[first : first + fits] |= voiced[:fits].astype(np.uint8)

    def _echo(self) -> None:
        rng = self._rng
        if not self.played.any():
            return
        effort_db, drive = rng.uniform(-12, 6), rng.choice([0.0, 0.0, 0.7, 1.2, 2.0, 3.0])
        gain = 10 ** ((mixing.VISITOR_DBFS + effort_db + 20.0) / 20)
        driven = mixing.soft_clip(self.played, float(drive)) * np.float32(gain)
        wet = np.asarray(fftconvolve(driven, self._lobby.loudspeaker), np.float32)
        delay = int((REPORTED_NS / 1e9 + rng.uniform(0.0, 0.15)) * MIC_RATE_HZ)
        mixing.add(self.mic, wet, delay)


def inputs_of(lesson: Lesson, vads: tuple[SileroVad, SileroVad]) -> npt.NDArray[np.float16]:
    """(blocks, HEARD): the lesson through the terminal's cancellers and silero."""
    far, bands = FarEnd(), Bands()
    echo = open_canceller(far)
    for vad in vads:
        vad.reset()
    mic, at_24k = mixing.to_pcm(lesson.mic), mixing.to_pcm(np.asarray(resample_poly(lesson.played, 3, 2), np.float32))
    pending = np.zeros((SIGNALS, 0), np.int16)
    rows = []
    for number in range(len(mic) // FRAME_SAMPLES):
        now_ns = 1_000_000_000 + (number + 1) * 20_000_000
        far.played(at_24k[number * 480 : (number + 1) * 480], now_ns + REPORTED_NS)
        frame: Pcm = mic[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES]
        clean = echo.clean(frame, now_ns)
        pending = np.concatenate((pending, np.stack((frame, clean.detect, clean.words, clean.far))), axis=1)
        while pending.shape[1] >= BLOCK_SAMPLES:
            block, pending = np.ascontiguousarray(pending[:, :BLOCK_SAMPLES]), pending[:, BLOCK_SAMPLES:]
            opinions = [vad.probability(block[1 + place]) for place, vad in enumerate(vads)]
            rows.append(np.concatenate((bands.of(block), np.array(opinions, np.float32))))
    return np.asarray(rows, np.float16)


def lessons(split: str, scenes: int, seed: int) -> tuple[npt.NDArray[np.float16], npt.NDArray[np.uint8]]:
    """(scenes, blocks, HEARD) and (scenes, blocks)."""
    rng = np.random.default_rng(seed)
    people = cast(split)
    dry = [mixing.signal_of(clip.pcm) for clip in people.visitors if clip.saying.kind in ("sentence", "chat")]
    folder = Store().open("silero-vad")
    vads = SileroVad(folder), SileroVad(folder)
    first = FIRST_ROOM + seed * ROOMS
    rooms, beds = [], []
    for number in range(min(ROOMS, max(2, scenes // 8))):
        plan = RoomPlan(
            rt60_s=float(rng.uniform(0.2, 0.9)), distance_m=float(rng.uniform(0.4, 1.6)), seed=first + number
        )
        rooms.append(room(plan))
        bed = mixing.babble(dry, rooms[-1].talkers, int(BABBLE_S * MIC_RATE_HZ), first + number)
        beds.append(bed / max(1e-9, float(np.sqrt(np.mean(np.square(bed))))))
    found, right = [], []
    for number in range(scenes):
        place = int(rng.integers(len(rooms)))
        lesson = Lesson(people, rooms[place], beds[place], rng)
        lesson.compose()
        rows = inputs_of(lesson, vads)
        found.append(rows)
        right.append(lesson.near[: len(rows)])
        if number % 20 == 19:
            print(f"{number + 1} of {scenes}", file=sys.stderr)
    return np.stack(found), np.stack(right)


def main(argv: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.lessons", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--split", choices=("train", "dev"), default="train")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(argv)
    rows, right = lessons(given.split, given.scenes, given.seed)
    assert rows.shape[2] == HEARD
    np.savez(given.out, rows=rows, near=right)
    print(f"{given.out}: {rows.shape[0]} scenes, {100 * right.mean():.0f} % with the visitor", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
