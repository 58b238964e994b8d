"""The bank's own sign-in over OpenID Connect, by authlib: code flow with state, nonce and PKCE.

What somebody may do here is what the bank's groups say at that moment; the hub keeps no password of theirs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from typing import Annotated, Any, Final

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response
from httpx import HTTPError
from starlette.middleware.sessions import SessionMiddleware

from hub.accounts.accounts import Accounts, SignInFailed
from hub.accounts.pages import Oidc, signed_in
from hub.accounts.rights import Grant, read_grant

log = logging.getLogger(__name__)

GROUP_PREFIX: Final = "yingbin:"
OIDC_S: Final = 5.0


def add_oidc(app: FastAPI, accounts: Accounts, oidc: Oidc) -> None:
    """The way to the bank's sign-in and back."""
    # state, nonce and the code's verifier live in a short signed cookie between the two requests
    secret = os.environ.get("YINGBIN_WEB_SECRET") or secrets.token_urlsafe(32)
    app.add_middleware(SessionMiddleware, secret_key=secret, session_cookie="yb_oidc", max_age=600, same_site="lax")
    client: Any = OAuth().register(
        "bank",
        client_id=oidc.client,
        client_secret=os.environ.get("YINGBIN_OIDC_SECRET", ""),
        server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile groups", "code_challenge_method": "S256", "timeout": OIDC_S},
    )

    @app.get("/sign-in/oidc", include_in_schema=False)
    async def away(request: Request) -> Response:
        try:
            return await client.authorize_redirect(request, str(request.url_for("back")))  # type: ignore[no-any-return]
        except (HTTPError, OAuthError, OSError) as err:
            log.error("the bank's sign-in does not answer: %s", type(err).__name__)
            return RedirectResponse("/sign-in?why=elsewhere", 303)

    @app.get("/sign-in/oidc/back", include_in_schema=False, name="back")
    async def back(request: Request, code: Annotated[str, Query(max_length=2000)] = "") -> Response:
        try:
            found = await client.authorize_access_token(request)  # checks state, nonce, signature, audience, times
            said: dict[str, Any] = dict(found.get("userinfo") or {})
            granted = grants_in(said.get("groups"))
            name = str(said.get("preferred_username") or said.get("sub", ""))
            token = await asyncio.to_thread(
                accounts.sign_in_elsewhere, str(said["iss"]), str(said["sub"]), name, granted
            )
        except (OAuthError, HTTPError, SignInFailed, KeyError, ValueError, OSError) as err:
            log.warning("the bank's sign-in was refused: %s", type(err).__name__)
            return RedirectResponse("/sign-in?why=elsewhere", 303)
        request.session.clear()
        return signed_in(request, token, "/")


def grants_in(groups: object) -> list[Grant]:
    """What the bank's groups say about this hub ('yingbin:clerk:binjiang'); other groups are not ours."""
    found = []
    for group in groups if isinstance(groups, list) else []:
        if isinstance(group, str) and group.startswith(GROUP_PREFIX):
            try:
                found.append(read_grant(group.removeprefix(GROUP_PREFIX)))
            except ValueError:
                log.warning("a group of the bank names no role of ours")
    return found
