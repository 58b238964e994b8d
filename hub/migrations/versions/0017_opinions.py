"""Opinions by visit, comments, tasks; what was not understood, lessons, candidates; moments found by their time."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "visit_opinions",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("service", sa.String(length=40)),
        sa.Column("wish", sa.String(length=40)),
        sa.Column("language", sa.String(length=4)),
        sa.Column("mode", sa.String(length=10)),
        sa.Column("came_before", sa.Boolean()),
        sa.Column("sampled", sa.Boolean(), nullable=False),
        sa.Column("score", sa.Integer()),
        sa.Column("recommend", sa.Integer()),
        sa.PrimaryKeyConstraint("branch", "device", "visit"),
    )
    op.create_index("visit_opinions_by_time", "visit_opinions", ["branch", "at"])
    op.create_table(
        "comments",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("feeling", sa.String(length=12)),
        sa.Column("subject", sa.String(length=12), nullable=False),
        sa.Column("masked", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "visit"),
    )
    op.create_index("comments_by_time", "comments", ["branch", "at"])
    op.create_table(
        "came_before",
        sa.Column("who", sa.String(length=64), nullable=False),
        sa.Column("last", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("who"),
    )
    op.create_table(
        "opinion_tasks",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("opened_at", UtcTime(), nullable=False),
        sa.Column("due_at", UtcTime(), nullable=False),
        sa.Column("closed_at", UtcTime()),
        sa.Column("closed_by", sa.String(length=80), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("branch", "device", "visit"),
    )
    op.create_index("opinion_tasks_by_time", "opinion_tasks", ["branch", "opened_at"])
    op.create_table(
        "unheard",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("text", sa.String(length=120), nullable=False),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("guess", sa.String(length=40)),
        sa.Column("why", sa.String(length=12), nullable=False),
        sa.Column("lesson", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("unheard_of_branch", "unheard", ["branch", "lesson", "id"])
    op.create_table(
        "lessons",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("near", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("entry", sa.String(length=40), nullable=False),
        sa.Column("zh", sa.String(length=600), nullable=False),
        sa.Column("en", sa.String(length=600), nullable=False),
        sa.Column("asks_zh", sa.String(length=300), nullable=False),
        sa.Column("asks_en", sa.String(length=300), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column("decided_at", UtcTime()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("lessons_of_branch", "lessons", ["branch", "state", "id"])
    op.create_table(
        "candidates",
        sa.Column("id", _Id, autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("lessons", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("pack", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("candidates_of_branch", "candidates", ["branch", "id"])
    op.create_index("events_by_time", "events", ["branch", "at"])
