"""Records the visitor of a scenario: their sentences in a simulated room, the bed of noise, the portrait.

Runs before the terminal starts, off its clock. The visitor speaks with another Kokoro voice than the receptionist;
a shoebox room (pyroomacoustics) adds distance and reverberation; noise is pink, at the stated level. What was made
is kept by the content of the request, so a second run makes nothing.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
import soundfile

from config.scenario import Lobby, Say, Scenario
from kiosk.events import MIC_RATE_HZ, SPEECH_RATE_HZ, Pcm
from models.kokoro import Kokoro
from models.store import Store, cache_root
from models.yunet import YuNet

RECIPE: Final = "4"  # a new one makes every recording anew
SPEECH_RMS: Final = 0.06  # of the visitor at the microphone, full scale 1: a normal voice at 0.8 m
NOISE_S: Final = 12
SOUND_M_S: Final = 343.0
ROOM_M: Final = (6.0, 5.0, 3.0)
Signal = npt.NDArray[np.float32]


def recording_folder(scenario: Scenario) -> Path:
    """Where the recording of exactly this visitor is, or will be."""
    requested = (scenario.visitor, scenario.lobby, *scenario.sayings())
    voice = Store().folder("kokoro").name
    wanted = "\n".join((RECIPE, voice, *(part.model_dump_json() for part in requested)))
    return cache_root() / "visitors" / f"{scenario.id}-{hashlib.sha256(wanted.encode()).hexdigest()[:16]}"


def is_recorded(folder: Path) -> bool:
    return (folder / "portrait.json").exists()


def prepare(scenario: Scenario, progress: Callable[[str], None]) -> Path:
    """Return the folder with say0.wav…, ends.json, noise.wav, portrait.png, portrait.json; make what is not there.

    `ends.json`: for each sentence the sample at which the voice itself ends, before the room's reverberation does.
    """
    folder = recording_folder(scenario)
    if is_recorded(folder):
        return folder
    kokoro = Kokoro(Store().open("kokoro"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        work = Path(temporary) / "made"
        work.mkdir()
        _sentences(scenario, kokoro, work, progress)
        _noise(scenario.lobby, work)
        _portrait(work)
        if not folder.exists():
            work.rename(folder)
    return folder


def _sentences(scenario: Scenario, kokoro: Kokoro, work: Path, progress: Callable[[str], None]) -> None:
    sayings = scenario.sayings()
    ends = []
    for number, say in enumerate(sayings):
        progress(f"recording the visitor: sentence {number + 1} of {len(sayings)}")
        visitor = scenario.visitor
        voice = visitor.voice_zh if say.language == "zh" else visitor.voice_en
        dry = kokoro.synthesise(say.text, say.language, voice, visitor.speed).pcm
        sound = in_room(resampled(dry), scenario.lobby)
        soundfile.write(work / f"say{number}.wav", _backwards(sound, say), MIC_RATE_HZ, subtype="PCM_16")
        travel = round(scenario.lobby.distance_m / SOUND_M_S * MIC_RATE_HZ)
        ends.append(
            len(sound) if say.noise_only else min(len(sound), len(dry) * MIC_RATE_HZ // SPEECH_RATE_HZ + travel)
        )
    (work / "ends.json").write_text(json.dumps(ends), "utf-8")


def _backwards(pcm: Pcm, say: Say) -> Pcm:
    """Speech played backwards: voice without words, for 'something unintelligible'."""
    return np.ascontiguousarray(pcm[::-1]) if say.noise_only else pcm


def resampled(pcm: Pcm) -> Signal:
    """24 kHz → 16 kHz by the spectrum, (n,) int16 → (2n/3,) float32 in -1..1."""
    signal = pcm.astype(np.float64) / 32768
    target = len(signal) * MIC_RATE_HZ // SPEECH_RATE_HZ
    spectrum = np.fft.rfft(signal)[: target // 2 + 1]
    return (np.fft.irfft(spectrum, target) * target / len(signal)).astype(np.float32)


def in_room(dry: Signal, lobby: Lobby) -> Pcm:
    """Put a voice at `distance_m` from the microphone of a room with RT60 `reverberation_s`; level it at the mic."""
    import pyroomacoustics as pra

    if lobby.reverberation_s < 0.1:
        wet = dry.astype(np.float64)
    else:
        absorption, order = pra.inverse_sabine(lobby.reverberation_s, ROOM_M)
        room = pra.ShoeBox(ROOM_M, fs=MIC_RATE_HZ, materials=pra.Material(absorption), max_order=min(order, 20))
        microphone = np.array([3.0, 1.0, 1.3])
        room.add_source([3.0, 1.0 + lobby.distance_m, 1.5], signal=dry.astype(np.float64))
        room.add_microphone(microphone)
        room.simulate()
        wet = room.mic_array.signals[0]
    loud = wet[np.abs(wet) > 0.1 * np.abs(wet).max()]
    wet = wet * (SPEECH_RMS / max(1e-6, float(np.sqrt(np.mean(loud**2)))))
    return np.clip(wet * 32767, -32768, 32767).astype(np.int16)


def _noise(lobby: Lobby, work: Path) -> None:
    """A loop of pink noise, `snr_db` below the visitor's voice."""
    rng = np.random.default_rng(lobby.seed)
    n = NOISE_S * MIC_RATE_HZ
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1.0))
    noise = np.fft.irfft(spectrum, n)
    noise *= SPEECH_RMS * 10 ** (-lobby.snr_db / 20) / np.sqrt(np.mean(noise**2))
    soundfile.write(work / "noise.wav", (noise * 32767).astype(np.int16), MIC_RATE_HZ, subtype="PCM_16")


def _portrait(work: Path) -> None:
    """The astronaut of scikit-image (Eileen Collins, photographed by NASA, public domain), and where the face is."""
    from skimage import data

    bgr = np.ascontiguousarray(data.astronaut()[:, :, ::-1])  # type: ignore[no-untyped-call]
    face = max(YuNet(Store().open("yunet")).detect(bgr), key=lambda found: found.score)
    cv2.imwrite(str(work / "portrait.png"), bgr)
    box = [round(value) for value in (face.x, face.y, face.w, face.h)]
    (work / "portrait.json").write_text(json.dumps({"face_px": box}), "utf-8")
