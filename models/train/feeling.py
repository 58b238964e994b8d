"""Makes `models/weights/feeling.npz` again: `python -m models.train.feeling`. Seeded; under a minute.

Sentences of `data/feelings.txt` by feeling; wishes of the intents' corpus as those that show none.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from models.feeling import FEELINGS, WEIGHTS
from models.intent_features import normalise
from models.sentences import SentenceModel
from models.store import Store
from models.train.corpus import DATA, load_corpus

PLAIN: Final = 600
PLAIN_INTENTS: Final = frozenset(
    {"withdraw_cash", "deposit_cash", "account_balance", "wayfinding", "business_hours", "open_account", "affirm",
     "deny", "card_activate", "transfer_domestic", "update_personal_info", "fx_rate", "print_request", "take_ticket"}
)  # fmt: skip
STRENGTH: Final = 8.0


def load_feelings(path: Path = DATA / "feelings.txt") -> list[tuple[str, str]]:
    """(feeling, sentence). Raises `ValueError` with file and line."""
    rows, now = [], ""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("["):
            now = line.strip("[] ")
            if now not in FEELINGS:
                raise ValueError(f"{path}:{number}: want one of {', '.join(FEELINGS)}")
        elif line.strip() and not line.startswith("#"):
            if not now:
                raise ValueError(f"{path}:{number}: a sentence before the first [feeling]")
            rows.append((now, line.strip()))
    return rows


def main() -> None:
    """Train, say what was reached on folds left out, write."""
    encoder = SentenceModel(Store().open("sentences"))
    felt = load_feelings()
    plain = sorted({example.text for example in load_corpus() if example.intent in PLAIN_INTENTS})
    random.Random(7).shuffle(plain)
    texts = [text for _, text in felt] + plain[:PLAIN]
    labels = np.array([FEELINGS.index(name) + 1 for name, _ in felt] + [0] * min(PLAIN, len(plain)))
    meanings = np.stack([encoder.embed(normalise(text)) for text in texts])
    model = LogisticRegression(C=STRENGTH, max_iter=1000)
    guessed = cross_val_predict(model, meanings, labels, cv=5)
    Console(stderr=True).print(
        f"left out: {np.mean(guessed[labels > 0] == labels[labels > 0]):.3f} of feelings, "
        f"{np.mean(guessed[labels == 0] == 0):.3f} of plain wishes; {len(felt)} and {len(plain[:PLAIN])} sentences"
    )
    model.fit(meanings, labels)
    np.savez_compressed(
        WEIGHTS / "feeling.npz", weights=model.coef_.astype(np.float32), bias=model.intercept_.astype(np.float32)
    )


if __name__ == "__main__":
    main()
