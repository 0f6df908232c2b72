"""The part of the fake users that knows roles, what they let people do, and who holds which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from fake_service import NOW, answer, body_of, refusal

API = "/api/users/v1"
PERMISSIONS = (
    "catalog:read_drafts",
    "catalog:write",
    "users:read",
    "users:roles",
    "users:write",
    "users:mail",
)


def built_in() -> dict[str, dict[str, Any]]:
    made = {"owner": PERMISSIONS, "editor": PERMISSIONS[:1], "customer": ()}
    return {
        name: {"name": name, "description": "", "permissions": list(held), "built_in": True}
        for name, held in made.items()
    }


@dataclass
class FakeRoles:
    """Roles by name; what accounts hold, by id."""

    accounts: dict[str, dict[str, Any]]
    roles: dict[str, dict[str, Any]] = field(default_factory=built_in)
    held: dict[str, list[str]] = field(default_factory=dict)
    version: int = 1

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        listed = [{"name": name, "description": f"To {name}"} for name in PERMISSIONS]
        return [
            ("GET", f"{API}/permissions", lambda request: answer({"items": listed})),
            ("GET", f"{API}/roles", lambda request: answer({"items": list(map(self._shown, self.roles))})),
            ("POST", f"{API}/roles", self.create),
            ("PATCH", f"{API}/roles/(.+)", self.change),
            ("DELETE", f"{API}/roles/(.+)", self.delete),
            ("GET", f"{API}/users/([^/]+)", self.person),
            ("PATCH", f"{API}/users/([^/]+)", self.give),
        ]

    def held_by(self, account_id: str) -> list[str]:
        return self.held.get(account_id, ["customer"])

    def _shown(self, name: str) -> dict[str, Any]:
        return {**self.roles[name], "holders": sum(name in held for held in self.held.values())}

    def create(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["name"] in self.roles:
            message = "There is a role with this name already."
            return refusal(409, message, [{"field": "name", "message": message}])
        self.roles[body["name"]] = {**body, "built_in": False}
        return answer(self._shown(body["name"]), 201)

    def change(self, request: httpx.Request, name: str) -> httpx.Response:
        self.roles[name].update(body_of(request))
        return answer(self._shown(name))

    def delete(self, request: httpx.Request, name: str) -> httpx.Response:
        if self._shown(name)["holders"]:
            return refusal(409, "Somebody holds this role. Take it from them first.")
        del self.roles[name]
        return httpx.Response(204)

    def _account(self, account_id: str) -> dict[str, Any] | None:
        return next((one for one in self.accounts.values() if one["id"] == account_id), None)

    def person(self, request: httpx.Request, account_id: str) -> httpx.Response:
        found = self._account(account_id)
        if found is None:
            return refusal(404, "There is no account with this id.")
        shown = {name: found[name] for name in ("id", "email", "name")}
        roles = {"roles": self.held_by(account_id), "created_at": NOW, "suspended_at": None}
        return answer(shown | roles, ETag=f'"{self.version}"')

    def give(self, request: httpx.Request, account_id: str) -> httpx.Response:
        if request.headers["If-Match"] != f'"{self.version}"':
            return refusal(412, "It was changed meanwhile.")
        roles = body_of(request)["roles"]
        if not roles:
            return refusal(409, "This is the shop's last owner.")
        self.held[account_id] = roles
        self.version += 1
        return self.person(request, account_id)
