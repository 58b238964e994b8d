"""A simulated sign-in of a bank: OpenID Connect's code flow with PKCE over real HTTP, in a process of its own.

`python -m tests.hub.simulated_oidc WHO`: one JSON line says where. It asks for no password: the file WHO says who
sits at the browser, so a test decides it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI, Form, HTTPException
from fastapi.responses import RedirectResponse
from joserfc import jwk, jwt

CLIENT, SECRET = "yingbin", "not-a-secret-of-anybody"


def application(issuer: str, who: Path) -> FastAPI:
    app = FastAPI()
    key = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    other = jwk.RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
    codes: dict[str, dict[str, str]] = {}

    @app.get("/.well-known/openid-configuration")
    def configuration() -> dict[str, Any]:
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "jwks_uri": f"{issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    @app.get("/keys")
    def keys() -> dict[str, Any]:
        return {"keys": [key.as_dict(private=False)]}

    @app.get("/authorize")
    def authorize(
        client_id: str, redirect_uri: str, state: str, nonce: str, code_challenge: str, code_challenge_method: str
    ) -> RedirectResponse:
        if client_id != CLIENT or code_challenge_method != "S256":
            raise HTTPException(400)
        code = secrets.token_urlsafe()
        codes[code] = {"nonce": nonce, "challenge": code_challenge, "to": redirect_uri}
        return RedirectResponse(f"{redirect_uri}?code={code}&state={state}", 302)

    @app.post("/token")
    def token(code: str = Form(), code_verifier: str = Form(), redirect_uri: str = Form()) -> dict[str, Any]:
        asked = codes.pop(code, None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["challenge"] != challenge or asked["to"] != redirect_uri:
            raise HTTPException(400)
        told = json.loads(who.read_text())
        now = int(time.time())
        claims = {
            "iss": issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "sub": told["name"],
            "preferred_username": told["name"],
            "groups": told["groups"],
            **told.get("claims", {}),
        }
        signer = other if told.get("forged") else key
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, signer)
        return {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 300, "id_token": signed}

    return app


def main(who: Path) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}"
    print(json.dumps({"ready": True, "issuer": issuer, "simulated": True}), flush=True)
    uvicorn.Server(uvicorn.Config(application(issuer, who), log_level="error")).run([listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
