"""Alembic's entry: runs the steps over the connection that `hub.migrations` hands in."""

from alembic import context

from hub.accounts import tables as people
from hub.calls import tables as calls
from hub.fleet import tables as fleet
from hub.store import tables
from hub.video import help_tables

assert (
    people.people.metadata
    is tables
    is calls.calls.metadata
    is fleet.fleet_wanted.metadata
    is help_tables.proposals.metadata
)  # imported, so that its tables are known
context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables, transaction_per_migration=False
)
context.run_migrations()
