"""Packets for whoever takes a visitor over, kept for a working day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("log", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("packet", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "log", "seq"),
    )
    op.create_index("handovers_of_branch", "handovers", ["branch", "at"])
    op.create_index("handovers_of_visit", "handovers", ["branch", "visit"])
