"""The tables of calls: who may speak in which, how far each side is, and what waits for the teller's page."""

from __future__ import annotations

import sqlalchemy as sa

from hub.store import UtcTime, tables
from hub.store import _Id as Id

calls = sa.Table(
    "calls",
    tables,
    sa.Column("branch", sa.String(40), primary_key=True),
    sa.Column("call", sa.String(40), primary_key=True),  # the case's id
    sa.Column("device", sa.String(40), nullable=False),
    sa.Column("teller", sa.String(80), nullable=False),
    sa.Column("opened", UtcTime, nullable=False),
    sa.Column("ended", UtcTime),
    sa.Column("reason", sa.String(20), nullable=False, server_default=""),
    sa.Column("leg", sa.Integer, nullable=False, server_default="0"),  # the newest that the page offered
    sa.Column("page_said", sa.Integer, nullable=False, server_default="0"),  # in that leg
    sa.Column("kiosk_leg", sa.Integer, nullable=False, server_default="0"),
    sa.Column("kiosk_said", sa.Integer, nullable=False, server_default="0"),
    sa.Column("media", sa.String(12), nullable=False, server_default="none"),
    sa.Column("seat", sa.String(40), nullable=False, server_default=""),  # the page that is connected now
    sa.Index("calls_opened", "opened"),
)

call_words = sa.Table(  # what the terminal said, until the page has it; deleted when the call ends
    "call_words",
    tables,
    sa.Column("n", Id, primary_key=True, autoincrement=True),
    sa.Column("branch", sa.String(40), nullable=False),
    sa.Column("call", sa.String(40), nullable=False),
    sa.Column("leg", sa.Integer, nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Index("call_words_of_call", "branch", "call", "n"),
)
