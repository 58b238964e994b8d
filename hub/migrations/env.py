"""Alembic's entry: runs the steps over the connection that `hub.migrations` hands in."""

from alembic import context

from hub.accounts import tables as people
from hub.calls import tables as calls
from hub.fleet import tables as fleet
from hub.foresight import tables as foresight
from hub.store import tables
from hub.together import tables as together
from hub.video import help_tables

assert all(
    made.metadata is tables
    for made in (
        people.people,
        calls.calls,
        fleet.fleet_wanted,
        foresight.posts,
        together.together,
        help_tables.proposals,
    )
)  # imported, so that their tables are known
context.configure(
    connection=context.config.attributes["connection"], target_metadata=tables, transaction_per_migration=False
)
context.run_migrations()
