"""Makes `models/weights/risk.npz`, `risk_reader.npz` and `risk.json` again: `python -m bench.risk_training`.

Reads labelled conversations, telling sentences and harmless wishes of `bench/data/risk*`, never the test. First the
reading of single turns is learnt, then one regression over indicators, word features and meaning, then the reader of
whole conversations (`bench/risk_reading.py`). What the figures in the card say, and the thresholds, were measured on
writers left out: each fold leaves out whole files, of which each is one writer's. Needs the `train` extra and the
models `sentences` and `reader`; two cores without VNNI take about an hour and a half (2026-12-01), half of it the
reader, and it goes on where it was interrupted.
It stands here and not in `models/train`, because the indicators are the terminal's.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from rich.console import Console
from sklearn.linear_model import LogisticRegression

from bench.risk import Conversation, load_conversations
from bench.risk_reading import LEFT_OUT, READ, Texts, blend, lessons_of, read, texts_of
from bench.risk_rows import Cached, kept_rows, matrix, rows_of, rows_of_file, word_matrix
from kiosk.risk.watch import HAND_HIGH, HAND_MEDIUM, HAND_SURE, hand_weight
from kiosk.risk.words import FOLDER
from models.intent_features import normalise
from models.reader import NAME_WEIGHTS, Cutter
from models.risk import JOINT_SCALE, WEIGHTS, TellingTurns, beyond, words_of
from models.sentences import SentenceModel
from models.store import Store, cache_root
from models.train.reader import SETTINGS, finished

DATA: Final = Path(__file__).parent / "data"
TALKS: Final = (
    "risk_dev.tsv", "risk_own.tsv", "risk_train_a.tsv", "risk_train_b.tsv", "risk_train_c.tsv",
    *(f"risk/talks_{writer:02}.tsv" for writer in range(1, 15)),
    *(f"risk/talks_{writer}.tsv" for writer in range(16, 45)),
)  # fmt: skip
UNLEARNT: Final = ("risk/talks_15.tsv",)  # by one more writer, mostly twins; nothing learns from it, thresholds heed it
TURNS: Final = ("risk/turns_1.tsv", "risk/turns_2.tsv", "risk/turns_3.tsv")
FOLDS: Final = 5
STRENGTH: Final = 3.0  # inverse of the regularisation
HARMLESS_WEIGHT: Final = 0.03  # of a single wish against a conversation
TURN_WEIGHT: Final = 0.1  # of a single telling or innocent sentence
PREFIX_WEIGHT: Final = 0.6  # a harmless conversation must stay harmless from its first turn on
FALSE_ALARMS: Final = 0.045  # of harmless conversations left out, by which the thresholds are set
COUNTED: Final = 100  # harmless conversations of a writer count at most, where writers are compared
FALSE_STOPS: Final = 0.005
EACH_TURN: Final = (0.0, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)  # what each turn of a long visit may take off the score

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Singles:
    """Sentences that are learnt by themselves: features, 1 for a telling one, and how much each counts."""

    features: sp.csr_matrix
    labels: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float64]


def single_turns() -> list[tuple[str, str]]:
    """Sentences with what they give away, tidied; 'none' is harmless. Raises `ValueError` with file and line."""
    kind, found = "", list[tuple[str, str]]()
    for number, line in enumerate((DATA / "risk_turns.txt").read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("["):
            kind = line.strip("[] ")
        elif line.strip() and not line.startswith("#"):
            if not kind:
                raise ValueError(f"risk_turns.txt:{number}: a sentence before the first [kind]")
            found.append((kind, normalise(line)))
    for name in TURNS:
        for number, line in enumerate((DATA / name).read_text(encoding="utf-8").splitlines(), start=1):
            parts = line.split("\t")
            if len(parts) != 3 or parts[1] not in ("zh", "en"):
                raise ValueError(f"{name}:{number}: want kind<TAB>zh|en<TAB>sentence")
            found.append((parts[0], normalise(parts[2])))
    return found


def telling_turns(
    singles: Sequence[tuple[str, str]], harmless: Sequence[Conversation], encoder: Cached
) -> TellingTurns:
    """Learn which kind of swindle a single sentence gives away, and whether it gives any away."""
    names = ["none", *sorted({kind for kind, _ in singles} - {"none"})]
    texts = [text for _, text in singles] + [normalise(talk.turns[0]) for talk in harmless]
    labels = np.array([names.index(kind) for kind, _ in singles] + [0] * len(harmless))
    emphasis = np.array([0.7 if kind == "none" else 1.0 for kind, _ in singles] + [0.3] * len(harmless))
    meanings = np.stack([encoder.embed(text) for text in texts])
    spelt = word_matrix([words_of(text) for text in texts])
    several = LogisticRegression(C=20, max_iter=300).fit(meanings, labels, sample_weight=emphasis)
    whether = LogisticRegression(C=10, max_iter=500).fit(meanings, labels > 0, sample_weight=emphasis)
    both = sp.hstack([sp.csr_matrix(meanings * JOINT_SCALE), spelt]).tocsr()
    worded = LogisticRegression(C=1, solver="liblinear", random_state=0).fit(both, labels > 0, sample_weight=emphasis)
    return TellingTurns(
        several.coef_.astype(np.float16).astype(np.float32), several.intercept_.astype(np.float32),
        whether.coef_[0].astype(np.float32), float(whether.intercept_[0]),
        worded.coef_[0].astype(np.float16).astype(np.float32), float(worded.intercept_[0]),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Talks:
    """Conversations as the regression takes them: row `n` of `features` is talk `of[n]` after one of its turns."""

    talks: Sequence[Conversation]
    features: sp.csr_matrix
    of: npt.NDArray[np.int64]
    last: npt.NDArray[np.bool_]

    @property
    def scam(self) -> npt.NDArray[np.bool_]:
        return np.array([talk.scam for talk in self.talks])


def fit(held: Talks, taught: npt.NDArray[np.bool_], singles: Singles) -> Any:
    """Learn from `taught`: a swindle counts whole, a harmless talk after each of its turns, a sentence a little."""
    chosen = taught[held.of] & (held.last | ~held.scam[held.of])
    labels = np.concatenate([held.scam[held.of][chosen], singles.labels])
    weights = np.concatenate([np.where(held.last[chosen], 1.0, PREFIX_WEIGHT), singles.weights])
    model = LogisticRegression(C=STRENGTH, solver="liblinear", random_state=0, max_iter=1000)
    return model.fit(sp.vstack([held.features[chosen], singles.features]), labels, sample_weight=weights)


def folds_of(talks: Sequence[Conversation]) -> list[npt.NDArray[np.bool_]]:
    """By conversation, who is judged in each fold: whole writers, large and small ones in each.

    Who is never learnt from is judged with fold LEFT_OUT.
    """
    learnt = learnt_from(talks)
    sizes = Counter(talk.source for talk, its in zip(talks, learnt, strict=True) if its)
    writers = sorted(sizes, key=lambda name: (-sizes[name], name))
    source = np.array([talk.source for talk in talks])
    return [np.isin(source, writers[fold::FOLDS]) | (~learnt & (fold == LEFT_OUT)) for fold in range(FOLDS)]


def learnt_from(talks: Sequence[Conversation]) -> npt.NDArray[np.bool_]:
    """By conversation, whether anything may learn from it."""
    kept_apart = {Path(name).name for name in UNLEARNT}
    return np.array([talk.source not in kept_apart for talk in talks])


def held_out(held: Talks, singles: Singles, work: Path) -> Floats:
    """The score of each row, by a regression that never saw its writer. `work` keeps those of each fold."""
    scores = np.zeros(len(held.of), np.float32)
    for fold, left_out in enumerate(folds_of(held.talks)):
        rows, path = left_out[held.of], work / f"scores_{fold}.npy"
        if not path.exists():
            model = fit(held, ~left_out & learnt_from(held.talks), singles)
            np.save(path, np.asarray(model.decision_function(held.features[rows]), np.float32))
        scores[rows] = np.load(path)
    return scores


def chosen_thresholds(held: Talks, scores: Floats, hands: Floats) -> dict[str, float]:
    """`plain`, `medium`, `high`, `each_turn`: the most swindles noticed within the false alarms allowed.

    They are kept over all conversations, and over writers: the next is another again, so a large file does not speak
    for the rest; a small one, of which one conversation is some hundredths, counts as what it is.
    From `medium` on the score alone raises; from `plain` on it raises whom the hand-set weights raise.
    """
    best = (-1.0, 0.0, 0.0, 0.0)
    scam = held.scam
    writer = np.unique([talk.source for talk in held.talks if not talk.scam], return_inverse=True)[1]
    of_writer = np.bincount(writer)
    for each_turn in EACH_TURN:
        less = allowed(held, scores, each_turn)
        for medium in np.quantile(less[~scam[held.of]], np.linspace(0.9, 0.9999, 60)):
            for below in (0.0, 0.5, 1.0, 1.5, 2.0, 3.0):
                raised = raised_by(held, less, hands, float(medium) - below, float(medium), HAND_MEDIUM)
                by_writer = np.bincount(writer, raised[~scam]) / of_writer
                troubled = float(np.average(by_writer, weights=np.minimum(of_writer, COUNTED)))
                if max(raised[~scam].mean(), troubled) <= FALSE_ALARMS:
                    best = max(best, (float(raised[scam].mean()), float(medium), float(medium) - below, each_turn))
    _, medium, plain, each_turn = best
    less = allowed(held, scores, each_turn)
    for high in np.quantile(less[~scam[held.of]], np.linspace(0.98, 1.0, 201)):
        if raised_by(held, less, hands, medium, float(high), HAND_HIGH)[~scam].mean() <= FALSE_STOPS:
            break
    return {"plain": plain, "medium": medium, "high": max(float(high), medium), "each_turn": each_turn}


def allowed(held: Talks, scores: Floats, each_turn: float) -> Floats:
    """The scores less what a long visit is allowed, as the terminal has them."""
    starts = np.flatnonzero(np.append(True, held.of[1:] != held.of[:-1]))
    turns = np.arange(len(held.of)) - np.repeat(starts, np.diff(np.append(starts, len(held.of)))) + 1
    return np.asarray(scores - each_turn * np.array([beyond(int(one)) for one in turns]), np.float32)


def raised_by(
    held: Talks, scores: Floats, hands: Floats, plain: float, level: float, hand: float
) -> npt.NDArray[np.bool_]:
    """`(talks,)`: whether any turn reaches `level`, or `plain` where the hand-set weights are `hand`, or HAND_SURE."""
    raised = np.zeros(len(held.talks), np.bool_)
    raised[held.of[(scores >= level) | ((hands >= hand) & (scores >= plain)) | (hands >= HAND_SURE)]] = True
    return raised


def measured(talks: Sequence[Conversation], raised: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Recall and false alarms, by file."""
    scam = np.array([talk.scam for talk in talks])
    source = np.array([talk.source for talk in talks])
    found = {}
    for name in (*TALKS, *UNLEARNT, "all"):
        its = source == Path(name).name if name != "all" else np.ones(len(talks), np.bool_)
        if not its.any():
            continue
        found[name] = {
            "recall": round(float(raised[its & scam].mean()), 4),
            "false_alarms": round(float(raised[its & ~scam].mean()), 4),
            "conversations": int(its.sum()),
        }
    return found


def weighed(held: Talks, scores: Floats, hands: Floats) -> dict[str, Any]:
    """The thresholds, and what they give, of scores by who never saw the writer."""
    thresholds = chosen_thresholds(held, scores, hands)
    scores = allowed(held, scores, thresholds["each_turn"])
    medium = raised_by(held, scores, hands, thresholds["plain"], thresholds["medium"], HAND_MEDIUM)
    high = raised_by(held, scores, hands, thresholds["medium"], thresholds["high"], HAND_HIGH)
    return {
        "thresholds": thresholds,
        "held_out": {"medium": measured(held.talks, medium), "high": measured(held.talks, high)},
    }


def with_reader(held: Talks, scores: Floats, hands: Floats, texts: Texts, console: Console) -> dict[str, Any]:
    """Teach the reader, write its weights; how both are weighed together, and what that gives."""
    found = read(
        Store().open("reader"), work_folder(), states_folder(), texts,
        lambda taught: lessons_of(texts, held.of, held.last, held.scam, taught & learnt_from(held.talks)),
        [(fold, folds_of(held.talks)[fold]) for fold in READ], held.of, console.print,
    )  # fmt: skip
    np.savez_compressed(WEIGHTS / NAME_WEIGHTS, allow_pickle=False, **finished(found.taught))
    known = ~np.isnan(found.logits)
    rows = known & (held.last | ~held.scam[held.of])
    counts = np.where(held.last[rows], 1.0, PREFIX_WEIGHT)
    regression, reader, bias = blend(scores[rows], found.logits[rows], held.scam[held.of[rows]], counts)
    part = only(held, known)
    both = np.asarray((regression * scores + reader * found.logits + bias)[known], np.float32)
    shares = {"regression": regression, "reader": reader, "bias": bias}
    return {"shares": shares, "folds": list(READ), **weighed(part, both, hands[known])}


def only(held: Talks, rows: npt.NDArray[np.bool_]) -> Talks:
    """The conversations of which `rows` are known; of each all rows are, or none."""
    numbers, of = np.unique(held.of[rows], return_inverse=True)
    return Talks([held.talks[number] for number in numbers], held.features[rows], of, held.last[rows])


def main() -> None:
    """Train, set the thresholds, write."""
    console = Console(stderr=True)
    encoder = Cached(SentenceModel(Store().open("sentences")))
    talks = [talk for name in (*TALKS, *UNLEARNT) for talk in load_conversations(DATA / name)]
    wishes = load_conversations(DATA / "risk_harmless.tsv")
    sentences = single_turns()
    work, kept = work_folder(), rows_folder()
    turns = kept_turns(kept / "turns.npz", lambda: telling_turns(sentences, wishes, encoder))
    console.print(f"{len(sentences)} sentences, {len(talks)} conversations")
    flat = []
    for name in (*TALKS, *UNLEARNT):
        flat += kept_rows(kept / f"{_told(DATA / name)}.npz", partial(rows_of_file, DATA / name, turns, encoder))
        console.print(f"{name}: {len(flat)} rows")
    alone_said = [Conversation(kind != "none", _language(text), (text,), "", 0) for kind, text in sentences]
    single_rows = kept_rows(
        kept / "singles.npz", lambda: [rows_of(talk, turns, encoder)[-1] for talk in (*alone_said, *wishes)]
    )
    names = sorted({name for row in flat for name in row.given})
    singles = Singles(
        matrix(single_rows, names),
        np.array([int(kind != "none") for kind, _ in sentences] + [0] * len(wishes)),
        np.array([TURN_WEIGHT] * len(sentences) + [HARMLESS_WEIGHT] * len(wishes)),
    )
    of = np.concatenate([np.full(len(talk.turns), n) for n, talk in enumerate(talks)])
    held = Talks(talks, matrix(flat, names), of, np.append(of[1:] != of[:-1], True))
    scores = held_out(held, singles, work)
    hands = np.array([hand_weight(row.given) for row in flat], np.float32)
    alone = weighed(held, scores, hands)
    texts = texts_of(talks, Cutter(Store().open("reader")))
    together = with_reader(held, scores, hands, texts, console)
    model = fit(held, learnt_from(talks), singles)
    coefficients = model.coef_[0]
    count, width = len(names), flat[0].dense.size
    card = {
        "indicators": {name: round(float(value), 5) for name, value in zip(names, coefficients, strict=False)},
        "bias": float(model.intercept_[0]),
        **alone,
        "with_reader": together,
        "data_sha256": data_hash(),
        "folds": FOLDS,
    }
    console.print(card)
    np.savez_compressed(
        WEIGHTS / "risk.npz",
        words=coefficients[count + width :].astype(np.float16),
        dense=coefficients[count : count + width].astype(np.float32),
        kinds=turns.kinds.astype(np.float16), kinds_bias=turns.kinds_bias, telling=turns.telling,
        telling_bias=np.float32(turns.telling_bias),
        turn_words=turns.words.astype(np.float16), turn_words_bias=np.float32(turns.words_bias),
    )  # fmt: skip
    (WEIGHTS / "risk.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")


def kept_turns(path: Path, make: Callable[[], TellingTurns]) -> TellingTurns:
    """The reading of single turns written at `path`, or learnt now and written there."""
    if not path.exists():
        made = make()
        np.savez(
            path, allow_pickle=False, kinds=made.kinds, kinds_bias=made.kinds_bias, telling=made.telling,
            telling_bias=made.telling_bias, words=made.words, words_bias=made.words_bias,
        )  # fmt: skip
    with np.load(path) as held:
        return TellingTurns(
            held["kinds"], held["kinds_bias"], held["telling"], float(held["telling_bias"]),
            held["words"], float(held["words_bias"]),
        )  # fmt: skip


def work_folder() -> Path:
    """Where is kept what is half done; another one for other data, another network or other settings."""
    told = f"{data_hash()} {Store().folder('reader').name} {SETTINGS}".encode()
    apart = b"".join((DATA / name).read_bytes() for name in UNLEARNT)
    return _folder(hashlib.sha256(told + apart).hexdigest()[:12])


def rows_folder() -> Path:
    """Where what the terminal sees of each file is kept: it stays when writers come or go.

    Another one for other sentences, other words or another encoder.
    """
    digest = hashlib.sha256(Store().folder("sentences").name.encode())
    for path in (*(DATA / name for name in (*TURNS, "risk_turns.txt", "risk_harmless.tsv")), *sorted(FOLDER.iterdir())):
        digest.update(path.read_bytes())
    return _folder(f"rows-{digest.hexdigest()[:12]}")


def states_folder() -> Path:
    """Where what the network's lower layers make of each text is kept."""
    return _folder(Store().folder("reader").name)


def _folder(name: str) -> Path:
    folder = cache_root() / "risk-training" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _told(path: Path) -> str:
    return f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def _language(text: str) -> Literal["zh", "en"]:
    return "zh" if any("\u4e00" <= letter <= "\u9fff" for letter in text) else "en"


def data_hash() -> str:
    """SHA-256 over the files that anything is learnt from."""
    digest = hashlib.sha256()
    for name in (*TALKS, *TURNS, "risk_turns.txt", "risk_harmless.tsv"):
        digest.update(name.encode() + b"\0" + (DATA / name).read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    main()
