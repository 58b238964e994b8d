"""The hub's tests run on SQLite and on a real PostgreSQL, started once for all of them, and on either kind of bus."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.hub_servers import Postgres, ServerMissing, find_nats, find_postgres, nats, postgres
from tests.hub.wirekit import start_broker

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    try:
        find_postgres()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with postgres(durable=False) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/hub.db"
    server: Postgres = request.getfixturevalue("postgres_server")
    return server.database(f"hub{next(_numbers)}")


@pytest.fixture(params=["mosquitto", "nats"])
def bus(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The port for kiosks, and what a worker is told beside it."""
    if request.param == "mosquitto":
        broker = start_broker(tmp_path / "broker", 0, "mosquitto")
        yield broker.ready["port"], ()
        broker.stop()
        return
    try:
        find_nats()
    except ServerMissing as missing:
        pytest.skip(str(missing))
    with nats() as (node,):
        yield node.mqtt_port, ("--nats", node.url)
