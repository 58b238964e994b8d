"""`make run`: the terminal on this machine's own devices, with a broker and a hub beside it where none is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from config.schema import Site, site_path
from kiosk.runtime.supervisor import (
    CORE_ALLOCATOR,
    SCREEN_ALLOCATOR,
    Child,
    ChildFailed,
    Stopped,
    Supervisor,
    module,
    unless,
)

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    site: Site
    state: Path  # outbox, hub's database, logs: kept between runs
    headless: bool
    fullscreen: bool
    size: str


def state_root() -> Path:
    """`$XDG_STATE_HOME/yingbin`, else `~/.local/state/yingbin`."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "yingbin"


async def run_live(options: LiveOptions, progress: Callable[[str], None]) -> int:
    """Run until a signal. Raises `ChildFailed` when a process keeps dying."""
    supervisor, stop = Supervisor(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    following = asyncio.create_task(supervisor.follow(options.state / "restart"), name="restarts")
    try:
        await unless(stop, _start(options, supervisor, progress))
        name, status = await unless(stop, supervisor.ended.get())
        while name == "call":  # the rest of the terminal serves its visitors; tellers are not offered
            progress(f"video calls ended with status {status}; the log: {options.state / 'logs' / 'call.log'}")
            name, status = await unless(stop, supervisor.ended.get())
        if status == 0 and name == "screen":  # its window was closed
            return 0
        raise ChildFailed(f"{name} ended with status {status}; its log: {options.state / 'logs' / name}.log")
    except Stopped:
        progress("stopping")
        return 0
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await supervisor.stop()


async def _start(options: LiveOptions, supervisor: Supervisor, progress: Callable[[str], None]) -> None:
    site, state, logs = options.site, options.state, options.state / "logs"
    address = f"{site.hub.host}:{site.hub.port}"
    if site.hub.host in LOOPBACK and not _answers(site.hub.host, site.hub.port):
        broker = module("hub", "broker", "--dir", str(state / "broker"), "--port", str(site.hub.port))
        await supervisor.start(Child(name="broker", argv=broker, log=logs / "broker.log", ready_line=True))
        serve = module("hub", "serve", "--broker", address, "--database", f"sqlite:///{state}/hub.db",
                       "--http", "127.0.0.1:0", "--site", str(site_path()), "--no-sign-in")  # fmt: skip
        hub = await supervisor.start(Child(name="hub", argv=serve, log=logs / "hub.log", ready_line=True))
        progress(f"the hub shows the branch at {hub['http']}")
    core = module("kiosk", "core", "--state", str(state), "--socket", str(state / "screen.sock"), "--tickets",
                  str(state / "tickets"), "--logs", str(logs))  # fmt: skip
    await supervisor.start(Child(name="core", argv=core, log=logs / "core.log", allocator=CORE_ALLOCATOR))
    flags = [*(["--headless"] if options.headless else []), *(["--fullscreen"] if options.fullscreen else [])]
    screen = module("kiosk.screen", "--socket", str(state / "screen.sock"), "--size", options.size, *flags)
    await supervisor.start(Child(name="screen", argv=screen, log=logs / "screen.log", allocator=SCREEN_ALLOCATOR))
    if find_spec("aiortc") is None:
        progress("video calls are not installed: tellers cannot be seen from this terminal (extra 'call')")
    else:
        call = module("kiosk.call", "--socket", str(state / "call.sock"))
        await supervisor.start(Child(name="call", argv=call, log=logs / "call.log"))
    progress(f"running; logs: {logs}; Ctrl-C ends it")


def _answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0
