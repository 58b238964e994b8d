"""Places in line: priorities, lanes, the hub's clock; digits of terminals; samples of telemetry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# old tickets: they came when they were issued, of the day on their paper
FILLED = {"line_day": "day", "came": "issued_at", "place_at": "issued_at", "stamped_at": "issued_at"}


def upgrade() -> None:
    with op.batch_alter_table("tickets") as table:
        table.add_column(sa.Column("line_day", sa.String(length=10)))
        table.add_column(sa.Column("lane", sa.String(length=8), nullable=False, server_default="counter"))
        table.add_column(sa.Column("priority", sa.String(length=10), nullable=False, server_default="none"))
        for name in ("came", "stamped_at", "place_at", "due"):
            table.add_column(sa.Column(name, UtcTime()))
        table.add_column(sa.Column("in_line", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column("rejoins", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("within_ms", sa.BigInteger()))
        table.add_column(sa.Column("through", sa.BigInteger(), nullable=False, server_default="0"))
        table.add_column(sa.Column("carried_to", sa.String(length=22)))
    tickets = sa.table("tickets", *(sa.column(name) for name in (*FILLED, *FILLED.values(), "in_line", "state")))
    filled = {name: tickets.c[of] for name, of in FILLED.items()}
    waiting = tickets.c.state.in_(["issued", "waiting", "transferred"])
    op.execute(sa.update(tickets).values(**filled, in_line=waiting))
    with op.batch_alter_table("tickets") as table:
        for name in FILLED:
            table.alter_column(name, nullable=False)
    line = ["branch", "line_day", "service", "lane", "in_line"]
    op.create_index("tickets_by_place", "tickets", [*line, "place_at", "device", "seq"])
    op.create_index("tickets_by_coming", "tickets", [*line, "came", "device", "seq"])
    op.create_index("tickets_by_stamp", "tickets", ["branch", "device", "stamped_at"])
    op.create_index("tickets_of_device", "tickets", ["branch", "line_day", "device", "issued_at"])
    op.create_table(
        "lines",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("lane", sa.String(length=8), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "day", "service", "lane"),
    )
    op.create_table(
        "digits",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("digit", sa.Integer(), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("branch", "digit"),
    )
    op.create_table(
        "samples",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("at_s", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "at_s"),
    )
