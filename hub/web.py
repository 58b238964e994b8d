"""The hub's web server: the branch's page, live; the API; the clerk's thin desk.

It binds to loopback unless told otherwise, and changes nothing for a request that a page of another
origin made. Signing in and the real desk come with their own part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import sqlalchemy as sa
from fastapi import FastAPI, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, StreamingResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from contracts.messages import NAME_PATTERN
from contracts.tickets import TicketEvent
from hub import page, queue, views
from hub.labels import Labels, theme_css
from hub.service import Hub
from hub.ticket_page import ticket_page

MAX_STREAMS: Final = 64
STREAM_PAUSE_S: Final = 0.2  # changes closer together than this are told once
HEARTBEAT_S: Final = 15.0
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
STATIC: Final = Path(__file__).parent / "static"

Branch = Annotated[str, Query(pattern=NAME_PATTERN)]
# events that only a clerk may cause; the others belong to the kiosk and to the clock
DESK_EVENTS: Final = frozenset(TicketEvent) - {TicketEvent.ACCEPTED, TicketEvent.DAY_ENDED}


class CallNext(BaseModel):
    model_config = ConfigDict(extra="forbid")
    service: str = Field(pattern=r"^[a-z0-9_-]{1,40}$")
    counter: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,20}$")


class TicketChange(BaseModel):
    model_config = ConfigDict(extra="forbid")
    branch: str = Field(pattern=NAME_PATTERN)
    day: str = Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    event: TicketEvent
    counter: str = Field(default="", pattern=r"^[A-Za-z0-9-]{0,20}$")
    service: str | None = Field(default=None, pattern=r"^[a-z0-9_-]{1,40}$")


class Changes:
    """Tells open pages that a branch changed. `tell` may be called from any thread."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listening: set[tuple[str, asyncio.Event]] = set()
        self._closed = False

    def bind(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def tell(self, branch: str) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake, branch)

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closed = True
        for _, event in self._listening:
            event.set()

    async def stream(self, branch: str) -> AsyncIterator[bytes]:
        """Server-sent events for one page. Raises HTTPException(503) beyond `MAX_STREAMS`."""
        entry = (branch, asyncio.Event())
        self._listening.add(entry)
        try:
            yield b"retry: 1000\n\n"
            while not self._closed:
                try:
                    async with asyncio.timeout(HEARTBEAT_S):
                        await entry[1].wait()
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if self._closed:
                    return
                await asyncio.sleep(STREAM_PAUSE_S)
                entry[1].clear()
                yield b"event: changed\ndata: {}\n\n"
        finally:
            self._listening.discard(entry)

    @property
    def is_full(self) -> bool:
        return len(self._listening) >= MAX_STREAMS

    def _wake(self, branch: str) -> None:
        for listening, event in self._listening:
            if listening == branch:
                event.set()


def build_app(hub: Hub, labels: Labels, changes: Changes, *, loopback: bool) -> FastAPI:
    """The web application. `loopback`: refuse requests that name another host (DNS rebinding)."""
    app = FastAPI(title="Yingbin hub", docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.mount("/static", StaticFiles(directory=STATIC))
    theme = theme_css()

    @app.middleware("http")
    async def guard(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if loopback and host not in LOOPBACK:
            return JSONResponse({"detail": "this hub answers on loopback only"}, 421)
        if request.method not in ("GET", "HEAD") and not _same_origin(request):
            return JSONResponse({"detail": "refused: the request came from another origin"}, 403)
        response = await answer(request)
        response.headers["Content-Security-Policy"] = "default-src 'self'; style-src 'self' 'unsafe-inline'"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/theme.css")
    def theme_sheet() -> Response:
        return Response(theme, media_type="text/css")

    _add_pages(app, hub, labels, changes)
    _add_reading(app, hub)
    _add_desk(app, hub)
    return app


def _same_origin(request: Request) -> bool:
    """Browsers say where a request comes from; programs that say nothing are not a visitor's browser."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


def _add_pages(app: FastAPI, hub: Hub, labels: Labels, changes: Changes) -> None:
    @app.get("/", response_class=HTMLResponse)
    def index(branch: Branch | None = None) -> str:
        known = hub.branches() or list(labels.branches)
        chosen = branch or (known[0] if known else None)
        if chosen is None:
            return page.empty_page(labels)
        if chosen not in known and chosen not in labels.branches:
            raise HTTPException(404, "no such branch")
        return page.page(views.branch_view(hub.store, chosen), labels, known)

    @app.get("/t/{branch}/{day}/{number}", response_class=HTMLResponse)
    def ticket_on_a_phone(branch: str, day: str, number: str) -> str:
        found = views.ticket_view(hub.store, branch, number, day)
        if found is None:
            raise HTTPException(404, "no such ticket")
        lines = queue.state_of(hub.store, branch).tickets
        ahead = next((line.ahead for line in lines if line.number == number), None)
        return ticket_page({**found, "branch": branch}, ahead, labels)

    @app.get("/board", response_class=HTMLResponse)
    def board(branch: Branch) -> str:
        return page.board(views.branch_view(hub.store, branch), labels)

    @app.get("/stream")
    async def stream(branch: Branch) -> StreamingResponse:
        if changes.is_full:
            raise HTTPException(503, f"{MAX_STREAMS} pages are open already")
        return StreamingResponse(
            changes.stream(branch), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )


def _add_reading(app: FastAPI, hub: Hub) -> None:
    @app.get("/healthz")
    def health() -> JSONResponse:
        try:
            with hub.store.read() as db:
                db.execute(sa.select(1))
            database = True
        except sa.exc.SQLAlchemyError:
            database = False
        broker, tallies = hub.wire.is_connected, hub.ingest.tallies
        body = {
            "ok": broker and database,
            "broker": broker,
            "database": database,
            "arrived": tallies.arrived,
            "applied": tallies.applied,
            "repeated": tallies.repeated,
            "held": tallies.held,
            "crowded_out": tallies.crowded_out,
            "refused": dict(tallies.refused),
            "dropped": hub.wire.tally_dropped,
            "failed_batches": hub.wire.tally_failed_batches,
        }
        return JSONResponse(body, 200 if body["ok"] else 503)

    @app.get("/api/v1/branches")
    def branches() -> dict[str, Any]:
        return {"branches": hub.branches()}

    @app.get("/api/v1/branches/{branch}")
    def branch_now(branch: str) -> dict[str, Any]:
        if branch not in hub.branches():
            raise HTTPException(404, "no kiosk of this branch has spoken yet")
        return views.branch_view(hub.store, branch)

    @app.get("/api/v1/tickets/{number}")
    def ticket(number: str, branch: Branch, day: str | None = None) -> dict[str, Any]:
        found = views.ticket_view(hub.store, branch, number, day)
        if found is None:
            raise HTTPException(404, "no such ticket")
        return found

    @app.get("/api/v1/devices/{device}/rows")
    def rows(device: str, branch: Branch | None = None, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        return views.device_rows(hub.store, device, branch, after)


def _add_desk(app: FastAPI, hub: Hub) -> None:
    @app.post("/api/v1/branches/{branch}/call")
    def call(branch: str, wish: CallNext) -> dict[str, Any]:
        number = hub.call_next(branch, wish.service, wish.counter)
        if number is None:
            raise HTTPException(409, "nobody waits for this service")
        return {"number": number, "state": "called"}

    @app.post("/api/v1/tickets/{number}/events")
    def ticket_event(number: str, wish: TicketChange) -> dict[str, Any]:
        if wish.event not in DESK_EVENTS:
            raise HTTPException(422, "not for a counter to decide")
        try:
            state = hub.change_ticket(
                wish.branch, wish.day, number, wish.event, counter=wish.counter or None, service=wish.service
            )
        except queue.NotPossible as err:
            raise HTTPException(404 if err.reason == "unknown" else 409, err.reason) from err
        return {"number": number, "state": state}
