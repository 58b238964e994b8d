"""The gate in front of every page and answer: where from, how large, who, may they.

Plain ASGI around the whole application, so that nothing mounted below it can be forgotten. Decisions come from
`routes.py` and `rights.py`; refusals are counted, and logged without what was sent.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import quote, urlsplit

import sqlalchemy as sa
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.accounts.accounts import Accounts
from hub.accounts.rights import OPERATOR, VISITOR, Person, may
from hub.accounts.routes import Rule, find

log = logging.getLogger(__name__)

COOKIE: Final = "yb_session"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
SAFE: Final = frozenset({"GET", "HEAD"})
STRICT: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; object-src 'none'"
)
# NiceGUI compiles its templates in the browser and starts from a script in the page
DESK: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'; "
    "base-uri 'self'; form-action 'self'; object-src 'none'"
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser hides the origin of a form, too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
CALLING: Final = "camera=(self), microphone=(self), display-capture=(self), geolocation=()"


class _TooLarge(HTTPException):
    """The body went on beyond what the rule allows."""

    def __init__(self) -> None:
        super().__init__(413, "too large")


class Guard:
    """Wraps `app`. `accounts` None: nobody signs in, and only this machine's loopback is answered."""

    def __init__(self, app: ASGIApp, accounts: Accounts | None, *, loopback: bool) -> None:
        self._app, self._accounts, self._loopback = app, accounts, loopback or accounts is None
        self.tallies: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        method = "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])
        path = str(scope["path"])
        refusal = self._refuse_origin(method, headers)
        if refusal is None:
            try:
                person = await self._who(headers)
            except sa.exc.SQLAlchemyError:
                refusal = JSONResponse({"detail": "the database does not answer; try again in a moment"}, 503)
            else:
                refusal = self._refuse_person(method, path, headers, person)
        if refusal is not None:
            self.tallies[str(refusal.status_code)] += 1
            await _close(scope, receive, _with_headers(send, path), refusal)
            return
        scope.setdefault("state", {})["person"] = person
        found = find(method, path)
        assert found is not None
        try:
            await self._app(scope, _bounded(receive, found[0].limit_bytes), _with_headers(send, path))
        except _TooLarge:
            self.tallies["413"] += 1
            await _close(scope, receive, _with_headers(send, path), JSONResponse({"detail": "too large"}, 413))

    def _refuse_origin(self, method: str, headers: Headers) -> Response | None:
        host = headers.get("host", "")
        if self._loopback and urlsplit(f"//{host}").hostname not in LOOPBACK:
            return JSONResponse({"detail": "this hub answers on loopback only"}, 421)
        if method not in SAFE and not _same_origin(headers, host):
            return JSONResponse({"detail": "refused: the request came from another origin"}, 403)
        return None

    async def _who(self, headers: Headers) -> Person:
        if self._accounts is None:
            return OPERATOR
        token = read_cookie(headers)
        if not token:
            return VISITOR
        return await asyncio.to_thread(self._accounts.find, token) or VISITOR

    def _refuse_person(self, method: str, path: str, headers: Headers, person: Person) -> Response | None:
        found = find(method, path)
        if found is None:  # not even said to be missing, to whoever has not signed in
            return JSONResponse({"detail": "no such address"}, 404) if person.is_signed_in else _sign_in(headers, path)
        rule, branch = found
        if not may(person, rule.right, branch):
            if not person.is_signed_in:
                return _sign_in(headers, path)
            log.warning("refused: %s asked for %s", person.name, rule.right)
            return JSONResponse({"detail": "not yours to see or do"}, 403)
        return _refuse_size(rule, headers) or self._refuse_forgery(rule, method, headers, person)

    def _refuse_forgery(self, rule: Rule, method: str, headers: Headers, person: Person) -> Response | None:
        if method in SAFE or not rule.csrf or self._accounts is None:
            return None
        if hmac.compare_digest(headers.get("x-csrf-token", "").encode(), person.csrf.encode()) and person.csrf:
            return None
        return JSONResponse({"detail": "refused: the session's token is missing (X-CSRF-Token)"}, 403)


def read_cookie(headers: Headers) -> str:
    """The session's token, or an empty text."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None and len(found.value) <= 100 else ""


def _same_origin(headers: Headers, host: str) -> bool:
    """Browsers say where a request comes from; programs that say nothing are not a visitor's browser."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == host


def _sign_in(headers: Headers, path: str) -> Response:
    if "text/html" in headers.get("accept", ""):
        return RedirectResponse(f"/sign-in?next={quote(path)}", 303)
    return JSONResponse({"detail": "sign in first"}, 401)


def _refuse_size(rule: Rule, headers: Headers) -> Response | None:
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > rule.limit_bytes:
        return JSONResponse({"detail": f"at most {rule.limit_bytes} bytes"}, 413)
    return None


def _bounded(receive: Receive, limit_bytes: int) -> Receive:
    """`receive` that counts: a body without a declared length is bounded, too."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit_bytes:
                raise _TooLarge
        return message

    return counted


def _with_headers(send: Send, path: str) -> Send:
    desk = path.startswith("/desk/")
    static = path.startswith(("/static/", "/_nicegui/"))

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers[name] = value
            if desk:  # a teller's call
                headers["Permissions-Policy"] = CALLING
            headers["Content-Security-Policy"] = DESK if desk else STRICT
            if not static:
                headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return guarded


async def _close(scope: Scope, receive: Receive, send: Send, refusal: Response) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await refusal(scope, receive, send)


def unguarded(paths: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of (method, path) pairs those that no rule covers; a test keeps this empty."""
    return [(method, path) for method, path in paths if find(method, path) is None]
