"""Both databases, as for the hub's own tests."""

from tests.hub.conftest import database, postgres_server

__all__ = ["database", "postgres_server"]
