"""Each defence against answering herself, alone: comparing the words, and comparing the sound.

Part of `python -m bench echo`. Her own sentences as the microphone hears them must be found to be hers
(`missed`: those that were not); visitors who speak over her must not (`wronged`: those that were).
Three kinds of echo: as it came, without any canceller; after speex's filter when it has just begun, and when it has
followed for a while, where something is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from bench.echo_scene import NS, Scene
from bench.lobby.sentences import language_of
from contracts.screen import Language
from kiosk.audio.echo import To16k
from kiosk.audio.own_voice import LEAD_SAMPLES, OwnVoice, OwnVoiceSettings, Verdict, own_share
from kiosk.dialogue.own_words import own_words, sounds
from kiosk.events import MIC_RATE_HZ, Pcm

HEARD_RMS: Final = 60.0  # softer is no utterance: the voice activity model does not begin on it
Hears = Callable[[Pcm, Language], str]


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch that the ears might have taken for an utterance."""

    pcm: Pcm
    far: Pcm
    start: int  # samples of the scene
    language: Language


def defences(scene: Scene, cleaned: Pcm, alone: Scene, left_of_her: Pcm, hears: Hears) -> dict[str, Any]:
    """Figures of both, each alone. `cleaned`, `left_of_her`: what the recogniser's canceller made of the scene with
    visitors and of the one where she is `alone`."""
    settings = OwnVoiceSettings()
    raw = [_piece(alone, alone.mic, *bounds) for bounds in _sentences(alone)]
    left = [_piece(alone, left_of_her, *bounds) for bounds in _sentences(alone)]
    left = [piece for piece in left if np.sqrt(np.mean(np.square(piece.pcm, dtype=np.float64))) >= HEARD_RMS]
    visitors = [_piece(scene, cleaned, said.start, said.end, said.language) for said in scene.said]
    return {
        "words": {
            **_summary("missed", [_words(alone, piece, hears) < settings.words for piece in raw]),
            **_summary("wronged", [_words(scene, piece, hears) >= settings.words for piece in visitors]),
        },
        "sound": {
            **_summary("missed", [own_share(piece.pcm, piece.far) < settings.sound for piece in raw]),
            **_summary("missed_of_what_is_left", [own_share(p.pcm, p.far) < settings.sound for p in left]),
            **_summary("wronged", [own_share(piece.pcm, piece.far) >= settings.sound for piece in visitors]),
        },
        "together": {
            **_summary("missed", [_judged(alone, piece, hears) == "visitor" for piece in raw]),
            **_summary("missed_of_what_is_left", [_judged(alone, piece, hears) == "visitor" for piece in left]),
            **_summary("wronged", [_judged(scene, piece, hears) != "visitor" for piece in visitors]),
        },
    }


def _sentences(scene: Scene) -> list[tuple[int, int, Language]]:
    """Each of her sentences as the microphone has it."""
    found: list[tuple[int, int, Language]] = []
    for span in scene.spoken:
        start, end = (round(at_ns * MIC_RATE_HZ / NS) for at_ns in (span.start_ns, span.end_ns))
        if end + MIC_RATE_HZ // 5 <= len(scene.mic):
            found.append((start, end + MIC_RATE_HZ // 5, language_of(span.text)))
    return found


def _piece(scene: Scene, signal: Pcm, start: int, end: int, language: Language) -> Piece:
    far = To16k().convert(scene.far)
    padded = np.concatenate((np.zeros(LEAD_SAMPLES, np.int16), far))
    return Piece(signal[start:end], padded[start : end + LEAD_SAMPLES], start, language)


def _judged(scene: Scene, piece: Piece, hears: Hears) -> Verdict:
    heard = hears(piece.pcm, piece.language)
    if not sounds(heard):
        return "own_words"  # nothing was recognised: no turn comes of it
    start_ns, end_ns = (at * NS // MIC_RATE_HZ for at in (piece.start, piece.start + len(piece.pcm)))
    return OwnVoice().judge(heard, piece.pcm, piece.far, scene.spoken, start_ns, end_ns)


def _words(scene: Scene, piece: Piece, hears: Hears) -> float:
    start_ns, end_ns = (at * NS // MIC_RATE_HZ for at in (piece.start, piece.start + len(piece.pcm)))
    return own_words(hears(piece.pcm, piece.language), scene.spoken, start_ns, end_ns)


def _summary(name: str, wrong: list[bool]) -> dict[str, Any]:
    return {name: round(sum(wrong) / len(wrong), 4) if wrong else None, f"{name}_of": len(wrong)}
