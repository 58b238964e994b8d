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
from hub.fleet import orders, terminals, wanted
from hub.fleet.campaigns import Campaigns
from hub.fleet.joining import Joining
from hub.store import Store

FleetMessage = f.RenewRequest | f.CommandReply | f.DiagChunk


class FleetIngest:
    """Applies the fleet's messages. Keeps nothing between two of them."""

    def __init__(self, store: Store, campaigns: Campaigns | None = None, joining: Joining | None = None) -> None:
        self._campaigns, self._joining = campaigns or Campaigns(store), joining

    def keep_reports(
        self, db: sa.Connection, reports: Mapping[wanted.DeviceKey, f.RolloutReport], now: datetime
    ) -> list[Outgoing]:
        """What came of releases; what must be sent."""
        return wanted.keep_reports(db, reports, now, self._campaigns.told)

    def started(self, db: sa.Connection, address: topics.Address, said: m.Availability) -> None:
        """A terminal is online since a moment."""
        terminals.note_start(db, address.branch, address.device, said.since, said.versions.get("kiosk", "")[:40])

    def ask(
        self, db: sa.Connection, fingerprint: str, request: f.JoinRequest, now: datetime
    ) -> tuple[str, list[Outgoing]]:
        """A terminal without a name shows a code. Why it is refused (or an empty text), and what to answer."""
        if self._joining is None:
            return "no_authority", []
        why, answer = self._joining.ask(db, fingerprint, request, now)
        return why, [] if answer is None else [answer]

    def take(
        self, db: sa.Connection, address: topics.Address, message: FleetMessage, now: datetime
    ) -> tuple[str, list[Outgoing]]:
        """Why a message was refused (or an empty text), and what to answer."""
        match message:
            case f.RenewRequest():
                if self._joining is None:
                    return "renew_no_authority", []
                why, answer = self._joining.renew(db, address.branch, address.device, message.csr, now)
                return f"renew_{why}" if why else "", [] if answer is None else [answer]
            case f.CommandReply():
                return orders.answered(db, address.branch, address.device, message, now), []
            case f.DiagChunk():
                return orders.keep_chunk(db, address.branch, address.device, message, now), []
