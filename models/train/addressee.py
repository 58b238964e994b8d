"""Learns who is meant for us: `python -m models.train.addressee`, writes `weights/addressee.toml`.

Simulated visits: somebody near the terminal speaks a few times, and between it others speak from across
the lobby, from the ceiling, or beside the visitor. Two logistic regressions: whether an utterance was
said near (no voice known yet), and whether the visit's voice said it. Rooms, voices and some of the
lines of the test are not those of the training. Needs the fetched models; a quarter of an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from models.nearness import FEATURES, LATER, PATH_WEIGHTS, Logit, first_row, later_row, level_dbfs, measure
from models.speaker import SpeakerModel, likeness
from models.store import Store
from models.train.rooms import (
    CEILING,
    FAR,
    NEAR,
    RATE_HZ,
    SPEECH_DBFS,
    Floats,
    Lobby,
    babble,
    heard,
    loudspeaker,
    make_lobby,
    to_pcm,
)
from models.train.sayings import Clip, Speakers, Split, clips

Who = Literal["visitor", "far", "ceiling", "beside"]
Vector = npt.NDArray[np.float32]

NOISE_DB: Final = (30.0, 20.0, 10.0, 5.0)  # a visitor's usual speech over the babble
BED_S: Final = 40
OWN, OTHERS = 4, 5  # utterances of one visit
SEEDS: Final[dict[Split, int]] = {"train": 101, "test": 9001}
ROOMS: Final[dict[Split, int]] = {"train": 20, "test": 10}
SHORT_S: Final = 0.8
LOST: Final = 0.015  # of the visitor's own utterances, by the training: what the threshold gives away


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One utterance of a visit, measured."""

    visit: int
    who: Who
    seconds: float
    noise_db: float
    sound: Vector  # features
    voice: Vector  # embedding


class Hall:
    """One lobby with its bed of babble, and who is in it."""

    def __init__(self, rng: np.random.Generator, said: list[Clip]) -> None:
        self.lobby: Lobby = make_lobby(rng)
        self._bed = babble([clip.pcm for clip in said if clip.saying.kind != "words"], self.lobby, BED_S * RATE_HZ, rng)
        self._rng = rng

    def utterance(self, wet: Floats, noise_db: float, gain_db: float) -> tuple[npt.NDArray[np.int16], float]:
        """What the microphone gives for `wet` over the babble, and the level of the babble alone."""
        level = 10 ** ((SPEECH_DBFS - noise_db) / 20)
        at = int(self._rng.integers(0, len(self._bed) - len(wet) - RATE_HZ))
        bed = self._bed[at : at + len(wet) + RATE_HZ] * level
        gain = 10 ** (gain_db / 20)
        hiss = self._rng.standard_normal(len(bed)) * 10 ** (-75 / 20)
        sound = (bed + hiss) * gain
        background_dbfs = level_dbfs(to_pcm(sound[:RATE_HZ]))
        return to_pcm(sound[RATE_HZ:] + wet * gain), background_dbfs


def visits(split: Split, count: int, speakers: Speakers, embed: Callable[[npt.NDArray[np.int16]], Vector],
           tick: Callable[[int], None]) -> list[Heard]:  # fmt: skip
    """So many visits of `split`, everything that was heard in them, in order of visits."""
    rng = np.random.default_rng(SEEDS[split])
    said = list(clips(speakers, split, ("words", "sentence", "chat", "announcement")))
    by_voice: dict[str, list[Clip]] = {}
    for clip in said:
        by_voice.setdefault(clip.voice, []).append(clip)
    halls = [Hall(rng, said) for _ in range(ROOMS[split])]
    found: list[Heard] = []
    for visit in range(count):
        found += _visit(visit, halls[int(rng.integers(len(halls)))], by_voice, embed, rng)
        tick(visit)
    return found


def _visit(visit: int, hall: Hall, by_voice: dict[str, list[Clip]],
           embed: Callable[[npt.NDArray[np.int16]], Vector], rng: np.random.Generator) -> list[Heard]:  # fmt: skip
    voice = str(rng.choice(sorted(by_voice)))
    place, loudness, gain_db = int(rng.integers(NEAR)), rng.normal(0, 3), rng.normal(0, 5)
    noise_db = float(rng.choice(NOISE_DB))
    own = [c for c in by_voice[voice] if c.saying.kind in ("words", "sentence")]
    found: list[Heard] = []
    own_turns: list[Who] = ["visitor"] * OWN
    for who in own_turns + [_stranger(rng) for _ in range(OTHERS)]:
        if who == "visitor":
            clip = own[int(rng.integers(len(own)))]
            wet = heard(clip.pcm, hall.lobby.near[place], loudness + rng.normal(0, 2))
        else:
            clip, wet = _strangers_words(who, voice, place, hall.lobby, by_voice, rng)
        pcm, background_dbfs = hall.utterance(wet, noise_db, gain_db)
        sound = measure(pcm, background_dbfs)
        if sound is not None:
            seconds = len(clip.pcm) / RATE_HZ - 0.12  # what the clip has of silence at its ends
            found.append(Heard(visit=visit, who=who, seconds=seconds, noise_db=noise_db, sound=sound, voice=embed(pcm)))
    return found


def _stranger(rng: np.random.Generator) -> Who:
    kinds: tuple[Who, ...] = ("far", "far", "far", "ceiling", "beside")
    return kinds[int(rng.integers(len(kinds)))]


def _strangers_words(who: Who, visitors_voice: str, place: int, lobby: Lobby, by_voice: dict[str, list[Clip]],
                     rng: np.random.Generator) -> tuple[Clip, Floats]:  # fmt: skip
    other = str(rng.choice([name for name in sorted(by_voice) if name != visitors_voice]))
    said = by_voice[other]
    if who == "ceiling":
        calls = [c for c in said if c.saying.kind == "announcement"] or said
        clip = calls[int(rng.integers(len(calls)))]
        return clip, heard(loudspeaker(clip.pcm), lobby.ceiling[int(rng.integers(CEILING))], rng.normal(6, 3))
    clip = said[int(rng.integers(len(said)))]
    if who == "far":
        return clip, heard(clip.pcm, lobby.far[int(rng.integers(FAR))], rng.normal(2, 3))
    beside = (place + 1 + int(rng.integers(NEAR - 1))) % NEAR
    return clip, heard(clip.pcm, lobby.near[beside], rng.normal(0, 3))


# ------------------------------------------------------------------ rows
def first_rows(found: list[Heard]) -> tuple[Vector, npt.NDArray[np.bool_]]:
    """Rows and whether each was said near; people beside the visitor are near."""
    return np.stack([first_row(h.sound) for h in found]), np.array([h.who in ("visitor", "beside") for h in found])


def later_rows(
    found: list[Heard], near: Logit, own_known: int = 1
) -> tuple[Vector, npt.NDArray[np.bool_], list[Heard]]:
    """Rows against the voice of the visitor's first `own_known` utterances of SHORT_S and more."""
    rows, right, kept = [], [], []
    for visit in sorted({h.visit for h in found}):
        here = [h for h in found if h.visit == visit]
        known = [h for h in here if h.who == "visitor" and h.seconds >= SHORT_S][:own_known]
        if not known:
            continue
        usual = np.mean([h.sound for h in known], axis=0)
        voice = np.sum([h.voice for h in known], axis=0)
        voice = voice / np.linalg.norm(voice)
        for h in here:
            if any(h is k for k in known):
                continue
            rows.append(later_row(h.sound, usual, near.odds(first_row(h.sound)), likeness(h.voice, voice), h.seconds))
            right.append(h.who == "visitor")
            kept.append(h)
    return np.stack(rows).astype(np.float32), np.array(right), kept


def fit(rows: Vector, right: npt.NDArray[np.bool_]) -> Logit:
    """Logistic regression on standardised rows, written back to the rows' own units."""
    mean, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=0.5, max_iter=2000, class_weight="balanced").fit((rows - mean) / scale, right)
    weights = fitted.coef_[0] / scale
    bias = float(fitted.intercept_[0] - weights @ mean)
    odds = rows @ weights + bias
    return Logit(weights.astype(np.float32), bias, float(np.quantile(odds[right], LOST)))


def fit_later(found: list[Heard], first: Logit) -> Logit:
    """Fitted on voices known from one, two and three utterances alike."""
    parts = [later_rows(found, first, known) for known in (1, 2, 3)]
    return fit(np.concatenate([rows for rows, _, _ in parts]), np.concatenate([right for _, right, _ in parts]))


def rates(odds: Floats, right: npt.NDArray[np.bool_], threshold: float) -> tuple[float, float]:
    """Share of others' utterances ignored, and of the visitor's own lost, at `threshold`."""
    heard_ = odds >= threshold
    return float((~heard_[~right]).mean()), float((~heard_[right]).mean())


def report(
    name: str, logit: Logit, rows: Vector, right: npt.NDArray[np.bool_], kept: list[Heard], console: Console
) -> dict[str, float]:
    """What the test says about one regression, at its own threshold; printed in detail."""
    odds = np.array([logit.odds(row) for row in rows])
    ignored, lost = rates(odds, right, logit.threshold)
    figures = {"auc": float(roc_auc_score(right, odds)), "others_ignored": ignored, "own_lost": lost}
    for who in ("far", "ceiling", "beside"):
        here = np.array([h.who == who for h in kept])
        figures[f"ignored_{who}"] = float((odds[here] < logit.threshold).mean())
    console.print(name, {key: round(value, 3) for key, value in figures.items()})
    for noise_db in NOISE_DB:
        here = np.array([h.noise_db == noise_db for h in kept])
        ignored, lost = rates(odds[here], right[here], logit.threshold)
        console.print(f"  babble at {noise_db:.0f} dB: ignored {ignored:.3f}, own lost {lost:.3f}")
    short = np.array([h.seconds < SHORT_S for h in kept]) & right
    console.print(
        f"  own, under {SHORT_S} s: lost {float((odds[short] < logit.threshold).mean()):.3f} of {short.sum()}"
    )
    return figures


def write(path: Path, first: Logit, later: Logit, figures: dict[str, dict[str, float]], note: str) -> None:
    """The weights with where they come from, as TOML."""
    lines = [
        "# Who is meant for us. Written by: python -m models.train.addressee",
        f"made = {datetime.now(UTC):%Y-%m-%d}",
    ]
    lines.append(f'method = "{note}"')
    for name, logit, columns in (("first", first, (*FEATURES[1:], "over_background_db * kurtosis / 20")),
                                 ("later", later, LATER)):  # fmt: skip
        lines += ["", f"[{name}]", "# " + ", ".join(columns)]
        lines.append("weights = [" + ", ".join(f"{float(w):.6g}" for w in logit.weights) + "]")
        lines += [f"bias = {logit.bias:.6g}", f"threshold = {logit.threshold:.6g}"]
        lines += ["", f"[{name}.test]", *(f"{key} = {value:.4f}" for key, value in figures[name].items())]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def main(
    out: Annotated[Path, typer.Option(help="Where the weights are written.")] = PATH_WEIGHTS,
    count: Annotated[int, typer.Option(min=20, max=5000, help="Visits to learn from.")] = 160,
    tests: Annotated[int, typer.Option(min=10, max=5000, help="Visits to test with.")] = 80,
) -> None:
    """Simulate, fit, test, write."""
    console, store = Console(stderr=True), Store()
    speakers, model = Speakers(store), SpeakerModel(store.open("speaker"))
    heard_: dict[Split, list[Heard]] = {}
    wanted_of: dict[Split, int] = {"train": count, "test": tests}
    for split, wanted in wanted_of.items():
        with console.status(split):
            heard_[split] = visits(split, wanted, speakers, model.embed, lambda visit: None)
        console.print(f"{split}: {len(heard_[split])} utterances")
    first = fit(*first_rows(heard_["train"]))
    later = fit_later(heard_["train"], first)
    figures: dict[str, dict[str, float]] = {}
    rows, near = first_rows(heard_["test"])
    figures["first"] = report("near or far", first, rows, near, heard_["test"], console)
    rows, right, kept = later_rows(heard_["test"], first)
    figures["later"] = report("the visitor or another", later, rows, right, kept, console)
    note = f"logistic regression; {count} visits in {ROOMS['train']} image-source rooms, synthetic voices"
    write(out, first, later, figures, note)
    console.print(f"written to {out}")


if __name__ == "__main__":
    typer.run(main)
