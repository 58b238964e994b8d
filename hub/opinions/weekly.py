"""The voice of the visitor: a week against the one before, written from figures, with visitors' own scrubbed words.

What rose or fell is said only where the 95 % interval of the difference leaves out zero; otherwise it is 'no clear
change', and with too few answers 'cannot say yet'. Nothing is composed: sentences are filled, quotations are quoted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from contracts.opinions import Subject
from hub.opinions.figures import CONTENT, LOW, last_comments, measured, opinions_of, said
from hub.opinions.intervals import Estimate, difference, share
from hub.store import Store

WEEK: Final = timedelta(days=7)
MOST_COMMENTS: Final = 5_000
QUOTES: Final = 3
SHORTEST: Final = 6  # characters of a comment that says something
SUBJECTS: Final[tuple[Subject, ...]] = (
    "waiting", "staff", "terminal", "fees", "business", "rules", "place", "app", "other",
)  # fmt: skip
BAD: Final = frozenset({"anger", "disgust", "sadness", "fear"})
Way = Literal["rose", "fell", "same", "unknown"]


def weekly(store: Store, branch: str, until: datetime) -> dict[str, Any]:
    """The seven days before `until` against the seven before them."""
    weeks = ((until - WEEK, until), (until - 2 * WEEK, until - WEEK))
    now, before = (opinions_of(store, [branch], since, to) for since, to in weeks)
    words, earlier = (last_comments(store, branch, since, to, MOST_COMMENTS) for since, to in weeks)
    return {
        "branch": branch,
        "since": weeks[0][0].isoformat(),
        "until": until.isoformat(),
        "now": measured(now),
        "before": measured(before),
        "lines": [
            {"what": "content"} | change(_share(now, CONTENT, 5), _share(before, CONTENT, 5)),
            {"what": "low"} | change(_share(now, 1, LOW), _share(before, 1, LOW)),
            {"what": "response"} | change(_response(now), _response(before)),
            *_subject_lines(words, earlier),
        ],
        "comments": len(words),
        "praise": quotes([row for row in words if (row["score"] or 0) >= CONTENT]),
    }


def change(now: Estimate | None, before: Estimate | None) -> dict[str, Any]:
    """Which way a share went, with both shares and the interval of the difference."""
    if now is None or before is None:
        return {"way": "unknown", "now": said(now), "before": said(before), "by": None}
    by = difference(now, before)
    way: Way = "rose" if by.low > 0 else "fell" if by.high < 0 else "same"
    return {"way": way, "now": said(now), "before": said(before), "by": said(by)}


def quotes(rows: Sequence[dict[str, Any]], most: int = QUOTES) -> list[str]:
    """Different sentences that say something, those with a feeling first, short ones before long ones."""
    worth = [row for row in rows if len(row["text"]) >= SHORTEST and row["text"].count("〔") <= 2]
    worth.sort(key=lambda row: (row["feeling"] not in BAD, len(row["text"]), row["text"]))
    return list(dict.fromkeys(row["text"] for row in worth))[:most]


def _subject_lines(words: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of all comments, the share that is about each subject; what moved first, then what is spoken of most."""
    lines = []
    for subject in SUBJECTS:
        mine = [row for row in words if row["subject"] == subject]
        theirs = sum(row["subject"] == subject for row in earlier)
        if not mine and not theirs:
            continue
        moved = change(share(len(mine), len(words)), share(theirs, len(earlier)))
        if not mine and moved["way"] == "unknown":
            continue  # nothing was said of it, and nothing can be said about that
        lines.append({"what": subject, "count": len(mine), "quotes": quotes(mine)} | moved)
    order = {"rose": 0, "fell": 1, "same": 2, "unknown": 2}
    return sorted(lines, key=lambda line: (order[line["way"]], -line["count"]))


def _share(rows: Sequence[dict[str, Any]], low: int, high: int) -> Estimate | None:
    scores = [row["score"] for row in rows if row["known"] and row["score"] is not None]
    return share(sum(low <= score <= high for score in scores), len(scores))


def _response(rows: Sequence[dict[str, Any]]) -> Estimate | None:
    heard = [row for row in rows if row["known"]]
    return share(sum(row["score"] is not None for row in heard), len(heard))
