"""The teller's page of a call: a websocket that carries its signalling, and a plain page around the component.

The component (`static/call.js`) stands alone: a desk embeds it with one element, `data-call`, `data-branch`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from html import escape
from typing import Annotated, Any, Final

import msgspec
from fastapi import FastAPI, Path, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse

from contracts import call as c
from hub.accounts.rights import Person
from hub.calls.relay import NotYours, Relay
from hub.html import head, sheet
from hub.labels import Labels
from hub.service import Hub
from hub.web_api import Branch

log = logging.getLogger(__name__)

POLL_S: Final = 0.1  # words that another process took come so late at most
IDLE_POLL_S: Final = 0.5
BUSY_S: Final = 30.0  # after a word of the page: something is being set up
MOST_A_SECOND: Final = 40
MOST_PAGES: Final = 512
Call = Annotated[str, Path(pattern=r"^[a-z0-9-]{8,40}$")]
_DECODER: Final = msgspec.json.Decoder(c.PageSaid)
_ENCODER: Final = msgspec.json.Encoder()
GONE: Final = 4404
TAKEN: Final = 4409


class Wakes:
    """Whoever waits for a branch's news in this process. `tell` from any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @property
    def count(self) -> int:
        return sum(map(len, self._waiting.values()))

    def tell(self, branch: str) -> None:
        if self._loop is not None and not self._loop.is_closed() and branch in self._waiting:
            self._loop.call_soon_threadsafe(self._wake, branch)

    def _wake(self, branch: str) -> None:
        for event in self._waiting.get(branch, ()):
            event.set()

    @contextlib.contextmanager
    def waiting(self, branch: str) -> Any:
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting.setdefault(branch, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[branch].discard(event)
            if not self._waiting[branch]:
                del self._waiting[branch]


def add_calls(app: FastAPI, hub: Hub, relay: Relay, labels: Labels) -> None:
    """The websocket and the page."""
    wakes = Wakes()
    hub.listen(wakes.tell)

    @app.get("/desk/call/{branch}/{call}", response_class=HTMLResponse, include_in_schema=False)
    def page(request: Request, branch: Branch, call: Call) -> str:
        return _page(branch, call, labels)

    @app.websocket("/api/v1/branches/{branch}/calls/{call}/media")
    async def signalling(socket: WebSocket, branch: Branch, call: Call) -> None:
        person: Person = socket.scope["state"]["person"]
        await socket.accept()
        if wakes.count >= MOST_PAGES:
            await socket.close(1013)
            return
        try:
            seat, welcome, after = await asyncio.to_thread(relay.sit, branch, call, person.name)
        except NotYours as err:
            relay.tallies[f"refused_{err.code}"] += 1
            await _send(socket, c.PageTold(leg=1, body=c.PageRefused(code=err.code)))
            await socket.close(GONE)
            return
        await _send(socket, welcome)
        line = _Line(socket, relay, branch, call, person.name, seat, after)
        with wakes.waiting(branch) as news:
            await line.run(news)


class _Line:
    """One connected page."""

    def __init__(
        self, socket: WebSocket, relay: Relay, branch: str, call: str, teller: str, seat: str, after: int
    ) -> None:
        self._socket, self._relay = socket, relay
        self._branch, self._call, self._teller, self._seat, self._after = branch, call, teller, seat, after
        self._busy_until_s = time.monotonic() + BUSY_S
        self._tally: Counter[int] = Counter()

    async def run(self, news: asyncio.Event) -> None:
        works = {asyncio.create_task(self._listen()), asyncio.create_task(self._tell(news))}
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for work in works:
                work.cancel()
            for result in await asyncio.gather(*works, return_exceptions=True):
                if isinstance(result, Exception) and not isinstance(result, WebSocketDisconnect | RuntimeError):
                    log.error("a page's line ended: %s", type(result).__name__)
            await asyncio.to_thread(self._relay.away, self._branch, self._call, self._seat)

    async def _listen(self) -> None:
        """What the page says. A bad message is refused and told; the line stays."""
        while True:
            text = await self._socket.receive_text()
            try:
                message = self._read(text)
                await asyncio.to_thread(self._relay.say, self._branch, self._call, self._teller, self._seat, message)
                self._busy_until_s = time.monotonic() + BUSY_S
                if isinstance(message.body, c.HungUp):
                    await self._socket.close(1000)
                    return
            except NotYours as err:
                await _send(self._socket, c.PageTold(leg=1, body=c.PageRefused(code=err.code)))
                if err.code in ("case", "teller", "over", "seat"):
                    await self._socket.close(GONE)
                    return

    def _read(self, text: str) -> c.PageSaid:
        """Raises NotYours."""
        second = int(time.monotonic())
        self._tally = Counter({second: self._tally[second] + 1})
        code = ""
        if self._tally[second] > MOST_A_SECOND:
            code = "too_often"
        elif len(text.encode()) > c.MESSAGE_BYTES:
            code = "size"
        else:
            try:
                return _DECODER.decode(text)
            except (msgspec.DecodeError, RecursionError):
                code = "type"
        self._relay.tallies[f"refused_{code}"] += 1
        raise NotYours(code)

    async def _tell(self, news: asyncio.Event) -> None:
        """What the terminal says, in order, until the call is over or another page took the seat."""
        while True:
            words, mine = await asyncio.to_thread(self._relay.words, self._branch, self._call, self._seat, self._after)
            for n, told in words:
                self._after = n
                await _send(self._socket, told)
                if isinstance(told.body, c.HungUp):
                    await self._socket.close(1000)
                    return
            if not mine:
                await self._socket.close(TAKEN)
                return
            wait_s = POLL_S if time.monotonic() < self._busy_until_s else IDLE_POLL_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await news.wait()
            news.clear()


async def _send(socket: WebSocket, told: c.PageTold) -> None:
    await socket.send_text(_ENCODER.encode(told).decode())


def _page(branch: str, call: str, labels: Labels) -> str:
    body = (
        f'{head(labels, branch)}<main class="calling"><section class="sheet" data-call="{escape(call)}" '
        f'data-branch="{escape(branch)}"></section></main>'
    )
    scripts = '<link rel="stylesheet" href="/static/call.css"><script src="/static/call.js" defer></script>'
    return sheet(f"视频 · {labels.branch(branch)[0]}", body, css="plain", scripts=scripts)
