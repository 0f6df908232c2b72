"""An OpenID Provider that behaves, or misbehaves as a test tells it to: served over HTTP on the loopback."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "vitrine", "a secret with % and + and :"

Change = Callable[[dict[str, Any]], None]


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class ScriptedProvider:
    """Knows one client; whoever it is told of signs in."""

    issuer: str = ""
    key: RSAKey | ECKey | OKPKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "one"}))
    algorithm: str = "ES256"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The claims of those who have a code, by code."""
    change_claims: Change = lambda claims: None
    change_header: Change = lambda header: None
    change_metadata: Change = lambda metadata: None
    change_answer: Change = lambda answer: None
    sign: Callable[[dict[str, Any], dict[str, Any]], str] | None = None
    published: list[dict[str, Any]] | None = None
    userinfo: dict[str, Any] | None = None
    failing: bool = False
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    def approve(self, url: str, **person: Any) -> dict[str, str]:
        """Somebody signs in and agrees; returns what the browser comes back with."""
        asked = dict(parse_qsl(urlsplit(url).query))
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        self.people[code] = {"sub": "ann", **person}
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    async def metadata(self, _request: web.Request) -> web.Response:
        self.asked.append("metadata")
        found: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?kept=1",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
        }
        self.change_metadata(found)
        return self._answer(found)

    async def jwks(self, _request: web.Request) -> web.Response:
        self.asked.append("jwks")
        keys = [self.key.as_dict(private=False)] if self.published is None else self.published
        return self._answer({"keys": keys})

    async def token(self, request: web.Request) -> web.Response:
        self.asked.append("token")
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        if not self._knows(request, form):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = encoded(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        access_token = secrets.token_urlsafe(16)
        answer = {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": 60,
            "id_token": self.id_token(asked, self.people[form["code"]], access_token),
        }
        self.change_answer(answer)
        return self._answer(answer)

    def id_token(self, asked: dict[str, str], person: dict[str, Any], access_token: str) -> str:
        now = int(time.time())
        header = {"alg": self.algorithm, "kid": "one"}
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 60,
            "auth_time": now,
            "nonce": asked["nonce"],
            "at_hash": encoded(half),
            **person,
        }
        self.change_header(header)
        self.change_claims(claims)
        if self.sign is not None:
            return self.sign(header, claims)
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])

    async def tell(self, request: web.Request) -> web.Response:
        self.asked.append("userinfo")
        return web.Response(status=404) if self.userinfo is None else self._answer(self.userinfo)

    def _knows(self, request: web.Request, form: dict[str, str]) -> bool:
        kind, _, given = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, secret = base64.b64decode(given).decode().partition(":")
            return (unquote(name), unquote(secret)) == (CLIENT_ID, CLIENT_SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)

    def _answer(self, value: dict[str, Any]) -> web.Response:
        if self.failing:
            return web.Response(status=503, text="<h1>away</h1>")
        return web.json_response(value)


@asynccontextmanager
async def scripted_provider() -> AsyncIterator[ScriptedProvider]:
    """A provider on a free port of the loopback."""
    made = ScriptedProvider()
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", made.metadata),
            web.get("/jwks", made.jwks),
            web.post("/token", made.token),
            web.get("/userinfo", made.tell),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    made.issuer = f"http://127.0.0.1:{port}"
    try:
        yield made
    finally:
        await runner.cleanup()


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A token that says it needs no signature."""
    return _joined({**header, "alg": "none"}, claims) + "."


def signed_with_the_public_key(key: ECKey | RSAKey | OKPKey) -> Callable[..., str]:
    """Signs with HS256, the secret being what everybody can read of the key (RFC 8725, section 2.1)."""
    secret = key.as_pem(private=False)

    def sign(header: dict[str, Any], claims: dict[str, Any]) -> str:
        signed = _joined({**header, "alg": "HS256"}, claims)
        return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"

    return sign


def _joined(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return ".".join(encoded(orjson.dumps(part)) for part in (header, claims))
