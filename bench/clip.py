"""Twenty seconds of conversation with sound, cut out of a real visit's film: `python -m bench.clip [--film FILE]`.

Without `--film` a recorded visitor is served first, as by `make demo`. The clip begins a moment before the first
sound that is louder than the room, her greeting. Nothing is staged: what the recorder filmed is cut and encoded anew.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt

OUT: Final = Path("out/clip")
SECONDS: Final = 20.0
BEFORE_S: Final = 1.2  # of silence before the first word
FPS: Final = 15  # the recorder's
LOUDER_DB: Final = 15.0  # than the room
BLOCK_S: Final = 0.1
STILL_SHARE: Final = 0.35  # of the clip: where the still is taken
_CODEC: Final = {"preset": "slow", "crf": "21", "threads": "1"}
Pcm = npt.NDArray[np.int16]


def sound_of(film: Path) -> tuple[Pcm, int]:
    """The film's sound as (n,) int16 mono, and its rate. Raises ValueError where there is none."""
    with av.open(str(film)) as source:
        if not source.streams.audio:
            raise ValueError(f"{film}: has no sound")
        stream = source.streams.audio[0]
        resampler = av.AudioResampler(format="s16", layout="mono", rate=stream.rate)
        parts = [block.to_ndarray()[0] for frame in source.decode(stream) for block in resampler.resample(frame)]
        rate_hz = int(stream.rate)
    if not parts:
        raise ValueError(f"{film}: has no sound")
    return np.asarray(np.concatenate(parts), np.int16), rate_hz


def first_word_s(pcm: Pcm, rate_hz: int) -> float:
    """Seconds until two blocks in a row are clearly louder than the room usually is; 0 when none is."""
    size = int(rate_hz * BLOCK_S)
    blocks = pcm[: len(pcm) // size * size].reshape(-1, size).astype(np.float64)
    level = 10 * np.log10(np.mean(np.square(blocks), axis=1) + 1.0) if len(blocks) else np.zeros(0)
    loud = level > (np.percentile(level, 20) if len(level) else 0.0) + LOUDER_DB
    both = np.flatnonzero(loud[:-1] & loud[1:])
    return float(both[0]) * BLOCK_S if len(both) else 0.0


def cut(film: Path, out: Path, begin_s: float, seconds: float) -> dict[str, Any]:
    """Write `seconds` of the film from `begin_s` on as an MP4, and a still beside it."""
    pcm, rate_hz = sound_of(film)
    part = out.with_suffix(".part.mp4")
    first = int(begin_s * rate_hz)
    pcm = pcm[first : first + int(seconds * rate_hz)]
    pictures = 0
    with av.open(str(part), "w", options={"movflags": "faststart"}) as clip:
        video: Any = None
        audio: Any = clip.add_stream("aac", rate=rate_hz, layout="mono")
        for frame in _pictures(film, begin_s, seconds):
            if video is None:
                video = clip.add_stream("libx264", rate=FPS, options=_CODEC)
                video.width, video.height, video.pix_fmt = frame.width, frame.height, "yuv420p"
                video.codec_context.time_base = Fraction(1, FPS)
            shown = av.VideoFrame.from_ndarray(frame.to_ndarray(format="yuv420p"), format="yuv420p")
            shown.pts, shown.time_base = pictures, Fraction(1, FPS)
            clip.mux(video.encode(shown))
            if pictures == int(seconds * FPS * STILL_SHARE):
                still = frame.to_ndarray(format="bgr24")
                cv2.imwrite(str(out.with_suffix(".jpg")), still, [cv2.IMWRITE_JPEG_QUALITY, 90])
            pictures += 1
        if video is None:
            raise ValueError(f"{film}: shows nothing at {begin_s:.1f} s")
        clip.mux(video.encode(None))
        for start in range(0, len(pcm), 1024):
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(pcm[start : start + 1024])[None], "s16", "mono")
            block.sample_rate, block.pts, block.time_base = rate_hz, start, Fraction(1, rate_hz)
            clip.mux(audio.encode(block))
        clip.mux(audio.encode(None))
    part.replace(out)
    return {
        "clip": str(out),
        "seconds": round(pictures / FPS, 2),
        "begins_at_s": round(begin_s, 2),
        "pictures": pictures,
    }


def _pictures(film: Path, begin_s: float, seconds: float) -> Iterator[Any]:
    """FPS pictures a second: at each moment the last one that the film shows by then."""
    with av.open(str(film)) as source:
        last: Any = None
        number = 0
        for frame in source.decode(video=0):
            while last is not None and number < seconds * FPS and frame.time > begin_s + number / FPS:
                yield last
                number += 1
            if number >= seconds * FPS:
                return
            last = frame
        while last is not None and number < seconds * FPS and begin_s + number / FPS < last.time + 1.0:
            yield last
            number += 1


def _visit(out: Path) -> Path:
    """Serve the recorded visitor and return the film."""
    from config.scenario import find_scenario, load_scenario
    from config.schema import load_site
    from kiosk.runtime.supervisor import ChildFailed
    from kiosk.scenario.demo import DemoFailed, DemoOptions, run_demo
    from models.store import StoreError

    scenario = load_scenario(find_scenario("withdraw_zh"))
    options = DemoOptions(scenario=scenario, site=load_site(), out=out, headless=True, film=True)
    try:
        account = asyncio.run(run_demo(options, lambda line: print(f"· {line}", file=sys.stderr)))
    except (DemoFailed, ChildFailed, StoreError) as err:
        raise ValueError(f"the visit was not served: {err}") from err
    if not account["video"]:
        raise ValueError(f"the visit was not filmed; its account: {out}")
    for failure in account["failures"]:
        print(f"clip: not as the scenario expects: {failure}", file=sys.stderr)
    return Path(account["video"])


def main(argv: Sequence[str]) -> int:
    """Cut the clip; 0 when it lies there, 2 when the film cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m bench.clip", description=__doc__)
    parser.add_argument("--film", type=Path, help="a visit that was filmed; without it, one is")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--begin", type=float, help="seconds into the film; without it, before the first word")
    given = parser.parse_args(list(argv))
    given.out.mkdir(parents=True, exist_ok=True)
    try:
        film = given.film or _visit(given.out / "visit")
        begin_s = max(0.0, first_word_s(*sound_of(film)) - BEFORE_S) if given.begin is None else given.begin
        print(cut(film, given.out / "clip.mp4", begin_s, SECONDS))
    except (ValueError, OSError) as err:
        print(f"clip: {err}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
