"""The tables of working together: how it stands in each talk, who approved a risky step, what was signed."""

from __future__ import annotations

import sqlalchemy as sa

from hub.store import UtcTime, tables
from hub.store import _Id as Id

together = sa.Table(  # what a visitor types is in it: deleted when the case is over
    "together",
    tables,
    sa.Column("video_case", sa.String(40), primary_key=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("said", sa.BigInteger, nullable=False),  # the number of what the desk asked last
    sa.Column("revision", sa.BigInteger, nullable=False),  # of what the terminal told last
    sa.Column("stands", sa.JSON, nullable=True),  # `TogetherStands`; NULL: nothing was heard yet
    sa.Column("at", UtcTime, nullable=False),
)

seconds = sa.Table(  # one row for each time that a second person was asked
    "second_approvals",
    tables,
    sa.Column("id", Id, primary_key=True, autoincrement=True),
    sa.Column("video_case", sa.String(40), nullable=False),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("session", sa.String(40), nullable=False),
    sa.Column("form", sa.String(40), nullable=False),
    sa.Column("step", sa.String(40), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # of the form as it stood: another value needs another approval
    sa.Column("asked_by", sa.String(80), nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("outcome", sa.String(10), nullable=False),  # waiting, approved, refused
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", UtcTime),
    sa.Index("seconds_of_case", "video_case", "id"),
    sa.Index("seconds_open", "outcome", "branch"),
)

signed_documents = sa.Table(  # kept as long as the records of the branch are
    "signed_documents",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("video_case", sa.String(40), nullable=False),
    sa.Column("session", sa.String(40), nullable=False),
    sa.Column("form", sa.String(40), nullable=False),
    sa.Column("teller", sa.String(80), nullable=False),  # who held the case
    sa.Column("alias", sa.String(32), nullable=False),  # of a customer whose identity was checked; '': not checked
    sa.Column("document", sa.Text, nullable=False),  # the exact text that was signed
    sa.Column("document_sha256", sa.String(64), nullable=False),
    sa.Column("strokes", sa.Text, nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
    sa.Column("signed_at", UtcTime, nullable=False),  # on the terminal's clock
    sa.Column("at", UtcTime, nullable=False),  # on the hub's
    sa.Index("signed_of_case", "video_case"),
    sa.Index("signed_by_time", "at"),
)
