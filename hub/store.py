"""What the hub remembers: devices, moments, tickets, opinions, and how far each device's log was applied.

SQLAlchemy's core with portable SQL: SQLite on one machine, PostgreSQL when it grows. Blocking; called
from the ingest thread and the web server's worker threads.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS: Final = 5_000


class UtcTime(sa.types.TypeDecorator[datetime]):
    """Aware UTC in and out, also where the database forgets the zone (SQLite)."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite counts only plain INTEGER keys by itself
_Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
tables = sa.MetaData()

identity = sa.Table("identity", tables, sa.Column("store", sa.String(40), primary_key=True))

branches = sa.Table(
    "branches",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False, default=0),
)

devices = sa.Table(
    "devices",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("online", sa.Boolean, nullable=False, default=False),
    sa.Column("since", UtcTime),
    sa.Column("seen", UtcTime, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("telemetry", sa.JSON),
)

logs = sa.Table(  # the high-water marks: everything up to `applied` is in the tables below
    "logs",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("applied", sa.BigInteger, nullable=False),
    sa.Column("skipped", sa.BigInteger, nullable=False),  # dropped by the kiosk's policy
)

events = sa.Table(
    "events",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("log", sa.String(40), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.UniqueConstraint("branch", "device", "log", "seq"),  # applied once, whatever else goes wrong
    sa.Index("events_of_branch", "branch", "id"),
)

tickets = sa.Table(
    "tickets",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("number", sa.String(12), primary_key=True),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("log", sa.String(40), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("language", sa.String(4), nullable=False),
    sa.Column("counter", sa.String(20), nullable=False, default=""),
    sa.Column("issued_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
)

ticket_changes = sa.Table(
    "ticket_changes",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("number", sa.String(12), nullable=False),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("counter", sa.String(20), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Index("changes_of_ticket", "branch", "day", "number"),
)

opinions = sa.Table(
    "opinions",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("score", sa.Integer, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

refused = sa.Table(  # numbered messages that could not be applied: which and why, never their content
    "refused",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("log", sa.String(40), nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.String(20), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)


class Store:
    """The database at `url` (`sqlite:///PATH` or a PostgreSQL URL); tables are made where they are missing.

    Raises `sqlalchemy.exc.SQLAlchemyError` when it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._engine = sa.create_engine(make_url(url), pool_pre_ping=not url.startswith("sqlite"))
        if self._engine.dialect.name == "sqlite":
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_immediate)
        # reading takes no lock: WAL readers see the last commit and never wait for the writer
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        tables.create_all(self._engine)
        with self.write() as db:
            known = db.execute(sa.select(identity.c.store)).scalar()
            if known is None:
                known = uuid.uuid4().hex
                db.execute(sa.insert(identity).values(store=known))
        self.id: Final[str] = known

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction; all of it is on disk when the block ends, or none of it after an error."""
        with self._engine.begin() as db:
            yield db

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """The last committed state."""
        with self._reading.connect() as db:
            yield db

    def rows(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """A query's rows as dictionaries."""
        with self.read() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def forget_before(self, oldest: datetime) -> int:
        """Delete what is older than the records are kept; returns how many rows."""
        aged = ((events, events.c.at), (opinions, opinions.c.at), (refused, refused.c.at))
        aged_tickets = ((tickets, tickets.c.changed_at), (ticket_changes, ticket_changes.c.at))
        with self.write() as db:
            return sum(db.execute(sa.delete(table).where(at < oldest)).rowcount for table, at in aged + aged_tickets)

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # the driver's own BEGIN comes too late and takes no write lock; transactions are begun below instead
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":  # that one only reads
        connection.exec_driver_sql("BEGIN IMMEDIATE")
