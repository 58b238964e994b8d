"""How she speaks to this visitor in this noise: pace and loudness, between stated bounds. Pure.

Loudness follows the room as people do, half a decibel for each decibel of noise (Lane and Tranel, "The Lombard sign
and the role of hearing in speech", 1971), and changes between utterances only, in small steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from config.schema import Voice
from kiosk.events import Pcm

NOISE_SLOPE: Final = 0.5  # of the noise above the quiet room, in decibels each
STEP_DB: Final = 2.0  # from one utterance to the next
KNEE: Final = 0.7  # of full scale; peaks above are bent, never clipped
_FULL_SCALE: Final = 32767.0


@dataclass(frozen=True, slots=True)
class Manner:
    """`speed` times the usual pace; `gain_db` above the usual level."""

    speed: float = 1.0
    gain_db: float = 0.0


def manner(
    voice: Voice,
    profile: Literal["standard", "elder"],
    noise_dbfs: float | None,
    before: Manner | None = None,
) -> Manner:
    """The manner of the next utterance. `noise_dbfs`: the room while nobody speaks; None if it is not known.

    `before` is that of the utterance before in this visit: the loudness moves towards its goal by STEP_DB at most.
    """
    elder = profile == "elder"
    goal_db = voice.elder_gain_db if elder else 0.0
    if noise_dbfs is not None:
        goal_db += NOISE_SLOPE * max(0.0, noise_dbfs - voice.quiet_dbfs)
    goal_db = min(voice.gain_max_db, goal_db)
    if before is not None:
        goal_db = min(before.gain_db + STEP_DB, max(before.gain_db - STEP_DB, goal_db))
    return Manner(speed=voice.elder_times if elder else 1.0, gain_db=min(voice.gain_max_db, goal_db))


def louder(pcm: Pcm, gain_db: float) -> Pcm:
    """`pcm` (n,) with its level changed; what would pass the knee is bent, so that no sample reaches full scale."""
    if gain_db == 0.0 or not len(pcm):
        return pcm
    raised = pcm.astype(np.float32) * np.float32(10 ** (gain_db / 20) / _FULL_SCALE)
    over = np.abs(raised) > KNEE
    room = 1.0 - KNEE
    raised[over] = np.sign(raised[over]) * (KNEE + room * np.tanh((np.abs(raised[over]) - KNEE) / room))
    return np.asarray(np.rint(np.clip(raised, -1.0, 1.0) * (_FULL_SCALE - 1)), np.int16)
