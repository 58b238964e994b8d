"""The tables behind a teller's help: what was heard in a call, what was ticked, what is proposed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store import UtcTime, tables

_Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

call_heard = sa.Table(  # a visitor's words: for the teller who holds the case, deleted when the case is over
    "call_heard",
    tables,
    sa.Column("video_case", sa.String(40), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
)

call_ticks = sa.Table(  # which required question was asked, by whom: kept as long as the case
    "call_ticks",
    tables,
    sa.Column("video_case", sa.String(40), primary_key=True),
    sa.Column("question", sa.String(40), primary_key=True),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

proposals = sa.Table(  # a question that had no approved answer, as a teller wrote it, for whoever edits the pack
    "proposals",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("question", sa.String(300), nullable=False),
    sa.Column("answer", sa.String(600), nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", UtcTime),
    sa.Index("proposals_of_branch", "branch", "state", "id"),
)
