"""The tables of the fleet: terminals, roll-outs with their members and journal, wishes, identities, orders, alarms."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from hub.store import UtcTime, tables

_Id: Final = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _device() -> tuple[sa.Column[str], sa.Column[str]]:
    """Two columns that name a terminal, not of a key."""
    return sa.Column("branch", sa.String(40), nullable=False), sa.Column("device", sa.String(40), nullable=False)


def _device_key() -> tuple[sa.Column[str], sa.Column[str]]:
    return sa.Column("branch", sa.String(40), primary_key=True), sa.Column("device", sa.String(40), primary_key=True)


fleet_terminals = sa.Table(  # what operators know of a terminal beyond what it says
    "fleet_terminals",
    tables,
    *_device_key(),
    sa.Column("region", sa.String(40), nullable=False, server_default=""),
    sa.Column("hardware", sa.String(40), nullable=False, server_default=""),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("out_of_service", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("joined", UtcTime, nullable=False),
    sa.Column("order_number", sa.BigInteger, nullable=False, server_default="0"),  # the last order's; only grows
)

fleet_campaigns = sa.Table(
    "fleet_campaigns",
    tables,
    sa.Column("campaign", sa.String(40), primary_key=True),
    sa.Column("name", sa.String(80), nullable=False),
    sa.Column("plan", sa.JSON, nullable=False),
    sa.Column("waves", sa.JSON, nullable=False),  # as they were worked out at the beginning
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("soak_until", UtcTime),
    sa.Column("steps", sa.BigInteger, nullable=False),  # rows of the journal
    sa.Column("made_by", sa.String(80), nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Index("fleet_campaigns_status", "status"),
)

fleet_members = sa.Table(
    "fleet_members",
    tables,
    sa.Column("campaign", sa.String(40), primary_key=True),
    *_device_key(),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("before", sa.String(40), nullable=False),
    sa.Column("due", UtcTime),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Index("fleet_members_next", "campaign", "wave", "state", "place"),
    sa.Index("fleet_members_due", "campaign", "due"),
    sa.Index("fleet_members_device", "branch", "device"),
)

fleet_journal = sa.Table(  # everything that happened to a roll-out, in its order; nothing is ever changed in it
    "fleet_journal",
    tables,
    sa.Column("campaign", sa.String(40), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("what", sa.String(20), nullable=False),
    sa.Column("branch", sa.String(40), nullable=False, server_default=""),
    sa.Column("device", sa.String(40), nullable=False, server_default=""),
    sa.Column("reason", sa.String(80), nullable=False, server_default=""),
)

fleet_wanted = sa.Table(  # which release each terminal should run; the newest generation alone
    "fleet_wanted",
    tables,
    *_device_key(),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("campaign", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("sends", sa.Integer, nullable=False),
    sa.Column("heard", sa.Boolean, nullable=False),  # the terminal has said that it knows
    sa.Index("fleet_wanted_unheard", "heard", "sent_at"),
)

fleet_reported = sa.Table(  # what each terminal said last of its release
    "fleet_reported",
    tables,
    *_device_key(),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("version", sa.String(40), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("share", sa.Float, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("mono_ns", sa.BigInteger, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

fleet_starts = sa.Table(  # each start of a terminal: what restarts are counted from
    "fleet_starts",
    tables,
    *_device_key(),
    sa.Column("since", UtcTime, primary_key=True),
    sa.Column("version", sa.String(40), nullable=False),
)

fleet_claims = sa.Table(  # terminals that show a code
    "fleet_claims",
    tables,
    sa.Column("fingerprint", sa.String(40), primary_key=True),
    sa.Column("code", sa.String(8), nullable=False),
    sa.Column("csr", sa.Text, nullable=False),
    sa.Column("hardware", sa.String(40), nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("state", sa.String(12), nullable=False),  # waiting, claimed
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("answer", sa.JSON),
    sa.Column("claimed_at", UtcTime),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Index("fleet_claims_code", "code"),
)

fleet_certificates = sa.Table(
    "fleet_certificates",
    tables,
    sa.Column("serial", sa.String(40), primary_key=True),
    *_device(),
    sa.Column("fingerprint", sa.String(40), nullable=False),
    sa.Column("pem", sa.Text, nullable=False),
    sa.Column("not_before", UtcTime, nullable=False),
    sa.Column("not_after", UtcTime, nullable=False),
    sa.Column("revoked_at", UtcTime),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Index("fleet_certificates_device", "branch", "device"),
)

fleet_trust = sa.Table(  # one row: grows when brokers must learn of a certificate or a revocation
    "fleet_trust",
    tables,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)

fleet_orders = sa.Table(  # commands: who asked for which, why, who agreed, what came of it
    "fleet_orders",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    *_device(),
    sa.Column("number", sa.BigInteger),  # None until it is signed
    sa.Column("act", sa.JSON, nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("state", sa.String(12), nullable=False),
    sa.Column("codes", sa.JSON, nullable=False),
    sa.Column("asked_by", sa.String(80), nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("agreed_by", sa.String(80), nullable=False),
    sa.Column("expires", UtcTime, nullable=False),
    sa.Column("message", sa.LargeBinary),
    sa.Column("sent_at", UtcTime),
    sa.Column("answered_at", UtcTime),
    sa.Index("fleet_orders_device", "branch", "device", "id"),
    sa.Index("fleet_orders_state", "state", "expires"),
)

fleet_chunks = sa.Table(  # parts of what orders asked for, on their way
    "fleet_chunks",
    tables,
    *_device_key(),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("part", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("parts", sa.Integer, nullable=False),
    sa.Column("what", sa.String(12), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

fleet_alarms = sa.Table(
    "fleet_alarms",
    tables,
    *_device_key(),
    sa.Column("kind", sa.String(30), primary_key=True),
    sa.Column("detail", sa.String(80), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("told_at", UtcTime),  # to the web-hook
)

fleet_silences = sa.Table(
    "fleet_silences",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),  # '' : all
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(30), nullable=False),
    sa.Column("until", UtcTime, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
)
