"""Users by SCIM: kept in step, barred and erased, by the rules that hold elsewhere."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
import pytest_asyncio
from scim_world import PATCH, USER, Provisioner, provisioner
from users_world import World
from vitrine_users.roles.models import CUSTOMER


@pytest_asyncio.fixture(scope="module")
async def directory(world: World) -> Provisioner:
    return await provisioner(world)


def some_address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def test_a_user_is_made_read_and_erased(directory: Provisioner) -> None:
    email = some_address()
    made = await directory.ask(
        "POST",
        "/Users",
        {
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
            "userName": email,
            "externalId": "a-17",
            "name": {"givenName": "Ann", "familyName": "Example"},
            "title": "what nobody here knows",
            "emails": [{"value": "other@example.com", "type": "work"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "Shop"},
            "preferredLanguage": "de-DE",
            "timezone": "Europe/Berlin",
        },
    )
    body = made.json()

    assert made.status_code == 201
    assert made.headers["Content-Type"] == "application/scim+json"
    assert made.headers["Location"] == body["meta"]["location"]
    assert body["meta"]["location"].endswith(f"/api/users/scim/v2/Users/{body['id']}")
    assert made.headers["ETag"] == body["meta"]["version"]
    assert (body["userName"], body["active"], body["externalId"]) == (email, True, "a-17")
    assert body["emails"] == [{"value": email, "type": "work", "primary": True}]
    assert "title" not in body
    row = await directory.world.sql.fetchrow("SELECT * FROM users.accounts WHERE email_key = $1", email)
    assert (row["name"], row["locale"], row["time_zone"]) == ("Ann Example", "de", "Europe/Berlin")
    assert row["email_verified_at"] is not None
    assert row["password_hash"] is None
    read = await directory.ask("GET", f"/Users/{body['id']}")
    assert read.json() == body
    same = await directory.ask("GET", f"/Users/{body['id']}", headers={"If-None-Match": read.headers["ETag"]})
    assert same.status_code == 304
    assert (await directory.ask("DELETE", f"/Users/{body['id']}")).status_code == 204
    gone = await directory.ask("GET", f"/Users/{body['id']}")
    assert (gone.status_code, gone.json()["status"]) == (404, "404")


async def test_active_bars_and_lets_in_again(directory: Provisioner) -> None:
    world = directory.world
    person = await world.person()

    off = await directory.patch(f"/Users/{person.id}", {"op": "Replace", "path": "active", "value": "False"})

    assert off.status_code == 200, off.text
    assert off.json()["active"] is False
    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.sign_in(person.email)).status_code == 403
    on = await directory.patch(f"/Users/{person.id}", {"op": "replace", "value": {"active": True}})
    assert on.json()["active"] is True
    assert (await world.sign_in(person.email)).status_code == 201


async def test_put_unsets_what_it_leaves_out_and_does_not_let_a_barred_user_in(
    directory: Provisioner,
) -> None:
    user = await directory.user(externalId="x", name={"givenName": "Ann", "familyName": "Old"}, active=False)

    put = await directory.ask(
        "PUT", f"/Users/{user['id']}", {"schemas": [USER], "userName": user["userName"], "displayName": "New"}
    )

    assert put.status_code == 200, put.text
    assert (put.json()["displayName"], put.json()["active"]) == ("New", False)
    assert "externalId" not in put.json()
    assert "name" not in put.json()


async def test_patches_reach_into_names_and_are_all_or_nothing(directory: Provisioner) -> None:
    user = await directory.user(name={"givenName": "Ann", "familyName": "Old"})
    path = f"/Users/{user['id']}"

    done = await directory.patch(
        path,
        {"op": "replace", "path": "name.familyName", "value": "New"},
        {"op": "add", "path": f"{USER}:externalId", "value": "x-1"},
    )
    failed = await directory.patch(
        path,
        {"op": "replace", "path": "displayName", "value": "Never"},
        {"op": "replace", "path": "userName", "value": "no address"},
    )

    assert (done.json()["name"]["familyName"], done.json()["externalId"]) == ("New", "x-1")
    assert (failed.status_code, failed.json()["scimType"]) == (400, "invalidValue")
    account = await directory.ask("GET", path)
    assert "displayName" not in account.json()
    name = await directory.world.sql.fetchval(
        "SELECT name FROM users.accounts WHERE email_key = $1", user["userName"]
    )
    assert name == "Ann New"


async def test_what_a_patch_says_of_emails_is_left_aside_as_in_other_requests(directory: Provisioner) -> None:
    user = await directory.user()
    path = f"/Users/{user['id']}"

    entra = await directory.patch(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "other@example.com"},
        {"op": "Replace", "value": {"displayName": "Ann", "emails": [{"value": "other@example.com"}]}},
    )
    alone = await directory.patch(
        path, {"op": "add", "path": "emails", "value": [{"value": "o@example.com"}]}
    )

    assert entra.status_code == alone.status_code == 200, (entra.text, alone.text)
    assert (alone.json()["displayName"], alone.json()["emails"][0]["value"]) == ("Ann", user["userName"])


async def test_what_a_person_calls_themselves_is_shown(directory: Provisioner) -> None:
    world = directory.world
    person = await world.person(name="First Name")
    await directory.patch(
        f"/Users/{person.id}", {"op": "add", "path": "displayName", "value": "By Directory"}
    )
    await world.send(person, "PATCH", "/me", json={"name": "By Themselves"})

    assert (await directory.ask("GET", f"/Users/{person.id}")).json()["displayName"] == "By Themselves"


async def test_another_address_is_told_to_both_and_kept_unique(directory: Provisioner) -> None:
    world = directory.world
    user, other = await directory.user(), await directory.user()
    new = some_address()

    done = await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": new})
    taken = await directory.patch(
        f"/Users/{user['id']}", {"op": "replace", "path": "userName", "value": other["userName"].upper()}
    )

    assert done.json()["userName"] == new
    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    for address in (user["userName"], new):
        assert [mail["template"] for mail in await world.mails_to(address)] == ["address-changed"]
    again = await directory.ask("POST", "/Users", {"schemas": [USER], "userName": new.upper()})
    assert (again.status_code, again.json()["scimType"]) == (409, "uniqueness")


async def test_stale_changes_are_refused(directory: Provisioner) -> None:
    user = await directory.user()
    path, version = f"/Users/{user['id']}", user["meta"]["version"]
    body = {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "A"}]}

    first = await directory.ask("PATCH", path, body, headers={"If-Match": version})
    second = await directory.ask("PATCH", path, body, headers={"If-Match": version})
    gone = await directory.ask("DELETE", path, headers={"If-Match": version})

    assert first.status_code == 200
    assert first.json()["meta"]["version"] != version
    assert second.status_code == gone.status_code == 412


async def test_nobody_reaches_beyond_their_rights(world: World) -> None:
    """Rule 45: an admin's directory does nothing to an owner; a token does no more than its scopes."""
    owner, admin = await world.person("owner"), await world.person("admin")
    by_admin = await provisioner(world, owner=admin)
    path = f"/Users/{owner.id}"

    for answer in (
        await by_admin.patch(path, {"op": "replace", "path": "active", "value": False}),
        await by_admin.patch(path, {"op": "replace", "path": "userName", "value": some_address()}),
        await by_admin.ask("DELETE", path),
        await by_admin.ask("PUT", path, {"schemas": [USER], "userName": some_address()}),
    ):
        assert answer.status_code == 403
        assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    narrow = await provisioner(world, "users:scim", owner=owner)
    assert (await narrow.ask("DELETE", f"/Users/{admin.id}")).status_code == 403
    assert (await narrow.ask("GET", f"/Users/{admin.id}")).status_code == 200
    without = await provisioner(world, "users:read", owner=owner)
    assert (await without.ask("GET", "/Users")).status_code == 403


async def test_the_last_owner_stays(world: World) -> None:
    owners = await world.sql.fetch(
        "SELECT account_id FROM users.account_roles WHERE role_id = (SELECT id FROM users.roles WHERE name = 'owner')"
    )
    directory = await provisioner(world)
    await world.sql.execute(
        "UPDATE users.accounts SET suspended_at = now() WHERE id = ANY($1::uuid[]) AND suspended_at IS NULL",
        [row["account_id"] for row in owners],
    )
    try:
        path = f"/Users/{directory.owner.id}"
        assert (await directory.ask("DELETE", path)).status_code == 409
        barred = await directory.patch(path, {"op": "replace", "path": "active", "value": False})
        assert barred.status_code == 409
        owner_group = await directory.built_in("owner")
        members = f'members[value eq "{directory.owner.id}"]'
        left = await directory.patch(f"/Groups/{owner_group['id']}", {"op": "remove", "path": members})
        assert left.status_code == 409
    finally:
        await world.sql.execute(
            "UPDATE users.accounts SET suspended_at = NULL WHERE id = ANY($1::uuid[])",
            [row["account_id"] for row in owners],
        )


async def test_rule_48_what_a_directory_does_is_in_the_audit_log(directory: Provisioner) -> None:
    user = await directory.user()
    await directory.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    await directory.ask("DELETE", f"/Users/{user['id']}")

    rows = await directory.world.sql.fetch(
        "SELECT action, actor_id FROM users.audit_log WHERE subject_id = $1::uuid ORDER BY position",
        user["id"],
    )
    assert [row["action"] for row in rows] == ["account.provisioned", "account.suspended", "account.erased"]
    assert {row["actor_id"] for row in rows} == {directory.owner.id}


async def test_a_new_user_is_a_customer_and_no_more(directory: Provisioner) -> None:
    user = await directory.user()
    held = await directory.world.sql.fetch(
        "SELECT name FROM users.roles r JOIN users.account_roles a ON a.role_id = r.id WHERE a.account_id = $1::uuid",
        user["id"],
    )

    assert [row["name"] for row in held] == [CUSTOMER]
    assert "groups" not in user


PATCHES: list[Any] = [
    7,
    [],
    {},
    {"schemas": [PATCH]},
    {"schemas": [PATCH], "Operations": []},
    {"schemas": [PATCH], "Operations": [{"op": "explode", "path": "active"}]},
    {"schemas": [PATCH], "Operations": [{"op": "remove"}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active", "value": "perhaps"}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "active[", "value": True}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "id", "value": "mine"}]},
    {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "userName"}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "x" * 500}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": "\u0000"}]},
    {"schemas": [PATCH], "Operations": [{"op": "replace", "path": "displayName", "value": {"a": 1}}]},
    {"schemas": ["urn:nothing"], "Operations": [{"op": "add", "path": "displayName", "value": "x"}]},
]


@pytest.mark.parametrize("body", PATCHES)
async def test_bad_patches_are_refused_in_scims_own_words(directory: Provisioner, body: Any) -> None:
    user = await directory.user()

    answer = await directory.world.client.patch(
        f"/api/users/scim/v2/Users/{user['id']}", json=body, headers=directory.headers
    )

    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"] == "application/scim+json"
    assert answer.json()["status"] == "400"
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


@pytest.mark.parametrize(
    "body",
    [
        7,
        [],
        "text",
        {},
        {"schemas": [USER]},
        {"schemas": [USER], "userName": "no address"},
        {"schemas": [USER], "userName": 7},
        {"schemas": [USER], "userName": "x" * 400 + "@example.com"},
        {"schemas": [USER], "userName": "ann@example.com", "displayName": "a\u0007b"},
        {"schemas": [USER], "userName": "ann@example.com", "externalId": "x" * 300},
        {"schemas": [USER], "userName": "ann@example.com", "active": []},
        {"schemas": [USER], "userName": "ann@example.com", "name": "Ann"},
    ],
)
async def test_bad_users_are_refused(directory: Provisioner, body: Any) -> None:
    answer = await directory.ask("POST", "/Users", body, headers={"Content-Type": "application/scim+json"})

    assert answer.status_code == 400, answer.text
    assert answer.json()["status"] == "400"


async def test_other_media_types_and_unknown_parameters_are_refused(directory: Provisioner) -> None:
    text = await directory.ask("POST", "/Users", {}, headers={"Content-Type": "text/plain"})
    unknown = await directory.ask("GET", "/Users", params={"page": "2"})
    broken = await directory.world.client.post(
        "/api/users/scim/v2/Users",
        content=b"{",
        headers=directory.headers | {"Content-Type": "application/scim+json"},
    )

    assert text.status_code == 415
    assert unknown.status_code == broken.status_code == 400
    for answer in (text, unknown, broken):
        assert answer.headers["Content-Type"] == "application/scim+json"


@pytest.mark.parametrize("name", ["6c668a88-950b-4cd5-a15d-75c95a8f10df", "not-an-id", "..%2f"])
async def test_what_is_not_there_is_404_in_scims_own_words(directory: Provisioner, name: str) -> None:
    for answer in (
        await directory.ask("GET", f"/Users/{name}"),
        await directory.ask("DELETE", f"/Groups/{name}"),
        await directory.ask("GET", f"/Schemas/{name}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["status"] == "404"
        assert answer.headers["Content-Type"] == "application/scim+json"
