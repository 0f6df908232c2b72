"""A directory that keeps people in step by SCIM, as a test meets it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import httpx
from rights_preparations import role_made
from users_world import Person, World
from vitrine_users.scim.wire import PREFIX

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
RENAMED = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "Other"}]}
UNTOUCHED = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "externalId", "value": "x"}]}


@dataclass
class Provisioner:
    """A client with an owner's access token of its own."""

    world: World
    owner: Person
    headers: dict[str, str]

    async def ask(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        headers = self.headers | options.pop("headers", {})
        if body is not None:
            headers.setdefault("Content-Type", "application/scim+json")
        return await self.world.client.request(method, PREFIX + path, json=body, headers=headers, **options)

    async def user(self, **members: Any) -> dict[str, Any]:
        """A new user."""
        body = {"schemas": [USER], "userName": f"{secrets.token_hex(6)}@example.com", **members}
        answer = await self.ask("POST", "/Users", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def group(self, **members: Any) -> dict[str, Any]:
        """A new group."""
        body = {"schemas": [GROUP], "displayName": f"Group {secrets.token_hex(6)}", **members}
        answer = await self.ask("POST", "/Groups", body)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def patch(self, path: str, *operations: dict[str, Any]) -> httpx.Response:
        return await self.ask("PATCH", path, {"schemas": [PATCH], "Operations": list(operations)})

    async def built_in(self, name: str) -> dict[str, Any]:
        """The group of a role that every shop has."""
        answer = await self.ask("GET", "/Groups", params={"filter": f'displayName eq "{name}"'})
        found: dict[str, Any] = answer.json()["Resources"][0]
        return found


async def provisioner(world: World, *scopes: str, owner: Person | None = None) -> Provisioner:
    """A directory with a personal access token that may do this; everything its owner may do, by default."""
    owner = owner or await world.person("owner")
    held = (await world.get(owner, "/me")).json()["permissions"]
    body = {"name": "directory", "scopes": list(scopes) or held, "expires_in_days": 1}
    made = await world.send(owner, "POST", "/me/tokens", json=body)
    assert made.status_code == 201, made.text
    exchanged = await world.client.get(
        "/edge/identity", headers={"Authorization": f"Bearer {made.json()['token']}"}
    )
    assert exchanged.status_code == 204, exchanged.text
    return Provisioner(world, owner, {"Authorization": f"Bearer {exchanged.headers['X-Vitrine-Token']}"})


async def group_made(world: World, person: Person) -> dict[str, Any]:
    """A role of the shop's own that nobody holds, and a name no role has."""
    made = await role_made(world, person)
    group_id = await world.sql.fetchval("SELECT id FROM users.roles WHERE name = $1", made["{role}"])
    return {"{group}": str(group_id), "{role}": f"Group {secrets.token_hex(4)}"}
