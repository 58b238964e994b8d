"""The tables behind opinions and learning. Words here were scrubbed on the terminal and given for this."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store import UtcTime, tables

_Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

visit_opinions = sa.Table(  # one row a visit that was asked; what it was asked, and what it answered
    "visit_opinions",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("visit", sa.String(40), primary_key=True),
    sa.Column("at", UtcTime, nullable=False),  # asked; the terminal's time, set right by what is known of its clock
    sa.Column("known", sa.Boolean, nullable=False),  # False: an opinion of a visit that the hub never heard of
    sa.Column("service", sa.String(40)),
    sa.Column("wish", sa.String(40)),
    sa.Column("language", sa.String(4)),
    sa.Column("mode", sa.String(10)),
    sa.Column("came_before", sa.Boolean),  # NULL: nobody knows, because the visitor did not prove who they are
    sa.Column("sampled", sa.Boolean, nullable=False),
    sa.Column("score", sa.Integer),
    sa.Column("recommend", sa.Integer),
    sa.Index("visit_opinions_by_time", "branch", "at"),
)

comments = sa.Table(
    "comments",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("visit", sa.String(40), primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("text", sa.String(300), nullable=False),
    sa.Column("language", sa.String(4), nullable=False),
    sa.Column("feeling", sa.String(12)),
    sa.Column("subject", sa.String(12), nullable=False),
    sa.Column("masked", sa.Integer, nullable=False),
    sa.Index("comments_by_time", "branch", "at"),
)

came_before = sa.Table(  # that somebody was here before: a hash of the bank's own name for them, beside nothing else
    "came_before",
    tables,
    sa.Column("who", sa.String(64), primary_key=True),
    sa.Column("last", UtcTime, nullable=False),
)

opinion_tasks = sa.Table(  # a low score, for the manager, until a moment
    "opinion_tasks",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False),
    sa.Column("closed_at", UtcTime),
    sa.Column("closed_by", sa.String(80), nullable=False),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.UniqueConstraint("branch", "device", "visit"),
    sa.Index("opinion_tasks_by_time", "branch", "opened_at"),
)

unheard = sa.Table(  # a sentence that got no answer, given for learning; it names no visit
    "unheard",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),  # the day alone: a time would lead back to the visit
    sa.Column("text", sa.String(120), nullable=False),
    sa.Column("language", sa.String(4), nullable=False),
    sa.Column("guess", sa.String(40)),
    sa.Column("why", sa.String(12), nullable=False),
    sa.Column("lesson", sa.BigInteger),  # the proposal that it is part of
    sa.Index("unheard_of_branch", "branch", "lesson", "id"),
)

lessons = sa.Table(  # a heap of sentences that want the same, proposed to an editor
    "lessons",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("language", sa.String(4), nullable=False),
    sa.Column("lines", sa.JSON, nullable=False),  # different sentences, the middle one first
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("near", sa.JSON, nullable=False),  # entries of the pack that come nearest: id, likeness, their answer
    sa.Column("state", sa.String(10), nullable=False),  # proposed, accepted, refused
    sa.Column("kind", sa.String(10), nullable=False),  # '', asks (further ways of asking an entry), entry (a new one)
    sa.Column("entry", sa.String(40), nullable=False),
    sa.Column("zh", sa.String(600), nullable=False),
    sa.Column("en", sa.String(600), nullable=False),
    sa.Column("asks_zh", sa.String(300), nullable=False),  # of a new entry: a way of asking in each language
    sa.Column("asks_en", sa.String(300), nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", UtcTime),
    sa.Index("lessons_of_branch", "branch", "state", "id"),
)

candidates = sa.Table(  # a pack that was made of accepted lessons, and what the regression said of it
    "candidates",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("lessons", sa.JSON, nullable=False),  # their ids
    sa.Column("state", sa.String(10), nullable=False),  # offered, refused
    sa.Column("reason", sa.String(300), nullable=False),
    sa.Column("figures", sa.JSON, nullable=False),
    sa.Column("pack", sa.BigInteger),  # where it was offered
    sa.Index("candidates_of_branch", "branch", "id"),
)
