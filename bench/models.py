"""How fast each network is on this machine, alone: medians of repeated runs on fixed input.

    python -m bench models --json -

Keys say what was run. The sound is the receptionist's own synthetic speech, the picture a public-domain portrait.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np
from skimage import data

from kiosk.scenario.prepare import resampled
from models.kokoro import Kokoro
from models.sessions import has_vnni
from models.sface import SFace
from models.silero import SileroVad
from models.store import Store
from models.whisper import Whisper
from models.yunet import YuNet

SENTENCES: Final = ("号取好了请拿好", "给您取个号，好吗？", "请您把身份证放在亮灯的地方，谢谢您的耐心等候。")


def main(argv: Sequence[str]) -> dict[str, Any]:
    argparse.ArgumentParser(prog="python -m bench models", description=__doc__).parse_args(argv)
    store = Store()
    return {"vnni": has_vnni(), **_faces(store), **_speech(store)}


def _faces(store: Store) -> dict[str, Any]:
    portrait = np.ascontiguousarray(data.astronaut()[:, :, ::-1])  # type: ignore[no-untyped-call]
    picture = np.asarray(cv2.resize(portrait, (640, 480)), np.uint8)
    yunet, sface = YuNet(store.open("yunet")), SFace(store.open("sface"))
    face = yunet.detect(portrait)[0]
    return {
        "yunet_640x480_ms": _median_ms(lambda: yunet.detect(picture), 200),
        "sface_ms": _median_ms(lambda: sface.template(portrait, face), 60),
    }


def _speech(store: Store) -> dict[str, Any]:
    kokoro, silero = Kokoro(store.open("kokoro")), SileroVad(store.open("silero-vad"))
    said = kokoro.synthesise("你好，我想取两万块钱。", "zh", "zm_yunxi")  # the first run pays for the dictionaries
    pcm = np.clip(resampled(said.pcm) * 32767, -32768, 32767).astype(np.int16)
    found: dict[str, Any] = {"silero_block_ms": _median_ms(lambda: silero.probability(pcm[8000:8512]), 1000)}
    for text in SENTENCES:
        audio_ms = len(kokoro.synthesise(text, "zh", "zf_xiaoxiao").pcm) / 24
        took_ms = _median_ms(lambda text=text: kokoro.synthesise(text, "zh", "zf_xiaoxiao"), 5)  # type: ignore[misc]
        found[f"kokoro_{len(text)}_characters"] = {"ms": took_ms, "rtf": round(took_ms / audio_ms, 3)}
    for threads in (1, 2):
        whisper = Whisper(store.open("whisper-base"), threads=threads)
        found[f"whisper_{threads}_threads"] = {
            "ms": _median_ms(lambda heard=whisper: heard.transcribe(pcm), 9),  # type: ignore[misc]
            "sound_s": round(len(pcm) / 16_000, 2),
        }
    return found


def _median_ms(work: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1e3)
    return round(statistics.median(took), 3)
