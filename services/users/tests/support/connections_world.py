"""What tests of connections do again and again: send a browser to a provider, and bring it back."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx
from scripted_provider import CLIENT_ID, CLIENT_SECRET
from users_world import World


def offering(**issuers: str) -> list[dict[str, Any]]:
    """The setting for these providers, by slug."""
    return [
        {
            "slug": slug,
            "name": slug.title(),
            "issuer": issuer,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        for slug, issuer in issuers.items()
    ]


@dataclass
class Visitor:
    """One browser: its cookie for visits, and its session where somebody is signed in."""

    world: World
    binding: str | None = None
    session: str | None = None
    address: str = field(default_factory=lambda: ".".join(str(b) for b in secrets.token_bytes(4)))

    async def leave(self, provider: str, purpose: str = "sign-in", **more: Any) -> str:
        """Sends the browser to a provider; returns the address."""
        answer = await self.ask_to_leave(provider, purpose, **more)
        assert answer.status_code == 201, answer.text
        self.binding = answer.json()["binding"]
        found: str = answer.json()["url"]
        return found

    async def ask_to_leave(self, provider: str, purpose: str = "sign-in", **more: Any) -> httpx.Response:
        body = {
            "provider": provider,
            "purpose": purpose,
            "binding": self.binding,
            "session": self.session,
            "address": self.address,
            **more,
        }
        return await self._post("/internal/provider-visits", body)

    async def come_back(self, provider: str, params: dict[str, Any], **more: Any) -> httpx.Response:
        """Comes back from a provider with what it added to the address."""
        body = {
            "provider": provider,
            "binding": self.binding,
            "session": self.session,
            "address": self.address,
            "user_agent": "tests",
            **params,
            **more,
        }
        return await self._post("/internal/provider-visits/return", body)

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        return await self.world.client.post(path, json=body, headers=self.world.neighbour())


def some_person() -> dict[str, Any]:
    """The claims of somebody new, whose address their provider vouches for."""
    name = secrets.token_hex(6)
    return {"sub": name, "email": f"{name}@provider.example", "email_verified": True, "name": f"P {name}"}
