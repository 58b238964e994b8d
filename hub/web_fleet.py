"""The API of the fleet: terminals, roll-outs, joining, orders, alarms. The gate has checked the right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

from fastapi import FastAPI, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.messages import NAME_PATTERN
from hub.accounts.rights import Right, where
from hub.fleet import alarms, orders, terminals
from hub.fleet.campaigns import CampaignProblem
from hub.fleet.joining import Joining, JoinProblem
from hub.fleet.orders import OrderProblem
from hub.service import Hub
from hub.web_api import person_of

T = TypeVar("T")
Name = Annotated[str, Path(pattern=NAME_PATTERN)]
Tag = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]
CampaignId = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,40}$")]
KINDS = {"screenshot": "image/png", "bundle": "application/zip", "tail": "text/plain; charset=utf-8"}


class NewRollout(BaseModel):
    """A roll-out as `hub/fleet/campaign_plan.py` has it."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=80)
    plan: dict[str, Any]


class Claim(BaseModel):
    """What a new terminal shows, and what it is to be."""

    model_config = ConfigDict(extra="forbid")
    code: str = Field(pattern=r"^[A-Z2-9]{8}$")
    region: str = Field(default="", pattern=r"^[a-z0-9_-]{0,40}$")
    tags: list[Tag] = Field(default=[], max_length=20)
    replaces: bool = False


class Noted(BaseModel):
    """What operators know of a terminal."""

    model_config = ConfigDict(extra="forbid")
    region: str = Field(pattern=r"^[a-z0-9_-]{0,40}$")
    tags: list[Tag] = Field(max_length=20)


class Revocation(BaseModel):
    """Why a terminal is put out."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(pattern=r"^[a-z0-9_-]{3,40}$")


class NewOrder(BaseModel):
    """What is ordered and why."""

    model_config = ConfigDict(extra="forbid")
    act: dict[str, Any] = Field(max_length=5)
    reason: str = Field(max_length=200)


class Silence(BaseModel):
    """Which alarms are not told for a while; empty: all."""

    model_config = ConfigDict(extra="forbid")
    branch: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$")
    device: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$")
    kind: str = Field(default="", max_length=30)
    hours: float = Field(gt=0, le=14 * 24)
    reason: str = Field(max_length=200)


def add_fleet(app: FastAPI, hub: Hub) -> None:
    """Everything about the fleet below /api."""
    _add_terminals(app, hub)
    _add_rollouts(app, hub)
    _add_orders(app, hub)


def _said(work: Callable[[], T]) -> T:
    try:
        return work()
    except (CampaignProblem, JoinProblem, OrderProblem) as err:
        raise HTTPException(err.status, str(err)) from err


def _joining(hub: Hub) -> Joining:
    if hub.joining is None:
        raise HTTPException(409, "this hub has no authority: start it with --authority")
    return hub.joining


def _add_terminals(app: FastAPI, hub: Hub) -> None:
    @app.get("/api/v1/fleet/terminals", tags=["fleet"])
    def listed(request: Request, words: Annotated[str, Query(max_length=200)] = "") -> dict[str, Any]:
        """Terminals that contain every word in branch, name, region, hardware, release or tags."""
        mine = where(person_of(request), Right.SEE_DEVICES, hub.branches())
        return {"terminals": terminals.listed(hub.store, mine, words)}

    @app.get("/api/v1/branches/{branch}/devices/{device}/fleet", tags=["fleet"])
    def one(branch: Name, device: Name) -> dict[str, Any]:
        """One terminal: health, release, history, last moments, orders, certificates."""
        found = terminals.one(hub.store, branch, device)
        if found is None:
            raise HTTPException(404, "no such terminal has spoken yet")
        return found

    @app.post("/api/v1/branches/{branch}/devices/{device}/note", tags=["fleet"])
    def note(branch: Name, device: Name, noted: Noted) -> dict[str, Any]:
        """Region and tags, by which roll-outs find it."""
        with hub.store.write() as db:
            terminals.note_terminal(db, branch, device, datetime.now(UTC), region=noted.region, tags=noted.tags)
        return {"ok": True}

    @app.post("/api/v1/branches/{branch}/devices/{device}/claim", tags=["fleet"], status_code=201)
    def claim(request: Request, branch: Name, device: Name, wish: Claim) -> dict[str, Any]:
        """Give the terminal that shows this code a name and a certificate."""
        joining = _joining(hub)
        _said(
            lambda: joining.claim(
                person_of(request), wish.code, branch, device, region=wish.region, tags=wish.tags,
                replaces=wish.replaces,
            )
        )  # fmt: skip
        return {"ok": True}

    @app.post("/api/v1/branches/{branch}/devices/{device}/revoke", tags=["fleet"])
    def revoke(request: Request, branch: Name, device: Name, wish: Revocation) -> dict[str, Any]:
        """End the terminal's certificate now: it is out within seconds."""
        _said(lambda: _joining(hub).revoke(person_of(request), branch, device, wish.reason))
        return {"ok": True}


def _add_rollouts(app: FastAPI, hub: Hub) -> None:
    @app.get("/api/v1/fleet/rollouts", tags=["fleet"])
    def every() -> dict[str, Any]:
        """The roll-outs, newest first, with their counts by wave."""
        return {"rollouts": hub.campaigns.look()}

    @app.post("/api/v1/fleet/rollouts", tags=["fleet"], status_code=201)
    def begin(request: Request, wish: NewRollout) -> dict[str, Any]:
        """Begin a roll-out."""
        campaign, outgoing = _said(lambda: hub.campaigns.begin(person_of(request), wish.name, wish.plan))
        hub.send(outgoing)
        return {"campaign": campaign}

    @app.get("/api/v1/fleet/rollouts/{campaign}", tags=["fleet"])
    def look(campaign: CampaignId, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
        """One roll-out, and its journal after a line."""
        found = hub.campaigns.look(campaign)
        if not found:
            raise HTTPException(404, "there is no such roll-out")
        return found[0] | {"journal": hub.campaigns.journal(campaign, after, 200)}

    @app.post("/api/v1/fleet/rollouts/{campaign}/{act}", tags=["fleet"])
    def order(
        request: Request, campaign: CampaignId, act: Literal["approve", "pause", "resume", "abort"]
    ) -> dict[str, Any]:
        """approve, pause, resume or abort."""
        hub.send(_said(lambda: hub.campaigns.order(person_of(request), campaign, act)))
        return hub.campaigns.look(campaign)[0]


def _add_orders(app: FastAPI, hub: Hub) -> None:
    @app.post("/api/v1/branches/{branch}/devices/{device}/orders", tags=["fleet"], status_code=202)
    def ask(request: Request, branch: Name, device: Name, wish: NewOrder) -> dict[str, Any]:
        """Order something on the list; what is dangerous waits for a second person."""
        order, outgoing = _said(lambda: hub.orders.ask(person_of(request), branch, device, wish.act, wish.reason))
        hub.send(outgoing)
        return {"order": order, "state": "sent" if outgoing else "waiting"}

    @app.post("/api/v1/branches/{branch}/orders/{order}/agree", tags=["fleet"])
    def agree(request: Request, branch: Name, order: Annotated[int, Path(ge=1)]) -> dict[str, Any]:
        """Be the second person."""
        hub.send(_said(lambda: hub.orders.agree(person_of(request), branch, order)))
        return {"order": order, "state": "sent"}

    @app.get("/api/v1/branches/{branch}/devices/{device}/orders/{number}/result", tags=["fleet"])
    def result(request: Request, branch: Name, device: Name, number: Annotated[int, Path(ge=1)]) -> Response:
        """What the terminal sent: scrubbed logs, a masked picture, the tail of its log."""
        what, body = _said(lambda: hub.orders.result(person_of(request), branch, device, number))
        return Response(body, media_type=KINDS[what], headers={"Content-Disposition": f"attachment; filename={what}"})

    @app.get("/api/v1/fleet/orders", tags=["fleet"])
    def waiting(request: Request) -> dict[str, Any]:
        """Orders that wait for a second person."""
        mine = where(person_of(request), Right.ORDER_DEVICE, hub.branches())
        return {"orders": orders.waiting(hub.store, mine)}

    @app.get("/api/v1/fleet/alarms", tags=["fleet"])
    def standing(request: Request) -> dict[str, Any]:
        """What is wrong now, grouped."""
        mine = where(person_of(request), Right.SEE_DEVICES, hub.branches())
        return {"alarms": alarms.shown(hub.store, mine, datetime.now(UTC))}

    @app.post("/api/v1/fleet/silences", tags=["fleet"], status_code=201)
    def silence(request: Request, wish: Silence) -> dict[str, Any]:
        """Say nothing of these alarms for a while."""
        try:
            alarms.silence(hub.store, person_of(request), **wish.model_dump())
        except ValueError as err:
            raise HTTPException(422, str(err)) from err
        return {"ok": True}
