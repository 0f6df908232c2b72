"""The staff's view of accounts: lists, changes, roles, and who may rule over whom."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from users_world import API, Person, World


async def test_the_list_is_newest_first_and_pages_without_gaps(world: World, owner: Person) -> None:
    tag = f"Pager{uuid4().hex[:8]}"
    made = [await world.registered(name=f"{tag} {n}") for n in range(5)]
    wanted = [str(account_id) for account_id, _email in reversed(made)]

    seen, address = [], f"{API}/users?q={tag}&limit=2"
    pages = 0
    while address:
        answer = await world.client.get(address, headers=owner.headers)
        assert answer.status_code == 200
        seen += [item["id"] for item in answer.json()["items"]]
        address = answer.json()["next"]
        pages += 1

    assert seen == wanted
    assert pages == 3


async def test_filters_by_role_address_and_text(world: World, owner: Person) -> None:
    editor = await world.person("editor", name="Percent %_ Sign")

    by_email = await world.get(owner, "/users", params={"email": editor.email.upper()})
    by_role = await world.get(owner, "/users", params={"role": "editor", "q": "%_"})
    as_customer = await world.get(owner, "/users", params={"role": "customer", "email": editor.email})
    no_address = await world.get(owner, "/users", params={"email": "not an address"})

    assert [item["id"] for item in by_email.json()["items"]] == [str(editor.id)]
    assert [item["id"] for item in by_role.json()["items"]] == [str(editor.id)]
    assert as_customer.json() == no_address.json() == {"items": [], "next": None}


@pytest.mark.parametrize("after", ["x", "!!!", "bnVsbA", "WyJhIl0", "W10", "", "WzFd", "A" * 2000, "\u00e9"])
async def test_a_cursor_that_is_not_ours_is_refused_by_name(world: World, owner: Person, after: str) -> None:
    answer = await world.get(owner, "/users", params={"after": after})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "after"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "colour=red", "q=", "q=%00", "role=a&role=b"]
)
async def test_a_wrong_query_is_refused_by_name(world: World, owner: Person, query: str) -> None:
    answer = await world.client.get(f"{API}/users?{query}", headers=owner.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.partition("=")[0]


async def test_one_account_with_its_tag(world: World, owner: Person) -> None:
    person = await world.person()

    answer = await world.get(owner, f"/users/{person.id}")

    assert answer.status_code == 200
    assert answer.json()["email"] == person.email
    again = await world.get(owner, f"/users/{person.id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
async def test_an_unknown_account_is_not_found(world: World, owner: Person, method: str) -> None:
    body = {"json": {"name": "Nobody"}} if method == "PATCH" else {}

    assert (await world.send(owner, method, f"/users/{uuid4()}", **body)).status_code == 404


async def test_roles_and_name_change_together_and_count_at_the_next_request(
    world: World, owner: Person
) -> None:
    person = await world.person()
    assert (await world.get(person, "/users")).status_code == 403

    answer = await world.send(
        owner, "PATCH", f"/users/{person.id}", json={"roles": ["editor", "viewer"], "name": "Eddy Torr"}
    )

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["editor", "viewer"]
    assert answer.json()["name"] == "Eddy Torr"
    assert (await world.get(person, "/me")).json()["permissions"] != []


async def test_a_role_taken_away_counts_at_the_next_request(world: World, owner: Person) -> None:
    admin = await world.person("admin")
    assert (await world.get(admin, "/users")).status_code == 200

    await world.send(owner, "PATCH", f"/users/{admin.id}", json={"roles": []})

    refused = await world.get(admin, "/users")
    assert refused.status_code == 403
    assert refused.json()["permission"] == "users:read"


async def test_an_unknown_role_is_named(world: World, owner: Person) -> None:
    person = await world.person()

    answer = await world.send(owner, "PATCH", f"/users/{person.id}", json={"roles": ["wizard", "editor"]})

    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"field": "roles", "message": "There is no such role: wizard."}]
    assert (await world.get(owner, f"/users/{person.id}")).json()["roles"] == ["customer"]


async def test_only_who_may_give_roles_gives_roles(world: World) -> None:
    admin, person = await world.person("admin"), await world.person()

    answer = await world.send(admin, "PATCH", f"/users/{person.id}", json={"roles": ["editor"]})

    assert answer.status_code == 403
    assert answer.json()["permission"] == "users:roles"
    assert (
        await world.send(admin, "PATCH", f"/users/{person.id}", json={"name": "Allowed"})
    ).status_code == 200


async def test_nobody_rules_over_who_may_do_more(world: World, owner: Person) -> None:
    admin = await world.person("admin")

    renamed = await world.send(admin, "PATCH", f"/users/{owner.id}", json={"name": "Pwned"})
    erased = await world.send(admin, "DELETE", f"/users/{owner.id}")

    assert (renamed.status_code, erased.status_code) == (403, 403)
    assert (await world.get(owner, "/me")).json()["name"] == "Olive Owner"


async def test_nobody_gives_what_they_have_not_got(world: World) -> None:
    registrar, person = await world.person("admin"), await world.person()
    # A role of the shop's own: it may give roles, and edits nothing.
    await world.sql.execute(
        "WITH r AS (INSERT INTO users.roles (id, name, description, position)"
        " VALUES (gen_random_uuid(), 'registrar', 'Gives roles.', 9) RETURNING id)"
        " INSERT INTO users.role_permissions SELECT r.id, p.id FROM r, users.permissions p"
        " WHERE p.name LIKE 'users:%'"
    )
    try:
        await world.give(registrar.id, "registrar")
        tokens = (await world.sign_in(registrar.email)).json()
        registrar.tokens = tokens

        too_much = await world.send(registrar, "PATCH", f"/users/{person.id}", json={"roles": ["editor"]})
        owner_role = await world.send(registrar, "PATCH", f"/users/{person.id}", json={"roles": ["owner"]})
        within = await world.send(registrar, "PATCH", f"/users/{person.id}", json={"roles": ["registrar"]})

        assert (too_much.status_code, owner_role.status_code) == (403, 403)
        assert within.json()["roles"] == ["registrar"]
    finally:
        await world.sql.execute(
            "DELETE FROM users.account_roles USING users.roles r WHERE r.id = role_id AND r.name = 'registrar'"
        )
        await world.sql.execute("DELETE FROM users.roles WHERE name = 'registrar'")


async def test_staff_erases_an_account_and_the_services_are_told(world: World, owner: Person) -> None:
    person = await world.person()

    answer = await world.send(owner, "DELETE", f"/users/{person.id}")

    assert answer.status_code == 204
    assert (await world.get(person, "/me")).status_code == 401
    assert (
        await world.sql.fetchval("SELECT count(*) FROM users.outbox WHERE aggregate_id = $1", str(person.id))
        == 1
    )


async def test_changes_and_erasure_honour_if_match(world: World, owner: Person) -> None:
    person = await world.person()
    old = {"If-Match": (await world.get(owner, f"/users/{person.id}")).headers["ETag"]}
    await world.send(person, "PATCH", "/me", json={"name": "Changed Meanwhile"})

    changed = await world.send(owner, "PATCH", f"/users/{person.id}", json={"name": "Mine"}, headers=old)
    erased = await world.send(owner, "DELETE", f"/users/{person.id}", headers=old)

    assert (changed.status_code, erased.status_code) == (412, 412)


async def test_the_last_owner_can_neither_be_erased_nor_demoted(world: World, owner: Person) -> None:
    others = await world.sql.fetch(
        "DELETE FROM users.account_roles USING users.roles r WHERE r.id = role_id AND r.name = 'owner'"
        " AND account_id <> $1 RETURNING account_id, role_id",
        owner.id,
    )
    try:
        demoted = await world.send(owner, "PATCH", f"/users/{owner.id}", json={"roles": ["admin"]})
        erased = await world.send(owner, "DELETE", f"/users/{owner.id}")
        left = await world.send(owner, "DELETE", "/me", json={"password": owner.password})
    finally:
        await world.sql.executemany(
            "INSERT INTO users.account_roles (account_id, role_id) VALUES ($1, $2)",
            [tuple(row) for row in others],
        )

    assert (demoted.status_code, erased.status_code, left.status_code) == (409, 409, 409)
    assert "last owner" in demoted.json()["detail"]
    assert (await world.get(owner, "/me")).json()["roles"] == ["owner"]


async def test_two_last_owners_who_demote_each_other_at_once_do_not_both_succeed(
    world: World, owner: Person
) -> None:
    first, second = await world.person("owner"), await world.person("owner")
    others = await world.sql.fetch(
        "DELETE FROM users.account_roles USING users.roles r WHERE r.id = role_id AND r.name = 'owner'"
        " AND account_id <> ALL($1::uuid[]) RETURNING account_id, role_id",
        [first.id, second.id],
    )
    try:
        answers = await asyncio.gather(
            world.send(first, "PATCH", f"/users/{second.id}", json={"roles": []}),
            world.send(second, "PATCH", f"/users/{first.id}", json={"roles": []}),
        )
        left = await world.sql.fetchval(
            "SELECT count(*) FROM users.account_roles a JOIN users.roles r ON r.id = a.role_id WHERE r.name = 'owner'"
        )
    finally:
        await world.sql.executemany(
            "INSERT INTO users.account_roles (account_id, role_id) VALUES ($1, $2)",
            [tuple(row) for row in others],
        )

    assert left == 1
    assert sorted(answer.status_code for answer in answers)[0] == 200
    assert sorted(answer.status_code for answer in answers)[1] in {403, 409}


async def test_an_owner_may_step_down_while_there_is_another(world: World, owner: Person) -> None:
    second = await world.person("owner")

    answer = await world.send(second, "PATCH", f"/users/{second.id}", json={"roles": ["editor"]})

    assert answer.status_code == 200
    assert answer.json()["roles"] == ["editor"]
