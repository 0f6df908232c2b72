"""What must be there before a route about webhooks can be asked; for the access tests."""

from __future__ import annotations

from typing import Any

from users_world import Person, World
from vitrine_users.webhooks import service


async def room_for_one(world: World, person: Person) -> dict[str, Any]:
    """No webhooks of former cases: there can be fifty."""
    await world.sql.execute("DELETE FROM users.webhook_endpoints")
    return {}


async def webhook_made(world: World, person: Person) -> dict[str, Any]:
    """A webhook."""
    await room_for_one(world, person)
    async with world.app.extensions["vitrine"].database.transaction() as session:
        row, _ = await service.create(
            session,
            url="https://hooks.example.org/",
            description="",
            event_types=["user.created"],
            include_email=False,
            actor_id=person.id,
            address="192.0.2.1",
        )
    return {"{webhook}": str(row["id"])}


async def delivery_made(world: World, person: Person) -> dict[str, Any]:
    """A webhook that a test event waits for."""
    made = await webhook_made(world, person)
    async with world.app.extensions["vitrine"].database.transaction() as session:
        endpoint = await service.hold_endpoint(session, made["{webhook}"])
        row = await service.send_test(session, endpoint, actor_id=person.id)
    return {**made, "{delivery}": str(row["id"])}
