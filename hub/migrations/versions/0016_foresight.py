"""Foresight: what counters do, promises, rosters, forecasts, known days, what dispatch does; the paper's promise."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("promised_min", sa.Integer()))
    op.add_column("tickets", sa.Column("promised_most_min", sa.Integer()))
    op.create_table(
        "counter_posts",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("counter", sa.String(length=20), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("extra", sa.JSON(), nullable=False),
        sa.Column("doing", sa.String(length=8), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("back_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch", "counter"),
    )
    op.create_table(
        "wait_promises",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=12), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("raw_p50_s", sa.Float(), nullable=False),
        sa.Column("raw_p90_s", sa.Float(), nullable=False),
        sa.Column("p50_s", sa.Float(), nullable=False),
        sa.Column("p90_s", sa.Float(), nullable=False),
        sa.Column("waited_s", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("branch", "day", "number"),
    )
    op.create_index("promises_by_time", "wait_promises", ["branch", "at"], unique=False)
    op.create_table(
        "rosters",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch"),
    )
    op.create_table(
        "forecasts",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("quarter", UtcTime(), nullable=False),
        sa.Column("ahead_min", sa.Integer(), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("expected", sa.Float(), nullable=False),
        sa.Column("naive", sa.Float(), nullable=False),
        sa.Column("corrected", sa.Float(), nullable=True),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("came", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("branch", "service", "quarter", "ahead_min"),
    )
    op.create_table(
        "forecast_corrections",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("factor", sa.Float(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "day", "service"),
    )
    op.create_table(
        "known_events",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("branch", "day", "kind"),
    )
    op.create_table(
        "dispatch_rules",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("watches", sa.Boolean(), nullable=False),
        sa.Column("acts", sa.JSON(), nullable=False),
        sa.Column("most_wait_min", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch"),
    )
    op.create_table(
        "dispatch_acts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("counter", sa.String(length=20), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("why", sa.JSON(), nullable=False),
        sa.Column("effect", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("dispatch_acts_of_branch", "dispatch_acts", ["branch", "at"], unique=False)
