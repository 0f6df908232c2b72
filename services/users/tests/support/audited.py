"""What is done by the service's own functions, and what the audit log then says of it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from users_world import Person, World

FROM = "192.0.2.77"
DAY_S = 86400


async def done(world: World, step: Callable[[AsyncSession], Awaitable[Any]]) -> Any:
    """Does this in a transaction of its own."""
    async with world.app.extensions["vitrine"].database.transaction() as session:
        return await step(session)


async def last_entry(world: World, person: Person) -> dict[str, Any]:
    """The latest audit entry about the person's account."""
    row = await world.sql.fetchrow(
        "SELECT action, actor_id, outcome, address, details FROM users.audit_log"
        " WHERE subject_id = $1 ORDER BY position DESC LIMIT 1",
        person.id,
    )
    return {**row, "details": json.loads(row["details"])}


def entry(action: str, actor_id: UUID | None, details: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Such an entry of something that was done from FROM."""
    return {
        "action": action, "actor_id": actor_id, "outcome": "success", "address": FROM, "details": details, **changes,
    }  # fmt: skip


def left_s(moment: datetime) -> float:
    """Seconds from now."""
    return (moment - datetime.now(UTC)).total_seconds()
