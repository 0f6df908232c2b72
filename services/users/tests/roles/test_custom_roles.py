"""A shop's own roles: made of permissions, bounded by who makes them, and gone only when nobody holds them."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx
import pytest
from users_world import Person, World


def some_name() -> str:
    return f"role-{secrets.token_hex(4)}"


async def make(world: World, actor: Person, **changes: Any) -> httpx.Response:
    body = {"name": some_name(), "description": "Packs.", "permissions": ["catalog:read_drafts"], **changes}
    return await world.send(actor, "POST", "/roles", json=body)


async def test_a_role_of_ones_own_gives_what_it_says(world: World, owner: Person) -> None:
    name = (await make(world, owner, permissions=["users:read"])).json()["name"]
    person = await world.person(name)
    assert (await world.get(person, "/users")).status_code == 200

    changed = await world.send(owner, "PATCH", f"/roles/{name}", json={"permissions": []})

    assert changed.json()["permissions"] == []
    assert changed.json()["description"] == "Packs."
    assert (await world.get(person, "/users")).status_code == 403, "it counts at the next request"


async def test_built_in_roles_stay_as_they_are(world: World, owner: Person) -> None:
    for name in ("owner", "admin", "editor", "viewer", "customer"):
        assert (
            await world.send(owner, "PATCH", f"/roles/{name}", json={"permissions": []})
        ).status_code == 409
        assert (await world.send(owner, "DELETE", f"/roles/{name}")).status_code == 409


async def test_a_role_that_is_held_is_not_deleted(world: World, owner: Person) -> None:
    name = (await make(world, owner)).json()["name"]
    person = await world.person(name)

    assert (await world.send(owner, "DELETE", f"/roles/{name}")).status_code == 409
    await world.give(person.id, "customer")
    assert (await world.send(owner, "DELETE", f"/roles/{name}")).status_code == 204
    assert (await world.send(owner, "DELETE", f"/roles/{name}")).status_code == 404
    assert (await world.send(owner, "PATCH", f"/roles/{name}", json={})).status_code == 404


async def test_a_role_says_how_many_hold_it(world: World, owner: Person) -> None:
    made = (await make(world, owner)).json()
    assert made["holders"] == 0
    await world.person(made["name"])
    await world.person(made["name"])

    roles = (await world.get(owner, "/roles")).json()["items"]

    assert {role["name"]: role["holders"] for role in roles}[made["name"]] == 2


async def test_a_role_that_an_invitation_promises_is_not_deleted(world: World, owner: Person) -> None:
    name = (await make(world, owner)).json()["name"]
    body = {"email": world.some_email(), "roles": [name]}
    invitation = await world.send(owner, "POST", "/invitations", json=body)
    assert invitation.status_code == 201, invitation.text

    refused = await world.send(owner, "DELETE", f"/roles/{name}")
    assert refused.status_code == 409
    assert "invitation" in refused.json()["detail"]
    await world.send(owner, "DELETE", f"/invitations/{invitation.json()['id']}")
    assert (await world.send(owner, "DELETE", f"/roles/{name}")).status_code == 204


async def test_nobody_makes_or_changes_a_role_beyond_their_own_rights(world: World, owner: Person) -> None:
    maker_role = (await make(world, owner, permissions=["users:roles", "users:read"])).json()["name"]
    above = (await make(world, owner, permissions=["users:write"])).json()["name"]
    maker = await world.person(maker_role)

    assert (await make(world, maker, permissions=["users:write"])).status_code == 403
    assert (await make(world, maker, permissions=["users:read"])).status_code == 201
    assert (await world.send(maker, "PATCH", f"/roles/{above}", json={"permissions": []})).status_code == 403
    assert (await world.send(maker, "DELETE", f"/roles/{above}")).status_code == 403
    assert (
        await world.send(maker, "PATCH", f"/roles/{maker_role}", json={"permissions": ["users:write"]})
    ).status_code == 403


async def test_of_two_roles_of_one_name_one_is_made(world: World, owner: Person) -> None:
    name = some_name()

    answers = await asyncio.gather(*(make(world, owner, name=name) for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Packer"},
        {"name": "a b"},
        {"name": ""},
        {"permissions": "users:read"},
        {"description": None},
        {"colour": 1},
    ],
)
async def test_nonsense_is_refused(world: World, owner: Person, changes: dict[str, Any]) -> None:
    assert (await make(world, owner, **changes)).status_code == 422


async def test_an_unknown_permission_is_refused_and_tells_nothing_is_held(
    world: World, owner: Person
) -> None:
    assert (await make(world, owner, permissions=["no:such"])).status_code in {403, 422}


async def test_permissions_are_listed(world: World, owner: Person) -> None:
    items = (await world.get(owner, "/permissions")).json()["items"]

    assert {"users:audit", "users:impersonate", "catalog:write"} <= {item["name"] for item in items}
