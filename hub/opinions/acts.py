"""What people do with opinions: look, and close a task; allowed, done and recorded in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hub.accounts import record
from hub.accounts.rights import Person, Right, require
from hub.desk.acts import Acts
from hub.opinions import tasks
from hub.opinions.figures import handling, last_comments, opinions_view
from hub.opinions.funnel import funnel
from hub.opinions.weekly import weekly
from hub.service import Hub

DAYS_MOST: Final = 90
COMMENTS: Final = 20


class OpinionActs:
    """Everything about opinions that a person may see or do. Raises `Refused`, `SignedOut`."""

    def __init__(self, hub: Hub, acts: Acts) -> None:
        self._hub, self._acts = hub, acts

    def look(self, person: Person, branch: str, days: int, now: datetime | None = None) -> dict[str, Any]:
        """Figures, funnel, tasks and comments of the last `days`."""
        require(self._acts.still(person), Right.SEE_OPINIONS, branch)
        until = now or datetime.now(UTC)
        since, store = until - timedelta(days=min(max(days, 1), DAYS_MOST)), self._hub.store
        return opinions_view(store, [branch], since, until) | {
            "branch": branch,
            "tasks": tasks.tasks_of(store, branch, until),
            "handling": handling(store, branch, since, until),
            "comments": last_comments(store, branch, since, until, COMMENTS),
            "funnel": funnel(store, branch, since, until),
        }

    def voice(self, person: Person, branch: str, until: datetime) -> dict[str, Any]:
        """The page of a week."""
        require(self._acts.still(person), Right.SEE_OPINIONS, branch)
        return weekly(self._hub.store, branch, until)

    def close(self, person: Person, branch: str, task: int, outcome: tasks.Outcome) -> None:
        """Raises `NotOpen` too, and ValueError for an outcome that is none."""
        person = self._acts.still(person)
        require(person, Right.HANDLE_OPINIONS, branch)
        with self._hub.store.write() as db:
            tasks.close(db, branch, task, outcome, person.name, datetime.now(UTC))
            record.note(db, person.name, "opinion_closed", branch=branch, subject=str(task), outcome=outcome)
