"""The store: the same on both databases, changed by steps only, whole or not at all."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.accounts import tables as people
from hub.migrations import FIRST, configuration
from hub.store import Store, _engine, branches, identity, tables, tickets, upsert
from hub.video import tables as video

pytestmark = pytest.mark.contract


def differences(url: str) -> list[object]:
    with _engine(url).connect() as db:
        return list(compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), tables))


def test_the_steps_together_make_exactly_the_tables_of_the_code(database: str) -> None:
    assert people.audit.metadata is video.cases.metadata is tables
    Store(database).close()
    assert differences(database) == []


def test_a_table_that_no_step_makes_is_noticed(database: str) -> None:
    store = Store(database)
    with store.write() as db:
        db.execute(sa.text("ALTER TABLE opinions DROP COLUMN score"))
    store.close()
    assert [kind for kind, *_ in differences(database)] == ["add_column"]  # type: ignore[misc]


def test_a_store_from_before_there_were_steps_keeps_what_it_has(database: str) -> None:
    first = "0" * 32
    engine = _engine(database)
    with engine.begin() as db:  # the tables of then, with a ticket in line and one that is done
        command.upgrade(configuration(db), FIRST)
        db.execute(sa.insert(identity).values(store=first))
        db.execute(sa.insert(branches).values(branch="binjiang", revision=7))
        for number, state in (("A001", "waiting"), ("A002", "done")):
            db.execute(
                sa.text(
                    "INSERT INTO tickets (branch, day, number, service, state, device, log, seq, visit, language,"
                    " counter, issued_at, changed_at) VALUES ('binjiang', '2026-11-21', :number, 'personal', :state,"
                    " 'kiosk-1', 'l', 1, 'v', 'zh', '', '2026-11-21 01:00:00', '2026-11-21 01:00:00')"
                ),
                {"number": number, "state": state},
            )
        db.execute(sa.text("DROP TABLE alembic_version"))
    engine.dispose()
    store = Store(database)
    assert (store.id, store.rows(sa.select(branches.c.revision))) == (first, [{"revision": 7}])
    places = store.rows(sa.select(tickets.c.number, tickets.c.in_line, tickets.c.line_day).order_by(tickets.c.number))
    assert [tuple(place.values()) for place in places] == [("A001", True, "2026-11-21"), ("A002", False, "2026-11-21")]
    store.close()
    assert differences(database) == []


def test_processes_that_open_an_empty_database_at_once_agree_on_who_it_is(database: str) -> None:
    found: list[str] = []

    def open_it() -> None:
        store = Store(database)
        found.append(store.id)
        store.close()

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1


def test_a_block_that_fails_leaves_nothing(database: str) -> None:
    store = Store(database)
    with pytest.raises(ZeroDivisionError), store.write() as db:
        db.execute(sa.insert(branches).values(branch="binjiang", revision=1))
        _ = 1 / 0
    assert store.rows(sa.select(branches)) == []
    store.close()


def test_two_transactions_that_block_each_other_both_come_through(database: str) -> None:
    store = Store(database)
    with store.write() as db:
        upsert(db, branches, [{"branch": name, "revision": 0} for name in ("one", "two")])
    meet = threading.Barrier(2)

    def bump(first: str, second: str) -> None:
        tries = 0

        def work(db: sa.Connection) -> None:
            nonlocal tries
            tries += 1
            more = branches.c.revision + 1
            db.execute(sa.update(branches).where(branches.c.branch == first).values(revision=more))
            if tries == 1 and store.dialect == "postgresql":
                meet.wait(5)
            db.execute(sa.update(branches).where(branches.c.branch == second).values(revision=more))

        store.apply(work)

    threads = [threading.Thread(target=bump, args=pair) for pair in (("one", "two"), ("two", "one"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {row["revision"] for row in store.rows(sa.select(branches))} == {2}
    store.close()


def test_a_row_that_is_there_is_updated_or_left(database: str) -> None:
    store = Store(database)
    with store.write() as db:
        upsert(db, branches, [{"branch": "one", "revision": 1}])
        upsert(db, branches, [{"branch": "one", "revision": 5}])
        assert db.execute(sa.select(branches.c.revision)).scalar() == 1
        upsert(db, branches, [{"branch": "one", "revision": 5}], update=["revision"])
        assert db.execute(sa.select(branches.c.revision)).scalar() == 5
    store.close()
