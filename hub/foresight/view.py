"""What is coming to a branch, as plain dictionaries for the API."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from hub.foresight.live import in_minutes

if TYPE_CHECKING:
    from hub.service import Hub

LAST_HOURS: Final = timedelta(hours=12)  # of acts


def foresight_view(hub: Hub, branch: str) -> dict[str, Any]:
    """Waits, score, today's arrivals, acts. Raises `SQLAlchemyError`."""
    now = datetime.now(UTC)
    known = hub.foresight.fresh(branch)
    ahead = hub.forecaster.day(branch, hub.forecaster.today(now), now)
    return {
        "branch": branch,
        "day": known.day,
        "waits_min": {service: in_minutes(wait) for service, wait in sorted(known.shown.newcomers.items())},
        "tickets_min": {number: in_minutes(wait) for number, wait in sorted(known.shown.tickets.items())},
        "delayed": sorted(known.delayed),
        "stuck_counters": list(known.raw.stuck),
        "promises": None if known.score is None else asdict(known.score),
        "expected_today": {one.service: [round(float(value), 3) for value in one.used] for one in ahead},
        "dispatch": [
            {**act, "at": act["at"].isoformat(), "ended_at": act["ended_at"] and act["ended_at"].isoformat()}
            for act in hub.dispatcher.acts_of(branch, now - LAST_HOURS)
        ],
    }
