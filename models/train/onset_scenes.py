"""Voices that begin while the receptionist speaks, as the ears of the terminal get them: for `models.train.onset`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy.fft import next_fast_len
from scipy.signal import istft, resample_poly, stft

from models.onset import LATEST_MS, LEAD_MS
from models.silero import FRAME_SAMPLES, SileroVad
from models.train.coughs import body_noise
from models.train.rooms import NEAR, RATE_HZ, SPEECH_DBFS, Floats, Lobby, babble, heard, make_lobby, to_pcm
from models.train.sayings import Clip

Pcm = npt.NDArray[np.int16]
What = Literal["backchannel", "words", "both"]

BLOCK_MS: Final = FRAME_SAMPLES * 1000 // RATE_HZ  # of the voice activity
VOICE_ON, VOICE_OFF = 0.5, 0.35  # the terminal's own (config, hearing)
NOISE_DB: Final = (35.0, 25.0, 15.0, 10.0)
QUIET_BLOCKS: Final = 19  # 0.6 s of room before the voice
BED_S: Final = 30
LATE_MS: Final = 100  # words that follow a hum are heard as such after this much of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """One voice that began: sound from LEAD_MS before its first block, and each block with voice."""

    what: What
    voice: str
    text: str
    noise_db: float
    pcm: Pcm
    moments: tuple[tuple[int, int], ...]  # samples there were, voice so far in ms
    words_from_ms: int  # after the onset; what came before was a backchannel. 0: words from the start

    @property
    def voiced_ms(self) -> int:
        """All the voice there was, up to LATEST_MS."""
        return self.moments[-1][1] if self.moments else 0


class Stage:
    """A few lobbies with babble, and the receptionist's own voice, to play onsets in."""

    def __init__(self, clips: list[Clip], rooms: int, vad: SileroVad, rng: np.random.Generator) -> None:
        self._rng, self._vad = rng, vad
        self._lobbies: list[Lobby] = [make_lobby(rng) for _ in range(rooms)]
        talk = [clip.pcm for clip in clips if clip.saying.kind in ("sentence", "chat")]
        self._beds = [babble(talk, lobby, BED_S * RATE_HZ, rng) for lobby in self._lobbies]
        self._hers = talk

    def play(self, clip: Clip, then: Clip | None = None) -> Onset | None:
        """One clip, or a backchannel and words right after it; None where no onset was found."""
        rng = self._rng
        pcm, words_from_ms = _stretched(clip.pcm, rng), 0
        what: What = "words" if clip.saying.kind == "words" else "backchannel"
        if then is not None:
            what, words_from_ms = "both", len(pcm) * 1000 // RATE_HZ - 120 + LATE_MS
            gap = np.zeros(int(rng.uniform(0, 0.06) * RATE_HZ), np.int16)
            pcm = np.concatenate((pcm[: len(pcm) - 900], gap, _stretched(then.pcm, rng)[900:]))
        noise_db = float(rng.choice(NOISE_DB))
        sound = self._microphone(pcm, noise_db)
        return self._listen(sound, what=what, clip=clip, noise_db=noise_db, words_from_ms=words_from_ms)

    def cough(self) -> Onset | None:
        """A sound of the body in the same places."""
        noise_db = float(self._rng.choice(NOISE_DB))
        sound = self._microphone(body_noise(self._rng), noise_db)
        return self._listen(sound, what="backchannel", clip=None, noise_db=noise_db, words_from_ms=0)

    def _microphone(self, pcm: Pcm, noise_db: float) -> Pcm:
        rng = self._rng
        index = int(rng.integers(len(self._lobbies)))
        lobby, bed = self._lobbies[index], self._beds[index]
        wet = heard(pcm, lobby.near[int(rng.integers(NEAR))], rng.normal(0, 4))
        quiet = QUIET_BLOCKS * FRAME_SAMPLES + int(rng.integers(FRAME_SAMPLES))
        sound = np.concatenate((np.zeros(quiet), wet, np.zeros(RATE_HZ // 4)))
        at = int(rng.integers(0, len(bed) - len(sound)))
        sound = sound + bed[at : at + len(sound)] * 10 ** ((SPEECH_DBFS - noise_db) / 20)
        if rng.random() < 0.7:  # what a canceller leaves of her
            hers = np.resize(self._hers[int(rng.integers(len(self._hers)))].astype(np.float64), len(sound))
            level = 10 ** ((SPEECH_DBFS - rng.uniform(22, 45)) / 20) / max(float(np.sqrt(np.mean(hers**2))), 1.0)
            sound = sound + hers * level
        if rng.random() < 0.6:
            sound = _suppressed(sound, rng)
        return to_pcm(_coloured(sound, rng) * 10 ** (rng.normal(0, 5) / 20))

    def _listen(
        self, sound: Pcm, *, what: What, clip: Clip | None, noise_db: float, words_from_ms: int
    ) -> Onset | None:
        """Find the onset block by block, as the terminal's endpointer does."""
        self._vad.reset()
        start, voiced, silent = -1, 0, 0
        voiced_at: list[tuple[int, int]] = []
        for block in range(len(sound) // FRAME_SAMPLES):
            chance = self._vad.probability(sound[block * FRAME_SAMPLES : (block + 1) * FRAME_SAMPLES])
            if block < QUIET_BLOCKS - 1:  # babble or her residue; the terminal would have begun already
                continue
            if chance >= (VOICE_OFF if start >= 0 else VOICE_ON):
                start = block if start < 0 else start
                voiced, silent = voiced + BLOCK_MS, 0
                voiced_at.append((block, voiced))
            elif start >= 0:
                silent += BLOCK_MS
                if silent >= (128 if voiced < 128 else 320):
                    break
            if voiced >= LATEST_MS:
                break
        if start < 0 or voiced < 64:
            return None
        lead = max(0, start - LEAD_MS // BLOCK_MS) * FRAME_SAMPLES
        moments = [((block + 1) * FRAME_SAMPLES - lead, voiced_ms) for block, voiced_ms in voiced_at]
        return Onset(
            what=what, voice=clip.voice if clip else "body", text=clip.saying.text if clip else "cough",
            noise_db=noise_db, pcm=sound[lead : lead + moments[-1][0]], moments=tuple(moments),
            words_from_ms=words_from_ms,
        )  # fmt: skip


def _stretched(pcm: Pcm, rng: np.random.Generator) -> Pcm:
    """A longer or shorter throat: resampled by up to a sixth, as a voice between those there are."""
    if rng.random() < 0.4:
        return pcm
    up = int(rng.integers(85, 118))
    longer = np.asarray(resample_poly(pcm.astype(np.float64), up, 100))
    return np.asarray(np.clip(longer, -32768, 32767), np.int16)


def _suppressed(sound: Floats, rng: np.random.Generator) -> Floats:
    """What a canceller takes with it while both speak: bands come and go by up to 18 dB, slowly."""
    _, _, spectrum = stft(sound, RATE_HZ, nperseg=512)
    cells = rng.uniform(-18, 4, (9, spectrum.shape[1] // 4 + 2))
    rows = np.linspace(0, 8, spectrum.shape[0])
    low = rows.astype(int).clip(0, 7)
    part = (rows - low)[:, None]
    by_band = cells[low] * (1 - part) + cells[low + 1] * part
    times = np.arange(spectrum.shape[1]) / 4
    left = times.astype(int)
    gains_db = by_band[:, left] * (1 - (times - left)) + by_band[:, left + 1] * (times - left)
    _, changed = istft(spectrum * 10 ** (np.minimum(gains_db, 0) * rng.uniform(0.3, 1.0) / 20), RATE_HZ, nperseg=512)
    return np.asarray(changed[: len(sound)], np.float64)


def _coloured(sound: Floats, rng: np.random.Generator) -> Floats:
    """Another microphone: its response bent by a few dB."""
    spectrum = np.fft.rfft(sound, next_fast_len(len(sound), real=True))
    points_db = rng.normal(0, 3, 7)
    where = np.linspace(0, 6, len(spectrum))
    return np.asarray(np.fft.irfft(spectrum * 10 ** (np.interp(where, np.arange(7), points_db) / 20))[: len(sound)])
