"""Makes `models/weights/endings.npz` and `endings.json` again: `python -m models.train.endings`.

Whole utterances of the corpus are finished; the same utterances broken off between two words are not,
the more often where slow speakers hesitate. Sentences written with their pauses (`data/endings_*.txt`)
weigh more than what is broken by chance: people break off after what could be a whole wish ('I want to
send money … to my son'), which chance hardly does, and no text can tell. Seeded, a few minutes on two
cores, nothing downloaded. Thresholds and figures come from lines held out; the network over all lines
is what ships.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console

from models.ending_features import Features, Language, extract, plain, words_of
from models.endings import WEIGHTS, dictating, hanging
from models.train.bag import Floats, Recipe, Weights, fit, logits_of, one_hot, softmax, to_matrix
from models.train.calibrate import find_temperature
from models.train.corpus import DATA, Example, corpus_hash, filled_lines, fold_of, load_corpus
from models.train.export import quantise_columns
from models.train.noise import homophones

FOLDS: Final = 5
NOISY: Final = 3  # of each text, beside the text itself
MISHEARD: Final = (0.0, 0.06, 0.15)  # share of characters that become another of the same sound
# Of sentences broken by chance at most so many may be called finished. Half of what is wanted at the terminal (0.03):
# people break off after whole clauses more often than chance; `written_sure` in the card says how much more.
CUT_OFF: Final = 0.015
LOST: Final = 0.03  # of whole sentences at most so many may be called open
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Where people who think slowly stop: after these words five times as often as anywhere else.
HESITANT: Final = 5.0
_AFTER: Final = {
    "zh": words("我想 想 要 我要 麻烦 那个 就是 然后 因为 所以 的 把 给 和 跟 还有 到 从 用 在 是 有 怎么 多少 请问")
    | words("能不能 可以 去 办 取 存 转 换 帮我 想要 问一下 看看 这个 那 我 再 先"),
    "en": words("i to the a an my and from because if or of for with in on want need is can you that some how what")
    | words("about this like i'd get do have where"),
}
# Sentences written with their pauses, one line each; what is before a pause is broken.
WRITTEN: Final = "endings_{language}.txt"
WRITTEN_GROUP: Final = "endings_"
WRITTEN_WEIGHT: Final = 3.0  # of a line of them against one of the corpus, broken by chance
WHOLE_SHARE: Final = 0.5  # their whole texts weigh half: the corpus has plenty
# What may follow or not: a sentence is over before it.
_TAILS: Final = {
    "zh": words("吗 呢 啊 呀 吧 了 嘛 哈 啦 呗 不 没 谢谢 麻烦 行吗 好吗 可以吗 一下"),
    "en": words("please thanks thank now today here then again too there yet it miss sir anymore"),
}
_OPENERS: Final = {
    "zh": ("", "", "", "你好", "您好", "请问", "那个", "我想问一下", "麻烦您", "就是", "嗯", "不好意思"),
    "en": ("", "", "", "hi", "hello", "excuse me", "so", "um", "well", "yes", "please"),
}  # fmt: skip
_CLOSERS: Final = {"zh": ("谢谢", "啊", "吧", "行吗", "麻烦了", "呢"), "en": ("please", "thanks", "thank you", "today")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A text after which a speaker paused. `weight`: one line's whole texts together weigh 1, so do its broken ones."""

    text: str
    language: Language
    group: str
    over: bool
    weight: float


def prefixes(text: str, language: Language, whole: frozenset[str]) -> list[tuple[str, float]]:
    """`text` (plain) broken off between words, with how likely a hesitation is there; those sum to 1.

    Left out: what is itself one of the `whole` utterances, and a break before a closing particle.
    """
    words = words_of(text, language)
    joint = "" if language == "zh" else " "
    found = []
    for count in range(1, len(words)):
        start = joint.join(words[:count])
        if start in whole or words[count] in _TAILS[language]:
            continue
        found.append((start, HESITANT if words[count - 1] in _AFTER[language] else 1.0))
    total = sum(weight for _, weight in found)
    return [(start, weight / total) for start, weight in found]


def spoken(examples: Sequence[Example], seed: int) -> list[Spoken]:
    """Every whole utterance, bare and in courtesies, and every broken one. Groups are the corpus's lines."""
    rng = random.Random(seed)
    rows = []
    whole = {language: frozenset(plain(e.text) for e in examples if e.language == language) for language in LANGUAGES}
    sizes: dict[str, int] = {}
    for example in examples:
        sizes[example.group] = sizes.get(example.group, 0) + 1
    for example in examples:
        language: Language = "zh" if example.language == "zh" else "en"
        joint = "" if language == "zh" else " "
        text = plain(example.text)
        share = 1.0 / sizes[example.group]

        said: list[tuple[str, bool, float]] = []
        opener = rng.choice(_OPENERS[language])
        opened = f"{opener}{joint}{text}".strip() if opener else text
        if not hanging(text, language):
            closed = f"{opened}{joint}{rng.choice(_CLOSERS[language])}" if rng.random() < 0.3 else opened
            said += [(text, True, 0.6 * share), (closed, True, 0.4 * share)]
        for start, weight in prefixes(text, language, whole[language]):
            opens = opener and rng.random() < 0.3
            said.append((f"{opener}{joint}{start}" if opens else start, False, weight * share))
        rows += [Spoken(text=t, language=language, group=example.group, over=o, weight=w) for t, o, w in said]
    return rows


def written(seed: int, folder: Path = DATA) -> list[Spoken]:
    """The sentences with pauses, filled in: each text before a pause is broken, the earlier the likelier heard.

    After their first pause she knows the speaker, and waits: the second counts half of it, the third a third.
    """
    rows = []
    for language in LANGUAGES:
        joint = "" if language == "zh" else " "
        for group, texts in filled_lines(folder / WRITTEN.format(language=language), language, seed, folder):
            for text in texts:
                parts = text.split("|")
                share = WRITTEN_WEIGHT / len(texts)
                ends = range(1, len(parts))
                total = sum(1.0 / end for end in ends)
                said = [(parts[:end], False, share / end / total) for end in ends]
                said.append((parts, True, share * WHOLE_SHARE))
                rows += [
                    Spoken(text=plain(joint.join(some)), language=language, group=group, over=over, weight=weight)
                    for some, over, weight in said
                ]
    return rows


def written_hash(folder: Path = DATA) -> str:
    """SHA-256 over the written sentences of both languages."""
    paths = [folder / WRITTEN.format(language=language) for language in LANGUAGES]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def misheard(text: str, alike: Mapping[str, tuple[str, ...]], rng: random.Random) -> str:
    """`text` with some characters spelled as others of the same sound; English loses or doubles a letter."""
    rate = rng.choice(MISHEARD)
    return "".join(rng.choice(alike[c]) if c in alike and rng.random() < rate else c for c in text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Texts for the network; `of (n,)` the row that each comes from, `labels (n,)` 1 is over, `weights (n,)`."""

    features: list[Features]
    of: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    weights: Floats

    def fitted(self, keep: npt.NDArray[np.bool_], recipe: Recipe) -> Weights:
        """The network over the texts of the rows to `keep`, by row."""
        chosen = np.flatnonzero(keep[self.of])
        emphasis = np.sqrt(self.weights[chosen])
        matrix = to_matrix([self.features[place] for place in chosen])
        return fit(matrix, one_hot(self.labels[chosen], 2), (emphasis / emphasis.mean()).astype(np.float32), recipe)


def prepare(rows: Sequence[Spoken], seed: int) -> Prepared:
    """Each text as it is and as it may be heard. What the rules decide is left to them."""
    rng = random.Random(seed)
    alike = homophones([row.text for row in rows if row.language == "zh"])
    features: list[Features] = []
    of, labels, weights = [], [], []
    for place, row in enumerate(rows):
        if row.weight <= 0 or hanging(row.text, row.language) or dictating(row.text):
            continue
        texts = [row.text]
        if row.language == "zh":
            texts += [misheard(row.text, alike, rng) for _ in range(NOISY)]
        for text in dict.fromkeys(texts):
            found = extract(text, row.language)
            if not found[0].size:
                continue
            features.append(found)
            of.append(place)
            labels.append(int(row.over))
            weights.append(row.weight if text == row.text else row.weight / NOISY)
    return Prepared(
        features=features,
        of=np.array(of, np.int64),
        labels=np.array(labels, np.int64),
        weights=np.array(weights, np.float32),
    )


def held_out(rows: Sequence[Spoken], prepared: Prepared, recipe: Recipe) -> tuple[list[Spoken], Floats]:
    """Texts and their logits `(n, 2)` by networks that never saw their lines."""
    folds = np.array([fold_of(row.group, FOLDS) for row in rows])
    judged: list[Spoken] = []
    logits = []
    for fold in range(FOLDS):
        weights = prepared.fitted(folds != fold, recipe)
        held = [row for row, at in zip(rows, folds, strict=True) if at == fold and row.weight > 0]
        judged += held
        logits.append(logits_of(weights, to_matrix([extract(row.text, row.language) for row in held])))
    return judged, np.vstack(logits)


def ruled(rows: Sequence[Spoken], probabilities: Floats) -> Floats:
    """`probabilities (n,)` with the rules on top, as the terminal uses them."""
    held = [hanging(row.text, row.language) or dictating(row.text) for row in rows]
    return np.where(np.array(held), np.float32(0.0), probabilities).astype(np.float32)


def shares_above(rows: Sequence[Spoken], probabilities: Floats, threshold: float) -> tuple[float, float]:
    """Of the whole and of the broken texts, the share at or above `threshold`."""
    over = np.array([row.over for row in rows])
    weight = np.array([row.weight for row in rows])
    above = probabilities >= threshold
    return (
        float(weight[above & over].sum() / weight[over].sum()),
        float(weight[above & ~over].sum() / weight[~over].sum()),
    )


def thresholds(rows: Sequence[Spoken], probabilities: Floats) -> dict[str, float]:
    """`sure` and `open` of one language with what they achieve on `rows` broken by chance and on those written."""
    by_hand = np.array([row.group.startswith(WRITTEN_GROUP) for row in rows])
    chance = [row for row in rows if not row.group.startswith(WRITTEN_GROUP)]
    shown = [row for row in rows if row.group.startswith(WRITTEN_GROUP)]
    of_chance, of_shown = probabilities[~by_hand], probabilities[by_hand]
    grid = np.unique(np.round(of_chance, 4))
    sure = next((float(t) for t in grid if shares_above(chance, of_chance, float(t))[1] <= CUT_OFF), 1.01)
    low = next((float(t) for t in grid[::-1] if shares_above(chance, of_chance, float(t))[0] >= 1 - LOST), 0.0)
    found = {"sure": sure, "open": low}
    found["whole_sure"], found["broken_sure"] = shares_above(chance, of_chance, sure)
    whole, broken = shares_above(chance, of_chance, low)
    found["whole_open"], found["broken_open"] = 1 - whole, 1 - broken
    found["written_whole_sure"], found["written_sure"] = shares_above(shown, of_shown, sure)
    return found


def main(
    folder: Annotated[Path, typer.Option(help="Where the model is written.")] = WEIGHTS,
    seed: Annotated[int, typer.Option(help="Same seed, same model.")] = 20,
) -> None:
    """Train, calibrate, export. Prints what was reached on lines held out."""
    console, started = Console(stderr=True), time.monotonic()
    recipe = Recipe(
        seed=seed, hidden=12, epochs=6, rate=0.008, feature_dropout=0.45, hidden_dropout=0.15, smoothing=0.02
    )
    rows = spoken(load_corpus(), seed) + written(seed)
    prepared = prepare(rows, seed)
    judged, logits = held_out(rows, prepared, recipe)
    labels = np.array([int(row.over) for row in judged], np.int64)
    weight = np.array([row.weight for row in judged], np.float32)
    temperature = find_temperature(logits, labels, weight)
    probabilities = ruled(judged, softmax(logits / temperature)[:, 1])
    told: dict[str, Any] = {}
    for language in LANGUAGES:
        of = np.array([row.language == language for row in judged])
        told[language] = thresholds([row for row in judged if row.language == language], probabilities[of])
    console.print(told, f"{time.monotonic() - started:.0f} s so far")
    weights = prepared.fitted(np.ones(len(rows), bool), recipe)
    embedding, scales = quantise_columns(weights.embedding)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / "endings.partial.npz"
    np.savez_compressed(
        partial, embedding=embedding, scales=scales, hidden_bias=weights.hidden_bias,
        output=weights.output, bias=weights.bias,
    )  # fmt: skip
    partial.replace(folder / "endings.npz")
    card = {
        "temperature": temperature, "thresholds": told, "cut_off": CUT_OFF, "lost": LOST,
        "corpus_sha256": corpus_hash(), "written_sha256": written_hash(),
        "texts": len(rows), "lines": len({row.group for row in rows}),
        "recipe": asdict(recipe), "noisy": NOISY, "folds": FOLDS,
    }  # fmt: skip
    (folder / "endings.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    console.print(f"written to {folder} in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    typer.run(main)
