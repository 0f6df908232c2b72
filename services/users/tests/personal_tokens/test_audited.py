"""What the audit log and a mail keep of personal tokens, and which are never made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from audited import DAY_S, FROM, done, entry, last_entry, left_s
from sqlalchemy.ext.asyncio import AsyncSession
from users_world import World
from vitrine_users.personal_tokens import service as personal_tokens
from vitrine_users.personal_tokens.errors import NoSuchToken, ScopesTooWide, TokenRefused, TooManyTokens
from vitrine_users.personal_tokens.text import new_token


async def test_a_personal_token_that_is_made_and_withdrawn(world: World) -> None:
    person = await world.person()
    held = ["users:read", "catalog:write"]
    row, text = await done(
        world,
        lambda session: personal_tokens.make(
            session,
            person.id,
            name="Backup",
            scopes=["users:read", "users:read"],
            held=held,
            days=7,
            address=FROM,
        ),
    )

    found = await last_entry(world, person)
    details = {
        "token_id": str(row["id"]), "scopes": ["users:read"], "expires_at": found["details"]["expires_at"],
    }  # fmt: skip
    assert found == entry("token.created", person.id, details)
    assert datetime.fromisoformat(details["expires_at"]) == row["expires_at"]
    assert 7 * DAY_S - 10 < left_s(row["expires_at"]) <= 7 * DAY_S
    mail = (await world.mails_to(person.email))[-1]
    assert mail["template"] == "token-created"
    assert "Backup" in mail["text"]
    assert "users:read" in mail["text"]
    database = world.app.extensions["vitrine"].database
    proved = await personal_tokens.prove(database, text, address=FROM)
    assert proved["id"] == row["id"]
    await personal_tokens.prove(database, text, address="192.0.2.1")
    used = "SELECT last_address FROM users.personal_access_tokens WHERE id = $1"
    assert await world.sql.fetchval(used, row["id"]) == FROM, "a use is noted once a minute"
    for worthless in ("", text[:-1], new_token()):
        with pytest.raises(TokenRefused):
            await personal_tokens.prove(database, worthless, address=FROM)

    await done(world, lambda session: personal_tokens.withdraw(session, person.id, row["id"], address=FROM))
    assert await last_entry(world, person) == entry("token.revoked", person.id, {"token_id": str(row["id"])})
    with pytest.raises(NoSuchToken):
        await done(
            world, lambda session: personal_tokens.withdraw(session, person.id, row["id"], address=FROM)
        )


async def test_a_personal_token_is_refused_its_too_wide_scopes_by_name_and_the_51st_altogether(
    world: World,
) -> None:
    person = await world.person()

    async def make(session: AsyncSession, *scopes: str) -> None:
        await personal_tokens.make(
            session, person.id, name="n", scopes=scopes, held=["users:read"], days=1, address=FROM
        )

    with pytest.raises(ScopesTooWide) as caught:
        await done(world, lambda session: make(session, "users:read", "users:roles", "catalog:write"))
    assert caught.value.detail == "You may not do this yourself: catalog:write, users:roles."

    async def make_fifty(session: AsyncSession) -> None:
        for _ in range(50):
            await make(session)

    await done(world, make_fifty)
    with pytest.raises(TooManyTokens, match="50"):
        await done(world, make)


def test_a_personal_token_may_do_what_both_it_and_its_owner_may() -> None:
    token: Any = {"scopes": ["c", "b", "a"], "permissions": ["d", "c", "b"]}

    assert personal_tokens.rights_of(token) == ["b", "c"]
