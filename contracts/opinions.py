"""What a terminal tells of an opinion, besides the one touch of `OpinionGiven`; and what it did not understand.

The words here are the only ones of a visitor that the hub keeps, and each was given for just this: a comment to the
question for one, a sentence that was not understood with a 'yes' to keeping it. The terminal scrubs them first; the
pattern refuses what a scrubber that failed might let through (a run of four figures, an address with @). A sentence
that was not understood names no visit: nobody can say whose it was.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from contracts import messages as m
from contracts.handover import Emotion

MAX_WORDS: Final = 300  # characters of a comment
MAX_SENTENCE: Final = 120  # of something that was not understood: longer is no question
MASK: Final = "〔{}〕"
"""What a scrubbed part leaves behind, with its kind in it: `〔name〕`."""
MASKED: Final = ("name", "number", "card", "phone", "id", "address", "amount", "plate", "mail", "link", "date", "abuse")
_CLEAN: Final = r"^(?![\s\S]*[0-9]{4})[^@<>\x00-\x1f]+$"

Scrubbed = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_WORDS, pattern=_CLEAN)]
Sentence = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_SENTENCE, pattern=_CLEAN)]
Subject = Literal["waiting", "staff", "terminal", "fees", "business", "rules", "place", "app", "other"]
"""What a comment is about; chosen on the terminal."""


class OpinionAsked(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="opinion_asked"):
    """The five faces were shown: what an opinion belongs to, and what a share of answers is a share of.

    `sampled`: this visitor is also asked whether they would recommend the bank, chosen before anybody knew their
    score. `alias`: the bank's name for a visitor who proved who they are ('' : nobody did); the hub only remembers that
    it was here before, and never beside an opinion.
    """

    visit: m.VisitId
    service: m.Code | None = None  # of the ticket; None: there was none
    wish: m.Code | None = None  # the last that was understood
    language: m.Language
    mode: Literal["standard", "elder"] = "standard"
    sampled: bool = False
    alias: Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[A-Za-z0-9_-]*$")] = ""


class Recommended(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="recommended"):
    """'How likely is it that you recommend us?', 0 to 10 (Reichheld, Harvard Business Review 12/2003)."""

    visit: m.VisitId
    score: Annotated[int, msgspec.Meta(ge=0, le=10)]


class CommentGiven(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="comment_given"):
    """What somebody said when they were asked for a comment, scrubbed, with feeling and subject; no sound was kept."""

    visit: m.VisitId
    text: Scrubbed
    language: m.Language
    feeling: Emotion | None = None  # None: none is felt
    subject: Subject = "other"
    masked: Annotated[int, msgspec.Meta(ge=0, le=MAX_WORDS)] = 0  # parts that were taken out


class NotUnderstood(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="not_understood"):
    """A sentence that got no answer, kept because the visitor said yes to that. `guess`: the nearest wish."""

    text: Sentence
    language: m.Language
    guess: m.Code | None = None
    why: Literal["unsure", "unanswered"] = "unsure"  # not understood, or nothing approved answers it


OpinionWord: TypeAlias = OpinionAsked | Recommended | CommentGiven | NotUnderstood


class OpinionTold(m.Numbered, frozen=True, kw_only=True):
    """One of these, from the outbox."""

    body: OpinionWord
