"""The hub's web server: sign-in, the lobby's board, the phone's page, the API and the desks, behind one gate.

It binds to loopback unless told otherwise. Who may see or do what is decided by the gate (`hub/accounts`), not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from hub import queue
from hub.accounts.accounts import Accounts
from hub.accounts.guard import Guard
from hub.accounts.pages import Oidc, add_signing_in
from hub.accounts.rights import Refused
from hub.calls.page import add_calls
from hub.calls.relay import Relay
from hub.calls.turn import Turn
from hub.changes import Changes
from hub.desk.acts import Acts, SignedOut
from hub.knowledge import Knowledge
from hub.labels import Labels, theme_css
from hub.opinions.acts import OpinionActs
from hub.opinions.api import add_opinions
from hub.opinions.lessons import LessonActs, Teaching
from hub.service import VERSION, Hub
from hub.shadow import Shadows
from hub.web_api import add_api
from hub.web_fleet import add_fleet
from hub.web_lobby import add_lobby
from hub.web_shadow import add_shadow

STATIC: Final = Path(__file__).parent / "static"


def build_app(
    hub: Hub,
    labels: Labels,
    changes: Changes,
    *,
    loopback: bool,
    accounts: Accounts | None = None,
    oidc: Oidc | None = None,
    pack_keys: Sequence[str] = (),
    turn: Turn | None = None,
    desk: bool = True,
    teaching: Teaching | None = None,
) -> Guard:
    """The web application behind its gate. `loopback`: refuse requests that name another host (DNS rebinding).

    `accounts` None: nobody signs in. `desk` False leaves the pages of NiceGUI out (it can be built once a process).
    """
    app = FastAPI(title="Yingbin hub", version=VERSION, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    app.mount("/static", StaticFiles(directory=STATIC))
    theme = theme_css()
    for service, prior in labels.priors().items():
        hub.foresight.priors.setdefault(service, prior)
    hub.dispatcher.machines |= labels.machines
    acts, knowledge = Acts(hub, accounts), Knowledge(hub.store, pack_keys)

    @app.get("/theme.css", include_in_schema=False)
    def theme_sheet() -> Response:
        return Response(theme, media_type="text/css", headers={"Cache-Control": "max-age=300"})

    _add_errors(app)
    if accounts is not None:
        add_signing_in(app, accounts, labels, oidc)
    add_lobby(app, hub, acts, labels, changes)
    shadows = Shadows(hub.store)
    add_api(app, hub, acts, knowledge, changes)
    add_shadow(app, hub, shadows)
    opinions = OpinionActs(hub, acts)
    add_opinions(app, opinions)
    add_fleet(app, hub)
    add_calls(app, hub, relay := Relay(hub.store, hub.wire.send, turn or Turn()), labels)
    hub.refusals.append(relay.tallies)
    if desk:
        from hub.desk.pages import add_desk  # NiceGUI takes a second to import

        lessons = LessonActs(hub, acts, knowledge, teaching)
        add_desk(app, hub, acts, knowledge, labels, changes, shadows, opinions, lessons)
    return Guard(app, accounts, loopback=loopback)


def _add_errors(app: FastAPI) -> None:
    """What goes wrong on purpose, in one place."""

    @app.exception_handler(sa.exc.OperationalError)
    def no_database(_request: Request, _err: Exception) -> JSONResponse:
        return JSONResponse({"detail": "the database does not answer; what kiosks and visitors do is kept"}, 503)

    @app.exception_handler(queue.NotPossible)
    def not_possible(_request: Request, err: Exception) -> JSONResponse:
        reason = getattr(err, "reason", "unknown")
        return JSONResponse({"detail": reason}, 404 if reason == "unknown" else 409)

    @app.exception_handler(Refused)
    def refused(_request: Request, _err: Exception) -> JSONResponse:
        return JSONResponse({"detail": "not yours to see or do"}, 403)

    @app.exception_handler(SignedOut)
    def signed_out(_request: Request, _err: Exception) -> JSONResponse:
        return JSONResponse({"detail": "sign in first"}, 401)
