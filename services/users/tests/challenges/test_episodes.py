"""That challenges are asked for is told in the audit log: once when it begins, once when it is over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from users_world import API, GOOD_PASSWORD, World
from vitrine_kit.service import ServiceState
from vitrine_users.challenges.pressure import network_of
from vitrine_users.housekeeping import go_round

FEW = 3
ATTACKED = {
    "challenge_after_network": FEW,
    "challenge_after_all": 0,
    "challenge_window_s": 600,
    "sign_in_burst": 1000,
}


@pytest_asyncio.fixture
async def shop(make_world: Any) -> AsyncIterator[World]:
    async with make_world(**ATTACKED) as world:
        yield world
        # For whoever shares the database: this world's failures do not go on counting.
        await world.sql.execute("DELETE FROM users.rate_limit; DELETE FROM users.challenge_episodes")


async def fail(world: World, address: str, tries: int = FEW + 1) -> list[int]:
    """Signs in with wrong passwords; the statuses."""
    body = {"email": world.some_email(), "password": "not the password"}
    headers = {"X-Real-IP": address}
    return [
        (await world.client.post(f"{API}/tokens", json=body, headers=headers)).status_code
        for _ in range(tries)
    ]


async def keep_house(world: World) -> None:
    service: ServiceState = world.app.extensions["vitrine"]
    assert service.database is not None
    await go_round(service.database)


async def told(world: World, scope: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """What the audit log says of challenges asked of this network, or of everybody, oldest first."""
    rows = await world.sql.fetch(
        "SELECT action, details, actor_id, subject_id FROM users.audit_log"
        " WHERE action LIKE 'challenge.%' AND details @> $1::jsonb ORDER BY \"position\"",
        json.dumps(scope),
    )
    assert {(row["actor_id"], row["subject_id"]) for row in rows} <= {(None, None)}
    return [(row["action"], json.loads(row["details"])) for row in rows]


async def let_it_end(world: World) -> None:
    """Makes it so that the last failures are one window ago."""
    await world.sql.execute(
        "UPDATE users.challenge_episodes SET begun_at = begun_at - interval '11 min', ends_at = now();"
        "UPDATE users.rate_limit SET even_at = even_at - interval '10 min'"
    )


async def test_an_attack_of_a_network_is_told_when_it_begins_and_when_it_ends(shop: World) -> None:
    address = shop.some_address()
    scope = {"network": network_of(address)}

    assert await fail(shop, address, FEW - 1) == [401] * (FEW - 1)
    await keep_house(shop)
    assert await told(shop, scope) == [], "nobody is asked yet"
    assert (await fail(shop, address))[-1] == 429
    await keep_house(shop)
    await fail(shop, address)
    await keep_house(shop)
    assert await told(shop, scope) == [("challenge.begun", scope)], "once, however many tries there are"

    await let_it_end(shop)
    await keep_house(shop)
    await keep_house(shop)
    begun, (action, details) = await told(shop, scope)
    assert begun == ("challenge.begun", scope)
    assert action == "challenge.ended"
    assert details["network"] == scope["network"]
    assert 600 <= details["lasted_s"] <= 1200

    await fail(shop, address)
    await keep_house(shop)
    assert [action for action, _ in await told(shop, scope)][2:] == ["challenge.begun"], "another attack"


async def test_an_attack_from_everywhere_is_told_as_that(make_world: Any) -> None:
    changes = ATTACKED | {"challenge_after_network": 0, "challenge_after_all": FEW}
    async with make_world(**changes) as world:
        await let_it_end(world)
        await keep_house(world)
        before = len(await told(world, {"everywhere": True}))
        for _ in range(FEW + 1):
            await fail(world, world.some_address(), 1)
        await keep_house(world)
        assert [one[0] for one in await told(world, {"everywhere": True})][before:] == ["challenge.begun"]
        await let_it_end(world)
        await keep_house(world)
        await world.sql.execute("DELETE FROM users.rate_limit")
        found = [one[0] for one in await told(world, {"everywhere": True})][before:]

    assert found == ["challenge.begun", "challenge.ended"]


async def test_a_refused_registration_counts_though_all_else_of_it_is_undone(shop: World) -> None:
    address = shop.some_address()
    headers = {"X-Real-IP": address}
    for number in range(FEW + 2):
        body = {"email": shop.some_email(), "password": GOOD_PASSWORD, "name": "N"}
        answer = await shop.client.post(
            f"{API}/registrations", json=body, headers={**headers, "Idempotency-Key": f"{address}-{number}"}
        )
    assert answer.status_code == 429

    await keep_house(shop)

    scope = {"network": network_of(address)}
    assert await told(shop, scope) == [("challenge.begun", scope)]
