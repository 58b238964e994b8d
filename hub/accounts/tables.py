"""The tables of people: accounts, what they were granted, sessions, failed guesses, and the chained record."""

from __future__ import annotations

import sqlalchemy as sa

from hub.store import UtcTime, tables

people = sa.Table(
    "people",
    tables,
    sa.Column("person", sa.String(80), primary_key=True),
    sa.Column("password", sa.String(200), nullable=False),  # argon2's own text; empty: signs in elsewhere
    sa.Column("issuer", sa.String(200), nullable=False),  # of the bank's sign-in; empty: a local account
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("disabled", sa.Boolean, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Index("people_elsewhere", "issuer", "subject"),
)

grants = sa.Table(  # which role a person has in which branch; '*' is every branch
    "grants",
    tables,
    sa.Column("person", sa.String(80), primary_key=True),
    sa.Column("role", sa.String(20), primary_key=True),
    sa.Column("branch", sa.String(40), primary_key=True),
)

sessions = sa.Table(  # only the hash of the cookie is kept: who reads the database cannot sign in with it
    "sessions",
    tables,
    sa.Column("token", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("csrf", sa.String(64), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("seen", UtcTime, nullable=False),
    sa.Index("sessions_of_person", "person"),
)

guesses = sa.Table(  # failed sign-ins by account and by address, so that guessing slows down on every web process
    "guesses",
    tables,
    sa.Column("who", sa.String(120), primary_key=True),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("since", UtcTime, nullable=False),
)

audit = sa.Table(  # one chain a branch ('' for what concerns none): each hash covers the row and the hash before it
    "audit",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("act", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(80), nullable=False),
    sa.Column("outcome", sa.String(40), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
