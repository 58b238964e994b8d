"""What the hub remembers: devices, moments, tickets, opinions, and how far each device's log was applied.

SQLAlchemy's core with portable SQL: SQLite on one machine, PostgreSQL when it grows; the same tests run on
both. Blocking; called from the ingest thread and the web server's worker threads. What the tables look like
is changed by migrations only (`hub/migrations`), which run when a store is opened.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.pool import ConnectionPoolEntry

from contracts import topics

T = TypeVar("T")
BUSY_TIMEOUT_MS: Final = 5_000
STATEMENT_TIMEOUT_MS: Final = 10_000  # PostgreSQL: nothing of ours takes longer, and nobody waits for ever
CONNECT_S: Final = 5
POOL: Final = 8
TURNS: Final = 4  # a transaction that PostgreSQL chose as the victim of a deadlock is done again
UPGRADE_LOCK: Final = 0x59425542  # PostgreSQL's advisory lock: one process migrates at a time


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
    sa.Index("events_by_time", "branch", "at"),
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
    # the place in line; what the words mean stands in contracts/queueing.py
    sa.Column("line_day", sa.String(10), nullable=False),  # the true business day; `day` is what the paper says
    sa.Column("lane", sa.String(8), nullable=False, server_default="counter"),
    sa.Column("priority", sa.String(10), nullable=False, server_default="none"),
    sa.Column("came", UtcTime, nullable=False),  # the issue on the hub's clock, later after a missed call
    sa.Column("stamped_at", UtcTime, nullable=False),  # the terminal's own time, for telling floods
    sa.Column("place_at", UtcTime, nullable=False),  # `came` less the head start that does not depend on the time
    sa.Column("due", UtcTime),  # an appointment that was kept
    sa.Column("appointment", sa.String(40)),  # its `ref` in the branch's list, kept or not
    sa.Column("in_line", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("rejoins", sa.Integer, nullable=False, server_default="0"),
    sa.Column("within_ms", sa.BigInteger),  # how well the terminal's clock was known; NULL: not at all
    sa.Column("through", sa.BigInteger, nullable=False, server_default="0"),  # told by a live state: operations up to
    sa.Column("promised_min", sa.Integer),  # what stands on the paper: half of all wait no longer
    sa.Column("promised_most_min", sa.Integer),  # nine of ten wait no longer
    sa.Column("carried_to", sa.String(22)),  # not served by closing: the ticket that took its place, 'DAY NUMBER'
    sa.Index("tickets_by_place", "branch", "line_day", "service", "lane", "in_line", "place_at", "device", "seq"),
    sa.Index("tickets_by_coming", "branch", "line_day", "service", "lane", "in_line", "came", "device", "seq"),
    sa.Index("tickets_by_stamp", "branch", "device", "stamped_at"),
    sa.Index("tickets_of_device", "branch", "line_day", "device", "issued_at"),
)

lines = sa.Table(  # one line: how often in a row somebody was passed over
    "lines",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("service", sa.String(40), primary_key=True),
    sa.Column("lane", sa.String(8), primary_key=True),
    sa.Column("passed", sa.Integer, nullable=False),
)

digits = sa.Table(  # which terminal's numbers carry which digit
    "digits",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("digit", sa.Integer, primary_key=True),
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),  # the last it was used on
)

samples = sa.Table(  # telemetry of times when the hub was away, and a look now and then
    "samples",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("at_s", sa.BigInteger, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
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

handovers = sa.Table(  # what a visitor said is in them: only who serves visitors reads it, and it is deleted soon
    "handovers",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("visit", sa.String(40), nullable=False),
    sa.Column("level", sa.String(10), nullable=False),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("packet", sa.JSON, nullable=False),
    sa.Index("handovers_of_branch", "branch", "at"),
    sa.Index("handovers_of_visit", "branch", "visit"),
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

early = sa.Table(  # numbered messages that came before their time, parked until the gap is filled; few, and bounded
    "early",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("log", sa.String(40), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("topic", sa.String(20), nullable=False),  # the row of the contract
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
)

announcements = sa.Table(  # what the board shows and says, one after the other: the times never overlap
    "announcements",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("number", sa.String(12), nullable=False),
    sa.Column("counter", sa.String(20), nullable=False),
    sa.Column("again", sa.Boolean, nullable=False),
    sa.Column("called_at", UtcTime, nullable=False),
    sa.Column("show_at", UtcTime, nullable=False),
    sa.Column("show_until", UtcTime, nullable=False),
    sa.Index("announcements_of_branch", "branch", "show_until"),
)

packs = sa.Table(  # packs of approved knowledge on their way to the terminals: reviewed, approved, published
    "packs",
    tables,
    sa.Column("id", _Id, primary_key=True, autoincrement=True),
    sa.Column("sha256", sa.String(64), nullable=False, unique=True),
    sa.Column("bank", sa.String(40), nullable=False),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("uploaded_by", sa.String(80), nullable=False),
    sa.Column("uploaded_at", UtcTime, nullable=False),
    sa.Column("decided_by", sa.String(80), nullable=False),
    sa.Column("decided_at", UtcTime),
    sa.Column("published_at", UtcTime),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

shadow_desired = sa.Table(  # what terminals should be set to: the newest version of each counts, the last ones are kept
    "shadow_desired",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("sends", sa.Integer, nullable=False),
)

shadow_reported = sa.Table(  # what each terminal said last that it is set to
    "shadow_reported",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("device", sa.String(40), primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("since", UtcTime, nullable=False),
    sa.Column("mono_ns", sa.BigInteger, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("report", sa.JSON, nullable=False),
)


class Store:
    """The database at `url` (`sqlite:///PATH` or a PostgreSQL URL), brought up to date by its migrations.

    Raises `sqlalchemy.exc.SQLAlchemyError` when it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self.dialect: Final = self._engine.dialect.name
        # SQLite has one writer at a time anyway; a lock is fair, its own waiting sleeps and may starve somebody
        self._writing: AbstractContextManager[Any] = threading.Lock() if self.dialect == "sqlite" else nullcontext()
        # reading takes no lock: readers see the last commit and never wait for the writer
        self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        with self.write() as db:
            _upgrade(db)
            known = db.execute(sa.select(identity.c.store)).scalar()
            if known is None:
                known = uuid.uuid4().hex
                db.execute(sa.insert(identity).values(store=known))
        self.id: Final[str] = known

    @contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """One transaction; all of it is on disk when the block ends, or none of it after an error."""
        with self._writing, self._engine.begin() as db:
            yield db

    def apply(self, work: Callable[[sa.Connection], T]) -> T:
        """`work` in one transaction, done again where PostgreSQL ended it for a deadlock (at most `TURNS` times)."""
        for turn in range(TURNS):
            try:
                with self.write() as db:
                    return work(db)
            except sa.exc.OperationalError as err:
                if turn == TURNS - 1 or getattr(err.orig, "sqlstate", None) not in ("40P01", "40001"):
                    raise
        raise AssertionError("unreachable")

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

    def forget_handovers(self, oldest: datetime) -> int:
        """Delete hand-over packets older than they are kept, parked ones too; returns how many."""
        parked = sa.and_(early.c.topic == topics.HANDOVER.key, early.c.at < oldest)
        with self.write() as db:
            gone = db.execute(sa.delete(handovers).where(handovers.c.at < oldest)).rowcount
            return gone + db.execute(sa.delete(early).where(parked)).rowcount

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def upsert(
    db: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    update: Sequence[str] = (),
) -> None:
    """Insert `rows`; where the primary key is there already, set the columns of `update` (none: leave it)."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    kind = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    statement = kind(table)
    if update:
        changed = {name: statement.excluded[name] for name in update}
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    db.execute(statement, list(rows))


def _engine(url: str) -> sa.Engine:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = sa.create_engine(address)
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_immediate)
        return engine
    if address.get_backend_name() == "postgresql":
        limits = f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c lock_timeout={BUSY_TIMEOUT_MS}"
        return sa.create_engine(
            address.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=POOL,
            max_overflow=POOL,
            connect_args={"connect_timeout": CONNECT_S, "options": limits},
        )
    return sa.create_engine(address)


def _upgrade(db: sa.Connection) -> None:
    """Bring the tables up to date, in the transaction of `db`. A store from before there were migrations counts as
    the first one."""
    from hub.migrations import upgrade  # it needs the tables above

    if db.dialect.name == "postgresql":
        db.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
    upgrade(db)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # the driver's own BEGIN comes too late and takes no write lock; transactions are begun below instead
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":  # that one only reads
        connection.exec_driver_sql("BEGIN IMMEDIATE")
