"""Calls: who may speak in which, and what waits for the teller's page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("teller", sa.String(length=80), nullable=False),
        sa.Column("opened", UtcTime(), nullable=False),
        sa.Column("ended", UtcTime()),
        sa.Column("reason", sa.String(length=20), nullable=False, server_default=""),
        sa.Column("leg", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("page_said", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kiosk_leg", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("kiosk_said", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("media", sa.String(length=12), nullable=False, server_default="none"),
        sa.Column("seat", sa.String(length=40), nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("branch", "call"),
    )
    op.create_index("calls_opened", "calls", ["opened"])
    op.create_table(
        "call_words",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=40), nullable=False),
        sa.Column("leg", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("n"),
    )
    op.create_index("call_words_of_call", "call_words", ["branch", "call", "n"])
