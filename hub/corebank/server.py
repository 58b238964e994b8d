"""The simulated core bank over HTTP: one path an operation, delays and failures as they are asked for."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.corebank import MAX_BODY_BYTES, OPERATIONS
from hub.corebank.bank import Bank, Refused

SLOWEST_MS: Final = 20_000


class Weather(BaseModel):
    """How the simulated bank behaves just now."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    latency_ms: Annotated[int, Field(ge=0, le=SLOWEST_MS)] = 60
    jitter_ms: Annotated[int, Field(ge=0, le=SLOWEST_MS)] = 40
    fail_share: Annotated[float, Field(ge=0, le=1, description="answered with status 503")] = 0.0
    lose_share: Annotated[float, Field(ge=0, le=1, description="carried out, but the answer is lost (504)")] = 0.0


class Simulation:
    """The bank with its weather; draws from a seeded source, so that a run can be repeated."""

    def __init__(self, make: Callable[[], Bank], weather: Weather, seed: int) -> None:
        self._make = make
        self._first = weather
        self._seed = seed
        self.tally: dict[str, int] = {"served": 0, "refused": 0, "failed": 0, "lost": 0, "malformed": 0}
        self.reset()

    def reset(self) -> None:
        """Everything as it was at the start."""
        self.bank = self._make()
        self.weather = self._first
        self._random = random.Random(self._seed)

    async def answer(self, operation: str, body: bytes) -> Response:
        weather = self.weather
        await asyncio.sleep((weather.latency_ms + self._random.random() * weather.jitter_ms) / 1000)
        if self._random.random() < weather.fail_share:
            return self._counted("failed", 503)
        row = OPERATIONS.get(operation)
        if row is None:
            return self._counted("malformed", 404)
        if len(body) > MAX_BODY_BYTES:
            return self._counted("malformed", 413)
        try:
            request = msgspec.json.decode(body, type=row.request)
        except msgspec.DecodeError:
            return self._counted("malformed", 400)
        try:
            found = self.bank.serve(operation, request, time.monotonic())
        except Refused as err:
            return self._counted("refused", 409, msgspec.json.encode(err.refusal))
        if self._random.random() < weather.lose_share:
            return self._counted("lost", 504)
        return self._counted("served", 200, msgspec.json.encode(found))

    def _counted(self, what: str, status: int, body: bytes = b"") -> Response:
        self.tally[what] += 1
        return Response(content=body, status_code=status, media_type="application/json")


def build_app(simulation: Simulation) -> FastAPI:
    """The service: `POST /v1/<operation>`, and `/simulation` to see and change how it behaves."""
    app = FastAPI(title="Simulated core bank", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/v1/{operation}")
    async def serve(operation: str, request: Request) -> Response:
        return await simulation.answer(operation, await request.body())

    @app.get("/simulation")
    async def now() -> dict[str, object]:
        return {"simulated": True, "weather": simulation.weather.model_dump(), "tally": simulation.tally}

    @app.post("/simulation/reset")
    async def reset() -> dict[str, object]:
        simulation.reset()
        return {"simulated": True}

    @app.put("/simulation")
    async def change(weather: Weather) -> dict[str, object]:
        simulation.weather = weather
        return {"simulated": True, "weather": weather.model_dump()}

    return app
