"""What tests of applications do again and again: register one, sign somebody in to it, exchange codes."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from users_world import Person, World

BACK = "https://app.example/back?kept=1"
AFTER = "https://app.example/bye"


@dataclass
class Program:
    """An application as its own code sees it."""

    world: World
    id: str
    secret: str | None
    verifiers: dict[str, str] = field(default_factory=dict)

    def request(self, **changes: Any) -> dict[str, str]:
        """An authorization request; remembers the verifier by the state. None leaves a parameter out."""
        state, verifier = secrets.token_urlsafe(8), secrets.token_urlsafe(32)
        self.verifiers[state] = verifier
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        found = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": BACK,
            "scope": "openid profile email",
            "state": state,
            "nonce": "a nonce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    async def ask(self, query: dict[str, str], session: str | None = None, **more: Any) -> dict[str, Any]:
        """What users says the browser does next."""
        body = {"query": query, "session": session, **more}
        answer = await self.world.client.post(
            "/internal/authorizations", json=body, headers=self.world.neighbour()
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def answered(
        self, query: dict[str, str], session: str | None = None, **more: Any
    ) -> dict[str, str]:
        """What comes back to the application."""
        step = await self.ask(query, session, **more)
        assert step["outcome"] == "redirect", step
        assert step["url"].startswith(query["redirect_uri"])
        return dict(parse_qsl(urlsplit(step["url"]).query))

    async def code(self, session: str, **changes: Any) -> dict[str, str]:
        """A code for somebody who agrees, as the token endpoint wants it."""
        query = self.request(**changes)
        found = await self.answered(query, session, decision="allow")
        return {
            "grant_type": "authorization_code",
            "code": found["code"],
            "redirect_uri": query["redirect_uri"],
            "code_verifier": self.verifiers[query["state"]],
        }

    async def post(self, path: str, form: dict[str, str], **options: Any) -> httpx.Response:
        """A request of the application, with its secret in the header where it has one."""
        options.setdefault("auth", None if self.secret is None else (self.id, self.secret))
        sent = form if options["auth"] is not None else {"client_id": self.id, **form}
        headers = {"X-Real-IP": self.world.some_address(), **options.pop("headers", {})}
        return await self.world.client.post(f"/oauth2/{path}", data=sent, headers=headers, **options)

    async def tokens(self, session: str, **changes: Any) -> dict[str, Any]:
        """The tokens of somebody who agrees."""
        answer = await self.post("token", await self.code(session, **changes))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def userinfo(self, access_token: str) -> httpx.Response:
        return await self.world.client.get(
            "/oauth2/userinfo", headers={"Authorization": f"Bearer {access_token}"}
        )


async def registered(world: World, owner: Person, *, confidential: bool = True) -> Program:
    """A new application."""
    body = {
        "name": "Wiki",
        "redirect_uris": [BACK, "http://127.0.0.1:9000/back", "com.example.app:/back"],
        "logout_uris": [AFTER],
        "confidential": confidential,
    }
    answer = await world.send(owner, "POST", "/applications", json=body)
    assert answer.status_code == 201, answer.text
    return Program(world, answer.json()["id"], answer.json()["client_secret"])


async def session_of(world: World, person: Person) -> str:
    """A browser of the person."""
    found: str = (await world.begin_session(person.email))["session"]
    return found
