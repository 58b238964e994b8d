"""The API of the configuration: what may be changed from afar, what is wanted of a terminal, what it says."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from config.remote import described
from contracts.messages import MAX_INTEGER, NAME_PATTERN
from contracts.shadow import SETTINGS_LIMIT
from hub.service import Hub
from hub.shadow import ShadowProblem, Shadows
from hub.web_api import person_of

Name = Annotated[str, Path(pattern=NAME_PATTERN)]


class Configuration(BaseModel):
    """What a terminal should be set to, whole: a setting that is left out is the terminal's own again.

    `based_on`: the version that you looked at; refused where somebody has set another one meanwhile.
    """

    model_config = ConfigDict(extra="forbid")
    settings: dict[str, Any] = Field(max_length=SETTINGS_LIMIT)
    based_on: int | None = Field(default=None, ge=0, le=MAX_INTEGER)


def add_shadow(app: FastAPI, hub: Hub, shadows: Shadows) -> None:
    """Everything about configurations below /api."""

    @app.get("/api/v1/settings", tags=["configuration"])
    def settings() -> dict[str, Any]:
        """What may be changed from afar: when it is taken, default, range and meaning."""
        return {"settings": described()}

    @app.get("/api/v1/branches/{branch}/shadows", tags=["configuration"])
    def drift(branch: Name) -> dict[str, Any]:
        """Every terminal of the branch: what is wanted, what it says, and where the two differ."""
        return {"terminals": shadows.look([branch])}

    @app.get("/api/v1/branches/{branch}/devices/{device}/shadow", tags=["configuration"])
    def shadow(branch: Name, device: Name) -> dict[str, Any]:
        """One terminal, with the versions before this one."""
        found = shadows.look([branch], device)
        if not found:
            raise HTTPException(404, "no such terminal has spoken yet")
        return found[0] | {"history": shadows.history(branch, device)}

    @app.post("/api/v1/branches/{branch}/devices/{device}/shadow", tags=["configuration"], status_code=202)
    def want(request: Request, branch: Name, device: Name, wish: Configuration) -> dict[str, Any]:
        """Want these settings of a terminal. It takes them between two visits, watches itself, and reports."""
        try:
            version, message = shadows.set(person_of(request), branch, device, wish.settings, based_on=wish.based_on)
        except ShadowProblem as err:
            raise HTTPException(err.status, str(err)) from err
        hub.bus.send(message)
        return {"version": version}
