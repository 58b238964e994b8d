"""The fleet: terminals, roll-outs with their journal, wishes, identities, orders, alarms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store import UtcTime

revision = "0013"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "fleet_alarms",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("detail", sa.String(length=80), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("told_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("branch", "device", "kind"),
    )
    op.create_table(
        "fleet_campaigns",
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("waves", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("soak_until", UtcTime(), nullable=True),
        sa.Column("steps", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made_at", UtcTime(), nullable=False),
        sa.Column("changed_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign"),
    )
    op.create_index("fleet_campaigns_status", "fleet_campaigns", ["status"], unique=False)
    op.create_table(
        "fleet_certificates",
        sa.Column("serial", sa.String(length=40), nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.Column("not_before", UtcTime(), nullable=False),
        sa.Column("not_after", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )
    op.create_index("fleet_certificates_device", "fleet_certificates", ["branch", "device"], unique=False)
    op.create_table(
        "fleet_chunks",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("what", sa.String(length=12), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "number", "part"),
    )
    op.create_table(
        "fleet_claims",
        sa.Column("fingerprint", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("csr", sa.Text(), nullable=False),
        sa.Column("hardware", sa.String(length=40), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_index("fleet_claims_code", "fleet_claims", ["code"], unique=False)
    op.create_table(
        "fleet_journal",
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("branch", sa.String(length=40), server_default="", nullable=False),
        sa.Column("device", sa.String(length=40), server_default="", nullable=False),
        sa.Column("reason", sa.String(length=80), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("campaign", "n"),
    )
    op.create_table(
        "fleet_members",
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("wave", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.String(length=40), nullable=False),
        sa.Column("due", UtcTime(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("campaign", "branch", "device"),
    )
    op.create_index("fleet_members_device", "fleet_members", ["branch", "device"], unique=False)
    op.create_index("fleet_members_due", "fleet_members", ["campaign", "due"], unique=False)
    op.create_index("fleet_members_next", "fleet_members", ["campaign", "wave", "state", "place"], unique=False)
    op.create_table(
        "fleet_orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("act", sa.JSON(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("codes", sa.JSON(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", UtcTime(), nullable=False),
        sa.Column("agreed_by", sa.String(length=80), nullable=False),
        sa.Column("expires", UtcTime(), nullable=False),
        sa.Column("message", sa.LargeBinary(), nullable=True),
        sa.Column("sent_at", UtcTime(), nullable=True),
        sa.Column("answered_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("fleet_orders_device", "fleet_orders", ["branch", "device", "id"], unique=False)
    op.create_index("fleet_orders_state", "fleet_orders", ["state", "expires"], unique=False)
    op.create_table(
        "fleet_reported",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("mono_ns", sa.BigInteger(), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device"),
    )
    op.create_table(
        "fleet_silences",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.Column("person", sa.String(length=80), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "fleet_starts",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("since", UtcTime(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device", "since"),
    )
    op.create_table(
        "fleet_terminals",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("region", sa.String(length=40), server_default="", nullable=False),
        sa.Column("hardware", sa.String(length=40), server_default="", nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("out_of_service", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("joined", UtcTime(), nullable=False),
        sa.Column("order_number", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("branch", "device"),
    )
    op.create_table(
        "fleet_trust",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "fleet_wanted",
        sa.Column("branch", sa.String(length=40), nullable=False),
        sa.Column("device", sa.String(length=40), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("campaign", sa.String(length=40), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("heard", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("branch", "device"),
    )
    op.create_index("fleet_wanted_unheard", "fleet_wanted", ["heard", "sent_at"], unique=False)
