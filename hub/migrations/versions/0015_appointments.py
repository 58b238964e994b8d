"""Tickets: the appointment that each was given for, so that one appointment's head start counts once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tickets", sa.Column("appointment", sa.String(length=40)))
