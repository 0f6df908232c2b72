"""What must be there before a route about connections can be asked; for the access tests."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import uuid4

from users_world import Person, World


async def connected(world: World, person: Person) -> dict[str, Any]:
    """An account elsewhere that signs in to the person's."""
    connection_id = uuid4()
    await world.sql.execute(
        "INSERT INTO users.connections (id, account_id, issuer, subject, label) VALUES ($1, $2, $3, $4, '')",
        connection_id,
        person.id,
        "https://issuer.example",
        secrets.token_hex(8),
    )
    return {"{connection}": str(connection_id)}
