"""What did the visitor say? Whisper base in Mandarin or English, with its second thoughts.

It returns words and how sure it was; whether that is enough is the dialogue's decision. Everything
it hears it takes for one of two languages.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
from opencc import OpenCC
from tokenizers import Tokenizer

from models.mel import COLUMNS_PER_S, RATE_HZ, log_mel
from models.recognition import Alternative, Language, Recognition, UnwantedError, nothing
from models.sessions import NETWORK_ERRORS, open_session
from models.whisper_decode import Decoded, Decoder

# The network was trained on 30 s; through 10 s it hears as well and in half the time. Longer speech is
# cut at its quietest places: measured on joined clips that also loses fewer words than one long window.
# A window of the sound and one second, four at least, costs 160 ms instead of 260 for two seconds of speech and
# hears as well (150 sentences, of which 24 read by people); where decoding fails in it, the whole window is taken.
WINDOW_S: Final = 10
LEAST_WINDOW_S: Final = 4.0
TAIL_S: Final = 1.0
WINDOW_STEP_S: Final = 0.5  # few different lengths: the runtime's arenas are reused
FAILED: Final = -1.0  # mean log probability, and the chance of no speech (Radford et al. 2022, section 4.5)
NO_SPEECH: Final = 0.6
PIECE_S: Final = 9.0
LONGEST_S: Final = 60.0
_QUIET_SAMPLES: Final = RATE_HZ // 5  # a pause between words
SHORTEST_S: Final = 0.2
TOKENS_AT_LEAST: Final = 6
TOKENS_PER_S: Final = 8
PROMPT_TOKENS: Final = 100


class Whisper:
    """One recogniser; one thread calls it at a time."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        facts: dict[str, Any] = json.loads((folder / "whisper.json").read_text("utf-8"))
        self._encoder = open_session(folder / "encoder.onnx", threads)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        decoder = open_session(folder / "decoder.onnx", threads)
        self._decoder = Decoder(decoder, self._tokenizer, facts)
        self._cross = [f"cross_{part}_{i}" for i in range(facts["decoder_layers"]) for part in "kv"]
        self._simplify = OpenCC("t2s").convert
        self._wanted: Callable[[], bool] = _always
        self.tally_again = 0  # windows that were heard a second time, whole

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
        """The words in `pcm` (n,) int16 at 16 kHz.

        `language` None lets the sound decide between the two. `prompt` holds words to expect.
        `beams` 1 is greedy. `hasty`: words of which the recogniser is not sure are not looked at a second time;
        `again`: they are now, without the first time.
        Raises RuntimeError when a network breaks, UnwantedError soon after `wanted` says no.
        Sound below SHORTEST_S gives no words; beyond LONGEST_S it is cut.
        """
        if len(pcm) < SHORTEST_S * RATE_HZ or not pcm.any():  # a device that gives zeros says nothing
            return nothing(language or "zh")
        truncated = len(pcm) > LONGEST_S * RATE_HZ
        first, *others = pieces(pcm[: int(LONGEST_S * RATE_HZ)])
        self._wanted = wanted or _always
        try:
            heard = [self._piece(first, language, beams, prompt, hasty, again)]
            heard += [self._piece(other, heard[0].language, beams, prompt, hasty, again) for other in others]
        except NETWORK_ERRORS as err:  # they share no ancestor that a caller could name
            raise RuntimeError(f"the recogniser's network failed: {type(err).__name__}") from err
        joined = heard[0] if len(heard) == 1 else _join(heard)
        return replace(joined, truncated=truncated)

    def _piece(
        self,
        pcm: npt.NDArray[np.int16],
        language: Language | None,
        beams: int,
        prompt: str,
        hasty: bool,
        again: bool,
    ) -> Recognition:
        window_s = window_for(len(pcm) / RATE_HZ)
        if again:
            self.tally_again += window_s < WINDOW_S
            return self._recognition(self._decoded(pcm, WINDOW_S, language, beams, prompt))
        decoded = self._decoded(pcm, window_s, language, beams, prompt)
        unsure = decoded.hypotheses[0].mean_log_probability < FAILED
        another_helps = decoded.no_speech_probability < NO_SPEECH and window_s < WINDOW_S
        if another_helps and (decoded.is_cut or (unsure and not hasty)):
            self.tally_again += 1
            return self._recognition(self._decoded(pcm, WINDOW_S, language, beams, prompt))
        return replace(self._recognition(decoded), spared=another_helps and unsure)

    def _decoded(
        self, pcm: npt.NDArray[np.int16], window_s: float, language: Language | None, beams: int, prompt: str
    ) -> Decoded:
        self._mind()
        mel = log_mel(pcm, int(window_s * COLUMNS_PER_S))
        cross = dict(zip(self._cross, self._encoder.run(self._cross, {"mel": mel}), strict=True))
        tokens = self._tokenizer.encode(" " + prompt, add_special_tokens=False).ids[-PROMPT_TOKENS:] if prompt else []
        most = TOKENS_AT_LEAST + TOKENS_PER_S * len(pcm) // RATE_HZ
        return self._decoder.decode(cross, language, beams, tokens, most, self._mind)

    def _mind(self) -> None:
        if not self._wanted():
            raise UnwantedError

    def _recognition(self, decoded: Decoded) -> Recognition:
        best: dict[str, Alternative] = {}
        for hypothesis in decoded.hypotheses:
            text = self._simplify(self._tokenizer.decode(list(hypothesis.tokens), skip_special_tokens=True)).strip()
            if text and text not in best:
                best[text] = Alternative(text=text, log_probability=hypothesis.mean_log_probability)
        alternatives = tuple(best.values())
        return Recognition(
            text=alternatives[0].text if alternatives else "",
            language=cast(Language, decoded.language),
            language_probability=decoded.language_probability,
            alternatives=alternatives,
            no_speech_probability=decoded.no_speech_probability,
            mean_log_probability=decoded.hypotheses[0].mean_log_probability,
            foreign_probability=decoded.foreign_probability,
        )


def _always() -> bool:
    return True


def window_for(sound_s: float) -> float:
    """Seconds of the encoder's window for so much sound: an even number of columns, WINDOW_S at most."""
    wanted = math.ceil((sound_s + TAIL_S) / WINDOW_STEP_S) * WINDOW_STEP_S
    return min(float(WINDOW_S), max(LEAST_WINDOW_S, wanted))


def pieces(pcm: npt.NDArray[np.int16]) -> list[npt.NDArray[np.int16]]:
    """`pcm` (n,) cut into parts of PIECE_S at most, each cut at the quietest place of the part's second half."""
    most = int(PIECE_S * RATE_HZ)
    parts = []
    while len(pcm) > most:
        half = np.abs(pcm[most // 2 : most].astype(np.float32))
        cut = most // 2 + int(np.convolve(half, np.ones(_QUIET_SAMPLES, np.float32), mode="same").argmin())
        parts.append(pcm[:cut])
        pcm = pcm[cut:]
    return [*parts, pcm]


def _join(heard: list[Recognition]) -> Recognition:
    """Pieces of one long sound as one. Its other readings replace one piece each by its second best."""
    between = " " if heard[0].language == "en" else ""
    texts = [part.text for part in heard]
    text = between.join(filter(None, texts))
    mean = float(np.mean([part.mean_log_probability for part in heard]))
    return Recognition(
        text=text,
        language=heard[0].language,
        language_probability=heard[0].language_probability,
        alternatives=_joined_alternatives(heard, between, mean) if text else (),
        no_speech_probability=min(part.no_speech_probability for part in heard),
        mean_log_probability=mean,
        foreign_probability=float(np.median([part.foreign_probability for part in heard])),
    )


def _joined_alternatives(heard: list[Recognition], between: str, mean: float) -> tuple[Alternative, ...]:
    best = [part.text for part in heard]
    found = {between.join(filter(None, best)): mean}
    for i, part in enumerate(heard):
        for other in part.alternatives[1:2]:
            text = between.join(filter(None, [*best[:i], other.text, *best[i + 1 :]]))
            found.setdefault(text, mean + (other.log_probability - part.mean_log_probability) / len(heard))
    ordered = sorted(found.items(), key=lambda one: -one[1])
    return tuple(Alternative(text=text, log_probability=chance) for text, chance in ordered)
