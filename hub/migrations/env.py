"""Alembic's entry: runs the steps over the connection that `hub.migrations` hands in."""

from alembic import context

from hub.accounts import tables as people
from hub.calls import tables as calls
from hub.store import tables
from hub.together import tables as together

assert people.people.metadata is tables is calls.calls.metadata  # imported, so that its tables are known
assert together.together.metadata is tables
context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables, transaction_per_migration=False
)
context.run_migrations()
