"""Groups by SCIM: roles, given and taken by the rules that hold elsewhere."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from scim_world import GROUP, PATCH, Provisioner, provisioner
from users_world import World


@pytest_asyncio.fixture(scope="module")
async def directory(world: World) -> Provisioner:
    return await provisioner(world)


async def roles_of(world: World, account_id: str) -> set[str]:
    rows = await world.sql.fetch(
        "SELECT name FROM users.roles r JOIN users.account_roles a ON a.role_id = r.id WHERE a.account_id = $1::uuid",
        account_id,
    )
    return {row["name"] for row in rows}


async def test_the_built_in_roles_are_groups_but_customer(directory: Provisioner) -> None:
    found = (await directory.ask("GET", "/Groups", params={"count": "200"})).json()["Resources"]
    names = {group["displayName"] for group in found}

    assert {"owner", "admin", "editor", "viewer"} <= names
    assert "customer" not in names


async def test_membership_gives_and_takes_a_role(directory: Provisioner) -> None:
    world = directory.world
    editor, user = await directory.built_in("editor"), await directory.user()
    path = f"/Groups/{editor['id']}"

    added = await directory.patch(path, {"op": "add", "path": "members", "value": [{"value": user["id"]}]})

    assert added.status_code == 200, added.text
    assert await roles_of(world, user["id"]) == {"customer", "editor"}
    shown = (await directory.ask("GET", f"/Users/{user['id']}")).json()
    assert [(group["display"], group["value"]) for group in shown["groups"]] == [("editor", editor["id"])]
    assert shown["groups"][0]["$ref"].endswith(path)
    removed = await directory.patch(path, {"op": "remove", "path": f'members[value eq "{user["id"]}"]'})
    assert removed.status_code == 200
    assert await roles_of(world, user["id"]) == {"customer"}
    # As Microsoft Entra says it.
    await directory.patch(path, {"op": "Add", "path": "members", "value": [{"value": user["id"]}]})
    entra = await directory.patch(path, {"op": "Remove", "path": "members", "value": [{"value": user["id"]}]})
    assert entra.status_code == 200, entra.text
    assert await roles_of(world, user["id"]) == {"customer"}


async def test_a_group_of_the_directorys_is_a_role_that_allows_nothing(directory: Provisioner) -> None:
    world = directory.world
    user = await directory.user()
    group = await directory.group(
        displayName="Größere Käufe (EU)", externalId="g-1", members=[{"value": user["id"]}]
    )

    role = await world.sql.fetchrow("SELECT * FROM users.roles WHERE id = $1::uuid", group["id"])
    assert role["name"] == "grossere-kaufe-eu"
    assert await roles_of(world, user["id"]) == {"customer", "grossere-kaufe-eu"}
    assert (group["displayName"], group["externalId"]) == ("Größere Käufe (EU)", "g-1")
    assert [member["value"] for member in group["members"]] == [user["id"]]
    again = await directory.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "GRÖSSERE KÄUFE (EU)"})
    assert again.status_code in {201, 409}, "upper-case ß is another letter to some"
    same = await directory.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "größere käufe (eu)"})
    assert (same.status_code, same.json()["scimType"]) == (409, "uniqueness")
    renamed = await directory.patch(
        f"/Groups/{group['id']}", {"op": "replace", "path": "displayName", "value": "Other"}
    )
    assert renamed.json()["displayName"] == "Other"
    assert (await directory.ask("DELETE", f"/Groups/{group['id']}")).status_code == 204
    assert await roles_of(world, user["id"]) == {"customer"}
    assert (await directory.ask("GET", f"/Groups/{group['id']}")).status_code == 404


async def test_put_makes_the_members_those_it_names(directory: Provisioner) -> None:
    first, second = await directory.user(), await directory.user()
    group = await directory.group(members=[{"value": first["id"]}])

    put = await directory.ask(
        "PUT",
        f"/Groups/{group['id']}",
        {"schemas": [GROUP], "displayName": group["displayName"], "members": [{"value": second["id"]}]},
    )

    assert put.status_code == 200, put.text
    assert [member["value"] for member in put.json()["members"]] == [second["id"]]
    assert len(await roles_of(directory.world, first["id"])) == 1


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "displayName", "value": "bosses"},
        {"op": "remove", "path": "displayName"},
    ],
)
async def test_built_in_roles_keep_their_names(directory: Provisioner, operation: dict[str, Any]) -> None:
    group = await directory.built_in("viewer")

    answer = await directory.patch(f"/Groups/{group['id']}", operation)

    assert (answer.status_code, answer.json()["scimType"]) == (400, "mutability"), answer.text
    assert (await directory.ask("DELETE", f"/Groups/{group['id']}")).status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        [{"value": str(uuid4())}],
        [{"value": "nobody"}],
        [{"display": "no value"}],
        [{"value": str(uuid4()), "type": "Group"}],
        "everybody",
        [["x"]],
    ],
)
async def test_members_that_are_nobody_are_refused(directory: Provisioner, members: Any) -> None:
    group = await directory.group()

    answer = await directory.patch(
        f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": members}
    )

    assert answer.status_code == 400, answer.text
    assert answer.json()["status"] == "400"


async def test_nobody_gives_more_than_they_may_do(world: World) -> None:
    """Rule 45: neither an admin, who gives no roles, nor an owner's token with fewer scopes than the role gives."""
    by_admin = await provisioner(world, owner=await world.person("admin"))
    narrow = await provisioner(world, "users:scim", "users:roles")
    full = await provisioner(world)
    owners, user = await full.built_in("owner"), await full.user()
    body = {"op": "add", "path": "members", "value": [{"value": user["id"]}]}

    assert (await by_admin.patch(f"/Groups/{owners['id']}", body)).status_code == 403
    assert (
        await by_admin.ask("POST", "/Groups", {"schemas": [GROUP], "displayName": "Mine"})
    ).status_code == 403
    assert (await narrow.patch(f"/Groups/{owners['id']}", body)).status_code == 403
    assert await roles_of(world, user["id"]) == {"customer"}
    assert (await full.patch(f"/Groups/{owners['id']}", body)).status_code == 200
    await full.ask("DELETE", f"/Users/{user['id']}")


async def test_whoever_loses_the_last_role_is_a_customer(directory: Provisioner) -> None:
    person = await directory.world.person("viewer")
    viewer = await directory.built_in("viewer")

    members = f'members[value eq "{person.id}"]'
    assert (
        await directory.patch(f"/Groups/{viewer['id']}", {"op": "remove", "path": members})
    ).status_code == 200

    assert await roles_of(directory.world, str(person.id)) == {"customer"}
    entry = await directory.world.sql.fetchrow(
        "SELECT actor_id, details FROM users.audit_log WHERE subject_id = $1 AND action = 'account.roles_changed'"
        " ORDER BY position DESC LIMIT 1",
        person.id,
    )
    assert entry["actor_id"] == directory.owner.id
    assert json.loads(entry["details"]) == {"before": ["viewer"], "after": ["customer"], "by": "scim"}


async def test_roles_for_staff_need_a_confirmed_address(directory: Provisioner) -> None:
    """As elsewhere: somebody who registered with another's address cannot come by a role."""
    account_id, _ = await directory.world.registered()
    editor = await directory.built_in("editor")

    added = await directory.patch(
        f"/Groups/{editor['id']}", {"op": "add", "path": "members", "value": [{"value": str(account_id)}]}
    )

    assert added.status_code == 409
    assert await roles_of(directory.world, str(account_id)) == {"customer"}


async def test_a_change_of_members_counts_as_a_change_of_theirs(directory: Provisioner) -> None:
    user, group = await directory.user(), await directory.group()

    await directory.patch(
        f"/Groups/{group['id']}", {"op": "add", "path": "members", "value": [{"value": user["id"]}]}
    )

    after = (await directory.ask("GET", f"/Users/{user['id']}")).json()
    assert after["meta"]["version"] != user["meta"]["version"]


async def test_of_many_at_once_each_is_done(directory: Provisioner) -> None:
    """Two directories that change the same members at once wait for each other, and lose nothing."""
    group = await directory.group()
    users = [await directory.user() for _ in range(6)]
    path = f"/Groups/{group['id']}"

    answers = await asyncio.gather(
        *(
            directory.patch(path, {"op": "add", "path": "members", "value": [{"value": u["id"]}]})
            for u in users
        )
    )

    assert {answer.status_code for answer in answers} == {200}
    found = (await directory.ask("GET", path)).json()
    assert {member["value"] for member in found["members"]} == {user["id"] for user in users}


async def test_too_many_members_at_once_are_refused(directory: Provisioner) -> None:
    group = await directory.group()
    members = [{"value": str(uuid4())} for _ in range(501)]

    answer = await directory.ask(
        "PATCH",
        f"/Groups/{group['id']}",
        {"schemas": [PATCH], "Operations": [{"op": "add", "path": "members", "value": members}]},
    )

    assert (answer.status_code, answer.json()["scimType"]) == (400, "tooMany")
