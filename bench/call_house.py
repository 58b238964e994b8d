"""What stands around a call in the bench: broker, hub, Chromium as the teller, coturn, a bad line. All real."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import sys
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page, async_playwright

from bench.call_terminal import BRANCH, DEVICE, ROOT, Stand, wall_ms
from bench.hub_servers import ServerMissing, free_port
from hub.accounts.rights import OPERATOR
from hub.calls.relay import open_call
from hub.calls.turn import coturn_configuration
from hub.store import Store

CHROMIUM: Final = "/usr/bin/chromium"
PAGE_SCRIPT: Final = Path(__file__).parent / "data" / "call_page.js"
FLAGS: Final = (
    "--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns",
    "--disable-gpu", "--mute-audio",
)  # fmt: skip
READY_S: Final = 60.0
TELLER: Final = OPERATOR.name


@dataclass
class House:
    """A hub with its broker, and a teller's page on it."""

    broker: tuple[str, int]
    store: Store
    page: Page
    http: str

    async def accept(self, stand: Stand, relay: str = "") -> tuple[str, float]:
        """A teller accepts a new case of the terminal: its id, and when, on the wall clock in milliseconds."""
        case = f"case-{uuid.uuid4().hex[:12]}"
        began_ms = wall_ms()
        await asyncio.to_thread(self._open, case)
        stand.calls.expect(case)
        await self.page.evaluate("([id, branch, relay]) => beginCall(id, branch, relay)", [case, BRANCH, relay])
        return case, began_ms

    def _open(self, case: str) -> None:
        with self.store.write() as db:
            open_call(db, BRANCH, case, DEVICE, TELLER)

    async def now(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.page.evaluate("callNow()")
        return found

    async def until(self, script: str, seconds: float, why: str) -> None:
        """Wait for the page. Raises TimeoutError with `why` and how the call stands."""
        try:
            await self.page.wait_for_function(script, timeout=seconds * 1000, polling=20)
        except Exception as err:
            raise TimeoutError(f"{why}: {await self.now()}") from err


async def ended(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def house(folder: Path, *, turn: str = "", secret: str = "", fps: int = 15) -> AsyncIterator[House]:
    """`turn`: the addresses of TURN servers that the hub gives to both sides."""
    if not Path(CHROMIUM).exists():
        raise ServerMissing(f"{CHROMIUM} is not installed: apt-get install chromium")
    folder.mkdir(parents=True, exist_ok=True)
    url = f"sqlite:///{folder}/hub.db"
    async with contextlib.AsyncExitStack() as closing:
        _, broker = await closing.enter_async_context(_ready("hub", "broker", "--dir", str(folder / "broker")))
        port = int(broker["port"])
        serving = ["hub", "serve", "--broker", f"127.0.0.1:{port}", "--database", url, "--http", "127.0.0.1:0",
                   "--no-sign-in", *(("--turn", turn) if turn else ())]  # fmt: skip
        _, hub = await closing.enter_async_context(_ready(*serving, env={"YINGBIN_TURN_SECRET": secret}))
        playing = await closing.enter_async_context(async_playwright())
        browser = await playing.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        closing.push_async_callback(browser.close)
        page = await browser.new_page(viewport={"width": 1100, "height": 900})
        await page.add_init_script(f"window.benchFps = {fps};\n" + PAGE_SCRIPT.read_text("utf-8"))
        await page.goto(f"{hub['http']}/desk/call/{BRANCH}/none-yet-{secrets.token_hex(4)}")
        store = Store(url)
        closing.callback(store.close)
        yield House(("127.0.0.1", port), store, page, str(hub["http"]))


@contextlib.asynccontextmanager
async def _ready(
    *arguments: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """As `started`, without a bound on what happens inside."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE, env={**os.environ, **(env or {})}
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
        yield process, json.loads(line)
    finally:
        await ended(process)


@contextlib.asynccontextmanager
async def coturn(folder: Path, *, udp: bool = True) -> AsyncIterator[tuple[int, str]]:
    """A TURN server on loopback: its port and the secret. `udp` False: as behind a firewall that lets TCP out only."""
    program = shutil.which("turnserver")
    if program is None:
        raise ServerMissing("coturn is not installed: apt-get install coturn")
    folder.mkdir(parents=True, exist_ok=True)
    port, secret = free_port(), secrets.token_hex(16)
    text = coturn_configuration(
        listen="127.0.0.1", port=port, realm="yingbin.test", secret=secret, private_peers=True, udp=udp,
        relay_ports=(40_000, 40_400),
    )  # fmt: skip
    path = folder / "turnserver.conf"
    path.write_text(
        text + f"pidfile={folder}/turnserver.pid\nlog-file={folder}/turnserver.log\nuserdb={folder}/turn.db\n"
    )
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(path), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        await _listens(port)
        yield port, secret
    finally:
        await ended(process)


async def _listens(port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("coturn did not come up")


def spread(values: Sequence[float]) -> dict[str, float | int | None]:
    """p50, p95, the worst and how many."""
    if not values:
        return {"p50": None, "p95": None, "max": None, "n": 0}
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)

    return {"p50": at(0.5), "p95": at(0.95), "max": round(ordered[-1], 1), "n": len(ordered)}


def delays(said_ms: Sequence[float], heard_ms: Sequence[float]) -> list[float]:
    """How long after each sound it was heard: the last one said before, half a second at most."""
    found = []
    for heard in heard_ms:
        before = [heard - said for said in said_ms if -5 <= heard - said < 900]
        if before:
            found.append(min(before))
    return found
