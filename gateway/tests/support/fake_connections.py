"""The part of the fake users that knows providers, visits to them, and connections."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_service import NOW, answer, body_of, made_id, refusal

Route = tuple[str, str, Callable[..., httpx.Response]]
PROVIDER = "https://provider.example/authorize?client_id=x&state=s"


@dataclass
class FakeConnections:
    """Providers by slug; whoever comes back with the code `right` is Carl."""

    begin: Callable[[str], str]
    person: Callable[[str], dict[str, Any]]
    offered: dict[str, str] = field(default_factory=dict)
    connections: list[dict[str, Any]] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    away: bool = False
    stale: bool = False
    pending: list[str] | None = None

    def routes(self) -> list[Route]:
        api = "/api/users/v1"
        return [
            ("GET", f"{api}/providers", self.providers),
            ("GET", f"{api}/me/connections", lambda request: answer({"items": self.connections})),
            ("DELETE", f"{api}/me/connections/(.+)", self.disconnect),
            ("POST", "/internal/provider-visits", self.leave),
            ("POST", "/internal/provider-visits/return", self.come_back),
        ]

    def connect(self, slug: str) -> dict[str, Any]:
        made = {
            "id": made_id(slug),
            "provider": self.offered.get(slug, slug),
            "slug": slug if slug in self.offered else None,
            "label": "carl@provider.example",
            "created_at": NOW,
            "last_used_at": None,
        }
        self.connections.append(made)
        return made

    def providers(self, request: httpx.Request) -> httpx.Response:
        return answer({"items": [{"slug": slug, "name": name} for slug, name in self.offered.items()]})

    def disconnect(self, request: httpx.Request, connection_id: str) -> httpx.Response:
        if len(self.connections) == 1:
            return refusal(409, "This is your only way to sign in.")
        self.connections = [one for one in self.connections if one["id"] != connection_id]
        return answer(None, 204)

    def leave(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["provider"] not in self.offered:
            return refusal(404, "There is no such provider.")
        if self.away:
            return refusal(424, "Google cannot be reached right now.")
        if self.stale and body["purpose"] == "connect":
            return refusal(403, "Prove again.", type="/problems/step-up-required", methods=["password"])
        self.visits.append(body)
        made = {"url": PROVIDER, "binding": body["binding"] or "binding-1", "expires_in": 600}
        return answer(made, 201)

    def come_back(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if not self.visits or body["binding"] != "binding-1" or body["state"] != "s":
            return refusal(410, "This sign-in has ended, or was begun elsewhere. Begin again.")
        if body.get("code") != "right":
            return refusal(403, "Google did not sign you in.")
        visit = self.visits.pop()
        found: dict[str, Any] = {
            "purpose": visit["purpose"],
            "provider": "Google",
            "target": visit["target"],
            "begun": None,
            "pending": None,
        }
        if self.pending is not None:
            found["pending"] = {"challenge": "challenge-0", "methods": self.pending, "expires_at": NOW}
        elif visit["purpose"] != "connect":
            session = self.begin("carl@example.org")
            found["begun"] = {
                "session": session,
                "expires_at": "2126-01-01T00:00:00+00:00",
                "user": self.person("carl@example.org"),
            }
        return answer(found)
