"""The roles a shop starts with."""

from __future__ import annotations

from users_world import Person, World


async def test_the_five_roles_with_what_they_may_do(world: World, owner: Person) -> None:
    answer = await world.get(owner, "/roles")

    assert answer.status_code == 200
    items = [role for role in answer.json()["items"] if role["built_in"]]
    found = {role["name"]: role["permissions"] for role in items}
    assert list(found) == ["owner", "admin", "editor", "viewer", "customer"]
    catalog = ["catalog:import", "catalog:read_drafts", "catalog:write"]
    admins = ["users:audit", "users:read", "users:scim", "users:webhooks", "users:write"]
    owners = ["users:applications", "users:impersonate", "users:mail", "users:roles"]
    assert found["owner"] == sorted([*catalog, *admins, *owners])
    assert found["admin"] == [*catalog, *admins]
    assert found["editor"] == catalog
    assert found["viewer"] == ["catalog:read_drafts"]
    assert found["customer"] == []
    assert all(role["description"] for role in items)
