"""Suspension: it counts at the next request, and the shop never loses its last owner by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest
import pytest_asyncio
from users_world import GOOD_PASSWORD, Person, World, living
from vitrine_kit.testing import Keys, service_environment


@pytest_asyncio.fixture(scope="module")
async def own_world(make_database: Any, keys: Keys) -> AsyncIterator[World]:
    """A world whose only owners are a test's own."""
    async with make_database() as database:
        connection = await asyncpg.connect(database.admin_url)
        async with living(service_environment("users", keys, database), connection, keys) as world:
            yield world
        await connection.close()


async def suspend(world: World, actor: Person, whom: Person) -> httpx.Response:
    return await world.send(actor, "PUT", f"/users/{whom.id}/suspension", json={"reason": "unpaid"})


async def test_rule_28_a_suspended_person_is_refused_at_the_next_request(world: World) -> None:
    admin, person = await world.person("admin"), await world.person("viewer")
    browser = await world.begin_session(person.email)
    token = (
        await world.send(
            person,
            "POST",
            "/me/tokens",
            json={"name": "t", "scopes": ["catalog:read_drafts"], "expires_in_days": 1},
        )
    ).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await world.client.get("/edge/identity", headers=bearer)).status_code == 204

    assert (await suspend(world, admin, person)).status_code == 204

    assert (await world.get(person, "/me")).status_code == 401
    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await world.client.get("/edge/identity", headers=bearer)).status_code == 401
    assert (await world.sign_in(person.email)).status_code == 403
    assert (await world.sign_in(person.email, "wrong password here")).status_code == 401

    assert (await world.send(admin, "DELETE", f"/users/{person.id}/suspension")).status_code == 204
    assert (await world.sign_in(person.email)).status_code == 201
    assert (await world.exchange(browser["session"])).status_code == 401
    assert (await world.client.get("/edge/identity", headers=bearer)).status_code == 204


async def test_nobody_suspends_somebody_above_or_nobody(world: World, owner: Person) -> None:
    admin = await world.person("admin")

    assert (await suspend(world, admin, owner)).status_code == 403
    nobody = f"/users/{'0192a000-0000-7000-8000-00000000dead'}/suspension"
    assert (await world.send(admin, "PUT", nobody, json={})).status_code == 404
    assert (await world.send(admin, "DELETE", nobody)).status_code == 404


async def test_suspending_twice_is_suspending_once(world: World) -> None:
    admin, person = await world.person("admin"), await world.person()
    for _ in range(2):
        assert (await suspend(world, admin, person)).status_code == 204
    for _ in range(2):
        assert (await world.send(admin, "DELETE", f"/users/{person.id}/suspension")).status_code == 204

    found = await world.sql.fetch(
        "SELECT action FROM users.audit_log WHERE subject_id = $1 AND action LIKE 'account.%suspended'"
        " ORDER BY position",
        person.id,
    )
    assert [row["action"] for row in found] == ["account.suspended", "account.unsuspended"]


@pytest.mark.parametrize("how", ["suspend", "demote", "erase", "leave", "mixed"])
async def test_rule_46_of_owners_who_end_one_another_at_once_one_is_left(own_world: World, how: str) -> None:
    """Four owners; each ends the next one at the same moment, several times over."""
    world = own_world
    for _ in range(3):
        await world.sql.execute("TRUNCATE users.accounts CASCADE")
        owners = [await world.person("owner") for _ in range(4)]

        async def end(number: int) -> int:
            actor, whom = owners[number], owners[(number + 1) % 4]  # noqa: B023
            kind = how if how != "mixed" else ("suspend", "demote", "erase", "leave")[number]
            if kind == "suspend":
                return (await suspend(world, actor, whom)).status_code
            if kind == "demote":
                return (
                    await world.send(actor, "PATCH", f"/users/{whom.id}", json={"roles": ["customer"]})
                ).status_code
            if kind == "erase":
                return (await world.send(actor, "DELETE", f"/users/{whom.id}")).status_code
            return (await world.send(actor, "DELETE", "/me", json={"password": GOOD_PASSWORD})).status_code

        statuses = await asyncio.gather(*(end(number) for number in range(4)))

        left = await world.sql.fetchval(
            "SELECT count(*) FROM users.accounts a JOIN users.account_roles r ON r.account_id = a.id"
            " JOIN users.roles o ON o.id = r.role_id WHERE o.name = 'owner' AND a.suspended_at IS NULL"
            " AND a.erase_after IS NULL"
        )
        assert left >= 1, statuses
        assert set(statuses) <= {200, 202, 204, 401, 403, 404, 409}, statuses
