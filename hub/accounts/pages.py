"""Signing in and out: a form for local accounts, and the way to the bank's own sign-in (`oidc.py`).

After either the browser holds one cookie: not readable by scripts, not sent along from other sites.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from html import escape
from typing import Annotated, Final

from fastapi import FastAPI, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from hub.accounts.accounts import LONGEST, Accounts, SignInFailed
from hub.accounts.guard import COOKIE
from hub.accounts.rights import Person
from hub.html import both, head, sheet
from hub.labels import Labels, Pair

log = logging.getLogger(__name__)

FAILED: Final[dict[str, Pair]] = {
    "wrong": ("账号或密码不对，请再试一次。", "Name or password is not right. Please try again."),
    "wait": ("试的次数太多，请过一会儿再试。", "Too many attempts. Please wait a little."),
    "busy": ("现在登录的人很多，请再试一次。", "Many people are signing in. Please try again."),
    "elsewhere": ("统一登录没有成功，请再试一次。", "The bank's sign-in did not work. Please try again."),
    "over": ("登录已到时，请重新登录。", "Your session is over. Please sign in again."),
}


@dataclass(frozen=True, slots=True)
class Oidc:
    """The bank's sign-in: issuer's URL and this hub's client there. The secret comes from `YINGBIN_OIDC_SECRET`."""

    issuer: str
    client: str


def add_signing_in(app: FastAPI, accounts: Accounts, labels: Labels, oidc: Oidc | None) -> None:
    """The pages of signing in and out."""

    @app.get("/sign-in", response_class=HTMLResponse, include_in_schema=False)
    def form(next: str = "/", why: str = "") -> str:
        return _form(labels, _inside(next), why, oidc is not None)

    @app.post("/sign-in", include_in_schema=False)
    def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=80)],
        password: Annotated[str, Form(max_length=200)],
        next: Annotated[str, Form(max_length=200)] = "/",
    ) -> Response:
        address = request.client.host if request.client else ""
        try:
            token = accounts.sign_in(name, password, address)
        except SignInFailed as err:
            log.warning("sign-in refused: %s", err.code)
            status = 401 if err.code == "wrong" else 429
            waiting = {"Retry-After": str(int(err.wait_s) + 1)} if status == 429 else None
            return HTMLResponse(_form(labels, _inside(next), err.code, oidc is not None), status, waiting)
        return signed_in(request, token, _inside(next))

    @app.post("/sign-out", include_in_schema=False)
    def sign_out(request: Request) -> Response:
        person: Person = request.state.person
        accounts.sign_out(person)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    if oidc is not None:
        from hub.accounts.oidc import add_oidc  # its libraries are large

        add_oidc(app, accounts, oidc)


def signed_in(request: Request, token: str, to: str) -> Response:
    """Send the browser on, with its cookie."""
    response = RedirectResponse(to, 303)
    response.set_cookie(
        COOKIE, token, max_age=int(LONGEST.total_seconds()), httponly=True, samesite="lax",
        secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


def _inside(address: str) -> str:
    """Only a path of this hub: nobody is sent to another site after signing in."""
    return address if address.startswith("/") and not address.startswith(("//", "/\\")) else "/"


def _form(labels: Labels, to: str, why: str, elsewhere: bool) -> str:
    said = f'<p class="failed" role="alert">{both(FAILED[why])}</p>' if why in FAILED else ""
    words = both(("用银行统一登录", "Use the bank's own sign-in"))
    other = f'<a class="other" href="/sign-in/oidc">{words}</a>' if elsewhere else ""
    body = f"""{head(labels, "")}<main class="one"><section class="sheet signing-in">
<h2>{both(("登录", "Sign in"))}</h2>{said}
<form method="post" action="/sign-in"><input type="hidden" name="next" value="{escape(to)}">
<label>{both(("账号", "Name"))}<input name="name" autocomplete="username" required maxlength="80" autofocus></label>
<label>{both(("密码", "Password"))}<input name="password" type="password" autocomplete="current-password" required
 maxlength="200"></label>
<button class="primary">{both(("登录", "Sign in"))}</button></form>{other}</section></main>"""
    return sheet(f"登录 · {labels.bank[0]}", body, css="plain")
