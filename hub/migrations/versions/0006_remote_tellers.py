"""Remote tellers: the pool, who is on duty, cases, decisions, call-backs and messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "pools",
        sa.Column("pool", sa.String(length=40), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("pool"),
    )
    op.create_table(
        "tellers",
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("seen", UtcTime(), nullable=False),
        sa.Column("deadline", UtcTime()),
        sa.Column("video_case", sa.String(length=40), nullable=False),
        sa.Column("then_break", sa.Boolean(), nullable=False),
        sa.Column("branches", sa.JSON(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("dialects", sa.JSON(), nullable=False),
        sa.Column("sign", sa.Boolean(), nullable=False),
        sa.Column("calm", sa.Boolean(), nullable=False),
        sa.Column("licence", sa.Boolean(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )
    op.create_table(
        "video_cases",
        sa.Column("video_case", sa.String(length=40), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("log", sa.String(length=40), nullable=False),
        sa.Column("packet", sa.BigInteger()),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("alias", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("language", sa.String(length=4), nullable=False),
        sa.Column("dialect", sa.String(length=40), nullable=False),
        sa.Column("sign", sa.Boolean(), nullable=False),
        sa.Column("calm", sa.Boolean(), nullable=False),
        sa.Column("licence", sa.Boolean(), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=False),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.String(length=10), nullable=False),
        sa.Column("came", UtcTime(), nullable=False),
        sa.Column("place_at", UtcTime(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("teller", sa.String(length=80), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("seen", UtcTime(), nullable=False),
        sa.Column("media", sa.String(length=8), nullable=False),
        sa.Column("deadline", UtcTime()),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("accepted_at", UtcTime()),
        sa.Column("talk_at", UtcTime()),
        sa.Column("talk_s", sa.Integer(), nullable=False),
        sa.Column("over_at", UtcTime()),
        sa.Column("wrap_code", sa.String(length=20), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("score", sa.Integer()),
        sa.PrimaryKeyConstraint("video_case"),
    )
    op.create_index("cases_by_state", "video_cases", ["state", "place_at"])
    op.create_index("cases_of_device", "video_cases", ["branch", "device", "state"])
    op.create_index("cases_of_teller", "video_cases", ["teller", "over_at"])
    op.create_index("cases_of_alias", "video_cases", ["alias"])
    op.create_index("cases_of_visit", "video_cases", ["branch", "visit"])
    op.create_table(
        "video_changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("video_case", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("changes_of_case", "video_changes", ["video_case", "id"])
    op.create_table(
        "video_decisions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("video_case", sa.String(length=40), nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("teller", sa.String(length=80), nullable=False),
        sa.Column("how", sa.String(length=10), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("passed_over", sa.Integer(), nullable=False),
        sa.Column("waited_s", sa.Float(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("decisions_of_case", "video_decisions", ["video_case"])
    op.create_table(
        "call_backs",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("log", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(length=6), nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("packet", sa.BigInteger()),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("need", sa.JSON(), nullable=False),
        sa.Column("taken_by", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "log", "seq"),
    )
    op.create_index("call_backs_by_time", "call_backs", ["at"])
    op.create_index("call_backs_by_code", "call_backs", ["code", "at"])
    op.create_table(
        "left_messages",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("log", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("visit", sa.String(length=40), nullable=False),
        sa.Column("packet", sa.BigInteger()),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("read_by", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "log", "seq"),
    )
    op.create_index("left_messages_by_time", "left_messages", ["at"])
