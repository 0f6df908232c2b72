"""Leaving: at once everywhere, taken back within the time of grace, and for good after it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from users_world import API, GOOD_PASSWORD, Person, World
from vitrine_kit.db import Database
from vitrine_users.housekeeping import go_round


@pytest_asyncio.fixture
async def shop(make_world: Any) -> AsyncIterator[World]:
    """The service as it runs in production, where an account waits for seven days."""
    async with make_world(deletion_grace_days=7) as found:
        yield found


async def leave(shop: World, person: Person) -> Any:
    return await shop.send(person, "DELETE", "/me", json={"password": GOOD_PASSWORD})


async def go(shop: World) -> None:
    database: Database = shop.app.extensions["vitrine"].database
    await go_round(database)


async def exists(shop: World, person: Person) -> bool:
    found = "SELECT count(*) FROM users.accounts WHERE id = $1"
    return bool(await shop.sql.fetchval(found, person.id))


async def let_time_pass(shop: World, person: Person) -> None:
    await shop.sql.execute("UPDATE users.accounts SET erase_after = now() WHERE id = $1", person.id)


async def test_leaving_ends_every_sign_in_at_once_and_erases_nothing_yet(shop: World) -> None:
    person = await shop.person()
    session = (await shop.begin_session(person.email))["session"]

    answer = await leave(shop, person)

    assert answer.status_code == 202
    assert answer.json()["erase_after"] is not None
    assert (await shop.get(person, "/me")).status_code == 401
    assert (await shop.refresh(person.tokens["refresh_token"])).status_code == 401
    assert (await shop.exchange(session)).status_code == 401
    await go(shop)
    assert await exists(shop, person)


async def test_rule_28_a_personal_token_counts_for_nothing_while_the_account_waits(shop: World) -> None:
    person = await shop.person()
    body = {"name": "nightly", "scopes": [], "expires_in_days": 30}
    made = await shop.send(person, "POST", "/me/tokens", json=body)
    assert made.status_code == 201, made.text
    bearer = {"Authorization": f"Bearer {made.json()['token']}"}
    before = await shop.client.get("/edge/identity", headers=bearer)

    await leave(shop, person)
    during = await shop.client.get("/edge/identity", headers=bearer)
    await shop.sign_in(person.email)
    after = await shop.client.get("/edge/identity", headers=bearer)

    assert (before.status_code, during.status_code, after.status_code) == (204, 401, 204)


async def test_after_the_time_of_grace_the_person_is_erased_and_the_others_are_told(shop: World) -> None:
    person = await shop.person(name="Wilhelmina Vanishing")
    await leave(shop, person)
    await let_time_pass(shop, person)

    await go(shop)

    assert not await exists(shop, person)
    event = await shop.sql.fetchrow("SELECT * FROM users.outbox WHERE aggregate_id = $1", str(person.id))
    assert event["topic"] == "person.deleted"
    assert json.loads(event["payload"]) == {"person_id": str(person.id)}
    for table in await shop.sql.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'users'"):
        rows = await shop.sql.fetch(f'SELECT t::text AS row FROM users."{table["tablename"]}" t')
        text = "\n".join(row["row"] for row in rows)
        assert person.email not in text, table
        assert "Wilhelmina" not in text, table


async def test_signing_in_takes_it_back(shop: World) -> None:
    by_api, by_browser = await shop.person(), await shop.person()
    for person in (by_api, by_browser):
        await leave(shop, person)
    assert (await shop.sign_in(by_api.email)).status_code == 201
    await shop.begin_session(by_browser.email)

    due = "SELECT count(*) FROM users.accounts WHERE erase_after IS NOT NULL AND id = ANY($1)"
    assert await shop.sql.fetchval(due, [by_api.id, by_browser.id]) == 0


async def test_the_mails_link_takes_it_back_once_and_signs_nobody_in(shop: World) -> None:
    person = await shop.person()
    await leave(shop, person)
    token = await shop.link_to(person.email, "keep-account")

    answers = await asyncio.gather(
        *(shop.client.post(f"{API}/deletions/cancel", json={"token": token}) for _ in range(50))
    )

    assert sorted(answer.status_code for answer in answers) == [204] + [410] * 49, "rule 46"
    assert all("set-cookie" not in answer.headers for answer in answers)
    await go(shop)
    assert await exists(shop, person)


async def test_leaving_needs_the_password(shop: World) -> None:
    person = await shop.person()

    for body in ({}, {"password": "not my password at all"}):
        answer = await shop.send(person, "DELETE", "/me", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "password"


async def test_several_workers_erase_each_account_once(shop: World) -> None:
    people = [await shop.person() for _ in range(4)]
    for person in people:
        await leave(shop, person)
        await let_time_pass(shop, person)

    await asyncio.gather(*(go(shop) for _ in range(3)))

    told = "SELECT count(*) FROM users.outbox WHERE aggregate_id = ANY($1)"
    assert await shop.sql.fetchval(told, [str(person.id) for person in people]) == 4


async def test_a_shop_keeps_its_last_owner(shop: World, owner: Person) -> None:
    """Two owners leave; the one whose time comes last stays, and can hand the shop on."""
    others = (
        "SELECT account_id FROM users.account_roles a JOIN users.roles r ON r.id = a.role_id"
        " WHERE r.name = 'owner'"
    )
    kept = await shop.sql.fetch(others)
    second = await shop.person("owner")
    assert (await leave(shop, second)).status_code == 202
    await shop.sql.execute(
        "DELETE FROM users.account_roles WHERE account_id = ANY($1) AND role_id ="
        " (SELECT id FROM users.roles WHERE name = 'owner')",
        [row["account_id"] for row in kept],
    )
    try:
        await let_time_pass(shop, second)
        await go(shop)
        assert await exists(shop, second)
        due = "SELECT erase_after FROM users.accounts WHERE id = $1"
        assert await shop.sql.fetchval(due, second.id) is None
    finally:
        for row in kept:
            await shop.give(row["account_id"], "owner")
        await shop.sql.execute("DELETE FROM users.accounts WHERE id = $1", second.id)


@pytest.mark.parametrize("token", ["", "x" * 129, "no-such-link"])
async def test_a_strange_token_is_refused(shop: World, token: str) -> None:
    answer = await shop.client.post(f"{API}/deletions/cancel", json={"token": token})

    assert answer.status_code in {410, 422}
