"""The API, described by OpenAPI: what programs may read and do. The gate has checked the right for the branch."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Path, Query, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from contracts.asyncapi import asyncapi
from contracts.messages import NAME_PATTERN
from contracts.queueing import Lane
from contracts.tickets import STAFF_EVENTS, TicketEvent
from hub import views
from hub.accounts.rights import Person, Right, where
from hub.accounts.tables import audit
from hub.changes import MAX_STREAMS, Changes
from hub.desk.acts import Acts
from hub.foresight.view import foresight_view
from hub.knowledge import Knowledge, PackProblem
from hub.service import Hub

MAX_RECORD: Final = 1_000
Branch = Annotated[str, Path(pattern=NAME_PATTERN)]
Device = Annotated[str, Path(pattern=NAME_PATTERN)]
Number = Annotated[str, Path(pattern=r"^[A-Z][0-9]{3,5}$")]
Day = Annotated[str, Path(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]
ServiceId = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
Counter = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,20}$")]


class CallNext(BaseModel):
    """Whom to call: the first in line of one service or of several, to a counter."""

    model_config = ConfigDict(extra="forbid")
    service: ServiceId | Annotated[list[ServiceId], Field(min_length=1, max_length=20)]
    counter: Counter = ""


class TicketChange(BaseModel):
    """What happened to a ticket at a counter."""

    model_config = ConfigDict(extra="forbid")
    day: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    event: TicketEvent
    counter: Counter = ""
    service: ServiceId | None = None
    lane: Lane | None = None


def person_of(request: Request) -> Person:
    """Who asks, as the gate found."""
    person: Person = request.state.person
    return person


def add_api(app: FastAPI, hub: Hub, acts: Acts, knowledge: Knowledge, changes: Changes) -> None:
    """Everything below /api, and the health page."""
    _add_health(app, hub)
    _add_reading(app, hub, changes)
    _add_acts(app, acts)
    _add_packs(app, knowledge)

    @app.get("/api/asyncapi.json", tags=["about"])
    def wire() -> dict[str, Any]:
        """What goes over the bus, as AsyncAPI, made from the one table of topics."""
        return asyncapi()

    @app.get("/api/v1/me", tags=["about"])
    def me(request: Request) -> dict[str, Any]:
        """Who is signed in, and the token to send back with everything that changes something (X-CSRF-Token)."""
        person = person_of(request)
        return {"name": person.name, "grants": sorted(map(str, person.grants)), "csrf": person.csrf}


def _add_health(app: FastAPI, hub: Hub) -> None:
    @app.get("/healthz", tags=["about"])
    def health() -> JSONResponse:
        """Whether broker and database answer; 503 where one does not."""
        try:
            with hub.store.read() as db:
                db.execute(sa.select(1))
            database = hub.wire.database_ok
        except sa.exc.SQLAlchemyError:
            database = False
        broker, tallies, wire = hub.wire.is_connected, hub.ingest.tallies, hub.wire.tallies
        body = {
            "ok": broker and database,
            "broker": broker,
            "database": database,
            "arrived": tallies.arrived,
            "applied": tallies.applied,
            "repeated": tallies.repeated,
            "held": tallies.held,
            "crowded_out": tallies.crowded_out,
            "refused": hub.refused(),
            "dropped": hub.bus.tallies.dropped,
            "oversized": hub.bus.tallies.oversized,
            "unsent": hub.bus.tallies.unsent,
            "failed_batches": wire.failed_batches,
            "given_up": wire.given_up,
        }
        return JSONResponse(body, 200 if body["ok"] else 503)


def _add_reading(app: FastAPI, hub: Hub, changes: Changes) -> None:
    @app.get("/api/v1/branches", tags=["reading"])
    def branches(request: Request) -> dict[str, Any]:
        """The branches in which you may see the floor or serve."""
        known, person = hub.branches(), person_of(request)
        mine = {*where(person, Right.SEE_FLOOR, known), *where(person, Right.SERVE, known)}
        return {"branches": sorted(mine)}

    @app.get("/api/v1/region", tags=["reading"])
    def region(request: Request) -> dict[str, Any]:
        """Your branches, the one with the longest waiting first."""
        mine = where(person_of(request), Right.SEE_REGION, hub.branches())
        return {"branches": views.region_view(hub.store, mine)}

    @app.get("/api/v1/branches/{branch}", tags=["reading"])
    def branch_now(branch: Branch) -> dict[str, Any]:
        """The branch, now: services, tickets, terminals, moments, opinions."""
        if branch not in hub.branches():
            raise HTTPException(404, "no kiosk of this branch has spoken yet")
        return views.branch_view(hub.store, branch)

    @app.get("/api/v1/branches/{branch}/foresight", tags=["reading"])
    def foresight(branch: Branch) -> dict[str, Any]:
        """What is coming: waits in minutes (half, nine of ten; null: cannot be said), whether promises were kept, who
        is expected today by quarter of an hour, what dispatch advised or did."""
        if branch not in hub.branches():
            raise HTTPException(404, "no kiosk of this branch has spoken yet")
        return foresight_view(hub, branch)

    @app.get("/api/v1/branches/{branch}/live", tags=["reading"])
    async def live(branch: Branch) -> StreamingResponse:
        """Server-sent events: `changed` whenever something about the branch is new."""
        return stream(changes, branch)

    @app.get("/api/v1/branches/{branch}/tickets/{number}", tags=["reading"])
    def ticket(branch: Branch, number: Number, day: str | None = None) -> dict[str, Any]:
        """One ticket with its history; of the current day unless another is asked for."""
        found = views.ticket_view(hub.store, branch, number, day)
        if found is None:
            raise HTTPException(404, "no such ticket")
        return found

    @app.get("/api/v1/branches/{branch}/devices/{device}/rows", tags=["reading"])
    def rows(branch: Branch, device: Device, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        """Everything a terminal has sent that became a row."""
        return views.device_rows(hub.store, device, branch, after)

    @app.get("/api/v1/branches/{branch}/record", tags=["reading"])
    def record(branch: Branch, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        """Who did what in the branch, oldest first, from number `after` on."""
        wanted = sa.select(audit).where(audit.c.branch == branch, audit.c.n > after).order_by(audit.c.n)
        return {"rows": hub.store.rows(wanted.limit(MAX_RECORD))}


def stream(changes: Changes, branch: str) -> StreamingResponse:
    """Server-sent events for a branch. Raises HTTPException(503) beyond `MAX_STREAMS`."""
    if changes.is_full:
        raise HTTPException(503, f"{MAX_STREAMS} pages are open already")
    return StreamingResponse(changes.stream(branch), media_type="text/event-stream")


def _add_acts(app: FastAPI, acts: Acts) -> None:
    @app.post("/api/v1/branches/{branch}/call", tags=["desk"])
    def call(request: Request, branch: Branch, wish: CallNext) -> dict[str, Any]:
        """Call the next one."""
        number = acts.call_next(person_of(request), branch, wish.service, wish.counter)
        if number is None:
            raise HTTPException(409, "nobody waits for this service")
        return {"number": number, "state": "called"}

    @app.post("/api/v1/branches/{branch}/tickets/{number}/events", tags=["desk"])
    def ticket_event(request: Request, branch: Branch, number: Number, wish: TicketChange) -> dict[str, Any]:
        """Something happens to a ticket at a counter."""
        if wish.event not in STAFF_EVENTS:
            raise HTTPException(422, "not for a counter to decide")
        state = acts.change(
            person_of(request), branch, wish.day, number, wish.event,
            counter=wish.counter or None, service=wish.service, lane=wish.lane,
        )  # fmt: skip
        return {"number": number, "state": state}


def _add_packs(app: FastAPI, knowledge: Knowledge) -> None:
    @app.get("/api/v1/branches/{branch}/packs", tags=["knowledge"])
    def packs(branch: Branch) -> dict[str, Any]:
        """The packs of approved answers for this branch, newest first."""
        return {"packs": [pack.summary() for pack in knowledge.packs([branch])]}

    @app.post("/api/v1/branches/{branch}/packs", tags=["knowledge"], status_code=201)
    async def offer(request: Request, branch: Branch) -> dict[str, Any]:
        """Offer a built pack (the file itself is the body); it is checked, and waits for somebody else's approval."""
        data = await request.body()
        try:
            pack = await asyncio.to_thread(knowledge.offer, person_of(request), branch, data)
        except PackProblem as err:
            raise HTTPException(422, str(err)) from err
        return pack.summary()

    for act in ("approve", "refuse", "publish"):
        _add_decision(app, knowledge, act)


def _add_decision(app: FastAPI, knowledge: Knowledge, act: str) -> None:
    @app.post(f"/api/v1/branches/{{branch}}/packs/{{pack}}/{act}", tags=["knowledge"], operation_id=f"{act}_pack")
    def decide(request: Request, branch: Branch, pack: int) -> dict[str, Any]:
        try:
            return knowledge.decide(person_of(request), branch, pack, act).summary()
        except PackProblem as err:
            raise HTTPException(409, str(err)) from err
