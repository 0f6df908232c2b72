"""Since when an endpoint is told: from when it was set up or last switched on, and not of the moments before."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest_asyncio
from users_world import Person, World
from vitrine_users.webhooks.telling import tell_new


@pytest_asyncio.fixture
async def path(world: World, owner: Person) -> str:
    """A webhook that is told of new accounts."""
    body = {"url": "https://hooks.example.org/in", "event_types": ["user.created"]}
    made = await world.send(owner, "POST", "/webhooks", json=body)
    return f"/webhooks/{made.json()['id']}"


async def told(world: World, path: str) -> list[UUID]:
    """Whose accounts it is told of, once all is told."""
    while await tell_new(world.app.extensions["vitrine"].database):
        pass
    rows: list[Any] = await world.sql.fetch(
        "SELECT subject_id FROM users.webhook_deliveries WHERE endpoint_id = $1", UUID(path.split("/")[-1])
    )
    return [row["subject_id"] for row in rows]


async def test_what_happened_while_it_was_off_is_not_told_once_it_is_on_again(
    world: World, owner: Person, path: str
) -> None:
    await world.send(owner, "PATCH", path, json={"enabled": False})
    await world.registered()
    await world.send(owner, "PATCH", path, json={"enabled": True})
    after, _ = await world.registered()

    assert await told(world, path) == [after]


async def test_one_that_is_on_already_misses_nothing_when_it_is_switched_on(
    world: World, owner: Person, path: str
) -> None:
    before, _ = await world.registered()
    await world.send(owner, "PATCH", path, json={"enabled": True})

    assert await told(world, path) == [before]
