"""A recogniser that the operator put into a folder, run by sherpa-onnx: SenseVoice, Paraformer, zipformer, Whisper.

It finds out from the files what it is, says which file is missing, and answers in the same shape as the
product's own recogniser: words, language of the two, one reading (these engines give no second one). An engine
that gives no chance of being right is believed, unless it heard no words.
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import onnx
from google.protobuf.message import DecodeError
from opencc import OpenCC

from models.mel import RATE_HZ
from models.recognition import Alternative, Language, Recognition, UnwantedError, nothing

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # its onnxruntime is another copy than ours and reads the same variable

Kind = Literal["whisper", "sense_voice", "paraformer", "zipformer", "streaming_paraformer"]

SHORTEST_S: Final = 0.2
LONGEST_S: Final = 28.0  # Whisper's window with a tail; the ear's hard cap is 25 s
TAIL_S: Final = 0.6  # a streaming model has to look this far ahead to say its last word
PROBE_S: Final = 120.0
STEPS_PER_S: Final = 200  # a streaming model takes 25 steps a second at most; more is a model that loops
_FULL_SCALE: Final = np.float32(32768)
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_LETTER: Final = re.compile(r"[A-Za-z]")


class EngineError(RuntimeError):
    """The folder cannot be used; the text names it, the file, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a folder holds: the kind of recogniser and its files by role."""

    kind: Kind
    files: Mapping[str, Path]


def layout_of(folder: Path) -> Layout:
    """Read from names and the graph's own metadata what `folder` holds. Raises EngineError."""
    if not folder.is_dir():
        raise EngineError(f"engine folder {folder} does not exist")
    tokens = _only(folder, "tokens.txt")
    single = sorted(folder.glob("model*.onnx"))
    if single:
        model = _smallest(single)
        said = _model_type(model)
        if said.startswith("sense_voice"):
            return Layout(kind="sense_voice", files={"model": model, "tokens": tokens})
        if said == "paraformer":
            return Layout(kind="paraformer", files={"paraformer": model, "tokens": tokens})
        raise EngineError(f"{model} says it is {said or 'nothing'!r}: SenseVoice and Paraformer are known here")
    encoder, decoder = _only(folder, "encoder*.onnx"), _only(folder, "decoder*.onnx")
    files = {"encoder": encoder, "decoder": decoder, "tokens": tokens}
    if list(folder.glob("*joiner*.onnx")):
        return Layout(kind="zipformer", files={**files, "joiner": _only(folder, "joiner*.onnx")})
    said = _model_type(encoder)
    if said.startswith("whisper"):
        return Layout(kind="whisper", files=files)
    if said == "paraformer":
        return Layout(kind="streaming_paraformer", files=files)
    raise EngineError(f"{encoder} says it is {said or 'nothing'!r} and {folder} has no joiner*.onnx beside it")


def _only(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(f"*{pattern}"))
    if not found:
        raise EngineError(f"engine folder {folder} has no {pattern}")
    return _smallest(found)


def _smallest(found: list[Path]) -> Path:
    """The int8 graph where both lie there: the terminal has two cores."""
    return min(found, key=lambda path: path.stat().st_size)


def _model_type(graph: Path) -> str:
    """sherpa-onnx's own mark; it ends the whole process when it misses one, so it is looked for before."""
    try:
        model = onnx.load(graph, load_external_data=False)
    except (DecodeError, OSError) as err:
        raise EngineError(f"{graph} is damaged: {err}") from err
    return next((prop.value for prop in model.metadata_props if prop.key == "model_type"), "")


class Sherpa:
    """One recogniser from a folder; one thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 2, *, is_probed: bool = True) -> None:
        """Raises EngineError. With `is_probed` a child process opens the folder first: a bad file ends that one."""
        self._layout = layout_of(folder)
        if importlib.util.find_spec("sherpa_onnx") is None:
            raise EngineError("sherpa-onnx is not installed: install the extra `engines`")
        if is_probed:
            _probe(folder)
        try:
            self._open: dict[str, Any] = {"": _opened(self._layout, threads, "")}
        except (RuntimeError, ValueError, AssertionError) as err:
            raise EngineError(f"engine folder {folder} cannot be opened: {err}") from err
        self._folder, self._threads = folder, threads
        self._simplify = OpenCC("t2s").convert

    def transcribe(
        self,
        pcm: npt.NDArray[np.int16],
        *,
        language: Language | None = None,
        beams: int = 5,
        prompt: str = "",
        hasty: bool = False,
        again: bool = False,
        wanted: Callable[[], bool] | None = None,
    ) -> Recognition:
        """The words in `pcm` (n,) int16 at 16 kHz. The other wishes are none that these engines take.

        Raises UnwantedError where `wanted` says no at the beginning; what was begun is done.
        """
        del beams, prompt, hasty, again
        if wanted is not None and not wanted():
            raise UnwantedError
        if len(pcm) < SHORTEST_S * RATE_HZ or not pcm.any():
            return nothing(language or "zh")
        truncated = len(pcm) > LONGEST_S * RATE_HZ
        sound = pcm[: int(LONGEST_S * RATE_HZ)].astype(np.float32) / _FULL_SCALE
        recogniser = self._for(language)
        if self._layout.kind in ("zipformer", "streaming_paraformer"):
            text, told, chances = _streamed(recogniser, sound)
        else:
            stream = recogniser.create_stream()
            stream.accept_waveform(RATE_HZ, sound)
            recogniser.decode_stream(stream)
            text, told, chances = stream.result.text, stream.result.lang, list(stream.result.ys_log_probs)
        return self._recognition(text, told, chances, language, truncated)

    def _for(self, language: Language | None) -> Any:
        """The recogniser for a language that was chosen; only Whisper and SenseVoice are told one."""
        if language is None or self._layout.kind not in ("whisper", "sense_voice"):
            return self._open[""]
        if language not in self._open:
            self._open[language] = _opened(self._layout, self._threads, language)
        return self._open[language]

    def _recognition(
        self, text: str, told: str, chances: list[float], language: Language | None, truncated: bool
    ) -> Recognition:
        text = self._simplify(text).strip()
        if not text:
            return nothing(language or "zh")
        found = language or language_of(told, text)
        mean = float(np.mean(chances)) if chances else 0.0
        return Recognition(
            text=text,
            language=found,
            language_probability=1.0,
            alternatives=(Alternative(text=text, log_probability=mean),),
            no_speech_probability=0.0,
            mean_log_probability=mean,
            truncated=truncated,
        )


def language_of(told: str, text: str) -> Language:
    """Which of the two: what the engine says ('zh', '<|en|>'), else what the text is written in."""
    code = told.strip("<|>").lower()
    if code in ("zh", "yue"):
        return "zh"
    if code == "en":
        return "en"
    return "zh" if len(_HAN.findall(text)) * 4 >= len(_LETTER.findall(text)) else "en"


def _streamed(recogniser: Any, sound: npt.NDArray[np.float32]) -> tuple[str, str, list[float]]:
    stream = recogniser.create_stream()
    stream.accept_waveform(RATE_HZ, np.concatenate([sound, np.zeros(int(TAIL_S * RATE_HZ), np.float32)]))
    stream.input_finished()
    for _ in range(int(STEPS_PER_S * (len(sound) / RATE_HZ + TAIL_S))):
        if not recogniser.is_ready(stream):
            break
        recogniser.decode_stream(stream)
    return recogniser.get_result(stream), "", []


def _opened(layout: Layout, threads: int, language: str) -> Any:
    import sherpa_onnx

    files = {role: str(path) for role, path in layout.files.items()}
    match layout.kind:
        case "whisper":
            make: Callable[..., Any] = sherpa_onnx.OfflineRecognizer.from_whisper
            return make(**files, num_threads=threads, language=language)
        case "sense_voice":
            make = sherpa_onnx.OfflineRecognizer.from_sense_voice
            return make(**files, num_threads=threads, language=language or "auto", use_itn=False)
        case "paraformer":
            return sherpa_onnx.OfflineRecognizer.from_paraformer(**files, num_threads=threads)
        case "zipformer":
            return sherpa_onnx.OnlineRecognizer.from_transducer(**files, num_threads=threads)
        case "streaming_paraformer":
            return sherpa_onnx.OnlineRecognizer.from_paraformer(**files, num_threads=threads)


def _probe(folder: Path) -> None:
    """Open the folder in a child process and hear half a second of silence. Raises EngineError with its last words."""
    command = [sys.executable, "-m", "models.sherpa", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PROBE_S, check=False, cwd=Path(__file__).parents[1])
    except subprocess.TimeoutExpired as err:
        raise EngineError(f"engine folder {folder} was not opened within {PROBE_S:.0f} s") from err
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()
        last = said[-1] if said else f"the process ended with {done.returncode}"
        raise EngineError(f"engine folder {folder} cannot be opened: {last}")


if __name__ == "__main__":
    Sherpa(Path(sys.argv[1]), threads=1, is_probed=False).transcribe(np.ones(RATE_HZ // 2, np.int16))
