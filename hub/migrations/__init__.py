"""How the tables came to be what they are, step by step (Alembic). `upgrade` runs what is missing.

A new step is a file in `versions/` with the one before it as `down_revision`, its number first in the file's name.
A test holds the sum of all steps against the tables in the code, on SQLite and on PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from alembic.config import Config

HERE: Final = Path(__file__).parent
FIRST: Final = "0001"
VERSION_TABLE: Final = "alembic_version"


def newest() -> str:
    """The number of the last step."""
    return max(step.name.split("_")[0] for step in (HERE / "versions").glob("[0-9]*.py"))


def configuration(db: sa.Connection) -> Config:
    """Alembic's settings, over a connection of ours."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.attributes["connection"] = db
    return config


def upgrade(db: sa.Connection) -> None:
    """Run the steps that this database has not seen, in the transaction of `db`."""
    there = sa.inspect(db)
    seen = None
    if there.has_table(VERSION_TABLE):
        seen = db.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  # our own name
    if seen == newest():
        return
    from alembic import command  # nearly every start ends above: it need not wait for this

    config = configuration(db)
    if seen is None and there.has_table("identity"):
        command.stamp(config, FIRST)  # made before there were steps
    command.upgrade(config, "head")
