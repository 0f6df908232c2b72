"""What must be there before a route about applications can be asked; for the access tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from users_world import Person, World


async def application_made(world: World, person: Person) -> dict[str, Any]:
    """An application that has a secret."""
    application_id = uuid4()
    await world.sql.execute(
        "INSERT INTO users.applications (id, name, secret_digest, redirect_uris, logout_uris, signature)"
        " VALUES ($1, 'Wiki', 'x', '{https://app.example/back}', '{}', 'EdDSA')",
        application_id,
    )
    return {"{application}": str(application_id)}


async def application_allowed(world: World, person: Person) -> dict[str, Any]:
    """An application that the person has let in."""
    values = await application_made(world, person)
    await world.sql.execute(
        "INSERT INTO users.application_consents (application_id, account_id, scopes) VALUES ($1, $2, '{openid}')",
        values["{application}"],
        person.id,
    )
    return values
