"""Opinions over the API: what programs may read, and closing a task."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Query, Request
from pydantic import BaseModel, ConfigDict

from contracts.messages import NAME_PATTERN
from hub.accounts.rights import Person
from hub.opinions.acts import DAYS_MOST, OpinionActs
from hub.opinions.tasks import NotOpen, Outcome

Branch = Annotated[str, Path(pattern=NAME_PATTERN)]


class Closing(BaseModel):
    """What came of a task."""

    model_config = ConfigDict(extra="forbid")
    outcome: Outcome


def add_opinions(app: FastAPI, acts: OpinionActs) -> None:
    """Three addresses; the gate has checked the right."""

    @app.get("/api/v1/branches/{branch}/opinions", tags=["opinions"])
    def opinions(
        request: Request, branch: Branch, days: Annotated[int, Query(ge=1, le=DAYS_MOST)] = 7
    ) -> dict[str, Any]:
        """Figures with 95 % intervals, by group; tasks, comments, the funnel. What is null cannot be said yet."""
        return acts.look(_person(request), branch, days)

    @app.get("/api/v1/branches/{branch}/voice", tags=["opinions"])
    def voice(request: Request, branch: Branch) -> dict[str, Any]:
        """The last seven days against the seven before, in figures and in visitors' scrubbed words."""
        return acts.voice(_person(request), branch, datetime.now(UTC))

    @app.post("/api/v1/branches/{branch}/opinions/tasks/{task}", tags=["opinions"])
    def close(request: Request, branch: Branch, task: int, wish: Closing) -> dict[str, Any]:
        """Close what a low score opened."""
        try:
            acts.close(_person(request), branch, task, wish.outcome)
        except NotOpen as err:
            raise HTTPException(409, "not open") from err
        return {"task": task, "outcome": wish.outcome}


def _person(request: Request) -> Person:
    person: Person = request.state.person
    return person
