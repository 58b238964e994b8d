"""Runs the hub until it is told to stop: one JSON line when it is ready, gone within three seconds."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import uvicorn

from config.schema import load_site
from hub.accounts.accounts import Accounts
from hub.accounts.guard import LOOPBACK
from hub.accounts.pages import Oidc
from hub.bus import HostPort
from hub.calls.turn import Turn
from hub.changes import Changes
from hub.labels import load_labels
from hub.opinions.lessons import Teaching
from hub.service import Hub
from hub.store import Store
from hub.web import build_app
from hub.worker import BusOptions

log = logging.getLogger(__name__)

GRACE_S: Final = 1
WS_BYTES: Final = 1 << 20  # of one message from a desk


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The bus, where the database is, where to listen (port 0: a free one), whose names to show."""

    bus: BusOptions
    database: str
    http: HostPort
    site: Path | None = None
    ingest: bool = True
    sign_in: bool = True
    oidc: Oidc | None = None
    pack_keys: tuple[str, ...] = ()
    turn: Turn = field(default_factory=Turn)
    alarm_hook: str = ""
    teaching: Teaching | None = None


class _Server(uvicorn.Server):
    """uvicorn that says when it is ready, without its own signal handling: ours ends the live streams first."""

    def __init__(self, config: uvicorn.Config, *, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError when the address is taken, ConfigError for a bad site."""
    labels = load_labels(None if options.site is None else load_site(options.site))
    host, port = options.http
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.create_server((host, port), family=family)  # before anything else: says at once if taken
    bus = options.bus.worker() if options.ingest else options.bus.sender()
    hub = Hub(Store(options.database), bus, authority=options.bus.trust(), hook=options.alarm_hook)
    changes = Changes()
    loop = asyncio.get_running_loop()
    changes.bind(loop)
    hub.listen(changes.tell)
    app = build_app(
        hub, labels, changes, loopback=host in LOOPBACK, accounts=Accounts(hub.store) if options.sign_in else None,
        oidc=options.oidc, pack_keys=options.pack_keys, turn=options.turn, teaching=options.teaching,
    )  # fmt: skip
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}"

    def ready() -> None:
        print(json.dumps({"ready": True, "http": address, "store": hub.store.id}), flush=True)

    server = _Server(
        uvicorn.Config(
            app, log_level="warning", access_log=False, ws_max_size=WS_BYTES, timeout_graceful_shutdown=GRACE_S
        ),
        ready=ready,
    )

    def stop() -> None:
        changes.close()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    hub.start()
    watching = asyncio.create_task(changes.watch(hub.store), name="changes")
    try:
        await server.serve(sockets=[listening])
    finally:
        watching.cancel()
        await asyncio.to_thread(hub.stop)
        listening.close()
