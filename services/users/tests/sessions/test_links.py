"""One-time sign-in links: good once, for half an hour, for one account."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
from users_world import Person, World
from vitrine_users.sessions import service


async def link_for(world: World, person: Person) -> str:
    database = world.app.extensions["vitrine"].database
    async with database.transaction() as session:
        return (await service.make_link(session, person.id, ttl_s=1800)).secret


async def redeem(world: World, token: str, **more: Any) -> httpx.Response:
    body = {"token": token, "user_agent": "tests", "address": world.some_address(), **more}
    return await world.client.post("/internal/sign-in-links/redeem", json=body, headers=world.neighbour())


async def test_a_link_signs_in_without_a_password(world: World) -> None:
    person = await world.person()
    token = await link_for(world, person)

    answer = await redeem(world, token)

    assert answer.status_code == 201
    assert answer.json()["user"]["id"] == str(person.id)
    assert (await world.exchange(answer.json()["session"])).status_code == 200
    method = await world.sql.fetchval(
        "SELECT method FROM users.browser_sessions WHERE account_id = $1", person.id
    )
    assert method == "link"


async def test_of_fifty_redemptions_at_once_exactly_one_wins(world: World) -> None:
    person = await world.person()
    token = await link_for(world, person)

    answers = await asyncio.gather(*(redeem(world, token) for _ in range(50)))

    assert sorted(answer.status_code for answer in answers) == [201] + [410] * 49
    assert (
        await world.sql.fetchval(
            "SELECT count(*) FROM users.browser_sessions WHERE account_id = $1", person.id
        )
        == 1
    )


async def test_a_used_an_old_and_an_unknown_link_are_answered_alike(world: World) -> None:
    used, old = await world.person(), await world.person()
    used_token, old_token = await link_for(world, used), await link_for(world, old)
    await redeem(world, used_token)
    await world.sql.execute("UPDATE users.sign_in_links SET expires_at = now() WHERE account_id = $1", old.id)

    answers = [await redeem(world, token) for token in (used_token, old_token, "unknown", "é")]

    assert {answer.status_code for answer in answers} == {410}
    assert len({answer.json()["detail"] for answer in answers}) == 1


async def test_a_newer_link_makes_the_older_one_worthless(world: World) -> None:
    person = await world.person()
    older, newer = await link_for(world, person), await link_for(world, person)

    assert (await redeem(world, older)).status_code == 410
    assert (await redeem(world, newer)).status_code == 201


async def test_only_the_digest_of_a_link_is_stored(world: World) -> None:
    person = await world.person()
    token = await link_for(world, person)

    rows = await world.sql.fetch("SELECT l::text AS row FROM users.sign_in_links l")

    assert len(token) == 43
    assert not any(token in row["row"] for row in rows)


async def test_redeeming_is_limited_by_address(make_world: Any) -> None:
    async with make_world(sign_in_burst=1) as world:
        address, started = world.some_address(), time.monotonic()
        answers = await asyncio.gather(*(redeem(world, f"guess-{n}", address=address) for n in range(60)))
        seconds = time.monotonic() - started

    statuses = [answer.status_code for answer in answers]
    assert set(statuses) <= {410, 429}
    assert 30 <= statuses.count(410) <= 30 + seconds + 1
